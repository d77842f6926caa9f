"""Kill trials: many kills at random moments, and what was lost or doubled by each."""

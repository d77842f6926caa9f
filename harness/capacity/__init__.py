"""What a system carries, from the stairs of a climb: pure figures, each with what it rests on. Asks nobody."""

"""What is to happen, as data: forecasts and stress plans, later drills and playbooks; and the models that read it."""

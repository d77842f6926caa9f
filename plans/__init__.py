"""What is to happen, as data: forecasts, stress plans, faults, drills, playbooks; and the models that read them."""

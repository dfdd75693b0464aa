"""Search problems, and a race of our samplers against Optuna's on them in simulated time."""

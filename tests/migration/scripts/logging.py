# compare: kind
"""Messages go where the script wants them."""

import io
import logging

import optuna

stream = io.StringIO()
handler = logging.StreamHandler(stream)
optuna.logging.set_verbosity(optuna.logging.INFO)
optuna.logging.disable_default_handler()
optuna.logging.get_logger("optuna").addHandler(handler)
study = optuna.create_study()
study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
optuna.logging.get_logger("optuna").removeHandler(handler)
optuna.logging.enable_default_handler()
optuna.logging.set_verbosity(optuna.logging.WARNING)

lines = [line for line in stream.getvalue().splitlines() if line.startswith("Trial ")]
assert all("finished with value" in line and "parameters: {'x':" in line for line in lines)
result = {"lines": len(lines), "level": optuna.logging.get_verbosity()}

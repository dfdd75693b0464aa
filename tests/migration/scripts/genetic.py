# compare: kind
"""NSGA-II with an operator of its own choice."""

import optuna


def objective(trial):
    xs = [trial.suggest_float(f"x{i}", 0, 1) for i in range(4)]
    g = 1 + 9 * sum(xs[1:]) / 3
    return xs[0], g * (1 - (xs[0] / g) ** 0.5)


crossover = optuna.samplers.nsgaii.SBXCrossover(eta=5)
sampler = optuna.samplers.NSGAIISampler(population_size=10, crossover=crossover, seed=3)
study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
study.optimize(objective, n_trials=60)

result = {"n": len(study.trials), "front": len(study.best_trials) > 1}

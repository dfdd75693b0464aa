# compare: kind, on Ray by kind
"""A small network, its layers chosen by the trial."""

import optuna
import torch


def objective(trial):
    torch.manual_seed(0)
    x = torch.linspace(-1, 1, 64).unsqueeze(1)
    y = x**2
    layers, width = [], 1
    for i in range(trial.suggest_int("n_layers", 1, 2)):
        out = trial.suggest_int(f"n_units_l{i}", 4, 16)
        layers += [torch.nn.Linear(width, out), torch.nn.ReLU()]
        width = out
    model = torch.nn.Sequential(*layers, torch.nn.Linear(width, 1))
    name = trial.suggest_categorical("optimizer", ["Adam", "SGD"])
    optimizer = getattr(torch.optim, name)(
        model.parameters(), lr=trial.suggest_float("lr", 1e-3, 1e-1, log=True)
    )
    for epoch in range(5):
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        trial.report(loss.item(), epoch)
        if trial.should_prune():
            raise optuna.exceptions.TrialPruned()
    return loss.item()


study = optuna.create_study(direction="minimize")
study.optimize(objective, n_trials=8, timeout=60)

result = {"n": len(study.trials), "best": study.best_value, "params": sorted(study.best_params)[:1]}

"""Optuna opens the database of a real search and agrees on every trial, while it may still be going on."""

import optuna
import pytest

import raystudy
from raystudy.trial import TrialState

optuna.logging.set_verbosity(optuna.logging.ERROR)


def objective(trial):
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    depth = trial.suggest_int("depth", 1, 9, step=2)
    kind = trial.suggest_categorical("kind", ["a", "b", None])
    momentum = trial.suggest_float("momentum", 0.0, 0.9, step=0.1) if kind == "b" else 0.0
    trial.set_user_attr("host", "here")
    if trial.number == 5:
        return None
    state = trial.load_checkpoint()
    for epoch in range(0 if state is None else state + 1, 9):
        trial.save_checkpoint(epoch, step=epoch)
        trial.report(lr + depth + momentum - epoch * 0.1, epoch)
        if trial.should_prune():
            raise raystudy.TrialPruned
    return lr + depth + momentum


@pytest.fixture
def search(url, tmp_path):
    storage = raystudy.storages.RDBStorage(url)
    study = raystudy.create_study(
        storage=storage,
        study_name="search",
        sampler=raystudy.samplers.TPESampler(seed=2, n_startup_trials=5),
        pruner=raystudy.pruners.HyperbandPruner(1, 9, 3),
    )
    study.enqueue_trial({"lr": 0.5e-2, "depth": 3}, user_attrs={"by": "hand"})
    study.optimize(objective, n_trials=20, show_progress_bar=False, storage_path=str(tmp_path))
    yield study
    storage.close()


def test_optuna_agrees_on_every_trial_of_a_search(url, search):
    storage = optuna.storages.RDBStorage(url)
    theirs = optuna.load_study(study_name="search", storage=storage)
    assert len(theirs.trials) == len(search.trials) == 20
    for our, their in zip(search.trials, theirs.trials, strict=True):
        assert (our.number, our.state, our.values) == (their.number, int(their.state), their.values)
        assert our.params == their.params
        assert our.intermediate_values == their.intermediate_values
        assert our.user_attrs == their.user_attrs
        assert our.system_attrs == their.system_attrs
        assert (our.datetime_start, our.datetime_complete) == (their.datetime_start, their.datetime_complete)
        for name, distribution in our.distributions.items():
            text = optuna.distributions.distribution_to_json(their.distributions[name])
            assert raystudy.distributions.json_to_distribution(text) == distribution
    assert theirs.best_trial.number == search.best_trial.number
    assert {t.state for t in search.trials} == {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}
    storage.engine.dispose()


def test_optuna_goes_on_with_our_search_and_we_with_theirs(url, search):
    storage = optuna.storages.RDBStorage(url)
    theirs = optuna.load_study(study_name="search", storage=storage)
    theirs.optimize(lambda trial: trial.suggest_float("lr", 1e-5, 1e-1, log=True), n_trials=3)
    storage.engine.dispose()
    search.optimize(objective, n_trials=2, show_progress_bar=False)
    assert [trial.number for trial in search.trials] == list(range(25))

"""Why each trial went on, waited or stopped is stored with it, as it was decided."""

import json

import pytest

import raystudy
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler

#: Values of the trials at every step; with Hyperband(1, 4, 2) in sync, trials 0 to 3 make the first bracket.
VALUES = [0.4, 0.1, 0.3, 0.2]


@pytest.fixture
def rulings(tmp_path):
    def objective(trial):
        for step in range(0 if trial.resume_step is None else trial.resume_step + 1, 4):
            trial.save_checkpoint({}, step=step)
            trial.report(VALUES[trial.number], step)
            if trial.should_prune():
                raise raystudy.TrialPruned
        return VALUES[trial.number]

    study = raystudy.create_study(
        storage=f"sqlite:///{tmp_path}/study.db",
        sampler=RandomSampler(0),
        pruner=HyperbandPruner(1, 4, 2, mode="sync"),
    )
    study.optimize(objective, 4, executor="inline", show_progress_bar=False)
    return [trial.system_attrs["raystudy:rulings"] for trial in study.trials]


def at(rung, rank, of, places=None, taken=None):
    facts = {"rung": rung, "budget": 2**rung, "rank": rank, "of": of}
    return facts if places is None else {**facts, "places": places, "taken": taken}


def test_rulings_are_those_counted_by_hand(rulings):
    pause, promote, drop = ({"what": what} for what in ("pause", "promote", "drop"))
    assert rulings[0] == [pause | {"step": 0} | at(0, 1, 1), drop | at(0, 4, 4, 2, 2)]
    assert rulings[2] == [pause | {"step": 0} | at(0, 2, 3), drop | at(0, 3, 4, 2, 2)]
    # The last one to report closes the rung, so it goes on without a pause; at the next rung it is the first.
    assert rulings[3] == [
        {"what": "continue", "step": 0} | at(0, 2, 4, 2, 2),
        pause | {"step": 1} | at(1, 1, 1, 1, 0),
        drop | at(1, 2, 2, 1, 1),
    ]
    assert rulings[1] == [
        pause | {"step": 0} | at(0, 1, 2),
        promote | at(0, 1, 4, 2, 2),
        {"what": "continue", "step": 1} | at(1, 1, 2, 1, 1),
        {"what": "continue", "step": 3} | at(2, 1, 1),
    ]


def test_rulings_are_small_and_finite(rulings):
    assert max(len(json.dumps(each, allow_nan=False)) for each in rulings) < 500

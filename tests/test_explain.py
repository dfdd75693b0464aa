"""What ``study.explain`` says of trials whose rungs are counted by hand."""

import pytest

import raystudy
from raystudy.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    PatientPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
    ThresholdPruner,
    WilcoxonPruner,
)
from raystudy.samplers import RandomSampler
from raystudy.trial import TrialState

N_STEPS = 4


def search(pruner, values, *, saves=True, direction="minimize", storage=None):
    """Run one trial per value, which reports it at each of four steps."""

    def objective(trial):
        for step in range(0 if trial.resume_step is None else trial.resume_step + 1, N_STEPS):
            if saves:
                trial.save_checkpoint({}, step=step)
            trial.report(values[trial.number], step)
            if trial.should_prune():
                raise raystudy.TrialPruned
        return values[trial.number]

    study = raystudy.create_study(
        study_name="s", sampler=RandomSampler(0), pruner=pruner, direction=direction, storage=storage
    )
    study.optimize(objective, len(values), executor="inline", show_progress_bar=False)
    return study


def sync(storage=None, **options):
    """Return a study with one full bracket: rungs at 1, 2 and 4; two of four trials go on, then one of two."""
    return search(HyperbandPruner(1, 4, 2, mode="sync"), [0.4, 0.1, 0.3, 0.2], storage=storage, **options)


# ---- rungs ---------------------------------------------------------------------------------------------


def test_dropped_trial_is_explained_by_its_rung_its_rank_and_the_places():
    explained = sync().explain(0)
    assert (explained.state, explained.bracket) == (TrialState.PRUNED, 0)
    (rung,) = explained.rungs
    assert (rung.rung, rung.budget, rung.value, rung.rank, rung.places) == (0, 1, 0.4, 4, 2)
    assert rung.values == ((1, 0.1), (3, 0.2), (2, 0.3), (0, 0.4))
    assert [(d.what, d.rank, d.of) for d in rung.decisions] == [("pause", 1, 1), ("drop", 4, 4)]
    assert str(explained) == (
        "trial 0 is PRUNED: at rung 0, dropped when the rung closed: 4th of 4 values by then, 2 could go on "
        "and 2 had\n"
        "it is in bracket 0 with rungs at 1, 2, 4; smaller values are better\n"
        "rung 0 (budget 1): value 0.4\n"
        "  told to wait: 1st of 1 value by then\n"
        "  dropped when the rung closed: 4th of 4 values by then, 2 could go on and 2 had\n"
        "  now 4th of 4 values (places: 2): trial 1 has 0.1, trial 3 has 0.2, trial 2 has 0.3, this one has 0.4"
    )


def test_promoted_trial_is_explained_at_each_of_its_rungs():
    explained = sync().explain(1)
    assert explained.summary == "it reached the last rung, 1st of 1 there"
    assert [(rung.budget, rung.rank, len(rung.values)) for rung in explained.rungs] == [
        (1, 1, 4),
        (2, 1, 2),
        (4, 1, 1),
    ]
    assert [d.what for d in explained.decisions] == ["pause", "promote", "continue", "continue"]
    assert "promoted: 1st of 4 values by then, 2 could go on and 2 had" in str(explained)


def test_larger_values_are_better_where_the_study_maximizes():
    explained = sync(direction="maximize").explain(0)
    assert "larger values are better" in str(explained)
    assert explained.rungs[0].rank == 1
    assert explained.state is TrialState.COMPLETE


def test_explanation_is_the_same_from_the_database_alone(tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    before = [str(sync(storage=url).explain(number)) for number in range(1)]
    study = raystudy.load_study(study_name="s", storage=url)
    assert [str(study.explain(number)) for number in range(1)] == before


def test_pause_without_a_checkpoint_is_named():
    study = search(HyperbandPruner(1, 4, 2, mode="promote"), [0.4, 0.1, 0.3, 0.2], saves=False)
    assert "told to wait without a checkpoint" in study.explain(0).summary


def test_old_study_without_stored_decisions_is_explained_by_its_rungs():
    study = sync()
    for trial in study.get_trials(deepcopy=False):
        del trial.system_attrs["raystudy:rulings"]
    explained = study.explain(0)
    assert explained.decisions == ()
    assert (explained.rungs[0].rank, explained.rungs[0].places) == (4, 2)
    assert "4th of 4 values (places: 2)" in str(explained)


def test_values_between_the_best_the_cut_and_the_trial_are_left_out_of_the_text():
    values = [i / 100 for i in range(64)]
    text = str(search(SuccessiveHalvingPruner(1, 4, mode="promote"), values).explain(60))
    assert "trial 1 has 0.01, trial 2 has 0.02, trial 3 has 0.03, ..., trial 15" in text
    assert "..., trial 59 has 0.59, this one has 0.6, trial 61 has 0.61, ..." in text
    assert "trial 40" not in text


def test_rungs_of_the_mode_stop_are_those_that_were_decided_at():
    explained = search(HyperbandPruner(1, 4, 2, mode="stop"), [0.1, 0.2, 0.3, 0.4], saves=False).explain(3)
    assert explained.rungs[0].rank >= 2
    assert explained.summary.startswith("at rung 0, stopped for good: 2nd of 2 values by then, 1 could go on")


def test_waiting_and_parked_trials_are_explained():
    study = raystudy.create_study(pruner=HyperbandPruner(1, 4, 2, mode="sync"))
    for value in (0.2, 0.1):
        trial = study.ask()
        trial.save_checkpoint({}, step=0)
        trial.report(value, 0)
        study.park(trial)
    study.enqueue_trial({})
    assert study.explain(0).summary == "it waits at step 0; at rung 0, told to wait: 1st of 1 value by then"
    assert study.explain(2).summary == "it was enqueued and has not begun"
    study.close()
    assert "it waited at rung 0 until the end and was not promoted" in study.explain(0).summary


# ---- other pruners -------------------------------------------------------------------------------------


class OddOnesOut(BasePruner):
    def prune(self, study, trial):
        return trial.number % 2 == 1


FALLING = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]


@pytest.mark.parametrize(
    ("pruner", "number", "reason"),
    [
        (
            MedianPruner(3),
            3,
            "at step 0, stopped for good: its best value so far, 0.4, is worse than 0.2, the median of the 3 complete "
            "trials at step 0",
        ),
        (
            PercentilePruner(25.0, 3),
            3,
            "is worse than 0.15, the bound of the best 25 % of the 3 complete trials",
        ),
        (ThresholdPruner(upper=0.45), 4, "at step 0, stopped for good: its value 0.5 is above 0.45"),
        (ThresholdPruner(lower=0.15), 0, "its value 0.1 is below 0.15"),
        (PatientPruner(ThresholdPruner(upper=0.45), 1), 0, "the pruner let it run to its end"),
        (WilcoxonPruner(), 3, "it is worse than trial 0, the best one, on 4 common steps"),
        (OddOnesOut(), 1, "at step 0, stopped for good: OddOnesOut.prune returned True"),
        (NopPruner(), 5, "the pruner let it run to its end"),
    ],
)
def test_other_pruners_say_why_too(pruner, number, reason):
    assert reason in str(search(pruner, FALLING, saves=False).explain(number))


def test_pruner_that_is_not_stored_with_the_study_is_explained_from_the_database(tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    before = str(search(OddOnesOut(), FALLING, saves=False, storage=url).explain(1))
    assert str(raystudy.load_study(study_name="s", storage=url).explain(1)) == before


def test_trial_that_ended_itself_or_failed_is_nobody_elses_doing():
    def objective(trial):
        if trial.number == 0:
            raise raystudy.TrialPruned
        raise ArithmeticError

    study = raystudy.create_study()
    study.optimize(objective, 2, catch=ArithmeticError, executor="inline", show_progress_bar=False)
    assert "no pruner has decided that" in study.explain(0).summary
    assert "no pruner had a part in that" in study.explain(1).summary


def test_trial_of_another_program_is_its_own_business():
    study = raystudy.create_study()
    study.add_trial(raystudy.create_trial(state=TrialState.PRUNED, intermediate_values={0: 1.0}))
    assert study.explain(0).summary == "another program ran it, and has not left its reason"


def test_unknown_trial_is_an_error_that_says_what_there_is():
    with pytest.raises(ValueError, match="no trial 9; it has 4, numbered from 0"):
        sync().explain(9)

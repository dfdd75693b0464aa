"""Reading a study: its best trial, its trials and attributes, and trials added by hand."""

import pytest

import raystudy
from raystudy.distributions import FloatDistribution
from raystudy.trial import TrialState


def square(trial):
    return trial.suggest_float("x", -1.0, 1.0) ** 2


def run(study, objective=square, n_trials=5, **options):
    study.optimize(objective, n_trials, show_progress_bar=False, executor="inline", **options)
    return study


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/study.db"


def test_best_trial_is_the_best_complete_one():
    study = raystudy.create_study(direction="maximize")
    run(study, lambda trial: [3.0, float("-inf"), 7.0, 5.0][trial.number], 4)
    assert (study.best_trial.number, study.best_value, study.best_params) == (2, 7.0, {})


def test_best_trial_needs_a_complete_one_and_one_objective():
    with pytest.raises(ValueError, match="no trial is complete"):
        raystudy.create_study().best_value  # noqa: B018
    several = raystudy.create_study(directions=["minimize", "maximize"])
    for name in ("best_trial", "best_value", "best_params", "direction"):
        with pytest.raises(RuntimeError, match="one objective"):
            getattr(several, name)


def test_trials_are_copies():
    study = run(raystudy.create_study(), n_trials=1)
    study.trials[0].params["x"] = 99.0
    study.best_trial.params["x"] = 99.0
    assert study.best_params["x"] != 99.0


def test_trials_of_some_states_are_found():
    study = run(raystudy.create_study(), n_trials=2)
    study.enqueue_trial({"x": 0.0})
    assert [t.number for t in study.get_trials(states=(TrialState.WAITING,))] == [2]


def test_user_attributes_are_kept(url):
    def objective(trial):
        trial.set_user_attr("seen", 1)
        trial.set_user_attr("seen", [trial.number])
        return 1.0

    study = run(raystudy.create_study(storage=url, study_name="a"), objective, 2)
    study.set_user_attr("note", {"by": "me"})
    again = raystudy.load_study(study_name="a", storage=url)
    assert again.user_attrs == {"note": {"by": "me"}}
    assert [trial.user_attrs for trial in again.trials] == [{"seen": [0]}, {"seen": [1]}]


def test_best_trial_can_be_trained_again():
    seen = []

    def objective(trial):
        x = trial.suggest_float("x", -1, 1)
        state = trial.load_checkpoint()
        trial.set_user_attr("x", x)
        trial.save_checkpoint({"x": x}, step=0)
        trial.report(x, 0)
        seen.append((x, state, trial.number, trial.should_prune()))
        return x

    study = run(raystudy.create_study(), objective, 3)
    best = study.best_trial
    assert objective(best) == best.value
    assert seen[-1] == (best.params["x"], None, best.number, False)


def test_trial_made_by_hand_is_added_with_the_next_number():
    study = run(raystudy.create_study(), n_trials=1)
    by_hand = raystudy.create_trial(
        value=-5.0, params={"x": 0.5}, distributions={"x": FloatDistribution(-1, 1)}
    )
    study.add_trial(by_hand)
    assert (study.best_trial.number, study.best_params) == (1, {"x": 0.5})


@pytest.mark.parametrize(
    "parts",
    [
        {"value": 1.0, "values": [1.0]},
        {"value": 1.0, "params": {"x": 1.0}},
        {"value": 1.0, "params": {"x": 9.0}, "distributions": {"x": FloatDistribution(0, 1)}},
        {},
        {"value": float("nan")},
        {"state": TrialState.FAIL, "value": 1.0},
    ],
)
def test_trial_made_by_hand_that_contradicts_itself_is_refused(parts):
    with pytest.raises(ValueError, match=r"value|params|parameter"):
        raystudy.create_trial(**parts)


def test_trial_with_another_number_of_values_is_not_added():
    study = raystudy.create_study()
    with pytest.raises(ValueError, match="one value per objective, 1"):
        study.add_trial(raystudy.create_trial(values=[1.0, 2.0]))
    assert study.trials == []

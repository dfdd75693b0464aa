"""Opening, naming and reopening studies in this process."""

import pytest

import raystudy
from raystudy.exceptions import DuplicatedStudyError
from raystudy.orchestrator.ledger import SEED
from raystudy.pruners import HyperbandPruner, NopPruner
from raystudy.samplers import RandomSampler, TPESampler
from raystudy.storages import get_storage
from raystudy.trial import StudyDirection


def square(trial):
    return trial.suggest_float("x", -1.0, 1.0) ** 2


def run(study, n_trials=5):
    study.optimize(square, n_trials, show_progress_bar=False, executor="inline")
    return study


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/study.db"


def test_name_that_is_taken_is_refused_unless_the_study_is_to_be_loaded(url):
    run(raystudy.create_study(storage=url, study_name="a"), n_trials=1)
    with pytest.raises(DuplicatedStudyError, match=r"'a'.*load_if_exists=True"):
        raystudy.create_study(storage=url, study_name="a")
    assert len(raystudy.create_study(storage=url, study_name="a", load_if_exists=True).trials) == 1


def test_other_direction_is_refused_by_an_error_that_names_both(url):
    raystudy.create_study(storage=url, study_name="a", direction="minimize")
    with pytest.raises(ValueError, match=r"minimize.*maximize"):
        raystudy.create_study(storage=url, study_name="a", direction="maximize", load_if_exists=True)


def test_study_loaded_without_a_direction_keeps_its_own(url):
    raystudy.create_study(storage=url, study_name="a", direction="maximize")
    loaded = raystudy.create_study(storage=url, study_name="a", load_if_exists=True)
    assert loaded.direction is StudyDirection.MAXIMIZE


@pytest.mark.parametrize(
    "wrong", [{"direction": "up"}, {"directions": []}, {"direction": "minimize", "directions": ["minimize"]}]
)
def test_wrong_direction_is_refused(wrong):
    with pytest.raises(ValueError, match="direction"):
        raystudy.create_study(**wrong)


def test_study_that_does_not_exist_is_named(url):
    with pytest.raises(KeyError, match="'b'"):
        raystudy.load_study(study_name="b", storage=url)
    with pytest.raises(KeyError, match="'b'"):
        raystudy.delete_study(study_name="b", storage=url)


@pytest.mark.parametrize(
    "wrong",
    [{"sampler": "tpe"}, {"sampler": TPESampler}, {"pruner": "median"}, {"pruner": HyperbandPruner}],
    ids=str,
)
def test_what_is_no_sampler_or_pruner_is_refused_and_leaves_no_study(url, wrong):
    [what] = wrong
    with pytest.raises(TypeError, match=f"expected a {what}, such as raystudy"):
        raystudy.create_study(storage=url, study_name="a", **wrong)
    raystudy.create_study(storage=url, study_name="a")
    with pytest.raises(TypeError, match=f"expected a {what}"):
        raystudy.load_study(storage=url, study_name="a", **wrong)


def test_checkpoints_in_memory_are_refused_under_ray_before_any_trial(url):
    study = raystudy.create_study(storage=url)
    with pytest.raises(ValueError, match=r"memory of one process.*executor=\"inline\""):
        study.optimize(square, 1, executor="ray", storage_path="memory://here", show_progress_bar=False)
    assert study.trials == []


def test_only_study_of_a_storage_is_loaded_without_its_name(url):
    raystudy.create_study(storage=url, study_name="a")
    assert raystudy.load_study(study_name=None, storage=url).study_name == "a"
    raystudy.create_study(storage=url, study_name="b")
    with pytest.raises(ValueError, match="exactly one study"):
        raystudy.load_study(study_name=None, storage=url)


def test_deleted_study_is_gone(url):
    for name in "ab":
        raystudy.create_study(storage=url, study_name=name)
    raystudy.delete_study(study_name="a", storage=url)
    assert raystudy.get_all_study_names(url) == ["b"]


def test_reopened_study_has_its_sampler_pruner_and_seed(url):
    sampler, pruner = TPESampler(n_startup_trials=3, seed=11), HyperbandPruner(1, 9, 3, mode="sync")
    run(raystudy.create_study(storage=url, study_name="a", sampler=sampler, pruner=pruner))
    loaded = raystudy.load_study(study_name="a", storage=url)
    assert (loaded.sampler, loaded.pruner) == (sampler, pruner)
    in_one_go = run(raystudy.create_study(sampler=sampler), n_trials=10)
    assert [t.params for t in run(loaded).trials] == [t.params for t in in_one_go.trials]


def test_reopened_study_without_a_seed_goes_on_with_the_one_it_drew(url):
    run(raystudy.create_study(storage=url, study_name="a", sampler=RandomSampler()), n_trials=2)
    again = run(raystudy.load_study(study_name="a", storage=url), n_trials=2)
    assert len({trial.params["x"] for trial in again.trials}) == 4
    seed = get_storage(url).read_study(1).system_attrs[SEED]
    copy = raystudy.create_study(sampler=RandomSampler(seed))
    assert [t.params for t in run(copy, n_trials=4).trials] == [t.params for t in again.trials]


def test_sampler_given_at_creation_is_remembered_before_any_trial(url):
    raystudy.create_study(
        storage=url, study_name="a", sampler=RandomSampler(4), pruner=HyperbandPruner(1, 9, 3)
    )
    again = raystudy.load_study(study_name="a", storage=url)
    assert (again.sampler, again.pruner) == (RandomSampler(4), HyperbandPruner(1, 9, 3))


@pytest.mark.parametrize("sampler", [TPESampler(n_startup_trials=5, seed=7), RandomSampler(7)])
def test_twenty_trials_and_twenty_after_reopening_equal_forty(url, sampler):
    def objective(trial):
        x, kind = trial.suggest_float("x", -1.0, 1.0), trial.suggest_categorical("kind", ["a", "b"])
        y = trial.suggest_int("y", 0, 9) if kind == "a" else 3
        return x**2 + abs(y - 2) / 9

    def search(study, n_trials):
        study.optimize(objective, n_trials, show_progress_bar=False, executor="inline")
        return [(t.number, t.params, t.values) for t in study.trials]

    search(raystudy.create_study(storage=url, study_name="a", sampler=sampler), 20)
    in_two = search(raystudy.create_study(storage=url, study_name="a", load_if_exists=True), 20)
    assert in_two == search(raystudy.create_study(sampler=sampler), 40)


def test_settings_that_stay_are_not_remarked_upon(url, capfd):
    for _ in range(2):
        sampler, pruner = TPESampler(seed=3), HyperbandPruner(1, 9, 3)
        run(
            raystudy.create_study(
                storage=url, study_name="a", sampler=sampler, pruner=pruner, load_if_exists=True
            )
        )
    assert "from now on" not in capfd.readouterr().err


def test_sampler_and_pruner_given_at_reopening_win_and_a_line_says_so(url, capfd):
    run(raystudy.create_study(storage=url, study_name="a", pruner=HyperbandPruner(1, 9, 3)), n_trials=1)
    loaded = raystudy.load_study(study_name="a", storage=url, sampler=RandomSampler(4), pruner=NopPruner())
    assert "from now on" not in capfd.readouterr().err  # reading changes nothing
    run(loaded, n_trials=1)
    again = raystudy.load_study(study_name="a", storage=url)
    assert (again.sampler, again.pruner) == (RandomSampler(4), NopPruner())
    lines = [line for line in capfd.readouterr().err.splitlines() if "from now on" in line]
    assert len(lines) == 2
    assert "RandomSampler(seed=4)" in lines[0]
    assert "TPESampler(" in lines[0]

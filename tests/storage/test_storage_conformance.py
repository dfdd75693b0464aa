"""What every storage does, in memory and in both databases."""

import datetime as dt
import math
import pickle
import threading

import pytest

from raystudy.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.storages.base import ClaimTrial, CreateTrial, FinishTrial, Report, SetAttrs, SetParams

NOW = dt.datetime(2026, 7, 1, 12, 30, 15)  # whole seconds: MySQL keeps no more
LATER = NOW + dt.timedelta(seconds=90)
PARAMS = {
    "lr": (1e-3, FloatDistribution(1e-5, 1e-1, log=True)),
    "depth": (3, IntDistribution(1, 9, step=2)),
    "kind": (None, CategoricalDistribution((1, "a", None, True, 0.5))),
}


def running(number=None, **parts):
    return CreateTrial(number, TrialState.RUNNING, NOW, **parts)


def waiting(number=None, **parts):
    return CreateTrial(number, TrialState.WAITING, None, **parts)


def create(storage, study_id, *writes):
    return [identity[0] for identity in storage.commit(study_id, writes).created]


def complete(trial_id, *values):
    return FinishTrial(trial_id, TrialState.COMPLETE, values, LATER)


def test_a_deleted_study_takes_its_trials_with_it_and_leaves_the_others(storage, study_id):
    other = storage.create_study("other", [StudyDirection.MINIMIZE])
    parts = {"params": PARAMS, "user_attrs": {"a": 1}, "intermediate_values": {0: 1.0}}
    (kept,) = create(storage, other, running(**parts))
    (gone,) = create(storage, study_id, running(**parts))
    storage.commit(study_id, [complete(gone, 1.0)])
    storage.delete_study(study_id)
    assert storage.study_names() == ["other"]
    assert [trial.trial_id for trial in storage.read_trials(other)] == [kept]
    with pytest.raises(KeyError):
        storage.read_trial(gone)


@pytest.mark.parametrize(
    "verb",
    [
        lambda storage: storage.read_study(99),
        lambda storage: storage.delete_study(99),
        lambda storage: storage.set_study_attrs(99, {"a": 1}, {}),
        lambda storage: storage.read_trials(99),
        lambda storage: storage.read_trial(99),
        lambda storage: storage.commit(99, [running()]),
        lambda storage: storage.commit(99, [complete(1, 0.0)]),
    ],
)
def test_what_does_not_exist_is_a_key_error(storage, verb):
    with pytest.raises(KeyError, match="99"):
        verb(storage)


def test_a_study_made_anew_under_the_same_name_has_no_trials_of_the_old_one(storage, study_id):
    old = create(storage, study_id, running(), running())
    storage.commit(study_id, [complete(old[0], 1.0), complete(old[1], 2.0)])
    assert len(storage.read_trials(study_id)) == 2
    storage.delete_study(study_id)
    anew = storage.create_study("study", [StudyDirection.MINIMIZE])
    assert storage.read_trials(anew) == []


def test_everything_of_a_created_trial_is_read_back(storage, study_id):
    write = CreateTrial(
        0,
        TrialState.COMPLETE,
        NOW,
        params=PARAMS,
        user_attrs={"note": "ü", "list": [1, {"x": None}]},
        system_attrs={"raystudy:call": "c"},
        values=[-math.inf],
        intermediate_values={0: math.inf, 7: 1.5},
        datetime_complete=LATER,
    )
    (trial_id,) = create(storage, study_id, write)
    expected = FrozenTrial(
        number=0,
        state=TrialState.COMPLETE,
        values=[-math.inf],
        datetime_start=NOW,
        datetime_complete=LATER,
        params={name: value for name, (value, _) in PARAMS.items()},
        distributions={name: distribution for name, (_, distribution) in PARAMS.items()},
        user_attrs={"note": "ü", "list": [1, {"x": None}]},
        system_attrs={"raystudy:call": "c"},
        intermediate_values={0: math.inf, 7: 1.5},
        trial_id=trial_id,
    )
    assert storage.read_trial(trial_id) == expected
    assert storage.read_trials(study_id) == [expected]
    assert storage.read_trials(study_id)[0].params["kind"] is None


def test_numbers_count_up_from_zero_within_a_study(storage, study_id):
    other = storage.create_study("other", [StudyDirection.MINIMIZE])
    assert [number for _, number in storage.commit(study_id, [running(), running(1)]).created] == [0, 1]
    assert [number for _, number in storage.commit(other, [running(0)]).created] == [0]
    assert [number for _, number in storage.commit(study_id, [running(2)]).created] == [2]
    assert [trial.number for trial in storage.read_trials(study_id)] == [0, 1, 2]


def test_a_number_that_is_not_the_next_free_one_creates_nothing(storage, study_id):
    result = storage.commit(study_id, [running(5), running(0), running(0), running(None)])
    assert [identity and identity[1] for identity in result.created] == [None, 0, None, 1]
    assert result.next_number == 2
    assert len(storage.read_trials(study_id)) == 2
    result = storage.commit(study_id, [running(0)])
    assert (result.created, result.next_number) == ([None], 2)


def test_a_waiting_trial_is_claimed_once(storage, study_id):
    (trial_id,) = create(storage, study_id, waiting(system_attrs={"fixed_params": {"x": 1}}))
    claim = ClaimTrial(trial_id, NOW, {"raystudy:call": "c"})
    assert storage.commit(study_id, [claim, claim]).claimed == [True, False]
    assert storage.commit(study_id, [claim]).claimed == [False]
    trial = storage.read_trial(trial_id)
    assert (trial.state, trial.datetime_start) == (TrialState.RUNNING, NOW)
    assert trial.system_attrs == {"fixed_params": {"x": 1}, "raystudy:call": "c"}


def test_the_first_parameter_and_report_and_the_last_attribute_count(storage, study_id):
    (trial_id,) = create(storage, study_id, running(params={"lr": PARAMS["lr"]}))
    space = PARAMS["lr"][1]
    writes = [
        SetParams(trial_id, {"lr": (1e-2, space), "depth": PARAMS["depth"]}),
        SetParams(trial_id, {"depth": (9, PARAMS["depth"][1])}),
        Report(trial_id, 1, 0.5),
        Report(trial_id, 1, 0.7),
        SetAttrs(trial_id, {"a": 1}, {"s": 1}),
        SetAttrs(trial_id, {"a": 2}, {"s": 2}),
    ]
    storage.commit(study_id, writes)
    storage.commit(study_id, [*writes[:1], Report(trial_id, 1, 0.9), SetAttrs(trial_id, {"a": 3})])
    trial = storage.read_trial(trial_id)
    assert trial.params == {"lr": 1e-3, "depth": 3}
    assert trial.intermediate_values == {1: 0.5}
    assert (trial.user_attrs, trial.system_attrs) == ({"a": 3}, {"s": 2})


def test_the_first_result_of_a_trial_stands(storage, study_id):
    ids = create(storage, study_id, running(), running(), waiting())
    storage.commit(study_id, [complete(ids[0], 1.0)])
    late = [
        complete(ids[0], 2.0),
        Report(ids[0], 0, 1.0),
        SetAttrs(ids[0], {"a": 1}),
        SetParams(ids[0], PARAMS),
        complete(ids[1], 3.0),
        FinishTrial(ids[2], TrialState.FAIL, None, LATER),
    ]
    assert storage.commit(study_id, late).refused == {ids[0]}
    first, second, third = storage.read_trials(study_id)
    assert (first.values, first.params, first.user_attrs) == ([1.0], {}, {})
    assert first.intermediate_values == {}
    assert (second.values, third.state, third.values) == ([3.0], TrialState.FAIL, None)


def test_writes_after_a_finish_in_the_same_commit_are_refused(storage, study_id):
    (trial_id,) = create(storage, study_id, running())
    writes = [
        Report(trial_id, 0, 0.5),
        complete(trial_id, 1.0),
        Report(trial_id, 1, 0.6),
        complete(trial_id, 9.0),
    ]
    assert storage.commit(study_id, writes).refused == {trial_id}
    trial = storage.read_trial(trial_id)
    assert (trial.values, trial.intermediate_values) == ([1.0], {0: 0.5})


def test_a_write_to_a_trial_of_another_study_or_of_none_is_refused(storage, study_id):
    other = storage.create_study("other", [StudyDirection.MINIMIZE])
    (trial_id,) = create(storage, other, running())
    result = storage.commit(study_id, [complete(trial_id, 1.0), complete(12345, 1.0), ClaimTrial(777, NOW)])
    assert (result.refused, result.claimed) == ({trial_id, 12345}, [False])
    assert storage.read_trial(trial_id).state is TrialState.RUNNING


def test_a_pruned_trial_may_have_a_value_or_none(storage, study_id):
    ids = create(storage, study_id, running(), running())
    pruned = [FinishTrial(i, TrialState.PRUNED, v, LATER) for i, v in zip(ids, ([0.5], None), strict=True)]
    storage.commit(study_id, pruned)
    assert [trial.values for trial in storage.read_trials(study_id)] == [[0.5], None]


@pytest.mark.parametrize(
    ("state", "values"),
    [
        (TrialState.COMPLETE, [math.nan]),
        (TrialState.COMPLETE, None),
        (TrialState.PRUNED, [math.nan]),
        (TrialState.FAIL, [1.0]),
        (TrialState.RUNNING, None),
    ],
)
def test_an_impossible_result_is_refused_and_nothing_is_written(storage, study_id, state, values):
    (trial_id,) = create(storage, study_id, running())
    with pytest.raises(ValueError, match="expected"):
        storage.commit(
            study_id, [running(), Report(trial_id, 0, 1.0), FinishTrial(trial_id, state, values, NOW)]
        )
    (trial,) = storage.read_trials(study_id)
    assert (trial.state, trial.intermediate_values) == (TrialState.RUNNING, {})


def test_nan_is_kept_as_an_intermediate_value(storage, study_id):
    (trial_id,) = create(storage, study_id, running(intermediate_values={3: math.nan}))
    storage.commit(study_id, [Report(trial_id, 4, math.nan), Report(trial_id, -1, -math.inf)])
    reports = storage.read_trial(trial_id).intermediate_values
    assert (repr(reports[3]), repr(reports[4]), reports[-1]) == ("nan", "nan", -math.inf)


def test_trials_are_read_by_state(storage, study_id):
    ids = create(storage, study_id, running(), waiting(), running(), running())
    storage.commit(study_id, [complete(ids[2], 1.0), FinishTrial(ids[3], TrialState.FAIL, None, LATER)])

    def numbers(*states):
        return [trial.number for trial in storage.read_trials(study_id, states)]

    for _ in range(2):  # the second time from what was kept
        assert numbers(TrialState.WAITING) == [1]
        assert numbers(TrialState.COMPLETE, TrialState.RUNNING) == [0, 2]
        assert numbers(TrialState.FAIL) == [3]
        assert [trial.number for trial in storage.read_trials(study_id)] == [0, 1, 2, 3]


def test_what_was_read_of_an_unfinished_trial_is_a_snapshot(storage, study_id):
    (trial_id,) = create(storage, study_id, running())
    before = storage.read_trials(study_id)[0]
    before.user_attrs["mine"] = 1
    storage.commit(study_id, [Report(trial_id, 0, 1.0), complete(trial_id, 1.0)])
    after = storage.read_trials(study_id)[0]
    assert (before.state, before.intermediate_values) == (TrialState.RUNNING, {})
    assert (after.state, after.intermediate_values, after.user_attrs) == (TrialState.COMPLETE, {0: 1.0}, {})


def test_finished_trials_are_shared_between_reads(storage, study_id):
    (trial_id,) = create(storage, study_id, running())
    storage.commit(study_id, [complete(trial_id, 1.0)])
    assert storage.read_trials(study_id)[0] is storage.read_trials(study_id)[0]


def test_changes_are_the_new_trials_and_those_asked_for(storage, study_id):
    ids = create(storage, study_id, *[running() for _ in range(5)])
    storage.commit(study_id, [complete(ids[1], 1.0)])
    changed = storage.read_changes(study_id, ids[2], [ids[1], 9999])
    assert [(trial.number, trial.state.name) for trial in changed] == [
        (1, "COMPLETE"),
        (3, "RUNNING"),
        (4, "RUNNING"),
    ]
    assert storage.read_changes(study_id, ids[-1], []) == []
    assert len(storage.read_changes(study_id, 0, ids)) == 5


def test_more_than_a_thousand_trials_are_read_whole(storage, study_id):
    other = storage.create_study("other", [StudyDirection.MINIMIZE])
    create(storage, other, running(params=PARAMS))
    ids = create(storage, study_id, *[running(user_attrs={"i": i}) for i in range(1200)])
    storage.commit(study_id, [complete(trial_id, float(trial_id)) for trial_id in ids])
    trials = storage.read_trials(study_id)
    assert [(trial.number, trial.user_attrs["i"]) for trial in trials] == [(i, i) for i in range(1200)]
    assert [trial.values for trial in trials] == [[float(trial_id)] for trial_id in ids]


def test_threads_create_trials_without_gaps_or_doubles(storage, study_id):
    created = []

    def work():
        created.extend(create(storage, study_id, running(), running()) for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trials = storage.read_trials(study_id)
    assert [trial.number for trial in trials] == list(range(80))
    assert [trial.trial_id for trial in trials] == sorted(i for pair in created for i in pair)


def test_a_pickled_storage_opens_the_same_studies(storage, study_id):
    create(storage, study_id, running(params=PARAMS))
    copy = pickle.loads(pickle.dumps(storage))
    assert copy.read_trials(study_id) == storage.read_trials(study_id)
    copy.close()

"""Trials as columns, trials that decode themselves when looked at, and the best trial without the others."""

import copy
import dataclasses
import datetime as dt
import math
import pickle

import numpy as np
import pytest

from raystudy.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.storages.base import CreateTrial, FinishTrial, Report
from raystudy.storages.columns import columns_of

NOW = dt.datetime(2026, 7, 1, 12, 30, 15)  # whole seconds: MySQL keeps no more in Optuna's columns
X, WIDE = FloatDistribution(0.0, 1.0), FloatDistribution(0.0, 9.0)
KIND = CategoricalDistribution(("a", None, True))
COMPLETE = CreateTrial(
    None,
    TrialState.COMPLETE,
    NOW,
    params={"x": (0.5, X), "kind": (True, KIND), "depth": (3, IntDistribution(1, 9))},
    user_attrs={"note": [1]},
    system_attrs={"call": "c", "other": 1},
    values=[-math.inf],
    intermediate_values={7: 0.7, 2: 0.2},
    datetime_complete=NOW + dt.timedelta(seconds=1),
)
PRUNED = dataclasses.replace(
    COMPLETE,
    state=TrialState.PRUNED,
    params={"x": (8.0, WIDE)},
    values=None,
    intermediate_values={1: math.nan},
)
RUNNING = CreateTrial(None, TrialState.RUNNING, NOW)
WAITING = CreateTrial(None, TrialState.WAITING, None, system_attrs={"call": None})


def create(storage, study_id, *writes):
    return [identity[0] for identity in storage.commit(study_id, writes).created]


def scored(*values):
    return [dataclasses.replace(COMPLETE, values=[value]) for value in values]


def same(a, b):
    return np.array_equal(a, b, equal_nan=True)


def test_every_column_holds_what_was_written(storage, study_id):
    ids = create(storage, study_id, COMPLETE, PRUNED, RUNNING, WAITING)
    columns = storage.read_columns(study_id, system_attrs=["call", "none"])
    assert columns.trial_ids.tolist() == ids
    assert columns.numbers.tolist() == [0, 1, 2, 3]
    assert columns.states.tolist() == [1, 2, 0, 4]
    assert same(columns.values, [[-math.inf], [math.nan], [math.nan], [math.nan]])
    assert columns.param_names == ["x", "kind", "depth"]
    assert same(columns.column("x"), [0.5, 8.0, math.nan, math.nan])
    assert same(columns.column("kind"), [2.0, math.nan, math.nan, math.nan])
    assert columns.distributions("x") == [X, WIDE]
    assert columns.system_attrs == {"call": {0: "c", 1: "c", 3: None}, "none": {}}
    assert (columns.last_id, columns.unfinished_ids) == (ids[-1], ids[2:])


def test_a_key_with_a_colon_at_its_end_brings_all_attributes_that_begin_so(storage, study_id):
    writes = [
        dataclasses.replace(COMPLETE, system_attrs={"c": 1, "c:a": 2, "c:b_": [3], "cd": 4, "C:x": 5}),
        dataclasses.replace(COMPLETE, system_attrs={"c:a": 6}),
    ]
    create(storage, study_id, *writes)
    columns = storage.read_columns(study_id, system_attrs=["c", "c:"])
    assert columns.system_attrs == {"c": {0: 1}, "c:a": {0: 2, 1: 6}, "c:b_": {0: [3]}}
    assert storage.read_columns(study_id, system_attrs=["none:"]).system_attrs == {}


def test_reports_are_flat_and_the_last_step_is_the_largest(storage, study_id):
    create(storage, study_id, COMPLETE, PRUNED, RUNNING)
    columns = storage.read_columns(study_id)
    assert columns.reports.rows.tolist() == [0, 0, 1]
    assert columns.reports.steps.tolist() == [7, 2, 1]
    assert same(columns.reports.values, [0.7, 0.2, math.nan])
    steps, values = columns.last_reports()
    assert same(steps, [7.0, 1.0, math.nan])
    assert same(values, [0.7, math.nan, math.nan])
    assert columns.reports_by_row()[0] == {7: 0.7, 2: 0.2}


def test_times_are_in_utc(storage, study_id):
    create(storage, study_id, COMPLETE, WAITING)
    columns = storage.read_columns(study_id)
    utc = NOW.astimezone(dt.UTC).replace(tzinfo=None)
    assert columns.starts.tolist() == [utc, None]
    assert columns.completes.tolist() == [utc + dt.timedelta(seconds=1), None]


def test_columns_go_on_where_a_read_ended(storage, study_id):
    ids = create(storage, study_id, COMPLETE, RUNNING)
    first = storage.read_columns(study_id)
    storage.commit(study_id, [FinishTrial(ids[1], TrialState.COMPLETE, [2.0], NOW)])
    (new,) = create(storage, study_id, PRUNED)
    later = storage.read_columns(study_id, first.last_id, first.unfinished_ids)
    assert later.trial_ids.tolist() == [ids[1], new]
    assert later.values[:, 0].tolist()[0] == 2.0
    assert len(storage.read_columns(study_id, later.last_id, later.unfinished_ids)) == 0


def test_columns_of_several_objectives_are_as_wide_also_without_trials(storage):
    study_id = storage.create_study("two", [StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE])
    assert storage.read_columns(study_id).values.shape == (0, 2)
    create(storage, study_id, dataclasses.replace(COMPLETE, values=[1.0, 2.0]))
    assert storage.read_columns(study_id).values.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize("verb", ["read_columns", "find_best_trial"])
def test_a_study_that_is_not_there_is_a_key_error(storage, verb):
    with pytest.raises(KeyError, match="99"):
        getattr(storage, verb)(99)


def test_thousands_of_trials_among_those_of_another_study_keep_their_own(storage, study_id):
    other = storage.create_study("other", [StudyDirection.MINIMIZE])
    for number in range(3):
        create(storage, other, *[dataclasses.replace(PRUNED, params={"y": (0.5, X)}) for _ in range(300)])
        create(storage, study_id, *scored(*range(800 * number, 800 * (number + 1))))
    columns, trials = storage.read_columns(study_id), storage.read_trials(study_id)
    assert columns.values[:, 0].tolist() == [float(i) for i in range(2400)]
    assert columns.column("x").tolist() == [0.5] * 2400
    assert columns.param_names == ["x", "kind", "depth"]
    assert [trial.values for trial in trials] == columns.values.tolist()
    assert {tuple(trial.params.items()) for trial in trials} == {(("x", 0.5), ("kind", True), ("depth", 3))}
    assert {tuple(trial.intermediate_values.items()) for trial in trials} == {((7, 0.7), (2, 0.2))}


def test_columns_of_objects_are_those_of_the_rows(storage, study_id):
    create(storage, study_id, COMPLETE, PRUNED, RUNNING, WAITING)
    rows, objects = storage.read_columns(study_id), columns_of(storage.read_trials(study_id), 1)
    for name in ("trial_ids", "numbers", "states", "values", "starts", "completes"):
        assert getattr(rows, name).dtype == getattr(objects, name).dtype
        assert repr(getattr(rows, name)) == repr(getattr(objects, name))
    assert rows.params.space == objects.params.space
    for name in ("rows", "kinds", "internals"):
        assert same(getattr(rows.params, name), getattr(objects.params, name))


def test_a_trial_looked_at_late_is_as_it_was_when_it_was_read(storage, study_id):
    (trial_id,) = create(storage, study_id, RUNNING)
    early, late = storage.read_trial(trial_id), storage.read_trial(trial_id)
    assert early.intermediate_values == {}
    storage.commit(study_id, [Report(trial_id, 0, 1.0), FinishTrial(trial_id, TrialState.FAIL, None, NOW)])
    assert late == early
    assert (late.state, late.datetime_complete) == (TrialState.RUNNING, None)


def test_copies_of_a_stored_trial_are_equal_and_independent(storage, study_id):
    (trial_id,) = create(storage, study_id, COMPLETE)
    trial = storage.read_trial(trial_id)
    copies = [
        copy.deepcopy(trial),
        trial.as_stored(),
        pickle.loads(pickle.dumps(trial)),
        dataclasses.replace(trial),
    ]
    assert copies == [trial] * 4
    for each in copies[:3]:
        each.params["x"] = 0.1
        each.user_attrs["note"].append(2)
    fresh = storage.read_trial(trial_id)
    assert (trial.params, trial.user_attrs) == (fresh.params, fresh.user_attrs)
    assert fresh.user_attrs == {"note": [1]}


def test_a_copy_keeps_what_was_changed_in_a_trial_that_was_running_when_read(storage, study_id):
    (trial_id,) = create(storage, study_id, RUNNING)
    trial = storage.read_trial(trial_id)
    trial.state, trial.values = TrialState.COMPLETE, [3.0]
    trial.params["x"] = 0.5
    assert [each.values for each in (trial.as_stored(), copy.deepcopy(trial))] == [[3.0], [3.0]]
    assert trial.as_stored().params == {"x": 0.5}


def test_an_attribute_that_trials_do_not_have_is_missed_as_usual(storage, study_id):
    (trial_id,) = create(storage, study_id, COMPLETE)
    for trial in (storage.read_trial(trial_id), FrozenTrial(0, TrialState.RUNNING)):
        with pytest.raises(AttributeError, match="nothing"):
            trial.nothing  # noqa: B018


@pytest.mark.parametrize(
    ("direction", "values", "best"),
    [
        (StudyDirection.MINIMIZE, [2.0, 1.0, 1.0, 3.0], 1),
        (StudyDirection.MAXIMIZE, [2.0, 3.0, 3.0, 1.0], 1),
        (StudyDirection.MINIMIZE, [math.inf, 5.0, -1e300], 2),
        (StudyDirection.MINIMIZE, [-1e300, -math.inf, math.inf], 1),
        (StudyDirection.MAXIMIZE, [1e300, math.inf, -math.inf], 1),
        (StudyDirection.MAXIMIZE, [-math.inf, -5.0], 1),
        (StudyDirection.MAXIMIZE, [-math.inf], 0),
    ],
)
def test_the_best_trial_is_complete_and_the_oldest_of_equals(storage, direction, values, best):
    study_id = storage.create_study("best", [direction])
    create(storage, study_id, *[RUNNING, dataclasses.replace(PRUNED, values=[0.0])])
    assert storage.find_best_trial(study_id) is None
    ids = create(storage, study_id, *scored(*values))
    assert [storage.find_best_trial(study_id) for _ in range(3)] == [ids[best]] * 3


def test_the_best_trial_follows_what_finishes_later(storage, study_id):
    ids = create(storage, study_id, *scored(2.0, 5.0), RUNNING, WAITING)
    assert [storage.find_best_trial(study_id) for _ in range(3)] == [ids[0]] * 3
    storage.commit(study_id, [FinishTrial(ids[3], TrialState.COMPLETE, [1.0], NOW)])
    assert storage.find_best_trial(study_id) == ids[3]
    storage.commit(study_id, [FinishTrial(ids[2], TrialState.COMPLETE, [1.0], NOW)])
    assert storage.find_best_trial(study_id) == ids[2]
    (new,) = create(storage, study_id, *scored(0.5))
    create(storage, study_id, *scored(0.7))
    assert [storage.find_best_trial(study_id) for _ in range(2)] == [new, new]


def test_the_best_trial_of_a_study_made_anew_is_its_own(storage, study_id):
    create(storage, study_id, *scored(1.0, 2.0))
    assert None not in [storage.find_best_trial(study_id) for _ in range(3)]
    storage.delete_study(study_id)
    anew = storage.create_study("study", [StudyDirection.MAXIMIZE])
    later = [dataclasses.replace(each, datetime_start=NOW + dt.timedelta(1)) for each in scored(1.0, 2.0)]
    ids = create(storage, anew, *later)
    assert storage.find_best_trial(anew) == ids[1]

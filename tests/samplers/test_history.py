from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raystudy.distributions import CategoricalDistribution, Distribution, FloatDistribution, IntDistribution
from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers.batch import Batch
from raystudy.samplers.history import ABSENT, History, Role

X = FloatDistribution(0.0, 1.0)
WIDE = FloatDistribution(0.0, 9.0)
DEPTH = IntDistribution(1, 9)
KIND = CategoricalDistribution(("a", "b"))
VALUES = {X: 0.5, WIDE: 0.25, DEPTH: 3, KIND: "b"}


def record(
    history: History,
    number: int,
    state: TrialState,
    space: dict[str, Distribution],
    observed: tuple[int, float] | None = None,
) -> None:
    values = [1.0] * len(history.directions) if state is TrialState.COMPLETE else None
    params = {name: VALUES[d] for name, d in space.items()}
    history.update(number, state, params, space, values, observed, constraints=constraints(state, space))


def constraints(state: TrialState, space: dict[str, Distribution]) -> dict[str, float]:
    return {name: len(space) - 1.1 for name in space} if state is TrialState.COMPLETE else {}


def constraint(history: History, name: str) -> np.ndarray:
    return history.constraints.get(name, np.full(len(history), math.nan))


def minimising() -> History:
    return History([StudyDirection.MINIMIZE])


spaces = st.dictionaries(st.sampled_from("abc"), st.sampled_from([X, WIDE, DEPTH, KIND]), max_size=3)
states = st.sampled_from([TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL])
updates = st.lists(
    st.tuples(st.integers(0, 7), states, spaces, st.sampled_from([None, (3, 0.5)])), max_size=30
)


def shared_space(rows: list[dict[str, Distribution]]) -> dict[str, Distribution]:
    names = set.intersection(*(set(row) for row in rows)) if rows else set()
    return {name: rows[0][name] for name in sorted(names) if all(row[name] == rows[0][name] for row in rows)}


@given(updates)
@settings(max_examples=200, deadline=None)
def test_incremental_joint_space_equals_one_computed_from_the_final_rows(rows: list) -> None:
    history, final = minimising(), {}
    for number, state, space, observed in rows:
        record(history, number, state, space, observed)
        final[number] = (state, space, observed)
    finished = (TrialState.COMPLETE, TrialState.PRUNED)
    running = [(s, o) for state, s, o in final.values() if state is TrialState.RUNNING]
    observed = [s for state, s, _ in final.values() if state in finished] + [s for s, o in running if o]
    pending = [s for s, o in running if o is None and s]
    assert history.joint_space() == shared_space(observed or pending)
    assert list(history.joint_space()) == sorted(history.joint_space())
    n_running_pending = sum(o is None for _, o in running)
    assert (history.n_observed, history.n_pending) == (len(observed), n_running_pending)


@given(updates)
@settings(max_examples=50, deadline=None)
def test_columns_hold_the_last_row_of_each_number_and_nan_elsewhere(rows: list) -> None:
    history, final = minimising(), {}
    for number, state, space, observed in rows:
        record(history, number, state, space, observed)
        final[number] = (state, space)
    for name in "abc":
        column = history.column(name)
        assert len(column) == len(history) == max(final, default=-1) + 1
        for number in range(len(history)):
            state, space = final.get(number, (ABSENT, {}))
            assert history.states[number] == state
            expected = space[name].to_internal_repr(VALUES[space[name]]) if name in space else math.nan
            np.testing.assert_equal(column[number], expected)


def test_known_space_takes_the_newest_trial_even_if_it_was_recorded_first() -> None:
    history = minimising()
    record(history, 5, TrialState.RUNNING, {"x": WIDE})
    record(history, 2, TrialState.FAIL, {"x": X, "depth": DEPTH})
    assert history.known_space() == {"depth": DEPTH, "x": WIDE}


def test_an_observed_trial_without_parameters_empties_the_joint_space() -> None:
    history = minimising()
    record(history, 0, TrialState.COMPLETE, {"x": X})
    record(history, 1, TrialState.COMPLETE, {})
    assert history.joint_space() == {}


def test_roles_of_all_states() -> None:
    history = minimising()
    for number, state in enumerate(TrialState):
        record(history, number, state, {"x": X})
    record(history, 5, TrialState.RUNNING, {"x": X}, observed=(9, math.nan))
    expected = [Role.PENDING, Role.OBSERVED, Role.OBSERVED, Role.IGNORED, Role.IGNORED, Role.OBSERVED]
    assert history.roles.tolist() == expected
    assert history.observed_steps[5] == 9
    assert math.isnan(history.observed_values[5])


def test_several_objectives_are_held_as_columns() -> None:
    history = History([StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE])
    history.update(1, TrialState.COMPLETE, {}, {}, [2.0, math.inf])
    np.testing.assert_equal(history.values, [[math.nan, math.nan], [2.0, math.inf]])


def test_growth_over_many_rows_keeps_everything() -> None:
    history = minimising()
    for number in range(1000):
        history.update(number, TrialState.COMPLETE, {"x": number / 1000}, {"x": X}, [float(number)])
    np.testing.assert_array_equal(history.values[:, 0], np.arange(1000))
    np.testing.assert_array_equal(history.column("x"), np.arange(1000) / 1000)


def test_views_cannot_be_written_to() -> None:
    history = minimising()
    record(history, 0, TrialState.COMPLETE, {"x": X})
    for view in (history.states, history.values, history.column("x"), history.roles, history.observed_steps):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 0


def test_every_update_changes_the_version() -> None:
    history = minimising()
    versions = [history.version]
    for _ in range(3):
        record(history, 0, TrialState.RUNNING, {"x": X})
        versions.append(history.version)
    assert len(set(versions)) == 4


def test_a_refused_update_changes_nothing() -> None:
    history = minimising()
    record(history, 0, TrialState.COMPLETE, {"x": X})
    before = (history.version, history.joint_space(), history.values.copy())
    refused = [
        (-1, TrialState.RUNNING, {}, {}, None),
        (0, TrialState.COMPLETE, {}, {}, None),
        (0, TrialState.COMPLETE, {}, {}, [1.0, 2.0]),
        (0, TrialState.RUNNING, {"y": 1}, {"x": X}, None),
        (0, TrialState.RUNNING, {"k": "c"}, {"k": KIND}, None),
    ]
    for number, state, params, space, values in refused:
        with pytest.raises(ValueError, match=r"expected|needs? "):
            history.update(number, state, params, space, values)
    assert (history.version, history.joint_space()) == before[:2]
    np.testing.assert_array_equal(history.values, before[2])


def test_directions_must_be_set() -> None:
    for directions in ([], [StudyDirection.NOT_SET]):
        with pytest.raises(ValueError, match="one direction"):
            History(directions)


def batch_of(rows: list[tuple[int, TrialState, dict[str, Distribution], tuple[int, float] | None]]) -> Batch:
    space = [(name, d) for _, _, of_row, _ in rows for name, d in of_row.items()]
    kinds = list(dict.fromkeys(space))
    judged = [(math.nan, math.nan) if observed is None else observed for *_, observed in rows]
    return Batch(
        numbers=np.array([number for number, *_ in rows], np.int64),
        states=np.array([state for _, state, *_ in rows], np.int8),
        values=np.array(
            [[1.0 if state is TrialState.COMPLETE else math.nan] for _, state, *_ in rows]
        ).reshape(-1, 1),
        observed=np.array(judged, np.float64).reshape(-1, 2),
        rows=np.array([at for at, (_, _, of_row, _) in enumerate(rows) for _ in of_row], np.int32),
        kinds=np.array([kinds.index(each) for each in space], np.int32),
        internals=np.array([d.to_internal_repr(VALUES[d]) for _, d in space], np.float64),
        space=kinds,
        report_rows=np.array([at for at, row in enumerate(rows) if row[3] is not None], np.int32),
        report_steps=np.array([row[3][0] for row in rows if row[3] is not None], np.int64),
        report_values=np.array([row[3][1] for row in rows if row[3] is not None], np.float64),
        constraints={
            name: np.array([constraints(state, of_row).get(name, math.nan) for _, state, of_row, _ in rows])
            for name in {name for _, _, of_row, _ in rows for name in of_row}
        },
    )


@given(updates, updates)
@settings(max_examples=200, deadline=None)
def test_many_trials_loaded_at_once_are_as_if_recorded_one_by_one(rows: list, later: list) -> None:
    one_by_one, at_once = minimising(), minimising()
    final = {number: (number, *rest) for number, *rest in rows}
    for number, state, space, observed in final.values():
        record(one_by_one, number, state, space, observed)
    at_once.load(batch_of(list(final.values())))
    for step in range(len(later) + 1):  # what was loaded is replaced like what was recorded
        for name in ("states", "roles", "values", "observed_steps", "observed_values", "violations"):
            np.testing.assert_array_equal(getattr(at_once, name), getattr(one_by_one, name))
        for name in "abc":
            np.testing.assert_array_equal(at_once.column(name), one_by_one.column(name))
            np.testing.assert_array_equal(constraint(at_once, name), constraint(one_by_one, name))
        for at in (3, 4):
            np.testing.assert_array_equal(at_once.values_from(at), one_by_one.values_from(at))
        for question in ("known_space", "joint_space", "__len__"):
            assert getattr(at_once, question)() == getattr(one_by_one, question)()
        assert (at_once.n_observed, at_once.n_pending) == (one_by_one.n_observed, one_by_one.n_pending)
        if step < len(later):
            record(one_by_one, *later[step])
            record(at_once, *later[step])


@pytest.mark.parametrize("what", ["twice", "recorded", "without values"])
def test_trials_that_cannot_be_loaded_change_nothing(what: str) -> None:
    history = minimising()
    record(history, 0, TrialState.RUNNING, {"a": X})
    number = 0 if what == "recorded" else 1
    batch = batch_of([(number, TrialState.COMPLETE, {"a": X}, None)] * (2 if what == "twice" else 1))
    if what == "without values":
        batch.values[:] = math.nan
    with pytest.raises(ValueError, match="expected"):
        history.load(batch)
    assert (len(history), history.n_pending, history.version) == (1, 1, 1)


def test_constraints_are_columns_by_name_and_violated_by_the_sum_of_those_above_zero() -> None:
    history = minimising()
    history.update(1, TrialState.COMPLETE, {}, {}, [0.0], constraints={"b": 2.0, "a": -1.0, "c": 0.5})
    history.update(2, TrialState.COMPLETE, {}, {}, [0.0], constraints={"a": 3.0})
    history.update(3, TrialState.COMPLETE, {}, {}, [0.0])
    assert list(history.constraints) == ["a", "b", "c"]
    np.testing.assert_array_equal(history.constraints["a"], [math.nan, -1.0, 3.0, math.nan])
    np.testing.assert_array_equal(history.violations, [0.0, 2.5, 3.0, 0.0])
    history.update(1, TrialState.FAIL, {}, {})
    np.testing.assert_array_equal(history.constraints["b"], [math.nan] * 4)
    np.testing.assert_array_equal(history.violations, [0.0, 0.0, 3.0, 0.0])

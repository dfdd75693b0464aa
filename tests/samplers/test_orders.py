from __future__ import annotations

import numpy as np
import pytest

from raystudy.distributions import CategoricalDistribution, Distribution, FloatDistribution, IntDistribution
from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers import RandomSampler, TPESampler
from raystudy.samplers.history import History
from raystudy.samplers.orders import Orders, order_within
from raystudy.samplers.seeding import generator


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_columns_that_grow_and_change_is_that_of_a_stable_sort(seed: int) -> None:
    rng, orders = np.random.default_rng(seed), Orders()
    columns = np.empty((3, 0))
    for _ in range(60):
        new = np.round(rng.random((3, rng.choice([0, 1, 1, 2, 7]))), 1)
        new[rng.random(new.shape) < 0.1] = np.nan
        columns = np.concatenate([columns, new], axis=1)
        if rng.random() < 0.1 and columns.shape[1]:
            columns = columns.copy()
            columns[1, 0] = rng.random()
        order = orders.of(columns)
        for column, found in zip(columns, order, strict=True):
            n_known = np.isfinite(column).sum()
            assert found[:n_known].tolist() == np.argsort(column, kind="stable")[:n_known].tolist()
            assert sorted(found.tolist()) == list(range(len(column)))


def test_the_order_within_a_group_is_that_of_its_values() -> None:
    columns = np.round(np.random.default_rng(0).random((2, 50)), 1)
    is_member = np.arange(50) % 3 > 0
    found = order_within(Orders().of(columns), is_member)
    np.testing.assert_array_equal(found, np.argsort(columns[:, is_member], axis=1, kind="stable"))


def test_what_a_history_remembers_changes_no_proposal() -> None:
    space: dict[str, Distribution] = {
        "depth": IntDistribution(1, 5),
        "kind": CategoricalDistribution(("a", "b")),
        "x": FloatDistribution(0.0, 1.0),
    }

    def record(history: History, number: int, state: TrialState) -> None:
        params = RandomSampler().propose(space, history, generator(0, number))
        values = [params["x"]] if state is TrialState.COMPLETE else None
        history.update(number, state, params, space, values)

    worn = History([StudyDirection.MINIMIZE])
    for number in range(60):
        record(worn, number, TrialState.RUNNING)
        if number >= 4:
            record(worn, number - 4, TrialState.COMPLETE)
        fresh = History([StudyDirection.MINIMIZE])
        for earlier in range(number + 1):
            record(fresh, earlier, TrialState(worn.states[earlier]))
        proposals = [TPESampler().propose(space, each, generator(1, number)) for each in (worn, fresh)]
        assert proposals[0] == proposals[1]

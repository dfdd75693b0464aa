"""Any sequence of writes leaves the database with what the in-memory storage holds."""

import datetime as dt
import math
import tempfile
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raystudy.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from raystudy.frozen import StudyDirection, TrialState
from raystudy.storages import InMemoryStorage
from raystudy.storages.base import ClaimTrial, CreateTrial, FinishTrial, Report, SetAttrs, SetParams
from raystudy.storages.journal import JournalFileBackend, JournalStorage
from raystudy.storages.rdb import RDBStorage

# MySQL keeps whole seconds.
times = st.integers(0, 10**6).map(lambda s: dt.datetime(2026, 1, 1) + dt.timedelta(seconds=s))
# SQLite stores whole reals as integers, which have no -0.0.
numbers = st.floats(allow_nan=False).map(lambda x: x + 0.0) | st.sampled_from([math.inf, -math.inf])
keys = st.sampled_from(["a", "b", "raystudy:c", 'q"ü\n'])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | numbers | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=2),
    max_leaves=4,
)
attrs = st.dictionaries(keys, json_values, max_size=2)
one_param = st.one_of(
    st.tuples(st.floats(-1, 1).map(lambda x: x + 0.0), st.just(FloatDistribution(-1, 1))),
    st.tuples(st.integers(1, 64), st.just(IntDistribution(1, 64, log=True))),
    st.tuples(
        st.sampled_from([True, 1, None, "x", 2.5]),
        st.just(CategoricalDistribution((True, 1, None, "x", 2.5))),
    ),
)
params = st.dictionaries(keys, one_param, max_size=2)
reports = st.dictionaries(st.integers(-3, 3), numbers, max_size=2)
which = st.integers(0, 5)  # the trial, as an index into those that exist: the id is put in later


@st.composite
def creations(draw):
    state = draw(st.sampled_from(TrialState))
    with_values = state is TrialState.COMPLETE or (state is TrialState.PRUNED and draw(st.booleans()))
    return CreateTrial(
        number=draw(st.none() | st.integers(0, 6)),
        state=state,
        datetime_start=None if state is TrialState.WAITING else draw(times),
        params=draw(params),
        user_attrs=draw(attrs),
        system_attrs=draw(attrs),
        values=draw(st.lists(numbers, min_size=2, max_size=2)) if with_values else None,
        intermediate_values=draw(reports),
        datetime_complete=draw(times) if state.is_finished() else None,
    )


@st.composite
def finishes(draw):
    state = draw(st.sampled_from([TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]))
    values = draw(st.lists(numbers, min_size=2, max_size=2)) if state is TrialState.COMPLETE else None
    return FinishTrial(draw(which), state, values, draw(times))


writes = st.one_of(
    creations(),
    finishes(),
    st.builds(ClaimTrial, which, times, attrs),
    st.builds(SetParams, which, params),
    st.builds(SetAttrs, which, attrs, attrs),
    st.builds(Report, which, st.integers(-3, 3), numbers),
)


def addressed(write, ids):
    """The same write, to the trial that its index stands for."""
    if isinstance(write, CreateTrial):
        return write
    fields = {name: getattr(write, name) for name in write.__dataclass_fields__}
    return type(write)(**fields | {"trial_id": ids[write.trial_id] if write.trial_id < len(ids) else 10**6})


def run(storage, commits):
    if "s" in storage.study_names():  # of a run that has failed
        storage.delete_study(storage.find_study("s"))
    study_id = storage.create_study("s", [StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE])
    results = []
    for commit in commits:
        ids = [trial.trial_id for trial in storage.read_trials(study_id)]
        result = storage.commit(study_id, [addressed(write, ids) for write in commit])
        results.append(([c and c[1] for c in result.created], result.claimed, len(result.refused)))
    trials = storage.read_trials(study_id)
    changes = storage.read_changes(study_id, trials[1].trial_id if len(trials) > 1 else -1, [])
    storage.delete_study(study_id)
    # The ids of a database count on, those of a new memory begin at 1, those of a new journal at 0.
    return results, *(
        [replace(trial, trial_id=trial.number) for trial in found] for found in (trials, changes)
    )


@pytest.fixture(scope="module")
def sqlite():
    with tempfile.TemporaryDirectory() as folder:
        storage = RDBStorage(f"sqlite:///{folder}/model.db")
        yield storage
        storage.close()


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    return JournalStorage(JournalFileBackend(str(tmp_path_factory.mktemp("journal") / "model.log")))


@pytest.mark.parametrize("database", ["journal", "sqlite", "shared_postgres", "shared_mysql"])
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(commits=st.lists(st.lists(writes, max_size=6), max_size=5))
def test_a_database_agrees_with_memory_after_any_writes(request, database, commits):
    expected, found = run(InMemoryStorage(), commits), run(request.getfixturevalue(database), commits)
    assert found == expected
    assert repr(found) == repr(expected)  # tells 1 from True and 1.0

"""A commit whose answer was lost is made again by its owner: nothing is doubled, and nothing is refused."""

import contextlib
import datetime as dt
import os
import queue
import socket
import threading

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raystudy.distributions import FloatDistribution
from raystudy.exceptions import StorageUnavailable
from raystudy.frozen import StudyDirection, TrialState
from raystudy.orchestrator.writer import ThreadedWriter
from raystudy.storages import InMemoryStorage
from raystudy.storages.base import ClaimTrial, CreateTrial, Fence, FinishTrial, Report, SetAttrs, SetParams
from raystudy.storages.rdb import RDBStorage

NOW = dt.datetime(2026, 7, 1, 12, 30, 15)
LATER = NOW + dt.timedelta(seconds=90)
FENCE = Fence("ours", "driver")
OF_CALL = {"raystudy:call": "ours"}
LR = {"lr": (0.5, FloatDistribution(0, 1))}


@pytest.fixture
def open_call(storage, study_id):
    storage.open_call(study_id, FENCE, None, 60.0)


def creation(number, start=NOW, call="ours", state=TrialState.RUNNING):
    return CreateTrial(number, state, start, system_attrs={"raystudy:call": call})


def twice(storage, study_id, *writes):
    """Commit writes, and again as if the first answer had been lost; return the second answer."""
    first = storage.commit(study_id, writes, FENCE)
    stored = storage.read_trials(study_id)
    second = storage.commit(study_id, writes, FENCE)
    assert storage.read_trials(study_id) == stored
    assert second == first
    return second


@pytest.mark.usefixtures("open_call")
def test_a_creation_that_is_repeated_is_the_same_trial(storage, study_id):
    created = twice(storage, study_id, creation(0), creation(1)).created
    assert [number for _, number in created] == [0, 1]


@pytest.mark.usefixtures("open_call")
def test_a_creation_is_refused_if_the_number_is_anothers(storage, study_id):
    for other in (
        creation(0, call="theirs"),
        creation(1, start=LATER),
        CreateTrial(2, TrialState.RUNNING, NOW),
    ):
        storage.commit(study_id, [other])
    mine = [creation(number) for number in range(3)]
    assert storage.commit(study_id, mine, FENCE).created == [None, None, None]
    assert storage.commit(study_id, mine).created == [None, None, None]
    assert len(storage.read_trials(study_id)) == 3


@pytest.mark.usefixtures("open_call")
def test_a_repeated_creation_and_a_new_one_share_a_commit(storage, study_id):
    ((trial_id, _),) = storage.commit(study_id, [creation(0)], FENCE).created
    created = storage.commit(study_id, [creation(0), creation(1, LATER)], FENCE).created
    assert created[0] == (trial_id, 0)
    assert created[1][1] == 1


@pytest.mark.usefixtures("open_call")
def test_a_claim_that_is_repeated_is_still_ours(storage, study_id):
    waiting = CreateTrial(None, TrialState.WAITING, None)
    ((first, _), (second, _)) = storage.commit(study_id, [waiting, waiting]).created
    assert twice(storage, study_id, ClaimTrial(first, NOW, OF_CALL)).claimed == [True]
    storage.commit(study_id, [ClaimTrial(second, NOW, {"raystudy:call": "theirs"})])
    assert storage.commit(study_id, [ClaimTrial(second, NOW, OF_CALL)], FENCE).claimed == [False]


@pytest.mark.usefixtures("open_call")
@pytest.mark.parametrize("values", [[0.5], [float("inf")]])
def test_a_result_that_is_repeated_is_not_refused(storage, study_id, values):
    ((trial_id, _),) = storage.commit(study_id, [creation(0)], FENCE).created
    told = [SetParams(trial_id, LR), SetAttrs(trial_id, {"a": 1}), Report(trial_id, 0, 0.5)]
    finish = FinishTrial(trial_id, TrialState.COMPLETE, values, LATER)
    assert twice(storage, study_id, *told, finish).refused == set()


@pytest.mark.usefixtures("open_call")
@pytest.mark.parametrize(
    "other",
    [
        FinishTrial(0, TrialState.COMPLETE, [0.25], LATER),
        FinishTrial(0, TrialState.FAIL, None, LATER),
        FinishTrial(0, TrialState.COMPLETE, [0.5], LATER + dt.timedelta(seconds=5)),
    ],
)
def test_a_result_is_refused_if_another_one_stands(storage, study_id, other):
    ((trial_id, _),) = storage.commit(study_id, [creation(0)], FENCE).created
    storage.commit(study_id, [FinishTrial(trial_id, other.state, other.values, other.datetime_complete)])
    finish = FinishTrial(trial_id, TrialState.COMPLETE, [0.5], LATER)
    assert storage.commit(study_id, [Report(trial_id, 9, 1.0), finish], FENCE).refused == {trial_id}
    assert storage.read_trial(trial_id).intermediate_values == {}


@pytest.mark.usefixtures("open_call")
def test_without_a_lease_nothing_is_a_repetition(storage, study_id):
    ((trial_id, _),) = storage.commit(study_id, [creation(0)], FENCE).created
    finish = FinishTrial(trial_id, TrialState.COMPLETE, [0.5], LATER)
    storage.commit(study_id, [finish], FENCE)
    again = storage.commit(study_id, [creation(0), ClaimTrial(trial_id, NOW), finish])
    assert (again.created, again.claimed, again.refused) == ([None], [False], {trial_id})


which = st.integers(0, 3)
one_value = st.floats(0, 1).map(lambda value: [value])
steps = st.lists(
    st.one_of(
        st.builds(Report, which, st.integers(0, 3), st.floats(0, 1)),
        st.builds(SetAttrs, which, st.dictionaries(st.sampled_from("ab"), st.integers(0, 9), max_size=2)),
        st.builds(FinishTrial, which, st.just(TrialState.COMPLETE), one_value, st.just(LATER)),
        st.just(SetParams(0, LR)),
    ),
    max_size=8,
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(steps, st.booleans()), max_size=4))
def test_repeating_any_commit_changes_nothing(commits):
    def run(repeat):
        storage = InMemoryStorage()
        study_id = storage.create_study("s", [StudyDirection.MINIMIZE])
        storage.open_call(study_id, FENCE, None, 60.0)
        storage.commit(study_id, [CreateTrial(None, TrialState.WAITING, None)])
        for first, (writes, again) in enumerate(commits):
            known = len(storage.read_trials(study_id))
            now = NOW + dt.timedelta(seconds=first)
            whole = [creation(known, now), ClaimTrial(1, now, OF_CALL)]
            whole += [type(w)(1 + w.trial_id % known, *_rest(w)) for w in writes]
            result = storage.commit(study_id, whole, FENCE)
            if repeat and again:
                repeated = storage.commit(study_id, whole, FENCE)
                assert (repeated.created, repeated.claimed) == (result.created, result.claimed)
        return storage.read_trials(study_id)

    assert run(repeat=True) == run(repeat=False)


def _rest(write):
    return [getattr(write, name) for name in list(write.__dataclass_fields__)[1:]]


class Proxy:
    """A TCP way to a PostgreSQL server; ``swallow`` has it lose the answer to the next COMMIT, and the line."""

    def __init__(self, server_socket):
        self._server_socket = server_socket
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.swallow, self.swallowed = False, 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client):
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._server_socket)
            answers = threading.Thread(target=self._pump, args=[server, client], daemon=True)
            answers.start()
            while data := self._receive(client):
                if self.swallow and b"COMMIT" in data:
                    self.swallow = False
                    self.swallowed += 1
                    client.shutdown(socket.SHUT_RDWR)  # from here on the client hears nothing
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            answers.join()

    def _pump(self, server, client):
        while data := self._receive(server):
            with contextlib.suppress(OSError):  # lost, as it was meant to be
                client.sendall(data)

    @staticmethod
    def _receive(end):
        try:
            return end.recv(65536)
        except OSError:
            return b""

    def close(self):
        self._listener.close()


@pytest.fixture
def proxied(make_postgres):
    """A proxy, and a storage that reaches its PostgreSQL through it."""
    url = sa.make_url(make_postgres())
    proxy = Proxy(os.path.join(url.query["host"], f".s.PGSQL.{url.query.get('port', url.port or 5432)}"))
    storage = RDBStorage(str(url.set(host="127.0.0.1", port=proxy.port, query={})))
    yield proxy, storage
    storage.close()
    proxy.close()


def test_the_answer_to_a_commit_is_lost_and_nobody_is_refused(proxied):
    proxy, storage = proxied
    study_id = storage.create_study("s", [StudyDirection.MINIMIZE])
    storage.open_call(study_id, FENCE, None, 60.0)
    ((waiting, _),) = storage.commit(study_id, [CreateTrial(None, TrialState.WAITING, None)]).created
    heard = queue.SimpleQueue()
    writer = ThreadedWriter(storage, study_id, FENCE, heard.put)

    def submit(*writes):
        proxy.swallow = True
        writer.submit(writes, "ticket")
        return heard.get(timeout=20)

    assert submit(ClaimTrial(waiting, NOW, OF_CALL)).claimed == [True]
    ((created, number),) = submit(creation(1)).created
    assert number == 1
    for trial_id in (waiting, created):
        finish = FinishTrial(trial_id, TrialState.COMPLETE, [0.5], LATER)
        assert not submit(Report(trial_id, 0, 0.5), finish).refused
    writer.close()
    assert proxy.swallowed == 4
    assert [(t.number, t.values) for t in storage.read_trials(study_id)] == [(0, [0.5]), (1, [0.5])]


def test_a_commit_without_an_answer_is_an_outage(proxied):
    proxy, storage = proxied
    study_id = storage.create_study("s", [StudyDirection.MINIMIZE])
    proxy.swallow = True
    with pytest.raises(StorageUnavailable):
        storage.commit(study_id, [creation(0)])
    assert proxy.swallowed == 1


def test_a_session_that_is_terminated_again_and_again_stops_nothing(make_postgres):
    url = make_postgres()
    storage = RDBStorage(url)
    study_id = storage.create_study("s", [StudyDirection.MINIMIZE])
    storage.open_call(study_id, FENCE, None, 60.0)
    heard = queue.SimpleQueue()
    writer = ThreadedWriter(storage, study_id, FENCE, heard.put)
    engine = sa.create_engine(sa.make_url(url), isolation_level="AUTOCOMMIT")
    kill = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    for number in range(20):
        writer.submit([creation(number)], number)
        with engine.connect() as connection:
            connection.execute(kill)
    acknowledged = []
    while len(acknowledged) < 20:
        word = heard.get(timeout=20)
        if hasattr(word, "ticket"):
            acknowledged.append((word.ticket, word.created[0][1]))
    assert acknowledged == [(number, number) for number in range(20)]
    writer.close()
    engine.dispose()
    storage.close()

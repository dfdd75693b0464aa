"""optuna-dashboard, as a real process on a database of ours, answers every route with the right numbers."""

import base64
import contextlib
import datetime as dt
import json
import math
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import optuna
import pytest

import raystudy
from raystudy.constraints import constraints_from_attrs, constraints_to_attrs
from raystudy.distributions import CategoricalDistribution, FloatDistribution
from raystudy.frozen import StudyDirection, TrialState
from raystudy.storages.base import CreateTrial, FinishTrial

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")

START = dt.datetime(2026, 3, 1, 8, 0, 5)
X, KIND = FloatDistribution(-1, 1), CategoricalDistribution(("a", None))
PROGRAM = str(pathlib.Path(sys.executable).with_name("optuna-dashboard"))


def get_free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Client:
    """Asks a dashboard; every answer must be JSON as a browser reads it, which knows no NaN and no Infinity."""

    def __init__(self, port):
        self.root = f"http://127.0.0.1:{port}"

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.root + path, data, {"Content-Type": "application/json"})
        request.method = method
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                status, text = reply.status, reply.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        return status, json.loads(text, parse_constant=pytest.fail) if text else None

    def get(self, path):
        status, answer = self.ask("GET", path)
        assert status == 200, answer
        return answer


@pytest.fixture
def dashboard(url, rdb, tmp_path):
    """A dashboard on the database of the test."""
    port = get_free_port()
    artifacts = tmp_path / "artifacts"
    artifacts.mkdir()
    options = ["--host", "127.0.0.1", "--port", str(port), "--artifact-dir", str(artifacts), "--quiet"]
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen([PROGRAM, url, *options], stdout=log, stderr=log)
    client, deadline = Client(port), time.monotonic() + 60
    while True:
        with contextlib.suppress(urllib.error.URLError):
            assert client.get("/api/meta")["artifact_is_available"]
            break
        assert process.poll() is None, (tmp_path / "log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield client
    process.terminate()
    process.wait(30)


def write_study(storage):
    """A study with every state and kind of value; trial 1 is the best one, trials 0 and 3 are feasible."""
    study_id = storage.create_study("shared", [StudyDirection.MINIMIZE])
    storage.set_study_attrs(study_id, {"team": "a", "bad": math.nan}, {"raystudy:sampler": {"name": "tpe"}})
    creations = [
        CreateTrial(
            number=None,
            state=TrialState.RUNNING,
            datetime_start=START,
            params={"x": (number / 10, X), "kind": (None, KIND)},
            user_attrs={"gpu": number, "inf": math.inf},
            system_attrs=constraints_to_attrs({"weight": limit, "cost": -1.0}),
            intermediate_values={0: math.nan, 1: math.inf, 2: -math.inf, 7: 0.25},
        )
        for number, limit in enumerate((0.0, math.inf, 2.0, -3.0, 0.5, -1.0))
    ]
    waiting = CreateTrial(None, TrialState.WAITING, None, system_attrs={"fixed_params": {"x": 0.5}})
    ids = [trial_id for trial_id, _ in storage.commit(study_id, [*creations, waiting]).created]
    results = (
        (TrialState.COMPLETE, [0.5]),
        (TrialState.COMPLETE, [0.25]),
        (TrialState.COMPLETE, [math.inf]),
        (TrialState.PRUNED, [1.5]),
        (TrialState.FAIL, None),
    )
    done = START + dt.timedelta(seconds=90)
    ended = [FinishTrial(i, state, v, done) for i, (state, v) in zip(ids, results, strict=False)]
    storage.commit(study_id, ended)
    return study_id


def test_the_study_page_shows_every_number_of_our_trials(rdb, dashboard):
    study_id = write_study(rdb)
    shown = dashboard.get(f"/api/studies/{study_id}")
    trials = shown["trials"]
    states = ["Complete", "Complete", "Complete", "Pruned", "Fail", "Running", "Waiting"]
    assert [trial["state"] for trial in trials] == states
    assert [trial.get("values") for trial in trials] == [[0.5], [0.25], ["inf"], [1.5], None, None, None]
    assert [trial["number"] for trial in trials] == list(range(7))
    reports = [{"step": s, "value": v} for s, v in ((0, "nan"), (1, "inf"), (2, "-inf"), (7, 0.25))]
    assert [trial["intermediate_values"] for trial in trials] == [reports] * 6 + [[]]
    assert trials[0]["datetime_start"] == START.isoformat()
    assert trials[0]["datetime_complete"] == (START + dt.timedelta(seconds=90)).isoformat()
    by_name = {param["name"]: param for param in trials[3]["params"]}
    assert (by_name["x"]["param_internal_value"], by_name["kind"]["param_external_value"]) == (0.3, "None")
    assert trials[6]["fixed_params"] == [{"name": "x", "param_external_value": "0.5"}]
    assert {attr["key"]: attr["value"] for attr in trials[2]["user_attrs"]} == {"gpu": "2", "inf": "inf"}
    assert shown["directions"] == ["minimize"]
    assert shown["has_intermediate_values"]
    assert [space["name"] for space in shown["union_search_space"]] == ["kind", "x"]


def test_the_best_trial_and_feasibility_are_shown(rdb, dashboard):
    study_id = write_study(rdb)
    shown = dashboard.get(f"/api/studies/{study_id}")
    # The dashboard's best trial is the storage's, constraints aside; it greys out what violates one.
    assert [trial["number"] for trial in shown["best_trials"]] == [rdb.get_best_trial(study_id).number] == [1]
    feasible = [all(limit <= 0 for limit in trial["constraints"]) for trial in shown["trials"]]
    assert feasible == [True, False, False, True, False, True, True]
    assert shown["trials"][3]["constraints"] == [-3.0, -1.0]
    stored = [constraints_from_attrs(trial.system_attrs) for trial in rdb.read_trials(study_id)]
    assert stored[1] == {"weight": math.inf, "cost": -1.0}
    assert len(shown["trials"][1]["constraints"]) == 2


def test_a_running_search_is_followed(rdb, dashboard):
    study = raystudy.create_study(study_name="live", storage=rdb, directions=["minimize", "maximize"],
                                  sampler=raystudy.samplers.RandomSampler(seed=1))  # fmt: skip
    assert dashboard.get("/api/studies")["study_summaries"][0]["directions"] == ["minimize", "maximize"]
    trial = study.ask()
    study.tell(trial, [1.0, 1.0])
    assert len(dashboard.get("/api/studies/1")["trials"]) == 1
    study.optimize(lambda trial: (trial.suggest_float("x", 0, 1), 0.0), n_trials=3, show_progress_bar=False)
    deadline = time.monotonic() + 30
    while len(fresh := dashboard.get("/api/studies/1?after=1")["trials"]) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [trial["values"] for trial in fresh] == [trial.values for trial in study.trials[1:]]
    front = {trial["number"] for trial in dashboard.get("/api/studies/1")["best_trials"]}
    optuna_study = optuna.load_study(study_name="live", storage=rdb.url)
    assert front == {trial.number for trial in optuna_study.best_trials}
    optuna_study._storage._backend.engine.dispose()


def test_the_importances_are_those_of_optuna(rdb, dashboard, theirs):
    study = raystudy.create_study(
        study_name="s", storage=rdb, sampler=raystudy.samplers.RandomSampler(seed=1)
    )
    study.optimize(
        lambda t: t.suggest_float("x", 0, 1) + t.suggest_int("n", 1, 3), 15, show_progress_bar=False
    )
    (shown,) = dashboard.get("/api/studies/1/param_importances")["param_importances"]
    expected = optuna.importance.get_param_importances(optuna.load_study(study_name="s", storage=theirs))
    assert {item["name"]: item["importance"] for item in shown} == pytest.approx(expected)
    kinds = {item["name"]: item["distribution"] for item in shown}
    assert kinds == {"x": "FloatDistribution", "n": "IntDistribution"}


NOTE = {"version": 1, "body": "seen"}
FILE = {"file": "data:text/plain;base64," + base64.b64encode(b"hello").decode(), "filename": "a.txt"}
CHOICE = {"mode": "ChooseWorst", "candidates": [0, 1], "clicked": 0}
# Study 1 is ours and trial 6 a running one of it; study 2 is made by the dashboard itself.
CALLS = [
    ("GET", "/api/meta", None, 200),
    ("GET", "/api/studies", None, 200),
    ("POST", "/api/studies", {"study_name": "new", "directions": ["maximize"]}, 201),
    ("GET", "/api/studies/<study_id:int>", None, 200),
    ("GET", "/api/studies/<study_id:int>/param_importances", None, 200),
    ("GET", "/api/studies/<study_id:int>/plot/<plot_type>", None, 200),
    ("PUT", "/api/studies/<study_id:int>/note", NOTE, 204),
    ("PUT", "/api/studies/<study_id:int>/<trial_id:int>/note", NOTE, 204),
    ("POST", "/api/trials/<trial_id:int>/user-attrs", {"user_attrs": {"seen": True}}, 204),
    ("POST", "/api/artifacts/<study_id:int>/<trial_id:int>", FILE, 201),
    ("DELETE", "/api/artifacts/<study_id:int>/<trial_id:int>/<artifact_id:re:[0-9a-fA-F-]+>", None, 204),
    ("POST", "/api/trials/<trial_id:int>/tell", {"state": "Complete", "values": [0.125]}, 204),
    ("POST", "/api/artifacts/<study_id:int>", FILE, 201),
    ("DELETE", "/api/artifacts/<study_id:int>/<artifact_id:re:[0-9a-fA-F-]+>", None, 204),
    ("PUT", "/api/studies/<study_id:int>/preference_feedback_component", {"output_type": "note"}, 204),
    ("POST", "/api/studies/<study_id:int>/preference", CHOICE, 204),
    ("DELETE", "/api/studies/<study_id:int>/preference/<history_id>", None, 404),
    ("POST", "/api/studies/<study_id:int>/preference/<history_id>", None, 404),
    ("POST", "/api/studies/<study_id:int>/<trial_id:int>/skip", None, 400),
    ("POST", "/api/llm/trial_filter_query", {}, 400),
    ("POST", "/api/llm/generate_plotly_graph_query", {}, 400),
    ("POST", "/api/llm/re_generate_plotly_graph_query", {}, 400),
    ("POST", "/api/studies/<study_id:int>/rename", {"study_name": "renamed"}, 201),
    ("DELETE", "/api/studies/<study_id:int>", {}, 204),
]
PLOTS = ("contour", "slice", "parallel_coordinate", "rank", "edf", "timeline", "pareto_front")


def artifact_of(answer):
    return next((item["artifact_id"] for item in (answer or {}).get("artifacts", [])), None)


def test_every_json_route_answers(rdb, dashboard):
    from optuna_dashboard._app import create_app

    app = create_app(optuna.storages.InMemoryStorage())
    routes = {(route.method, route.rule) for route in app.routes if route.rule.startswith("/api/")}
    assert routes == {(method, rule) for method, rule, *_ in CALLS}
    write_study(rdb)
    artifact = "0"
    for method, rule, body, expected in CALLS:
        study = (
            "3" if (method, rule) == ("DELETE", "/api/studies/<study_id:int>") else "1"
        )  # 3: after renaming
        path = rule.replace("<study_id:int>", study)
        path = path.replace("<trial_id:int>", "6").replace("<plot_type>", "edf").replace("<history_id>", "0")
        path = path.replace("<artifact_id:re:[0-9a-fA-F-]+>", artifact)
        status, answer = dashboard.ask(method, path, body)
        assert (status, path) == (expected, path), answer
        artifact = artifact_of(answer) or artifact


@pytest.mark.parametrize("make_url", ["sqlite"], indirect=True)
def test_every_plot_is_drawn(rdb, dashboard):
    study_id = write_study(rdb)
    multi = rdb.create_study("multi", [StudyDirection.MINIMIZE] * 2)
    done = CreateTrial(None, TrialState.COMPLETE, START, {}, {}, {}, [1.0, 2.0], {}, START)
    rdb.commit(multi, [done])
    for plot in PLOTS:
        shown = dashboard.get(f"/api/studies/{multi if plot == 'pareto_front' else study_id}/plot/{plot}")
        assert shown["data"], plot


def test_what_the_dashboard_changes_is_seen_by_us(rdb, dashboard):
    study_id = write_study(rdb)
    before = rdb.read_trials(study_id)
    running = before[5].trial_id
    dashboard.ask("POST", f"/api/trials/{running}/user-attrs", {"user_attrs": {"seen": "yes"}})
    dashboard.ask("POST", f"/api/trials/{running}/tell", {"state": "Complete", "values": [0.125]})
    dashboard.ask("PUT", f"/api/studies/{study_id}/note", NOTE)
    after = rdb.read_trials(study_id)
    assert (after[5].state, after[5].values, after[5].user_attrs["seen"]) == (
        TrialState.COMPLETE,
        [0.125],
        "yes",
    )
    assert after[5].datetime_complete > START
    assert [t for t in after if t.number != 5] == [t for t in before if t.number != 5]
    assert any(key.startswith("dashboard:note") for key in rdb.read_study(study_id).system_attrs)
    assert rdb.read_study(study_id).system_attrs["raystudy:sampler"] == {"name": "tpe"}
    assert rdb.get_best_trial(study_id).number == 5


def test_a_study_renamed_or_deleted_by_the_dashboard_is_seen_by_us(rdb, dashboard):
    study_id = write_study(rdb)
    before = rdb.read_trials(study_id)
    status, renamed = dashboard.ask("POST", f"/api/studies/{study_id}/rename", {"study_name": "other"})
    assert (status, rdb.study_names(), rdb.find_study("other")) == (201, ["other"], renamed["study_id"])
    after = rdb.read_trials(renamed["study_id"])
    assert [(t.state, repr(t.values), t.system_attrs) for t in after] == [
        (t.state, repr(t.values), t.system_attrs) for t in before
    ]
    with pytest.raises(KeyError):
        rdb.read_trials(study_id)
    assert dashboard.ask("DELETE", f"/api/studies/{renamed['study_id']}", {})[0] == 204
    assert rdb.study_names() == []

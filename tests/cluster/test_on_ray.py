"""Studies on a real local Ray: two CPUs and two GPUs that exist in Ray's books only."""

import os
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

import raystudy
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler, TPESampler
from raystudy.trial import TrialState

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("cluster"), pytest.mark.filterwarnings("ignore")]


def curve(trial):
    x = trial.suggest_float("x", 0.0, 1.0)
    depth = trial.suggest_int("depth", 1, 8, log=True)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    bias = trial.suggest_float("bias", 0.0, 1.0) if kind == "b" else 0.0
    state = trial.load_checkpoint()
    for epoch in range(0 if state is None else state + 1, 9):
        trial.save_checkpoint(epoch, step=epoch)
        trial.report(x + bias / depth + 1 / (epoch + 1), epoch)
        if trial.should_prune():
            raise raystudy.TrialPruned
    return x + bias / depth


def run(tmp_path, executor, n_trials=17, n_jobs=1, mode="sync", storage=None, **options):
    pruner = HyperbandPruner(1, 9, 3, mode=mode)
    study = raystudy.create_study(
        storage=storage, study_name="s", sampler=TPESampler(seed=5, n_startup_trials=6), pruner=pruner
    )
    study.optimize(
        curve,
        n_trials=n_trials,
        executor=executor,
        n_jobs=n_jobs,
        storage_path=str(tmp_path / executor),
        **options,
    )
    return study


def contents(study):
    return [(t.number, t.state, t.params, t.values, t.intermediate_values) for t in study.trials]


@pytest.mark.parametrize("mode", ["sync", "promote"])
def test_one_worker_and_one_seed_give_the_same_study_in_process_and_on_ray(tmp_path: Path, mode: str) -> None:
    inline = run(tmp_path, "inline", mode=mode)
    assert contents(run(tmp_path, "ray", mode=mode)) == contents(inline)
    assert contents(run(tmp_path / "again", "inline", mode=mode)) == contents(inline)


def test_sync_hyperband_trains_69_epochs_with_two_workers(tmp_path: Path) -> None:
    trials = run(tmp_path, "ray", n_jobs=2).trials
    assert sum(len(t.intermediate_values) for t in trials) == 69
    assert Counter(t.last_step for t in trials if t.state is TrialState.PRUNED) == {0: 6, 2: 6}


@pytest.mark.parametrize("ends", ["complete", "fails"])
def test_reports_at_which_nothing_is_decided_share_a_call_and_none_is_lost(tmp_path: Path, ends: str) -> None:
    def objective(trial: raystudy.Trial) -> float:
        for step in range(400):
            trial.report(float(step), step)
        trial.set_user_attr("calls", trial._link.manager_calls)
        if ends == "fails":
            raise ValueError
        return 0.0

    study = raystudy.create_study(pruner=HyperbandPruner(1, 1000, 10, mode="sync"))
    study.optimize(objective, n_trials=1, executor="ray", catch=ValueError, storage_path=str(tmp_path))
    trial = study.trials[0]
    assert trial.intermediate_values == {step: float(step) for step in range(400)}
    assert trial.user_attrs["calls"] < 100


def test_callbacks_run_here_in_commit_order_and_stop_works(tmp_path: Path) -> None:
    seen, here = [], threading.get_ident()

    def callback(study, trial):
        assert threading.get_ident() == here
        seen.append(study.get_trials()[trial.number].number)
        if len(seen) == 5:
            study.stop()

    study = raystudy.create_study(storage=f"sqlite:///{tmp_path}/s.db", sampler=RandomSampler(seed=1))
    study.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=500, executor="ray", callbacks=[callback])
    assert len(seen) == len(study.trials) < 500
    assert all(t.state is TrialState.COMPLETE for t in study.trials)


def test_an_exception_comes_back_as_itself_with_its_own_traceback(tmp_path: Path) -> None:
    def fails_somewhere(trial):
        trial.suggest_float("x", 0, 1)
        raise LookupError("no such image")

    study = raystudy.create_study()
    with pytest.raises(LookupError, match="no such image") as caught:
        study.optimize(fails_somewhere, n_trials=4, executor="ray", n_jobs=1)
    notes = "\n".join(caught.value.__notes__)
    assert notes.count("fails_somewhere") == 1
    assert "ray::" not in notes
    assert [t.state for t in study.trials] == [TrialState.FAIL]
    study.optimize(fails_somewhere, n_trials=3, executor="ray", catch=LookupError)
    assert len(study.trials) == 4


def test_wrong_results_fail_the_trial_and_say_why(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    study = raystudy.create_study()
    results = [None, float("nan"), "text", [1.0, 2.0]]
    study.optimize(lambda t: results[t.number], n_trials=4, executor="ray", n_jobs=1)
    assert [t.state for t in study.trials] == [TrialState.FAIL] * 4
    said = capfd.readouterr().err
    assert said.count("the objective must return one number") == 4
    assert "trial 2 failed: the objective must return one number, it returned 'text'" in said


def test_an_objective_that_cannot_be_pickled_is_refused_before_a_trial_begins() -> None:
    lock = threading.Lock()
    study = raystudy.create_study()
    with pytest.raises(TypeError, match=r"must be picklable.*lock.*inside the objective"):
        study.optimize(lambda t: float(lock.locked()), n_trials=1, executor="ray")
    assert study.trials == []


def test_impossible_resources_are_refused_naming_the_largest_node() -> None:
    begun = time.monotonic()
    with pytest.raises(ValueError, match=r"needs .*64.* the largest of 1 nodes has .*'GPU': 2"):
        raystudy.create_study().optimize(curve, n_trials=1, resources={"GPU": 64})
    assert time.monotonic() - begun < 20


def test_a_trial_with_a_gpu_has_a_process_of_its_own_and_one_without_sees_none() -> None:
    def where(trial):
        trial.set_user_attr("pid", os.getpid())
        trial.set_user_attr("gpus", os.environ["CUDA_VISIBLE_DEVICES"])
        return 0.0

    study = raystudy.create_study()
    study.optimize(where, n_trials=4, resources={"GPU": 1})
    assert len({t.user_attrs["pid"] for t in study.trials}) == 4
    assert {t.user_attrs["gpus"] for t in study.trials} <= {"0", "1"}
    study.optimize(where, n_trials=4, executor="ray")
    assert {t.user_attrs["gpus"] for t in study.trials[4:]} == {""}


def test_a_killed_worker_costs_an_attempt_but_no_trial(tmp_path: Path) -> None:
    def dies_once(trial):
        state = trial.load_checkpoint()
        first = 0 if state is None else state + 1
        for epoch in range(first, 4):
            trial.save_checkpoint(epoch, step=epoch)
            trial.report(float(epoch), epoch)
            if epoch == 2 and first == 0 and trial.number == 1:
                os.kill(os.getpid(), 9)
        return float(first)

    study = raystudy.create_study(storage=f"sqlite:///{tmp_path}/s.db")
    study.optimize(dies_once, n_trials=3, executor="ray", storage_path=str(tmp_path))
    assert [t.value for t in study.trials] == [0.0, 3.0, 0.0]
    assert all(sorted(t.intermediate_values) == [0, 1, 2, 3] for t in study.trials)
    assert study.trials[1].system_attrs["raystudy:attempt"] == 2


def test_a_worker_that_always_dies_fails_its_trial_after_four_attempts(tmp_path: Path) -> None:
    study = raystudy.create_study()
    study.optimize(lambda t: os.kill(os.getpid(), 9), n_trials=1, executor="ray", storage_path=str(tmp_path))
    assert [t.state for t in study.trials] == [TrialState.FAIL]
    assert study.trials[0].system_attrs["raystudy:attempt"] == 4


def test_a_trial_lost_for_good_does_not_block_its_rung(tmp_path: Path) -> None:
    def eighth_dies(trial):
        if trial.number == 8:
            os.kill(os.getpid(), 9)
        return curve(trial)

    study = raystudy.create_study(pruner=HyperbandPruner(1, 9, 3, mode="sync"), sampler=RandomSampler(seed=1))
    study.optimize(eighth_dies, n_trials=9, executor="ray", storage_path=str(tmp_path))
    assert Counter(t.last_step for t in study.trials) == {None: 1, 0: 5, 2: 2, 8: 1}


def test_an_objective_that_cannot_be_loaded_on_a_worker_says_why(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    class Unloadable:
        def __reduce__(self):
            return (__import__, ("no_such_module",))

        def __call__(self, trial):
            return 0.0

    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        raystudy.create_study().optimize(Unloadable(), n_trials=2, executor="ray", n_jobs=1)
    assert "No module named 'no_such_module'" in capfd.readouterr().err


def test_what_a_trial_prints_is_in_its_log_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def prints(trial):
        print(f"hello from {trial.number}")
        return 0.0

    raystudy.create_study().optimize(prints, n_trials=2, executor="ray", storage_path=str(tmp_path))
    logs = sorted(tmp_path.glob("*/logs/*.txt"))
    assert [log.read_text() for log in logs] == ["hello from 0\n", "hello from 1\n"]
    assert "hello" not in capfd.readouterr().out


def test_a_timeout_stops_running_trials_at_their_next_report(tmp_path: Path) -> None:
    def endless(trial):
        for epoch in range(10_000):
            time.sleep(0.05)
            trial.report(0.0, epoch)
            if trial.should_prune():
                raise raystudy.TrialPruned
        return 0.0

    study = raystudy.create_study()
    begun = time.monotonic()
    study.optimize(endless, timeout=3, executor="ray", storage_path=str(tmp_path))
    assert time.monotonic() - begun < 60
    assert {t.state for t in study.trials} == {TrialState.PRUNED}


def test_enqueued_trials_run_first(tmp_path: Path) -> None:
    study = raystudy.create_study(storage=f"sqlite:///{tmp_path}/s.db")
    study.enqueue_trial({"x": 0.25})
    study.enqueue_trial({"x": 0.75})
    study.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=3, executor="ray", n_jobs=1)
    assert [t.value for t in study.trials[:2]] == [0.25, 0.75]
    assert len(study.trials) == 3


def test_a_callback_that_raises_ends_the_call_and_leaves_no_trial_behind(tmp_path: Path) -> None:
    def angry(study, trial):
        raise LookupError("enough")

    def slow_curve(trial):
        time.sleep(0.2)
        return curve(trial)

    study = raystudy.create_study(storage=f"sqlite:///{tmp_path}/s.db", pruner=HyperbandPruner(1, 9, 3))
    with pytest.raises(LookupError, match="enough"):
        study.optimize(slow_curve, n_trials=50, executor="ray", callbacks=[angry], storage_path=str(tmp_path))
    assert 0 < len(study.trials) < 50
    assert all(t.state.is_finished() for t in study.trials)


def descendants(name: bytes) -> list[int]:
    """Ids of the processes below this one whose title begins with a name."""
    parents, titles = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            titles[int(folder.name)] = (folder / "cmdline").read_bytes()
        except OSError:
            continue  # it has ended meanwhile

    def is_ours(pid: int) -> bool:
        return pid == os.getpid() or (pid in parents and is_ours(parents[pid]))

    return [pid for pid, title in titles.items() if title.startswith(name) and is_ours(pid)]


@pytest.mark.parametrize("victim", [b"ray::StudyDriver", b"ray::BracketManager"])
def test_a_killed_actor_is_replaced_and_the_call_ends_exact(tmp_path: Path, victim: bytes) -> None:
    killed: list[int] = []

    def kill_once(study, trial):
        if not killed and trial.number >= 2:
            killed.extend(descendants(victim))
            for pid in killed:
                os.kill(pid, 9)

    def slow(trial):
        x = trial.suggest_float("x", 0, 1)
        state = trial.load_checkpoint()
        for epoch in range(0 if state is None else state + 1, 9):
            time.sleep(0.05)
            trial.save_checkpoint(epoch, step=epoch)
            trial.report(x, epoch)
            if trial.should_prune():
                raise raystudy.TrialPruned
        return x

    study = raystudy.create_study(
        storage=f"sqlite:///{tmp_path}/s.db", sampler=RandomSampler(seed=1), pruner=HyperbandPruner(1, 9, 3)
    )
    study.optimize(slow, n_trials=20, executor="ray", callbacks=[kill_once], storage_path=str(tmp_path))
    assert len(killed) == 1
    assert [t.number for t in study.trials] == list(range(20))
    assert {t.state for t in study.trials} == {TrialState.COMPLETE, TrialState.PRUNED}


def test_constraints_come_back_from_a_worker() -> None:
    def objective(trial: raystudy.Trial) -> float:
        trial.set_constraint("odd", trial.number % 2)
        return float(trial.number)

    study = raystudy.create_study(direction="maximize")
    study.optimize(objective, n_trials=4, executor="ray")
    assert [trial.constraints for trial in study.trials] == [{"odd": float(n % 2)} for n in range(4)]
    assert study.best_trial.number == 2


class _UnloadableSampler(RandomSampler):
    def __reduce__(self):
        return (__import__, ("no_such_module",))


def test_a_sampler_that_the_driver_cannot_load_ends_the_call_with_the_reason() -> None:
    study = raystudy.create_study(sampler=_UnloadableSampler(seed=0))
    with pytest.raises(raystudy.exceptions.StudyError, match=r"cannot start.*no_such_module"):
        study.optimize(lambda trial: 0.0, n_trials=1, executor="ray")


def test_the_function_of_constraints_says_the_same_in_process_and_on_ray(tmp_path: Path) -> None:
    found = []
    for executor in ("inline", "ray"):
        sampler = TPESampler(
            seed=5, n_startup_trials=6, constraints_func=lambda trial: [trial.params["x"] - 0.3]
        )
        study = raystudy.create_study(sampler=sampler)
        study.optimize(
            lambda trial: -trial.suggest_float("x", 0.0, 1.0),
            n_trials=12,
            executor=executor,
            n_jobs=1,
            storage_path=str(tmp_path / executor),
        )
        found.append([(t.params, t.values, t.constraints) for t in study.trials])
    assert found[0] == found[1]
    assert [c for *_, c in found[0]] == [{"0": params["x"] - 0.3} for params, *_ in found[0]]


def test_what_the_function_of_constraints_raises_on_ray_is_raised_here(tmp_path: Path) -> None:
    sampler = TPESampler(seed=5, constraints_func=lambda _trial: [float("nan")])
    study = raystudy.create_study(sampler=sampler)
    with pytest.raises(ValueError, match="constraint '0': expected a number, got nan"):
        study.optimize(
            lambda trial: trial.suggest_float("x", 0.0, 1.0),
            n_trials=3,
            executor="ray",
            n_jobs=1,
            storage_path=str(tmp_path),
        )
    assert [t.state for t in study.trials] == [TrialState.COMPLETE]

"""What the modes of Hyperband promise, with real Ray tasks at two and at four slots.

Each trial has a score of its own that orders the curves at every step, as in ``tests/simulate``.  Each epoch leaves
a file, so that none can be trained twice unseen, and no trial goes on before all slots are taken.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import raystudy
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("cluster"), pytest.mark.filterwarnings("ignore")]

FULL, ETA = 9, 3
#: Algorithm 1 of Li et al. (2018) for R = 9 and eta = 3: trials and smallest budget of each bracket.
BRACKETS = [(9, 1), (5, 3), (3, 9)]
N_TRIALS = 17
SYNC_EPOCHS = (9 + 3 * 2 + 6) + (5 * 3 + 6) + 3 * 9
SYNC_AT_FULL = 1 + 1 + 3
SCORES = [random.Random(5).random() for _ in range(N_TRIALS)]


def training(folder: Path, n_slots: int) -> Callable[[Any], float]:
    scores, n_awaited = list(SCORES), N_TRIALS - n_slots

    def objective(trial: Any) -> float:
        here = folder / "alive" / str(trial.number)
        here.touch()
        try:
            first, value = (trial.load_checkpoint() or 0) + 1, 0.0
            if first == 1 and trial.number < n_awaited:
                # There are trials to create: every slot must come to be taken while this one is.
                deadline = time.monotonic() + 30
                while len(list(here.parent.iterdir())) < n_slots:
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"a slot stays idle while trial {trial.number} runs")
                    time.sleep(0.005)
            for epoch in range(first, 10):
                value = scores[trial.number] + 1 / epoch
                (folder / "epochs" / f"{trial.number}-{epoch}-{time.time_ns()}").touch(exist_ok=False)
                trial.save_checkpoint(epoch, step=epoch)
                trial.report(value, step=epoch)
                if trial.should_prune():
                    raise raystudy.TrialPruned
            return value
        finally:
            here.unlink()

    return objective


def search(tmp_path: Path, mode: Any, n_slots: int) -> tuple[dict[int, int], Any]:
    """Return how many epochs each trial has trained, and the study."""
    for name in ("epochs", "alive"):
        (tmp_path / name).mkdir()
    study = raystudy.create_study(
        sampler=RandomSampler(seed=1), pruner=HyperbandPruner(1, FULL, ETA, mode=mode)
    )
    study.optimize(
        training(tmp_path, n_slots),
        n_trials=N_TRIALS,
        executor="ray",
        n_jobs=n_slots,
        resources={"CPU": 0.5},
        storage_path=str(tmp_path / "home"),
        show_progress_bar=False,
    )
    trained = Counter(tuple(map(int, path.name.split("-")[:2])) for path in (tmp_path / "epochs").iterdir())
    assert set(trained.values()) == {1}, "an epoch was trained twice"
    epochs = {trial.number: len(trial.intermediate_values) for trial in study.trials}
    assert Counter(number for number, _ in trained) == epochs
    return epochs, study


def halving_on_paper() -> dict[int, int]:
    epochs: dict[int, int] = {}
    first = 0
    for size, smallest in BRACKETS:
        left, budget, n_left = list(range(first, first + size)), smallest, size
        first += size
        while left:
            epochs |= dict.fromkeys(left, budget)
            n_left, budget = n_left // ETA, budget * ETA
            left = sorted(left, key=SCORES.__getitem__)[:n_left] if budget <= FULL else []
    return epochs


@pytest.mark.parametrize("n_slots", [2, 4])
def test_sync_trains_exactly_the_epochs_and_keeps_exactly_the_survivors_of_halving_on_paper(
    tmp_path: Path, n_slots: int
) -> None:
    epochs, _ = search(tmp_path, "sync", n_slots)
    assert epochs == halving_on_paper()
    assert sum(epochs.values()) == SYNC_EPOCHS


@pytest.mark.parametrize("n_slots", [2, 4])
def test_promote_lets_the_best_on_to_the_top_and_few_others(tmp_path: Path, n_slots: int) -> None:
    epochs, study = search(tmp_path, "promote", n_slots)
    best = min(range(N_TRIALS), key=SCORES.__getitem__)
    assert epochs[best] == FULL
    assert study.best_trial.number == best
    dealt = [(0, 10, 1), (1, 5, 3), (2, 2, 9)]  # bracket, trials, smallest budget; a cycle takes 9 + 5 + 2
    on_paper = sum(size // (FULL // smallest) for _, size, smallest in dealt)
    assert on_paper <= Counter(epochs.values())[FULL] <= 2.5 * SYNC_AT_FULL
    for position, size, smallest in dealt:
        members = [t.number for t in study.trials if t.system_attrs["raystudy:bracket"] % 3 == position]
        assert len(members) == size
        budget, n_top = smallest, size // ETA
        while budget < FULL:
            top = sorted(members, key=SCORES.__getitem__)[:n_top]
            assert sum(epochs[number] > budget for number in top) >= 0.9 * len(top)
            budget, n_top = budget * ETA, n_top // ETA

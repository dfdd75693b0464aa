"""The example search: its data are what its docstring promises, and its trainings can be resumed exactly."""

from __future__ import annotations

import copy
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle
import pytest

from raystudy.exceptions import TrialPruned
from raystudy.frozen import FrozenTrial, TrialState

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

PARAMS: dict[str, Any] = {
    "lr": 3e-3,
    "weight_decay": 1e-4,
    "augmentation": "heavy",
    "focal_gamma": 0.5,
    "batch_size": 256,
    "optimizer": "sgd",
    "momentum": 0.9,
}


class CheckpointedTrial(FrozenTrial):
    """A trial with given parameters that keeps its checkpoints and can be told to stop after an epoch."""

    def __init__(self, start: Any = None, stop_after: int | None = None, **params: Any) -> None:
        super().__init__(number=3, state=TrialState.RUNNING, params=PARAMS | params)
        self.start, self.stop_after, self.newest = start, stop_after, start

    def load_checkpoint(self) -> Any:
        return self.start

    def save_checkpoint(self, state: Any, step: int | None = None) -> None:
        assert step == state["step"]
        assert step not in self.intermediate_values
        self.newest = copy.deepcopy(state)

    def report(self, value: float, step: int) -> None:
        self.intermediate_values[step] = value

    def should_prune(self) -> bool:
        return self.stop_after is not None and max(self.intermediate_values) >= self.stop_after


@pytest.fixture(scope="module")
def tune() -> ModuleType:
    path = Path(__file__).parents[2] / "examples" / "tune.py"
    spec = importlib.util.spec_from_file_location("example_tune", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def small(tune: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(tune, "CANVASES", (1_024, 800, 800))
    return tune


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_two_to_three_percent_of_each_split_are_positive(tune: ModuleType, split: str) -> None:
    images, labels = tune.make_split(split)
    assert images.shape == (len(labels), 1, 28, 28)
    assert set(labels.tolist()) == {0.0, 1.0}
    assert 0.02 <= labels.mean() <= 0.03


def test_validation_holds_at_least_150_positives(tune: ModuleType) -> None:
    assert tune.make_split("validation")[1].sum() >= 150


def test_every_digit_is_a_source_of_exactly_one_split(tune: ModuleType) -> None:
    sources = tune.split_sources()
    indices = sorted(index for part in sources.values() for index in part.tolist())
    assert indices == list(range(len(tune.load_digits().target)))


def test_a_split_is_drawn_from_its_own_sources_only(
    tune: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = tune.load_digits()
    others = [i for name, part in tune.split_sources().items() if name != "validation" for i in part]
    digits.images[others] = float("nan")
    monkeypatch.setattr(tune, "load_digits", lambda: digits)
    assert torch.isfinite(tune.make_split("validation")[0]).all()
    assert not torch.isfinite(tune.make_split("train")[0]).all()


def test_a_seed_names_one_data_set(small: ModuleType) -> None:
    first, again, other = (
        small.make_split("train"),
        small.make_split("train"),
        small.make_split("train", seed=1),
    )
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize("params", [{}, {"optimizer": "adamw", "augmentation": "light"}])
def test_a_resumed_training_equals_an_uninterrupted_one(small: ModuleType, params: dict[str, Any]) -> None:
    whole = CheckpointedTrial(**params)
    small.objective(whole, epochs=3, seed=0)
    values: dict[int, float] = {}
    state: Any = None
    for stop in range(3):
        part = CheckpointedTrial(start=state, stop_after=stop, **params)
        with pytest.raises(TrialPruned):
            small.objective(part, epochs=3, seed=0)
        values |= part.intermediate_values
        state = part.newest
    assert values == whole.intermediate_values
    assert all(
        torch.equal(weight, whole.newest["parts"]["model"][key])
        for key, weight in state["parts"]["model"].items()
    )


def test_a_trial_whose_last_epoch_is_saved_returns_its_value(small: ModuleType) -> None:
    first = CheckpointedTrial()
    value = small.objective(first, epochs=1, seed=0)
    assert small.objective(CheckpointedTrial(start=first.newest), epochs=1, seed=0) == value


def test_the_model_for_the_test_split_is_the_one_that_won(
    small: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = CheckpointedTrial()
    value = small.objective(trial, epochs=2, seed=0)
    make_split = small.make_split
    monkeypatch.setattr(small, "make_split", lambda name: make_split(name.replace("test", "validation")))
    assert small.score_on_test(trial, epochs=2, seed=0) == value


def test_the_objective_never_makes_the_test_split(small: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    make_split = small.make_split

    def recorded(name: str) -> Any:
        made.append(name)
        return make_split(name)

    monkeypatch.setattr(small, "make_split", recorded)
    small.objective(CheckpointedTrial(), epochs=1, seed=0)
    assert sorted(made) == ["train", "validation"]


@pytest.mark.parametrize("gamma", [0.0, 0.2, 1.0, 4.0])
def test_focal_loss_has_finite_gradients_at_a_perfect_fit(tune: ModuleType, gamma: float) -> None:
    logits = torch.tensor([200.0, -200.0, 3.0, -1.0], requires_grad=True)
    tune.focal_loss(logits, torch.tensor([1.0, 0.0, 0.0, 1.0]), gamma).backward()
    assert torch.isfinite(logits.grad).all()


def test_the_objective_can_be_shipped_without_its_file(small: ModuleType) -> None:
    shipped = cloudpickle.loads(cloudpickle.dumps(small.objective))
    assert shipped is not small.objective
    assert shipped(CheckpointedTrial(), epochs=1, seed=0) == small.objective(
        CheckpointedTrial(), epochs=1, seed=0
    )


def test_the_shown_location_holds_no_password(tune: ModuleType) -> None:
    shown = tune.location("postgresql+psycopg://ann:s3cr/et@db:5432/optuna?password=s3cret")
    assert "s3cr" not in shown
    assert shown.endswith("@db:5432/optuna")
    assert tune.location("sqlite:///some.db") == str(Path("some.db").resolve())

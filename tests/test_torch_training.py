"""TorchTraining: a training that was paused, or lost its worker, ends in the same weights as one without a break."""

import random
from collections import defaultdict

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import raystudy
from raystudy.frozen import TrialState
from raystudy.integration.torch import TorchTraining
from raystudy.orchestrator.checkpoints import TrialVault
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler

EPOCHS = 6
DATA = TensorDataset(torch.linspace(-1, 1, 96).view(32, 3), torch.linspace(0, 1, 32).view(32, 1))


class Run:
    """A training with dropout, batch norm, shuffling, noise of numpy and Python, a scheduler and a scaler."""

    def __init__(self):
        torch.manual_seed(1)
        random.seed(2)
        np.random.seed(3)  # noqa: NPY002 - users do
        self.model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.05)
        self.scheduler = torch.optim.lr_scheduler.MultiStepLR(self.optimizer, [2, 4, 4])
        self.scaler = torch.amp.GradScaler("cpu")
        self.shuffle = torch.Generator().manual_seed(4)
        self.rng = np.random.default_rng(5)
        self.loader = DataLoader(DATA, batch_size=5, shuffle=True, generator=self.shuffle)
        self.plain_loader = DataLoader(DATA, batch_size=7, shuffle=True)

    def training(self):
        return TorchTraining(
            model=self.model,
            optimizer=self.optimizer,
            scheduler=self.scheduler,
            scaler=self.scaler,
            shuffle=self.shuffle,
            rng=self.rng,
        )

    def epoch(self):
        self.model.train()
        for loader in (self.loader, self.plain_loader):
            for inputs, targets in loader:
                noise = self.rng.normal() + random.gauss(0, 1) + np.random.normal()  # noqa: NPY002
                loss = (self.model(inputs + 0.01 * noise) - targets).square().mean()
                self.optimizer.zero_grad()
                self.scaler.scale(loss).backward()
                self.scaler.step(self.optimizer)
                self.scaler.update()
        self.scheduler.step()
        return float(loss.detach())


def weights(run):
    return {name: tensor.clone() for name, tensor in run.model.state_dict().items()}


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def trained_without_a_break():
    run = Run()
    for _ in range(EPOCHS):
        run.epoch()
    return weights(run)


def test_a_paused_and_promoted_training_ends_in_the_weights_of_one_without_a_break():
    ended, attempts = {}, defaultdict(list)

    def objective(trial):
        trial.suggest_float("x", 0, 1)
        run = Run()
        training = run.training()
        first = training.resume(trial)
        attempts[trial.number].append(first)
        for epoch in range(first, EPOCHS):
            training.values["loss"] = run.epoch()
            training.save(trial, epoch)
            trial.report(trial.number, epoch)
            if trial.should_prune():
                raise raystudy.TrialPruned
        ended[trial.number] = weights(run)
        return training.values["loss"]

    study = raystudy.create_study(
        sampler=RandomSampler(seed=1), pruner=HyperbandPruner(3, EPOCHS, 2, mode="sync")
    )
    study.optimize(objective, n_trials=4, show_progress_bar=False)
    assert attempts == {0: [0, 3], 1: [0], 2: [0], 3: [0]}
    whole = trained_without_a_break()
    assert [number for number, found in ended.items() if equal(found, whole)] == list(ended)
    assert sorted(ended) == [0, 2, 3]
    assert [trial.state for trial in study.trials].count(TrialState.PRUNED) == 1


class Saved:
    """A trial whose checkpoints are those of a vault."""

    def __init__(self, folder, attempt):
        self.vault = TrialVault(str(folder), attempt)

    def save_checkpoint(self, state, step=None):
        self.vault.save(state, step, {step: 0.0})

    def load_checkpoint(self):
        return self.vault.load()


def test_a_training_interrupted_after_any_epoch_ends_in_the_same_weights(tmp_path):
    whole = trained_without_a_break()
    for attempt in range(1, EPOCHS + 1):
        run = Run()
        training, trial = run.training(), Saved(tmp_path, attempt)
        first = training.resume(trial)
        assert first == attempt - 1
        run.epoch()
        training.save(trial, first)
    assert equal(weights(run), whole)


def test_what_is_saved_is_read_with_weights_only_and_has_the_values(tmp_path):
    run = Run()
    training = run.training()
    training.values |= {"loss": np.float64(0.5), "history": [np.float32(1.0), None], "name": "a"}
    training.save(Saved(tmp_path, 1), 7)
    assert [path.name for path in tmp_path.glob("*/state*")] == ["state.pt"]
    again = Run().training()
    assert again.resume(Saved(tmp_path, 2)) == 8
    assert again.values == {"loss": 0.5, "history": [1.0, None], "name": "a"}


@pytest.mark.parametrize("value", [{1, 2}, object(), torch.float32])
def test_a_value_that_cannot_be_read_back_safely_is_refused_by_name(tmp_path, value):
    training = Run().training()
    training.values["odd"] = {"deep": value}
    with pytest.raises(TypeError, match=r"values\['odd'\]\['deep'\].*weights_only"):
        training.save(Saved(tmp_path, 1), 0)


def test_a_part_without_a_state_is_refused_by_name():
    with pytest.raises(TypeError, match=r"expected lr to have state_dict.*training\.values"):
        TorchTraining(model=nn.Linear(1, 1), lr=0.1)


def test_a_checkpoint_of_other_parts_is_refused_and_names_them(tmp_path):
    TorchTraining(model=nn.Linear(1, 1)).save(Saved(tmp_path, 1), 0)
    run = Run()
    training = TorchTraining(model=run.model, optimizer=run.optimizer)
    with pytest.raises(ValueError, match=r"\['model', 'optimizer'\].*\['model'\]"):
        training.resume(Saved(tmp_path, 2))


def test_a_checkpoint_of_another_kind_is_refused(tmp_path):
    Saved(tmp_path, 1).save_checkpoint({"epoch": 1}, 0)
    with pytest.raises(ValueError, match="expected a checkpoint of TorchTraining"):
        Run().training().resume(Saved(tmp_path, 2))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_random_numbers_of_a_cuda_device_go_on_where_they_were(tmp_path):
    torch.cuda.manual_seed(1)
    training = TorchTraining(model=nn.Linear(1, 1).cuda())
    training.save(Saved(tmp_path, 1), 0)
    drawn = torch.rand(4, device="cuda")
    torch.rand(100, device="cuda")
    training.resume(Saved(tmp_path, 2))
    assert torch.equal(torch.rand(4, device="cuda"), drawn)

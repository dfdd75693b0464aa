"""Find one rare digit among thousands: a search over a small CNN, by TPE and Hyperband, on a Ray cluster.

    python tune.py --n-trials 40                                     # a laptop: starts a local Ray
    ray submit cluster.yaml tune.py -- --n-trials 200                # on a cluster, over ssh
    ray job submit --working-dir examples -- python tune.py --n-trials 200 --storage URL   # on a cluster, as a job

The task has the shape of a defect search: 2.5 % of the images are positive, so the objective is PR-AUC
(average precision) on validation images.  They are scikit-learn's handwritten digits, put on larger canvases
in many disturbed versions.  No digit is in two splits; the test split is made once, at the very end.

To use it for your own model, replace ``make_split`` and ``build_model``; keep the loop of ``objective``.
Needs raystudy, torch, scikit-learn and numpy on every node, and nothing beside this file.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the customary name
from sklearn.datasets import load_digits
from sklearn.metrics import average_precision_score
from sqlalchemy.engine import make_url
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import raystudy
from raystudy.integration.torch import TorchTraining

RARE_DIGIT = 8
POSITIVE_SHARE = 0.025
CANVAS = 28  # pixels per side
SPLITS = ("train", "validation", "test")
SOURCE_SHARES = (0.5, 0.25, 0.25)
CANVASES = (6_400, 7_200, 7_200)
DATA_SEED = 2024  # not --seed: the trials of a study can be compared only on the same images
AVERAGED_IMAGES = 1_600  # the weights that are scored are an average over about so many training images
FINISHED = [state for state in raystudy.trial.TrialState if state.is_finished()]

Config = dict[str, Any]


def split_sources(seed: int = DATA_SEED) -> dict[str, np.ndarray]:
    """Return for each split the indices of its source digits; every class is in each by the same shares."""
    rng = np.random.default_rng(seed)
    target = load_digits().target
    ends = np.cumsum(SOURCE_SHARES)[:-1]
    by_class = [rng.permutation(np.flatnonzero(target == digit)) for digit in range(10)]
    cuts = [np.split(indices, np.round(ends * len(indices)).astype(int)) for indices in by_class]
    return {name: np.concatenate(parts) for name, parts in zip(SPLITS, zip(*cuts, strict=True), strict=True)}


def make_split(name: str, seed: int = DATA_SEED) -> tuple[Tensor, Tensor]:
    """Return the canvases (n, 1, 28, 28) and labels (n,) of a split, both float32.

    It takes 0.2 s, so each trial calls it anew: nothing is cached, and no cache can be stale.
    """
    digits, sources = load_digits(), split_sources(seed)[name]
    rng = np.random.default_rng((seed, SPLITS.index(name)))
    n = CANVASES[SPLITS.index(name)]
    n_rare = round(n * POSITIVE_SHARE)
    is_rare = digits.target[sources] == RARE_DIGIT
    drawn = np.concatenate([rng.choice(sources[is_rare], n_rare), rng.choice(sources[~is_rare], n - n_rare)])
    canvases = torch.from_numpy(digits.images[drawn].astype(np.float32) / 16).unsqueeze(1)
    canvases = warp(canvases, rng, degrees=15, shift=0.12, zoom=(1.2, 1.5))
    canvases = occlude(canvases * uniform(rng, n, 0.7, 1.0).unsqueeze(-1), rng, largest=6)
    canvases += 0.12 * torch.from_numpy(rng.standard_normal(canvases.shape, dtype=np.float32))
    return canvases, torch.from_numpy((digits.target[drawn] == RARE_DIGIT).astype(np.float32))


def uniform(rng: np.random.Generator, n: int, low: float, high: float) -> Tensor:
    """Return random numbers (n, 1, 1) float32, one for each image."""
    return torch.from_numpy(rng.uniform(low, high, (n, 1, 1)).astype(np.float32))


def warp(
    images: Tensor, rng: np.random.Generator, *, degrees: float, shift: float, zoom: tuple[float, float]
) -> Tensor:
    """Put each image (1, height, width) on a canvas, turned, moved and shrunk by its own random amounts.

    ``shift`` is the largest one along each axis, in half canvases; ``zoom`` is how much larger the canvas is.
    """
    n = len(images)
    angle, scale = uniform(rng, n, -math.radians(degrees), math.radians(degrees)), uniform(rng, n, *zoom)
    axis = (torch.arange(CANVAS) + 0.5) * 2 / CANVAS - 1
    x = axis.view(1, 1, -1) + uniform(rng, n, -shift, shift)
    y = axis.view(1, -1, 1) + uniform(rng, n, -shift, shift)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    return F.grid_sample(images, torch.stack([cos * x - sin * y, sin * x + cos * y], -1), align_corners=False)


def occlude(images: Tensor, rng: np.random.Generator, *, largest: int) -> Tensor:
    """Cover a random rectangle of up to ``largest`` pixels per side with grey, on each canvas."""
    n, axis = len(images), torch.arange(CANVAS)
    top, left = uniform(rng, n, 0, CANVAS - largest), uniform(rng, n, 0, CANVAS - largest)
    rows = (axis >= top) & (axis < top + uniform(rng, n, 0, largest))
    columns = (axis >= left) & (axis < left + uniform(rng, n, 0, largest))
    return images.masked_fill((rows.transpose(1, 2) & columns).unsqueeze(1), 0.5)


def augment(images: Tensor, strength: str, rng: np.random.Generator) -> Tensor:
    """Return a freshly disturbed copy of the training images, for one epoch."""
    if strength == "light":
        return warp(images, rng, degrees=0, shift=0.1, zoom=(1.0, 1.0))
    return occlude(warp(images, rng, degrees=15, shift=0.2, zoom=(0.85, 1.15)), rng, largest=8)


def build_model() -> nn.Module:
    """Return an untrained CNN of 6,500 weights, from images (n, 1, 28, 28) to logits (n, 1)."""
    layers: list[nn.Module] = []
    for n_in, n_out in ((1, 8), (8, 16), (16, 32)):
        convolution = nn.Conv2d(n_in, n_out, kernel_size=3, stride=2, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(n_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 4 * 4, 1))


def focal_loss(logits: Tensor, labels: Tensor, gamma: float) -> Tensor:
    """Return the mean focal loss (Lin et al. 2017, eq. 4), which for gamma = 0 is the cross-entropy."""
    cross_entropy = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    miss = -torch.expm1(-cross_entropy)  # 1 - p_t
    # For gamma < 1 the slope of miss ** gamma at 0 is infinite: one perfect fit would make all weights NaN.
    return (miss.clamp_min(1e-6) ** gamma * cross_entropy).mean()


def suggest(trial: raystudy.Trial | raystudy.trial.FrozenTrial) -> Config:
    """Return the configuration of a trial: this is the search space."""
    config: Config = {
        "lr": trial.suggest_float("lr", 1e-4, 1e-1, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True),
        "augmentation": trial.suggest_categorical("augmentation", ["light", "heavy"]),
        "focal_gamma": trial.suggest_float("focal_gamma", 0.0, 4.0),
        "batch_size": trial.suggest_categorical("batch_size", [32, 64, 128, 256]),
        "optimizer": trial.suggest_categorical("optimizer", ["adamw", "sgd"]),
    }
    if config["optimizer"] == "sgd":  # a branch: only here is there a momentum
        config["momentum"] = trial.suggest_float("momentum", 0.5, 0.99)
    return config


class Training:
    """The model of one trial with its optimizer and the running average of its weights, which is what is scored.

    From one epoch to the next the PR-AUC of the weights themselves jumps by up to 0.08, so that the best of
    many trials would be the luckiest one; that of their average moves by 0.01.
    """

    def __init__(self, config: Config, seed: int, number: int) -> None:
        torch.set_num_threads(1)  # as many as the CPUs that ``optimize`` reserves for a trial
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(np.random.SeedSequence((seed, number)).generate_state(1)[0]))
            self.model = build_model()
        decay = 1 - config["batch_size"] / AVERAGED_IMAGES
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
        options = {name: config[name] for name in ("lr", "weight_decay", "momentum") if name in config}
        kind = {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[config["optimizer"]]
        self.optimizer: torch.optim.Optimizer = kind(self.model.parameters(), **options)
        self.config, self.seed, self.number = config, seed, number

    def epoch(self, epoch: int, data: tuple[Tensor, Tensor]) -> None:
        """Train for one epoch.

        Its random numbers come from (seed, trial, epoch), so a trial that was paused, or lost its worker,
        goes on from its checkpoint to exactly the value that it would have reached without a break.
        """
        rng = np.random.default_rng((self.seed, self.number, epoch))
        self.model.train()
        images, labels = augment(data[0], self.config["augmentation"], rng), data[1]
        for batch in torch.from_numpy(rng.permutation(len(labels))).split(self.config["batch_size"]):
            loss = focal_loss(self.model(images[batch]).squeeze(1), labels[batch], self.config["focal_gamma"])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.average.update_parameters(self.model)


def pr_auc(model: nn.Module, data: tuple[Tensor, Tensor]) -> float:
    """Return the average precision of a model, 0 for one that has diverged."""
    model.eval()
    with torch.inference_mode():
        logits = torch.cat([model(images).squeeze(1) for images in data[0].split(600)])
    return float(average_precision_score(data[1], logits)) if torch.isfinite(logits).all() else 0.0


def objective(trial: raystudy.Trial, *, epochs: int, seed: int) -> float:
    """Train one configuration and return its validation PR-AUC after the last epoch."""
    training = Training(suggest(trial), seed, trial.number)
    train, validation = make_split("train"), make_split("validation")
    saved = TorchTraining(model=training.model, average=training.average, optimizer=training.optimizer)
    for epoch in range(saved.resume(trial), epochs):
        training.epoch(epoch, train)
        value = saved.values["value"] = pr_auc(training.average, validation)
        saved.save(trial, epoch)  # before the report, whose answer may be that the trial has to wait here
        trial.report(value, epoch)
        if trial.should_prune():
            raise raystudy.TrialPruned
    return float(saved.values["value"])


def score_on_test(best: raystudy.trial.FrozenTrial, *, epochs: int, seed: int) -> float:
    """Train the best configuration again, just as its trial did, and return its PR-AUC on the test split."""
    training, train = Training(suggest(best), seed, best.number), make_split("train")
    for epoch in range(epochs):
        training.epoch(epoch, train)
    return pr_auc(training.average, make_split("test"))


def search(study: raystudy.Study, args: argparse.Namespace) -> None:
    """Go on until the study holds ``--n-trials`` finished trials in all."""
    run = partial(objective, epochs=args.epochs, seed=args.seed)
    finished = len(study.get_trials(states=FINISHED))
    while (missing := args.n_trials - finished) > 0:
        # A pass that takes over an interrupted call adds only what that call still owed.
        study.optimize(run, n_trials=missing, executor="ray", n_jobs=args.workers, resources={"CPU": 1})
        before, finished = finished, len(study.get_trials(states=FINISHED))
        if finished == before:
            break


def location(storage: str) -> str:
    """Return where the database is, fit to be shown: an absolute path, or a URL without its password."""
    if (url := make_url(storage)).get_backend_name() == "sqlite":
        return str(Path(url.database or "").resolve())
    return url.set(query={}).render_as_string(hide_password=True)


def print_table(study: raystudy.Study, args: argparse.Namespace, storage: str) -> None:
    """Print what was found and what it cost; nothing before this has looked at the test split."""
    trials, best = study.get_trials(states=FINISHED), study.best_trial
    states = Counter(trial.state.name for trial in trials)
    trained, unpruned = sum(len(trial.intermediate_values) for trial in trials), len(trials) * args.epochs
    pruned_after = [len(trial.intermediate_values) for trial in trials if trial.state.name == "PRUNED"]
    early = sum(n_epochs < 0.3 * args.epochs for n_epochs in pruned_after)
    params = (f"{k}={v:.3g}" if isinstance(v, float) else f"{k}={v}" for k, v in best.params.items())
    rows = {
        "best PR-AUC": f"{best.value:.4f} on validation, by trial {best.number}",
        "best parameters": ", ".join(params),
        "trials": ", ".join(f"{count} {state}" for state, count in states.items()),
        "epochs trained": f"{trained}, {trained / unpruned:.0%} of the {unpruned} without pruning",
        "stopped early": f"{early / len(trials):.0%} of the trials, before 30 % of their epochs",
        "test PR-AUC": f"{score_on_test(best, epochs=args.epochs, seed=args.seed):.4f}",
        "database": location(storage),
    }
    print("\n" + "\n".join(f"{name:<16} {text}" for name, text in rows.items()))


def main() -> int:
    """Run the search, print its table and return the exit status."""
    parser = argparse.ArgumentParser(description="Search for a CNN that finds one rare digit.")
    parser.add_argument("--n-trials", type=int, default=40, help="finished trials in all (40)")
    parser.add_argument("--epochs", type=int, default=27, help="epochs of a full training (27)")
    parser.add_argument("--workers", type=int, help="trials at a time (as many as the cluster has CPUs)")
    parser.add_argument("--storage", help="database URL (sqlite:///<study-name>.db, in this folder)")
    parser.add_argument("--study-name", default="rare-digit", help="name in the database (rare-digit)")
    parser.add_argument("--resume", action="store_true", help="go on with the study if it exists")
    parser.add_argument("--seed", type=int, default=0, help="seed of the sampler and of the trainings (0)")
    args = parser.parse_args()
    storage: str = args.storage or f"sqlite:///{args.study_name}.db"
    try:
        study = raystudy.create_study(
            study_name=args.study_name,
            storage=storage,
            direction="maximize",
            load_if_exists=args.resume,
            sampler=raystudy.samplers.TPESampler(seed=args.seed),
            pruner=raystudy.pruners.HyperbandPruner(1, args.epochs, 3),
        )
    except raystudy.exceptions.DuplicatedStudyError as error:
        print(f"{error} (--resume goes on with it)", file=sys.stderr)
        return 2
    print(f"study {args.study_name!r} in {location(storage)}")
    search(study, args)
    if not any(trial.state.name == "COMPLETE" for trial in study.trials):
        print("no trial was completed", file=sys.stderr)
        return 1
    print_table(study, args, storage)
    return 0


if __name__ == "__main__":
    sys.exit(main())

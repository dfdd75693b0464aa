"""Quasi-random search: the points of a Sobol or Halton sequence, which cover a space more evenly than random ones.

Trial ``n`` has point ``n - 1``, as in an Optuna study that is run by one worker; the trials that begin before the
space is known are drawn independently.  So no point is used twice, however many trials are pending or were lost,
and a study that goes on after a crash goes on with the sequence.

Source: Bergstra and Bengio (2012), JMLR 13, section 4; the sequences are those of ``scipy.stats.qmc``.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.stats import qmc

from raystudy.distributions import Distribution, ParamValue
from raystudy.frozen import TrialState
from raystudy.samplers.base import Sampler, check_sampler
from raystudy.samplers.history import History
from raystudy.samplers.hooks import HistorySampler
from raystudy.samplers.random import RandomSampler
from raystudy.samplers.scales import external_params, from_unit_cube

__all__ = ["QMCSampler", "sequence_point"]

FloatArray = npt.NDArray[np.float64]

_OFF_THE_BORDER = 2.0**-40
_ENGINES = {"sobol": qmc.Sobol, "halton": qmc.Halton}


# Not frozen: see RandomSampler.
@dataclass(slots=True, kw_only=True)
class QMCSampler(HistorySampler):
    """Draw the parameters of the first finished trial from a low-discrepancy sequence.

    Args:
        qmc_type: "sobol" (best with a power of two of trials) or "halton".
        scramble: Whether to randomise the sequence, which keeps its evenness.
        seed: Seed of the scrambling, >= 0; None is the study's.
        independent_sampler: What draws other parameters, and trials begun before one has asked; default: at random.
        warn_asynchronous_seeding: Without effect: all programs that run a study share its seed.
        warn_independent_sampling: Whether to warn of parameters that are drawn independently once a trial is finished.

    Raises:
        ValueError: If there is no such sequence.
        TypeError: If ``independent_sampler`` is no sampler.
    """

    qmc_type: str = "sobol"
    scramble: bool = False
    seed: int | None = None
    independent_sampler: Sampler | None = None
    warn_asynchronous_seeding: bool = field(default=True, compare=False)
    warn_independent_sampling: bool = True
    draws_ahead: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.qmc_type not in _ENGINES:
            raise ValueError(f"QMCSampler: expected qmc_type 'sobol' or 'halton', got {self.qmc_type!r}")
        if self.independent_sampler is not None:
            check_sampler(self.independent_sampler)

    def joint_space(self, history: History) -> Mapping[str, Distribution]:
        """Return the parameters of the first trial that finished, else of the first that asked for any.

        A single-valued parameter needs no dimension; the others have theirs in the order in which they were asked for.
        """
        for states in ([TrialState.COMPLETE, TrialState.PRUNED], [TrialState.RUNNING]):
            for number in np.flatnonzero(np.isin(history.states, states)).tolist():
                space = {name: each for name, each in history.space(number).items() if not each.single()}
                if space:
                    return space
        return {}

    def propose(
        self,
        space: Mapping[str, Distribution],
        history: History,
        rng: np.random.Generator,  # noqa: ARG002 - the sequence is the same for all trials
    ) -> dict[str, ParamValue]:
        """Return the trial's point of the sequence, as external values."""
        number = len(history) if history.asking is None else history.asking
        seed = history.seed if self.seed is None else self.seed
        unit = sequence_point(
            self.qmc_type, len(space), max(number - 1, 0), seed=seed, scramble=self.scramble
        )
        return external_params(space, from_unit_cube(space, unit[:, None])[:, 0])

    def sample(
        self, name: str, distribution: Distribution, history: History, rng: np.random.Generator
    ) -> ParamValue:
        """Draw one external value by the independent sampler, and warn of it."""
        independent = self.independent_sampler or RandomSampler()
        is_finished = np.isin(history.states, [TrialState.COMPLETE, TrialState.PRUNED])
        if self.warn_independent_sampling and is_finished.any():
            warnings.warn(
                f"QMCSampler: parameter {name!r} of trial {history.asking} is drawn by "
                f"{type(independent).__name__}, since the first trial had not this one with these bounds; "
                "quasi-random search is for spaces without branches",
                UserWarning,
                stacklevel=2,
            )
        return independent.sample(name, distribution, history, rng)

    def spec(self) -> dict[str, Any]:
        """Return the arguments as plain JSON values, with the class name under ``name``."""
        return {
            "name": "QMCSampler",
            "qmc_type": self.qmc_type,
            "scramble": self.scramble,
            "seed": self.seed,
            "independent_sampler": self.independent_sampler and self.independent_sampler.spec(),
            "warn_asynchronous_seeding": self.warn_asynchronous_seeding,
            "warn_independent_sampling": self.warn_independent_sampling,
        }


def sequence_point(qmc_type: str, width: int, index: int, *, seed: int, scramble: bool) -> FloatArray:
    """Return one point of a sequence, (width,) float64 in [0, 1).

    Args:
        qmc_type: "sobol" or "halton".
        width: Number of dimensions.
        index: Of the point, >= 0.
        seed: Seed of the scrambling.
        scramble: Whether to randomise the sequence, which keeps its evenness.
    """
    engine = _ENGINES[qmc_type](width, scramble=scramble, seed=seed)
    if index:  # Sobol's cannot be sent on by nothing
        engine.fast_forward(index)
    # Sobol's points, multiples of 2**-30, would lie on the borders of cells and be rounded to the even ones.
    point: FloatArray = engine.random(1)[0] + _OFF_THE_BORDER
    return np.minimum(point, np.nextafter(1.0, 0.0))

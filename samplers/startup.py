"""How trials are drawn before there is anything to learn from: at random, or along a Sobol sequence.

Trial ``n`` has point ``n`` of a sequence that is scrambled by the study's seed, and each parameter has a dimension of
its own.  So it does not matter how many trials are pending: the first 64 trials of 64 workers cover the space evenly,
too, and a study that goes on after a crash goes on with the sequence.  Parameters of branches have their dimensions
whether a trial takes the branch or not.

Dimensions go by the first trial that had a parameter, and by its order there; a parameter that no trial has had takes
the next one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from raystudy.distributions import Distribution
from raystudy.samplers.failures import Survival
from raystudy.samplers.history import History
from raystudy.samplers.qmc import sequence_point
from raystudy.samplers.scales import from_unit_cube, uniform

__all__ = ["STARTUPS", "Startup", "sobol_point", "startup_candidates"]

Startup = Literal["random", "sobol"]
STARTUPS: tuple[str, ...] = get_args(Startup)

FloatArray = npt.NDArray[np.float64]

#: The scrambling depends on the number of dimensions: the first so many keep theirs while others appear.
_DIMENSIONS = 32
#: All that there are of Sobol's.
_MOST_DIMENSIONS = 21201


def startup_candidates(
    startup: Startup,
    space: Mapping[str, Distribution],
    whole: Mapping[str, Distribution],
    history: History,
    survival: Survival | None,
    rng: np.random.Generator,
    size: int,
) -> tuple[FloatArray, FloatArray]:
    """Return candidates (d, size) of internal values with scores (size,); the highest is to be taken.

    Candidates are those of a space, which is a part of the whole one that the trial is drawn from.
    Where trials are known to fail, a candidate is taken in proportion to its chance to survive; the point of the
    sequence with just that chance.
    """
    candidates = uniform(space, rng, size)
    if startup == "sobol":
        candidates[:, 0] = sobol_point(space, whole, history)
    if survival is None:
        return candidates, np.zeros(size)
    log_chance = survival.log_chance(candidates)
    scores: FloatArray = log_chance + rng.gumbel(size=size)  # the largest belongs to each with its chance
    if startup == "sobol":
        scores[0] = math.inf if math.log1p(-rng.random()) < log_chance[0] else -math.inf
    return candidates, scores


def sobol_point(
    space: Mapping[str, Distribution], whole: Mapping[str, Distribution], history: History
) -> FloatArray:
    """Return the point of the trial that is asking, (len(space),) internal values in the order of the space.

    The space is a part of the whole one that the trial is drawn from.
    """
    number = len(history) if history.asking is None else history.asking
    homes = _dimensions(history)
    for name in whole:
        homes.setdefault(name, len(homes))
    width = -(-len(homes) // _DIMENSIONS) * _DIMENSIONS
    unit = sequence_point("sobol", min(width, _MOST_DIMENSIONS), number, seed=history.seed, scramble=True)
    chosen = unit[[homes[name] % len(unit) for name in space]]
    point: FloatArray = from_unit_cube(space, chosen[:, None])[:, 0]
    return point


def _dimensions(history: History) -> dict[str, int]:
    """Return the dimension of every known parameter."""
    n_known, homes = len(history.known_space()), dict[str, int]()
    for number in range(len(history)):
        for name in history.space(number):
            homes.setdefault(name, len(homes))
        if len(homes) == n_known:
            break
    return homes

"""The name under which Optuna has once searched for several objectives by TPE."""

from __future__ import annotations

import warnings

from raystudy.samplers.parzen import Weights
from raystudy.samplers.splitting import Gamma
from raystudy.samplers.tpe import TPESampler

__all__ = ["MOTPESampler"]


class MOTPESampler(TPESampler):
    """``TPESampler``, under the arguments that this name had; deprecated, as in Optuna.

    Args:
        consider_prior: Without effect: there always is a prior.
        prior_weight: Weight of the prior.
        consider_magic_clip: False takes the lower bound of the kernels' widths away.
        consider_endpoints: Without effect unless given, then as in ``TPESampler``.
        n_startup_trials: Trials, observed or pending, before which proposals are uniform.
        n_ehvi_candidates: Candidates drawn for each proposal.
        gamma: From the number of observed trials to that of the good ones; default: that of ``TPESampler``.
        weights_above: From a number of the other trials to their weights, oldest first; default: as ``gamma``.
        seed: Seed of the study, >= 0, or None to have one drawn when the study is first optimised.
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        consider_prior: bool = True,  # noqa: ARG002 - taken for the sake of old scripts
        prior_weight: float = 1.0,
        consider_magic_clip: bool = True,
        consider_endpoints: bool | None = None,
        n_startup_trials: int = 10,
        n_ehvi_candidates: int = 24,
        gamma: Gamma | None = None,
        weights_above: Weights | None = None,
        seed: int | None = None,
    ) -> None:
        warnings.warn(
            "MOTPESampler is deprecated, as in Optuna; TPESampler searches for several objectives",
            FutureWarning,
            stacklevel=2,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # said already
            super().__init__(
                n_startup_trials=n_startup_trials,
                n_ei_candidates=n_ehvi_candidates,
                seed=seed,
                prior_weight=None if prior_weight == 1.0 else prior_weight,
                consider_magic_clip=None if consider_magic_clip else False,
                consider_endpoints=consider_endpoints,
                gamma=gamma,
                weights=weights_above,
            )

"""A Gaussian process: its kernel, the fit of its hyperparameters, its posterior, and pending points as fantasies.

Notation: ``n`` trials, ``f`` features (``gp_features``), ``d`` parameters.  X (n, f) are the features and y (n,) the
standardised objective values, lower is better.

    r^2(x, x') = sum_j w_j |x_j - x'_j|^2            w_j = 1 / l_j^2, l_j the length scale of parameter j
    k(x, x')   = s (1 + q + q^2 / 3) exp(-q)         q = sqrt(5) r: Matern 5/2; s is the signal variance
    K          = k(X, X) + v I                       v is the variance of the noise

Sources: Rasmussen and Williams (2006), "Gaussian Processes for Machine Learning", equations 2.25, 2.26, 4.17 and 5.9;
Hvarfner et al. (2024), "Vanilla Bayesian Optimization Performs Great in High Dimensions", ICML, equation 5, for
the prior of the length scales, which grow with sqrt(d); Ginsbourger et al. (2010) for the kriging believer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg.blas import dsymm
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs, dtrtri
from scipy.optimize import minimize

__all__ = ["Posterior", "fit", "log_posterior", "matern"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Noise of an objective that always gives the same value for the same parameters, and the least of any other.
LEAST_NOISE = 1e-6
#: The log-normal prior of l: mean (plus log(d) / 2) and deviation of its logarithm, equation 5 of Hvarfner et al.
LOG_LENGTH_MEAN = math.sqrt(2.0)
LOG_LENGTH_SD = math.sqrt(3.0)
#: Gamma priors (shape, rate) of the signal variance, which is about 1, and of the noise, which may vanish.
SIGNAL_PRIOR = (2.0, 1.0)
NOISE_PRIOR = (1.1, 30.0)
_BOUNDS_LENGTH = (math.log(1e-2), math.log(1e3))
_BOUNDS_SIGNAL = (math.log(5e-2), math.log(5e1))
_BOUNDS_NOISE = (math.log(LEAST_NOISE), math.log(1e1))
#: Where the fit begins: log l, less log(d) / 2, and log v.
START_LENGTH = math.log(0.5)
START_NOISE = math.log(1e-3)
#: What a fit may cost: steps of L-BFGS, and the relative gain below which it ends.
_MAX_STEPS = 40
_ENOUGH_GAIN = 1e-6
_REFUSED = 1e25


def matern(squared: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the Matern 5/2 correlation at squared distances r^2, and its derivative by r^2 (of their shape)."""
    q = np.sqrt(5.0 * squared)
    decay = np.exp(-q)
    q += 1.0
    q *= decay
    decay *= squared
    decay *= 5.0 / 3.0
    decay += q
    q *= -5.0 / 6.0
    return decay, q


def squared_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the squared distances (n, m) of points (n, f) and (m, f) that are scaled already."""
    squared: FloatArray = (-2.0 * a) @ b.T
    squared += (a * a).sum(axis=1)[:, None]
    squared += (b * b).sum(axis=1)
    return np.maximum(squared, 0.0, out=squared)


@dataclass(frozen=True, slots=True, eq=False)
class Hyperparameters:
    """The hyperparameters of a kernel."""

    weights: FloatArray  #: (d,) inverse squared length scales.
    signal: float
    noise: float

    @classmethod
    def of(cls, theta: FloatArray) -> Hyperparameters:
        """Return those of a vector (d + 2,): log length scales, log signal variance, log noise variance."""
        return cls(np.exp(-2.0 * theta[:-2]), math.exp(theta[-2]), math.exp(theta[-1]))


def log_posterior(
    theta: FloatArray, features: FloatArray, y: FloatArray, parameter: IntArray
) -> tuple[float, FloatArray]:
    """Return the log of marginal likelihood times priors (up to a constant), and its gradient (d + 2,).

    Args:
        theta: As in ``Hyperparameters.of``.
        features: X, (n, f).
        y: (n,) standardised values.
        parameter: (f,) the parameter of each feature.
    """
    d, n = len(theta) - 2, len(y)
    given = Hyperparameters.of(theta)
    scaled = features * np.sqrt(given.weights)[parameter]
    covariance, slope = matern(squared_distances(scaled, scaled))
    covariance *= given.signal
    covariance.flat[:: n + 1] += given.noise
    # LAPACK reads columns: the transposed views spare it copies, and leave the upper triangle in our order.
    factor, failed = dpotrf(covariance.T, lower=1, clean=1, overwrite_a=1)
    if failed:
        return -_REFUSED, np.zeros(d + 2)
    half_log_det = float(np.log(factor.diagonal()).sum())
    alpha, _ = dpotrs(factor, y, lower=1)
    inverse = dpotri(factor, lower=1, overwrite_c=1)[0].T
    fit_term, shrunk = float(y @ alpha), float(alpha @ alpha) - float(inverse.trace())
    # Twice the derivative of the log likelihood by K is alpha alpha' - K^-1 (equation 5.9).
    by_squared = np.outer(alpha, alpha)
    by_squared -= inverse
    by_squared *= slope
    padded = np.asfortranarray(np.concatenate([scaled, np.ones((n, 1))], axis=1))
    product = dsymm(given.signal, by_squared.T, padded, lower=1)
    by_feature = (scaled * scaled).T @ product[:, -1] - (scaled * product[:, :-1]).sum(axis=0)
    gradient = np.empty(d + 2)
    gradient[:d] = -2.0 * np.bincount(parameter, by_feature, minlength=d)
    gradient[d] = 0.5 * (fit_term - n - given.noise * shrunk)  # since signal dK / d signal = K - noise I
    gradient[d + 1] = 0.5 * given.noise * shrunk
    prior, prior_gradient = _log_prior(theta)
    return -0.5 * fit_term - half_log_det + prior, gradient + prior_gradient


def _log_prior(theta: FloatArray) -> tuple[float, FloatArray]:
    d = len(theta) - 2
    gap = (theta[:d] - (LOG_LENGTH_MEAN + 0.5 * math.log(d))) / LOG_LENGTH_SD
    shapes = np.array([SIGNAL_PRIOR[0], NOISE_PRIOR[0]]) - 1.0
    rates = np.array([SIGNAL_PRIOR[1], NOISE_PRIOR[1]])
    pull = rates * np.exp(theta[d:])
    # The density is that of l, not of log l, hence the term -log l: its mode is exp(-3) times its median.
    value = -0.5 * float(gap @ gap) - float(theta[:d].sum()) + float((shapes * theta[d:] - pull).sum())
    return value, np.concatenate([-gap / LOG_LENGTH_SD - 1.0, shapes - pull])


def fit(
    features: FloatArray, y: FloatArray, parameter: IntArray, d: int, *, is_exact: bool
) -> Hyperparameters:
    """Return the most probable hyperparameters (maximum a posteriori, by L-BFGS from one start).

    Args:
        features: X, (n, f).
        y: (n,) standardised values.
        parameter: (f,) the parameter of each feature.
        d: Number of parameters.
        is_exact: Whether equal parameters give equal values; the noise is then the least one.
    """
    start = np.concatenate([np.full(d, START_LENGTH + 0.5 * math.log(d)), [0.0, START_NOISE]])
    noise_bounds = _BOUNDS_NOISE
    if is_exact:
        start[-1] = _BOUNDS_NOISE[0]
        noise_bounds = (_BOUNDS_NOISE[0], _BOUNDS_NOISE[0])

    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = log_posterior(theta, features, y, parameter)
        return -value, -gradient

    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[_BOUNDS_LENGTH] * d + [_BOUNDS_SIGNAL, noise_bounds],
        options={"maxiter": _MAX_STEPS, "ftol": _ENOUGH_GAIN},
    )
    return Hyperparameters.of(np.asarray(found.x))


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """What is known of the objective at any point, given observed and pending trials."""

    scaled: FloatArray  #: (n, f) features times square roots of their weights.
    roots: FloatArray  #: (f,) those square roots.
    signal: float
    noise: float
    alpha: FloatArray  #: (n,) K^-1 y.
    whitening: FloatArray  #: (n, n) inverse of the lower Cholesky factor of K.

    @classmethod
    def of(
        cls, given: Hyperparameters, features: FloatArray, y: FloatArray, parameter: IntArray
    ) -> Posterior:
        """Return the posterior after values y (n,) at features (n, f); equations 2.25 and 2.26."""
        roots = np.sqrt(given.weights)[parameter]
        scaled = features * roots
        covariance = given.signal * matern(squared_distances(scaled, scaled))[0]
        covariance.flat[:: len(y) + 1] += given.noise
        whitening = _whitening(covariance)
        return cls(scaled, roots, given.signal, given.noise, whitening.T @ (whitening @ y), whitening)

    def believing(self, features: FloatArray, values: FloatArray) -> Posterior:
        """Return the posterior after more values (p,) at (p, f) features; the hyperparameters stay.

        The Cholesky factor grows by p rows.  If the values are the means there, the mean stays as it is everywhere
        and only the deviation becomes smaller around them.
        """
        added = features * self.roots
        n, p = len(self.alpha), len(added)
        cross = self.signal * matern(squared_distances(added, self.scaled))[0] @ self.whitening.T
        corner = self.signal * matern(squared_distances(added, added))[0] - cross @ cross.T
        corner.flat[:: p + 1] += self.noise
        own = _whitening(corner)
        whitening = np.zeros((n + p, n + p))
        whitening[:n, :n], whitening[n:, n:] = self.whitening, own
        whitening[n:, :n] = -own @ (cross @ self.whitening)
        surprise = own @ (values - self.predict(features)[0])
        alpha = np.concatenate([self.alpha, np.zeros(p)]) + whitening[n:].T @ surprise
        return Posterior(
            np.concatenate([self.scaled, added]), self.roots, self.signal, self.noise, alpha, whitening
        )

    def predict(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and deviation (m,) of the objective, without noise, at features (m, f)."""
        covariance = self.signal * matern(squared_distances(features * self.roots, self.scaled))[0]
        white = covariance @ self.whitening.T
        variance = self.signal - np.einsum("ij,ij->i", white, white)
        return covariance @ self.alpha, np.sqrt(np.maximum(variance, self.least_variance))

    def slope(self, features: FloatArray, count: int) -> tuple[float, float, FloatArray, FloatArray]:
        """Return mean, deviation, and their gradients by the first ``count`` features (count,) at one point (f,)."""
        offset = features * self.roots - self.scaled
        correlation, by_squared = matern((offset * offset).sum(axis=1))
        white = self.signal * (self.whitening @ correlation)
        deviation = math.sqrt(max(self.signal - float(white @ white), self.least_variance))
        mean = self.signal * float(correlation @ self.alpha)
        pulls = np.stack([self.alpha, (white @ self.whitening) * (-1.0 / deviation)]) * by_squared
        by_mean, by_deviation = (2.0 * self.signal) * self.roots[:count] * (pulls @ offset[:, :count])
        return mean, deviation, by_mean, by_deviation

    @property
    def least_variance(self) -> float:
        """Rounding errors reach up to here."""
        return 1e-10 * self.signal


def _whitening(covariance: FloatArray) -> FloatArray:
    """Return the inverse of the lower Cholesky factor; the diagonal grows until there is one."""
    n, extra = len(covariance), 0.0
    while True:
        covariance.flat[:: n + 1] += extra
        factor, failed = dpotrf(covariance.T, lower=1, clean=1)
        if not failed:
            inverse, _ = dtrtri(factor, lower=1)
            return np.ascontiguousarray(inverse)
        extra = max(10.0 * extra, 1e-10 * float(covariance.trace()) / n)

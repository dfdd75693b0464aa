"""Log expected improvement and log probability, exact and smooth however small they are.

For a normal prediction with mean mu and deviation sigma, and the best value b so far (lower is better), the expected
improvement is EI = sigma h(z), with z = (b - mu) / sigma and h(z) = phi(z) + z Phi(z).  h underflows for z < -38, and
loses its digits long before; its logarithm and the derivative of that, Phi(z) / h(z), are computed here without loss.

Source: Ament et al. (2023), "Unexpected Improvements to Expected Improvement for Bayesian Optimization", NeurIPS 36,
equations 8 and 9; the asymptotic series of the far tail is that of Mills' ratio.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import erfcx, log_ndtr, ndtr

__all__ = ["log_cdf", "log_h"]

FloatArray = npt.NDArray[np.float64]

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
_SQRT_HALF_PI = math.sqrt(0.5 * math.pi)
#: From here on the plain formula loses no digits.
_NEAR = -1.0
#: Below this the first terms of the series are exact to 1e-11, and the closed form is not.
_FAR = -200.0


def log_h(z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return log h(z) and its derivative Phi(z) / h(z), both of the shape of ``z``.

    With s = -z and Mills' ratio m(s) = Phi(-s) / phi(s) = sqrt(pi / 2) erfcx(s / sqrt 2), h = phi (1 - s m) where
    z <= -1 (equation 9), and 1 - s m = s^-2 (1 - 3 s^-2 + 15 s^-4 - ...) where s is large.
    """
    near = np.maximum(z, _NEAR)
    cdf = ndtr(near)
    plain = np.exp(-0.5 * near**2 - _HALF_LOG_2PI) + near * cdf
    s = np.maximum(-z, -_NEAR)
    mills = _SQRT_HALF_PI * erfcx(s * math.sqrt(0.5))
    inverse = s**-2.0
    series = inverse * (1 - 3 * inverse + 15 * inverse**2)
    ratio = np.where(s > -_FAR, series, 1 - np.minimum(s, -_FAR) * mills)
    is_near = z > _NEAR
    value = np.where(is_near, np.log(plain), -0.5 * z**2 - _HALF_LOG_2PI + np.log(ratio))
    return value, np.where(is_near, cdf / plain, mills / ratio)


def log_cdf(z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return log Phi(z) and its derivative phi(z) / Phi(z), both of the shape of ``z``."""
    near = np.maximum(z, _NEAR)
    slope = np.exp(-0.5 * near**2 - _HALF_LOG_2PI) / ndtr(near)
    mills = _SQRT_HALF_PI * erfcx(np.maximum(-z, -_NEAR) * math.sqrt(0.5))
    return log_ndtr(z), np.where(z > _NEAR, slope, 1.0 / mills)

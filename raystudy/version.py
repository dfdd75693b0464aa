"""The version, where Optuna has its own."""

from raystudy import __version__

__all__ = ["__version__"]

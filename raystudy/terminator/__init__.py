"""When to stop a study: once what is still to be gained is less than the error of what has been measured.

Deprecated in Optuna 5, and so here: its names work and warn.
"""

from raystudy.terminator.base import BaseErrorEvaluator, BaseImprovementEvaluator, BaseTerminator
from raystudy.terminator.emmr import EMMREvaluator
from raystudy.terminator.errors import (
    CrossValidationErrorEvaluator,
    MedianErrorEvaluator,
    StaticErrorEvaluator,
    report_cross_validation_scores,
)
from raystudy.terminator.improvement import BestValueStagnationEvaluator, RegretBoundEvaluator
from raystudy.terminator.terminating import Terminator, TerminatorCallback

__all__ = [
    "BaseErrorEvaluator",
    "BaseImprovementEvaluator",
    "BaseTerminator",
    "BestValueStagnationEvaluator",
    "CrossValidationErrorEvaluator",
    "EMMREvaluator",
    "MedianErrorEvaluator",
    "RegretBoundEvaluator",
    "StaticErrorEvaluator",
    "Terminator",
    "TerminatorCallback",
    "report_cross_validation_scores",
]

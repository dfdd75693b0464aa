"""Every exception that raystudy raises on its own account.

Wrong arguments raise plain ``ValueError`` or ``TypeError``; the classes below say whose fault the rest is.
"""

__all__ = [
    "AttemptLost",
    "CLIUsageError",
    "CheckpointUnavailable",
    "DuplicatedStudyError",
    "ExperimentalWarning",
    "IllegalTransition",
    "LeaseLost",
    "ObjectiveFailed",
    "OptunaError",
    "PrunerFailed",
    "StorageInternalError",
    "StorageUnavailable",
    "StudyDeleted",
    "StudyError",
    "TrialPruned",
    "UpdateFinishedTrialError",
]


class StudyError(Exception):
    """Base class of the errors defined here."""


#: The name that Optuna's users catch.
OptunaError = StudyError


class TrialPruned(StudyError):
    """Raised by an objective to end its trial early, normally after ``trial.should_prune()``."""


class DuplicatedStudyError(StudyError):
    """A study of this name exists already."""


class StorageInternalError(StudyError):
    """The database answered with something that its schema does not allow."""


class StorageUnavailable(StorageInternalError):
    """The database cannot be opened or reached."""


class StudyDeleted(StudyError):
    """Another program has deleted the study that is being optimised."""


class UpdateFinishedTrialError(StudyError, RuntimeError):
    """A finished trial was to be changed."""


class CheckpointUnavailable(StudyError):
    """The checkpoints of a trial cannot be read at present: the disk or the object store does not answer."""


class LeaseLost(StudyError):
    """Another driver has taken over the call that this driver was running."""


class ObjectiveFailed(StudyError):
    """The objective raised an exception that could not be brought back to the calling process."""


class PrunerFailed(StudyError):
    """The user's own pruner raised; the message names it and has its traceback."""


class IllegalTransition(StudyError):
    """A trial was sent an event that its phase does not allow (a defect in raystudy)."""


class CLIUsageError(StudyError):
    """The command line was called with arguments that do not fit together."""


class ExperimentalWarning(Warning):
    """Something may change in a later version.  Nothing warns so today; scripts that filter it go on working."""


class AttemptLost(BaseException):
    """Ends an objective whose driver is gone; a BaseException, so that ``except Exception`` lets it through."""

"""What goes wrong with artifacts."""

from raystudy.exceptions import StudyError

__all__ = ["ArtifactNotFound"]


class ArtifactNotFound(StudyError):
    """The store has no artifact of this id."""

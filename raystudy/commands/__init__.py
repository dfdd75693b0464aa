"""The commands of ``raystudy``: those that read a study, those that change one, and how they print."""

"""Multi-fidelity search problems, and a race of search methods on them in virtual time."""

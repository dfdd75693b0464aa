"""Train every learner of ``cash.py`` on its grid and record the errors.

    python -m benchmarks.search_quality.cash_training        # about five minutes on one core

The error is that of repeated, stratified cross-validation; numbers are scaled to unit variance where the learner needs
it.  Digits: the first 500 of scikit-learn's images; diabetes: whether the disease progresses more than in the median
patient.
"""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmarks.search_quality.cash import FILE, LEARNERS

#: Folds and their repetitions, by data set.
_FOLDS = {"digits": (3, 1), "cancer": (4, 2), "wine": (3, 3), "diabetes": (4, 2)}


def main() -> None:
    """Write all errors to ``cash.npz``."""
    warnings.simplefilter("ignore")
    arrays: dict[str, Any] = {}
    for dataset, (n_folds, n_repeats) in _FOLDS.items():
        x, y = _data(dataset)
        folds = RepeatedStratifiedKFold(n_splits=n_folds, n_repeats=n_repeats, random_state=0)
        for learner, axes in LEARNERS.items():
            points = itertools.product(*(axis.names or axis.values for axis in axes.values()))
            errors = [
                1.0
                - cross_val_score(_model(learner, dict(zip(axes, point, strict=True))), x, y, cv=folds).mean()
                for point in points
            ]
            shape = [len(axis.values) for axis in axes.values()]
            arrays[f"{dataset}-{learner}"] = np.array(errors, dtype=np.float32).reshape(shape)
            print(f"{dataset} {learner}: {len(errors)} points, least error {min(errors):.4f}", flush=True)
    np.savez_compressed(FILE, **arrays)


def _data(dataset: str) -> tuple[Any, Any]:
    load = {
        "digits": datasets.load_digits,
        "cancer": datasets.load_breast_cancer,
        "wine": datasets.load_wine,
        "diabetes": datasets.load_diabetes,
    }[dataset]
    x, y = load(return_X_y=True)
    if dataset == "digits":
        return x[:500], y[:500]
    return (x, y > np.median(y)) if dataset == "diabetes" else (x, y)


def _model(learner: str, params: dict[str, Any]) -> Any:
    if learner == "svm":
        return make_pipeline(StandardScaler(), SVC(**params, random_state=0))
    if learner == "neighbours":
        model = KNeighborsClassifier(
            int(params["k"]), weights=params["weights"], p={"manhattan": 1, "euclidean": 2}[params["p"]]
        )
        return make_pipeline(StandardScaler(), model)
    if learner == "forest":
        return RandomForestClassifier(n_estimators=15, random_state=0, **params)
    if learner == "logistic":
        weight = "balanced" if params["balanced"] == "yes" else None
        model = LogisticRegression(C=params["C"], class_weight=weight, max_iter=300)
        return make_pipeline(StandardScaler(), model)
    return GradientBoostingClassifier(n_estimators=20, random_state=0, **params)


if __name__ == "__main__":
    main()

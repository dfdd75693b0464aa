"""Under Ray the grounds of each decision travel from the bracket manager to the database."""

import pytest

import raystudy
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler
from raystudy.trial import Verdict

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("cluster"), pytest.mark.filterwarnings("ignore")]


def search(tmp_path, executor):
    def objective(trial):
        x = trial.suggest_float("x", 0, 1)
        for step in range(0 if trial.resume_step is None else trial.resume_step + 1, 4):
            trial.save_checkpoint({"step": step}, step=step)
            trial.report(x + 1 / (step + 1), step)
            if trial.verdict is not Verdict.CONTINUE:
                raise raystudy.TrialPruned
        return x

    study = raystudy.create_study(
        storage=f"sqlite:///{tmp_path}/{executor}.db",
        sampler=RandomSampler(seed=1),
        pruner=HyperbandPruner(1, 4, 2, mode="sync"),
    )
    study.optimize(
        objective,
        8,
        n_jobs=1,
        executor=executor,
        storage_path=str(tmp_path / executor),
        show_progress_bar=False,
    )
    return study


def test_explanations_are_those_of_the_same_search_in_process(tmp_path):
    on_ray, inline = search(tmp_path, "ray"), search(tmp_path, "inline")
    for number in range(8):
        assert str(on_ray.explain(number)) == str(inline.explain(number))
    told = {decision.what for number in range(8) for decision in on_ray.explain(number).decisions}
    assert told >= {"pause", "promote", "drop", "continue"}

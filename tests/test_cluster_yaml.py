"""The cluster files are what ``ray up`` accepts, and say the same as constraints.txt."""

import copy
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).parents[1]
SCHEMA = json.loads((Path(ray.__file__).parent / "autoscaler/ray-schema.json").read_text())
FILES = ["cluster.yaml", "cluster-onprem.yaml"]


def load(name: str) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
    return config


def start_commands(config: dict[str, Any]) -> list[str]:
    """Return the commands that start Ray on the head and on workers."""
    both = config["head_start_ray_commands"], config["worker_start_ray_commands"]
    return [command for commands in both for command in commands if "ray start" in command]


@pytest.mark.parametrize("name", FILES)
def test_file_fits_rays_schema(name: str) -> None:
    jsonschema.validate(load(name), SCHEMA)


@pytest.mark.parametrize("name", FILES)
def test_file_passes_the_checks_of_ray_up_that_need_no_cloud(name: str) -> None:
    prepared = prepare_config(copy.deepcopy(load(name)))
    validate_config(prepared)
    assert prepared["head_node_type"] in prepared["available_node_types"]


def test_the_schema_refuses_a_misspelt_key() -> None:
    config = load("cluster.yaml")
    config["available_node_types"]["gpu"]["max_worker"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(config, SCHEMA)


@pytest.mark.parametrize("name", FILES)
def test_authentication_is_chosen_in_both_start_commands(name: str) -> None:
    commands = start_commands(load(name))
    assert len(commands) == 2
    assert all("export RAY_AUTH_MODE=disabled" in command for command in commands)


@pytest.mark.parametrize("name", FILES)
def test_head_and_workers_meet_at_one_port_and_the_head_starts_workers(name: str) -> None:
    head, worker = start_commands(load(name))
    assert "--port=6379" in head
    assert "--address=$RAY_HEAD_IP:6379" in worker
    assert "--autoscaling-config=~/ray_bootstrap_config.yaml" in head


def test_aws_head_runs_no_trials() -> None:
    assert load("cluster.yaml")["available_node_types"]["head"]["resources"] == {"CPU": 0}


def test_onprem_head_runs_no_trials_and_does_not_take_a_workers_place() -> None:
    head, _ = start_commands(load("cluster-onprem.yaml"))
    assert "--num-cpus=0 --num-gpus=0" in head
    assert "RAY_enable_autoscaler_v2=0" in head


def test_image_has_the_ray_that_is_tested_here() -> None:
    image = load("cluster.yaml")["docker"]["image"]
    assert image == f"rayproject/ray:{version('ray')}-py311-gpu"
    assert f"ray=={version('ray')}" in (ROOT / "constraints.txt").read_text().splitlines()
    assert f'pip install "ray[default]=={version("ray")}"' in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", FILES)
def test_nodes_install_the_checkout_with_exact_versions_and_share_a_folder(name: str) -> None:
    config = load(name)
    set_up = " ".join(config["setup_commands"])
    (target,) = config["file_mounts"]
    assert f"-c {target}/constraints.txt" in set_up
    assert "[examples,postgres]" in set_up
    assert "RAYSTUDY_HOME=" in (ROOT / name).read_text()

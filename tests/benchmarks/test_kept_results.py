"""An interrupted run goes on; the peers' results are in the repository."""

import gzip
import json

from benchmarks.kept_results import KeptResults


def keyed(state):
    return lambda cell: f"{cell}|{state}"


def test_results_are_there_after_an_interruption(tmp_path):
    KeptResults(tmp_path / "log", tmp_path / "peers", keyed("a")).put("run 1", [0.5])
    again = KeptResults(tmp_path / "log", tmp_path / "peers", keyed("a"))
    assert again.get("run 1") == [0.5]
    assert again.get("run 2") is None


def test_results_of_other_code_do_not_count(tmp_path):
    KeptResults(tmp_path / "log", tmp_path / "peers", keyed("a")).put("run 1", [0.5])
    assert KeptResults(tmp_path / "log", tmp_path / "peers", keyed("b")).get("run 1") is None


def test_peers_results_come_from_the_repository_unless_fresh_ones_are_wanted(tmp_path):
    store = KeptResults(tmp_path / "log", tmp_path / "peers", keyed("a"))
    store.put("run 1", [0.5])
    store.write_peers(["run 1", "never run"], lambda key: True)
    (tmp_path / "log").unlink()
    assert KeptResults(tmp_path / "log", tmp_path / "peers", keyed("a")).get("run 1") == [0.5]
    assert KeptResults(tmp_path / "log", tmp_path / "peers", keyed("a"), fresh=True).get("run 1") is None


def test_the_file_of_peers_keeps_other_runs_that_are_current_only(tmp_path):
    peers = tmp_path / "peers"
    peers.write_bytes(gzip.compress(json.dumps({"old|0": 1, "other|a": 2}).encode()))
    store = KeptResults(tmp_path / "log", peers, keyed("a"))
    store.put("run 1", 3)
    store.write_peers(["run 1"], lambda key: key.endswith("|a"))
    assert json.loads(gzip.decompress(peers.read_bytes())) == {"other|a": 2, "run 1|a": 3}

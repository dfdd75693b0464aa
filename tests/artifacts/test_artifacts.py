"""Artifacts in a folder, in S3 and in Google Cloud Storage (real clients, local servers), beside Optuna's."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

import raystudy
from raystudy.artifacts import (
    Backoff,
    Boto3ArtifactStore,
    FileSystemArtifactStore,
    GCSArtifactStore,
    download_artifact,
    upload_artifact,
)
from raystudy.artifacts.exceptions import ArtifactNotFound
from raystudy.artifacts.store import ArtifactStore

optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.fixture(scope="session")
def s3() -> Iterator[Any]:
    """A client of an S3 server on this machine."""
    boto3 = pytest.importorskip("boto3")
    server_module = pytest.importorskip("moto.server")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    client.create_bucket(Bucket="bucket")
    yield client
    server.stop()


@pytest.fixture(scope="session")
def gcs() -> Iterator[Any]:
    """A client of a server with the protocol of Google Cloud Storage on this machine."""
    storage = pytest.importorskip("google.cloud.storage")
    emulator = pytest.importorskip("gcp_storage_emulator.server")
    credentials = pytest.importorskip("google.auth.credentials")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = emulator.create_server("127.0.0.1", port, in_memory=True, default_bucket="bucket")
    server.start()
    client = storage.Client(
        project="p",
        credentials=credentials.AnonymousCredentials(),
        client_options={"api_endpoint": f"http://127.0.0.1:{port}"},
    )
    yield client
    server.stop()


@pytest.fixture(params=["folder", "s3", "gcs", "backoff"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    match request.param:
        case "s3":
            return Boto3ArtifactStore("bucket", request.getfixturevalue("s3"))
        case "gcs":
            return GCSArtifactStore("bucket", request.getfixturevalue("gcs"))
        case "backoff":
            return Backoff(FileSystemArtifactStore(tmp_path / "store"))
        case _:
            return FileSystemArtifactStore(tmp_path / "store")


def test_a_store_gives_back_what_it_was_given(store: ArtifactStore) -> None:
    content = bytes(range(256)) * 1000
    store.write("some-id", io.BytesIO(content))
    with store.open_reader("some-id") as reader:
        assert reader.read() == content
    store.write("some-id", io.BytesIO(b"new"))
    with store.open_reader("some-id") as reader:
        assert reader.read() == b"new"
    store.remove("some-id")
    with pytest.raises(ArtifactNotFound):
        store.open_reader("some-id")


def test_a_file_goes_to_the_store_and_back(store: ArtifactStore, tmp_path: Path) -> None:
    path = tmp_path / "confusion.png"
    path.write_bytes(b"picture")
    study = raystudy.create_study()
    trial = study.ask()
    artifact_id = upload_artifact(artifact_store=store, file_path=str(path), study_or_trial=trial)
    back = tmp_path / "back.png"
    download_artifact(artifact_store=store, file_path=str(back), artifact_id=artifact_id)
    assert back.read_bytes() == b"picture"
    with pytest.raises(FileExistsError):
        download_artifact(artifact_store=store, file_path=str(back), artifact_id=artifact_id)
    with pytest.raises(ArtifactNotFound):
        download_artifact(artifact_store=store, file_path=str(tmp_path / "none"), artifact_id="none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("writer", [optuna, raystudy], ids=["optuna", "raystudy"])
def test_both_libraries_list_what_either_has_uploaded(writer: Any, tmp_path: Path) -> None:
    url, store = f"sqlite:///{tmp_path / 'a.db'}", writer.artifacts.FileSystemArtifactStore(tmp_path)
    study = writer.create_study(storage=url, study_name="s")
    for name in ("model.tar.gz", "notes.unknown", "table.csv"):
        (tmp_path / name).write_text(name)

    def objective(trial: Any) -> float:
        for name in ("model.tar.gz", "notes.unknown"):
            path = str(tmp_path / name)
            writer.artifacts.upload_artifact(artifact_store=store, file_path=path, study_or_trial=trial)
        return 0.0

    study.optimize(objective, n_trials=1)
    writer.artifacts.upload_artifact(
        artifact_store=store, file_path=str(tmp_path / "table.csv"), study_or_trial=study, mimetype="text/x"
    )
    writer.artifacts.upload_artifact(
        artifact_store=store,
        file_path=str(tmp_path / "table.csv"),
        study_or_trial=study,
        encoding="br",
    )
    listed = []
    for library in (optuna, raystudy):
        reader = library.load_study(study_name="s", storage=url)
        list_all = library.artifacts.get_all_artifact_meta
        of_trial = list_all(reader.trials[0], storage=reader._storage)
        listed.append([sorted(map(_plain, each)) for each in (of_trial, list_all(reader))])
        with pytest.raises(ValueError, match="storage"):
            list_all(reader.trials[0])
    assert listed[0] == listed[1]
    assert sorted(entry[1:] for entry in listed[0][0]) == [
        ("model.tar.gz", "application/x-tar", "gzip"),
        ("notes.unknown", "application/octet-stream", None),
    ]
    assert sorted((entry[2], str(entry[3])) for entry in listed[0][1]) == [
        ("text/csv", "br"),
        ("text/x", "None"),
    ]


def _plain(meta: Any) -> tuple[str, str, str, str | None]:
    return (meta.artifact_id, meta.filename, meta.mimetype, meta.encoding)


def test_an_id_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    store = FileSystemArtifactStore(tmp_path / "store")
    for wrong in ("../secret", str(tmp_path / "secret"), "", "a/../../secret"):
        for use in (store.open_reader, store.remove):
            with pytest.raises(ValueError, match="inside of"):
                use(wrong)
        with pytest.raises(ValueError, match="inside of"):
            store.write(wrong, io.BytesIO(b"x"))
    assert (tmp_path / "secret").read_text() == "secret"


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            raise OSError("the disk is gone")

    store = FileSystemArtifactStore(tmp_path / "store")
    with pytest.raises(OSError, match="gone"):
        store.write("id", Broken())  # type: ignore[arg-type]
    assert list((tmp_path / "store").iterdir()) == []


class Flaky:
    """A store that fails so many times before each success."""

    def __init__(self, failures: int, base: Path) -> None:
        self.failures, self.calls, self.store = failures, 0, FileSystemArtifactStore(base)

    def _maybe(self) -> None:
        self.calls += 1
        if self.calls <= self.failures:
            raise ConnectionError("try again")

    def open_reader(self, artifact_id: str) -> Any:
        self._maybe()
        return self.store.open_reader(artifact_id)

    def write(self, artifact_id: str, content_body: Any) -> None:
        if self.calls < self.failures:
            content_body.read(1)  # what was sent before the connection broke
        self._maybe()
        self.store.write(artifact_id, content_body)

    def remove(self, artifact_id: str) -> None:
        self._maybe()
        self.store.remove(artifact_id)


def test_backoff_tries_again_and_gives_up_in_the_end(tmp_path: Path) -> None:
    flaky = Flaky(2, tmp_path)
    store = Backoff(flaky, max_retries=3, min_delay=0.001, max_delay=0.01)
    store.write("id", io.BytesIO(b"content"))
    assert (tmp_path / "id").read_bytes() == b"content"
    flaky.calls = 0
    with store.open_reader("id") as reader:
        assert reader.read() == b"content"
    flaky.calls = 0
    store.remove("id")
    assert flaky.calls == 3
    with pytest.raises(ArtifactNotFound):
        store.remove("id")
    assert flaky.calls == 4  # nothing to wait for
    flaky.calls, flaky.failures = 0, 9
    with pytest.raises(ConnectionError):
        store.open_reader("id")
    assert flaky.calls == 3
    with pytest.raises(ValueError, match="max_retries"):
        Backoff(flaky, max_retries=0)

"""The REST client against a real MLflow server: what its methods read and write."""

from __future__ import annotations

import uuid

import pytest

from mlwright.remote import client
from mlwright.remote.client import Client

pytestmark = pytest.mark.server


@pytest.fixture
def there(mlflow_server: str) -> Client:
    return Client(url=mlflow_server)


@pytest.fixture
def model(there: Client) -> str:
    """A registered model with version 1, a logged model of three files, and version 2, a folder of a run."""
    name = f"model-{uuid.uuid4().hex[:8]}"
    there.call("POST", "registered-models/create", {"name": name, "description": "d"}, once=True)
    made = there.call("POST", "logged-models", {"experiment_id": "0", "name": "x"}, once=True)["model"]["info"]
    run = there.call("POST", "runs/create", {"experiment_id": "0"}, once=True)["run"]["info"]
    files = {made["artifact_uri"]: ("MLmodel", "a/b.txt", "a/c/d.txt"), run["artifact_uri"]: ("m/MLmodel",)}
    for root, paths in files.items():
        for path in paths:
            target = f"/api/2.0/mlflow-artifacts/artifacts/{root.removeprefix('mlflow-artifacts:/')}/{path}"
            there.send("PUT", target, path.encode())
    there.call(
        "PATCH", f"logged-models/{made['model_id']}", {"model_id": made["model_id"], "status": "LOGGED_MODEL_READY"}
    )
    for source, owner in (
        (f"models:/{made['model_id']}", {"model_id": made["model_id"]}),
        (f"{run['artifact_uri']}/m", {"run_id": run["run_id"]}),
    ):
        there.call("POST", "model-versions/create", {"name": name, "source": source, **owner}, once=True)
    return name


def test_the_files_of_a_version_are_listed_whatever_its_source(there: Client, model: str) -> None:
    first, second = there.version(model, "1"), there.version(model, "2")
    assert [(f.path, f.size) for f in there.artifacts(first)] == [("MLmodel", 7), ("a/b.txt", 7), ("a/c/d.txt", 9)]
    assert [f.path for f in there.artifacts(second)] == ["MLmodel"]
    assert there.file(model, "1", "a/c/d.txt") == b"a/c/d.txt"
    assert there.file(model, "2", "MLmodel") == b"m/MLmodel"
    assert first.model_id.startswith("m-")
    assert second.model_id == ""
    uri = there.logged_model(first.model_id)["info"]["artifact_uri"]
    assert there.download_uri(model, "1") == uri
    assert there.run(second.run_id)["info"]["artifact_uri"] + "/m" == there.download_uri(model, "2")


def test_aliases_move_and_go(there: Client, model: str) -> None:
    there.set_alias(model, "champion", "1")
    assert there.version_of(model, "champion").aliases == ("champion",)
    there.set_alias(model, "champion", "2")
    assert there.version_of(model, "champion").version == "2"
    assert there.model(model).aliases == {"champion": "2"}
    there.delete_alias(model, "champion")
    there.delete_alias(model, "champion")
    with pytest.raises(client.MissingError, match="champion not found"):
        there.version_of(model, "champion")


def test_tags_are_set_and_removed(there: Client, model: str) -> None:
    there.tag_model(model, "team", "growth")
    there.tag_version(model, "1", "mlwright.locked", "prod")
    assert there.model(model).tags == {"team": "growth"}
    assert there.version(model, "1").tags == {"mlwright.locked": "prod"}
    there.untag_version(model, "1", "mlwright.locked")
    assert there.version(model, "1").tags == {}


def test_models_and_versions_are_searched(there: Client, model: str) -> None:
    there.set_alias(model, "live", "2")
    found = list(there.models(f"name = '{model}'"))
    assert [(one.name, one.description, one.aliases) for one in found] == [(model, "d", {"live": "2"})]
    assert [one.version for one in there.versions(model)] == ["2", "1"]
    assert list(there.versions("nobody's model")) == []


@pytest.mark.parametrize("ask", ["model", "version", "version_of", "run", "logged_model", "file"])
def test_what_is_not_there_is_missing(there: Client, model: str, ask: str) -> None:
    calls = {
        "model": lambda: there.model("nope"),
        "version": lambda: there.version(model, "99"),
        "version_of": lambda: there.version_of("nope", "champion"),
        "run": lambda: there.run("0" * 32),
        "logged_model": lambda: there.logged_model("m-" + "0" * 32),
        "file": lambda: there.file(model, "1", "nope"),
    }
    with pytest.raises(client.MissingError):
        calls[ask]()


def test_a_thing_that_is_there_already_is_said_to_exist(there: Client, model: str) -> None:
    with pytest.raises(client.ExistsError):
        there.call("POST", "registered-models/create", {"name": model}, once=True)


def test_a_missing_page_says_what_to_check(mlflow_server: str) -> None:
    with pytest.raises(client.RefusedError, match="is this the address of an MLflow server, with its path"):
        Client(url=f"{mlflow_server}/wrong").model("x")

"""The tracking server's services: databases, an object store, jobs before and after it, users."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from mlwright import ir
from mlwright.emit import files
from mlwright.testing import programs
from mlwright_compose import ComposeTarget

HEALTHY = {"condition": "service_healthy"}
SUCCEEDED = {"condition": "service_completed_successfully"}
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
USERS = (
    ir.Secret(name="user", keys=("username", "password")),
    ir.Secret(name="boss", keys=("username", "password")),
    ir.Secret(name="db", keys=("uri",)),
    ir.Secret(name="cloud", keys=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
)


def made(**fields: Any) -> Any:
    """The Compose file of a program whose tracking section has these fields."""
    churn = programs.churn()
    project = replace(churn, tracking=programs.tracking(**fields), secrets=(*churn.secrets, *USERS))
    rendered = files.render([("compose", ComposeTarget().emit(project, programs.context()))]).files
    return yaml.safe_load(rendered["compose/compose.yaml"]) | {"texts": rendered}


OWN = pytest.mark.parametrize(
    ("type", "image", "address"),
    [
        ("postgres", "postgres:17", "postgresql+psycopg2://mlflow:${MLWRIGHT_DATABASE_PASSWORD:-mlflow}@database:5432/mlflow"),
        ("mysql", "mariadb:11.8", "mysql+pymysql://mlflow:${MLWRIGHT_DATABASE_PASSWORD:-mlflow}@database:3306/mlflow"),
    ],
)  # fmt: skip


@OWN
def test_a_database_of_its_own_is_up_and_has_its_schema_before_the_server(type: Any, image: str, address: str) -> None:
    services = made(backend=ir.Database(type=type))["services"]
    assert services["database"]["image"] == image
    assert "ports" not in services["database"]
    assert services["mlflow-upgrade"]["depends_on"]["database"] == HEALTHY
    assert services["mlflow"]["depends_on"].items() >= {"database": HEALTHY, "mlflow-upgrade": SUCCEEDED}.items()
    for name in ("mlflow", "mlflow-upgrade"):
        assert services[name]["environment"]["MLFLOW_BACKEND_STORE_URI"] == address
    assert services["mlflow"]["environment"]["MLFLOW_WORKERS"] == "1"


@OWN
def test_a_database_of_its_own_is_given_its_volume(type: Any, image: str, address: str) -> None:
    body = made(backend=ir.Database(type=type))
    assert "chown 999:999 /volumes/database" in body["services"]["prepare"]["command"][0]
    assert body["services"]["database"]["depends_on"] == {"prepare": SUCCEEDED}
    assert "database" in body["volumes"]


@pytest.mark.parametrize(("workers", "pools", "most"), [(1, 2, 100), (2, 2, 190), (2, 3, 280), (4, 4, 730)])
def test_a_database_of_its_own_allows_all_connections_of_its_server(workers: int, pools: int, most: int) -> None:
    auth = ir.Auth(type="basic", secret="user") if pools > 2 else ir.Auth()
    options = ir.ServerOptions(workers=workers, workspaces=pools > 3)
    for type in ("postgres", "mysql"):
        services = made(backend=ir.Database(type=type), auth=auth, options=options)["services"]  # type: ignore[arg-type]
        assert (
            services["database"]["command"][-1].removeprefix("--") == f"max{'-_'[type == 'postgres']}connections={most}"
        )


@pytest.mark.parametrize("type", ["sqlite", "postgres", "mysql"])
def test_a_worker_has_more_connections_than_it_answers_requests_at_once(type: Any) -> None:
    # anyio's 40 threads, each of which may hold one connection while it waits for a second one.
    environment = made(backend=ir.Database(type=type))["services"]["mlflow"]["environment"]
    assert sum(int(environment[f"MLFLOW_SQLALCHEMYSTORE_{name}"]) for name in ("POOL_SIZE", "MAX_OVERFLOW")) > 40


def test_a_database_that_exists_is_not_started_and_its_address_stays_secret() -> None:
    body = made(backend=ir.Database(type="mssql", secret="db"))
    assert "database" not in body["services"]
    assert body["services"]["mlflow"]["environment"]["MLFLOW_BACKEND_STORE_URI"] == "${DB__URI:?set DB__URI in .env}"
    assert b"DB__URI=\n" in body["texts"]["compose/.env.example"]


def test_models_can_have_another_database() -> None:
    services = made(registry=ir.Database(type="postgres", secret="db"))["services"]
    assert services["mlflow"]["environment"]["MLFLOW_REGISTRY_STORE_URI"] == "${DB__URI:?set DB__URI in .env}"
    assert "MLFLOW_REGISTRY_STORE_URI" in services["mlflow-upgrade"]["command"][-1]


def test_an_object_store_of_its_own_has_its_bucket_before_the_server() -> None:
    body = made(artifacts=ir.ArtifactStore(type="s3"))
    services = body["services"]
    assert services["objects"]["image"].startswith("chrislusf/seaweedfs:")
    assert services["mlflow"]["depends_on"]["bucket"] == SUCCEEDED
    assert services["bucket"]["depends_on"] == {"objects": {"condition": "service_started"}}
    environment = services["mlflow"]["environment"]
    assert environment["MLFLOW_ARTIFACTS_DESTINATION"] == "s3://mlflow"
    assert environment["MLFLOW_S3_ENDPOINT_URL"] == "http://objects:8333"
    assert environment["MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE"] == "path"
    assert environment["AWS_SECRET_ACCESS_KEY"] == "${MLWRIGHT_OBJECTS_KEY:-mlflow-objects}"
    assert {name: services["objects"]["environment"][name] for name in KEYS} == {
        name: environment[name] for name in KEYS
    }
    assert b"create_bucket" in body["texts"]["compose/runtime/bucket.py"]
    assert b"MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD=false" in body["texts"]["compose/compose.yaml"]


def test_nothing_on_disk_but_the_database_and_the_store_means_no_volume_of_the_server() -> None:
    body = made(backend=ir.Database(type="postgres"), artifacts=ir.ArtifactStore(type="s3"))
    assert "mlflow" not in body["volumes"]
    assert "volumes" not in body["services"]["mlflow"]


def test_a_bucket_that_exists_is_opened_by_its_secret() -> None:
    store = ir.ArtifactStore(
        type="s3", uri="s3://acme/ml", secret="cloud", endpoint="https://s3.example.com", region="eu-central-1"
    )
    services = made(artifacts=store)["services"]
    environment = services["mlflow"]["environment"]
    assert "objects" not in services and "bucket" not in services
    assert environment["MLFLOW_ARTIFACTS_DESTINATION"] == "s3://acme/ml"
    assert environment["MLFLOW_S3_ENDPOINT_URL"] == "https://s3.example.com"
    assert environment["AWS_DEFAULT_REGION"] == "eu-central-1"
    assert environment["AWS_ACCESS_KEY_ID"].startswith("${CLOUD__AWS_ACCESS_KEY_ID:?")
    assert "MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE" not in environment
    assert "AWS_ACCESS_KEY_ID" not in services["training"]["environment"]


def test_a_volume_that_exists_keeps_the_files() -> None:
    body = made(backend=ir.Database(type="postgres"), artifacts=ir.ArtifactStore(type="volume", claim="shelf"))
    assert body["volumes"]["mlflow-artifacts"] == {"external": True, "name": "shelf"}
    assert body["services"]["mlflow"]["volumes"][0]["target"] == "/mlflow/artifacts"
    assert "shelf" not in body["services"]["prepare"]["command"][0]


def test_an_administrator_makes_the_pipelines_user_before_the_first_step() -> None:
    body = made(auth=ir.Auth(type="basic", secret="user", admin="boss", default="none"))
    services = body["services"]
    assert services["mlflow"]["environment"]["MLFLOW_AUTH_ADMIN_USERNAME"].startswith("${BOSS__USERNAME:?")
    assert services["mlflow-users"]["environment"]["MLFLOW_TRACKING_USERNAME"].startswith("${BOSS__USERNAME:?")
    assert services["mlflow-users"]["environment"]["MLWRIGHT_USER_NAME"].startswith("${USER__USERNAME:?")
    assert services["start"]["depends_on"]["mlflow-users"] == SUCCEEDED
    assert services["training"]["environment"]["MLFLOW_TRACKING_USERNAME"].startswith("${USER__USERNAME:?")
    assert "BOSS" not in json.dumps(services["training"])
    assert (
        body["texts"]["compose/mlflow/basic_auth.ini"]
        == b"[mlflow]\ndefault_permission = NO_PERMISSIONS\nauth_cache_ttl_seconds = 10\n"
    )


def test_without_an_administrator_the_pipelines_user_is_one() -> None:
    services = made(auth=ir.Auth(type="basic", secret="user"))["services"]
    assert "mlflow-users" not in services
    assert services["mlflow"]["environment"]["MLFLOW_AUTH_ADMIN_USERNAME"].startswith("${USER__USERNAME:?")


def test_deleted_runs_are_removed_when_somebody_asks() -> None:
    services = made(options=ir.ServerOptions(gc_older_than="30d"))["services"]
    assert services["mlflow-gc"]["profiles"] == ["gc"]
    assert "--older-than 30d" in services["mlflow-gc"]["command"][-1]
    assert "$$MLFLOW_BACKEND_STORE_URI" in services["mlflow-gc"]["command"][-1]
    assert "mlflow-gc" not in made()["services"]


def test_no_address_of_a_database_stands_in_a_command() -> None:
    services = made(
        backend=ir.Database(type="postgres"),
        auth=ir.Auth(type="basic", secret="user"),
        options=ir.ServerOptions(gc_older_than="1d"),
    )["services"]
    assert "postgresql" not in json.dumps([body.get("command") for body in services.values()])


def test_a_step_called_database_keeps_its_name_away_from_the_database() -> None:
    churn = programs.churn()
    step = programs.task("steps.database", "python", "x.py")
    project = programs.project(*churn.nodes, step, params=churn.params, data=churn.data, storage=churn.storage)
    project = replace(project, tracking=programs.tracking(backend=ir.Database(type="postgres")), secrets=churn.secrets)
    rendered = files.render([("compose", ComposeTarget().emit(project, programs.context()))]).files
    services = yaml.safe_load(rendered["compose/compose.yaml"])["services"]
    assert services["database"]["image"] == "postgres:17"
    assert services["database-2"]["labels"]["mlwright.node"] == "steps.database"


def test_the_gateway_is_a_service_with_its_configuration_and_without_a_key_in_it() -> None:
    endpoint = {"type": "chat", "provider": "openai", "model": "gpt-4o-mini", "secret": "openai"}
    churn = programs.churn()
    project = replace(
        churn,
        tracking=programs.tracking(gateway=(("chat", endpoint),)),
        secrets=(*churn.secrets, ir.Secret(name="openai", keys=("OPENAI_API_KEY",))),
    )
    rendered = files.render([("compose", ComposeTarget().emit(project, programs.context()))]).files
    body = yaml.safe_load(rendered["compose/compose.yaml"])["services"]["gateway"]
    config = yaml.safe_load(rendered["compose/gateway/gateway.yaml"])
    variable = config["endpoints"][0]["model"]["config"]["openai_api_key"].removeprefix("$")
    assert body["environment"][variable].startswith("${OPENAI__OPENAI_API_KEY:?")
    assert body["configs"] == [{"source": "gateway", "target": "/etc/mlflow/gateway.yaml"}]
    assert body["command"][:3] == ["mlflow", "gateway", "start"]
    assert body["ports"][0]["host_ip"] == "127.0.0.1"


def test_a_gateway_beside_a_server_elsewhere_runs_in_mlflows_own_image() -> None:
    endpoint = {"type": "chat", "provider": "ollama", "model": "llama3"}
    services = made(server="external", url="https://ml.example.com", image=ir.Image(), gateway=(("chat", endpoint),))
    assert services["services"]["gateway"]["image"].startswith("ghcr.io/mlflow/mlflow:v3.")
    assert "mlflow" not in services["services"]


def test_models_in_a_file_beside_runs_in_a_database_are_kept() -> None:
    body = made(
        backend=ir.Database(type="postgres"), registry=ir.Database(type="sqlite"), artifacts=ir.ArtifactStore(type="s3")
    )
    server = body["services"]["mlflow"]
    assert server["environment"]["MLFLOW_REGISTRY_STORE_URI"] == "sqlite:////mlflow/registry.db"
    assert [volume["target"] for volume in server["volumes"]] == ["/mlflow"]

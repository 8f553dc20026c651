"""What the Compose target emits is a Compose file: by its schema, by its own references, and for the real command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from mlwright import ir
from mlwright.emit import files
from mlwright.testing import programs
from mlwright.testing.programs import NAUGHTY
from mlwright_compose import ComposeTarget

SCHEMA = json.loads((Path(__file__).parent / "schemas/compose/compose-spec.json").read_text("utf-8"))
MAIN = programs.churn()
EXTERNAL = replace(MAIN, tracking=programs.tracking(server="external", url="https://mlflow.example.com/$x"))
SECURED = replace(
    MAIN,
    tracking=programs.tracking(auth=ir.Auth(type="basic", secret="mlflow-user")),
    secrets=(*MAIN.secrets, ir.Secret(name="mlflow-user", keys=("username", "password"))),
)
STORES = replace(
    MAIN,
    tracking=programs.tracking(backend=ir.Database(type="postgres"), artifacts=ir.ArtifactStore(type="s3")),
)
PIPELINES = replace(
    MAIN,
    pipelines=(
        *MAIN.pipelines,
        ir.Pipeline(
            name="retrain",
            nodes=("steps.features", "tuning", "training"),
            params=(("epochs", 3),),
            origin=programs.origin("pipelines", "retrain"),
        ),
    ),
)
AWKWARD = programs.project(
    programs.task("steps.a", *NAUGHTY),
    labels=tuple((f"l{n}", text) for n, text in enumerate(NAUGHTY)),
    services=(
        ir.Service(
            id="serving.raw",
            name="raw",
            container=programs.container(
                "serve", *NAUGHTY, env=tuple((f"E{n}", (text,) if text else ()) for n, text in enumerate(NAUGHTY))
            ),
            origin=programs.origin("serving", "raw"),
        ),
    ),
)
EMPTY = programs.project()
PROGRAMS = {
    "main": MAIN,
    "external": EXTERNAL,
    "secured": SECURED,
    "stores": STORES,
    "pipelines": PIPELINES,
    "awkward": AWKWARD,
    "empty": EMPTY,
}


def emitted(project: ir.Project) -> dict[str, bytes]:
    return files.render([("compose", ComposeTarget().emit(project, programs.context()))]).files


def compose(project: ir.Project) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(emitted(project)["compose/compose.yaml"])
    return data


@pytest.fixture(params=PROGRAMS, scope="module")
def project(request: pytest.FixtureRequest) -> ir.Project:
    return PROGRAMS[request.param]


def test_it_is_valid_by_the_schema_of_the_specification(project: ir.Project) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(compose(project))


def test_every_dependency_is_a_service_and_none_is_circular(project: ir.Project) -> None:
    services = compose(project)["services"]
    done: set[str] = set()
    while len(done) < len(services):
        ready = {
            name for name, body in services.items() if name not in done and set(body.get("depends_on", ())) <= done
        }
        assert ready, set(services) - done
        done |= ready


def test_a_dependency_has_no_profile_that_the_dependent_has_not(project: ir.Project) -> None:
    services = compose(project)["services"]
    for body in services.values():
        for need in body.get("depends_on", ()):
            assert set(services[need].get("profiles", ())) <= set(body.get("profiles", ()))


def test_every_config_and_volume_is_declared_used_and_there(project: ir.Project) -> None:
    data, paths = compose(project), emitted(project)
    configs = {item["source"] for body in data["services"].values() for item in body.get("configs", ())}
    volumes = {
        item["source"]
        for body in data["services"].values()
        for item in body.get("volumes", ())
        if item["type"] == "volume"
    }
    assert configs == set(data.get("configs", ()))
    assert volumes == set(data.get("volumes", ()))
    assert all(f"compose/{config['file'].removeprefix('./')}" in paths for config in data.get("configs", {}).values())


def test_configs_are_files_since_compose_puts_no_text_into_a_read_only_container(project: ir.Project) -> None:
    assert all(list(config) == ["file"] for config in compose(project).get("configs", {}).values())


def test_no_two_services_publish_one_port(project: ir.Project) -> None:
    published = [port["published"] for body in compose(project)["services"].values() for port in body.get("ports", ())]
    numbers = [text.rpartition(":-")[2] for text in published]
    assert len(set(numbers)) == len(numbers)


def _command() -> list[str]:
    if own := os.environ.get("MLWRIGHT_TEST_COMPOSE"):
        return [own]
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0:
        return [docker, "compose"]
    pytest.skip("no `docker compose` on PATH (MLWRIGHT_TEST_COMPOSE may name the plugin's executable)")


@pytest.mark.docker
@pytest.mark.parametrize("name", ["main", "external", "secured", "stores", "pipelines", "awkward"])
def test_the_real_command_reads_it_and_gives_every_text_back(name: str, tmp_path: Path) -> None:
    command = _command()
    for path, data in emitted(PROGRAMS[name]).items():
        target = tmp_path / "manifests/local" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    folder = tmp_path / "manifests/local/compose"
    example = folder / ".env.example"
    if example.exists():
        lines = example.read_text().splitlines()
        (folder / ".env").write_text("\n".join(f"{line}'s3 $cr#t'" if line.endswith("=") else line for line in lines))
    done = subprocess.run(
        [*command, "-f", "compose.yaml", "--profile", "*", "config", "--format", "json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert set(data["services"]) == set(compose(PROGRAMS[name])["services"])
    if name == "awkward":
        raw = data["services"]["raw"]
        # `config` prints a file that could be read again, so it doubles every `$`.
        assert [text.replace("$$", "$") for text in raw["command"]] == list(NAUGHTY)
        assert [raw["environment"][f"E{n}"].replace("$$", "$") for n in range(len(NAUGHTY))] == list(NAUGHTY)
    if name == "main":
        secret = data["services"]["evaluation"]["environment"]["MLWRIGHT_SECRET_LAKE__AWS_ACCESS_KEY_ID"]
        assert secret.replace("$$", "$") == "s3 $cr#t"

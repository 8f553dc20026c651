"""Every flag and variable that outputs give to MLflow's programs is one that MLflow has: the installed one, asked
itself, and older ones that a platform may name, whose names `mlflow_names.json` holds as they were asked for there."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlwright import ir
from mlwright.emit import gateway
from mlwright.emit.trackserver import Job, Place, Server, resolve
from mlwright.passes.check_tracking import _SINCE
from mlwright.platform.gateway import KEYS
from mlwright.testing import programs

SECRETS = (
    ir.Secret(name="db", keys=("uri",)),
    ir.Secret(name="lake", keys=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
    ir.Secret(name="user", keys=("username", "password")),
    ir.Secret(name="admin", keys=("username", "password")),
)
DATABASE = ir.Database(type="postgres", secret="db")
PLACE = Place(database=("postgresql+psycopg2://x",), endpoint="http://s3:9000", keys=(("AWS_ACCESS_KEY_ID", ("x",)),))
SERVERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "everything": {
        "backend": DATABASE,
        "registry": DATABASE,
        "artifacts": ir.ArtifactStore(type="s3", uri="s3://x", secret="lake", endpoint="https://x", region="eu"),
        "auth": ir.Auth(type="basic", secret="user", admin="admin"),
        "options": ir.ServerOptions(
            workers=3,
            allowed_hosts=("x",),
            cors=("https://x",),
            static_prefix="/x",
            prometheus=True,
            workspaces=True,
            jobs=True,
            gc_older_than="30d",
        ),
    },
    "own stores": {"backend": ir.Database(type="postgres"), "artifacts": ir.ArtifactStore(type="s3")},
}
OTHERS = {
    *("HOME", "USER", "DO_NOT_TRACK"),
    *("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),  # boto's
    *("MLWRIGHT_USER_NAME", "MLWRIGHT_USER_PASSWORD"),  # our own users.py's
}
"""Variables that are not MLflow's."""


RECORDED = json.loads(Path(__file__).with_name("mlflow_names.json").read_text())


def server(name: str, version: str = "3.17.2") -> Server:
    """A server of the table, without what its version lacks and the compiler refuses."""
    made = programs.tracking(version=version, **SERVERS[name])
    lacks = {name for name, since in _SINCE.items() if tuple(map(int, version.split(".")[:2])) < since}
    if "workspaces" in lacks:
        made = replace(made, options=replace(made.options, workspaces=False))
    if "basic" in lacks:
        made = replace(made, auth=ir.Auth())
    return resolve(made, SECRETS, PLACE)


def jobs(made: Server) -> Iterator[Job]:
    yield Job(argv=made.argv, env=made.env)
    yield made.upgrade
    if made.gc:
        yield made.gc
    yield Job(argv=("python3",), env=made.users)


def command(*words: str) -> Any:
    """The click command behind `mlflow WORDS`."""
    from mlflow.cli import cli

    found: Any = cli
    for word in words:
        found = found.commands[word]
    return found


def options(found: Any) -> set[str]:
    return {flag for param in found.params for flag in (*param.opts, *param.secondary_opts)}


def invocations(job: Job) -> Iterator[list[str]]:
    """The words of every `mlflow ...` that a job starts."""
    lines = job.argv[2].splitlines() if job.argv[0] == "sh" else [shlex.join(job.argv)]
    for line in lines:
        words = shlex.split(line)
        words = words[1:] if words[:1] == ["exec"] else words
        if words[:1] == ["mlflow"]:
            yield words[1:]


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("version", [*RECORDED, "installed"])
def test_every_flag_is_one_of_the_command(name: str, version: str) -> None:
    seen = 0
    for job in jobs(server(name) if version == "installed" else server(name, version)):
        for words in invocations(job):
            path = words[:2] if words[0] == "db" else words[:1]
            known = options(command(*path)) if version == "installed" else recorded(version, " ".join(path))
            flags = {word.partition("=")[0] for word in words if word.startswith("-")}
            assert flags <= known, (path, flags - known)
            seen += 1
    assert seen >= 2


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("version", [*RECORDED, "installed"])
def test_every_variable_is_one_that_mlflow_reads(name: str, version: str) -> None:
    read = variables() if version == "installed" else recorded(version, "variables")
    for job in jobs(server(name) if version == "installed" else server(name, version)):
        for variable, _ in job.env:
            assert variable in read | OTHERS, variable


def recorded(version: str, what: str) -> set[str]:
    return set(RECORDED[version][what].split())


def variables() -> set[str]:
    """The environment variables of MLflow: of its table, of the server's options, and of basic authentication."""
    import mlflow.server.auth
    from mlflow import environment_variables

    table = {getattr(item, "name", "") for item in vars(environment_variables).values()}
    flags = {
        name
        for param in command("server").params
        for name in ([param.envvar] if isinstance(param.envvar, str) else param.envvar or [])
    }
    texts = [path.read_text() for path in Path(mlflow.server.auth.__path__[0]).rglob("*.py")]
    return table | flags | {name for text in texts for name in re.findall(r'"(MLFLOW_[A-Z_]+)"', text)}


def test_the_gateway_is_started_with_flags_that_it_has() -> None:
    import mlflow.gateway

    # The command itself cannot be imported without mlflow[genai].
    text = Path(mlflow.gateway.__path__[0], "cli.py").read_text()
    made = gateway.resolve(programs.tracking(gateway=()), (), config="/etc/mlflow")
    assert made.argv[:3] == ("mlflow", "gateway", "start")
    assert '@click.group("gateway"' in text
    flags = {word for word in made.argv if word.startswith("-")}
    assert flags <= set(re.findall(r'"(--[a-z-]+)"', text))
    for version in RECORDED:
        assert flags <= recorded(version, "gateway")


def test_every_provider_is_known_with_the_place_of_its_key() -> None:
    from mlflow.gateway.provider_registry import provider_registry

    found = {}
    for name in provider_registry.keys():  # noqa: SIM118  it is no mapping
        config = provider_registry.get(name).CONFIG_TYPE
        keys = [field for field in config.model_fields if re.fullmatch(r"(?!provider_)(\w+_)?api_key", field)]
        found[getattr(name, "value", name)] = tuple(keys)
    assert {**found, "litellm": KEYS["litellm"]} == dict(KEYS)


@pytest.mark.parametrize("provider", sorted(KEYS))
def test_mlflow_loads_the_gateways_file(provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("limits", reason="MLflow's gateway needs mlflow[genai]")
    from mlflow.gateway.config import _load_gateway_config

    from mlwright.emit import yaml

    needed = {
        "huggingface-text-generation-inference": {"hf_server_url": "http://x"},
        "mlflow-model-serving": {"model_server_url": "http://x"},
        "vertex_ai": {"vertex_project": "x"},
    }
    secrets = (ir.Secret(name="one", keys=("KEY",)),)
    model = "j2-ultra" if provider == "ai21labs" else "m"
    source: dict[str, Any] = {"type": "completions", "provider": provider, "model": model, "secret": "one"}
    source |= {"settings": needed.get(provider, {}), "limit": {"calls": 3, "per": "hour"}}
    made = gateway.resolve(programs.tracking(gateway=(("a", source),)), secrets, config="/x")
    path = tmp_path / "gateway.yaml"
    path.write_text(yaml.write(made.config, ""))
    monkeypatch.setenv("MLFLOW_GATEWAY_RESOLVE_API_KEY_FROM_ENV", "true")
    for name, _ in made.env:
        monkeypatch.setenv(name, "the-key")
    (endpoint,) = _load_gateway_config(path).endpoints
    config = endpoint.model.config.model_dump()
    for part in KEYS[provider]:
        config = config[part]
    assert not KEYS[provider] or config == "the-key"
    assert endpoint.limit.calls == 3

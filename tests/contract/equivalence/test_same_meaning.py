"""The same specification means the same on every engine: what programs see, what runs, what is searched and decided."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.contract.equivalence.engines import Outcome, Project

from mlwright.testing.programs import NAUGHTY

ENGINES = ("run", "compose", "argo")
pytestmark = pytest.mark.server
Json = dict[str, Any]


@pytest.fixture
def project(mlflow_server: str, tmp_path: Path) -> Callable[..., Project]:
    """Makes a project of these sections, under a name that no other test has."""

    def made(spec: Json, **more: Any) -> Project:
        name = f"p{uuid.uuid4().hex[:8]}"
        return Project(spec=spec, name=name, folder=tmp_path / name, server=mlflow_server, **more)

    return made


def step(name: str, *words: str, orders: tuple[str, ...] = (), **fields: Any) -> Json:
    """A step whose program writes down that it sees `words`, after it has done what `orders` say."""
    return {"command": ["python", "WITNESS", "RECORD", name, *orders, "--", *words], **fields}


TYPED: Json = {
    "whole": {"type": "int", "default": -9007199254740991},
    "small": {"type": "float", "default": 1e-7},
    "large": {"type": "float", "default": 1e22},
    "tenth": {"type": "float", "default": 0.1},
    "flag": {"type": "bool", "default": False},
    "tree": {"type": "json", "default": {"b": [1, 2.5, None, "$(id)"], "a": "{{x}}"}},
    **{
        f"t{position}": {"type": "string", "default": text.replace("${", "$${")}
        for position, text in enumerate(NAUGHTY)
    },
}
CANONICAL = {
    "whole": "-9007199254740991",
    "small": "1e-07",
    "large": "1e+22",
    "tenth": "0.1",
    "flag": "false",
    "tree": '{"a":"{{x}}","b":[1,2.5,null,"$(id)"]}',
    **{f"t{position}": text for position, text in enumerate(NAUGHTY)},
}
SECRET = "s3cr$t \"quoted\" $(id) {{x}} 'single' \\ `id`"
VALUES: Json = {
    "params": TYPED,
    "secrets": {"hub": {"keys": ["token"]}},
    "steps": {
        "words": step(
            "words",
            *(f"--{name}=${{params.{name}}}" for name in TYPED),
            env={
                "PLAIN": "$HOME $(id) {{x}} 'a' \"b\" # c",
                "FROM": "<${params.t1}>",
                "TOKEN": "${secrets.hub.token}",
                "EMPTY": "",
            },
        ),
        "script": {
            "command": "exec python 'WITNESS' 'RECORD' script -- ${params.t0} \"${params.t2}\" ${params.flag}\n"
            # a shell sees the references as variables of its own, each one word
        },
    },
}


@pytest.mark.parametrize("engine", ENGINES)
def test_programs_see_values_of_every_type_as_they_were_written(engine: str, project: Callable[..., Project]) -> None:
    seen: Outcome = project(VALUES, secrets={("hub", "token"): SECRET}).on(engine)
    assert seen.root == "FINISHED"
    assert seen.words("words") == [[f"--{name}={text}" for name, text in CANONICAL.items()]]
    assert seen.words("script") == [[CANONICAL["t0"], CANONICAL["t2"], "false"]]
    params = {f"MLWRIGHT_PARAM_{name.upper()}": text for name, text in CANONICAL.items()}
    assert seen.variables("words", "MLWRIGHT_PARAM_*") == [params]
    assert seen.variables("words", "PLAIN", "FROM", "TOKEN", "EMPTY") == [
        {"PLAIN": "$HOME $(id) {{x}} 'a' \"b\" # c", "FROM": f"<{NAUGHTY[1]}>", "TOKEN": SECRET, "EMPTY": ""}
    ]
    assert seen.variables("words", "MLWRIGHT_SECRET_*") == [{}], "the program has the secret only where it asked for it"

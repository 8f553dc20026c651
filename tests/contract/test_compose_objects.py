"""Added Compose files together with ours are one Compose project: by the schema, and for the real command."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.contract.test_compose_schema import SCHEMA, _command

from mlwright import api

SPEC = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: demo}
defaults: {steps: {image: "acme/demo:1"}}
steps: {a: {command: [python, a.py]}}
environments: {here: {platform: compose}}
objects:
  extras: {path: compose/extras/, target: compose}
  single: {path: single.yml, target: compose}
"""
FILES = {
    "mlproject.yaml": SPEC,
    "compose/extras/proxy.yaml": """\
services:
  proxy:
    image: nginx:1.29
    volumes: ["./nginx.conf:/etc/nginx/nginx.conf:ro"]
    environment: {PRICE: "$$5", WHO: "${WHO:-nobody}", SHARED: "${SHARED:?}"}
    labels: [team=growth]
    depends_on: {mlflow: {condition: service_healthy}, db: {condition: service_started}}
    configs: [{source: pages, target: /pages, mode: 0440}]
    restart: no
configs: {pages: {file: ../pages.json}}
""",
    "compose/extras/db.yaml": """\
services:
  db: {image: "postgres:18", environment: {POSTGRES_PASSWORD: "${DB_PASSWORD}"}, volumes: ["kept:/var/lib/postgresql"]}
volumes: {kept: }
""",
    "compose/extras/nginx.conf": "events {}\n",
    "compose/extras/.env": "WHO=me\n",
    "compose/pages.json": "[]\n",
    "single.yml": "services: {tool: {build: {context: ./tool}, profiles: [tools]}}\n",
    "tool/Dockerfile": "FROM scratch\n",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled project in a folder of its own."""
    folder = tmp_path_factory.mktemp("objects")
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = api.compile()
    assert not result.failed, result.diagnostics
    return folder


def test_every_file_is_valid_by_the_schema_of_the_specification(project: Path) -> None:
    for path in (project / "manifests/here/compose").rglob("*.y*ml"):
        jsonschema.Draft202012Validator(SCHEMA).validate(yaml.safe_load(path.read_text()))


@pytest.mark.docker
def test_the_real_command_reads_them_as_one_project(project: Path) -> None:
    folder = project / "manifests/here/compose"
    (folder / ".env").write_text("SHARED=ours\n")
    done = subprocess.run(
        [*_command(), "-f", "compose.yaml", "--profile", "*", "config", "--format", "json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(project)},
    )
    assert done.returncode == 0, done.stderr
    data: dict[str, Any] = json.loads(done.stdout)
    proxy = data["services"]["proxy"]
    assert proxy["volumes"][0]["source"] == str(project / "compose/extras/nginx.conf")
    assert data["configs"]["pages"]["file"] == str(project / "compose/pages.json")
    assert data["services"]["tool"]["build"]["context"] == str(project / "tool")
    assert proxy["environment"] == {"PRICE": "$$5", "WHO": "me", "SHARED": "ours"}
    assert proxy["restart"] == "no" and proxy["configs"][0]["mode"] in ("288", "0440", 288)
    assert proxy["labels"] == {
        "team": "growth",
        "mlwright.project": "demo",
        "mlwright.environment": "here",
        "mlwright.node": "objects.extras",
    }
    assert {"db", "proxy", "tool", "a", "mlflow"} <= set(data["services"])
    assert set(data["volumes"]) >= {"kept", "mlflow"}

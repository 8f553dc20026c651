"""Compose files of the user's own: added as they are, labelled, included with the folder that they came from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlwright import api, build, registry
from mlwright.analysis import analyse
from mlwright.emit import map as maps
from mlwright.emit.index import sha256
from mlwright.source.files import Memory

SPEC = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: demo}
defaults: {steps: {image: "acme/demo:1"}}
steps: {a: {command: [python, a.py]}}
environments: {here: {platform: compose}}
"""
ENTRY = "objects: {extras: {path: compose/extras.yaml, target: compose}}\n"
EXTRAS = """\
x-common: &common {restart: "no"}
services:
  db:
    <<: *common
    image: postgres:18
    environment: {POSTGRES_PASSWORD: "${DB_PASSWORD:?}", NOTE: "$$5 at 22:22"}
    labels: [team=growth]
    volumes: [./init.sql:/init.sql:ro, kept:/var/lib/postgresql]
    depends_on: {mlflow: {condition: service_healthy}}
  cache: {image: "redis:8", labels: {team: growth}}
volumes: {kept: }
"""


def built(objects: str = ENTRY, spec: str = "mlproject.yaml", **files: str) -> build.Built:
    """The output of the only environment; `files` by name, `__` for `/` and `_` for `.`."""
    tree = Memory({spec: SPEC + objects, **{n.replace("__", "/").replace("_", "."): text for n, text in files.items()}})
    targets = registry.installed()
    (analysis,) = analyse(tree, spec, targets).environments
    assert analysis.ready, analysis.findings
    return build.build(analysis, targets, folder=build.folder(analysis, None), files=tree)


def data(made: build.Built, path: str) -> Any:
    return yaml.safe_load(made.files[f"compose/{path}"])


def test_a_file_is_written_with_our_labels_and_nothing_else_changed() -> None:
    made = data(built(compose__extras_yaml=EXTRAS), "objects/extras/extras.yaml")
    ours = {"mlwright.project": "demo", "mlwright.environment": "here", "mlwright.node": "objects.extras"}
    given = yaml.safe_load(EXTRAS)
    assert made["services"]["db"].pop("labels") == ["team=growth", *(f"{name}={text}" for name, text in ours.items())]
    assert made["services"]["cache"].pop("labels") == {"team": "growth", **ours}
    for body in given["services"].values():
        body.pop("labels")
    assert made == given


def test_it_is_included_with_the_folder_that_its_paths_are_relative_to() -> None:
    made = built(compose__extras_yaml=EXTRAS)
    assert data(made, "compose.yaml")["include"] == [
        {"path": "./objects/extras/extras.yaml", "project_directory": "../../../compose"}
    ]
    deeper = built("objects: {o: {path: more.yml, target: compose}}\n", "team/mlproject.yaml", team__more_yml=EXTRAS)
    assert data(deeper, "compose.yaml")["include"] == [
        {"path": "./objects/o/more.yml", "project_directory": "../../.."}
    ]


def test_all_yaml_files_of_a_folder_join_and_others_do_not() -> None:
    folder = "objects: {extras: {path: compose/, target: compose}}\n"
    made = built(
        folder,
        compose__b_yml="services: {b: {image: b}}",
        compose__a_yaml="services: {c: {image: c}}",
        compose__deep__c_yaml="services: {d: {image: d}}",
        compose___hidden="x",
        compose__readme_md="x",
    )
    paths = [entry["path"] for entry in data(made, "compose.yaml")["include"]]
    assert paths == ["./objects/extras/a.yaml", "./objects/extras/b.yml"]
    assert [(item.code, item.severity) for item in made.findings] == [("PATCH011", "note")]


def test_files_are_inputs_and_the_map_leads_back_to_the_entry() -> None:
    made = built(compose__extras_yaml=EXTRAS)
    assert made.inputs["compose/extras.yaml"] == sha256(EXTRAS.encode())
    traced = maps.build(made.emitted)["files"]
    assert isinstance(traced, dict)
    added, main = traced["compose/objects/extras/extras.yaml"], traced["compose/compose.yaml"]
    assert isinstance(added, dict) and isinstance(main, dict)
    assert added["services/db/image"] == {"spec": "objects.extras", "origin": "spec"}
    assert added["services/cache/labels/mlwright.node"]["origin"] == "derived"  # type: ignore[index, call-overload]
    assert main["include/0/path"] == {"spec": "objects.extras.path", "origin": "spec"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("services: {mlflow: {image: x}}", "PATCH014"),
        ("configs: {step-a: {file: x}}", "PATCH014"),
        ("volumes: {mlflow: }", "PATCH014"),
        ("services: [db]", "PATCH012"),
        ("services: {db: postgres}", "PATCH012"),
        ("services: {db: {image: x, labels: growth}}", "PATCH012"),
        ("service: {db: {image: x}}", "PATCH012"),
        ("name: mine", "PATCH013"),
        ("version: '3.9'", "PATCH013"),
        ("include: [other.yaml]", "PATCH013"),
        ("services: {db: {image: x, labels: [mlwright.project=other]}}", "PATCH013"),
        ("services: {db: {image: x, environment: {API_TOKEN: 9f86d081884c7d659a2feaa0}}}", "PATCH015"),
        ("services: {db: {image: x, environment: [API_TOKEN=9f86d081884c7d659a2feaa0]}}", "PATCH015"),
        ("x-shared: {url: 'postgres://me:hunter2@db/x'}", "PATCH015"),
        ("services: {db: {image: x, command: [--token, ghp_0123456789012345678901234567890123456789]}}", "PATCH015"),
        ("- services", "YAML009"),
        ("", "YAML008"),
        ("services: {db: {image: !reset null}}", "YAML013"),
    ],
)
def test_what_would_not_work_or_should_not_be_there_is_refused_at_its_own_line(text: str, code: str) -> None:
    made = built(compose__extras_yaml=text)
    (finding,) = (item for item in made.findings if item.severity == "error")
    assert finding.code == code
    assert finding.span is not None and finding.span.file == "compose/extras.yaml"
    assert not made.ready and made.files == {}


def test_a_name_of_ours_is_shown_with_what_became_it() -> None:
    made = built(compose__extras_yaml="services: {a: {image: x}}")
    (finding,) = made.findings
    assert finding.related[0].path == ("steps", "a") and finding.related[0].span is not None


def test_the_network_of_all_may_be_said_by_an_added_file() -> None:
    assert built(compose__extras_yaml="networks: {default: {driver: bridge}}").ready


@pytest.mark.parametrize("target", ["", ", target: kubernetes"])
def test_files_of_other_targets_are_left_out_with_a_warning(target: str) -> None:
    made = built(f"objects: {{extras: {{path: compose/extras.yaml{target}}}}}\n", compose__extras_yaml=": not read")
    (finding,) = made.findings
    assert (finding.code, finding.severity) == ("PATCH016", "warning")
    assert "include" not in data(made, "compose.yaml")
    assert made.inputs["compose/extras.yaml"] == "file"  # that it is there was asked, and no more


def test_compiling_records_the_files_in_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "compose").mkdir()
    (tmp_path / "compose/extras.yaml").write_text(EXTRAS)
    (tmp_path / "mlproject.yaml").write_text(SPEC + ENTRY)
    monkeypatch.chdir(tmp_path)
    assert not api.compile().failed
    index = json.loads((tmp_path / "manifests/here/index.json").read_text())
    assert set(index["inputs"]) == {"mlproject.yaml", "mlproject.lock", "compose/extras.yaml"}
    assert index["inputs"]["compose/extras.yaml"] == sha256(EXTRAS.encode())
    assert index["inputs"]["mlproject.lock"] == "absent"
    assert "manifests/here/compose/objects/extras/extras.yaml" in index["files"]
    (tmp_path / "compose/extras.yaml").write_text("services: {db: }")
    assert [item.code for item in api.validate().diagnostics] == ["PATCH012"]

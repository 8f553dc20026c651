from __future__ import annotations

from pathlib import Path

import pytest

from mlwright import registry
from mlwright.analysis import Analysis, analyse
from mlwright.review.layers import Layers, parse
from mlwright.source.files import Disk
from mlwright.source.tree import Map, Node, Scalar

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/mlproject.yaml"))

BASE = """\
apiVersion: mlwright.dev/v1
kind: MLProject
defaults: {steps: {image: {ref: base:1}, timeout: 1h, resources: {memory: 1Gi}}}
params: {lr: 0.1}
environments: {prod: {params: {lr: {default: 0.3}}}}
"""
FILE = """\
apiVersion: mlwright.dev/v1
kind: MLProject
extends: [base.yaml]
metadata: {name: demo}
params: {lr: 0.2}
storage: {warehouse: {type: s3, uri: "s3://here"}}
steps:
  a: {command: [python, a.py], env: {API_TOKEN: abcdefgh12345678}}
  b: {command: [python, b.py], image: own:2}
environments:
  local: {platform: compose, storage: {warehouse: {type: directory, path: out}}}
  prod: {platform: compose, params: {lr: {default: 0.4}}, steps: {b: {image: null}}}
"""


def chain(folder: Path, environment: str, path: str) -> list[tuple[str, str, str, bool]]:
    (folder / "base.yaml").write_text(BASE)
    (folder / "mlproject.yaml").write_text(FILE)
    analysis = _analysed(folder.as_posix(), environment)
    found = parse(path)
    assert found is not None
    layers = Layers(Disk("."), analysis.spec).of(found, environment, analysis.tree)
    return [(layer.name, layer.says, layer.text, layer.wins) for layer in layers]


def _analysed(folder: str, environment: str) -> Analysis:
    (found,) = analyse(Disk("."), f"{folder}/mlproject.yaml", registry.installed(), envs=[environment]).environments
    return found


def test_files_come_before_environments_and_the_extended_one_before_the_file(tmp_path: Path) -> None:
    assert chain(tmp_path, "prod", "params.lr.default") == [
        ("base.yaml", "sets", "0.1", False),
        ("the file", "sets", "0.2", False),
        ("environments.prod of base.yaml", "sets", "0.3", False),
        ("environments.prod", "sets", "0.4", True),
    ]


def test_an_environment_sees_only_its_own_section(tmp_path: Path) -> None:
    assert chain(tmp_path, "local", "params.lr.default") == [
        ("base.yaml", "sets", "0.1", False),
        ("the file", "sets", "0.2", True),
    ]


def test_defaults_are_beneath_each_step_and_win_where_nothing_else_does(tmp_path: Path) -> None:
    assert chain(tmp_path, "prod", "steps.a.image.ref") == [("defaults.steps of base.yaml", "sets", "base:1", True)]
    assert chain(tmp_path, "local", "steps.b.image.ref") == [
        ("defaults.steps of base.yaml", "sets", "base:1", False),
        ("the file", "sets", "own:2", True),
    ]


def test_defaults_win_again_where_an_environment_removes_what_the_step_says(tmp_path: Path) -> None:
    assert chain(tmp_path, "prod", "steps.b.image.ref") == [
        ("defaults.steps of base.yaml", "sets", "base:1", True),
        ("the file", "sets", "own:2", False),
        ("environments.prod", "removes", "", False),
    ]


def test_another_type_takes_the_place_of_the_whole_mapping(tmp_path: Path) -> None:
    found = chain(tmp_path, "local", "storage.warehouse.uri")
    assert [(name, says, wins) for name, says, _, wins in found] == [
        ("the file", "sets", False),
        ("environments.local", "replaces", False),
    ]


def test_what_looks_like_a_secret_is_never_shown(tmp_path: Path) -> None:
    (layer,) = chain(tmp_path, "local", "steps.a.env.API_TOKEN")
    assert layer[2] == "********"


def test_nothing_says_anything_of_what_is_not_there(tmp_path: Path) -> None:
    assert chain(tmp_path, "prod", "steps.c.image") == []
    assert chain(tmp_path, "prod", "steps.a.command.x") == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("params.lr", ("params", "lr")),
        ("steps.a.command[2]", ("steps", "a", "command", 2)),
        ("a[0][1]", ("a", 0, 1)),
        ("a..b", None),
        ("a[x]", None),
        ("a[1", None),
        (".a", None),
        ("", None),
    ],
)
def test_paths_are_read_as_they_are_shown(text: str, path: object) -> None:
    assert parse(text) == path


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_layer_that_wins_is_the_one_that_the_compiler_took(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every value of every environment of every example, each against the merged tree."""
    monkeypatch.chdir(ROOT / "examples" / example)
    for analysis in analyse(Disk("."), "mlproject.yaml", registry.installed()).environments:
        layers = Layers(Disk("."), analysis.spec)
        for path, node in _scalars(analysis.tree, ()):
            chain = layers.of(path, analysis.environment, analysis.tree)
            winners = [layer for layer in chain if layer.wins]
            made = path[:1] == ("params",) and path[-1] == "type"  # inferred from the default
            if not winners and (made or path[:1] == ("environments",)):
                continue
            assert len(winners) == 1, (analysis.environment, path, chain)
            span = winners[0].span
            assert (span.file, span.line) in ((node.span.file, node.span.line), (node.span.file, node.span.line - 1)), (
                path
            )


def _scalars(node: Node, path: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], Scalar]]:
    if isinstance(node, Scalar):
        return [(path, node)]
    below = (
        [(key, entry.node) for key, entry in node.entries.items() if not key.startswith("x-")]
        if isinstance(node, Map)
        else list(enumerate(node.items))
    )
    return [found for part, item in below for found in _scalars(item, (*path, part))]

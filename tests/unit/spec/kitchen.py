"""The kitchen sink, validated in every environment, and what in the language it uses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mlwright.source.files import Disk
from mlwright.source.load import load
from mlwright.source.overlay import environments, expand, resolve_extends
from mlwright.source.tree import Node
from mlwright.spec import Project, validate
from mlwright.spec.base import Model

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "examples" / "kitchen-sink"
FILES = (FOLDER / "mlproject.yaml", FOLDER / "models" / "mlproject.yaml")


def tree(path: Path) -> Node:
    """The file with what it extends, short forms written out."""
    node, bag = load(path.read_bytes(), path.name)
    assert node is not None
    assert [item.message for item in bag] == []
    whole, found = resolve_extends(node, path.name, Disk(path.parent))
    assert [item.message for item in found] == []
    return expand(whole)


def trees(path: Path) -> dict[str, Node]:
    return environments(tree(path))


def projects() -> list[Project]:
    found = []
    for path in FILES:
        for node in trees(path).values():
            project, bag = validate(node)
            assert [(item.message, item.span) for item in bag] == []
            assert project is not None
            found.append(project)
    return found


def used(value: object) -> Iterator[tuple[type[Model], str]]:
    """Every (model, field) that is set anywhere below `value`, inherited fields under the class in use."""
    if isinstance(value, Model):
        for name in value.model_fields_set:
            yield type(value), name
            yield from used(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from used(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from used(item)

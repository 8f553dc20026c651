"""Understanding a project from text: what the passes' tests start from."""

from __future__ import annotations

from mlwright import ir, registry
from mlwright.analysis import Analysis, analyse
from mlwright.diag import Diagnostic
from mlwright.source.files import Memory

HEAD = "apiVersion: mlwright.dev/v1\nkind: MLProject\nmetadata: {name: demo}\n"
IMAGE = "defaults: {steps: {image: demo:1}}\n"


def understand(text: str, **files: str) -> Analysis:
    """The only environment of a project with the given sections; `files` by name with `_` for `.`."""
    found = outcome_of(text, files)
    return found[0]


def outcome_of(text: str, files: dict[str, str]) -> tuple[Analysis, ...]:
    """Every environment of a project; findings of the file as such come with the first."""
    tree = Memory({"mlproject.yaml": HEAD + text, **files})
    outcome = analyse(tree, "mlproject.yaml", registry.installed())
    if not outcome.environments:
        raise AssertionError("\n".join(f"{item.code} {item.message}" for item in outcome.findings))
    return outcome.environments


def program(text: str, **files: str) -> ir.Project:
    """The program of a project without errors."""
    found = understand(text, **files)
    assert found.ready, "\n".join(f"{item.code} {item.span} {item.message}" for item in found.findings)
    assert found.project is not None
    return found.project


def task(project: ir.Project, node: str) -> ir.Task:
    """One task by its id."""
    found = next(item for item in project.nodes if item.id == node)
    assert isinstance(found, ir.Task)
    return found


def needs(project: ir.Project, node: str) -> list[str]:
    """What a node waits for."""
    return [need.node for item in project.nodes if item.id == node for need in item.needs]


def codes(text: str, **files: str) -> list[str]:
    """The codes of the errors and warnings of a project, sorted by place."""
    return [item.code for item in findings(text, **files)]


def findings(text: str, **files: str) -> list[Diagnostic]:
    """The errors and warnings of a project, sorted by place."""
    return [item for item in understand(text, **files).findings if item.severity != "note"]

"""Registered models: who makes them, what is registered, and aliases that MLflow accepts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import gate_nodes, registrations, tasks
from mlwright.regex import lazy
from mlwright.source.suggest import closest
from mlwright.span import Path

_ALIAS = lazy(r"(?!(?i:latest|v\d+)\Z)[\w-]{1,255}")


def check_registry(project: ir.Project) -> Iterable[Diagnostic]:
    """REG001 nobody makes the model, REG002 an alias that MLflow refuses, REG003 registered twice, REG004 no model."""
    made = {node.model: node for node in registrations(project)}
    yield from _registrations(project, made)
    for path, source, binding in _served(project):
        if source.kind != "registry":
            continue
        pinned = bool(source.version) and binding == "locked"
        if source.model not in made and not pinned:
            yield _unmade(source, binding, made, path)
        yield from _alias(source.alias, path)
    for gates in gate_nodes(project):
        for gate in gates.gates:
            if gate.versus:
                yield from _alias(gate.versus, (*gates.origin.path, gate.name, "versus"))


def _served(project: ir.Project) -> Iterator[tuple[Path, ir.ModelSource, str]]:
    for service in project.services:
        path = service.origin.path
        yield (*path, "model"), service.source, service.binding
        for variant in service.variants:
            yield (*path, "variants", variant.name, "model"), variant.source, service.binding


def _unmade(source: ir.ModelSource, binding: str, made: Iterable[str], path: Path) -> Diagnostic:
    near = closest(source.model, made)
    alias = f"{source.model}@{source.alias}"
    pin = " and mlproject.lock has no entry for it" if binding == "locked" else ""
    return Diagnostic(
        code="REG001",
        message=f"no `registry` of this project makes `{source.model}`{pin}",
        at=Label(path=path, text=f"{alias} comes from nowhere"),
        help=f"did you mean `${{registry.{near}@{source.alias}}}`?"
        if near
        else f"add a `registry` section with `model: {source.model}`"
        + (f", or pin another project's: mlwright promote {alias}" if binding == "locked" else ""),
    )


def _alias(alias: str, path: Path) -> Iterator[Diagnostic]:
    if _ALIAS.fullmatch(alias):
        return
    yield Diagnostic(
        code="REG002",
        message=f"`{alias}` cannot be an alias of a model version",
        at=Label(path=path),
        help="write `champion` or `challenger`; `latest` and `v3` mean something else to MLflow",
    )


def _registrations(project: ir.Project, made: dict[str, ir.Registration]) -> Iterator[Diagnostic]:
    types = {(task.id, output.name): output.type for task in tasks(project) for output in task.outputs}
    first: dict[str, ir.Registration] = {}
    for node in registrations(project):
        other = first.setdefault(node.model, node)
        if other is not node:
            yield Diagnostic(
                code="REG003",
                message=f"two sections register `{node.model}`",
                at=Label(path=(*node.origin.path, "model")),
                related=(Label(path=(*other.origin.path, "model"), text="first here"),),
                help="give each its own name: versions of one model follow each other in time",
            )
        type_ = types.get((node.step, node.output), "mlflow-model")
        if type_ != "mlflow-model":
            output = next(task.origin.path for task in tasks(project) if task.id == node.step)
            yield Diagnostic(
                code="REG004",
                message=f"`{node.step}.outputs.{node.output}` is of type {type_}: only MLflow models are registered",
                at=Label(path=(*node.origin.path, "from")),
                related=(Label(path=(*output, "outputs", node.output), text=f"type {type_}"),),
                help="declare the output as `{type: mlflow-model}` and write it with `save_model(path)`",
            )

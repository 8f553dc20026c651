"""Environment variables: names that are the launcher's, set from two places, or derived from two things."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import containers, searches, tasks, variable
from mlwright.span import Path

RESERVED = frozenset(
    {
        "MLFLOW_RUN_ID",
        "MLFLOW_EXPERIMENT_ID",
        "MLFLOW_EXPERIMENT_NAME",
        "MLFLOW_RUN_CONTEXT",
        "MLFLOW_TRACKING_URI",
        "MLFLOW_TRACKING_USERNAME",
        "MLFLOW_TRACKING_PASSWORD",
    }
)
_Place = tuple[str, Path]


def check_variables(project: ir.Project) -> Iterable[Diagnostic]:
    """VAR001 a name of the launcher's, VAR002 one name from two places, VAR003 one name derived from two things."""
    for task in tasks(project):
        yield from _reserved(task)
        yield from _derived(_inputs(task), f"`{task.id}`")
    yield from _twice(project)
    yield from _derived([(variable("DATA", s.name), (s.name, s.origin.path)) for s in project.data], "every step")
    secrets = ((secret, key) for secret in project.secrets for key in secret.keys)
    yield from _derived([(_entry(s.name, key), (s.name, ("secrets", s.name))) for s, key in secrets], "the .env file")


def _reserved(task: ir.Task) -> Iterator[Diagnostic]:
    if task.contract == "bare":
        return
    for name, _ in task.container.env:
        if name in RESERVED:
            yield Diagnostic(
                code="VAR001",
                message=f"`{name}` is set by the launcher: each attempt is a run of its own",
                at=Label(path=(*task.origin.path, "env", name), on="key"),
                help="remove it; the tracking server and the experiment are set under `tracking`",
            )


def _twice(project: ir.Project) -> Iterator[Diagnostic]:
    keys = {secret.name: secret.keys for secret in project.secrets}
    said: set[tuple[Path, str]] = set()
    sources = {source.name: source for source in project.data}
    read = {task.origin.path: task.data for task in (*tasks(project), *(s.trial for s in searches(project)))}
    for placed in containers(project):
        places: dict[str, dict[str, Path]] = defaultdict(dict)
        for name, template in placed.container.env:
            # A variable that repeats the secret's own key with its own value is one and the same.
            for secret, names in keys.items():
                if name in names and template == (ir.Ref(f"secrets.{secret}.{name}"),):
                    places[name][secret] = (*placed.path, "env", name)
                    break
            else:
                places[name][""] = (*placed.path, "env", name)
        for secret in placed.container.secrets:
            for name in keys.get(secret, ()):
                places[name].setdefault(secret, ("secrets", secret, "keys"))
        for data in read.get(placed.path, ()):
            source = sources.get(data)
            if source is not None and source.access == "uri":
                for name in keys.get(source.secret, ()):
                    places[name].setdefault(source.secret, (*source.origin.path, "secret"))
        for name, found in places.items():
            first, *others = found.values()
            if others and (first, name) not in said:
                said.add((first, name))
                yield Diagnostic(
                    code="VAR002",
                    message=f"`{placed.id}` gets the environment variable `{name}` from {len(found)} places",
                    at=Label(path=first, on="key" if "env" in first else "value"),
                    related=tuple(Label(path=path, text="and from here") for path in others),
                    help="rename one of them, or leave one out",
                )


def _inputs(task: ir.Task) -> Iterator[tuple[str, _Place]]:
    for path in task.inputs:
        step, found, name = path.rpartition(".outputs.")
        if not found:
            step, found, name = path.rpartition(".metrics.")
        if found:
            yield variable("INPUT", f"{step.rpartition('.')[2]}_{name}"), (path, (*task.origin.path, "command"))


def _entry(secret: str, key: str) -> str:
    return variable("", f"{secret}__{key}").removeprefix("MLWRIGHT__")


def _derived(names: Iterable[tuple[str, _Place]], where: str) -> Iterator[Diagnostic]:
    first: dict[str, _Place] = {}
    for name, (thing, path) in names:
        other, place = first.setdefault(name, (thing, path))
        if other == thing:
            continue
        yield Diagnostic(
            code="VAR003",
            message=f"`{other}` and `{thing}` would both be `{name}` in {where}",
            at=Label(path=path, on="key"),
            related=(Label(path=place, on="key", text="the other"),) if place != path else (),
            help="rename one of them: `-`, `_` and `.` all become `_`",
        )

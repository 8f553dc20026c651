"""`tracking.project`: what `mlflow run` gets, with the text of the requirements file."""

from __future__ import annotations

from mlwright import ir
from mlwright.passes.lower.context import Context
from mlwright.regex import lazy
from mlwright.span import Path
from mlwright.spec import mlproject

_PATH: Path = ("tracking", "project")
_ELSEWHERE = lazy(r"\s*(-r|-c|-e|-f|--requirement|--constraint|--editable|--find-links|\.|/|file:|\S+\s*@\s*file:)")


def ml_project(context: Context, source: mlproject.MlProject | None) -> ir.MlProject:
    """The environment of the MLproject's programs. MLP002 a requirement that is a file, MLP003 an image by digest."""
    match source:
        case mlproject.SystemProject():
            return ir.MlProject(type="system")
        case mlproject.DockerProject():
            if source.image.digest:
                context.error(
                    "MLP003",
                    "`mlflow run` cannot start an image by its digest",
                    (*_PATH, "image"),
                    f"name a tag: `{source.image.text.partition('@')[0]}`",
                )
            return ir.MlProject(type="docker", image=source.image.text)
        case mlproject.PythonProject():
            return ir.MlProject(type="python", requirements=_requirements(context, source.requirements))
        case None:
            return ir.MlProject()


def _requirements(context: Context, name: str) -> str:
    path: Path = (*_PATH, "requirements")
    text = context.text(name, path, "the requirements file")
    for number, line in enumerate(text.splitlines(), start=1):
        if _ELSEWHERE.match(line):
            context.error(
                "MLP002",
                f"line {number} of `{name}` needs another file: `{line.strip()}`",
                path,
                "list packages by name and version: only this file goes into the output",
            )
    return text

"""The MLproject: a server that its steps can reach, and commands that `mlflow run` can start."""

from __future__ import annotations

from collections.abc import Iterable

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.span import Path


def check_mlproject(project: ir.Project) -> Iterable[Diagnostic]:
    """MLP001 a Databricks server, MLP004 steps that only their image can start."""
    path: Path = (*project.tracking.origin.path, "project")
    environment = project.environment
    if project.tracking.project.type == "none" or environment.platform == "local":
        return
    if project.tracking.server == "databricks":
        yield Diagnostic(
            code="MLP001",
            message="an MLproject cannot record its runs on Databricks",
            at=Label(path=path, on="key"),
            related=(Label(path=(*project.tracking.origin.path, "server"), text="the server is here"),),
            help=f"under environments.{environment.name}: `tracking: {{project: null}}`",
        )
    for node in project.nodes:
        if isinstance(node, ir.Task) and not (node.container.argv or node.container.script):
            yield Diagnostic(
                code="MLP004",
                message=f"the MLproject is without `{node.id}`, which has no command",
                at=Label(path=node.origin.path, on="key"),
                related=(Label(path=path, on="key", text="asked for here"),),
                help="give it a `command`",
                severity="warning",
            )

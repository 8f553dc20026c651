"""How a project hangs together."""

from __future__ import annotations

from collections.abc import Sequence

from mlwright import registry
from mlwright.analysis import Outcome, analyse
from mlwright.api import Result, only
from mlwright.diag import Bag, Diagnostic
from mlwright.passes.lock import Anything, Lock
from mlwright.review import graph as graphs
from mlwright.review.graph import Graph
from mlwright.source.files import Disk


def graph(path: str | None = None, *, envs: Sequence[str] = ()) -> tuple[Result, Graph | None]:
    """The graph of the environments of one project, all of them where none is named; None where the result says why
    not. Endpoints are there before the lock pins a version for them."""
    spec, wrong = only(path)
    if wrong:
        return Result(usage_error=wrong), None
    outcome = analyse(Disk("."), spec, registry.installed(), envs=envs, lock=Lock(models=Anything()))
    if outcome.usage_error:
        return Result(usage_error=outcome.usage_error), None
    projects = {one.environment: one.project for one in outcome.environments if one.project is not None}
    if len(projects) < len(outcome.environments) or not projects:
        return Result(diagnostics=_errors(outcome)), None
    return Result(), graphs.merged({name: graphs.of(project) for name, project in projects.items()})


def _errors(outcome: Outcome) -> tuple[Diagnostic, ...]:
    """Why an environment could not be understood."""
    stopped = [item for one in outcome.environments if one.project is None for item in one.findings]
    return Bag(item for item in (*outcome.findings, *stopped) if item.severity == "error").ordered()

"""Names that are too long once others are derived from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import searches
from mlwright.record import dataclass
from mlwright.span import Path

_HERE = ("local", "compose")
_Kind = Literal["step", "search", "distributed", "service", "pipeline", "notebook"]


@dataclass(frozen=True, slots=True)
class Form:
    """A name made from `<prefix><project>-<name>` and `suffix`, at most `limit` characters, of nodes of these kinds."""

    what: str
    suffix: str
    limit: int
    kinds: frozenset[_Kind]
    here: bool = False


_ALL: frozenset[_Kind] = frozenset({"step", "search", "distributed", "service", "pipeline", "notebook"})
FORMS = (
    # A container's name is its host name too, and a DNS label has at most 63 characters.
    Form("the container", "-1", 63, _ALL - {"pipeline"}, here=True),
    # Jobs and ConfigMaps end with a digest; a Job's name is a label of its pods.
    Form("the Job", "-" + "0" * 10, 63, frozenset({"step", "search", "distributed", "pipeline"})),
    # The controller appends the time to a CronJob's name and still needs a Job's name.
    Form("the CronJob", "", 52, frozenset({"pipeline"})),
    # Katib appends a trial's random suffix and refuses longer experiments.
    Form("the Katib Experiment", "", 40, frozenset({"search"})),
    # Pods of a TrainJob: `-node-0-0` and five random characters.
    Form("the TrainJob's pods", "-node-0-0-00000", 63, frozenset({"distributed"})),
    Form("the InferenceService's host", "-predictor", 63, frozenset({"service"})),
    # The name is a label of Kubeflow's notebooks' pods, with a digest of ten digits after it.
    Form("the notebook's StatefulSet", "", 52, frozenset({"notebook"})),
)


@dataclass(frozen=True, slots=True)
class _Named:
    kind: _Kind
    name: str
    path: Path


def check_names(project: ir.Project) -> Iterable[Diagnostic]:
    """NAMED001: the longest overrun of each node, and which part to shorten."""
    here = project.environment.platform in _HERE
    stem = f"{project.environment.name_prefix}{project.name}-"
    for named in _names(project):
        overruns = [
            (len(stem) + len(named.name) + len(form.suffix) - form.limit, form)
            for form in FORMS
            if named.kind in form.kinds and (form.here or not here)
        ]
        over, form = max(overruns, key=lambda item: item[0], default=(0, None))
        if form is not None and over > 0:
            yield _too_long(project, named, form, over)


def _names(project: ir.Project) -> Iterator[_Named]:
    for node in (*project.nodes, *(search.trial for search in searches(project))):
        kind: _Kind = "search" if isinstance(node, ir.Search) else "step"
        if isinstance(node, ir.Task) and node.distributed.nodes_max > 1:
            kind = "distributed"
        yield _Named(kind, node.name, node.origin.path)
    for service in project.services:
        yield _Named("service", service.name, service.origin.path)
        for variant in service.variants:
            yield _Named("service", f"{service.name}-{variant.name}", (*service.origin.path, "variants", variant.name))
    for notebook in project.notebooks:
        yield _Named("notebook", notebook.name, notebook.origin.path)
    for pipeline in project.pipelines:
        yield _Named("pipeline", pipeline.name, pipeline.origin.path)


def _too_long(project: ir.Project, named: _Named, form: Form, over: int) -> Diagnostic:
    environment = project.environment
    parts: list[tuple[str, str, Label]] = [
        (named.name, "this name", Label(path=named.path, on="key")),
        (project.name, "`metadata.name`", Label(path=("metadata", "name"))),
        (environment.name_prefix, "`name_prefix`", Label(path=("environments", environment.name, "name_prefix"))),
    ]
    _, longest, _ = max(parts, key=lambda part: len(part[0]))
    full = f"{environment.name_prefix}{project.name}-{named.name}{form.suffix}"
    return Diagnostic(
        code="NAMED001",
        message=f"{form.what} would have a name of {len(full)} characters, and {form.limit} are possible",
        at=Label(path=named.path, on="key", text=f"becomes `{full}`"),
        related=tuple(label for text, _, label in parts[1:] if text),
        help=f"shorten {longest} by {over}",
    )

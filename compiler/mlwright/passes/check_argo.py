"""Texts of the user's that would stand in a workflow, where Argo substitutes and nothing can be quoted."""

from __future__ import annotations

from collections.abc import Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import searches, strings, tasks
from mlwright.platform import Profile
from mlwright.span import Path

_OPEN = "{{"


def check_argo(project: ir.Project, profile: Profile) -> Iterator[Diagnostic]:
    """ARGO001 where Argo would fill in a text. Commands, arguments and variables are in documents of their own: only
    what the launcher does not start, annotations, mounts and a pipeline's values can meet it. Kubeflow Pipelines runs
    on Argo, and gets only the first of these."""
    if profile.orchestrator not in ("argo", "kubeflow-pipelines"):
        return
    seen: set[Path] = set()
    for path, text, instead in _texts(project, whole=profile.orchestrator == "argo"):
        if _OPEN in text and path not in seen:
            seen.add(path)
            yield Diagnostic(
                code="ARGO001",
                message="Argo would fill in what follows `{{` here, and knows no way to quote it",
                at=Label(path=path, text="stands in the workflow itself"),
                help=instead,
            )


def _texts(project: ir.Project, *, whole: bool) -> Iterator[tuple[Path, str, str]]:
    """Everything that is written into a workflow: its place, the text, what to do instead. Not the `whole` of it: what
    Kubeflow Pipelines is told."""
    for task in (*tasks(project), *(search.trial for search in searches(project))):
        path, box = task.origin.path, task.container
        for name, text in box.annotations:
            yield (*path, "annotations", name), text, "leave the annotation out of this environment: `NAME: null`"
        for mount in box.mounts:
            yield (*path, "mounts", mount.target), mount.target, "mount it at another path"
        if whole and task.contract == "bare":
            yield from _bare(path, box)
    for pipeline in project.pipelines if whole else ():
        for name, value in pipeline.params:
            at = (*pipeline.origin.path, "params", name)
            for text in strings(value):
                yield at, text, "make it the parameter's default, which the launcher reads from a document"


def _bare(path: Path, box: ir.Container) -> Iterator[tuple[Path, str, str]]:
    instead = "without `contract: bare` the launcher hands it to the program as it is"
    words = [(*path, "command", index) for index in range(len(box.argv))]
    words += [(*path, "args", index) for index in range(len(box.args))]
    for at, template in zip(words, (*box.argv, *box.args), strict=True):
        yield at, _text(template), instead
    yield (*path, "command"), box.script, instead
    for name, template in box.env:
        yield (*path, "env", name), _text(template), instead


def _text(template: ir.Template) -> str:
    return "".join(part for part in template if isinstance(part, str))

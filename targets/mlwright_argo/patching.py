"""How patches address templates of a workflow, and what they must leave alone, beside what holds for all objects."""

from __future__ import annotations

from mlwright.emit.kube import patching
from mlwright.target import KnownField, Protected

_PODS = ("Template", "TrialTemplate", "ItemsTemplate", "StartTemplate", "FinishTemplate")
_WHOLE = (("WorkflowTemplate", ("spec", "templates", "*")), *((kind, ()) for kind in _PODS))

PROTECTED: tuple[Protected, ...] = (
    *patching.PROTECTED,
    *(
        Protected(kind=kind, path=(*at, "container", word), why="the launcher starts every program")
        for kind, at in _WHOLE
        for word in ("command", "args")
    ),
    *(Protected(kind=kind, path=("name",), why="the graph refers to it") for kind in _PODS),
    *(
        Protected(kind="WorkflowTemplate", path=("spec", word), why="it is the graph")
        for word in ("entrypoint", "onExit")
    ),
)

KNOWN_FIELDS: tuple[KnownField, ...] = (
    *patching.KNOWN_FIELDS,
    *(
        KnownField(kind=kind, path=("container", *path), field=field)
        for kind in ("Template", "TrialTemplate")
        for path, field in (
            (("image",), "image"),
            (("resources",), "resources"),
            (("securityContext", "readOnlyRootFilesystem"), "security.read_only_root_filesystem"),
        )
    ),
    *(
        KnownField(kind=kind, path=("securityContext", "runAsUser"), field="security.run_as_user")
        for kind in ("Template", "TrialTemplate")
    ),
    KnownField(kind="CronWorkflow", path=("spec", "schedules"), field="schedule.cron"),
    KnownField(kind="CronWorkflow", path=("spec", "timezone"), field="schedule.timezone"),
)

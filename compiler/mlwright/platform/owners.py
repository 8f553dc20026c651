"""One owner per node: which target lowers what, as a table, and the diagnostics where nobody or two would."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

from mlwright.diag import Diagnostic, Label
from mlwright.platform.versions import listing
from mlwright.record import dataclass, replace
from mlwright.span import Path

Orchestrator = Literal["compose", "kubernetes", "argo", "kubeflow-pipelines"]
NodeKind = Literal[
    "graph",
    "schedule",
    "trigger",
    "search",
    "distributed",
    "task",
    "endpoint",
    "tracking",
    "mlproject",
    "gateway",
    "notebook",
    "namespace",
    "monitoring",
    "gitops",
    "cluster",
]


@dataclass(frozen=True, slots=True)
class Candidate:
    """`target` may own the node where the platform lists any of `systems` (always, where that is empty)."""

    target: str
    systems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Nobody:
    """No target owns such a node here: it is ignored with a warning, or refused with an error."""

    support: Literal["ignored", "refused"]
    why: str


Cell = tuple[Candidate, ...] | Nobody

_ORCHESTRATORS: tuple[Orchestrator, ...] = ("compose", "kubernetes", "argo", "kubeflow-pipelines")
_KUBERNETES = (Candidate("kubernetes"),)
_COMPOSE = (Candidate("compose"),)
_MLFLOW = (Candidate("mlflow"),)
_KUBEFLOW = (Candidate("kubeflow", ("kubeflow.pipelines",)),)
_ARGO = (Candidate("argo", ("argo_workflows",)),)
_KATIB = Candidate("kubeflow", ("kubeflow.katib",))
_TRAINER = Candidate("kubeflow", ("kubeflow.trainer", "kubeflow.training_operator"))
_KSERVE = Candidate("kubeflow", ("kubeflow.kserve",))
_NOTEBOOKS = Candidate("kubeflow", ("kubeflow.notebooks",))
_PROFILES = Candidate("kubeflow", ("kubeflow.profiles",))
_EVENTS = (Candidate("argo", ("argo_events",)),)
_GITOPS = (Candidate("argo", ("argo_cd",)),)
_MONITORING = (Candidate("kubernetes", ("prometheus_operator",)),)

TABLE: dict[NodeKind, dict[Orchestrator, Cell]] = {
    "graph": {"compose": _COMPOSE, "kubernetes": _KUBERNETES, "argo": _ARGO, "kubeflow-pipelines": _KUBEFLOW},
    "schedule": {
        "compose": _COMPOSE,
        "kubernetes": _KUBERNETES,
        "argo": _ARGO,
        "kubeflow-pipelines": _KUBEFLOW,
    },
    "trigger": {
        "compose": Nobody(
            "ignored", "nothing here listens for events: start `docker compose up` from the event's source"
        ),
        "kubernetes": Nobody("refused", "plain Kubernetes has nothing that listens for events"),
        "argo": _EVENTS,
        "kubeflow-pipelines": _EVENTS,
    },
    "search": {
        "compose": _COMPOSE,
        "kubernetes": _KUBERNETES,
        "argo": (_KATIB, *_ARGO),
        "kubeflow-pipelines": (_KATIB, *_KUBEFLOW),
    },
    "distributed": {
        "compose": _COMPOSE,
        "kubernetes": _KUBERNETES,
        "argo": (_TRAINER, *_KUBERNETES),
        "kubeflow-pipelines": (_TRAINER, *_KUBERNETES),
    },
    "task": {"compose": _COMPOSE, "kubernetes": _KUBERNETES, "argo": _ARGO, "kubeflow-pipelines": _KUBEFLOW},
    "endpoint": {
        "compose": _COMPOSE,
        "kubernetes": _KUBERNETES,
        "argo": (_KSERVE, *_KUBERNETES),
        "kubeflow-pipelines": (_KSERVE, *_KUBERNETES),
    },
    "tracking": {
        "compose": _COMPOSE,
        "kubernetes": _KUBERNETES,
        "argo": _KUBERNETES,
        "kubeflow-pipelines": _KUBERNETES,
    },
    "mlproject": dict.fromkeys(_ORCHESTRATORS, _MLFLOW),
    "gateway": {**dict.fromkeys(_ORCHESTRATORS, _KUBERNETES), "compose": _COMPOSE},
    "notebook": {
        "compose": _COMPOSE,
        "kubernetes": _KUBERNETES,
        "argo": (_NOTEBOOKS, *_KUBERNETES),
        "kubeflow-pipelines": (_NOTEBOOKS, *_KUBERNETES),
    },
    "namespace": {
        "compose": Nobody("ignored", "Compose has no namespaces"),
        "kubernetes": _KUBERNETES,
        "argo": (_PROFILES, *_KUBERNETES),
        "kubeflow-pipelines": (_PROFILES, *_KUBERNETES),
    },
    "monitoring": {
        "compose": Nobody("ignored", "no Prometheus runs in the Compose output"),
        "kubernetes": _MONITORING,
        "argo": _MONITORING,
        "kubeflow-pipelines": _MONITORING,
    },
    "gitops": {
        "compose": Nobody("ignored", "nothing is synchronised to a laptop"),
        "kubernetes": _GITOPS,
        "argo": _GITOPS,
        "kubeflow-pipelines": _GITOPS,
    },
    "cluster": {**dict.fromkeys(_ORCHESTRATORS, _KUBERNETES), "compose": _COMPOSE},
}

ANYWHERE: dict[NodeKind, str] = {"tracking": "mlflow", "gateway": "mlflow"}
"""Kinds that a target beside the table's may own under every orchestrator, where `owner` asks for it."""

REQUIRED_SYSTEM: dict[Orchestrator, str] = {
    "compose": "",
    "kubernetes": "kubernetes",
    "argo": "argo_workflows",
    "kubeflow-pipelines": "kubeflow.pipelines",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One node that needs an owner. `explicit` is what `owner:` says, "" for nothing; `path` is where the spec
    has it."""

    id: str
    kind: NodeKind
    path: Path
    explicit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """The outcome: node id to target name, ids that are ignored here, and findings."""

    of: dict[str, str]
    ignored: dict[str, str]
    findings: tuple[Diagnostic, ...]


def assign(
    asked: Iterable[Asked],
    *,
    orchestrator: Orchestrator,
    systems: Collection[str],
    installed: Collection[str],
    environment: str,
    platform: Label,
) -> Owners:
    """The owner of every node asked for: the first available column of `TABLE`, or what `owner:` says.

    Every node gets exactly one owner, or is ignored, or is part of exactly one error. `platform` is where the platform
    says what runs.
    """
    findings: list[Diagnostic] = []
    of: dict[str, str] = {}
    ignored: dict[str, str] = {}
    missing: dict[str, list[str]] = {}
    if (system := REQUIRED_SYSTEM[orchestrator]) and system not in systems:
        return Owners(of={}, ignored={}, findings=(_no_orchestrator(orchestrator, system, platform),))
    for node in asked:
        cell = TABLE[node.kind][orchestrator]
        verdict: str | Nobody | Diagnostic | None
        if node.explicit:
            verdict = _explicit(node, orchestrator, systems, platform)
        elif isinstance(cell, Nobody):
            verdict = cell
        else:
            verdict = _first(cell, systems, installed)
        match verdict:
            case str(target) if target in installed:
                of[node.id] = target
            case str(target):
                missing.setdefault(target, []).append(node.id)
            case Nobody(support="ignored", why=why):
                ignored[node.id] = why
                findings.append(_nobody(node, environment, why, "warning", platform))
            case Nobody(why=why):
                findings.append(_nobody(node, environment, why, "error", platform))
            case None:
                findings.append(_no_owner(node, environment, cell, platform))
            case Diagnostic() as finding:
                findings.append(finding)
    if missing:
        findings.append(_not_installed(missing, installed, environment, platform))
    return Owners(of=of, ignored=ignored, findings=tuple(findings))


def _first(cell: tuple[Candidate, ...], systems: Collection[str], installed: Collection[str]) -> str | None:
    """The first candidate whose system runs and whose target is installed; else the first whose system runs."""
    running = [c.target for c in cell if not c.systems or any(system in systems for system in c.systems)]
    return next((target for target in running if target in installed), running[0] if running else None)


def _explicit(node: Asked, orchestrator: Orchestrator, systems: Collection[str], platform: Label) -> str | Diagnostic:
    if ANYWHERE.get(node.kind) == node.explicit:
        return node.explicit
    candidates = _possible(node.kind)
    chosen = [c for c in candidates if c.target == node.explicit]
    if not chosen:
        names = ", ".join(sorted({c.target for c in candidates}))
        return Diagnostic(
            code="OWN001",
            message=f"target `{node.explicit}` cannot own `{node.id}`",
            at=Label(path=(*node.path, "owner"), text="this target never lowers such a node"),
            help=f"write one of: {names}; or leave `owner` out",
        )
    if all(c.systems and not any(s in systems for s in c.systems) for c in chosen):
        missing = [system for c in chosen for system in c.systems]
        wanted = " or ".join(f"`{system}`" for system in missing)
        return Diagnostic(
            code="OWN001",
            message=f"`{node.explicit}` cannot own `{node.id}` here: the platform does not list {wanted}",
            at=Label(path=(*node.path, "owner"), text="chosen here"),
            related=(replace(platform, text=f"a platform without {wanted}"),),
            help=f"add {_typed(missing)} to the platform file, or leave `owner` out",
        )
    if (node.explicit == "compose") != (orchestrator == "compose"):
        return Diagnostic(
            code="OWN002",
            message=f"`{node.id}` asks for `{node.explicit}`, but `{orchestrator}` owns the graph it belongs to",
            at=Label(path=(*node.path, "owner"), text="a second owner"),
            help="leave `owner` out, or set it under the environment that runs there",
        )
    return node.explicit


def _possible(kind: NodeKind) -> list[Candidate]:
    found = [c for cell in TABLE[kind].values() if not isinstance(cell, Nobody) for c in cell]
    return [*found, Candidate(ANYWHERE[kind])] if kind in ANYWHERE else found


def _no_orchestrator(orchestrator: Orchestrator, system: str, platform: Label) -> Diagnostic:
    return Diagnostic(
        code="OWN004",
        message=f"the platform's orchestrator is `{orchestrator}`, but it does not list `{system}`",
        at=replace(platform, text="this platform"),
        help=f"add `{listing(system)}` to the platform file, or choose another `orchestrator`",
    )


def _nobody(
    node: Asked, environment: str, why: str, severity: Literal["warning", "error"], platform: Label
) -> Diagnostic:
    verb = "ignored" if severity == "warning" else "refused"
    return Diagnostic(
        code="OWN006" if severity == "warning" else "OWN001",
        message=f"`{node.id}` is {verb} in environment `{environment}`: {why}",
        at=Label(path=node.path, on="key"),
        related=(replace(platform, text="this platform"),) if severity == "error" else (),
        help=f"set it to null under `environments.{environment}`, if that is what you want there",
        severity=severity,
    )


def _no_owner(node: Asked, environment: str, cell: Cell, platform: Label) -> Diagnostic:
    assert not isinstance(cell, Nobody)
    systems = [system for candidate in cell for system in candidate.systems]
    wanted = " or ".join(f"`{system}`" for system in systems)
    return Diagnostic(
        code="OWN001",
        message=f"nothing on the platform of `{environment}` can own `{node.id}`",
        at=Label(path=node.path, on="key"),
        related=(replace(platform, text=f"a platform without {wanted}"),),
        help=f"add {_typed(systems)} to the platform file",
    )


def _not_installed(
    missing: dict[str, list[str]], installed: Collection[str], environment: str, platform: Label
) -> Diagnostic:
    parts = []
    for target, nodes in sorted(missing.items()):
        more = f" and {len(nodes) - 2} more" if len(nodes) > 2 else ""
        parts.append(f"`{target}` ({', '.join(nodes[:2])}{more})")
    return Diagnostic(
        code="OWN007",
        message=f"environment `{environment}` needs targets that are not installed: {', '.join(parts)}",
        at=replace(platform, text="this platform asks for them"),
        help=f"installed targets: {_listed(installed)}; `mlwright targets` lists them",
    )


def _typed(systems: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(f"`{listing(system)}`" for system in systems))


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"

"""What a project needs of a cluster, against what its platform has: two places, and what ops would add."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import containers, searches, tasks
from mlwright.platform import Profile
from mlwright.platform.kserve import knative, served_as
from mlwright.platform.versions import KNOWN, listing
from mlwright.record import dataclass, replace
from mlwright.source.suggest import closest
from mlwright.span import Path

EXAMPLES: Mapping[str, str] = {
    "ingress": "ingress: {class: nginx}",
    "gateway": "gateway: {name: public, namespace: gateways}",
    "auth_proxy": "auth_proxy: {issuer: https://login.example.com, secret: oauth2-proxy}",
    "monitoring.address": "monitoring: {address: http://prometheus-operated.monitoring:9090}",
    "secret_store": "secret_store: {name: vault}",
    "workspaces": "workspaces: {kind: jupyterlab, image: jupyterlab_scipy_190, pod: small_cpu}",
    "images.tools": "images: {tools: registry.example.com/mlwright-tools:1}",
}
"""What ops type for a section that is needed; a system needs its version."""


_ONE = "ReadWriteOnce"
"""The access mode of a volume that says none."""


@dataclass(frozen=True, slots=True)
class Need:
    """`path` of the spec asks for something (`what`, a clause) that takes all of `wanted`: systems or sections of the
    platform file; of a tuple inside it, one is enough."""

    path: Path
    what: str
    wanted: tuple[tuple[str, ...], ...]
    instead: str = ""


def check_platform(project: ir.Project, profile: Profile) -> Iterator[Diagnostic]:
    """PLAT007 for what the platform lacks, PLAT008 and PLAT009 for GPU models, PLAT010 for a mesh that keeps steps from
    the tracking server, PLAT002 and PLAT011 for storage classes. Says nothing where no cluster is."""
    if profile.orchestrator == "compose":
        return
    for need in needs(project, profile):
        missing = tuple(some for some in need.wanted if not any(_has(profile, name) for name in some))
        if missing:
            yield _lacks(need, missing, project, profile)
    yield from _gpus(project, profile)
    yield from _mesh(project, profile)
    yield from _classes(project, profile)


def needs(project: ir.Project, profile: Profile) -> Iterator[Need]:
    """Everything that a project asks of a cluster beside owners of its nodes."""
    for service in project.services:
        by_kserve = _by(service.owner, profile, "kubeflow.kserve")
        if not by_kserve or (not knative(profile) and served_as(service, profile) != "language"):
            yield from _replicas(service)
        mapped = by_kserve and knative(profile) and service.expose.auth == "none"
        yield from _exposed(service.id, service.expose, service.origin.path, () if mapped else _WAYS)
        if not by_kserve:  # which splits requests by itself
            yield from _variants(service)
    tracking = project.tracking
    if tracking.beside:
        expose = replace(tracking.expose, auth="none") if tracking.auth.type == "basic" else tracking.expose
        yield from _exposed("tracking", expose, (*tracking.origin.path, "server"))
    for search in searches(project):
        if not _by(search.owner, profile, "kubeflow.katib"):
            what = f"`{search.id}` is a search service, whose image has Optuna"
            yield Need(search.origin.path, what, (("images.tools",),))
    for notebook in project.notebooks:
        if _by(notebook.owner, profile, "kubeflow.notebooks") and profile.at_least("kubeflow.notebooks", "2.0"):
            what = f"`{notebook.id}` is a Workspace, which is made from a kind that ops keep"
            yield Need(notebook.origin.path, what, (("workspaces",),))
    for secret in project.secrets:
        if secret.remote and not secret.existing:
            yield Need(
                ("secrets", secret.name, "remote"),
                f"the secret `{secret.name}` is fetched from a store",
                (("external_secrets",), ("secret_store",)),
                "name a Secret that exists in the namespace: `name: NAME`",
            )


def _by(owner: str, profile: Profile, system: str) -> bool:
    """Whether this part of Kubeflow runs a node whose spec asks for `owner`."""
    wanted = owner or ("" if profile.orchestrator == "kubernetes" else "kubeflow")
    return wanted == "kubeflow" and profile.has(system)


_WAYS = ("ingress", "gateway")


def _exposed(id: str, expose: ir.Expose, path: Path, ways: tuple[str, ...] = _WAYS) -> Iterator[Need]:
    if expose.scope == "host" and ways:
        yield Need((*path, "expose", "host"), f"`{id}` is exposed as {expose.host}", (ways,))
    if expose.auth == "required":
        yield Need((*path, "expose", "auth"), f"`{id}` asks who it is", (("auth_proxy",),), "leave `auth` out")


def _replicas(service: ir.Service) -> Iterator[Need]:
    """Requests are counted by the mesh: MLflow's scoring server counts none."""
    path = (*service.origin.path, "replicas")
    for measure, _ in service.replicas.target:
        if measure in ("concurrency", "rps"):
            yield Need(
                (*path, "target", measure),
                f"replicas of `{service.id}` follow its requests",
                (("keda",), ("monitoring.address",), ("istio",)),
                "follow `cpu` or `memory`",
            )
    if service.replicas.min == 0:
        yield Need((*path, "min"), f"`{service.id}` sleeps without requests", (("keda",),), "write `min: 1`")


def _variants(service: ir.Service) -> Iterator[Need]:
    """Requests are split by the Gateway that a host is exposed by, and inside the cluster by the mesh."""
    for variant in service.variants:
        if variant.traffic:
            share = "a copy" if variant.traffic < 0 else f"{variant.traffic} %"
            yield Need(
                (*service.origin.path, "variants", variant.name, "traffic"),
                f"`{variant.name}` gets {share} of the requests to `{service.id}`",
                (("gateway_api",), ("gateway",) if service.expose.scope == "host" else ("istio",)),
                "write `traffic: 0`: it stays warm",
            )


def _has(profile: Profile, name: str) -> bool:
    if name in KNOWN:
        return profile.has(name)
    found: object = profile.file
    for part in name.split("."):
        found = getattr(found, part, None)
    return bool(found)


def _lacks(need: Need, missing: tuple[tuple[str, ...], ...], project: ir.Project, profile: Profile) -> Diagnostic:
    names = " and no ".join(" or ".join(f"`{name}`" for name in some) for some in missing)
    typed = " and ".join(" or ".join(f"`{_example(name)}`" for name in some) for some in missing)
    there = {some[0].partition(".")[0] for some in missing}
    there |= {"ingress"} if "gateway" in there else set()  # a platform has one of both
    path = next(((name,) for name in sorted(there) if getattr(profile.file, name, None)), ("orchestrator",))
    where = "to the platform file" if profile.written else f"to a file: `{profile.name}` is a built-in platform"
    swap = ", in the place of `ingress`" if path == ("ingress",) else ""
    return Diagnostic(
        code="PLAT007",
        message=f"{need.what}, for which platform `{profile.name}` has no {names}",
        at=Label(path=need.path),
        related=(profile.label(project.environment.name, path, f"a platform without {names.replace(' no ', ' ')}"),),
        help=f"add {typed} {where}{swap}" + (f"; or {need.instead}" if need.instead else ""),
    )


def _example(name: str) -> str:
    return EXAMPLES.get(name) or listing(name)


def _gpus(project: ir.Project, profile: Profile) -> Iterator[Diagnostic]:
    environment = project.environment.name
    for placed in containers(project):
        gpu, name = placed.container.resources.gpu, placed.container.placement
        if not gpu.model:
            continue
        path = (*placed.path, "resources", "gpu", "model")
        there = profile.placement(name).gpu
        if there and there != gpu.model:
            yield Diagnostic(
                code="PLAT009",
                message=f"`{placed.id}` asks for GPUs of model `{gpu.model}`, and `{name}` has `{there}`",
                at=Label(path=path),
                related=(
                    Label(path=(*placed.path, "placement"), text="placed here"),
                    profile.label(environment, ("placements", name, "gpu"), "these GPUs"),
                ),
                help=f"write `model: {there}`, or another placement",
            )
        elif not there and gpu.model not in profile.file.gpus:
            listed = sorted(profile.file.gpus)
            near = closest(gpu.model, listed)
            yield Diagnostic(
                code="PLAT008",
                message=f"platform `{profile.name}` lists no GPU model `{gpu.model}`: any GPU may be taken",
                at=Label(path=path),
                related=(profile.label(environment, ("gpus",) if listed else ("orchestrator",), "the platform"),),
                help=f"did you mean `{near}`?" if near else f"ops add it: `gpus: {{{gpu.model}: {{selector: ...}}}}`",
                severity="warning",
            )


def _mesh(project: ir.Project, profile: Profile) -> Iterator[Diagnostic]:
    mesh = profile.file.mesh
    if mesh is None or mesh.mtls != "strict" or mesh.permissive_ports or not project.tracking.beside:
        return
    spread = any(task.spread for task in tasks(project))
    if project.nodes and (spread or not mesh.native_sidecars):
        steps = "steps on several nodes" if mesh.native_sidecars else "steps"
        yield Diagnostic(
            code="PLAT010",
            message=f"{steps} run outside the mesh, which lets nobody from outside reach the tracking server",
            at=Label(path=(*project.tracking.origin.path, "server"), on="key"),
            related=(profile.label(project.environment.name, ("mesh", "mtls"), "only mutual TLS"),),
            help=("" if spread else "under `mesh`, write `native_sidecars: true` if sidecars end with their step, or ")
            + f"{'under `mesh`, write ' * spread}`permissive_ports: true` if the tracking server may open its port",
        )


def _classes(project: ir.Project, profile: Profile) -> Iterator[Diagnostic]:
    """Storage classes are ops' names; where they list none, they are Kubernetes' own."""
    known = profile.file.storage_classes
    artifacts = project.tracking.artifacts
    used = [(store.storage_class, store.mode, store.origin.path) for store in project.storage]
    used.append((artifacts.storage_class, artifacts.mode, (*project.tracking.origin.path, "artifacts")))
    for name, mode, path in used:
        if not name or not known:
            continue
        if (found := known.get(name)) is None:
            near = closest(name, sorted(known))
            listed = f"did you mean `{near}`? its" if near else "its"
            yield Diagnostic(
                code="PLAT002",
                message=f"platform `{profile.name}` defines no storage class `{name}`",
                at=Label(path=(*path, "class")),
                related=(profile.label(project.environment.name, ("storage_classes",), "its storage classes"),),
                help=f"{listed} storage classes: {', '.join(sorted(known))}; ops add them to the platform file",
            )
        elif found.modes and (mode or _ONE) not in found.modes:
            yield Diagnostic(
                code="PLAT011",
                message=f"volumes of the storage class `{name}` cannot be {mode or _ONE}",
                at=Label(path=(*path, "mode")),
                related=(
                    profile.label(project.environment.name, ("storage_classes", name, "modes"), "what it offers"),
                ),
                help=f"write `mode: {found.modes[0]}`, or another class",
            )

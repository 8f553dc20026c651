"""What stays up on a cluster without KServe: hosts and paths that can be served there, sleep, and alerts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.platform import Profile
from mlwright.platform.kserve import is_weighed, knative, served_as
from mlwright.span import Path

_MESH = ("latency", "requests", "errors")
_SERVER = ("requests", "errors")
_CLUSTER = ("kubernetes", "kubeflow")
_ALWAYS = ("replicas", "restarts")
"""Measures by who counts: the mesh, MLflow's own metrics, Kubernetes."""


def check_exposure(project: ir.Project, profile: Profile, owners: Mapping[str, str]) -> Iterable[Diagnostic]:
    """KUBE006 a host or path that nothing here can serve so, KUBE007 an endpoint that sleeps and nothing wakes, KUBE008
    an endpoint of a run, MON002 an alert on what nothing measures. `owners` maps node ids to targets."""
    if profile.orchestrator == "compose":
        return
    for service in project.services:
        if owners.get(service.id) == "kubernetes":
            path = (*service.origin.path, "expose")
            yield from _reached(service.id, service.expose, path, profile)
            shared = any(variant.traffic for variant in service.variants)
            if shared and service.expose.scope == "host" and service.expose.auth == "required":
                yield _unreachable(
                    (*path, "auth"),
                    f"`{service.id}` asks who it is, and its host shares requests among variants: the proxy that asks "
                    "would send all of them to one",
                    "leave `auth` out, or write `traffic: 0`: the variant stays warm",
                )
            yield from _asleep(service)
        if owners.get(service.id) in _CLUSTER:
            yield from _of_a_run(service)
    for route in project.routes:
        if owners.get(route.id) == "kubernetes":
            yield from _shares(route, profile)
    if owners.get("tracking") == "kubernetes":
        yield from _server(project.tracking)
    if owners.get("monitoring") == "kubernetes":
        yield from _alerts(project, profile, owners)


def _reached(id: str, expose: ir.Expose, path: Path, profile: Profile) -> Iterator[Diagnostic]:
    """A path below a host is taken away before the program sees it, which a Gateway can do."""
    if expose.scope != "host" or expose.path == "/":
        return
    if expose.auth == "required":
        why = "a log-in needs the whole host: it comes back to a path of its own"
    elif profile.file.gateway is None:
        why = "an Ingress cannot take the path away before the program sees it"
    else:
        return
    help = "expose it by a host of its own, without `path`"
    yield _unreachable((*path, "path"), f"`{id}` cannot be exposed below {expose.path}: {why}", help)


def _server(tracking: ir.Tracking) -> Iterator[Diagnostic]:
    expose, prefix = tracking.expose, tracking.options.static_prefix
    if expose.scope == "host" and expose.path not in ("/", prefix):
        yield _unreachable(
            (*tracking.origin.path, "server", "expose", "path"),
            f"the tracking server cannot be exposed below {expose.path}: its pages lead to {prefix or '/'}",
            f"write the same as `tracking.options.static_prefix: {expose.path}`, or leave `path` out",
        )


def _unreachable(path: Path, message: str, help: str) -> Diagnostic:
    return Diagnostic(code="KUBE006", message=message, at=Label(path=path), help=help)


def _shares(route: ir.Route, profile: Profile) -> Iterator[Diagnostic]:
    if route.mode != "split":
        return  # the owner refuses it
    host = route.expose.scope == "host"
    yield from _reached(route.id, route.expose, (*route.origin.path, "expose"), profile)
    if host and route.expose.auth == "required":
        yield _unreachable(
            (*route.origin.path, "expose", "auth"),
            f"`{route.id}` asks who it is: the proxy that asks would send all requests to one endpoint",
            "leave `auth` out",
        )
    wanted = "gateway" if host else "istio"
    if "gateway_api" not in profile.systems or not (profile.file.gateway if host else profile.has("istio")):
        yield Diagnostic(
            code="PLAT007",
            message=f"`{route.id}` shares requests among endpoints, for which platform `{profile.name}` has no "
            f"`gateway_api` with `{wanted}`",
            at=Label(path=(*route.origin.path, "mode")),
            help=f"add both to the platform file, or set `{route.id}` to null in this environment",
        )


def _asleep(service: ir.Service) -> Iterator[Diagnostic]:
    measures = {measure for measure, _ in service.replicas.target}
    if service.replicas.min == 0 and not measures & {"rps", "concurrency"}:
        yield Diagnostic(
            code="KUBE007",
            message=f"`{service.id}` may sleep, and nothing that it follows wakes it",
            at=Label(path=(*service.origin.path, "replicas", "min")),
            help="follow requests (`target: {rps: 10}`), or write `min: 1`",
        )


def _of_a_run(service: ir.Service) -> Iterator[Diagnostic]:
    """Pods of an endpoint are of no run, so no run can hand them its output."""
    path = service.origin.path
    sources = [((*path, "model"), service.source)]
    sources += [((*path, "variants", one.name, "model"), one.source) for one in service.variants]
    for place, source in sources:
        if source.kind == "output":
            yield Diagnostic(
                code="KUBE008",
                message=f"`{service.id}` serves `{source.step}`'s output `{source.output}`, and no run here starts it",
                at=Label(path=place),
                help="register the model (`registry`), and serve it by its alias: `${registry.MODEL@ALIAS}`",
            )


def _alerts(project: ir.Project, profile: Profile, owners: Mapping[str, str]) -> Iterator[Diagnostic]:
    nodes = {item.id for item in project.nodes}
    for alert in project.monitoring:
        owner = owners.get(alert.on, "")
        if owner not in _CLUSTER or alert.on in nodes:
            continue
        there = _of_kserve(project, profile, alert) if owner == "kubeflow" else _measured(project, profile, alert)
        if alert.metric not in there:
            yield Diagnostic(
                code="MON002",
                message=f"nothing measures `{alert.metric}` of `{alert.on}` on platform `{profile.name}`",
                at=Label(path=(*alert.origin.path, "metric")),
                help=f"there is {', '.join(there) or 'nothing'}{_more(alert)}",
            )


def _of_kserve(project: ir.Project, profile: Profile, alert: ir.Alert) -> tuple[str, ...]:
    """What is measured of what KServe brings up. Knative's revisions and large language models, which are called by a
    certificate, are not counted by one name."""
    for route in project.routes:
        if route.id == alert.on:
            counted = profile.has("istio") and not knative(profile)
            routed = is_weighed(route, project.services, profile)
            return (*(_MESH if counted else ()), *(() if routed else _ALWAYS))
    service = next((one for one in project.services if one.id == alert.on), None)
    if service is None:
        return ()
    counted = profile.has("istio") and not knative(profile) and served_as(service, profile) != "language"
    return (*(_MESH if counted else ()), *_ALWAYS)


def _measured(project: ir.Project, profile: Profile, alert: ir.Alert) -> tuple[str, ...]:
    """What is measured of the node, without what only a pod has where it has none."""
    if any(route.id == alert.on for route in project.routes):
        return _MESH if profile.has("istio") else ()
    if alert.on == "tracking":
        return (*(_SERVER if project.tracking.options.prometheus else ()), *_ALWAYS)
    return (*(_MESH if profile.has("istio") else ()), *_ALWAYS)


def _more(alert: ir.Alert) -> str:
    if alert.on == "tracking" and alert.metric in _SERVER:
        return "; `tracking.options.prometheus: true` lets the server count requests and errors"
    if alert.on != "tracking" and alert.metric in _MESH:
        return f"; {', '.join(_MESH)} are counted by Istio, which the platform does not list"
    return ""

"""Network policies: nobody reaches a pod and a pod reaches nobody, but where the spec implies it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from mlwright.emit.gateway import PORT as GATEWAY
from mlwright.emit.kube import kserve, metadata
from mlwright.emit.kube.exposure import PROXY
from mlwright.emit.kube.metadata import Role
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.operated import operated
from mlwright.emit.stepdoc import SEARCH_PORT
from mlwright.emit.trackserver import PORT as TRACKING
from mlwright.emit.trackserver import PORTS
from mlwright.ir import Expose, Project, Search, Service, Task
from mlwright_kubernetes.base import by_katib

NODE = "network"
_NAMESPACE = "kubernetes.io/metadata.name"
_ANY = ({"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}})
_HTTPS = 443
_MESH = (15010, 15012)
"""Where Istio's sidecars find their control plane."""
_COUNTS = (15020, 15090)
"""Where they tell what they have counted, which replicas and alerts go by."""
_KUBEFLOW = "kubeflow"
"""The namespace of Kubeflow's own parts."""
_BOOKKEEPERS = ("istio-system", _KUBEFLOW)
"""Namespaces that call Kubeflow's notebooks: the gateway's, and the controller's, which looks for idle ones."""
_PIPELINES = (3000, 8888)
"""Ports of the pods of Kubeflow Pipelines that its client calls."""
_METRICS, _STOPPING = 6789, 6788
"""Ports of Katib's database manager and of the service that stops trials early."""
_KNATIVE = "knative-serving"
_GATEWAYS = (80, 8080, 8081, 8443)
"""Ports of the gateways that Knative is used with."""
_ENGINES = ("argo", "kubeflow")
"""Engines whose own containers, beside the step's, call the Kubernetes API."""

Rule = dict[str, Any]


def emit_network(objects: Objects) -> None:
    """One policy for all pods of the project, which denies, and one for each role, which allows."""
    if not objects.context.platform.file.network.policies:
        return
    every = _Rules(objects)
    rules = list(every.of_roles())
    if rules:
        _policy(objects, "", {}, every.counted(), [_dns(objects), *_mesh(objects)])
    for role, ingress, egress in rules:
        _policy(objects, role, {metadata.ROLE: role}, ingress, egress)


class _Rules:
    """Who may talk to whom in one environment."""

    def __init__(self, objects: Objects) -> None:
        self._objects, self._project = objects, objects.project
        self._owners = objects.context.owners
        self._network = objects.context.platform.file.network
        targets = (objects.target, _KUBEFLOW)
        self._services = [one for one in self._project.services if self._owners.get(one.id) in targets]
        self._roles = frozenset(self._present())

    def _present(self) -> Iterable[Role]:
        """The roles that there are pods for."""
        project, engine = self._project, self._owners.get("graph")
        searches = [node for node in project.nodes if isinstance(node, Search)]
        if len(searches) < len(project.nodes):
            yield "step"
        by_katib = engine == _KUBEFLOW and self._objects.context.platform.has("kubeflow.katib")
        if not by_katib and any(self._owners.get(node.id) == engine for node in searches):
            yield "search"
        steps = [node for node in project.nodes if isinstance(node, Search | Task)]
        made = [*steps, *(node.trial for node in searches)]
        elsewhere = any(operated(self._objects.context, node) for node in made)
        if project.nodes and (engine in (self._objects.target, _KUBEFLOW) or elsewhere):
            yield "control"
        if self._ours("tracking"):
            yield "tracking"
            if project.tracking.backend.own or project.tracking.artifacts.own:
                yield "store"
        if self._services:
            yield "endpoint"
        if any(service.smoke_request for service in self._services):
            yield "smoke"
        if self._guarded():
            yield "proxy"
        if self._ours("tracking.gateway"):
            yield "gateway"
        if project.notebooks:
            yield "notebook"

    def of_roles(self) -> Iterable[tuple[Role, list[Rule], list[Rule]]]:
        """(role, ingress, egress) of each role."""
        project, tracking = self._project, self._to_tracking()
        outside = _to(_ANY, sorted(_remote_ports(project)))
        engine = self._to_api() if set(_ENGINES) & set(self._owners.values()) else []
        engine = [*engine, *self._to_engine()]
        ports = self._listening()
        near: Rule = {"podSelector": {}}
        search = _to(self._pods("search"), [SEARCH_PORT])
        meeting = self._pods("step")
        chat = _to(self._pods("gateway"), [GATEWAY])
        rules: dict[Role, tuple[list[Rule], list[Rule]]] = {
            "step": (
                [{"from": meeting}],
                [*tracking, *search, {"to": meeting}, *chat, *outside, *engine, *self._to_katib()],
            ),
            "control": ([], [*self._to_api(), *self._to_engine(), *tracking, *search]),
            "search": ([_from(self._pods("step", "control"), [SEARCH_PORT])], [*tracking, *engine]),
            "tracking": (self._server_ingress(), self._server_egress()),
            "store": ([_from(self._pods("tracking"), [])], []),
            "endpoint": (
                [_from([near, *self._callers(), *self._activator()], ports), *self._among()],
                [*tracking, *chat, *outside, *self._beside(ports)],
            ),
            "smoke": ([], [*_to(self._pods("endpoint"), ports), *self._to_knative()]),
            "proxy": (
                [_from(self._callers(), [PROXY])],
                [
                    *_to(self._pods("endpoint", "tracking"), sorted({*ports, TRACKING})),
                    *self._to_knative(),
                    *_to(_ANY, [self._issuer()]),
                ],
            ),
            "gateway": ([_from([near, *self._callers()], [])], _to(_ANY, [_HTTPS])),
            "notebook": (self._readers(), [*tracking, *chat, *outside, *self._to_pipelines()]),
        }
        for role, (ingress, egress) in rules.items():
            if role in self._roles:
                yield role, ingress, egress

    def _pods(self, *roles: Role) -> list[Rule]:
        """The project's pods of these roles, as far as there are any."""
        return [_pods(self._project, role) for role in roles if role in self._roles]

    def _ours(self, node: str) -> bool:
        return self._owners.get(node) == self._objects.target

    def _by_kserve(self) -> list[Service]:
        return [one for one in self._services if not self._ours(one.id)]

    def _listening(self) -> list[int]:
        """The ports that pods of endpoints listen on."""
        found = {one.port for one in self._services if self._ours(one.id)}
        return sorted(found | kserve.listening(self._objects, self._by_kserve()))

    def _activator(self) -> list[Rule]:
        """Knative wakes pods, and counts what they are asked."""
        there = self._by_kserve() and kserve.knative(self._objects.context.platform)
        return [_of(_KNATIVE)] if there and _KNATIVE not in self._network.allow_from else []

    def _among(self) -> list[Rule]:
        """Groups of copies of a large language model hand each other what they have computed, on ports of their own."""
        groups = any(one.groups or one.parallel.pipeline > 1 for one in self._by_kserve())
        return [{"from": self._pods("endpoint")}] if groups else []

    def _beside(self, ports: list[int]) -> list[Rule]:
        """What transformers, explainers and routers ask: the pods of the model, or Knative's gateway before them."""
        ours = self._by_kserve()
        among = [{"to": self._pods("endpoint")}] if self._among() else _to(self._pods("endpoint"), ports)
        logs = {_port(str(log["to"])) for one in ours if isinstance(log := dict(one.extra).get("log"), dict)}
        store = self._project.tracking.artifacts.endpoint
        logs |= {_port(store)} if store and any(one.storage == "direct" for one in ours) else set()
        kept = _to(_ANY, sorted(logs))
        return [*among, *self._to_knative(), *kept] if ours else []

    def _to_knative(self) -> list[Rule]:
        """Knative's own gateway, whose namespace depends on which one it is."""
        there = self._by_kserve() and kserve.knative(self._objects.context.platform)
        return _to([{"namespaceSelector": {}}], _GATEWAYS) if there else []

    def _callers(self) -> list[Rule]:
        """The namespaces that reach what is served: those that ops allow, any where they name none."""
        names = self._network.allow_from
        if not names:
            return [{"namespaceSelector": {}}]
        return [_of(name) for name in names]

    def counted(self) -> list[Rule]:
        """Prometheus reads what the mesh counts."""
        return [_from(self._watchers(), _COUNTS)] if "istio" in self._objects.context.platform.systems else []

    def _watchers(self) -> list[Rule]:
        """The namespace of Prometheus, or those that ops allow where they do not say which it is."""
        monitoring = self._objects.context.platform.file.monitoring
        if monitoring is None or not monitoring.namespace:
            return self._callers()
        return [_of(monitoring.namespace)]

    def _theirs(self) -> bool:
        """Whether Kubeflow has a notebook of the project."""
        return any(self._owners.get(notebook.id) == "kubeflow" for notebook in self._project.notebooks)

    def _readers(self) -> list[Rule]:
        """Nobody reaches a plain notebook but by a forwarded port; Kubeflow's are pages of its dashboard."""
        return [_from([_of(name) for name in _BOOKKEEPERS], [])] if self._theirs() else []

    def _to_pipelines(self) -> list[Rule]:
        there = self._theirs() and self._objects.context.platform.has("kubeflow.pipelines")
        return _to([_of(_KUBEFLOW)], _PIPELINES) if there else []

    def _to_engine(self) -> list[Rule]:
        """Kubeflow Pipelines' own namespace: its containers in the steps' pods tell it, and its store, how they ended.
        Any address where the platform does not say which namespace that is."""
        if self._owners.get("graph") != _KUBEFLOW:
            return []
        kubeflow = self._objects.context.platform.file.kubeflow
        address = kubeflow.pipelines.address if kubeflow and kubeflow.pipelines else f"//ml-pipeline.{_KUBEFLOW}"
        namespace = (urlsplit(address).hostname or "").partition(".")[2].partition(".")[0]
        return [{"to": [_of(namespace)] if namespace else list(_ANY)}]

    def _to_tracking(self) -> list[Rule]:
        tracking = self._project.tracking
        if tracking.beside:
            return _to(self._pods("tracking"), [TRACKING])
        return _to(_ANY, [_port(tracking.address)])

    def _to_katib(self) -> list[Rule]:
        """What reads a trial's metrics sends them to Katib's database, and asks when to stop the trial."""
        if not by_katib(self._objects):
            return []
        platform = self._objects.context.platform
        searches = [node for node in self._project.nodes if isinstance(node, Search)]
        namespace = platform.file.katib.namespace if platform.file.katib else "kubeflow"
        found = _to([{"namespaceSelector": {"matchLabels": {_NAMESPACE: namespace}}}], [_METRICS])
        if any(search.early_stopping for search in searches):
            pods = {"matchExpressions": [{"key": "katib.kubeflow.org/experiment", "operator": "Exists"}]}
            found += _to([{"podSelector": pods}], [_STOPPING])
        return found

    def _to_api(self) -> list[Rule]:
        known = self._network.api_server
        if not known:
            return _to(_ANY, [_HTTPS, 6443])
        return [rule for one in known for rule in _to([{"ipBlock": {"cidr": one.cidr}}], [one.port])]

    def _server_ingress(self) -> list[Rule]:
        """The project's own pods, and whoever ops let in; the proxy alone where that asks who it is."""
        ours: Rule = {"podSelector": {"matchLabels": _instance(self._project)}}
        tracking = self._project.tracking
        found = [ours]
        if tracking.expose.scope == "host" or self._network.allow_from:
            found += self._callers()
        if tracking.options.prometheus and self._objects.context.platform.has("prometheus_operator"):
            found += [one for one in self._watchers() if one not in found]
        return [_from(found, [TRACKING])]

    def _server_egress(self) -> list[Rule]:
        """Itself, its stores, and the usual ports of databases and object stores elsewhere."""
        project, tracking = self._project, self._project.tracking
        ports = {PORTS[one.type] for one in (tracking.backend, tracking.registry) if one and one.secret}
        if tracking.artifacts.type in ("s3", "gs", "azure") and not tracking.artifacts.own:
            ports.add(_port(tracking.artifacts.endpoint) if tracking.artifacts.endpoint else _HTTPS)
        if project.catalog.webhooks:
            ports.add(_HTTPS)
        stores = self._pods("store")
        found = [*_to(self._pods("tracking"), [TRACKING]), *([{"to": stores}] if stores else [])]
        return [*found, *_to(_ANY, sorted(ports))]

    def _guarded(self) -> bool:
        """Whether a proxy stands before something."""
        tracking = self._project.tracking
        owners = (self._objects.target, _KUBEFLOW)
        wanted: list[Expose] = [one.expose for one in self._services]
        wanted += [one.expose for one in self._project.routes if self._owners.get(one.id) in owners]
        if self._ours("tracking") and tracking.auth.type == "none":
            wanted.append(tracking.expose)
        return any(one.scope == "host" and one.auth == "required" for one in wanted)

    def _issuer(self) -> int:
        settings = self._objects.context.platform.file.auth_proxy
        return _port(settings.issuer) if settings else _HTTPS


def _remote_ports(project: Project) -> set[int]:
    """The ports of what steps and endpoints read and write outside of the cluster."""
    uris = [source.source for source in project.data if not source.local]
    uris += [storage.uri for storage in (*project.storage, project.artifacts) if "://" in storage.uri]
    uris += [source.uri for one in project.services for source in (one.source, *(v.source for v in one.variants))]
    return {_port(uri) for uri in uris if "://" in uri}


def _port(address: str) -> int:
    """The port of an address: its own, 80 of plain HTTP, else 443."""
    parts = urlsplit(address)
    return parts.port or (80 if parts.scheme == "http" else _HTTPS)


def _dns(objects: Objects) -> Rule:
    dns = objects.context.platform.file.network.dns
    peer = {
        "namespaceSelector": {"matchLabels": {_NAMESPACE: dns.namespace}},
        "podSelector": {"matchLabels": dict(dns.labels)},
    }
    return {"to": [peer], "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]}


def _mesh(objects: Objects) -> list[Rule]:
    if "istio" not in objects.context.platform.systems:
        return []
    return _to([_of("istio-system")], _MESH)


def _instance(project: Project) -> dict[str, str]:
    key = "app.kubernetes.io/instance"
    return {key: metadata.selector(project, "")[key]}


def _of(namespace: str) -> Rule:
    return {"namespaceSelector": {"matchLabels": {_NAMESPACE: namespace}}}


def _pods(project: Project, role: Role) -> Rule:
    return {"podSelector": {"matchLabels": {**_instance(project), metadata.ROLE: role}}}


def _ports(ports: Iterable[int]) -> dict[str, Any]:
    found = [{"protocol": "TCP", "port": port} for port in ports]
    return {"ports": found} if found else {}


def _to(peers: Sequence[Rule], ports: Sequence[int]) -> list[Rule]:
    """To `peers` on `ports`; nothing where there are none."""
    return [{"to": list(peers), **_ports(ports)}] if ports and peers else []


def _from(peers: Sequence[Rule], ports: Sequence[int]) -> Rule:
    """From `peers` on `ports`, on any without some."""
    return {"from": list(peers), **_ports(ports)}


def _policy(
    objects: Objects, suffix: str, labels: dict[str, str], ingress: Sequence[Rule], egress: Sequence[Rule]
) -> None:
    spec = {
        "podSelector": {"matchLabels": {**_instance(objects.project), **labels}},
        "policyTypes": ["Ingress", "Egress"],
        **({"ingress": list(ingress)} if ingress else {}),
        **({"egress": list(egress)} if egress else {}),
    }
    objects.add(
        "NetworkPolicy",
        objects.name(suffix),
        {"spec": spec},
        node=NODE,
        origin=objects.project.environment.origin,
        wave=metadata.BASE,
        as_kind=f"{suffix.capitalize()}NetworkPolicy",
    )

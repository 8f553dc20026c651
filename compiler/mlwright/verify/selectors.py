"""What an object finds by labels: there is something that has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlwright.diag import Diagnostic
from mlwright.source.suggest import did_you_mean
from mlwright.span import Path
from mlwright.verify import references
from mlwright.verify.finding import finding, is_users, shown
from mlwright.verify.manifest import Manifest, is_open
from mlwright.verify.objects import Objects
from mlwright.verify.pods import WORKLOADS, Pods, matches
from mlwright.verify.shape import mapping, mappings, word

_PROBES = ("httpGet", "tcpSocket")
_TEMPLATES = ("template", "entrypoint", "onExit")
KEYS = frozenset({"podSelector", "ports", "volumeMounts", "volumes", "volumeClaimTemplates", *_PROBES, *_TEMPLATES})
_WORKFLOWS = frozenset({"Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow"})
_MERGED = frozenset({"TrainJob"})
"""Kinds whose pods get volumes from an object of the platform too."""


def check(manifest: Manifest, objects: Objects) -> Iterator[Diagnostic]:
    """VER032 a selector that finds nothing, VER031 a port's or volume's name that nothing in the pod has."""
    kind = manifest.kind
    if kind in WORKLOADS:
        yield from _own(manifest)
    elif kind == "Service":
        yield from _service(manifest, objects)
    elif kind in ("NetworkPolicy", "PodDisruptionBudget"):
        yield from _policy(manifest, objects)
    elif kind == "ServiceMonitor":
        services = objects.of_kind("Service", manifest.namespace)
        things = [(item.labels(), _service_ports(item)) for item in services]
        yield from _monitor(manifest, things, "endpoints", "Service")
    elif kind == "PodMonitor":
        pods = [(item.labels, item.ports) for item in objects.pods(manifest.namespace) if not item.grows]
        yield from _monitor(manifest, pods, "podMetricsEndpoints", "pod") if pods else ()
    elif kind in _WORKFLOWS:
        yield from _templates(manifest)
    yield from _mounts(manifest, objects)
    yield from _probes(manifest)


def _service_ports(manifest: Manifest) -> frozenset[str]:
    return frozenset(str(port["name"]) for _, port in mappings(manifest.spec.get("ports")) if "name" in port)


def _own(manifest: Manifest) -> Iterator[Diagnostic]:
    """Of a workload: it finds its own pods, else the API server refuses it."""
    template = mapping(manifest.spec.get("template"))
    labels = mapping(mapping(template.get("metadata")).get("labels"))
    selector = mapping(manifest.spec.get("selector"))
    path: Path = (*manifest.at, "spec", "selector")
    if not selector or not matches(selector, labels):
        message = f"the selector of {manifest} does not find its own pods"
        yield finding("VER032", manifest, path, message, _alike(selector, [labels]))


def _service(manifest: Manifest, objects: Objects) -> Iterator[Diagnostic]:
    selector = mapping(manifest.spec.get("selector"))
    if not selector or manifest.spec.get("type") == "ExternalName":
        return
    path: Path = (*manifest.at, "spec", "selector")
    near = objects.pods_like(selector, manifest.namespace)
    found = (item for item in near if matches({"matchLabels": selector}, item.labels, item.grows))
    first = next(found, None)
    named = [
        (position, port) for position, port in mappings(manifest.spec.get("ports")) if word(port.get("targetPort"))
    ]
    if first is None:
        message = f"{manifest} finds no pod (`{shown(manifest, path)}`)"
        labels = [item.labels for item in objects.pods(manifest.namespace)]
        yield finding("VER032", manifest, path, message, _alike({"matchLabels": selector}, labels))
    elif named:
        yield from _target_ports(manifest, named, [first, *found])


def _target_ports(
    manifest: Manifest, ports: list[tuple[int, dict[str, Any]]], pods: list[Pods]
) -> Iterator[Diagnostic]:
    """Ports that a Service names are ports of its pods; operators add some to theirs."""
    if any(item.grows for item in pods):
        return
    names = sorted({name for item in pods for name in item.ports})
    for position, port in ports:
        if (wanted := port["targetPort"]) not in names:
            at: Path = (*manifest.at, "spec", "ports", position, "targetPort")
            message = f"{manifest} needs the port `{wanted}` of its pods, which have none (`{shown(manifest, at)}`)"
            yield finding("VER031", manifest, at, message, _there(wanted, names))


def _policy(manifest: Manifest, objects: Objects) -> Iterator[Diagnostic]:
    """Of a NetworkPolicy or PodDisruptionBudget. What a policy lets in or out is asked for where it is written by hand:
    ours name everything that may be there; and pods of other namespaces are not ours to know."""
    own = "podSelector" if manifest.kind == "NetworkPolicy" else "selector"
    selectors: list[tuple[Path, Any]] = [((*manifest.at, "spec", own), manifest.spec.get(own))]
    for place in manifest.places_of("podSelector"):
        if "namespaceSelector" not in place.holder and is_users(manifest, place.path) and place.path[-2] != "spec":
            selectors.append((place.path, place.value))
    for path, selector in selectors:
        if not isinstance(selector, dict) or not selector:
            continue
        near = objects.pods_like(mapping(selector.get("matchLabels")), manifest.namespace)
        if not any(matches(selector, item.labels, item.grows) for item in near):
            message = f"{manifest} finds no pod (`{shown(manifest, path)}`)"
            help = _alike(selector, [item.labels for item in objects.pods(manifest.namespace)])
            yield finding("VER032", manifest, path, message, help, severity="warning")  # it does no harm either


def _monitor(
    manifest: Manifest, things: Sequence[tuple[Mapping[str, Any], frozenset[str]]], field: str, what: str
) -> Iterator[Diagnostic]:
    if mapping(manifest.spec.get("namespaceSelector")):
        return
    selector = mapping(manifest.spec.get("selector"))
    path: Path = (*manifest.at, "spec", "selector")
    found = [ports for labels, ports in things if matches(selector, labels)]
    if not found:
        message = f"{manifest} finds no {what} (`{shown(manifest, path)}`)"
        yield finding("VER032", manifest, path, message, _alike(selector, [labels for labels, _ in things]))
        return
    for position, endpoint in mappings(manifest.spec.get(field)):
        port = endpoint.get("port")
        if isinstance(port, str) and not any(port in ports for ports in found):
            at: Path = (*manifest.at, "spec", field, position, "port")
            message = f"{manifest} needs the port `{port}` of a {what}, which has none (`{shown(manifest, at)}`)"
            yield finding("VER031", manifest, at, message, _there(port, sorted({n for ports in found for n in ports})))


def _templates(manifest: Manifest) -> Iterator[Diagnostic]:
    """Every template that a workflow names is one of its own; one that takes them from elsewhere is left alone."""
    spec = mapping(manifest.spec.get("workflowSpec")) or manifest.spec
    if "workflowTemplateRef" in spec:
        return
    names = sorted(
        str(item.get("name")) for place in manifest.places_of("templates") for _, item in mappings(place.value)
    )
    for place in manifest.places_of(*_TEMPLATES):
        if isinstance(place.value, str) and place.value not in names and not is_open(place.value):
            where = shown(manifest, place.path)
            message = f"{manifest} names the template `{place.value}`, which it does not have (`{where}`)"
            # A reference to a template of another object is looked at as such.
            if place.path[-2:-1] != ("templateRef",):
                yield finding("VER031", manifest, place.path, message, _there(place.value, names))


def _mounts(manifest: Manifest, objects: Objects) -> Iterator[Diagnostic]:
    """Every volume that is mounted is one of the object's, and has the file that is mounted of it."""
    if not manifest.places.get("volumeMounts") or manifest.kind in _MERGED:
        return
    named = {
        str(item.get("name", mapping(item.get("metadata")).get("name"))): item
        for place in manifest.places_of("volumes", "volumeClaimTemplates")
        for _, item in mappings(place.value)
    }
    for place in manifest.places_of("volumeMounts"):
        for position, mount in mappings(place.value):
            name = mount.get("name")
            if not isinstance(name, str) or is_open(name):
                continue
            at: Path = (*place.path, position, "name")
            if name not in named:
                message = f"{manifest} mounts the volume `{name}`, which it does not have (`{shown(manifest, at)}`)"
                yield finding("VER031", manifest, at, message, _there(name, sorted(named)))
            elif isinstance(file := mount.get("subPath"), str) and not is_open(file):
                yield from _mounted_file(manifest, (*at[:-1], "subPath"), file, named[name], objects)


def _mounted_file(
    manifest: Manifest, at: Path, file: str, volume: dict[str, Any], objects: Objects
) -> Iterator[Diagnostic]:
    source = mapping(volume.get("configMap"))
    config = objects.find("ConfigMap", str(source.get("name")), manifest.namespace)
    if config is None:
        return
    files = sorted(references.content(config) or ())
    if items := source.get("items"):
        files = [str(item.get("path")) for _, item in mappings(items)]
    if not any(file == name or name.startswith(f"{file}/") for name in files):
        message = f"{manifest} mounts the file `{file}` of {config}, which has none (`{shown(manifest, at)}`)"
        yield finding("VER031", manifest, at, message, _there(file, files))


def _probes(manifest: Manifest) -> Iterator[Diagnostic]:
    """A port that is probed by name is one of the object's."""
    for place in manifest.places_of(*_PROBES):
        name = mapping(place.value).get("port")
        if not isinstance(name, str) or is_open(name):
            continue
        ports = [port for found in manifest.places_of("ports") for _, port in mappings(found.value)]
        names = sorted({str(port["name"]) for port in ports if "name" in port})
        if name not in names:
            at: Path = (*place.path, "port")
            message = f"{manifest} probes the port `{name}`, which it does not have (`{shown(manifest, at)}`)"
            yield finding("VER031", manifest, at, message, _there(name, names))


def _there(name: str, names: list[str]) -> str:
    return did_you_mean(name, names) or (f"there is {', '.join(names)}" if names else "there is none")


def _alike(selector: Mapping[str, Any], labels: Iterable[Mapping[str, Any]]) -> str:
    """The label that stands in the way of the most fitting labels."""
    wanted = mapping(selector.get("matchLabels"))
    best = max(labels, key=lambda item: sum(item.get(key) == value for key, value in wanted.items()), default={})
    for key, value in wanted.items():
        if key not in best:
            return f"`{key}` is no label of what comes closest"
        if best[key] != value:
            return f"what comes closest has `{key}: {best[key]}`, and `{value}` is looked for"
    return "correct the labels on one side"

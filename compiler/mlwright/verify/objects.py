"""The objects of an environment by what refers to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlwright.verify.manifest import Manifest
from mlwright.verify.pods import Index, Pods, pods_of
from mlwright.verify.shape import mapping

ALWAYS = frozenset(
    {
        *(("ClusterRole", f"{prefix}{name}") for prefix in ("", "kubeflow-") for name in ("admin", "edit", "view")),
        ("ClusterRole", "cluster-admin"),
        ("ServiceAccount", "default"),
        ("ServiceAccount", "default-editor"),
        ("ServiceAccount", "default-viewer"),
        ("ConfigMap", "kube-root-ca.crt"),
        ("ConfigMap", "istio-ca-root-cert"),
        ("PriorityClass", "system-cluster-critical"),
        ("PriorityClass", "system-node-critical"),
    }
)
"""What every cluster, namespace or Kubeflow profile has."""


class Objects:
    """`outside` are (kind, name) of objects that someone else makes; `stem` is what names of the project begin with."""

    def __init__(self, manifests: Iterable[Manifest], outside: frozenset[tuple[str, str]], stem: str) -> None:
        self.stem = stem
        self.all = list(manifests)
        self.outside = outside | ALWAYS
        self._pods: dict[str, Index] = {}
        self._named: dict[tuple[str, str], list[Manifest]] = {}
        self._kinds: dict[str, list[Manifest]] = {}
        for manifest in self.all:
            self._kinds.setdefault(manifest.kind, []).append(manifest)
            for kind, name in _made(manifest):
                self._named.setdefault((kind, name), []).append(manifest)

    def find(self, kind: str, name: str, namespace: str) -> Manifest | None:
        """The object of this kind and name, or what makes it, in a namespace or in none."""
        for manifest in self._named.get((kind, name), ()):
            if not namespace or manifest.namespace in ("", namespace):
                return manifest
        return None

    def names(self, kind: str) -> list[str]:
        """The names of all objects of this kind, here and outside."""
        return sorted({name for known, name in (*self._named, *self.outside) if known == kind})

    def pods(self, namespace: str) -> list[Pods]:
        """All pods that objects of a namespace describe."""
        return self._index(namespace).every

    def pods_like(self, labels: Mapping[str, Any], namespace: str) -> list[Pods]:
        """Those among them that a selector of these labels can find, and perhaps some more."""
        return self._index(namespace).like(labels)

    def _index(self, namespace: str) -> Index:
        if namespace not in self._pods:
            near = (item for item in self.all if not namespace or item.namespace in ("", namespace))
            self._pods[namespace] = Index(pods for item in near for pods in pods_of(item))
        return self._pods[namespace]

    def of_kind(self, kind: str, namespace: str) -> Iterator[Manifest]:
        """The objects of this kind in a namespace."""
        for manifest in self._kinds.get(kind, ()):
            if not namespace or manifest.namespace in ("", namespace):
                yield manifest


def _made(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """What is there by this object: itself, and what a controller makes of it."""
    name = manifest.name
    if name:
        yield manifest.kind, name
    if manifest.kind == "ExternalSecret":
        yield "Secret", str(mapping(manifest.spec.get("target")).get("name", name))
    elif manifest.kind == "SealedSecret":
        template = mapping(manifest.spec.get("template"))
        yield "Secret", str(mapping(template.get("metadata")).get("name", name))
    elif manifest.kind == "Certificate":
        yield "Secret", str(manifest.spec.get("secretName", ""))
    elif manifest.kind == "InferenceService":
        yield from (("Service", f"{name}{ending}") for ending in ("", "-predictor", "-transformer", "-explainer"))
        yield "Deployment", f"{name}-predictor"
    elif manifest.kind == "LLMInferenceService":
        yield "Service", f"{name}-kserve-workload-svc"
    elif manifest.kind in ("InferenceGraph", "Notebook", "EventSource"):
        yield "Service", f"{name}-eventsource-svc" if manifest.kind == "EventSource" else name

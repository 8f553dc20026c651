"""The objects of one target: one file each, with namespace, labels and place in the order of application."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlwright.emit import json
from mlwright.emit.kube import kustomize, metadata
from mlwright.emit.kube.names import HASH, hashed, named
from mlwright.ir import Origin, Project
from mlwright.span import Path
from mlwright.target import Document, Embedded, EmitContext, Part

CLUSTER_WIDE = frozenset({"Namespace", "PriorityClass", "ClusterRole", "ClusterRoleBinding", "Profile"})
"""Kinds whose objects are in no namespace."""


class Objects:
    """Collects the Kubernetes objects of one environment for one target. Names are the caller's; equal ones of a kind
    are a mistake of the target."""

    def __init__(self, project: Project, context: EmitContext, target: str) -> None:
        self.project, self.context, self.target = project, context, target
        self.namespace = project.environment.namespace
        self.external: dict[str, tuple[str, ...]] = {}
        """Secrets that nothing here makes, with their keys."""
        self.keys: dict[str, list[str]] = {}
        """Secrets of random values that only the cluster knows, with their keys."""
        self._documents: dict[str, Document] = {}

    def name(self, *parts: str, limit: int = 63) -> str:
        """The name of an object: `<project>-<parts>`."""
        return named(self.project, *parts, limit=limit)

    @property
    def kept(self) -> Mapping[str, str]:
        """Annotations of what Argo CD, where it runs, does not delete when it is no longer in git."""
        return metadata.KEPT if "argo_cd" in self.context.platform.systems else {}

    @property
    def outlives(self) -> Mapping[str, str]:
        """Annotations of what runs go on with when it is no longer in git: Argo CD calls it no difference either."""
        return metadata.OUTLIVES if "argo_cd" in self.context.platform.systems else {}

    def _metadata(
        self,
        name: str,
        node: str,
        component: str,
        *,
        wave: int = metadata.TEMPLATES,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        namespace: str | None = None,
        shared: bool = False,
    ) -> dict[str, Any]:
        """`metadata` of an object that node `node` became; `component` is what its pods are called. `namespace` ""
        for what is in none; `shared` for what other projects write in the same words."""
        order = {metadata.SYNC_WAVE: str(wave)} if wave and "argo_cd" in self.context.platform.systems else {}
        contacts = {} if shared else metadata.contacts(self.project)
        notes = {**contacts, **(annotations or {}), **order}
        place = self.namespace if namespace is None else namespace
        ours = metadata.MANAGED if shared else metadata.labels(self.project, node, component)
        return {
            "name": name,
            **({"namespace": place} if place else {}),
            "labels": {**ours, **labels} if labels else ours,
            **({"annotations": notes} if notes else {}),
        }

    def add(
        self,
        kind: str,
        name: str,
        body: Mapping[str, Any],
        *,
        node: str,
        origin: Origin,
        component: str = "",
        as_kind: str = "",
        wave: int = metadata.TEMPLATES,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        namespace: str | None = None,
        api: str = "",
        parts: Sequence[Part] = (),
        origins: Mapping[Path, Origin] | None = None,
        shared: bool = False,
    ) -> str:
        """Keep one object; its name. `body` is everything but `apiVersion`, `kind` and `metadata`. `as_kind` is what
        patches call it where a node became several of a kind; `api` where the platform's table has none for `kind`;
        `parts` and `origins` are further ones within it; `shared`: the namespace's, not the project's, so its labels
        and annotations name none."""
        place = "" if kind in CLUSTER_WIDE else namespace
        data = {
            "apiVersion": api or self.context.platform.api(kind),
            "kind": kind,
            "metadata": self._metadata(
                name,
                node,
                component or self.project.name,
                wave=wave,
                labels=labels,
                annotations=annotations,
                namespace=place,
                shared=shared,
            ),
            **body,
        }
        path = f"{kind.lower()}-{name.removesuffix(HASH)}.yaml"
        assert path not in self._documents, path
        self._documents[path] = Document(
            path=path,
            data=data,
            origins={(): origin, **(origins or {})},
            parts=(Part(node=node, kind=as_kind or kind), *parts),
        )
        return name

    def config(
        self,
        name: str,
        data: Mapping[str, str | dict[str, Any]],
        *,
        node: str,
        origin: Origin,
        component: str = "",
        as_kind: str = "",
        binary: Mapping[str, str] | None = None,
        parts: Sequence[Part] = (),
        origins: Mapping[Path, Origin] | None = None,
    ) -> str:
        """Keep an immutable ConfigMap that is called after its content; its name. Mappings among the values become
        JSON documents that patches and checks reach into. The same name and content again is the same object."""
        values = {key: Embedded(value) if isinstance(value, dict) else value for key, value in data.items()}
        body: dict[str, Any] = {**({"data": values} if values else {}), "immutable": True}
        if binary:
            body["binaryData"] = dict(binary)
        full = hashed(name, 253 if len(name) > 52 else 63)
        path = f"configmap-{full.removesuffix(HASH)}.yaml"
        if path in self._documents:
            present = self._documents[path].data
            assert json.canonical(present.get("data", {})) == json.canonical(values), path
            return full
        return self.add(
            "ConfigMap",
            full,
            body,
            node=node,
            origin=origin,
            component=component,
            as_kind=as_kind,
            wave=metadata.BASE,
            annotations=self.outlives,
            parts=parts,
            origins=origins,
        )

    def has(self, kind: str, name: str) -> bool:
        """Whether there is such an object already."""
        return f"{kind.lower()}-{name.removesuffix(HASH)}.yaml" in self._documents

    def rendered(self, kind: str, name: str) -> Mapping[str, Any]:
        """The object that was added. Raises LookupError."""
        return self._documents[f"{kind.lower()}-{name.removesuffix(HASH)}.yaml"].data

    def items(self) -> Iterable[Document]:
        """Every object by file name, and the `kustomization.yaml` that lists them."""
        documents = [self._documents[path] for path in sorted(self._documents)]
        if documents:
            yield kustomize.kustomization(documents, self.namespace, self.external)
            yield from documents

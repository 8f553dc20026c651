"""Objects of the user's own beside ours: checked, labelled, and applied with the rest."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Any

from mlwright.diag import Bag, Diagnostic, Label
from mlwright.emit.kube import kustomize, metadata, patching
from mlwright.emit.kube.objects import CLUSTER_WIDE
from mlwright.ir import Origin, Project
from mlwright.record import replace
from mlwright.span import Path
from mlwright.target import AddedFile, Document, EmitContext, Joined, TextFile

_CLUSTER_WIDE = CLUSTER_WIDE | {
    "AdmissionCheck",
    "CSIDriver",
    "CustomResourceDefinition",
    "GatewayClass",
    "IngressClass",
    "MutatingWebhookConfiguration",
    "PersistentVolume",
    "ResourceFlavor",
    "RuntimeClass",
    "StorageClass",
    "Topology",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "WorkloadPriorityClass",
}
_OURS = "mlwright.dev/"

_Names = dict[tuple[str, str, str], Label]
"""Where each object of (group and kind, namespace, name) comes from."""


class Kubernetes:
    """What targets of Kubernetes objects have in common: how patches address them, and how the user's own join them."""

    list_keys = patching.LIST_KEYS
    protected = patching.PROTECTED
    known_fields = patching.KNOWN_FIELDS

    def join(
        self,
        files: Sequence[AddedFile],
        emitted: Sequence[Document | TextFile],
        project: Project,
        context: EmitContext,
    ) -> Joined:
        """Objects of the user's own, labelled and listed with ours."""
        return join(files, emitted, project, context)


def join(
    files: Sequence[AddedFile], emitted: Sequence[Document | TextFile], project: Project, context: EmitContext
) -> Joined:
    """`emitted` with the added files, labelled, and listed in `kustomization.yaml`. PATCH012 not an object, PATCH013
    what is ours to say, PATCH014 an object of a name that is there already, PATCH015 a Secret with its values."""
    names, bag = _taken(emitted), Bag()
    for file in files:
        bag.extend(_check(file, project, names))
    if bag.failed or not files:
        return Joined(items=tuple(emitted), findings=bag)
    added = [_document(file, project) for file in files]
    listing = next((item for item in emitted if isinstance(item, Document) and item.path == kustomize.NAME), None)
    if listing is None:
        return Joined(items=(kustomize.kustomization(added), *emitted, *added), findings=bag)
    resources = [*listing.data["resources"], *(item.path for item in added)]
    longer = replace(listing, data={**listing.data, "resources": resources})
    return Joined(items=(*(longer if item is listing else item for item in emitted), *added), findings=bag)


def _is_cluster_wide(kind: str) -> bool:
    return kind in _CLUSTER_WIDE or (kind.startswith("Cluster") and kind != "Cluster")


def _taken(emitted: Sequence[Document | TextFile]) -> _Names:
    names: _Names = {}
    for item in emitted:
        if isinstance(item, Document) and "apiVersion" in item.data and isinstance(item.data.get("metadata"), dict):
            origin = item.origins.get(())
            label = Label(path=origin.path if origin else (), on="key", text="became one of this name")
            names[_identity(item.data, "")] = label
    return names


def _identity(data: dict[str, Any], namespace: str) -> tuple[str, str, str]:
    group = str(data["apiVersion"]).rpartition("/")[0]
    about = data["metadata"]
    return f"{group}/{data['kind']}", str(about.get("namespace", namespace)), str(about.get("name"))


def _check(file: AddedFile, project: Project, names: _Names) -> Iterator[Diagnostic]:
    found = list(_shape(file))
    yield from found
    if found:
        return
    about, kind = file.data["metadata"], file.data["kind"]
    namespace = project.environment.namespace
    if _is_cluster_wide(kind):
        if "namespace" in about:
            message = f"a {kind} is in no namespace"
            yield _problem("PATCH012", file, ("metadata", "namespace"), message, "remove `metadata.namespace`")
    elif namespace and about.get("namespace", namespace) != namespace:
        message = f"the objects of environment `{project.environment.name}` are in the namespace `{namespace}`"
        help = "remove `metadata.namespace`, or apply this object from elsewhere"
        yield _problem("PATCH013", file, ("metadata", "namespace"), message, help)
    for section in ("labels", "annotations"):
        for key in about.get(section) or ():
            if str(key).startswith(_OURS):
                message = f"`{key}` says what mlwright made"
                yield _problem("PATCH013", file, ("metadata", section, key), message, "remove it")
    if kind == "Secret" and (values := next((key for key in ("data", "stringData") if file.data.get(key)), "")):
        help = "declare it under `secrets` and make it in the cluster; take these values back, they are known now"
        yield _problem("PATCH015", file, (values,), "a Secret would be written into the output with its values", help)
    yield from _once(file, "" if _is_cluster_wide(kind) else namespace, names)


def _shape(file: AddedFile) -> Iterator[Diagnostic]:
    """What every object says of itself."""
    data = file.data
    for key in ("apiVersion", "kind"):
        if not isinstance(data.get(key), str) or not data[key]:
            yield _problem("PATCH012", file, (key,), f"a Kubernetes object says its `{key}`", f"write `{key}: ...`")
    about = data.get("metadata")
    if not isinstance(about, dict) or not isinstance(about.get("name"), str) or not about["name"]:
        message = "a Kubernetes object that is applied has a name"
        yield _problem("PATCH012", file, ("metadata", "name"), message, "write `metadata: {name: ...}`")
        return
    for section in ("labels", "annotations"):
        if not isinstance(about.get(section, {}), dict):
            message = f"`metadata.{section}` maps names to texts"
            yield _problem("PATCH012", file, ("metadata", section), message, "write `NAME: text`")
    kind = str(data.get("kind"))
    if kind == "Kustomization":
        help = "list its resources under `objects`, so that each is looked at"
        yield _problem("PATCH013", file, ("kind",), "the kustomization is ours to write", help)
    elif kind.endswith("List") and isinstance(data.get("items"), list):
        yield _problem("PATCH012", file, ("kind",), f"a {kind} is no object", "keep one object in a file")


def _once(file: AddedFile, namespace: str, names: _Names) -> Iterator[Diagnostic]:
    label = Label(path=("metadata", "name"))
    here = replace(label, span=file.find(label), text="the first")
    first = names.setdefault(_identity(file.data, namespace), here)
    if first is not here:
        yield Diagnostic(
            code="PATCH014",
            message=f"there are two objects {file.data['kind']} {file.data['metadata']['name']}",
            at=replace(here, text="defined again"),
            related=(first,),
            help="give this one another name",
        )


def _problem(code: str, file: AddedFile, path: Path, message: str, help: str) -> Diagnostic:
    """A finding at `path` of a file, or at what is there of it."""
    at = Label(path=(*file.origin.path, "path"))
    for count in range(len(path), 0, -1):
        label = Label(path=path[:count], on="key")
        if (span := file.find(label)) is not None:
            at = replace(label, span=span)
            break
    return Diagnostic(code=code, message=message, at=at, help=help)


def _document(file: AddedFile, project: Project) -> Document:
    """The file with our labels; those that it has stay."""
    about = file.data["metadata"]
    place = project.environment.namespace
    if _is_cluster_wide(file.data["kind"]) or "namespace" in about:
        place = ""
    labels = {**metadata.labels(project, f"objects.{file.objects}", file.objects), **(about.get("labels") or {})}
    data = {
        **file.data,
        "metadata": {
            "name": about["name"],
            **({"namespace": place} if place else {}),
            "labels": labels,
            **{key: value for key, value in about.items() if key not in ("name", "labels")},
        },
    }
    origins: dict[Path, Origin] = {(): file.origin}
    return Document(
        path=f"objects/{file.objects}/{posixpath.basename(file.path)}",
        data=data,
        origins=origins,
        header=f"From {file.path}, with labels: change it there.",
        find=file.find,
    )

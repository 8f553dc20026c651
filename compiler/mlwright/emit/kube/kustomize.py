"""`kustomization.yaml`: what `kubectl apply -k`, Argo CD and overlays of ops go by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlwright.emit.kube import overlays
from mlwright.ir import Origin
from mlwright.target import Document, TextFile

NAME = "kustomization.yaml"
MERGE = "kustomize/openapi.yaml"
REFERENCES = "kustomize/references.yaml"
_FOLDER = """\
Apply: kubectl apply --server-side -k .
Overlay: put it on the folder above, which knows how lists of these kinds are merged.
"""
_ENVIRONMENT = """\
Apply: kubectl apply --server-side -k .
Overlay: a kustomization.yaml of your own, in a folder that nothing writes to, with `resources: [PATH OF THIS FOLDER]`.
Patches name the namespace too (`metadata: {name, namespace}`), and change entries of lists by their keys. An overlay
with an `openapi` of its own replaces the one here: then put this one's definitions into it.
Programs in ConfigMaps, and the objects that they make, are not reached: images, names and values of those come from
mlproject.yaml (`name_prefix` in place of namePrefix).
"""
_MERGE = """\
How an overlay's patches change lists of the kinds here: entries are found by their keys, everything else stays.
kustomize uses this in place of its own schema, so Kubernetes' own kinds with such lists are here as well.
"""
_REFERENCES = "Where objects here name images and other objects: overlays that rename these find them by this.\n"


def kustomization(
    documents: Iterable[Document], namespace: str = "", external: Mapping[str, Sequence[str]] | None = None
) -> Document:
    """The list of a folder's objects, in the order in which they are applied. `external` are the Secrets that have to
    be in the namespace before, with their keys."""
    header = _FOLDER + _secrets(namespace, external or {})
    return _document(NAME, {"resources": [document.path for document in documents]}, header)


def _secrets(namespace: str, external: Mapping[str, Sequence[str]]) -> str:
    if not external:
        return ""
    create = f"  kubectl create secret generic -n {namespace}"
    lines = [
        " ".join([create, name, *(f"--from-literal={key}=..." for key in keys)]) for name, keys in external.items()
    ]
    return "\n".join(["Secrets that have to be there before:", *lines, ""])


def environment(emitted: Sequence[tuple[str, Sequence[Document | TextFile]]]) -> list[Document]:
    """The files that make the folders of all targets one: nothing where no target has a `kustomization.yaml`."""
    folders: list[str] = []
    objects: list[dict[str, Any]] = []
    for target, items in emitted:
        documents = {item.path: item for item in items if isinstance(item, Document)}
        if NAME in documents:
            folders.append(target)
            objects += (documents[path].data for path in documents[NAME].data["resources"] if path in documents)
    if not folders:
        return []
    custom = [data for data in objects if not overlays.built_in(data)]
    references = overlays.references(custom)
    whole: dict[str, Any] = {"resources": sorted(folders)}
    if custom:
        whole["openapi"] = {"path": MERGE}
    if references:
        whole["configurations"] = [REFERENCES]
    made = [_document(NAME, whole, _ENVIRONMENT)]
    if custom:
        made.append(Document(path=MERGE, data=overlays.schema(custom), header=_MERGE))
    if references:
        made.append(Document(path=REFERENCES, data=references, header=_REFERENCES))
    return made


def _document(path: str, data: dict[str, Any], header: str) -> Document:
    return Document(
        path=path,
        data={"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", **data},
        origins={(): Origin(path=("metadata", "name"), kind="derived", by="kustomize")},
        header=header,
    )

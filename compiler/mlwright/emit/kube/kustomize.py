"""`kustomization.yaml`: what `kubectl apply -k`, Argo CD and overlays of ops go by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlwright.emit import json
from mlwright.emit.kube import overlays
from mlwright.ir import Origin
from mlwright.target import Document, TextFile

NAME = "kustomization.yaml"
MERGE = "kustomize/openapi.json"
REFERENCES = "kustomize/references.json"
_FOLDER = """\
Apply: kubectl apply --server-side -k .
Overlay: put it on the folder above, which knows how lists of these kinds are merged.
"""
_ENVIRONMENT = """\
Apply: kubectl apply --server-side -k .
Overlay: a kustomization.yaml of your own, in a folder that nothing writes to, with `resources: [PATH OF THIS FOLDER]`.
Patches name the namespace too (`metadata: {name, namespace}`), and change entries of lists by their keys, which are in
`openapi`. kustomize goes by it in place of its own schema, so Kubernetes' kinds are in it as well; an overlay that has
one, too, takes over these definitions. `configurations` says where images and names of other objects stand.
Programs in ConfigMaps, and the objects that they make, are not reached: images, names and values of those come from
mlproject.yaml (`name_prefix` in place of namePrefix).
"""


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


def environment(emitted: Sequence[tuple[str, Sequence[Document | TextFile]]]) -> list[Document | TextFile]:
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
    made: list[Document | TextFile] = [_document(NAME, whole, _ENVIRONMENT)]
    if custom:
        made.append(TextFile(path=MERGE, text=json.pretty(overlays.schema(custom))))
    if references:
        made.append(TextFile(path=REFERENCES, text=json.pretty(references)))
    return made


def _document(path: str, data: dict[str, Any], header: str) -> Document:
    return Document(
        path=path,
        data={"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", **data},
        origins={(): Origin(path=("metadata", "name"), kind="derived", by="kustomize")},
        header=header,
    )

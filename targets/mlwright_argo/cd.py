"""Argo CD: the Application that applies an environment's folder, and the AppProject that says what it may apply."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlwright.emit.kube import ceded, kustomize, metadata
from mlwright.emit.kube.objects import CLUSTER_WIDE, Objects
from mlwright.ir import Origin, Project
from mlwright.target import Document, EmitContext, TextFile

FOLDER = "cd"
"""Below the target's folder, beside what is applied: an Application in its own path would apply itself."""
NODE = "gitops"
_HEADER = """\
Apply: kubectl apply --server-side -k .
Once, to the cluster that Argo CD runs in: from then on it applies the folder of the environment, which leaves this one
out. Deleting the Application leaves in the cluster what it applied.
"""
_HERE = "https://kubernetes.default.svc"
_RETRY = {"limit": 5, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "5m"}}
Object = dict[str, Any]
Emitted = Sequence[tuple[str, Sequence[Document | TextFile]]]


def applications(project: Project, context: EmitContext) -> Iterable[Document]:
    """The folder `cd`: nothing where the project says no `gitops`, or where no Argo CD runs."""
    if NODE not in context.owners:
        return
    objects, origin = Objects(project, context, "argo"), Origin(path=("gitops",))
    settings = context.platform.file.argo_cd
    namespace = settings.namespace if settings else "argocd"
    name = metadata.instance(project)
    owner = settings.project if settings else None
    common: Object = {"node": NODE, "origin": origin, "component": project.name, "namespace": namespace}
    if not owner:
        objects.add("AppProject", name, {"spec": _project(project, context)}, **common)
    objects.add(
        "Application",
        name,
        {"spec": _application(project, context, owner or name)},
        annotations={"argocd.argoproj.io/compare-options": "ServerSideDiff=true"},
        **common,
    )
    for document in objects.items():
        header = _HEADER if document.path == kustomize.NAME else document.header
        yield replace(document, path=posixpath.join(FOLDER, document.path), header=header)


def _destination(project: Project, context: EmitContext) -> dict[str, str]:
    settings = context.platform.file.argo_cd
    place = settings.destination if settings else None
    where = {"name": place.name} if place and place.name else {"server": (place and place.server) or _HERE}
    return {**where, "namespace": project.environment.namespace}


def _project(project: Project, context: EmitContext) -> Object:
    return {
        "description": project.description or f"{project.name} in {project.environment.name}",
        "sourceRepos": [dict(project.gitops)["repo"]],
        "destinations": [_destination(project, context)],
        "clusterResourceWhitelist": [],
        "namespaceResourceWhitelist": [],
    }


def _application(project: Project, context: EmitContext, owner: str) -> Object:
    source = dict(project.gitops)
    options = ["ServerSideApply=true", "RespectIgnoreDifferences=true"]
    if context.owners.get("namespace") not in (None, "kubernetes"):
        options.append("SkipDryRunOnMissingResource=true")  # the namespace is made by another system's controller
    return {
        "project": owner,
        "source": {
            "repoURL": source["repo"],
            "targetRevision": source["revision"],
            "path": posixpath.join(str(source["path"]), project.environment.name),
        },
        "destination": _destination(project, context),
        "syncPolicy": {
            **({"automated": {"prune": True, "selfHeal": True}} if source["automated"] else {}),
            "syncOptions": options,
            "retry": _RETRY,
        },
        "ignoreDifferences": [],
    }


def closed(emitted: Emitted, items: Iterable[Document | TextFile]) -> list[Document | TextFile]:
    """The target's files with what the Application and the AppProject say of all objects that are applied; entries
    that patches put there stay."""
    objects = [data for _, files in emitted for data in _applied(files)]
    wide, within = (sorted(found) for found in _kinds(objects))
    filled: dict[str, dict[str, list[Any]]] = {
        "AppProject": {"clusterResourceWhitelist": wide, "namespaceResourceWhitelist": within},
        "Application": {"ignoreDifferences": list(_differences(objects))},
    }
    return [_with(item, filled) if _ours(item) else item for item in items]


def _applied(files: Iterable[Document | TextFile]) -> Iterable[Object]:
    """The objects that a target's `kustomization.yaml` lists."""
    documents = {item.path: item.data for item in files if isinstance(item, Document)}
    listed = documents.get(kustomize.NAME, {}).get("resources", ())
    return [documents[path] for path in listed if path in documents]


def _ours(item: Document | TextFile) -> bool:
    return isinstance(item, Document) and item.path.startswith(f"{FOLDER}/")


def _with(item: Document | TextFile, filled: dict[str, dict[str, list[Any]]]) -> Document | TextFile:
    assert isinstance(item, Document)
    more = filled.get(item.data["kind"])
    if not more:
        return item
    spec = dict(item.data["spec"])
    for key, found in more.items():
        entries = [_entry(one) for one in found]
        written = spec.pop(key, [])
        if whole := [*written, *(one for one in entries if one not in written)]:
            spec[key] = whole
    return replace(item, data={**item.data, "spec": spec})


def _entry(found: Any) -> Object:
    return found if isinstance(found, dict) else {"group": found[0], "kind": found[1]}


def _kinds(objects: Iterable[Object]) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """(group, kind) of what is in no namespace, and of what is in one."""
    wide: set[tuple[str, str]] = set()
    within: set[tuple[str, str]] = set()
    for data in objects:
        kind = str(data["kind"])
        outside = kind in CLUSTER_WIDE or not data["metadata"].get("namespace")
        (wide if outside else within).add((str(data["apiVersion"]).rpartition("/")[0], kind))
    return wide, within


def _differences(objects: Sequence[Object]) -> Iterable[Object]:
    """What is neither compared nor put back."""
    for data, paths in ceded.ceded(objects):
        if paths == ceded.QUEUED:
            yield {**_same(data), "jqPathExpressions": ["." + ".".join(map(str, path)) for path in paths]}
        elif "replicas" in data.get("spec", {}):
            yield {**_same(data), "jsonPointers": ["/" + "/".join(map(str, path)) for path in paths]}


def _same(data: Mapping[str, Any]) -> Object:
    group = str(data["apiVersion"]).rpartition("/")[0]
    return {"group": group, "kind": data["kind"], "name": data["metadata"]["name"]}

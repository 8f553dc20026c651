"""`mlwright drift`: the output of an environment, as it compiles now, held against a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as FilePath

from mlwright.build import Built
from mlwright.emit.kube import ceded, kustomize
from mlwright.record import replace
from mlwright.registry import Registry
from mlwright.remote import observe
from mlwright.remote.cluster import Cluster
from mlwright.review.drift import left
from mlwright.review.drift.judge import Wanted, judge
from mlwright.review.drift.model import Drift
from mlwright.source.tree import locate
from mlwright.span import Path
from mlwright.target import Document


def look(built: Built, targets: Registry, cluster: Cluster) -> Drift:
    """How the cluster differs from the output. Reads and asks what applying would do; writes nothing. Raises
    ClusterError."""
    analysis = built.analysis
    project, profile = analysis.project, analysis.profile
    assert project is not None and profile is not None
    cluster.probe()
    objects = wanted(built, targets)
    observed = observe.observe(cluster, [one.data for one in objects])
    spaces = sorted(
        {str(one.data["metadata"]["namespace"]) for one in objects if one.data["metadata"].get("namespace")}
    )
    found = observe.left(cluster, left.kinds(objects, profile), spaces, left.selector(project))
    extra, notes = left.extra(found, objects)
    judged = judge(objects, observed, locate(analysis.tree))
    return Drift(
        spec=analysis.spec,
        project=project.name,
        environment=analysis.environment,
        server=cluster.url,
        context=cluster.context,
        compared=len(objects),
        objects=(*judged, *extra),
        apply=_apply(built) if any(one.status in ("missing", "changed") for one in judged) else "",
        notes=(*notes, *_by_client(observed), *_uncommitted(built)),
    )


def wanted(built: Built, targets: Registry) -> list[Wanted]:
    """Every object that `kubectl apply -k` sends, as it is in its file. What Argo CD itself is told is applied to
    another cluster and left out."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: list[Wanted] = []
    for target, items in built.emitted:
        documents = {item.path: item for item in items if isinstance(item, Document)}
        for path in documents[kustomize.NAME].data["resources"] if kustomize.NAME in documents else ():
            if path in documents:
                data = yaml.load(built.files[f"{target}/{path}"], loader)
                keys = targets.get(target).list_keys
                found.append(Wanted(target=target, document=documents[path], data=data, keys=keys))
    return _without_ceded(found)


def _without_ceded(found: Sequence[Wanted]) -> list[Wanted]:
    paths: dict[int, tuple[Path, ...]] = {}
    for data, some in ceded.ceded(one.data for one in found):
        paths[id(data)] = (*paths.get(id(data), ()), *some)
    return [replace(one, ceded=paths.get(id(one.data), ())) for one in found]


def _apply(built: Built) -> str:
    """What makes the cluster so."""
    profile, folder = built.analysis.profile, _folder(built)
    if profile is not None and "argo_cd" in profile.systems:
        return f"to make it so: commit {folder}, and let Argo CD sync"
    return f"to make it so: kubectl apply --server-side --force-conflicts -k {folder}"


def _folder(built: Built) -> str:
    return (FilePath(built.analysis.folder) / built.folder).as_posix()


def _by_client(observed: Sequence[observe.Observed]) -> list[str]:
    """Whether objects were applied in a way of which the server keeps no account."""
    count = sum(1 for one in observed if one.live is not None and observe.by_client(one.live))
    if not count:
        return []
    who = "1 object was" if count == 1 else f"{count} objects were"
    return [f"{who} applied without --server-side: there, what the output no longer has is not seen"]


def _uncommitted(built: Built) -> list[str]:
    """Whether what is written in the output's folder is something else: who applies that would get another result."""
    place = FilePath(_folder(built))
    if not place.is_dir():
        return []
    stale = [name for name, data in built.files.items() if not _is(place / name, data)]
    if not stale:
        return []
    some = ", ".join(stale[:3]) + (", ..." if len(stale) > 3 else "")
    return [f"{place.as_posix()} is not what the project compiles to now ({some}): mlwright compile"]


def _is(path: FilePath, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except OSError:
        return False

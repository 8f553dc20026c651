"""What a cluster says to objects that it is to have: the live one, and what applying would make of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from mlwright.record import dataclass
from mlwright.remote.cluster import Cluster, Object, Refused, Resource

MANAGER = "mlwright-drift"
"""Who asks where nobody has applied the object before."""
_AT_ONCE = 8
_ATTEMPTS = 2
"""How often an object is looked at anew that is written meanwhile."""
_OURS = "f:app.kubernetes.io/managed-by"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One wanted object. `live` is None where it is not there, `applied` what applying would make of it. Where the
    server did not say: `refused`, and what was asked: for the `kind`, the `namespace`, to `read` or to `apply` it.
    `served` are the API versions that the server has of a kind's group instead."""

    wanted: Mapping[str, Any]
    live: Object | None = None
    applied: Object | None = None
    refused: Refused | None = None
    asked: Literal["", "kind", "namespace", "read", "apply"] = ""
    served: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Objects on the cluster with the labels that were looked for: (API version, kind, metadata), and the kinds that
    could not be listed, with why."""

    objects: tuple[tuple[str, str, Object], ...]
    unlisted: tuple[tuple[str, Refused], ...]


def observe(cluster: Cluster, wanted: Sequence[Mapping[str, Any]]) -> list[Observed]:
    """Each object as the cluster has it, and as applying would leave it. Raises ClusterError."""
    spaces = sorted({str(one["metadata"]["namespace"]) for one in wanted if one["metadata"].get("namespace")})
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = dict(zip(spaces, pool.map(cluster.namespace, spaces), strict=True))
        absent = {name: one for name, one in found.items() if isinstance(one, Refused) and one.code == 404}
        return list(pool.map(lambda one: _observed(cluster, one, absent), wanted))


def _observed(cluster: Cluster, wanted: Mapping[str, Any], absent: Mapping[str, Refused]) -> Observed:
    version, kind = str(wanted["apiVersion"]), str(wanted["kind"])
    resource = cluster.resource(version, kind)
    if not isinstance(resource, Resource):
        group = version.partition("/")[0] if "/" in version else ""
        served = cluster.versions(group) if group and resource is None else ()
        return Observed(wanted=wanted, refused=resource or Refused(code=404), asked="kind", served=served)
    if gone := absent.get(str(wanted["metadata"].get("namespace", ""))):
        return Observed(wanted=wanted, refused=gone, asked="namespace")
    seen = _asked(cluster, wanted)
    for _ in range(_ATTEMPTS):
        if not _meanwhile(seen):
            break
        seen = _asked(cluster, wanted)
    return seen


def _asked(cluster: Cluster, wanted: Mapping[str, Any]) -> Observed:
    live = cluster.get(wanted)
    if isinstance(live, Refused) and live.code != 404:
        return Observed(wanted=wanted, refused=live, asked="read")
    there = None if isinstance(live, Refused) else live
    applied = cluster.applied(wanted, manager(there))
    if isinstance(applied, Refused):
        return Observed(wanted=wanted, live=there, refused=applied, asked="apply")
    return Observed(wanted=wanted, live=there, applied=applied)


def _meanwhile(seen: Observed) -> bool:
    """Whether somebody has written the object between both questions."""
    if seen.refused is not None:
        return seen.refused.code == 409
    return seen.live is not None and seen.applied is not None and _version(seen.live) != _version(seen.applied)


def _version(data: Object) -> Any:
    return (data.get("metadata") or {}).get("resourceVersion")


def manager(live: Object | None) -> str:
    """Who has applied a live object last: asked for in that name, the server says what the next time would change, what
    is no longer in the output included."""
    entries = (live or {}).get("metadata", {}).get("managedFields") or ()
    applied = [
        one
        for one in entries
        if one.get("operation") == "Apply"
        and not one.get("subresource")
        and _OURS in one.get("fieldsV1", {}).get("f:metadata", {}).get("f:labels", {})
    ]
    return str(max(applied, key=lambda one: str(one.get("time", "")))["manager"]) if applied else MANAGER


def by_client(live: Object) -> bool:
    """Whether an object was applied by `kubectl apply` without `--server-side`, and never since in another way."""
    managers = {str(one.get("manager")) for one in live.get("metadata", {}).get("managedFields") or ()}
    return manager(live) == MANAGER and "kubectl-client-side-apply" in managers


def left(cluster: Cluster, kinds: Iterable[tuple[str, str]], namespaces: Sequence[str], selector: str) -> Left:
    """All objects of `kinds` (API version, kind) in `namespaces` and in none that have the labels of `selector`. Kinds
    that the cluster has not are left out. Raises ClusterError."""
    questions: list[tuple[str, str, str]] = []
    unlisted: list[tuple[str, Refused]] = []
    for version, kind in kinds:
        resource = cluster.resource(version, kind)
        if isinstance(resource, Refused):
            unlisted.append((kind, resource))
        elif resource is not None:
            questions += [(version, kind, space) for space in (namespaces if resource.namespaced else ("",))]
    objects: list[tuple[str, str, Object]] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = pool.map(lambda one: cluster.listed(one[0], one[1], one[2], selector), questions)
        for (version, kind, _), answer in zip(questions, answers, strict=True):
            if isinstance(answer, Refused):
                unlisted.append((kind, answer))
            else:
                objects += ((version, kind, one) for one in answer)
    return Left(objects=tuple(objects), unlisted=tuple(dict(unlisted).items()))


def owners(live: Object) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(manager, when, fields) of everyone who has written into the object itself, the last first."""
    entries = [one for one in live.get("metadata", {}).get("managedFields") or () if not one.get("subresource")]
    for one in sorted(entries, key=lambda one: str(one.get("time", "")), reverse=True):
        yield str(one.get("manager", "")), str(one.get("time", "")), one.get("fieldsV1") or {}

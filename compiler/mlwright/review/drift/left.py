"""Objects on a cluster that have our labels, and that the output does not have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlwright.emit.kube import metadata
from mlwright.emit.kube.names import DIGITS
from mlwright.ir import Project
from mlwright.platform import Profile
from mlwright.platform.versions import SERVED, reaches
from mlwright.regex import lazy
from mlwright.remote.observe import Left
from mlwright.review.drift.judge import Wanted
from mlwright.review.drift.model import Drifted

_OF_A_RUN = "mlwright.dev/run"
_PASSING = frozenset(
    ("Lease", "Pod", "Suggestion", "Trial", "Workflow", "WorkflowTaskResult", "Workload", "Application", "AppProject")
)
"""Kinds that runs and controllers make, and those that are applied elsewhere."""
_HASHED = lazy(rf"(.+)-[0-9a-f]{{{DIGITS}}}")
_KEEPS_DATA = {"PersistentVolumeClaim": "its data goes with it", "Secret": "what it holds is nowhere else"}


def selector(project: Project) -> str:
    """The labels of every object of this project in this environment."""
    wanted = {
        **metadata.MANAGED,
        "app.kubernetes.io/instance": metadata.label(metadata.instance(project)),
        metadata.ENVIRONMENT: metadata.label(project.environment.name),
    }
    return ",".join(f"{key}={value}" for key, value in wanted.items())


def kinds(wanted: Iterable[Wanted], profile: Profile) -> list[tuple[str, str]]:
    """(API version, kind) of all that the output has, and of all that it may have had on this platform."""
    found = {(str(one.data["apiVersion"]), str(one.data["kind"])): None for one in wanted}
    for row in SERVED:
        if row.system in profile.systems and reaches(profile.systems[row.system], row.since or "0"):
            found.update({(row.api_version, kind): None for kind in row.kinds if kind not in _PASSING})
    return list(found)


def extra(left: Left, wanted: Sequence[Wanted]) -> tuple[tuple[Drifted, ...], tuple[str, ...]]:
    """What is left over, by kind and name, and notes of what is meant to be so and of what could not be looked for."""
    ours = {_key(one.data) for one in wanted}
    stems = {(kind, space, stem) for kind, space, name in ours if (stem := _stem(name))}
    found: dict[tuple[str, str, str], Drifted] = {}
    earlier = 0
    for version, kind, data in left.objects:
        key = _key({**data, "kind": kind})
        if key in ours or key in found or _passing(data["metadata"]):
            continue
        if (kind, key[1], _stem(key[2])) in stems:
            earlier += 1
            continue
        loss = f"; {_KEEPS_DATA[kind]}" if kind in _KEEPS_DATA else ""
        where = f" -n {key[1]}" if key[1] else ""
        found[key] = Drifted(
            status="extra",
            api=version,
            kind=kind,
            name=key[2],
            namespace=key[1],
            why="the output does not have it (any more)",
            help=f"delete it where nothing uses it: kubectl delete {_called(kind, version)} {key[2]}{where}{loss}",
        )
    return tuple(found[key] for key in sorted(found)), tuple(_notes(earlier, left))


def _notes(earlier: int, left: Left) -> Iterator[str]:
    if earlier:
        what = "1 object of an earlier version is" if earlier == 1 else f"{earlier} objects of earlier versions are"
        yield f"{what} still there, for runs that began with what they hold (named after their content)"
    if left.unlisted:
        names = ", ".join(sorted(kind for kind, _ in left.unlisted))
        code = left.unlisted[0][1].code
        why = "forbidden" if code == 403 else f"the server answers {code}" if code else "no answer in time"
        yield f"not looked for what is left over of {names}: {why}"


def _key(data: Mapping[str, Any]) -> tuple[str, str, str]:
    about = data["metadata"]
    return str(data["kind"]), str(about.get("namespace", "")), str(about["name"])


def _stem(name: str) -> str:
    found = _HASHED.fullmatch(name)
    return str(found[1]) if found else ""


def _passing(about: Mapping[str, Any]) -> bool:
    """Whether somebody else takes it away: its owner, a run, or who deletes it already."""
    gone = bool(about.get("ownerReferences") or about.get("deletionTimestamp"))
    return gone or _OF_A_RUN in (about.get("labels") or {})


def _called(kind: str, version: str) -> str:
    """A kind as kubectl takes it, unmistakably."""
    group = version.rpartition("/")[0]
    return f"{kind.lower()}.{group}" if "." in group else kind.lower()

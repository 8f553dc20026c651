"""From what a cluster says of objects to how it differs from them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from mlwright.diag import Label
from mlwright.diag.diagnostic import Locate
from mlwright.emit.map import origin_of
from mlwright.record import dataclass, replace
from mlwright.remote.observe import Observed, manager
from mlwright.review.drift import owning
from mlwright.review.drift.model import Differing, Drifted
from mlwright.review.drift.refusals import meaning
from mlwright.review.fields import Difference, Neutral, differences, shown
from mlwright.review.model import FieldChange
from mlwright.span import Path
from mlwright.target import Document, ListKeys

_SERVER = (
    *("uid", "resourceVersion", "generation", "managedFields", "selfLink"),
    *("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"),
)
"""Metadata that the server alone writes."""
_NOTES = (
    *("kubectl.kubernetes.io/", "argocd.argoproj.io/tracking-id", "argocd.argoproj.io/installation-id"),
    *("kustomize.toolkit.fluxcd.io/", "deployment.kubernetes.io/revision", "config.kubernetes.io/"),
)
"""Begin labels and annotations by which those who apply keep account."""
_NEUTRAL = Neutral(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An object of the output: `data` as it is written, `document` where it comes from, `keys` those of its lists.
    `ceded` is what is left to controllers."""

    target: str
    document: Document
    data: Mapping[str, Any]
    keys: ListKeys
    ceded: tuple[Path, ...] = ()

    @property
    def file(self) -> str:
        """Its path below the environment's folder."""
        return f"{self.target}/{self.document.path}"


def judge(wanted: Sequence[Wanted], observed: Sequence[Observed], locate: Locate) -> tuple[Drifted, ...]:
    """Every object that is not as it should be, in the order of the output. `locate` finds places of the project."""
    made = {str(one.data["metadata"]["name"]) for one in wanted if one.data["kind"] in ("Namespace", "Profile")}
    found = (_judged(one, seen, locate, made) for one, seen in zip(wanted, observed, strict=True))
    return tuple(one for one in found if one is not None)


def _judged(one: Wanted, seen: Observed, locate: Locate, made: Collection[str]) -> Drifted | None:
    space = str(one.data["metadata"].get("namespace", ""))
    if seen.refused is not None:
        means = meaning(seen, space in made)
        status, why = means.status, means.why
        if seen.asked == "apply" and seen.live is None and status == "unknown":
            status, why = "missing", f"it is not there, and {why}"
        fields = _replaced(one, seen.live) if status == "replace" and seen.live is not None else ()
        return _drifted(one, locate, status=status, fields=_located(fields, locate), why=why, help=means.help)
    if seen.live is None:
        return _drifted(one, locate, status="missing", why="it is not there", help="apply it")
    if ended := seen.live.get("metadata", {}).get("deletionTimestamp"):
        why = f"it is being deleted since {ended}"
        return _drifted(one, locate, status="missing", why=why, help="apply it once it is gone")
    assert seen.applied is not None
    fields = (*_changed(one, seen.live, seen.applied), *_by_hand(one, seen.live))
    if not fields:
        return None
    return _drifted(one, locate, status="changed", fields=_located(fields, locate))


def _drifted(one: Wanted, locate: Locate, **more: Any) -> Drifted:
    origin = origin_of(one.document, ())
    about = one.data["metadata"]
    return Drifted(
        api=str(one.data["apiVersion"]),
        kind=str(one.data["kind"]),
        name=str(about["name"]),
        namespace=str(about.get("namespace", "")),
        file=one.file,
        span=locate(Label(path=origin.path)) if origin else None,
        **more,
    )


def _located(fields: Sequence[Differing], locate: Locate) -> tuple[Differing, ...]:
    return tuple(
        replace(one, span=locate(Label(path=one.change.origin))) if one.change.origin else one for one in fields
    )


def _changed(one: Wanted, live: dict[str, Any], applied: dict[str, Any]) -> Iterator[Differing]:
    """What applying would change."""
    for found in differences(_told(one, live), _told(one, applied), one.keys, (), _NEUTRAL):
        yield _differing(one, found, live, applied)


def _replaced(one: Wanted, live: dict[str, Any]) -> tuple[Differing, ...]:
    """What differs where the server would not say what applying makes of it: the fields of the output alone."""
    return tuple(_changed(one, live, _overlaid(live, one.data)))


def _told(one: Wanted, data: dict[str, Any]) -> dict[str, Any]:
    """An object without what the server, controllers and those who apply write into it for themselves."""
    about = {key: value for key, value in data["metadata"].items() if key not in _SERVER}
    for key in ("labels", "annotations"):
        kept = {name: text for name, text in (about.pop(key, None) or {}).items() if not name.startswith(_NOTES)}
        if kept:
            about[key] = kept
    found = {**{key: value for key, value in data.items() if key != "status"}, "metadata": about}
    for path in one.ceded:
        found = _without(found, path)
    return found


def _without(data: dict[str, Any], path: Path) -> dict[str, Any]:
    key = str(path[0])
    if key not in data:
        return data
    if len(path) == 1:
        return {name: value for name, value in data.items() if name != key}
    return {**data, key: _without(data[key], path[1:])}


def _differing(one: Wanted, found: Difference, live: dict[str, Any], applied: dict[str, Any]) -> Differing:
    origin = origin_of(one.document, _in_document(found.place, live if found.removed else applied, one.data))
    there = found.place if found.removed else _in_document(found.place, applied, live)
    by, since = ("", "") if found.added else owning.writer(live, there)
    change = FieldChange(
        path=found.path,
        before=found.before,
        after=found.after,
        added=found.added,
        removed=found.removed,
        origin=origin.path if origin else (),
    )
    return Differing(change=change, by="" if by == manager(live) else by, since="" if by == manager(live) else since)


def _by_hand(one: Wanted, live: dict[str, Any]) -> Iterator[Differing]:
    """What somebody has added by hand, and applying leaves: the output does not have it."""
    told: list[Path] = []
    shared = _told(one, live)
    for place, by, since in owning.by_hand(live):
        inside = any(place[: len(outer)] == outer for outer in told)
        if inside or not _leads(place, shared) or len(_in_document(place, live, one.data)) == len(place):
            continue
        told.append(place)
        value = _at(live, place)
        called = next((part for part in reversed(place) if isinstance(part, str)), "")
        path = _named(live, place)
        change = FieldChange(path=path, before=shown(value, called), removed=True)
        yield Differing(change=change, by=by, since=since, stays=True)


def _in_document(place: Path, value: Any, other: Any) -> Path:
    """`place` in `value` as it is in `other`, where lists may have more entries; as far as it leads there."""
    found: list[str | int] = []
    for part in place:
        try:
            entry = value[part]
        except (LookupError, TypeError):
            return tuple(found)
        at = _same(entry, other, part)
        if at is None:
            return tuple(found)
        found.append(at)
        value, other = entry, other[at]
    return tuple(found)


def _same(entry: Any, other: Any, part: str | int) -> str | int | None:
    """Where `entry` is in `other`: under the same key, as the entry of the same name, at the same position."""
    if isinstance(other, Mapping):
        return part if part in other else None
    if not isinstance(other, (list, tuple)) or not isinstance(part, int):
        return None
    for key in ("name", "mountPath", "containerPort", "port", "type", "key", "ip"):
        if isinstance(entry, Mapping) and key in entry:
            named = [number for number, each in enumerate(other) if isinstance(each, Mapping) and key in each]
            if named:
                return next((number for number in named if other[number][key] == entry[key]), None)
    if not isinstance(entry, (Mapping, list)):
        return next((number for number, each in enumerate(other) if each == entry), None)
    return part if part < len(other) else None


def _named(value: Any, place: Path) -> Path:
    """`place` for people: entries of lists by their names."""
    found: list[str | int] = []
    for part in place:
        value = value[part]
        name = value.get("name") if isinstance(part, int) and isinstance(value, Mapping) else None
        found.append(part if name is None else f"name={name}")
    return tuple(found)


def _at(value: Any, place: Path) -> Any:
    for part in place:
        value = value[part]
    return value


def _leads(place: Path, value: Any) -> bool:
    try:
        _at(value, place)
    except (LookupError, TypeError):
        return False
    return True


def _overlaid(live: Any, wanted: Any) -> Any:
    """`live` with what `wanted` has."""
    if isinstance(live, Mapping) and isinstance(wanted, Mapping):
        return {
            **live,
            **{key: _overlaid(live[key], value) if key in live else value for key, value in wanted.items()},
        }
    if isinstance(live, (list, tuple)) and isinstance(wanted, (list, tuple)) and len(live) == len(wanted):
        return [_overlaid(one, other) for one, other in zip(live, wanted, strict=True)]
    return wanted

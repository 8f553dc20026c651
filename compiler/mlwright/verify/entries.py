"""What may be there once only: entries of lists by their names, and objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mlwright.diag import Diagnostic
from mlwright.span import Path
from mlwright.verify.finding import finding, place, shown
from mlwright.verify.manifest import Manifest, Place, Rule, of_value
from mlwright.verify.shape import mappings

_CONTAINERS = ("initContainers", "containers", "sidecars")


def check(manifest: Manifest) -> Iterator[Diagnostic]:
    """VER016: two entries of one list that are told apart by a name, and have the same."""
    for key, places in manifest.places.items():
        if look := _RULES.get(key):
            for found in places:
                yield from look(manifest, found)


@of_value
def _ports(manifest: Manifest, place: Place) -> Iterator[Diagnostic]:
    lists = [(place.path, place.value)]
    yield from _distinct(manifest, lists, "name")
    for number in ("containerPort", "port"):
        yield from _distinct(manifest, lists, number, protocol=True)


def _containers(manifest: Manifest, place: Place) -> Iterator[Diagnostic]:
    lists = [((*place.path[:-1], one), place.holder.get(one)) for one in _CONTAINERS]
    yield from _distinct(manifest, lists, "name")


@of_value
def _named(manifest: Manifest, place: Place) -> Iterator[Diagnostic]:
    yield from _distinct(manifest, [(place.path, place.value)], "name")


@of_value
def _mounts(manifest: Manifest, place: Place) -> Iterator[Diagnostic]:
    yield from _distinct(manifest, [(place.path, place.value)], "mountPath")


def _distinct(
    manifest: Manifest, lists: Iterable[tuple[Path, Any]], name: str, *, protocol: bool = False
) -> Iterator[Diagnostic]:
    """Whether entries that have `name` differ in it, or in their `protocol`, which is TCP where it is not said."""
    seen: dict[Any, Path] = {}
    for base, entries in lists:
        for position, entry in mappings(entries):
            identity = entry.get(name)
            if not isinstance(identity, (str, int)):
                continue
            key: Any = identity
            if protocol:
                kind = entry.get("protocol", "TCP")
                if not isinstance(kind, (str, int)):
                    continue
                key = (identity, kind)
            if key not in seen:
                seen[key] = (*base, position)
                continue
            what = f"two entries of `{shown(manifest, base)}` in {manifest} have the {name} `{identity}`"
            related = (place(manifest, (*seen[key], name), "the first"),)
            help = "remove one, or give it another"
            yield finding("VER016", manifest, (*base, position, name), what, help, related=related)


_RULES: dict[str, Rule] = {
    **dict.fromkeys(("env", "volumes", "imagePullSecrets", "templates", "tasks", "artifacts", "parameters"), _named),
    "volumeMounts": _mounts,
    "containers": _containers,
    "ports": _ports,
}
"""Key -> what is looked at in its value."""
KEYS = frozenset(_RULES)


def twice(manifests: Iterable[Manifest]) -> Iterator[Diagnostic]:
    """VER017: two objects of one type and name, of which one would replace the other."""
    seen: dict[tuple[str, str, str, str], Manifest] = {}
    for manifest in manifests:
        if manifest.outer is not None or not manifest.name:
            continue
        first = seen.setdefault((manifest.group, manifest.kind, manifest.namespace, manifest.name), manifest)
        if first is not manifest:
            files = [f"{item.target}/{item.document.path}" for item in (first, manifest)]
            path: Path = ("metadata", "name")
            yield finding(
                "VER017",
                manifest,
                path,
                f"there are two objects {manifest}: {' and '.join(files)}",
                "give one of them another name",
                related=(place(first, path, "the first"),),
            )

"""What may be there once only: entries of lists by their names, and objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mlwright.diag import Diagnostic
from mlwright.span import Path
from mlwright.verify.finding import finding, place, shown
from mlwright.verify.manifest import Manifest
from mlwright.verify.shape import mappings

_NAMED = {
    **dict.fromkeys(("env", "volumes", "imagePullSecrets", "templates", "tasks", "artifacts", "parameters"), "name"),
    "volumeMounts": "mountPath",
}
_CONTAINERS = ("initContainers", "containers", "sidecars")
KEYS = frozenset({*_NAMED, *_CONTAINERS, "ports"})


def check(manifest: Manifest) -> Iterator[Diagnostic]:
    """VER016: two entries of one list that are told apart by a name, and have the same."""
    for key, places in manifest.places.items():
        for found in places if key in KEYS else ():
            at, value = found.path, found.value
            if key == "ports":
                yield from _distinct(manifest, [(at, value)], "name")
                for number in ("containerPort", "port"):
                    yield from _distinct(manifest, [(at, value)], number, protocol=True)
            elif key == "containers":
                lists = [((*at[:-1], one), found.holder.get(one)) for one in _CONTAINERS]
                yield from _distinct(manifest, lists, "name")
            elif key in _NAMED:
                yield from _distinct(manifest, [(at, value)], _NAMED[key])


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

"""`mlproject.lock` as the compiler reads it: model aliases pinned to versions, image tags pinned to digests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from mlwright.diag import Bag, Diagnostic, Label
from mlwright.record import dataclass
from mlwright.source.files import FileTree
from mlwright.source.load import load
from mlwright.source.tree import locate, plain

NAME = "mlproject.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedModel:
    """One version of a registered model, as an alias pointed at it when the lock was written."""

    version: str
    model_id: str = ""
    run_id: str = ""
    source: str = ""
    uri: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedImage:
    """`digest` is `sha256:...`; `entrypoint` and `cmd` are the image's own."""

    digest: str
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """`models` by (environment, `MODEL@ALIAS`); `images` by reference. Empty where there is no lock file."""

    models: Mapping[tuple[str, str], LockedModel] = field(default_factory=dict)
    images: Mapping[str, LockedImage] = field(default_factory=dict)


def read_lock(files: FileTree, path: str) -> tuple[Lock, Bag]:
    """The lock at `path`, empty where there is none; a file that is not a lock is one LOCK001 finding per place."""
    bag = Bag()
    if not files.exists(path):
        return Lock(), bag
    tree, found = load(files.read(path), path)
    bag.extend(found)
    if tree is None:
        return Lock(), bag
    value = plain(tree)
    assert isinstance(value, dict)
    models: dict[tuple[str, str], LockedModel] = {}
    images: dict[str, LockedImage] = {}
    for environment, section in _mapping(value.get("environments"), ("environments",), bag).items():
        place: tuple[str | int, ...] = ("environments", environment)
        pinned = _mapping(section, place, bag).get("models")
        for key, entry in _mapping(pinned, (*place, "models"), bag).items():
            if fields := _fields(entry, LockedModel, ("version",), (*place, "models", key), bag):
                models[environment, key] = LockedModel(**{k: str(v) for k, v in fields.items()})
    for ref, entry in _mapping(value.get("images"), ("images",), bag).items():
        if fields := _fields(entry, LockedImage, ("digest",), ("images", ref), bag):
            words = {k: tuple(map(str, v)) for k, v in fields.items() if isinstance(v, list)}
            images[ref] = LockedImage(digest=str(fields["digest"]), **words)
    return Lock(models=models, images=images), bag.located(locate(tree))


def _mapping(value: object, path: tuple[str | int, ...], bag: Bag) -> dict[str, object]:
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    bag.add(_broken(path, "a mapping"))
    return {}


def _fields(
    value: object, kind: type, required: tuple[str, ...], path: tuple[str | int, ...], bag: Bag
) -> dict[str, object]:
    entry = _mapping(value, path, bag)
    known = kind.__dataclass_fields__  # type: ignore[attr-defined]
    if unknown := sorted(set(entry) - set(known)):
        bag.add(_broken((*path, unknown[0]), f"only {', '.join(known)}"))
        return {}
    if missing := [name for name in required if not entry.get(name)]:
        bag.add(_broken(path, f"the field `{missing[0]}`"))
        return {}
    return {key: item for key, item in entry.items() if item is not None}


def _broken(path: tuple[str | int, ...], wanted: str) -> Diagnostic:
    return Diagnostic(
        code="LOCK001",
        message=f"this is not what `mlwright lock` writes: {wanted} is expected here",
        at=Label(path=path),
        help="run `mlwright lock --update`, or take the file from git: it is not edited by hand",
    )

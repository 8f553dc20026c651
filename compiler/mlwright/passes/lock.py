"""`mlproject.lock` as the compiler reads it: model aliases pinned to versions, image tags pinned to digests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from mlwright.diag import Bag, Diagnostic, Label
from mlwright.record import dataclass
from mlwright.regex import lazy
from mlwright.source.files import FileTree, NotAFile, Unreadable
from mlwright.source.load import load_file
from mlwright.source.tree import locate, plain
from mlwright.span import Path, Span

NAME = "mlproject.lock"
_CONFLICT = lazy(r"(?m)^(?:<{7}|={7}|>{7}|\|{7})(?: .*)?$")
_DIGEST = lazy(r"sha256:[0-9a-f]{64}")
_VERSION = lazy(r"[1-9][0-9]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedModel:
    """One version of a registered model, as an alias pointed at it when the lock was written.

    `source` is what was registered, `uri` where its files are. `digest` is `sha256:` over every file, or `list:` over
    the list of files and MLmodel; empty where the files could not be listed.
    """

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


class Anything(Mapping[tuple[str, str], LockedModel]):
    """Stands in for the models of a lock that is damaged or yet to be made: it pins whatever is asked for."""

    def __getitem__(self, key: tuple[str, str]) -> LockedModel:
        return LockedModel(version="1")

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(())

    def __len__(self) -> int:
        return 0


def read_lock(files: FileTree, path: str) -> tuple[Lock, Bag]:
    """The lock at `path`, empty where there is none; a file that is not a lock is one finding for each place."""
    if not files.exists(path):
        return Lock(), Bag()
    if files.isdir(path):
        what = f"{NAME} is a folder, and the compiler reads a file of that name"
        return Lock(), Bag(
            [Diagnostic(code="LOCK001", message=what, help="move it away: `mlwright lock` writes the file")]
        )
    if (conflict := _conflict(files, path)) is not None:
        return Lock(), Bag([conflict])
    tree, bag = load_file(files, path)
    if tree is None or bag.failed:
        return Lock(), bag
    value = plain(tree)
    assert isinstance(value, dict)
    if unknown := sorted(set(value) - {"environments", "images"}):
        bag.add(_broken((unknown[0],), "only `environments` and `images`"))
    models: dict[tuple[str, str], LockedModel] = {}
    images: dict[str, LockedImage] = {}
    for environment, section in _mapping(value.get("environments"), ("environments",), bag).items():
        place: Path = ("environments", environment)
        known = _mapping(section, place, bag)
        if unknown := sorted(set(known) - {"models"}):
            bag.add(_broken((*place, unknown[0]), "only `models`"))
        pinned = known.get("models")
        for key, entry in _mapping(pinned, (*place, "models"), bag).items():
            if (model := _model(entry, (*place, "models", key), bag)) is not None:
                models[environment, key] = model
    for ref, entry in _mapping(value.get("images"), ("images",), bag).items():
        if (image := _image(entry, ("images", ref), bag)) is not None:
            images[ref] = image
    return Lock(models=models, images=images), bag.located(locate(tree))


def _conflict(files: FileTree, path: str) -> Diagnostic | None:
    try:
        text = files.read(path).decode("utf-8", "replace")
    except (NotAFile, Unreadable):
        return None  # said when it is loaded
    if not (found := _CONFLICT.search(text)):
        return None
    line = text.count("\n", 0, found.start()) + 1
    span = Span(file=path, line=line, col=1, end_line=line, end_col=len(found[0]) + 1)
    return Diagnostic(
        code="LOCK003",
        message=f"{NAME} has the marks of a merge that is not finished",
        at=Label(span=span),
        help="keep one side, `git checkout --theirs mlproject.lock` for example, then run `mlwright lock`",
    )


def _model(value: object, path: Path, bag: Bag) -> LockedModel | None:
    entry = _fields(value, LockedModel, ("version",), path, bag)
    words = {name: str(text) for name, text in entry.items() if isinstance(text, (str, int))}
    if wrong := sorted(set(entry) - set(words)):
        bag.add(_broken((*path, wrong[0]), "text"))
    elif entry and not _VERSION.fullmatch(words["version"]):
        bag.add(_broken((*path, "version"), "the number of a version"))
    elif entry:
        return LockedModel(**words)
    return None


def _image(value: object, path: Path, bag: Bag) -> LockedImage | None:
    entry = _fields(value, LockedImage, ("digest",), path, bag)
    words: dict[str, tuple[str, ...]] = {}
    for name in ("entrypoint", "cmd"):
        items = entry.get(name, [])
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            bag.add(_broken((*path, name), "a list of words"))
            return None
        words[name] = tuple(items)
    if entry and not _DIGEST.fullmatch(str(entry["digest"])):
        bag.add(_broken((*path, "digest"), "`sha256:` and 64 hexadecimal digits"))
        return None
    return LockedImage(digest=str(entry["digest"]), **words) if entry else None


def _mapping(value: object, path: Path, bag: Bag) -> dict[str, object]:
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    bag.add(_broken(path, "a mapping"))
    return {}


def _fields(value: object, kind: type, required: tuple[str, ...], path: Path, bag: Bag) -> dict[str, object]:
    entry = _mapping(value, path, bag)
    known = kind.__dataclass_fields__  # type: ignore[attr-defined]
    if unknown := sorted(set(entry) - set(known)):
        bag.add(_broken((*path, unknown[0]), f"only {', '.join(known)}"))
        return {}
    if missing := [name for name in required if not entry.get(name)]:
        bag.add(_broken(path, f"the field `{missing[0]}`"))
        return {}
    return {key: item for key, item in entry.items() if item is not None}


def _broken(path: Path, wanted: str) -> Diagnostic:
    return Diagnostic(
        code="LOCK001",
        message=f"this is not what `mlwright lock` writes: {wanted} is expected here",
        at=Label(path=path),
        help="take the file from git, or remove this entry and run `mlwright lock`: it is not edited by hand",
    )

"""The two files that stand beside a project: what the lock pins, and what ops say of the platform."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from mlwright.analysis import Analysis
from mlwright.diag import Label
from mlwright.passes.lock import LockedImage, LockedModel
from mlwright.record import replace
from mlwright.review.words.told import Told, told
from mlwright.source.tree import Entry, Json, Map, Node, Scalar, locate, walk
from mlwright.span import Span

_DIGITS = 12
"""How much of a digest or a run's id is shown."""


def of_platform(base: Analysis, head: Analysis, same: set[tuple[int, int]]) -> list[Told]:
    """What differs between the platform files. An environment that went to another file says that itself."""
    old, new = base.profile, head.profile
    if old is None or new is None or old.tree is None or new.tree is None or old.name != new.name:
        return []
    found = told(_below(old.tree), _below(new.tree), same)
    return [replace(item, label=new.name, whole=False) for item in found]


def _below(tree: Node) -> Node:
    return Map(entries={"platform": Entry(key="platform", key_span=tree.span, node=tree)}, span=tree.span)


def of_lock(base: Analysis, head: Analysis) -> Iterator[Told]:
    """What the lock pins otherwise: the versions of one environment's models, and digests of images."""
    name = head.environment
    olds, news = (
        {key: model for (environment, key), model in side.lock.models.items() if environment == name}
        for side in (base, head)
    )
    for key in dict.fromkeys((*news, *olds)):
        if olds.get(key) != news.get(key):
            said = _model(key, olds.get(key), news.get(key))
            yield _pinned("models", key, said, olds.get(key), news.get(key), _use(head.tree, key))
    images, now = base.lock.images, head.lock.images
    for ref in dict.fromkeys((*now, *images)):
        if images.get(ref) != now.get(ref):
            said = _image(ref, images.get(ref), now.get(ref))
            yield _pinned("images", ref, said, images.get(ref), now.get(ref), None)


def _pinned(
    kind: str,
    key: str,
    said: str,
    before: LockedModel | LockedImage | None,
    after: LockedModel | LockedImage | None,
    span: Span | None,
) -> Told:
    old, new = _json(before), _json(after)
    return Told(section="lock", label="", said=said, path=("lock", kind, key), before=old, after=new, span=span)


def _json(value: LockedModel | LockedImage | None) -> Json:
    if value is None:
        return None
    return {key: list(item) if isinstance(item, tuple) else item for key, item in asdict(value).items() if item}


def _model(key: str, old: LockedModel | None, new: LockedModel | None) -> str:
    if new is None:
        return f"{key} no longer pinned (was version {old.version if old else ''})"
    source = f"from run {new.run_id[:_DIGITS]}" if new.run_id else ""
    if old is None:
        return f"{key} pinned to version {new.version}{', ' + source if source else ''}"
    if old.version != new.version:
        back = int(new.version) < int(old.version)
        return f"{key} {'rolled back from ' if back else ''}version {old.version} -> {new.version}" + (
            f", {source}" if source else ""
        )
    if old.digest != new.digest:
        return f"{key} version {new.version}: its files are others ({_short(old.digest)} -> {_short(new.digest)})"
    return f"{key} version {new.version}: its place or its source is written in another way"


def _image(ref: str, old: LockedImage | None, new: LockedImage | None) -> str:
    if new is None:
        return f"image {ref} no longer pinned to a digest"
    if old is None:
        return f"image {ref} pinned to {_short(new.digest)}"
    if old.digest != new.digest:
        return f"image {ref}, under the same name: {_short(old.digest)} -> {_short(new.digest)}"
    return f"image {ref}: entry point or command is written in another way"


def _short(digest: str) -> str:
    kind, colon, digits = digest.partition(":")
    return f"{kind}{colon}{digits[:_DIGITS]}" if digest else "nothing"


def _use(tree: Node, key: str) -> Span | None:
    """Where the project file names the alias."""
    wanted = f"@{key.rpartition('@')[2]}}}"

    def names(scalar: Scalar) -> bool:
        return isinstance(scalar.value, str) and wanted in scalar.value

    return next((locate(tree)(Label(path=path)) for path, _ in walk(tree, names)), None)

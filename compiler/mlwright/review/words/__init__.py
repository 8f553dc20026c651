"""What a change means, in the words of the project: sentences for everything that differs, and nothing twice."""

from __future__ import annotations

from collections.abc import Sequence

from mlwright.analysis import Analysis
from mlwright.ir import Json
from mlwright.review.model import Remark
from mlwright.review.words.beside import of_lock, of_platform
from mlwright.review.words.told import DEFAULTS, Told, at_their_source, of_defaults, told

Pair = tuple[str, Analysis | None, Analysis | None]
"""An environment: its name, at base, at head; None where that revision has none of this name."""


def remarks(pairs: Sequence[Pair]) -> tuple[Remark, ...]:
    """A remark for every difference between the resolved project files, the locks and the platform files of each
    environment. Equal ones of several environments are one; values that look like secrets are concealed. Their hazards
    are added by `risks.judged`."""
    shared = {name for name, base, head in pairs if base is not None and head is not None}
    merged: dict[tuple[str, str], tuple[Told, list[str]]] = {}
    beneath: list[tuple[str, Told]] = []
    same: set[tuple[int, int]] = set()
    for name, base, head in pairs:
        found = _of(name, base, head, same)
        beneath += [(name, item) for item in found if item.layer == DEFAULTS]
        for item in at_their_source([item for item in found if item.layer != DEFAULTS]):
            merged.setdefault((item.section, item.text), (item, []))[1].append(name)
    everything = [*((names, item) for names, item in of_defaults(beneath)), *((n, i) for i, n in merged.values())]
    return tuple(_remark(item, tuple(names), set(names) == shared) for names, item in everything)


def _of(name: str, base: Analysis | None, head: Analysis | None, same: set[tuple[int, int]]) -> list[Told]:
    if base is None or head is None:
        there = base or head
        return [_environment(name, there, head is not None)] if there is not None else []
    return [*told(base.tree, head.tree, same), *of_lock(base, head), *of_platform(base, head, same)]


def _environment(name: str, analysis: Analysis, added: bool) -> Told:
    project = analysis.project
    where = f": on {project.environment.platform}" if added and project is not None else ""
    if added and project is not None and project.environment.namespace:
        where += f", namespace {project.environment.namespace}"
    word = "added" if added else "removed"
    path = ("environments", name)
    value: Json = {"platform": project.environment.platform} if project is not None else {}
    before, after = (None, value) if added else (value, None)
    return Told(
        section="environments", label=name, said=f"{word}{where}", path=path, before=before, after=after, whole=True
    )


def _remark(item: Told, environments: tuple[str, ...], everywhere: bool) -> Remark:
    return Remark(
        section=item.section,
        text=item.text,
        path=item.path,
        environments=environments,
        everywhere=everywhere,
        span=item.span,
        before=item.before,
        after=item.after,
    )

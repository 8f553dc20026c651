"""One sound project in memory, and what of it is different: what the tests of reviews compare."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from mlwright.analysis import Analysis, Outcome, analyse
from mlwright.registry import installed
from mlwright.review.model import Remark
from mlwright.review.risks import judged
from mlwright.review.words import remarks
from mlwright.source.files import Memory

HERE = Path(__file__).parent
SPEC = yaml.safe_load((HERE / "project.yaml").read_text())
PLATFORM = yaml.safe_load((HERE / "platform.yaml").read_text())
LOCK = "mlproject.lock"


def merged(base: Any, over: Any) -> Any:
    """`over` laid on `base`: mappings by key, null removes, everything else replaces."""
    if not isinstance(over, dict):
        return over
    made = dict(base) if isinstance(base, dict) else {}
    for key, value in over.items():
        if value is None:
            made.pop(key, None)
        else:
            made[key] = merged(made.get(key), value)
    return made


def stacked(first: Any, second: Any) -> Any:
    """Two changes as one: what null removes is removed by both."""
    if not isinstance(first, dict) or not isinstance(second, dict):
        return second
    return {**first, **{key: stacked(first.get(key), value) for key, value in second.items()}}


def tree(spec: Any = None, platform: Any = None, lock: Any = None, files: Any = None) -> Memory:
    """The project with these changes, as files."""
    texts = {
        "mlproject.yaml": yaml.safe_dump(merged(copy.deepcopy(SPEC), spec or {}), sort_keys=False),
        "platform.yaml": yaml.safe_dump(merged(copy.deepcopy(PLATFORM), platform or {}), sort_keys=False),
        "request.json": "{}",
    }
    if lock is not None:
        texts[LOCK] = yaml.safe_dump(lock, sort_keys=False)
    return Memory({**texts, **(files or {})})


def analysed(files: Memory) -> Outcome:
    """The project understood."""
    return analyse(files, "mlproject.yaml", installed())


def pairs(base: Outcome, head: Outcome) -> Iterator[tuple[str, Analysis | None, Analysis | None]]:
    """The environments of both."""
    olds, news = ({one.environment: one for one in side.environments} for side in (base, head))
    for name in {**news, **olds}:
        yield name, olds.get(name), news.get(name)


def compared(base: Memory, head: Memory) -> tuple[Remark, ...]:
    """The remarks between two project trees, both of which have to be understood."""
    sides = analysed(base), analysed(head)
    for side in sides:
        wrong = [item.message for item in side.findings if item.severity == "error"]
        wrong += [
            f"{item.code} {item.message}" for one in side.environments for item in one.findings if not one.project
        ]
        assert not wrong, wrong
    return judged(remarks(list(pairs(*sides))))


def changed(head: Any = None, base: Any = None) -> tuple[Remark, ...]:
    """The remarks where the project file differs by `head` (and is different at base by `base`)."""
    return compared(tree(base), tree(stacked(base or {}, head or {})))


def texts(found: tuple[Remark, ...]) -> list[str]:
    """`section: text` of each."""
    return [f"{item.section}: {item.text}" for item in found]

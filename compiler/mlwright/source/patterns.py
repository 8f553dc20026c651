"""Dotted patterns over paths: `*` stands for one part, `**` for any number of parts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from mlwright.span import Path


def matches(patterns: Iterable[str], path: Path) -> bool:
    """True when a pattern fits `path` or one of its parents; list positions count as parts."""
    return _matches(tuple(patterns), path)


@lru_cache(maxsize=4096)
def _matches(patterns: tuple[str, ...], path: Path) -> bool:
    """Environments ask about the same paths one after the other."""
    return any(_fits(_split(pattern), path) for pattern in patterns)


def fits(pattern: str, path: Path) -> bool:
    """True when `pattern` fits exactly `path`. A leading `**` is the only one allowed."""
    parts = _split(pattern)
    return _fits(parts, path) and (parts[0] == "**" or len(parts) == len(path)) and _last(parts, path)


@lru_cache(maxsize=512)
def _split(pattern: str) -> tuple[str, ...]:
    return tuple(pattern.split("."))


def _last(parts: tuple[str, ...], path: Path) -> bool:
    rest = parts[1:] if parts[0] == "**" else parts
    tail = path[len(path) - len(rest) :]
    return len(tail) == len(rest) and all(want in ("*", have) for want, have in zip(rest, tail, strict=True))


def _fits(parts: tuple[str, ...], path: Path) -> bool:
    """A prefix of `path` fits `parts`."""
    if parts[0] == "**":
        rest = parts[1:]
        if len(rest) == 1 and rest[0] != "*":
            return rest[0] in path
        return any(_here(rest, path[start:]) for start in range(len(path)))
    return _here(parts, path)


def _here(parts: tuple[str, ...], path: Path) -> bool:
    if parts and parts[-1] == "**":
        parts = parts[:-1]
    return len(parts) <= len(path) and all(want in ("*", have) for want, have in zip(parts, path, strict=False))

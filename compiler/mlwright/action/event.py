"""What a workflow run is compared with, by the event that started it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlwright.record import dataclass

_NOTHING = "0" * 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A commit, branch or tag to compare with; or "" and why there is none."""

    revision: str = ""
    why: str = ""


def base(name: str, event: Mapping[str, Any], given: str = "") -> Base:
    """What the event called `name` is compared with; `given` is the input `base`, which comes first."""
    if given:
        return Base(revision=given)
    if name in ("pull_request", "pull_request_target"):
        return _of(_text(event, "pull_request", "base", "sha"), "the event names no base commit")
    if name == "merge_group":
        return _of(_text(event, "merge_group", "base_sha"), "the event names no base commit")
    if name == "push":
        return _pushed(event)
    return Base(why=f"an event of type `{name or 'unknown'}` changes nothing: set the input `base` to compare")


def pull_request(name: str, event: Mapping[str, Any]) -> int | None:
    """The number of the pull request that the event is about."""
    number = event.get("pull_request", {}).get("number") if name in ("pull_request", "pull_request_target") else None
    return number if isinstance(number, int) else None


def _pushed(event: Mapping[str, Any]) -> Base:
    before, ref = _text(event, "before"), _text(event, "ref")
    if _text(event, "after") == _NOTHING:
        return Base(why="the push removes a branch")
    if before and before != _NOTHING:
        return Base(revision=before)
    default = _text(event, "repository", "default_branch")
    if not ref.startswith("refs/heads/"):
        return Base(why="a pushed tag has nothing before it: set the input `base` to compare")
    if not default or ref == f"refs/heads/{default}":
        return Base(why="this is the first push of the default branch: there is nothing before it")
    return Base(revision=default)


def _of(revision: str, why: str) -> Base:
    return Base(revision=revision) if revision else Base(why=why)


def _text(event: Mapping[str, Any], *keys: str) -> str:
    found: Any = event
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""

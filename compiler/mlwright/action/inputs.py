"""The inputs of action.yml, as its steps pass them on, and what the runner says of where they run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlwright.record import dataclass
from mlwright.review.model import RISKS
from mlwright.source.suggest import did_you_mean

FAIL_ON = ("error", "warning", "never", *RISKS[1:])
"""What may be in `fail-on`; a class of risk means that class and every graver one."""


class InputError(Exception):
    """An input cannot be used; the text says which, why and what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a step goes by. `folder` is where steps leave what they found; `event` is GitHub's payload."""

    folder: Path
    paths: tuple[str, ...] = (".",)
    env: str | None = None
    strict: bool = False
    base: str = ""
    fail_on: tuple[str, ...] = ("error",)
    sarif: str = ""
    place: str = "."
    event_name: str = ""
    event: Mapping[str, Any]
    output: str = ""
    summary: str = ""
    repository: str = ""
    api: str = ""
    token: str = ""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Inputs:
        """Read from the environment of a step. Raises InputError."""
        folder = environ.get("MLWRIGHT_FOLDER", "")
        if not folder or not Path(folder).is_dir():
            raise InputError("MLWRIGHT_FOLDER is no folder: the steps of the Action run after its first one")
        return cls(
            folder=Path(folder),
            paths=_paths(environ),
            env=environ.get("MLWRIGHT_ENV") or None,
            strict=_flag(environ, "MLWRIGHT_STRICT", "strict"),
            base=environ.get("MLWRIGHT_BASE", "").strip(),
            fail_on=_fail_on(environ.get("MLWRIGHT_FAIL_ON", "")),
            sarif=environ.get("MLWRIGHT_SARIF", "").strip(),
            place=environ.get("MLWRIGHT_PLACE", "").strip().strip("/") or ".",
            event_name=environ.get("GITHUB_EVENT_NAME", ""),
            event=_event(environ.get("GITHUB_EVENT_PATH", "")),
            output=environ.get("GITHUB_OUTPUT", ""),
            summary=environ.get("GITHUB_STEP_SUMMARY", ""),
            repository=environ.get("GITHUB_REPOSITORY", ""),
            api=environ.get("GITHUB_API_URL", "") or "https://api.github.com",
            token=environ.get("MLWRIGHT_TOKEN", ""),
        )


def _paths(environ: Mapping[str, str]) -> tuple[str, ...]:
    """One path a line, so that names may have spaces."""
    lines = (line.strip() for line in environ.get("MLWRIGHT_PATHS", "").splitlines())
    return tuple(line for line in lines if line) or (".",)


def _flag(environ: Mapping[str, str], name: str, shown: str) -> bool:
    text = environ.get(name, "").strip().lower()
    if text not in ("", "true", "false"):
        raise InputError(f"`{shown}` is `true` or `false`, not `{text}`")
    return text == "true"


def _fail_on(text: str) -> tuple[str, ...]:
    words = tuple(filter(None, re.split(r"[,\s]+", text))) or ("error",)
    for word in words:
        if word not in FAIL_ON:
            hint = did_you_mean(word, FAIL_ON) or f"write some of {', '.join(FAIL_ON)}"
            raise InputError(f"`fail-on` has `{word}`, which is neither a severity nor a class of risk: {hint}")
    if "never" in words and len(words) > 1:
        raise InputError("`fail-on: never` stands alone")
    return words


def _event(path: str) -> Mapping[str, Any]:
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError) as problem:
        raise InputError(f"the event in GITHUB_EVENT_PATH cannot be read: {problem}") from problem
    return found if isinstance(found, dict) else {}

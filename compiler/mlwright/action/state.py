"""What steps leave for each other: files of the Action's own folder."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from mlwright.cli.findings import FOLDED
from mlwright.diag import Diagnostic, Label
from mlwright.diag.render.json import entry
from mlwright.record import dataclass
from mlwright.review.model import Risk
from mlwright.span import Span

SUMMARY_ROOM = 200_000
"""Characters of the change in the summary: at four bytes each it stays below the 1 MiB that GitHub takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What `validate` or `check` found; `unusable` says why there was nothing to look at."""

    unusable: str = ""
    items: tuple[Diagnostic, ...] = ()

    def write(self, folder: Path, step: str) -> None:
        """Leave it for the next steps."""
        made = {"unusable": self.unusable, "items": [entry(item) for item in self.items]}
        (folder / f"{step}.json").write_text(json.dumps(made), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path, step: str) -> Findings | None:
        """What a step left; None where it did not run."""
        path = folder / f"{step}.json"
        if not path.is_file():
            return None
        made = json.loads(path.read_text(encoding="utf-8"))
        return cls(unusable=made["unusable"], items=tuple(map(_item, made["items"])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What `diff` found; `why` says why there was nothing to compare with."""

    base: str = ""
    changed: bool = False
    risk: Risk = "safe"
    headline: str = ""
    why: str = ""

    def write(self, folder: Path) -> None:
        """Leave it for the next steps."""
        made = {name: getattr(self, name) for name in ("base", "changed", "risk", "headline", "why")}
        (folder / "diff.json").write_text(json.dumps(made), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Change:
        """What the step left; nothing changed where it did not run."""
        path = folder / "diff.json"
        if not path.is_file():
            return cls(why="it was not asked for")
        made = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**made, "risk": cast("Risk", made["risk"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """All that the steps found. `stale` is None where `check` did not run; `sarif` is where that file goes."""

    folder: Path
    findings: tuple[Diagnostic, ...]
    checked: Findings | None
    change: Change
    unusable: str = ""
    sarif: str

    @property
    def errors(self) -> int:
        """How many findings are errors; output that is not current is one."""
        return sum(1 for item in self.findings if item.severity == "error")

    @property
    def warnings(self) -> int:
        """How many findings are warnings."""
        return sum(1 for item in self.findings if item.severity == "warning")

    @property
    def stale(self) -> bool | None:
        """Whether committed output is not current."""
        if self.checked is None:
            return None
        return any(item.severity == "error" for item in self.checked.items)


def gathered(folder: Path, sarif: str = "") -> Gathered:
    """What the steps before this one left. `sarif` is where that file was asked for."""
    found, checked = Findings.read(folder, "validate") or Findings(), Findings.read(folder, "check")
    return Gathered(
        folder=folder,
        findings=(*found.items, *(checked.items if checked else ())),
        checked=checked,
        change=Change.read(folder),
        unusable=found.unusable or (checked.unusable if checked else ""),
        sarif=str(Path(sarif).resolve() if sarif else folder / "mlwright.sarif"),
    )


def loud(items: Iterable[Diagnostic]) -> list[Diagnostic]:
    """What is worth an annotation: all but how a target does things, and that there is nothing to check."""
    return [item for item in items if item.code != FOLDED and not (item.severity == "note" and _of_check(item))]


def _of_check(item: Diagnostic) -> bool:
    return item.code.startswith("CHECK")


def outputs(path: str, made: Gathered) -> None:
    """Write the outputs of the Action. What did not run has none."""
    values: dict[str, str] = {
        "errors": str(made.errors),
        "warnings": str(made.warnings),
        "stale": "" if made.stale is None else str(made.stale).lower(),
        "sarif-file": made.sarif,
        "summary": str(made.folder / "summary.md"),
    }
    if not made.change.why:
        values |= {
            "base": made.change.base,
            "changed": str(made.change.changed).lower(),
            "risk": made.change.risk,
            "plan-json": str(made.folder / "plan.json"),
        }
    if path:
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.writelines(_output(name, value) for name, value in values.items())


def _output(name: str, value: str) -> str:
    """One output, closed by a word that no value can hold on purpose."""
    end = f"end-{secrets.token_hex(16)}"
    return f"{name}<<{end}\n{value}\n{end}\n"


def comment_key(place: str, env: str | None) -> str:
    """What tells the comments of several uses of the Action at one pull request apart."""
    words = [] if place == "." else [place]
    text = "/".join([*words, *([f"env.{env}"] if env else [])])
    return re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9._/-]", "_", text))[:100]


def count(number: int, what: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def severities(items: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`, in words."""
    from mlwright.diag.render.text import summary

    return summary(items)


def _item(made: dict[str, Any]) -> Diagnostic:
    return Diagnostic(
        code=made["code"],
        severity=made["severity"],
        message=made["message"],
        at=_label(made),
        related=tuple(map(_label, made["related"])),
        help=made["help"],
    )


def _label(made: dict[str, Any]) -> Label:
    path = (made["path"],) if made["path"] else ()
    span = None
    if made["file"] is not None:
        span = Span(made["file"], made["line"], made["col"], made["end_line"], made["end_col"])
    return Label(path=path, text=made["label"], span=span)

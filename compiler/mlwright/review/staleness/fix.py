"""Makes an output what its project compiles to, and loses no edit on the way."""

from __future__ import annotations

import contextlib
import difflib
import os
import posixpath
from collections.abc import Callable, Sequence
from pathlib import Path

from mlwright.emit import index as indexes
from mlwright.record import dataclass
from mlwright.review.staleness.project import Inspection, Output

EDITS = ".mlwright/edits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A line for each thing that was done, and why nothing was."""

    done: tuple[str, ...] = ()
    refused: str = ""


def mend(inspection: Inspection, compile: Callable[[Sequence[str]], Sequence[str] | None], *, force: bool) -> Mended:
    """Compile what is not current and remove what is left over. `compile` takes the names of environments and returns
    what it wrote, None where it wrote nothing. With `force` edits go, too: each is kept as a patch first."""
    if why := _refusal(inspection, force):
        return Mended(refused=f"{inspection.spec}: {why}")
    edits = {path: _text(path) for path in _edited(inspection)}
    there = [one for one in inspection.outputs if one.status in ("there", "missing") and _needs(one)]
    done: list[str] = []
    if there:
        written = compile([one.environment for one in there])
        if written is None:
            return Mended(refused=f"{inspection.spec}: it could not be compiled")
        done += written
    for path in edits:
        if path not in _made(there):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
    done += [_remove(one) for one in inspection.outputs if one.status == "removed"]
    if edits:
        done.append(_keep(posixpath.dirname(inspection.spec), edits))
    return Mended(done=tuple(done))


def _refusal(inspection: Inspection, force: bool) -> str:
    if inspection.broken:
        return f"resolve the conflict in {', '.join(inspection.broken)} first"
    if inspection.findings:
        return "it does not compile, so nothing was written"
    if unreadable := [one for one in inspection.outputs if one.unreadable]:
        return (
            f"{unreadable[0].folder}/{indexes.NAME} cannot be read, so nobody knows what is ours: nothing was written"
        )
    ways = [
        f"{one.folder}/{item.path}" for one in inspection.outputs for item in one.files if item.state == "in-the-way"
    ]
    if ways:
        return f"{', '.join(ways)} would be overwritten, and is not ours: nothing was written"
    edited = _edited(inspection)
    if edited and not force:
        return (
            f"edits by hand would be lost, so nothing was written: {', '.join(edited)} (`--fix --force` takes them "
            f"back and keeps them as a patch in {EDITS})"
        )
    return ""


def _needs(one: Output) -> bool:
    return one.status == "missing" or bool(one.turned) or any(item.state != "foreign" for item in one.files)


def _edited(inspection: Inspection) -> list[str]:
    return [f"{one.folder}/{item.path}" for one in inspection.outputs for item in one.files if item.edited]


def _made(outputs: Sequence[Output]) -> set[str]:
    """The paths of edited files that the project makes: what compiles writes them."""
    return {
        f"{one.folder}/{item.path}" for one in outputs for item in one.files if item.edited and item.state != "orphan"
    }


def _remove(one: Output) -> str:
    """Remove the files of an output that has no environment any more; what is not ours stays."""
    gone = [item.path for item in one.files if item.state not in ("foreign", "in-the-way")]
    for path in [*gone, indexes.NAME]:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{one.folder}/{path}")
    for base in [*(base for base, _, _ in os.walk(one.folder, topdown=False)), posixpath.dirname(one.folder)]:
        with contextlib.suppress(OSError):  # something of another's is in it
            os.rmdir(base)
    return f"{one.folder}: {len(gone) + 1} removed"


def _keep(base: str, edits: dict[str, list[str]]) -> str:
    """Write the edits as a patch, against what is there now; where it is."""
    folder = Path(base or ".") / EDITS
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while (folder / f"{number}.patch").exists():
        number += 1
    pieces: list[str] = []
    for path, text in edits.items():
        name = os.path.relpath(path, base or ".").replace(os.sep, "/")
        now = _text(path)
        lines = difflib.unified_diff(now, text, f"a/{name}" if now else "/dev/null", f"b/{name}")
        pieces += [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines]
    kept = folder / f"{number}.patch"
    kept.write_text("".join(pieces), encoding="utf-8", errors="surrogateescape", newline="")
    return f"{kept.as_posix()}: the edits by hand, as a patch against the output as it is now"


def _text(path: str) -> list[str]:
    try:
        text = Path(path).read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return []
    lines = text.split("\n")
    return [*(f"{line}\n" for line in lines[:-1]), *filter(None, lines[-1:])]

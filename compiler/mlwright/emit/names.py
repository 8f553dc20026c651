"""Which relative paths may be written: plain, below the folder, and distinct on every file system."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from mlwright.diag import Bag, Diagnostic
from mlwright.regex import lazy

_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", *(f"com{digit}" for digit in range(1, 10)), *(f"lpt{digit}" for digit in range(1, 10))]
)


_CONTROL = lazy("[\x00-\x1f\x7f\\\\]")


def problem(path: str) -> str:
    """Why `path` cannot be written below a folder; empty when it can."""
    if not path or path.startswith("/") or (len(path) > 1 and path[1] == ":"):
        return "it is not a relative path"
    if _CONTROL.search(path):
        return "it has a backslash or a control character"
    for part in path.split("/"):
        if part in ("", ".", ".."):
            return "it has an empty, `.` or `..` part"
        if part.endswith((".", " ")) or part.split(".")[0].lower() in _RESERVED:
            return f"`{part}` is not a file name on Windows"
    return ""


def check(paths: Iterable[str]) -> Bag:
    """One OUT001 for each path that cannot be written, one OUT002 for each pair that is one file somewhere."""
    bag = Bag()
    seen: dict[str, str] = {}
    files = sorted(paths)
    known = set(files)
    above: dict[str, list[str]] = {}
    for path in files:
        if why := problem(path):
            bag.add(Diagnostic(code="OUT001", message=f"the output path {path!r} is refused: {why}"))
        folder = path.rpartition("/")[0]
        new = [path]
        if folder not in above:
            above[folder] = _folders(path)
            new = [*above[folder], path]
        for head in new:
            first = seen.setdefault(_folded(head), head)
            if first != head:
                bag.add(_collision(first, head))
        for head in above[folder]:
            if head in known:
                bag.add(_collision(head, path))
    return bag


def _folders(path: str) -> list[str]:
    """All folders above a path, outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _folded(path: str) -> str:
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _collision(one: str, other: str) -> Diagnostic:
    return Diagnostic(
        code="OUT002",
        message=f"the output paths {one!r} and {other!r} are one and the same on some file systems",
        help="rename one of the two things in the specification that they come from",
    )

"""What is said about an object: at the line of the specification that the value came from."""

from __future__ import annotations

from dataclasses import replace

from mlwright.diag import Diagnostic, Label
from mlwright.diag.diagnostic import Severity
from mlwright.emit.map import origin_of
from mlwright.ir import Origin
from mlwright.span import Path, dotted
from mlwright.verify.manifest import Manifest


def finding(
    code: str,
    manifest: Manifest,
    path: Path,
    message: str,
    help: str = "",
    *,
    severity: Severity = "error",
    related: tuple[Label, ...] = (),
    on_key: bool = False,
) -> Diagnostic:
    """A finding about the value at `path` (from the document's root) of an object, or about its key."""
    label = place(manifest, path, on_key=on_key)
    return Diagnostic(code=code, message=message, at=label, help=help, severity=severity, related=related)


def place(manifest: Manifest, path: Path, text: str = "", *, on_key: bool = False) -> Label:
    """Where the file or the specification says what is at `path`: the value where it was taken as it is, else the key
    above."""
    if (read := _in_file(manifest, path, text, on_key)) is not None:
        return read
    origin = origin_of(manifest.document, path)
    at = origin.path if origin is not None else ()
    exact = bool(at) and bool(path) and at[-1] == path[-1] and not on_key
    return Label(path=at, text=text, on="value" if exact or (at and isinstance(at[-1], int)) else "key")


def _in_file(manifest: Manifest, path: Path, text: str, on_key: bool) -> Label | None:
    """The place in the file that the document was read from, or the nearest that is there."""
    find = manifest.document.find
    for count in range(len(path), 0, -1) if find is not None else ():
        exact = count == len(path) and not on_key
        label = Label(path=path[:count], text=text, on="value" if exact or isinstance(path[count - 1], int) else "key")
        if find is not None and (span := find(label)) is not None:
            return replace(label, span=span)
    return None


def is_users(manifest: Manifest, path: Path) -> bool:
    """Whether the value was written by hand, for this platform: in a patch or in an added file."""
    origin: Origin | None = origin_of(manifest.document, path)
    return origin is not None and origin.path[:1] in (("patches",), ("objects",))


def shown(manifest: Manifest, path: Path) -> str:
    """`path` below the object, the way users see paths."""
    return dotted(path[len(manifest.at) :])

"""`index.json`: which inputs an output folder came from and which files in it are ours.

An input is a path relative to the spec's folder with the sha256 of its content. Where only that was asked, it is what
there is at the path: `absent`, `file` or `folder`. The names of the files in a folder (`objects/*`), or in all folders
below it (`objects/**`), are an input too, as the sha256 of that list.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from mlwright.emit.json import digest
from mlwright.record import dataclass

NAME = "index.json"
VERSION = 1
ABSENT = "absent"
FILE = "file"
FOLDER = "folder"
HERE = "/*"
BELOW = "/**"
"""Ends of an input's path that stands for the list of the files in a folder, or in it and all below."""
_quoted = json.encoder.encode_basestring
_MARKERS = (b"<<<<<<< ", b"||||||| ", b"=======", b">>>>>>> ")


class UnreadableIndexError(ValueError):
    """The text is not an index of a version that we know; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """What an output folder came from. `inputs` maps paths relative to the spec's folder to what they held, `files`
    paths below the output folder to sha256; `executable` are some of these.

    `folder` is the output folder relative to the spec's folder, POSIX. The index itself is not among `files`.
    `environments` are all of the project that have output. `partial` is True where not all targets were written.
    """

    environment: str
    folder: str
    compiler: str
    inputs: Mapping[str, str]
    files: Mapping[str, str]
    environments: tuple[str, ...] = ()
    executable: tuple[str, ...] = ()
    partial: bool = False

    @property
    def input_digest(self) -> str:
        """Identifies all inputs together."""
        return digest(dict(self.inputs))

    def text(self) -> str:
        """The canonical file: sorted, one value a line, file paths relative to the spec's folder."""
        parts = [
            f'"version": {VERSION}',
            *(f'"{key}": {_quoted(text)}' for key, text in self._words()),
            _list("environments", self.environments),
            *(['"partial": true'] if self.partial else []),
            _map("inputs", self.inputs, ""),
            *([_list("executable", self.executable)] if self.executable else []),
            _map("files", self.files, f"{self.folder}/"),
        ]
        return "{\n  " + ",\n  ".join(parts) + "\n}\n"

    def _words(self) -> tuple[tuple[str, str], ...]:
        words = ("environment", self.environment), ("folder", self.folder), ("compiler", self.compiler)
        return (*words, ("input_digest", self.input_digest))


def _list(key: str, values: Iterable[str]) -> str:
    inside = ",\n    ".join(map(_quoted, values))
    return f'"{key}": [\n    {inside}\n  ]' if inside else f'"{key}": []'


def _map(key: str, values: Mapping[str, str], prefix: str) -> str:
    # What the standard library writes with an indent, without its hundred calls for each line.
    inside = ",\n    ".join([f"{_quoted(prefix + path)}: {_quoted(values[path])}" for path in sorted(values)])
    return f'"{key}": {{\n    {inside}\n  }}' if inside else f'"{key}": {{}}'


def sha256(data: bytes) -> str:
    """The sha256 of `data`, in hex."""
    return hashlib.sha256(data).hexdigest()


def together(*found: Mapping[str, str]) -> dict[str, str]:
    """All inputs of several: who read a file knows more than who asked whether it is there."""
    inputs: dict[str, str] = {}
    for some in found:
        inputs.update({path: state for path, state in some.items() if state != FILE or path not in inputs})
    return inputs


def listing(names: Iterable[str]) -> str:
    """What stands for a list of files among the inputs."""
    return sha256("\n".join(names).encode("utf-8", "surrogatepass"))


def build(
    *,
    environment: str,
    folder: str,
    compiler: str,
    inputs: Mapping[str, str],
    files: Mapping[str, bytes],
    environments: Collection[str] = (),
    executable: Collection[str] = (),
    partial: bool = False,
) -> Index:
    """The index of `files` (paths below `folder`), made from `inputs`."""
    return Index(
        environment=environment,
        folder=folder,
        compiler=compiler,
        inputs=inputs,
        files={path: sha256(data) for path, data in files.items()},
        environments=tuple(sorted(environments)),
        executable=tuple(sorted(executable)),
        partial=partial,
    )


def parse(data: bytes) -> Index:
    """The index in `data`. Raises UnreadableIndexError for anything else, a merge conflict for example."""
    if in_conflict(data):
        raise UnreadableIndexError("a merge left both sides of a conflict in it")
    try:
        document = json.loads(data.decode("utf-8"))
    except ValueError as error:
        raise UnreadableIndexError(f"it is not JSON ({error})") from error
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise UnreadableIndexError(f"it is not an index of version {VERSION}")
    folder = _text(document, "folder")
    files = _shas(document, "files")
    prefix = f"{folder}/"
    strays = [path for path in files if not path.startswith(prefix)]
    if strays:
        raise UnreadableIndexError(f"it lists {strays[0]!r}, which is outside {folder!r}")
    return Index(
        environment=_text(document, "environment"),
        folder=folder,
        compiler=_text(document, "compiler"),
        inputs=_shas(document, "inputs"),
        files={path.removeprefix(prefix): sha for path, sha in files.items()},
        environments=_texts(document, "environments"),
        executable=_texts(document, "executable"),
        partial=document.get("partial") is True,
    )


def in_conflict(data: bytes) -> bool:
    """Whether git left the markers of a conflict in a text."""
    return b"<<<<<<< " in data and all(
        any(line.startswith(marker) for line in data.splitlines()) for marker in (_MARKERS[0], *_MARKERS[2:])
    )


def owned(data: bytes) -> dict[str, str]:
    """The files of the index in `data`; of one with conflicts in it, those of both sides. Raises UnreadableIndexError
    where a side cannot be read."""
    if not in_conflict(data):
        return dict(parse(data).files)
    return {path: sha for side in reversed(list(_sides(data))) for path, sha in parse(side).files.items()}


def _sides(data: bytes) -> Iterator[bytes]:
    """Our text and theirs, from one with conflicts in it."""
    for wanted in (_MARKERS[0], _MARKERS[2]):
        kept: list[bytes] = []
        part = b""
        for line in data.splitlines(keepends=True):
            marker = next((one for one in _MARKERS if line.startswith(one)), b"")
            if marker:
                part = b"" if marker == _MARKERS[3] else marker
            elif part in (b"", wanted):
                kept.append(line)
        yield b"".join(kept)


def _texts(document: dict[str, Any], key: str) -> tuple[str, ...]:
    value = document.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UnreadableIndexError(f"{key!r} is not a list of texts")
    return tuple(value)


def _text(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str):
        raise UnreadableIndexError(f"{key!r} is not text")
    return value


def _shas(document: dict[str, Any], key: str) -> dict[str, str]:
    value = document.get(key)
    if not isinstance(value, dict) or not all(isinstance(sha, str) for sha in value.values()):
        raise UnreadableIndexError(f"{key!r} does not map paths to digests")
    return value

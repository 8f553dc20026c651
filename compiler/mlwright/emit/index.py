"""`index.json`: which inputs an output folder came from and which files in it are ours."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mlwright.emit.json import digest
from mlwright.record import dataclass

NAME = "index.json"
VERSION = 1


class UnreadableIndexError(ValueError):
    """The text is not an index of a version that we know; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """What an output folder came from. Both maps lead to sha256: `inputs` from paths relative to the spec's folder,
    `files` from paths below the output folder.

    `folder` is the output folder relative to the spec's folder, POSIX. The index itself is not among `files`.
    """

    environment: str
    folder: str
    compiler: str
    inputs: Mapping[str, str]
    files: Mapping[str, str]

    @property
    def input_digest(self) -> str:
        """Identifies all inputs together."""
        return digest(dict(self.inputs))

    def text(self) -> str:
        """The canonical file: sorted, one value a line, file paths relative to the spec's folder."""
        data = {
            "version": VERSION,
            "environment": self.environment,
            "folder": self.folder,
            "compiler": self.compiler,
            "input_digest": self.input_digest,
            "inputs": dict(sorted(self.inputs.items())),
            "files": {f"{self.folder}/{path}": sha for path, sha in sorted(self.files.items())},
        }
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def sha256(data: bytes) -> str:
    """The sha256 of `data`, in hex."""
    return hashlib.sha256(data).hexdigest()


def build(
    *, environment: str, folder: str, compiler: str, inputs: Mapping[str, bytes], files: Mapping[str, bytes]
) -> Index:
    """The index of `files` (paths below `folder`), made from `inputs` (paths relative to the spec's folder)."""
    return Index(
        environment=environment,
        folder=folder,
        compiler=compiler,
        inputs={path: sha256(data) for path, data in inputs.items()},
        files={path: sha256(data) for path, data in files.items()},
    )


def parse(data: bytes) -> Index:
    """The index in `data`. Raises UnreadableIndexError for anything else, a merge conflict for example."""
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
    )


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

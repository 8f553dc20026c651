"""`mlproject.lock` as it is written: sorted, one value a line, whole or not at all."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from mlwright.emit import yaml
from mlwright.passes.lock import Lock, LockedImage, LockedModel

HEADER = """\
yaml-language-server: $schema=./schemas/lock.v1.schema.json
Written by `mlwright lock` and `mlwright promote`. Rolling back is reverting a commit of this file."""

Plain = dict[str, "str | list[str] | Plain"]


class ChangedError(Exception):
    """Somebody else wrote the lock file meanwhile."""


def text(lock: Lock, before: bytes | None = None) -> str:
    """The file's one form: equal locks give equal bytes, and entries that two branches change stand apart. Comments at
    the top of the file as it was `before` stay, such as a schema that is kept elsewhere."""
    data: Plain = {}
    environments: dict[str, dict[str, LockedModel]] = {}
    for (environment, key), model in lock.models.items():
        environments.setdefault(environment, {})[key] = model
    if environments:
        data["environments"] = {
            name: {"models": _sorted({key: _plain(entry) for key, entry in models.items()})}
            for name, models in sorted(environments.items())
        }
    if lock.images:
        data["images"] = _sorted({ref: _plain(image) for ref, image in lock.images.items()})
    return yaml.write(data, _header(before or b"") or HEADER)


def _header(before: bytes) -> str:
    lines = itertools.takewhile(lambda line: line.startswith("#"), before.decode("utf-8", "replace").splitlines())
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines)


def save(path: Path, data: str, before: bytes | None) -> None:
    """Replace the file at `path`, whose content was `before` (None: it was not there), by `data`; a link stays one.
    Raises ChangedError where it is another one now, OSError where it cannot be written; then nothing changed."""
    place = Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        if (place.read_bytes() if place.exists() else None) != before:
            raise ChangedError(f"{path} was changed by something else meanwhile: nothing is written, start again")
        os.chmod(name, place.stat().st_mode & 0o777 if before is not None else 0o666 & ~_umask())
        os.replace(name, place)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sorted(entries: Mapping[str, Plain]) -> Plain:
    return {key: entries[key] for key in sorted(entries)}


def _plain(entry: LockedModel | LockedImage) -> Plain:
    """An entry's fields in their order, without empty ones."""
    found: Plain = {}
    for field in fields(entry):
        value = getattr(entry, field.name)
        if value:
            found[field.name] = list(value) if isinstance(value, tuple) else value
    return found

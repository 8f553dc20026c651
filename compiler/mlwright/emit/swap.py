"""Puts a finished folder in the place of another in one step, so that nobody ever sees half of it."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_STALE = 600.0  # seconds after which a staging folder can only be what a killed process left
_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2) and RENAME_SWAP of renamex_np(3)
_AT_FDCWD = -100


@contextlib.contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A new empty folder beside `folder`, on the same file system; removed at the end unless it has taken its place."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    recover(folder)
    stage = _fresh(folder, "new")
    stage.mkdir()
    try:
        yield stage
    finally:
        if stage.exists():
            _remove(stage)


def recover(folder: Path) -> None:
    """Undo what a killed process left: put an old folder back that was moved away, remove old staging folders."""
    if not folder.parent.is_dir():
        return
    beside = sorted(folder.parent.iterdir())
    old = [path for path in beside if path.name.startswith(f".{folder.name}.old-")]
    if old and not folder.exists():
        old.pop().rename(folder)
    for left in (*old, *(path for path in beside if path.name.startswith(f".{folder.name}.new-"))):
        with contextlib.suppress(OSError):
            if time.time() - left.lstat().st_mtime > _STALE:
                _remove(left)


def replace(folder: Path, stage: Path) -> None:
    """Make `stage` be `folder`; afterwards the old content, if any, is at `stage` or gone. Raises OSError.

    One atomic exchange where the system has it. Elsewhere two renames: killed between them, the old folder is whole
    under another name and the next `recover` puts it back.
    """
    synchronise(stage)
    if not folder.exists():
        stage.rename(folder)
    elif not _exchange(folder, stage):
        _two_renames(folder, stage)
    synchronise(folder.parent)


def synchronise(folder: Path) -> None:
    """Flush the folder's own entries to disk, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _two_renames(folder: Path, stage: Path) -> None:
    old = _fresh(folder, "old")
    folder.rename(old)
    try:
        stage.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    old.rename(stage)


def _remove(folder: Path) -> None:
    import shutil  # with all its archives; a first compile has nothing to remove

    shutil.rmtree(folder, ignore_errors=True)


def _fresh(folder: Path, role: str) -> Path:
    return folder.parent / f".{folder.name}.{role}-{os.urandom(8).hex()}"


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders atomically; False where the system or the file system cannot."""
    if sys.platform == "linux":
        name, before, between = "renameat2", (_AT_FDCWD,), (_AT_FDCWD,)
    elif sys.platform == "darwin":
        name, before, between = "renamex_np", (), ()
    else:
        return False
    import ctypes

    call = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    if call is None:
        return False
    return bool(call(*before, os.fsencode(one), *between, os.fsencode(other), ctypes.c_uint(_EXCHANGE)) == 0)

"""Where `mlwright run` keeps everything: `.mlwright/` beside the spec."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class BusyError(Exception):
    """Another run holds this folder; the text says which."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The layout of `.mlwright/` in the folder `spec`. Nothing is made before `prepare`.

    `database_path` and `artifacts_path` are where the spec puts the tracking server's, relative to its folder; empty
    for the usual places.
    """

    spec: Path
    database_path: str = ""
    artifacts_path: str = ""

    @property
    def root(self) -> Path:
        return self.spec / ".mlwright"

    @property
    def database(self) -> Path:
        return self.spec / (self.database_path or ".mlwright/mlflow.db")

    @property
    def artifacts(self) -> Path:
        return self.spec / (self.artifacts_path or ".mlwright/artifacts")

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    def storage(self, name: str) -> Path:
        return self.root / "storage" / name

    def run(self, run_id: str) -> Path:
        return self.runs / run_id

    def prepare(self) -> None:
        """Make the folder, with a `.gitignore` of its own: state never belongs into a commit."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.database.parent.mkdir(parents=True, exist_ok=True)
        ignore = self.root / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")

    def resumed(self, text: str) -> str | None:
        """The id of the earlier run that `text` is, or is the only beginning of; None where there is none."""
        names = [path.name for path in self.runs.glob("*") if path.is_dir()]
        if text in names:
            return text
        found = [name for name in names if text and name.startswith(text)]
        return found[0] if len(found) == 1 else None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder's database for one run at a time. Raises BusyError; a crashed run holds nothing."""
        handle = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(os.pread(handle, 200, 0).decode(errors="replace").strip() or "unknown") from None
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"process {os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(handle)


def tail(log: Path, lines: int = 20) -> tuple[str, ...]:
    """The last `lines` lines of a log file, at most 64 KiB of them; empty where there is no such file."""
    try:
        with log.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - 65536))
            text = stream.read().decode(errors="replace")
    except OSError:
        return ()
    return tuple(text.splitlines()[-lines:])


def quoted(log: Path | None) -> tuple[str, ...]:
    """The end of a log as an error shows it, and where the whole log is; nothing where there is none."""
    if log is None:
        return ()
    return (*(f"  | {line}" for line in tail(log)), f"the whole log: {nearby(log)}")


def nearby(path: Path) -> str:
    """`path` from the working directory where it is below that, else whole."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (OSError, ValueError):
        return str(path)

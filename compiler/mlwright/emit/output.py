"""Writes an output folder: all of it or nothing, only below itself, and never over a file that is not ours."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from mlwright.diag import Bag, Diagnostic
from mlwright.emit import index as indexes
from mlwright.emit import names, swap
from mlwright.emit.index import Index
from mlwright.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What happened, as sorted paths below the folder. `kept` are files that we once wrote, that nothing makes any
    more, and that someone edited: they stay."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    files: Mapping[str, bytes]
    executable: Collection[str]
    present: Mapping[str, Path]
    written: Written


def write(
    folder: Path,
    files: Mapping[str, bytes],
    index: Index,
    *,
    executable: Collection[str] = (),
    anchor: Path | None = None,
    sound: Callable[[], bool] = lambda: True,
) -> tuple[Written | None, Bag]:
    """Make `folder` hold `files` and the index; None with OUT diagnostics when it cannot, and then nothing changed.

    Files that the previous index lists and nothing makes any more are removed, others stay. Unchanged files keep their
    inode and time. Every folder below `anchor` (default: the parent of `folder`) must be a real folder, no link.
    `sound` is asked when all is there and nothing has changed yet: where it says no, nothing does, without a finding.
    """
    bag = names.check([*files, indexes.NAME])
    everything = {**files, indexes.NAME: index.text().encode("utf-8")}
    try:
        bag.extend(_links(folder, anchor or folder.parent))
        if bag.failed:
            return None, bag
        swap.recover(folder)
        present = _present(folder)
        owned, obstacles = _owned(folder)
        obstacles = obstacles or tuple(_in_the_way(everything, present, owned))
        if obstacles:
            return None, Bag(obstacles)
        written = _compare(everything, executable, present, owned)
        plan = _Plan(files=everything, executable=executable, present=present, written=written)
        if not (_commit(folder, plan, sound) if written.added or written.changed or written.removed else sound()):
            return None, Bag()
    except OSError as error:
        return None, Bag([Diagnostic(code="OUT006", message=f"cannot write {folder.name}: {error.strerror or error}")])
    return written, _kept(written)


def _links(folder: Path, anchor: Path) -> Bag:
    """OUT003 for a component of `folder` below `anchor` that is a link, OUT004 for one that is no folder."""
    bag = Bag()
    try:
        parts = folder.relative_to(anchor).parts
    except ValueError:
        bag.add(Diagnostic(code="OUT001", message=f"the output folder {str(folder)!r} is outside of its project"))
        return bag
    here = anchor
    for part in parts:
        here /= part
        if part == "..":
            bag.add(Diagnostic(code="OUT001", message=f"the output folder {str(folder)!r} has a `..` part"))
        elif here.is_symlink():
            bag.add(_link(here))
        elif here.exists() and not here.is_dir():
            bag.add(_foreign(here.name))
    return bag


def _present(folder: Path) -> dict[str, Path]:
    """Everything in `folder` that is not a real folder (links to folders included), and empty folders as `path/`."""
    present: dict[str, Path] = {}
    if not folder.exists():
        return present
    for root, folders, files in os.walk(folder, onerror=_refuse):
        base = Path(root)
        for name in (*files, *(name for name in folders if (base / name).is_symlink())):
            present[(base / name).relative_to(folder).as_posix()] = base / name
        if base != folder and not folders and not files:
            present[f"{base.relative_to(folder).as_posix()}/"] = base
    return present


def _refuse(error: OSError) -> None:
    """A folder that cannot be read cannot be carried over either: stop before anything is lost."""
    raise error


def _owned(folder: Path) -> tuple[Mapping[str, str], tuple[Diagnostic, ...]]:
    """Paths to sha256 of what the previous compile wrote, or why that is unknown."""
    path = folder / indexes.NAME
    if path.is_symlink():
        return {}, (_link(path),)
    if not path.exists():
        return {}, ()
    data = path.read_bytes()
    try:
        return {**indexes.owned(data), indexes.NAME: indexes.sha256(data)}, ()
    except indexes.UnreadableIndexError as error:
        unreadable = Diagnostic(
            code="OUT005",
            message=f"{folder.name}/{indexes.NAME} cannot be read: {error}",
            help=f"restore {indexes.NAME} from git, or delete the folder {folder.name} and compile again",
        )
        return {}, (unreadable,)


def _in_the_way(files: Mapping[str, bytes], present: Mapping[str, Path], owned: Mapping[str, str]) -> Bag:
    """OUT003 and OUT004 for what stands where a file of ours must go and is not ours."""
    bag = Bag()
    for path, data in files.items() if present else ():
        for head in _heads(path):
            if head in present and present[head].is_symlink():
                bag.add(_link(present[head]))
            elif head in present and not _prunable(present[head], owned.get(head)):
                bag.add(_foreign(head))
        there = present.get(path)
        if there is not None and there.is_symlink():
            bag.add(_link(there))
        elif there is not None and path not in owned and not _same(there, data):
            bag.add(_foreign(path))
        elif there is None and (foreign := _foreign_below(path, present, owned)):
            bag.add(_foreign(foreign))
    return bag


def _foreign_below(folder: str, present: Mapping[str, Path], owned: Mapping[str, str]) -> str:
    """Something in `folder` that pruning leaves there; empty when it all goes."""
    below = (path for path in present if path.startswith(f"{folder}/"))
    return next((path for path in below if not _prunable(present[path], owned.get(path))), "")


def _prunable(path: Path, sha: str | None) -> bool:
    return sha is not None and _untouched(path, sha)


def _heads(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _same(path: Path, data: bytes) -> bool:
    return stat.S_ISREG(path.lstat().st_mode) and path.stat().st_size == len(data) and path.read_bytes() == data


def _compare(
    files: Mapping[str, bytes], executable: Collection[str], present: Mapping[str, Path], owned: Mapping[str, str]
) -> Written:
    added = [path for path in files if path not in present]
    unchanged = [
        path
        for path, data in files.items()
        if path in present and _same(present[path], data) and _runs(present[path]) == (path in executable)
    ]
    changed = set(files) - set(added) - set(unchanged)
    orphans = [path for path in owned if path not in files and path in present]
    removed = [path for path in orphans if _prunable(present[path], owned[path])]
    return Written(
        added=tuple(sorted(added)),
        changed=tuple(sorted(changed)),
        unchanged=tuple(sorted(unchanged)),
        removed=tuple(sorted(removed)),
        kept=tuple(sorted(set(orphans) - set(removed))),
    )


def _runs(path: Path) -> bool:
    return os.name == "nt" or bool(path.stat().st_mode & stat.S_IXUSR)


def _untouched(path: Path, sha: str) -> bool:
    return stat.S_ISREG(path.lstat().st_mode) and indexes.sha256(path.read_bytes()) == sha


def _kept(written: Written) -> Bag:
    return Bag(
        Diagnostic(
            code="OUT007",
            severity="warning",
            message=f"{path} is not made any more, but was edited by hand: it stays",
            help=f"delete {path}, or move it out of the output folder",
        )
        for path in written.kept
    )


def _commit(folder: Path, plan: _Plan, sound: Callable[[], bool]) -> bool:
    gone = {*plan.written.removed, *plan.written.changed}
    with swap.staging(folder) as stage:
        for path, there in plan.present.items():
            if path not in gone:
                _carry(there, stage / path)
        made: set[str] = set()
        for path in (*plan.written.added, *plan.written.changed):
            above = posixpath.dirname(path)
            if above not in made:
                (stage / above).mkdir(parents=True, exist_ok=True)
                made.add(above)
            _create(f"{stage}/{path}", plan.files[path], path in plan.executable)
        _keep_modes(folder, stage)
        if sound():
            swap.replace(folder, stage)
            return True
    return False


def _carry(source: Path, target: Path) -> None:
    """The same file under the new folder: a second name for it, or a faithful copy where links cannot be made."""
    if source.is_dir() and not source.is_symlink():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except (OSError, NotImplementedError):
        import shutil

        shutil.copy2(source, target, follow_symlinks=False)


def _keep_modes(folder: Path, stage: Path) -> None:
    if not folder.exists():
        return
    import shutil

    for there in (folder, *folder.rglob("*")):
        if there.is_dir() and not there.is_symlink() and (here := stage / there.relative_to(folder)).is_dir():
            shutil.copymode(there, here)


def _create(path: str, data: bytes, executable: bool) -> None:
    """A new file. Only the index is waited for until the disk has it: a file that a power failure has cut short does
    not have the digest that the index says, and the next compile writes it again; a cut index would have to be
    restored by hand."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags, 0o777 if executable else 0o666)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
        if path.endswith(f"/{indexes.NAME}"):
            os.fsync(handle)
    finally:
        os.close(handle)


def _link(path: Path) -> Diagnostic:
    return Diagnostic(
        code="OUT003",
        message=f"{path.name} is a symbolic link; output is never written through links",
        help=f"replace the link {path.name} by a real file or folder, or choose another output folder with -o",
    )


def _foreign(path: str) -> Diagnostic:
    return Diagnostic(
        code="OUT004",
        message=f"{path} is in the way: it was not written by mlwright, so it is left alone",
        help=f"move {path} away, or delete it, and compile again",
    )

"""A closer look at one project: compiled in memory, and compared with what is beside it, file by file."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterable, Sequence

from mlwright import __version__
from mlwright import build as building
from mlwright.analysis import Analysis, Outcome, analyse
from mlwright.diag import Bag, Diagnostic
from mlwright.emit import index as indexes
from mlwright.emit.index import Index
from mlwright.passes.lock import NAME as LOCK
from mlwright.record import dataclass
from mlwright.registry import Registry
from mlwright.review.staleness import quick
from mlwright.review.staleness.states import File, Found, Fresh, Terms, classify
from mlwright.source.files import Disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """The output of one environment. `folder` is relative to the working directory; `files` are those that are not
    current. `changed` are inputs that are not what they were, `compiler` is the version that made the output.

    `status`: `never` compiled at all, `missing` where other environments are there, `ignored` by git, and `removed`
    where the project has no such output any more.
    """

    environment: str
    folder: str
    status: str = "there"
    files: tuple[File, ...] = ()
    changed: tuple[str, ...] = ()
    turned: tuple[str, ...] = ()
    compiler: str = ""
    unreadable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """One project. `findings` are the errors that stand against compiling it; `broken` are inputs with the marks of a
    merge conflict in them."""

    spec: str
    outputs: tuple[Output, ...] = ()
    findings: tuple[Diagnostic, ...] = ()
    broken: tuple[str, ...] = ()
    usage_error: str = ""


def inspect(spec: str, installed: Registry, *, env: str | None = None, output: str | None = None) -> Inspection:
    """All outputs of the project at `spec`, or of one environment; where that is gone, what it has left. Nothing is
    written."""
    place = _place(spec, output)
    compiled = quick.folders(place)
    if not os.path.lexists(spec):
        left = [_there(spec, name, f"{place}/{name}", Fresh(files={}), status="removed") for name in compiled]
        return Inspection(spec=spec, outputs=tuple(left))
    outcome = analyse(Disk("."), spec, installed, envs=(env,) if env else ())
    if outcome.usage_error and env not in compiled:
        return Inspection(spec=spec, usage_error=outcome.usage_error)
    bag = Bag(item for item in outcome.findings if item.severity == "error")
    outputs: list[Output] = []
    understood = {one.environment: one for one in outcome.environments}
    for analysis in understood.values():
        bag.extend(item for item in analysis.findings if item.severity == "error")
        if analysis.ready and not _emits(analysis):
            continue
        if analysis.environment not in compiled:
            outputs.append(_absent(analysis.environment, place, compiled, asked=env is not None))
            continue
        fresh, found = _fresh(analysis, outcome, installed, output)
        bag.extend(found)
        outputs.append(_there(spec, analysis.environment, f"{place}/{analysis.environment}", fresh))
    known = bool(understood or outcome.usage_error)
    for name in compiled if env is None else {env}.intersection(compiled):
        if name not in {item.environment for item in outputs}:
            status, made = ("removed", Fresh(files={})) if known else ("there", None)
            outputs.append(_there(spec, name, f"{place}/{name}", made, status=status))
    broken = _broken(spec, outputs)
    return Inspection(spec=spec, outputs=tuple(outputs), findings=bag.ordered(), broken=broken)


def _place(spec: str, output: str | None) -> str:
    """The folder of the environments' folders, from the working directory."""
    beside = posixpath.dirname(spec)
    return posixpath.normpath(output.replace(os.sep, "/") if output else posixpath.join(beside, quick.MANIFESTS))


def _emits(analysis: Analysis) -> bool:
    return analysis.profile is not None and not analysis.profile.local


def _absent(name: str, place: str, compiled: Sequence[str], *, asked: bool) -> Output:
    from mlwright.gitops.ignored import is_ignored

    folder = f"{place}/{name}"
    if asked:
        return Output(environment=name, folder=folder, status="missing")
    if is_ignored(f"{folder}/{indexes.NAME}"):
        return Output(environment=name, folder=folder, status="ignored")
    return Output(environment=name, folder=folder, status="missing" if compiled else "never")


def _fresh(
    analysis: Analysis, outcome: Outcome, installed: Registry, output: str | None
) -> tuple[Fresh | None, Iterable[Diagnostic]]:
    """What the environment compiles to, or the errors that stand against it."""
    if not analysis.ready:
        return None, ()
    built = building.build(analysis, installed, folder=building.folder(analysis, output), files=Disk("."))
    if not built.ready:
        return None, [item for item in built.findings if item.severity == "error"]
    index = building.index_of(built, outcome.names, built.files)
    return Fresh(files=built.files, executable=built.executable, index=index.text().encode("utf-8")), ()


def _there(spec: str, name: str, folder: str, fresh: Fresh | None, *, status: str = "there") -> Output:
    """The output in a folder that has an index, held against `fresh`."""
    present = {path: _found(f"{folder}/{path}") for path in quick.present(folder)}
    index, unreadable = _index(present[indexes.NAME])
    base = posixpath.dirname(spec) or "."
    inputs = {} if index is None else index.inputs
    changed = quick.changed(base, inputs)
    turned = [path for path in changed if _turned(f"{base}/{path}", inputs[path])]
    terms = Terms(
        stale=len(turned) < len(changed),
        aged=index is not None and index.compiler != __version__,
        turned=bool(turned),
        merging=present[indexes.NAME].conflicts,
    )
    return Output(
        environment=name,
        folder=folder,
        status=status,
        files=() if unreadable else classify(present, index, fresh, terms),
        changed=tuple(path for path in changed if path not in turned),
        turned=tuple(turned),
        compiler="" if index is None else index.compiler,
        unreadable=unreadable,
    )


def _index(found: Found) -> tuple[Index | None, str]:
    """The index, and why it cannot be read; of one with a merge conflict, the files of both sides and no inputs."""
    if found.data is None:
        return None, "it is no file"
    try:
        if found.conflicts:
            files = indexes.owned(found.data)
            return Index(environment="", folder="", compiler=__version__, inputs={}, files=files), ""
        return indexes.parse(found.data), ""
    except indexes.UnreadableIndexError as error:
        return None, str(error)


def _turned(path: str, was: str) -> bool:
    """Whether a file that changed is the same text with other line ends."""
    found = _found(path)
    if found.data is None:
        return False
    plain = found.data.replace(b"\r\n", b"\n")
    return was in (indexes.sha256(plain), indexes.sha256(plain.replace(b"\n", b"\r\n")))


def _broken(spec: str, outputs: Iterable[Output]) -> tuple[str, ...]:
    """The project file and inputs that changed with the marks of a conflict in them, from the working directory."""
    base = posixpath.dirname(spec)
    paths = {spec, *(posixpath.normpath(posixpath.join(base, path)) for one in outputs for path in one.changed)}
    lock = posixpath.join(base, LOCK)
    return tuple(sorted(path for path in {*paths, lock} if _found(path).conflicts))


def _found(path: str) -> Found:
    try:
        mode = os.lstat(path).st_mode
        if not stat.S_ISREG(mode):
            return Found(data=None)
        with open(path, "rb") as stream:
            return Found(data=stream.read(), runs=os.name == "nt" or bool(mode & stat.S_IXUSR))
    except OSError:
        return Found(data=None)

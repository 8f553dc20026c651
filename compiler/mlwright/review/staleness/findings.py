"""What an inspection finds, as diagnostics, and the one command that makes it right."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Iterator

from mlwright import __version__
from mlwright.diag import Bag, Diagnostic, Label, Severity
from mlwright.emit import index as indexes
from mlwright.review.staleness.project import Inspection, Output
from mlwright.review.staleness.states import File, State
from mlwright.source.projects import SPEC
from mlwright.span import Span

CODES: dict[State, str] = {
    "stale": "CHECK001",
    "hand-edited": "CHECK002",
    "orphan": "CHECK003",
    "missing": "CHECK004",
    "foreign": "CHECK005",
    "in-the-way": "CHECK005",
    "compiler-changed": "CHECK006",
    "conflict": "CHECK007",
    "line-ends": "CHECK008",
    "not-executable": "CHECK009",
    "unexplained": "CHECK012",
}
ATTRIBUTES = "**/manifests/** -text"
"""The line of .gitattributes that keeps git from changing what is written."""


def findings(inspection: Inspection, output: str | None = None) -> tuple[Diagnostic, ...]:
    """Everything, the errors that stand against compiling included, in reading order. `output` is what -o was."""
    bag = Bag(inspection.findings)
    if not inspection.broken:
        fix = compiling(inspection.spec, output)
        for one in inspection.outputs:
            bag.extend(_of(inspection.spec, one, fix))
        bag.extend(_line_ends(inspection))
        return bag.ordered()
    for path in inspection.broken:
        bag.add(
            Diagnostic(
                code="CHECK007",
                message=f"{path} has both sides of a merge conflict in it",
                at=_place(path),
                help=f"resolve it there; then {compiling(inspection.spec, output)} writes the output anew",
            )
        )
    return Bag(item for item in bag if item.code.startswith("CHECK")).ordered()


def compiling(spec: str, output: str | None = None, *, command: str = "compile") -> str:
    """The command line that writes the output of a project."""
    words = ["mlwright", *command.split(), *([] if spec == SPEC else [spec]), *(["-o", output] if output else [])]
    return f"`{shlex.join(words)}`"


def remedies(inspection: Inspection, output: str | None = None) -> Iterator[str]:
    """What to type, a line for each thing that has to be done; most often it is one."""
    spec, fix = inspection.spec, compiling(inspection.spec, output)
    states = {item.state for one in inspection.outputs for item in one.files}
    edited = any(item.edited and item.state != "in-the-way" for one in inspection.outputs for item in one.files)
    mending = compiling(spec, output, command="check --fix")
    if inspection.broken:
        yield f"resolve the conflict in {', '.join(inspection.broken)}, then {fix}"
    elif inspection.findings:
        yield f"{compiling(spec, command='validate')} says what stands against compiling it"
    elif any(one.unreadable for one in inspection.outputs):
        yield f"restore {indexes.NAME} from git, or delete the folder that it is in, then {fix}"
    elif "in-the-way" in states:
        yield f"move what is in the way out of the output folder, then {fix}"
    elif edited:
        keep = f"to keep an edit, say it in {posixpath.basename(spec)} (`patches`, `objects`) and then {fix}"
        yield f"{compiling(spec, output, command='check --fix --force')} takes the edits back and keeps a copy; {keep}"
    elif any(one.status == "removed" for one in inspection.outputs):
        yield mending
    elif states - {"foreign", "unexplained"} or any(one.status == "missing" for one in inspection.outputs):
        yield fix
    elif "unexplained" in states:
        yield f"{fix} writes what this compiler makes of the project"
    if "line-ends" in states or any(one.turned for one in inspection.outputs):
        yield f"add `{ATTRIBUTES}` to .gitattributes, so that git leaves line ends alone"


def _of(spec: str, one: Output, fix: str) -> Iterator[Diagnostic]:
    if one.status in ("never", "ignored"):
        why = "and git ignores its folder" if one.status == "ignored" else "nor is any environment of this project"
        yield _finding("CHECK011", f"`{one.environment}` is not compiled here, {why}: not checked", spec, fix, "note")
        return
    if one.status == "missing":
        yield _finding("CHECK004", f"{one.folder} is missing: `{one.environment}` is not compiled", spec, fix)
        return
    index = f"{one.folder}/{indexes.NAME}"
    if one.unreadable:
        yield _finding(
            "CHECK010",
            f"{index} cannot be read: {one.unreadable}",
            index,
            f"restore it from git, or delete {one.folder}; then {fix}",
        )
        return
    if one.status == "removed":
        edited = [item.path for item in one.files if item.edited]
        note = f"; edited by hand: {', '.join(edited)}" if edited else ""
        yield _finding(
            "CHECK003",
            f"{one.folder} is left over: {spec} has no output of an environment `{one.environment}`{note}",
            index,
            f"{fix.replace('compile', 'check --fix', 1)} removes what was written there",
        )
    for item in one.files:
        if item.state == "line-ends" or (one.status == "removed" and item.state != "foreign"):
            continue
        yield _file(spec, one, item, fix)


def _file(spec: str, one: Output, item: File, fix: str) -> Diagnostic:
    path = f"{one.folder}/{item.path}"
    is_index = item.path == indexes.NAME
    code, severity, help = CODES[item.state], "error", f"{fix} writes it anew"
    match item.state:
        case "stale":
            message = f"{path} is stale: {_changed(one)}"
        case "hand-edited":
            message = f"{path} was edited by hand"
            help = (
                f"{fix} takes the edit back; to keep it, say it in {posixpath.basename(spec)} (`patches`, `objects`) "
                "before that"
            )
            help = f"{fix} writes it anew" if is_index else help
        case "orphan":
            message = f"{path} is left over: the project does not make it any more"
            message += ", and it was edited by hand" if item.edited else ""
            help = f"delete it, or move it out of {one.folder}" if item.edited else f"{fix} removes it"
        case "missing":
            message = f"{path} is missing"
        case "foreign":
            message, severity = f"{path} was not written by mlwright: it is left alone", "note"
            help = "whoever applies the folder applies it too: move it elsewhere, or name it under `objects`"
        case "in-the-way":
            message = f"{path} was not written by mlwright, and stands where one of its files goes"
            help = f"move it away, then {fix}"
        case "compiler-changed":
            message = f"{path} was made by mlwright {one.compiler}; {__version__} makes another one of the same project"
            severity = "warning"
        case "conflict":
            message = f"{path} is what a merge left: it has to be made anew"
        case "not-executable":
            message = f"{path} has lost its executable bit"
            help = f"{fix} gives it back; `git update-index --chmod=+x {path}` tells git"
        case "unexplained":
            message = (
                f"{path} agrees with {indexes.NAME}, which says that this mlwright made it of these inputs, but it "
                "makes another one"
            )
            help = (
                f"either {indexes.NAME} was edited with it, or this is another build of mlwright {__version__}, or a "
                f"bug; {fix} writes it anew"
            )
        case "line-ends":
            message = f"{path} has other line ends"
    level: Severity = "note" if severity == "note" else "warning" if severity == "warning" else "error"
    return _finding(code, message, spec if item.state == "missing" else path, help, level)


def _changed(one: Output) -> str:
    if not one.changed:
        return "not all targets were compiled at the same time"
    shown = [path.removesuffix(indexes.BELOW).removesuffix(indexes.HERE) for path in one.changed]
    names = ", ".join([*shown[:3], *([f"{len(shown) - 3} more"] if len(shown) > 3 else [])])
    return f"{names} changed after it was compiled"


def _line_ends(inspection: Inspection) -> Iterator[Diagnostic]:
    """One finding for all files that git has given other line ends."""
    files = [
        f"{one.folder}/{item.path}" for one in inspection.outputs for item in one.files if item.state == "line-ends"
    ]
    base = posixpath.dirname(inspection.spec)
    inputs = {posixpath.normpath(posixpath.join(base, path)): None for one in inspection.outputs for path in one.turned}
    everything = [*inputs, *files]
    if everything:
        others = f" and {len(everything) - 1} more" if len(everything) > 1 else ""
        attributes = [*(f"{path} text eol=lf" for path in list(inputs)[:1]), *([ATTRIBUTES] if files else [])]
        yield _finding(
            "CHECK008",
            f"{everything[0]}{others} differ by nothing but line ends: git changed them at checkout",
            everything[0],
            f"add {' and '.join(f'`{line}`' for line in attributes)} to .gitattributes, delete the files and check "
            "them out again",
        )


def _finding(code: str, message: str, file: str, help: str, severity: Severity = "error") -> Diagnostic:
    return Diagnostic(code=code, message=message, at=_place(file), help=help, severity=severity)


def _place(file: str) -> Label:
    return Label(span=Span(file, 1, 1, 1, 2))


def reason(one: Output) -> str:
    """Why the output of an environment is not current, in one line; "" where its files say it."""
    match one.status:
        case "never":
            return "not compiled yet"
        case "ignored":
            return "not compiled here, and git ignores its folder"
        case "missing":
            return f"{one.folder} is missing"
        case "removed":
            return f"{one.folder} is left over: the project has no output of it"
    if one.unreadable:
        return f"{one.folder}/{indexes.NAME} cannot be read: {one.unreadable}"
    return f"{_changed(one)}" if one.changed else ""


def counted(files: Iterable[File]) -> dict[State, list[str]]:
    """Paths by state, in the order of the codes."""
    made: dict[State, list[str]] = {state: [] for state in CODES}
    for item in files:
        made[item.state].append(item.path)
    return {state: paths for state, paths in made.items() if paths}

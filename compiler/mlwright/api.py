"""The way in: what the command line, the Action and the tests ask of projects; `environment` is for what works with
one of their environments. Returns results; never prints, never exits."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from mlwright import registry
from mlwright.analysis import Analysis, Outcome, analyse
from mlwright.diag import Bag, Diagnostic
from mlwright.record import dataclass
from mlwright.source.files import Disk
from mlwright.source.ignores import Ledger
from mlwright.source.projects import SPEC as SPEC
from mlwright.source.projects import projects as projects

if TYPE_CHECKING:
    from mlwright.review.model import Review
    from mlwright.review.staleness.project import Inspection

_SEVERAL = 3
"""Outputs from which on a second process is worth what it takes to begin one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command found and did.

    `diagnostics` are in reading order; `written` has one line for each change of the output, `notes` what to know
    beside; `usage_error` is set, and nothing was written, where the request itself makes no sense (exit code 2).
    """

    diagnostics: tuple[Diagnostic, ...] = ()
    written: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    usage_error: str = ""

    @property
    def failed(self) -> bool:
        """True when a finding is an error."""
        return any(item.severity == "error" for item in self.diagnostics)

    def read(self, file: str) -> str | None:
        """The text of a file that a diagnostic points into, secrets concealed; None where it cannot be read."""
        from mlwright.source.secrets_text import conceal

        try:
            with FilePath(file).open(encoding="utf-8", errors="replace", newline="") as stream:
                return conceal(stream.read(8 * 1024 * 1024))
        except (OSError, ValueError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differs between two revisions; `review` is None where `result` says why not. The findings are head's.
    `page` is the review as HTML, where that was asked for."""

    result: Result
    review: Review | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    page: str = ""

    def read(self, file: str) -> str | None:
        """The text of a file that a finding points into, as head has it; see Result."""
        return self.sources.get(file)


def validate(paths: Sequence[str] = (), *, env: str | None = None, strict: bool = False, apart: bool = False) -> Result:
    """All findings of the projects at `paths` (files, or folders to search), in one pass. Writes nothing.

    `strict` makes warnings errors. A finding is there too for what only the owning target can say. With `apart` a
    second process, forked from this one, takes its share of three and more outputs.
    """
    from mlwright import build as building

    specs = projects(paths)
    if isinstance(specs, str):
        return Result(usage_error=specs)
    bag, ledger = Bag(), Ledger()
    targets = registry.installed()

    def refused(analysis: Analysis) -> tuple[tuple[Diagnostic, ...], tuple[Diagnostic, ...]]:
        place = building.folder(analysis, None)
        built = building.build(analysis, targets, folder=place, files=Disk("."), texts=False)
        return built.findings, built.ignored

    for spec in specs:
        outcome = analyse(Disk("."), spec, targets, envs=(env,) if env else ())
        if outcome.usage_error:
            return Result(usage_error=outcome.usage_error)
        here, ignored = list(outcome.everything()), list(_ignored(outcome))
        emitting = list(filter(_emits, outcome.environments))
        if apart and len(emitting) >= _SEVERAL:
            from mlwright.apart import each

            found = each(refused, emitting)
        else:
            found = list(map(refused, emitting))
        for some, left_out in found:
            here += some
            ignored += left_out
        here += [item for item in _priced(outcome) if item not in here]
        bag.extend(here)
        if env is None:
            bag.extend(ledger.add(spec, outcome.ignores, here, ignored, _names(outcome)))
    bag.extend(ledger.rest(partial(_covers, paths)))
    return Result(diagnostics=_ordered(bag, strict))


def _priced(outcome: Outcome) -> Iterator[Diagnostic]:
    """What is wrong with price files, which no output is made from: only `validate` and `diff` read them."""
    for analysis in outcome.environments:
        if analysis.profile is not None and analysis.profile.written is not None and analysis.profile.written.prices:
            from mlwright.review.cost import prices_of

            yield from prices_of(Disk("."), analysis)[1]


def compile(
    paths: Sequence[str] = (),
    *,
    envs: Sequence[str] = (),
    targets: Sequence[str] = (),
    output: str | None = None,
    emit: Collection[str] = (),
    crds: str | None = None,
    apart: bool = False,
) -> Result:
    """Write the output of every environment that has no error. `output` replaces `manifests/` beside the spec,
    `targets` limits what is written to these, `emit` adds `map` and `report` under `.mlwright/emit/`. `crds` is a
    folder of CRD files that Kubernetes objects are checked against. With `apart` a second process,
    forked from this one, checks large outputs while they are written."""
    from mlwright import build as building

    definitions = None
    if crds is not None:
        from mlwright.verify import schemas

        try:
            definitions = schemas.definitions(crds)
        except schemas.UnusableError as error:
            return Result(usage_error=str(error))
    specs = projects(paths)
    installed = registry.installed()
    if isinstance(specs, str):
        return Result(usage_error=specs)
    if wrong := [name for name in targets if name not in installed.names]:
        return Result(usage_error=str(registry.UnknownTargetError(wrong[0], installed.names)))
    if output is not None and len(specs) > 1:
        return Result(usage_error="-o takes one project, and there are several: compile them one by one")
    bag, written, notes, ledger = Bag(), list[str](), list[str](), Ledger()
    for spec in specs:
        outcome = analyse(Disk("."), spec, installed, envs=envs)
        if outcome.usage_error:
            return Result(usage_error=outcome.usage_error)
        here, ignored = list(outcome.everything()), list(_ignored(outcome))
        for analysis in outcome.environments:
            if analysis.ready and not _emits(analysis):
                notes.append(
                    f"{analysis.environment}: nothing to write for platform local; start it with `mlwright run`"
                )
            if not _emits(analysis):
                continue
            place = building.folder(analysis, output)
            built = building.build(analysis, installed, folder=place, files=Disk("."), crds=definitions, apart=apart)
            if built.ready and targets and not {name for name, _ in built.emitted} & set(targets):
                owners = ", ".join(name for name, _ in built.emitted)
                notes.append(
                    f"{analysis.environment}: nothing to write for {', '.join(targets)}: all is owned by {owners}"
                )
            elif built.ready:
                lines, found = building.store(built, installed, environments=outcome.names, targets=targets, emit=emit)
                written += lines
                bag.extend(found)
            built = building.checked(built)
            here += built.findings
            ignored += built.ignored
            notes += built.notes
        bag.extend(here)
        if not envs:
            bag.extend(ledger.add(spec, outcome.ignores, here, ignored, _names(outcome)))
    bag.extend(ledger.rest(partial(_covers, paths)))
    return Result(diagnostics=bag.ordered(), written=tuple(written), notes=tuple(notes))


def diff(
    paths: Sequence[str] = (),
    *,
    base: str = "",
    head: str = "",
    envs: Sequence[str] = (),
    graphs: bool = True,
    page: bool = False,
    apart: bool = False,
) -> Difference:
    """What the change from `base` to `head` means for the projects at `paths`: both revisions are compiled in memory,
    straight from git's objects, and nothing is written. `base` is a revision (default: the default branch), of which
    what counts is where `head` left it; `head` is another one, or "" for the working tree. Projects that the change
    cannot affect are not compiled, and those in which nothing differs are left out. Without `graphs` none is drawn;
    with `page` the page is made, too."""
    from mlwright import reviews

    found = reviews.diff(paths, base=base, head=head, envs=envs, graphs=graphs, page=page, apart=apart)
    if found.review is None:
        return Difference(result=Result(usage_error=found.wrong))
    bag = Bag(item for project in found.review.projects for item in reviews.findings(project))
    result = Result(diagnostics=bag.ordered(), notes=found.review.notes)
    return Difference(result=result, review=found.review, sources=found.sources, page=found.page)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How the output of projects stands to them. `inspections` are of the projects that were looked at closely,
    `current` counts the others; `fixed` has a line for each thing that was done, `refused` for each that was not.
    `unexplained` is True where an output is not what this compiler makes, and nothing says why."""

    result: Result
    inspections: tuple[Inspection, ...] = ()
    current: int = 0
    fixed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    unexplained: bool = False


def check(
    paths: Sequence[str] = (),
    *,
    env: str | None = None,
    output: str | None = None,
    since: str = "",
    full: bool = False,
    fix: bool = False,
    force: bool = False,
    apart: bool = False,
) -> Checked:
    """Whether the output of the projects at `paths` is what they compile to, in the environment `env` or in all. Files
    that are no project stand for the projects that they are part of. Where digests say that nothing changed, nothing
    is compiled, unless `full`. With `since`, a revision, only what changed after that is looked at. `fix` makes it so,
    and with `force` takes back edits, too. With `apart` a second process takes its share of the projects."""
    from mlwright.review.staleness import affected, quick
    from mlwright.review.staleness.findings import findings
    from mlwright.review.staleness.project import inspect

    specs = affected.since(paths, since) if since else affected.select(paths)
    if isinstance(specs, str):
        return Checked(result=Result(usage_error=specs))
    if output is not None and len(specs) > 1:
        return Checked(result=Result(usage_error="-o takes one project, and there are several: check them one by one"))
    installed = registry.installed()

    def look(spec: str) -> Inspection | None:
        current = not full and quick.is_current(spec, env=env, output=output)
        return None if current else inspect(spec, installed, env=env, output=output)

    if apart:
        from mlwright.apart import each

        found = each(look, specs)
    else:
        found = list(map(look, specs))
    closer = [item for item in found if item is not None]
    if wrong := next((item.usage_error for item in closer if item.usage_error), ""):
        return Checked(result=Result(usage_error=wrong))
    fixed, refused = list[str](), list[str]()
    if fix:
        from mlwright.review.staleness.fix import mend

        for place, item in enumerate(closer):
            mended = mend(item, partial(_written, item.spec, output), force=force)
            fixed += mended.done
            refused += filter(None, [mended.refused])
            if mended.done:
                closer[place] = inspect(item.spec, installed, env=env, output=output)
    states = {file.state for item in closer for one in item.outputs for file in one.files}
    return Checked(
        result=Result(diagnostics=Bag(one for item in closer for one in findings(item, output)).ordered()),
        inspections=tuple(closer),
        current=len(found) - len(closer),
        fixed=tuple(fixed),
        refused=tuple(refused),
        unexplained="unexplained" in states,
    )


def _written(spec: str, output: str | None, envs: Sequence[str]) -> Sequence[str] | None:
    result = compile([spec], envs=envs, output=output)
    return None if result.failed or result.usage_error else result.written


def report(paths: Sequence[str] = (), *, envs: Sequence[str] = ()) -> tuple[Result, str]:
    """The page of the projects at `paths`, HTML that needs nothing else; "" where the result says why not. A project
    with errors has a page, too, which shows them. Writes nothing."""
    from mlwright import reports

    specs = projects(paths)
    if isinstance(specs, str):
        return Result(usage_error=specs), ""
    made = reports.report(specs, registry.installed(), envs)
    return Result(diagnostics=made.findings, usage_error=made.wrong), made.text


def only(path: str | None) -> tuple[str, str]:
    """(the one project file that `path` means, why it means none or several)."""
    specs = projects((path,) if path else ())
    if isinstance(specs, str):
        return "", specs
    if len(specs) != 1:
        listed = ", ".join([*specs[:3], *(["..."] if len(specs) > 3 else [])])
        return "", f"{path} has {len(specs)} projects, name one: {listed}"
    return specs[0], ""


def environments(path: str = SPEC) -> list[str]:
    """The names of a project's environments in the order written; empty where the file cannot be read."""
    return [item.environment for item in analyse(Disk("."), path, registry.installed()).environments]


def _ignored(outcome: Outcome) -> Iterator[Diagnostic]:
    yield from outcome.ignored
    for analysis in outcome.environments:
        yield from analysis.ignored


def _names(outcome: Outcome) -> list[str]:
    return [analysis.environment for analysis in outcome.environments]


def _covers(paths: Sequence[str], file: str) -> bool:
    """Whether all projects at or below the folder of `file` were asked for."""
    folders = [posixpath.normpath(path) for path in paths if FilePath(path).is_dir()]
    return any(path == "." or file.startswith(f"{path}/") for path in folders) and not file.startswith("../")


def _emits(analysis: Analysis) -> bool:
    return analysis.ready and analysis.profile is not None and not analysis.profile.local


def _ordered(bag: Bag, strict: bool) -> tuple[Diagnostic, ...]:
    found = bag.ordered()
    if not strict:
        return found
    return tuple(replace(item, severity="error") if item.severity == "warning" else item for item in found)

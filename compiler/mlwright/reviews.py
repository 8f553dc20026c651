"""Two revisions of projects, compiled in memory and compared: what `api.diff` returns."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Literal

from mlwright import build as building
from mlwright import registry
from mlwright.analysis import Analysis, Outcome, analyse
from mlwright.build import Built
from mlwright.diag import Bag, Diagnostic
from mlwright.emit import index as indexes
from mlwright.gitops.affected import affected
from mlwright.gitops.git import GitError
from mlwright.gitops.lfs import WorkingTree
from mlwright.gitops.probes import Probed
from mlwright.gitops.repository import Comparison, Repository
from mlwright.gitops.tree import Revision
from mlwright.record import dataclass, replace
from mlwright.registry import Registry
from mlwright.review.compare import compare
from mlwright.review.cost import load_of, prices_of
from mlwright.review.model import Beyond, EnvironmentReview, ObjectChange, ProjectReview, Review
from mlwright.review.risks import assess, judged
from mlwright.review.words import remarks
from mlwright.source.files import FileMissing, NotAFile, Unreadable
from mlwright.source.projects import SPEC
from mlwright.source.secrets_text import conceal
from mlwright.source.tree import Scalar, at
from mlwright.target import ListKeys

if TYPE_CHECKING:
    from mlwright.review.page import Pair

_READ = 8 * 1024 * 1024

_Tree = Revision | WorkingTree
_Status = Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A review, the texts of head's files that its findings point into, or why there is none. `page` is the review as
    HTML, where that was asked for."""

    review: Review | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    page: str = ""
    wrong: str = ""


def diff(
    paths: Sequence[str], *, base: str, head: str, envs: Sequence[str], graphs: bool, page: bool, apart: bool
) -> Compared:
    """What differs in the projects at `paths` between `base` (default: the default branch) and `head` (default: the
    working tree); see api.diff."""
    try:
        with Repository(_folder(paths)) as repository:
            return _Diff(repository, repository.compare(base, head), envs, graphs, page, apart).run(paths)
    except GitError as problem:
        return Compared(wrong=str(problem))


def _folder(paths: Sequence[str]) -> str:
    """The folder whose repository is meant: that of the first path, of which the end may be gone by now."""
    folder = paths[0] if paths else "."
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder) or "."
    return folder


class _Diff:
    """One comparison: both trees, and what has been found on the way."""

    def __init__(
        self,
        repository: Repository,
        comparison: Comparison,
        envs: Sequence[str],
        graphs: bool,
        page: bool,
        apart: bool,
    ) -> None:
        root = os.getcwd()
        self._repository = repository
        self._comparison = comparison
        self._envs = envs
        self._graphs = graphs
        self._page = page
        self._pairs: list[Pair] = []
        self._apart = apart
        self._targets: Registry = registry.installed()
        self._base = repository.revision(comparison.since, comparison.base, root)
        self._head: _Tree = (
            repository.revision(comparison.to, comparison.head, root)
            if comparison.head
            else repository.working_tree(root)
        )
        self._here = os.path.relpath(root, repository.top).replace(os.sep, "/")
        self._notes: list[str] = list(comparison.notes)
        self._changed: list[str] = []

    def run(self, paths: Sequence[str]) -> Compared:
        comparison = self._comparison
        found = self._repository.changed(comparison.since, comparison.to)
        changed = [self._from_here(path) for path in found]
        specs = self._specs(paths, changed)
        if isinstance(specs, str):
            return Compared(wrong=specs)
        self._changed = changed
        alone = len(specs) == 1 and (changed or self._envs)
        chosen = specs if alone else list(affected(specs, changed, (self._base, self._head)))
        projects: list[ProjectReview] = []
        for spec in chosen:
            project = self._project(spec)
            if isinstance(project, ProjectReview):
                projects.append(project)
            elif project and len(specs) == 1:  # one of many may well lack the environment that was asked for
                return Compared(wrong=project)
        notes = (*self._notes, *self._base.notes, *self._head.notes)
        review = Review(
            base=comparison.base, head=comparison.head, projects=tuple(projects), notes=tuple(dict.fromkeys(notes))
        )
        return Compared(review=review, sources=self._sources(projects), page=self._rendered(review))

    def _specs(self, paths: Sequence[str], changed: Iterable[str]) -> list[str] | str:
        """The project files that the paths mean in either revision, or why they mean none."""
        gone = [path for path in changed if posixpath.basename(path) == SPEC and self._base.exists(path)]
        found: dict[str, None] = {}
        for path in paths or (SPEC,):
            clean = (os.path.relpath(path) if os.path.isabs(path) else os.path.normpath(path)).replace(os.sep, "/")
            if self._head.isdir(clean) or self._base.isdir(clean):
                below = [*self._head.walk(clean, SPEC), *(one for one in gone if _is_below(one, clean))]
                if not below:
                    return f"there is no {SPEC} in {path} or below it, neither now nor at {self._comparison.base}"
                found.update(dict.fromkeys(map(posixpath.normpath, below)))
            elif self._head.exists(clean) or self._base.exists(clean):
                found[clean] = None
            elif paths:
                return f"there is no {path}, neither now nor at {self._comparison.base}"
            else:
                return f"there is no {SPEC} here: name one, or the folder that has some below it"
        return sorted(found)

    def _project(self, spec: str) -> ProjectReview | str:
        """The review of one project, or why what was asked of it makes no sense; "" where nothing differs and nothing
        is wrong."""
        there = self._base.exists(spec), self._head.exists(spec)
        probed = Probed(self._head)
        head = self._analysed(probed, spec) if there[1] else Outcome()
        for analysis in head.environments:
            prices_of(probed, analysis)  # no output is made from them, and a change of theirs is one, too
        same = all(there) and not head.usage_error and probed.holds(self._base)
        base = head if same else self._analysed(self._base, spec) if there[0] else Outcome()
        said = [outcome.usage_error for outcome, exists in zip((base, head), there, strict=True) if exists]
        if all(said):
            return said[-1]
        self._tell(spec, "", base.findings)
        unread = Bag(base.findings).failed
        status: _Status = "changed" if all(there) else "added" if there[1] else "removed"
        pairs = _pairs(base, head)
        environments = tuple(
            self._environment(spec, name, old, new, same=same)
            if old is not None or not unread
            else replace(self._at_head(name, new)[0], status="changed")
            for name, old, new in pairs
        )
        review = ProjectReview(
            spec=self._from_top(spec),
            name=_name((*head.environments, *base.environments)) or posixpath.basename(posixpath.dirname(spec)) or SPEC,
            status=status,
            remarks=() if same or unread else judged(remarks(pairs)),
            environments=environments,
            graphs=_graphs(pairs) if self._graphs and not same and not unread else (),
            findings=tuple(_news(head.findings, base.findings)),
        )
        if not _says_something(review):
            return ""
        if self._page:
            self._pairs.append(self._pair(spec, review, base, head, there))
        return review

    def _pair(self, spec: str, review: ProjectReview, base: Outcome, head: Outcome, there: tuple[bool, bool]) -> Pair:
        """Both revisions of a project, as the page shows them."""
        from mlwright.review.page import Compiled, Pair

        def side(outcome: Outcome, files: _Tree) -> Compiled:
            emitting = [one for one in outcome.environments if _emits(one)]
            return Compiled(outcome=outcome, built=tuple(self._built(one, files) for one in emitting), files=files)

        return Pair(
            spec=spec,
            name=review.name,
            shown=review.spec,
            base=side(base, self._base) if there[0] else None,
            head=side(head, self._head) if there[1] else None,
        )

    def _rendered(self, review: Review) -> str:
        if not self._page:
            return ""
        from mlwright.review import page

        return page.render(self._pairs, review)

    def _analysed(self, files: Probed | _Tree, spec: str) -> Outcome:
        return analyse(files, spec, self._targets, envs=self._envs)

    def _environment(
        self, spec: str, name: str, old: Analysis | None, new: Analysis | None, *, same: bool
    ) -> EnvironmentReview:
        """One environment that both revisions could have. `same`: whatever was read for it is the same in both."""
        made, after, probed = self._at_head(name, new)
        if new is not None and old is None:
            made = replace(made, status="added")
        if not made.compiled:
            return made
        alike = old is not None and new is not None and (same or _alike(old, new)) and probed.holds(self._base)
        before = after if alike else self._built(old, self._base) if old is not None and _emits(old) else None
        found = (*(old.findings if old is not None else ()), *(before.findings if before is not None else ()))
        made = replace(made, findings=tuple(_news(made.findings, found)))
        if new is not None and self._tell(spec, name, found):
            return made
        changes: tuple[ObjectChange, ...] = ()
        if not alike:
            changes = compare(
                before.emitted if before is not None else (),
                after.emitted if after is not None else (),
                list_keys=self._list_keys,
                digests=(_digest(old), _digest(new)),
            )
        made = replace(
            made,
            status="same" if alike else made.status,
            objects=tuple(replace(one, hazards=assess(one)) for one in changes if not _is_follower(one)),
            followers=tuple(one for one in changes if _is_follower(one)),
        )
        made = self._with_loads(made, old, new)
        if after is None:
            return made
        return replace(made, beyond=self._beyond(posixpath.dirname(spec), before, after, changes))

    def _with_loads(self, made: EnvironmentReview, old: Analysis | None, new: Analysis | None) -> EnvironmentReview:
        before, known = load_of(self._base, old) if old is not None else (None, Bag())
        after, found = load_of(self._head, new) if new is not None else (None, Bag())
        findings = (*made.findings, *_news(found.ordered(), known.ordered()))
        made = replace(made, before=before, after=after, findings=findings)
        return replace(made, status="changed") if made.status == "same" and before != after else made

    def _at_head(self, name: str, new: Analysis | None) -> tuple[EnvironmentReview, Built | None, Probed]:
        """What there is to say of an environment without the base; its output where it has one, and what was read."""
        probed = Probed(self._head)
        if new is None:
            return EnvironmentReview(name=name, status="removed"), None, probed
        if not _emits(new):
            made = EnvironmentReview(name=name, status="changed", findings=new.findings, compiled=new.ready)
            return made, None, probed
        built = self._built(new, probed)
        found = Bag([*new.findings, *built.findings]).ordered()
        return EnvironmentReview(name=name, status="changed", findings=found, compiled=built.ready), built, probed

    def _beyond(
        self, beside: str, before: Built | None, after: Built, changes: Iterable[ObjectChange]
    ) -> tuple[Beyond, ...]:
        """Committed files that differ, or do not differ, in another way than `changes` say."""
        folder = posixpath.normpath(posixpath.join(beside, after.folder))
        changed = [path[len(folder) + 1 :] for path in self._changed if path.startswith(f"{folder}/")]
        files = sorted({*changed, *(change.file for change in changes)} - {indexes.NAME})
        if not files:
            return ()
        from mlwright.review.beyond import beyond, side

        head = side(self._head, beside, folder, after.emitted)
        if head is None:
            return ()
        base = side(self._base, beside, folder, before.emitted if before is not None else [])
        return tuple(beyond(files, base, head, called=f"{self._from_top(folder)}/", list_keys=self._list_keys))

    def _list_keys(self, target: str) -> ListKeys:
        return self._targets.get(target).list_keys if target in self._targets.names else {}

    def _from_here(self, path: str) -> str:
        """A path from the top of the repository as it is from the working directory."""
        if self._here == ".":
            return path
        return os.path.relpath(os.path.join(self._repository.top, path)).replace(os.sep, "/")

    def _from_top(self, path: str) -> str:
        """A path as it is from the top of the repository."""
        return os.path.relpath(path, self._repository.top).replace(os.sep, "/")

    def _tell(self, spec: str, environment: str, found: Iterable[Diagnostic]) -> bool:
        """Whether there are errors at base, and a note of it."""
        errors = [item for item in found if item.severity == "error"]
        if errors:
            where = f"{spec}, environment {environment}," if environment else spec
            more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
            self._notes.append(
                f"{where} has errors at {self._comparison.base} ({errors[0].code}: {errors[0].message}{more}), "
                "so its objects cannot be compared"
            )
        return bool(errors)

    def _built(self, analysis: Analysis, files: Probed | _Tree) -> Built:
        place = building.folder(analysis, None)
        made = building.build(analysis, self._targets, folder=place, files=files, texts=False, apart=self._apart)
        return building.checked(made)

    def _sources(self, projects: Iterable[ProjectReview]) -> dict[str, str]:
        """The texts that findings of the projects point into, as head has them, secrets concealed."""
        found: dict[str, str] = {}
        for finding in (item for project in projects for item in findings(project)):
            for span in (finding.span, *(label.span for label in finding.related)):
                if span is not None and span.file not in found:
                    try:
                        text = self._head.read(span.file)[:_READ].decode("utf-8", "replace")
                    except (FileMissing, NotAFile, Unreadable):
                        continue
                    found[span.file] = conceal(text)
        return found


def findings(project: ProjectReview) -> Iterator[Diagnostic]:
    """All findings of a project at head."""
    yield from project.findings
    for environment in project.environments:
        yield from environment.findings


def _pairs(base: Outcome, head: Outcome) -> list[tuple[str, Analysis | None, Analysis | None]]:
    """Environments of both revisions by name: those of head in their order, then those that are gone."""
    before = {one.environment: one for one in base.environments}
    after = {one.environment: one for one in head.environments}
    names = [*after, *(name for name in before if name not in after)]
    return [(name, before.get(name), after.get(name)) for name in names]


def _news(found: Iterable[Diagnostic], before: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Errors, and what base does not have: a warning that was there is not this change's."""
    known = {(item.code, item.message, item.at.path) for item in before}
    return (item for item in found if item.severity == "error" or (item.code, item.message, item.at.path) not in known)


def _graphs(pairs: Iterable[tuple[str, Analysis | None, Analysis | None]]) -> tuple[tuple[str, str], ...]:
    """The graphs of environments at head in which something differs, equal ones once, by the first that has it."""
    from mlwright.review.graph import mermaid

    found: dict[str, str] = {}
    for name, old, new in pairs:
        if new is not None and new.project is not None:
            before = old.project if old is not None else None
            text = mermaid(new.project, before)
            if before is None or text != mermaid(new.project):
                found.setdefault(text, name)
    return tuple((name, text) for text, name in found.items())


def _alike(old: Analysis, new: Analysis) -> bool:
    """Whether both make the same objects, as far as they read the same files on the way."""
    return (old.project, old.profile, old.owners, old.digests) == (new.project, new.profile, new.owners, new.digests)


def _emits(analysis: Analysis) -> bool:
    return analysis.ready and analysis.profile is not None and not analysis.profile.local


def _digest(analysis: Analysis | None) -> str:
    return analysis.project.spec_digest if analysis is not None and analysis.project is not None else ""


def _is_follower(change: ObjectChange) -> bool:
    """What is replaced does its work again, whyever."""
    return change.follows and change.action != "replace"


def _name(analyses: Iterable[Analysis]) -> str:
    for one in analyses:
        name = at(one.tree, ("metadata", "name"))
        if isinstance(name, Scalar):
            return name.text
    return ""


def _is_below(path: str, folder: str) -> bool:
    return folder == "." or path == folder or path.startswith(f"{folder}/")


def _says_something(project: ProjectReview) -> bool:
    if project.status != "changed" or project.remarks:
        return True
    for one in project.environments:
        if one.objects or one.followers or one.beyond or one.status in ("added", "removed") or one.before != one.after:
            return True
    return any(item.severity == "error" for item in findings(project))

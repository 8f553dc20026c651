"""What differs between two environments of one project."""

from __future__ import annotations

from typing import Any

from mlwright import registry
from mlwright.analysis import Analysis
from mlwright.api import Result, only
from mlwright.inquiry.errors import BrokenProjectError, InquiryError
from mlwright.inquiry.fields import built_of, understood
from mlwright.record import replace
from mlwright.review.compare import Emitted
from mlwright.review.compare import compare as compare_outputs
from mlwright.review.model import EnvironmentReview, ObjectChange, ProjectReview, Review
from mlwright.review.words import remarks
from mlwright.source.tree import Map, Node, at
from mlwright.target import Document, Embedded


def compare(first: str, second: str, path: str | None = None, *, objects: bool = False) -> Review:
    """What `second` has other than `first`, as a review of one project from the one to the other: in the words of the
    project and, with `objects`, by what is emitted. Raises InquiryError and BrokenProjectError."""
    spec, wrong = only(path)
    if wrong:
        raise InquiryError(wrong)
    if first == second:
        raise InquiryError(f"{first!r} is compared with itself: name two environments")
    found = {name: understood(spec, name).environments[0] for name in (first, second)}
    broken = [item for one in found.values() if one.project is None for item in one.findings]
    if broken:
        raise BrokenProjectError(Result(diagnostics=tuple(item for item in broken if item.severity == "error")))
    base, head = found[first], found[second]
    name = f"{first} -> {second}"
    told = remarks([(name, _renamed(base, second), head)])
    notes: list[str] = []
    environments: tuple[EnvironmentReview, ...] = ()
    if objects:
        changes = _objects(base, head, notes)
        environments = (EnvironmentReview(name=name, status="changed" if changes else "same", objects=changes),)
    assert head.project is not None
    project = ProjectReview(
        spec=spec, name=head.project.name, status="changed", remarks=told, environments=environments
    )
    differs = bool(told or any(one.objects for one in environments))
    return Review(base=first, head=second, projects=(project,) if differs else (), notes=tuple(notes))


def _renamed(analysis: Analysis, name: str) -> Analysis:
    """The analysis with its environment under another name, so that the name itself is no difference."""
    section = at(analysis.tree, ("environments",))
    if not isinstance(section, Map) or not isinstance(analysis.tree, Map):
        return analysis
    entry = section.entries[analysis.environment]
    moved = replace(section, entries={name: replace(entry, key=name)})
    whole = replace(analysis.tree.entries["environments"], node=moved)
    tree: Node = replace(analysis.tree, entries={**analysis.tree.entries, "environments": whole})
    return replace(analysis, tree=tree, environment=name)


def _objects(base: Analysis, head: Analysis, notes: list[str]) -> tuple[ObjectChange, ...]:
    outputs: list[Emitted] = []
    for analysis in (base, head):
        built = built_of(analysis)
        if built is None:
            local = analysis.profile is not None and analysis.profile.local
            why = "is for `mlwright run`" if local else "has errors: `mlwright validate`"
            notes.append(f"{analysis.environment} emits nothing to compare: it {why}")
        outputs.append(built.emitted if built is not None else [])
    if notes:
        return ()
    assert base.project is not None and head.project is not None
    names = {base.environment: head.environment}
    mine, theirs = base.project.environment.namespace, head.project.environment.namespace
    if mine != theirs and mine and theirs:
        names[mine] = theirs
        notes.append(f"objects are compared as if {base.environment} had the namespace {theirs}, too")
    targets = registry.installed()
    return compare_outputs(
        _as(outputs[0], names),
        outputs[1],
        list_keys=lambda target: targets.get(target).list_keys if target in targets.names else {},
        digests=(base.project.spec_digest, head.project.spec_digest),
    )


def _as(emitted: Emitted, names: dict[str, str]) -> Emitted:
    """The output with names of one environment as those of another, wherever they are a whole value."""
    return [
        (
            target,
            [replace(item, data=_put(item.data, names)) if isinstance(item, Document) else item for item in items],
        )
        for target, items in emitted
    ]


def _put(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        made = {key: _put(item, names) for key, item in value.items()}
        return Embedded(made) if isinstance(value, Embedded) else made
    if isinstance(value, (list, tuple)):
        return [_put(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value

"""The page of one revision: what `api.report` returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mlwright import build as building
from mlwright.analysis import Analysis, Outcome, analyse
from mlwright.build import Built
from mlwright.diag import Bag, Diagnostic
from mlwright.record import dataclass
from mlwright.registry import Registry
from mlwright.review import page
from mlwright.source.files import Disk
from mlwright.source.tree import Scalar, at


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """The page and what was found on the way, or why there is no page."""

    text: str = ""
    findings: tuple[Diagnostic, ...] = ()
    wrong: str = ""


def report(specs: Sequence[str], targets: Registry, envs: Sequence[str]) -> Reported:
    """The page of all projects at `specs`, with errors as findings in it."""
    pairs: list[page.Pair] = []
    bag = Bag()
    for spec in specs:
        if not Disk(".").exists(spec):  # nothing to show, and no folder to put it into
            return Reported(wrong=f"there is no file {spec}: name an mlproject.yaml, or a folder that has one")
        outcome = analyse(Disk("."), spec, targets, envs=envs)
        if outcome.usage_error:
            return Reported(wrong=outcome.usage_error)
        built = tuple(_built(outcome, targets))
        bag.extend([*outcome.findings, *(item for one in outcome.environments for item in one.findings)])
        bag.extend(item for one in built for item in one.findings)
        compiled = page.Compiled(outcome=outcome, built=built, files=Disk("."))
        pairs.append(page.Pair(spec=spec, name=name_of(spec, outcome.environments), head=compiled))
    return Reported(text=page.render(pairs), findings=bag.ordered())


def _built(outcome: Outcome, targets: Registry) -> Iterator[Built]:
    for one in outcome.environments:
        if one.ready and one.profile is not None and not one.profile.local:
            yield building.build(one, targets, folder=building.folder(one, None), files=Disk("."))


def name_of(spec: str, environments: Sequence[Analysis]) -> str:
    """A project's name, that of its folder where it has none."""
    named = at(environments[0].tree, ("metadata", "name")) if environments else None
    return named.text if isinstance(named, Scalar) else Path(spec).resolve().parent.name

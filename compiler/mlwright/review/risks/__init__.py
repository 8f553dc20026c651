"""How grave a change is: a table of rules, each with a condition on a remark or an object and its reason."""

from __future__ import annotations

from collections.abc import Sequence

from mlwright.record import replace
from mlwright.review.model import RISKS, Hazard, ObjectChange, Remark
from mlwright.review.risks import exposure, lasting, results
from mlwright.review.risks.rule import Rule

RULES: tuple[Rule, ...] = tuple(
    sorted((*lasting.RULES, *exposure.RULES, *results.RULES), key=lambda rule: -RISKS.index(rule.risk))
)
"""Every rule, the gravest first."""


def assess(change: ObjectChange) -> tuple[Hazard, ...]:
    """Why a change of an object is worth a second look; the gravest reason first."""
    return tuple(_hazard(rule) for rule in RULES if rule.change is not None and rule.change(change))


def judged(remarks: Sequence[Remark]) -> tuple[Remark, ...]:
    """The remarks of one project with their hazards."""
    alone = [_hazard(rule) for rule in RULES if rule.id == "lock-alone"] if results.alone(remarks) else []
    return tuple(replace(remark, hazards=(*_of(remark), *alone)) for remark in remarks)


def _of(remark: Remark) -> tuple[Hazard, ...]:
    if remark.before is not None and remark.before == remark.after:
        return ()  # the default, written out
    return tuple(_hazard(rule) for rule in RULES if rule.remark is not None and rule.remark(remark))


def _hazard(rule: Rule) -> Hazard:
    return Hazard(risk=rule.risk, reason=rule.reason, rule=rule.id)

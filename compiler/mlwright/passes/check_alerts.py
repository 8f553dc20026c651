"""Alerts: what they watch exists."""

from __future__ import annotations

from collections.abc import Iterable

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.source.suggest import closest


def check_alerts(project: ir.Project) -> Iterable[Diagnostic]:
    """MON001 an alert on something that does not stay up, or is not there at all."""
    known = [service.id for service in project.services]
    known += [item.id for item in project.routes] + [item.id for item in project.notebooks]
    known += ["tracking", *(["tracking.gateway"] if project.tracking.gateway else [])]
    for alert in project.monitoring:
        if alert.on not in known:
            near = closest(alert.on, known)
            yield Diagnostic(
                code="MON001",
                message=f"there is no `{alert.on}` that stays up and could be watched",
                at=Label(path=(*alert.origin.path, "on")),
                help=f"did you mean `{near}`?" if near else f"there is {', '.join(known)}",
            )

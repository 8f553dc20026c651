"""From containers to the states of steps, as the board of a run shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mlwright.engine.compose import Container
from mlwright.engine.stack import Service, Stack
from mlwright.runner.result import EXITS
from mlwright.runtime.order import State

_SIGNALS = {
    137: "killed (SIGKILL), often for lack of memory",
    139: "it crashed (SIGSEGV)",
    143: "stopped (SIGTERM)",
}
_RUN = re.compile(r"(?:^|,)mlwright\.run=([A-Za-z0-9._-]+)")
MET = {
    "service_started": ("running", "exited"),
    "service_healthy": ("running",),
    "service_completed_successfully": ("exited",),
}
"""The states in which another service meets a condition, where its health and exit code agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one node of the spec is doing. `services` are those behind it that failed, for their logs."""

    state: State
    detail: str = ""
    failed: tuple[str, ...] = ()


def meaning(code: int) -> str:
    """`exit code 66: an input was not found`."""
    known = EXITS.get(code) or _SIGNALS.get(code)
    return f"exit code {code}: {known}" if known else f"exit code {code}"


def nodes(services: Iterable[Service]) -> dict[str, tuple[Service, ...]]:
    """The services behind each node of the spec, in their order. Workers of a search do not say how it stands."""
    listed = tuple(services)
    found: dict[str, list[Service]] = {}
    for item in listed:
        if not item.plumbing:
            found.setdefault(item.node, []).append(item)
    return {node: tuple(item for item in items if not _works_for(item, items)) for node, items in found.items()}


def seen(services: Sequence[Service], containers: Iterable[Container]) -> Seen:
    """The state of a node whose services these are."""
    by_service: dict[str, list[Container]] = {}
    for item in containers:
        by_service.setdefault(item.service, []).append(item)
    each = [(service, _service(service, by_service.get(service.name, ()))) for service in services]
    states = [one.state for _, one in each]
    failed = tuple(service.name for service, one in each if one.state == "failed")
    if failed:
        detail = next(one.detail for _, one in each if one.state == "failed")
        return Seen(state="failed", detail=detail, failed=failed)
    if states and all(state == "finished" for state in states):
        return Seen(state="finished", detail=", ".join(filter(None, (one.detail for _, one in each))))
    if any(state != "waiting" for state in states):
        said = next((one.detail for _, one in each if one.state == "running" and one.detail), "")
        count = f"{sum(state == 'finished' for state in states)}/{len(states)}" if len(states) > 1 else ""
        return Seen(state="running", detail=said or count)
    return Seen(state="waiting")


def ready(stack: Stack, services: Iterable[Service], containers: Sequence[Container]) -> Iterator[str]:
    """Services that have not been started although nothing they wait for is missing any more."""
    started = {item.service for item in containers if item.state != "created"}
    for service in services:
        if service.name not in started and all(
            _met(stack.services.get(name), condition, containers) for name, condition in service.needs.items()
        ):
            yield service.name


def run_of(containers: Iterable[Container]) -> str:
    """The pipeline run that the containers belong to; empty where none says so."""
    return next((found[1] for item in containers if (found := _RUN.search(item.labels))), "")


def _works_for(item: Service, others: Iterable[Service]) -> bool:
    return any(item.needs.get(other.name) == "service_started" for other in others)


def _met(other: Service | None, condition: str, containers: Iterable[Container]) -> bool:
    mine = [item for item in containers if other is not None and item.service == other.name]
    return bool(mine) and all(
        item.state in MET.get(condition, ())
        and (condition != "service_completed_successfully" or item.exit_code == 0)
        and (condition != "service_healthy" or item.health == "healthy")
        for item in mine
    )


def _service(service: Service, containers: Sequence[Container]) -> Seen:
    states = {item.state for item in containers}
    if not states or states == {"created"}:
        return Seen(state="waiting")
    bad = [item for item in containers if item.state in ("exited", "dead") and (item.exit_code or service.lasting)]
    if bad:
        return Seen(state="failed", detail=meaning(bad[0].exit_code))
    if not service.lasting:
        return Seen(state="finished" if states == {"exited"} else "running")
    if "restarting" in states:
        return Seen(state="running", detail=f"starts again after {meaning(max(c.exit_code for c in containers))}")
    if service.checked and any(item.health != "healthy" for item in containers):
        if any(item.health == "unhealthy" for item in containers):
            return Seen(state="failed", detail="it runs, and its health check fails")
        return Seen(state="running", detail="starting")
    return Seen(state="finished", detail=", ".join(f"http://127.0.0.1:{port}" for port in _published(containers)))


def _published(containers: Iterable[Container]) -> list[int]:
    return sorted({outside for item in containers for _, outside in item.ports})

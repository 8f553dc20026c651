"""Pipelines that follow the clock: their services are started once and stay."""

from __future__ import annotations

from collections.abc import Sequence

from mlwright import ir
from mlwright.engine.compose import Compose
from mlwright.engine.stack import Service, Stack
from mlwright.runner.folder import Folder, tail


def services(stack: Stack, pipeline: str) -> tuple[Service, ...]:
    """The services that start the pipeline by the clock, the one that opens its runs first; none where nothing does."""
    profile = f"schedule-{pipeline}"
    return tuple(item for item in stack.services.values() if profile in item.profiles)


def start(compose: Compose, chosen: Sequence[Service], folder: Folder, name: str, build: bool | None) -> str:
    """Start them, with what they need; empty, or what Compose said where it could not."""
    folder.prepare()
    log = folder.root / "up" / f"{name}-schedule.log"
    log.unlink(missing_ok=True)
    flags = () if build is None else ("--build",) if build else ("--no-build",)
    code = compose.start([item.name for item in chosen], log, *flags).wait()
    return "\n".join(tail(log, 40)) if code else ""


def told(pipeline: ir.Pipeline, words: str, opener: str) -> str:
    """What happens from now on, and how to look at it."""
    schedule = pipeline.schedule
    rows = (
        (f"mlwright logs{words} {opener}", "when it starts next"),
        (f"mlwright logs{words} --follow", "what its steps say"),
        (f"mlwright down{words}", "stop everything; runs are kept"),
    )
    width = max(len(command) for command, _ in rows)
    head = (
        f"{pipeline.name} starts by itself: {schedule.cron} ({schedule.timezone}); its runs are {pipeline.name}-<time>."
    )
    return "\n".join((head, "", *(f"  {command:<{width}}  {does}" for command, does in rows)))

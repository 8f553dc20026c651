"""`mlwright up`: a pipeline on the engine, watched to its end, and what came out of it."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TextIO

from mlwright import ir
from mlwright.diag.diagnostic import Diagnostic, Label
from mlwright.diag.render.columns import wrap
from mlwright.emit import trackserver
from mlwright.emit.environment import secret_variable
from mlwright.engine import facts, refusals
from mlwright.engine.compose import Compose, Container, EngineError
from mlwright.engine.facts import Facts
from mlwright.engine.stack import Service
from mlwright.engine.states import meaning, nodes, seen
from mlwright.engine.watch import IMAGES, Verdict, Watch
from mlwright.runner import summary
from mlwright.runner.folder import Folder, nearby
from mlwright.runner.plan import Plan
from mlwright.runner.progress import Screen, duration, screen
from mlwright.runner.result import Result
from mlwright.runner.signals import Interrupted, Signals
from mlwright.runner.tracking import Client

SUCCEEDED, FAILED = 0, 1
_QUOTED = 20
_PROGRESS = re.compile(r"\s*(?:Container|Network|Volume|Image) \S+ +\w+\s*$")
"""Compose's lines about what goes well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for. `words` are those of the command line that say which project and environment; `render` shows
    findings with their places in the spec."""

    run: str
    serve: bool = True
    detach: bool = False
    build: bool | None = None
    timeout: float = 0.0
    words: tuple[str, ...] = ()
    render: Callable[[Iterable[Diagnostic]], str]

    def command(self, name: str, *more: str) -> str:
        return shlex.join(("mlwright", name, *self.words, *more))


def up(compose: Compose, plan: Plan, folder: Folder, request: Request, console: TextIO, errors: TextIO) -> int:
    """Start and watch one pipeline. 0 it succeeded and what it serves answers, 1 not, 130 and the like: interrupted.

    Raises EngineError where the engine does not take anything.
    """
    everything = compose.stack.started_by(plan.pipeline.name)
    endpoints = [item for item in everything if item.node.startswith("serving.")]
    services = [item for item in everything if item not in endpoints]
    endpoints = endpoints if request.serve else []
    folder.prepare()
    log = folder.root / "up" / f"{plan.project.environment.name}.log"
    log.unlink(missing_ok=True)
    compose.clear([item.name for item in services if not item.lasting])
    flags = () if request.build is None else ("--build",) if request.build else ("--no-build",)
    first = [*services, *endpoints] if request.detach else services
    names = [item.name for item in first]
    if not any(item.profiles for item in services):
        names += [name for name in compose.active() if name not in compose.stack.services]
    began = time.monotonic()
    process = compose.start(names, log, *flags)
    if request.detach:
        _say(console, _left(request, "Started", "it goes on by itself"))
        return SUCCEEDED
    view = screen([IMAGES, *nodes([*services, *endpoints])], console)
    watch = Watch(
        compose=compose,
        services=services,
        endpoints=endpoints,
        board=view.board,
        ask=lambda containers: _ask(compose, plan, request, containers),
        log=log,
        process=process,
    )
    with Signals(lambda: None) as signals:
        try:
            verdict = watch.follow(request.timeout)
            signals.calm()
            return _report(watch, plan, request, view, verdict, time.monotonic() - began, console, errors)
        except Interrupted as stop:
            view.close()
            goes_on = "its steps go on by themselves" + (", its endpoints stay as they are" if endpoints else "")
            _say(console, "\n" + _left(request, "Stopped watching", goes_on))
            return stop.exit_code
        finally:
            view.close()


def _report(
    watch: Watch,
    plan: Plan,
    request: Request,
    view: Screen,
    verdict: Verdict,
    seconds: float,
    console: TextIO,
    errors: TextIO,
) -> int:
    for row in view.board.rows:
        stuck = ("waiting", "running") if verdict == "was not started" else ("waiting",)
        if row.state in stuck and row.id != IMAGES and verdict in ("failed", "was not started"):
            blame = watch.blame(row.id)
            view.board.move(row.id, "blocked", f"{blame} failed" if blame else "")
    view.close()
    found = facts.with_failures(watch.facts, watch.seen)
    for failure in _failures(watch, plan, request, found.results) if verdict in ("failed", "was not started") else ():
        finding = Diagnostic(code=failure.code, message=failure.message, at=failure.at)
        _say(errors, "\n".join(("", request.render([finding]), *failure.lines)))
    rows = [row for row in view.board.rows if row.id != IMAGES or row.state == "failed"]
    head = (
        f"Run {request.run} of {plan.project.name} ({plan.project.environment.name}, pipeline {plan.pipeline.name}) "
        f"{verdict} after {duration(seconds)}"
    )
    url = _url(plan.project, watch.containers)
    said = [*summary.found(plan.nodes, found.results), *_places(watch, url)]
    if verdict != "succeeded":
        said.append(("Logs", request.command("logs")))
        said.append(("Go on with", request.command("up", *_which(plan, request))))
    lines = ["", *wrap(head, summary.WIDTH), "", *summary.table(rows, plan.nodes), "", *summary.listed(said)]
    if verdict == "timed out":
        lines += ["", "It goes on by itself: only the waiting has ended."]
    if found.root and url:
        lines += ["", "The run:", f"  {url}/#/experiments/{found.experiment}/runs/{found.root}"]
    _say(console, "\n".join(lines).rstrip())
    return SUCCEEDED if verdict == "succeeded" else FAILED


def _failures(watch: Watch, plan: Plan, request: Request, results: Mapping[str, Result]) -> Iterator[summary.Failure]:
    """Everything that failed: steps and gates, endpoints, then what the spec has no line for, then Compose itself."""
    known = {node.id for node in plan.nodes}
    failed = {node: one for node, one in watch.seen.items() if one.state == "failed"}
    told = False
    ended = {node: results[node] for node in failed if node in known and node in results}
    for failure in summary.failures(plan, ended, ()):
        node = next((n for n in ended if failure.message.startswith(f"{n} failed")), "")
        services = failed[node].failed if node else ()
        yield replace(failure, lines=tuple(_quoted(watch, request, services)))
        told = True
    for service in plan.project.services:
        if service.id in failed:
            one = failed[service.id]
            message = f"{service.id} does not serve: {one.detail}"
            at = Label(path=service.origin.path, on="key")
            lines = tuple(_quoted(watch, request, one.failed))
            yield summary.Failure(code="RUN013", message=message, lines=lines, at=at)
            told = True
    if "tracking" in failed:
        one = failed["tracking"]
        at = Label(path=plan.project.tracking.origin.path, on="key")
        lines = tuple(_quoted(watch, request, one.failed))
        message = f"the tracking server does not answer: {one.detail}"
        yield summary.Failure(code="RUN009", message=message, lines=lines, at=at)
        told = True
    if told:
        return
    closing = watch.compose.stack.closing(watch.services)
    for item in watch.services:
        code = watch.exit_code(item.name)
        if item.plumbing and code and item != closing:
            message = f"the service `{item.name}` failed: {meaning(code)}"
            yield summary.Failure(
                code="RUN015", message=message, lines=tuple(_quoted(watch, request, [item.name])), at=Label()
            )
            told = True
    if not told and watch.refused:
        message = refusals.explain(watch.refused, watch.compose.env, _moved(watch.compose, watch.services))
        telling = [line for line in watch.refused.splitlines() if not _PROGRESS.match(line)]
        quoted = tuple(f"  | {line}" for line in telling[-_QUOTED:])
        yield summary.Failure(
            code="RUN015", message=message, lines=(*quoted, f"the whole log: {nearby(watch.log)}"), at=Label()
        )
        told = True
    if not told and closing is not None:
        lines = tuple(_quoted(watch, request, [closing.name]))
        message = "a step failed that is not there any more"
        yield summary.Failure(code="RUN010", message=message, lines=lines, at=Label())


def _quoted(watch: Watch, request: Request, services: Sequence[str]) -> Iterator[str]:
    """The end of the logs of these services, and how to see the whole."""
    for name in services:
        if lines := watch.compose.tail(name, _QUOTED):
            node = watch.compose.stack.services[name].node
            path = node if len(watch.compose.stack.named(node)) == 1 else name
            yield from (f"  | {line}" for line in lines)
            yield f"the whole log: {request.command('logs', path)}"


def _ask(compose: Compose, plan: Plan, request: Request, containers: Sequence[Container]) -> Facts:
    url = _url(plan.project, containers)
    if not url:
        return facts.NOTHING
    username, password = _account(compose, plan.project)
    client = Client(url=url, username=username, password=password, patience=0.5, timeout=10.0)
    return facts.read(client, plan.project, plan.nodes, request.run)


def _account(compose: Compose, project: ir.Project) -> tuple[str, str]:
    """Who the pipeline is on its tracking server; empty where that asks nobody."""
    secret = project.tracking.auth.secret
    if not secret:
        return "", ""
    return compose.value(secret_variable(secret, "username")), compose.value(secret_variable(secret, "password"))


def _url(project: ir.Project, containers: Iterable[Container]) -> str:
    """Where the tracking server is reached from here; empty while it is not there."""
    if not project.tracking.beside:
        return project.tracking.address.rstrip("/")
    for item in containers:
        outside = dict(item.ports).get(trackserver.PORT)
        if item.service == "mlflow" and item.state == "running" and outside:
            return f"http://127.0.0.1:{outside}{project.tracking.options.static_prefix}"
    return ""


def _places(watch: Watch, url: str) -> Iterator[tuple[str, str]]:
    earlier = "" if watch.serving else ", from an earlier run"
    for node, services in nodes(watch.endpoints).items():
        one = seen(services, watch.containers)
        if one.state == "finished" and one.detail:
            yield "Endpoint", f"{node}: {one.detail}{earlier}"
    if url:
        yield "Tracking server", url


def _moved(compose: Compose, services: Iterable[Service]) -> dict[int, str]:
    """The variables that move the ports which these services ask for, by port."""
    pairs = ((port, variable) for item in services for port, variable in item.published.items())
    return {int(compose.value(variable, str(port))): variable for port, variable in pairs}


def _which(plan: Plan, request: Request) -> tuple[str, ...]:
    """The words that go on with this run and no other."""
    pipeline = ("--pipeline", plan.pipeline.name) if len(plan.project.pipelines) > 1 else ()
    return (*pipeline, "--run", request.run)


def _left(request: Request, what: str, goes_on: str) -> str:
    rows = (
        (request.command("up", "--run", request.run), "watch it, or go on where it stopped"),
        (request.command("logs", "--follow"), "what its steps say"),
        (request.command("down"), "stop it; what is finished is kept"),
    )
    width = max(len(command) for command, _ in rows)
    lines = (f"  {command:<{width}}  {does}" for command, does in rows)
    return "\n".join((f"{what} run {request.run}: {goes_on}.", "", *lines))


def _say(stream: TextIO, text: str) -> None:
    print(text, file=stream, flush=True)


__all__ = ["EngineError", "Request", "up"]

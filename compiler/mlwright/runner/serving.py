"""Endpoints on this machine: the serve program, readiness, and the smoke test."""

from __future__ import annotations

import socket
import time
import urllib.error
from dataclasses import dataclass
from pathlib import Path

from mlwright import ir
from mlwright.emit import stepdoc
from mlwright.runner import ports, tracking
from mlwright.runner.board import Board
from mlwright.runner.context import Context
from mlwright.runner.plan import Plan, as_task, references
from mlwright.runner.processes import Process, StoppingError
from mlwright.runner.schedule import Schedule

_KNOWN = ("params", "secrets", "storage", "run")
"""What a command or variable of an endpoint may refer to here."""
SHOWN = 400
"""Characters of a response that the summary shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A service that was tried. `problem` is empty when it came up and passed its smoke test, if it has one."""

    service: str
    url: str = ""
    process: Process | None = None
    response: str = ""
    problem: str = ""
    log: Path | None = None


def obstacle(service: ir.Service) -> str:
    """Why this service cannot be brought up here; empty where it can."""
    source, container = service.source, service.container
    own = container.argv or container.script
    strange = sorted({path for path in references(container) if path.partition(".")[0] not in _KNOWN})
    if strange:
        return f"it refers to {strange[0]}"
    if source.kind == "none" and not own:
        return "it is what its image starts"
    if source.kind == "uri":
        return f"its model is at {source.uri}"
    if source.kind == "registry" and service.binding == "locked" and not source.version:
        return f"mlproject.lock has no entry for {source.model}@{source.alias}"
    if not own and service.format not in ("", "mlflow"):
        return f"a {service.format} server needs its image"
    return ""


def unserved(service: ir.Service, made: Plan, schedule: Schedule) -> str:
    """Why an endpoint has nothing to serve; empty where it has."""
    if schedule.failed:
        return "the run failed"
    source, states = service.source, schedule.states
    good = {node for node, state in states.items() if state in ("finished", "cached")}
    if source.kind == "registry" and service.binding == "run":
        makers = [n.id for n in made.nodes if isinstance(n, ir.Registration) and n.model == source.model]
        return "" if good & set(makers) else f"no version of {source.model} was registered"
    if source.kind == "output":
        stand_in = {n.training: n.id for n in made.nodes if isinstance(n, ir.Search) and not n.retrain}
        return "" if stand_in.get(source.step, source.step) in good else f"{source.step} did not run"
    return ""


def bring_up(service: ir.Service, context: Context, board: Board) -> Endpoint:
    """Start `service`, wait until it answers, send the smoke test. Never raises but StoppingError and OSError."""
    board.move(service.id, "running")
    board.say(service.id, "loading the model")
    endpoint = _started(service, context)
    if not endpoint.problem and service.smoke_request:
        endpoint = _smoke(service, endpoint, context)
    detail = endpoint.problem or ("answered the smoke test" if service.smoke_request else "came up")
    board.move(service.id, "failed" if endpoint.problem else "finished", detail)
    return endpoint


def _started(service: ir.Service, context: Context) -> Endpoint:
    own = bool(service.container.argv or service.container.script)
    log = context.log(service.id)
    for _ in range(1 if own else ports.TRIES):
        port = service.port if own else ports.free()
        if own and _listening(port):
            return Endpoint(service=service.id, problem=f"its port {port} is in use on this machine", log=log)
        folder = context.home(service.id) / "model"
        document = _document(service, context, folder, port, own)
        process = context.launch(service.id, "serve", document, log=log)
        url = f"http://{ports.HOST}:{port}"
        if _ready(service, process, url, own, context):
            return Endpoint(service=service.id, url=url, process=process, log=log)
        late = process.poll() is None
        context.processes.stop([process], 5)
        if late:
            problem = f"it did not answer within {service.startup:.0f} s"
            return Endpoint(service=service.id, problem=problem, log=log)
        if not ports.taken(log):
            problem = f"it ended with exit code {process.returncode}"
            return Endpoint(service=service.id, problem=problem, log=log)
    return Endpoint(service=service.id, problem=f"no free port on {ports.HOST}", log=log)


def _document(service: ir.Service, context: Context, folder: Path, port: int, own: bool) -> stepdoc.Document:
    """The serve document, with the container's command, variables and secrets as a step would have them."""
    step = stepdoc.step_document(context.project, as_task(service), context.places)
    made = stepdoc.serve_document(
        context.project, service, service.source, str(folder), () if own else _scoring_server(folder, port)
    )
    kept = ("env", "secrets", "secret_keys", "params", *(("command",) if own else ()))
    return {**made, **{key: step[key] for key in kept}}


def _scoring_server(folder: Path, port: int) -> list[str]:
    return [
        *("mlflow", "models", "serve", "--model-uri", str(folder), "--env-manager", "local"),
        *("--host", ports.HOST, "--port", str(port), "--workers", "1"),
    ]


def _ready(service: ir.Service, process: Process, url: str, own: bool, context: Context) -> bool:
    deadline = time.monotonic() + (service.startup or 600)
    while process.poll() is None and time.monotonic() < deadline:
        if context.processes.stopping:
            raise StoppingError
        if own:
            if _listening(int(url.rpartition(":")[2])):
                return True
        elif _pings(url):
            return process.poll() is None
        time.sleep(0.2)
    return False


def _pings(url: str) -> bool:
    try:
        tracking.fetch(f"{url}/ping", timeout=2)
    except (tracking.UnreachableError, urllib.error.HTTPError):
        return False
    return True


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((ports.HOST, port)) == 0


def _smoke(service: ir.Service, endpoint: Endpoint, context: Context) -> Endpoint:
    """POST the request file to /invocations; any status above 299 is a problem."""
    path = context.folder.spec / service.smoke_request
    kind = "text/csv" if path.suffix == ".csv" else "application/json"
    answer, problem = "", ""
    try:
        body = tracking.fetch(
            f"{endpoint.url}/invocations", data=path.read_bytes(), headers={"Content-Type": kind}, timeout=60
        )
        answer = shortened(body)
    except urllib.error.HTTPError as error:
        problem = f"the smoke test got HTTP {error.code}: {shortened(error.read())}"
    except tracking.UnreachableError as error:
        problem = f"the smoke test got no answer: {error}"
    except OSError as error:
        problem = f"the request of the smoke test cannot be read: {error}"
    return Endpoint(
        service=endpoint.service,
        url=endpoint.url,
        process=endpoint.process,
        response=answer,
        problem=problem,
        log=endpoint.log,
    )


def shortened(body: bytes) -> str:
    """A response on one line, cut after `SHOWN` characters."""
    text = " ".join(body.decode(errors="replace").split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."

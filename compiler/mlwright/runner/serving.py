"""Endpoints on this machine: the serve program, readiness, and the smoke test."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlwright import ir
from mlwright.diag.diagnostic import Label
from mlwright.emit import servedoc, stepdoc
from mlwright.runner import ports, tracking
from mlwright.runner.board import Board
from mlwright.runner.context import Context
from mlwright.runner.plan import Plan, as_task, references
from mlwright.runner.processes import Process, StoppingError
from mlwright.runtime.order import Schedule

_KNOWN = ("params", "secrets", "storage", "run")
"""What a command or variable of an endpoint may refer to here."""
SHOWN = 400
"""Characters of a response that the summary shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A service, or a variant of one, that was tried. `problem` is empty when it came up and passed its smoke test, if
    it has one; `at` is what in the spec a problem is about."""

    service: str
    url: str = ""
    process: Process | None = None
    response: str = ""
    problem: str = ""
    log: Path | None = None
    at: Label = field(default_factory=Label)


def own(service: ir.Service) -> bool:
    """Whether a command of the user's serves, on the service's port; MLflow's scoring server has a free one."""
    return bool(service.container.argv or service.container.script)


def stays(service: ir.Service, services: Sequence[ir.Service]) -> bool:
    """Whether `--serve` leaves it up: not where an earlier one of `services` has the port of its command."""
    earlier = services[: services.index(service)]
    return not own(service) or all(not own(other) or other.port != service.port for other in earlier)


def obstacle(service: ir.Service) -> str:
    """Why this service cannot be brought up here; empty where it can."""
    source, container = service.source, service.container
    strange = sorted({path for path in references(container) if path.partition(".")[0] not in _KNOWN})
    if strange:
        return f"it refers to {strange[0]}"
    if source.kind == "none" and not own(service):
        return "it is what its image starts"
    if source.kind == "uri":
        return f"its model is at {source.uri}"
    if source.kind == "registry" and service.binding == "locked" and not source.version:
        return f"mlproject.lock has no entry for {source.model}@{source.alias}"
    if not own(service) and service.format not in ("", "mlflow"):
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
    endpoint = replace(_started(service, context), at=Label(path=service.origin.path, on="key"))
    if not endpoint.problem and service.smoke_request:
        response, problem = _smoke(service, endpoint.url, context)
        at = Label(path=(*_declared(service), "smoke_test"), on="key") if problem else endpoint.at
        endpoint = replace(endpoint, response=response, problem=problem, at=at)
    detail = endpoint.problem or ("answered the smoke test" if service.smoke_request else "came up")
    board.move(service.id, "failed" if endpoint.problem else "finished", detail)
    return endpoint


def _declared(service: ir.Service) -> tuple[str | int, ...]:
    """Where the spec has the fields of a service or of the service that a variant belongs to."""
    return service.origin.path[:2]


def _started(service: ir.Service, context: Context) -> Endpoint:
    log = context.log(service.id)
    for _ in range(1 if own(service) else ports.TRIES):
        port = service.port if own(service) else ports.free()
        if own(service) and _listening(port):
            return Endpoint(service=service.id, problem=f"its port {port} is in use on this machine", log=log)
        folder = context.home(service.id) / "model"
        document = _document(service, context, folder, port)
        process = context.launch(service.id, "serve", document, log=log)
        url = f"http://{ports.HOST}:{port}"
        if _ready(service, process, url, context):
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


def _document(service: ir.Service, context: Context, folder: Path, port: int) -> stepdoc.Document:
    """The serve document, with the container's command, variables and secrets as a step would have them."""
    step = stepdoc.step_document(context.project, as_task(service), context.places)
    made = servedoc.serve_document(
        context.project,
        service,
        service.source,
        str(folder),
        () if own(service) else _scoring_server(folder, port, service),
    )
    kept = ("env", "secrets", "secret_keys", "params", *(("command",) if own(service) else ()))
    return {**made, **{key: step[key] for key in kept}}


def _scoring_server(folder: Path, port: int, service: ir.Service) -> list[str]:
    return [
        *("mlflow", "models", "serve", "--model-uri", str(folder), "--env-manager", "local"),
        *("--host", ports.HOST, "--port", str(port), "--workers", "1"),
        *(("--timeout", str(math.ceil(service.request_timeout))) if service.request_timeout else ()),
    ]


def _ready(service: ir.Service, process: Process, url: str, context: Context) -> bool:
    path = _health(service)
    deadline = time.monotonic() + (service.startup or 600)
    while process.poll() is None and time.monotonic() < deadline:
        if context.processes.stopping:
            raise StoppingError
        if _answers(f"{url}{path}") if path else _listening(service.port):
            return process.poll() is None
        time.sleep(0.2)
    return False


def _health(service: ir.Service) -> str:
    """The path that answers when it is ready; empty where only its port tells."""
    health = dict(service.extra).get("health")
    path = health.get("path") if isinstance(health, dict) else None
    return path if isinstance(path, str) else "" if own(service) else "/ping"


def _answers(url: str) -> bool:
    try:
        tracking.fetch(url, timeout=2)
    except tracking.RemoteError:
        return False
    return True


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((ports.HOST, port)) == 0


def _smoke(service: ir.Service, url: str, context: Context) -> tuple[str, str]:
    """(response, problem) of the request file, POSTed: any status but the expected one is a problem."""
    headers = {"Content-Type": service.smoke_type}
    try:
        body = (context.folder.spec / service.smoke_request).read_bytes()
    except OSError as error:
        return "", f"the request of the smoke test cannot be read: {error}"
    try:
        status, answer = tracking.ask(
            f"{url}{service.smoke_path}", data=body, headers=headers, timeout=service.smoke_timeout
        )
    except tracking.RemoteError as error:
        return "", f"the smoke test got no answer: {error}"
    if status == service.smoke_status:
        return shortened(answer), ""
    wanted = "" if service.smoke_status == 200 else f", not {service.smoke_status}"
    return "", f"the smoke test got HTTP {status}{wanted}: {shortened(answer)}"


def shortened(body: bytes) -> str:
    """A response on one line, cut after `SHOWN` characters."""
    text = " ".join(body.decode(errors="replace").split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."

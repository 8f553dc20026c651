"""One local run from start to end: what `mlwright run` does."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from mlwright import ir
from mlwright.diag.diagnostic import Diagnostic, Label
from mlwright.emit import stepdoc
from mlwright.runner import context as contexts
from mlwright.runner import exercise, identity, params, plan, secrets, server, serving, summary, tracking
from mlwright.runner.context import Context
from mlwright.runner.folder import BusyError, Folder, quoted
from mlwright.runner.local import LocalExecutor, ServerDiedError
from mlwright.runner.places import LocalPlaces
from mlwright.runner.plan import Plan, RefusedError
from mlwright.runner.processes import Processes
from mlwright.runner.progress import Screen, screen
from mlwright.runner.serving import Endpoint
from mlwright.runner.signals import Interrupted, Signals
from mlwright.runtime.order import Schedule, drive

CLEAN, FAILED, USAGE = 0, 1, 2
GRACE = 12.0
"""Seconds that steps get to end after Ctrl-C before they are killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the command line asks for. `params` are `NAME=VALUE` words; `resume` is (the beginning of) a run's id;
    `words` are those of the command line that a resumed run needs again; `left_out` says what of the spec is not in
    the program; `render` shows findings for a stream, with their places in the source where it can."""

    spec_folder: Path
    pipeline: str = ""
    params: Sequence[str] = ()
    max_trials: int = 0
    serve: bool = False
    resume: str = ""
    words: Sequence[str] = ()
    left_out: Sequence[str] = ()
    render: Callable[[Iterable[Diagnostic], TextIO], str] | None = None


def run(project: ir.Project, options: RunOptions, console: TextIO, errors: TextIO | None = None) -> int:
    """Run one pipeline of `project` here, told on `console`; a run that cannot start says why on `errors`.

    Exit codes: 0 succeeded, 1 failed, 2 refused, 130 interrupted (128 + signal).

    Whatever happens, no process that was started is left.
    """
    kept = project.tracking
    folder = Folder(options.spec_folder.resolve(), kept.backend.path, kept.artifacts.path)
    try:
        made, run_id, values = _prepared(project, options, folder)
    except RefusedError as refused:
        _tell(options, refused.findings, errors or console)
        return USAGE
    folder.prepare()
    processes = Processes()
    with Signals(processes.hurry) as signals:
        try:
            with folder.held() if server.elsewhere(made.project, {}) is None else contextlib.nullcontext():
                return _Session(made, options, folder, run_id, values, processes, signals, console).run()
        except BusyError as busy:
            _tell(options, [_busy(busy)], errors or console)
            return USAGE
        except Interrupted as stop:
            _say(console, str(stop))
            return stop.exit_code
        finally:
            signals.calm()
            processes.close()


def _prepared(project: ir.Project, options: RunOptions, folder: Folder) -> tuple[Plan, str, dict[tuple[str, str], str]]:
    """The checked plan, the run's id and the secrets. Raises RefusedError."""
    plan.check_platform(project)
    pipeline = plan.choose(project, options.pipeline)
    given, wrong = params.split(options.params)
    changed, more = params.override(project, pipeline, given)
    if wrong or more:
        raise RefusedError(*wrong, *more)
    made = plan.make(changed, pipeline, options.max_trials)
    values = secrets.collect(made.project, os.environ, folder.spec / ".env")
    found = plan.findings(made, values, [item for item in made.services if not serving.obstacle(item)])
    if found:
        raise RefusedError(*found)
    plan.check_installed()
    return made, _run_id(options.resume, folder), values


def _run_id(resume: str, folder: Folder) -> str:
    if not resume:
        return uuid.uuid4().hex
    found = folder.resumed(resume)
    if found is None:
        message = f"there is no single run `{resume}` to resume"
        known = sorted(folder.runs.glob("*"), key=lambda path: path.stat().st_mtime, reverse=True)
        offer = f"newest: {', '.join(path.name[:8] for path in known[:3])}" if known else "nothing has run here yet"
        raise RefusedError(Diagnostic(code="RUN014", message=message, help=offer))
    return found


class _Session:
    """The running part: everything here happens with the signal handlers in place."""

    def __init__(
        self,
        made: Plan,
        options: RunOptions,
        folder: Folder,
        run_id: str,
        values: dict[tuple[str, str], str],
        processes: Processes,
        signals: Signals,
        console: TextIO,
    ) -> None:
        self._plan = made
        self._options = options
        self._folder = folder
        self._run_id = run_id
        self._values = values
        self._processes = processes
        self._signals = signals
        self._console = console
        self._began = time.monotonic()
        self._gpus = identity.gpus()
        self._services = [item for item in made.services if not serving.obstacle(item)]
        self._endpoints: list[Endpoint] = []

    def run(self) -> int:
        try:
            tracker = self._server()
        except server.NotStartedError as error:
            external = self._plan.project.tracking.server == "external"
            at = Label(path=(*self._plan.project.tracking.origin.path, "server")) if external else Label()
            verb = "is not there" if error.log is None else "did not start"
            self._complain("RUN009", f"the tracking server {verb}: {error}", quoted(error.log), at)
            return FAILED
        context = self._context(tracker)
        ids = [*(node.id for node in self._plan.nodes), *(service.id for service in self._services)]
        view = screen(ids, self._console)
        executor = LocalExecutor(self._plan, context, view.board)
        schedule = Schedule(self._plan.jobs, limit=max(2, os.cpu_count() or 2))
        try:
            if not self._root(context):
                return FAILED
            drive(schedule, executor, view.board.follow)
            self._serve(schedule, context, view)
        except (Interrupted, ServerDiedError) as stop:
            return self._halted(stop, schedule, executor, context, view)
        finally:
            view.close()
        return self._ended(schedule, executor, context, view)

    def _server(self) -> server.Server:
        elsewhere = server.elsewhere(self._plan.project, self._values)
        if elsewhere is not None:
            return server.given(elsewhere)
        ignored = os.environ.get("MLFLOW_TRACKING_URI", "")
        if ignored:
            self._note(
                f"MLFLOW_TRACKING_URI ({ignored}) is not on this machine and is not used; to write there, set "
                "`tracking: {server: {type: external, url: ...}}` in this environment"
            )
        self._note("starting the tracking server ...")
        began = time.monotonic()
        log = self._folder.run(self._run_id) / "server.txt"
        started = server.start(self._folder, self._processes, {**os.environ, "PATH": self._path()}, log)
        self._note(f"tracking server on {started.url} (after {time.monotonic() - began:.0f} s)")
        return started

    def _path(self) -> str:
        return identity.search_path(os.environ)

    def _context(self, tracker: server.Server) -> Context:
        project, folder = self._plan.project, self._folder
        tasks = [node.trial if isinstance(node, ir.Search) else node for node in self._plan.nodes]
        contexts_ = {task.container.image.build_context for task in tasks if isinstance(task, ir.Task)}
        return Context(
            project=project,
            folder=folder,
            run_id=self._run_id,
            processes=self._processes,
            places=LocalPlaces(project=project, folder=folder),
            server=tracker,
            env=contexts.environment(project, folder, self._run_id, tracker, os.environ),
            values=self._values,
            digests={name: identity.code_digest(folder.spec, name, self._path()) for name in contexts_},
            gpus=self._gpus,
        )

    def _root(self, context: Context) -> bool:
        """Make the pipeline run's root run, which all others hang beneath."""
        document = stepdoc.root_document(self._plan.project, self._plan.pipeline, "start")
        process = context.launch("run", "root", document)
        answer = context.ended(process, "run")
        if answer.outcome == "failed":
            self._complain("RUN010", f"the root run could not be made: {answer.reason}", quoted(answer.log))
        context.tell_outcome("")
        return answer.outcome != "failed"

    def _serve(self, schedule: Schedule, context: Context, view: Screen) -> None:
        leaving = self._options.serve
        lasting = {item.id for item in self._services if leaving and serving.stays(item, self._services)}
        for service in sorted(self._services, key=lambda item: item.id in lasting):  # those that end again go first
            reason = serving.unserved(service, self._plan, schedule)
            if reason:
                view.board.move(service.id, "blocked" if schedule.failed else "skipped", reason)
                continue
            endpoint = serving.bring_up(service, context, view.board)
            self._endpoints.append(endpoint)
            if endpoint.process is not None and (endpoint.problem or service.id not in lasting):
                self._processes.stop([endpoint.process], 5)

    def _ended(self, schedule: Schedule, executor: LocalExecutor, context: Context, view: Screen) -> int:
        failed = schedule.failed or any(endpoint.problem for endpoint in self._endpoints)
        code = FAILED if failed else CLEAN
        self._close_runs(context, "FAILED" if schedule.failed else "FINISHED", "FAILED")
        serving_on = [item for item in self._endpoints if item.process is not None and item.process.poll() is None]
        self._report(schedule, executor, context, view, "failed" if failed else "succeeded", code, bool(serving_on))
        if serving_on and not failed:
            self._stay(context, serving_on)
        return code

    def _stay(self, context: Context, endpoints: Sequence[Endpoint]) -> None:
        """`--serve`: until Ctrl-C, or until an endpoint ends by itself."""
        several = len(endpoints) > 1
        try:
            self._note(
                f"\nThe endpoint{'s stay' if several else ' stays'} up. Ctrl-C ends {'them' if several else 'it'}."
            )
            while all(item.process is not None and item.process.poll() is None for item in endpoints):
                if context.server.died:
                    self._complain("RUN012", "the tracking server ended", quoted(context.server.log))
                    return
                time.sleep(0.5)
            gone = [item for item in endpoints if item.process is None or item.process.poll() is not None]
            for item in gone:
                self._complain("RUN013", f"{item.service} ended by itself", quoted(item.log), item.at)
        except Interrupted:
            self._note("stopping")

    def _halted(
        self,
        stop: Interrupted | ServerDiedError,
        schedule: Schedule,
        executor: LocalExecutor,
        context: Context,
        view: Screen,
    ) -> int:
        """Stop every step, wait for what they still say, close their runs; the server goes last."""
        self._signals.calm()
        died = isinstance(stop, ServerDiedError)
        schedule.cancel("the tracking server ended" if died else "interrupted")
        self._processes.halt()
        view.note("the tracking server ended: stopping" if died else "stopping (Ctrl-C again: at once)")
        keep = context.server.process
        self._processes.stop([item for item in self._processes.live if item is not keep], 3.0 if died else GRACE)
        for ended in executor.drain(5.0):
            schedule.end(ended.job, ended.outcome, ended.reason)
        for job in schedule.running:
            schedule.end(job, "killed")
        view.board.follow(schedule)
        for service in self._services:
            if view.board.row(service.id).state in ("waiting", "running"):
                view.board.move(service.id, "killed" if view.board.row(service.id).began else "blocked")
        view.close()
        if isinstance(stop, Interrupted):
            self._close_runs(context, "KILLED", "KILLED")
            self._report(schedule, executor, context, view, "was interrupted", stop.exit_code, False)
            return stop.exit_code
        exit_code = context.server.process.returncode if context.server.process else None
        message = f"the tracking server ended (exit code {exit_code}) while the run needed it"
        self._complain("RUN012", message, quoted(context.server.log))
        self._report(schedule, executor, context, view, "failed", FAILED, False)
        return FAILED

    def _close_runs(self, context: Context, root: str, left: str) -> None:
        """Give the root run its status, and `left` to runs whose launcher could not: it was killed or it crashed."""
        with contextlib.suppress(tracking.RemoteError):
            for item in context.runs:
                if item.tags.get("mlwright.kind") == "root":
                    outcome = "succeeded" if root == "FINISHED" else "failed"
                    context.server.client.end(item.id, root, {"mlwright.outcome": outcome})
                elif item.status == "RUNNING":
                    context.server.client.end(item.id, left)

    def _report(
        self,
        schedule: Schedule,
        executor: LocalExecutor,
        context: Context,
        view: Screen,
        verdict: str,
        code: int,
        stays: bool,
    ) -> None:
        view.close()
        for failure in summary.failures(self._plan, executor.results, self._endpoints):
            self._complain(failure.code, failure.message, failure.lines, failure.at)
        self._name_aliases(executor, context)
        root = _known_root(context)
        ours = context.server.process is not None
        report = summary.Report(
            plan=self._plan,
            run_id=self._run_id,
            verdict=verdict,
            seconds=time.monotonic() - self._began,
            rows=view.board.rows,
            results=executor.results,
            endpoints=self._endpoints,
            gaps=(
                *exercise.not_exercised(self._plan, schedule.states, self._gpus, self._values),
                *self._options.left_out,
            ),
            folder=self._folder.run(self._run_id),
            again=shlex.join(("mlwright", "run", *self._options.words, "--resume", self._run_id[:8])),
            url="" if ours and not stays else context.server.url,
            look=server.command(self._folder) if ours else (),
            experiment=root.experiment if root else "",
            root=root.id if root else "",
        )
        path = self._folder.run(self._run_id) / "summary.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            json.dumps(summary.as_json(report, code), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        self._note(summary.text(report))

    def _name_aliases(self, executor: LocalExecutor, context: Context) -> None:
        """Add the aliases that a registered version has now: a first version gets more than its own."""
        for node in self._plan.nodes:
            result = executor.results.get(node.id)
            if isinstance(node, ir.Registration) and result is not None and result.status.get("version"):
                with contextlib.suppress(tracking.RemoteError):
                    aliases = context.server.client.aliases(node.model, str(result.status["version"]))
                    executor.results[node.id] = replace(result, status={**result.status, "aliases": list(aliases)})

    def _complain(self, code: str, message: str, lines: Sequence[str], at: Label | None = None) -> None:
        _say(self._console, "")
        _tell(self._options, [Diagnostic(code=code, message=message, at=at or Label())], self._console)
        if lines:
            _say(self._console, "\n".join(lines))

    def _note(self, text: str) -> None:
        _say(self._console, text)


def _known_root(context: Context) -> tracking.Run | None:
    try:
        return context.root
    except tracking.RemoteError:
        return None


def _busy(busy: BusyError) -> Diagnostic:
    return Diagnostic(
        code="RUN008",
        message=f"another `mlwright run` is at work in this folder ({busy})",
        help="wait until it has ended, or copy the project to another folder",
    )


def _tell(options: RunOptions, findings: Iterable[Diagnostic], stream: TextIO) -> None:
    _say(stream, options.render(findings, stream) if options.render else _plainly(findings))


def _plainly(findings: Iterable[Diagnostic]) -> str:
    return "\n".join(_lines(findings))


def _lines(findings: Iterable[Diagnostic]) -> Iterator[str]:
    for finding in findings:
        yield f"{finding.severity}[{finding.code}]: {finding.message}"
        if finding.help:
            yield f"  help: {finding.help}"


def _say(console: TextIO, text: str) -> None:
    """Print, even to a terminal that is gone."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=console, flush=True)

"""The end report: what ran, what came out, where to look, and what was not exercised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlwright import ir
from mlwright.diag.diagnostic import Label
from mlwright.diag.render.columns import wrap
from mlwright.runner import tuning
from mlwright.runner.board import Row
from mlwright.runner.folder import nearby, quoted
from mlwright.runner.plan import Plan
from mlwright.runner.progress import BEST, MARKS, duration, hanging
from mlwright.runner.result import Result
from mlwright.runner.serving import Endpoint
from mlwright.runner.verdict import gates

WIDTH = 80
"""Columns that no line takes more of, but for what is to be copied."""
_WHOLE = frozenset({"Logs", "Endpoint", "Tracking server", "Go on with"})
"""Facts to copy: they stay on one line, however long that gets."""
_WORDS = {"finished": "", "blocked": "not started", "waiting": "not started"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that the summary says. `again` is the command line that goes on with the run; `url` is where the
    tracking server answers, empty when it has stopped; `look` the lines of the command that starts it again;
    `experiment` and `root` are MLflow ids."""

    plan: Plan
    run_id: str
    verdict: str
    seconds: float
    rows: Sequence[Row]
    results: Mapping[str, Result]
    endpoints: Sequence[Endpoint]
    gaps: Sequence[str]
    folder: Path
    again: str = ""
    url: str = ""
    look: Sequence[str] = ()
    experiment: str = ""
    root: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One thing that failed: its code, what to say, what in the spec it is about, and the last lines of its log with
    the log's path."""

    code: str
    message: str
    lines: tuple[str, ...]
    at: Label


def text(report: Report) -> str:
    """The whole report, without a final line end."""
    plan = report.plan
    head = (
        f"Run {report.run_id[:8]} of {plan.project.name} ({plan.project.environment.name}, pipeline "
        f"{plan.pipeline.name}) {report.verdict} after {duration(report.seconds)}"
    )
    lines = ["", *wrap(head, WIDTH), "", *table(report.rows, report.plan.nodes), "", *listed(tuple(_facts(report)))]
    if report.gaps:
        lines += ["", "Not exercised here:"]
        for gap in report.gaps:
            lines += hanging("  - ", gap, WIDTH)
    lines += ["", *_links(report)]
    return "\n".join(lines).rstrip()


def failures(plan: Plan, results: Mapping[str, Result], endpoints: Iterable[Endpoint]) -> Iterator[Failure]:
    """Everything that failed, in the order in which it did."""
    for node, result in results.items():
        if result.outcome != "failed":
            continue
        found = plan.node(node)
        if isinstance(found, ir.Gates) and result.status.get("gates"):
            said = (f"{name} {text}" for name, text in gates(found, result) if text.startswith("failed"))
            yield Failure(code="RUN011", message=f"gate {'; gate '.join(said)}", lines=(), at=_missed(found, result))
        else:
            at = Label(path=found.origin.path, on="key")
            yield Failure(code="RUN010", message=f"{node} failed: {result.reason}", lines=quoted(result.log), at=at)
    for endpoint in endpoints:
        if endpoint.problem:
            message = f"{endpoint.service} does not serve: {endpoint.problem}"
            yield Failure(code="RUN013", message=message, lines=quoted(endpoint.log), at=endpoint.at)


def _missed(node: ir.Gates, result: Result) -> Label:
    """The first gate that was not passed."""
    failed = {item.get("name") for item in result.status["gates"] if not item.get("passed")}
    names = [gate.name for gate in node.gates if gate.name in failed]
    return Label(path=(*node.origin.path, *names[:1]), on="key")


def as_json(report: Report, exit_code: int) -> dict[str, ir.Json]:
    """The report for scripts: `summary.json` in the run's folder."""
    return {
        "version": 1,
        "run": report.run_id,
        "project": report.plan.project.name,
        "environment": report.plan.project.environment.name,
        "pipeline": report.plan.pipeline.name,
        "verdict": report.verdict,
        "exit_code": exit_code,
        "seconds": round(report.seconds, 3),
        "nodes": {row.id: _node(row, report.results.get(row.id)) for row in report.rows},
        "endpoints": {
            item.service: {"url": item.url, "response": item.response, "problem": item.problem}
            for item in report.endpoints
        },
        "not_exercised": list(report.gaps),
        "experiment": report.experiment,
        "root_run": report.root,
    }


def _node(row: Row, result: Result | None) -> dict[str, ir.Json]:
    node: dict[str, ir.Json] = {"state": row.state, "seconds": round(row.seconds, 3), "detail": row.detail}
    if result is not None:
        node |= {"run_id": result.run_id, "exit_code": result.exit_code}
        for key in ("metrics", "params", "version", "alias", "aliases", "gates", "attempts"):
            if result.status.get(key):
                node[key] = result.status[key]
    return node


def table(rows: Sequence[Row], nodes: Iterable[ir.Node]) -> Iterator[str]:
    """One line for each row: its mark, its time, and how it ended; folded where it is wide."""
    searches = {node.id for node in nodes if isinstance(node, ir.Search)}
    width = max((len(row.id) for row in rows), default=0)
    clocks = {row.id: duration(row.seconds) if row.began else "" for row in rows}
    wide = max(map(len, clocks.values()), default=0)
    for row in rows:
        detail = row.detail if row.detail != row.state else ""
        if row.id in searches:
            detail = detail.partition(BEST)[0]  # a fact of its own, in full
        said = [_WORDS.get(row.state, row.state), detail]
        start = f"  {MARKS[row.state][0]} {row.id:<{width}}  {clocks[row.id]:>{wide}}  "
        yield from hanging(start, ": ".join(filter(None, said)), WIDTH)


def listed(facts: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Names and what is to be said of each, one below the other."""
    width = max((len(name) for name, _ in facts), default=0)
    for name, value in facts:
        start = f"{name:<{width}}  "
        yield from [f"{start}{value}"] if name in _WHOLE else hanging(start, value, WIDTH)


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    yield from found(report.plan.nodes, report.results)
    for endpoint in report.endpoints:
        if endpoint.response:
            yield "Response", f"{endpoint.service}: {endpoint.response}"
    for endpoint in report.endpoints:
        if endpoint.url and endpoint.process is not None and endpoint.process.poll() is None:
            yield "Endpoint", f"{endpoint.service}: {endpoint.url}"
    if report.url:
        yield "Tracking server", report.url
    yield "Logs", nearby(report.folder)
    if report.verdict != "succeeded":
        yield "Go on with", report.again


def found(nodes: Iterable[ir.Node], results: Mapping[str, Result]) -> Iterator[tuple[str, str]]:
    """What came out: the best parameters, each gate's decision, the registered version."""
    for node in nodes:
        result = results.get(node.id)
        if result is None:
            continue
        match node:
            case ir.Search() if result.outcome in ("finished", "cached"):
                yield "Best parameters", _best(node, result)
            case ir.Gates():
                for name, value in gates(node, result):
                    yield f"Gate {name}", value
            case ir.Registration() if result.outcome in ("finished", "cached"):
                yield "Model", _version(node, result)
            case _:
                pass


def _best(node: ir.Search, result: Result) -> str:
    known = {name.removeprefix("best."): str(value) for name, value in (result.status.get("params") or {}).items()}
    params = dict(tuning.in_order(node, known))
    metrics = {name.removeprefix("best."): value for name, value in (result.status.get("metrics") or {}).items()}
    found = ", ".join(f"{name}={value}" for name, value in params.items())
    value = metrics.get(node.objective)
    return f"{found} ({node.objective} {value:.6g})" if isinstance(value, int | float) else found


def _version(node: ir.Registration, result: Result) -> str:
    said = result.status
    aliases = said.get("aliases") or [alias for alias in (said.get("alias"),) if alias]
    version = f"{node.model} version {said['version']}" if said.get("version") else node.model
    word = "aliases" if len(aliases) > 1 else "alias"
    return f"{version}, {word} {', '.join(aliases)}" if aliases else version


def _links(report: Report) -> Iterator[str]:
    """Where to look at the run: a link, with the command that makes it work where the server has stopped."""
    address = f"{report.url or 'http://127.0.0.1:5000'}/#/experiments/{report.experiment}"
    if report.root:
        address += f"/runs/{report.root}"
    if report.url and report.experiment:
        yield from ("The run:", f"  {address}")
    elif not report.url and report.look:
        yield from ("The tracking server has stopped. To look at this run, start it again:", "")
        yield from (f"  {line}" for line in report.look)
        if report.experiment:
            yield from ("", "and then open", f"  {address}")

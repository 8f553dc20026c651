"""The end report: what ran, what came out, where to look, and what was not exercised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlwright import ir
from mlwright.runner.board import Row
from mlwright.runner.folder import quoted
from mlwright.runner.plan import Plan
from mlwright.runner.progress import MARKS, duration
from mlwright.runner.result import Result
from mlwright.runner.serving import Endpoint

_WORDS = {"finished": "", "blocked": "not started", "waiting": "not started"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that the summary says. `url` is where the tracking server answers, empty when it has stopped;
    `look` the command that starts it again; `experiment` and `root` are MLflow ids."""

    plan: Plan
    run_id: str
    verdict: str
    seconds: float
    rows: Sequence[Row]
    results: Mapping[str, Result]
    endpoints: Sequence[Endpoint]
    gaps: Sequence[str]
    folder: Path
    url: str = ""
    look: str = ""
    experiment: str = ""
    root: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One thing that failed: its code, what to say, and the last lines of its log with the log's path."""

    code: str
    message: str
    lines: tuple[str, ...]


def text(report: Report) -> str:
    """The whole report, without a final line end."""
    plan = report.plan
    head = (
        f"Run {report.run_id} of {plan.project.name} ({plan.project.environment.name}, pipeline "
        f"{plan.pipeline.name}) {report.verdict} after {duration(report.seconds)}"
    )
    facts = tuple(_facts(report))
    width = max((len(name) for name, _ in facts), default=0)
    lines = ["", head, "", *_table(report.rows), ""]
    lines += [f"{name:<{width}}  {value}" for name, value in facts]
    if report.gaps:
        lines += ["", "Not exercised here:", *(f"  - {gap}" for gap in report.gaps)]
    return "\n".join(lines)


def failures(plan: Plan, results: Mapping[str, Result], endpoints: Iterable[Endpoint]) -> Iterator[Failure]:
    """Everything that failed, in the order in which it did."""
    for node, result in results.items():
        if result.outcome != "failed":
            continue
        found = plan.node(node)
        if isinstance(found, ir.Gates) and result.status.get("gates"):
            said = (f"{name} {text}" for name, text in gates(found, result) if text.startswith("failed"))
            yield Failure(code="RUN011", message=f"gate {'; gate '.join(said)}", lines=())
        else:
            yield Failure(code="RUN010", message=f"{node} failed: {result.reason}", lines=quoted(result.log))
    for endpoint in endpoints:
        if endpoint.problem:
            message = f"{endpoint.service} does not serve: {endpoint.problem}"
            yield Failure(code="RUN013", message=message, lines=quoted(endpoint.log))


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


def _table(rows: Sequence[Row]) -> Iterator[str]:
    width = max((len(row.id) for row in rows), default=0)
    for row in rows:
        clock = duration(row.seconds) if row.began else ""
        said = [_WORDS.get(row.state, row.state), row.detail if row.detail != row.state else ""]
        yield f"  {MARKS[row.state][0]} {row.id:<{width}}  {clock:>12}  {': '.join(filter(None, said))}".rstrip()


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    for node in report.plan.nodes:
        result = report.results.get(node.id)
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
    for endpoint in report.endpoints:
        if endpoint.response:
            yield f"Response of {endpoint.service}", endpoint.response
        if endpoint.url and endpoint.process is not None and endpoint.process.poll() is None:
            yield f"Endpoint {endpoint.service}", endpoint.url
    yield from _links(report)
    yield "Logs", str(report.folder)
    if report.verdict != "succeeded":
        yield "Go on with", f"mlwright run --resume {report.run_id[:8]}"


def _best(node: ir.Search, result: Result) -> str:
    params = {name.removeprefix("best."): value for name, value in (result.status.get("params") or {}).items()}
    metrics = {name.removeprefix("best."): value for name, value in (result.status.get("metrics") or {}).items()}
    found = ", ".join(f"{name}={value}" for name, value in params.items())
    value = metrics.get(node.objective)
    return f"{found} ({node.objective} {value:.6g})" if isinstance(value, int | float) else found


def gates(node: ir.Gates, result: Result) -> Iterator[tuple[str, str]]:
    """(name, `passed: ...` or `failed: ...`) of every gate that was decided."""
    decisions = {str(item.get("name", "")): item for item in result.status.get("gates") or ()}
    for gate in node.gates:
        if gate.name in decisions:
            decision = decisions[gate.name]
            yield gate.name, f"{'passed' if decision.get('passed') else 'failed'}: {_because(gate, decision)}"


def _because(gate: ir.Gate, decision: Mapping[str, Any]) -> str:
    value, limit, reason = decision.get("value"), decision.get("threshold"), str(decision.get("reason") or "")
    measured = f"{gate.metric} {value:.6g}" if isinstance(value, int | float) else gate.metric
    bound = f"{limit:.6g}" if isinstance(limit, int | float) else "?"
    texts = {
        "ok": measured if limit is None else f"{measured}, limit {bound}",
        "below_min": f"{measured} is below {bound}",
        "above_max": f"{measured} is above {bound}",
        "worse": f"{measured} is worse than {gate.versus}, limit {bound}",
        "no_champion": f"{measured}, and nothing is {gate.versus} yet",
        "metric_missing": f"{gate.metric} was not logged",
        "not_a_number": f"{gate.metric} is not a number",
    }
    return texts.get(reason, f"{measured}: {reason.replace('_', ' ')}")


def _version(node: ir.Registration, result: Result) -> str:
    said = result.status
    aliases = said.get("aliases") or [alias for alias in (said.get("alias"),) if alias]
    version = f"{node.model} version {said['version']}" if said.get("version") else node.model
    word = "aliases" if len(aliases) > 1 else "alias"
    return f"{version}, {word} {', '.join(aliases)}" if aliases else version


def _links(report: Report) -> Iterator[tuple[str, str]]:
    base = report.url or "http://127.0.0.1:5000"
    if not report.url and report.look:
        yield "Tracking server", f"stopped; start it again with\n  {report.look}"
    elif report.url:
        yield "Tracking server", report.url
    if report.experiment:
        address = f"{base}/#/experiments/{report.experiment}"
        yield "Run", f"{address}/runs/{report.root}" if report.root else address

"""What the tracking server knows of a run: what was skipped or found done, how far the search is, what came out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlwright import ir
from mlwright.engine.states import Seen
from mlwright.remote.http import RemoteError
from mlwright.runner import tuning
from mlwright.runner.result import Result
from mlwright.runner.tracking import Client, Run
from mlwright.runtime.order import Outcome

_GATE = "mlwright.gate."
_NONE: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`results` by node; `trials` how far a search is; the ids of the experiment and the root run."""

    experiment: str = ""
    root: str = ""
    results: Mapping[str, Result]
    trials: Mapping[str, str]


NOTHING = Facts(results={}, trials={})


def read(client: Client, project: ir.Project, nodes: Iterable[ir.Node], run: str) -> Facts:
    """What the server says now; nothing where it does not answer."""
    try:
        experiment = client.experiment(project.tracking.experiment)
        runs = client.runs(experiment, run) if experiment else ()
        roots = [item for item in runs if item.tags.get("mlwright.kind") == "root"]
        root = min(roots, key=lambda item: (item.start, item.id), default=None)
        results, trials = {}, {}
        for node in nodes:
            mine = [item for item in runs if item.tags.get("mlwright.step") == node.id]
            newest = max(mine, key=lambda item: item.start, default=None)
            if newest is not None:
                results[node.id] = _result(client, node, newest)
                if isinstance(node, ir.Search):
                    trials[node.id] = _trials(node, newest, runs)
    except RemoteError:
        return NOTHING
    return Facts(experiment=experiment or "", root=root.id if root else "", results=results, trials=trials)


def with_failures(facts: Facts, seen: Mapping[str, Seen]) -> Facts:
    """The same, where a node whose container failed has failed, whatever the server was told."""
    results = dict(facts.results)
    for node, one in seen.items():
        said = results.get(node)
        if one.state == "failed" and (said is None or said.outcome != "failed" or not said.reason):
            status = said.status if said else {}
            results[node] = Result(outcome="failed", reason=one.detail, status=status)
        elif one.state != "failed" and said is not None and said.outcome == "failed":
            del results[node]
    return replace(facts, results=results)


def _result(client: Client, node: ir.Node, run: Run) -> Result:
    status: dict[str, Any] = {"run_id": run.id, "params": run.params, "metrics": run.metrics}
    if isinstance(node, ir.Gates):
        status["gates"] = list(_gates(run))
    if isinstance(node, ir.Registration) and run.tags.get("mlwright.version"):
        version = run.tags["mlwright.version"]
        status |= {"version": version, "alias": run.tags.get("mlwright.alias", "")}
        status["aliases"] = list(client.aliases(node.model, version))
    return Result(outcome=_outcome(run), reason=run.tags.get("mlwright.reason", ""), status=status)


def _outcome(run: Run) -> Outcome:
    if run.status != "FINISHED":
        return "killed" if run.status == "KILLED" else "failed"
    if run.tags.get("mlwright.status") == "skipped":
        return "skipped"
    if run.tags.get("mlwright.gate") == "stopped":
        return "stopped"
    return "cached" if run.tags.get("mlwright.cached_from") or run.tags.get("mlwright.seen") else "finished"


def _gates(run: Run) -> Iterator[Mapping[str, Any]]:
    for key, value in run.tags.items():
        if key.startswith(_GATE):
            try:
                yield {**json.loads(value), "name": key.removeprefix(_GATE)}
            except (TypeError, ValueError):
                continue


def _trials(node: ir.Search, search: Run, runs: Iterable[Run]) -> str:
    """`5/8 trials, 1 failed, best ...`: the search's own words once it has ended."""
    mine = [run for run in runs if run.tags.get("mlflow.parentRunId") == search.id]
    states = {"RUNNING": "running", "FAILED": "failed"}
    best = {name.removeprefix("best."): value for name, value in search.params.items() if name.startswith("best.")}
    value = search.metrics.get(f"best.{node.objective}")
    said = {
        "trials": [
            {"status": states.get(run.status, "succeeded")} for run in mine if run.tags.get("mlwright.kind") == "trial"
        ],
        "max": node.max_trials,
        "best": {"params": best, "value": value} if value is not None else _NONE,
    }
    return tuning.progress(node, said)

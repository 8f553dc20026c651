"""What is known of a version: the metrics that its gates decided on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from mlwright import ir
from mlwright.passes.occurrences import gate_nodes
from mlwright.remote.client import Client, MissingError

RUN, DECISION = "mlwright.run", "mlwright.gate."


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A metric of two versions, None where it is not known; `better` where the goal says that the second one is."""

    metric: str
    before: float | None
    after: float | None
    better: bool | None = None


def compare(client: Client, project: ir.Project, model: str, before: str, after: str) -> tuple[Measure, ...]:
    """The metrics of a model's gates, of two of its versions (`before` may be empty or gone), by name."""
    goals = {gate.metric: gate.goal for node in gate_nodes(project) if node.model == model for gate in node.gates}
    if not goals:
        return ()
    old = _decided(client, project, model, before) if before and before != after else {}
    new = _decided(client, project, model, after)
    return tuple(
        _measure(metric, goals[metric], old.get(metric), new.get(metric))
        for metric in sorted(goals)
        if metric in old or metric in new
    )


def _measure(metric: str, goal: str | None, before: float | None, after: float | None) -> Measure:
    better = None
    if goal and before is not None and after is not None and before != after:
        better = (after > before) is (goal == "maximize")
    return Measure(metric=metric, before=before, after=after, better=better)


def _decided(client: Client, project: ir.Project, model: str, number: str) -> dict[str, float]:
    """The values that the gates of the version's own pipeline run decided on, by metric."""
    found: dict[str, float] = {}
    try:
        version = client.version(model, number)
        made_by = version.tags.get(RUN, "")
        if not made_by or not version.run_id:
            return {}
        experiment = str(client.run(version.run_id)["info"]["experiment_id"])
    except MissingError:
        return {}
    for node in gate_nodes(project):
        if node.model != model:
            continue
        body = {
            "experiment_ids": [experiment],
            "filter": f"tags.`{RUN}` = '{made_by}' and tags.`mlwright.step` = '{node.step}'",
            "order_by": ["attributes.start_time DESC"],
            "max_results": 1,
        }
        for run in client.call("POST", "runs/search", body).get("runs", ()):
            said = {tag["key"]: tag["value"] for tag in run.get("data", {}).get("tags", ())}
            for gate in node.gates:
                value = _value(said.get(DECISION + gate.name, ""))
                if value is not None:
                    found[gate.metric] = value
    return found


def _value(text: str) -> float | None:
    try:
        decision: Any = json.loads(text)
        return float(decision["value"])
    except (ValueError, TypeError, KeyError):
        return None

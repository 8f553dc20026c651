"""What a gate decided, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlwright import ir
from mlwright.runner.result import Result


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
        "champion_run_unknown": f"{measured}, and no run is known to have made {gate.versus}",
        "champion_run_missing": f"{measured}, and the run that made {gate.versus} is not in this experiment",
        "champion_metric_missing": f"{measured}, and the run that made {gate.versus} has no {gate.metric}",
    }
    return texts.get(reason, f"{measured}: {reason.replace('_', ' ')}")


def reason(node: ir.Gates, result: Result) -> str:
    """Every gate that was not passed, in words; what the program said itself where it decided none."""
    said = ((name, text.partition("failed: ")) for name, text in gates(node, result))
    failed = [f"{name}: {why}" for name, (before, sign, why) in said if sign and not before]
    return "; ".join(failed) or result.reason

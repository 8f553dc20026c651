#!/usr/bin/env python3
"""Decides all gates of one step: `python3 -S gate.py DOCUMENT.json`."""

from __future__ import annotations

import json
import sys

from artifacts import Models
from program import Outcome, launch
from tracking import Run, Tracking, now
from values import NOT_FOUND, ServerError, StepError, compact, digest, say
from waiting import wait_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence

    Doc = Dict[str, Any]


class Gates:
    """The gates of the step `of`, decided on its newest finished run."""

    def __init__(self, doc: Doc, tracking: Tracking) -> None:
        self.doc, self.tracking = doc, tracking
        self.models = Models(tracking.server)

    def reading(self, run: Run, metric: str) -> Optional[float]:
        """A metric of a run, reduced as the document declares it."""
        declared = (self.doc.get("metrics") or {}).get(metric) or {}
        return self.tracking.metric(run, metric, str(declared.get("reduce") or "last"), declared.get("goal"))

    def champion(self, alias: str, number: str = "") -> Optional[Run]:
        """The `of` step's run behind an alias, or behind version `number` where that is pinned; None where the alias
        points nowhere; LookupError says why it is unknown."""
        version = self.models.version(str(self.doc["model"]), number, "" if number else alias)
        if version is None and number:
            raise LookupError("champion_version_missing")
        if version is None:
            return None
        made_by = version["tags"].get("mlwright.run", "")
        if not made_by:
            raise LookupError("champion_run_unknown")
        found = self.tracking.search(self.home(version), run=made_by, step=str(self.doc["of"]))
        found = [r for r in found if r.state == "succeeded"]
        if not found:
            raise LookupError("champion_run_missing")
        return found[0]

    def home(self, version: Doc) -> List[str]:
        """The experiment that a version's run is in: another environment's, where that registered it."""
        try:
            return [self.tracking.get(version["run_id"]).experiment] if version.get("run_id") else []
        except ServerError as error:
            if error.missing:
                return []
            raise

    def decide(self, gate: Doc, run: Run) -> Doc:
        """`passed`, `reason`, `value` and `threshold` of one gate."""
        value = self.reading(run, gate["metric"])
        if value is None:
            return _decision(False, "metric_missing", None, None)
        if value != value:
            return _decision(False, "not_a_number", None, None)
        low, high = gate.get("min"), gate.get("max")
        if low is not None and value < low:
            return _decision(False, "below_min", value, low)
        if high is not None and value > high:
            return _decision(False, "above_max", value, high)
        if gate.get("versus"):
            return self.versus(gate, value)
        return _decision(True, "ok", value, low if low is not None else high)

    def versus(self, gate: Doc, value: float) -> Doc:
        """No worse than the champion by more than the tolerance; with no champion there is nothing to be worse than."""
        try:
            alias = str(gate["versus"]).split("@")[-1].rstrip("}")
            champion = self.champion(alias, str(gate.get("version") or ""))
            if champion is None:
                return _decision(True, "no_champion", value, None)
            best = self.reading(champion, gate["metric"])
        except LookupError as error:
            return _decision(False, str(error), value, None)
        if best is None or best != best:
            return _decision(False, "champion_metric_missing", value, None)
        declared = (self.doc.get("metrics") or {}).get(gate["metric"]) or {}
        slack = abs(float(gate.get("tolerance") or 0.0))
        if (gate.get("goal") or declared.get("goal") or "maximize") == "minimize":
            return _decision(value <= best + slack, "ok" if value <= best + slack else "worse", value, best + slack)
        return _decision(value >= best - slack, "ok" if value >= best - slack else "worse", value, best - slack)


def _decision(passed: bool, reason: str, value: Optional[float], threshold: Optional[float]) -> Doc:
    return {"passed": passed, "reason": reason, "value": value, "threshold": threshold}


def run(doc: Doc, env: Dict[str, str], tracking: Tracking) -> Outcome:
    """Decides and records: FAILED and exit 1, or FINISHED and `mlwright.gate=stopped` where every failure says stop."""
    needs = doc.get("needs") or [{"step": doc["of"]}]
    since = wait_for(tracking, needs, env) if doc.get("wait") else 0
    tags = dict(tracking.common("gate"), **{"mlflow.parentRunId": tracking.root().id})
    for need in needs:
        state = tracking.state(str(need["step"]), since)
        if state in ("skipped", "stopped", "failed") and not need.get("optional"):
            skipped = dict(tags, **{"mlwright.status": "skipped"})
            return _close(tracking, doc, skipped, "skipped", "%s was %s" % (need["step"], state))
    runs = tracking.finished(str(doc["of"]))
    if not runs:
        reason = "%s has no finished run in pipeline run %s" % (doc["of"], tracking.run)
        _close(tracking, doc, tags, "failed", reason)
        raise StepError(NOT_FOUND, reason)
    of = runs[0]
    tags["mlwright.step_digest"] = digest([doc["gates"], doc.get("metrics"), of.id])
    for earlier in tracking.search(step=str(doc["step"]), step_digest=tags["mlwright.step_digest"]):
        if earlier.state in ("succeeded", "stopped"):
            tracking.log(earlier.id, {"mlwright.seen": str(now())})
            return _outcome(earlier, "cached", 0)
    gates = Gates(doc, tracking)
    decisions = {name: gates.decide(gate, of) for name, gate in sorted(doc["gates"].items())}
    said = {"mlwright.gate." + name: compact(decision) for name, decision in decisions.items()}
    failed = [n for n, d in decisions.items() if not d["passed"]]
    hard = [n for n in failed if (doc["gates"][n].get("on_fail") or "fail") == "fail"]
    for name, decision in decisions.items():
        said_so = (name, decision["reason"], decision["value"], decision["threshold"])
        say("gate %s: %s (value %s, threshold %s)" % said_so)
    tracking.log(of.id, said)
    word = "failed" if hard else "stopped" if failed else "passed"
    reason = "; ".join("%s: %s" % (n, decisions[n]["reason"]) for n in failed)
    tags = dict(tags, **dict(said, **{"mlwright.gate": word, "mlwright.of_run": of.id}))
    return _close(tracking, doc, tags, {"passed": "finished"}.get(word, word), reason)


def _close(tracking: Tracking, doc: Doc, tags: Dict[str, str], status: str, reason: str) -> Outcome:
    made = tracking.create(str(doc.get("name") or doc["step"]), dict(tags, **{"mlwright.reason": reason}))
    tracking.close(made.id, "FAILED" if status == "failed" else "FINISHED")
    return _outcome(tracking.get(made.id), status, 1 if status == "failed" else 0)


def _outcome(made: Run, status: str, code: int) -> Outcome:
    prefix = "mlwright.gate."
    gates = [dict(json.loads(v), name=k[len(prefix) :]) for k, v in sorted(made.tags.items()) if k.startswith(prefix)]
    return Outcome(status, code, made.tags.get("mlwright.reason", ""), made.id, gates=gates)


def main(argv: Sequence[str]) -> int:
    """The command line."""
    return launch(argv, ("gate",), run)


if __name__ == "__main__":
    sys.exit(main(sys.argv))

"""A search that Katib makes: its Experiment is followed, and what it found is written as the search service does."""

from __future__ import annotations

from points import point
from program import Outcome
from standin import stand_in
from tracking import now
from values import NOT_FOUND, Killed, StepError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

    from operate import Operator
    from tracking import Run, Tracking

    Doc = Dict[str, Any]


def experiment(doc: Doc, operator: Operator) -> Outcome:
    """Follows the Experiment beneath a tuning run, which the trials' launchers hang their own runs on."""
    tracking, step = operator.tracking, str(doc["step"])
    done = [run for run in tracking.finished(step) if run.tags.get("mlwright.kind") == "tuning"]
    if done:
        tracking.log(done[0].id, {"mlwright.seen": str(now())})
        return Outcome("cached", 0, "", done[0].id, params=done[0].params, metrics=done[0].metrics)
    run = _open(tracking, step)
    try:
        outcome = operator.once()
        _settle(doc, operator)
        if outcome.code == 0:
            outcome = _found(doc, operator, run)
    except Killed:
        if doc.get("on_stop") != "leave":
            tracking.close(run.id, "KILLED", {"mlwright.reason": "killed"})
        raise
    except StepError as problem:
        tracking.close(run.id, "FAILED", {"mlwright.reason": str(problem)})
        raise
    outcome.run_id = run.id
    tags = {"mlwright.reason": outcome.reason} if outcome.reason else {}
    tracking.close(run.id, "FAILED" if outcome.code else "FINISHED", tags)
    return outcome


def _open(tracking: Tracking, step: str) -> Run:
    """The tuning run that is under way, else a new one."""
    for run in tracking.search(step=step):
        if run.tags.get("mlwright.kind") == "tuning" and run.status == "RUNNING":
            return run
    name = str(tracking.doc["name"])
    return tracking.create(name, dict(tracking.common("tuning"), **{"mlflow.parentRunId": tracking.root().id}))


def _found(doc: Doc, operator: Operator, run: Run) -> Outcome:
    """Writes the best trial's parameters and value to the tuning run."""
    tracking, trial = operator.tracking, doc["trial"]
    best = _best(doc, tracking, operator.objects("").found().get("status") or {})
    if not best:
        return Outcome(
            "failed", 1, "the Experiment has no best trial: no trial succeeded with a value of the objective"
        )
    name, value, params = best["name"], best["value"], best["params"]
    metrics = {} if value is None else {"best.%s" % trial["objective"]["metric"]: value}
    points = [{"key": key, "value": number, "timestamp": now(), "step": 0} for key, number in metrics.items()]
    runs = tracking.search(step=str(trial["step"]), trial=name)
    tags = {"mlwright.best_trial": name, "mlwright.best_run_id": runs[0].id if runs else ""}
    tracking.log(run.id, tags, params, points)
    if not trial.get("retrain", True):
        if not runs:
            raise StepError(NOT_FOUND, "the best trial %s has no run in pipeline run %s" % (name, tracking.run))
        stand_in(tracking, str(doc["training"]), run, name, runs[0].id)
    return Outcome("finished", params=params, metrics=metrics)


def _best(doc: Doc, tracking: Tracking, status: Doc) -> Doc:
    """The best of the trials that succeeded: its name, value and parameters; empty where there is none. For Katib, one
    that was stopped early may be the best as well; then the runs of the others decide."""
    trial, objective = doc["trial"], doc["trial"]["objective"]
    found: Doc = status.get("currentOptimalTrial") or {}
    name = str(found.get("bestTrialName") or "")
    stopped = set(status.get("earlyStoppedTrialList") or [])
    if name and name not in stopped:
        given = {str(entry["name"]): str(entry["value"]) for entry in found.get("parameterAssignments") or []}
        params = {"best." + key: _text(trial, key, text) for key, text in given.items()}
        return {"name": name, "value": _value(found, objective), "params": params}
    best: Doc = {}
    for run in reversed(tracking.search(step=str(trial["step"]))):
        number = run.tags.get("mlwright.trial", "")
        if run.state != "succeeded" or number in stopped or run.tags.get("mlwright.status") == "stopped":
            continue
        value = tracking.metric(run, objective["metric"], str(objective.get("reduce") or "last"), objective.get("goal"))
        if value is None or value - value != 0:
            continue
        if not best or (value > best["value"] if objective.get("goal") == "maximize" else value < best["value"]):
            params = {"best." + key: run.params.get(key, "") for key in trial.get("space") or {}}
            best = {"name": number, "value": value, "params": params}
    return best


def _settle(doc: Doc, operator: Operator) -> None:
    """A trial that Katib stopped early ended by a signal, as if it had been killed: its run says what happened."""
    status = operator.objects("").found().get("status") or {}
    for name in status.get("earlyStoppedTrialList") or []:
        for run in operator.tracking.search(step=str(doc["trial"]["step"]), trial=str(name)):
            if run.status != "FINISHED":
                said = {"mlwright.status": "stopped", "mlwright.reason": "stopped early"}
                operator.tracking.close(run.id, "FINISHED", said)


def _text(trial: Doc, name: str, given: str) -> str:
    """A parameter's canonical text, as the trial's launcher reads it."""
    dimension = (trial.get("space") or {}).get(name)
    return given if dimension is None else point(dimension, given, "parameter " + name)


def _value(best: Doc, objective: Doc) -> Optional[float]:
    """The objective's value, by the same reduction as everywhere: Katib has the latest, the least and the greatest."""
    which = "latest"
    if objective.get("reduce") == "best":
        which = "max" if objective.get("goal") == "maximize" else "min"
    for metric in (best.get("observation") or {}).get("metrics") or []:
        if metric.get("name") == objective["metric"]:
            try:
                return float(metric.get(which) or metric.get("latest"))
            except (TypeError, ValueError):
                return None
    return None

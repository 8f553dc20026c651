"""Without retraining the best trial is the training: a run of the training step that links its outputs."""

from __future__ import annotations

import json

from tracking import Run, Tracking
from values import NOT_FOUND, ServerError, StepError, compact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

    Doc = Dict[str, Any]


def stand_in(tracking: Tracking, training: str, tuning: Run, trial: str, run_id: str) -> None:
    """Makes that run, of `trial` whose run is `run_id`, unless it is there."""
    if stand_ins(tracking, training, tuning):
        return
    try:
        source = tracking.get(run_id)
    except ServerError as problem:
        raise StepError(NOT_FOUND, "the run %r of the best trial %s: %s" % (run_id, trial, problem)) from None
    tags = dict(tracking.common("step"), **_outputs(source))
    tags["mlwright.step"] = training
    tags["mlwright.attempt"] = "1"
    tags["mlwright.image_digest"] = source.tags.get("mlwright.image_digest", "")
    tags["mlwright.trial"] = trial
    tags["mlwright.tuning_run"] = tuning.id
    tags["mlflow.parentRunId"] = tracking.root().id
    run = tracking.create(training.rsplit(".", 1)[-1], tags)
    points = [point for name in source.metrics for point in _points(tracking, source, name)]
    tracking.log(run.id, None, source.params, points)
    tracking.close(run.id, "FINISHED")


def stand_ins(tracking: Tracking, training: str, tuning: Run) -> List[Run]:
    """The runs that stand in for the training after this tuning; normally one."""
    return [run for run in tracking.finished(training) if run.tags.get("mlwright.tuning_run") == tuning.id]


def _outputs(source: Run) -> Dict[str, str]:
    linked: Dict[str, str] = {}
    for name, text in source.tags.items():
        if name.startswith("mlwright.output."):
            output = json.loads(text)
            linked[name] = compact(dict(output, run_id=output.get("run_id") or source.id))
    return linked


def _points(tracking: Tracking, run: Run, metric: str) -> List[Doc]:
    query: Doc = {"run_id": run.id, "metric_key": metric, "max_results": 20000}
    points: List[Doc] = []
    while True:
        page = tracking.server.call("GET", "metrics/get-history", **query)
        points += page.get("metrics", [])
        if not page.get("next_page_token"):
            break
        query["page_token"] = page["next_page_token"]
    return [{key: point.get(key, 0) for key in ("key", "value", "timestamp", "step")} for point in points]

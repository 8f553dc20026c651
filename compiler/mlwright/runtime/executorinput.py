"""What Kubeflow Pipelines hands to a program, and takes from it for display: its executor input, one JSON argument.

`step.py DOCUMENT --executor-input {{$}}`: parameters are values there, not text in a command, so that each arrives as
its declared type has it. Beside the project's there are `mlwright-run`, `-item`, `-status` and `-event`.
"""

from __future__ import annotations

import json
import os
import re

from values import BAD_INPUT, VALUE_TYPES, StepError, canonical, compact, say, variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Mapping, Optional

    from program import Outcome
    from tracking import Run, Tracking

    Json = Any
    Doc = Dict[str, Any]

OPTION = "--executor-input"
ANSWER = "Output"
"""The output by which `step.py items` tells the engine what to start."""
NODE = "MLWRIGHT_NODE"
"""Which of the engine's nodes our pod is; `(1)` in it: made anew after the first one was lost, or failed."""
LOST = "its launcher went away"
_REASON = "mlwright.reason"
_OWN = {"mlwright-run": "MLWRIGHT_RUN", "mlwright-item": "MLWRIGHT_ITEM", "mlwright-event": "MLWRIGHT_EVENT"}
_STATUS = {"SUCCEEDED": "Succeeded", "FAILED": "Failed", "SKIPPED": "Skipped", "CANCELLED": "Error", "ERROR": "Error"}
_AGAIN = re.compile(r"\([1-9][0-9]*\)")
_EXACT = 2**53


def made_anew(env: Mapping[str, str]) -> bool:
    """Whether the engine has made our pod anew by itself. It does so after every failure: what failed by its own, not
    with its pod, is not to be tried again."""
    return bool(_AGAIN.search(env.get(NODE, "")))


def failed_before(run: Optional[Run]) -> bool:
    """Whether a run ended as failed because its program failed."""
    return run is not None and run.state == "failed" and run.status == "FAILED" and run.tags.get(_REASON) != LOST


class ExecutorInput:
    """One executor input."""

    def __init__(self, text: str) -> None:
        try:
            found = json.loads(text)
            self.values: Doc = dict((found.get("inputs") or {}).get("parameterValues") or {})
            self.outputs: Doc = dict(found.get("outputs") or {})
        except (ValueError, AttributeError, TypeError):
            shown = text if len(text) <= 80 else text[:77] + "..."
            raise StepError(BAD_INPUT, "%s must be Kubeflow's executor input, not %r" % (OPTION, shown)) from None

    def variables(self, doc: Doc) -> Dict[str, str]:
        """The variables that say what the engine says. What is not given is left to the document."""
        inner = doc.get("document") or doc.get("trial") or doc
        declared = inner.get("params") or {}
        found: Dict[str, str] = {}
        for name, value in self.values.items():
            if value is None:
                continue
            if name in _OWN:
                found[_OWN[name]] = str(value)
            elif name == "mlwright-status":
                state = value.get("state") if isinstance(value, dict) else value
                found["MLWRIGHT_STATUS"] = _STATUS.get(str(state), str(state))
            else:
                kind = str((declared.get(name) or {}).get("type") or "")
                found["MLWRIGHT_PARAM_" + variable(name)] = _text(name, value, kind)
        return found

    def publish(self, doc: Doc, outcome: Outcome, tracking: Tracking) -> None:
        """Writes the outputs that the engine shows: values, metrics, and where the tracking server has the rest. It
        takes a missing file for a failure, so each is written, empty where there is nothing to say."""
        if outcome.code:
            return
        run, parameters = None, self.outputs.get("parameters") or {}
        try:
            run = tracking.get(outcome.run_id) if outcome.run_id and self.outputs else None
        except StepError as problem:
            say("not shown by the engine: %s" % problem)
        for name, wanted in parameters.items():
            text = _answer(doc, outcome) if name == ANSWER else _value(doc, name, run)
            _write(str(wanted["outputFile"]), text)
        artifacts = self.outputs.get("artifacts") or {}
        if artifacts and self.outputs.get("outputFile"):
            found = {name: {"artifacts": [_artifact(name, one, outcome, run)]} for name, one in artifacts.items()}
            _write(str(self.outputs["outputFile"]), compact({"artifacts": found}))


def _text(name: str, value: Json, kind: str) -> str:
    """A value of the engine's as the text that the launcher reads: all its numbers are doubles."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return canonical(value, "bool")
    if isinstance(value, (int, float)):
        if kind != "float" and float(value).is_integer():
            if abs(value) > _EXACT:
                raise StepError(BAD_INPUT, "params.%s: Kubeflow Pipelines changes whole numbers above 2^53" % name)
            return str(int(value))
        return canonical(value, "float")
    return compact(value)


def _answer(doc: Doc, outcome: Outcome) -> str:
    """What is to be started: a list of items' indexes for a loop, yes or no for a step."""
    count = int(outcome.more.get("items") or 0)
    if doc.get("for_each"):
        return compact([str(index) for index in range(count)])
    return "yes" if count else "no"


def _record(name: str, run: Optional[Run]) -> Doc:
    return dict(json.loads(run.tags.get("mlwright.output." + name) or "{}")) if run else {}


def _value(doc: Doc, name: str, run: Optional[Run]) -> str:
    kind = str(((doc.get("outputs") or {}).get(name) or {}).get("type") or "json")
    record = _record(name, run)
    return canonical(record["value"], kind if kind in VALUE_TYPES else "json") if "value" in record else ""


def _artifact(name: str, given: Doc, outcome: Outcome, run: Optional[Run]) -> Doc:
    """The engine's artifact with what it shows of it."""
    artifact = dict((given.get("artifacts") or [{}])[0])
    told: Doc = {}
    if str((artifact.get("type") or {}).get("schemaTitle")) == "system.Metrics":
        told = dict(outcome.more.get("metrics") or {})
    elif run:
        record = _record(name, run)
        owner = str(record.get("run_id") or run.id)
        told = {"mlflow_run": owner}
        if record.get("model_id"):
            told["mlflow_model"] = "models:/" + str(record["model_id"])
        elif record:
            told["mlflow_artifact"] = "runs:/%s/mlwright/outputs/%s" % (owner, name)
    return dict(artifact, metadata=dict(artifact.get("metadata") or {}, **told))


def _write(path: str, text: str) -> None:
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    with open(path, "wb") as stream:
        stream.write(text.encode("utf-8", "surrogateescape"))

"""What a step's program is started with: its words, and its environment."""

from __future__ import annotations

import os
import sys

from autolog import with_autolog
from ranks import here, node_rank, over_hosts, spread, untracked
from values import BAD_INPUT, StepError, compact, plain_text, variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List

    from attempts import Step


def words(step: Step, env: Dict[str, str]) -> List[str]:
    """The command line of an attempt."""
    command, plan = step.doc.get("command") or {}, step.doc.get("distributed") or {}
    spreads = str(plan.get("launcher") or "none") != "none"
    if "script" in command:
        if spreads:
            raise StepError(BAD_INPUT, "distributed.launcher needs `command` as a list that starts with python")
        found = ["/bin/sh", "-ec", str(command["script"])]
    else:
        found = [step.fill(argument) for argument in command.get("argv") or []]
    if not found or not found[0]:
        raise StepError(BAD_INPUT, "the step document has no command")
    if any("\0" in word for word in found):
        raise StepError(BAD_INPUT, "the command holds a NUL character")
    return spread(found, plan, env) if spreads else found


def environment(step: Step, run_id: str, experiment: str) -> Dict[str, str]:
    """What the user's program finds in its environment."""
    doc, env = step.doc, {k: v for k, v in step.env.items() if not k.startswith("MLWRIGHT_SECRET_")}
    for name in ("MLWRIGHT_STATUS_FILE", "MLWRIGHT_SEARCH_URL", "MLWRIGHT_WORK", "MLFLOW_EXPERIMENT_ID"):
        env.pop(name, None)
    env.setdefault("PYTHONUNBUFFERED", "1")
    env["MLWRIGHT_RUN"] = step.tracking.run
    for name, text in step.texts().items():
        env["MLWRIGHT_PARAM_" + variable(name)] = text
    for name in doc.get("outputs") or {}:
        env["MLWRIGHT_OUTPUT_" + variable(name)] = os.path.join(step.outputs, name)
    for name in doc.get("data") or {}:
        env["MLWRIGHT_DATA_" + variable(name)] = step.data(name)
        env["MLWRIGHT_DATA_%s_URI" % variable(name)] = step.text("data.%s.uri" % name)
    for path, wanted in (doc.get("inputs") or {}).items():
        last = str(wanted["step"]).split(".")[-1] if "step" in wanted else str(wanted["model"])
        what = str(wanted.get("output") or wanted.get("metric") or wanted.get("alias") or "model")
        env["MLWRIGHT_INPUT_" + variable(last, what)] = step.text(path)
    for name, value in (doc.get("each") or {}).items():
        env["MLWRIGHT_EACH_" + variable(name)] = plain_text(value)
    if step.trial is not None:
        env["MLWRIGHT_TRIAL_NAME"] = step.trial.number
    if doc.get("run_if") in ("failed", "always"):
        env["MLWRIGHT_RUN_STATUS"] = step.text("run.status")
    env["MLWRIGHT_RUN_DATE"] = step.text("run.date")
    env.update(step.exported(doc.get("secrets") or []))
    for name, parts in (doc.get("env") or {}).items():
        env[name] = step.fill(parts)
    if "PADDLE_MASTER" in env and "MLWRIGHT_JOBSET" in env and node_rank(env) == 0:
        env["PADDLE_MASTER"] = here(env["PADDLE_MASTER"])
    if doc.get("checkpoints"):
        from checkpoints import place

        env["MLWRIGHT_CHECKPOINT_DIR"] = place(step)
    _track(step, env, run_id, experiment)
    if over_hosts(doc.get("distributed") or {}):
        from peer import lend

        lend(env, step.env, step.folder, sys.argv[1])
    return env


def _track(step: Step, env: Dict[str, str], run_id: str, experiment: str) -> None:
    flavours = step.doc.get("autolog") or []
    if not run_id:
        untracked(env, "node-%d" % node_rank(step.env))
        return
    if flavours:
        with_autolog(env, flavours, os.path.join(step.folder, "autolog"), models=step.trial is None)
        if str((step.doc.get("distributed") or {}).get("launcher") or "none") != "none":
            env["MLWRIGHT_RANK_AUTOLOG"] = env.pop("MLWRIGHT_AUTOLOG")
    env["MLFLOW_TRACKING_URI"] = step.tracking.server.uri
    env["MLFLOW_RUN_ID"] = run_id
    env.pop("MLFLOW_EXPERIMENT_NAME", None)
    if experiment == step.tracking.experiment:
        env["MLFLOW_EXPERIMENT_NAME"] = str(step.doc["experiment"])
    else:
        env["MLFLOW_EXPERIMENT_ID"] = experiment
    nested = {"mlwright.run": step.tracking.run, "mlwright.kind": "nested", "mlwright.of": str(step.doc["step"])}
    env["MLFLOW_RUN_CONTEXT"] = compact(dict(nested, **{"mlflow.parentRunId": run_id}))

#!/usr/bin/env python3
"""Fetches the model of an endpoint, then becomes its server: `python3 -S serve.py DOCUMENT.json`."""

from __future__ import annotations

import json
import os
import shutil
import sys

from artifacts import Models
from child import Signals
from outside import fetch_data
from program import Outcome, launch
from scope import Scope
from tracking import Tracking
from values import BAD_INPUT, NOT_FOUND, StepError, raw, say, verify
from waiting import Patience

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Sequence

    Doc = Dict[str, Any]


def address(doc: Doc, env: Dict[str, str], tracking: Tracking) -> str:
    """Where the model is; with binding `run` the exact version that this pipeline run registered, waited for."""
    wanted = doc["model"]
    models = Models(tracking.server)
    if wanted["kind"] == "registry" and doc.get("binding") == "run":
        return _registered(str(wanted["model"]), env, tracking, models)
    if wanted["kind"] == "registry":
        if wanted.get("model_id"):
            return "models:/" + str(wanted["model_id"])
        number, alias = str(wanted.get("version") or ""), str(wanted.get("alias") or "")
        version = models.version(str(wanted["model"]), number, "" if number else alias)
        if version is None:
            raise StepError(NOT_FOUND, "the registry has no %s %s" % (wanted["model"], number or "@" + alias))
        return models.source(version)
    if wanted["kind"] == "output":
        return _output(str(wanted["step"]), str(wanted["output"]), env, tracking)
    return str(wanted.get("uri") or wanted.get("path") or "")


def _registered(model: str, env: Dict[str, str], tracking: Tracking, models: Models) -> str:
    patience = Patience(env, "a version of %s registered by pipeline run %s" % (model, tracking.run))
    query = "name = '%s' and tag.`mlwright.run` = '%s'" % (model, tracking.run)
    while True:
        answer = tracking.server.call("GET", "model-versions/search", filter=query, max_results=100)
        found = answer.get("model_versions", [])
        if found:
            return models.source(max(found, key=lambda v: int(v["version"])))
        if any(tracking.state(s) == "failed" for s in ("registry",)):
            raise StepError(NOT_FOUND, "the registration of %s failed: there is nothing to serve" % model)
        patience.pause()


def _output(step: str, name: str, env: Dict[str, str], tracking: Tracking) -> str:
    patience = Patience(env, "%s of pipeline run %s" % (step, tracking.run))
    while True:
        for run in tracking.finished(step):
            record = json.loads(run.tags.get("mlwright.output." + name, "{}"))
            if record.get("kind") == "model":
                return "models:/" + str(record["model_id"])
            if record.get("kind") in ("dir", "file"):
                return "runs:/%s/mlwright/outputs/%s" % (record.get("run_id") or run.id, name)
            raise StepError(NOT_FOUND, "%s has no output %s that can be served" % (step, name))
        patience.pause()


def place(doc: Doc, env: Dict[str, str], source: str, tracking: Tracking) -> None:
    """Puts the model into `folder`, whole or not at all, and holds it to its digest."""
    folder = os.path.abspath(str(doc["folder"]))
    expected = str(doc["model"].get("digest") or "")
    if os.path.islink(folder):
        os.unlink(folder)
    elif os.path.isdir(folder):
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
    if source.startswith(("models:/", "runs:/", "mlflow-artifacts:/")):
        Models(tracking.server).fetch(source, folder, expected)
        return
    fetched = fetch_data("model", source, folder + ".fetched", env)
    verify(fetched, expected, source)
    if os.path.isdir(folder):
        os.rmdir(folder)
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    os.symlink(os.path.abspath(fetched), folder)


def run(doc: Doc, env: Dict[str, str], tracking: Tracking) -> Outcome:
    """Fetches, then replaces this process by the command; returns only where there is no command."""
    kind = doc["model"]["kind"]
    scope = Scope(doc, env, tracking, Signals(), os.path.dirname(os.path.abspath(str(doc["folder"]))))
    if kind not in ("registry", "output", "uri", "path", "none"):
        raise StepError(BAD_INPUT, "unknown kind of model %r" % kind)
    source = ""
    if kind != "none":
        source = address(doc, env, tracking)
        say("fetching %s" % source)
        opens = [str(name) for name in (*(doc.get("secrets") or []), doc["model"].get("secret")) if name]
        place(doc, dict(env, **scope.exported(opens)), source, tracking)
    argv = (doc.get("command") or {}).get("argv") or []
    script = (doc.get("command") or {}).get("script")
    if not argv and not script:
        return Outcome("finished", source=source)
    scope.read_params()
    words = ["/bin/sh", "-ec", str(script)] if script else [scope.fill(argument) for argument in argv]
    values = {k: v for k, v in env.items() if not k.startswith("MLWRIGHT_SECRET_") and k != "MLWRIGHT_STATUS_FILE"}
    values.update(scope.exported(doc.get("secrets") or []))
    values.update({k: scope.fill(parts) for k, parts in (doc.get("env") or {}).items()})
    values["MLWRIGHT_MODEL"] = os.path.abspath(str(doc["folder"]))
    try:
        os.execvpe(raw(words[0]), [raw(w) for w in words], {raw(k): raw(v) for k, v in values.items()})
    except OSError as error:
        raise StepError(127, "cannot start %r: %s" % (words[0], error)) from None


def main(argv: Sequence[str]) -> int:
    """The command line."""
    return launch(argv, ("serve",), run)


if __name__ == "__main__":
    sys.exit(main(sys.argv))

#!/usr/bin/env python3
"""Registers a step's model as a new version and points aliases at it: `python3 -S register.py DOCUMENT.json`."""

from __future__ import annotations

import json
import sys
import time

from artifacts import Models
from program import Outcome, launch
from tracking import Run, Tracking
from values import NOT_FOUND, UNREACHABLE, ServerError, StepError, say
from waiting import wait_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Sequence

    Doc = Dict[str, Any]


class Registry:
    """One registered model. Every change may be repeated without a second effect."""

    def __init__(self, doc: Doc, tracking: Tracking) -> None:
        self.doc, self.server = doc, tracking.server
        self.model = str(doc["model"])
        self.models = Models(tracking.server)

    def ensure(self) -> None:
        """Makes the registered model unless it exists."""
        try:
            body = {"name": self.model, "description": str(self.doc.get("description") or "")}
            self.server.call("POST", "registered-models/create", body)
        except ServerError as error:
            if error.error != "RESOURCE_ALREADY_EXISTS":
                raise

    def by_key(self, key: str) -> Optional[Doc]:
        """The version that carries `mlwright.key`, if this pipeline run registered one before."""
        query = "name = '%s' and tag.`mlwright.key` = '%s'" % (self.model, key)
        answer = self.server.call("GET", "model-versions/search", filter=query, max_results=10)
        for found in answer.get("model_versions", []):
            tags = {t["key"]: t.get("value", "") for t in found.get("tags", [])}
            if tags.get("mlwright.key") == key:
                return dict(found, tags=tags)
        return None

    def create(self, source: Run, record: Doc, tags: Dict[str, str]) -> Doc:
        """A new version of the step's output."""
        owner = str(record.get("run_id") or source.id)
        pairs = [{"key": k, "value": v} for k, v in sorted(tags.items()) if v]
        body: Doc = {"name": self.model, "run_id": owner, "tags": pairs}
        body["description"] = str(self.doc.get("description") or "")
        if record["kind"] == "model":
            body.update(source="models:/" + record["model_id"], model_id=record["model_id"])
        else:
            place = "mlwright/outputs/" + str(self.doc["from"]["output"])
            body["source"] = Run(self.server.call("GET", "runs/get", run_id=owner)["run"]).artifacts + "/" + place
        made = dict(self.server.call("POST", "model-versions/create", body)["model_version"])
        return dict(made, tags=tags)

    def tag(self, version: str, key: str, value: str) -> None:
        """Sets a tag of a version."""
        body = {"name": self.model, "version": version, "key": key, "value": value}
        self.server.call("POST", "model-versions/set-tag", body)

    def point(self, alias: str, version: str) -> None:
        """Points an alias at a version and reads it back."""
        self.server.call("POST", "registered-models/alias", {"name": self.model, "alias": alias, "version": version})
        found = self.models.version(self.model, alias=alias)
        if found is None or str(found["version"]) != version:
            raise StepError(
                UNREACHABLE, "the alias %s of %s does not point at version %s" % (alias, self.model, version)
            )

    def ready(self, version: str) -> None:
        """Waits until the server says that the version is ready."""
        status = "missing"
        for _ in range(120):
            found = self.models.version(self.model, version=version)
            status = str((found or {}).get("status", "missing"))
            if status == "READY":
                return
            if status == "FAILED_REGISTRATION":
                break
            time.sleep(0.5)
        raise StepError(UNREACHABLE, "version %s of %s is %s, not READY" % (version, self.model, status))


def run(doc: Doc, env: Dict[str, str], tracking: Tracking) -> Outcome:
    """Registers once per pipeline run, however often it is started."""
    needs = doc.get("needs") or []
    since = wait_for(tracking, needs, env) if doc.get("wait") else 0
    root = tracking.root()
    tags = dict(tracking.common("register"), **{"mlflow.parentRunId": root.id})
    for need in needs:
        state = tracking.state(str(need["step"]), since)
        if state in ("skipped", "stopped", "failed") and not need.get("optional"):
            reason = "%s was %s" % (need["step"], state)
            made = tracking.create(str(doc.get("name") or doc["step"]), dict(tags, **{"mlwright.reason": reason}))
            tracking.close(made.id, "FINISHED", {"mlwright.status": "skipped"})
            say("not registered: " + reason)
            return Outcome("skipped", 0, reason, made.id)
    made = tracking.create(str(doc.get("name") or doc["step"]), tags)
    try:
        version, alias = _register(doc, tracking, root)
    except StepError as problem:
        tracking.close(made.id, "FAILED", {"mlwright.reason": str(problem)})
        raise
    said = {"mlwright.model": str(doc["model"]), "mlwright.version": version, "mlwright.alias": alias}
    tracking.close(made.id, "FINISHED", said)
    say("registered %s version %s as %s" % (doc["model"], version, alias or "no alias"))
    return Outcome("finished", run_id=made.id, version=version, alias=alias, model=str(doc["model"]))


def _register(doc: Doc, tracking: Tracking, root: Run) -> Any:
    registry = Registry(doc, tracking)
    origin = doc["from"]
    key = "%s/%s" % (root.id, doc["step"])
    sources = tracking.finished(str(origin["step"]))
    record_text = sources[0].tags.get("mlwright.output." + str(origin["output"])) if sources else None
    if record_text is None:
        raise StepError(NOT_FOUND, "%s has no finished run with the output %s" % (origin["step"], origin["output"]))
    record = json.loads(record_text)
    if record["kind"] == "value":
        raise StepError(NOT_FOUND, "the output %s of %s is a value, not a model" % (origin["output"], origin["step"]))
    registry.ensure()
    version = registry.by_key(key)
    if version is not None and not _same(version, record):
        key = "%s/%s" % (key, record["digest"])
        version = registry.by_key(key)
    if version is None:
        own = ("run", "step", "environment", "spec_digest", "git_revision", "git_dirty")
        common = tracking.common("register")
        tags = dict({k: str(v) for k, v in (doc.get("tags") or {}).items()}, **{"mlwright.key": key})
        tags.update({"mlwright." + k: common["mlwright." + k] for k in own if common.get("mlwright." + k)})
        tags["mlwright.digest"] = str(record["digest"])
        version = registry.create(sources[0], record, tags)
    number = str(version["version"])
    registry.ready(number)
    alias = str(doc.get("alias") or "")
    if alias and version["tags"].get("mlwright.aliased") != alias:
        registry.point(alias, number)
        registry.tag(number, "mlwright.aliased", alias)
    for other in doc.get("bootstrap") or []:
        if registry.models.version(registry.model, alias=str(other)) is None:
            registry.point(str(other), number)
            registry.tag(number, "mlwright.bootstrap", "true")
    return number, alias


def _same(version: Doc, record: Doc) -> bool:
    return bool(version["tags"].get("mlwright.digest") == record["digest"])


def main(argv: Sequence[str]) -> int:
    """The command line."""
    return launch(argv, ("register",), run)


if __name__ == "__main__":
    sys.exit(main(sys.argv))

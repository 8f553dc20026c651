"""From an object in a document to the object of one run: names, owner, labels, variables; and how such a one ended."""

from __future__ import annotations

import json
import re

from values import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

    Json = Any
    Doc = Dict[str, Any]

RUN = "mlwright.dev/run"
"""The label of everything that belongs to a run."""
WORKER = "mlwright.dev/worker"
"""The label of what a worker of a search made: which worker."""
STOPPED = "mlwright.dev/stopped"
"""The annotation of a Job that was ended from outside: why."""
LIMIT = 50
"""Characters of a name: controllers append to it what has to fit into 63; a document may ask for fewer."""
FILLED = "${trialParameters."
"""Begins the value of a variable that Katib sets in each trial."""
INDEX = {"fieldRef": {"fieldPath": "metadata.annotations['batch.kubernetes.io/job-completion-index']"}}
GOOD, BAD = ("Complete", "Completed", "Succeeded"), ("Failed",)


class Maker:
    """Makes the objects of one run. `stem` begins their names, `owner` is what they are deleted with; `given` are the
    variables that every program of the run gets, MLWRIGHT_RUN among them; `worker` tells those of a search apart."""

    def __init__(self, stem: str, run: str, owner: Optional[Doc], given: Mapping[str, str], worker: str = "") -> None:
        self.stem, self.owner, self.given = stem, owner, dict(given)
        self.labels = {RUN: mark(run)}
        if worker:
            self.labels[WORKER] = mark(worker)

    @property
    def selector(self) -> str:
        """What finds all objects that are made here."""
        return ",".join("%s=%s" % pair for pair in self.labels.items())

    def name(self, part: str, suffix: str = "", limit: int = LIMIT) -> str:
        """The name of the run's object that the documents call `part`."""
        text = "%s-%s%s" % (self.stem, part, suffix)
        if len(text) <= limit:
            return text
        import hashlib

        tail = hashlib.sha256(text.encode("utf-8")).hexdigest()[:8]
        return "%s-%s" % (text[: limit - 9].rstrip("-."), tail)

    def called(self, wanted: Doc, suffix: str = "") -> str:
        """The name that `make` would give."""
        own = next(entry for entry in wanted["names"] if entry["at"] == "/metadata/name")
        return self._text(own["parts"], suffix)

    def make(self, wanted: Doc, suffix: str = "", more: Optional[Mapping[str, Json]] = None) -> Doc:
        """The manifest of an object. `more` are further variables: text, or the mapping of a `valueFrom`."""
        manifest: Doc = json.loads(json.dumps(wanted["manifest"]))
        for entry in wanted["names"]:
            put(manifest, entry["at"], self._text(entry["parts"], suffix))
        head = manifest["metadata"]
        for labelled in [head, *(t.setdefault("metadata", {}) for t in _templates(manifest))]:
            labelled.setdefault("labels", {}).update(self.labels)
        if self.owner:
            head["ownerReferences"] = [self.owner]
        for variables in _environments(manifest):
            for name, value in dict(self.given, **(more or {})).items():
                text = {"value": value.replace("$(", "$$(")} if isinstance(value, str) else {"valueFrom": value}
                entry = dict(text if value else {}, name=name)  # no value is an empty one; Katib takes no other
                same = [i for i, known in enumerate(variables) if known.get("name") == name]
                if same and str(variables[same[0]].get("value")).startswith(FILLED):
                    continue
                if same:
                    variables[same[0]] = entry
                else:
                    variables.append(entry)
        return manifest

    def _text(self, parts: Sequence[Json], suffix: str) -> str:
        return "".join(
            p if isinstance(p, str) else self.name(str(p["name"]), suffix, int(p.get("limit") or LIMIT)) for p in parts
        )


def mark(run: str) -> str:
    """A run's id as the value of a label."""
    return run if re.match(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\Z", run) else digest(run)[:40]


def put(manifest: Doc, pointer: str, text: str) -> None:
    """Sets what a JSON Pointer leads to; `name=X` is the entry of a list with that name. What is not there stays so."""
    value: Json = manifest
    steps = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    for step in steps[:-1]:
        value = _below(value, step)
    if isinstance(value, dict) and steps[-1] in value:
        value[steps[-1]] = text
    elif isinstance(value, list) and steps[-1].isdigit() and int(steps[-1]) < len(value):
        value[int(steps[-1])] = text


def _below(value: Json, step: str) -> Json:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and step.startswith("name="):
        return next((item for item in value if isinstance(item, dict) and item.get("name") == step[5:]), None)
    if isinstance(value, list) and step.isdigit() and int(step) < len(value):
        return value[int(step)]
    return None


def _environments(value: Json) -> Iterator[List[Doc]]:
    """Every list `env` that has the variable of the run."""
    if isinstance(value, dict):
        found = value.get("env")
        if isinstance(found, list) and any(isinstance(e, dict) and e.get("name") == "MLWRIGHT_RUN" for e in found):
            yield found
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in below:
        yield from _environments(item)


def _templates(value: Json) -> Iterator[Doc]:
    """Every pod template: what has a `spec` with containers."""
    if isinstance(value, dict):
        spec = value.get("spec")
        if isinstance(spec, dict) and isinstance(spec.get("containers"), list):
            yield value
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in below:
        yield from _templates(item)


def verdict(found: Doc) -> Tuple[str, str]:
    """How an object is doing: running, succeeded or failed, and why, by the conditions in its status."""
    stopped = (found["metadata"].get("annotations") or {}).get(STOPPED, "")
    for condition in (found.get("status") or {}).get("conditions") or []:
        if condition.get("status") == "True" and condition.get("type") in (*GOOD, *BAD):
            if condition["type"] in GOOD:
                return "succeeded", ""
            said = [str(condition[key]) for key in ("reason", "message") if condition.get(key)]
            return "failed", stopped or ": ".join(said) or "failed"
    return "running", ""


def obstacle(pod: Doc) -> str:
    """What keeps a pod from starting, as far as the cluster says so; empty where nothing does."""
    status = pod.get("status") or {}
    if status.get("phase") != "Pending":
        return ""
    for container in (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or []):
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") not in (None, "", "ContainerCreating", "PodInitializing"):
            return "%s waits: %s %s" % (pod["metadata"]["name"], waiting["reason"], waiting.get("message") or "")
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return "%s waits: %s" % (pod["metadata"]["name"], condition.get("message") or condition.get("reason"))
    return ""

#!/usr/bin/env python3
"""Makes an operator's objects for an engine and follows them: `python3 -S operate.py DOCUMENT.json`, in a pod.

For what engines cannot wait for themselves: a TrainJob, a Katib Experiment, a Job of several nodes. One run makes them
once, whoever asks again; they belong to what our own pod belongs to, and are deleted with it. With MLWRIGHT_SEARCH_URL
and the document of a search it is one of the search's workers, and makes the objects of each trial that it is given.
Exit codes: 0 succeeded or skipped, 1 failed, 64 a wrong document, 69 no tracking server or API, 143 told to end.
"""

from __future__ import annotations

import sys
import threading
import time

from child import Signals
from children import Objects
from cluster import Cluster
from decide import decide
from executorinput import made_anew
from items import INDEX
from manifests import Maker
from mirror import Mirror
from program import Outcome, launch
from scope import Trial
from tracking import Run, Tracking
from values import BAD_INPUT, Killed, StepError, canonical, digest, say, variable
from worker import Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

    Json = Any
    Doc = Dict[str, Any]

TOLD = "mlwright.dev/told"
"""The annotation of an object whose failure an earlier start of ours has told: the next one is another attempt."""
TICK = 1.0
PASSED_ON = ("MLWRIGHT_PARAM_", "MLWRIGHT_EVENT", "MLWRIGHT_GIT_", INDEX)


class Operator:
    """The objects of one document in one pipeline run."""

    def __init__(self, doc: Doc, env: Dict[str, str], tracking: Tracking, signals: Signals) -> None:
        self.doc, self.env, self.tracking, self.signals = doc, env, tracking, signals
        self.cluster = Cluster(env)
        given = {name: text for name, text in env.items() if name.startswith(PASSED_ON)}
        given["MLWRIGHT_RUN"] = tracking.run
        stem = "%s-%s" % (doc["project"], digest(tracking.run)[:8])
        pod = env.get("MLWRIGHT_POD") or _host()
        worker = (env.get("JOB_COMPLETION_INDEX") or pod) if env.get("MLWRIGHT_SEARCH_URL") else ""
        self.maker = Maker(stem, tracking.run, _owner(self.cluster, pod), given, worker)
        self.mirror = Mirror(self.cluster, self.maker.selector)

    def objects(self, suffix: str) -> Objects:
        """The document's objects, told apart by `suffix`."""
        timeout = float(self.doc.get("timeout") or 0)
        return Objects(self.cluster, self.mirror, self.maker, self.doc["objects"], suffix, timeout)

    def once(self) -> Outcome:
        """Makes the objects and follows them to their end."""
        if self.doc.get("document") and INDEX not in self.env:
            decided = decide(self.doc["document"], self.env, self.signals)
            if isinstance(decided, Outcome):
                return decided
        objects = self.objects("-" + self.env[INDEX] if INDEX in self.env else "")
        if objects.there() and objects.noted(TOLD) and made_anew(self.env):
            return Outcome("failed", 1, "%s failed before: only a lost pod is started anew" % objects.what)
        self._again(objects)
        objects.make()
        say("%s: %s" % (self.doc["step"], objects.what))
        state, reason = self.follow(objects)
        if state == "failed":
            objects.note(TOLD, reason)
            return Outcome("failed", 1, reason)
        word = {"skipped": "skipped", "stopped": "stopped"}.get(self.tracking.state(str(self.doc["step"])), "finished")
        return Outcome(word)

    def follow(self, objects: Objects, stop: Optional[threading.Event] = None) -> Tuple[str, str]:
        """How the objects ended: succeeded, failed, or stopped where `stop` was set. What they needed is gone then.

        A signal removes them, or leaves them where the document says so."""
        said = ""
        try:
            while True:
                state, reason = objects.look()
                if state == "running" and stop is not None and stop.is_set():
                    objects.remove()
                    return "stopped", "stopped early"
                if state != "running":
                    break
                if objects.progress() != said:
                    said = objects.progress()
                    say("%s: %s" % (objects.name, said))
                self.mirror.changed.wait(TICK)
                self.mirror.changed.clear()
        except Killed:
            self.signals.held = True
            if self.doc.get("on_stop") != "leave":
                say("asked to end: removing %s" % objects.what)
                objects.remove()
            raise
        while not objects.tidy(state == "failed"):
            time.sleep(0.2)
        say("%s: %s%s" % (objects.name, state, " (%s)" % reason if reason else ""))
        return state, reason

    def _again(self, objects: Objects) -> None:
        """Where the engine starts us anew after a failure that we told, what failed makes place for another attempt."""
        if objects.there() and objects.noted(TOLD):
            say("%s failed before: another attempt" % objects.what)
            objects.remove()
            while objects.there():
                time.sleep(0.2)


class TrialOperator(Worker):
    """A worker of a search whose trials are objects."""

    operator: Operator

    def work(self) -> Outcome:
        """The loop, after what the worker left that was here before: its trials count as lost."""
        operator = self.operator
        for manifest in [wanted["manifest"] for wanted in operator.doc["objects"]]:
            api, kind = manifest["apiVersion"], manifest["kind"]
            for left in operator.cluster.list(api, kind, operator.maker.selector)[0]:
                say("removing %s %s of a lost trial" % (kind, left["metadata"]["name"]))
                operator.cluster.delete(api, kind, left["metadata"]["name"])
        return super().work()

    def run(self, trial: Trial) -> Outcome:
        """One trial: its objects, and the value that its launcher logged."""
        operator, objective = self.operator, self.doc["objective"]
        trial.stop = threading.Event()
        objects = operator.objects("-t" + trial.number)
        more = {"MLWRIGHT_TRIAL": trial.number}
        more.update(("MLWRIGHT_PARAM_" + variable(name), text) for name, text in self._given(trial).items())
        try:
            objects.make(more)
        except StepError as problem:
            return Outcome("failed", problem.code, str(problem))
        over = threading.Event()
        thread = threading.Thread(target=self._report, args=(trial, over), daemon=True)
        thread.start()
        try:
            state, reason = operator.follow(objects, trial.stop)
        except Killed as killed:
            return Outcome("killed", 128 + killed.signum, "killed")
        finally:
            over.set()
        thread.join(10.0)
        found = self._made(trial)
        if found is None:
            return Outcome("failed", 1, reason or "no run of trial %s" % trial.number)
        if found.status == "RUNNING":
            self.tracking.close(found.id, "KILLED" if state == "stopped" else "FAILED", {"mlwright.reason": reason})
        how = str(objective.get("reduce") or "last")
        value = self.tracking.metric(self.tracking.get(found.id), objective["metric"], how, objective.get("goal"))
        metrics = {} if value is None else {objective["metric"]: value}
        status = {"succeeded": "finished", "stopped": "stopped"}.get(state, "failed")
        return Outcome(status, 0 if status != "failed" else 1, reason, found.id, metrics=metrics)

    def _given(self, trial: Trial) -> Mapping[str, str]:
        """The parameters as a lone trial reads them: one of listed texts by its place among them."""
        given: Dict[str, str] = {}
        for name, text in trial.params.items():
            dimension = (self.doc.get("space") or {}).get(name) or {}
            if dimension.get("values") and dimension["type"] in ("string", "json"):
                known = [canonical(value, dimension["type"]) for value in dimension["values"]]
                text = str(known.index(text))
            given[name] = text
        return given

    def _made(self, trial: Trial) -> Optional[Run]:
        found = self.tracking.search(step="%s.trial" % self.doc["tuning"], trial=trial.number)
        return found[0] if found else None

    def _report(self, trial: Trial, over: threading.Event) -> None:
        """Passes the objective's values on while the trial runs: the search may have it stopped."""
        told = 0
        while not over.wait(2.0):
            try:
                run = self._made(trial)
                values = self.tracking.history(run.id, self.doc["objective"]["metric"]) if run else []
            except StepError as problem:
                say(str(problem))
                continue
            for value in values[told:]:
                trial.report(value)
            told = max(told, len(values))


def operate(doc: Doc, env: Dict[str, str], tracking: Tracking) -> Outcome:
    """Runs a document; the outcome for the exit code and the status file."""
    signals = Signals().install()
    operator = Operator(doc, env, tracking, signals)
    if not doc.get("trial"):
        return operator.once()
    if env.get("MLWRIGHT_SEARCH_URL"):
        worker = TrialOperator(dict(doc["trial"]), env, Tracking(doc["trial"], env), signals, "")
        worker.operator = operator
        return worker.work()
    from experiment import experiment

    return experiment(doc, operator)


def _owner(cluster: Cluster, pod: str) -> Doc:
    """What our pod belongs to (a Workflow, a Job), else the pod itself."""
    found = cluster.get("v1", "Pod", pod)
    if found is None:
        raise StepError(BAD_INPUT, "MLWRIGHT_POD must name the pod that this is, not %r" % pod)
    for owner in found["metadata"].get("ownerReferences") or []:
        if owner.get("controller"):
            return {key: owner[key] for key in ("apiVersion", "kind", "name", "uid")}
    return {"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": found["metadata"]["uid"]}


def _host() -> str:
    import socket

    return socket.gethostname()


def main(argv: Sequence[str]) -> int:
    """The command line."""
    return launch(argv, ("operate",), operate)


if __name__ == "__main__":
    sys.exit(main(sys.argv))

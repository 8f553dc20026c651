"""Trials of a tuning: the worker loop over a search service, and a trial that an operator started."""

from __future__ import annotations

import json
import os
import time

from attempts import Step
from child import Signals
from points import point
from program import Outcome
from scope import Trial
from tracking import Tracking
from values import UNREACHABLE, StepError, seconds, variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

    Json = Any
    Doc = Dict[str, Any]


class Worker:
    """Asks a search service for trials, runs them, tells how they went, until the service says done."""

    def __init__(self, doc: Doc, env: Dict[str, str], tracking: Tracking, signals: Signals, folder: str) -> None:
        import socket

        self.doc, self.env, self.tracking, self.signals, self.folder = doc, env, tracking, signals, folder
        self.url = env["MLWRIGHT_SEARCH_URL"].rstrip("/")
        self.name = "%s-%d-%s" % (socket.gethostname(), os.getpid(), os.urandom(3).hex())
        self.patience = seconds(env, "MLWRIGHT_SEARCH_PATIENCE", 300.0)
        self.tuning_run = ""

    def post(self, path: str, patience: Optional[float] = None, **body: Json) -> Doc:
        """One question to the service, repeated while it is away; answers are idempotent by trial number."""
        import http.client
        import urllib.request

        data = json.dumps(dict(body, worker=self.name)).encode("ascii")
        end, pause = time.monotonic() + (self.patience if patience is None else patience), 0.2
        while True:
            try:
                request = urllib.request.Request(self.url + path, data=data, method="POST")
                request.add_header("Content-Type", "application/json")
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return dict(json.loads(answer.read() or b"{}"))
            except (OSError, ValueError, http.client.HTTPException) as error:
                if time.monotonic() + pause > end:
                    raise StepError(UNREACHABLE, "cannot reach the search at %s: %s" % (self.url, error)) from None
            if self.over():
                return {"done": True}
            time.sleep(pause)
            pause = min(pause * 2, 5.0)

    def over(self) -> bool:
        """Whether the tuning run has ended, so that a search that is gone will not come back."""
        try:
            return bool(self.tuning_run) and self.tracking.get(self.tuning_run).status != "RUNNING"
        except StepError:
            return False

    def work(self) -> Outcome:
        """The loop; exit 0 on done, whatever became of the trials: the search decides on failure."""
        count = 0
        while True:
            asked = self.post("/ask")
            if asked.get("done"):
                return Outcome("finished", trials=count)
            if "trial" not in asked:
                time.sleep(float(asked.get("wait") or 1.0))
                continue
            count += 1
            self.tuning_run = str(asked["tuning_run"])
            ended = self.one(asked)
            if ended.status == "killed":
                return ended
            self.signals.release()

    def one(self, asked: Doc) -> Outcome:
        """One trial, from its parameters to `/tell`."""
        import queue
        import threading

        number = asked["trial"]
        trial = Trial(str(number), {k: str(v) for k, v in asked["params"].items()}, self.tuning_run)
        values: queue.Queue[Optional[float]] = queue.Queue()
        trial.report = values.put
        ended = threading.Event()

        def obey(said: Doc) -> None:
            if said.get("stop") and trial.stop is not None:
                trial.stop.set()

        def beat() -> None:
            while not ended.wait(seconds(self.env, "MLWRIGHT_HEARTBEAT", 5.0)):
                obey(self.quietly("/heartbeat", trial=number))

        def report() -> None:
            count = 0
            while True:
                value = values.get()
                if value is None:
                    return
                if value - value != 0:
                    continue
                obey(self.quietly("/report", trial=number, step=count, value=value))
                count += 1

        threads = [threading.Thread(target=t, daemon=True) for t in (beat, report)]
        for thread in threads:
            thread.start()
        try:
            outcome = self.run(trial)
        finally:
            ended.set()
            values.put(None)
        threads[1].join(5.0)
        self.tell(number, outcome)
        return outcome

    def run(self, trial: Trial) -> Outcome:
        """The trial itself: a run of the step, here."""
        step = Step(self.doc, dict(self.env), self.tracking, self.signals, self.folder)
        step.trial = trial
        return step.run()

    def quietly(self, path: str, **body: Json) -> Doc:
        """A message that may be lost without harm."""
        try:
            return self.post(path, patience=self.patience, **body)
        except StepError:
            return {}

    def tell(self, number: Json, outcome: Outcome) -> None:
        """Tells the service the trial's reduced objective value."""
        value = (outcome.more.get("metrics") or {}).get(self.doc["objective"]["metric"])
        status = {"finished": "succeeded", "stopped": "stopped"}.get(outcome.status, "failed")
        reason = outcome.reason
        if status != "failed" and (value is None or value - value != 0):
            status = "failed" if status == "succeeded" else status
            reason = "no value of %s" % self.doc["objective"]["metric"]
            value = None
        patience = 5.0 if outcome.status == "killed" else None
        body = {"trial": number, "status": status, "value": value, "run_id": outcome.run_id, "reason": reason}
        if status == "failed":
            body["value"] = None
        self.post("/tell", patience=patience, **body)


def lone_trial(step: Step) -> Outcome:
    """A trial that an operator started: its parameters are points of the space, from the environment."""
    doc, env = step.doc, step.env
    parents = [r for r in step.tracking.search(step=str(doc["tuning"])) if r.tags.get("mlwright.kind") == "tuning"]
    parent = parents[0] if parents else step.tracking.root()
    trial = Trial(env.get("MLWRIGHT_TRIAL") or "trial", {}, parent.id)
    trial.params = {
        name: point(dimension, env[key], key)
        for name, dimension in (doc.get("space") or {}).items()
        for key in ["MLWRIGHT_PARAM_" + variable(name)]
        if key in env
    }
    step.trial = trial
    return step.run()

#!/usr/bin/env python3
"""Runs a pipeline in a cluster that has no engine: `python3 -S conduct.py PLAN.json`, in the pod of a Job.

The scheduler of `mlwright run` with objects of the cluster instead of processes: each node's are made once, owned by
our own Job, and followed to their end. What has happened is read from the cluster and the tracking server, so that a
conductor that was killed at any point is followed by one that goes on. A signal ends the conductor and not the run, for
its node may be drained; where our Job is being deleted the run is killed, and its objects are deleted with the Job.
Exit codes: 0 succeeded, 1 a node failed, 64 a wrong plan, 69 no tracking server or API, 75 another run is at work.
"""

from __future__ import annotations

import os
import sys

from child import Signals
from cluster import Cluster
from executor import Executor
from lease import Lease
from manifests import Maker
from order import Edge, Job, Schedule, drive
from program import Outcome, launch
from tracking import Tracking, now
from values import BAD_INPUT, Killed, StepError, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Sequence

    Doc = Dict[str, Any]

PASSED_ON = ("MLWRIGHT_PARAM_", "MLWRIGHT_EVENT", "MLWRIGHT_GIT_")
"""What begins the names of variables that every program of the run gets, too."""


class Conductor:
    """One pipeline run, or the rest of it."""

    def __init__(self, doc: Doc, env: Dict[str, str], tracking: Tracking) -> None:
        self.doc, self.env, self.tracking = doc, env, tracking
        self.signals = Signals()
        self.cluster = Cluster(env)
        self.job = env.get("MLWRIGHT_JOB", "")
        self.own = self._job()
        if self.own is None:
            raise StepError(BAD_INPUT, "MLWRIGHT_JOB must name the Job of this pod, not %r" % self.job)
        self.uid = str(self.own["metadata"]["uid"])
        given = {name: text for name, text in env.items() if name.startswith(PASSED_ON)}
        given["MLWRIGHT_RUN"] = tracking.run
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": self.job, "uid": self.uid, "controller": True}
        self.maker = Maker(self.job, tracking.run, owner, given)
        try:
            self.schedule = Schedule([_node(node) for node in doc["nodes"]])
        except ValueError as error:
            raise StepError(BAD_INPUT, "the plan: %s" % error) from None
        self.executor = Executor(doc["nodes"], self.schedule, env, tracking, self.signals, self.cluster, self.maker)
        self.root = ""

    def run(self) -> Outcome:
        """The whole run."""
        self.signals.install()
        lease = Lease(self.cluster, str(self.doc["lease"]), self.job, self.uid)
        if self.doc.get("concurrency") != "allow":
            lease.take(replace=self.doc.get("concurrency") == "replace")
        try:
            self._open()
            drive(self.schedule, self.executor, lambda schedule: None)
            outcome = self._close()
        except Killed as killed:
            self.signals.held = True
            return self._killed(killed)
        self.signals.held = True
        self.executor.close()
        lease.release()
        return outcome

    def _open(self) -> None:
        """The root run: made, or taken over."""
        root = self.tracking.root()
        root = self.tracking.settle_root() or root
        self.root = root.id
        resumed = "mlwright.started" in root.tags
        tags = {"mlwright.outcome": ""} if resumed else {"mlwright.outcome": "", "mlwright.started": str(now())}
        self.tracking.log(root.id, tags)
        self.tracking.server.call("POST", "runs/update", {"run_id": root.id, "status": "RUNNING"})
        self.executor.open(root.id, root.tags, resumed)
        say("%s %s: run %s of MLflow" % ("going on with" if resumed else "run", self.tracking.run, root.id))

    def _close(self) -> Outcome:
        """The end of the root run, and of runs that nobody ended."""
        states = self.schedule.states
        for job, state in states.items():
            if state in ("blocked", "skipped") and job not in self.executor.ledger:
                say("%s: %s (%s)" % (job, state, self.schedule.reason(job)))
        failed = [job for job, state in states.items() if state in ("failed", "killed")]
        reason = "failed: " + ", ".join(failed) if failed else ""
        self._end("FAILED" if self.schedule.failed else "FINISHED", reason)
        say(reason or "the pipeline succeeded")
        if self.schedule.failed:
            return Outcome("failed", 1, reason, self.root)
        return Outcome("finished", run_id=self.root)

    def _end(self, status: str, reason: str) -> None:
        for run in self.tracking.search():
            if run.status == "RUNNING" and run.id != self.root:
                why = {"mlwright.reason": "its program went away", "mlwright.retrying": "false"}
                self.tracking.close(run.id, "KILLED" if status == "KILLED" else "FAILED", why)
        tags = {"mlwright.outcome": "succeeded" if status == "FINISHED" else "failed", "mlwright.reason": reason}
        self.tracking.log(self.root, tags)
        body = {"run_id": self.root, "status": status, "end_time": now()}
        self.tracking.server.call("POST", "runs/update", body)

    def _killed(self, killed: Killed) -> Outcome:
        own = self._job()
        deleted = own is None or own["metadata"]["uid"] != self.uid or own["metadata"].get("deletionTimestamp")
        if deleted and self.root:
            say("Job %s is deleted, and the run with it" % self.job)
            self._end("KILLED", "killed")
        elif not deleted:
            say("asked to end: the run goes on with the next conductor")
        return Outcome("killed", 128 + killed.signum, "killed", self.root)

    def _job(self) -> Any:
        return self.cluster.get("batch/v1", "Job", self.job) if self.job else None


def _node(node: Doc) -> Job:
    needs = tuple(Edge(str(need["step"]), bool(need.get("optional"))) for need in node.get("needs") or [])
    return Job(str(node["id"]), needs, node.get("run_if") or "succeeded")


def conduct(doc: Doc, env: Dict[str, str], tracking: Tracking) -> Outcome:
    """Runs a plan; the outcome for the exit code and the status file."""
    return Conductor(doc, env, tracking).run()


def main(argv: Sequence[str]) -> int:
    """The command line."""
    os.environ.setdefault("MLWRIGHT_PATIENCE", "600")
    return launch(argv, ("conduct",), conduct)


if __name__ == "__main__":
    sys.exit(main(sys.argv))

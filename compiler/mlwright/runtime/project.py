#!/usr/bin/env python3
"""An entry point of an MLproject, started by `mlflow run`: `python3 -S project.py ENTRY NAME=VALUE...`.

Runs the steps of the entry point one after another, as `project.json` beside this folder lists them. The run that
MLflow made is the root of the pipeline run, which is named by it unless `pipeline-run=NAME` resumes an earlier one.
Exit codes: 0 all succeeded or were skipped, 1 a step failed, 64 bad arguments, 69 no tracking server, 143 on SIGTERM.
"""

from __future__ import annotations

import json
import os
import sys
import time

from child import Signals
from program import Outcome, launch
from root import start
from tracking import Tracking, now
from values import BAD_INPUT, NOT_FOUND, Killed, StepError, raw, say, variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from typing import Any, Dict, List, Sequence

    Doc = Dict[str, Any]
    Process = subprocess.Popen[bytes]


RUN = "pipeline-run"
GRACE = 20.0
"""Seconds that a search or its workers get to end by themselves once the other side is gone."""
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Jobs:
    """The steps of one entry point: processes of the launcher, in the project's folder."""

    def __init__(self, doc: Doc, env: Dict[str, str], given: Dict[str, str], scratch: str) -> None:
        self.doc, self.given, self.scratch = doc, given, scratch
        self.folder = os.path.abspath(os.path.join(HERE, str(doc["folder"])))
        if not os.path.isdir(self.folder):
            raise StepError(NOT_FOUND, "the project's folder %s is not there: keep the output below it" % self.folder)
        self.env = {k: v for k, v in env.items() if k != "MLFLOW_RUN_ID" and not k.startswith("MLWRIGHT_PARAM_")}
        for secret, keys in (doc.get("secrets") or {}).items():
            for key in keys:
                name = "%s__%s" % (variable(secret), variable(key))
                if name in env:
                    self.env.setdefault("MLWRIGHT_SECRET_" + name, env[name])
        self.processes: List[Process] = []

    def run(self, names: Sequence[str]) -> List[str]:
        """Runs the jobs in this order; the steps that failed. What needs one of these is not started."""
        failed: List[str] = []
        lost: Dict[str, str] = {}
        for name in names:
            job = self.doc["jobs"][name]
            missing = [n for n in job["needs"] if n in lost]
            if missing and job["run_if"] == "succeeded":
                say("%s: not started, because %s %s" % (job["step"], missing[0], lost[missing[0]]))
                lost[job["step"]] = "was not started"
                continue
            say("%s: started" % job["step"])
            status = {"MLWRIGHT_RUN_STATUS": "failed" if failed else "succeeded"} if job.get("closing") else {}
            code = self.tune(job) if job["program"] == "search" else self.ended(self.launch(job, status))
            if code:
                say("%s: failed (exit code %d)" % (job["step"], code))
                lost[job["step"]] = "failed"
                failed.append(job["step"])
        return failed

    def launch(self, job: Doc, more: Dict[str, str], document: str = "", program: str = "") -> Process:
        """A program of ours on a job's document, with the job's parameters."""
        import subprocess

        program = program or str(job["program"])
        words = [sys.executable or "python3"] + ([] if program == "search" else ["-S"])
        words += [os.path.join(HERE, "runtime", program + ".py"), os.path.join(HERE, document or str(job["document"]))]
        params = {"MLWRIGHT_PARAM_" + variable(p): self.given[p] for p in job["params"] if p in self.given}
        env = dict(self.env, **dict(params, **more))
        made = subprocess.Popen(words, cwd=self.folder, env={raw(k): raw(v) for k, v in env.items()})
        self.processes.append(made)
        return made

    def ended(self, process: Process) -> int:
        """The exit code of a process that has ended."""
        code = process.wait()
        return code if code >= 0 else 128 - code

    def tune(self, job: Doc) -> int:
        """A search and its workers; the exit code of the search."""
        import socket

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        with open(os.path.join(HERE, job["document"]), encoding="utf-8") as stream:
            document = dict(json.load(stream), host="127.0.0.1", port=port)
        path = os.path.join(self.scratch, "search.json")
        with open(path, "w", encoding="ascii") as stream:
            json.dump(document, stream)
        service = self.launch(job, {}, path)
        url = {"MLWRIGHT_SEARCH_URL": "http://127.0.0.1:%d" % port}
        workers = [self.launch(job, url, str(job["trial"]), "step") for _ in range(int(job["workers"]))]
        deadline = float("inf")
        while service.poll() is None and time.monotonic() < deadline:
            if deadline == float("inf") and all(w.poll() is not None for w in workers):
                deadline = time.monotonic() + GRACE
            time.sleep(0.1)
        if service.poll() is None:
            say("%s: every worker of the search has ended" % job["step"])
        self.end([service], 0.0)
        self.end(workers, 0.0 if service.returncode else GRACE)
        return self.ended(service)

    def end(self, processes: Sequence[Process], patience: float) -> None:
        """Ends processes that have not ended by themselves within `patience` seconds."""
        until = time.monotonic() + patience
        while time.monotonic() < until and any(p.poll() is None for p in processes):
            time.sleep(0.1)
        for process in processes:
            if process.poll() is None:
                process.terminate()
        for process in processes:
            process.wait()


def arguments(doc: Doc, words: Sequence[str]) -> Dict[str, str]:
    """The parameters on the command line, but for the name of the pipeline run."""
    given: Dict[str, str] = {}
    known = sorted({p for name in doc["entries"][words[0]] for p in doc["jobs"][name]["params"]})
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if not equals or name.startswith("--") or (name != RUN and name not in known):
            listed = ", ".join([*known, RUN])
            raise StepError(BAD_INPUT, "%s has no parameter %s: it has %s" % (words[0], name.lstrip("-"), listed))
        given[name] = value
    given.pop(RUN, "")
    return given


def adopt(tracking: Tracking, run_id: str) -> None:
    """Makes MLflow's run the root of the pipeline run, or puts it beneath the root that is there already."""
    roots = tracking.roots()
    earlier = roots[0].id if roots and roots[0].id != run_id else ""
    tags = tracking.common("nested" if earlier else "root")
    tags["mlflow.parentRunId"] = earlier
    tracking.log(run_id, {k: v for k, v in tags.items() if v})
    if tracking.get(run_id).experiment != tracking.experiment:
        say("the runs of the steps are in experiment %(e)s: with `--experiment-name %(e)s` this one is beside them"
            % {"e": tracking.doc["experiment"]})  # fmt: skip


def run(doc: Doc, env: Dict[str, str], tracking: Tracking, words: Sequence[str]) -> Outcome:
    """One entry point, from adopting MLflow's run to closing it."""
    import shutil
    import tempfile

    if not words or words[0] not in doc["entries"]:
        raise StepError(BAD_INPUT, "usage: project.py ENTRY NAME=VALUE..., ENTRY: " + ", ".join(sorted(doc["entries"])))
    given = arguments(doc, words)
    signals = Signals().install()
    scratch = tempfile.mkdtemp(prefix="mlwright-project-")
    jobs = Jobs(doc, env, given, scratch)
    try:
        adopt(tracking, env["MLFLOW_RUN_ID"])
        root = start(tracking).run_id
        try:
            failed = jobs.run(doc["entries"][words[0]])
        except Killed:
            signals.held = True
            jobs.end(jobs.processes, 0.0)
            _close(tracking, root, "KILLED", "failed", "killed")
            raise
        reason = "failed: " + ", ".join(failed) if failed else ""
        _close(tracking, root, "FAILED" if failed else "FINISHED", "failed" if failed else "succeeded", reason)
        if reason:
            say(reason)
        return Outcome("failed" if failed else "finished", 1 if failed else 0, reason, root)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _close(tracking: Tracking, root: str, status: str, outcome: str, reason: str) -> None:
    tracking.log(root, {"mlwright.outcome": outcome, "mlwright.reason": reason})
    tracking.server.call("POST", "runs/update", {"run_id": root, "status": status, "end_time": now()})


def main(argv: Sequence[str]) -> int:
    """The command line."""
    named = [word.partition("=")[2] for word in argv[2:] if word.startswith(RUN + "=")]
    run_id = os.environ.get("MLFLOW_RUN_ID", "")
    if not run_id:
        say("start this with `mlflow run`, which sets MLFLOW_RUN_ID")
        return BAD_INPUT
    os.environ["MLWRIGHT_RUN"] = named[-1] if named and named[-1] else run_id
    document = os.path.join(HERE, "project.json")
    return launch([argv[0], document], ("project",), lambda doc, env, tracking: run(doc, env, tracking, argv[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv))

"""One step from its conditions to its last attempt."""

from __future__ import annotations

import json
import os
import time

from attempt import Attempt
from child import Signals
from metrics import point
from outside import changed, data_mark
from program import Outcome
from pulse import Heart
from scope import Scope, entry
from tracking import Run, Tracking, now
from values import (
    UNREACHABLE,
    Killed,
    ServerError,
    StepError,
    compact,
    digest,
    say,
)
from waiting import Patience, started, wait_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional, Sequence

    Doc = Dict[str, Any]

LINGER = 10.0


class Step(Scope):
    """One step, or one trial of it: skipped, found finished, or attempted."""

    def __init__(self, doc: Doc, env: Dict[str, str], tracking: Tracking, signals: Signals, folder: str) -> None:
        super().__init__(doc, env, tracking, signals, folder)
        self.heart = Heart(tracking, env)

    def key(self) -> str:
        """Digest of what decides the result: the runnable document, the image or code, parameters, inputs."""
        parts = (
            "step",
            "command",
            "env",
            "secrets",
            "outputs",
            "metrics",
            "metrics_from",
            "distributed",
            "data",
            "each",
        )
        runnable = {p: self.doc[p] for p in parts if self.doc.get(p)}
        local = {n: changed(str(d["source"])) for n, d in (self.doc.get("data") or {}).items()}
        inputs = {p: self.locate(p)["digest"] for p in self.doc.get("inputs") or {}}
        return digest([runnable, self.code(), self.texts(), inputs, local])

    def code(self) -> str:
        """The digest of the image, or what stands in for it; empty when unknown."""
        return str(self.doc.get("image_digest") or self.env.get("MLWRIGHT_CODE_DIGEST") or "")

    def cache_key(self, key: str) -> str:
        """The key across pipeline runs: also of outside data; empty when something cannot be known."""
        if not self.doc.get("cache") or not self.code() or self.trial is not None:
            return ""
        marks = {}
        for name, wanted in (self.doc.get("data") or {}).items():
            env = dict(self.env, **self.exported([str(wanted["secret"])] if wanted.get("secret") else []))
            marks[name] = data_mark(name, str(wanted["source"]), env)
            if not marks[name]:
                say("not cached: data.%s has no ETag, time or size to tell when it changes" % name)
                return ""
        return digest([key, marks])

    def kept(self, run: Run) -> bool:
        """Whether a run's declared outputs all still exist."""
        for name in self.doc.get("outputs") or {}:
            tag = run.tags.get("mlwright.output." + name)
            if tag is None:
                return False
            record = json.loads(tag)
            owner = str(record.get("run_id") or run.id)
            try:
                if record["kind"] == "model":
                    if self.models.logged(record["model_id"]).get("status") != "LOGGED_MODEL_READY":
                        return False
                elif "value" in record:
                    continue
                elif self.store["type"] == "directory":
                    if not os.path.exists(self._kept(owner, name)):
                        return False
                else:
                    base = (run if owner == run.id else self.tracking.get(owner)).artifacts
                    place = "mlwright/manifests" if record["kind"] == "dir" else "mlwright/outputs/" + name
                    if not any(p.split("/")[-1] in (name, name + ".json") for p, _ in self.artifacts.walk(base, place)):
                        return False
            except ServerError as error:
                if not error.missing:
                    raise
                return False
        return True

    # Runs and attempts

    def tags(self, kind: str) -> Dict[str, str]:
        """The tags of a run of this step."""
        tags = self.tracking.common(kind)
        tags.update({"mlwright.image_digest": str(self.doc.get("image_digest") or ""), "mlwright.item": self.item})
        if self.trial is not None:
            parent = self.trial.parent
            tags.update({"mlwright.step": str(self.doc["tuning"]) + ".trial", "mlwright.trial": self.trial.number})
        else:
            parent = self.tracking.root().id
        tags["mlflow.parentRunId"] = parent
        return tags

    def name(self) -> str:
        """The name that MLflow shows."""
        name = str(self.doc.get("name") or self.doc.get("step"))
        if self.trial is not None:
            return "%s-%s" % (name, self.trial.number)
        return name + ("-" + entry(self.item) if self.item else "")

    def begin(self, tags: Mapping[str, str]) -> Run:
        """The attempt's run: the platform's, adopted once, else a new one."""
        adopted = self.env.pop("MLFLOW_RUN_ID", "")
        if adopted:
            self.tracking.log(adopted, {k: v for k, v in tags.items() if v and k != "mlflow.parentRunId"})
            return self.tracking.get(adopted)
        return self.tracking.create(self.name(), tags)

    def ended(self, status: str, code: int, reason: str, tags: Optional[Dict[str, str]] = None) -> Outcome:
        """A run that is closed as soon as it is made: skipped, or failed before an attempt."""
        run_id = ""
        if self.leader:
            run = self.begin(self.tags("trial" if self.trial else "step"))
            said = dict(tags or {}, **{"mlwright.reason": reason})
            self.tracking.close(run.id, "FINISHED" if code == 0 else "FAILED", said)
            run_id = run.id
        return Outcome(status, code, reason, run_id)

    def skip(self, reason: str) -> Outcome:
        """Ends as skipped: exit 0, and consumers skip too."""
        say("%s: skipped: %s" % (self.doc["step"], reason))
        return self.ended("skipped", 0, reason, {"mlwright.status": "skipped"})

    def hit(self, key: str, cache_key: str) -> Optional[Outcome]:
        """A result that exists already: of this pipeline run (resume), else of another one (cache)."""
        item = {"item": self.item} if self.item else {}
        for run in self.tracking.search(step=str(self.doc["step"]), step_digest=key, **item):
            if run.state == "succeeded" and run.tags.get("mlwright.kind") == "step" and self.kept(run):
                adopted = self.env.get("MLFLOW_RUN_ID", "")
                if adopted and adopted != run.id:
                    return self._link(run, key, cache_key)
                if self.leader:
                    self.tracking.log(run.id, {"mlwright.seen": str(now())})
                say("%s: finished before, in run %s" % (self.doc["step"], run.id))
                return self._reuse(run, run.id)
        for run in self.tracking.search(run="", cache=cache_key) if cache_key else []:
            if run.state == "succeeded" and self.kept(run):
                return self._link(run, key, cache_key)
        return None

    def _reuse(self, run: Run, run_id: str) -> Outcome:
        metrics = dict(run.metrics)
        for name, declared in (self.doc.get("metrics") or {}).items():
            value = self.tracking.metric(run, name, str(declared.get("reduce") or "last"), declared.get("goal"))
            if value is not None:
                metrics[name] = value
        return Outcome("cached", 0, "", run_id, metrics=metrics, params=self.texts())

    def _link(self, run: Run, key: str, cache_key: str) -> Outcome:
        say("%s: cached, from run %s" % (self.doc["step"], run.id))
        if not self.leader:
            return Outcome("cached", 0)
        tags = self.tags("step")
        tags.update({"mlwright.step_digest": key, "mlwright.cache": cache_key, "mlwright.attempt": "1"})
        tags["mlwright.cached_from"] = run.id
        for name in self.doc.get("outputs") or {}:
            record = json.loads(run.tags["mlwright.output." + name])
            tags["mlwright.output." + name] = compact(dict(record, run_id=record.get("run_id") or run.id))
        made = self.begin(tags)
        points: List[Doc] = []
        for name in run.metrics:
            points += [point(name, v, i) for i, v in enumerate(self.tracking.history(run.id, name))]
        self.tracking.log(made.id, params=self.texts(), metrics=points)
        self.tracking.close(made.id, "FINISHED")
        return self._reuse(run, made.id)

    def blocked(self) -> str:
        """Why this step must not run: a needed step did not succeed, `run_if`, or `when`; empty: it runs."""
        return self.held() or self.unmet()

    def unmet(self) -> str:
        """What `when` says against this step."""
        if self.doc.get("when") is not None and not self.true(self.doc["when"]):
            return "its condition is false"
        return ""

    def held(self) -> str:
        """What the steps before it say against this step. Its parameters may be theirs: they are read afterwards."""
        since, run_if = 0, str(self.doc.get("run_if") or "succeeded")
        needs = self.doc.get("needs") or []
        if self.doc.get("wait"):
            since = self._wait(needs, run_if)
        states = {n["step"]: self.tracking.state(str(n["step"]), since) for n in needs}
        bad = [s for s, state in states.items() if state not in ("succeeded", "skipped", "stopped")]
        if run_if == "succeeded":
            for need in needs:
                state = states[need["step"]]
                if state == "failed" or (state in ("skipped", "stopped") and not need.get("optional")):
                    return "%s was %s" % (need["step"], state) if state != "failed" else need["step"] + " failed"
        elif run_if == "failed" and not bad if needs else run_if == "failed" and self.value("run.status") != "failed":
            return "nothing failed"
        return ""

    def _wait(self, needs: Sequence[Doc], run_if: str) -> int:
        """Waits by tags, where the engine has no failure edges; the time (ms) from which runs count."""
        if needs:
            return wait_for(self.tracking, needs, self.env)
        if run_if == "succeeded":
            return started(self.tracking)
        tags = dict(self.tags("step"), **{"mlwright.waiting": "run"})
        mine = self.tracking.create(self.name(), tags)
        self.env["MLFLOW_RUN_ID"] = mine.id
        self.heart.on(mine.id)
        patience = Patience(self.env, "the end of the pipeline run")
        while True:
            roots = self.tracking.roots()
            if roots and roots[0].tags.get("mlwright.outcome"):
                return started(self.tracking)
            patience.pause()

    def run(self) -> Outcome:
        """The whole step: skipped, found, or attempted until it succeeds or may not be repeated."""
        try:
            return self._run()
        finally:
            self.heart.stop()

    def _run(self) -> Outcome:
        try:
            held = "" if self.trial is not None else self.held()
            if held:
                return self.skip(held)
            self.read_params()
            unmet = "" if self.trial is not None else self.unmet()
            if unmet:
                return self.skip(unmet)
            key = self.key()
            cache_key = self.cache_key(key)
            if self.trial is None:
                found = self.hit(key, cache_key)
                if found is not None:
                    return found
        except StepError as problem:
            if problem.code == UNREACHABLE:
                raise
            say("%s: %s" % (self.doc["step"], problem))
            return self.ended("failed", problem.code, str(problem))
        tags = self.tags("trial" if self.trial is not None else "step")
        tags.update({"mlwright.step_digest": key, "mlwright.cache": cache_key})
        return self._attempts(tags)

    def _attempts(self, tags: Dict[str, str]) -> Outcome:
        over = self._over(tags) if self.env.get("MLWRIGHT_NODE") else None
        if over is not None:
            return over
        plan = self.doc.get("retries") or {}
        limit, pause = int(plan.get("limit") or 0), float(plan.get("backoff") or 0)
        before = self._abandoned(tags) if self.leader else 0
        count = 0
        while True:
            count += 1
            attempt = Attempt(self, dict(tags, **{"mlwright.attempt": str(before + count)}), count)
            outcome = attempt.run(more=count <= limit)
            outcome.more.update(attempts=count, params=self.texts())
            if outcome.code == 0 or outcome.status == "killed" or attempt.final or count > limit:
                return self._last(outcome)
            try:
                self.signals.release()
                say("%s: attempt %d failed (%s); again in %g s" % (self.doc["step"], count, outcome.reason, pause))
                time.sleep(pause)
            except Killed as killed:
                if self.leader:
                    self.tracking.close(outcome.run_id, "KILLED", {"mlwright.retrying": "false"})
                return Outcome("killed", 128 + killed.signum, "killed", outcome.run_id, **outcome.more)
            pause = min(pause * float(plan.get("factor") or 2.0), float(plan.get("max_backoff") or 600.0))

    def _over(self, tags: Mapping[str, str]) -> Optional[Outcome]:
        """How the step ended, where it failed by itself and the engine has started it anew, as it does with all."""
        from executorinput import failed_before, made_anew

        earlier = self._earlier(tags) if made_anew(self.env) else []
        if not earlier or not failed_before(earlier[0]):
            return None
        say("%s: it failed before; only a lost pod is started anew" % self.doc["step"])
        return Outcome("failed", 1, "it failed before", earlier[0].id)

    def _earlier(self, tags: Mapping[str, str]) -> List[Run]:
        """The runs of this very step before this one, newest first."""
        same = {k[9:]: tags[k] for k in ("mlwright.step", "mlwright.item", "mlwright.trial") if tags.get(k)}
        return [r for r in self.tracking.search(**same) if r.id != self.env.get("MLFLOW_RUN_ID")]

    def _last(self, outcome: Outcome) -> Outcome:
        """The end of the last attempt. In a JobSet it is told a little later: where the program failed because another
        node was lost, that is known by then, and all start again."""
        if outcome.code == 0 or outcome.status == "killed" or "MLWRIGHT_JOBSET" not in self.env:
            return outcome
        try:
            self.signals.release()
            time.sleep(LINGER)
        except Killed as killed:
            return Outcome("killed", 128 + killed.signum, "killed", outcome.run_id, **outcome.more)
        return outcome

    def _abandoned(self, tags: Mapping[str, str]) -> int:
        """Closes runs of this very step that a killed launcher left RUNNING; the number of earlier attempts.

        They count as tried again, which happens in a moment: nobody who looks meanwhile takes the step for failed.
        """
        earlier = self._earlier(tags)
        for run in earlier:
            if run.status == "RUNNING":
                why = {"mlwright.reason": "its launcher went away", "mlwright.retrying": "true"}
                self.tracking.close(run.id, "FAILED", why)
        return len([r for r in earlier if r.tags.get("mlwright.attempt") and not r.tags.get("mlwright.cached_from")])

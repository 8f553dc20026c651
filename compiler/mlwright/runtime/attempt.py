"""One attempt: a run of the user's command and of MLflow."""

from __future__ import annotations

import os

import command
from child import Child, run_child
from metrics import Follower, Metrics, Tee
from outputs import Outputs
from program import Outcome
from tracking import Run
from values import BAD_INPUT, BUG, DISK, TIMEOUT, Killed, StepError, say, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Optional

    from attempts import Step


class Attempt:
    """One run of the user's command and of MLflow. `final` after an end that repeating cannot change."""

    def __init__(self, step: Step, tags: Dict[str, str], count: int) -> None:
        self.step, self.tags, self.count = step, tags, count
        self.final = False
        self.metrics: Optional[Metrics] = None

    def run(self, more: bool) -> Outcome:
        """Makes the run, runs the command, closes the run; `more` allows another attempt. Leaves signals held."""
        step, signals = self.step, self.step.signals
        run = step.begin(self.tags) if step.leader else None
        if run and step.trial is None:
            step.heart.on(run.id)
        step.outputs = os.path.join(step.folder, "%s-%d" % (run.id if run else "follower", self.count), "outputs")
        if step.store["type"] == "directory" and run:
            step.outputs = step._kept(run.id, "")[:-1]
        outcome = Outcome("failed", BUG, "the launcher failed")
        try:
            os.makedirs(step.outputs, exist_ok=True)
            outcome = self._command(run)
        except StepError as problem:
            self.final = problem.code in (BAD_INPUT, DISK)
            say("%s: %s" % (step.doc["step"], problem))
            outcome = Outcome("failed", problem.code, str(problem))
        except OSError as problem:
            self.final = True
            say("%s: %s" % (step.doc["step"], problem))
            outcome = Outcome("failed", DISK, str(problem))
        except Killed as killed:
            outcome = Outcome("killed", 128 + killed.signum, "killed")
        finally:
            signals.held = True
            if run:
                self._close(run, outcome, more and not self.final and not signals.received)
        outcome.run_id = run.id if run else ""
        return outcome

    def _command(self, run: Optional[Run]) -> Outcome:
        step, env = self.step, self.step.env
        seen: Dict[str, int] = {}
        step.signals.held = False
        values = command.environment(step, run.id if run else "", run.experiment if run else "")
        words = command.words(step, values)

        objective = str((step.doc.get("objective") or {}).get("metric") or "")

        def heard(name: str, value: float) -> None:
            if step.trial is not None and name == objective:
                step.trial.report(value)

        metrics = Metrics(step.doc, step.tracking, run.id if run else "", heard)
        self.metrics, tee = metrics, Tee(metrics)
        kind = metrics.source.get("type", "stdout")
        if kind not in ("stdout", "file", "mlflow", "tensorboard", "prometheus"):  # Katib reads the last two
            raise StepError(BAD_INPUT, "metrics_from: %s is not read by the launcher" % kind)
        follower = Follower(step.fill(metrics.source["path"])) if kind == "file" else None

        def poll() -> None:
            for name in metrics.declared if step.trial is not None and run else []:
                if not metrics.series[name] or name in seen:
                    fresh = step.tracking.history(run.id, name)[seen.get(name, 0) :] if run else []
                    seen[name] = seen.get(name, 0) + len(fresh)
                    metrics.series[name] += fresh
                    for value in fresh:
                        tee.announce([(name, value)])
                        heard(name, value)

        step.signals.held = True
        child = Child(words, values, step.signals, seconds(env, "MLWRIGHT_GRACE", 30.0))
        if step.trial is not None:
            step.trial.stop = child.stop
        code, why = run_child(child, tee, follower, poll, float(step.doc.get("timeout") or 0))
        signum, step.signals.held = step.signals.received, False
        if why == "killed" or signum:
            return Outcome("killed", 128 + signum, "killed by signal %d" % signum)
        if why == "timeout":
            return Outcome("failed", TIMEOUT, "timed out after %g s" % float(step.doc["timeout"]))
        if why == "stopped":
            return Outcome("stopped", 0, "stopped early")
        if code:
            return Outcome("failed", code, "the command exited with %d" % code)
        if run and (step.trial is None or step.doc.get("retrain") is False):
            Outputs(step, run).take()
        return Outcome("finished")

    def _close(self, run: Run, outcome: Outcome, more: bool) -> None:
        tracking, tags = self.step.tracking, {}
        if self.metrics is not None:
            outcome.more["metrics"] = self.metrics.finish()
        known = tracking.get(run.id).params
        tracking.log(run.id, params={k: v for k, v in self.step.texts().items() if k not in known and v})
        if outcome.reason:
            tags["mlwright.reason"] = outcome.reason
        if outcome.status == "stopped":
            tags["mlwright.status"] = "stopped"
        if outcome.status == "failed" and more:
            tags["mlwright.retrying"] = "true"
        status = {"failed": "FAILED", "killed": "KILLED"}.get(outcome.status, "FINISHED")
        lost = tracking.made_root
        winner = tracking.settle_root() if lost else None
        if winner is not None and winner.id != lost and self.step.trial is None:
            tags["mlflow.parentRunId"] = winner.id
        tracking.close(run.id, status, tags)

#!/usr/bin/env python3
"""The search service of a tuning: `python3 search.py search.json` (Python 3.11, Optuna 5, image `tools`).

Owns the tuning run. Workers (`step.py`, kind trial) ask for parameters, report and tell values over HTTP; the state is
written to the tuning run's artifact `mlwright/search.json`, from which a restarted search of the same MLWRIGHT_RUN goes
on. At the end the best parameters are `best.<name>` of the tuning run, the best value is its metric `best.<objective>`.
Exit codes: 0 succeeded, 1 failed, 64 bad document or missing package, 69 no tracking server, 143 on SIGTERM.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence, Union

from artifacts import Artifacts
from child import Signals
from hyperband import NAME as HYPERBAND
from hyperband import Brackets
from medianstop import medianstop
from program import Outcome, launch
from pulse import Heart
from samplers import Proposer, seed_of
from searchservice import Server, Service
from searchspace import Dimension, dimension
from standin import stand_in, stand_ins
from tracking import Run, Tracking, now
from trials import Ledger, Rules, Trial
from values import BAD_INPUT, Killed, StepError, digest, say, seconds

JOURNAL = "mlwright/search.json"
HEARTBEAT, GRACE = 5.0, 10.0
EARLIER = "finished earlier"
ENDS = {"goal": "the goal is reached", "grid": "the grid is done", "brackets": "the last bracket is done"}

Sampler = Union[Proposer, Brackets]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A search document that has been checked. `identity`: digest of everything that decides the outcome."""

    document: Mapping[str, Any]
    space: Sequence[Dimension]
    rules: Rules
    objective: str
    algorithm: str
    settings: Mapping[str, Any]
    identity: str

    def proposer(self, seed: int, history: Sequence[Any] = ()) -> Sampler:
        """The sampler, brought to where `history` left it."""
        if self.algorithm == HYPERBAND:
            return Brackets(self.settings, self.space, maximize=self.rules.maximize, seed=seed, history=history)
        return Proposer(
            self.algorithm, self.settings, self.space, maximize=self.rules.maximize, seed=seed, history=history
        )


def plan(document: Mapping[str, Any], code: str = "") -> Plan:
    """Checks a search document. ValueError says what is wrong with it, KeyError what is missing.

    `code` is the digest of the project's code, where it is known: other code means another search.
    """
    objective, algorithm, trials = document["objective"], document["algorithm"], document["trials"]
    maximize = _one_of(objective.get("goal"), "objective.goal", ("maximize", "minimize")) == "maximize"
    stopping = document.get("early_stopping")
    rules = Rules(
        maximize=maximize,
        reduce=_one_of(objective.get("reduce") or "best", "objective.reduce", ("best", "last")),
        stop_at=None if document.get("stop_at") is None else float(document["stop_at"]),
        max_trials=_count(trials, "max", 1),
        parallel=_count(trials, "parallel", 1),
        max_failed=None if trials.get("max_failed") is None else _count(trials, "max_failed", 0),
        stopper=medianstop(stopping["name"], stopping.get("settings") or {}, maximize) if stopping else None,
    )
    decisive = {key: value for key, value in document.items() if key not in ("host", "port", "trials")}
    decisive["trials"] = {key: value for key, value in trials.items() if key != "parallel"}
    return Plan(
        document=document,
        space=[dimension(name, declared) for name, declared in document["space"].items()],
        rules=rules,
        objective=str(objective["metric"]),
        algorithm=str(algorithm["name"]),
        settings=algorithm.get("settings") or {},
        identity=digest([decisive, code]),
    )


class Search:
    """One search of one pipeline run: finds or makes the tuning run, serves the workers, writes the result."""

    def __init__(self, plan: Plan, env: Mapping[str, str], tracking: Tracking) -> None:
        self._plan = plan
        self._tracking = tracking
        self._artifacts = Artifacts(self._tracking.server)
        self._heartbeat = seconds(env, "MLWRIGHT_HEARTBEAT", HEARTBEAT)
        self._grace = seconds(env, "MLWRIGHT_SEARCH_GRACE", GRACE)
        self._ledger = Ledger(plan.rules)
        self._seed = seed_of(plan.algorithm, plan.settings)
        # Both before anything is made: an algorithm may be unsuitable, a port taken.
        self._fresh = plan.proposer(self._seed)
        self._listening = _Listening(plan.document)
        self._heart = Heart(tracking, env)
        self._root = ""
        self._stored: Outcome | None = None

    def run(self) -> Outcome:
        """Tunes until the end; the outcome is on the tracking server when this returns."""
        for name in self._fresh.ignored:
            print(f"setting {name} of {self._plan.algorithm} is ignored here", flush=True)
        self._root = self._tracking.root().id
        run = self._earlier()
        if run is not None and run.status == "FINISHED":
            return self._again(run)
        proposer = self._fresh if run is None else self._resume(run)
        run = run or self._create()
        self._heart.on(run.id)
        try:
            return self._tune(run, proposer)
        except Killed:
            if self._stored is not None:  # an engine ends us as soon as our workers have gone home
                return self._stored
            self._tracking.close(run.id, "KILLED")
            raise
        except Exception as problem:
            self._tracking.close(run.id, "FAILED", {"mlwright.reason": str(problem)})
            raise
        finally:
            self._heart.stop()

    def _tune(self, run: Run, proposer: Sampler) -> Outcome:
        service = self._service(run, proposer, journal=True)
        service.save()
        service.concluded = False
        with self._listening.to(service):
            while not service.over():
                service.drop_silent_workers()
                time.sleep(min(0.1, self._heartbeat / 4))
            outcome = self._stored = self._conclude(run)
            service.concluded = True
            print(_sentence(outcome, self._plan.objective, self._ledger.over), flush=True)
            self._dismiss(service)
        return outcome

    def _again(self, run: Run) -> Outcome:
        """The result is there already: workers that were restarted too are told so."""
        best = {name[len("best.") :]: text for name, text in run.params.items() if name.startswith("best.")}
        print(f"tuning run {run.id} is finished: {_assignments(best)}", flush=True)
        self._ledger.over = EARLIER
        service = self._service(run, self._fresh, journal=False)
        with self._listening.to(service):
            self._dismiss(service)
        for seen in [run, *stand_ins(self._tracking, str(self._plan.document["training"]), run)]:
            self._tracking.log(seen.id, {"mlwright.seen": str(now())})
        params = {f"best.{name}": text for name, text in best.items()}
        metrics = {name: value for name, value in run.metrics.items() if name.startswith("best.")}
        return Outcome("cached", 0, "", run.id, metrics=metrics, params=params)

    def _dismiss(self, service: Service) -> None:
        end = time.monotonic() + self._grace
        try:
            while time.monotonic() < end:
                if service.dismissed() >= self._plan.rules.parallel and not service.waiting_for_workers():
                    break
                time.sleep(0.05)
        except Killed:  # the result is stored: ending early changes nothing
            return

    def _service(self, run: Run, proposer: Sampler, *, journal: bool) -> Service:
        return Service(
            self._ledger,
            proposer,
            tuning_run=run.id,
            objective=self._plan.objective,
            heartbeat=self._heartbeat,
            say=lambda line: print(line, flush=True),
            journal=(lambda state: self._write(run, state)) if journal else (lambda state: None),
        )

    def _earlier(self) -> Run | None:
        """The run of this very search that may be taken over: finished, or interrupted."""
        for run in self._tracking.search(step=str(self._plan.document["step"]), step_digest=self._plan.identity):
            return None if run.status == "FAILED" or self._is_stale(run) else run
        return None

    def _is_stale(self, run: Run) -> bool:
        # A step before the tuning has run again since: its outputs may be others.
        needs = [str(need["step"]) for need in self._plan.document.get("needs") or []]
        return any(needed.start > run.start for need in needs for needed in self._tracking.finished(need))

    def _create(self) -> Run:
        step = str(self._plan.document["step"])
        tags = self._tracking.common("tuning")
        tags["mlflow.parentRunId"] = self._root
        tags["mlwright.step_digest"] = self._plan.identity
        tags["mlwright.attempt"] = str(len(self._tracking.search(step=step)) + 1)
        tags["mlwright.search_seed"] = str(self._seed)
        return self._tracking.create(str(self._plan.document.get("name") or step), tags)

    def _resume(self, run: Run) -> Sampler:
        if run.status != "RUNNING":
            self._tracking.server.call("POST", "runs/update", {"run_id": run.id, "status": "RUNNING"})
        if JOURNAL not in [path for path, _ in self._artifacts.walk(run.artifacts, "mlwright")]:
            return self._fresh
        state = json.loads(self._artifacts.read(run.artifacts, JOURNAL))
        self._seed = int(state["seed"])
        history = self._ledger.restore(state)
        print(f"resuming tuning run {run.id} with {len(self._ledger.trials)} trials", flush=True)
        return self._plan.proposer(self._seed, history)

    def _write(self, run: Run, state: Mapping[str, Any]) -> None:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".json") as file:
            json.dump({"version": 1, "seed": self._seed, **state}, file)
            file.flush()
            try:
                self._artifacts.put(run.artifacts, JOURNAL, file.name)
            except StepError as problem:  # tuning goes on; the next state holds this one too
                say(f"the search's state could not be stored: {problem}")

    def _conclude(self, run: Run) -> Outcome:
        best, attempt = self._best(run), int(run.tags.get("mlwright.attempt") or 1)
        for left in self._tracking.where(f"tags.`mlflow.parentRunId` = '{run.id}' and attributes.status = 'RUNNING'"):
            self._tracking.server.call("POST", "runs/update", {"run_id": left.id, "status": "KILLED"})
        if best is None or self._ledger.failed:
            reason = self._ledger.over
            self._tracking.close(run.id, "FAILED", {"mlwright.reason": reason})
            return Outcome("failed", 1, reason, run.id, attempts=attempt)
        params = {f"best.{name}": text for name, text in best.params.items()}
        metrics = {f"best.{self._plan.objective}": float(best.value or 0.0)}
        tags = {"mlwright.best_trial": str(best.number), "mlwright.best_run_id": best.run_id}
        points = [{"key": key, "value": value, "timestamp": now(), "step": 0} for key, value in metrics.items()]
        if "mlwright.best_trial" not in run.tags:
            self._tracking.log(run.id, tags, params, points)
        if not self._plan.document.get("retrain", True):
            stand_in(self._tracking, str(self._plan.document["training"]), run, str(best.number), best.run_id)
        self._tracking.close(run.id, "FINISHED", {"mlwright.reason": self._ledger.over})
        return Outcome("finished", 0, "", run.id, metrics=metrics, params=params, attempts=attempt)

    def _best(self, run: Run) -> Trial | None:
        written = run.tags.get("mlwright.best_trial", "")
        return self._ledger.trials[int(written)] if written else self._ledger.best


class _Listening:
    """The HTTP server of the search: bound at once, answering for the length of `with listening.to(service)`."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        host, port = str(document.get("host") or "0.0.0.0"), int(document.get("port", 8090))
        try:
            self._server = Server(host, port)
        except (OSError, OverflowError) as problem:
            raise StepError(BAD_INPUT, f"cannot listen on {host}:{port}: {problem}") from None

    @contextmanager
    def to(self, service: Service) -> Iterator[None]:
        """Workers are answered by `service`."""
        self._server.service = service
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        print(f"search is listening on http://{self._server.server_name}:{self._server.server_port}", flush=True)
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()


def search(document: Mapping[str, Any], env: Mapping[str, str], tracking: Tracking) -> Outcome:
    """Runs the search of a document; the outcome for the exit code and the status file."""
    Signals().install()
    try:
        checked = plan(document, env.get("MLWRIGHT_CODE_DIGEST", ""))
        search = Search(checked, env, tracking)
    except (ValueError, TypeError, AttributeError) as problem:
        raise StepError(BAD_INPUT, f"the search document: {problem}") from None
    return search.run()


def _sentence(outcome: Outcome, objective: str, end: str) -> str:
    if outcome.code:
        return f"tuning {outcome.reason}"
    best = {name[len("best.") :]: text for name, text in outcome.more["params"].items()}
    value = outcome.more["metrics"][f"best.{objective}"]
    return f"tuning finished, {ENDS.get(end, 'all trials are done')}: best {objective}={value!r} {_assignments(best)}"


def _assignments(params: Mapping[str, str]) -> str:
    return " ".join(f"{name}={text}" for name, text in params.items())


def _one_of(value: Any, name: str, choices: Sequence[str]) -> str:
    if value not in choices:
        raise ValueError(f"{name} must be {' or '.join(choices)}, not {value!r}")
    return str(value)


def _count(trials: Mapping[str, Any], name: str, least: int) -> int:
    value = trials[name]
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"trials.{name} must be a whole number of at least {least}, not {value!r}")
    return value


if __name__ == "__main__":
    sys.exit(launch(sys.argv, ("search",), search))

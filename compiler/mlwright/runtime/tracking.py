"""The MLflow runs of one pipeline run: made, found by tags, closed."""

from __future__ import annotations

import time

from server import Server
from values import BAD_INPUT, MAX_PARAM, MAX_TAG, UNREACHABLE, ServerError, StepError, reduced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

    Doc = Dict[str, Any]


ENGINE_FAILED = ("Failed", "Error")
"""What MLWRIGHT_STATUS says where an engine that starts a program at the end of a run has seen a failure."""


class Run:
    """An MLflow run as last read."""

    def __init__(self, answer: Doc) -> None:
        info, data = answer["info"], answer.get("data", {})
        self.id = str(info["run_id"])
        self.status = str(info.get("status", "RUNNING"))
        self.start = int(info.get("start_time") or 0)
        self.experiment = str(info["experiment_id"])
        self.artifacts = str(info.get("artifact_uri", ""))
        self.tags: Dict[str, str] = {t["key"]: t.get("value", "") for t in data.get("tags", [])}
        self.params: Dict[str, str] = {p["key"]: p.get("value", "") for p in data.get("params", [])}
        self.metrics: Dict[str, float] = {m["key"]: float(m["value"]) for m in data.get("metrics", [])}

    @property
    def state(self) -> str:
        """running, succeeded, failed, skipped or stopped, as the steps after it see this run."""
        if self.status in ("RUNNING", "SCHEDULED"):
            return "running"
        if self.status != "FINISHED":
            return "running" if self.tags.get("mlwright.retrying") == "true" else "failed"
        if self.tags.get("mlwright.status") == "skipped":
            return "skipped"
        return "stopped" if self.tags.get("mlwright.gate") == "stopped" else "succeeded"

    @property
    def touched(self) -> int:
        """When the run was made, or last taken over unchanged by a resumed pipeline run, in milliseconds."""
        seen = self.tags.get("mlwright.seen", "")
        return max(self.start, int(seen) if seen.isdigit() else 0)


def now() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


def _lasting(doc: Doc) -> bool:
    """Whether a document is of no pipeline run: an endpoint that serves what exists already."""
    return doc.get("kind") == "serve" and doc.get("binding") != "run" and doc["model"].get("kind") != "output"


class Tracking:
    """The runs of one pipeline run: made, found by tags, closed."""

    def __init__(self, doc: Doc, env: Mapping[str, str]) -> None:
        import re

        self.server = Server(env)
        self.doc = doc
        self.env = env
        self.run = env.get("MLWRIGHT_RUN", "")
        if not re.match(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z", self.run) and (self.run or not _lasting(doc)):
            raise StepError(
                BAD_INPUT, "MLWRIGHT_RUN must name the pipeline run (letters, digits, . _ -), not %r" % self.run
            )
        self.made_root = ""
        self._experiment = ""

    @property
    def experiment(self) -> str:
        """The experiment's id; made when it is missing, by whoever comes first."""
        if not self._experiment:
            self._experiment = self._named(str(self.doc["experiment"]))
        return self._experiment

    @property
    def places(self) -> List[str]:
        """The experiments that hold our runs: ours, and the platform's where it gave us one."""
        adopted = self.env.get("MLFLOW_EXPERIMENT_ID", "")
        return [self.experiment] + ([adopted] if adopted and adopted != self.experiment else [])

    def _named(self, name: str) -> str:
        for _ in range(3):
            try:
                found = self.server.call("GET", "experiments/get-by-name", experiment_name=name)["experiment"]
                if found.get("lifecycle_stage") == "deleted":
                    raise StepError(
                        BAD_INPUT,
                        "the MLflow experiment %r is deleted: `mlwright tracking apply` restores it" % name,
                    )
                return str(found["experiment_id"])
            except ServerError as error:
                if not error.missing:
                    raise
            body = {"name": name}
            if self.doc.get("experiment_location"):
                body["artifact_location"] = str(self.doc["experiment_location"])
            try:
                return str(self.server.call("POST", "experiments/create", body)["experiment_id"])
            except ServerError as error:
                if error.error != "RESOURCE_ALREADY_EXISTS":
                    raise
        raise StepError(UNREACHABLE, "cannot make the MLflow experiment %r" % name)

    def search(self, places: Sequence[str] = (), **tags: str) -> List[Run]:
        """All runs with these `mlwright.` tags (`run` is this pipeline run unless given), newest first.

        `places` are the ids of experiments to look in, ours unless given."""
        wanted = dict(tags)
        wanted.setdefault("run", self.run)
        clauses = ["tags.`mlwright.%s` = '%s'" % (k, v.replace("'", "")) for k, v in sorted(wanted.items()) if v]
        return self.where(" and ".join(clauses), places)

    def where(self, condition: str, places: Sequence[str] = ()) -> List[Run]:
        """All runs of the experiments for which `condition` (MLflow's filter language) holds, newest first."""
        body: Doc = {"filter": condition, "max_results": 1000, "order_by": ["attributes.start_time DESC"]}
        body["experiment_ids"] = list(places) or self.places
        found: List[Run] = []
        while True:
            page = self.server.call("POST", "runs/search", body)
            found += [Run(r) for r in page.get("runs", [])]
            if not page.get("next_page_token"):
                return sorted(found, key=lambda r: (r.start, r.id), reverse=True)
            body["page_token"] = page["next_page_token"]

    def get(self, run_id: str) -> Run:
        """The run as it is now."""
        return Run(self.server.call("GET", "runs/get", run_id=run_id)["run"])

    def create(self, name: str, tags: Mapping[str, str]) -> Run:
        """A new RUNNING run with `tags`; empty tags are left out."""
        pairs = [{"key": k, "value": v[:MAX_TAG]} for k, v in sorted(tags.items()) if v]
        body = {"experiment_id": self.experiment, "run_name": name, "start_time": now(), "tags": pairs}
        return Run(self.server.call("POST", "runs/create", body)["run"])

    def log(
        self,
        run_id: str,
        tags: Optional[Mapping[str, str]] = None,
        params: Optional[Mapping[str, str]] = None,
        metrics: Sequence[Doc] = (),
    ) -> None:
        """Logs in batches that the server takes: 100 tags or parameters and 1000 metrics each."""
        pairs = [{"key": k, "value": v[:MAX_TAG]} for k, v in sorted((tags or {}).items())]
        values = [{"key": k, "value": v[:MAX_PARAM]} for k, v in sorted((params or {}).items())]
        points = list(metrics)
        while pairs or values or points:
            body = {"run_id": run_id, "tags": pairs[:100], "params": values[:100], "metrics": points[:800]}
            self.server.call("POST", "runs/log-batch", body)
            pairs, values, points = pairs[100:], values[100:], points[800:]

    def history(self, run_id: str, metric: str) -> List[float]:
        """All values of a metric in the order they were logged."""
        points: List[Doc] = []
        query: Doc = {"run_id": run_id, "metric_key": metric, "max_results": 20000}
        while True:
            page = self.server.call("GET", "metrics/get-history", **query)
            points += page.get("metrics", [])
            if not page.get("next_page_token"):
                break
            query["page_token"] = page["next_page_token"]
        points.sort(key=lambda p: (int(p.get("step") or 0), int(p.get("timestamp") or 0)))
        return [float(p["value"]) for p in points]

    def metric(self, run: Run, name: str, how: str, goal: Optional[str]) -> Optional[float]:
        """The reduced value of a run's metric; None when it was never logged."""
        if name not in run.metrics:
            return None
        return reduced(self.history(run.id, name), "best", goal) if how == "best" else run.metrics[name]

    def close(self, run_id: str, status: str, tags: Optional[Mapping[str, str]] = None) -> None:
        """Sets the terminal status, whatever a client said before, of the run and of runs it left open beneath."""
        if tags:
            self.log(run_id, tags)
        body = {"run_id": run_id, "status": status, "end_time": now()}
        self.server.call("POST", "runs/update", body)
        nested = "tags.`mlflow.parentRunId` = '%s' and attributes.status = 'RUNNING'" % run_id
        for left in self.where(nested):
            self.server.call("POST", "runs/update", dict(body, run_id=left.id))

    def common(self, kind: str) -> Dict[str, str]:
        """The tags that every run of ours carries."""
        doc, env = self.doc, self.env
        return {
            "mlwright.run": self.run,
            "mlwright.kind": kind,
            "mlwright.step": str(doc.get("step", "")),
            "mlwright.environment": str(doc.get("environment", "")),
            "mlwright.spec_digest": str(doc.get("spec_digest", "")),
            "mlwright.git_revision": env.get("MLWRIGHT_GIT_REVISION", ""),
            "mlwright.git_dirty": env.get("MLWRIGHT_GIT_DIRTY", ""),
        }

    def roots(self) -> List[Run]:
        """The root runs of this pipeline run, the winner (smallest start time, then id) first; normally one."""
        return sorted(self.search(kind="root"), key=lambda r: (r.start, r.id))

    def root(self) -> Run:
        """The root run, made when missing. Of several made at once the smallest (start time, id) wins."""
        found = self.roots()
        if found:
            return found[0]
        tags = self.common("root")
        tags["mlwright.step"] = "run"
        ours = self.create("%s-%s" % (self.doc.get("project", "run"), self.run), tags)
        self.made_root = ours.id
        time.sleep(0.2)
        return self.settle_root() or ours

    def settle_root(self) -> Optional[Run]:
        """Searches again; takes back the root run that we made if another one won. The winner, or None if none is seen.

        Whoever may edit an experiment may not delete in it: then the run stays, closed, and is no root run any more.
        """
        found = self.roots()
        if found and self.made_root and found[0].id != self.made_root:
            try:
                self.server.call("POST", "runs/delete", {"run_id": self.made_root})
            except ServerError as error:
                if error.status != 403:
                    raise
                tags = {"mlwright.kind": "nested", "mlflow.parentRunId": found[0].id, "mlwright.reason": "made twice"}
                self.close(self.made_root, "KILLED", tags)
            self.made_root = ""
        return found[0] if found else None

    def newest(self, step: str) -> List[Run]:
        """The newest run of `step`; for a step with items the newest of each item, in the items' order."""
        return _latest(self.search(step=step))

    def finished(self, step: str) -> List[Run]:
        """The newest FINISHED, not skipped run of `step`, one for each item where it has items."""
        return _latest(r for r in self.search(step=step) if r.state == "succeeded")

    def state(self, step: str, since: int = 0, items: int = 0) -> str:
        """missing, running, succeeded, failed, skipped or stopped. Runs that ended before `since` (ms) do not count."""
        runs = [r for r in self.newest(step) if r.touched >= since or r.state == "running"]
        states = [r.state for r in runs]
        if not states or (items and len(states) < items and states != ["skipped"]):
            return "running" if states else "missing"
        for decisive in ("running", "failed", "stopped"):
            if decisive in states:
                return decisive
        return "succeeded" if "succeeded" in states else "skipped"

    def outcome(self) -> str:
        """`failed` when the pipeline run has a failed run, else `succeeded`; the finish program's word counts first."""
        roots = self.roots()
        said = roots[0].tags.get("mlwright.outcome", "") if roots else ""
        if said or self.env.get("MLWRIGHT_STATUS") in ENGINE_FAILED:
            return said or "failed"
        steps = {r.tags.get("mlwright.step", "") for r in self.search() if r.state == "failed"}
        steps -= {"", "run"}
        kinds = ("trial", "nested", "root")
        newest = [r for s in sorted(steps) for r in self.newest(s) if r.tags.get("mlwright.kind") not in kinds]
        return "failed" if any(r.state == "failed" for r in newest) else "succeeded"


def _latest(runs: Iterable[Run]) -> List[Run]:
    """Of runs, newest first: the newest of each item, or the newest that has no item where that is newer than all."""
    latest: Dict[str, Run] = {}
    for run in runs:
        latest.setdefault(run.tags.get("mlwright.item", ""), run)
    whole = latest.pop("", None)
    items = [latest[k] for k in sorted(latest)]
    return [whole] if whole is not None and all(whole.start >= r.start for r in items) else items

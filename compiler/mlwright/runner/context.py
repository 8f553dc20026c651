"""What all parts of one run share."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mlwright import ir
from mlwright.emit import stepdoc
from mlwright.emit.environment import secret_variable
from mlwright.emit.json import inert
from mlwright.emit.stepdoc import Document
from mlwright.runner import identity, result, secrets
from mlwright.runner.folder import Folder
from mlwright.runner.places import LocalPlaces
from mlwright.runner.plan import processes
from mlwright.runner.processes import Process, Processes
from mlwright.runner.result import Result
from mlwright.runner.server import Server
from mlwright.runner.tracking import RemoteError, Run

RUNTIME = Path(__file__).resolve().parent.parent / "runtime"
_OURS = ("MLWRIGHT_", "MLFLOW_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One run: `env` is what every runtime program gets, `values` the secrets that are here by (secret, key)."""

    project: ir.Project
    folder: Folder
    run_id: str
    processes: Processes
    places: LocalPlaces
    server: Server
    env: Mapping[str, str]
    values: Mapping[tuple[str, str], str]
    digests: Mapping[str, str]
    gpus: int = 0

    def home(self, node: str) -> Path:
        """The folder of a node in this run: its document, its log, its status, its work folder."""
        return self.folder.run(self.run_id) / node

    def log(self, node: str, name: str = "log") -> Path:
        return self.home(node) / f"{name}.txt"

    def status(self, node: str, name: str = "step") -> Path:
        return self.home(node) / ("status.json" if name == "step" else f"{name}.status.json")

    def launch(
        self,
        node: str,
        program: str,
        document: Document,
        *,
        name: str = "step",
        log: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Process:
        """Write `document` and start runtime program `program` on it, in the spec's folder. `name` keeps several
        programs of one node apart. Raises OSError, StoppingError."""
        home = self.home(node)
        home.mkdir(parents=True, exist_ok=True)
        path = home / f"{name}.json"
        path.write_text(inert(document), encoding="utf-8")
        status = self.status(node, name)
        status.unlink(missing_ok=True)
        flags = [] if program == "search" else ["-S"]
        return self.processes.spawn(
            [sys.executable, *flags, str(RUNTIME / f"{program}.py"), str(path)],
            env={
                **self.env,
                **secrets.exported(secrets.used(document, self.project), self.values),
                "MLWRIGHT_WORK": str(home / ("work" if name == "step" else f"work-{name}")),
                "MLWRIGHT_STATUS_FILE": str(status),
                **(env or {}),
            },
            cwd=self.folder.spec,
            log=log or self.log(node),
        )

    @property
    def runs(self) -> tuple[Run, ...]:
        """All MLflow runs of this run so far, newest first. Raises RemoteError."""
        experiment = self.server.client.experiment(self.project.tracking.experiment)
        return self.server.client.runs(experiment, self.run_id) if experiment else ()

    @property
    def root(self) -> Run | None:
        """The run that all others hang beneath: the oldest, where there are several."""
        roots = [run for run in self.runs if run.tags.get("mlwright.kind") == "root"]
        return min(roots, key=lambda run: (run.start, run.id), default=None)

    def tell_outcome(self, outcome: str) -> None:
        """What `${run.status}` is from now on: `failed`, `succeeded`, or empty while the run goes on."""
        with contextlib.suppress(RemoteError):
            root = self.root
            if root is not None and root.tags.get("mlwright.outcome", "") != outcome:
                self.server.client.tag(root.id, "mlwright.outcome", outcome)

    def task_document(self, task: ir.Task) -> Document:
        """A step's document as this machine runs it."""
        return self.here(task, stepdoc.step_document(self.project, task, self.places))

    def here(self, task: ir.Task, document: Document) -> Document:
        """A step's or trial's document for one node, as many processes as it can have, no image, items as many as
        CPUs."""
        distributed = document["distributed"]
        assert isinstance(distributed, dict)
        loop = document["for_each"]
        if isinstance(loop, dict) and not loop["max_parallel"]:
            loop = {**loop, "max_parallel": max(2, os.cpu_count() or 2)}
        fitted = {**distributed, "nodes": 1, "processes_per_node": processes(task, self.gpus)}
        return {**document, "distributed": fitted, "for_each": loop, "image_digest": ""}

    def code(self, task: ir.Task) -> Mapping[str, str]:
        """What stands in for an image's digest."""
        return {"MLWRIGHT_CODE_DIGEST": self.digests[task.container.image.build_context]}

    def ended(self, process: Process, node: str, *, name: str = "step", log: Path | None = None) -> Result:
        """Wait for a program of `node` and read what it left behind."""
        exit_code = process.wait()
        self.processes.forget(process)
        answer = result.read(self.status(node, name), exit_code, log or self.log(node))
        if self.processes.stopping and answer.outcome in ("failed", "killed"):
            return replace(answer, outcome="killed", reason="the run was stopped")
        return answer


def environment(
    project: ir.Project, folder: Folder, run_id: str, server: Server, environ: Mapping[str, str]
) -> dict[str, str]:
    """What every step sees: the user's environment less MLflow's, mlwright's and the secrets' own variables."""
    hidden = {secret_variable(secret.name, key) for secret in project.secrets for key in secret.keys}
    kept = {name: value for name, value in environ.items() if not name.startswith(_OURS) and name not in hidden}
    client = server.client
    credentials = (
        {"MLFLOW_TRACKING_USERNAME": client.username, "MLFLOW_TRACKING_PASSWORD": client.password}
        if client.username
        else {}
    )
    direct = ",".join(filter(None, (environ.get("NO_PROXY", environ.get("no_proxy", "")), "127.0.0.1,localhost")))
    return {
        **kept,
        **credentials,
        **identity.git_facts(folder.spec),
        "PATH": identity.search_path(environ),
        "NO_PROXY": direct,
        "no_proxy": direct,
        "MLFLOW_TRACKING_URI": server.url,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLWRIGHT_RUN": run_id,
    }

"""The Compose output of an example, carried out by its own rules without a container engine: every service is a
process, started when its `depends_on` is met, with its own command, environment and mounted files."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.servers import free_port

from mlwright import api

EXAMPLES = Path(__file__).parents[2] / "examples"
LIMIT = 240.0


@dataclass
class Replay:
    """Runs the services of a Compose file; `codes` are the exit codes of those that have ended, by name."""

    folder: Path
    scratch: Path
    server: str
    run: str
    codes: dict[str, int] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)
    failed_to_start: set[str] = field(default_factory=set)
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self.data: dict[str, Any] = yaml.safe_load((self.folder / "compose.yaml").read_text())
        self.search, self.port = free_port(), free_port()
        self.texts = {
            "/mlwright/model": str(self.scratch / "model"),
            '"0.0.0.0"': '"127.0.0.1"',
            '"port": 8090': f'"port": {self.search}',
            '"8080"': f'"{self.port}"',
        }

    def up(self, services: list[str]) -> None:
        """Start these services and wait until all that stop by themselves have stopped."""
        threads = [threading.Thread(target=self._service, args=(name,), daemon=True) for name in services]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT)
            assert not thread.is_alive(), self.logs

    def down(self) -> None:
        """End what still runs."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
                process.wait(30)

    def _service(self, name: str) -> None:
        body = self.data["services"][name]
        if not self._met(body.get("depends_on", {})):
            self._tell(self.failed_to_start, name)
            return
        replicas = body.get("deploy", {}).get("replicas", 1)
        processes = [self._start(name, body) for _ in range(replicas)]
        self._tell(self.started, name)
        if body["restart"] == "no":
            outputs = [process.communicate()[0] for process in processes]
            with self.changed:
                self.logs[name] = "".join(outputs)
                self.codes[name] = max(process.returncode for process in processes)
                self.changed.notify_all()

    def _met(self, needs: dict[str, dict[str, str]]) -> bool:
        """Wait for the dependencies; False when one can never be met."""
        for name, need in needs.items():
            if name in ("mlflow", "prepare"):
                continue
            with self.changed:
                if need["condition"] == "service_started":
                    self.changed.wait_for(lambda name=name: name in self.started | self.failed_to_start, LIMIT)
                    if name not in self.started:
                        return False
                    continue
                assert need["condition"] == "service_completed_successfully"
                self.changed.wait_for(lambda name=name: name in self.codes or name in self.failed_to_start, LIMIT)
                if self.codes.get(name) != 0:
                    return False
        return True

    def _tell(self, group: set[str], name: str) -> None:
        with self.changed:
            group.add(name)
            self.changed.notify_all()

    def _start(self, name: str, body: dict[str, Any]) -> subprocess.Popen[str]:
        document = self.scratch / f"{name}.json"
        config = self.data["configs"][body["configs"][0]["source"]]["file"]
        text = (self.folder / config).read_text()
        for old, new in self.texts.items():
            text = text.replace(old, new)
        document.write_text(text)
        words = [*body["entrypoint"], *body["command"]]
        places = {"python3": sys.executable, "/mlwright/step.json": str(document)}
        command = [places.get(word, word.replace("/mlwright/runtime", str(self.folder / "runtime"))) for word in words]
        process = subprocess.Popen(
            command,
            cwd=self.folder.parents[2],
            env=self._environment(body["environment"]),
            stdout=subprocess.PIPE if body["restart"] == "no" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.processes.append(process)
        return process

    def _environment(self, given: dict[str, str | None]) -> dict[str, str]:
        """The service's variables with Compose's defaults; a variable without value is not passed on."""
        own = {name: self._filled(value) for name, value in given.items() if value is not None}
        home = {"HOME": str(self.scratch), "TMPDIR": str(self.scratch), "XDG_CACHE_HOME": str(self.scratch / "cache")}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        urls = {"MLFLOW_TRACKING_URI": self.server, "MLWRIGHT_SEARCH_URL": f"http://127.0.0.1:{self.search}"}
        return {**own, **home, "PATH": path, **{name: url for name, url in urls.items() if name in own}}

    def _filled(self, value: str) -> str:
        value = value.replace("${MLWRIGHT_RUN:-default}", self.run)
        assert not re.search(r"(?<!\$)\$\{", value), value
        return value.replace("$$", "$")


def compiled(name: str, folder: Path) -> Path:
    """A copy of an example with its Compose output; the path of the folder with `compose.yaml`."""
    project = folder / name
    shutil.copytree(EXAMPLES / name, project)
    result = api.compile([str(project / "mlproject.yaml")], envs=["compose"])
    assert not result.failed, result.diagnostics
    return project / "manifests/compose/compose"


def fetch(url: str, data: Any = None) -> Any:
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


@pytest.mark.server
@pytest.mark.slow
def test_the_services_of_an_example_train_register_and_serve(mlflow_server: str, tmp_path: Path) -> None:
    folder = compiled("breast-cancer", tmp_path)
    replay = Replay(folder=folder, scratch=tmp_path, server=mlflow_server, run="replayed")
    pipeline = [name for name, body in replay.data["services"].items() if "configs" in body and "ports" not in body]
    try:
        replay.up(pipeline)
        assert set(replay.codes.values()) == {0}, replay.logs
        assert not replay.failed_to_start
        root = _root(mlflow_server, "replayed")
        assert root["info"]["status"] == "FINISHED"
        replay.up(["online"])
        request = folder.parents[2] / "request.json"
        assert "predictions" in _ask(f"http://127.0.0.1:{replay.port}/invocations", json.loads(request.read_text()))
    finally:
        replay.down()


@pytest.mark.server
@pytest.mark.slow
def test_a_failed_step_fails_the_run_and_what_needs_it_never_starts(mlflow_server: str, tmp_path: Path) -> None:
    folder = compiled("breast-cancer", tmp_path)
    (folder.parents[2] / "prepare.py").write_text("raise SystemExit(3)\n")
    replay = Replay(folder=folder, scratch=tmp_path, server=mlflow_server, run="broken")
    pipeline = [name for name, body in replay.data["services"].items() if "configs" in body and "ports" not in body]
    try:
        replay.up(pipeline)
        assert replay.codes == {"start": 0, "features": 3, "finish": 1}
        assert _root(mlflow_server, "broken")["info"]["status"] == "FAILED"
    finally:
        replay.down()


def _root(server: str, run: str) -> Any:
    experiment = fetch(f"{server}/api/2.0/mlflow/experiments/get-by-name?experiment_name=breast-cancer-compose")
    found = fetch(
        f"{server}/api/2.0/mlflow/runs/search",
        {
            "experiment_ids": [experiment["experiment"]["experiment_id"]],
            "filter": f"tags.`mlwright.kind` = 'root' and tags.`mlwright.run` = '{run}'",
        },
    )
    return found["runs"][0]


def _ask(url: str, body: Any) -> Any:
    """The answer of an endpoint, which may take a while to come up."""
    for _ in range(120):
        try:
            return fetch(url, body)
        except (ConnectionError, OSError):
            threading.Event().wait(0.5)
    raise AssertionError("the endpoint did not come up")

"""As much of Compose as it takes to carry out a file's services without a container engine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.servers import free_port

LIMIT = 240.0


@dataclass
class Replay:
    """Runs the services of a Compose file; `codes` are the exit codes of those that have ended, by name."""

    folder: Path
    scratch: Path
    server: str
    run: str
    variables: Mapping[str, str] = field(default_factory=dict)
    """What `.env` and the shell would have."""
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
        """The service's variables with Compose's defaults; one without a value is passed on, where it is set."""
        own = {name: self._filled(value) for name, value in given.items() if value is not None}
        own |= {name: self.variables[name] for name, value in given.items() if value is None and name in self.variables}
        home = {"HOME": str(self.scratch), "TMPDIR": str(self.scratch), "XDG_CACHE_HOME": str(self.scratch / "cache")}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        urls = {"MLFLOW_TRACKING_URI": self.server, "MLWRIGHT_SEARCH_URL": f"http://127.0.0.1:{self.search}"}
        return {**own, **home, "PATH": path, **{name: url for name, url in urls.items() if name in own}}

    def _filled(self, value: str) -> str:
        """`$$` is a dollar; `${NAME:-default}` and `${NAME:?message}` are variables."""

        def one(match: re.Match[str]) -> str:
            if match[0] == "$$":
                return "$"
            default = match[3] if match[2] == ":-" else None
            found = {"MLWRIGHT_RUN": self.run, **self.variables}.get(match[1]) or default
            assert found is not None, value
            return found

        return re.sub(r"\$\$|\$\{(\w+)(:-|:\?)([^}]*)\}", one, value)

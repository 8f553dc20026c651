"""A project in a namespace of its own on a real control plane, with a tracking server that has users."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.kubernetes.kubelet import Kubelet

Json = dict[str, Any]

REGISTER = """\
import mlflow

def twice(model_input: list[float]) -> list[float]:
    return [2 * value for value in model_input]

mlflow.set_experiment("by-hand")
with mlflow.start_run():
    mlflow.pyfunc.log_model(name="model", python_model=twice, registered_model_name="m", pip_requirements=[])
mlflow.MlflowClient().set_registered_model_alias("m", "champion", 1)
"""
USER, BOSS = ("pipelines", "a-long-password-1"), ("boss", "a-long-password-2")


class Lab:
    """One namespace with the project in it."""

    def __init__(self, node: Kubelet, folder: Path, project: str, **files: str) -> None:
        self.plane, self.node, self.folder = node.plane, node, folder
        self.name = f"s{uuid.uuid4().hex[:8]}"
        (folder / "mlproject.yaml").write_text(project.replace("NAMESPACE", self.name))
        (folder / "request.json").write_text('{"inputs": [1.5, 2.0]}')
        for name, text in files.items():
            (folder / name).write_text(text)
        self.plane.namespace(self.name)
        for secret, values in (
            ("demo-user", dict(zip(("username", "password"), USER, strict=True))),
            ("demo-boss", dict(zip(("username", "password"), BOSS, strict=True))),
            ("demo-mlflow-server", {"session-key": "sixteen letters!"}),
        ):
            words = [f"--from-literal={key}={value}" for key, value in values.items()]
            self.plane.kubectl("create", "secret", "generic", secret, "-n", self.name, *words)

    def run(self, *words: str, check: bool = True, **env: str) -> None:
        subprocess.run([sys.executable, *words], cwd=self.folder, check=check, timeout=120, env={**os.environ, **env})

    def apply(self) -> None:
        self.run("-m", "mlwright", "compile", "--env", "lab")
        self.plane.kubectl("apply", "--server-side", "-k", str(self.folder / "manifests" / "lab"))

    def available(self, deployment: str, within: float = 240) -> None:
        def up(body: Json) -> bool:
            return body["status"].get("availableReplicas", 0) == 1 and not body["status"].get("unavailableReplicas")

        self._await(f"/apis/apps/v1/namespaces/{self.name}/deployments/{deployment}", up, within)

    def complete(self, prefix: str, within: float = 240) -> None:
        """Waits until the Job whose name begins so has ended well."""

        def over(listed: Json) -> bool:
            (job,) = [each for each in listed["items"] if each["metadata"]["name"].startswith(prefix)]
            return any(each["type"] == "Complete" for each in job["status"].get("conditions", ()))

        self._await(f"/apis/batch/v1/namespaces/{self.name}/jobs", over, within)

    def _await(self, path: str, reached: Callable[[Json], bool], within: float) -> None:
        """Waits; where that is in vain, fails with what every container said."""
        try:
            self.plane.await_(path, reached, within)
        except AssertionError:
            pods = self.plane.ask("GET", f"/api/v1/namespaces/{self.name}/pods")["items"]
            said = [json.dumps(each["status"]) for each in pods]
            for each in pods:
                words = ("logs", each["metadata"]["name"], "-n", self.name, "--all-containers", "--prefix")
                said.append(self.plane.kubectl(*words, check=False).stdout)
            raise AssertionError("\n".join([path, *self.node.problems, *said])) from None

    def locked(self) -> None:
        """Brings the tracking server up, registers a model there, and locks it."""
        self.apply()
        self.available("demo-mlflow")
        self.complete("demo-mlflow-users")
        server = f"http://{self.address('mlflow')}:5000"
        login = {"MLFLOW_TRACKING_URI": server}
        login |= dict(zip(("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"), USER, strict=True))
        self.run("-c", REGISTER, **login)
        self.run("-m", "mlwright", "lock", "--update", check=False, **login)  # no registry has the images
        assert "m@champion" in (self.folder / "mlproject.lock").read_text()

    def answer(self, component: str) -> Any:
        """What an endpoint answers to the request."""
        endpoint = f"http://{self.address(component)}:8080/invocations"
        request = urllib.request.Request(endpoint, b'{"inputs": [1.5, 2.0]}', {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def address(self, component: str) -> str:
        """Where the only pod of a component is."""
        path = f"/api/v1/namespaces/{self.name}/pods?labelSelector=app.kubernetes.io/name={component}"
        (pod,) = [each for each in self.plane.ask("GET", path)["items"] if "deletionTimestamp" not in each["metadata"]]
        return str(pod["status"]["podIP"])

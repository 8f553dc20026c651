"""An operator's object on a real API server, by an account that may do what `rules` says and no more."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.kubernetes import crds
from tests.e2e.kubernetes.plane import Plane, Refused

from mlwright.emit.kube import plan
from mlwright.runner.places import NoPlaces
from mlwright.testing import programs

pytestmark = [pytest.mark.cluster, pytest.mark.server]

Json = dict[str, Any]

OPERATE = Path(__file__).parents[3] / "compiler" / "mlwright" / "runtime" / "operate.py"
TRAIN: Json = {
    "apiVersion": "trainer.kubeflow.org/v1alpha1",
    "kind": "TrainJob",
    "metadata": {"name": plan.name("churn-train", "train")},
    "spec": {
        "runtimeRef": {"name": "torch-distributed"},
        "trainer": {"image": "x", "env": [{"name": "MLWRIGHT_RUN", "value": ""}]},
    },
}


class Engine:
    """A namespace with a pod that an engine made, and the program that runs in it."""

    def __init__(self, plane: Plane, server: str, folder: Path, rules: list[Json]) -> None:
        self.plane, self.folder, self.space = plane, folder, f"o{uuid.uuid4().hex[:8]}"
        plane.namespace(self.space)
        self.trains = f"/apis/trainer.kubeflow.org/v1alpha1/namespaces/{self.space}/trainjobs"
        rights = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.space}"
        plane.ask("POST", f"{rights}/roles", {"metadata": {"name": "operator"}, "rules": rules})
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "operator"}
        subjects = [{"kind": "ServiceAccount", "name": "default", "namespace": self.space}]
        binding = {"metadata": {"name": "operator"}, "roleRef": reference, "subjects": subjects}
        plane.ask("POST", f"{rights}/rolebindings", binding)
        (folder / "token").write_text(plane.account(self.space, "default"))
        owner = plane.ask("POST", f"/api/v1/namespaces/{self.space}/configmaps", {"metadata": {"name": "engine"}})
        self.owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "engine", "uid": owner["metadata"]["uid"]}
        secured = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}
        secured["seccompProfile"] = {"type": "RuntimeDefault"}
        pod = {"metadata": {"name": "step", "ownerReferences": [{**self.owner, "controller": True}]}}
        pod["spec"] = {"containers": [{"name": "main", "image": "x", "securityContext": secured}]}
        plane.ask("POST", f"/api/v1/namespaces/{self.space}/pods", pod)
        node = programs.task("steps.train")
        document = plan.operation(programs.project(node), node, [TRAIN], NoPlaces())
        (folder / "step.json").write_text(json.dumps({**document, "experiment": self.space}))
        self.env = {
            **{name: text for name, text in os.environ.items() if not name.startswith(("MLFLOW_", "MLWRIGHT_"))},
            "MLFLOW_TRACKING_URI": server,
            "MLWRIGHT_RUN": "run-1",
            "MLWRIGHT_POD": "step",
            "MLWRIGHT_NAMESPACE": self.space,
            "MLWRIGHT_KUBERNETES": plane.url,
            "MLWRIGHT_KUBERNETES_CA": str(plane.ca),
            "MLWRIGHT_KUBERNETES_TOKEN": str(folder / "token"),
        }

    def start(self) -> subprocess.Popen[str]:
        words = [sys.executable, "-S", str(OPERATE), str(self.folder / "step.json")]
        return subprocess.Popen(words, env=self.env, stderr=subprocess.PIPE, text=True)

    def made(self) -> Json:
        """The TrainJob, as soon as it is there."""
        end = time.monotonic() + 60
        items: list[Json] = []
        while not items:
            assert time.monotonic() < end
            with contextlib.suppress(Refused):  # a definition that was just installed is not served at once
                items = self.plane.ask("GET", self.trains)["items"]
            time.sleep(0.1)
        (found,) = items
        return found

    def say(self, name: str, kind: str) -> None:
        """What the operator would say of it."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        condition = {"type": kind, "status": "True", "reason": "Told", "message": "so", "lastTransitionTime": stamp}
        body = {"status": {"conditions": [condition]}}
        self.plane.ask("PATCH", f"{self.trains}/{name}/status", body, "application/merge-patch+json")


@pytest.fixture
def engine(plane: Plane, mlflow_server: str, tmp_path: Path) -> Engine:
    crds.installed(plane, "trainjobs.trainer.kubeflow.org")
    return Engine(plane, mlflow_server, tmp_path, plan.rules([TRAIN], "operate"))


@pytest.mark.parametrize(("kind", "code"), [("Complete", 0), ("Failed", 1)])
def test_an_object_is_made_once_and_ends_as_its_operator_says(engine: Engine, kind: str, code: int) -> None:
    first = engine.start()
    made = engine.made()
    first.kill()
    first.wait()
    assert made["metadata"]["ownerReferences"] == [engine.owner]
    assert {"name": "MLWRIGHT_RUN", "value": "run-1"} in made["spec"]["trainer"]["env"]
    second = engine.start()
    time.sleep(2)
    engine.say(made["metadata"]["name"], kind)
    said = second.communicate(timeout=60)[1]
    assert second.returncode == code, said
    assert engine.made()["metadata"]["uid"] == made["metadata"]["uid"]
    assert ("Told: so" in said) is bool(code)


def test_a_program_that_is_told_to_end_leaves_nothing(engine: Engine) -> None:
    process = engine.start()
    name = engine.made()["metadata"]["name"]
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 143, said
    with pytest.raises(Refused):
        engine.plane.ask("GET", f"{engine.trains}/{name}")


def test_an_account_without_the_right_is_told_which_one_it_lacks(
    plane: Plane, mlflow_server: str, tmp_path: Path, engine: Engine
) -> None:
    pods = [rule for rule in plan.rules([TRAIN], "operate") if rule["resources"] == ["pods"]]
    poor = Engine(plane, mlflow_server, tmp_path, pods)
    process = poor.start()
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 64
    assert 'cannot get resource "trainjobs"' in said
    assert "check the Role of this pod's service account" in said

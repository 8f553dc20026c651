"""What stays up, on a real control plane: a tracking server with users, then an endpoint that serves what is locked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.kubernetes.kubelet import kubelet
from tests.e2e.kubernetes.lab import Lab
from tests.e2e.kubernetes.plane import Plane

pytestmark = [pytest.mark.cluster, pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(900)]

PROJECT = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: demo}
secrets: {user: {keys: [username, password]}, boss: {keys: [username, password]}}
tracking:
  auth: {type: basic, secret: user, admin: boss}
  options: {allowed_hosts: ["127.*"]}
defaults: {steps: {image: "app:1"}}
training: {command: [python3, train.py, "${outputs.model}"], outputs: {model: {type: mlflow-model}}}
registry: {model: m, from: "${training.outputs.model}"}
serving:
  online: {model: "${registry.m@champion}", smoke_test: {request: request.json}}
environments: {lab: {platform: kubernetes, namespace: NAMESPACE}}
"""


@pytest.fixture
def lab(plane: Plane, tmp_path: Path) -> Iterator[Lab]:
    with kubelet(plane, {}) as node:
        yield Lab(node, tmp_path, PROJECT)


def test_a_server_comes_up_with_its_users_and_an_endpoint_serves_what_the_lock_pins(lab: Lab) -> None:
    lab.locked()
    lab.apply()
    lab.available("demo-online")
    lab.complete("demo-online-smoke")
    assert lab.answer("online") == {"predictions": [3.0, 4.0]}

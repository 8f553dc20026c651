"""The pods of a workflow as Argo's controller makes them, with its own containers.

The controller cannot be here: what it adds is written down from its source (v4.1, workflowpod.go).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.kubernetes.applied import checked
from tests.e2e.kubernetes.plane import Plane

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

Json = dict[str, Any]
GOLDEN = Path(__file__).parents[3] / "tests" / "golden"
WORKFLOWS = sorted(path.relative_to(GOLDEN).as_posix() for path in GOLDEN.glob("*/*/argo/workflowtemplate-*.yaml"))
SPACE = "restricted"
_VAR = {"name": "var-run-argo", "mountPath": "/var/run/argo"}


@pytest.fixture(scope="module")
def space(plane: Plane) -> Plane:
    plane.namespace(SPACE)
    return plane


def pods(spec: Json) -> Iterator[tuple[str, Json]]:
    """The pod of each template: `init` and `wait` of Argo's beside `main`, before the workflow's patch."""
    for template in spec["templates"]:
        if "container" not in template:
            continue
        main = {**template["container"], "name": "main"}
        mounts = [{**mount, "mountPath": "/mainctrfs" + mount["mountPath"]} for mount in main.get("volumeMounts", ())]
        own = {"image": "quay.io/argoproj/argoexec:v4.1.2", "env": [{"name": "ARGO_TEMPLATE", "value": "{}"}]}
        init = {"name": "init", **own, "command": ["argoexec", "init"], "volumeMounts": [_VAR]}
        wait = {"name": "wait", **own, "command": ["argoexec", "wait"], "volumeMounts": [_VAR]}
        volumes = [{"name": "var-run-argo", "emptyDir": {}}, {"name": "tmp-dir-argo", "emptyDir": {}}]
        wait["volumeMounts"] = [*wait["volumeMounts"], {"name": "tmp-dir-argo", "mountPath": "/tmp", "subPath": "0"}]
        if artifacts := template.get("inputs", {}).get("artifacts"):
            volumes.append({"name": "input-artifacts", "emptyDir": {}})
            init["volumeMounts"] += [{"name": "input-artifacts", "mountPath": "/argo/inputs/artifacts"}, *mounts]
            inputs = [{"name": "input-artifacts", "mountPath": a["path"], "subPath": a["name"]} for a in artifacts]
            main["volumeMounts"] = [*main["volumeMounts"], *inputs]
        command = ["/var/run/argo/argoexec", "emissary", "--loglevel", "info", "--", *main.get("command", ["entry"])]
        main |= {"command": command, "volumeMounts": [*main["volumeMounts"], _VAR]}
        pod: Json = {
            "restartPolicy": "Never",
            "initContainers": [init],
            "containers": [wait, main],
            "volumes": [*volumes, *template.get("volumes", ())],
            "serviceAccountName": "default",
        }
        for key in ("securityContext", "nodeSelector", "tolerations", "automountServiceAccountToken"):
            if (value := template.get(key, spec.get(key))) is not None:
                pod[key] = value
        labels = {**template["metadata"]["labels"], "workflows.argoproj.io/completed": "false"}
        metadata = {"name": template["name"], "namespace": SPACE, "labels": labels}
        yield template["name"], {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}


def patched(plane: Plane, pod: Json, patch: str) -> Json:
    """The pod with a strategic merge patch, as the controller merges it."""
    words = (
        "patch",
        "--local",
        "--type=strategic",
        "-f",
        "-",
        "-o",
        "json",
        "-p",
        json.dumps({"spec": json.loads(patch)}),
    )
    return dict(json.loads(plane.kubectl(*words, stdin=json.dumps(pod)).stdout))


def root(pod: Json) -> bool:
    return pod["spec"]["securityContext"].get("runAsUser") == 0


@pytest.mark.parametrize("path", WORKFLOWS)
def test_pods_with_argos_containers_are_admitted(space: Plane, path: str) -> None:
    spec = yaml.safe_load((GOLDEN / path).read_text(encoding="utf-8"))["spec"]
    refused = {}
    for name, pod in pods(spec):
        found = patched(space, pod, spec["podSpecPatch"])
        assert [one["name"] for one in found["spec"]["containers"]] == ["wait", "main"], "the patch adds no container"
        if not root(pod) and (why := checked(space, found)):
            refused[name] = why
    assert not refused


@pytest.mark.parametrize("path", WORKFLOWS[:1])
def test_without_the_patch_they_would_not_be(space: Plane, path: str) -> None:
    spec = yaml.safe_load((GOLDEN / path).read_text(encoding="utf-8"))["spec"]
    _, pod = next(pods(spec))
    assert any("allowPrivilegeEscalation" in why and '"wait"' in why for why in checked(space, pod))


@pytest.mark.parametrize("path", WORKFLOWS)
def test_the_program_has_no_token_and_argos_containers_have_one(space: Plane, path: str) -> None:
    spec = yaml.safe_load((GOLDEN / path).read_text(encoding="utf-8"))["spec"]
    for name, pod in pods(spec):
        if pod["spec"]["automountServiceAccountToken"]:
            continue
        found = patched(space, pod, spec["podSpecPatch"])["spec"]
        who = {
            one["name"]
            for one in [*found["initContainers"], *found["containers"]]
            if any(mount["mountPath"].startswith("/var/run/secrets") for mount in one["volumeMounts"])
        }
        assert who == {"init", "wait"}, name

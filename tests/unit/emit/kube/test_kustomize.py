"""What ops' overlays do to our output, through the real `kubectl kustomize`: what a patch does not name stays."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlwright.emit import files
from mlwright.emit.kube import kustomize, overlays
from mlwright.target import Document, Embedded

pytestmark = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
PLACE = {"namespace": "churn"}
IMAGE = "ghcr.io/acme/churn:1"
Object = dict[str, Any]


def pod(**more: Any) -> Object:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    mounts = [{"name": "work", "mountPath": "/work"}, {"name": "tmp", "mountPath": "/tmp"}]
    return {
        "containers": [
            {"name": "main", "image": IMAGE, "env": env, "volumeMounts": mounts},
            {"name": "side", "image": "busybox:1"},
        ],
        "volumes": [{"name": "work", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}],
        **more,
    }


def made(api: str, kind: str, name: str = "churn", **body: Any) -> Object:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **PLACE}, **body}


BUILT_IN: dict[str, tuple[Object, tuple[str, ...]]] = {
    "Deployment": (
        made("apps/v1", "Deployment", spec={"template": {"spec": pod()}}),
        ("spec", "template", "spec"),
    ),
    "Job": (
        made("batch/v1", "Job", spec={"template": {"spec": pod()}}),
        ("spec", "template", "spec"),
    ),
    "CronJob": (
        made("batch/v1", "CronJob", spec={"jobTemplate": {"spec": {"template": {"spec": pod()}}}}),
        ("spec", "jobTemplate", "spec", "template", "spec"),
    ),
}
WORKFLOW = made(
    "argoproj.io/v1alpha1",
    "WorkflowTemplate",
    spec={
        "serviceAccountName": "churn-steps",
        "arguments": {"parameters": [{"name": "day", "value": "1"}, {"name": "size", "value": "small"}]},
        "templates": [
            {
                "name": "main",
                "dag": {"tasks": [{"name": "prepare", "template": "step"}, {"name": "train", "template": "step"}]},
            },
            {
                "name": "step",
                "container": {
                    "image": IMAGE,
                    "env": [
                        {"name": "A", "value": "1"},
                        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "churn-lake", "key": "B"}}},
                    ],
                },
            },
        ],
        "volumes": [{"name": "step", "configMap": {"name": "churn-step"}}],
    },
)
ROUTE = made(
    "gateway.networking.k8s.io/v1",
    "HTTPRoute",
    spec={"rules": [{"name": "api", "backendRefs": [{"name": "churn", "port": 80}]}, {"name": "docs", "filters": []}]},
)
CONFIG = made("v1", "ConfigMap", "churn-step", data={"step.json": "{}"})


class Folder:
    """An environment's folder on disk, and overlays beside it."""

    def __init__(self, root: Path, targets: dict[str, list[Object]]) -> None:
        self.root = root
        emitted: list[tuple[str, list[Any]]] = []
        for target, objects in targets.items():
            documents = [
                Document(path=f"{one['kind'].lower()}-{one['metadata']['name']}.yaml", data=one) for one in objects
            ]
            emitted.append((target, [kustomize.kustomization(documents), *documents]))
        for path, data in files.render(emitted, kustomize.environment(emitted)).files.items():
            (root / "prod" / path).parent.mkdir(parents=True, exist_ok=True)
            (root / "prod" / path).write_bytes(data)

    def overlay(self, *patches: Object, **more: Any) -> dict[str, Object]:
        """What an overlay with these patches makes of the folder: objects by kind."""
        folder = self.root / "overlay"
        folder.mkdir(exist_ok=True)
        whole = {"resources": ["../prod"], "patches": [{"patch": yaml.safe_dump(patch)} for patch in patches], **more}
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(whole), "utf-8")
        return {one["kind"]: one for one in rendered(folder)}


def rendered(folder: Path) -> list[Object]:
    done = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def below(value: Any, *path: str | int) -> Any:
    for part in path:
        value = value[part]
    return value


def named(entries: list[Object], key: str = "name") -> dict[str, Object]:
    return {entry[key]: entry for entry in entries}


@pytest.mark.parametrize("kind", BUILT_IN)
def test_a_patch_of_one_variable_leaves_the_rest_of_a_built_in_kind(kind: str, tmp_path: Path) -> None:
    whole, place = BUILT_IN[kind]
    folder = Folder(tmp_path, {"argo": [WORKFLOW], "kubernetes": [whole]})
    spec: Object = {"containers": [{"name": "main", "env": [{"name": "A", "value": "9"}]}]}
    for part in reversed(place):
        spec = {part: spec}
    found = below(folder.overlay(made(whole["apiVersion"], kind, **spec))[kind], *place)
    containers = named(found["containers"])
    assert set(containers) == {"main", "side"}
    assert named(containers["main"]["env"]) == {
        "A": {"name": "A", "value": "9"},
        "B": {"name": "B", "value": "2"},
    }
    assert containers["main"]["image"] == IMAGE
    assert named(containers["main"]["volumeMounts"], "mountPath").keys() == {"/work", "/tmp"}
    assert named(found["volumes"]).keys() == {"work", "tmp"}


def test_a_patch_of_one_variable_leaves_the_rest_of_a_workflow(tmp_path: Path) -> None:
    folder = Folder(tmp_path, {"argo": [WORKFLOW]})
    patch = made(
        "argoproj.io/v1alpha1",
        "WorkflowTemplate",
        spec={
            "arguments": {"parameters": [{"name": "day", "value": "2"}]},
            "templates": [
                {"name": "step", "container": {"env": [{"name": "A", "value": "9"}]}},
                {"name": "main", "dag": {"tasks": [{"name": "train", "when": "true"}]}},
            ],
        },
    )
    spec = folder.overlay(patch)["WorkflowTemplate"]["spec"]
    templates = named(spec["templates"])
    assert named(templates["step"]["container"]["env"]) == {
        "A": {"name": "A", "value": "9"},
        "B": {"name": "B", "valueFrom": {"secretKeyRef": {"name": "churn-lake", "key": "B"}}},
    }
    assert templates["step"]["container"]["image"] == IMAGE
    assert named(templates["main"]["dag"]["tasks"]) == {
        "prepare": {"name": "prepare", "template": "step"},
        "train": {"name": "train", "template": "step", "when": "true"},
    }
    assert named(spec["arguments"]["parameters"])["size"]["value"] == "small"
    assert spec["volumes"] == [{"name": "step", "configMap": {"name": "churn-step"}}]


def test_a_patch_of_one_rule_leaves_the_rest_of_a_route(tmp_path: Path) -> None:
    folder = Folder(tmp_path, {"kubernetes": [ROUTE]})
    rules: Object = {"rules": [{"name": "docs", "timeouts": {"request": "10s"}}]}
    found = folder.overlay(made("gateway.networking.k8s.io/v1", "HTTPRoute", spec=rules))["HTTPRoute"]
    assert named(found["spec"]["rules"]) == {
        "api": {"name": "api", "backendRefs": [{"name": "churn", "port": 80}]},
        "docs": {"name": "docs", "filters": [], "timeouts": {"request": "10s"}},
    }


def test_an_entry_is_taken_out_by_its_key(tmp_path: Path) -> None:
    folder = Folder(tmp_path, {"argo": [WORKFLOW]})
    patch = made(
        "argoproj.io/v1alpha1",
        "WorkflowTemplate",
        spec={"templates": [{"name": "step", "container": {"env": [{"name": "B", "$patch": "delete"}]}}]},
    )
    templates = named(folder.overlay(patch)["WorkflowTemplate"]["spec"]["templates"])
    assert templates["step"]["container"]["env"] == [{"name": "A", "value": "1"}]


def test_ops_own_objects_keep_the_keys_of_their_lists(tmp_path: Path) -> None:
    """Our schema takes the place of kustomize's own: kinds that we never write are in it, too."""
    folder = Folder(tmp_path, {"argo": [WORKFLOW]})
    whole = made("apps/v1", "StatefulSet", "cache", spec={"template": {"spec": pod()}})
    (tmp_path / "overlay").mkdir()
    (tmp_path / "overlay/cache.yaml").write_text(yaml.safe_dump(whole), "utf-8")
    spec = {"containers": [{"name": "side", "image": "busybox:2"}]}
    patch = made("apps/v1", "StatefulSet", "cache", spec={"template": {"spec": spec}})
    found = folder.overlay(patch, resources=["../prod", "cache.yaml"])["StatefulSet"]
    containers = named(found["spec"]["template"]["spec"]["containers"])
    assert (containers["main"]["image"], containers["side"]["image"]) == (IMAGE, "busybox:2")


def test_an_overlay_sets_images_of_workflows(tmp_path: Path) -> None:
    folder = Folder(tmp_path, {"argo": [WORKFLOW], "kubernetes": [BUILT_IN["Job"][0]]})
    found = folder.overlay(images=[{"name": "ghcr.io/acme/churn", "newTag": "2"}])
    templates = named(found["WorkflowTemplate"]["spec"]["templates"])
    assert templates["step"]["container"]["image"] == "ghcr.io/acme/churn:2"
    assert named(found["Job"]["spec"]["template"]["spec"]["containers"])["main"]["image"] == "ghcr.io/acme/churn:2"


def test_workflows_follow_a_secret_that_an_overlay_makes(tmp_path: Path) -> None:
    folder = Folder(tmp_path, {"argo": [WORKFLOW]})
    found = folder.overlay(secretGenerator=[{"name": "churn-lake", **PLACE, "literals": ["B=x"]}])
    env = named(named(found["WorkflowTemplate"]["spec"]["templates"])["step"]["container"]["env"])
    name = found["Secret"]["metadata"]["name"]
    assert name != "churn-lake"
    assert env["B"]["valueFrom"]["secretKeyRef"]["name"] == name


def test_workflows_follow_a_config_map_that_an_overlay_renames(tmp_path: Path) -> None:
    found = Folder(tmp_path, {"argo": [WORKFLOW], "kubernetes": [CONFIG]}).overlay(nameSuffix="-x")
    assert found["WorkflowTemplate"]["spec"]["volumes"][0]["configMap"]["name"] == "churn-step-x"


def test_what_others_need_is_rendered_before_them(tmp_path: Path) -> None:
    account = made("v1", "ServiceAccount", "churn-steps")
    place = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "churn"}}
    Folder(tmp_path, {"argo": [WORKFLOW], "kubernetes": [BUILT_IN["Job"][0], CONFIG, place, account]})
    kinds = [one["kind"] for one in rendered(tmp_path / "prod")]
    assert kinds[:3] == ["Namespace", "ServiceAccount", "ConfigMap"]
    assert set(kinds[3:]) == {"Job", "WorkflowTemplate"}


def test_each_folder_renders_by_itself(tmp_path: Path) -> None:
    Folder(tmp_path, {"argo": [WORKFLOW], "kubernetes": [CONFIG]})
    assert rendered(tmp_path / "prod/argo") == [WORKFLOW]
    assert rendered(tmp_path / "prod/kubernetes") == [CONFIG]


def test_built_in_kinds_alone_need_no_schema_of_ours(tmp_path: Path) -> None:
    Folder(tmp_path, {"kubernetes": [BUILT_IN["Job"][0]]})
    assert sorted(path.name for path in (tmp_path / "prod").iterdir()) == ["kubernetes", "kustomization.yaml"]


def test_compose_files_are_no_part_of_it() -> None:
    assert kustomize.environment([("compose", [Document(path="compose.yaml", data={"services": {}})])]) == []


def test_a_list_with_the_same_name_twice_has_no_key() -> None:
    twice = made("x.example.com/v1", "Thing", spec={"rules": [{"name": "a", "n": 1}, {"name": "a", "n": 2}]})
    assert definition(twice) == {"metadata": {"$ref": "#/definitions/ObjectMeta"}}


def test_a_key_that_one_object_of_the_kind_does_without_is_none() -> None:
    one = made("x.example.com/v1", "Thing", spec={"rules": [{"name": "a"}], "hosts": [{"name": "http"}]})
    other = made("x.example.com/v1", "Thing", "other", spec={"rules": [{"path": "/"}], "hosts": []})
    assert set(definition(one, other)["spec"]["properties"]) == {"hosts"}


def test_lists_are_keyed_as_patches_of_the_project_file_address_them() -> None:
    monitor = made(
        "monitoring.coreos.com/v1", "ServiceMonitor", spec={"endpoints": [{"port": "http"}, {"port": "metrics"}]}
    )
    assert definition(monitor)["spec"]["properties"]["endpoints"]["x-kubernetes-patch-merge-key"] == "port"


def test_documents_inside_of_a_config_map_are_no_part_of_the_schema() -> None:
    thing = made("x.example.com/v1", "Thing", data={"plan.json": Embedded(steps=[{"name": "a", "image": "x"}])})
    assert "data" not in definition(thing)
    assert overlays.references([thing]) == {}


def definition(*objects: Object) -> Object:
    group, version = objects[0]["apiVersion"].split("/")
    properties = overlays.schema(objects)["definitions"][f"{group}.{version}.{objects[0]['kind']}"]["properties"]
    assert isinstance(properties, dict)
    return properties

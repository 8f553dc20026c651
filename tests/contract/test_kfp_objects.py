"""What a project is for Kubeflow Pipelines: values, late steps, starts, stores, patches, and pods of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contract.kfp.model import problems
from tests.contract.kfp.project import PROJECT, compiled

from mlwright import api

Spec = dict[str, Any]


def test_descriptions_and_defaults_that_the_engine_would_fill_in_are_not_in_the_pipeline(tmp_path: Path) -> None:
    text = PROJECT.replace("default: a}", 'default: "$(HOME) {{x}}"}')
    spec, platform = compiled(tmp_path, text)
    declared = spec["root"]["inputDefinitions"]["parameters"]
    assert declared["text"] == {"parameterType": "STRING", "isOptional": True}
    assert declared["n"]["description"] == "how many, of { {x}}"
    assert problems(spec, platform) == []


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("{type: int, default: 9007199254740992}", {"parameterType": "NUMBER_INTEGER", "defaultValue": 2**53}),
        ("{type: json, default: [1.0, {b: 2}]}", {"parameterType": "STRING", "defaultValue": '[1.0,{"b":2}]'}),
        ("{type: float, default: 0.00001}", {"parameterType": "NUMBER_DOUBLE", "defaultValue": 1e-05}),
        ("{type: bool, default: false}", {"parameterType": "BOOLEAN", "defaultValue": False}),
    ],
)
def test_a_default_is_the_value_itself_where_a_double_holds_it(tmp_path: Path, declared: str, expected: Spec) -> None:
    spec, _ = compiled(
        tmp_path, PROJECT.replace("{type: string, default: a}", declared).replace("${params.text} == 'a'", "true")
    )
    assert spec["root"]["inputDefinitions"]["parameters"]["text"] == {**expected, "isOptional": True}


LATE = """
  alarm: {run_if: failed, command: [python, a.py]}
  clean: {needs: [steps.training], run_if: always, command: [python, c.py, "${params.text}"]}
  after: {needs: [steps.clean], command: [python, z.py]}
"""
WAITS = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}


def test_steps_that_run_though_others_failed_are_hooks_of_the_one_before_in_a_graph_with_it(tmp_path: Path) -> None:
    spec, platform = compiled(tmp_path, PROJECT.replace("\nenvironments:", f"{LATE}environments:"))
    tasks, before, order = spec["root"]["dag"]["tasks"], "exit-handler-1", []
    while True:
        plain = [name for name, task in tasks.items() if task.get("triggerPolicy") != WAITS]
        assert plain == [before], "a hook needs a task that is none"
        ((name, hook),) = [(name, task) for name, task in tasks.items() if name not in plain]
        assert hook["dependentTasks"] == [before]
        component = spec["components"][hook["componentRef"]["name"]]
        if "dag" not in component:
            break
        tasks = component["dag"]["tasks"]
        (before,) = [name for name, task in tasks.items() if task.get("triggerPolicy") != WAITS]
        order.append(before)
    assert set(order) == {"alarm", "clean", "after"} and name == "finish"
    assert order.index("clean") < order.index("after")
    assert problems(spec, platform) == []


def test_before_there_were_hooks_they_come_one_after_the_other(tmp_path: Path) -> None:
    old = PLATFORM.replace("2.17", "2.4")
    assert old != PLATFORM
    head, _, _ = PROJECT.partition("\nenvironments:")
    (tmp_path / "mlproject.yaml").write_text(f"{head}{LATE}environments: {{there: {{platform: p.yaml}}}}\n")
    (tmp_path / "p.yaml").write_text(old)
    assert not api.compile([str(tmp_path / "mlproject.yaml")]).failed
    found = [yaml.safe_load(path.read_text()) for path in (tmp_path / "manifests/there/kubeflow").glob("configmap-*")]
    (texts,) = [item["data"] for item in found if "pipeline.json" in item["data"]]
    spec, platform = json.loads(texts["pipeline.json"]), json.loads(texts["platform.json"])
    tasks = spec["root"]["dag"]["tasks"]
    order = ["exit-handler-1"]
    while len(order) < len(tasks):
        order.append(next(name for name, task in tasks.items() if task.get("dependentTasks") == [order[-1]]))
    assert set(order[1:-1]) == {"alarm", "clean", "after"} and order[-1] == "finish"
    assert order.index("clean") < order.index("after")
    assert all(tasks[name]["triggerPolicy"] == WAITS for name in order[1:])
    assert problems(spec, platform) == []


def test_an_event_makes_a_job_that_starts_a_run_with_what_it_says(tmp_path: Path) -> None:
    started = """
pipelines:
  main:
    run: [steps.publish, steps.report]
    triggers: {hook: {type: webhook, params: {n: "${event.body.count}", text: "x ${event.body.day}"}}}
environments: {there: {platform: p.yaml, namespace: demo}}
"""
    platform = PLATFORM + 'argo_events: "1.9"\n'
    spec, config = compiled(tmp_path, PROJECT.partition("environments:")[0] + started, p=platform)
    assert problems(spec, config) == []
    event = {"parameterType": "STRING", "defaultValue": "{}", "isOptional": True}
    assert spec["root"]["inputDefinitions"]["parameters"]["mlwright-event"] == event
    (path,) = tmp_path.rglob("sensor-*.yaml")
    started_by = yaml.safe_load(path.read_text())["spec"]["triggers"][0]["template"]["k8s"]
    job = started_by["source"]["resource"]
    env = job["spec"]["template"]["spec"]["containers"][0]["env"]
    filled = {env[int(one["dest"].split(".")[6])]["name"] for one in started_by["parameters"]}
    assert filled == {"MLWRIGHT_PARAM_N", "MLWRIGHT_PARAM_TEXT", "MLWRIGHT_EVENT"}
    role = yaml.safe_load((path.parent / "role-demo-starter.yaml").read_text())
    assert role["rules"] == [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create"]}]


def test_people_start_a_run_by_a_job_of_a_cronjob_that_never_starts_one(tmp_path: Path) -> None:
    compiled(tmp_path, PROJECT)
    (path,) = tmp_path.rglob("cronjob-demo-main.yaml")
    assert yaml.safe_load(path.read_text())["spec"]["suspend"] is True
    (path,) = tmp_path.rglob("configmap-demo-main-start.yaml")
    document = json.loads(yaml.safe_load(path.read_text())["data"]["step.json"])
    (entry,) = document["pipelines"]
    (version,) = tmp_path.rglob("pipelineversion-*.yaml")
    assert entry["version"] == yaml.safe_load(version.read_text())["metadata"]["name"]
    assert (entry["start"], entry["params"]["lr"], document["only"]) == ("always", "float", True)


def test_where_the_database_keeps_pipelines_a_job_uploads_the_same_documents(tmp_path: Path) -> None:
    stored = {"kubernetes": tmp_path / "a", "database": tmp_path / "b"}
    found = {}
    for store, folder in stored.items():
        folder.mkdir()
        platform = PLATFORM.replace('{pipelines: "2.17"', f'{{pipelines: {{version: "2.17", store: {store}}}')
        text = PROJECT.replace("platform: kubeflow", "platform: p.yaml")
        if store == "kubernetes":
            found[store] = compiled(folder, text, p=platform)
            continue
        (folder / "mlproject.yaml").write_text(text)
        (folder / "p.yaml").write_text(platform)
        assert not api.compile([str(folder / "mlproject.yaml")], envs=["there"]).failed
        output = folder / "manifests" / "there" / "kubeflow"
        assert not list(output.glob("pipeline*.yaml"))
        config = yaml.safe_load((output / "configmap-demo-main-pipeline.yaml").read_text())
        data = config["data"]
        found[store] = json.loads(data["pipeline.json"]), json.loads(data["platform.json"])
        submit = yaml.safe_load((output / "job-demo-submit.yaml").read_text())["spec"]["template"]["spec"]
        document = yaml.safe_load((output / "configmap-demo-submit.yaml").read_text())["data"]["step.json"]
        (entry,) = json.loads(document)["pipelines"]
        assert entry["version"] == config["metadata"]["name"]
        mounts = {mount["mountPath"]: mount["name"] for mount in submit["containers"][0]["volumeMounts"]}
        volumes = {volume["name"]: volume for volume in submit["volumes"]}
        assert volumes[mounts[entry["folder"]]]["configMap"]["name"] == config["metadata"]["name"]
    assert found["database"] == found["kubernetes"]


@pytest.mark.parametrize("store", ["kubernetes", "database"])
def test_a_pipeline_may_be_called_like_anything_of_ours(tmp_path: Path, store: str) -> None:
    names = ("main", "submit", "runtime", "pipeline", "mlflow", "start")
    pipelines = "pipelines:\n" + "".join(f"  {name}: {{run: [steps.publish, steps.report]}}\n" for name in names)
    text = PROJECT.replace("environments:", f"{pipelines}environments:").replace(
        "platform: kubeflow", "platform: p.yaml"
    )
    (tmp_path / "mlproject.yaml").write_text(text)
    platform = PLATFORM.replace('{pipelines: "2.17"', f'{{pipelines: {{version: "2.17", store: {store}}}')
    (tmp_path / "p.yaml").write_text(platform)
    result = api.compile([str(tmp_path / "mlproject.yaml")], envs=["there"])
    assert not result.failed, [item.message for item in result.diagnostics]
    document = yaml.safe_load(next(tmp_path.rglob("configmap-demo-submit.yaml")).read_text())["data"]["step.json"]
    versions = {entry["version"] for entry in json.loads(document)["pipelines"]}
    made = {
        yaml.safe_load(path.read_text())["metadata"]["name"]
        for path in tmp_path.rglob("kubeflow/*.yaml")
        if "kust" not in path.name
    }
    assert len(versions) == len(names) and versions <= made


def test_patches_reach_into_executors_and_their_documents(tmp_path: Path) -> None:
    patches = """
patches:
  proxy:
    why: the network
    on: {node: training, kind: Executor}
    merge: {container: {env: [{name: HTTPS_PROXY, value: "http://proxy:3128"}]}}
  room:
    why: caches
    on: {node: training, kind: ExecutorConfig}
    merge: {emptyDirMounts: [{volumeName: cache, mountPath: /cache}]}
environments:"""
    text = PROJECT.replace("\nenvironments:", patches).replace("node: training", "node: steps.training")
    spec, platform = compiled(tmp_path, text)
    container = spec["deploymentSpec"]["executors"]["exec-training"]["container"]
    assert {"name": "HTTPS_PROXY", "value": "http://proxy:3128"} in container["env"]
    mounts = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-training"]["emptyDirMounts"]
    assert [mount["mountPath"] for mount in mounts] == ["/mlwright/home", "/tmp", "/cache"]


def test_a_patch_of_what_starts_the_launcher_is_refused(tmp_path: Path) -> None:
    patch = """
patches:
  mine: {why: x, on: {node: steps.training, kind: Executor}, merge: {container: {command: [sh]}}}
environments:"""
    (tmp_path / "mlproject.yaml").write_text(PROJECT.replace("\nenvironments:", patch))
    result = api.compile([str(tmp_path / "mlproject.yaml")], envs=["there"])
    assert [item.code for item in result.diagnostics if item.severity == "error"] == ["PATCH004"]


OUTSIDE = {
    "contract: bare": "{command: [run], contract: bare}",
    "a file": "{command: [run], mounts: {/etc/x.txt: {source: note.yaml}}}",
    "root": "{command: [run], security: {run_as_root: {reason: it is old}}}",
    "disk": "{command: [run], resources: {disk: 20Gi}}",
    "another account": "{command: [run], identity: lake}",
    "a priority": "{command: [run], placement: low}",
}
PLATFORM = """
apiVersion: mlwright.dev/v1
kind: Platform
orchestrator: kubeflow-pipelines
kubernetes: "1.36"
kubeflow: {pipelines: "2.17", profiles: "2.0"}
identities: {lake: {service_account: lake}}
placements: {low: {priority_class: batch-low}}
"""


@pytest.mark.parametrize("step", OUTSIDE.values(), ids=OUTSIDE)
def test_what_kubeflows_pods_cannot_have_is_a_job_that_a_small_pod_follows(tmp_path: Path, step: str) -> None:
    text = f"""
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {{name: demo}}
defaults: {{steps: {{image: "demo:1"}}}}
steps: {{x: {step}}}
environments: {{there: {{platform: p.yaml, namespace: demo}}}}
"""
    spec, platform = compiled(tmp_path, text, p=PLATFORM, note="a: 1\n")
    words = spec["deploymentSpec"]["executors"]["exec-x"]["container"]["args"]
    assert words[0] == "/mlwright/runtime/operate.py"
    role = tmp_path / "manifests" / "there" / "kubeflow" / "role-demo-pipeline.yaml"
    rules = yaml.safe_load(role.read_text())["rules"]
    assert any("jobs" in rule["resources"] and "create" in rule["verbs"] for rule in rules)
    assert problems(spec, platform) == []


TUNED = """
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: demo}
defaults: {steps: {image: "demo:1"}}
params: {lr: {type: float, default: 0.1}, n: {type: int, default: 3}}
training:
  command: [python, t.py, "${params.lr}", "${params.n}"]
  metrics: {auc: {goal: maximize, pattern: "auc=(\\\\S+)", sample: "auc=1"}}
tuning: {objective: auc, space: {lr: {min: 0.1, max: 1.0}}, trials: {max: 4, parallel: 2}}
environments: {there: {platform: p.yaml, namespace: demo}}
"""


@pytest.mark.parametrize("nodes", [1, 2])
def test_without_katib_a_search_is_its_own_jobs_which_a_small_pod_makes(tmp_path: Path, nodes: int) -> None:
    images = PLATFORM + "images: {tools: tools:1}\n"
    text = TUNED if nodes == 1 else TUNED.replace("training:\n", "training:\n  distributed: {nodes: 2}\n")
    spec, platform = compiled(tmp_path, text, p=images)
    assert problems(spec, platform) == []
    given = spec["components"]["comp-exit-handler-1"]["dag"]["tasks"]["tuning"]["inputs"]["parameters"]
    assert set(given) == {"mlwright-run", "n"}, "what is searched is not the pipeline's to give"
    folder = tmp_path / "manifests" / "there" / "kubeflow"
    document = operated(folder / "configmap-demo-tuning-operator.yaml")
    kinds = [(one["manifest"]["kind"], one["main"]) for one in document["objects"]]
    assert (document["trial"], kinds) == (None, [("Service", False), ("Job", True), ("Job", False)])
    workers = document["objects"][2]["manifest"]["spec"]
    assert (workers["completions"], workers["parallelism"]) == (2, 2)
    pod = workers["template"]["spec"]
    if nodes == 1:
        assert pod["containers"][0]["args"][0] == "/mlwright/runtime/step.py"
        return
    assert pod["containers"][0]["args"][0] == "/mlwright/runtime/operate.py"
    trial = operated(folder / "configmap-demo-trial-operator.yaml")
    assert trial["trial"]["tuning"] == "tuning"
    assert {one["manifest"]["kind"] for one in trial["objects"]} == {"Job", "Service"}
    accounts = {yaml.safe_load(path.read_text())["metadata"]["name"] for path in folder.glob("serviceaccount-*.yaml")}
    assert pod["serviceAccountName"] in accounts


def operated(path: Path) -> Spec:
    return dict(json.loads(yaml.safe_load(path.read_text())["data"]["step.json"]))

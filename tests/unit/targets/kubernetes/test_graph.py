"""Pipelines on plain Kubernetes: what starts a run, what a run makes, and what it may do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.targets.kubernetes.cluster import PLATFORM, churn, objects

from mlwright import ir
from mlwright.platform.model import Platform
from mlwright.spec.acceptance import accept
from mlwright.target import Target
from mlwright.testing.programs import NAUGHTY, task
from mlwright_kubernetes import KubernetesTarget

WORDS = set("abcdefghijklmnopqrstuvwxyz3 /.-S")


def plan(project: ir.Project) -> dict[str, Any]:
    document: dict[str, Any] = objects(project)["configmap-churn-main-plan"]["data"]["plan.json"]
    return document


def manifests(project: ir.Project) -> dict[str, list[dict[str, Any]]]:
    """The manifests of each node of the plan, the one that decides first."""
    nodes = plan(project)["nodes"]
    return {
        node["id"]: [one["manifest"] for one in sorted(node["objects"], key=lambda one: not one["main"])]
        for node in nodes
    }


def pods(value: Any) -> Iterator[dict[str, Any]]:
    """Every pod template in a document."""
    if isinstance(value, dict):
        if "containers" in value.get("spec", {}):
            yield value
        for below in value.values():
            yield from pods(below)
    elif isinstance(value, list):
        for below in value:
            yield from pods(below)


def main(manifest: dict[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = manifest["spec"]["template"]["spec"]["containers"][0]
    return container


def variables(container: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container["env"]}


def test_it_is_a_target() -> None:
    assert isinstance(KubernetesTarget(), Target)


def test_every_program_of_a_run_is_started_by_words_that_need_no_quoting() -> None:
    for found in manifests(churn()).values():
        for manifest in found:
            if manifest["kind"] == "Job":
                words = " ".join([*main(manifest)["command"], *main(manifest)["args"]])
                assert words.startswith("python3 ") and set(words) <= WORDS


@pytest.mark.parametrize("text", NAUGHTY)
def test_no_text_of_the_user_stands_in_a_pod(text: str) -> None:
    project = churn()
    step = task("steps.say", "echo", text)
    changed = replace(project, nodes=(step,), pipelines=(replace(project.pipelines[0], nodes=(step.id,)),))
    document = objects(changed)["configmap-churn-say"]["data"]["step.json"]
    assert document["command"]["argv"] == [["echo"], [text] if text else []]
    if text:
        assert text not in str(manifests(changed))


def test_a_pipeline_that_only_people_start_is_a_cron_job_that_sleeps() -> None:
    made = objects(churn())
    assert made["cronjob-churn-main"]["spec"]["suspend"] is True
    assert "job-churn-main" not in made


def test_a_schedule_wakes_the_cron_job_except_in_development() -> None:
    project = churn(start="schedule")
    clock = ir.Schedule(cron="0 3 * * 1", timezone="Europe/Berlin", concurrency="replace")
    project = replace(project, pipelines=(replace(project.pipelines[0], schedule=clock),))
    spec = objects(project)["cronjob-churn-main"]["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"], spec["suspend"]) == (
        *("0 3 * * 1", "Europe/Berlin", "Replace"),
        False,
    )
    resting = replace(project, environment=replace(project.environment, mode="development"))
    assert objects(resting)["cronjob-churn-main"]["spec"]["suspend"] is True


def test_a_change_starts_a_job_that_is_called_after_what_it_runs() -> None:
    before = objects(churn(start="on_change"))["job-churn-main"]
    project = churn(start="on_change")
    training = next(node for node in project.nodes if node.id == "training")
    other = replace(training, container=replace(training.container, argv=(("python",), ("other.py",))))
    nodes = tuple(other if node.id == "training" else node for node in project.nodes)
    after = objects(replace(project, nodes=nodes))["job-churn-main"]
    more_replicas = replace(project.services[0], replicas=ir.Replicas(min=3, max=9))
    served = objects(replace(project, services=(more_replicas,)))["job-churn-main"]
    assert before["metadata"]["name"] != after["metadata"]["name"]
    assert before == served
    assert "ttlSecondsAfterFinished" not in before["spec"]


def test_finished_runs_go_after_the_platforms_time_but_never_one_that_is_kept_in_git() -> None:
    head = {"apiVersion": "mlwright.dev/v1", "kind": "Platform", "orchestrator": "kubernetes", "kubernetes": "1.36"}
    week = replace(PLATFORM, written=accept(Platform, {**head, "retention": {"runs": "7d"}}))
    found = objects(churn(start="on_change"), platform=week)
    assert found["cronjob-churn-main"]["spec"]["jobTemplate"]["spec"]["ttlSecondsAfterFinished"] == 7 * 86400
    assert "ttlSecondsAfterFinished" not in found["job-churn-main"]["spec"]
    assert "ttlSecondsAfterFinished" not in str(objects(churn()))


def test_all_pods_are_ordinary_users_without_rights_or_tokens() -> None:
    made = objects(churn(start="on_change"))
    found = [
        pod for name, body in made.items() if not name.startswith(("deployment", "statefulset")) for pod in pods(body)
    ]
    assert len(found) > 12
    for pod in found:
        spec = pod["spec"]
        conducts = pod["metadata"]["labels"]["app.kubernetes.io/component"] == "control"
        assert spec["automountServiceAccountToken"] is conducts
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["requests"]
            assert {"/tmp", "/mlwright/home"} <= {mount["mountPath"] for mount in container["volumeMounts"]}


def test_root_is_only_for_whom_it_has_a_reason() -> None:
    project = churn()
    step = task("steps.fonts")
    step = replace(step, container=replace(step.container, security=ir.Security(run_as_root="installs fonts")))
    project = replace(project, nodes=(step,), pipelines=(replace(project.pipelines[0], nodes=(step.id,)),))
    (job,) = manifests(project)["steps.fonts"]
    template = job["spec"]["template"]
    assert template["metadata"]["annotations"] == {"mlwright.dev/run-as-root": "installs fonts"}
    assert template["spec"]["securityContext"]["runAsUser"] == 0
    assert main(job)["securityContext"]["allowPrivilegeEscalation"] is False


def test_the_nodes_of_a_distributed_step_meet_at_the_first_pod() -> None:
    job, service = manifests(churn())["training"]
    assert job["spec"]["completionMode"] == "Indexed"
    assert (job["spec"]["completions"], job["spec"]["parallelism"]) == (4, 4)
    assert service["spec"]["clusterIP"] == "None" and service["spec"]["publishNotReadyAddresses"] is True
    assert variables(main(job))["MASTER_ADDR"] == "training-0.training"
    assert job["spec"]["template"]["spec"]["subdomain"] == "training"
    node = next(node for node in plan(churn())["nodes"] if node["id"] == "training")
    decided = next(one for one in node["objects"] if one["main"])
    places = {place["at"] for place in decided["names"]}
    assert places == {
        "/metadata/name",
        "/spec/template/spec/subdomain",
        "/spec/template/spec/containers/name=main/env/name=MASTER_ADDR/value",
    }


def test_workers_ask_the_search_and_never_get_what_it_looks_for() -> None:
    search, service, workers = manifests(churn())["tuning"]
    assert variables(main(workers))["MLWRIGHT_SEARCH_URL"] == f"http://search:{service['spec']['ports'][0]['port']}"
    assert workers["spec"]["completions"] == workers["spec"]["parallelism"] == 3
    assert "MLWRIGHT_PARAM_LEARNING_RATE" not in variables(main(workers))
    assert search["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]


def test_secrets_are_references_in_the_pods_that_use_them_and_in_no_other() -> None:
    users = {
        node
        for node, found in manifests(churn()).items()
        for manifest in found
        if manifest["kind"] == "Job" and "churn-lake" in str(main(manifest)["env"])
    }
    assert users == {"evaluation"}


def test_the_conductor_may_make_what_is_in_its_plans_and_nothing_else() -> None:
    rules = objects(churn())["role-churn-conductor"]["rules"]
    changed = {name for rule in rules if "create" in rule["verbs"] for name in rule["resources"]}
    assert changed == {"jobs", "services", "leases"}
    assert all("*" not in rule[key] for rule in rules for key in ("apiGroups", "resources", "verbs"))


def test_a_deadline_leaves_room_for_every_attempt() -> None:
    project = churn()
    step = task("steps.slow", timeout=600.0, retries=ir.Retries(limit=2, backoff=30.0, factor=2.0))
    project = replace(project, nodes=(step,), pipelines=(replace(project.pipelines[0], nodes=(step.id,)),))
    (job,) = manifests(project)["steps.slow"]
    assert job["spec"]["activeDeadlineSeconds"] == 3 * 600 + 30 + 60 + 300


def test_files_beside_the_spec_come_with_a_config_map() -> None:
    made = objects(churn())
    assert made["configmap-churn-conf-eval-yaml"]["data"] == {"eval.yaml": "content of conf/eval.yaml\n"}
    (job,) = manifests(churn())["evaluation"]
    mount = next(one for one in main(job)["volumeMounts"] if one["mountPath"] == "/etc/conf.yaml")
    assert (mount["subPath"], mount["readOnly"]) == ("eval.yaml", True)


def on(system: str, **placement: Any) -> dict[str, list[dict[str, Any]]]:
    """The manifests of the sample on a platform where training has this placement."""
    head = {"apiVersion": "mlwright.dev/v1", "kind": "Platform", "orchestrator": "kubernetes", "kubernetes": "1.36"}
    written = accept(Platform, {**head, "placements": {"a100": placement}})
    platform = replace(PLATFORM, written=written, systems={**PLATFORM.systems, system: "1.15"})
    project = churn()
    nodes = tuple(
        replace(node, container=replace(node.container, placement="a100")) if isinstance(node, ir.Task) else node
        for node in project.nodes
    )
    made = objects(replace(project, nodes=nodes), platform=platform)
    nodes_ = made["configmap-churn-main-plan"]["data"]["plan.json"]["nodes"]
    return {node["id"]: [one["manifest"] for one in node["objects"]] for node in nodes_}


def test_volcano_counts_the_pods_of_a_distributed_step() -> None:
    found = on("volcano", gang="volcano", priority_class="batch")
    (group,) = [one for one in found["training"] if one["kind"] == "PodGroup"]
    (job,) = [one for one in found["training"] if one["kind"] == "Job"]
    template = job["spec"]["template"]
    assert group["spec"] == {"minMember": 4} and group["apiVersion"].startswith("scheduling.volcano.sh/")
    assert template["metadata"]["annotations"]["scheduling.k8s.io/group-name"] == group["metadata"]["name"]
    assert (template["spec"]["schedulerName"], template["spec"]["priorityClassName"]) == ("volcano", "batch")
    assert not [one for one in found["steps.features"] if one["kind"] == "PodGroup"]


def test_kueue_admits_jobs_from_their_queue_and_keeps_their_pods_together() -> None:
    found = on("kueue", queue="gpu", gang="kueue", topology="example.com/rack")
    (job,) = [one for one in found["training"] if one["kind"] == "Job"]
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "gpu"
    annotations = job["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {"kueue.x-k8s.io/podset-required-topology": "example.com/rack"}


def test_without_kueue_pods_of_one_step_stay_within_a_label() -> None:
    found = on("kueue", topology="example.com/rack")
    (job,) = [one for one in found["training"] if one["kind"] == "Job"]
    ((term,),) = job["spec"]["template"]["spec"]["affinity"]["podAffinity"].values()
    assert term["topologyKey"] == "example.com/rack"
    wanted = term["labelSelector"]["matchLabels"].items()
    assert wanted <= job["spec"]["template"]["metadata"]["labels"].items()

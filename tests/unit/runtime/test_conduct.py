"""A pipeline without an engine: what is made, in which order, exactly once, whatever goes wrong on the way.

The API here is a pretended one that can be made to fail; tests/e2e/kubernetes runs the same program on a real one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from api import JOBS, first, refused, serving
from clusters import RUNTIME, Cluster, job, node, own, service, until

Json = dict[str, Any]


@pytest.fixture
def cluster(pipeline: Any) -> Iterator[Cluster]:
    with serving() as api:
        yield Cluster(api, pipeline)


def test_nodes_become_jobs_of_the_run_after_what_they_need(cluster: Cluster) -> None:
    code = cluster.conduct(node("c", "a", "b"), node("a"), node("b", "a"), MLWRIGHT_PARAM_LR="0.1 $(HOME)")
    assert (code, cluster.api.names) == (0, ["run-a", "run-b", "run-c"]), cluster.said
    made = cluster.api.job("run-b")
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Job", "run", cluster.own["metadata"]["uid"])
    template = made["spec"]["template"]
    run = {"mlwright.dev/run": cluster.pipeline.run}
    assert (made["metadata"]["labels"], template["metadata"]["labels"]) == (run, {"app": "x"} | run)
    assert template["spec"]["containers"][0]["env"] == [
        {"name": "MLWRIGHT_RUN", "value": cluster.pipeline.run},
        {"name": "KEPT", "value": "$(X)"},
        {"name": "MLWRIGHT_PARAM_LR", "value": "0.1 $$(HOME)"},
    ]
    assert (cluster.root["status"], cluster.root["tags"]["mlwright.outcome"]) == ("FINISHED", "succeeded")
    assert cluster.states == {"a": "finished", "b": "finished", "c": "finished"}


def test_a_failure_blocks_what_follows_and_starts_what_waits_for_it(cluster: Cluster) -> None:
    cluster.api.ends["run-a"] = "Failed"
    code = cluster.conduct(
        node("a"), node("b", "a"), node("c"), node("mend", "a", run_if="failed"), node("tell", run_if="always")
    )
    assert (code, sorted(cluster.api.names)) == (1, ["run-a", "run-c", "run-mend", "run-tell"]), cluster.said
    assert cluster.api.names[-1] == "run-tell"
    assert "steps.b: blocked (steps.a failed)" in cluster.said
    tags = cluster.root["tags"]
    assert (cluster.root["status"], tags["mlwright.reason"]) == ("FAILED", "failed: steps.a")
    assert cluster.states["a"] == "failed: Said: so"


def test_what_a_program_said_of_itself_on_the_tracking_server_counts(cluster: Cluster) -> None:
    step = {"mlwright.kind": "step"}
    cluster.pipeline.make_run({**step, "mlwright.step": "steps.gate", "mlwright.gate": "stopped"})
    cluster.pipeline.make_run({**step, "mlwright.step": "steps.bad", "mlwright.reason": "exit 3"}, "FAILED")
    cluster.api.ends["run-bad"] = "Failed"
    assert cluster.conduct(node("gate"), node("bad"), node("after", "gate")) == 1
    assert cluster.states == {"gate": "stopped", "bad": "failed: exit 3"}
    assert "run-after" not in cluster.api.names


def test_a_run_that_nobody_ended_is_ended_with_its_job(cluster: Cluster) -> None:
    cluster.api.ends["run-lost"] = "Failed"
    cluster.pipeline.make_run({"mlwright.kind": "step", "mlwright.step": "steps.lost"}, "RUNNING")
    assert cluster.conduct(node("lost")) == 1
    assert cluster.pipeline.only(step="steps.lost")["status"] == "FAILED"


def test_a_condition_is_decided_before_anything_is_made(cluster: Cluster) -> None:
    def guarded(name: str, holds: bool) -> Json:
        when = ["==", {"ref": "params.size"}, {"lit": 3 if holds else 4}]
        params = {"size": {"type": "int", "default": 1}}
        return cluster.pipeline.document(name, command={"argv": [["x"]]}, when=when, params=params)  # type: ignore[no-any-return]

    no, yes = guarded("no", False), guarded("yes", True)
    code = cluster.conduct(
        node("no", step=no), node("yes", step=yes), node("after", "no"), node("may", "no?"), MLWRIGHT_PARAM_SIZE="3"
    )
    assert (code, sorted(cluster.api.names)) == (0, ["run-may", "run-yes"]), cluster.said
    assert cluster.states["no"] == "skipped: its condition is false"
    assert cluster.pipeline.only(step="steps.no")["tags"]["mlwright.status"] == "skipped"


def test_a_condition_without_a_meaning_fails_its_node_alone(cluster: Cluster) -> None:
    wrong = cluster.pipeline.document("a", command={"argv": [["x"]]}, when={"lit": 1})
    assert cluster.conduct(node("a", step=wrong), node("b")) == 1
    assert cluster.states == {"a": "failed: when: 1 is neither true nor false", "b": "finished"}
    assert cluster.pipeline.only(step="steps.a")["status"] == "FAILED"


# Killed and started again


def graph(cluster: Cluster) -> list[Json]:
    skip = cluster.pipeline.document("skip", command={"argv": [["x"]]}, when={"lit": False})
    loop = {"keys": {"store": ["oslo", "bergen"]}, "max_parallel": 1}
    each = cluster.pipeline.document("each", command={"argv": [["x"]]}, for_each=loop)
    return [
        node("a"),
        node("skip", "a", step=skip),
        node("each", "a", step=each, items={"max_parallel": 1, "indexed": False}),
        node("bad", "a", objects=[service("bad"), job("bad")]),
        node("b", "bad"),
        node("tell", run_if="always"),
    ]


WANTED = {
    "a": "finished",
    "skip": "skipped: its condition is false",
    "each": "finished",
    "bad": "failed: Said: so",
    "tell": "finished",
}


@pytest.mark.parametrize(
    ("count", "done"), [*((count, True) for count in range(1, 8)), (1, False), (4, False), (8, False)]
)
def test_a_conductor_that_is_killed_at_any_write_is_followed_by_one_that_makes_every_child_once(
    cluster: Cluster, count: int, done: bool
) -> None:
    cluster.api.ends["run-bad"] = "Failed"
    plan = cluster.plan(*graph(cluster))
    process = cluster.start(plan)
    seen = [0]

    def kill(method: str, path: str) -> tuple[int, Json] | None:
        if method == "POST":
            seen[0] += 1
            if seen[0] == count:
                process.kill()
                process.wait()
                return refused(500, "Killed", "nobody hears this")
        return None

    (cluster.api.losses if done else cluster.api.faults).append(kill)
    cluster.ended(process)
    cluster.api.faults.clear()
    cluster.api.losses.clear()
    assert process.returncode == (-signal.SIGKILL if seen[0] >= count else 1)
    assert cluster.ended(cluster.start(plan)) == 1, cluster.said
    names = ["run-a", "run-bad", "run-each-0", "run-each-1", "run-tell"]
    assert sorted(cluster.api.names) == names
    assert cluster.states == WANTED
    assert cluster.root["status"] == "FAILED"
    assert len(cluster.pipeline.runs(step="steps.skip")) == 1


def test_a_search_whose_conductor_was_killed_before_it_had_workers_gets_them(cluster: Cluster) -> None:
    cluster.api.holds |= {"run-tuning", "run-tuning-trials"}
    plan = cluster.plan(search())
    process = cluster.start(plan)

    def kill(method: str, path: str) -> tuple[int, Json] | None:
        if method == "POST" and cluster.api.names:
            process.kill()
            process.wait()
            return refused(500, "Killed", "nobody hears this")
        return None

    cluster.api.faults.append(kill)
    cluster.ended(process)
    cluster.api.faults.clear()
    assert cluster.api.names == ["run-tuning"]
    process = cluster.start(plan)
    until(lambda: "run-tuning-trials" in cluster.api.names)
    cluster.api.end("run-tuning")
    cluster.api.end("run-tuning-trials")
    assert cluster.ended(process) == 0, cluster.said
    assert cluster.api.names == ["run-tuning", "run-tuning-trials"]


def test_the_next_conductor_of_an_ended_run_says_the_same_and_makes_nothing(cluster: Cluster) -> None:
    cluster.api.ends["run-bad"] = "Failed"
    plan = cluster.plan(*graph(cluster))
    assert cluster.ended(cluster.start(plan)) == 1
    for path in [path for path in cluster.api.objects if "/jobs/run-" in path]:
        cluster.api.remove(path)
    made = list(cluster.api.made)
    assert cluster.ended(cluster.start(plan)) == 1
    assert (cluster.api.made, cluster.states) == (made, WANTED)


def test_a_signal_ends_the_conductor_and_not_the_run(cluster: Cluster) -> None:
    cluster.api.holds.add("run-a")
    plan = cluster.plan(node("a"), node("b", "a"))
    process = cluster.start(plan)
    until(lambda: "run-a" in cluster.api.names)
    process.send_signal(signal.SIGTERM)
    assert cluster.ended(process) == 143
    assert "the run goes on with the next conductor" in cluster.said
    assert cluster.root["status"] == "RUNNING"
    cluster.api.end("run-a")
    assert cluster.ended(cluster.start(plan)) == 0, cluster.said
    assert cluster.api.names == ["run-a", "run-b"]


def test_a_signal_because_the_job_is_deleted_kills_the_run(cluster: Cluster) -> None:
    cluster.api.holds.add("run-a")
    process = cluster.start(cluster.plan(node("a")))
    until(lambda: "run-a" in cluster.api.names)
    running = cluster.pipeline.make_run({"mlwright.kind": "step", "mlwright.step": "steps.a"}, "RUNNING")
    cluster.api.remove(f"{JOBS}/run")
    process.send_signal(signal.SIGTERM)
    assert cluster.ended(process) == 143
    assert (cluster.root["status"], cluster.root["tags"]["mlwright.outcome"]) == ("KILLED", "failed")
    assert {run["id"]: run["status"] for run in cluster.pipeline.runs()}[running] == "KILLED"


# An API with weaknesses


def test_an_api_that_is_away_for_a_while_holds_nothing_up_for_good(cluster: Cluster) -> None:
    away = refused(503, "ServiceUnavailable", "shutting down")
    cluster.api.faults += [
        first(2, "POST", "jobs$", away),
        first(3, "GET", "jobs$", refused(500, "InternalError", "etcd")),
        first(2, "GET", "leases", refused(429, "TooManyRequests", "slow down")),
    ]
    assert cluster.conduct(node("a"), node("b", "a")) == 0, cluster.said
    assert cluster.api.names == ["run-a", "run-b"]


def test_an_object_whose_making_was_not_heard_of_is_not_made_again(cluster: Cluster) -> None:
    cluster.api.losses.append(first(1, "POST", "jobs$", refused(504, "Timeout", "the answer got lost")))
    assert cluster.conduct(node("a")) == 0, cluster.said
    assert cluster.api.names == ["run-a"]
    assert cluster.api.requests.count(("POST", JOBS)) == 2


def test_watches_that_end_are_too_old_or_are_cut_go_on(cluster: Cluster) -> None:
    cluster.api.holds |= {"run-a", "run-b"}
    process = cluster.start(cluster.plan(node("a"), node("b", "a")))
    until(lambda: ("GET", JOBS) in cluster.api.requests and "run-a" in cluster.api.names)
    cluster.api.oldest = cluster.api.version + 1000  # every version that anybody knows is too old from now on
    cluster.api.cut += 1
    time.sleep(0.5)
    cluster.api.oldest = 0
    cluster.api.end("run-a")
    until(lambda: "run-b" in cluster.api.names)
    cluster.api.cut += 1
    cluster.api.end("run-b")
    assert cluster.ended(process) == 0, cluster.said


def test_without_the_right_to_watch_it_asks_by_name_and_says_so_once(cluster: Cluster) -> None:
    no = refused(403, "Forbidden", 'cannot list resource "jobs"')
    cluster.api.faults.append(first(1000, "GET", "jobs$", no))
    assert cluster.conduct(node("a"), node("b", "a")) == 0, cluster.said
    assert cluster.said.count("cannot list resource") == 1
    assert "check the Role of this pod's service account" in cluster.said


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (refused(403, "Forbidden", "exceeded quota: gpus"), "Job run-a cannot be made: "),
        (refused(422, "Invalid", 'Job.batch "run-a" is invalid'), 'Job.batch "run-a" is invalid'),
        (refused(404, "NotFound", "no such kind"), "no such kind"),
    ],
)
def test_what_the_api_does_not_take_fails_its_node_with_its_words(
    cluster: Cluster, said: tuple[int, Json], message: str
) -> None:
    cluster.api.faults.append(first(1, "POST", "jobs$", said))
    assert cluster.conduct(node("a"), node("b"), node("c", "a")) == 1
    assert message in cluster.states["a"]
    assert cluster.states["b"] == "finished"


def test_a_job_of_somebody_else_is_not_taken_for_ours(cluster: Cluster) -> None:
    cluster.api.add(JOBS, {"metadata": {"name": "run-a"}, "status": {}})
    assert cluster.conduct(node("a")) == 1
    assert "Job run-a is there already, and not of this run: delete it" in cluster.states["a"]


def test_a_job_that_is_deleted_while_it_runs_has_failed(cluster: Cluster) -> None:
    cluster.api.holds.add("run-a")
    process = cluster.start(cluster.plan(node("a"), node("b", "a")))
    until(lambda: "run-a" in cluster.api.names)
    time.sleep(1.0)
    cluster.api.remove(f"{JOBS}/run-a")
    assert cluster.ended(process) == 1
    assert cluster.states == {"a": "failed: Job run-a was deleted"}


def test_without_a_job_of_its_own_it_says_what_is_missing(cluster: Cluster) -> None:
    assert cluster.conduct(node("a"), MLWRIGHT_JOB="other") == 64
    assert "MLWRIGHT_JOB must name the Job of this pod, not 'other'" in cluster.said
    plan = cluster.pipeline.write(cluster.plan(node("a")))
    env = {k: v for k, v in cluster.env().items() if k != "MLWRIGHT_KUBERNETES"}
    words = [sys.executable, "-S", str(RUNTIME / "conduct.py"), str(plan)]
    alone = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60)
    assert (alone.returncode, "this is no pod of a cluster" in alone.stderr) == (64, True)


def test_a_plan_that_goes_round_in_circles_is_refused(cluster: Cluster) -> None:
    assert cluster.conduct(node("a", "b"), node("b", "a")) == 64
    assert "itself" in cluster.said
    assert cluster.api.names == []


# One run at a time


def lease(cluster: Cluster, holder: str | None) -> None:
    path = "/apis/coordination.k8s.io/v1/namespaces/ml/leases"
    cluster.api.add(path, {"metadata": {"name": "churn-main"}, "spec": {"holderIdentity": holder}})


@pytest.mark.parametrize(
    ("concurrency", "code", "jobs"),
    [("forbid", 75, []), ("replace", 0, ["run-a"]), ("allow", 0, ["run-a"])],
)
def test_a_second_run_waits_replaces_or_joins_as_the_plan_says(
    cluster: Cluster, concurrency: str, code: int, jobs: list[str]
) -> None:
    made = cluster.api.add(JOBS, {"metadata": {"name": "earlier"}, "status": {}})
    lease(cluster, f"earlier/{made['metadata']['uid']}")
    assert cluster.conduct(node("a"), fields={"concurrency": concurrency}) == code, cluster.said
    assert cluster.api.names == jobs
    assert (f"{JOBS}/earlier" in cluster.api.deleted) is (concurrency == "replace")
    if code:
        assert "another run is at work: Job earlier (wait for its end, or `kubectl delete job earlier`)" in cluster.said


@pytest.mark.parametrize("earlier", ["ended", "gone", "another of its name", "let go"])
def test_a_run_that_is_over_keeps_nobody_away(cluster: Cluster, earlier: str) -> None:
    made = cluster.api.add(JOBS, {"metadata": {"name": "earlier"}, "status": {}})
    if earlier == "ended":
        cluster.api.end("earlier", "Failed")
    uid = "another" if earlier == "another of its name" else made["metadata"]["uid"]
    lease(cluster, None if earlier == "let go" else f"earlier/{uid}")
    if earlier == "gone":
        cluster.api.remove(f"{JOBS}/earlier")
    assert cluster.conduct(node("a")) == 0, cluster.said
    held = cluster.api.objects["/apis/coordination.k8s.io/v1/namespaces/ml/leases/churn-main"]["spec"]
    assert held["holderIdentity"] is None


# Items, company, time


def test_items_are_indices_of_one_job(cluster: Cluster) -> None:
    loop = {"keys": {"store": {"ref": "params.stores"}}, "max_parallel": 2}
    params = {"stores": {"type": "json", "default": ["a", "b", "c"]}}
    step = cluster.pipeline.document("each", command={"argv": [["x"]]}, params=params, for_each=loop)
    objects = [job("each", completionMode="Indexed")]
    each = node("each", step=step, items={"max_parallel": 2, "indexed": True}, objects=objects)
    assert cluster.conduct(each) == 0, cluster.said
    spec = cluster.api.job("run-each")["spec"]
    assert (spec["completions"], spec["parallelism"]) == (3, 2)
    item = {"fieldRef": {"fieldPath": "metadata.annotations['batch.kubernetes.io/job-completion-index']"}}
    env = spec["template"]["spec"]["containers"][0]["env"]
    assert {"name": "MLWRIGHT_ITEM", "valueFrom": item} in env


def test_no_items_are_no_job(cluster: Cluster) -> None:
    loop = {"keys": {"store": []}, "max_parallel": 2}
    step = cluster.pipeline.document("each", command={"argv": [["x"]]}, for_each=loop)
    each = node("each", step=step, items={"max_parallel": 2, "indexed": True})
    assert cluster.conduct(each, node("after", "each")) == 0
    assert (cluster.api.names, cluster.states) == ([], {"each": "skipped: for_each has no items"})


def test_items_with_objects_of_their_own_run_as_many_at_a_time_as_they_may(cluster: Cluster) -> None:
    loop = {"keys": {"n": [1, 2, 3]}, "max_parallel": 2}
    step = cluster.pipeline.document("each", command={"argv": [["x"]]}, for_each=loop)
    cluster.api.holds |= {"run-each-0", "run-each-1"}
    cluster.api.ends["run-each-2"] = "Failed"
    objects = [service("each"), job("each")]
    each = node("each", step=step, items={"max_parallel": 2, "indexed": False}, objects=objects)
    process = cluster.start(cluster.plan(each))
    until(lambda: "run-each-1" in cluster.api.names)
    time.sleep(1.2)
    assert cluster.api.names == ["run-each-0", "run-each-1"]
    env = cluster.api.job("run-each-1")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "MLWRIGHT_ITEM", "value": "1"} in env
    selector = cluster.api.objects["/api/v1/namespaces/ml/services/run-each-1"]["spec"]["selector"]
    assert selector == {"batch.kubernetes.io/job-name": "run-each-1"}
    cluster.api.end("run-each-0")
    until(lambda: "run-each-2" in cluster.api.names)
    cluster.api.end("run-each-1")
    assert cluster.ended(process) == 1
    assert cluster.states == {"each": "failed: 1 of 3 items: Said: so"}
    assert not [path for path in cluster.api.objects if "/services/" in path]


def search() -> Json:
    workers = job("tuning-trials", main=False)
    at = "/spec/template/spec/containers/name=main/env/name=MLWRIGHT_SEARCH_URL/value"
    workers["names"].append(own(at, "tuning", "http://", ":8090"))
    address = {"name": "MLWRIGHT_SEARCH_URL", "value": "http://churn-tuning:8090"}
    workers["manifest"]["spec"]["template"]["spec"]["containers"][0]["env"].append(address)
    return node("tuning", objects=[service("tuning"), job("tuning"), workers])


def test_a_search_has_its_workers_and_its_address_only_while_it_runs(cluster: Cluster) -> None:
    cluster.api.holds |= {"run-tuning", "run-tuning-trials"}
    process = cluster.start(cluster.plan(search()))
    until(lambda: "run-tuning-trials" in cluster.api.names)
    made = [path for path in cluster.api.made if "leases" not in path]
    assert [path.rpartition("/")[2] for path in made] == ["run-tuning", "run-tuning", "run-tuning-trials"]
    env = cluster.api.job("run-tuning-trials")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "MLWRIGHT_SEARCH_URL", "value": "http://run-tuning:8090"} in env
    cluster.api.end("run-tuning")
    cluster.api.end("run-tuning-trials")
    assert cluster.ended(process) == 0, cluster.said
    assert cluster.api.deleted == ["/api/v1/namespaces/ml/services/run-tuning"]
    assert cluster.states == {"tuning": "finished"}


@pytest.mark.slow
def test_a_search_whose_workers_all_fail_is_ended_and_workers_of_an_ended_search_are_removed(cluster: Cluster) -> None:
    cluster.api.holds.add("run-tuning")
    cluster.api.ends["run-tuning-trials"] = "Failed"
    assert cluster.conduct(search()) == 1
    assert cluster.states["tuning"] == "failed: all workers failed: Said: so"
    assert cluster.api.job("run-tuning")["spec"]["activeDeadlineSeconds"] == 1


def test_what_takes_too_long_is_ended_and_says_so(cluster: Cluster) -> None:
    cluster.api.holds.add("run-a")
    assert cluster.conduct(node("a", timeout=1.5)) == 1
    assert cluster.states == {"a": "failed: timed out after 1.5 s"}
    assert f"{JOBS}/run-a" in cluster.api.objects


def test_what_keeps_a_pod_from_starting_is_said_once(cluster: Cluster) -> None:
    cluster.api.holds.add("run-a")
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
    labels = {"mlwright.dev/run": cluster.pipeline.run}
    status = {"phase": "Pending", "containerStatuses": [waiting]}
    cluster.api.add("/api/v1/namespaces/ml/pods", {"metadata": {"name": "run-a-x", "labels": labels}, "status": status})
    process = cluster.start(cluster.plan(node("a")), MLWRIGHT_LOOK="0.2")
    until(lambda: [path for _, path in cluster.api.requests].count("/api/v1/namespaces/ml/pods") > 2)
    cluster.api.end("run-a")
    assert cluster.ended(process) == 0
    assert cluster.said.count("run-a-x waits: ImagePullBackOff no such image") == 1


def test_an_operators_object_is_followed_by_its_conditions_and_removed_when_it_takes_too_long(cluster: Cluster) -> None:
    def train(name: str) -> Json:
        manifest = {"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainJob", "spec": {"trainer": {"env": []}}}
        manifest["metadata"] = {"name": name}
        return {"main": True, "names": [own("/metadata/name", name)], "manifest": manifest}

    path = "/apis/trainer.kubeflow.org/v1alpha1/namespaces/ml/trainjobs"
    nodes = [node("a", objects=[train("a")]), node("b", objects=[train("b")], timeout=2.0)]
    process = cluster.start(cluster.plan(*nodes))
    until(lambda: f"{path}/run-a" in cluster.api.objects)
    condition = {"type": "Complete", "status": "True", "reason": "JobsCompleted"}
    cluster.api.change(f"{path}/run-a", status={"conditions": [{"type": "Suspended", "status": "False"}, condition]})
    assert cluster.ended(process) == 1
    assert cluster.states == {"a": "finished", "b": "failed: timed out after 2 s"}
    assert cluster.api.deleted == [f"{path}/run-b"]


def test_long_names_stay_short_and_apart(cluster: Cluster) -> None:
    long = "a-step-with-a-name-that-goes-on-and-on-and-on-and-on"
    assert cluster.conduct(node(f"{long}-1"), node(f"{long}-2")) == 0
    first_, second = cluster.api.names
    assert first_ != second
    assert {len(name) <= 50 and name.startswith("run-a-step-with") for name in (first_, second)} == {True}


def test_a_tracking_server_that_is_away_ends_the_conductor_so_that_it_is_started_again(cluster: Cluster) -> None:
    env = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1", "MLWRIGHT_PATIENCE": "0.3"}
    assert cluster.ended(cluster.start(cluster.plan(node("a")), **env)) == 69
    assert cluster.api.names == []
    assert os.environ.get("MLWRIGHT_PATIENCE") is None

"""What a real API server has said of objects, and what `drift` makes of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from tests.unit.remote.apiserver import RECORDED, Stub, refusal

from mlwright.emit.kube.patching import LIST_KEYS
from mlwright.ir import Origin
from mlwright.remote.cluster import Cluster
from mlwright.remote.observe import MANAGER, manager, observe
from mlwright.review.drift.judge import Wanted, judge
from mlwright.review.drift.model import Drifted
from mlwright.review.drift.show import path
from mlwright.span import Path
from mlwright.target import Document

Json = dict[str, Any]


def seen(
    cluster: Cluster, *objects: Json, origins: dict[Path, Origin] | None = None, ceded: tuple[Path, ...] = ()
) -> tuple[Drifted, ...]:
    """What is told of objects."""
    whole = {(): Origin(path=("serving",)), **(origins or {})}
    wanted = [
        Wanted(
            target="kubernetes",
            document=Document(path=f"{one['kind'].lower()}.yaml", data=one, origins=whole),
            data=one,
            keys=LIST_KEYS,
            ceded=ceded,
        )
        for one in objects
    ]
    return judge(wanted, observe(cluster, objects), lambda label: None)


def compared(stub: Stub, name: str) -> Json:
    """A recorded comparison, put into the server; the wanted object."""
    found = copy.deepcopy(RECORDED["compared"][name])
    place = stub.path(found["wanted"])
    stub.objects[place], stub.applied[place] = found["live"], found["applied"]
    wanted: Json = found["wanted"]
    return wanted


def fields(one: Drifted) -> dict[str, tuple[Any, Any, str, bool]]:
    return {path(each.change.path): (each.change.before, each.change.after, each.by, each.stays) for each in one.fields}


def test_an_object_with_nothing_but_defaults_and_status_beside_is_as_it_should_be(stub: Stub, cluster: Cluster) -> None:
    wanted = compared(stub, "as it should be")
    live = stub.objects[stub.path(wanted)]
    assert set(live["spec"]) > set(wanted["spec"])  # clusterIP, sessionAffinity and others
    assert seen(cluster, wanted) == ()


def test_an_edited_image_is_told_with_who_did_it_and_an_added_variable_with_that_it_stays(
    stub: Stub, cluster: Cluster
) -> None:
    origins = {("spec", "template", "spec", "containers", 0, "image"): Origin(path=("serving", "online", "image"))}
    (one,) = seen(cluster, compared(stub, "edited deployment"), origins=origins)
    assert (one.status, one.file) == ("changed", "kubernetes/deployment.yaml")
    assert fields(one) == {
        "spec.template.spec.containers[name=main].image": ("acme/api:hotfix", "acme/api:1.0", "kubectl-set", False),
        "spec.replicas": (3, 2, "", False),
        "spec.template.spec.containers[name=main].env[name=EXTRA]": (
            {"name": "EXTRA", "value": "1"}, None, "kubectl-set", True,
        ),
    }  # fmt: skip
    image = next(each for each in one.fields if each.change.path[-1] == "image")
    assert image.change.origin == ("serving", "online", "image")


def test_what_is_left_to_a_controller_is_not_told(stub: Stub, cluster: Cluster) -> None:
    (one,) = seen(cluster, compared(stub, "edited deployment"), ceded=(("spec", "replicas"),))
    assert "spec.replicas" not in fields(one)


def test_a_field_that_is_no_longer_in_the_output_is_told_for_applying_removes_it(stub: Stub, cluster: Cluster) -> None:
    (one,) = seen(cluster, compared(stub, "removed field"))
    before, after, _, stays = fields(one)["spec.template.spec.containers[name=main].env[name=LEVEL]"]
    assert (before, after, stays) == ({"name": "LEVEL", "value": "info"}, None, False)


def test_an_annotation_by_hand_and_a_suspended_schedule_are_told(stub: Stub, cluster: Cluster) -> None:
    (one,) = seen(cluster, compared(stub, "edited cronjob"))
    assert fields(one) == {
        "spec.suspend": (True, False, "kubectl-patch", False),
        "metadata.annotations.note": ("hello", None, "kubectl-annotate", True),
    }


def test_of_a_secret_only_metadata_is_asked_for(stub: Stub, cluster: Cluster) -> None:
    wanted = compared(stub, "secret")
    assert RECORDED["compared"]["secret"]["live"]["kind"] == "PartialObjectMetadata"
    assert seen(cluster, wanted) == ()
    accepted = {accept for _, target, accept in stub.asked if "/secrets/" in target}
    assert accepted == {RECORDED["compared"]["secret"]["accept"]}


def test_values_that_look_like_secrets_are_concealed(stub: Stub, cluster: Cluster) -> None:
    wanted = compared(stub, "edited deployment")
    for one in (stub.objects, stub.applied):
        variables = one[stub.path(wanted)]["spec"]["template"]["spec"]["containers"][0]["env"]
        next(each for each in variables if each["name"] == "EXTRA")["value"] = "ghp_" + "a1B2c3" * 6
    told = repr(seen(cluster, wanted))
    assert "EXTRA" in told
    assert "a1B2c3" not in told


def test_nothing_but_reading_and_dry_runs_is_ever_sent(stub: Stub, cluster: Cluster) -> None:
    seen(
        cluster,
        *(compared(stub, name) for name in ("as it should be", "edited deployment", "edited cronjob", "secret")),
    )
    sent = {(method, "dryRun=All" in target) for method, target, _ in stub.asked}
    assert sent == {("GET", False), ("PATCH", True)}


def test_who_applied_before_is_who_asks_now() -> None:
    live = RECORDED["compared"]["edited deployment"]["live"]
    assert manager(live) == "kubectl"
    assert manager(None) == MANAGER
    other = copy.deepcopy(live)
    entry = next(each for each in other["metadata"]["managedFields"] if each["manager"] == "kubectl")
    other["metadata"]["managedFields"].append({**entry, "manager": "argocd-controller", "time": "2030-01-01T00:00:00Z"})
    assert manager(other) == "argocd-controller"
    entry["operation"] = "Update"
    other["metadata"]["managedFields"].pop()
    assert manager(other) == MANAGER


def test_bookkeeping_of_those_who_apply_is_no_drift(stub: Stub, cluster: Cluster) -> None:
    wanted = compared(stub, "as it should be")
    live = stub.objects[stub.path(wanted)]
    live["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "x", "kubectl.kubernetes.io/restartedAt": "y"}
    live["metadata"]["generation"] = 7
    assert seen(cluster, wanted) == ()
    live["metadata"]["annotations"]["team"] = "x"
    (one,) = seen(cluster, wanted)
    assert fields(one) == {"metadata.annotations": ({"team": "x"}, None, "", False)}


REFUSED = {
    "immutable configmap": ("replace", "data: Forbidden: field is immutable when `immutable` is set", "delete it"),
    "immutable job": ("replace", "spec.template: field is immutable", "delete it"),
    "immutable selector": ("replace", "spec.selector: Invalid value", "delete it"),
    "immutable claim": ("replace", "spec: Forbidden: spec is immutable after creation", "save that first"),
    "immutable set": ("replace", "updates to statefulset spec for fields other", "--cascade=orphan"),
    "immutable role": ("replace", "roleRef", "delete it"),
    "invalid": ("unknown", "spec.replicas: Invalid value: -1: must be greater", "change the project"),
    "refused by policy": ("unknown", "services are frozen", "what the cluster admits"),
    "webhook down": ("unknown", "the admission webhook guard.example.com did not answer", "its service is up"),
    "no dry runs": ("unknown", "guard.example.com takes no dry runs", "sideEffects"),
    "may not patch": ("unknown", 'forbidden: services "online" is forbidden: User', "get, list and patch"),
    "may not get": ("unknown", 'cannot get resource "cronjobs"', "get, list and patch"),
    "may not create": ("missing", "it is not there, and forbidden", "get, list and patch"),
    "not there": ("missing", "it is not there", "apply it"),
    "namespace not there": ("missing", "the namespace nowhere is not there", "kubectl create namespace nowhere"),
    "kind not there": ("unknown", "has no PrometheusRule (monitoring.coreos.com/v1)", "install prometheus_operator"),
}


def test_every_recorded_refusal_is_judged() -> None:
    assert REFUSED.keys() == RECORDED["refused"].keys()


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_told_with_what_it_means_and_what_to_do(name: str, stub: Stub, cluster: Cluster) -> None:
    found = copy.deepcopy(RECORDED["refused"][name])
    wanted = found["wanted"]
    if found["asked"] in ("read", "apply"):
        place = stub.path(wanted)
        if found["live"]:
            stub.objects[place] = found["live"]
        if name != "not there":
            stub.refusals["PATCH" if found["asked"] == "apply" else "GET", place] = refusal(name)
    (one,) = seen(cluster, wanted)
    status, why, help = REFUSED[name]
    assert one.status == status
    assert why in one.why
    assert help in one.help
    assert len(one.why) < 500
    assert one.kind == wanted["kind"]


def test_what_would_have_to_be_replaced_is_told_with_the_fields(stub: Stub, cluster: Cluster) -> None:
    found = copy.deepcopy(RECORDED["refused"]["immutable job"])
    place = stub.path(found["wanted"])
    stub.objects[place] = found["live"]
    stub.refusals["PATCH", place] = refusal("immutable job")
    (one,) = seen(cluster, found["wanted"])
    assert {path(each.change.path): each.change.after for each in one.fields} == {
        "spec.template.spec.containers[name=main].image": "acme/api:2.0"
    }


def test_another_version_of_a_group_is_named(stub: Stub, cluster: Cluster) -> None:
    stub.refusals["GET", "/apis/batch"] = (200, RECORDED["batch"])
    (one,) = seen(cluster, {**RECORDED["compared"]["edited cronjob"]["wanted"], "apiVersion": "batch/v2"})
    assert one.why == "the cluster has no CronJob of batch/v2, it has batch/v1 of that group"
    assert "the release of kubernetes" in one.help


def test_an_object_on_its_way_out_is_missing(stub: Stub, cluster: Cluster) -> None:
    wanted = compared(stub, "as it should be")
    stub.objects[stub.path(wanted)]["metadata"]["deletionTimestamp"] = "2026-11-26T21:00:00Z"
    (one,) = seen(cluster, wanted)
    assert (one.status, one.why) == ("missing", "it is being deleted since 2026-11-26T21:00:00Z")


def test_an_object_that_is_written_meanwhile_is_asked_for_again(stub: Stub, cluster: Cluster) -> None:
    wanted = compared(stub, "as it should be")
    place = stub.path(wanted)
    stub.applied[place]["metadata"]["resourceVersion"] = "999"
    stub.applied[place]["spec"]["ports"][0]["port"] = 81
    seen(cluster, wanted)
    assert [method for method, target, _ in stub.asked if target.startswith(place)] == ["GET", "PATCH"] * 3


def test_a_secret_in_a_refusal_is_concealed(stub: Stub, cluster: Cluster) -> None:
    wanted = compared(stub, "as it should be")
    body = copy.deepcopy(RECORDED["refused"]["invalid"]["body"])
    body["details"]["causes"][0]["message"] = "Invalid value: password=hunter2hunter2"
    stub.refusals["PATCH", stub.path(wanted)] = (422, body)
    (one,) = seen(cluster, wanted)
    assert "hunter2" not in one.why

"""Digests in names: of the content as patches left it, the same wherever the object is referred to."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from mlwright.emit import json
from mlwright.emit.kube.settle import settle
from mlwright.emit.patch import apply_all
from mlwright.ir import Origin, Patch
from mlwright.target import Document, Embedded, Part
from mlwright_kubernetes import KubernetesTarget

NAME = re.compile(r"[a-z-]+-[0-9a-f]{10}")


def document(kind: str, name: str, **body: Any) -> Document:
    data = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **body}
    return Document(path=f"{kind.lower()}-{name}.yaml", data=data, parts=(Part(node="pipelines.main", kind=kind),))


def settled(*documents: Document, targets: int = 1) -> list[dict[str, Any]]:
    emitted = [(f"target-{number}", list(documents[number::targets])) for number in range(targets)]
    return [item.data for _, items in settle(emitted) for item in items if isinstance(item, Document)]


def name(data: dict[str, Any]) -> str:
    found: str = data["metadata"]["name"]
    return found


def test_a_name_gets_the_digest_of_its_content_wherever_it_stands() -> None:
    config = document("ConfigMap", "a@hash", data={"k": "v"})
    pod = document("Pod", "p", spec={"volumes": [{"configMap": {"name": "a@hash"}}]})
    made, user = settled(config, pod, targets=2)
    assert NAME.fullmatch(name(made))
    assert user["spec"]["volumes"][0]["configMap"]["name"] == name(made)


def test_a_change_of_what_an_object_refers_to_changes_its_own_name() -> None:
    job = document("Job", "j@hash", spec={"config": "a@hash"})
    one = [name(data) for data in settled(document("ConfigMap", "a@hash", data={"k": "1"}), job)]
    other = [name(data) for data in settled(document("ConfigMap", "a@hash", data={"k": "2"}), job)]
    assert one[0] != other[0] and one[1] != other[1]


def test_names_inside_of_embedded_documents_are_settled_too_and_stay_embedded() -> None:
    config = document("ConfigMap", "a@hash", data={"k": "v"})
    plan = document("ConfigMap", "p@hash", data={"plan.json": Embedded({"objects": [{"config": "a@hash"}]})})
    made, planned = settled(config, plan)
    inner = planned["data"]["plan.json"]
    assert isinstance(inner, Embedded)
    assert inner["objects"] == [{"config": name(made)}]


def test_a_text_that_only_holds_such_a_name_and_a_name_that_nothing_has_stay() -> None:
    config = document("ConfigMap", "a@hash", data={"said": "see a@hash!", "other": "b@hash"})
    (made,) = settled(config)
    assert made["data"] == {"said": "see a@hash!", "other": "b@hash"}


def test_what_refers_to_each_other_still_gets_names() -> None:
    one, other = settled(
        document("ConfigMap", "a@hash", data={"next": "b@hash"}),
        document("ConfigMap", "b@hash", data={"next": "a@hash"}),
    )
    assert NAME.fullmatch(name(one)) and NAME.fullmatch(name(other))
    assert other["data"]["next"] == name(one)


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.sampled_from(['"a@hash', "a@hash"]), max_size=4))
@example({"a@hash": "a@hash", "x": 'say "a@hash', "y": "see a@hash"})
def test_a_digest_is_that_of_the_object_with_all_names_in_it_but_its_own(data: dict[str, str]) -> None:
    user = document("ConfigMap", "b@hash", data={"plan.json": Embedded(data), "own": "b@hash", **data})
    made, used = settled(document("ConfigMap", "a@hash", data={"k": "v"}), user)
    inner = {key: name(made) if value == "a@hash" else value for key, value in data.items()}
    whole = {**user.data, "data": {"plan.json": inner, "own": "b@hash", **inner}}
    final = f"b-{json.digest(whole)[:10]}"
    assert used == {**whole, "metadata": {"name": final}, "data": {**whole["data"], "own": final}}


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4))
def test_settling_again_changes_nothing(data: dict[str, str]) -> None:
    once = settle([("t", [document("ConfigMap", "a@hash", data=data), document("Pod", "p", spec={"name": "a@hash"})])])
    assert settle(once) == once


def test_a_patch_of_a_job_in_a_plan_changes_the_names_of_plan_and_run() -> None:
    manifest = {"kind": "Job", "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "x"}]}}}}
    plan = Document(
        path="configmap-plan.yaml",
        data={
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "plan@hash"},
            "data": {"plan.json": Embedded({"nodes": [{"objects": [{"manifest": manifest}]}]})},
        },
        parts=(Part(node="steps.a", kind="Job", at=("data", "plan.json", "nodes", 0, "objects", 0, "manifest")),),
    )
    run = document("Job", "run@hash", spec={"config": "plan@hash"})
    origin = Origin(path=("patches", "spot"))
    containers = [{"name": "main", "env": [{"name": "SPOT", "value": "1"}]}, {"name": "proxy", "image": "p"}]
    patch = Patch(
        name="spot",
        why="these nodes go away",
        node="steps.a",
        kind="Job",
        merge={"spec": {"template": {"spec": {"containers": containers}}}},
        origin=origin,
    )
    target = KubernetesTarget()
    patched = apply_all([("kubernetes", [plan, run])], [patch], lambda _: target, versions={})
    assert not patched.findings.failed
    before, after = settle([("kubernetes", [plan, run])])[0][1], settle(patched.emitted)[0][1]
    for old, new in zip(before, after, strict=True):
        assert isinstance(old, Document) and isinstance(new, Document)
        assert name(old.data) != name(new.data)
    assert isinstance(after[0], Document)
    job = after[0].data["data"]["plan.json"]["nodes"][0]["objects"][0]["manifest"]
    assert job["spec"]["template"]["spec"]["containers"] == [
        {"name": "main", "image": "x", "env": [{"name": "SPOT", "value": "1"}]},
        {"name": "proxy", "image": "p"},
    ]


def test_objects_of_one_name_share_a_digest_that_follows_each_of_them() -> None:
    def names(text: str, image: str) -> list[str]:
        runtime = document("TrainingRuntime", "t@hash", spec={"image": image, "config": "t@hash"})
        return [name(data) for data in settled(document("ConfigMap", "t@hash", data={"k": text}), runtime)]

    first = names("1", "a")
    assert first[0] == first[1]
    assert len({first[0], names("2", "a")[0], names("1", "b")[0]}) == 3

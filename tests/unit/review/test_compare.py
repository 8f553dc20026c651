"""Outputs compared by object and field: what is told, what is folded, and what counts for nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlwright.emit.kube.patching import LIST_KEYS
from mlwright.review.compare import Emitted, compare
from mlwright.review.model import ObjectChange
from mlwright.target import Document, Embedded, TextFile


def obj(kind: str, name: str, file: str = "", **body: Any) -> Document:
    data = {"apiVersion": body.pop("api", "v1"), "kind": kind, "metadata": {"name": name, "namespace": "ns"}, **body}
    return Document(path=file or f"{kind.lower()}-{name}.yaml", data=data)


def out(*items: Document | TextFile, target: str = "kubernetes") -> Emitted:
    return [(target, list(items))]


def changes(base: Emitted, head: Emitted, digests: tuple[str, str] = ("", "")) -> tuple[ObjectChange, ...]:
    return compare(base, head, list_keys=lambda target: LIST_KEYS, digests=digests)


def one(base: Document | TextFile, head: Document | TextFile) -> ObjectChange:
    (found,) = changes(out(base), out(head))
    return found


def said(change: ObjectChange) -> list[tuple[str, Any, Any]]:
    return [(".".join(map(str, item.path)), item.before, item.after) for item in change.fields]


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"template": {"spec": {"containers": list(containers), **spec}}}


def test_objects_are_known_by_group_kind_namespace_and_name_wherever_their_file_is() -> None:
    moved = Document(path="elsewhere.yaml", data=obj("Service", "a").data)
    assert changes(out(obj("Service", "a")), out(moved, target="kubeflow")) == ()
    found = changes(
        out(obj("Ingress", "a", api="networking.k8s.io/v1")), out(obj("Ingress", "a", api="example.com/v1"))
    )
    assert sorted(item.action for item in found) == ["add", "remove"]
    assert [item.action for item in changes(out(obj("A", "a", api="g/v1beta1")), out(obj("A", "a", api="g/v1")))] == [
        "change"
    ]


def test_the_order_of_keys_and_of_entries_with_names_says_nothing() -> None:
    a, b = {"name": "a", "image": "x"}, {"image": "y", "name": "b"}
    base = obj("Deployment", "d", spec=pod(a, b))
    head = obj("Deployment", "d", spec=pod(dict(reversed(b.items())), a))
    assert changes(out(base), out(head)) == ()


def test_the_order_of_init_containers_says_something() -> None:
    a, b = {"name": "a"}, {"name": "b"}
    base = obj("Deployment", "d", spec=pod(initContainers=[a, b]))
    head = obj("Deployment", "d", spec=pod(initContainers=[b, a]))
    assert said(one(base, head)) == [("spec.template.spec.initContainers.order", ["a", "b"], ["b", "a"])]


def test_entries_of_lists_are_known_by_their_keys() -> None:
    base = obj("Deployment", "d", spec=pod({"name": "main", "ports": [{"containerPort": 80, "name": "x"}]}))
    head = obj(
        "Deployment", "d", spec=pod({"name": "new"}, {"name": "main", "ports": [{"containerPort": 80, "name": "y"}]})
    )
    main = "spec.template.spec.containers.name=main.ports.containerPort=80.name"
    assert said(one(base, head)) == [
        (main, "x", "y"),
        ("spec.template.spec.containers.name=new", None, {"name": "new"}),
    ]


def test_entries_without_keys_are_found_where_they_have_moved_to() -> None:
    get, put, rest = {"verbs": ["get"]}, {"verbs": ["put"]}, {"verbs": ["list"], "resources": ["pods"]}
    change = one(obj("Role", "r", rules=[get, rest]), obj("Role", "r", rules=[put, get, rest]))
    assert said(change) == [("rules.0", None, {"verbs": ["put"]})]


def test_lists_of_plain_values_of_another_length_are_told_whole_and_others_by_place() -> None:
    base = obj("A", "a", args=["--lr", "1"])
    assert said(one(base, obj("A", "a", args=["--lr", "2"]))) == [("args.1", "1", "2")]
    assert said(one(base, obj("A", "a", args=["--lr"]))) == [("args", ["--lr", "1"], ["--lr"])]


def test_documents_inside_of_an_object_are_entered_embedded_or_as_text() -> None:
    base = obj("ConfigMap", "c", data={"p.json": Embedded({"steps": [{"name": "a", "gpu": 1}]})})
    head = obj("ConfigMap", "c", data={"p.json": Embedded({"steps": [{"name": "a", "gpu": 4}]})})
    assert said(one(base, head)) == [("data.p.json!.steps.name=a.gpu", 1, 4)]
    text = obj("ConfigMap", "c", data={"p.json": '{"steps": [{"name": "a", "gpu": 1}]}'})
    after = obj("ConfigMap", "c", data={"p.json": '{ "steps" : [{"gpu": 4, "name": "a"}]}'})
    assert said(one(text, after)) == [("data.p.json!.steps.name=a.gpu", 1, 4)]


def test_of_a_text_of_lines_what_differs_is_told() -> None:
    base = TextFile(path="a.py", text="one\ntwo\nthree\nfour\n")
    change = one(base, TextFile(path="a.py", text="one\n2\n3\nfour\n"))
    assert (change.kind, change.name) == ("", "kubernetes/a.py")
    assert said(change) == [("line 2", "two\nthree", "2\n3")]


def test_a_config_map_called_after_its_content_is_changed_and_what_refers_to_it_follows() -> None:
    def made(name: str, value: str) -> Emitted:
        config = obj("ConfigMap", f"c-{name}", "configmap-c.yaml", data={"k": value}, immutable=True)
        user = obj("Deployment", "d", spec={"volumes": [{"configMap": {"name": f"c-{name}"}}]})
        text = obj("Workflow", "w", spec={"manifest": f"use c-{name} here"})
        return out(config, user, text)

    config, deployment, workflow = changes(made("0123456789", "1"), made("abcdefabcd", "2"))
    assert (config.action, config.was, config.name) == ("change", "c-0123456789", "c-abcdefabcd")
    assert said(config) == [("data.k", "1", "2")]
    assert (deployment.follows, deployment.fields, deployment.action) == (True, (), "change")
    assert workflow.follows


def test_a_job_called_after_its_content_is_replaced_also_where_it_only_follows() -> None:
    def made(name: str) -> Emitted:
        config = obj("ConfigMap", f"c-{name}", "configmap-c.yaml", data={"k": name})
        job = obj("Job", f"j-{name}", "job-j.yaml", spec={"config": f"c-{name}"}, api="batch/v1")
        return out(config, job)

    job = changes(made("0123456789"), made("abcdefabcd"))[1]
    assert (job.kind, job.action, job.follows, job.was) == ("Job", "replace", True, "j-0123456789")


def test_a_name_that_only_looks_hashed_is_another_object() -> None:
    base, head = obj("Service", "a-0123456789"), obj("Service", "a-abcdefabcd")
    assert sorted(item.action for item in changes(out(base), out(head))) == ["add", "remove"]


def test_the_digest_of_the_program_says_nothing_of_its_own() -> None:
    old, new = "0" * 64, "f" * 64
    base = out(obj("A", "a", env=[{"name": "D", "value": old}]), obj("B", "b", text=f"spec {old}"))
    head = out(obj("A", "a", env=[{"name": "D", "value": new}]), obj("B", "b", text=f"spec {new}, and more"))
    follower, other = changes(base, head, digests=(old, new))
    assert follower.follows and not other.follows
    assert [item.follows for item in changes(base, head)] == [False, False]


@pytest.mark.parametrize(
    ("kind", "before", "after", "action"),
    [
        ("Job", {"template": {"x": 1}}, {"template": {"x": 2}}, "replace"),
        ("Job", {"parallelism": 1}, {"parallelism": 2}, "change"),
        ("Deployment", {"selector": {"a": "b"}}, {"selector": {"a": "c"}}, "replace"),
        ("Deployment", {"template": {"x": 1}}, {"template": {"x": 2}}, "change"),
        ("StatefulSet", {"serviceName": "a"}, {"serviceName": "b"}, "replace"),
        ("StatefulSet", {"replicas": 1}, {"replicas": 2}, "change"),
        ("PersistentVolumeClaim", {"storageClassName": "a"}, {"storageClassName": "b"}, "replace"),
        (
            "PersistentVolumeClaim",
            {"resources": {"requests": {"storage": "1Gi"}}},
            {"resources": {"requests": {"storage": "2Gi"}}},
            "change",
        ),
        ("Service", {"clusterIP": "None"}, {}, "replace"),
        ("Service", {"ports": [{"port": 1}]}, {"ports": [{"port": 2}]}, "change"),
    ],
)
def test_what_the_api_server_does_not_change_in_place_is_replaced(
    kind: str, before: dict[str, Any], after: dict[str, Any], action: str
) -> None:
    assert one(obj(kind, "a", spec=before), obj(kind, "a", spec=after)).action == action


def test_an_immutable_config_map_that_keeps_its_name_is_replaced() -> None:
    assert one(
        obj("ConfigMap", "c", data={"a": "1"}, immutable=True), obj("ConfigMap", "c", data={"a": "2"})
    ).action == ("replace")
    assert one(obj("ConfigMap", "c", data={"a": "1"}), obj("ConfigMap", "c", data={"a": "2"})).action == "change"


def test_services_and_volumes_of_compose_are_objects() -> None:
    def compose(**sections: Any) -> Emitted:
        return out(Document(path="compose.yaml", data={"name": "demo", **sections}), target="compose")

    base = compose(services={"a": {"image": "x"}, "b": {"image": "y"}}, volumes={"v": None, "w": {"driver": "local"}})
    head = compose(services={"a": {"image": "z"}, "c": None}, volumes={"w": {"driver": "nfs"}}, configs={"k": {}})
    found = [(item.action, item.kind, item.name) for item in changes(base, head)]
    assert found == [
        ("change", "", "compose/compose.yaml"),
        ("change", "service", "a"),
        ("remove", "service", "b"),
        ("add", "service", "c"),
        ("remove", "volume", "v"),
        ("replace", "volume", "w"),
    ]


def test_the_list_of_files_of_kustomize_is_no_object() -> None:
    def listing(*files: str) -> Document:
        data = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": list(files)}
        return Document(path="kustomization.yaml", data=data)

    assert changes(out(listing("a.yaml")), out(listing("a.yaml", "b.yaml"))) == ()


def test_what_looks_like_a_secret_is_concealed_wherever_it_stands() -> None:
    secret = "AKIA" + "ABCDEFGHIJKLMNOP"
    base = obj("A", "a", env=[{"name": "DB_PASSWORD", "value": "hunter2xyz"}], url="x", api_key="plain", gone="x")
    head = obj(
        "A",
        "a",
        env=[{"name": "DB_PASSWORD", "value": "hunter3xyz"}],
        url=f"https://u:{secret}@h",
        api_key="s3cretvalue",
    )
    added = out(head, obj("B", "b", data={"DB_PASSWORD": "hunter4xyz", "text": f"key {secret}"}))
    shown = repr(changes(out(base), added))
    assert not any(text in shown for text in ("hunter", secret, "s3cretvalue"))


def test_a_long_text_is_told_by_its_beginning() -> None:
    change = one(obj("A", "a", text="x"), obj("A", "a", text="y" * 100_000))
    (field,) = change.fields
    assert isinstance(field.after, str) and len(field.after) < 5000 and field.after.endswith("(100000 characters)")


def test_true_and_1_and_a_text_of_either_are_not_the_same() -> None:
    assert said(one(obj("A", "a", x=1), obj("A", "a", x=True))) == [("x", 1, True)]
    assert said(one(obj("A", "a", x=1), obj("A", "a", x="1"))) == [("x", 1, "1")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab\n{[", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "a", "b"]), inner, max_size=3),
    max_leaves=12,
)
OUTPUTS = st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4).map(
    lambda bodies: out(*(obj("A", name, spec=body) for name, body in bodies.items()))
)
MIRROR = {"add": "remove", "remove": "add", "change": "change", "replace": "replace"}


@given(OUTPUTS)
def test_an_output_beside_itself_has_no_difference(output: Emitted) -> None:
    assert changes(output, output) == ()


@given(OUTPUTS, OUTPUTS)
def test_backwards_every_change_is_the_other_way_round(base: Emitted, head: Emitted) -> None:
    there, back = changes(base, head), changes(head, base)
    assert sorted((item.name, MIRROR[item.action]) for item in there) == sorted(
        (item.name, item.action) for item in back
    )


@given(OUTPUTS, OUTPUTS)
def test_what_is_told_differs_and_what_differs_is_told(base: Emitted, head: Emitted) -> None:
    before = {
        item.data["metadata"]["name"]: item.data for _, items in base for item in items if isinstance(item, Document)
    }
    after = {
        item.data["metadata"]["name"]: item.data for _, items in head for item in items if isinstance(item, Document)
    }
    found = {item.name for item in changes(base, head)}
    ordered = repr  # 1 and True are equal, and their texts are not
    differ = {name for name in before.keys() | after.keys() if ordered(before.get(name)) != ordered(after.get(name))}
    assert found <= differ
    assert {name for name in differ if before.get(name) != after.get(name) and _sorted(before, after, name)} <= found
    for item in changes(base, head):
        assert all(field.added or field.removed or (field.before, field.after) != (None, None) for field in item.fields)


def _sorted(before: dict[str, Any], after: dict[str, Any], name: str) -> bool:
    """Whether the two are not the same entries in another order, which is no difference."""
    return _key(before.get(name)) != _key(after.get(name))


def _key(value: Any) -> str:
    if isinstance(value, dict):
        return str(sorted((key, _key(item)) for key, item in value.items()))
    if isinstance(value, list):
        return str(sorted(map(_key, value)))
    return repr(value)

"""Objects that users add as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mlwright.emit import objects
from mlwright.emit.kube.join import join
from mlwright.ir import AddedObjects, Origin, Project
from mlwright.source.files import Memory
from mlwright.target import Document, Joined, TextFile
from mlwright.testing import programs

SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n"
AT = Origin(path=("objects", "extras"))
OURS = Document(
    path="configmap-ours.yaml",
    data={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ours", "namespace": "churn"}},
    origins={(): Origin(path=("steps", "a"))},
)
LISTING = Document(path="kustomization.yaml", data={"kind": "Kustomization", "resources": ["configmap-ours.yaml"]})


def project(namespace: str = "churn") -> Project:
    made = programs.project()
    return replace(made, environment=replace(made.environment, namespace=namespace))


def joined(*texts: str, namespace: str = "churn", emitted: tuple[Document | TextFile, ...] = (LISTING, OURS)) -> Joined:
    names = [f"{position}.yaml" for position, _ in enumerate(texts)]
    tree = Memory({f"k8s/{name}": text for name, text in zip(names, texts, strict=True)})
    read, found = objects.read([AddedObjects(name="extras", path="k8s", target="kubernetes", origin=AT)], tree, "")
    assert list(found) == []
    return join(read, emitted, project(namespace), programs.context())


def added(result: Joined) -> dict[str, Any]:
    (found,) = [item for item in result.items if isinstance(item, Document) and item.path.startswith("objects/")]
    return found.data


def test_an_object_keeps_what_it_says_and_gets_namespace_and_labels() -> None:
    result = joined(SETTINGS.replace("{name: settings}", "{name: settings, labels: {app.kubernetes.io/name: mine}}"))
    assert list(result.findings) == []
    data = added(result)
    assert data["data"] == {"a": "b"}
    about = data["metadata"]
    assert (about["name"], about["namespace"]) == ("settings", "churn")
    assert about["labels"]["app.kubernetes.io/name"] == "mine"
    assert about["labels"]["mlwright.dev/node"] == "objects.extras"
    assert about["labels"]["app.kubernetes.io/managed-by"] == "mlwright"


def test_it_is_listed_with_the_others() -> None:
    result = joined(SETTINGS)
    assert isinstance(listing := result.items[0], Document)
    assert listing.data["resources"] == ["configmap-ours.yaml", "objects/extras/0.yaml"]
    alone = joined(SETTINGS, emitted=())
    assert isinstance(listing := alone.items[0], Document)
    assert listing.data["resources"] == ["objects/extras/0.yaml"]


def test_nothing_in_it_is_a_template() -> None:
    text = SETTINGS.replace("{a: b}", "{a: '${params.x} {{ x }} $(y)'}")
    assert added(joined(text))["data"] == {"a": "${params.x} {{ x }} $(y)"}


def test_an_object_of_the_whole_cluster_is_in_no_namespace() -> None:
    text = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\nprovisioner: x\n"
    assert "namespace" not in added(joined(text))["metadata"]
    assert "namespace" not in added(joined(SETTINGS, namespace=""))["metadata"]
    queue = "apiVersion: kueue.x-k8s.io/v1beta2\nkind: ClusterQueue\nmetadata: {name: gpus}\nspec: {}\n"
    assert "namespace" not in added(joined(queue))["metadata"]
    assert added(joined(queue.replace("ClusterQueue", "Cluster")))["metadata"]["namespace"] == "churn"
    (found,) = joined(text.replace("{name: fast}", "{name: fast, namespace: churn}")).findings
    assert (found.code, found.message) == ("PATCH012", "a StorageClass is in no namespace")


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("kind: ConfigMap\nmetadata: {name: a}", "PATCH012", "a Kubernetes object says its `apiVersion`"),
        ("apiVersion: v1\nmetadata: {name: a}", "PATCH012", "a Kubernetes object says its `kind`"),
        ("apiVersion: v1\nkind: ConfigMap", "PATCH012", "a Kubernetes object that is applied has a name"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}", "PATCH012", "has a name"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: [b]}", "PATCH012", "maps names to texts"),
        ("apiVersion: v1\nkind: List\nmetadata: {name: a}\nitems: []", "PATCH012", "a List is no object"),
        (
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {name: a}",
            "PATCH013",
            "the kustomization is ours to write",
        ),
        (
            SETTINGS.replace("{name: settings}", "{name: a, namespace: other}"),
            "PATCH013",
            "the objects of environment `local` are in the namespace `churn`",
        ),
        (
            SETTINGS.replace("{name: settings}", "{name: a, labels: {mlwright.dev/node: x}}"),
            "PATCH013",
            "`mlwright.dev/node` says what mlwright made",
        ),
        (SETTINGS.replace("settings", "ours"), "PATCH014", "there are two objects ConfigMap ours"),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {k: eA==}",
            "PATCH015",
            "a Secret would be written into the output with its values",
        ),
    ],
)
def test_an_object_that_cannot_join_is_refused_where_it_says_so(text: str, code: str, message: str) -> None:
    result = joined(text)
    (found,) = result.findings
    assert found.code == code and message in found.message
    assert found.at.span is not None and found.at.span.file == "k8s/0.yaml"
    assert result.items == (LISTING, OURS)


def test_two_files_with_one_object_are_refused_with_both_places() -> None:
    (found,) = joined(SETTINGS, SETTINGS).findings
    assert found.code == "PATCH014"
    assert found.related[0].span is not None and found.related[0].span.file == "k8s/0.yaml"
    assert joined(SETTINGS, SETTINGS.replace("ConfigMap", "Role")).findings.failed is False


def test_a_service_account_token_has_no_values_to_hide() -> None:
    text = (
        "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/service-account-token\n"
        "metadata: {name: a, annotations: {kubernetes.io/service-account.name: a}}\n"
    )
    assert list(joined(text).findings) == []


def test_two_documents_in_a_file_are_refused() -> None:
    tree = Memory({"k8s/a.yaml": f"{SETTINGS}---\n{SETTINGS}"})
    read, found = objects.read([AddedObjects(name="e", path="k8s/a.yaml", target="kubernetes", origin=AT)], tree, "")
    assert read == () and [item.code for item in found] == ["YAML007"]

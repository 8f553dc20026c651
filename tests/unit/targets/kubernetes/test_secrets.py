"""Secrets in a cluster: references, what makes them, what people have to make, and never a value."""

from __future__ import annotations

import yaml
from tests.unit.targets.kubernetes.environments import FULL, PLAIN, built, objects

USED = """\
secrets:
  lake: {keys: [AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY]%s}
  theirs: {keys: [token], name: made-by-others}
  user: {keys: [username, password]}
  idle: {keys: [token]}
steps:
  a: {image: "a:1", command: [a], env: {T: "${secrets.theirs.token}", L: "${secrets.lake.AWS_ACCESS_KEY_ID}"}}
tracking: {auth: {type: basic, secret: user}}
"""
STORED = USED % ", remote: ml/lake"
SEALED = f"{PLAIN}sealed_secrets: '0.36'\n"


def test_a_store_fills_each_key_from_the_property_of_the_same_name() -> None:
    body = objects(STORED, FULL)["ExternalSecret/demo-lake"]["spec"]
    assert body["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "vault"}
    assert body["target"] == {"name": "demo-lake", "creationPolicy": "Owner", "deletionPolicy": "Retain"}
    assert [(one["secretKey"], one["remoteRef"]["key"], one["remoteRef"]["property"]) for one in body["data"]] == [
        ("AWS_ACCESS_KEY_ID", "ml/lake", "AWS_ACCESS_KEY_ID"),
        ("AWS_SECRET_ACCESS_KEY", "ml/lake", "AWS_SECRET_ACCESS_KEY"),
    ]
    assert body["refreshInterval"] == "1h0m0s"


def test_random_values_of_the_server_are_made_in_the_cluster_and_never_again() -> None:
    found = objects(STORED, FULL)
    body = found["ExternalSecret/demo-mlflow-server"]["spec"]
    assert body["refreshInterval"] == "0s"
    assert body["dataFrom"][0]["sourceRef"]["generatorRef"]["name"] == "demo-mlflow-server"
    assert found["Password/demo-mlflow-server"]["spec"]["secretKeys"] == ["session-key"]


def test_what_nothing_makes_is_told_with_its_keys_and_what_nobody_needs_is_not() -> None:
    header = built(USED % "").files["kubernetes/kustomization.yaml"].decode().partition("apiVersion")[0]
    assert "-n ml demo-lake --from-literal=AWS_ACCESS_KEY_ID=... --from-literal=AWS_SECRET_ACCESS_KEY=..." in header
    assert "made-by-others --from-literal=token=..." in header
    assert "idle" not in header
    assert (
        "demo-lake"
        not in built(STORED, FULL).files["kubernetes/kustomization.yaml"].decode().partition("apiVersion")[0]
    )


def test_a_sealed_secret_to_be_filled_in_is_beside_what_is_applied() -> None:
    files = built(USED % "", SEALED).files
    placeholder = files["kubernetes/placeholders/sealedsecret-demo-lake.yaml"].decode()
    assert "kubeseal" in placeholder
    body = yaml.safe_load(placeholder)
    assert set(body["spec"]["encryptedData"].values()) == {""}
    assert body["spec"]["template"]["metadata"]["name"] == "demo-lake"
    assert "placeholders" not in files["kubernetes/kustomization.yaml"].decode()
    assert "kubernetes/placeholders/sealedsecret-made-by-others.yaml" not in files
    assert not [path for path in built(USED % "").files if "placeholders" in path]

"""What Argo Events, Argo CD and ops' overlays are given is accepted by a real API server."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tests.e2e.kubernetes import crds
from tests.e2e.kubernetes.applied import Output, checked, drift, intent, output
from tests.e2e.kubernetes.plane import Plane
from tests.e2e.programs import Missing

from mlwright import api

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

SPEC = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: delivered}
params: {epochs: 10}
secrets: {lake: {keys: [AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY]}, login: {keys: [username, password]}}
storage: {scratch: {type: volume, size: 1Gi}}
steps: {a: {command: [python, a.py, "${params.epochs}", "${storage.scratch}"], image: "python:3.12-slim"}}
environments: {prod: {platform: prod.yaml, namespace: delivered, start: on_change}}
gitops: {repo: "https://git.example.com/acme/churn"}
pipelines:
  nightly: {run: [steps.a], schedule: "0 3 * * *"}
  retrain:
    run: [steps.a]
    triggers:
      called: {type: webhook, secret: login, params: {epochs: "${event.body.epochs}"}}
      pushed: {type: git-push, repo: "https://github.com/acme/churn", secret: login}
      after: {type: pipeline, pipeline: nightly}
      landed: {type: object-created, uri: "s3://in/", secret: lake, queue: "arn:aws:sqs:eu-west-1:123456789012:q"}
      uploaded: {type: object-created, uri: "s3://in/", secret: lake, endpoint: "https://minio.example.com"}
      asked: {type: message, broker: kafka, address: "kafka:9092", topic: t, secret: login}
      monthly: {type: cron, cron: "0 6 1 * *"}
      promoted: {type: model-version, model: churn}
"""
PLATFORM = """\
apiVersion: mlwright.dev/v1
kind: Platform
orchestrator: argo
kubernetes: "1.36"
argo_workflows: "4.1"
argo_events: "1.9"
argo_cd: "3.5"
network: {policies: true}
"""


@pytest.fixture(scope="module")
def folder(plane: Plane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled environment; its kinds and namespaces are there."""
    root = tmp_path_factory.mktemp("delivered")
    (root / "mlproject.yaml").write_text(SPEC, "utf-8")
    (root / "prod.yaml").write_text(PLATFORM, "utf-8")
    result = api.compile([str(root / "mlproject.yaml")])
    assert not result.failed, result.diagnostics
    made = root / "manifests" / "prod"
    everything = [*output(plane, made).documents, *output(plane, made / "argo/cd").documents]
    try:
        crds.installed(plane, *crds.names({(one["apiVersion"].rpartition("/")[0], one["kind"]) for one in everything}))
    except Missing as problem:
        pytest.fail(str(problem), pytrace=False)
    for name in ("delivered", "argocd"):
        plane.namespace(name)
    return made


@pytest.fixture(scope="module")
def applied(plane: Plane, folder: Path) -> Output:
    found = output(plane, folder)
    found.apply()
    return found


def test_what_listens_and_what_it_starts_is_accepted_and_stays(applied: Output) -> None:
    kinds = [one["kind"] for one in applied.documents]
    assert (kinds.count("EventSource"), kinds.count("Sensor")) == (8, 8)
    before = applied.live()
    applied.apply()
    assert {place: intent(one) for place, one in applied.live().items()} == {
        place: intent(one) for place, one in before.items()
    }
    for document in applied.documents:
        if document["kind"] in ("EventSource", "Sensor"):
            live = applied.plane.ask("GET", applied.place(document))
            assert list(drift(document, live)) == []


def test_a_workflow_of_each_sensor_would_be_accepted(applied: Output) -> None:
    sensors = [one["spec"] for one in applied.documents if one["kind"] == "Sensor"]
    made = [each["template"]["k8s"]["source"]["resource"] for spec in sensors for each in spec["triggers"]]
    assert len(made) == 8
    assert not [why for one in made if (why := checked(applied.plane, one))]


def test_the_application_is_accepted_and_stays_as_it_was_sent(plane: Plane, folder: Path, applied: Output) -> None:
    delivery = output(plane, folder / "argo/cd")
    delivery.apply()
    assert {one["kind"] for one in delivery.documents} == {"Application", "AppProject"}
    for document in delivery.documents:
        assert list(drift(document, plane.ask("GET", delivery.place(document)))) == []
    (project,) = [one for one in delivery.documents if one["kind"] == "AppProject"]
    allowed = {(one["group"], one["kind"]) for one in project["spec"]["namespaceResourceWhitelist"]}
    assert allowed == {(one["apiVersion"].rpartition("/")[0], one["kind"]) for one in applied.documents}


def test_an_overlay_of_one_variable_is_accepted_with_all_the_rest(plane: Plane, folder: Path, applied: Output) -> None:
    template = next(one for one in applied.documents if one["kind"] == "WorkflowTemplate")
    step = next(one for one in template["spec"]["templates"] if one.get("container", {}).get("env"))
    name = step["container"]["env"][0]["name"]
    patch = {
        **{key: template[key] for key in ("apiVersion", "kind")},
        "metadata": {key: template["metadata"][key] for key in ("name", "namespace")},
        "spec": {"templates": [{"name": step["name"], "container": {"env": [{"name": name, "value": "overlaid"}]}}]},
    }
    own = folder.parent.parent / "overlay"
    own.mkdir()
    whole = {"resources": ["../manifests/prod"], "patches": [{"patch": yaml.safe_dump(patch)}]}
    (own / "kustomization.yaml").write_text(yaml.safe_dump(whole), "utf-8")
    overlaid = output(plane, own)
    overlaid.apply()
    live = plane.ask("GET", overlaid.place(template))
    templates = {one["name"]: one for one in live["spec"]["templates"]}
    assert set(templates) == {one["name"] for one in template["spec"]["templates"]}
    found = {one["name"]: one.get("value") for one in templates[step["name"]]["container"]["env"]}
    assert found == {**{one["name"]: one.get("value") for one in step["container"]["env"]}, name: "overlaid"}

"""What hears of each kind of event, and what it starts: shapes as Argo Events' own types have them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contract.argo.typed import lost

from mlwright import api

HEAD = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: churn}
params: {epochs: 10, day: {type: string}, note: none}
secrets:
  lake: {keys: [AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY]}
  hook: {keys: [token], name: shared-hook}
  broker: {keys: [username, password]}
data: {customers: {source: "s3://acme-lake/churn/new+customers.csv", secret: lake}}
steps:
  a: {command: [python, a.py, "${params.epochs}", "${params.day}", "${params.note}"], image: "python:3.12-slim"}
environments: {prod: {platform: prod.yaml, namespace: ml%s}}
pipelines:
  nightly: {run: [steps.a]}
  retrain:
    run: [steps.a]
    params: {epochs: 20}
    triggers:
      t: %s
"""
PLATFORM = """\
apiVersion: mlwright.dev/v1
kind: Platform
orchestrator: argo
kubernetes: "1.36"
argo_workflows: {version: "4.1", instance_id: ml}
argo_events: {version: "1.9", event_bus: shared}
"""
INERT = r'{{ index .Input %s | default dict | toJson | replace "{{" "{\u007b" }}'
"""The event as JSON without `{{`, which Argo would fill in."""
Object = dict[str, Any]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def compiled(trigger: str, environment: str = "") -> dict[str, Object]:
    """The objects of target argo for a pipeline with one trigger, by file name."""
    Path("mlproject.yaml").write_text(HEAD % (environment, trigger), "utf-8")
    Path("prod.yaml").write_text(PLATFORM, "utf-8")
    result = api.compile()
    assert not [one for one in result.diagnostics if one.severity == "error"], result.diagnostics
    return {path.name: yaml.safe_load(path.read_text("utf-8")) for path in Path("manifests/prod/argo").glob("*.yaml")}


def refused(trigger: str) -> dict[str, str]:
    """Code -> message of the errors that a trigger gets."""
    Path("mlproject.yaml").write_text(HEAD % ("", trigger), "utf-8")
    Path("prod.yaml").write_text(PLATFORM, "utf-8")
    return {one.code: one.message for one in api.validate().diagnostics if one.severity == "error"}


def listened(trigger: str) -> tuple[str, Object, Object]:
    """(kind of the source, its spec, the Sensor's spec) of a trigger."""
    files = compiled(trigger)
    source, sensor = files["eventsource-churn-retrain-t.yaml"], files["sensor-churn-retrain-t.yaml"]
    assert lost(source) == [] and lost(sensor) == []
    kind = next(key for key in source["spec"] if key not in ("eventBusName", "template", "service"))
    (dependency,) = sensor["spec"]["dependencies"]
    assert (dependency["eventSourceName"], dependency["eventName"]) == ("churn-retrain-t", "t")
    return kind, source["spec"][kind]["t"], sensor["spec"]


def workflow(sensor: Object) -> Object:
    (trigger,) = sensor["triggers"]
    made = trigger["template"]["k8s"]
    assert made["operation"] == "create"
    resource = made["source"]["resource"]
    assert isinstance(resource, dict)
    return resource


def taken(sensor: Object) -> dict[str, Object]:
    """Where values of the event go: the name of the argument, or the path, and the source."""
    arguments = workflow(sensor)["spec"]["arguments"]["parameters"]
    found = {}
    for one in sensor["triggers"][0]["template"]["k8s"]["parameters"]:
        place = re.fullmatch(r"spec\.arguments\.parameters\.(\d+)\.value", one["dest"])
        name = arguments[int(place[1])]["name"] if place else one["dest"]
        assert one["src"].pop("dependencyName") == "event"
        found[name] = one["src"]
    return found


def filters(sensor: Object) -> dict[str, list[str]]:
    (dependency,) = sensor["dependencies"]
    return {one["path"]: one["value"] for one in dependency.get("filters", {}).get("data", [])}


def passes(sensor: Object, path: str, value: str) -> bool:
    """Whether the Sensor's filter at `path` lets a value through, as Argo Events does: any of its expressions."""
    return any(re.search(pattern, value) for pattern in filters(sensor)[path])


def test_a_call_starts_the_pipelines_template_with_what_it_brings() -> None:
    trigger = '{type: webhook, path: /go, secret: hook, params: {epochs: "${event.body.epochs}", note: asked}}'
    kind, spec, sensor = listened(trigger)
    assert (kind, spec["endpoint"], spec["port"], spec["method"]) == ("webhook", "/go", "12000", "POST")
    assert spec["authSecret"] == {"name": "shared-hook", "key": "token"}
    made = workflow(sensor)
    assert made["spec"]["workflowTemplateRef"] == {"name": "churn-retrain"}
    assert made["metadata"]["generateName"] == "churn-retrain-"
    assert made["metadata"]["namespace"] == "ml"
    assert made["metadata"]["labels"]["workflows.argoproj.io/controller-instanceid"] == "ml"
    given = {one["name"]: one["value"] for one in made["spec"]["arguments"]["parameters"]}
    assert given == {"epochs": "20", "note": "asked", "mlwright-event": "{}"}
    assert taken(sensor) == {
        "epochs": {"dataKey": "body.epochs", "value": "20"},
        "mlwright-event": {"dataTemplate": INERT % '"body"', "value": "{}"},
    }


def test_a_parameter_without_a_default_has_to_be_in_the_event() -> None:
    _, _, sensor = listened('{type: webhook, params: {day: "${event.body.when.day}"}}')
    assert taken(sensor)["day"] == {"dataKey": "body.when.day"}


def test_a_text_around_a_value_of_the_event_stays_what_it_is() -> None:
    _, _, sensor = listened("{type: webhook, params: {note: 'x {{ y }} ${event.body.by} $${z}'}}")
    template = '{{"{{"}} y }} {{ index .Input "body" "by" }} ${z}'
    assert taken(sensor)["note"] == {"dataTemplate": f"x {template}", "value": "none"}


def test_a_webhook_has_a_path_and_a_service_of_its_own() -> None:
    files = compiled("{type: webhook}")
    spec = files["eventsource-churn-retrain-t.yaml"]["spec"]
    assert spec["webhook"]["t"]["endpoint"] == "/retrain/t"
    assert spec["service"]["ports"][0]["port"] == 12000
    assert spec["eventBusName"] == files["sensor-churn-retrain-t.yaml"]["spec"]["eventBusName"] == "shared"


def test_a_sensor_may_make_workflows_and_nothing_else() -> None:
    files = compiled("{type: webhook}")
    assert files["sensor-churn-retrain-t.yaml"]["spec"]["template"]["serviceAccountName"] == "churn-starter"
    assert files["role-churn-starter.yaml"]["rules"] == [
        {"apiGroups": ["argoproj.io"], "resources": ["workflows"], "verbs": ["create"]}
    ]
    assert "serviceAccountName" not in files["eventsource-churn-retrain-t.yaml"]["spec"]["template"]
    assert not [name for name in files if "listener" in name]
    assert not [name for name in files if name.startswith("eventbus")]


def test_the_pods_of_argo_events_are_restricted() -> None:
    files = compiled("{type: webhook}")
    for name in ("eventsource-churn-retrain-t.yaml", "sensor-churn-retrain-t.yaml"):
        template = files[name]["spec"]["template"]
        assert template["securityContext"]["runAsNonRoot"]
        assert template["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert template["container"]["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_a_new_object_in_s3_comes_by_its_queue() -> None:
    queue = "arn:aws:sqs:eu-central-1:123456789012:landed"
    kind, spec, sensor = listened(
        f'{{type: object-created, uri: "${{data.customers.uri}}", secret: lake, queue: "{queue}"}}'
    )
    assert kind == "sqs"
    assert (spec["region"], spec["queue"], spec["queueAccountId"]) == ("eu-central-1", "landed", "123456789012")
    assert spec["accessKey"] == {"name": "churn-lake", "key": "AWS_ACCESS_KEY_ID"}
    key = "body.Records.0.s3.object.key"
    assert passes(sensor, key, "churn/new%2Bcustomers.csv")
    assert not passes(sensor, key, "churn/new%2BcustomersXcsv")
    assert not passes(sensor, key, "old/churn/new%2Bcustomers.csv")
    assert passes(sensor, "body.Records.0.eventName", "ObjectCreated:Put")
    assert not passes(sensor, "body.Records.0.eventName", "ObjectRemoved:Delete")
    assert not passes(sensor, "body.Records.0.s3.bucket.name", "acme-lake-old")


@pytest.mark.parametrize(
    ("uri", "key", "passed"),
    [
        ("s3://b/in/", "in/x/y.csv", True),
        ("s3://b/in/", "inner.csv", False),
        ("s3://b/in", "in/x.csv", True),
        ("s3://b/in", "inner.csv", False),
        ("s3://b", "anything", True),
        ("s3://b/", "anything", True),
        ("s3://b/a+b(1).csv", "a%2Bb%281%29.csv", True),
    ],
)
def test_a_folder_is_everything_below_it(uri: str, key: str, passed: bool) -> None:
    _, _, sensor = listened(f'{{type: object-created, uri: "{uri}", queue: "arn:aws:sqs:eu-west-1:123456789012:q"}}')
    assert passes(sensor, "body.Records.0.s3.object.key", key) == passed


def test_minio_is_asked_itself() -> None:
    kind, spec, sensor = listened(
        '{type: object-created, uri: "s3://in/churn/", secret: lake, endpoint: "http://minio:9000"}'
    )
    assert (kind, spec["endpoint"], spec["insecure"]) == ("minio", "minio:9000", True)
    assert (spec["bucket"], spec["filter"]["prefix"]) == ({"name": "in"}, "churn/")
    assert spec["accessKey"]["name"] == "churn-lake"
    assert taken(sensor)["mlwright-event"]["dataTemplate"] == INERT % '"notification" 0'


def test_google_tells_a_subscription() -> None:
    kind, spec, sensor = listened('{type: object-created, uri: "gs://in/x.csv", queue: projects/p/subscriptions/s}')
    assert (kind, spec["projectID"], spec["subscriptionID"]) == ("pubSub", "p", "s")
    assert passes(sensor, "attributes.objectId", "x.csv")


def test_azure_tells_a_storage_queue() -> None:
    kind, spec, sensor = listened(
        '{type: object-created, uri: "abfss://in@acme.dfs.core.windows.net/churn/", queue: landed}'
    )
    assert (kind, spec["queueName"], spec["storageAccountName"]) == ("azureQueueStorage", "landed", "acme")
    assert passes(sensor, "body.subject", "/blobServices/default/containers/in/blobs/churn/x.csv")
    assert not passes(sensor, "body.subject", "/blobServices/default/containers/other/blobs/churn/x.csv")


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        ('{type: object-created, uri: "s3://in/x"}', "nothing says where the bucket `in` tells of new objects"),
        ('{type: object-created, uri: "s3://in/x", queue: landed}', "`landed` does not name an SQS queue"),
        ('{type: object-created, uri: "gs://in/x", queue: landed}', "does not name a Pub/Sub subscription"),
        ('{type: object-created, uri: "gs://in/x", endpoint: "https://a.b"}', "only a server of MinIO"),
        ('{type: object-created, uri: "s3://in/x", endpoint: "https://a.b"}', "tells nobody who has no keys"),
        ('{type: object-created, uri: "https://a.b/x", queue: q}', "is in no bucket that tells of new objects"),
    ],
)
def test_a_bucket_that_tells_nobody_is_refused(trigger: str, said: str) -> None:
    assert said in refused(trigger)["TRIG002"]


@pytest.mark.parametrize(
    ("trigger", "code"),
    [
        ("{type: pipeline, pipeline: nightli}", "TRIG001"),
        ("{type: pipeline, pipeline: retrain}", "TRIG001"),
        ("{type: webhook, secret: hok}", "SEC005"),
        ("{type: message, broker: nats, address: a, topic: b, secret: hook}", "SEC006"),
        ('{type: webhook, params: {epoch: "${event.body.x}"}}', "REF011"),
        ('{type: webhook, params: {epochs: "${data.customers}"}}', "REF013"),
        ('{type: object-created, uri: "${data.customer.uri}", queue: q}', "REF011"),
        ("{type: message, broker: mqtt, address: a, topic: b}", "SPEC004"),
        ("{type: cron, cron: hourly}", "CRON001"),
    ],
)
def test_a_trigger_that_cannot_be_is_refused(trigger: str, code: str) -> None:
    assert code in refused(trigger), refused(trigger)


def test_the_end_of_another_pipeline_is_seen_once() -> None:
    kind, spec, sensor = listened("{type: pipeline, pipeline: nightly, status: failed}")
    assert kind == "resource"
    assert {key: spec[key] for key in ("group", "version", "resource")} == {
        "group": "argoproj.io",
        "version": "v1alpha1",
        "resource": "workflows",
    }
    labels = {one["key"]: one["value"] for one in spec["filter"]["labels"]}
    assert labels == {"mlwright.dev/node": "pipelines.nightly", "workflows.argoproj.io/completed": "true"}
    assert spec["eventTypes"] == ["ADD"] and spec["filter"]["afterStart"]
    assert passes(sensor, "body.status.phase", "Error") and not passes(sensor, "body.status.phase", "Succeeded")
    assert workflow(sensor)["metadata"]["name"] == "churn-retrain"
    assert taken(sensor)["metadata.name"] == {"dataTemplate": "churn-retrain-{{ .Input.body.metadata.uid | trunc 8 }}"}


def test_who_watches_workflows_may_only_read_them() -> None:
    files = compiled("{type: pipeline, pipeline: nightly}")
    assert files["role-churn-listener.yaml"]["rules"][0]["verbs"] == ["get", "list", "watch"]
    template = files["eventsource-churn-retrain-t.yaml"]["spec"]["template"]
    assert template["serviceAccountName"] == "churn-listener"


def test_a_push_to_github_is_checked_by_its_signature() -> None:
    kind, spec, sensor = listened(
        '{type: git-push, repo: "git@github.com:acme/churn.git", branch: feature/x.y, secret: hook}'
    )
    assert kind == "github"
    assert spec["repositories"] == [{"owner": "acme", "names": ["churn"]}]
    assert spec["webhookSecret"] == {"name": "shared-hook", "key": "token"}
    assert "apiToken" not in spec
    assert passes(sensor, "body.ref", "refs/heads/feature/x.y")
    assert not passes(sensor, "body.ref", "refs/heads/feature/xzy")
    assert not passes(sensor, "body.ref", "refs/tags/feature/x.y")
    assert not passes(sensor, "body.X-GitHub-Event", "ping")
    assert not passes(sensor, "body.deleted", "true")


def test_without_a_branch_a_push_to_any_is_one_and_a_tag_is_none() -> None:
    _, _, sensor = listened('{type: git-push, repo: "https://github.com/acme/churn", secret: hook}')
    assert passes(sensor, "body.ref", "refs/heads/any") and not passes(sensor, "body.ref", "refs/tags/v1")


def test_a_push_to_gitlab_comes_with_a_bearer_token() -> None:
    """Argo Events checks GitLab's own token only on hooks that it made itself."""
    trigger = (
        '{type: git-push, repo: "https://git.example.com/a/churn.git", provider: gitlab, secret: hook, branch: main}'
    )
    kind, spec, sensor = listened(trigger)
    assert (kind, spec["authSecret"]) == ("webhook", {"name": "shared-hook", "key": "token"})
    assert passes(sensor, "body.ref", "refs/heads/main") and not passes(sensor, "body.ref", "refs/heads/main2")


def test_a_clock_keeps_its_time_zone() -> None:
    kind, spec, sensor = listened('{type: cron, cron: "0 6 1 * *", timezone: Europe/Berlin, params: {epochs: 3}}')
    assert (kind, spec) == ("calendar", {"schedule": "0 6 1 * *", "timezone": "Europe/Berlin"})
    assert taken(sensor) == {}
    given = {one["name"]: one["value"] for one in workflow(sensor)["spec"]["arguments"]["parameters"]}
    assert given["epochs"] == "3"


@pytest.mark.parametrize(
    ("broker", "kind", "where", "key"),
    [
        ("kafka", "kafka", {"url": "h:1", "topic": "t.x"}, "body"),
        ("nats", "nats", {"url": "h:1", "subject": "t.x"}, "body"),
        ("amqp", "amqp", {"url": "h:1", "routingKey": "t.x", "exchangeName": "amq.topic"}, "body"),
        ("redis", "redisStream", {"hostAddress": "h:1", "streams": ["t.x"]}, "values"),
    ],
)
@pytest.mark.parametrize("secret", ["", ", secret: broker"])
def test_a_message_is_read_with_the_login_of_its_secret(
    broker: str, kind: str, where: Object, key: str, secret: str
) -> None:
    trigger = (
        f'{{type: message, broker: {broker}, address: "h:1", topic: t.x{secret}, params: {{day: "${{event.body.d}}"}}}}'
    )
    found, spec, sensor = listened(trigger)
    assert found == kind
    assert {name: spec[name] for name in where} == where
    assert ("churn-broker" in str(spec)) == bool(secret)
    assert taken(sensor)["day"] == {"dataKey": f"{key}.d"}


def test_a_moved_alias_is_told_by_mlflow() -> None:
    kind, spec, sensor = listened("{type: model-version, model: churn.v2, alias: champion}")
    assert kind == "webhook" and "authSecret" not in spec
    assert passes(sensor, "body.data.name", "churn.v2") and not passes(sensor, "body.data.name", "churnXv2")
    assert passes(sensor, "body.entity", "model_version_alias")
    assert not passes(sensor, "body.action", "deleted")
    assert not passes(sensor, "body.data.alias", "challenger")


def test_any_new_version_is_another_event_than_an_alias() -> None:
    _, _, sensor = listened("{type: model-version, model: churn}")
    assert not passes(sensor, "body.entity", "model_version_alias")
    assert "body.data.alias" not in filters(sensor)


def test_nothing_listens_where_a_project_is_being_developed() -> None:
    files = compiled("{type: webhook}", ", mode: development")
    assert not [name for name in files if name.startswith(("eventsource", "sensor"))]


def test_names_stay_short_enough_for_what_argo_events_adds() -> None:
    long = "a-pipeline-with-a-name-of-forty-characte"
    Path("mlproject.yaml").write_text(HEAD.replace("retrain", long) % ("", "{type: webhook}"), "utf-8")
    Path("prod.yaml").write_text(PLATFORM, "utf-8")
    assert not [one for one in api.compile().diagnostics if one.severity == "error"]
    (sensor,) = Path("manifests/prod/argo").glob("sensor-*.yaml")
    name = yaml.safe_load(sensor.read_text("utf-8"))["metadata"]["name"]
    assert len(f"{name}-eventsource-svc") <= 63


def test_what_listens_is_called_from_where_ops_allow_it() -> None:
    Path("mlproject.yaml").write_text(HEAD % ("", "{type: webhook}"), "utf-8")
    Path("prod.yaml").write_text(PLATFORM + "network: {policies: true, allow_from: [gateways]}\n", "utf-8")
    assert not [one for one in api.compile().diagnostics if one.severity == "error"]
    folder = Path("manifests/prod/argo")
    found = {path.name: yaml.safe_load(path.read_text("utf-8")) for path in folder.glob("*.yaml")}
    policy = found["networkpolicy-churn-events.yaml"]["spec"]
    (rule,) = policy["ingress"]
    assert rule["ports"] == [{"port": 12000, "protocol": "TCP"}]
    assert rule["from"] == [
        {"podSelector": {}},
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}}},
    ]
    labels = found["eventsource-churn-retrain-t.yaml"]["spec"]["template"]["metadata"]["labels"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()


def test_pods_of_argo_events_are_not_among_those_that_may_talk_to_nobody() -> None:
    """The policy that denies everything finds the project's pods by this label."""
    files = compiled("{type: webhook}")
    for name in ("eventsource-churn-retrain-t.yaml", "sensor-churn-retrain-t.yaml"):
        assert "app.kubernetes.io/instance" not in files[name]["spec"]["template"]["metadata"]["labels"]


def test_triggers_whose_names_run_together_stay_apart() -> None:
    text = HEAD.replace("  nightly:", "  retrain-t: {run: [steps.a], triggers: {x: {type: webhook}}}\n  nightly:")
    Path("mlproject.yaml").write_text((text % ("", "{type: webhook}")).replace("      t:", "      t-x:"), "utf-8")
    Path("prod.yaml").write_text(PLATFORM, "utf-8")
    assert not [one for one in api.compile().diagnostics if one.severity == "error"]
    sensors = [yaml.safe_load(path.read_text("utf-8")) for path in Path("manifests/prod/argo").glob("sensor-*.yaml")]
    started = {one["metadata"]["name"]: workflow(one["spec"])["spec"]["workflowTemplateRef"]["name"] for one in sensors}
    assert started == {
        "churn-retrain-t-x": "churn-retrain-t",
        "churn-retrain-trigger-t-x": "churn-retrain",
    }

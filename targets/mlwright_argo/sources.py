"""What hears of a trigger's event, for each type: the part of an EventSource, and what the event must say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import Any
from urllib.parse import quote_plus, urlsplit

from mlwright.emit.kube.environment import secret_object
from mlwright.emit.kube.metadata import NODE
from mlwright.ir import Pipeline, Project, Trigger
from mlwright.record import dataclass

PORT = 12000
SERVICE: dict[str, Any] = {"ports": [{"name": "http", "port": PORT, "targetPort": PORT, "protocol": "TCP"}]}
"""The Service of an EventSource that is called."""

Object = dict[str, Any]
Filters = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """`kind` is the key of EventSource.spec, `spec` its entry. `filters` are paths in the event and regular
    expressions, one of which must match. `event` is what a run gets as the event: a path in it, or a text with `{{`.
    `keys` are other places for `${event.body.KEY}`; without, it is below `event`. `identity` is a path to what only
    one event has, where the same event comes twice."""

    kind: str
    spec: Object
    filters: Filters = ()
    event: str = "body"
    keys: Mapping[str, str] = field(default_factory=dict)
    listens: bool = False
    identity: str = ""

    def key(self, name: str) -> str:
        """The path in the event of `${event.body.NAME}`."""
        return self.keys.get(name) or f"{self.event}.{name}"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A trigger with its settings as texts."""

    project: Project
    pipeline: Pipeline
    trigger: Trigger

    def __getitem__(self, name: str) -> str:
        found = dict(self.trigger.settings).get(name)
        return found if isinstance(found, str) else ""

    def secret(self, *keys: str) -> list[Object]:
        """References to keys of the trigger's secret; to its only key without `keys`. Empty without a secret."""
        if not self["secret"]:
            return []
        known = next(secret for secret in self.project.secrets if secret.name == self["secret"])
        return [{"name": secret_object(self.project, known.name), "key": key} for key in keys or known.keys[:1]]

    def webhook(self) -> Object:
        """Where it listens."""
        path = self["path"] or f"/{self.pipeline.name}/{self.trigger.name}"
        return {"endpoint": path, "port": str(PORT), "method": "POST"}


def source(project: Project, pipeline: Pipeline, trigger: Trigger) -> Source:
    """What hears of the event of a trigger. A check has refused what nothing here hears."""
    return _TYPES[trigger.type](_Asked(project, pipeline, trigger))


def _webhook(asked: _Asked) -> Source:
    auth = {"authSecret": found[0]} if (found := asked.secret()) else {}
    return Source(kind="webhook", spec={**asked.webhook(), **auth}, listens=True)


def _git(asked: _Asked) -> Source:
    branch = asked["branch"]
    ref = f"^refs/heads/{_exactly(branch)}$" if branch else "^refs/heads/"
    filters: Filters = (("body.ref", (ref,)),)
    owner, _, name = _path(asked["repo"]).rpartition("/")
    secret = asked.secret()
    if asked["provider"] == "gitlab":  # its own source checks the token of its calls only where it made the hook
        return replace(_webhook(asked), filters=(("body.object_kind", ("^push$",)), *filters))
    filters = (("body.X-GitHub-Event", ("^push$",)), ("body.deleted", ("^false$",)), *filters)
    auth = {"webhookSecret": secret[0]} if secret else {}
    spec = {
        "webhook": asked.webhook(),
        "repositories": [{"owner": owner, "names": [name]}],
        "events": ["push"],
        "contentType": "json",
        "active": True,
        **auth,
    }
    return Source(kind="github", spec=spec, filters=filters, listens=True)


def _model(asked: _Asked) -> Source:
    filters = [("body.data.name", (f"^{_exactly(asked['model'])}$",))]
    entity = "model_version_alias" if asked["alias"] else "model_version"
    filters += [("body.entity", (f"^{entity}$",)), ("body.action", ("^created$",))]
    if asked["alias"]:
        filters.append(("body.data.alias", (f"^{_exactly(asked['alias'])}$",)))
    return Source(kind="webhook", spec=asked.webhook(), filters=tuple(filters), listens=True)


def _cron(asked: _Asked) -> Source:
    spec = {"schedule": asked["cron"], "timezone": asked["timezone"] or "UTC"}
    return Source(kind="calendar", spec=spec, event="")


_ENDED = {
    "succeeded": ("^Succeeded$",),
    "failed": ("^Failed$", "^Error$"),
    "ended": ("^Succeeded$", "^Failed$", "^Error$"),
}


def _other(asked: _Asked) -> Source:
    """A workflow comes into view when its label says that it is completed: once, and never one of before."""
    labels = {
        NODE: f"pipelines.{asked['pipeline'].replace('_', '-')}",
        "workflows.argoproj.io/completed": "true",
    }
    spec = {
        "namespace": asked.project.environment.namespace,
        "group": "argoproj.io",
        "version": "v1alpha1",
        "resource": "workflows",
        "eventTypes": ["ADD"],
        "filter": {
            "afterStart": True,
            "labels": [{"key": key, "operation": "==", "value": value} for key, value in labels.items()],
        },
    }
    keys = {"workflow": "body.metadata.name", "status": "body.status.phase"}
    inner = ", ".join(f'"{name}": {{{{ .Input.{path} | quote }}}}' for name, path in keys.items())
    return Source(
        kind="resource",
        spec=spec,
        filters=(("body.status.phase", _ENDED[asked["status"]]),),
        event=f"{{{inner}}}",
        keys=keys,
        identity="body.metadata.uid",
    )


def _message(asked: _Asked) -> Source:
    address, topic, group = asked["address"], asked["topic"], f"{asked.project.name}-{asked.pipeline.name}"
    user = asked.secret("username", "password")
    match asked["broker"]:
        case "kafka":
            login = {"mechanism": "PLAIN", "userSecret": user[0], "passwordSecret": user[1]} if user else {}
            spec = {
                "url": address,
                "topic": topic,
                "jsonBody": True,
                "consumerGroup": {"groupName": group, "oldest": False},
                **({"sasl": login} if user else {}),
            }
            return Source(kind="kafka", spec=spec)
        case "nats":
            basic = {"auth": {"basic": {"username": user[0], "password": user[1]}}} if user else {}
            return Source(
                kind="nats", spec={"url": address, "subject": topic, "jsonBody": True, "queue": group, **basic}
            )
        case "amqp":
            login = {"auth": {"username": user[0], "password": user[1]}} if user else {}
            spec = {
                "url": address,
                "exchangeName": "amq.topic",
                "exchangeType": "topic",
                "routingKey": topic,
                "jsonBody": True,
                "exchangeDeclare": {"durable": True},
                "queueDeclare": {"name": group, "durable": True},
                **login,
            }
            return Source(kind="amqp", spec=spec)
        case _:
            login = {"password": found[0]} if (found := asked.secret("password")) else {}
            spec = {"hostAddress": address, "db": 0, "streams": [topic], "consumerGroup": group, **login}
            return Source(kind="redisStream", spec=spec, event="values")


def _object(asked: _Asked) -> Source:
    parts = urlsplit(asked["uri"])
    match parts.scheme:
        case "s3" if asked["queue"]:
            return _sqs(asked, parts.netloc, parts.path.lstrip("/"))
        case "s3":
            return _minio(asked, parts.netloc, parts.path.lstrip("/"))
        case "gs":
            return _pubsub(asked, parts.netloc, parts.path.lstrip("/"))
        case _:
            container, _, host = parts.netloc.partition("@")
            return _azure(asked, container, host.partition(".")[0], parts.path.lstrip("/"))


def _keys(asked: _Asked) -> Object:
    found = asked.secret("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    return {"accessKey": found[0], "secretKey": found[1]} if found else {}


def _sqs(asked: _Asked, bucket: str, key: str) -> Source:
    _, _, _, region, account, queue = asked["queue"].split(":", 5)
    spec = {
        "region": region,
        "queue": queue,
        "queueAccountId": account,
        "waitTimeSeconds": 20,
        "jsonBody": True,
        **_keys(asked),
    }
    first = "body.Records.0"
    filters = (
        (f"{first}.eventName", ("^ObjectCreated:",)),
        (f"{first}.s3.bucket.name", (f"^{_exactly(bucket)}$",)),
        (f"{first}.s3.object.key", (_below(quote_plus(key, safe="/")),)),
    )
    return Source(kind="sqs", spec=spec, filters=filters)


def _minio(asked: _Asked, bucket: str, key: str) -> Source:
    place = urlsplit(asked["endpoint"])
    spec = {
        "endpoint": place.netloc,
        "insecure": place.scheme == "http",
        "bucket": {"name": bucket},
        "events": ["s3:ObjectCreated:*"],
        "filter": {"prefix": key, "suffix": ""},
        **_keys(asked),
    }
    encoded = (("notification.0.s3.object.key", (_below(quote_plus(key)),)),)
    return Source(kind="minio", spec=spec, filters=encoded, event="notification.0")


def _pubsub(asked: _Asked, bucket: str, key: str) -> Source:
    _, project, _, subscription = asked["queue"].split("/")
    spec: Object = {"projectID": project, "subscriptionID": subscription, "jsonBody": True}
    if found := asked.secret():
        spec["credentialSecret"] = found[0]
    filters = (
        ("attributes.eventType", ("^OBJECT_FINALIZE$",)),
        ("attributes.bucketId", (f"^{_exactly(bucket)}$",)),
        ("attributes.objectId", (_below(key),)),
    )
    return Source(kind="pubSub", spec=spec, filters=filters)


def _azure(asked: _Asked, container: str, account: str, key: str) -> Source:
    spec: Object = {"queueName": asked["queue"], "decodeMessage": True, "jsonBody": True, "waitTimeInSeconds": 3}
    if found := asked.secret():
        spec["connectionString"] = found[0]
    else:
        spec["storageAccountName"] = account
    filters = (
        ("body.eventType", (r"^Microsoft\.Storage\.BlobCreated$",)),
        ("body.subject", (_below(f"/blobServices/default/containers/{container}/blobs/{key}"),)),
    )
    return Source(kind="azureQueueStorage", spec=spec, filters=filters)


def _below(key: str) -> str:
    """A regular expression for an object and everything below it; for everything below a folder."""
    return f"^{_exactly(key)}" + ("" if not key or key.endswith("/") else "(/|%2F|$)")


def _exactly(text: str) -> str:
    """A text as a regular expression of Go, where `-`, `#` and spaces are not escaped."""
    return re.sub(r"([.^$*+?()\[\]{}|\\])", r"\\\1", text)


def _path(repository: str) -> str:
    """`acme/churn` of `https://git.example.com/acme/churn.git` or `git@git.example.com:acme/churn.git`."""
    found = urlsplit(repository).path if "://" in repository else repository.partition(":")[2]
    return found.strip("/").removesuffix(".git")


_TYPES: Mapping[str, Callable[[_Asked], Source]] = {
    "webhook": _webhook,
    "git-push": _git,
    "model-version": _model,
    "cron": _cron,
    "pipeline": _other,
    "message": _message,
    "object-created": _object,
}

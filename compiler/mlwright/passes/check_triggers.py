"""What starts pipelines: whether anything can hear of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.source.suggest import closest
from mlwright.span import Path

QUEUES = {
    "s3": (r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]+", "arn:aws:sqs:eu-central-1:123456789012:landed"),
    "gs": (r"projects/[a-z0-9:.-]+/subscriptions/[A-Za-z0-9._~+%-]+", "projects/acme/subscriptions/landed"),
    "abfss": (r"[a-z0-9]([a-z0-9-]{1,61}[a-z0-9])", "landed"),
}
"""Scheme of a bucket -> the queue that its notifications go to: a pattern, and an example."""
_QUEUE = {"s3": "an SQS queue", "gs": "a Pub/Sub subscription", "abfss": "an Azure storage queue"}


def check_triggers(project: ir.Project) -> Iterable[Diagnostic]:
    """TRIG001 a pipeline that there is not, TRIG002 a bucket that tells nobody. The second only on clusters: nothing
    listens anywhere else."""
    names = {pipeline.name for pipeline in project.pipelines}
    for pipeline in project.pipelines:
        for trigger in pipeline.triggers:
            path: Path = (*pipeline.origin.path, "triggers", trigger.name)
            settings = {key: value for key, value in trigger.settings if isinstance(value, str)}
            if trigger.type == "pipeline":
                yield from _other(pipeline, settings["pipeline"], names, path)
            elif trigger.type == "object-created" and project.environment.platform not in ("local", "compose"):
                yield from _bucket(settings, path)


def _other(pipeline: ir.Pipeline, wanted: str, names: set[str], path: Path) -> Iterator[Diagnostic]:
    at = Label(path=(*path, "pipeline"))
    name = wanted.replace("_", "-")
    if name not in names:
        near = closest(name, sorted(names))
        known = f"did you mean `{near}`?" if near else f"pipelines: {', '.join(sorted(names))}"
        yield Diagnostic(code="TRIG001", message=f"there is no pipeline `{wanted}`", at=at, help=known)
    elif name == pipeline.name:
        yield Diagnostic(
            code="TRIG001",
            message=f"`{wanted}` would start itself whenever it ends, without an end",
            at=at,
            help="name another pipeline, or give it a `schedule`",
        )


def _bucket(settings: dict[str, str], path: Path) -> Iterator[Diagnostic]:
    parts = urlsplit(settings["uri"])
    if parts.scheme not in QUEUES:
        yield Diagnostic(
            code="TRIG002",
            message=f"`{settings['uri']}` is in no bucket that tells of new objects",
            at=Label(path=(*path, "uri")),
            help="name an object or a folder as s3://, gs:// or abfss://",
        )
        return
    queue, endpoint = settings.get("queue", ""), settings.get("endpoint", "")
    pattern, example = QUEUES[parts.scheme]
    if endpoint and parts.scheme != "s3":
        yield Diagnostic(
            code="TRIG002",
            message=f"only a server of MinIO is asked by its address, and `{parts.scheme}://` is none",
            at=Label(path=(*path, "endpoint")),
            help=f"write `queue: {example}`: {_QUEUE[parts.scheme]} that the bucket's notifications go to",
        )
    elif not queue and not endpoint:
        minio = ", or `endpoint: https://ADDRESS` of a MinIO server" if parts.scheme == "s3" else ""
        yield Diagnostic(
            code="TRIG002",
            message=f"nothing says where the bucket `{parts.netloc}` tells of new objects",
            at=Label(path=(*path, "uri")),
            help=f"add `queue: {example}`, {_QUEUE[parts.scheme]} that its notifications go to{minio}",
        )
    elif not queue and not settings.get("secret"):
        yield Diagnostic(
            code="TRIG002",
            message=f"MinIO at `{endpoint}` tells nobody who has no keys",
            at=Label(path=(*path, "endpoint")),
            help="add `secret`, with the keys AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    elif queue and not re.fullmatch(pattern, queue):
        yield Diagnostic(
            code="TRIG002",
            message=f"`{queue}` does not name {_QUEUE[parts.scheme]}",
            at=Label(path=(*path, "queue")),
            help=f"write it like `{example}`",
        )

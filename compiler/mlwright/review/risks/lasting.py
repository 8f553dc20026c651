"""Rules of what is lost, made anew or out of reach for a while."""

from __future__ import annotations

from mlwright.ir import Json
from mlwright.review.model import ObjectChange, Remark
from mlwright.review.risks.rule import (
    Rule,
    amount,
    at,
    became,
    below,
    either,
    fields,
    gone,
    holds,
    kinds,
    lost,
    matches,
    moved,
    part,
    shrank,
    some,
)

_CLAIMS = ("PersistentVolumeClaim", "volume")
_SERVERS = ("Deployment", "StatefulSet", "InferenceService", "LLMInferenceService", "InferenceGraph")
_WAYS_IN = ("Ingress", "HTTPRoute", "VirtualService", "Gateway")
_STORES = ("backend_store", "registry_store", "artifacts", "server")


def _own_volume(remark: Remark) -> bool:
    """A volume of the project's own that is there no more, or is another thing now."""
    gone_now = remark.after is None and below(remark.before, ("size",)) is not None
    turned = matches("storage.*.type", remark.path) and remark.before == "volume"
    sized = matches("storage.*.size", remark.path) and remark.after is None
    return (matches("storage.*", remark.path) and gone_now) or turned or sized


def _store(before: Json, after: Json) -> bool:
    return before is not None and before != after


def _name(change: ObjectChange) -> bool:
    """A server that is replaced, or gone, under its name."""
    return change.kind in _SERVERS and change.action in ("remove", "replace")


def _asleep(change: ObjectChange) -> bool:
    return change.kind in _SERVERS and any(
        field.after == 0 and amount(field.before) > 0
        for field in fields(change, "spec.replicas", "spec.predictor.minReplicas")
    )


def _back(remark: Remark) -> bool:
    """The lock pins an earlier version."""
    old, new = (below(value, ("version",)) for value in (remark.before, remark.after))
    return (
        matches("lock.models.*", remark.path)
        and str(old).isdigit()
        and str(new).isdigit()
        and int(str(new)) < int(str(old))
    )


def _other_path(before: Json, after: Json) -> bool:
    return before is not None and (below(before, ("path",)) or "/") != (below(after, ("path",)) or "/")


def _retention(before: Json, after: Json) -> bool:
    return after is not None and (before is None or shrank(before, after))


RULES = (
    Rule(
        id="volume-shrunk",
        risk="data-loss",
        reason="A volume never shrinks in place: a smaller one is a new one, and what is on the old one is not copied.",
        remark=at("storage.*.size", "tracking.artifacts.size", when=shrank),
        change=lambda change: (
            change.kind in _CLAIMS
            and any(shrank(field.before, field.after) for field in fields(change, "spec.resources.requests.storage"))
        ),
    ),
    Rule(
        id="volume-removed",
        risk="data-loss",
        reason="The volume is no longer part of the output: whoever prunes deletes it with everything on it.",
        remark=_own_volume,
        change=kinds(*_CLAIMS, actions=("remove",)),
    ),
    Rule(
        id="volume-replaced",
        risk="data-loss",
        reason="Storage class and access mode of a volume are fixed: another one means a new, empty volume.",
        remark=either(
            at("storage.*.class", "storage.*.mode", "tracking.artifacts.class", "tracking.artifacts.mode"),
            at("platform.storage_classes.*.name"),
        ),
        change=some(
            kinds(*_CLAIMS, actions=("replace",)),
            holds("PersistentVolumeClaim", key="storageClassName", when=moved),
        ),
    ),
    Rule(
        id="store-moved",
        risk="data-loss",
        reason="What was kept at the old place stays there: history, files and models do not move along.",
        remark=either(
            at(
                *(f"tracking.{store}.{key}" for store in _STORES for key in ("type", "uri", "path", "claim", "url")),
                when=_store,
            ),
            at(
                "tracking.artifacts.endpoint",
                "tracking.backend_store.secret",
                "tracking.registry_store.secret",
                when=_store,
            ),
            at(
                "storage.*.type",
                "storage.*.uri",
                "storage.*.path",
                "storage.*.claim",
                "**.checkpoints.path",
                when=_store,
            ),
        ),
    ),
    Rule(
        id="retention-shortened",
        risk="data-loss",
        reason="What is older than the new limit is deleted for good at the next clean-up.",
        remark=at(
            "platform.retention.runs", "platform.retention.artifacts", "tracking.options.gc.older_than", when=_retention
        ),
    ),
    Rule(
        id="prune",
        risk="data-loss",
        reason="Argo CD from now on deletes what is no longer in git, volumes among it.",
        remark=at("gitops.automated", when=lambda before, after: before is False and after is not False),
        change=holds("Application", key="prune", when=became(True)),
    ),
    Rule(
        id="namespace-changed",
        risk="recreated",
        reason="Every object is made anew under the new name or namespace; the old ones stay until they are removed.",
        remark=at("environments.*.namespace.name", "environments.*.name_prefix", "metadata.name"),
        change=holds("Namespace", key="name", when=moved),
    ),
    Rule(
        id="platform-changed",
        risk="recreated",
        reason="Another platform or orchestrator has other objects: what runs on the old one stays there.",
        remark=at("environments.*.platform", "platform.orchestrator", "**.owner"),
    ),
    Rule(
        id="replaced",
        risk="recreated",
        reason="A field that is fixed once the object exists has changed: the object is deleted and made anew.",
        change=lambda change: change.action == "replace" and not change.was,
    ),
    Rule(
        id="server-replaced",
        risk="downtime",
        reason="What answers requests goes away under its present name; until the new one is ready nothing answers.",
        remark=at("serving.*", "environments.*", when=gone),
        change=_name,
    ),
    Rule(
        id="scaled-to-zero",
        risk="downtime",
        reason="No copy is left running: nothing answers, or the first request waits until a copy has started.",
        remark=at(
            "**.replicas", when=lambda before, after: below(after, ("min",)) == 0 and below(before, ("min",)) != 0
        ),
        change=_asleep,
    ),
    Rule(
        id="recreate-strategy",
        risk="downtime",
        reason="With the strategy Recreate every rollout ends the old copies before the new ones are ready.",
        change=lambda change: (
            change.kind == "Deployment"
            and any(
                "Recreate" in (field.after, below(field.after, ("type",)))
                for field in fields(change, "spec.strategy.type", "spec.strategy")
            )
        ),
    ),
    Rule(
        id="address-changed",
        risk="downtime",
        reason="Clients that know the old host, path or port no longer reach it.",
        remark=either(
            part("expose", "host", when=moved),
            at("**.expose", when=_other_path),
            at("serving.*.port", when=moved),
            at("tracking.options.static_prefix"),
        ),
        change=some(
            kinds(*_WAYS_IN, "Service", actions=("remove", "replace")),
            holds(*_WAYS_IN, key="host", when=moved),
            holds(*_WAYS_IN, key="hosts", when=lost),
            holds(*_WAYS_IN, key="hostnames", when=lost),
            holds("Service", key="port", when=moved),
        ),
    ),
    Rule(
        id="version-unpinned",
        risk="downtime",
        reason="Without a pinned version the endpoint that serves this alias is left out of the output.",
        remark=at("lock.models.*", when=gone),
    ),
    Rule(
        id="secret-key-removed",
        risk="downtime",
        reason="Pods that still want the old key or Secret do not start; both have to exist before this is applied.",
        remark=either(
            at("secrets.*.keys", when=lost),
            at("secrets.*", when=gone),
            at("secrets.*.name", "secrets.*.remote"),
        ),
        change=kinds("ExternalSecret", "SealedSecret", actions=("remove", "replace")),
    ),
    Rule(
        id="version-rolled-back",
        risk="behaviour",
        reason="An earlier version of the model answers: right for a roll-back, a surprise otherwise.",
        remark=_back,
    ),
)
"""In the order of the reference."""

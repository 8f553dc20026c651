"""Rules of what comes out otherwise without a word, of what costs more, and of what changes nothing that runs."""

from __future__ import annotations

from collections.abc import Sequence

from mlwright.ir import Json
from mlwright.review.model import ObjectChange, Remark
from mlwright.review.risks.rule import (
    Rule,
    amount,
    at,
    became,
    below,
    came,
    ceased,
    either,
    found,
    gone,
    grew,
    holds,
    lost,
    matches,
    moved,
    shrank,
)
from mlwright.review.words import clock
from mlwright.review.words.groups import strictness


def _gate_looser(before: Json, after: Json) -> bool:
    return before is not None and after is not None and strictness(before, after)[0]


def _quieter(before: Json, after: Json) -> bool:
    return after is not None and below(after, ("on_fail",)) == "stop" and below(before, ("on_fail",)) != "stop"


def _runs(value: Json) -> float:
    cron = value if isinstance(value, str) else below(value, ("cron",))
    return clock.firings(cron) if isinstance(cron, str) else 0.0


def _more_often(before: Json, after: Json) -> bool:
    return _runs(after) > _runs(before) * 1.001


def _range(before: Json, after: Json) -> bool:
    """A range, or a number of copies, whose end or beginning is higher; one copy is what there is without."""
    return any(
        amount(below(after, (key,))) > (amount(below(before, (key,))) or 1.0)
        for key in ("min", "max")
        if below(after, (key,)) is not None
    )


def _seed(remark: Remark) -> bool:
    last = str(remark.path[-2] if remark.path[-1:] == ("default",) else remark.path[-1]).lower()
    return last in ("seed", "random_state", "random_seed", "pythonhashseed") or last.endswith("_seed")


def _default(remark: Remark) -> bool:
    return (matches("params.*.default", remark.path) or matches("pipelines.*.params.*", remark.path)) and not _seed(
        remark
    )


def _without_digest(change: ObjectChange) -> bool:
    return any(isinstance(after, str) and "@sha256:" not in after for _, after in found(change, "image"))


def _version(before: Json, after: Json) -> bool:
    return after is not None and moved(below(before, ("version",)), below(after, ("version",)))


def _there(before: Json, after: Json) -> bool:
    return after is not None


def alone(remarks: Sequence[Remark]) -> bool:
    """Whether nothing but the lock differs."""
    return bool(remarks) and all(remark.section == "lock" for remark in remarks)


RULES = (
    Rule(
        id="search-changed",
        risk="behaviour",
        reason="The search looks elsewhere, or for something else: its results do not compare with earlier ones.",
        remark=at(
            "**.tuning.space.*", "**.tuning.objective", "**.tuning.algorithm.name", "**.tuning.stop_at",
            "**.tuning.early_stopping.name", "**.tuning.trial.params.*", "**.tuning.retrain",
        ),
    ),
    Rule(
        id="metric-changed",
        risk="behaviour",
        reason="The number is read, compared or chosen in another way: it does not compare with earlier ones.",
        remark=at(
            "**.metrics.*.goal", "**.metrics.*.pattern", "**.metrics.*.reduce", "**.metrics_from.type",
            "**.metrics_from.path", "**.metrics_from.format",
        ),
    ),
    Rule(
        id="default-changed",
        risk="behaviour",
        reason="Every run that does not say otherwise uses the new value, and no log will point at it.",
        remark=_default,
    ),
    Rule(
        id="seed-changed",
        risk="behaviour",
        reason="Runs with another seed give other results for the same inputs.",
        remark=_seed,
    ),
    Rule(
        id="data-changed",
        risk="behaviour",
        reason="The same program reads other data: results change although no code did.",
        remark=at("data.*.source", "data.*.access", "data.*"),
    ),
    Rule(
        id="gate-loosened",
        risk="behaviour",
        reason="Models pass that would not have passed before.",
        remark=at("**.gates.*", when=lambda before, after: _gate_looser(before, after) or _quieter(before, after)),
    ),
    Rule(
        id="gate-removed",
        risk="behaviour",
        reason="Nothing checks this any more before a model is registered.",
        remark=at("**.gates.*", when=gone),
    ),
    Rule(
        id="cache-switched",
        risk="behaviour",
        reason="With the cache a step may reuse an earlier run's outputs; without it everything is computed again.",
        remark=at("**.cache"),
    ),
    Rule(
        id="timeout-lowered",
        risk="behaviour",
        reason="What took longer than the new limit before is now ended.",
        remark=at(
            "**.timeout", "**.request_timeout", "**.health.startup",
            when=lambda before, after: shrank(before, after) or came(before, after),
        ),
        change=lambda change: any(
            amount(after) > 0 and (before is None or amount(after) < amount(before))
            for key in ("activeDeadlineSeconds", "progressDeadlineSeconds")
            for before, after in found(change, key)
            if change.action == "change"
        ),
    ),
    Rule(
        id="less-memory",
        risk="behaviour",
        reason="A program that needs more than the new limit is killed in the middle of its work.",
        remark=at("**.resources.memory", "**.resources.limits.memory", when=shrank),
    ),
    Rule(
        id="order-changed",
        risk="behaviour",
        reason="A step runs in other cases than before, or no longer waits for what it waited for.",
        remark=either(
            at("**.when", "**.run_if"),
            at("**.needs", when=lambda before, after: lost(before, after) or gone(before, after) or after == []),
        ),
    ),
    Rule(
        id="traffic-moved",
        risk="behaviour",
        reason="Other users than before get the answers of this model.",
        remark=at("serving.*.variants.*.traffic", "serving.*.to", "serving.*.variants.*"),
    ),
    Rule(
        id="model-changed",
        risk="behaviour",
        reason="Another model answers, or another one is registered, under the same address or name.",
        remark=at(
            "serving.*.model", "serving.*.variants.*.model", "serving.*.binding", "serving.*.format", "registry.from",
            "registry.model", "registry.on_pass.alias", "models.*.registry.from", "models.*.registry.model",
            "models.*.registry.on_pass.alias", "tracking.models.*.aliases.*",
        ),
    ),
    Rule(
        id="model-removed",
        risk="behaviour",
        reason="Its versions and runs stay on the server, but nothing here adds to them any more.",
        remark=either(
            at("registry", "models.*", "models.*.registry", "tracking.models.*", "tracking.experiments.*", when=gone),
            at("tracking.experiment.name"),
        ),
    ),
    Rule(
        id="version-moved",
        risk="behaviour",
        reason="Another version of the model answers from now on.",
        remark=at("lock.models.*", when=_version),
    ),
    Rule(
        id="image-changed-under-its-name",
        risk="behaviour",
        reason="The tag is the same and the image is not: other programs run although the project file says nothing.",
        remark=at("lock.images.*", when=lambda before, after: before is not None and after is not None),
    ),
    Rule(
        id="lock-alone",
        risk="behaviour",
        reason="Only the lock differs: versions or images move, and no change of the project file says why.",
    ),
    Rule(
        id="image-without-digest",
        risk="behaviour",
        reason="The image is named by a tag alone, which may be another image tomorrow; `mlwright lock` pins it.",
        change=_without_digest,
    ),
    Rule(
        id="smoke-test-removed",
        risk="behaviour",
        reason="Nothing tries the endpoint with a real request any more before it counts as working.",
        remark=at("serving.*.smoke_test", when=gone),
    ),
    Rule(
        id="alert-removed",
        risk="behaviour",
        reason="Nobody is told any more when this goes wrong.",
        remark=at("monitoring.alerts.*", "monitoring", when=gone),
        change=lambda change: change.kind in ("PrometheusRule", "ServiceMonitor") and change.action == "remove",
    ),
    Rule(
        id="no-longer-by-itself",
        risk="behaviour",
        reason="It no longer starts by itself: models and data grow old until somebody starts it.",
        remark=either(
            at("pipelines.*.schedule", "pipelines.*.triggers.*", "pipelines.*", when=gone),
            at("environments.*.mode", when=became("development")),
            at("environments.*.start", when=ceased("schedule")),
        ),
        change=holds("CronWorkflow", "CronJob", key="suspend", when=became(True)),
    ),
    Rule(
        id="self-heal",
        risk="behaviour",
        reason="What somebody changes by hand in the cluster is undone by itself from now on.",
        change=holds("Application", key="selfHeal", when=became(True)),
    ),
    Rule(
        id="patch-added",
        risk="behaviour",
        reason="A patch or an added object goes around the language: nothing here checks what it means.",
        remark=at("patches.*", "patches.*.merge", "patches.*.ops", "objects.*", "objects.*.path", when=_there),
    ),
    Rule(
        id="more-compute",
        risk="cost",
        reason="Each copy or each run asks for more.",
        remark=either(
            at("**.resources.gpu.count", "**.resources.cpu", "**.resources.memory", "storage.*.size", when=grew),
            at("**.resources.gpu.model"),
            at("**.distributed.nodes", when=_range),
            at("notebooks.*", "serving.*", when=came),
        ),
    ),
    Rule(
        id="runs-again",
        risk="cost",
        reason="A job under another name does its work once more, for what that takes.",
        change=lambda change: change.action == "replace" and bool(change.was),
    ),
    Rule(
        id="more-copies",
        risk="cost",
        reason="More copies run all the time, or may run under load.",
        remark=at("**.replicas", when=_range),
    ),
    Rule(
        id="more-trials",
        risk="cost",
        reason="Each search trains more often.",
        remark=either(at("**.tuning.trials.max", when=grew), at("**.tuning", when=came)),
    ),
    Rule(
        id="more-often",
        risk="cost",
        reason="The pipeline starts by itself more often.",
        remark=either(
            at("pipelines.*.schedule", "pipelines.*.triggers.*.cron", when=_more_often),
            at("environments.*.start", when=became("schedule")),
        ),
    ),
    Rule(
        id="for-readers",
        risk="safe",
        reason="Only people read it: nothing that runs is different.",
        remark=at(
            "**.description", "metadata.owners", "**.metrics.*.sample", "patches.*.why", "**.expected_duration",
        ),
    ),
)  # fmt: skip
"""In the order of the reference."""

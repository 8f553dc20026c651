"""What is there anew, or no longer: one sentence for a whole step, endpoint or gate instead of one for each field."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlwright.review.words import groups
from mlwright.review.words.fields import matches
from mlwright.review.words.frames import CONTAINERS, Frame, frame
from mlwright.review.words.values import names, short, show
from mlwright.source.tree import Json, Node, at
from mlwright.span import Path

_WHOLE = tuple(
    tuple(pattern.split("."))
    for pattern in (
        "steps.*", "serving.*", "notebooks.*", "params.*", "data.*", "storage.*", "secrets.*", "pipelines.*",
        "patches.*", "objects.*", "models.*", "training", "evaluation", "tuning", "registry", "tracking", "gitops",
        "monitoring.alerts.*", "serving.*.transformer", "serving.*.explainer", "serving.*.variants.*",
        "pipelines.*.triggers.*", "tracking.experiments.*", "tracking.models.*", "tracking.webhooks.*",
        "tracking.gateway.endpoints.*", "tuning.trial", "models.*.training", "models.*.evaluation", "models.*.tuning",
        "models.*.registry", "models.*.tuning.trial", "platform.placements.*", "platform.identities.*",
        "platform.runtimes.*", "platform.storage_classes.*", "platform.gpus.*", "platform.namespaces.*",
        "platform.gateway", "platform.ingress", "platform.auth_proxy", "platform.secret_store",
    )
)  # fmt: skip
_IN_CONTAINER = tuple(
    tuple(pattern.split("."))
    for pattern in (
        "outputs.*", "metrics.*", "gates.*", "mounts.*", "roles.*", "distributed.roles.*", "smoke_test", "log",
        "batcher", "checkpoints", "security.run_as_root", "image.build",
    )
)  # fmt: skip
_NOUNS = {
    "outputs": "output", "metrics": "metric", "gates": "gate", "mounts": "mount", "roles": "role",
    "triggers": "trigger", "experiments": "experiment", "models": "model", "webhooks": "webhook",
    "endpoints": "gateway endpoint", "smoke_test": "smoke test", "log": "log of requests",
    "run_as_root": "running as root", "placements": "placement", "identities": "identity", "runtimes": "runtime",
    "storage_classes": "storage class", "gpus": "GPU", "namespaces": "namespace",
}  # fmt: skip


def whole(path: Path, before: Node | None, after: Node | None) -> Path | None:
    """The outermost entry around the changed value at `path` that only one of both trees has."""
    for length in range(1, len(path) + 1):
        part = path[:length]
        if _is_entry(part) and (_there(before, part) != _there(after, part)):
            return part
    return None


def _there(tree: Node | None, path: Path) -> bool:
    from mlwright.review.words.changes import empty

    return tree is not None and not empty(at(tree, path))


def _is_entry(path: Path) -> bool:
    words = tuple(map(str, path))
    if any(matches(pattern, words) for pattern in _WHOLE):
        return True
    found = frame(path)
    rest = tuple(map(str, found.rest))
    return found.place in CONTAINERS and any(matches(pattern, rest) for pattern in _IN_CONTAINER)


def sentence(found: Frame, value: Json, added: bool) -> str:
    """`added: runs python a.py` or `removed`, after the frame's label."""
    word = "added" if added else "removed"
    rest = list(map(str, found.rest))
    if not rest:
        said = _summary(found.place, value)
        return f"{word}: {said}" if said and added else word
    noun = _NOUNS.get(rest[-2] if len(rest) > 1 else rest[0]) or _NOUNS.get(rest[-1]) or rest[0].replace("_", " ")
    subject = noun if rest[-1] in _NOUNS or len(rest) == 1 else f"{noun} {rest[-1]}"
    said = _inner(rest, value)
    return f"{subject} {word}" + (f": {said}" if said and added else f" (was {said})" if said else "")


def _inner(rest: list[str], value: Json) -> str:
    if not isinstance(value, dict):
        return show(value)
    parent = rest[-2] if len(rest) > 1 else rest[0]
    if parent == "gates":
        return groups.bound(value)
    if parent in ("outputs", "triggers"):
        return str(value.get("type", ""))
    if rest[-1] == "run_as_root":
        return str(value.get("reason", ""))
    return _flow(value)


def _summary(place: str, value: Json) -> str:
    if not isinstance(value, dict):
        return show(value) if place == "param" else ""
    make: Mapping[str, Callable[[dict[str, Json]], str]] = {
        "step": _step, "service": _service, "notebook": _step, "variant": _variant, "param": _param, "data": _data,
        "storage": _storage, "secret": _secret, "pipeline": _pipeline, "patch": _patch, "objects": _objects,
        "alert": _alert, "tuning": _tuning, "registry": _registry,
    }  # fmt: skip
    return make[place](value) if place in make else _flow(value)


def _flow(value: dict[str, Json]) -> str:
    return short(", ".join(f"{key} {show(item)}" for key, item in value.items()))


def _at(value: Json, *path: str) -> Json:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _step(value: dict[str, Json]) -> str:
    command, image = value.get("command"), _at(value, "image", "ref")
    said = []
    if command is not None:
        said.append("runs " + short(" ".join(map(str, command)) if isinstance(command, list) else str(command)))
    elif image is not None:
        said.append(f"runs image {image}")
    if gpus := _at(value, "resources", "gpu", "count"):
        said.append(f"GPUs {show(gpus)}")
    if nodes := groups.span_of(_at(value, "distributed", "nodes")):
        said.append(f"nodes {nodes}")
    return ", ".join(said)


def _service(value: dict[str, Json]) -> str:
    if value.get("type") == "route":
        return f"{value.get('mode')} of {names(groups.legs(value.get('to')))}"
    said = [f"serves {show(value['model'])}"] if "model" in value else [_step(value)]
    if expose := value.get("expose"):
        said.append(groups.reach(expose))
    return ", ".join(filter(None, said))


def _variant(value: dict[str, Json]) -> str:
    return f"serves {show(value.get('model'))}, traffic {show(value.get('traffic', 0), 'percent')}"


def _param(value: dict[str, Json]) -> str:
    return f"default {show(value['default'])}" if "default" in value else f"{value.get('type', '')}, no default"


def _data(value: dict[str, Json]) -> str:
    return show(value.get("source"))


def _storage(value: dict[str, Json]) -> str:
    size = f" of {show(value['size'], 'memory')}" if "size" in value else ""
    where = next((f" at {show(value[key])}" for key in ("uri", "path", "claim") if key in value), "")
    return f"{value.get('type')}{size}{where}"


def _secret(value: dict[str, Json]) -> str:
    keys = value.get("keys")
    return "keys " + names([str(key) for key in keys]) if isinstance(keys, list) else ""


def _pipeline(value: dict[str, Json]) -> str:
    run = value.get("run")
    said = ["runs " + names([str(item) for item in run])] if isinstance(run, list) else []
    if schedule := groups.clock(value.get("schedule")):
        said.append(schedule)
    return ", ".join(said)


def _patch(value: dict[str, Json]) -> str:
    return f"{_at(value, 'on', 'kind')} of {_at(value, 'on', 'node')}, because {value.get('why')}"


def _objects(value: dict[str, Json]) -> str:
    return show(value.get("path"))


def _alert(value: dict[str, Json]) -> str:
    bounds = [f"{word} {show(value[key])}" for key, word in (("max", "above"), ("min", "below")) if key in value]
    return f"{value.get('metric')} of {value.get('on')} {' or '.join(bounds)}"


def _tuning(value: dict[str, Json]) -> str:
    space = value.get("space")
    searched = names(list(space)) if isinstance(space, dict) else ""
    return f"{show(_at(value, 'trials', 'max'))} trials over {searched} for {show(value.get('objective'))}"


def _registry(value: dict[str, Json]) -> str:
    return f"registers {show(value.get('from'))} as {show(value.get('model'))}"

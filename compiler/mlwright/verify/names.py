"""Names and labels: what the API server takes, and what controllers can still make names of their own from."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from mlwright.diag import Diagnostic
from mlwright.regex import lazy
from mlwright.span import Path
from mlwright.verify.finding import finding, shown
from mlwright.verify.manifest import Manifest, Place, is_open, of_value

KEYS = frozenset({"labels", "matchLabels", "annotations", "nodeSelector"})

_SUBDOMAIN = lazy(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = lazy(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SERVICE = lazy(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SEGMENT = lazy(r"(?!\.\.?$)[^/%]+")
_WORDS = {
    _SUBDOMAIN: "lower-case letters, digits, `-` and `.`, and begins and ends with a letter or digit",
    _LABEL: "lower-case letters, digits and `-`, and begins and ends with a letter or digit",
    _SERVICE: "lower-case letters, digits and `-`, begins with a letter and ends with a letter or digit",
    _SEGMENT: "anything but `/` and `%`",
}
_FORMS = {
    **dict.fromkeys(("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"), (_SEGMENT, 253)),
    **dict.fromkeys(
        ("Service", "InferenceService", "InferenceGraph", "LLMInferenceService", "TrainJob", "JobSet"), (_SERVICE, 63)
    ),
    "Experiment": (_SERVICE, 40),
    "Namespace": (_LABEL, 63),
    "CronJob": (_SUBDOMAIN, 52),
    "CronWorkflow": (_SUBDOMAIN, 52),
    "StatefulSet": (_LABEL, 52),
    "Notebook": (_LABEL, 52),
    **dict.fromkeys(("Deployment", "DaemonSet", "ReplicaSet"), (_SUBDOMAIN, 63)),
    **dict.fromkeys(("Job", "Pod", "Workflow", "WorkflowTemplate"), (_SUBDOMAIN, 63)),
}
"""Form and length, by kind: pods and labels that controllers make carry the name, some with an ending of their own."""
_LONGEST = 253
_HOLDERS = frozenset({("metadata",), ("podMetadata",), ("workflowMetadata",)})
_VALUE = lazy(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_KEY = lazy(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_ANNOTATIONS = 256 * 1024


def check(manifest: Manifest) -> Iterator[Diagnostic]:
    """VER010 a name that is refused, VER011 labels and annotations that are."""
    yield from _name(manifest)
    for place in manifest.places_of("labels", "matchLabels", "nodeSelector"):
        # Elsewhere the word means other things: labels of alerts are any text.
        if isinstance(place.value, dict) and (place.path[-1] != "labels" or place.path[-2:-1] in _HOLDERS):
            yield from _labels(manifest, place)
    for place in manifest.places_of("annotations"):
        if isinstance(place.value, dict) and place.path[-2:-1] == ("metadata",):
            yield from _annotations(manifest, place.path, place.value)


def _name(manifest: Manifest) -> Iterator[Diagnostic]:
    path: Path = (*manifest.at, "metadata", "name")
    name = manifest.metadata.get("name")
    if name is None and manifest.outer is None:
        yield finding("VER010", manifest, path, f"this {manifest.kind} has no name", "give it `metadata.name`")
    if name is None or (manifest.outer is not None and is_open(str(name))):
        return
    name = manifest.settled or name
    form, longest = _FORMS.get(manifest.kind, (_SUBDOMAIN, _LONGEST))
    if not isinstance(name, str) or not form.fullmatch(name):
        message = f"`{name}` is no name for a {manifest.kind}: it has {_WORDS[form]}"
        yield finding("VER010", manifest, path, message, "rename what it is called after")
    elif len(name) > longest:
        message = f"the name of {manifest} has {len(name)} characters, and a {manifest.kind} may have {longest}"
        yield finding("VER010", manifest, path, message, "shorten `metadata.name`, or what it is called after")


@of_value
def _labels(manifest: Manifest, place: Place) -> Iterator[Diagnostic]:
    for key, value in place.value.items():
        if isinstance(value, (dict, list)):
            continue
        if why := _label_problem(key, value) if isinstance(value, str) else _key_problem(key) or _not_text(value):
            where = shown(manifest, place.path)
            yield finding("VER011", manifest, (*place.path, key), f"the label `{key}` of {manifest} ({where}) {why}")


def _annotations(manifest: Manifest, path: Path, values: dict[str, Any]) -> Iterator[Diagnostic]:
    total = 0
    for key, value in values.items():
        if why := _key_problem(key):
            yield finding("VER011", manifest, (*path, key), f"the annotation `{key}` of {manifest} {why}")
        if not isinstance(value, str):
            message = f"the annotation `{key}` of {manifest} is not text"
            yield finding("VER011", manifest, (*path, key), message, "put it into quotes")
        else:
            total += len(key) + len(value if value.isascii() else value.encode("utf-8", "surrogatepass"))
    if total > _ANNOTATIONS:
        message = f"the annotations of {manifest} take {total} bytes, and all of them may take {_ANNOTATIONS}"
        yield finding("VER011", manifest, path, message, "keep long texts in a ConfigMap")


@lru_cache(maxsize=1024)
def _key_problem(key: str) -> str:
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > 253 or not _SUBDOMAIN.fullmatch(prefix)):
        return f"has a prefix that is no domain: `{prefix}`"
    if not _KEY.fullmatch(name):
        return "has a name that is not letters, digits, `-`, `_` and `.` with a letter or digit at both ends"
    return f"has a name of {len(name)} characters, and 63 are allowed" if len(name) > 63 else ""


def _not_text(value: Any) -> str:
    return f"is `{value}`, which is not text: put it into quotes"


@lru_cache(maxsize=4096)
def _label_problem(key: str, value: str) -> str:
    if is_open(value):
        return ""
    if why := _key_problem(key):
        return why
    if len(value) > 63:
        return f"has {len(value)} characters, and 63 are allowed"
    if not _VALUE.fullmatch(value):
        return f"is `{value}`: only letters, digits, `-`, `_` and `.`, with a letter or digit at both ends"
    return ""

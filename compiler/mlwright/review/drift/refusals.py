"""What the server's refusals mean for a comparison, and what to do about each."""

from __future__ import annotations

from mlwright.platform.versions import SERVED
from mlwright.record import dataclass
from mlwright.regex import lazy
from mlwright.remote.cluster import Refused
from mlwright.remote.observe import Observed
from mlwright.review.drift.model import Status
from mlwright.source.secrets_text import conceal

RIGHTS = "the rights that it needs are in docs/review.md: get, list and patch"
_RBAC = lazy(r'cannot (?:get|list|patch|create|update|watch) resource|User "[^"]*" cannot')
_IMMUTABLE = lazy(r"immutable|updates to statefulset spec|cannot change |(?:may not|can ?not) be changed")
_VALUE = lazy(r"^Invalid value: .*[}\]]: ", 0)
_NO_DRY_RUN = lazy(r'admission webhook "([^"]+)" does not support dry run')
_WEBHOOK = lazy(r'failed calling webhook "([^"]+)"')
_LONGEST = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """The status of an object that the server did not let compare, why, and what to do."""

    status: Status
    why: str
    help: str


def meaning(one: Observed, made_here: bool) -> Meaning:
    """What it means that `one.refused`. `made_here`: the output has its namespace, too."""
    assert one.refused is not None
    refused, kind = one.refused, str(one.wanted["kind"])
    version, space = str(one.wanted["apiVersion"]), str(one.wanted["metadata"].get("namespace", ""))
    if one.asked == "kind" and refused.code == 404:
        return _unserved(kind, version, one.served)
    if one.asked == "namespace" or (refused.code == 404 and refused.about == "namespaces"):
        make = "applying makes it" if made_here else f"make it: kubectl create namespace {space}"
        return Meaning(status="missing", why=f"the namespace {space} is not there", help=make)
    told = said(refused)
    if refused.code == 0:
        return _unknown(told, "try again; is an admission webhook slow?")
    if refused.code == 403 and _RBAC.search(refused.message):
        return _unknown(f"forbidden: {told}", RIGHTS)
    if found := _NO_DRY_RUN.search(refused.message):
        help = "compare it by hand, or have the webhook declare `sideEffects: None` (or NoneOnDryRun)"
        return _unknown(f"the admission webhook {found[1]} takes no dry runs", help)
    if found := _WEBHOOK.search(refused.message):
        return _unknown(f"the admission webhook {found[1]} did not answer: {told}", "see whether its service is up")
    if refused.code == 422 and one.live is not None and _immutable(refused):
        return _replaced(kind, told)
    if refused.code in (400, 403, 422):
        return _unknown(f"applying would be refused: {told}", "change the project or what the cluster admits")
    return _unknown(f"the server answers {refused.code}: {told}", "try again")


def said(refused: Refused) -> str:
    """What the server says, on one line, without whole objects and what looks like a secret, not endless."""
    told = [_one(field, why) for field, why in refused.causes] or [_line(refused.message or refused.reason)]
    text = conceal("; ".join(told))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _one(field: str, why: str) -> str:
    line = _VALUE.sub("", _line(why)) if len(why) > _LONGEST / 4 else _line(why)
    return f"{field}: {line}" if field else line


def _line(text: str) -> str:
    """The first line; what follows are the objects themselves."""
    return (text.splitlines() or [""])[0].strip()


def _unknown(why: str, help: str) -> Meaning:
    return Meaning(status="unknown", why=why, help=help)


def _immutable(refused: Refused) -> bool:
    texts = [why for _, why in refused.causes] or [refused.message]
    return any(_IMMUTABLE.search(text) for text in texts)


def _replaced(kind: str, told: str) -> Meaning:
    loss = {
        "PersistentVolumeClaim": " (its data goes with it: save that first)",
        "StatefulSet": " (--cascade=orphan keeps its pods and data)",
    }.get(kind, "")
    return Meaning(
        status="replace",
        why=f"it cannot be changed in place: {told}",
        help=f"delete it, then apply{loss}",
    )


def _unserved(kind: str, version: str, served: tuple[str, ...]) -> Meaning:
    system = next((row.system for row in SERVED if kind in row.kinds), "")
    if served:
        why = f"the cluster has no {kind} of {version}, it has {', '.join(served)} of that group"
        return _unknown(
            why, f"give the release of {system or 'that system'} in the platform file as the cluster has it"
        )
    install = f"install {system}" if system not in ("", "kubernetes") else "install what defines it"
    return _unknown(f"the cluster has no {kind} ({version})", f"{install}, or take it out of the platform file")

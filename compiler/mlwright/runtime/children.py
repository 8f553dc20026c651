"""What one node of a plan is in the cluster: its objects, made once, followed to their end, tidied up."""

from __future__ import annotations

import time

from cluster import Cluster, ClusterError
from manifests import STOPPED, Maker, verdict
from mirror import Mirror
from values import BAD_INPUT, StepError, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional, Tuple

    Json = Any
    Doc = Dict[str, Any]

LAST_WORDS = 20.0
"""Seconds that a search, or its workers, get to end by themselves once the other side is gone."""


class Objects:
    """The objects of a document, once: the main one decides how they end. `suffix` tells the copies for items apart."""

    def __init__(
        self, cluster: Cluster, mirror: Mirror, maker: Maker, wanted: List[Doc], suffix: str, timeout: float
    ) -> None:
        self.cluster, self.mirror, self.maker, self.wanted = cluster, mirror, maker, wanted
        self.suffix, self.timeout = suffix, timeout
        self.main = next(w for w in wanted if w["main"])
        self.name = maker.called(self.main, suffix)
        self._alone = 0.0

    @property
    def what(self) -> str:
        """The main object, for people."""
        return "%s %s" % (self.main["manifest"]["kind"], self.name)

    def there(self) -> bool:
        """Whether the main object has been made, by us or by whom we go on for. It says so if it is not ours."""
        found = self._get(self.main)
        if found is not None:
            self._ours(found)
        return found is not None

    def resume(self) -> None:
        """Goes on with a main object that is there: what whoever made it had not come to make is made."""
        self.mirror.on(self.main["manifest"]["apiVersion"], self.main["manifest"]["kind"])
        if verdict(self.found())[0] == "running":
            self._make([wanted for wanted in self.wanted if wanted is not self.main], None, None)

    def make(self, more: Optional[Mapping[str, Json]] = None, spec: Optional[Doc] = None) -> None:
        """Makes what is not there yet. `spec` is what the main object's `spec` has beside its manifest's."""
        self._make(self.wanted, more, spec)

    def _make(self, objects: List[Doc], more: Optional[Mapping[str, Json]], spec: Optional[Doc]) -> None:
        for wanted in objects:
            manifest = self.maker.make(wanted, self.suffix, more)
            if wanted is self.main:
                manifest["spec"].update(spec or {})
            self.mirror.on(manifest["apiVersion"], manifest["kind"])
            try:
                self.cluster.create(manifest)
            except ClusterError as error:
                if error.reason != "AlreadyExists":
                    what = (manifest["kind"], manifest["metadata"]["name"], error)
                    raise StepError(BAD_INPUT, "%s %s cannot be made: %s" % what) from None
                found = self.cluster.get(manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"])
                if found is not None:
                    self._ours(found)

    def look(self) -> Tuple[str, str]:
        """running, succeeded or failed, and why."""
        found = self._get(self.main)
        if found is None:
            return "failed", "%s was deleted" % self.what
        state, reason = verdict(found)
        if state != "running":
            return state, reason
        if self.timeout and time.time() > _seconds(found["metadata"]["creationTimestamp"]) + self.timeout:
            return self.stop("timed out after %g s" % self.timeout)
        return self._company()

    def stop(self, reason: str) -> Tuple[str, str]:
        """Ends the main object; what it is from now on. A Job stays, with the reason; others are deleted by `tidy`."""
        api, kind = self.main["manifest"]["apiVersion"], self.main["manifest"]["kind"]
        if kind != "Job":
            return "failed", reason
        note = {"metadata": {"annotations": {STOPPED: reason}}, "spec": {"activeDeadlineSeconds": 1}}
        found = self._get(self.main)
        if found is not None and STOPPED not in (found["metadata"].get("annotations") or {}):
            self.cluster.patch(api, kind, self.name, note)
        return "running", ""

    def tidy(self, failed: bool) -> bool:
        """Removes what the main object needed; False while workers that are still at work have a moment left."""
        waiting = False
        for wanted in self.wanted:
            if wanted is self.main:
                if failed and wanted["manifest"]["kind"] != "Job":
                    found = self._get(wanted)
                    if found is not None and verdict(found)[0] == "running":
                        self._delete(wanted)
                continue
            if wanted["manifest"]["kind"] == "Job":
                found = self._get(wanted)
                if found is None or verdict(found)[0] != "running":
                    continue
                self._alone = self._alone or time.monotonic() + LAST_WORDS
                if time.monotonic() < self._alone:
                    waiting = True
                    continue
            self._delete(wanted)
        return not waiting

    def found(self) -> Doc:
        """The main object as it is now; empty where there is none."""
        return self._get(self.main) or {}

    def progress(self) -> str:
        """What the main object's status counts, and the conditions that hold."""
        status = self.found().get("status") or {}
        counts = ["%s %d" % (key, value) for key, value in sorted(status.items()) if type(value) is int]
        return ", ".join(counts + [str(c["type"]) for c in status.get("conditions") or [] if c.get("status") == "True"])

    def note(self, name: str, text: str) -> None:
        """Annotates the main object."""
        manifest = self.main["manifest"]
        change = {"metadata": {"annotations": {name: text}}}
        self.cluster.patch(manifest["apiVersion"], manifest["kind"], self.name, change)

    def noted(self, name: str) -> bool:
        """Whether the main object has this annotation."""
        return name in ((self.found().get("metadata") or {}).get("annotations") or {})

    def remove(self) -> None:
        """Deletes all of them."""
        for wanted in self.wanted:
            self._delete(wanted)

    def _company(self) -> Tuple[str, str]:
        """A search whose workers have all failed has nobody to ask."""
        for wanted in self.wanted:
            if wanted is not self.main and wanted["manifest"]["kind"] == "Job":
                found = self._get(wanted)
                if found is not None and verdict(found)[0] == "failed":
                    self._alone = self._alone or time.monotonic() + LAST_WORDS
                    if time.monotonic() > self._alone:
                        return self.stop("all workers failed: %s" % verdict(found)[1])
        return "running", ""

    def _ours(self, found: Doc) -> None:
        owners = [owner.get("uid") for owner in found["metadata"].get("ownerReferences") or []]
        if self.maker.owner and self.maker.owner["uid"] not in owners:
            what = (self.main["manifest"]["kind"], found["metadata"]["name"])
            raise StepError(BAD_INPUT, "%s %s is there already, and not of this run: delete it" % what)

    def _get(self, wanted: Doc) -> Optional[Doc]:
        manifest = wanted["manifest"]
        return self.mirror.get(manifest["apiVersion"], manifest["kind"], self.maker.called(wanted, self.suffix))

    def _delete(self, wanted: Doc) -> None:
        manifest = wanted["manifest"]
        try:
            self.cluster.delete(manifest["apiVersion"], manifest["kind"], self.maker.called(wanted, self.suffix))
        except StepError as problem:  # the owner's end takes it along
            say(str(problem))


def _seconds(stamp: str) -> float:
    """Seconds since 1970 of a time as the API writes it."""
    import calendar

    return float(calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")))

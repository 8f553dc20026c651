"""One run of a pipeline at a time: a Lease says which. It holds for as long as the Job of its holder is at work."""

from __future__ import annotations

import time

from cluster import Cluster, ClusterError
from manifests import verdict
from values import StepError, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

    Doc = Dict[str, Any]

API, KIND = "coordination.k8s.io/v1", "Lease"
BUSY = 75
"""Exit code where another run is at work."""


class Lease:
    """The Lease `name`, for the run of Job `job` with `uid`."""

    def __init__(self, cluster: Cluster, name: str, job: str, uid: str) -> None:
        self.cluster, self.name, self.job, self.me = cluster, name, job, "%s/%s" % (job, uid)

    def take(self, replace: bool) -> None:
        """Takes the Lease. Where another run has it: ends that one (`replace`), or fails with 75."""
        while True:
            found = self.cluster.get(API, KIND, self.name)
            holder = str(((found or {}).get("spec") or {}).get("holderIdentity") or "")
            if holder not in ("", self.me) and self._at_work(holder):
                job, _, uid = holder.partition("/")
                if not replace:
                    raise StepError(
                        BUSY,
                        "another run is at work: Job %s (wait for its end, or `kubectl delete job %s`)" % (job, job),
                    )
                say("ending the run before: Job %s" % job)
                self.cluster.delete("batch/v1", "Job", job, uid)
                time.sleep(0.5)
                continue
            if holder == self.me or self._write(found, self.me):
                return

    def release(self) -> None:
        """Lets the next run have it."""
        found = self.cluster.get(API, KIND, self.name)
        if found and (found.get("spec") or {}).get("holderIdentity") == self.me:
            self._write(found, "")

    def _at_work(self, holder: str) -> bool:
        job, _, uid = holder.partition("/")
        found = self.cluster.get("batch/v1", "Job", job)
        if found is None or str(found["metadata"].get("uid")) != uid or found["metadata"].get("deletionTimestamp"):
            return False
        return verdict(found)[0] == "running"

    def _write(self, found: Optional[Doc], holder: str) -> bool:
        """False where somebody was faster."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".000000Z"
        spec = {"holderIdentity": holder or None, "acquireTime": stamp, "renewTime": stamp}
        try:
            if found is None:
                self.cluster.create({"apiVersion": API, "kind": KIND, "metadata": {"name": self.name}, "spec": spec})
            else:
                self.cluster.replace(dict(found, apiVersion=API, kind=KIND, spec=spec))
        except ClusterError as error:
            if error.status not in (404, 409):
                raise
            return False
        return True

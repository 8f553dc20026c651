"""The objects of one run as the cluster has them now, kept current by one watch for each kind."""

from __future__ import annotations

import threading
import time

from cluster import Cluster, ClusterError, refused
from values import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Set, Tuple

    Doc = Dict[str, Any]
    Key = Tuple[str, str, str]

GONE = 410


class Mirror:
    """Objects with the labels of `selector`. `changed` is set whenever one of them may be another."""

    def __init__(self, cluster: Cluster, selector: str) -> None:
        self.cluster, self.selector = cluster, selector
        self.changed = threading.Event()
        self._lock = threading.Lock()
        self._objects: Dict[Key, Doc] = {}
        self._kinds: Set[Tuple[str, str]] = set()
        self._ended = threading.Event()

    def on(self, api: str, kind: str) -> None:
        """Watches a kind from now on."""
        if (api, kind) not in self._kinds:
            self._kinds.add((api, kind))
            threading.Thread(target=self._follow, args=(api, kind), daemon=True).start()

    def stop(self) -> None:
        """Watches no more."""
        self._ended.set()

    def get(self, api: str, kind: str, name: str) -> Optional[Doc]:
        """The object, asked for by name where no watch has told of it; None where there is none."""
        with self._lock:
            found = self._objects.get((api, kind, name))
        return self.cluster.get(api, kind, name) if found is None else found

    def _follow(self, api: str, kind: str) -> None:
        import http.client
        import urllib.error

        version, pause, told = "", 0.5, ""
        while not self._ended.is_set():
            problem: Exception
            try:
                version = version or self._list(api, kind)
                for event in self.cluster.watch(api, kind, self.selector, version):
                    version = str(event["object"]["metadata"].get("resourceVersion") or version)
                    self._take(api, kind, event)
                    pause = 0.5
                    if self._ended.is_set():
                        return
                continue
            except ClusterError as error:
                problem, status = error, error.status
            except urllib.error.HTTPError as error:
                problem, status = refused(error), error.code
            except (OSError, http.client.HTTPException, ValueError) as error:
                problem, status = error, 0
            except Exception as error:  # a thread that ends silently would leave the conductor waiting for ever
                problem, status = error, GONE
            if status:  # what the API answered, it did not mean to go on from: 410 says so, others are looked at anew
                version = ""
            if status != GONE and str(problem) != told:
                told = str(problem)
                say("watching %s: %s" % (kind, told))
            self.changed.set()
            time.sleep(pause)
            pause = min(pause * 2, 10.0)

    def _list(self, api: str, kind: str) -> str:
        items, version = self.cluster.list(api, kind, self.selector)
        with self._lock:
            for key in [k for k in self._objects if k[:2] == (api, kind)]:
                del self._objects[key]
            self._objects.update((_key(item), item) for item in items)
        self.changed.set()
        return version

    def _take(self, api: str, kind: str, event: Doc) -> None:
        if event["type"] == "BOOKMARK":
            return
        found = dict(event["object"], apiVersion=api, kind=kind)
        with self._lock:
            if event["type"] == "DELETED":
                self._objects.pop(_key(found), None)
            else:
                self._objects[_key(found)] = found
        self.changed.set()


def _key(found: Doc) -> Key:
    return str(found["apiVersion"]), str(found["kind"]), str(found["metadata"]["name"])

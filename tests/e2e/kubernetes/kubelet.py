"""A node for a control plane: pods run here as processes, each with an address of its own on loopback.

Containers have their own root, users, processes and volumes; the network is that of the tests, so two pods that listen
on every address cannot use the same port. There is no scheduler and no network policy: every pod fits. Namespaces that
were there before are another test's, and nothing of theirs runs.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from tests.e2e.kubernetes.names import Names
from tests.e2e.kubernetes.plane import Plane, Refused
from tests.e2e.kubernetes.pod import Pod
from tests.e2e.kubernetes.process import Image
from tests.e2e.programs import Missing

NODE = "here"
_PODS = "/api/v1/pods"


class Kubelet:
    """The node's agent. Problems of its own are in `problems`, which a test's end looks at."""

    def __init__(self, plane: Plane, images: Mapping[str, Image]) -> None:
        self.plane, self.images = plane, images
        self.pods: dict[str, Pod] = {}
        self.names = Names(plane, self.pods)
        self.problems: list[str] = []
        self._others: set[str] = set()
        self._given = 0
        self._ending = threading.Event()
        self._watcher = threading.Thread(target=self._watched, name="kubelet", daemon=True)

    def start(self) -> None:
        """Registers the node and takes pods of namespaces that come from now on."""
        self._others = {each["metadata"]["name"] for each in self.plane.ask("GET", "/api/v1/namespaces")["items"]}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE, "labels": {"kubernetes.io/os": "linux"}}}
        self.plane.ask("POST", "/api/v1/nodes", node)
        amount = {"cpu": "64", "memory": "256Gi", "pods": "500", "ephemeral-storage": "1Ti", "nvidia.com/gpu": "16"}
        status = {
            "capacity": amount,
            "allocatable": amount,
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self.names.serve_logs(self._log)}},
        }
        kind = "application/strategic-merge-patch+json"
        self.plane.ask("PATCH", f"/api/v1/nodes/{NODE}/status", {"status": status}, kind)
        self._watcher.start()

    def stop(self) -> None:
        """Ends every process and forgets the node."""
        self._ending.set()
        for pod in list(self.pods.values()):
            pod.stop(0)
        for pod in list(self.pods.values()):
            pod.thread.join(15)
        self._watcher.join(15)
        self.names.close()
        self.plane.ask("DELETE", f"/api/v1/nodes/{NODE}")

    def pod(self, namespace: str, labels: str, within: float = 60) -> Pod:
        """The only pod with these labels (`key=value,...`), once it runs here."""
        found: list[dict[str, Any]] = []

        def there(listed: dict[str, Any]) -> bool:
            found[:] = [each for each in listed["items"] if each["metadata"]["uid"] in self.pods]
            return len(found) == 1

        self.plane.await_(f"/api/v1/namespaces/{namespace}/pods?labelSelector={labels}", there, within)
        return self.pods[found[0]["metadata"]["uid"]]

    def _watched(self) -> None:
        """Follows all pods, and services for their names."""
        while not self._ending.is_set():
            try:
                listed = self.plane.ask("GET", _PODS)
                present = {body["metadata"]["uid"] for body in listed["items"]}
                for gone in [pod.body for uid, pod in self.pods.items() if uid not in present]:
                    self._seen(gone, True)
                for body in listed["items"]:
                    self._seen(body)
                for event in self.plane.watch(_PODS, listed["metadata"]["resourceVersion"], self._ending.is_set):
                    if event["type"] == "ERROR":
                        break
                    self._seen(event["object"], event["type"] == "DELETED")
            except (OSError, Refused) as problem:
                if not self._ending.wait(0.2):
                    self.problems.append(str(problem))

    def _seen(self, body: dict[str, Any], gone: bool = False) -> None:
        """Binds, starts or ends one pod."""
        uid, metadata, spec = body["metadata"]["uid"], body["metadata"], body["spec"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        pod = self.pods.get(uid)
        if gone:
            if pod:
                pod.stop(0)
                del self.pods[uid]
                self.names.renew()
        elif metadata.get("deletionTimestamp"):
            grace = metadata.get("deletionGracePeriodSeconds", 30)
            if pod is None:
                self._deleted(path, uid)
            elif not pod.stopping.is_set() or pod.reason:
                pod.stop(grace)
                threading.Thread(target=self._ended, args=(pod, path, uid), daemon=True).start()
        elif metadata["namespace"] in self._others:
            return
        elif not spec.get("nodeName"):
            if not spec.get("schedulingGates"):
                target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
                binding = {
                    "apiVersion": "v1",
                    "kind": "Binding",
                    "metadata": {"name": metadata["name"]},
                    "target": target,
                }
                with contextlib.suppress(Refused):
                    self.plane.ask("POST", f"{path}/binding", binding)
        elif pod is None and spec["nodeName"] == NODE and body["status"].get("phase") not in ("Succeeded", "Failed"):
            self._given += 1
            address = f"127.{100 + self._given // 62500}.{self._given // 250 % 250}.{self._given % 250 + 1}"
            pod = Pod(self.plane, body, self.plane.folder / "pods" / uid, address, self.images)
            pod.changed = self.names.renew
            self.pods[uid] = pod
            self.names.renew()
            pod.thread.start()

    def _ended(self, pod: Pod, path: str, uid: str) -> None:
        """Removes a deleted pod once its processes are gone."""
        pod.thread.join()
        self._deleted(path, uid)

    def _deleted(self, path: str, uid: str) -> None:
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0, "preconditions": {"uid": uid}}
        with contextlib.suppress(Refused, OSError):
            self.plane.ask("DELETE", path, options)

    def _log(self, namespace: str, name: str, container: str) -> tuple[Pod, str] | None:
        """The pod of a log that is asked for."""
        for pod in list(self.pods.values()):
            if pod.body["metadata"]["namespace"] == namespace and pod.name == name:
                return pod, container
        return None


@contextlib.contextmanager
def kubelet(plane: Plane, images: Mapping[str, Image] | None = None) -> Iterator[Kubelet]:
    """A node for as long as it is needed. `images` says what images hold, by the reference that pods use."""
    if os.geteuid() != 0 or not hasattr(os, "chroot"):
        raise Missing("pods run in namespaces of their own, which only root on Linux can make here")
    node = Kubelet(plane, dict(images or {}))
    node.start()
    try:
        yield node
        assert not node.problems, node.problems
    finally:
        node.stop()

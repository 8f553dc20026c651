"""One pod's life on the fake node: its containers run as processes here, its status is told to the API server."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.e2e.kubernetes import podfiles
from tests.e2e.kubernetes.plane import Plane, Refused
from tests.e2e.kubernetes.podfiles import Json, Waiting
from tests.e2e.kubernetes.process import Container, Image, now


class Pod:
    """Runs a pod to its end in threads of its own."""

    def __init__(self, plane: Plane, body: Json, folder: Path, address: str, images: Mapping[str, Image]) -> None:
        self.plane, self.body, self.folder, self.address, self.images = plane, body, folder, address, images
        self.stopping = threading.Event()
        self.reason = ""
        self.began = now()
        folder.mkdir(parents=True)
        self.hosts = folder / "hosts"
        self.volumes: dict[str, Path] = {}
        spec = body["spec"]
        self.inits = [Container(self, each, init=True) for each in spec.get("initContainers", ())]
        self.containers = [Container(self, each) for each in spec["containers"]]
        self.thread = threading.Thread(target=self._run, name=f"pod {self.name}", daemon=True)
        self.changed: Callable[[], None] = lambda: None
        self._told: Json = {}
        self._since: dict[str, tuple[bool, str]] = {}
        self._telling = threading.Lock()
        self.hosts.write_text("127.0.0.1 localhost\n")

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])

    @property
    def path(self) -> str:
        """The pod at the API server."""
        return f"/api/v1/namespaces/{self.body['metadata']['namespace']}/pods/{self.name}"

    @property
    def grace(self) -> float:
        """Seconds between SIGTERM and SIGKILL."""
        return float(self.body["spec"].get("terminationGracePeriodSeconds", 30))

    @property
    def ready(self) -> bool:
        """Whether services may send requests to it."""
        return self.phase() == "Running" and not self.stopping.is_set() and all(c.ready for c in self.containers)

    def stop(self, grace: float, reason: str = "") -> None:
        """SIGTERM to every process, SIGKILL after `grace` seconds."""
        if self.stopping.is_set():
            return
        self.reason = reason
        self.stopping.set()
        threading.Thread(target=self._stopped, args=(grace,), daemon=True).start()

    def _stopped(self, grace: float) -> None:
        every = [*self.containers, *self.inits]
        stopped = [threading.Thread(target=each.stop, args=(grace,), daemon=True) for each in every]
        for thread in stopped:
            thread.start()

    def _run(self) -> None:
        deadline = self.body["spec"].get("activeDeadlineSeconds")
        if deadline:
            timer = threading.Timer(deadline, lambda: self.stop(self.grace, "DeadlineExceeded"))
            timer.daemon = True
            timer.start()
        if self._provided() and all(each.done() for each in self.inits):
            for container in self.containers:
                container.thread.start()
            for container in self.containers:
                container.thread.join()
        for container in self.inits:
            if container.sidecar:
                container.stop(self.grace)
        self.tell()

    def _provided(self) -> bool:
        """Waits for what the volumes are made of."""
        while not self.stopping.is_set():
            try:
                self.volumes = podfiles.volumes(
                    self.plane, self.body, self.folder / "volumes", self.plane.folder / "claims"
                )
                return True
            except Waiting as problem:
                for container in self.containers:
                    container.state = {"waiting": {"reason": "ContainerCreating", "message": str(problem)}}
                self.tell()
                self.stopping.wait(0.3)
        return False

    def phase(self) -> str:
        """Where the pod stands, as its phase."""
        policy = self.body["spec"].get("restartPolicy", "Always")
        states = [each.state for each in self.containers]
        failed = [each for each in self.inits if each.over and each.code]
        if self.reason and not self.thread.is_alive():
            return "Failed"
        if failed:
            return "Failed"
        if all(each.over for each in self.containers):
            codes = [each.code for each in self.containers]
            return "Succeeded" if not any(codes) and policy != "Always" else "Failed"
        if any("running" in state or "terminated" in state for state in states) or any(
            each.restarts for each in self.containers
        ):
            return "Running"
        return "Pending"

    def _condition(self, key: str, held: bool, over: bool) -> Json:
        if self._since.get(key, (None, ""))[0] is not held:
            self._since[key] = (held, now())
        reason = {"reason": "PodCompleted"} if over and not held else {}
        return {"type": key, "status": str(held), "lastTransitionTime": self._since[key][1], **reason}

    def tell(self) -> None:
        """Writes the status, when there is something new in it."""
        with self._telling:
            phase = self.phase()
            ready = self.ready
            over = phase in ("Succeeded", "Failed")
            begun = all(each.passed for each in self.inits)
            conditions = {"PodScheduled": True, "Initialized": begun, "ContainersReady": ready, "Ready": ready}
            status: Json = {
                "phase": phase,
                "hostIP": "127.0.0.1",
                "podIP": self.address,
                "podIPs": [{"ip": self.address}],
                "startTime": self.began,
                "conditions": [self._condition(key, held, over) for key, held in conditions.items()],
                "initContainerStatuses": [each.status() for each in self.inits],
                "containerStatuses": [each.status() for each in self.containers],
            }
            if self.reason:
                status["reason"] = self.reason
            if status != self._told:
                with contextlib.suppress(Refused, OSError):
                    self.plane.ask(
                        "PATCH", f"{self.path}/status", {"status": status}, "application/strategic-merge-patch+json"
                    )
                    self._told = status
        self.changed()

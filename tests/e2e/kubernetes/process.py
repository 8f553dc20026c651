"""A container of a pod as a process: started, probed, started anew, ended."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.e2e.kubernetes import podfiles
from tests.e2e.kubernetes.podfiles import Json, Waiting

if TYPE_CHECKING:
    from tests.e2e.kubernetes.pod import Pod

RUNNER = Path(__file__).with_name("container.py")


@dataclass(frozen=True, kw_only=True)
class Image:
    """What an image holds besides Python: a folder, copied to its working directory, and its entry point."""

    folder: Path | None = None
    workdir: str = "/app"
    entrypoint: tuple[str, ...] = ()


class Container:
    """A container of a pod: started, probed, started anew, ended."""

    def __init__(self, pod: Pod, spec: Json, init: bool = False) -> None:
        self.pod, self.spec, self.init = pod, spec, init
        self.sidecar = init and spec.get("restartPolicy") == "Always"
        self.state: Json = {"waiting": {"reason": "PodInitializing"}}
        self.last: Json = {}
        self.restarts, self.code = 0, 0
        self.over = self.ready = self.started = False
        self.process: subprocess.Popen[bytes] | None = None
        self.thread = threading.Thread(target=self._run, name=f"container {spec['name']}", daemon=True)
        self._files = pod.folder / "containers" / spec["name"]
        self._files.mkdir(parents=True)
        self.log = self._files / "log"

    @property
    def passed(self) -> bool:
        """Whether what comes after this initial container may start."""
        return self.started if self.sidecar else self.over and self.code == 0

    def done(self) -> bool:
        """Runs an initial container until the next may start; whether it may."""
        self.thread.start()
        while not self.passed and self.thread.is_alive():
            time.sleep(0.02)
        return self.passed and not self.pod.stopping.is_set()

    def status(self) -> Json:
        """Its part of the pod's status."""
        return {
            "name": self.spec["name"],
            "image": self.spec["image"],
            "imageID": f"sha256:{'0' * 64}",
            "ready": self.ready if not self.init or self.sidecar else self.passed,
            "started": self.started,
            "restartCount": self.restarts,
            "state": self.state,
            "lastState": self.last,
        }

    def stop(self, grace: float) -> None:
        """Ends the process: its preStop hook, SIGTERM, and SIGKILL after `grace` seconds."""
        process, end = self.process, time.monotonic() + grace
        if process is None or process.poll() is not None:
            return
        hook = (self.spec.get("lifecycle") or {}).get("preStop") or {}
        if "sleep" in hook:
            time.sleep(min(hook["sleep"]["seconds"], grace))
        elif "exec" in hook:
            self.enter(hook["exec"]["command"], grace)
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, end - time.monotonic()))
            return
        process.kill()

    def enter(self, words: list[str], patience: float) -> int:
        """The exit code of a command beside the container's own, 1 when it takes too long."""
        command = [sys.executable, "-IS", str(RUNNER), "enter", str(self._files / "spec.json")]
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            pid = (self._files / "pid").read_text()
            return subprocess.run(
                [*command, pid, *words], capture_output=True, timeout=patience, check=False
            ).returncode
        return 1

    def _run(self) -> None:
        policy = "Always" if self.sidecar else self.pod.body["spec"].get("restartPolicy", "Always")
        policy = "OnFailure" if self.init and not self.sidecar and policy == "Always" else policy
        while True:
            code = self._once()
            self.ready = self.started = False
            if self.pod.stopping.is_set() or not (policy == "Always" or (policy == "OnFailure" and code)):
                self.over, self.code = True, code
                self.pod.tell()
                return
            self.last, self.state = self.state, {"waiting": {"reason": "CrashLoopBackOff"}}
            self.pod.tell()
            self.pod.stopping.wait(min(0.2 * 2**self.restarts, 5))
            self.restarts += 1

    def _once(self) -> int:
        """Runs the command to its end; its exit code."""
        if not self._prepared():
            self._ended(137, now())
            return 137
        began = now()
        command = [sys.executable, "-IS", str(RUNNER), "run", str(self._files / "spec.json")]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        if self.pod.stopping.is_set():
            self.process.kill()
        self.state = {"running": {"startedAt": began}}
        self.started = not self.spec.get("startupProbe")
        self.ready = self.started and not self.spec.get("readinessProbe")
        self.pod.tell()
        threading.Thread(target=self._probed, args=(self.process,), daemon=True).start()
        code = self.process.wait()
        code = 128 - code if code < 0 else code
        self._ended(code, began)
        return code

    def _ended(self, code: int, began: str) -> None:
        said = self._files / "message"
        message = {"message": said.read_text(errors="replace")[:4096]} if said.exists() and said.stat().st_size else {}
        reason = "Completed" if code == 0 else "Error"
        self.state = {
            "terminated": {"exitCode": code, "reason": reason, "startedAt": began, "finishedAt": now(), **message}
        }

    def _prepared(self) -> bool:
        """Writes what the runner reads, as soon as everything that variables refer to is there."""
        while not self.pod.stopping.is_set():
            try:
                (self._files / "spec.json").write_text(json.dumps(self._spec()))
                return True
            except Waiting as problem:
                reason, _, message = str(problem).partition(" ")
                self.state = {"waiting": {"reason": reason, "message": message}}
                self.pod.tell()
                self.pod.stopping.wait(0.3)
        return False

    def _spec(self) -> Json:
        """The runner's file."""
        pod, mine = self.pod.body["spec"], self.spec.get("securityContext") or {}
        secured = {**(pod.get("securityContext") or {}), **mine}
        image = self.pod.images.get(self.spec["image"], Image())
        env = podfiles.environment(self.pod.plane, self.pod.body, self.spec)
        if not any(item["name"] == "PATH" for item in self.spec.get("env", ())):
            env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
        command, args = (
            [podfiles.expanded(word, env) for word in self.spec.get(key, ())] for key in ("command", "args")
        )
        uid = secured.get("runAsUser", 0)
        if secured.get("runAsNonRoot") and uid == 0:
            raise Waiting("CreateContainerConfigError container has runAsNonRoot and image will run as root")
        words = [*(command or image.entrypoint), *args]
        if not words:
            raise Waiting(f"CreateContainerError the test knows no entry point of image {self.spec['image']}")
        gid = secured.get("runAsGroup", 0)
        more = [secured["fsGroup"]] if "fsGroup" in secured else []
        return {
            "root": str(self._files / "root"),
            "pid": str(self._files / "pid"),
            "binds": self._binds(image),
            "copies": [(str(image.folder), image.workdir)] if image.folder else [],
            "argv": words,
            "env": env,
            "cwd": self.spec.get("workingDir") or image.workdir,
            "uid": uid,
            "gid": gid,
            "groups": [gid, *more, *secured.get("supplementalGroups", ())],
            "readonly": bool(secured.get("readOnlyRootFilesystem")),
            "escalation": secured.get("allowPrivilegeEscalation", True),
            "hostname": (pod.get("hostname") or self.pod.name)[:63],
        }

    def _binds(self, image: Image) -> list[tuple[str, str, bool]]:
        """Folders and files of this machine: Python, names, and the pod's volumes."""
        said = self._files / "message"
        said.write_text("")
        said.chmod(0o666)
        resolved = self._files / "resolv.conf"
        resolved.write_text("")
        binds = [(path, path, True) for path in dict.fromkeys((sys.base_prefix, sys.prefix))]
        binds += [(str(self.pod.hosts), "/etc/hosts", True), (str(resolved), "/etc/resolv.conf", True)]
        binds += [(str(said), self.spec.get("terminationMessagePath", "/dev/termination-log"), False)]
        for mount in self.spec.get("volumeMounts", ()):
            volume = next(v for v in self.pod.body["spec"]["volumes"] if v["name"] == mount["name"])
            place = self.pod.volumes[mount["name"]] / mount.get("subPath", "")
            place.exists() or place.mkdir(parents=True)
            made = not {"emptyDir", "persistentVolumeClaim"} & set(volume)
            binds.append((str(place), mount["mountPath"].rstrip("/"), made or bool(mount.get("readOnly"))))
        return binds

    def _probed(self, process: subprocess.Popen[bytes]) -> None:
        """Asks the probes while this process runs: once a second, more often until it is ready."""
        startup, ready, live = (self.spec.get(f"{key}Probe") for key in ("startup", "readiness", "liveness"))
        failures, since = 0, time.monotonic()
        living = since
        time.sleep(min(1, (startup or ready or live or {}).get("initialDelaySeconds", 0)))
        while process.poll() is None and not self.pod.stopping.is_set():
            if not self.started and startup:
                self.started = self._asked(startup)
                allowed = startup.get("failureThreshold", 3) * startup.get("periodSeconds", 10)
                if not self.started and time.monotonic() - since > allowed:
                    self.stop(self.pod.grace)
            if self.started:
                self.ready = self._asked(ready) if ready else True
                if live and time.monotonic() - living >= 1:
                    living = time.monotonic()
                    failures = 0 if self._asked(live) else failures + 1
                    if failures >= live.get("failureThreshold", 3):
                        self.stop(self.pod.grace)
            self.pod.tell()
            if self.started and not ready and not live:
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1 if self.ready else 0.2)

    def _asked(self, probe: Json) -> bool:
        """Whether a probe succeeds now."""
        patience = float(probe.get("timeoutSeconds", 1))
        if "exec" in probe:
            return self.enter(probe["exec"]["command"], patience) == 0
        where = probe.get("httpGet") or probe.get("tcpSocket") or probe["grpc"]
        port = self.port(where["port"])
        try:
            if "httpGet" not in probe:
                socket.create_connection((self.pod.address, port), patience).close()
                return True
            url = f"http://{self.pod.address}:{port}{where.get('path', '/')}"
            headers = {item["name"]: item["value"] for item in where.get("httpHeaders", ())}
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=patience):
                return True
        except OSError:
            return False

    def port(self, named: Any) -> int:
        """A port's number by its name."""
        if isinstance(named, int) or str(named).isdigit():
            return int(named)
        found = [each["containerPort"] for each in self.spec.get("ports", ()) if each.get("name") == named]
        return int(found[0]) if found else 0


def now() -> str:
    """This moment as statuses write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

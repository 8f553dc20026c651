"""What pods find by name, and what is asked of a node: services as lines of /etc/hosts, and containers' logs."""

from __future__ import annotations

import contextlib
import http.server
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.e2e.kubernetes.plane import Plane, Refused
from tests.e2e.kubernetes.pod import Pod

Json = dict[str, Any]


class Names:
    """Keeps every pod's /etc/hosts in step with services and their ready pods. A port of a service that is another
    than its pods' is listened to at the pod's address and passed on."""

    def __init__(self, plane: Plane, pods: Mapping[str, Pod]) -> None:
        self.plane, self.pods = plane, pods
        self._services: dict[str, Json] = {}
        self._passing: dict[tuple[str, int], socket.socket] = {}
        self._due, self._ending = threading.Event(), threading.Event()
        self._logs: http.server.ThreadingHTTPServer | None = None
        for work in (self._watched, self._renewing):
            threading.Thread(target=work, daemon=True).start()

    def renew(self) -> None:
        """Says that a pod has come, gone or changed."""
        self._due.set()

    def close(self) -> None:
        """Ends everything that listens."""
        self._ending.set()
        self._due.set()
        for listener in list(self._passing.values()):
            listener.close()
        if self._logs:
            self._logs.shutdown()
            self._logs.server_close()

    def _watched(self) -> None:
        while not self._ending.is_set():
            with contextlib.suppress(OSError, Refused):
                listed = self.plane.ask("GET", "/api/v1/services")
                self._services = {each["metadata"]["uid"]: each for each in listed["items"]}
                self.renew()
                since = listed["metadata"]["resourceVersion"]
                for event in self.plane.watch("/api/v1/services", since, self._ending.is_set):
                    if event["type"] == "ERROR":
                        break
                    uid = event["object"]["metadata"]["uid"]
                    if event["type"] == "DELETED":
                        self._services.pop(uid, None)
                    else:
                        self._services[uid] = event["object"]
                    self.renew()

    def _renewing(self) -> None:
        while not self._ending.is_set():
            self._due.wait()
            self._due.clear()
            pods = [pod for pod in list(self.pods.values()) if pod.thread.is_alive()]
            known = [line for service in list(self._services.values()) for line in self._lines(service, pods)]
            for pod in pods:
                own = pod.body["metadata"]["namespace"]
                lines = [f"127.0.0.1 localhost\n{pod.address} {pod.body['spec'].get('hostname') or pod.name}"]
                lines += [
                    f"{each['ip']} {' '.join(each['hostnames'])}" for each in pod.body["spec"].get("hostAliases", ())
                ]
                lines += [
                    f"{address} " + " ".join(f"{name}{suffix}" for suffix in _suffixes(own, namespace))
                    for address, name, namespace in known
                ]
                _written(str(pod.hosts), "\n".join(lines) + "\n")

    def _lines(self, service: Json, pods: list[Pod]) -> list[tuple[str, str, str]]:
        """Address, name and namespace of what a service makes known."""
        spec, name, namespace = service["spec"], service["metadata"]["name"], service["metadata"]["namespace"]
        selector = spec.get("selector") or {}
        chosen = [
            pod
            for pod in pods
            if selector
            and pod.body["metadata"]["namespace"] == namespace
            and selector.items() <= pod.body["metadata"].get("labels", {}).items()
            and (pod.ready or (spec.get("publishNotReadyAddresses") and not pod.stopping.is_set()))
        ]
        found = [(pod.address, name, namespace) for pod in chosen]
        if spec.get("clusterIP") == "None":
            held = [(pod, pod.body["spec"]) for pod in chosen]
            named = [
                (pod, body["hostname"]) for pod, body in held if body.get("hostname") and body.get("subdomain") == name
            ]
            return found + [(pod.address, f"{host}.{name}", namespace) for pod, host in named]
        for pod in chosen:
            for port in spec.get("ports", ()):
                target = next((t for c in pod.containers if (t := c.port(port.get("targetPort", port["port"])))), 0)
                if target and target != port["port"]:
                    self._passed(pod.address, port["port"], target)
        return found

    def _passed(self, address: str, port: int, target: int) -> None:
        if (address, port) in self._passing:
            return
        listener = socket.create_server((address, port))
        self._passing[(address, port)] = listener

        def accepting() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken, _ = listener.accept()
                    try:
                        other = socket.create_connection((address, target), 5)
                        other.settimeout(None)
                    except OSError:
                        taken.close()
                        continue
                    for pair in ((taken, other), (other, taken)):
                        threading.Thread(target=_piped, args=pair, daemon=True).start()

        threading.Thread(target=accepting, daemon=True).start()

    def serve_logs(self, find: Callable[[str, str, str], tuple[Pod, str] | None]) -> int:
        """Answers what `kubectl logs` asks the node, on the port that is returned."""

        class Asked(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                address = urlsplit(self.path)
                query = parse_qs(address.query)
                words = address.path.strip("/").split("/")
                pod, container = (find(*words[1:4]) if len(words) == 4 else None) or (None, "")
                each = (
                    next((c for c in (*pod.inits, *pod.containers) if c.spec["name"] == container), None)
                    if pod
                    else None
                )
                if each is None or not each.log.exists():
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                with each.log.open("rb") as file:
                    if "tailLines" in query:
                        kept = int(query["tailLines"][0])
                        self.wfile.write(b"".join(file.readlines()[-kept:] if kept else []))
                        file.seek(0, os.SEEK_END)
                    while True:
                        over = each.over or query.get("follow") != ["true"]
                        self.wfile.write(file.read())
                        self.wfile.flush()
                        if over:
                            return
                        time.sleep(0.1)

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing: the tests' output is not the node's."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Asked)
        server.daemon_threads = True
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.plane.ca, self.plane.ca.with_suffix(".key"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._logs = server
        return int(server.server_address[1])


def _suffixes(own: str, namespace: str) -> list[str]:
    full = [f".{namespace}", f".{namespace}.svc", f".{namespace}.svc.cluster.local"]
    return ["", *full] if own == namespace else full


def _written(path: str, text: str) -> None:
    """Changes a file in place: it is mounted into a container by its inode."""
    data = text.encode()
    with contextlib.suppress(FileNotFoundError):
        file = os.open(path, os.O_RDWR)
        try:
            if os.pread(file, len(data) + 1, 0) != data:
                os.pwrite(file, data, 0)
                os.ftruncate(file, len(data))
        finally:
            os.close(file)


def _piped(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)

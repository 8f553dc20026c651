"""A control plane of its own: etcd, kube-apiserver and kube-controller-manager on loopback, as long as tests run."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import shutil
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.e2e.programs import CACHE, ETCD, KUBERNETES, told
from tests.servers import free_port, running

SERVICES = "127.96.0.0/16"
"""Addresses of services. All of 127.0.0.0/8 is this machine's own: nothing has to be set up, nothing is left behind."""
_PREFIX = "mlwright-e2e-plane-"


class Refused(Exception):
    """The API server's answer to a request that it did not accept, with its code and its status."""

    def __init__(self, request: str, code: int, status: dict[str, Any]) -> None:
        super().__init__(f"{request}: {code} {status.get('message', status)}")
        self.code, self.status = code, status


@dataclass(frozen=True, kw_only=True)
class Plane:
    """A running control plane, seen by one user. `folder` is its place for files, gone when it ends."""

    folder: Path
    url: str
    ca: Path
    token: str = field(repr=False)
    kubeconfig: Path
    binaries: Path

    def kubectl(self, *words: str, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A `kubectl` command to its end; a failure is told with all that it said."""
        command = [str(self.binaries / "kubectl"), "--kubeconfig", str(self.kubeconfig), *words]
        env = dict(os.environ, HOME=str(self.folder), KUBECACHEDIR=str(self.folder / "kubectl"))
        done = subprocess.run(command, input=stdin, env=env, capture_output=True, text=True, timeout=300, check=False)
        if check and done.returncode:
            raise AssertionError(f"kubectl {' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> dict[str, Any]:
        """The API server's answer to one request; `Refused` says what it did not like. Warnings are in `_warnings`."""
        with contextlib.closing(self._connection()) as connection:
            connection.request(method, path, _bytes(body), self._headers(kind))
            answer = connection.getresponse()
            text = answer.read()
            found = json.loads(text) if "json" in (answer.getheader("Content-Type") or "") else {"text": text.decode()}
            if answer.status >= 400:
                raise Refused(f"{method} {path}", answer.status, found)
            warnings = answer.headers.get_all("Warning")
            return {**found, "_warnings": warnings} if warnings else dict(found)

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Makes an object, or makes one that is there say what this one does: tests of other modules share it."""
        return self.ask("PATCH", f"{path}?fieldManager=tests&force=true", body, "application/apply-patch+yaml")

    def watch(self, path: str, since: str, ended: Callable[[], bool] = lambda: False) -> Iterator[dict[str, Any]]:
        """Events of a collection from a resource version on, for two seconds or until `ended` says so. What is open
        for longer keeps the API server from ending."""
        with contextlib.closing(self._connection()) as connection:
            mark = "&" if "?" in path else "?"
            query = f"watch=true&timeoutSeconds=2&resourceVersion={since}"
            connection.request("GET", f"{path}{mark}{query}", None, self._headers(""))
            answer = connection.getresponse()
            if answer.status >= 400:
                raise Refused(f"WATCH {path}", answer.status, json.loads(answer.read()))
            while not ended() and (line := answer.readline()):
                yield json.loads(line)

    def namespace(self, name: str, **labels: str) -> None:
        """A namespace that admits restricted pods alone, with its account and certificate in place, new or not."""
        enforced = {f"pod-security.kubernetes.io/{key}": text for key, text in labels.items()} or {
            "pod-security.kubernetes.io/enforce": "restricted"
        }
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": enforced}}
        self.put(f"/api/v1/namespaces/{name}", body)
        self.await_(f"/api/v1/namespaces/{name}/serviceaccounts/default")
        self.await_(f"/api/v1/namespaces/{name}/configmaps/kube-root-ca.crt")

    def await_(
        self, path: str, reached: Callable[[dict[str, Any]], bool] = lambda _: True, within: float = 60
    ) -> dict[str, Any]:
        """The object at `path` as soon as it is there and `reached` says so."""
        end, found = time.monotonic() + within, None
        while True:
            try:
                found = self.ask("GET", path)
                if reached(found):
                    return found
            except Refused as problem:
                if problem.code != 404:
                    raise
            assert time.monotonic() < end, f"{path} after {within} s: {json.dumps(found)}"
            time.sleep(0.1)

    def account(
        self, namespace: str, name: str, *, audience: str | None = None, bound: dict[str, str] | None = None
    ) -> str:
        """A token of a service account, for the API server or `audience`, void once the object `bound` is gone."""
        spec = {"expirationSeconds": 3600, "audiences": [audience] if audience else None, "boundObjectRef": bound}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{quote(name)}/token"
        return str(self.ask("POST", path, body)["status"]["token"])

    def _connection(self, patience: float = 60) -> http.client.HTTPSConnection:
        place = urlsplit(self.url)
        context = ssl.create_default_context(cafile=str(self.ca))
        return http.client.HTTPSConnection(str(place.hostname), place.port, timeout=patience, context=context)

    def _headers(self, kind: str) -> dict[str, str]:
        named = {"Content-Type": kind} if kind else {}
        return {"Authorization": f"Bearer {self.token}", "Accept": "application/json", **named}


def built() -> Path:
    """The folder with all programs, made on first use: about ten minutes on two processors."""
    folder = CACHE / "kubernetes"
    folder.mkdir(parents=True, exist_ok=True)
    for program in (ETCD, *KUBERNETES):
        link, target = folder / program.name, program.built() / program.name
        if not link.is_symlink() or link.readlink() != target:
            part = folder / f"{program.name}.{os.getpid()}"
            part.symlink_to(target)
            part.rename(link)
    return folder


@contextlib.contextmanager
def started() -> Iterator[Plane]:
    """A control plane without a node, seen by its administrator. Nothing is pulled, nothing outlives it."""
    binaries = built()
    since = time.monotonic()
    _cleared()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    try:
        plane = _prepared(folder, binaries, free_port())
        with _etcd(plane) as store, _apiserver(plane, store), _controllers(plane):
            told("the control plane answers", since)
            yield plane
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _cleared() -> None:
    """Removes what tests that were killed have left; their programs have ended with them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        process = Path("/proc", folder.name.removeprefix(_PREFIX).partition("-")[0])
        if Path("/proc/self").exists() and not process.exists():
            shutil.rmtree(folder, ignore_errors=True)


def _prepared(folder: Path, binaries: Path, port: int) -> Plane:
    """The files that the programs read: a key for accounts' tokens, the administrator's token and kubeconfig."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kind, plain = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    (folder / "accounts.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, kind, plain))
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
    plane = Plane(
        folder=folder,
        url=f"https://127.0.0.1:{port}",
        ca=folder / "tls" / "apiserver.crt",
        token=token,
        kubeconfig=folder / "kubeconfig",
        binaries=binaries,
    )
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "plane",
        "clusters": [{"name": "plane", "cluster": {"server": plane.url, "certificate-authority": str(plane.ca)}}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "plane", "context": {"cluster": "plane", "user": "admin"}}],
    }
    plane.kubeconfig.write_text(json.dumps(config))
    return plane


@contextlib.contextmanager
def _etcd(plane: Plane) -> Iterator[str]:
    """An empty store on a free port; its address."""
    store, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    words = {
        "data-dir": str(plane.folder / "etcd"),
        "listen-client-urls": store,
        "advertise-client-urls": store,
        "listen-peer-urls": peers,
        "initial-advertise-peer-urls": peers,
        "initial-cluster": f"default={peers}",
        "log-level": "error",
        "unsafe-no-fsync": "true",
    }
    place = urlsplit(store)

    def ready() -> bool:
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=2)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        return False

    with running(_command(plane, "etcd", words), ready, plane.folder / "etcd.log"):
        yield store


@contextlib.contextmanager
def _apiserver(plane: Plane, store: str) -> Iterator[None]:
    """Admission as a cluster has it (PodSecurity included), RBAC, and a certificate that the server makes itself."""
    place = urlsplit(plane.url)
    words = {
        "etcd-servers": store,
        "bind-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        "secure-port": str(place.port),
        "cert-dir": str(plane.folder / "tls"),
        "token-auth-file": str(plane.folder / "tokens.csv"),
        "anonymous-auth": "false",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": str(plane.folder / "accounts.key"),
        "service-account-signing-key-file": str(plane.folder / "accounts.key"),
        "service-cluster-ip-range": SERVICES,
        "endpoint-reconciler-type": "none",
        "shutdown-delay-duration": "0s",
    }
    with running(
        _command(plane, "kube-apiserver", words), lambda: _answers(plane, "/readyz"), plane.folder / "apiserver.log"
    ):
        yield


@contextlib.contextmanager
def _controllers(plane: Plane) -> Iterator[None]:
    """Every controller but those that watch over nodes' signs of life and over endpoints, which may not be loopback."""
    words = {
        "kubeconfig": str(plane.kubeconfig),
        "service-account-private-key-file": str(plane.folder / "accounts.key"),
        "root-ca-file": str(plane.ca),
        "use-service-account-credentials": "true",
        "controllers": "*,-node-lifecycle-controller,-endpoints-controller,-endpointslice-controller",
        "leader-elect": "false",
        "secure-port": "0",
        "kube-api-qps": "200",
        "kube-api-burst": "400",
    }
    default = "/api/v1/namespaces/default/serviceaccounts/default"
    command = _command(plane, "kube-controller-manager", words)
    with running(command, lambda: _answers(plane, default), plane.folder / "controllers.log"):
        yield


def _command(plane: Plane, program: str, words: dict[str, str]) -> list[str]:
    bound = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []  # ends with tests that are killed
    return [*bound, str(plane.binaries / program), *(f"--{key}={text}" for key, text in words.items())]


def _answers(plane: Plane, path: str) -> bool:
    with contextlib.suppress(OSError, Refused):
        return bool(plane.ask("GET", path))
    return False


def _bytes(body: Any) -> bytes | None:
    return body if body is None or isinstance(body, bytes) else json.dumps(body).encode()

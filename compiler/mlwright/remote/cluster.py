"""A Kubernetes API server that is read and asked what it would do: nothing is ever written.

The official client (extra `cluster`) reads the kubeconfig, finds credentials and sets TLS up; requests are our own, for
its models know no custom resources and drop what they do not know.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import urllib.parse
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from mlwright.record import dataclass
from mlwright.remote.http import RemoteError
from mlwright.source.suggest import did_you_mean

Object = dict[str, Any]
CONNECT, READ = 10.0, 30.0
"""Seconds to wait for a connection and for an answer."""
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_APPLY = "application/apply-patch+yaml"
_PAGE = 500
_ATTEMPTS, _LONGEST_PAUSE = 3, 5
"""How often a server that says it is busy is asked again, and the longest pause before, in seconds."""
_SECRET = "Secret"
_IN_POD = "/var/run/secrets/kubernetes.io/serviceaccount/token"
ABSENT = """\
the Kubernetes client is not installed: pip install 'mlwright[cluster]'"""


class ClusterError(RemoteError):
    """The cluster cannot be talked to at all; the text says which, why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What the server answered instead of an object: HTTP status, Kubernetes' reason and message, the kind that the
    message is about, and (field, why) of each cause. `code` is 0 where no answer came in time."""

    code: int
    reason: str = ""
    message: str = ""
    about: str = ""
    causes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """How the server calls a kind: the plural in its addresses, and whether objects of it are in namespaces."""

    plural: str
    namespaced: bool


class Cluster:
    """One API server, seen by one user. Any number of threads may use it. `url` and `context` say which it is."""

    def __init__(self, client: Any, *, context: str = "", connect: float = CONNECT, read: float = READ) -> None:
        self._configuration = client.configuration
        self._pool = client.rest_client.pool_manager
        self._patience = (connect, read)
        self._known: dict[str, dict[str, Resource] | Refused] = {}
        self._lock = threading.Lock()
        self.url: str = self._configuration.host.rstrip("/")
        self.context = context

    def probe(self) -> str:
        """The server's version. Raises ClusterError where it is out of reach, refuses the credentials, or is none."""
        answer = self._ask("GET", "/version")
        if isinstance(answer, Refused) and answer.code == 0:
            raise ClusterError(f"cannot reach the cluster at {self.url}: {answer.message}")
        if isinstance(answer, Refused) and answer.code != 403:
            said = answer.message or answer.reason
            raise ClusterError(f"{self.url} does not answer as a Kubernetes API server does ({answer.code}): {said}")
        return "" if isinstance(answer, Refused) else str(answer.get("gitVersion", ""))

    def resource(self, api_version: str, kind: str) -> Resource | Refused | None:
        """How the server calls a kind; None where it has no such one."""
        with self._lock:
            if api_version not in self._known:
                self._known[api_version] = self._resources(api_version)
            known = self._known[api_version]
        if isinstance(known, Refused):
            return None if known.code == 404 else known
        return known.get(kind)

    def versions(self, group: str) -> tuple[str, ...]:
        """The API versions that the server has of a group, the preferred one first."""
        answer = self._ask("GET", f"/apis/{group}")
        found = () if isinstance(answer, Refused) else answer.get("versions") or ()
        return tuple(str(one.get("groupVersion")) for one in found)

    def get(self, data: Mapping[str, Any]) -> Object | Refused:
        """The live object of the same type, namespace and name. Of a Secret only what is no secret."""
        return self._ask("GET", self._address(data), accept=_METADATA if data["kind"] == _SECRET else "")

    def applied(self, data: Mapping[str, Any], manager: str) -> Object | Refused:
        """What the object would be after `kubectl apply --server-side` by that field manager: a dry run, which goes
        through all of admission and leaves everything as it is."""
        query = urllib.parse.urlencode(
            {"dryRun": "All", "fieldManager": manager, "force": "true", "fieldValidation": "Ignore"}
        )
        return self._ask(
            "PATCH",
            f"{self._address(data)}?{query}",
            body=json.dumps(data).encode(),
            kind=_APPLY,
            accept=_METADATA if data["kind"] == _SECRET else "",
        )

    def namespace(self, name: str) -> Object | Refused:
        """A namespace."""
        return self._ask("GET", f"/api/v1/namespaces/{urllib.parse.quote(name)}", accept=_METADATA)

    def listed(self, api_version: str, kind: str, namespace: str, selector: str) -> list[Object] | Refused:
        """The metadata of all objects of a kind with these labels, in `namespace` or, for "", in none."""
        base = self._collection({"apiVersion": api_version, "kind": kind, "metadata": {"namespace": namespace}})
        found: list[Object] = []
        more: dict[str, str] = {}
        while True:
            query = urllib.parse.urlencode({"labelSelector": selector, "limit": str(_PAGE), **more})
            answer = self._ask("GET", f"{base}?{query}", accept=_METADATA_LIST)
            if isinstance(answer, Refused):
                return answer
            found += [one for one in answer.get("items") or () if isinstance(one, dict)]
            token = (answer.get("metadata") or {}).get("continue")
            if not token:
                return found
            more = {"continue": str(token)}

    def _resources(self, api_version: str) -> dict[str, Resource] | Refused:
        answer = self._ask("GET", _root(api_version))
        if isinstance(answer, Refused):
            return answer
        return {
            str(one["kind"]): Resource(plural=str(one["name"]), namespaced=bool(one.get("namespaced")))
            for one in answer.get("resources") or ()
            if "/" not in str(one.get("name", "/"))
        }

    def _address(self, data: Mapping[str, Any]) -> str:
        return f"{self._collection(data)}/{urllib.parse.quote(str(data['metadata']['name']))}"

    def _collection(self, data: Mapping[str, Any]) -> str:
        """The path of an object's collection. Only for kinds that the server has."""
        root, resource = _root(str(data["apiVersion"])), self.resource(str(data["apiVersion"]), str(data["kind"]))
        assert isinstance(resource, Resource), data["kind"]
        space = data["metadata"].get("namespace")
        if resource.namespaced:
            return f"{root}/namespaces/{urllib.parse.quote(str(space or 'default'))}/{resource.plural}"
        return f"{root}/{resource.plural}"

    def _ask(
        self, method: str, path: str, *, body: bytes | None = None, kind: str = "", accept: str = ""
    ) -> Object | Refused:
        """The server's answer; one that is busy is asked again. Raises ClusterError where it is gone or takes nobody by
        these credentials."""
        assert method == "GET" or (method == "PATCH" and "dryRun=All" in path), "nothing is ever written"
        headers = {"Accept": accept or "application/json"}
        if kind:
            headers["Content-Type"] = kind
        if token := self._configuration.get_api_key_with_prefix("BearerToken", alias="authorization"):
            headers["Authorization"] = token
        answer = self._sent(method, path, body, headers)
        for _ in range(_ATTEMPTS):
            if isinstance(answer, Refused):
                return answer
            patience = answer.headers.get("Retry-After", "")
            if answer.status not in (429, 503) or not patience.isdigit():
                break
            time.sleep(min(int(patience), _LONGEST_PAUSE))
            answer = self._sent(method, path, body, headers)
        if isinstance(answer, Refused):
            return answer
        if answer.status == 401:
            where = f" of the context {self.context!r}" if self.context else ""
            raise ClusterError(
                f"{self.url} does not know the credentials{where} (401): they are wrong or have expired; log in again"
                " (`kubectl get ns` asks with the same ones)"
            )
        return _answer(answer.status, str(answer.reason or ""), answer.data)

    def _sent(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Any:
        """The answer as it comes, or that none came in time."""
        import urllib3

        connect, read = self._patience
        try:
            return self._pool.request(
                method,
                self.url + path,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(connect=connect, read=read),
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.ReadTimeoutError:
            return Refused(code=0, reason="Timeout", message=f"no answer within {read:g} s")
        except urllib3.exceptions.HTTPError as error:
            raise ClusterError(f"cannot reach the cluster at {self.url}: {_why(error, connect)}") from error
        except (ValueError, OSError) as error:  # an address that is none, a certificate that cannot be read
            raise ClusterError(f"cannot reach the cluster at {self.url}: {error}") from error


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _answer(status: int, reason: str, data: bytes) -> Object | Refused:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if status < 300 and isinstance(found, dict):
        return found
    if not isinstance(found, dict):
        told = data[:200].decode("utf-8", "replace").strip()
        return Refused(code=status, reason=reason, message=told or "an empty answer")
    details = found.get("details") or {}
    causes = tuple((str(one.get("field", "")), str(one.get("message", ""))) for one in details.get("causes") or ())
    return Refused(
        code=status,
        reason=str(found.get("reason") or reason),
        message=str(found.get("message", "")),
        about=str(details.get("kind", "")),
        causes=causes,
    )


def _why(error: Exception, patience: float) -> str:
    """What kept a connection from being made, and what to do."""
    import urllib3

    kinds = urllib3.exceptions
    reason = getattr(error, "original_error", None) or getattr(error, "reason", None) or error
    if isinstance(error, kinds.NameResolutionError):
        return "no such host; is the context the right one?"
    if isinstance(error, kinds.NewConnectionError):
        said = str(error).rpartition(": ")[2]
        return f"nothing listens there ({said}); is the context the right one, and the cluster up?"
    if isinstance(error, kinds.ConnectTimeoutError):
        return f"no connection within {patience:g} s; is a VPN or a proxy needed?"
    if isinstance(error, kinds.SSLError):
        return (
            f"TLS: {reason}; `certificate-authority` (or -data) of the cluster in the kubeconfig has to be that of this"
            " server, and the address one that its certificate names"
        )
    return str(reason)


def connect(kubeconfig: str = "", context: str = "", *, read: float = READ) -> Cluster:
    """The cluster of a context of the kubeconfig: of the file `kubeconfig`, else of KUBECONFIG, else of
    ~/.kube/config, else the one that this runs in. Raises ClusterError."""
    try:
        from kubernetes import client, config
        from kubernetes.config.config_exception import ConfigException
    except ImportError as error:
        raise ClusterError(ABSENT) from error
    settings = client.Configuration()
    if not kubeconfig and not os.environ.get("KUBECONFIG") and not FilePath("~/.kube/config").expanduser().exists():
        return _inside(client, config, settings, ConfigException, context, read)
    place = kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    chosen = _context(place, context)
    with _Told() as told:
        try:
            config.load_kube_config(config_file=place, context=chosen, client_configuration=settings)
        except ConfigException as error:
            raise ClusterError(f"the kubeconfig {place} cannot be used: {error}") from error
        except Exception as error:  # whatever a damaged file makes of base64 and missing keys
            raise ClusterError(f"the kubeconfig {place} cannot be read: {error}") from error
    if told.texts:
        raise ClusterError(f"no credentials for the context {chosen!r}: {'; '.join(told.texts)}")
    return _made(client, settings, chosen, place, read)


def _inside(client: Any, config: Any, settings: Any, problem: type[Exception], context: str, read: float) -> Cluster:
    """The cluster of the pod that this runs in."""
    if context or not os.path.exists(_IN_POD):
        raise ClusterError("there is no kubeconfig (~/.kube/config): name one with --kubeconfig or KUBECONFIG")
    try:
        config.load_incluster_config(client_configuration=settings)
    except problem as error:
        raise ClusterError(f"this pod's account cannot be used: {error}") from error
    return _made(client, settings, "", "this pod", read)


def _made(client: Any, settings: Any, context: str, place: str, read: float) -> Cluster:
    try:
        return Cluster(client.ApiClient(settings), context=context, read=read)
    except (OSError, ValueError) as error:
        raise ClusterError(f"the certificates of {place} cannot be read: {error}") from error


def _context(place: str, wanted: str) -> str:
    """The context to use, of those that the files at `place` have."""
    import yaml

    files = [FilePath(one).expanduser() for one in place.split(os.pathsep) if one]
    read: list[Any] = []
    try:
        read = [yaml.safe_load(one.read_text("utf-8")) for one in files if one.is_file()]
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ClusterError(f"the kubeconfig {place} cannot be read: {' '.join(str(error).split())}") from error
    if not read:
        raise ClusterError(f"there is no kubeconfig at {place}: name one with --kubeconfig or KUBECONFIG")
    whole = [one for one in read if isinstance(one, dict)]
    entries = [entry for one in whole for entry in one.get("contexts") or () if isinstance(entry, dict)]
    names = list(dict.fromkeys(str(entry.get("name")) for entry in entries))
    chosen = wanted or next((str(one["current-context"]) for one in whole if one.get("current-context")), "")
    if not chosen:
        raise ClusterError(f"the kubeconfig {place} has no current context: name one with --context: {_list(names)}")
    if chosen not in names:
        hint = did_you_mean(chosen, names) or f"there is {_list(names)}"
        raise ClusterError(f"the kubeconfig {place} has no context {chosen!r}: {hint}")
    return chosen


def _list(names: list[str]) -> str:
    return ", ".join(names) or "none"


class _Told(logging.Handler):
    """What the client only logs while it looks for credentials: a program that failed, above all."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())

    def __enter__(self) -> _Told:
        root = logging.getLogger()
        self._before = root.handlers[:]
        root.handlers[:] = [self]
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().handlers[:] = self._before

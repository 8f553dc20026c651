"""The Kubernetes API of the cluster we run in: objects of one namespace, made, read, changed, deleted and watched.

Address, token and certificate are those of the pod's service account. MLWRIGHT_KUBERNETES (an address),
MLWRIGHT_KUBERNETES_TOKEN, MLWRIGHT_KUBERNETES_CA (files) and MLWRIGHT_NAMESPACE take their place where they are set.
"""

from __future__ import annotations

import json
import time

from values import BAD_INPUT, UNREACHABLE, StepError, say, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

    Doc = Dict[str, Any]

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/"
PATIENCE = 600.0
"""Seconds of MLWRIGHT_API_PATIENCE unless set: an API server that is being upgraded is away for minutes."""
WATCH = 60
"""Seconds that one watch lasts: a connection that died unnoticed holds nobody up for longer."""
AGAIN = (429, 500, 502, 503, 504)


class ClusterError(StepError):
    """The API refused: HTTP `status` and Kubernetes' `reason`."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(UNREACHABLE if status >= 500 else BAD_INPUT, message)
        self.status, self.reason = status, reason


class Cluster:
    """The API in one namespace. Repeats what may be repeated; fails with 69 after `patience` seconds."""

    def __init__(self, env: Mapping[str, str]) -> None:
        host, port = env.get("KUBERNETES_SERVICE_HOST", ""), env.get("KUBERNETES_SERVICE_PORT", "443")
        inside = "https://%s:%s" % ("[%s]" % host if ":" in host else host, port) if host else ""
        self.uri = (env.get("MLWRIGHT_KUBERNETES") or inside).rstrip("/")
        if not self.uri:
            raise StepError(BAD_INPUT, "this is no pod of a cluster: KUBERNETES_SERVICE_HOST is not set")
        self.token = env.get("MLWRIGHT_KUBERNETES_TOKEN") or ACCOUNT + "token"
        self.certificates = env.get("MLWRIGHT_KUBERNETES_CA") or ACCOUNT + "ca.crt"
        self.namespace = env.get("MLWRIGHT_NAMESPACE") or _text(ACCOUNT + "namespace")
        if not self.namespace:
            raise StepError(BAD_INPUT, "MLWRIGHT_NAMESPACE is not set, and this is no pod of a cluster")
        self.patience = seconds(env, "MLWRIGHT_API_PATIENCE", PATIENCE)
        self._context: Any = None

    # Objects

    def get(self, api: str, kind: str, name: str) -> Optional[Doc]:
        """The object as it is now; None where there is none."""
        try:
            return self.call("GET", self.path(api, kind, name))
        except ClusterError as error:
            if error.status == 404:
                return None
            raise

    def create(self, manifest: Doc) -> Doc:
        """The object as the API made it. `ClusterError` with reason AlreadyExists where there is one of its name."""
        return self.call("POST", self.path(manifest["apiVersion"], manifest["kind"]), manifest)

    def replace(self, manifest: Doc) -> Doc:
        """The object as it is after; reason Conflict where somebody was faster."""
        return self.call("PUT", self.path(manifest["apiVersion"], manifest["kind"], _name(manifest)), manifest)

    def patch(self, api: str, kind: str, name: str, change: Doc) -> Optional[Doc]:
        """The object after a merge patch; None where there is none any more."""
        try:
            return self.call("PATCH", self.path(api, kind, name), change, "application/merge-patch+json")
        except ClusterError as error:
            if error.status == 404:
                return None
            raise

    def delete(self, api: str, kind: str, name: str, uid: str = "") -> None:
        """Deletes the object and, in the background, what it owns; with `uid` that very object only."""
        options: Doc = {"propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            self.call("DELETE", self.path(api, kind, name), options)
        except ClusterError as error:
            if error.status not in (404, 409):
                raise

    def list(self, api: str, kind: str, selector: str) -> Tuple[List[Doc], str]:
        """All objects with these labels, and the version of the list, from which a watch goes on."""
        answer = self.call("GET", self.path(api, kind), labelSelector=selector)
        items = [dict(item, apiVersion=api, kind=kind) for item in answer.get("items") or []]
        return items, str(answer["metadata"].get("resourceVersion") or "")

    def watch(self, api: str, kind: str, selector: str, version: str) -> Iterator[Doc]:
        """Changes after `version`, until the API ends the watch. `ClusterError` 410: `version` is too old."""
        query = {"labelSelector": selector, "resourceVersion": version, "watch": "1"}
        query.update(allowWatchBookmarks="true", timeoutSeconds=str(WATCH))
        with self._open("GET", self.path(api, kind), None, "application/json", query, WATCH + 30.0) as answer:
            for line in answer:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise _error(event["object"], int(event["object"].get("code") or 500))
                yield event

    # Requests

    def path(self, api: str, kind: str, name: str = "") -> str:
        """The path of an object, or of all of its kind."""
        from urllib.parse import quote

        base = "/apis/" + api if "/" in api else "/api/" + api
        return "%s/namespaces/%s/%s%s" % (base, self.namespace, resource(kind), "/" + quote(name) if name else "")

    def call(
        self, method: str, path: str, body: Optional[Doc] = None, kind: str = "application/json", **query: str
    ) -> Doc:
        """One request, repeated while the API is away: whoever makes an object twice is told that it is there."""
        import http.client
        import urllib.error

        pause, end = 0.2, time.monotonic() + self.patience
        while True:
            wait = pause
            try:
                with self._open(method, path, body, kind, query, 60.0) as answer:
                    return dict(json.loads(answer.read() or b"{}"))
            except urllib.error.HTTPError as error:
                problem: StepError = refused(error)
                if error.code not in AGAIN:
                    raise problem from None
                after = error.headers.get("Retry-After", "")
                wait = max(pause, min(float(after), 30.0)) if after.isdigit() else pause
            except (OSError, http.client.HTTPException, ValueError) as error:
                reason = getattr(error, "reason", error)
                problem = StepError(UNREACHABLE, "cannot reach the Kubernetes API %s: %s" % (self.uri, reason))
            if time.monotonic() + wait > end:
                raise problem
            if pause > 2.0:
                say("%s; again in %g s" % (problem, wait))
            time.sleep(wait)
            pause = min(pause * 2, 10.0)

    def _open(
        self, method: str, path: str, body: Optional[Doc], kind: str, query: Mapping[str, str], timeout: float
    ) -> Any:
        import urllib.request
        from urllib.parse import urlencode

        url = self.uri + path + ("?" + urlencode(query) if query else "")
        data = None if body is None else json.dumps(body).encode("ascii")
        request = urllib.request.Request(url, data, {"Content-Type": kind, "Accept": "application/json"}, method=method)
        token = _text(self.token)  # it is another one every hour
        if token:
            request.add_header("Authorization", "Bearer " + token)
        return urllib.request.urlopen(request, timeout=timeout, context=self._tls())

    def _tls(self) -> Any:
        if self._context is None and self.uri.startswith("https:"):
            import os
            import ssl

            trusted = self.certificates if os.path.exists(self.certificates) else None
            self._context = ssl.create_default_context(cafile=trusted)
        return self._context


def resource(kind: str) -> str:
    """The plural by which the API knows a kind."""
    word = kind.lower()
    return word[:-1] + "ies" if word.endswith("y") else word + "s"


def refused(error: Any) -> ClusterError:
    """What the API said, of an HTTP error."""
    try:
        said = json.loads(error.read())
    except (ValueError, OSError):
        said = {}
    return _error(said if isinstance(said, dict) else {}, int(error.code))


def _error(status: Doc, code: int) -> ClusterError:
    reason, message = str(status.get("reason") or ""), str(status.get("message") or "")
    hint = " (check the Role of this pod's service account)" if code in (401, 403) else ""
    return ClusterError(code, reason, "the Kubernetes API refused: HTTP %d %s%s" % (code, message or reason, hint))


def _name(manifest: Doc) -> str:
    return str(manifest["metadata"]["name"])


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read().strip()
    except OSError:
        return ""

"""The tracking server over HTTP: plain retries, basic or bearer authentication, MLflow's own errors."""

from __future__ import annotations

import json
import os
import time

from values import BAD_INPUT, UNREACHABLE, ServerError, StepError, raw, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, Dict, Mapping, Optional

    Doc = Dict[str, Any]


class Server:
    """The tracking server over REST. Repeats what cannot have been done yet; fails with 69 after `patience` seconds."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.uri = env.get("MLFLOW_TRACKING_URI", "").rstrip("/")
        if not self.uri.startswith(("http://", "https://")):
            raise StepError(BAD_INPUT, "MLFLOW_TRACKING_URI must be an http(s) address, not %r" % self.uri)
        self.patience = seconds(env, "MLWRIGHT_PATIENCE", 60.0)
        self.headers: Dict[str, str] = {}
        user, password = env.get("MLFLOW_TRACKING_USERNAME"), env.get("MLFLOW_TRACKING_PASSWORD")
        if user and password is not None:
            from base64 import b64encode

            self.headers["Authorization"] = "Basic " + b64encode(raw(user + ":" + password)).decode("ascii")
        elif env.get("MLFLOW_TRACKING_TOKEN"):
            self.headers["Authorization"] = "Bearer " + env["MLFLOW_TRACKING_TOKEN"]
        if env.get("MLFLOW_WORKSPACE"):
            self.headers["X-MLFLOW-WORKSPACE"] = env["MLFLOW_WORKSPACE"]
        self.insecure = env.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() == "true"
        self.certificates = env.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or None

    def context(self) -> Any:
        """The TLS settings that MLflow's own client would use."""
        if not self.uri.startswith("https:") or not (self.insecure or self.certificates):
            return None
        import ssl

        made = ssl.create_default_context(cafile=self.certificates)
        if self.insecure:
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE
        return made

    def send(
        self,
        method: str,
        path: str,
        body: Optional[bytes] = None,
        file: str = "",
        into: Optional[IO[bytes]] = None,
        kind: str = "application/json",
        again: bool = True,
    ) -> bytes:
        """One request, repeated while the server is away. `file` is streamed up, the answer is streamed `into` a file.

        `again=False`: a request whose fate is unknown is not repeated, because it would be done twice.
        """
        import contextlib
        import http.client
        import shutil
        import urllib.error
        import urllib.request

        pause, end = 0.2, time.monotonic() + self.patience
        while True:
            try:
                with contextlib.ExitStack() as stack:
                    headers = dict(self.headers, **{"Content-Type": kind})
                    data: Any = body
                    if file:
                        data = stack.enter_context(open(file, "rb"))
                        headers["Content-Length"] = str(os.path.getsize(file))
                    request = urllib.request.Request(self.uri + path, data=data, method=method, headers=headers)
                    answer = stack.enter_context(urllib.request.urlopen(request, timeout=120, context=self.context()))
                    if into is None:
                        return bytes(answer.read())
                    into.seek(0)
                    into.truncate()
                    shutil.copyfileobj(answer, into, 1 << 20)
                    return b""
            except urllib.error.HTTPError as error:
                refused = _refused(error)
                if error.code not in (429, 502, 503, 504) and not (error.code == 500 and again and method == "GET"):
                    raise refused from None
                problem: StepError = refused
            except (OSError, http.client.HTTPException) as error:
                reason = getattr(error, "reason", error)
                problem = StepError(UNREACHABLE, "cannot reach the tracking server %s: %s" % (self.uri, reason))
                if not again and not isinstance(reason, (ConnectionRefusedError, InterruptedError)):
                    raise problem from None
            if time.monotonic() + pause > end:
                raise problem
            time.sleep(pause)
            pause = min(pause * 2, 5.0)

    def call(self, method: str, path: str, body: Optional[Doc] = None, **query: Any) -> Doc:
        """A JSON call below `/api/2.0/mlflow/`. Raises `ServerError` with MLflow's own error."""
        from urllib.parse import urlencode

        url = "/api/2.0/mlflow/" + path + ("?" + urlencode(query) if query else "")
        data = None if body is None else json.dumps(body).encode("ascii")
        answer = self.send(method, url, data, again=not path.endswith(("/create", "logged-models")))
        return dict(json.loads(answer or b"{}"))


def _refused(error: Any) -> ServerError:
    try:
        said = json.loads(error.read())
        name, message = str(said.get("error_code", "")), str(said.get("message", ""))
    except (ValueError, AttributeError, OSError):
        name, message = "", ""
    if error.code in (401, 403):
        message = (message or str(error.reason)) + " (check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD)"
    return ServerError(error.code, name, "the tracking server refused: HTTP %d %s" % (error.code, message or name))

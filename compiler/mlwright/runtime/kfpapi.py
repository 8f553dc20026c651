"""The API of Kubeflow Pipelines (v2beta1): calls with the pod's own token, repeated while it is away."""

from __future__ import annotations

import json
import time

from values import UNREACHABLE, StepError, say, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

    Doc = Dict[str, Any]

TOKEN = "MLWRIGHT_TOKEN_FILE"
"""The variable with the path of a token for the audience pipelines.kubeflow.org: short-lived, read for each call."""
_AWAY = (429, 502, 503, 504)
_PAGE = 200


class Refused(StepError):
    """The API said no: exit code 1."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(1, message)
        self.status = status


class Api:
    """One API server."""

    def __init__(self, address: str, env: Mapping[str, str]) -> None:
        self.address = address.rstrip("/")
        self.token = env.get(TOKEN, "")
        self.patience = seconds(env, "MLWRIGHT_PATIENCE", 600.0)

    def all(self, path: str, field: Union[str, Sequence[str]], **query: str) -> List[Doc]:
        """All items of a list, which comes in pages; `field` is what the answer calls it."""
        fields = [field] if isinstance(field, str) else list(field)
        asked = {key: value for key, value in query.items() if value}
        found: List[Doc] = []
        while True:
            page = self._call("GET", path, None, dict(asked, page_size=str(_PAGE)))
            for name in fields:
                found += page.get(name) or []
            if not page.get("next_page_token"):
                return found
            asked["page_token"] = str(page["next_page_token"])

    def post(self, path: str, body: Optional[Doc]) -> Doc:
        """Makes something; empty texts are left out. Not repeated where it may have been done: exit code 69 has the
        whole program started again, which looks first."""
        kept = {key: value for key, value in (body or {}).items() if value != ""}
        return self._call("POST", path, json.dumps(kept).encode("ascii"), {})

    def delete(self, path: str) -> None:
        """Removes something that may be gone already."""
        try:
            self._call("DELETE", path, None, {})
        except Refused as problem:
            if problem.status != 404:
                raise

    def upload(self, path: str, text: str, **query: str) -> Doc:
        """Uploads a file as a form does."""
        edge = "mlwright-8f14e45fceea167a"
        head = '--%s\r\nContent-Disposition: form-data; name="uploadfile"; filename="pipeline.yaml"\r\n' % edge
        body = (head + "Content-Type: application/x-yaml\r\n\r\n" + text + "\r\n--%s--\r\n" % edge).encode("utf-8")
        return self._call("POST", path, body, query, "multipart/form-data; boundary=" + edge)

    def _call(
        self, method: str, path: str, body: Optional[bytes], query: Mapping[str, str], kind: str = "application/json"
    ) -> Doc:
        import http.client
        import socket
        import urllib.error
        import urllib.request
        from urllib.parse import urlencode

        url = "%s/apis/v2beta1/%s%s" % (self.address, path, "?" + urlencode(query) if query else "")
        pause, end, told = 0.5, time.monotonic() + self.patience, False
        while True:
            request = urllib.request.Request(url, data=body, method=method, headers=self._headers(kind))
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return dict(json.loads(answer.read() or b"{}"))
            except urllib.error.HTTPError as error:
                message = "%s %s: HTTP %d: %s" % (method, url, error.code, _said(error))
                if error.code not in _AWAY and not (error.code == 500 and method == "GET"):
                    raise Refused(error.code, message + _hint(error.code)) from None
                if method != "GET" and error.code in (502, 504):
                    raise StepError(UNREACHABLE, message) from None
            except (OSError, http.client.HTTPException) as error:
                reason = getattr(error, "reason", error)
                message = "cannot reach Kubeflow Pipelines at %s: %s" % (self.address, reason)
                if method != "GET" and not isinstance(reason, (ConnectionRefusedError, socket.gaierror)):
                    raise StepError(UNREACHABLE, message) from None
            except ValueError:
                raise Refused(
                    200, "%s %s: the answer is not JSON: is %s the API?" % (method, url, self.address)
                ) from None
            if not told:
                say("%s; waiting for it" % message)
                told = True
            if time.monotonic() + pause > end:
                raise StepError(UNREACHABLE, message)
            time.sleep(pause)
            pause = min(pause * 2, 15.0)

    def _headers(self, kind: str) -> Dict[str, str]:
        headers = {"Content-Type": kind, "Accept": "application/json"}
        if self.token:
            try:
                with open(self.token, encoding="ascii") as stream:
                    headers["Authorization"] = "Bearer " + stream.read().strip()
            except OSError as error:
                raise StepError(64, "cannot read the token %s: %s" % (self.token, error)) from None
        return headers


def _said(error: Any) -> str:
    """The API's own words."""
    try:
        found = json.loads(error.read())
        return str(found.get("message") or found.get("error") or error.reason)
    except (ValueError, AttributeError, OSError):
        return str(error.reason)


def _hint(status: int) -> str:
    if status in (401, 403):
        return " (the account of this Job needs the rights of its Role, and a token for pipelines.kubeflow.org)"
    return ""

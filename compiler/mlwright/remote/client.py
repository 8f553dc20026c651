"""MLflow's REST interface, as far as commands need it: plain retries, MLflow's own errors, concurrent reads."""

from __future__ import annotations

import base64
import json
import random
import re
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from mlwright.remote.http import Answer, Http, RemoteError, Tls, UnreachableError

Doc = dict[str, Any]
Item = TypeVar("Item")
Found = TypeVar("Found")
AT_ONCE = 8
"""Requests under way at the same time."""
AWAY = frozenset({429, 502, 503, 504})
"""Statuses of a server that is away for a while."""
_NOT_DONE = frozenset({429, 503})
_LOGGED = re.compile(r"models:/(m-[0-9a-f]+)\Z")


class RefusedError(RemoteError):
    """The server answered with an error: `status`, MLflow's own `code` (empty where it is not MLflow's)."""

    def __init__(self, text: str, *, status: int, code: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


class MissingError(RefusedError):
    """There is no such thing."""


class ExistsError(RefusedError):
    """There is one of that name already."""


class DeniedError(RefusedError):
    """Nobody with these credentials, or not for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a registered model. `model_id` is empty where its source is not a logged model."""

    model: str
    version: str
    source: str
    run_id: str
    status: str
    description: str
    tags: Mapping[str, str]
    aliases: tuple[str, ...]

    @property
    def model_id(self) -> str:
        """The logged model that this version is."""
        found = _LOGGED.match(self.source)
        return found[1] if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A registered model; `aliases` by name, each with its version."""

    name: str
    description: str
    tags: Mapping[str, str]
    aliases: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file below a folder of artifacts; `path` is relative to that folder, `size` in bytes."""

    path: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The tracking server at `url`. Safe for any number of threads.

    A request is repeated with growing pauses for `patience` seconds while the server is away: refused connections,
    429, 502, 503, 504. One that would be done twice (`once`) is repeated only where it was surely not done.
    Raises UnreachableError and RefusedError; both are RemoteErrors whose text says the address and what to check.
    """

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    workspace: str = ""
    tls: Tls = field(default_factory=Tls)
    patience: float = 10.0
    timeout: float = 30.0
    _http: list[Http] = field(default_factory=list, init=False, repr=False, compare=False)

    def call(
        self, method: str, path: str, body: Doc | None = None, /, *, once: bool = False, api: str = "2.0", **query: Any
    ) -> Doc:
        """The JSON answer of a call below `/api/<api>/mlflow/`. `once`: must not be done twice."""
        asked = {name: value for name, value in query.items() if value != ""}
        target = f"/api/{api}/mlflow/{path}" + (f"?{urllib.parse.urlencode(asked)}" if asked else "")
        answer = self.send(method, target, None if body is None else json.dumps(body).encode(), once=once)
        try:
            found = json.loads(answer.body or b"{}")
        except ValueError:
            found = None
        if not isinstance(found, dict):
            shown = f"{answer.status} {answer.headers.get('content-type', '')}".strip()
            text = f"{self.url} is not an MLflow server: {method} {target.split('?')[0]} answered {shown}"
            raise RefusedError(text, status=answer.status, code="")
        return found

    def send(self, method: str, target: str, body: bytes | None = None, *, once: bool = False) -> Answer:
        """The answer to one request below the server's address, with a status below 300."""
        pause, end = 0.2, time.monotonic() + self.patience
        while True:
            wait = 0.0
            try:
                answer = self._server().send(method, target, body, self._headers())
                if answer.status < 300:
                    return answer
                problem: RemoteError = self._refused(method, target, answer)
                if answer.status not in (_NOT_DONE if once else AWAY):
                    raise problem
                wait = _seconds(answer.headers.get("retry-after", ""))
            except UnreachableError as error:
                if error.lasting or (once and error.sent):
                    raise
                problem = error
            wait = max(wait, pause * random.uniform(0.5, 1.0))
            if time.monotonic() + wait > end:
                raise problem
            time.sleep(wait)
            pause = min(pause * 2, 4.0)

    def each(self, work: Callable[[Item], Found], items: Iterable[Item]) -> list[Found]:
        """`work` on all items, several at a time; results in the order of the items. The first error is raised."""
        listed = list(items)
        if len(listed) < 2:
            return [work(item) for item in listed]
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(AT_ONCE, len(listed))) as pool:
            return list(pool.map(work, listed))

    def pages(self, method: str, path: str, key: str, /, **query: Any) -> Iterator[Doc]:
        """The items of all pages of a search, those of the answers' field `key`."""
        token = ""
        while True:
            if method == "POST":
                page = self.call(method, path, {**query, "page_token": token} if token else dict(query))
            else:
                page = self.call(method, path, **query, page_token=token)
            yield from page.get(key, ())
            token = page.get("next_page_token", "")
            if not token:
                return

    def healthy(self, timeout: float = 2.0) -> bool:
        """Whether it answers on /health, asked once."""
        try:
            return (
                Http(self.url, timeout=timeout, tls=self.tls)
                .send("GET", "/health", None, {"Connection": "close"})
                .status
                < 300
            )
        except UnreachableError:
            return False

    def model(self, name: str) -> Model:
        """A registered model. Raises MissingError."""
        return read_model(self.call("GET", "registered-models/get", name=name)["registered_model"])

    def models(self, condition: str = "") -> Iterator[Model]:
        """Every registered model for which `condition` holds, in MLflow's filter language."""
        found = self.pages("GET", "registered-models/search", "registered_models", filter=condition, max_results=1000)
        return (read_model(item) for item in found)

    def version(self, model: str, version: str) -> Version:
        """One version of a registered model. Raises MissingError."""
        return _version(self.call("GET", "model-versions/get", name=model, version=version)["model_version"])

    def version_of(self, model: str, alias: str) -> Version:
        """The version that an alias points at. Raises MissingError for an unknown model and an unknown alias."""
        try:
            found = self.call("GET", "registered-models/alias", name=model, alias=alias)
        except RefusedError as error:
            if error.code == "INVALID_PARAMETER_VALUE" and "not found" in str(error):
                raise MissingError(str(error), status=error.status, code="RESOURCE_DOES_NOT_EXIST") from error
            raise
        return _version(found["model_version"])

    def versions(self, model: str) -> Iterator[Version]:
        """All versions of a registered model, newest first; without their aliases, which only the model knows."""
        condition = f"name='{model}'" if "'" not in model else f'name="{model}"'
        return (
            _version(item)
            for item in self.pages(
                "GET", "model-versions/search", "model_versions", filter=condition, max_results=10000,
                order_by="version_number DESC",
            )
        )  # fmt: skip

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """Let an alias point at a version, wherever it pointed before."""
        self.call("POST", "registered-models/alias", {"name": model, "alias": alias, "version": version})

    def delete_alias(self, model: str, alias: str) -> None:
        """Remove an alias; nothing happens where it is not there."""
        self.call("DELETE", "registered-models/alias", {"name": model, "alias": alias})

    def tag_model(self, model: str, key: str, value: str) -> None:
        """Set one tag of a registered model."""
        self.call("POST", "registered-models/set-tag", {"name": model, "key": key, "value": value})

    def tag_version(self, model: str, version: str, key: str, value: str) -> None:
        """Set one tag of a version."""
        body = {"name": model, "version": version, "key": key, "value": value}
        self.call("POST", "model-versions/set-tag", body)

    def untag_version(self, model: str, version: str, key: str) -> None:
        """Remove one tag of a version. Raises MissingError where it is not set."""
        self.call("DELETE", "model-versions/delete-tag", {"name": model, "version": version, "key": key})

    def run(self, run_id: str) -> Doc:
        """A run as MLflow describes it: `info`, `data`. Raises MissingError."""
        found = self.call("GET", "runs/get", run_id=run_id)["run"]
        assert isinstance(found, dict)
        return found

    def logged_model(self, model_id: str) -> Doc:
        """A logged model as MLflow describes it: `info` (`artifact_uri`, `source_run_id`), `data`."""
        found = self.call("GET", f"logged-models/{urllib.parse.quote(model_id, safe='')}")["model"]
        assert isinstance(found, dict)
        return found

    def download_uri(self, model: str, version: str) -> str:
        """Where the files of a version are: below the artifact store, or `mlflow-artifacts:/...` behind the server."""
        return str(self.call("GET", "model-versions/get-download-uri", name=model, version=version)["artifact_uri"])

    def artifacts(self, version: Version) -> tuple[Artifact, ...]:
        """All files of a version, by path. Raises RefusedError for a source that the server does not list."""
        return tuple(sorted(self._below(version, self._lister(version), ""), key=lambda item: item.path))

    def file(self, model: str, version: str, path: str) -> bytes:
        """One file of a version. Raises MissingError."""
        query = urllib.parse.urlencode({"name": model, "version": version, "path": path})
        return self.send("GET", f"/model-versions/get-artifact?{query}").body

    def _lister(self, version: Version) -> Callable[[str], Doc]:
        if version.model_id:
            path = f"logged-models/{version.model_id}/artifacts/directories"
            return lambda folder: self.call("GET", path, artifact_directory_path=folder)
        root = self.download_uri(version.model, version.version)
        if version.run_id:
            top = str(self.run(version.run_id)["info"].get("artifact_uri", "")).rstrip("/")
            if root == top or root.startswith(f"{top}/"):
                inside = root[len(top) :].strip("/")
                return lambda folder: self.call(
                    "GET", "artifacts/list", run_id=version.run_id, path="/".join(filter(None, (inside, folder)))
                )
        text = f"{self.url} cannot list the files of {version.model} version {version.version}: its source"
        text += f" {version.source} is neither a logged model nor an artifact of its run"
        raise RefusedError(text, status=400, code="")

    def _below(self, version: Version, listed: Callable[[str], Doc], folder: str) -> Iterator[Artifact]:
        folders = []
        for item in listed(folder).get("files", ()):
            name = str(item["path"]).rstrip("/").rpartition("/")[2]
            path = f"{folder}/{name}" if folder else name
            if item.get("is_dir"):
                folders.append(path)
            else:
                yield Artifact(path=path, size=int(item.get("file_size", 0)))
        for inner in self.each(lambda path: list(self._below(version, listed, path)), folders):
            yield from inner

    def _server(self) -> Http:
        if not self._http:
            self._http.append(Http(self.url, timeout=self.timeout, tls=self.tls))
        return self._http[0]

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "*/*"}
        if self.username:
            pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        elif self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.workspace:
            headers["X-MLFLOW-WORKSPACE"] = self.workspace
        return headers

    def _refused(self, method: str, target: str, answer: Answer) -> RefusedError:
        code, said = _said(answer)
        text = f"{self.url} answered {method} {target.split('?')[0]} with HTTP {answer.status}: {said}"
        kind = RefusedError
        if answer.status in (401, 403) or code == "PERMISSION_DENIED":
            kind = DeniedError
            text += f" ({self._who(answer, said)})"
        elif code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
            kind = MissingError
        elif code == "RESOURCE_ALREADY_EXISTS":
            kind = ExistsError
        elif 300 <= answer.status < 400:
            text += f" (it redirects to {answer.headers.get('location', 'nowhere')}: use that address)"
        elif not code and answer.status == 404:
            text += " (is this the address of an MLflow server, with its path?)"
        return kind(text, status=answer.status, code=code)

    def _who(self, answer: Answer, said: str) -> str:
        if "Invalid Host header" in said:
            return "the server's --allowed-hosts does not list this address"
        who = f"as the user {self.username!r}" if self.username else "with a token" if self.token else "anonymously"
        if answer.status == 401:
            return f"asked {who}: check the user name and password, or the token"
        return f"asked {who}: this user may not do it"


def read_model(item: Doc) -> Model:
    """A registered model as the server describes it."""
    return Model(
        name=str(item["name"]),
        description=str(item.get("description", "")),
        tags=tags(item),
        aliases={entry["alias"]: str(entry["version"]) for entry in item.get("aliases", ())},
    )


def tags(item: Doc) -> dict[str, str]:
    """The tags of an experiment, a model or a version as the server describes it."""
    return {tag["key"]: str(tag.get("value", "")) for tag in item.get("tags", ())}


def _version(item: Doc) -> Version:
    return Version(
        model=str(item["name"]),
        version=str(item["version"]),
        source=str(item.get("source", "")),
        run_id=str(item.get("run_id", "")),
        status=str(item.get("status", "")),
        description=str(item.get("description", "")),
        tags=tags(item),
        aliases=tuple(sorted(item.get("aliases", ()))),
    )


def _said(answer: Answer) -> tuple[str, str]:
    """(MLflow's error code, what the server said in one line)."""
    try:
        found = json.loads(answer.body)
        code, text = str(found.get("error_code", "")), str(found.get("message", ""))
    except (ValueError, AttributeError):
        code, text = "", re.sub(r"(?s)<title>.*?</title>|<[^>]*>", " ", answer.body[:2000].decode(errors="replace"))
    text = text.partition(" Error: (")[0].partition("[SQL:")[0]  # a database's own words hold what was written
    return code, " ".join(text.split())[:500] or code or answer.reason


def _seconds(text: str) -> float:
    return min(float(text), 30.0) if text.isascii() and text.isdigit() else 0.0

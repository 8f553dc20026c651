"""An image registry over HTTP: the distribution API with its token authentication, redirects and retries."""

from __future__ import annotations

import hashlib
import json
import random
import re
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlwright.remote.http import Answer, Http, RemoteError, Tls, UnreachableError, is_loopback
from mlwright.remote.logins import Login, LoginError, Logins
from mlwright.spec.scalars.image import ImageRef

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
HUB = "registry-1.docker.io"
_AWAY = frozenset({408, 429, 500, 502, 503, 504})
_MOVED = frozenset({301, 302, 303, 307, 308})
_LIMIT = 4 * 2**20
_PLATFORM = ("linux", "amd64")
_CHALLENGE = re.compile(r"([A-Za-z_]+)=(?:\"([^\"]*)\"|([^\s,]*))")


class ImageError(RemoteError):
    """A registry did not give an image. `why` is `missing`, `denied`, `away` or `invalid`."""

    def __init__(self, text: str, why: Literal["missing", "denied", "away", "invalid"]) -> None:
        super().__init__(text)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A reference as the registry's API takes it: `host` with its port, the full `repository`, a tag or digest."""

    host: str
    repository: str
    reference: str

    @classmethod
    def of(cls, ref: str) -> Name:
        """`python:3.12` is `library/python` on Docker Hub; no tag is `latest`; a digest wins over a tag."""
        parsed = ImageRef.parse(ref)
        host, repository = parsed.registry, parsed.repository
        if host in ("", "docker.io", "index.docker.io"):
            host, repository = HUB, repository if "/" in repository else f"library/{repository}"
        return cls(host=host, repository=repository, reference=parsed.digest or parsed.tag or "latest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a tag is: the digest of the index, or of the manifest where there is no index, and what linux/amd64
    starts."""

    digest: str
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Registries:
    """All registries that one command asks. Any number of threads may use it.

    Loopback addresses are asked over plain HTTP; `insecure` hosts over HTTPS with any certificate, else plain HTTP.
    A registry that is away is asked again for `patience` seconds, then no more.
    """

    logins: Callable[[], Logins]
    insecure: Collection[str] = ()
    patience: float = 15.0
    timeout: float = 20.0
    _bases: dict[str, str] = field(default_factory=dict, repr=False)
    _servers: dict[str, Http] = field(default_factory=dict, repr=False)
    _away: dict[str, str] = field(default_factory=dict, repr=False)
    _tokens: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def resolve(self, ref: str, known: str = "") -> Found | None:
        """What `ref` is now; None where that still has the digest `known`. Raises ImageError."""
        name = Name.of(ref)
        base = self._base(name.host)
        if known and name.reference != known:
            head = self._get(name, base, f"manifests/{name.reference}", method="HEAD")
            if head.headers.get("docker-content-digest") == known:
                return None
        answer = self._get(name, base, f"manifests/{name.reference}")
        digest = _verified(ref, answer, name.reference)
        if digest == known:
            return None
        manifest = _json(ref, answer.body)
        if "manifests" in manifest:
            inner = _for_platform(ref, manifest)
            manifest = _json(ref, self._checked(ref, name, base, f"manifests/{inner}", inner))
        if "fsLayers" in manifest:
            raise ImageError(f"{ref} has a manifest of schema 1, which engines pull no more: push it again", "invalid")
        config = manifest.get("config")
        wanted = config.get("digest") if isinstance(config, dict) else None
        if not isinstance(wanted, str):
            raise ImageError(f"{ref} is not a container image: its manifest names no configuration", "invalid")
        inside = _json(ref, self._checked(ref, name, base, f"blobs/{wanted}", wanted)).get("config") or {}
        return Found(digest=digest, entrypoint=_words(inside, "Entrypoint"), cmd=_words(inside, "Cmd"))

    def _checked(self, ref: str, name: Name, base: str, path: str, digest: str) -> bytes:
        answer = self._get(name, base, path)
        _verified(ref, answer, digest)
        return answer.body

    def _base(self, host: str) -> str:
        """The address that a host answers at."""
        if is_loopback(f"http://{host}"):
            return f"http://{host}"
        if host not in self.insecure:
            return f"https://{host}"
        with self._lock:
            known = self._bases.get(host)
        if known is None:
            known = f"https://{host}"
            try:
                self._server(known).send("GET", "/v2/")
            except UnreachableError as error:
                if isinstance(error.__cause__, (ssl.SSLError, ConnectionRefusedError)):
                    known = f"http://{host}"
            with self._lock:
                self._bases[host] = known
        return known

    def _get(self, name: Name, base: str, path: str, method: str = "GET") -> Answer:
        """The answer of the registry itself, or of where it sends us, with a status below 300."""
        address = f"{base}/v2/{name.repository}/{path}"
        scope = f"repository:{name.repository}:pull"
        with self._lock:
            given = self._tokens.get((base, scope), "")
        answer = self._ask(method, address, given)
        if answer.status == 401:
            given = self._authorization(name, base, scope, answer, stale=given)
            answer = self._ask(method, address, given)
        for _ in range(5):
            if answer.status not in _MOVED:
                break
            target = urllib.parse.urljoin(address, answer.headers.get("location", ""))
            if address.startswith("https:") and not target.startswith("https:"):
                raise ImageError(f"{name.host} sends us to {target}, which is not HTTPS", "invalid")
            same = _origin(target) == _origin(address)
            address = target
            answer = self._ask(method, address, given if same else "")
        if answer.status < 300:
            return answer
        raise _refused(name, answer)

    def _ask(self, method: str, address: str, authorization: str, body: bytes | None = None) -> Answer:
        """One request, again while the registry is away. Raises ImageError where nothing answers."""
        parts = urllib.parse.urlsplit(address)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        headers = {"Accept": ", ".join((*INDEXES, *MANIFESTS)), "User-Agent": "mlwright"}
        if authorization:
            headers["Authorization"] = authorization
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        pause, end = 0.3, time.monotonic() + self.patience
        while True:
            if parts.netloc in self._away:
                raise ImageError(self._away[parts.netloc], "away")
            wait = 0.0
            try:
                answer = self._server(f"{parts.scheme}://{parts.netloc}").send(method, target, body, headers)
                if answer.status not in _AWAY:
                    return answer
                wait = _seconds(answer.headers.get("retry-after", ""))
                problem = f"{parts.netloc} is away: HTTP {answer.status} {answer.reason}"
                if answer.status == 429:
                    problem = f"{parts.netloc} allows no more requests for now (HTTP 429): log in, or wait"
            except UnreachableError as error:
                problem = str(error).partition(" (MLFLOW_")[0]  # its certificates are not the registry's
                if error.lasting:
                    self._away[parts.netloc] = problem
            wait = max(wait, pause * random.uniform(0.5, 1.0))
            if parts.netloc in self._away or time.monotonic() + wait > end:
                self._away.setdefault(parts.netloc, problem)
                raise ImageError(problem, "away")
            time.sleep(wait)
            pause = min(pause * 2, 5.0)

    def _server(self, origin: str) -> Http:
        with self._lock:
            if origin not in self._servers:
                host = urllib.parse.urlsplit(origin).netloc
                tls = Tls(insecure=host in self.insecure)
                try:
                    self._servers[origin] = Http(origin, timeout=self.timeout, tls=tls)
                except RemoteError as error:
                    raise ImageError(str(error), "invalid") from error
            return self._servers[origin]

    def _authorization(self, name: Name, base: str, scope: str, answer: Answer, stale: str) -> str:
        """What the registry's challenge asks for: Basic, or a token from the server that it names."""
        with self._lock:
            known = self._tokens.get((base, scope), "")
        if known and known != stale:
            return known
        try:
            login = self.logins().at(name.host)
        except LoginError as error:
            raise ImageError(str(error), "denied") from error
        kind, _, rest = answer.headers.get("www-authenticate", "").partition(" ")
        said = {key.lower(): quoted or bare for key, quoted, bare in _CHALLENGE.findall(rest)}
        if kind.lower() == "basic" and login.username:
            made = login.basic
        elif kind.lower() == "bearer" and said.get("realm"):
            made = f"Bearer {self._token(name, base, said, said.get('scope') or scope, login)}"
        else:
            raise _refused(name, answer)
        with self._lock:
            self._tokens[base, scope] = made
        return made

    def _token(self, name: Name, base: str, said: Mapping[str, str], scope: str, login: Login) -> str:
        realm = said["realm"]
        if base.startswith("https:") and not realm.startswith("https:"):
            raise ImageError(f"{name.host} sends us to {realm} for a token, which is not HTTPS", "invalid")
        asked = {"service": said.get("service", ""), "scope": scope}
        if login.token:
            form = {**asked, "grant_type": "refresh_token", "refresh_token": login.token, "client_id": "mlwright"}
            answer = self._ask("POST", realm, "", urllib.parse.urlencode(form).encode())
        else:
            query = urllib.parse.urlencode({key: value for key, value in asked.items() if value})
            answer = self._ask("GET", f"{realm}{'&' if '?' in realm else '?'}{query}", login.basic)
        if answer.status >= 300:
            raise _refused(name, answer, login)
        found = _json(name.host, answer.body)
        token = found.get("token") or found.get("access_token")
        if not isinstance(token, str):
            raise ImageError(f"{realm} gave no token for {name.repository}", "invalid")
        return token


def _verified(ref: str, answer: Answer, wanted: str) -> str:
    """The digest of what was sent, which must be what was asked for, or what the registry says it is."""
    if len(answer.body) > _LIMIT:
        raise ImageError(f"{ref}: {len(answer.body)} bytes are no manifest or configuration of an image", "invalid")
    digest = "sha256:" + hashlib.sha256(answer.body).hexdigest()
    said = wanted if ":" in wanted else answer.headers.get("docker-content-digest", digest)
    if said.startswith("sha256:") and said != digest:
        raise ImageError(f"{ref}: the registry sent {digest} for {said}", "invalid")
    return digest


def _for_platform(ref: str, index: Mapping[str, Any]) -> str:
    """The digest of the manifest for linux/amd64, else of the first for any platform."""
    first = ""
    for entry in index["manifests"] if isinstance(index["manifests"], list) else ():
        if not isinstance(entry, dict) or not isinstance(entry.get("digest"), str):
            continue
        platform = entry.get("platform")
        found = (platform.get("os"), platform.get("architecture")) if isinstance(platform, dict) else ("", "")
        if found == _PLATFORM:
            return str(entry["digest"])
        if "unknown" not in found:  # those are attestations
            first = first or str(entry["digest"])
    if not first:
        raise ImageError(f"{ref} is an index without an image", "invalid")
    return first


def _words(config: object, name: str) -> tuple[str, ...]:
    found = config.get(name) if isinstance(config, dict) else None
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _json(what: str, body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ImageError(f"{what}: the registry answered something that is not JSON", "invalid")
    return found


def _refused(name: Name, answer: Answer, login: Login | None = None) -> ImageError:
    what = f"{name.repository}:{name.reference}" if ":" not in name.reference else f"{name.repository}@{name.reference}"
    if answer.status == 404:
        return ImageError(f"{name.host} has no {what}", "missing")
    if answer.status in (401, 403):
        if login is not None and (login.username or login.token):
            return ImageError(f"{name.host} refuses the login that Docker's configuration has for it", "denied")
        host = "" if name.host == HUB else f" {name.host}"
        text = f"{name.host} shows no {what} to us: it does not exist, or needs a login (docker login{host})"
        return ImageError(text, "denied")
    said = " ".join(answer.body[:300].decode("utf-8", "replace").split())
    return ImageError(f"{name.host} answered HTTP {answer.status} for {what}: {said or answer.reason}", "invalid")


def _origin(address: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(address)
    return parts.scheme, parts.netloc


def _seconds(text: str) -> float:
    return min(float(text), 60.0) if text.isascii() and text.isdigit() else 0.0

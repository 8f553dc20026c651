"""Who we are at an image registry: Docker's own configuration and its credential helpers."""

from __future__ import annotations

import base64
import binascii
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HUB = "https://index.docker.io/v1/"
_WAIT = 20


class LoginError(Exception):
    """The configuration names credentials that cannot be had; the text says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A user and password, or an identity token that stands for both; all empty: nobody."""

    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of an `Authorization` header; empty without a user."""
        if not self.username:
            return ""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Logins:
    """The configuration file in `folder`, read once. Values are never printed."""

    folder: Path
    _config: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, environ: Mapping[str, str], home: Path) -> Logins:
        """DOCKER_CONFIG's, else that in `home`; nobody's where there is none. Raises LoginError."""
        folder = Path(environ["DOCKER_CONFIG"]) if environ.get("DOCKER_CONFIG") else home / ".docker"
        path = folder / "config.json"
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            found = {}
        except (OSError, ValueError) as error:
            raise LoginError(f"cannot read {path}: {error}") from error
        if not isinstance(found, dict):
            raise LoginError(f"{path} is not a mapping")
        return cls(folder=folder, _config=found)

    def at(self, host: str) -> Login:
        """The login for a registry's host, nobody where there is none. Raises LoginError."""
        key = HUB if host in ("docker.io", "index.docker.io", "registry-1.docker.io") else host
        helpers = self._config.get("credHelpers")
        helper = helpers.get(key) or helpers.get(host) if isinstance(helpers, dict) else None
        if isinstance(helper, str):
            return self._helped(helper, key, said=True)
        auths = self._config.get("auths")
        for name, entry in auths.items() if isinstance(auths, dict) else ():
            if _host(name) == _host(key) and isinstance(entry, dict) and (found := self._entry(name, entry)):
                return found
        store = self._config.get("credsStore")
        return self._helped(store, key, said=False) if isinstance(store, str) and store else Login()

    def _entry(self, name: str, entry: Mapping[str, Any]) -> Login | None:
        username, password = str(entry.get("username") or ""), str(entry.get("password") or "")
        if entry.get("auth"):
            try:
                pair = base64.b64decode(str(entry["auth"]), validate=True).decode("utf-8").rstrip("\0")
            except (binascii.Error, UnicodeDecodeError) as error:
                raise LoginError(f"`auth` of {name} in {self.folder / 'config.json'} is not base64: {error}") from error
            username, _, password = pair.partition(":")
        token = str(entry.get("identitytoken") or "")
        return Login(username=username, password=password, token=token) if username or token else None

    def _helped(self, helper: str, key: str, *, said: bool) -> Login:
        """What the program `docker-credential-<helper>` knows. One that is only a default may know nothing."""
        program = f"docker-credential-{helper}"
        try:
            done = subprocess.run(
                [program, "get"], input=key, capture_output=True, text=True, timeout=_WAIT, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            if not said:
                return Login()
            reason = "is not installed" if isinstance(error, FileNotFoundError) else f"did not answer ({error})"
            raise LoginError(
                f"{self.folder / 'config.json'} keeps the login of {key} in {program}, which {reason}"
            ) from error
        if done.returncode:
            return Login()
        try:
            found = json.loads(done.stdout)
            username, secret = str(found["Username"]), str(found["Secret"])
        except (ValueError, KeyError, TypeError) as error:
            raise LoginError(f"{program} answered something else than a login for {key}") from error
        return Login(token=secret) if username == "<token>" else Login(username=username, password=secret)


def _host(name: str) -> str:
    """The host of a key of `auths`, which may be an address."""
    return name.partition("://")[2].partition("/")[0] if "://" in name else name.partition("/")[0]

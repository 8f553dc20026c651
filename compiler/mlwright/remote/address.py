"""Which tracking server an environment has, and who we are there."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from pathlib import Path

from mlwright import ir
from mlwright.emit import trackserver
from mlwright.remote import secrets
from mlwright.remote.client import Client
from mlwright.remote.http import Tls

OPTION = "--tracking-uri"
VARIABLE = "MLFLOW_TRACKING_URI"
PORT = "MLWRIGHT_PORT_MLFLOW"


class AddressError(Exception):
    """No server can be asked: there is no address, or it is none that can be. A matter of configuration (exit 2)."""


def find(
    project: ir.Project, folder: Path, environ: Mapping[str, str], *, option: str = "", accounts: tuple[str, ...] = ()
) -> Client:
    """The client for the tracking server of the project's environment. `folder` is the spec's.

    The address is that of `option`, of MLFLOW_TRACKING_URI, of the spec's external server, or where the project's own
    server is reached. The account is MLFLOW_TRACKING_USERNAME and _PASSWORD, or _TOKEN, of the process environment,
    else the first secret of `accounts` (the pipeline's user unless given) with a username and a password in the
    process environment or in `.env` beside the spec. Raises AddressError.
    """
    url = address(project, folder, environ, option)
    parts = urllib.parse.urlsplit(url)
    username, password = environ.get("MLFLOW_TRACKING_USERNAME", ""), environ.get("MLFLOW_TRACKING_PASSWORD", "")
    token = "" if username else environ.get("MLFLOW_TRACKING_TOKEN", "")
    if not username and not token and parts.username:
        username = urllib.parse.unquote(parts.username)
        password = urllib.parse.unquote(parts.password or "")
    if not username and not token:
        username, password = account(project, folder, environ, accounts or (project.tracking.auth.secret,))
    return Client(
        url=urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])).rstrip("/"),
        username=username,
        password=password,
        token=token,
        workspace=environ.get("MLFLOW_WORKSPACE", ""),
        tls=Tls(
            certificates=environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH", ""),
            insecure=environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1"),
        ),
        **_patience(environ),
    )


def account(project: ir.Project, folder: Path, environ: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, str]:
    """(username, password) of the first of these secrets that has both here; empty where none has."""
    values = secrets.collect(project, environ, folder / ".env")
    for name in names:
        username, password = values.get((name, "username"), ""), values.get((name, "password"), "")
        if username and password:
            return username, password
    return "", ""


def address(project: ir.Project, folder: Path, environ: Mapping[str, str], option: str = "") -> str:
    """The address alone. Raises AddressError."""
    server = project.tracking
    for name, given in ((OPTION, option), (VARIABLE, environ.get(VARIABLE, ""))):
        if given:
            return _http(given, name)
    if server.server == "external":
        return _http(server.url, "tracking.server.url")
    where = f"the environment {project.environment.name}"
    if server.server == "databricks":
        raise AddressError(f"{where} uses Databricks, which this command does not reach: use Databricks' own tools")
    if not server.beside:
        return server.address
    if project.environment.platform == "compose":
        return f"http://127.0.0.1:{_port(project, folder, environ)}{server.options.static_prefix}"
    if project.environment.platform == "local":
        raise AddressError(
            f"{where} (platform local) has a tracking server only while `mlwright run` is at work:"
            f" name one with {OPTION} or {VARIABLE}"
        )
    if server.expose.host:
        return f"https://{server.expose.host}{server.options.static_prefix}"
    raise AddressError(f"{where} does not say where its tracking server is reached: give {OPTION} or {VARIABLE}")


def _http(text: str, name: str) -> str:
    parts = urllib.parse.urlsplit(text)
    try:
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        shown = text if "@" not in text else "it"
        raise AddressError(f"{name} must be an http(s) address of an MLflow server, and {shown} is not")
    return text.rstrip("/")


def _port(project: ir.Project, folder: Path, environ: Mapping[str, str]) -> str:
    output = folder / "manifests" / project.environment.name / "compose"
    for place, values in (
        ("the process environment", environ),
        (f"{output / '.env'}", secrets.read(output / ".env")),
        (f"{folder / '.env'}", secrets.read(folder / ".env")),
    ):
        if text := values.get(PORT, ""):
            if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
                raise AddressError(f"{PORT} in {place} is not a port: {text!r}")
            return text
    return str(trackserver.PORT)


def _patience(environ: Mapping[str, str]) -> dict[str, float]:
    text = environ.get("MLWRIGHT_PATIENCE", "")
    try:
        seconds = float(text) if text else 10.0
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise AddressError(f"MLWRIGHT_PATIENCE must be a number of seconds up to 3600, not {text!r}")
    return {"patience": seconds}

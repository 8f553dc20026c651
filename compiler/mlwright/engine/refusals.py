"""What the engine refused, in words that say what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping

_RULES: tuple[tuple[str, str], ...] = (
    (
        r"permission denied.*(?:docker|podman).*(?:sock|API)|dial unix \S+: connect: permission denied",
        "you may not talk to the container engine{where}: `sudo usermod -aG docker $USER` and a new login, or sudo",
    ),
    (
        r"client version (?P<mine>\S+) is too new.*?(?P<theirs>\d[\d.]*)\W*$",
        (
            "the container engine is too old: it speaks API {theirs}, and Compose {mine}: update the engine, or set "
            "DOCKER_API_VERSION={theirs}"
        ),
    ),
    (
        r"client version (?P<mine>\S+) is too old.*?(?P<theirs>\d[\d.]*)",
        "Compose is too old for the container engine, which speaks API {theirs} or newer: update Compose",
    ),
    (
        (
            r"cannot connect to the docker daemon|failed to connect to the docker api|is the docker daemon running"
            r"|error during connect|cannot connect to podman|dial (?:unix|tcp) .*(?:no such file|refused)"
        ),
        (
            "the container engine does not answer{where}: start it (`sudo systemctl start docker`, or Docker Desktop), "
            "or let DOCKER_HOST say where it is"
        ),
    ),
    (
        (
            r"(?:bind for|listen tcp4?|exposing port tcp) \S*?:(?P<port>\d+).*(?:allocated|in use|not available)"
            r"|ports are not available.*:(?P<other>\d+)"
        ),
        "port {port} of this machine is taken: end what listens there, or choose another port{variable}",
    ),
    (
        r"required variable (?P<name>\S+) is missing a value",
        "{name} has no value: put it into .env beside mlproject.yaml, or into the environment",
    ),
    (
        (
            r"(?:pull access denied for|failed to resolve reference|manifest (?:for|unknown))\W*(?P<image>[\w./:@-]+)?"
            r"|(?:get|head) \"?https?://.*(?:no such host|timeout|refused|unauthorized)"
        ),
        "an image cannot be pulled{image}: check its name, `docker login` where it is not public, and the network",
    ),
    (
        r"could not select device driver",
        (
            "the engine has no driver for GPUs: install the NVIDIA container toolkit, or ask for none here "
            "(`environments.E.training.resources.gpu: null`)"
        ),
    ),
    (r"no space left on device", "the disk is full: `docker system prune` frees what nothing uses"),
    (
        r"failed to solve|failed to build|returned a non-zero code",
        "an image could not be built; what the build said is above",
    ),
    (
        r"(?:container|service) \"?(?P<service>[\w.-]+)\"? is unhealthy",
        "{service} did not become healthy",
    ),
)


def explain(said: str, env: Mapping[str, str], variables: Mapping[int, str] | None = None) -> str:
    """The reason behind what Compose said, with what to do; its own last line where it is nothing known.

    `variables` leads from a published port to the variable that moves it.
    """
    text = " ".join(said.split())
    for pattern, message in _RULES:
        found = re.search(pattern, text, re.IGNORECASE)
        if found is None:
            continue
        groups = {name: value for name, value in found.groupdict().items() if value}
        port = groups.get("port") or groups.get("other") or ""
        variable = (variables or {}).get(int(port)) if port else None
        return message.format(
            where=f" at {env['DOCKER_HOST']}" if env.get("DOCKER_HOST") else "",
            variable=f", {variable}={int(port) + 1}" if variable else "",
            image=f" ({groups['image']})" if groups.get("image") else "",
            port=port,
            **{name: groups.get(name, "?").rstrip(".,:") for name in ("mine", "theirs", "name", "service")},
        )
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "it did not say why"

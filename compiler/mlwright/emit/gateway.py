"""The AI gateway resolved once, for whoever renders it: MLflow's configuration file, the command, its environment.

MLflow fills in `$NAME` where a provider's settings hold a key, and nowhere else: keys of other providers are variables
under their own names, which those providers' libraries look for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlwright.emit.environment import secret_variable
from mlwright.emit.trackserver import QUIET
from mlwright.ir import Json, Ref, Secret, Template, Tracking
from mlwright.platform.gateway import KEYS, given, key_of
from mlwright.record import dataclass

PORT = 5001
FILE = "gateway.yaml"
_NEEDED: Mapping[str, dict[str, Json]] = {"amazon-bedrock": {"aws_config": {}}, "bedrock": {"aws_config": {}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """One `mlflow gateway start`. `config` is the content of the file `FILE`; `env` has the secrets as `Ref`s to
    `secrets.NAME.KEY`; `health` is a path on its port."""

    argv: tuple[str, ...]
    config: dict[str, Any]
    env: tuple[tuple[str, Template], ...]
    health: str = "/health"
    port: int = PORT


def resolve(
    tracking: Tracking, secrets: Sequence[Secret], *, config: str, host: str = "0.0.0.0", port: int = PORT
) -> Gateway:
    """The gateway of a tracking section that has one; `config` is the folder that `FILE` will be in."""
    env: dict[str, Template] = {}
    endpoints = [_endpoint(name, settings, secrets, env) for name, settings in tracking.gateway]
    file = f"{config}/{FILE}"
    return Gateway(
        argv=("mlflow", "gateway", "start", "--config-path", file, "--host", host, "--port", str(port)),
        config={"endpoints": endpoints},
        env=tuple({**QUIET, **env}.items()),
        port=port,
    )


def _endpoint(name: str, source: Json, secrets: Sequence[Secret], env: dict[str, Template]) -> dict[str, Any]:
    assert isinstance(source, dict)
    provider = str(source["provider"])
    found = source.get("settings")
    settings: dict[str, Json] = {**_NEEDED.get(provider, {}), **(found if isinstance(found, dict) else {})}
    secret = next((item for item in secrets if item.name == source.get("secret")), None)
    if secret is not None:
        place = KEYS.get(provider, ())
        if place and not given(settings, place):
            key = key_of(secret.keys, place)
            variable = secret_variable(secret.name, key)
            env[variable] = (Ref(f"secrets.{secret.name}.{key}"),)
            settings = _with(settings, place, f"${variable}")
        elif not place:
            env |= {key: (Ref(f"secrets.{secret.name}.{key}"),) for key in secret.keys}
    made: dict[str, Any] = {
        "name": name,
        "endpoint_type": f"llm/v1/{source['type']}",
        "model": {"provider": provider, "name": source["model"], "config": settings},
    }
    if isinstance(limit := source.get("limit"), dict):
        made["limit"] = {"calls": limit["calls"], "renewal_period": limit.get("per") or "minute"}
    return made


def _with(settings: dict[str, Json], place: Sequence[str], value: str) -> dict[str, Json]:
    head, *rest = place
    inner = settings.get(head)
    below = _with(inner if isinstance(inner, dict) else {}, rest, value) if rest else value
    return {head: below, **{key: item for key, item in settings.items() if key != head}}

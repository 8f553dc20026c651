"""What the tracking server is to hold for one environment: the objects that `mlwright tracking` compares and makes."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from mlwright.ir.values import Origin
from mlwright.record import dataclass

Level = Literal["READ", "USE", "EDIT", "MANAGE"]
"""MLflow's permissions, from weak to strong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """`description` and `artifact_location` are empty where the spec leaves them to the server."""

    name: str
    description: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    artifact_location: str = ""
    origin: Origin = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredModel:
    """`aliases` are (alias, version): those of the lock and those of the spec. `moved` are aliases that the pipeline
    moves itself: where they point is never anything to correct."""

    name: str
    description: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()
    moved: tuple[str, ...] = ()
    origin: Origin = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """`events` as `entity.action`; `secret` is the name of a secret with the key `secret`."""

    name: str
    url: str
    events: tuple[str, ...]
    secret: str = ""
    description: str = ""
    active: bool = True
    origin: Origin = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one user may do with every experiment and every model of the catalog.

    `user` is a name; empty for the pipeline's user, whose name is in the secret `tracking.auth.secret`. `implied`:
    nobody wrote it down, so more than that is right too, and an account that is not there is no failure.
    """

    user: str = ""
    experiments: Level | Literal[""] = ""
    models: Level | Literal[""] = ""
    implied: bool = False
    origin: Origin = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """All of it. `pinned` are (model, version) that the lock names in any environment."""

    experiments: tuple[Experiment, ...] = ()
    models: tuple[RegisteredModel, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    grants: tuple[Grant, ...] = ()
    pinned: tuple[tuple[str, str], ...] = ()

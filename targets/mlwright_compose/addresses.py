"""How patches address what this target emits, and what they must leave alone."""

from __future__ import annotations

from mlwright.target import KnownField, ListKeys, Protected

_STEPS = ("Service", "TrialService", "StartService", "FinishService")
_LAUNCHED = (*_STEPS, *(f"Scheduled{kind}" for kind in _STEPS), "VariantService")
_EVERY = (*_LAUNCHED, "SmokeService")

LIST_KEYS: ListKeys = {
    ("services", "*", "volumes"): "target",
    ("services", "*", "configs"): "target",
    ("services", "*", "ports"): "target",
    ("services", "*", "secrets"): "source",
}

_CONTRACT: tuple[tuple[tuple[str, ...], str], ...] = (
    (("entrypoint",), "the launcher starts every program"),
    (("command",), "the launcher starts every program"),
    (("configs",), "the step document is mounted there"),
    (("environment", "MLWRIGHT_RUN"), "it says which run the service belongs to"),
    (("environment", "MLWRIGHT_SEARCH_URL"), "workers find the search service by it"),
    (("environment", "MLFLOW_TRACKING_URI"), "steps find each other's outputs on that server"),
    (("container_name",), "Compose derives it, also for several replicas"),
    (("labels", "mlwright.project"), "it identifies what mlwright made"),
    (("labels", "mlwright.environment"), "it identifies what mlwright made"),
    (("labels", "mlwright.node"), "it identifies what mlwright made"),
    (("labels", "mlwright.revision"), "it identifies what mlwright made"),
    (("labels", "mlwright.run"), "`mlwright up` finds the run to go on with by it"),
)

PROTECTED: tuple[Protected, ...] = (
    Protected(kind="Compose", path=("name",), why="volumes and containers are found by it"),
    Protected(kind="Compose", path=("configs",), why="the step documents are declared there"),
    *(Protected(kind=kind, path=path, why=why) for kind in _EVERY for path, why in _CONTRACT),
)

KNOWN_FIELDS: tuple[KnownField, ...] = tuple(
    KnownField(kind=kind, path=path, field=field)
    for kind in _LAUNCHED
    for path, field in (
        (("image",), "image"),
        (("build",), "image.build"),
        (("deploy", "resources"), "resources"),
        (("shm_size",), "mounts (`/dev/shm: {memory: ...}`)"),
        (("user",), "security.run_as_user"),
        (("read_only",), "security.read_only_root_filesystem"),
        (("annotations",), "annotations"),
    )
)

"""The graph of nodes that an engine orders: user steps, tuning, gates, registration."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from mlwright.ir.values import (
    Condition,
    Image,
    Json,
    ModelSource,
    Origin,
    OutputType,
    Ref,
    Resources,
    Template,
    ValueType,
)
from mlwright.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """`node` must have ended before; a skipped or stopped `node` skips this one unless `optional`."""

    node: str
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    name: str
    type: OutputType


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """`pattern` has one group and is in the RE2 subset; `reduce` is always decided here (`best` or `last`)."""

    name: str
    goal: Literal["maximize", "minimize"] | None = None
    pattern: str = ""
    sample: str = ""
    reduce: Literal["best", "last"] = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsFrom:
    type: Literal["stdout", "file", "mlflow", "tensorboard", "prometheus"] = "stdout"
    path: str = ""
    format: Literal["text", "json"] = "text"
    port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """`limit` extra attempts after the first; waits `backoff` seconds, times `factor` each time, at most
    `max_backoff`."""

    limit: int = 0
    backoff: float = 0.0
    factor: float = 2.0
    max_backoff: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """`source` by `kind`: a storage name, a path relative to the spec's folder, or a size in bytes (memory, disk)."""

    target: str
    kind: Literal["storage", "file", "memory", "disk", "data"]
    source: str = ""
    size: int = 0
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Distributed:
    """`nodes_min == nodes_max` unless elastic; `roles` are extra replica groups (name, nodes). `fit_gpus` makes the
    launcher start no more processes than there are GPUs (at least one)."""

    nodes_min: int = 1
    nodes_max: int = 1
    processes_per_node: int = 1
    launcher: Literal["none", "torchrun", "mpirun", "deepspeed", "accelerate"] = "none"
    max_restarts: int = 0
    fit_gpus: bool = False
    roles: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoints:
    """`storage` names the storage that holds them and `path` is inside it; both empty: no checkpoints."""

    storage: str = ""
    path: str = ""
    resume: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    run_as_user: int = 65532
    run_as_root: str = ""
    read_only_root: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ForEach:
    """`keys` are (name, compile-time items or a reference); several keys are a cross product."""

    keys: tuple[tuple[str, tuple[Json, ...] | Ref], ...] = ()
    max_parallel: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What every container has: one-shot steps, trials and services alike.

    Exactly one of `argv` and `script` is set, or neither: then the image's entry point runs with `args`, and with the
    image's own words where there are none.
    `script` is shell text in which every reference already is an environment variable's expansion.
    `secrets` are names whose every key becomes an environment variable of the same name.
    """

    image: Image = field(default_factory=Image)
    argv: tuple[Template, ...] = ()
    script: str = ""
    args: tuple[Template, ...] = ()
    env: tuple[tuple[str, Template], ...] = ()
    secrets: tuple[str, ...] = ()
    resources: Resources = field(default_factory=Resources)
    mounts: tuple[Mount, ...] = ()
    placement: str = ""
    identity: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    security: Security = field(default_factory=Security)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A one-shot step. `id` is its spec path (`steps.features`, `training`, `models.ranker.training`), `name` the short
    DNS-1123 form from which every object's name derives. `tuned` lists the parameters that come from tuning node
    `tuning` (best values) at run time. `inputs` are the references to other nodes' outputs and metrics, by full path.
    `values` fix parameters for this task alone. `pins` are the registered models among `inputs` that the lock has a
    version of. `timeout` and `expected_duration` in seconds, 0 for none."""

    id: str
    name: str
    container: Container
    needs: tuple[Need, ...] = ()
    inputs: tuple[str, ...] = ()
    pins: tuple[ModelSource, ...] = ()
    params: tuple[str, ...] = ()
    values: tuple[tuple[str, Json], ...] = ()
    data: tuple[str, ...] = ()
    outputs: tuple[Output, ...] = ()
    metrics: tuple[Metric, ...] = ()
    metrics_from: MetricsFrom = field(default_factory=MetricsFrom)
    when: Condition | None = None
    run_if: Literal["succeeded", "failed", "always"] = "succeeded"
    for_each: ForEach = field(default_factory=ForEach)
    retries: Retries = field(default_factory=Retries)
    timeout: float = 0.0
    expected_duration: float = 0.0
    cache: bool = False
    framework: str = ""
    distributed: Distributed = field(default_factory=Distributed)
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    contract: Literal["launcher", "bare"] = "launcher"
    tuning: str = ""
    tuned: tuple[str, ...] = ()
    owner: str = ""
    origin: Origin = field(compare=False)

    @property
    def spread(self) -> bool:
        """Whether it has several pods that work together."""
        return self.distributed.nodes_max > 1 or bool(self.distributed.roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One searched parameter: `values` (a list) or a range. `step` 0 means continuous (or 1 for int)."""

    param: str
    type: ValueType
    values: tuple[Json, ...] = ()
    min: float = 0.0
    max: float = 0.0
    step: float = 0.0
    distribution: Literal["uniform", "log_uniform", "normal", "log_normal"] = "uniform"
    mean: float = 0.0
    sigma: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Tuning: trials of `trial` (the training step with the trial's overrides), then best parameters for `training`.

    `trial.id` is `<id>.trial`, so that no trial is ever taken for the training's own run; its origin is the training's.
    `goal` is the objective's; `stop_at` None for none; `settings` as written, checked against the algorithm.
    """

    id: str
    name: str
    trial: Task
    training: str
    objective: str
    goal: Literal["maximize", "minimize"]
    stop_at: float | None = None
    algorithm: str = "random"
    settings: tuple[tuple[str, Json], ...] = ()
    space: tuple[Dimension, ...] = ()
    max_trials: int = 1
    parallel: int = 1
    max_failed: int = 0
    early_stopping: str = ""
    early_stopping_settings: tuple[tuple[str, Json], ...] = ()
    resume: Literal["never", "volume", "running"] = "never"
    retrain: bool = True
    needs: tuple[Need, ...] = ()
    owner: str = ""
    origin: Origin = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Passes when `metric` is at least `min`, at most `max`, and no worse than the alias `versus` by more than
    `tolerance`. `version` is what the lock pins that alias to; without one it is looked up when the gate decides."""

    name: str
    metric: str
    goal: Literal["maximize", "minimize"] | None = None
    min: float | None = None
    max: float | None = None
    versus: str = ""
    version: str = ""
    tolerance: float = 0.0
    on_fail: Literal["fail", "stop"] = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """All gates of one step, decided together right after it. `id` is `<step id>.gates`."""

    id: str
    name: str
    step: str
    model: str
    gates: tuple[Gate, ...]
    metrics: tuple[Metric, ...]
    needs: tuple[Need, ...] = ()
    owner: str = ""
    origin: Origin = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Makes a version of `model` from `output` of `step`. `bootstrap` are aliases that serving or a gate refers to:
    each goes to the first version that passes while it points nowhere."""

    id: str
    name: str
    model: str
    description: str = ""
    step: str
    output: str
    tags: tuple[tuple[str, str], ...] = ()
    alias: str = ""
    bootstrap: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    owner: str = ""
    origin: Origin = field(compare=False)


Node = Task | Search | Gates | Registration

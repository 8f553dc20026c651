"""The one step shape: what steps, training, evaluation, trials and services share."""

from typing import Annotated, ClassVar, Literal, Self

from mlwright.spec.base import Json, Many, Mapped, Model, Named
from mlwright.spec.declaration import AfterValidator, Discriminator, Field, Tag, model_validator
from mlwright.spec.metrics import Gate, Metric, MetricsFrom, Output
from mlwright.spec.scalars.duration import Duration
from mlwright.spec.scalars.image import ImageRef
from mlwright.spec.scalars.names import EnvName, LabelKey, LabelValue, Name, NodePath, ParamName, ResourceName
from mlwright.spec.scalars.quantity import Cpu, GpuCount, Memory
from mlwright.spec.scalars.refusal import refuse
from mlwright.spec.scalars.text import (
    Condition,
    Line,
    MountTarget,
    RelativePath,
    Text,
)


def _list_or_text(value: object) -> str:
    return "list" if isinstance(value, (list, tuple)) else "text"


Command = Annotated[
    Annotated[Text, Tag("text")] | Annotated[Many[Text], Field(min_length=1), Tag("list")], Discriminator(_list_or_text)
]
"""A shell script (text) or the words of a command (tuple), both with references."""


class Build(Model):
    """How the image is made from this repository."""

    context: RelativePath = Field(default=".", description="Folder that is sent to the builder.", examples=["."])
    dockerfile: RelativePath = Field(
        default="Dockerfile", description="Dockerfile, relative to `context`.", examples=["Dockerfile"]
    )
    args: Mapped[str, str] = Field(default={}, description="Build arguments.", examples=[{"PYTHON_VERSION": "3.11"}])
    target: str = Field(default="", description="Stage of the Dockerfile to stop at.", examples=["runtime"])


class Image(Model):
    """The container image; a string is short for `{ref: ...}`."""

    short: ClassVar[str] = "ref"
    ref: ImageRef = Field(description="Image reference.", examples=["ghcr.io/acme/churn:1.4.2"])
    build: Build | None = Field(
        default=None, description="Where the image is built from, if here.", examples=[{"context": "."}]
    )
    pull_policy: Literal["always", "if_not_present", "never"] | None = Field(
        default=None, description="When a node pulls the image.", examples=["if_not_present"]
    )


class Gpu(Model):
    """GPUs of one container; a number is short for `{count: ...}`."""

    short: ClassVar[str] = "count"
    short_types: ClassVar[tuple[type, ...]] = (int, float, str)
    count: GpuCount = Field(description="Whole GPUs for each node.", examples=[8])
    model: str = Field(default="", description="GPU model, as the platform file names it.", examples=["a100"])
    memory: Memory | None = Field(default=None, description="Least memory of each GPU.", examples=["40Gi"])


class Limits(Model):
    """Upper bounds where they differ from what is asked for."""

    cpu: Cpu | None = Field(default=None, description="Most processors; none by default.", examples=[4])
    memory: Memory | None = Field(
        default=None, description="Most memory; what is asked for by default.", examples=["4Gi"]
    )


class Resources(Model):
    """What one container asks for. Memory is request and limit, cpu a request only, unless `limits` says otherwise."""

    cpu: Cpu | None = Field(default=None, description="Processors.", examples=[2, "500m"])
    memory: Memory | None = Field(default=None, description="Memory.", examples=["2Gi"])
    disk: Memory | None = Field(default=None, description="Temporary disk space.", examples=["20Gi"])
    gpu: Gpu | None = Field(default=None, description="GPUs.", examples=[1, {"count": 8, "model": "a100"}])
    limits: Limits | None = Field(default=None, description="Upper bounds.", examples=[{"cpu": 4}])
    extended: dict[ResourceName, Annotated[int, Field(ge=0)]] = Field(
        default={},
        alias="/",
        description="Extended resources, by their name with a `/`.",
        examples=[{"rdma/roce_gdr": 1}],
    )

    @model_validator(mode="before")
    @classmethod
    def gather_extended(cls, value: object) -> object:
        """Keys with a `/` are extended resources."""
        if not isinstance(value, dict) or not any("/" in key for key in value):
            return value
        extended = {key: item for key, item in value.items() if "/" in key}
        return {**{key: item for key, item in value.items() if "/" not in key}, "/": extended}


class Mount(Model):
    """Something inside the container; text is short for `{source: ...}`."""

    short: ClassVar[str] = "source"
    source: Text | None = Field(
        default=None,
        description="A storage, a data source, or a file or folder relative to this file.",
        examples=["${storage.datasets}", "./conf/train.yaml"],
    )
    memory: Memory | None = Field(default=None, description="A folder in memory of this size.", examples=["16Gi"])
    disk: Memory | None = Field(default=None, description="An empty folder of this size.", examples=["200Gi"])
    read_only: bool = Field(default=False, description="Programs cannot write there.", examples=[True])

    @model_validator(mode="after")
    def one_kind(self) -> Self:
        """Exactly one of `source`, `memory`, `disk`."""
        if sum(item is not None for item in (self.source, self.memory, self.disk)) != 1:
            raise refuse("SPEC008", "a mount has exactly one of `source`, `memory` and `disk`", "keep one of them")
        return self


class RunAsRoot(Model):
    """Why the program needs to be root."""

    reason: Line = Field(description="Shown to reviewers and policies.", examples=["the driver writes to /sys"])


class Security(Model):
    """Who the program is inside its container."""

    run_as_user: Annotated[int, Field(ge=1, le=2**31 - 1)] = Field(
        default=65532, description="Numeric user and group.", examples=[1000]
    )
    run_as_root: RunAsRoot | None = Field(
        default=None, description="Run as root, with the reason.", examples=[{"reason": "the driver writes to /sys"}]
    )
    read_only_root_filesystem: bool | None = Field(
        default=None,
        description="Only mounts, /tmp and the home folder are writable. True for services, false for steps.",
        examples=[True],
    )


class Container(Model):
    """What every container has, one-shot or not."""

    image: Image | None = Field(default=None, description="Container image.", examples=["ghcr.io/acme/churn:1.4.2"])
    command: Command | None = Field(
        default=None,
        description="Words of the command, or text for the shell. Without it the image's entry point gets `args`.",
        examples=[["python", "train.py", "--lr=${params.learning_rate}"], "python train.py"],
    )
    args: Many[Text] = Field(
        default=(), description="Words after the command or the image's entry point.", examples=[["--verbose"]]
    )
    env: Mapped[EnvName, Text] = Field(
        default={}, description="Environment variables; values are text.", examples=[{"NCCL_DEBUG": "INFO"}]
    )
    resources: Resources | None = Field(
        default=None, description="What each container asks for.", examples=[{"cpu": 1, "memory": "2Gi"}]
    )
    mounts: Mapped[MountTarget, Mount] = Field(
        default={},
        description="Folders and files, by their path in the container.",
        examples=[{"/data": "${storage.datasets}"}],
    )
    placement: Name | None = Field(
        default=None, description="A placement that the platform file defines: nodes, queue.", examples=["a100-spot"]
    )
    identity: Name | None = Field(
        default=None,
        description="An identity that the platform file defines: a service account.",
        examples=["lake-reader"],
    )
    labels: Mapped[LabelKey, LabelValue] = Field(
        default={}, description="Labels of everything made for this node.", examples=[{"team": "growth"}]
    )
    annotations: Mapped[LabelKey, str] = Field(
        default={},
        description="Annotations of everything made for this node.",
        examples=[{"example.com/owner": "Growth ML"}],
    )
    security: Security | None = Field(
        default=None, description="Who the program is inside its container.", examples=[{"run_as_user": 1000}]
    )
    owner: Name | None = Field(
        default=None,
        description="The target that makes this node, instead of the table's choice.",
        examples=["kubernetes"],
    )


class Retries(Model):
    """What happens after a failed attempt; a number is short for `{limit: ...}`."""

    short: ClassVar[str] = "limit"
    short_types: ClassVar[tuple[type, ...]] = (int,)
    limit: Annotated[int, Field(ge=0, le=100)] = Field(description="Attempts after the first.", examples=[2])
    backoff: Duration | None = Field(default=None, description="Wait before the second attempt.", examples=["30s"])
    factor: Annotated[float, Field(ge=1, le=100)] = Field(
        default=2.0, description="Each wait is this many times the one before.", examples=[2]
    )
    max_backoff: Duration | None = Field(default=None, description="Longest wait.", examples=["10m"])


class Attempted(Container):
    """A container that starts, ends, and may be tried again."""

    retries: Retries | None = Field(
        default=None, description="Further attempts.", examples=[{"limit": 2, "backoff": "30s"}]
    )
    timeout: Duration | None = Field(default=None, description="Wall clock time of one attempt.", examples=["2h"])
    cache: bool | None = Field(
        default=None, description="Reuse the outputs of an earlier run with the same inputs.", examples=[True]
    )
    contract: Literal["launcher", "bare"] | None = Field(
        default=None,
        description="`bare` starts the command without the launcher, for images without python3.",
        examples=["bare"],
    )


class Need(Model):
    """A node that must have ended before; its path is short for `{step: PATH}`."""

    short: ClassVar[str] = "step"
    step: NodePath = Field(description="Path of the node.", examples=["steps.features"])
    optional: bool = Field(default=False, description="A skipped node does not skip this one.", examples=[True])


class NodeRange(Model):
    """How many nodes; a number is short for the same `min` and `max`."""

    short: ClassVar[str] = "min"
    short_types: ClassVar[tuple[type, ...]] = (int,)
    min: Annotated[int, Field(ge=1)] = Field(description="Fewest nodes to start with.", examples=[2])
    max: Annotated[int, Field(ge=1)] = Field(description="Most nodes.", examples=[8])

    @classmethod
    def lengthen(cls, value: object) -> dict[str, object]:
        """`4` is `{min: 4, max: 4}`."""
        return {"min": value, "max": value}

    @model_validator(mode="after")
    def not_empty(self) -> Self:
        """`min` is not above `max`."""
        if self.min > self.max:
            raise refuse("SPEC005", f"`min` {self.min} is above `max` {self.max}", "swap them")
        return self


class Role(Model):
    """A further group of nodes, such as parameter servers."""

    nodes: Annotated[int, Field(ge=1)] = Field(description="How many nodes have this role.", examples=[1])


class Distributed(Model):
    """A step on several nodes or processes."""

    nodes: NodeRange | None = Field(
        default=None, description="Nodes, fixed or elastic.", examples=[4, {"min": 2, "max": 8}]
    )
    processes_per_node: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Processes on each node; the number of GPUs by default.", examples=[8]
    )
    launcher: Literal["torchrun", "mpirun", "deepspeed", "accelerate", "none"] | None = Field(
        default=None, description="Who turns one command into many processes; by framework.", examples=["torchrun"]
    )
    max_restarts: Annotated[int, Field(ge=0)] = Field(
        default=0, description="How often the group starts again after a failure.", examples=[10]
    )
    roles: Named[Role] = Field(default={}, description="Further groups of nodes.", examples=[{"ps": {"nodes": 1}}])


def _list_reference(text: str) -> str:
    if "${" not in text:
        raise refuse(
            "SPEC003", "a list is expected here, or a reference to one", f"write `[{text}]` or `${{params.stores}}`"
        )
    return text


Items = Annotated[
    Annotated[Text, AfterValidator(_list_reference), Tag("text")]
    | Annotated[Many[Json], Field(min_length=1), Tag("list")],
    Discriminator(_list_or_text),
]
"""A tuple of JSON values, or text that is a reference to a list."""


class StepShape(Attempted):
    """The one step shape."""

    outputs: Mapped[ParamName, Output] = Field(
        default={}, description="What the step makes.", examples=[{"table": {"type": "dataset"}}]
    )
    metrics: Mapped[Line, Metric] = Field(
        default={}, description="What the program reports.", examples=[{"val_auc": {"goal": "maximize"}}]
    )
    metrics_from: MetricsFrom | None = Field(
        default=None,
        description="Where metrics are read; the program's output by default.",
        examples=[{"type": "stdout"}],
    )
    gates: Named[Gate] = Field(
        default={},
        description="Conditions on this step's metrics.",
        examples=[{"floor": {"metric": "test_auc", "min": 0.85}}],
    )
    needs: Many[Need] | None = Field(
        default=None,
        description="Nodes that must end first, beside those that references name; `[]` for none at all.",
        examples=[["steps.features"]],
    )
    when: Condition | None = Field(
        default=None,
        description="Skip the step unless this holds.",
        examples=["${params.profile} and ${steps.f.outputs.n} > 10"],
    )
    run_if: Literal["succeeded", "failed", "always"] | None = Field(
        default=None, description="Which ends of the needed nodes start this one.", examples=["failed"]
    )
    for_each: Mapped[ParamName, Items] = Field(
        default={},
        description="Run once for each item; several keys are a cross product.",
        examples=[{"store": ["a", "b"]}],
    )
    max_parallel: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Most items at the same time.", examples=[2]
    )
    distributed: Distributed | None = Field(
        default=None, description="Several nodes or processes.", examples=[{"nodes": 4, "launcher": "torchrun"}]
    )
    framework: Name | None = Field(
        default=None,
        description="pytorch, tensorflow, jax, xgboost, lightgbm, paddle, or a runtime of the platform.",
        examples=["pytorch"],
    )


class Checkpoints(Model):
    """Where the program keeps what it needs to go on after an interruption."""

    path: Text = Field(description="A folder in a storage.", examples=["${storage.warehouse}/churn/ckpt"])
    resume: bool = Field(default=False, description="Later runs start from it.", examples=[True])


class Step(StepShape):
    """A one-shot step."""

    checkpoints: Checkpoints | None = Field(
        default=None, description="Where the program keeps its state.", examples=[{"path": "${storage.warehouse}/ckpt"}]
    )
    expected_duration: Duration | None = Field(
        default=None, description="How long it usually takes, for cost figures.", examples=["2h"]
    )

"""`serving`: what answers requests."""

from typing import Annotated, ClassVar, Literal, Self

from mlwright.regex import lazy
from mlwright.spec.base import Many, Model, Named, typed
from mlwright.spec.container import Container, Resources, StepShape
from mlwright.spec.declaration import AfterValidator, Field, WithJsonSchema, model_validator
from mlwright.spec.scalars.duration import Duration
from mlwright.spec.scalars.names import Name, NodePath
from mlwright.spec.scalars.refusal import Scalar, refuse
from mlwright.spec.scalars.text import Line, RelativePath, Text

Port = Annotated[int, Field(ge=1, le=65535)]
Percent = Annotated[int, Field(ge=0, le=100)]
Protocol = Literal["mlflow", "open-inference-v1", "open-inference-v2", "grpc", "openai", "http"]
_HOST = lazy(r"(?=.{1,253}$)(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise refuse(
            "NAME013", f"`{text}` is not a host name", "write it without scheme, port or path: `churn.example.com`"
        )
    return text


Host = Annotated[str, AfterValidator(_host), WithJsonSchema({"type": "string", "format": "hostname"})]


class ScaleTarget(Model):
    """What one replica is meant to bear; more than that adds replicas."""

    concurrency: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Requests at the same time.", examples=[20]
    )
    rps: Annotated[float, Field(gt=0)] | None = Field(default=None, description="Requests a second.", examples=[100])
    cpu: Annotated[int, Field(ge=1, le=100)] | None = Field(
        default=None, description="Percent of the processors asked for.", examples=[70]
    )
    memory: Annotated[int, Field(ge=1, le=100)] | None = Field(
        default=None, description="Percent of the memory asked for.", examples=[80]
    )

    @model_validator(mode="after")
    def one(self) -> Self:
        """Exactly one measure."""
        if sum(item is not None for item in (self.concurrency, self.rps, self.cpu, self.memory)) != 1:
            raise refuse(
                "SPEC008", "replicas follow exactly one of `concurrency`, `rps`, `cpu` and `memory`", "keep one"
            )
        return self


class Replicas(Model):
    """How many copies run; a number is short for the same `min` and `max`."""

    short: ClassVar[str] = "min"
    short_types: ClassVar[tuple[type, ...]] = (int,)
    min: Annotated[int, Field(ge=0)] | None = Field(default=None, description="Fewest; 0 lets it sleep.", examples=[1])
    max: Annotated[int, Field(ge=1)] | None = Field(default=None, description="Most.", examples=[10])
    target: ScaleTarget | None = Field(default=None, description="What one copy bears.", examples=[{"concurrency": 20}])

    @classmethod
    def lengthen(cls, value: object) -> dict[str, object]:
        """`3` is `{min: 3, max: 3}`."""
        return {"min": value, "max": value}

    @model_validator(mode="after")
    def not_empty(self) -> Self:
        """`min` is not above `max`."""
        if self.min is not None and self.max is not None and self.min > self.max:
            raise refuse("SERVE001", f"`min` {self.min} is above `max` {self.max}", "swap them")
        return self


class Traffic(Scalar):
    """Not made: see `parse`."""

    json: ClassVar[dict[str, object]] = {
        "anyOf": [{"type": "integer", "minimum": 0, "maximum": 100}, {"const": "mirror"}]
    }

    @classmethod
    def parse(cls, value: object) -> int | Literal["mirror"]:
        """Percent of the requests, or `mirror` for a copy of all of them."""
        if value == "mirror":
            return "mirror"
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100:
            raise refuse(
                "SPEC005", "traffic is a whole number of percent, or `mirror`", "write `10`, or `mirror` to shadow"
            )
        return value


Share = Annotated[int | Literal["mirror"], Traffic]


class Variant(Model):
    """A second model behind the same address."""

    model: Text = Field(description="What it serves.", examples=["${registry.churn@challenger}"])
    traffic: Share = Field(default=0, description="Percent of the requests, or `mirror`.", examples=[10, "mirror"])
    replicas: Replicas | None = Field(default=None, description="How many copies, if not as many.", examples=[1])
    resources: Resources | None = Field(
        default=None, description="What each copy asks for, if not the same.", examples=[{"cpu": 1}]
    )


class Expose(Model):
    """Who can reach it; `cluster` is short for `{scope: cluster}`."""

    short: ClassVar[str] = "scope"
    scope: Literal["cluster", "host"] | None = Field(
        default=None, description="Inside the platform only, or by `host`.", examples=["cluster"]
    )
    host: Host | None = Field(default=None, description="Host name that it answers to.", examples=["churn.example.com"])
    path: Annotated[str, Field(pattern="^/")] = Field(
        default="/", description="Path below the host.", examples=["/churn"]
    )
    auth: Literal["none", "required"] = Field(
        default="none", description="Whether the gateway asks who it is.", examples=["required"]
    )
    tls_secret: Line | None = Field(
        default=None, description="Existing Secret with the certificate.", examples=["churn-tls"]
    )

    @model_validator(mode="after")
    def agrees(self) -> Self:
        """A host name goes with scope host."""
        if (self.scope == "cluster" and self.host) or (self.scope == "host" and not self.host):
            raise refuse(
                "SPEC008", "`scope: host` and `host` go together", "write `{host: churn.example.com}` or `cluster`"
            )
        return self


class Health(Model):
    """When it counts as ready."""

    startup: Duration | None = Field(
        default=None, description="Longest time to load; 10m by default.", examples=["10m"]
    )
    path: Annotated[str, Field(pattern="^/")] | None = Field(
        default=None, description="Path that answers 200 when ready; by protocol.", examples=["/ping"]
    )


class Log(Model):
    """Where requests and answers are kept."""

    to: Text = Field(description="A folder in a storage.", examples=["${storage.warehouse}/logs"])
    sample: Annotated[float, Field(gt=0, le=1)] = Field(default=1.0, description="Share that is kept.", examples=[0.1])
    mode: Literal["all", "request", "response"] = Field(default="all", description="What is kept.", examples=["all"])


class SmokeTest(Model):
    """A request that must be answered before the endpoint counts as working."""

    request: RelativePath = Field(description="File with the body.", examples=["tests/request.json"])
    path: Annotated[str, Field(pattern="^/")] | None = Field(
        default=None, description="Path of the request; by protocol.", examples=["/invocations"]
    )
    status: Annotated[int, Field(ge=100, le=599)] = Field(
        default=200, description="The status that passes.", examples=[200]
    )
    timeout: Duration | None = Field(default=None, description="Longest wait.", examples=["30s"])


class Component(Container):
    """A container before or beside the model: a transformer or an explainer."""

    port: Port | None = Field(default=None, description="Port that it listens on.", examples=[8080])
    replicas: Replicas | None = Field(default=None, description="How many copies.", examples=[1])


class Parallel(Model):
    """How one large model is spread over GPUs."""

    tensor: Annotated[int, Field(ge=1)] = Field(default=1, description="GPUs that share each layer.", examples=[4])
    pipeline: Annotated[int, Field(ge=1)] = Field(default=1, description="Groups of layers in a row.", examples=[2])
    data: Annotated[int, Field(ge=1)] = Field(default=1, description="Whole copies.", examples=[1])
    expert: bool = Field(default=False, description="Spread the experts of a mixture.", examples=[True])


class ServiceRole(Model):
    """A group of copies with one task, such as prefill or decode."""

    replicas: Replicas | None = Field(default=None, description="How many copies.", examples=[2])
    resources: Resources | None = Field(default=None, description="What each copy asks for.", examples=[{"gpu": 1}])
    parallel: Parallel | None = Field(
        default=None, description="How each copy is spread over GPUs.", examples=[{"tensor": 2}]
    )


class Batcher(Model):
    """Puts requests together."""

    max_size: Annotated[int, Field(ge=1)] = Field(description="Most requests in one batch.", examples=[32])
    max_latency: Duration | None = Field(default=None, description="Longest wait for a full batch.", examples=["50ms"])
    timeout: Duration | None = Field(default=None, description="Longest wait for an answer.", examples=["60s"])


class ServiceOptions(Model):
    """What a service has beside its container."""

    binding: Literal["locked", "run"] | None = Field(
        default=None,
        description="Serve what the lock file pins, or what this run registers.",
        examples=["locked"],
    )
    storage: Literal["proxied", "direct"] | None = Field(
        default=None,
        description="Fetch the model through the tracking server, or from its bucket.",
        examples=["proxied"],
    )
    format: Line | None = Field(
        default=None, description="Format of the model; not needed with image or command.", examples=["mlflow"]
    )
    protocols: Many[Protocol] | None = Field(
        default=None, min_length=1, description="What it speaks.", examples=[["mlflow"]]
    )
    port: Port | None = Field(default=None, description="Port that it listens on.", examples=[8080])
    replicas: Replicas | None = Field(default=None, description="How many copies.", examples=[{"min": 1, "max": 10}])
    concurrency: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Most requests that one copy answers at the same time; more wait.", examples=[4]
    )
    request_timeout: Duration | None = Field(default=None, description="Longest time for one answer.", examples=["60s"])
    expose: Expose | None = Field(default=None, description="Who can reach it.", examples=["cluster"])
    health: Health | None = Field(default=None, description="When it counts as ready.", examples=[{"startup": "10m"}])
    log: Log | None = Field(
        default=None, description="Where requests are kept.", examples=[{"to": "${storage.warehouse}/logs"}]
    )


class Service(ServiceOptions, StepShape):
    """An online endpoint: a step's container fields, and these."""

    type: Literal["service"] = Field(description="An endpoint; entries without `type` are one.", examples=["service"])
    model: Text | None = Field(
        default=None,
        description="What it serves: a registered model, an output, an address, a place in a storage.",
        examples=["${registry.churn@champion}"],
    )
    variants: Named[Variant] = Field(
        default={},
        description="Further models behind the same address.",
        examples=[{"challenger": {"model": "${registry.churn@challenger}", "traffic": 10}}],
    )
    smoke_test: SmokeTest | None = Field(
        default=None, description="A request that must be answered.", examples=[{"request": "tests/request.json"}]
    )
    transformer: Component | None = Field(
        default=None, description="Changes requests and answers.", examples=[{"command": ["python", "transform.py"]}]
    )
    explainer: Component | None = Field(
        default=None, description="Explains answers.", examples=[{"command": ["python", "explain.py"]}]
    )
    runtime: Line | None = Field(
        default=None,
        description="Serving runtime of the platform that loads the model, with a version of its image after a colon "
        "where it is not the platform's; by `format` without it.",
        examples=["kserve-sklearnserver", "kserve-tritonserver:23.05-py3"],
    )
    engine: Literal["vllm"] | None = Field(
        default=None, description="Engine for large language models.", examples=["vllm"]
    )
    parallel: Parallel | None = Field(default=None, description="How it is spread over GPUs.", examples=[{"tensor": 4}])
    adapters: Named[Text] = Field(
        default={}, description="LoRA adapters, by name.", examples=[{"support": "hf://acme/support-lora"}]
    )
    roles: Named[ServiceRole] = Field(
        default={}, description="Groups of copies with one task.", examples=[{"prefill": {"replicas": 2}}]
    )
    batcher: Batcher | None = Field(default=None, description="Puts requests together.", examples=[{"max_size": 32}])

    @model_validator(mode="after")
    def traffic_adds_up(self) -> Self:
        """The variants leave something for the main model, or all of it is theirs."""
        shares = [variant.traffic for variant in self.variants.values() if isinstance(variant.traffic, int)]
        if sum(shares) > 100:
            raise refuse("SPEC005", f"the variants get {sum(shares)} percent of the traffic", "at most 100 in all")
        return self


class RouteTarget(Model):
    """One endpoint of a route; its path is short for `{service: PATH}`."""

    short: ClassVar[str] = "service"
    service: NodePath = Field(description="Path of the endpoint.", examples=["serving.online"])
    weight: Percent | None = Field(default=None, description="Percent of the requests, for `split`.", examples=[90])
    condition: Line | None = Field(
        default=None,
        description="What the request must be like, for `switch`; what the answer before must be, for `sequence`.",
        examples=['[@this].#(kind=="new")'],
    )
    input: Literal["request", "response"] | None = Field(
        default=None,
        description="What it gets in a `sequence`: the answer before it, or the request itself.",
        examples=["request"],
    )
    required: bool = Field(
        default=False, description="If it fails, its answer is the route's, at once.", examples=[True]
    )


class Route(Model):
    """An address in front of several endpoints."""

    type: Literal["route"] = Field(description="An address in front of endpoints.", examples=["route"])
    mode: Literal["sequence", "ensemble", "split", "switch"] = Field(
        description="One after another, all at once, by weight, or by condition.", examples=["sequence"]
    )
    to: Many[RouteTarget] = Field(min_length=1, description="The endpoints.", examples=[["serving.a", "serving.b"]])
    expose: Expose | None = Field(default=None, description="Who can reach it.", examples=["cluster"])
    owner: Name | None = Field(default=None, description="The target that makes it.", examples=["kubeflow"])

    @model_validator(mode="after")
    def fits_mode(self) -> Self:
        """Weights go with `split`, conditions with `switch`."""
        if self.mode == "split" and (
            any(item.weight is None for item in self.to) or sum(item.weight or 0 for item in self.to) != 100
        ):
            raise refuse(
                "SPEC008", "a split needs weights that add up to 100", "write `{service: serving.a, weight: 90}`"
            )
        if self.mode == "switch" and all(item.condition is None for item in self.to):
            raise refuse("SPEC008", "a switch needs conditions", "write `{service: serving.a, condition: ...}`")
        if self.mode != "split" and any(item.weight is not None for item in self.to):
            raise refuse("SPEC008", f"`{self.mode}` has no weights", "leave `weight` out, or write `mode: split`")
        if self.mode not in ("switch", "sequence") and any(item.condition is not None for item in self.to):
            raise refuse(
                "SPEC008", f"`{self.mode}` has no conditions", "leave `condition` out, or write `mode: switch`"
            )
        if self.mode == "sequence" and self.to[0].condition is not None:
            raise refuse("SPEC008", "nothing has answered before the first of a sequence", "leave its `condition` out")
        if self.mode != "sequence" and any(item.input is not None for item in self.to):
            raise refuse("SPEC008", f"each of `{self.mode}` gets the request", "leave `input` out")
        return self


Serving = Annotated[Annotated[Service | Route, Field(discriminator="type")], typed("service")]


class DefaultService(ServiceOptions, Container):
    """What every service has unless it says otherwise."""

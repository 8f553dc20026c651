"""The systems of a platform file: what runs on the cluster, in which version, and how it is set up."""

from typing import Annotated, Any, ClassVar, Literal, Self

from mlwright.spec.base import Mapped, Model
from mlwright.spec.declaration import Field, model_validator
from mlwright.spec.scalars.names import LabelValue, NamespaceName
from mlwright.spec.scalars.refusal import refuse
from mlwright.spec.scalars.text import Line

Version = Annotated[str, Field(pattern=r"^v?\d+(\.\d+)*$")]
HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s/]+")]


def version(description: str, example: str) -> Any:
    """The field of a system that may run: its version."""
    return Field(default=None, description=description, examples=[example])


class System(Model):
    """A system that runs; its version is short for `{version: ...}`."""

    short: ClassVar[str] = "version"
    short_types: ClassVar[tuple[type, ...]] = (str, int, float)  # numbers, to be told that they want quotes
    version: Version = Field(description="Its version.", examples=["4.1"])


class ArgoWorkflows(System):
    """Argo Workflows; its version is short for `{version: ...}`."""

    instance_id: LabelValue | None = Field(
        default=None, description="Which controller takes the workflows, where there are several.", examples=["ml"]
    )


class ArgoEvents(System):
    """Argo Events; its version is short for `{version: ...}`."""

    event_bus: Line = Field(default="default", description="EventBus of the namespaces.", examples=["default"])


class Destination(Model):
    """The cluster that Argo CD applies to, by address or by name."""

    server: Line | None = Field(
        default=None, description="Address of its API.", examples=["https://kubernetes.default.svc"]
    )
    name: Line | None = Field(default=None, description="Its name in Argo CD.", examples=["ml-prod"])

    @model_validator(mode="after")
    def one(self) -> Self:
        """Exactly one of both."""
        if (self.server is None) == (self.name is None):
            raise refuse("SPEC008", "a destination has either `server` or `name`", "keep one of them")
        return self


class ArgoCd(System):
    """Argo CD; its version is short for `{version: ...}`."""

    namespace: NamespaceName = Field(
        default="argocd", description="Namespace that Applications belong in.", examples=["argocd"]
    )
    project: Line | None = Field(
        default=None,
        description="AppProject of the Applications, which ops own; without it each has one of its own.",
        examples=["ml"],
    )
    destination: Destination | None = Field(
        default=None,
        description="The cluster that is applied to; Argo CD's own by default.",
        examples=[{"name": "ml-prod"}],
    )


class Pipelines(System):
    """Kubeflow Pipelines; its version is short for `{version: ...}`."""

    store: Literal["kubernetes", "database"] = Field(
        default="kubernetes",
        description="Where its API server keeps pipelines: in objects of the cluster (`--pipelinesStoreKubernetes`, "
        "from 2.14 on), or in its database, which they are uploaded to.",
        examples=["database"],
    )
    address: HttpUrl = Field(
        default="http://ml-pipeline.kubeflow:8888",
        description="Address of its API: Service, namespace, port.",
        examples=["http://ml-pipeline.kubeflow:8888"],
    )


class Kubeflow(Model):
    """Kubeflow's parts that run, with their versions."""

    pipelines: Pipelines | None = version("Kubeflow Pipelines.", "2.17")
    katib: Version | None = version("Katib.", "0.19")
    trainer: Version | None = version("Trainer, version 2: TrainJob.", "2.3")
    training_operator: Version | None = version("Training operator, version 1: PyTorchJob and its siblings.", "1.9")
    kserve: Version | None = version("KServe.", "0.20")
    notebooks: Version | None = version("Notebooks.", "1.11")
    profiles: Version | None = version("Profiles.", "2.0")
    dashboard: Version | None = version("Central Dashboard.", "2.0")


class Workspaces(Model):
    """What Workspaces are made from: a WorkspaceKind of the cluster, and options of it."""

    kind: Line = Field(description="WorkspaceKind.", examples=["jupyterlab"])
    image: Line = Field(description="Its image option.", examples=["jupyterlab_scipy_190"])
    pod: Line = Field(description="Its pod option.", examples=["small_cpu"])
    placements: Mapped[str, Line] = Field(
        default={},
        description="Pod options of notebooks with a `placement`, by its name.",
        examples=[{"a100-spot": "big_gpu"}],
    )


class Katib(Model):
    """How Katib is set up."""

    inject_security_context: bool = Field(default=False, description="Its sidecar is restricted.", examples=[True])
    namespace: NamespaceName = Field(
        default="kubeflow", description="Where it runs: trials send their metrics there.", examples=["katib"]
    )


class KServe(Model):
    """How KServe is set up."""

    mode: Literal["standard", "knative"] = Field(
        default="standard",
        description="What makes the pods: Deployments, or Knative, which lets endpoints sleep.",
        examples=["knative"],
    )
    language_models: bool = Field(
        default=True,
        description="The controller of LLMInferenceService runs; without it, KServe's Hugging Face runtime serves.",
        examples=[False],
    )

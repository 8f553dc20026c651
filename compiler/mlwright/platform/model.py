"""The platform file: what runs on a cluster, as ops write it down."""

from typing import Annotated, Any, Literal

from mlwright.spec.base import Json, Many, Mapped, Model, Named
from mlwright.spec.declaration import Field
from mlwright.spec.scalars.image import ImageRef
from mlwright.spec.scalars.quantity import Memory
from mlwright.spec.scalars.text import Line, RelativePath

Version = Annotated[str, Field(pattern=r"^v?\d+(\.\d+)*$")]


def _version(description: str, example: str) -> Any:
    return Field(default=None, description=description, examples=[example])


class Kubeflow(Model):
    """Kubeflow's parts that run, with their versions."""

    pipelines: Version | None = _version("Kubeflow Pipelines.", "2.17")
    katib: Version | None = _version("Katib.", "0.19")
    trainer: Version | None = _version("Trainer, version 2: TrainJob.", "2.3")
    training_operator: Version | None = _version("Training operator, version 1: PyTorchJob and its siblings.", "1.9")
    kserve: Version | None = _version("KServe.", "0.20")
    notebooks: Version | None = _version("Notebooks.", "1.11")
    profiles: Version | None = _version("Profiles.", "2.0")
    dashboard: Version | None = _version("Central Dashboard.", "2.0")


class Toleration(Model):
    """A taint that pods may ignore."""

    key: str = Field(default="", description="Key of the taint; any without it.", examples=["nvidia.com/gpu"])
    operator: Literal["Exists", "Equal"] = Field(
        default="Exists", description="How it is compared.", examples=["Exists"]
    )
    value: str = Field(default="", description="Value of the taint, for Equal.", examples=["spot"])
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Effect of the taint; any without it.", examples=["NoSchedule"]
    )


class Placement(Model):
    """Where pods go: a name that projects use in `placement`."""

    selector: Mapped[str, str] = Field(default={}, description="Labels of the nodes.", examples=[{"pool": "a100"}])
    tolerations: Many[Toleration] = Field(default=(), description="Taints to ignore.", examples=[[{"key": "spot"}]])
    queue: Line | None = Field(default=None, description="Kueue queue of the namespace.", examples=["gpu"])
    priority_class: Line | None = Field(default=None, description="Priority class.", examples=["batch-low"])
    gang: Literal["none", "coscheduling", "volcano", "kueue"] = Field(
        default="none", description="Who starts all pods of a job together.", examples=["kueue"]
    )
    topology: Line | None = Field(default=None, description="Label that pods stay within.", examples=["rack"])
    gpu: Line | None = Field(default=None, description="GPU model that these nodes have.", examples=["a100"])


class Identity(Model):
    """Who pods are: a name that projects use in `identity`."""

    service_account: Line = Field(description="ServiceAccount.", examples=["lake-reader"])
    annotations: Mapped[str, str] = Field(
        default={},
        description="Workload identity of the cloud.",
        examples=[{"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}],
    )


class Runtime(Model):
    """A training runtime: a name that projects use in `framework`."""

    name: Line = Field(description="The runtime's object.", examples=["torch-distributed"])
    kind: Literal["ClusterTrainingRuntime", "TrainingRuntime"] = Field(
        default="ClusterTrainingRuntime", description="Its kind.", examples=["TrainingRuntime"]
    )


class Images(Model):
    """Images of the platform."""

    tools: ImageRef | None = Field(
        default=None,
        description="mlwright's own programs: search, conduct, operate.",
        examples=["registry.example.com/mlwright-tools:0.1"],
    )
    registry: Line | None = Field(
        default=None, description="Mirror that images are pulled through.", examples=["mirror.example.com"]
    )


class Quota(Model):
    """What one namespace may use, by Kubernetes resource name."""

    hard: Mapped[str, Json] = Field(description="Amounts.", examples=[{"requests.nvidia.com/gpu": 8}])


class Namespace(Model):
    """A namespace that ops own."""

    owner: Line | None = Field(default=None, description="Its owner.", examples=["ann@example.com"])
    contributors: Mapped[str, Literal["view", "edit", "admin"]] = Field(
        default={}, description="People with a role in it.", examples=[{"bob@example.com": "edit"}]
    )
    quota: Quota | None = Field(default=None, description="What it may use.", examples=[{"hard": {"cpu": "64"}}])


class Katib(Model):
    """How Katib is set up."""

    inject_security_context: bool = Field(default=False, description="Its sidecar is restricted.", examples=[True])


class Retention(Model):
    """How long finished objects stay."""

    runs: Line | None = Field(default=None, description="Finished workflows and jobs.", examples=["7d"])
    artifacts: Line | None = Field(default=None, description="Deleted runs' files.", examples=["30d"])


class StorageClass(Model):
    """A storage class that projects may name."""

    name: Line = Field(description="Its Kubernetes name.", examples=["gp3"])
    modes: Many[str] = Field(default=(), description="Access modes that it offers.", examples=[["ReadWriteOnce"]])


class Gpu(Model):
    """A GPU model: its Kubernetes resource."""

    resource: Line = Field(default="nvidia.com/gpu", description="Resource name.", examples=["nvidia.com/gpu"])
    memory: Memory | None = Field(default=None, description="Its memory.", examples=["80Gi"])
    selector: Mapped[str, str] = Field(
        default={}, description="Labels of its nodes.", examples=[{"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB"}]
    )


class Mesh(Model):
    """The service mesh, where there is one."""

    mtls: Literal["strict", "permissive"] = Field(default="permissive", description="Mutual TLS.", examples=["strict"])
    native_sidecars: bool = Field(default=False, description="Sidecars end with their pod's program.", examples=[True])


class Platform(Model):
    """One cluster: what runs there and with which version, and the names that projects may use."""

    apiVersion: Literal["mlwright.dev/v1"] = Field(
        description="Version of this language.", examples=["mlwright.dev/v1"]
    )
    kind: Literal["Platform"] = Field(description="What the file is.", examples=["Platform"])
    orchestrator: Literal["argo", "kubeflow-pipelines", "kubernetes"] = Field(
        description="Who orders the steps.", examples=["argo"]
    )
    kubernetes: Version = Field(description="Kubernetes.", examples=["1.36"])
    argo_workflows: Version | None = _version("Argo Workflows.", "4.1")
    argo_events: Version | None = _version("Argo Events.", "1.9")
    argo_cd: Version | None = _version("Argo CD.", "3.5")
    kubeflow: Kubeflow | None = Field(default=None, description="Kubeflow's parts.", examples=[{"katib": "0.19"}])
    mlflow: Version | None = _version("MLflow of deployed tracking servers.", "3.17.2")
    kueue: Version | None = _version("Kueue.", "0.19")
    istio: Version | None = _version("Istio.", "1.30")
    gateway_api: Version | None = _version("Gateway API.", "1.6")
    prometheus_operator: Version | None = _version("Prometheus operator.", "0.93")
    external_secrets: Version | None = _version("External Secrets.", "2.9")
    sealed_secrets: Version | None = _version("Sealed Secrets.", "0.36")
    keda: Version | None = _version("KEDA.", "2.20")
    jobset: Version | None = _version("JobSet.", "0.12")
    placements: Named[Placement] = Field(
        default={}, description="Where pods may go.", examples=[{"spot": {"queue": "gpu"}}]
    )
    identities: Named[Identity] = Field(
        default={}, description="Who pods may be.", examples=[{"lake-reader": {"service_account": "lake-reader"}}]
    )
    runtimes: Named[Runtime] = Field(
        default={},
        description="Training runtimes, by framework.",
        examples=[{"pytorch": {"name": "torch-distributed"}}],
    )
    images: Images | None = Field(
        default=None, description="Images of the platform.", examples=[{"registry": "mirror.example.com"}]
    )
    storage_classes: Named[StorageClass] = Field(
        default={}, description="Storage classes.", examples=[{"fast": {"name": "gp3"}}]
    )
    gpus: Named[Gpu] = Field(default={}, description="GPU models.", examples=[{"a100": {"resource": "nvidia.com/gpu"}}])
    namespaces: Named[Namespace] = Field(
        default={}, description="Namespaces that ops own.", examples=[{"churn-prod": {"owner": "ann@example.com"}}]
    )
    retention: Retention | None = Field(default=None, description="How long things stay.", examples=[{"runs": "7d"}])
    prices: RelativePath | None = Field(default=None, description="Price file.", examples=["prices.yaml"])
    policies: Many[RelativePath] = Field(default=(), description="Policy files and folders.", examples=[["policies/"]])
    katib: Katib | None = Field(
        default=None, description="How Katib is set up.", examples=[{"inject_security_context": True}]
    )
    mesh: Mesh | None = Field(default=None, description="The service mesh.", examples=[{"mtls": "strict"}])

"""The platform file: what runs on a cluster, as ops write it down."""

from typing import Literal, Self

from mlwright.platform.sections import (
    AuthProxy,
    Gateway,
    Gpu,
    Identity,
    Images,
    Ingress,
    Mesh,
    Monitoring,
    Namespace,
    Network,
    Placement,
    Pods,
    Retention,
    Runtime,
    SecretStore,
    StorageClass,
)
from mlwright.platform.systems import (
    ArgoCd,
    ArgoEvents,
    ArgoWorkflows,
    Katib,
    KServe,
    Kubeflow,
    Version,
    Workspaces,
    version,
)
from mlwright.spec.base import Many, Mapped, Model, Named
from mlwright.spec.declaration import Field, model_validator
from mlwright.spec.scalars.names import NamespaceName
from mlwright.spec.scalars.refusal import refuse
from mlwright.spec.scalars.text import Line, RelativePath


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
    argo_workflows: ArgoWorkflows | None = version("Argo Workflows.", "4.1")
    argo_events: ArgoEvents | None = version("Argo Events.", "1.9")
    argo_cd: ArgoCd | None = version("Argo CD.", "3.5")
    kubeflow: Kubeflow | None = Field(default=None, description="Kubeflow's parts.", examples=[{"katib": "0.19"}])
    mlflow: Version | None = version("MLflow of deployed tracking servers.", "3.17.2")
    kueue: Version | None = version("Kueue.", "0.19")
    istio: Version | None = version("Istio.", "1.30")
    gateway_api: Version | None = version("Gateway API.", "1.6")
    prometheus_operator: Version | None = version("Prometheus operator.", "0.93")
    external_secrets: Version | None = version("External Secrets.", "2.9")
    sealed_secrets: Version | None = version("Sealed Secrets.", "0.36")
    keda: Version | None = version("KEDA.", "2.20")
    knative: Version | None = version("Knative Serving.", "1.23")
    jobset: Version | None = version("JobSet.", "0.12")
    volcano: Version | None = version("Volcano, for `gang: volcano`.", "1.15")
    scheduler_plugins: Version | None = version("Scheduler plugins, for `gang: coscheduling`.", "0.35")
    cluster_domain: Line = Field(
        default="cluster.local", description="Domain of the cluster's names.", examples=["cluster.local"]
    )
    pod_security: Literal["restricted", "baseline", "privileged"] = Field(
        default="restricted", description="Pod security level of the namespaces.", examples=["baseline"]
    )
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
    namespaces: Mapped[NamespaceName, Namespace] = Field(
        default={}, description="Namespaces that ops own.", examples=[{"churn-prod": {"owner": "ann@example.com"}}]
    )
    retention: Retention | None = Field(default=None, description="How long things stay.", examples=[{"runs": "7d"}])
    prices: RelativePath | None = Field(default=None, description="Price file.", examples=["prices.yaml"])
    policies: Many[RelativePath] = Field(default=(), description="Policy files and folders.", examples=[["policies/"]])
    katib: Katib | None = Field(
        default=None, description="How Katib is set up.", examples=[{"inject_security_context": True}]
    )
    workspaces: Workspaces | None = Field(
        default=None,
        description="What notebooks are made from where they are Workspaces (`kubeflow.notebooks` 2).",
        examples=[{"kind": "jupyterlab", "image": "jupyterlab_scipy_190", "pod": "small_cpu"}],
    )
    kserve: KServe | None = Field(default=None, description="How KServe is set up.", examples=[{"mode": "knative"}])
    mesh: Mesh | None = Field(default=None, description="The service mesh.", examples=[{"mtls": "strict"}])
    ingress: Ingress | None = Field(
        default=None, description="The Ingress controller that hosts are exposed by.", examples=[{"class": "nginx"}]
    )
    gateway: Gateway | None = Field(
        default=None, description="The Gateway that hosts are exposed by.", examples=[{"name": "public"}]
    )
    auth_proxy: AuthProxy | None = Field(
        default=None,
        description="What asks who it is, where something is exposed with `auth: required`.",
        examples=[{"issuer": "https://login.example.com", "secret": "oauth2-proxy"}],
    )
    secret_store: SecretStore | None = Field(
        default=None, description="Where External Secrets finds secrets.", examples=[{"name": "vault"}]
    )
    network: Network = Field(default=Network(), description="Who may talk to whom.", examples=[{"policies": True}])
    monitoring: Monitoring | None = Field(
        default=None, description="How Prometheus finds things.", examples=[{"labels": {"release": "prometheus"}}]
    )
    image_pull_secrets: Many[Line] = Field(
        default=(), description="Secrets of the namespaces for pulling images.", examples=[["registry"]]
    )
    pods: Pods = Field(
        default=Pods(),
        description="Labels, annotations and the runtime class of every pod.",
        examples=[{"runtime_class": "gvisor"}],
    )

    @model_validator(mode="after")
    def one_way_in(self) -> Self:
        """Hosts are exposed in one way."""
        if self.ingress and self.gateway:
            raise refuse("SPEC008", "hosts are exposed by either `ingress` or `gateway`", "keep one of them")
        return self

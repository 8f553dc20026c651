"""The sections of a platform file that ops define for projects: places, identities, images, namespaces, ways in."""

from typing import Annotated, Literal

from mlwright.platform.systems import HttpUrl
from mlwright.spec.base import Json, Many, Mapped, Model
from mlwright.spec.declaration import Field
from mlwright.spec.scalars.duration import Duration
from mlwright.spec.scalars.image import ImageRef
from mlwright.spec.scalars.names import LabelKey, LabelValue, NamespaceName
from mlwright.spec.scalars.quantity import Memory
from mlwright.spec.scalars.text import Line

Cidr = Annotated[str, Field(pattern=r"^[0-9a-fA-F.:]+/\d{1,3}$")]
Labels = Mapped[LabelKey, LabelValue]


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
    scheduler: Line | None = Field(
        default=None,
        description="Scheduler of the pods, where it is not the cluster's usual one.",
        examples=["volcano"],
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
    initializers: Many[Literal["dataset", "model"]] = Field(
        default=(),
        description="What it fetches before the nodes start, into `/workspace/dataset` and `/workspace/model`.",
        examples=[["dataset", "model"]],
    )


class Images(Model):
    """Images of the platform."""

    tools: ImageRef | None = Field(
        default=None,
        description="mlwright's own programs: search, conduct, operate.",
        examples=["registry.example.com/mlwright-tools:0.1"],
    )
    registry: Line | None = Field(
        default=None,
        description="Mirror that images are pulled through; their own registry becomes the first part of their path.",
        examples=["mirror.example.com"],
    )
    mirrors: Mapped[str, Line] = Field(
        default={},
        description="Mirrors of single registries, with a path where they have one.",
        examples=[{"docker.io": "mirror.example.com/dockerhub"}],
    )


class Quota(Model):
    """What one namespace may use, by Kubernetes resource name."""

    hard: Mapped[str, Json] = Field(description="Amounts.", examples=[{"requests.nvidia.com/gpu": 8}])


class Limits(Model):
    """What one container may ask for, and what it gets that asks for nothing: a LimitRange."""

    default: Mapped[str, Json] = Field(default={}, description="Limits by default.", examples=[{"memory": "1Gi"}])
    default_request: Mapped[str, Json] = Field(
        default={}, description="Requests by default.", examples=[{"cpu": "100m"}]
    )
    min: Mapped[str, Json] = Field(default={}, description="The least.", examples=[{"memory": "16Mi"}])
    max: Mapped[str, Json] = Field(default={}, description="The most.", examples=[{"memory": "512Gi"}])


class Namespace(Model):
    """A namespace that ops own."""

    create: bool = Field(default=False, description="It does not exist: make it, too.", examples=[True])
    labels: Labels = Field(default={}, description="Labels of one that is made.", examples=[{"team": "growth"}])
    owner: Line | None = Field(
        default=None,
        description="Whom it belongs to; every namespace has one where Kubeflow's Profiles are.",
        examples=["ann@example.com"],
    )
    contributors: Mapped[str, Literal["view", "edit", "admin"]] = Field(
        default={}, description="People with a role in it.", examples=[{"bob@example.com": "edit"}]
    )
    quota: Quota | None = Field(default=None, description="What it may use.", examples=[{"hard": {"cpu": "64"}}])
    limits: Limits | None = Field(
        default=None, description="What one container may use.", examples=[{"max": {"memory": "512Gi"}}]
    )


class Retention(Model):
    """How long finished objects stay."""

    runs: Duration | None = Field(default=None, description="Finished workflows and jobs.", examples=["7d"])
    artifacts: Duration | None = Field(
        default=None,
        description="Deleted runs and their files, on tracking servers of projects without an own `options.gc`; they "
        "are removed once a day.",
        examples=["30d"],
    )


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
    permissive_ports: bool = Field(
        default=False,
        description="Projects may open single ports of theirs to pods outside the mesh (PeerAuthentication).",
        examples=[True],
    )


class Ingress(Model):
    """The Ingress controller that hosts are exposed by."""

    class_: Line | None = Field(
        default=None, alias="class", description="Ingress class; the cluster's default without it.", examples=["nginx"]
    )
    annotations: Mapped[str, str] = Field(
        default={},
        description="Annotations of every Ingress.",
        examples=[{"cert-manager.io/cluster-issuer": "letsencrypt"}],
    )


class Gateway(Model):
    """The Gateway that hosts are exposed by."""

    name: Line = Field(description="Its name.", examples=["public"])
    namespace: NamespaceName | None = Field(
        default=None, description="Its namespace; the project's by default.", examples=["gateways"]
    )
    section: Line | None = Field(default=None, description="Its listener; any without it.", examples=["https"])


class AuthProxy(Model):
    """oauth2-proxy: stands before what is exposed with `auth: required`, and lets in who has logged in."""

    image: ImageRef = Field(
        default=ImageRef.parse("quay.io/oauth2-proxy/oauth2-proxy:v7.14.3"),
        description="Its image.",
        examples=["quay.io/oauth2-proxy/oauth2-proxy:v7.14.3"],
    )
    issuer: HttpUrl = Field(description="OpenID Connect issuer.", examples=["https://login.example.com/realms/ml"])
    secret: Line = Field(
        description="Secret of the namespace with the keys `client-id`, `client-secret` and `cookie-secret`.",
        examples=["oauth2-proxy"],
    )
    email_domains: Many[Line] = Field(
        default=("*",), description="Domains of those who may log in; `*` for all.", examples=[["example.com"]]
    )
    groups: Many[Line] = Field(default=(), description="Groups, one of which it takes.", examples=[["ml"]])


class SecretStore(Model):
    """Where External Secrets finds what `remote` names."""

    name: Line = Field(description="Its name.", examples=["vault"])
    kind: Literal["ClusterSecretStore", "SecretStore"] = Field(
        default="ClusterSecretStore", description="Its kind.", examples=["SecretStore"]
    )
    refresh: Duration = Field(
        default=Duration.parse("1h"), description="How often values are read anew.", examples=["1h"]
    )


class Dns(Model):
    """The pods that answer questions for names."""

    namespace: NamespaceName = Field(default="kube-system", description="Their namespace.", examples=["kube-system"])
    labels: Labels = Field(
        default={"k8s-app": "kube-dns"}, description="Their labels.", examples=[{"k8s-app": "kube-dns"}]
    )


class Address(Model):
    """Addresses, and the port that is used there."""

    cidr: Cidr = Field(description="Range of addresses.", examples=["10.0.0.1/32"])
    port: Annotated[int, Field(ge=1, le=65535)] = Field(default=443, description="Port.", examples=[6443])


class Network(Model):
    """Who may talk to whom: what network policies need to know of the cluster."""

    policies: bool = Field(default=True, description="Network policies are written.", examples=[False])
    dns: Dns = Field(
        default=Dns(), description="The pods that answer questions for names.", examples=[{"namespace": "kube-system"}]
    )
    allow_from: Many[NamespaceName] = Field(
        default=(),
        description="Namespaces that reach services: of the ingress or gateway, the mesh, Prometheus.",
        examples=[["gateways", "monitoring"]],
    )
    pod_cidrs: Many[Cidr] = Field(
        default=(),
        description="Addresses of pods and nodes, which probe the tracking server by address.",
        examples=[["10.0.0.0/8"]],
    )
    api_server: Many[Address] = Field(
        default=(),
        description="Addresses of the Kubernetes API; any address on ports 443 and 6443 without it.",
        examples=[[{"cidr": "10.0.0.1/32", "port": 6443}]],
    )


class Monitoring(Model):
    """How Prometheus finds what is written for it."""

    labels: Labels = Field(
        default={},
        description="Labels by which Prometheus selects ServiceMonitors and PrometheusRules.",
        examples=[{"release": "kube-prometheus-stack"}],
    )
    namespace: NamespaceName | None = Field(
        default=None, description="Namespace that Prometheus runs in.", examples=["monitoring"]
    )
    address: HttpUrl | None = Field(
        default=None,
        description="Address of Prometheus: replicas that follow requests ask it.",
        examples=["http://prometheus-operated.monitoring:9090"],
    )
    grafana: HttpUrl | None = Field(
        default=None,
        description="Address of Grafana, for the links of Kubeflow's dashboard.",
        examples=["https://grafana.example.com"],
    )


class Pods(Model):
    """What every pod has."""

    labels: Labels = Field(default={}, description="Labels.", examples=[{"cost-center": "4711"}])
    annotations: Mapped[str, str] = Field(
        default={}, description="Annotations.", examples=[{"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}]
    )
    runtime_class: Line | None = Field(default=None, description="RuntimeClass.", examples=["gvisor"])

"""How patches address Kubernetes objects, and what they must leave alone."""

from __future__ import annotations

from mlwright.target import KnownField, ListKeys, Protected

LIST_KEYS: ListKeys = {
    ("**", "volumeMounts"): "mountPath",
    ("**", "volumeDevices"): "devicePath",
    ("**", "containers", "*", "ports"): "containerPort",
    ("**", "initContainers", "*", "ports"): "containerPort",
    ("spec", "ports"): "port",
    ("**", "topologySpreadConstraints"): "topologyKey",
    ("**", "hostAliases"): "ip",
    ("**", "ownerReferences"): "uid",
    ("spec", "endpoints"): "port",
    ("spec", "groups", "*", "rules"): "alert",
    ("spec", "data"): "secretKey",
    ("spec", "podTemplate", "volumes", "*"): "mountPath",
    ("spec", "plugins"): "kind",
}
"""Keys of lists, where it is not `name`; the merge keys that the API server itself goes by."""

_PODS = ("Job", "CronJob", "Deployment")
_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "mlwright.dev/node", "mlwright.dev/environment")
_STORES = ("DatabaseStatefulSet", "ObjectsStatefulSet")
_EVERY = (
    *_PODS,
    *_STORES,
    *("VariantDeployment", "VariantService", "ProxyDeployment", "ProxyService", "UsersJob", "SmokeJob"),
    *("ConfigMap", "Service", "ServiceAccount", "PersistentVolumeClaim", "NetworkPolicy", "Role", "RoleBinding"),
    *("Ingress", "HTTPRoute", "HorizontalPodAutoscaler", "PodDisruptionBudget", "ServiceMonitor", "PrometheusRule"),
    *("PeerAuthentication", "AuthorizationPolicy", "Profile", "Notebook", "Workspace"),
    *("TrainJob", "TrainingRuntime", "PyTorchJob", "TFJob", "MPIJob", "XGBoostJob", "PaddleJob", "JAXJob"),
    *("PodDefault", "MlflowPodDefault", "PipelinesPodDefault"),
    *("ScaledObject", "WorkflowTemplate", "CronWorkflow", "Workflow", "EventSource", "Sensor", "ExternalSecret"),
)
_TEMPLATES = {
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Deployment": ("spec", "template"),
}

PROTECTED: tuple[Protected, ...] = (
    *(
        Protected(kind=kind, path=path, why="it identifies what mlwright made")
        for kind in _EVERY
        for path in (
            *(("kind",), ("apiVersion",), ("metadata", "name"), ("metadata", "namespace")),
            *(("metadata", "labels", name) for name in _LABELS),
        )
    ),
    *(
        Protected(kind=kind, path=("spec", "selector"), why="its pods are found by it")
        for kind in ("Deployment", "VariantDeployment", "ProxyDeployment", *_STORES)
    ),
    Protected(kind="Profile", path=("spec", "owner"), why="its controller leaves a namespace of somebody else alone"),
    Protected(
        kind="Notebook",
        path=("spec", "template", "spec", "containers", "*", "name"),
        why="the controller knows the notebook by it",
    ),
    *(
        Protected(kind="TrainJob", path=("spec", *path), why="the launcher starts every program")
        for path in (("trainer", "command"), ("trainer", "args"), ("runtimeRef",))
    ),
    *(
        Protected(kind=kind, path=(*template, "spec", "containers", "*", word), why="the launcher starts every program")
        for kind, template in _TEMPLATES.items()
        for word in ("command", "args")
    ),
)

KNOWN_FIELDS: tuple[KnownField, ...] = tuple(
    KnownField(kind=kind, path=(*template, "spec", "containers", "*", *path), field=field)
    for kind, template in {**_TEMPLATES, "Notebook": ("spec", "template")}.items()
    for path, field in (
        (("image",), "image"),
        (("resources",), "resources"),
        (("securityContext", "runAsUser"), "security.run_as_user"),
        (("securityContext", "readOnlyRootFilesystem"), "security.read_only_root_filesystem"),
    )
)

"""PLAT: the platform file, and what a project needs of its platform."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="PLAT001",
        title="no such platform",
        explanation=(
            "A platform is `local`, `compose`, a built-in profile, or the path of a platform file "
            "(`.yaml`) beside the project."
        ),
        bad="environments: {prod: {platform: kubernets}}",
        good="environments: {prod: {platform: kubernetes}}",
    ),
    Code(
        code="PLAT002",
        title="a name that the platform does not define",
        explanation=(
            "Placements, identities and storage classes are names that ops define in the platform file: node "
            "selectors, tolerations, queues, service accounts. Projects only use the names, so that the cluster can "
            "change without them."
        ),
        bad="training: {placement: a100-spto}",
        good="training: {placement: a100-spot}",
    ),
    Code(
        code="PLAT003",
        title="a release that nothing is written for",
        explanation=(
            "The platform file lists a system in a version that lacks what mlwright writes for it: a kind of "
            "object, an API version or a field. The message says which release brought it. Upgrade the system, "
            "or leave it out of the platform file: then nothing is written for it."
        ),
        bad='argo_workflows: "3.4"',
        good='argo_workflows: "4.1"',
    ),
    Code(
        code="PLAT004",
        title="a newer release than this mlwright knows",
        severity="note",
        explanation=(
            "The platform file lists a system in a version that came out after this mlwright. The output is what the "
            "last known release takes, which later ones nearly always take too; of a new major version that is less "
            "sure, so there it is a warning. `mlwright compile --crds` checks the output against the definitions "
            "that the cluster has."
        ),
        bad='argo_workflows: "5.0"',
        good='argo_workflows: "4.1"',
    ),
    Code(
        code="PLAT005",
        title="a setting of a system that does not run",
        explanation=(
            "A section or a placement of the platform file says how a system is set up, or asks something of it, and "
            "the file does not list that system with its version. Nothing would act on the setting. List the system, "
            "or take the setting out."
        ),
        bad="placements: {a100: {queue: gpu, gang: kueue}}",
        good='kueue: "0.19"\nplacements: {a100: {queue: gpu, gang: kueue}}',
    ),
    Code(
        code="PLAT006",
        title="a name that the platform file does not define",
        explanation=(
            "A placement names a GPU model that is not under `gpus`, so nobody can say which resource and which nodes "
            "that is."
        ),
        bad="placements: {spot: {gpu: a100}}",
        good="gpus: {a100: {resource: nvidia.com/gpu}}\nplacements: {spot: {gpu: a100}}",
    ),
    Code(
        code="PLAT007",
        title="the platform lacks what this needs",
        explanation=(
            "The project asks for something that takes a system, or a fact about the cluster, that its platform does "
            "not have: a host needs an Ingress controller or a Gateway, replicas that follow requests need KEDA and "
            "the address of Prometheus, a split of requests needs the Gateway API, a secret of a store needs External "
            "Secrets, tuning without Katib needs an image with Optuna (its Dockerfile is on the page of the target "
            "`kubernetes`). Both places are shown: what asks, and the platform. Either ops add what the help says, or "
            "this environment does without: set the field to null, or to what the help offers, below the environment."
        ),
        bad="serving: {online: {replicas: {max: 5, target: {rps: 100}}}}  # on a platform without keda",
        good="serving: {online: {replicas: {max: 5, target: {cpu: 70}}}}",
    ),
    Code(
        code="PLAT008",
        title="a GPU model that the platform does not list",
        severity="warning",
        explanation=(
            "Kubernetes has one resource for all GPUs of a maker; which model a pod gets is decided by labels of "
            "nodes. The platform file has those under `gpus`, or a placement says which model its nodes have. "
            "Without either any GPU may be taken."
        ),
        bad="training: {resources: {gpu: {count: 1, model: a1000}}}",
        good="training: {resources: {gpu: {count: 1, model: a100}}}",
    ),
    Code(
        code="PLAT009",
        title="a placement without these GPUs",
        explanation=(
            "The step asks for one GPU model, and the nodes of its placement have another, so it would wait for ever."
        ),
        bad="training: {placement: a100-spot, resources: {gpu: {count: 1, model: h100}}}",
        good="training: {placement: a100-spot, resources: {gpu: {count: 1, model: a100}}}",
    ),
    Code(
        code="PLAT010",
        title="steps cannot reach the tracking server through the mesh",
        explanation=(
            "A sidecar of the mesh keeps a Job's pod alive after its program has ended, so steps run without one. "
            "Where the mesh insists on mutual TLS, they cannot reach a tracking server that has one. With "
            "`native_sidecars` (Kubernetes ends them with the program; Istio must be set up for it) steps are part of "
            "the mesh; with `permissive_ports` the tracking server's port also takes plain traffic. Two kinds "
            "of pods are outside even so: trials of Katib, which waits for all that runs in them, and steps on several "
            "nodes, which talk to each other on ports that nobody declares."
        ),
        bad="mesh: {mtls: strict}",
        good="mesh: {mtls: strict, native_sidecars: true}",
    ),
    Code(
        code="PLAT011",
        title="a storage class without this access mode",
        explanation=(
            "The platform file says which access modes a storage class offers, and the volume asks for another, so it "
            "would never be bound. Without `mode`, a volume is ReadWriteOnce."
        ),
        bad="storage: {scratch: {type: volume, size: 10Gi, class: fast, mode: ReadWriteMany}}",
        good="storage: {scratch: {type: volume, size: 10Gi, class: shared, mode: ReadWriteMany}}",
    ),
    Code(
        code="PLAT012",
        title="a namespace that belongs to nobody",
        explanation=(
            "Where Kubeflow's Profiles are, namespaces are made by them, and a Profile has an owner: a person who may "
            "do everything there and lets others in. The platform file says who that is."
        ),
        bad="namespaces: {churn-prod: {}}",
        good="namespaces: {churn-prod: {owner: ann@example.com}}",
    ),
    Code(
        code="PLAT013",
        title="contributors that Kubeflow cannot tell apart",
        explanation=(
            "Kubeflow names the objects of a contributor after the address, with everything but letters and digits as "
            "`-`, and the role. Two addresses that differ only there would be one contributor."
        ),
        bad="contributors: {ann.lee@example.com: edit, ann-lee@example.com: edit}",
        good="contributors: {ann.lee@example.com: edit, ann-lee@example.com: view}",
    ),
    Code(
        code="PLAT014",
        title="labels of a namespace that a Profile makes",
        severity="warning",
        explanation=(
            "Kubeflow's profile controller makes the namespace of a Profile with labels of its own, the same for all, "
            "and takes none from the Profile. Labels in the platform file would be for a namespace that is made here."
        ),
        bad="namespaces: {churn-prod: {owner: ann@example.com, labels: {team: growth}}}",
        good="namespaces: {churn-prod: {owner: ann@example.com}}",
    ),
)

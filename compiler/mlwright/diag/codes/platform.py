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
            "Placements and identities are names that ops define in the platform file: node selectors, tolerations, "
            "queues, service accounts. Projects only use the names, so that the cluster can change without them."
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
)

"""OWN: which target owns which node."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="OWN001",
        title="nobody can own this node here",
        explanation=(
            "Every node (a step, a search, an endpoint, a notebook ...) is lowered by exactly one target. On this "
            "environment's platform no target can do it: the system that would run it is not in the platform file, or "
            "`owner:` names a target that never lowers such a node. Add the system with its version to the platform "
            "file, or take the section out of this environment by setting it to null there."
        ),
        bad="steps: {a: {image: python:3.12, command: [echo], owner: mlflow}}",
        good="steps: {a: {image: python:3.12, command: [echo]}}",
    ),
    Code(
        code="OWN002",
        title="two owners for one node",
        explanation=(
            "`owner:` names a target that cannot work together with the owner of the graph: one runs on a laptop, the "
            "other on a cluster. Leave `owner` out, or set it only under the environment whose platform runs it."
        ),
        bad="steps: {a: {image: python:3.12, command: [echo], owner: argo}}  # in a Compose environment",
        good="environments: {prod: {platform: prod.yaml, steps: {a: {owner: argo}}}}",
    ),
    Code(
        code="OWN003",
        title="the owner lacks what the spec asks for",
        explanation=(
            "The target that owns this node cannot express a field that the spec sets, and leaving it out would change "
            "what runs. The message names the field and why. Remove the field for this environment (null in its "
            "overlay), or choose a platform whose systems have it."
        ),
        bad="tracking: {backend_store: {type: mysql}}  # where the owner only has sqlite",
        good="tracking: {backend_store: {type: sqlite}}",
    ),
    Code(
        code="OWN004",
        title="the platform does not list its own orchestrator",
        explanation=(
            "`orchestrator:` in the platform file says who orders the steps, but the system itself is not listed there "
            "with its version, so nothing can be compiled for it. Add the system, or choose another orchestrator."
        ),
        bad="orchestrator: argo",
        good='orchestrator: argo\nargo_workflows: "4.1"',
    ),
    Code(
        code="OWN006",
        title="this has no meaning in this environment",
        severity="warning",
        explanation=(
            "The environment's platform has nothing that does this: a laptop has no scheduler, no event bus and no "
            "Prometheus. The rest is compiled, this is left out, and the report says `ignored`. Set it to null "
            "under the "
            "environment to say that you know."
        ),
        bad="pipelines: {main: {run: [training], schedule: '0 3 * * 1'}}  # in a Compose environment",
        good="environments: {local: {platform: compose, pipelines: {main: {schedule: null}}}}",
    ),
    Code(
        code="OWN007",
        title="a needed target is not installed",
        explanation=(
            "The environment's platform is one that an installed mlwright cannot compile for: the target that "
            "would own "
            "its nodes is missing. Targets are Python packages that register themselves under `mlwright.targets`; "
            "`mlwright targets` lists the installed ones. Install the target, or compile another environment "
            "with --env."
        ),
        bad="mlwright compile --env prod",
        good="mlwright compile --env local",
    ),
    Code(
        code="OWN008",
        title="the target ignores this field",
        severity="warning",
        explanation=(
            "The target that owns this node has nothing that does this, and what runs is the same without it as "
            "far as it "
            "can tell. The rest is compiled, and the report says `ignored`. Set the field to null under the "
            "environment to "
            "say that you know; `--strict` makes this an error."
        ),
        bad="training: {placement: a100-spot}  # in a Compose environment",
        good="environments: {local: {platform: compose, training: {placement: null}}}",
    ),
    Code(
        code="OWN009",
        title="the target does this in another way",
        severity="note",
        explanation=(
            "The target has no such feature of its own, and mlwright's launcher does it instead, or does the "
            "nearest thing. "
            "The message says how. The report lists all of them as `emulated`; `--notes` shows them here."
        ),
        bad="training: {retries: 2}  # in a Compose environment: the launcher tries again inside the container",
        good="mlwright compile --emit report",
    ),
)

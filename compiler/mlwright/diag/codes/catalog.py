"""CAT: what the tracking server is to hold."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="CAT001",
        title="a webhook without https",
        explanation=(
            "MLflow refuses webhooks whose address is not https, because what it sends can be read on the way. A "
            "server can be told otherwise with MLFLOW_WEBHOOK_ALLOWED_SCHEMES, which MLflow itself says is not for "
            "production, so the compiler does not count on it."
        ),
        bad='tracking: {webhooks: {ci: {url: "http://ci.example.com/x", events: [model_version.created]}}}',
        good='tracking: {webhooks: {ci: {url: "https://ci.example.com/x", events: [model_version.created]}}}',
    ),
    Code(
        code="CAT002",
        title="an experiment or a model that is declared twice",
        explanation=(
            "`tracking.experiments` and `tracking.models` are for what the other sections do not imply. The "
            "project's own experiment is described under `tracking.experiment`, and a model that this project "
            "registers under its `registry`; with a second description, two places would say what one object is."
        ),
        bad="registry: {model: churn, from: '${training.outputs.model}'}\n"
        "tracking: {models: {churn: {tags: {team: growth}}}}",
        good="registry: {model: churn, from: '${training.outputs.model}', model_tags: {team: growth}}",
    ),
    Code(
        code="CAT003",
        title="a tag that is not yours to set",
        explanation=(
            "Tags that begin with `mlwright.` say what an object is to mlwright: which project and environment owns "
            "it, for example. A value of your own there would make `mlwright tracking` change or delete the wrong "
            "thing. `mlflow.note.content` is where MLflow keeps an experiment's description: write `description`."
        ),
        bad="tracking: {experiment: {tags: {mlwright.managed: me}}}",
        good="tracking: {experiment: {tags: {managed-by: me}}}",
    ),
    Code(
        code="CAT004",
        title="permissions that nobody checks",
        severity="warning",
        explanation=(
            "Only a tracking server with `auth: {type: basic}` knows users. Without it everybody who can reach the "
            "server may do everything, whatever `tracking.permissions` says, so `mlwright tracking` leaves them out "
            "in this environment."
        ),
        bad="tracking: {permissions: {ann: {experiments: edit}}}",
        good="tracking: {auth: {type: basic, secret: mlflow-user}, permissions: {ann: {experiments: edit}}}",
    ),
    Code(
        code="CAT005",
        title="a webhook that MLflow does not call",
        severity="warning",
        explanation=(
            "MLflow refuses webhooks that lead to a private or loopback address, so that nobody uses it to reach what "
            "is behind it. The receiver inside a cluster or a Compose network is such an address. The server calls it "
            "only with MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true in its environment."
        ),
        bad='tracking: {webhooks: {ci: {url: "https://10.1.2.3/x", events: [model_version.created]}}}',
        good='tracking: {webhooks: {ci: {url: "https://ci.example.com/x", events: [model_version.created]}}}',
    ),
)

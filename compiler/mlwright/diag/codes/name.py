"""NAME: names that some platform or tool would refuse."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="NAME001",
        title="not a name",
        explanation=(
            "Entries of named maps become parts of object names, tags and references. Names begin with a "
            "lower-case letter, go on with lower-case letters, digits, `_` and `-`, and have at most 40 "
            "characters; names that begin with `x-` are notes. Rename the entry and what refers to it."
        ),
        bad="steps: {Features: {command: [python, f.py]}}",
        good="steps: {features: {command: [python, f.py]}}",
    ),
    Code(
        code="NAME002",
        title="not a name for a parameter or an output",
        explanation=(
            "Parameters, outputs and loop keys become environment variables such as "
            "MLWRIGHT_PARAM_LEARNING_RATE. They begin with a lower-case letter and have lower-case letters, "
            "digits and `_`, at most 40 characters, no `-`. Rename it and what refers to it."
        ),
        bad="params: {learning-rate: 0.1}",
        good="params: {learning_rate: 0.1}",
    ),
    Code(
        code="NAME003",
        title="not a name for a project",
        explanation=(
            "The names of all objects on every platform begin with the project's name, so it is a DNS label: "
            "lower-case letters, digits and `-`, a letter first, at most 40 characters so that there is room "
            "for the rest. Rename the project. The same goes for an environment's `name_prefix`, which may end in `-`."
        ),
        bad="apiVersion: mlwright.dev/v1\nkind: MLProject\nmetadata: {name: Churn_Model}",
        good="apiVersion: mlwright.dev/v1\nkind: MLProject\nmetadata: {name: churn-model}",
    ),
    Code(
        code="NAME004",
        title="not a name for a namespace",
        explanation=(
            "Kubernetes refuses namespaces whose name is not a DNS label: lower-case letters, digits and `-`, "
            "at most 63 characters. Claims of volumes follow the same rule. Correct the name."
        ),
        bad="environments: {prod: {platform: compose, namespace: Churn_Prod}}",
        good="environments: {prod: {platform: compose, namespace: churn-prod}}",
    ),
    Code(
        code="NAME005",
        title="not a name for an environment variable",
        explanation=(
            "Shells and Kubernetes accept letters, digits and `_` in names of environment variables, no digit "
            "first. Names that begin with MLWRIGHT_ belong to the launcher, which sets them itself. Rename the "
            "variable."
        ),
        bad="steps: {a: {command: [python, a.py], env: {my-var: x}}}",
        good="steps: {a: {command: [python, a.py], env: {MY_VAR: x}}}",
    ),
    Code(
        code="NAME006",
        title="not a key of a secret",
        explanation=(
            "Programs see each key of a secret as an environment variable of the same name. Keys have letters, "
            "digits and `_`, no digit first. Rename the key in the store, too."
        ),
        bad="secrets: {lake: {keys: [access-key]}}",
        good="secrets: {lake: {keys: [ACCESS_KEY]}}",
    ),
    Code(
        code="NAME007",
        title="not a label key",
        explanation=(
            "Kubernetes label keys are a name of at most 63 letters, digits, `_`, `.` and `-`, with an optional"
            " prefix that is a domain and ends in `/`. Correct the key."
        ),
        bad='metadata: {name: churn, labels: {"cost center": a}}',
        good="metadata: {name: churn, labels: {cost-center: a}}",
    ),
    Code(
        code="NAME008",
        title="not a label value",
        explanation=(
            "Kubernetes label values have at most 63 letters, digits, `_`, `.` and `-`, and begin and end with "
            "a letter or digit. Longer or freer text belongs to `annotations`, which nothing selects by."
        ),
        bad='metadata: {name: churn, labels: {team: "Growth ML"}}',
        good="metadata: {name: churn, labels: {team: growth-ml}}",
    ),
    Code(
        code="NAME009",
        title="not a name of an extended resource",
        explanation=(
            "Extended resources are named by who provides them: a domain, `/`, and a name, such as "
            "`rdma/roce_gdr`. The platform's nodes list theirs. Copy the name from there."
        ),
        bad='steps: {a: {command: [python, a.py], resources: {"RDMA/": 1}}}',
        good="steps: {a: {command: [python, a.py], resources: {rdma/roce_gdr: 1}}}",
    ),
    Code(
        code="NAME010",
        title="not a path of a node",
        explanation=(
            "`needs`, `run`, `to`, `on` and `node` name a node by its place in this file, such as "
            "`steps.features`, `training` or `models.ranker.training`. They take paths, not references: "
            "references stand for values. Write the path without `${ }`."
        ),
        bad='steps: {a: {command: [python, a.py]}, b: {command: [python, b.py], needs: ["${steps.a}"]}}',
        good="steps: {a: {command: [python, a.py]}, b: {command: [python, b.py], needs: [steps.a]}}",
    ),
    Code(
        code="NAME011",
        title="not a name for a registered model",
        explanation=(
            "MLflow writes model addresses as `models:/NAME/VERSION` and `models:/NAME@ALIAS`, so `/`, `:` and "
            "`@` cannot be part of a name. Rename the model."
        ),
        bad='registry: {model: acme/churn, from: "${training.outputs.model}"}',
        good=(
            'registry: {model: churn, from: "${training.outputs.model}"}\n'
            'training: {command: [python, train.py, "${outputs.model}"], outputs: {model: {type: mlflow-model}}}'
        ),
    ),
    Code(
        code="NAME012",
        title="not an alias",
        explanation=(
            "An alias is the movable name of a model version: lower-case letters, digits, `_` and `-`. MLflow "
            "refuses `latest` and anything like `v3`, because they mean versions. Call it after its role: "
            "champion, challenger, shadow."
        ),
        bad='registry: {model: churn, from: "${training.outputs.model}", on_pass: {alias: latest}}',
        good=(
            'registry: {model: churn, from: "${training.outputs.model}", on_pass: {alias: champion}}\n'
            'training: {command: [python, train.py, "${outputs.model}"], outputs: {model: {type: mlflow-model}}}'
        ),
    ),
    Code(
        code="NAME013",
        title="not a host name",
        explanation=(
            "A host name has labels of lower-case letters, digits and `-`, with points between. Scheme, port "
            "and path are not part of it; paths go to `path`. Write the bare name."
        ),
        bad='serving: {online: {image: "acme/s:1", expose: {host: "https://churn.example.com/"}}}',
        good='serving: {online: {image: "acme/s:1", expose: {host: churn.example.com}}}',
    ),
)

"""MLP: what target `mlflow` makes: the MLproject, a server on a machine of its own, the AI gateway."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="MLP001",
        title="an MLproject cannot record its runs on Databricks",
        explanation=(
            "The steps of an MLproject hand their outputs to each other through a tracking server that speaks plain "
            "HTTP. A Databricks workspace is reached in another way, so nothing would find anything. Take the "
            "MLproject out of this environment, or use another server in it."
        ),
        bad="tracking: {server: {type: databricks}, project: {type: system}}",
        good="tracking: {server: {type: databricks}}",
    ),
    Code(
        code="MLP002",
        title="a requirements file needs another file",
        explanation=(
            "The requirements file is copied into the output, where MLflow makes a virtual environment from it in a "
            "temporary folder. A line that includes another file, or installs a folder, would look for it there and "
            "find nothing. List packages by name and version."
        ),
        bad="# requirements.txt\n-r base.txt\n-e .",
        good="# requirements.txt\nmlflow==3.17.2\nscikit-learn==1.9.1",
    ),
    Code(
        code="MLP003",
        title="the image of an MLproject is pinned by digest",
        explanation=(
            "`mlflow run` starts an image by the first of its tags, and an image that was pulled by digest has none. "
            "Give the image by a tag."
        ),
        bad="tracking: {project: {type: docker, image: 'ghcr.io/acme/churn@sha256:0f3a...'}}",
        good="tracking: {project: {type: docker, image: 'ghcr.io/acme/churn:1.4.2'}}",
    ),
    Code(
        code="MLP004",
        title="an MLproject leaves a step out",
        severity="warning",
        explanation=(
            "A step without `command` runs the entry point of its image, which nothing outside of that image knows. "
            "`mlflow run` starts commands, so its project is without this step; everything else is in it. "
            "Give the step a command, or take the MLproject out of this environment."
        ),
        bad="steps: {export: {image: 'registry.example.com/export:7', args: ['--all']}}\n"
        "tracking: {project: {type: system}}",
        good="steps: {export: {image: 'registry.example.com/export:7', command: [export, '--all']}}\n"
        "tracking: {project: {type: system}}",
    ),
    Code(
        code="MLP005",
        title="a server on a machine of its own has no address",
        explanation=(
            "`owner: mlflow` makes systemd units for a machine that neither Compose nor a cluster knows. Steps and "
            "people reach the server there by a host name, through a proxy that speaks TLS: give that name."
        ),
        bad="tracking: {owner: mlflow}",
        good="tracking: {owner: mlflow, server: {type: deployed, expose: {host: mlflow.example.com}}}",
    ),
    Code(
        code="MLP006",
        title="nothing runs the store of a server on a machine of its own",
        explanation=(
            "Compose runs a database or an object store for the server where the project says no address. On a machine "
            "with `owner: mlflow` there is the server alone: say which database it uses, by a secret, and which "
            "bucket. Or use `sqlite` and `directory`, which are files of the server."
        ),
        bad="tracking: {owner: mlflow, backend_store: {type: postgres}}",
        good="tracking: {owner: mlflow, backend_store: {type: postgres, secret: mlflow-db}}",
    ),
    Code(
        code="MLP007",
        title="a provider that MLflow's gateway does not have",
        severity="warning",
        explanation=(
            "`provider` is a name that MLflow knows. An unknown one makes the gateway refuse its whole configuration, "
            "unless a Python package that is installed there adds it."
        ),
        bad="gateway: {endpoints: {chat: {type: chat, provider: open-ai, model: gpt-4o-mini, secret: openai}}}",
        good="gateway: {endpoints: {chat: {type: chat, provider: openai, model: gpt-4o-mini, secret: openai}}}",
    ),
    Code(
        code="MLP008",
        title="a provider without its API key",
        explanation=(
            "The provider's settings need an API key, which the gateway reads from a variable when it starts. Declare "
            "a secret with that key and name it in the endpoint. With several keys in one secret, the one that is "
            "called like the setting, or ends with API_KEY, is taken."
        ),
        bad="gateway: {endpoints: {chat: {type: chat, provider: openai, model: gpt-4o-mini}}}",
        good="secrets: {openai: {keys: [OPENAI_API_KEY]}}\n"
        "tracking: {gateway: {endpoints: {chat: {type: chat, provider: openai, model: gpt-4o-mini, secret: openai}}}}",
    ),
)

"""MLP: the MLproject, for `mlflow run`."""

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
)

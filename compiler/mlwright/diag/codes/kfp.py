"""KFP: what Kubeflow Pipelines cannot do with a pipeline."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="KFP001",
        title="a schedule in another time zone on Kubeflow Pipelines",
        explanation=(
            "A recurring run of Kubeflow Pipelines has a cron expression and no time zone: it is read in UTC, as long "
            "as ops have not set another zone for the whole cluster. A zone with summer time has no fixed distance to "
            "UTC, so nothing is converted silently. Write the hour in UTC, in this environment."
        ),
        bad='schedule: {cron: "0 3 * * *", timezone: Europe/Berlin}  # on `platform: kubeflow`',
        good='schedule: {cron: "0 2 * * *"}',
    ),
    Code(
        code="KFP002",
        title="a namespace that Kubeflow Pipelines runs nothing in",
        explanation=(
            "Without Profiles, Kubeflow Pipelines has one user: all its runs are in the namespace that it is installed "
            "in. Accounts, programs and volumes that are made in another namespace would not be found by them. Either "
            "the environment has that namespace, or the platform has Profiles, and a run is in its profile's one."
        ),
        bad='environments: {prod: {platform: prod.yaml, namespace: churn}}  # kubeflow: {pipelines: "2.17"}',
        good="environments: {prod: {platform: prod.yaml, namespace: kubeflow}}",
    ),
    Code(
        code="KFP003",
        title="a pipeline that starts when another one ends, on Kubeflow Pipelines",
        explanation=(
            "Events come from objects that somebody can watch. A run of Kubeflow Pipelines has a Workflow, but that "
            "carries no name of the pipeline, and it may be in any state of being cleaned up. What belongs together "
            "is one pipeline: its `run` may list the ends of both."
        ),
        bad="triggers: {after: {type: pipeline, pipeline: features}}  # on `platform: kubeflow`",
        good="pipelines: {all: {run: [steps.features, registry]}}",
    ),
)

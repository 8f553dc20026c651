"""LOCK: the lock file and what it pins."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="LOCK001",
        title="the lock file is damaged",
        explanation=(
            "`mlproject.lock` pins model aliases to versions and image tags to digests. It is written by "
            "`mlwright lock` and `mlwright promote` and only read by `compile`. What stands here is not something they "
            "write. After a merge conflict take one side and run `mlwright lock --update`."
        ),
        bad="environments: [local]",
        good="environments: {prod: {models: {churn@champion: {version: '3', model_id: m-1f0c}}}}",
    ),
    Code(
        code="LOCK002",
        title="nothing is served yet",
        severity="note",
        explanation=(
            "A locked endpoint serves exactly the version that the lock names for its alias. The lock has no entry for "
            "it, so nothing is emitted for the endpoint and the rest is compiled. Run the pipeline once so that a "
            "version exists, then `mlwright lock --update`, and compile again."
        ),
        bad="serving: {online: {model: '${registry.churn@champion}', binding: locked}}  # and no lock entry",
        good="serving: {online: {model: '${registry.churn@champion}', binding: run}}",
    ),
)

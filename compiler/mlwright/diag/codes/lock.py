"""LOCK: the lock file and what it pins."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="LOCK001",
        title="the lock file is damaged",
        explanation=(
            "`mlproject.lock` pins model aliases to versions and image tags to digests. It is written by "
            "`mlwright lock` and `mlwright promote` and only read by `compile`. What stands here is not something they "
            "write, so it is neither used nor replaced: take the file from git, or remove the entry at hand, and run "
            "`mlwright lock`."
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
    Code(
        code="LOCK003",
        title="the lock file has merge marks",
        explanation=(
            "Two branches changed the same entry of `mlproject.lock`, and git left both sides in the file. Which "
            "version is served is a decision, so neither is chosen here. Keep the side that is meant, then run "
            "`mlwright lock`, which adds what is missing and writes the file in its one form."
        ),
        bad="git merge retrain && mlwright lock",
        good="git checkout --theirs mlproject.lock && mlwright lock",
    ),
    Code(
        code="LOCK004",
        title="nobody knows what the container starts",
        explanation=(
            "A step without `command` starts the image's own entry point, with `args`. The launcher has to know those "
            "words, and `mlproject.lock` records them with the image's digest. Either the lock has no entry for this "
            "image yet, or its entry has no entry point. Run `mlwright lock`, or write `command`. An image that is "
            "built on this machine always needs `command`."
        ),
        bad="steps: {score: {image: 'ghcr.io/acme/score:2', args: [--day, today]}}  # and no lock entry",
        good="steps: {score: {image: 'ghcr.io/acme/score:2', command: [python, score.py, --day, today]}}",
    ),
)

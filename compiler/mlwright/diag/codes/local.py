"""LOCAL: environments on this machine."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="LOCAL001",
        title="a local environment would write to a shared store",
        explanation=(
            "An environment on `local` or `compose` is for trying things out, and this one would write to a bucket "
            "that others use: a test run could overwrite what production reads. Give the storage another type in this "
            "environment's overlay. If it is meant, say so with `allow_remote_writes: true`. Reading data from a "
            "bucket is not affected."
        ),
        bad="storage: {warehouse: {type: s3, uri: s3://acme-ml}}\nenvironments: {local: {platform: local}}",
        good="storage: {warehouse: {type: s3, uri: s3://acme-ml}}\n"
        "environments: {local: {platform: local, storage: {warehouse: {type: directory}}}}",
    ),
    Code(
        code="LOCAL002",
        title="a local environment would record runs on a shared server",
        explanation=(
            "Runs, metrics and registered models of an environment on `local` or `compose` would go to a tracking "
            "server, or a bucket of it, that is not on this machine: a test run could move an alias that production "
            "follows. Use a deployed server with a directory in this environment, or say `allow_remote_writes: true`."
        ),
        bad="tracking: {server: {type: external, url: https://mlflow.example.com}}\n"
        "environments: {local: {platform: local}}",
        good="tracking: {server: {type: external, url: https://mlflow.example.com}}\n"
        "environments: {local: {platform: local, tracking: {server: {type: deployed}}}}",
    ),
    Code(
        code="LOCAL003",
        title="trials would share a GPU",
        explanation=(
            "In Compose trials that run at the same time are copies of one service, and every copy is given the same "
            "devices: Compose cannot hand out one GPU to each. They would run out of memory or slow each other down. "
            "Run one trial at a time in this environment, or without a GPU."
        ),
        bad="tuning: {trial: {resources: {gpu: 1}}, trials: {max: 8, parallel: 2}}  # on `platform: compose`",
        good="environments: {local: {platform: compose, tuning: {trials: {parallel: 1}}}}",
    ),
)

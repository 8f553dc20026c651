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
    Code(
        code="LOCAL004",
        title="a mount of what is not on this machine",
        explanation=(
            "Compose mounts volumes, and folders and files of this machine. A bucket is neither, nor is data at an "
            "address, nor is storage that lies behind the tracking server. Give the storage the type `directory` or "
            "`volume` in this environment, or the data a local sample; or leave the mount out and let the program "
            "read the address: `${storage.NAME}`, `${data.NAME.uri}`."
        ),
        bad="storage: {lake: {type: s3, uri: s3://acme}}\n"
        "training: {mounts: {/data: '${storage.lake}'}}  # on `platform: compose`",
        good="storage: {lake: {type: s3, uri: s3://acme}}\ntraining: {mounts: {/data: '${storage.lake}'}}\n"
        "environments: {here: {platform: compose, storage: {lake: {type: directory}}}}",
    ),
    Code(
        code="LOCAL005",
        title="a path or address of storage that has none",
        explanation=(
            "`type: mlflow` keeps step outputs behind the tracking server, where programs reach them as inputs of "
            "steps: there is neither a folder nor an address that `${storage.NAME}` could stand for, and no place for "
            "checkpoints. Refer to a storage of another type, or to the output that you want."
        ),
        bad="storage: {artifacts: {type: mlflow}}\ntraining: {command: [python, t.py, '${storage.artifacts}']}",
        good="storage: {kept: {type: volume}}\ntraining: {command: [python, t.py, '${storage.kept}']}",
    ),
    Code(
        code="LOCAL006",
        title="metrics that nothing on this machine reads",
        explanation=(
            "TensorBoard files and Prometheus endpoints are read by Katib's collectors on a cluster. On a laptop the "
            "launcher reads what the program prints, a file of lines or JSON, or what it logs to MLflow itself. "
            "Let the "
            "program print its metrics too, and choose `stdout` here."
        ),
        bad="training: {metrics_from: {type: tensorboard, path: /tmp/events}}  # in a Compose environment",
        good="environments: {local: {platform: compose, training: {metrics_from: {type: stdout}}}}",
    ),
    Code(
        code="LOCAL007",
        title="a schedule that Compose cannot keep",
        explanation=(
            "In Compose the services of a scheduled pipeline stay, and our launcher in them starts the step for each "
            "run. A step with `contract: bare` has no launcher in its container, so nothing could start it again. And "
            "a search is one service with one port: with `concurrency: allow` two runs would tune in it at once."
        ),
        bad="steps: {dump: {command: [dump], contract: bare}}\n"
        'pipelines: {nightly: {run: [steps.dump], schedule: "0 3 * * *"}}',
        good='steps: {dump: {command: [dump]}}\npipelines: {nightly: {run: [steps.dump], schedule: "0 3 * * *"}}',
    ),
)

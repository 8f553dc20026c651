"""TRIG: what starts pipelines."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="TRIG001",
        title="a trigger that names no other pipeline",
        explanation=(
            "A trigger of `type: pipeline` starts a pipeline when another one of the same project has ended. A name "
            "that no pipeline has would never start it, and its own would start it for ever."
        ),
        bad="pipelines:\n  nightly: {run: [steps.a]}\n"
        "  report: {run: [steps.b], triggers: {after: {type: pipeline, pipeline: nightli}}}",
        good="pipelines:\n  nightly: {run: [steps.a]}\n"
        "  report: {run: [steps.b], triggers: {after: {type: pipeline, pipeline: nightly}}}",
    ),
    Code(
        code="TRIG002",
        title="a bucket that tells nobody of new objects",
        explanation=(
            "Object stores do not call: they put a notification into a queue, which Argo Events reads. S3 writes to an "
            "SQS queue, Google Cloud Storage to Pub/Sub, Azure to a storage queue; `queue` names it. Only MinIO tells "
            "those who ask it directly; `endpoint` is its address. The bucket's owner sets up the notifications."
        ),
        bad='triggers: {landed: {type: object-created, uri: "s3://acme-lake/churn/"}}',
        good='triggers: {landed: {type: object-created, uri: "s3://acme-lake/churn/",\n'
        '                    queue: "arn:aws:sqs:eu-central-1:123456789012:landed"}}',
    ),
)

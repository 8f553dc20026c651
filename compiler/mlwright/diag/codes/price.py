"""PRICE: price files."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="PRICE001",
        title="a price for a GPU that nobody has",
        explanation=(
            "`gpu_hour` of a price file has the names of GPU models from the platform file's `gpus`, or names of "
            "Kubernetes resources, which have a `/`. Another name is a price that nothing ever looks up: what was "
            "meant would be shown as free."
        ),
        bad="gpu_hour: {a10: 2.9}  # the platform file has a100",
        good="gpu_hour: {a100: 2.9, nvidia.com/gpu: 0.6}",
    ),
    Code(
        code="PRICE002",
        title="a GPU without a price",
        severity="warning",
        explanation=(
            "The platform file lists this GPU model, and the price file has neither its name nor its resource. Its "
            "hours are shown, and the sum leaves them out and says so."
        ),
        bad="gpu_hour: {a100: 2.9}  # and the platform file has h100, too",
        good="gpu_hour: {a100: 2.9, h100: 4.1}",
    ),
)

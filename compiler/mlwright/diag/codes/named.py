"""NAMED: names that others derive from."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="NAMED001",
        title="a name that is too long once others derive from it",
        explanation=(
            "Objects are named `<name_prefix><project>-<node>`, and platforms append more: a digest, a number, a "
            "time. Most names have at most 63 characters, a CronJob 52, a Katib Experiment 40. A longer name would be "
            "refused by the cluster, or be cut so that two objects become one. The help says which part to shorten "
            "and by how much; an environment's `name_prefix` counts too."
        ),
        bad="metadata: {name: customer-churn-prediction-for-europe}\n"
        "steps: {join-customers-with-their-orders: {command: [echo]}}",
        good="metadata: {name: churn-europe}\nsteps: {join-customers-with-their-orders: {command: [echo]}}",
    ),
)

"""GATE: conditions on metrics that decide whether a run goes on."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="GATE001",
        title="a gate on a metric that the step does not have",
        explanation=(
            "A gate decides by one metric of the step that it stands in, and the metric has to be declared under the "
            "step's `metrics`. A misspelt name would make the gate fail, or never be decided, after the whole "
            "training. A metric of another step cannot be used: put the gate on that step."
        ),
        bad="evaluation: {metrics: {test_auc: {goal: maximize}}, gates: {floor: {metric: test_acu, min: 0.8}}}",
        good="evaluation: {metrics: {test_auc: {goal: maximize}}, gates: {floor: {metric: test_auc, min: 0.8}}}",
    ),
    Code(
        code="GATE002",
        title="a comparison without a direction",
        explanation=(
            "`versus` asks whether the new model is no worse than the one that an alias points at. Worse means "
            "smaller or larger by the metric's `goal`, and this metric has none. Declare it."
        ),
        bad="evaluation: {metrics: {loss: {}}, gates: {champion: {metric: loss, versus: champion}}}",
        good="evaluation: {metrics: {loss: {goal: minimize}}, gates: {champion: {metric: loss, versus: champion}}}",
    ),
    Code(
        code="GATE003",
        title="a comparison with a model that nothing registers",
        explanation=(
            "`versus` looks up an alias of the registered model that this step belongs to, and no `registry` section "
            "registers one. A step under `steps` belongs to no model: put the gate on `evaluation`. Or compare with a "
            "number, `min` or `max`."
        ),
        bad="evaluation: {metrics: {auc: {goal: maximize}}, gates: {champion: {metric: auc, versus: champion}}}",
        good="evaluation: {metrics: {auc: {goal: maximize}}, gates: {champion: {metric: auc, versus: champion}}}\n"
        "registry: {model: churn, from: '${training.outputs.model}'}",
    ),
    Code(
        code="GATE004",
        title="a tolerance without a comparison",
        severity="warning",
        explanation=(
            "`tolerance` is how much worse than `versus` still passes. `min` and `max` are exact, so here it has no "
            "effect. Add `versus`, or change the bound itself."
        ),
        bad="evaluation: {gates: {floor: {metric: auc, min: 0.8, tolerance: 0.1}}}",
        good="evaluation: {gates: {floor: {metric: auc, min: 0.7}}}",
    ),
)

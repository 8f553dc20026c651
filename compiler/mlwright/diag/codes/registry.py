"""REG: registered models and their aliases."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="REG001",
        title="an alias of a model that nobody makes",
        explanation=(
            "An endpoint serves a version of a registered model by its alias. No `registry` section of this project "
            "registers a model of this name, and `mlproject.lock` has no version for it in this environment, so there "
            "would never be anything to serve. Correct the name, add the `registry` section, or pin a version that "
            "another project made with `mlwright promote`. With `binding: run` only this project's own models count."
        ),
        bad="serving: {online: {model: '${registry.chrun@champion}'}}\n"
        "registry: {model: churn, from: '${training.outputs.model}'}",
        good="serving: {online: {model: '${registry.churn@champion}'}}\n"
        "registry: {model: churn, from: '${training.outputs.model}'}",
    ),
    Code(
        code="REG002",
        title="an alias that MLflow refuses",
        explanation=(
            "`latest` and `v` with a number are how MLflow itself names versions, so they cannot be aliases. Other "
            "aliases have letters, digits, `_` and `-`. To serve a certain version, let an alias point at it in "
            "`mlproject.lock`."
        ),
        bad="serving: {online: {model: '${registry.churn@latest}'}}",
        good="serving: {online: {model: '${registry.churn@champion}'}}",
    ),
    Code(
        code="REG003",
        title="a model that is registered twice",
        explanation=(
            "Two sections register versions of one model. Versions follow each other in time, and an alias has to "
            "mean one line of them: champion and challenger of two different trainings cannot be told apart. Give "
            "each its own model name."
        ),
        bad="models: {a: {registry: {model: churn}}, b: {registry: {model: churn}}}",
        good="models: {a: {registry: {model: churn-a}}, b: {registry: {model: churn-b}}}",
    ),
    Code(
        code="REG004",
        title="an output that is not an MLflow model",
        explanation=(
            "Only what `save_model(path)` of an MLflow flavour writes can be registered, because everything that "
            "serves it reads the MLmodel file. Declare the output as `mlflow-model`, and let the program save the "
            "model there."
        ),
        bad="training: {outputs: {model: {type: file}}}\nregistry: {model: churn, from: '${training.outputs.model}'}",
        good="training: {outputs: {model: {type: mlflow-model}}}\n"
        "registry: {model: churn, from: '${training.outputs.model}'}",
    ),
)

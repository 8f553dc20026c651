"""VAR: environment variables of programs."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="VAR001",
        title="an environment variable that the launcher sets",
        explanation=(
            "The launcher makes one MLflow run for each attempt of a step and tells the program by these variables. A "
            "value of your own would make the program log somewhere else, or crash on a retry. Server, experiment and "
            "users are set under `tracking`. A step with `contract: bare` has no launcher and may set them."
        ),
        bad="steps: {a: {command: [python, a.py], env: {MLFLOW_EXPERIMENT_NAME: mine}}}",
        good="tracking: {experiment: mine}\nsteps: {a: {command: [python, a.py]}}",
    ),
    Code(
        code="VAR002",
        title="an environment variable from two places",
        explanation=(
            "A program has one value for each environment variable, and this one is set twice: under `env`, by a "
            "secret whose keys are given to the program, or by two such secrets. Which one wins would differ between "
            "platforms. Rename one, or leave one out."
        ),
        bad="secrets: {lake: {keys: [TOKEN]}}\ndata: {d: {source: s3://lake/d, secret: lake, access: uri}}\n"
        'steps: {a: {command: [python, a.py, "${data.d}"], env: {TOKEN: other}}}',
        good="secrets: {lake: {keys: [TOKEN]}}\ndata: {d: {source: s3://lake/d, secret: lake, access: uri}}\n"
        'steps: {a: {command: [python, a.py, "${data.d}"]}}',
    ),
    Code(
        code="VAR003",
        title="two names that become one environment variable",
        explanation=(
            "Parameters, data, inputs and secrets are given to programs as environment variables too, and their names "
            "are made from yours: upper case, with `_` for everything else. Two names become the same here, so one "
            "would hide the other. An input's name is made of the step's last name and the output's: "
            "MLWRIGHT_INPUT_STEP_OUTPUT."
        ),
        bad="data: {a-b: {source: x.csv}, a_b: {source: y.csv}}",
        good="data: {a-b: {source: x.csv}, c: {source: y.csv}}",
    ),
)

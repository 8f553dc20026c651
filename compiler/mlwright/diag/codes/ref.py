"""REF: references `${...}`, how they are written and what they point at."""

from mlwright.diag.codes import Code

_TRAIN = "training: {image: python:3.12, command: [python, train.py, "

CODES = (
    Code(
        code="REF001",
        title="a name in braces is not a reference",
        explanation=(
            "A reference is the path of a thing in this file and has a dot: `${params.lr}`. `${NAME}` without a dot "
            "looks like a shell variable. Write `$NAME` or `$${NAME}` for the shell's, `${params.NAME}` for a "
            "parameter; `$${` always stands for a literal `${`."
        ),
        bad=_TRAIN + '"${HOME}"]}',
        good=_TRAIN + '"$${HOME}"]}',
    ),
    Code(
        code="REF002",
        title="reference without an end",
        explanation=(
            "`${` starts a reference and `}` ends it, on the same line and with nothing nested inside. Close it, or "
            "write `$${` where a literal `${` is meant."
        ),
        bad=_TRAIN + '"${params.lr"]}',
        good="params: {lr: 0.1}\n" + _TRAIN + '"${params.lr}"]}',
    ),
    Code(
        code="REF003",
        title="empty reference",
        explanation=(
            "There is nothing between `${` and `}`. Write the path of what is meant, for example `${params.lr}`, or "
            "`$${}` for these characters as text."
        ),
        bad=_TRAIN + '"${}"]}',
        good="params: {lr: 0.1}\n" + _TRAIN + '"${params.lr}"]}',
    ),
    Code(
        code="REF004",
        title="a reference to nothing that exists",
        explanation=(
            "The first word of a reference says what kind of thing it names: params, data, outputs, steps, training, "
            "evaluation, models, secrets, storage, registry, metadata, environment, and at run time each, trial, run "
            "and event. This word is none of them."
        ),
        bad=_TRAIN + '"${param.lr}"]}',
        good="params: {lr: 0.1}\n" + _TRAIN + '"${params.lr}"]}',
    ),
    Code(
        code="REF005",
        title="a reference of the wrong form",
        explanation=(
            "The path starts well, but does not have the parts that a reference to this kind of thing has; the help "
            "shows its form. An output is `${steps.STEP.outputs.NAME}`, a secret `${secrets.SECRET.KEY}`, a model "
            "version `${registry.MODEL@ALIAS}`."
        ),
        bad=_TRAIN + '"${steps.features.table}"]}',
        good=_TRAIN + '"${outputs.model}"], outputs: {model: {type: file}}}',
    ),
    Code(
        code="REF006",
        title="spaces in a reference",
        explanation=(
            "The path of a reference stands between the braces without spaces around it, so that one thing has one "
            "spelling and can be searched for."
        ),
        bad=_TRAIN + '"${ params.lr }"]}',
        good="params: {lr: 0.1}\n" + _TRAIN + '"${params.lr}"]}',
    ),
    Code(
        code="REF007",
        title="a parameter without a value at compile time",
        explanation=(
            "This field is decided when the project is compiled, and the parameter has no default then, or does not "
            "exist. Give it a default here or in the environment. Only commands, arguments, environment variables and "
            "conditions wait for a value until the run."
        ),
        bad='params: {n: {type: int}}\nserving: {online: {replicas: {min: "${params.n}"}}}',
        good='params: {n: {type: int, default: 2}}\nserving: {online: {replicas: {min: "${params.n}"}}}',
    ),
    Code(
        code="REF010",
        title="steps that need each other",
        explanation=(
            "Each of these steps waits for another one of them, by `needs` or by a reference to its output, so none "
            "could ever start. Take one reference or `needs` entry of the circle away."
        ),
        bad="steps: {a: {image: x, command: [a], needs: [steps.b]}, b: {image: x, command: [b], needs: [steps.a]}}",
        good="steps: {a: {image: x, command: [a]}, b: {image: x, command: [b], needs: [steps.a]}}",
    ),
    Code(
        code="REF011",
        title="nothing of that name",
        explanation=(
            "The reference, `needs` or `run` entry has the right form, but this file declares nothing of that name in "
            "this environment. Correct the name, or declare the thing: a parameter under `params`, an output under "
            "the step's `outputs`, and so on."
        ),
        bad=_TRAIN + '"${params.rate}"]}',
        good="params: {rate: 0.1}\n" + _TRAIN + '"${params.rate}"]}',
    ),
    Code(
        code="REF012",
        title="no such metric",
        explanation=(
            "The step exists, but declares no metric of that name. Metrics that others read are declared under the "
            "step's `metrics`, so that it is known where their values come from and which direction is better."
        ),
        bad='evaluation: {image: x, command: [a]}\nsteps: {b: {image: x, command: ["${evaluation.metrics.auc}"]}}',
        good=(
            "evaluation: {image: x, command: [a], metrics: {auc: {goal: maximize}}}\n"
            'steps: {b: {image: x, command: ["${evaluation.metrics.auc}"]}}'
        ),
    ),
    Code(
        code="REF013",
        title="a reference that cannot stand here",
        explanation=(
            "What the reference names exists, but has no meaning in this field: a secret in a condition, say, or the "
            "output of a step in a setting that is fixed when the project is compiled. The help lists what may stand "
            "here."
        ),
        bad="secrets: {s: {keys: [K]}}\nsteps: {a: {image: x, command: [a], when: \"${secrets.s.K} == 'a'\"}}",
        good="params: {p: a}\nsteps: {a: {image: x, command: [a], when: \"${params.p} == 'a'\"}}",
    ),
    Code(
        code="REF014",
        title="one whole reference is needed",
        explanation=(
            "This field names one thing, so it is exactly one reference, with no text before or after it: the output "
            "that a model is registered from, or the storage that is mounted."
        ),
        bad="registry: {model: churn, from: training/model}",
        good='registry: {model: churn, from: "${training.outputs.model}"}',
    ),
    Code(
        code="REF015",
        title="not a list",
        explanation=(
            "`for_each` runs a step once for each item of a list: one that is written out, a parameter of type json, "
            "or an output of type json. What the reference names has another type."
        ),
        bad='params: {n: 3}\nsteps: {a: {image: x, command: [a], for_each: {k: "${params.n}"}}}',
        good='params: {n: [1, 2]}\nsteps: {a: {image: x, command: [a], for_each: {k: "${params.n}"}}}',
    ),
    Code(
        code="REF016",
        title="a condition of the wrong types",
        explanation=(
            "Both sides of a comparison have the same type, `and`, `or` and `not` join conditions, and `in` has a "
            "list on its right. Otherwise the condition would always have the same outcome, whatever the values are. "
            "Text is in quotes, numbers and `true` are not."
        ),
        bad="params: {n: 3}\nsteps: {a: {image: x, command: [a], when: \"${params.n} == 'three'\"}}",
        good='params: {n: 3}\nsteps: {a: {image: x, command: [a], when: "${params.n} == 3"}}',
    ),
)

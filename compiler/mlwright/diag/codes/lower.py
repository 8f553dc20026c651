"""Codes of lowering: texts that cannot reach a program, sections that do not fit, files that are not there."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="STEP090",
        title="left out of the graph by its condition",
        severity="note",
        explanation=(
            "The step's `when` is false in this environment whatever happens at run time, so the step and everything "
            "that needs it are left out of the output. Conditions on parameters are never decided here: a run may be "
            "started with other values."
        ),
        bad="steps: {a: {command: x, when: \"'${environment.name}' == 'prod'\"}}  # in environment local",
        good="steps: {a: {command: x}}",
    ),
    Code(
        code="STEP091",
        title="two references would be one environment variable",
        explanation=(
            "In a shell script every reference becomes an environment variable whose name derives from its path, and "
            "`-` and `.` become `_`. Two references of this script would get the same name. Rename one of the things."
        ),
        bad="command: 'x ${steps.a-b.outputs.c} ${steps.a_b.outputs.c}'",
        good="command: [x, '${steps.a-b.outputs.c}', '${steps.a_b.outputs.c}']",
    ),
    Code(
        code="STEP092",
        title="a reference where the shell expands nothing",
        explanation=(
            "In a shell script a reference becomes an environment variable, so that no value is ever parsed by the "
            "shell. Inside single quotes, here-documents and comments the shell expands nothing, and the program would "
            "see the variable's name. Use double quotes, or the list form of the command."
        ),
        bad="command: \"python train.py --lr '${params.lr}'\"",
        good='command: [python, train.py, --lr, "${params.lr}"]',
    ),
    Code(
        code="STEP093",
        title="two nodes with one name",
        explanation=(
            "The names of jobs, services and files derive from the last part of a node's path, with `_` as `-`. Two "
            "nodes of this file would get the same name, and one would overwrite the other. Rename one of them."
        ),
        bad="steps: {training: {command: x}}\ntraining: {command: y}",
        good="steps: {pretraining: {command: x}}\ntraining: {command: y}",
    ),
    Code(
        code="STEP094",
        title="a model's list is not known when it is compiled",
        explanation=(
            "`for_each` on a model makes one model for each item: with its own nodes, registered model and "
            "versions. What "
            "is registered and served must be reviewable, so the list stands in the file, or is the default of a "
            "parameter of type json. A list that a step makes at run time goes on a step's `for_each`."
        ),
        bad='models: {ranker: {for_each: {store: "${steps.list.outputs.stores}"}}}',
        good="models: {ranker: {for_each: {store: [berlin, paris]}}}",
    ),
    Code(
        code="STEP095",
        title="too many models",
        explanation=(
            "One `for_each` on a model may make a hundred models; each has nodes of its own in every output. "
            "For more, put "
            "`for_each` on the training step: one container (or several) then loops over the items."
        ),
        bad="models: {ranker: {for_each: {day: [1, 2, 3], hour: [1, 2, 3]}}}  # with hundreds of items",
        good="models: {ranker: {training: {for_each: {day: [1, 2, 3]}}}}",
    ),
    Code(
        code="TUNE090",
        title="nothing to tune",
        explanation="Tuning runs trials of `training`. There is no `training` section for this model.",
        bad="tuning: {objective: auc, space: {lr: {min: 0.1, max: 1}}, trials: {max: 5}}",
        good=(
            "training: {command: x, metrics: {auc: {goal: maximize}}}\ntuning: {objective: auc, space: "
            "{lr: {min: 0.1, max: 1}}, trials: {max: 5}}"
        ),
    ),
    Code(
        code="TUNE091",
        title="the objective is not a declared metric",
        explanation=(
            "The search compares trials by one metric of `training`. It must be declared there, so that every engine "
            "knows where to read it: a misspelt objective makes every trial end without a value, hours later."
        ),
        bad="training: {metrics: {val_auc: {goal: maximize}}}\ntuning: {objective: val_acu}",
        good="training: {metrics: {val_auc: {goal: maximize}}}\ntuning: {objective: val_auc}",
    ),
    Code(
        code="TUNE092",
        title="the objective has no goal",
        explanation="Without `goal: maximize` or `goal: minimize` no trial is better than another.",
        bad="training: {metrics: {val_auc: {}}}\ntuning: {objective: val_auc}",
        good="training: {metrics: {val_auc: {goal: maximize}}}\ntuning: {objective: val_auc}",
    ),
    Code(
        code="TUNE093",
        title="a searched parameter that is not declared",
        explanation="What is searched are parameters of the project; their type comes from `params`.",
        bad="tuning: {space: {lr: {min: 0.1, max: 1}}}",
        good="params: {lr: 0.5}\ntuning: {space: {lr: {min: 0.1, max: 1}}}",
    ),
    Code(
        code="SERVE090",
        title="binding to a run where there is none",
        explanation=(
            "`binding: run` serves exactly the version that this pipeline run registered. That has a meaning in "
            "`mlwright run`, in Compose and in development environments. On a cluster, serving changes only by "
            "a reviewed "
            "change of the lock file."
        ),
        bad="serving: {online: {model: '${registry.m@champion}', binding: run}}  # on a cluster",
        good="serving: {online: {model: '${registry.m@champion}'}}",
    ),
    Code(
        code="SPEC040",
        title="a file that the project names is not there",
        explanation=(
            "Paths in the project file are relative to the folder that it is in, and the files must be in the "
            "repository "
            "when it is compiled."
        ),
        bad="data: {customers: {source: smaple/customers.csv}}",
        good="data: {customers: {source: sample/customers.csv}}",
    ),
)

"""STEP: steps, their outputs, metrics and processes."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="STEP001",
        title="a step that no pipeline runs",
        explanation=(
            "A pipeline runs the nodes of its `run` and everything that those need. No pipeline of this environment "
            "reaches this node, so it would be written nowhere and run never. Add it to a pipeline's `run`, let a "
            "step that runs use its output, or remove it. Without `pipelines` there is one pipeline with every step."
        ),
        bad="steps: {a: {command: [echo, a]}, b: {command: [echo, b]}}\npipelines: {main: {run: [steps.a]}}",
        good="steps: {a: {command: [echo, a]}, b: {command: [echo, b]}}\npipelines: {main: {run: [steps.a, steps.b]}}",
    ),
    Code(
        code="STEP002",
        title="an output that is never written",
        explanation=(
            "The program learns where to write an output from `${outputs.NAME}` in its command, its arguments or its "
            "environment. Nothing of the step mentions this output, so the program cannot know the path, and the step "
            "would fail at its end because the output is missing. Pass the path, or remove the output. A step without "
            "`command` is not checked: what its image does is not known here."
        ),
        bad="steps: {a: {command: [python, a.py], outputs: {table: {type: dataset}}}}",
        good='steps: {a: {command: [python, a.py, --out, "${outputs.table}"], outputs: {table: {type: dataset}}}}',
    ),
    Code(
        code="STEP003",
        title="an output that nothing reads",
        severity="warning",
        explanation=(
            "The output is stored after every run, and no step, registration or endpoint uses it. That costs time and "
            "space, and it may be a reference that was forgotten. Use it, or remove it; a file that is only for "
            "people to look at can be logged by the program through MLflow."
        ),
        bad='steps: {a: {command: [python, a.py, "${outputs.table}"], outputs: {table: {type: dataset}}}}',
        good='steps:\n  a: {command: [python, a.py, "${outputs.table}"], outputs: {table: {type: dataset}}}\n'
        '  b: {command: [python, b.py, "${steps.a.outputs.table}"]}',
    ),
    Code(
        code="STEP004",
        title="a pattern that does not match its sample",
        explanation=(
            "`sample` is a line that the program prints, and `pattern` has to find the metric in it. It finds "
            "nothing, so at run time the metric would have no value and a search no objective. Copy a real line into "
            "`sample` and change the pattern. A pattern may match anywhere in the line."
        ),
        bad=r"metrics: {auc: {pattern: 'auc=(\S+)', sample: 'AUC: 0.91'}}",
        good=r"metrics: {auc: {pattern: 'AUC: (\S+)', sample: 'AUC: 0.91'}}",
    ),
    Code(
        code="STEP005",
        title="a pattern that finds something else than a number",
        explanation=(
            "The group of a pattern is the metric's value, and it has to be a number such as `0.91`, `1e-3` or `nan`. "
            "In the sample the group takes other characters too, a comma or a unit. End the group where the number "
            "ends."
        ),
        bad=r"metrics: {auc: {pattern: 'auc=(\S+)', sample: 'auc=0.91, loss=0.3'}}",
        good=r"metrics: {auc: {pattern: 'auc=([0-9.]+)', sample: 'auc=0.91, loss=0.3'}}",
    ),
    Code(
        code="STEP006",
        title="processes and GPUs of a node do not agree",
        explanation=(
            "Each process of a distributed step has a GPU of its own, and each node has `resources.gpu.count` of "
            "them. With more processes than GPUs two would share one and usually run out of its memory: an error. "
            "With fewer, GPUs are paid for and idle: a warning. Leave `processes_per_node` out, and it is the number "
            "of GPUs."
        ),
        bad="training: {command: [python, train.py], resources: {gpu: 2},\n"
        "  distributed: {launcher: torchrun, processes_per_node: 4}}",
        good="training: {command: [python, train.py], resources: {gpu: 2}, distributed: {launcher: torchrun}}",
    ),
    Code(
        code="STEP007",
        title="a launcher cannot start a shell script",
        explanation=(
            "The launcher of a distributed step turns `python train.py` into one process for each GPU by writing "
            "itself in front of it. A command that is text is a script for the shell, and there is no telling which "
            "of its commands is meant. Write the command as a list, or set `launcher: none` and call torchrun in the "
            "script."
        ),
        bad="training: {command: 'python train.py', distributed: {nodes: 2, launcher: torchrun}}",
        good="training: {command: [python, train.py], distributed: {nodes: 2, launcher: torchrun}}",
    ),
    Code(
        code="STEP008",
        title="a launcher cannot start this program",
        explanation=(
            "The launcher of a distributed step turns `python X` into `torchrun X` (or deepspeed, or accelerate). "
            "This command does not start with `python`, so there is nothing to turn. If it already starts with the "
            "launcher, leave that word out; if the program makes its processes itself, write `launcher: none`."
        ),
        bad="training: {command: [torchrun, train.py], distributed: {nodes: 2, launcher: torchrun}}",
        good="training: {command: [python, train.py], distributed: {nodes: 2, launcher: torchrun}}",
    ),
    Code(
        code="STEP009",
        title="a reference that a bare step cannot be given",
        explanation=(
            "`contract: bare` starts the step's own program without the launcher, so nobody makes output paths, "
            "fetches inputs, downloads data or knows the run and the item. Parameters (their defaults), secrets, "
            "storage and local data can be referred to. Let the launcher start the step, or leave the reference out."
        ),
        bad="steps: {a: {image: x, contract: bare, command: [go, '${outputs.t}'], outputs: {t: {type: file}}}}",
        good="steps: {a: {image: x, command: [go, '${outputs.t}'], outputs: {t: {type: file}}}}",
    ),
)

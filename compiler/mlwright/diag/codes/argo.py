"""ARGO: what Argo cannot carry."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="ARGO001",
        title="text that Argo would fill in",
        explanation=(
            "Argo substitutes `{{...}}` in every text of a workflow, several times over, and has no way to quote it. "
            "What the launcher starts is safe: commands, arguments and variables are in a document that Argo never "
            "reads. But an annotation, the path of a mount, a value that a pipeline gives to a parameter, and the "
            "command of a step with `contract: bare` stand in the workflow itself, and would arrive changed or stop "
            "it. Write them without `{{`, or let the launcher start the step."
        ),
        bad='steps: {export: {image: "export:7", args: ["--format={{name}}"], contract: bare}}  # on `platform: argo`',
        good='steps: {export: {image: "export:7", command: [export, "--format={{name}}"]}}',
    ),
)

"""Argo's variables, and what Argo must not find in a text."""

from __future__ import annotations

RUN = "{{workflow.uid}}"
"""The id of a pipeline run."""
STATUS = "{{workflow.status}}"
"""How the workflow ended, as its exit handler sees it."""
OPEN = "{{"
"""Begins what Argo substitutes, in every text of a template and more than once: there is no way to quote it."""


def of_workflow(parameter: str) -> str:
    """The value of an argument of the workflow."""
    return f"{{{{workflow.parameters.{parameter}}}}}"


def of_input(name: str) -> str:
    """The value of a template's own input parameter."""
    return f"{{{{inputs.parameters.{name}}}}}"


def of_task(task: str, what: str) -> str:
    """What a task before this one has, for example its `outputs.result`."""
    return f"{{{{tasks.{task}.{what}}}}}"

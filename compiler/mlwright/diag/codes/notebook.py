"""BOOK: notebooks."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="BOOK001",
        title="a Workspace takes this from its kind",
        explanation=(
            "In version 2 of Kubeflow's Notebooks, a notebook is a Workspace. Its image, program, port, size and user "
            "are options of a WorkspaceKind that ops keep, and the platform file says which (`workspaces`). Volumes, "
            "variables, secrets and files of the notebook do reach it; this does not."
        ),
        bad="notebooks: {explore: {image: acme/notebook:1}}",
        good="notebooks: {explore: {mounts: {/home: {disk: 20Gi}}}}",
    ),
)

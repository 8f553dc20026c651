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
    Code(
        code="BOOK002",
        title="a notebook like a step that is not there",
        explanation=(
            "A notebook with `like` has the image and the environment variables of a step: of an entry of `steps`, of "
            "`training` or `evaluation`, or of those of a model (`models.ranker.training`)."
        ),
        bad="notebooks: {explore: {like: train}}",
        good="notebooks: {explore: {like: training}}",
    ),
)

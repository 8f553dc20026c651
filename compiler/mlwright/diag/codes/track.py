"""TRACK: the tracking server."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="TRACK001",
        title="no server is emitted for this version of MLflow",
        explanation=(
            "The options of `mlflow server`, its environment and its images change between releases. What is emitted "
            "has been checked against the releases from 3.9 on, the first whose full image has every database driver. "
            "An older server, or one of a new major version, can be used with `server: {type: external}`."
        ),
        bad="tracking: {server: {type: deployed, version: '2.22.1'}}",
        good="tracking: {server: {type: deployed, version: '3.17.2'}}",
    ),
    Code(
        code="TRACK002",
        title="this version of MLflow cannot do that",
        explanation=(
            "Workspaces came with MLflow 3.10. Since 3.16 the administrator's password may come from the environment; "
            "before, it had to stand in a file, which is not emitted: secrets have no place in it."
        ),
        bad="tracking: {server: {type: deployed, version: '3.9.0'}, options: {workspaces: true}}",
        good="tracking: {server: {type: deployed, version: '3.17.2'}, options: {workspaces: true}}",
    ),
    Code(
        code="TRACK003",
        title="a database for models that nobody runs",
        explanation=(
            "Without `secret`, `backend_store: {type: postgres}` brings a database up beside the server, and models "
            "are kept there too. A second one is only for a database that exists, so it needs the secret with the "
            "address."
        ),
        bad="tracking: {registry_store: {type: postgres}}",
        good="tracking: {registry_store: {type: postgres, secret: models-db}}",
    ),
)

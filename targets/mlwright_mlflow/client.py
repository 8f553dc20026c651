"""`client.env`: how programs on other machines reach the tracking server."""

from __future__ import annotations

from mlwright.emit import environment
from mlwright.ir import Project
from mlwright.target import EmitContext, TextFile

CREDENTIALS = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
_PUBLISHED = "http://127.0.0.1:5000"


def emit_client(project: Project, context: EmitContext) -> TextFile:
    """The variables of MLflow's own client; secrets by name only."""
    tracking = project.tracking
    values = {"MLFLOW_TRACKING_URI": address(project, context), "MLFLOW_EXPERIMENT_NAME": tracking.experiment}
    if tracking.url == "databricks":
        values["DATABRICKS_HOST"] = tracking.host
    lines = ["# The settings of MLflow's clients: set -a; . ./client.env; set +a"]
    if not values["MLFLOW_TRACKING_URI"]:
        lines.append("# MLFLOW_TRACKING_URI: the address of the tracking server, which the project does not say.")
    lines += environment.lines({name: text for name, text in values.items() if text})
    if tracking.url == "databricks":
        lines += ["# Of the workspace, in no file of this folder:", "# DATABRICKS_TOKEN="]
    elif tracking.server == "databricks":
        lines.append("# The address and the token are those of the profile in ~/.databrickscfg.")
    if tracking.auth.secret:
        lines.append(f"# From the secret `{tracking.auth.secret}`, which is in no file of this folder:")
        lines += [f"# {name}=" for name in CREDENTIALS]
    return TextFile(path="client.env", text="\n".join(lines) + "\n", origin=tracking.origin)


def address(project: Project, context: EmitContext) -> str:
    """The tracking server's address for programs outside of the platform; empty where nothing says it."""
    if not project.tracking.beside:
        return project.tracking.address
    if context.owners.get("tracking") == "compose":
        return _PUBLISHED + project.tracking.options.static_prefix
    host = project.tracking.expose.host
    return f"https://{host}{project.tracking.options.static_prefix}" if host else ""

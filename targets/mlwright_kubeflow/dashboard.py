"""Links of the Central Dashboard: its ConfigMap is one for all projects, so ops merge them into it."""

from __future__ import annotations

from typing import Any

from mlwright.emit import json
from mlwright.emit.kube import metadata
from mlwright.emit.kube.objects import Objects
from mlwright.target import TextFile

PATH = "platform/dashboard.jq"
_NAMESPACE = "kubeflow"
_MERGE = """\
def merged($more):
  reduce $more[] as $link (. // [];
    if any(.[]; .text == $link.text) then map(if .text == $link.text then $link else . end) else . + [$link] end);
def links: {links};
.data.links = (
  reduce (links | to_entries[]) as $list ((.data.links // "{}") | fromjson; .[$list.key] |= merged($list.value))
  | tojson)
"""


def dashboard(objects: Objects) -> TextFile | None:
    """A program for jq that adds the project's links to the document, or puts them in place of what it added before;
    None where there is no dashboard, or no address that a browser reaches."""
    platform = objects.context.platform
    links = {key: found for key, found in _links(objects).items() if found}
    if not platform.has("kubeflow.dashboard") or not links:
        return None
    name = "dashboard-config" if platform.at_least("kubeflow.dashboard", "2.0") else "centraldashboard-config"
    head = (
        f"# Links of {metadata.instance(objects.project)} for Kubeflow's dashboard, which projects share:\n"
        f"#   kubectl get configmap {name} -n {_NAMESPACE} -o json \\\n"
        f"#     | jq -f {PATH} | kubectl replace -f -\n"
        "# Doing it again changes nothing, and links of others stay. Where somebody else was faster, kubectl says so.\n"
    )
    return TextFile(path=PATH, text=head + _MERGE.replace("{links}", json.pretty(links).strip()))


def _links(objects: Objects) -> dict[str, list[dict[str, Any]]]:
    """Lists of the document -> what the project adds; an entry is known by its text."""
    project, platform = objects.project, objects.context.platform
    name, outside = metadata.instance(project), []
    server = project.tracking
    address = f"https://{server.expose.host}{server.options.static_prefix}" if server.expose.host else ""
    if not server.beside and server.address.startswith("http"):
        address = server.address
    if address:
        outside.append(_outside(f"MLflow of {name}", address, "assessment"))
    monitoring = platform.file.monitoring
    if monitoring and monitoring.grafana:
        outside.append(_outside("Grafana", monitoring.grafana, "timeline"))
    quick = []
    if objects.context.owners.get("graph") == objects.target:
        link = {"desc": project.description or project.name, "link": "/pipeline/#/pipelines"}
        quick.append({"text": f"Pipelines of {name}", **link})
    return {"externalLinks": outside, "quickLinks": quick}


def _outside(text: str, link: str, icon: str) -> dict[str, Any]:
    return {"type": "item", "iframe": False, "text": text, "link": link, "icon": icon}

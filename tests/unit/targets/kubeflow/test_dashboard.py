"""Links of the dashboard: a program for jq that projects run on one document, in any order, any number of times."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.unit.targets.kubeflow.tenants import OWNED, PLATFORM, files

needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
PATH = "kubeflow/platform/dashboard.jq"
STEP = "defaults: {steps: {image: demo:1}}\nsteps: {a: {command: [python, a.py]}}\n"
OUTSIDE = "tracking: {server: {type: external, url: 'https://mlflow.example.com/x'}}\n"
GRAFANA = "monitoring: {grafana: 'https://grafana.example.com'}\n"
PIPELINES = PLATFORM.replace("orchestrator: argo", "orchestrator: kubeflow-pipelines")
SHIPPED = {
    "menuLinks": [{"icon": "book", "link": "/jupyter/", "text": "Notebooks", "type": "item"}],
    "externalLinks": [],
    "documentationItems": [{"desc": "d", "link": "https://www.kubeflow.org/", "text": "Kubeflow Website"}],
    "quickLinks": [{"desc": "Kubeflow Notebooks", "link": "/jupyter/new", "text": "Create a new Notebook"}],
}
"""The beginning of what Kubeflow ships."""


def program(text: str = STEP + OUTSIDE, platform: str = PLATFORM + OWNED + GRAFANA, name: str = "demo") -> str:
    made = files(text, platform)
    found = made.get(PATH, "")
    assert "platform" not in made["kubeflow/kustomization.yaml"], "it is not ours to apply"
    return found.replace("demo-prod", f"{name}-prod").replace("mlflow.example.com", f"{name}.example.com")


def configmap(links: dict[str, Any] | None) -> dict[str, Any]:
    data = {
        "settings": '{"DASHBOARD_FORCE_IFRAME": true}',
        **({"links": json.dumps(links)} if links is not None else {}),
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"resourceVersion": "7"}, "data": data}


def applied(document: dict[str, Any], text: str, folder: Path) -> dict[str, Any]:
    (folder / "dashboard.jq").write_text(text)
    command = ["jq", "-f", str(folder / "dashboard.jq")]
    done = subprocess.run(command, input=json.dumps(document), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def links(document: dict[str, Any]) -> Any:
    return json.loads(document["data"]["links"])


@needs_jq
def test_what_is_there_stays_and_the_project_s_links_come_after_it(tmp_path: Path) -> None:
    before = configmap(SHIPPED)
    after = applied(before, program(platform=PIPELINES + OWNED + GRAFANA), tmp_path)
    assert {**after, "data": {}} == {**before, "data": {}} and after["data"]["settings"] == before["data"]["settings"]
    found = links(after)
    assert found["menuLinks"] == SHIPPED["menuLinks"] and found["documentationItems"] == SHIPPED["documentationItems"]
    assert [link["link"] for link in found["externalLinks"]] == [
        "https://demo.example.com/x",
        "https://grafana.example.com",
    ]
    assert all(link["type"] == "item" and link["iframe"] is False and link["icon"] for link in found["externalLinks"])
    assert [link["link"] for link in found["quickLinks"]] == ["/jupyter/new", "/pipeline/#/pipelines"]


@needs_jq
def test_two_projects_in_any_order_and_again_are_both_there_once(tmp_path: Path) -> None:
    one, two = program(), program(name="other")
    forth = applied(applied(configmap(SHIPPED), one, tmp_path), two, tmp_path)
    texts = [link["text"] for link in links(forth)["externalLinks"]]
    assert texts == ["MLflow of demo-prod", "Grafana", "MLflow of other-prod"]
    for again in (one, two, two, one):
        assert links(applied(forth, again, tmp_path)) == links(forth)
    back = applied(applied(configmap(SHIPPED), two, tmp_path), one, tmp_path)
    assert sorted(map(str, links(back)["externalLinks"])) == sorted(map(str, links(forth)["externalLinks"]))


@needs_jq
def test_an_address_that_changed_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    old = applied(configmap(SHIPPED), program(), tmp_path)
    new = applied(old, program().replace("demo.example.com", "new.example.com"), tmp_path)
    first, _ = links(new)["externalLinks"]
    assert first["link"] == "https://new.example.com/x"


@needs_jq
@pytest.mark.parametrize("there", [None, {}, {"externalLinks": None}])
def test_a_document_without_lists_gets_them(there: dict[str, Any] | None, tmp_path: Path) -> None:
    assert len(links(applied(configmap(there), program(), tmp_path))["externalLinks"]) == 2


@needs_jq
@pytest.mark.parametrize("text", ['a "quoted" \\(. | error) one', "back\\slash", "line\nbreak", "für # alle"])
def test_any_description_is_text_to_jq(text: str, tmp_path: Path) -> None:
    written = STEP + OUTSIDE
    made = files(written, PIPELINES + OWNED)[PATH]
    described = made.replace('"desc": "demo"', f'"desc": {json.dumps(text)}')
    assert described != made
    found = links(applied(configmap(SHIPPED), described, tmp_path))
    assert found["quickLinks"][-1]["desc"] == text


@pytest.mark.parametrize(("release", "name"), [("2.0", " dashboard-config "), ("1.10", " centraldashboard-config ")])
def test_the_configmap_s_name_goes_by_the_release(release: str, name: str) -> None:
    found = program(platform=PLATFORM.replace('dashboard: "2.0"', f'dashboard: "{release}"') + OWNED)
    assert f"get configmap{name}-n kubeflow" in found


def test_nothing_is_written_where_no_browser_would_find_it_or_no_dashboard_is() -> None:
    assert PATH not in files(STEP, PLATFORM + OWNED)
    assert PATH not in files(STEP + OUTSIDE, PLATFORM.replace(', dashboard: "2.0"', "") + OWNED)
    hosted = "tracking: {server: {type: deployed, expose: {host: mlflow.example.com}}}\n"
    found = files(STEP + hosted, PLATFORM + OWNED + "ingress: {class: nginx}\n")[PATH]
    assert '"https://mlflow.example.com"' in found

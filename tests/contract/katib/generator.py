"""From an Experiment's template to a trial's pod, as Katib does it: texts are replaced in JSON, words run by a shell.

After `generator.go` (`applyParameters`) and the pod webhook's `wrapWorkerContainer`, line by line.
"""

from __future__ import annotations

import json
import posixpath
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.contract.katib.rules import filled

RUNTIME = Path(__file__).parents[3] / "compiler" / "mlwright" / "runtime"
EARLY = (
    "if test -f {folder}/$$$$.pid && [ $(head -n 1 {folder}/$$.pid) = early-stopped ]; "
    "then echo Training Container was Early Stopped; else echo Training Container was Failed; exit 1; fi"
)
WRAPPED = ("StdOut", "TensorFlowEvent", "File")
METRICS = "/var/log/katib/metrics.log"


def run_spec(experiment: Mapping[str, Any], name: str, assignments: Mapping[str, str]) -> dict[str, Any]:
    """The trial's object."""
    template = experiment["spec"]["trialTemplate"]
    text = json.dumps(template["trialSpec"], ensure_ascii=False, separators=(",", ":"))
    namespace = experiment["metadata"]["namespace"]
    given: dict[str, str] = {}
    for parameter in template["trialParameters"]:
        meta = re.search(r"\$\{trialSpec\.(.+?)\}", parameter["reference"])
        if meta is None:
            given[parameter["name"]] = assignments[parameter["reference"]]
        else:
            given[parameter["name"]] = {"Name": name, "Namespace": namespace}[meta[1]]
    for key, value in given.items():
        text = text.replace(filled(key), value)
    made: dict[str, Any] = json.loads(text)
    made.setdefault("metadata", {}).update(name=name, namespace=namespace)
    return made


def wrapped(experiment: Mapping[str, Any], container: Mapping[str, Any], metrics: str = METRICS) -> list[str]:
    """The words that the primary container is started with; `metrics` is where its output goes."""
    spec = experiment["spec"]
    kind = spec["metricsCollectorSpec"]["collector"]["kind"]
    words = [*container.get("command", ()), *container.get("args", ())]
    assert container.get("command"), "Katib would ask the registry for the image's entry point"
    if kind not in WRAPPED:
        return words
    command = ["sh", "-c"]
    if words[0] in ("sh", "bash") and words[1] == "-c":
        command, words = words[:2], words[2:]
    folder = metrics
    if kind == "StdOut":
        words.append(f"1>{metrics} 2>&1")
    if kind != "TensorFlowEvent":
        folder = posixpath.dirname(metrics)
    if spec.get("earlyStopping"):
        words += ["||", EARLY.format(folder=folder)]
    words += ["&&", f"echo completed > {folder}/$$$$.pid"]
    return [*command, _expanded(" ".join(words))]


def _expanded(text: str) -> str:
    """As Kubernetes expands a container's words: `$$` is a dollar, and `$(X)` stays where nothing is called X."""
    return re.sub(r"\$(\$|\([^)]*\))", lambda found: "$" if found[1] == "$" else found[0], text)


def here(words: Sequence[str], folder: Path) -> list[str]:
    """A pod's words on this machine. Its paths become links in `folder`: the checkout's may have spaces, which the
    shell would part."""
    (folder / "runtime").symlink_to(RUNTIME)
    (folder / "python3").symlink_to(sys.executable)
    places = {
        "python3 -S": f"{folder}/python3 -S",
        "/mlwright/runtime": f"{folder}/runtime",
        "/mlwright/step.json": f"{folder}/step.json",
    }
    found = list(words)
    for there, place in places.items():
        found = [word.replace(there, place) for word in found]
    return found

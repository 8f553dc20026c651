"""As much of Katib as an Experiment takes: its trials as processes, what is read of them, what is chosen."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.katib import generator

Json = dict[str, Any]
_METRIC = re.compile(r"([\w|-]+)\s*=\s*([+-]?\d+(?:\.\d+)?(?:[Ee][+-]?\d+)?)")


@dataclass(kw_only=True)
class Search:
    """One Experiment of a run. `best` are the parameters that it chose, `failed` the trials that failed."""

    objects: Mapping[tuple[str, str], Any]
    experiment: Json
    server: str
    folder: Path
    run: str
    trials: int = 0
    failed: int = 0
    best: Mapping[str, str] | None = None

    def search(self) -> str:
        """Runs trials, one of each combination of a grid, until the Experiment has ended; its condition."""
        spec = self.experiment["spec"]
        lists = [[(one["name"], text) for text in one["feasibleSpace"]["list"]] for one in spec["parameters"]]
        scores: list[tuple[float, dict[str, str]]] = []
        for assignments in (dict(pairs) for pairs in itertools.product(*lists)):
            if self.trials == spec["maxTrialCount"]:
                break
            self.trials += 1
            score = self._trial(f"t{self.trials}", assignments)
            if score is None:
                self.failed += 1
                if self.failed >= spec["maxFailedTrialCount"]:
                    return "Failed"
            else:
                scores.append((score, assignments))
        choose = {"maximize": max, "minimize": min}[spec["objective"]["type"]]
        _, self.best = choose(scores, key=lambda found: found[0])
        return "Succeeded"

    def _trial(self, name: str, assignments: Mapping[str, str]) -> float | None:
        """The objective as Katib's collector reads it; None where the trial failed."""
        objective = self.experiment["spec"]["objective"]
        pod = generator.run_spec(self.experiment, name, assignments)["spec"]["template"]["spec"]
        (box,) = pod["containers"]
        here = self.folder / name
        here.mkdir(parents=True)
        config = next(one["configMap"]["name"] for one in pod["volumes"] if one["name"] == "document")
        (here / "step.json").write_text(self.objects["ConfigMap", config]["data"]["step.json"])
        words = generator.here(generator.wrapped(self.experiment, box, str(here / "metrics.log")), here)
        env = {entry["name"]: entry.get("value", "").replace("$$(", "$(") for entry in box["env"]}
        env |= {"MLFLOW_TRACKING_URI": self.server, "HOME": str(here), "PATH": os.environ["PATH"]}
        done = subprocess.run(words, env={**env, "MLWRIGHT_RUN": self.run}, timeout=120, check=False)
        log = here / "metrics.log"
        text = log.read_text() if log.exists() else ""
        if done.returncode:
            return None
        values = [float(value) for key, value in _METRIC.findall(text) if key == objective["objectiveMetricName"]]
        (strategy,) = [one["value"] for one in objective["metricStrategies"]]
        return {"max": max, "min": min, "latest": lambda found: found[-1]}[strategy](values)


def experiment(objects: Mapping[tuple[str, str], Any], name: str) -> Json:
    """The Experiment that the operator of a search makes."""
    (text,) = [
        item["data"]["step.json"]
        for (kind, key), item in objects.items()
        if kind == "ConfigMap" and key.startswith(name)
    ]
    (made,) = json.loads(text)["objects"]
    assert made["main"] and made["manifest"]["kind"] == "Experiment"
    return dict(made["manifest"])

"""A host that `mpirun` starts processes on without a launcher: what the step reads is fetched there, too, by the same
paths."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict

FOLDER, DOCUMENT = "MLWRIGHT_MPI_FOLDER", "MLWRIGHT_MPI_DOCUMENT"
SECRETS = "MLWRIGHT_SECRET_"
READY = ".ready"


def lend(env: Dict[str, str], given: Dict[str, str], folder: str, document: str) -> None:
    """What the launcher passes on: where it fetched to, by which document, and the secrets that open it."""
    env.update({name: text for name, text in given.items() if name.startswith(SECRETS)})
    env.update({FOLDER: folder, DOCUMENT: document if document.startswith("{") else os.path.abspath(document)})
    with open(os.path.join(folder, READY), "w", encoding="utf-8"):
        pass


def arrive(env: Dict[str, str]) -> None:
    """Fetches once on each host; the program sees nothing of what was lent."""
    folder, document = env.pop(FOLDER, ""), env.pop(DOCUMENT, "")
    if folder:
        try:
            os.makedirs(folder)
        except FileExistsError:
            while not os.path.exists(os.path.join(folder, READY)):
                time.sleep(0.1)  # mpirun ends all processes where the one that fetches fails
        else:
            _fetch(env, folder, document)
    for name in [name for name in env if name.startswith(SECRETS)]:
        del env[name]
    for name, path in env.items():
        if folder and name.startswith("MLWRIGHT_OUTPUT_"):
            os.makedirs(os.path.dirname(path), exist_ok=True)


def _fetch(env: Dict[str, str], folder: str, document: str) -> None:
    from attempts import Step
    from child import Signals
    from program import read_document
    from tracking import Tracking

    doc = read_document(document, ("step", "trial"))
    own = {name: text for name, text in env.items() if name != "MLFLOW_RUN_ID"}
    step = Step(doc, own, Tracking(doc, own), Signals(), folder)
    for name in doc.get("data") or {}:
        step.data(name)
    for path in doc.get("inputs") or {}:
        step.text(path)
    with open(os.path.join(folder, READY), "w", encoding="utf-8"):
        pass

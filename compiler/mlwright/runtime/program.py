"""What every runtime program shares: reading its document, exit codes, the status file."""

from __future__ import annotations

import json
import os

from tracking import Tracking
from values import BAD_INPUT, DISK, Killed, StepError, environment, given, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Mapping, Sequence

    Json = Any
    Doc = Dict[str, Any]
    Body = Callable[[Doc, Dict[str, str], Tracking], "Outcome"]


class Outcome:
    """How a program ended, for its exit code and the status file."""

    def __init__(self, status: str, code: int = 0, reason: str = "", run_id: str = "", **more: Json) -> None:
        self.status, self.code, self.reason, self.run_id = status, code, reason, run_id
        self.more: Doc = more

    def document(self) -> Doc:
        """The status file's content."""
        base = {"status": self.status, "run_id": self.run_id, "exit_code": self.code, "reason": self.reason}
        return dict({"metrics": {}, "params": {}, "attempts": 0}, **dict(base, **self.more))


def read_document(path: str, kinds: Sequence[str]) -> Doc:
    """The document in a file, or given as it is, held to version 1 and one of `kinds`."""
    inline = path.startswith("{")
    try:
        if inline:
            doc, path = json.loads(path), "the argument"
        else:
            with open(path, encoding="utf-8") as stream:
                doc = json.load(stream)
    except (OSError, ValueError) as error:
        where = "given as an argument" if inline else path
        raise StepError(BAD_INPUT, "cannot read the step document %s: %s" % (where, error)) from None
    if not isinstance(doc, dict) or doc.get("version") != 1:
        raise StepError(BAD_INPUT, "%s is not a step document of version 1" % path)
    if doc.get("kind") not in kinds:
        raise StepError(BAD_INPUT, "%s is of kind %r, not %s" % (path, doc.get("kind"), " or ".join(kinds)))
    return doc


def write_status(env: Mapping[str, str], outcome: Outcome) -> None:
    """The status file, whole or not at all."""
    path = env.get("MLWRIGHT_STATUS_FILE", "")
    if path:
        with open(path + ".tmp", "w", encoding="utf-8") as stream:
            json.dump(outcome.document(), stream, sort_keys=True)
        os.replace(path + ".tmp", path)


def _for_kubeflow(argv: Sequence[str], kinds: Sequence[str], env: Dict[str, str], body: Body) -> Outcome:
    """The program with what Kubeflow Pipelines gives it and wants of it."""
    from executorinput import ExecutorInput, failed_before, made_anew

    engine = ExecutorInput(argv[3])
    doc = read_document(argv[1], kinds)
    env.update((name, text) for name, text in engine.variables(doc).items() if name not in env)
    tracking = Tracking(doc, env)
    if doc["kind"] in ("gate", "register") and made_anew(env):
        for run in tracking.newest(str(doc["step"]))[:1]:
            if failed_before(run):
                return Outcome("failed", 1, "it failed before: only lost pods are tried again", run.id)
    outcome = body(doc, env, tracking)
    engine.publish(doc, outcome, tracking)
    return outcome


def launch(argv: Sequence[str], kinds: Sequence[str], body: Body) -> int:
    """Runs a program on its document: user mistakes become one line on stderr and an exit code, never a traceback."""
    env = environment()
    try:
        env.update(given(env))
        if len(argv) == 4 and argv[2] == "--executor-input":
            outcome = _for_kubeflow(argv, kinds, env, body)
        elif len(argv) == 2:
            doc = read_document(argv[1], kinds)
            outcome = body(doc, env, Tracking(doc, env))
        else:
            raise StepError(BAD_INPUT, "usage: %s DOCUMENT.json" % os.path.basename(argv[0]))
    except StepError as problem:
        say(str(problem))
        outcome = Outcome("failed", problem.code, str(problem))
    except OSError as problem:
        say(str(problem))
        outcome = Outcome("failed", DISK, str(problem))
    except KeyError as problem:
        say("the step document lacks the field %s" % problem)
        outcome = Outcome("failed", BAD_INPUT, "missing field %s" % problem)
        if env.get("MLWRIGHT_DEBUG"):
            raise
    except Killed as killed:
        outcome = Outcome("killed", 128 + killed.signum, "killed")
    write_status(env, outcome)
    return outcome.code

"""Distributed commands: `python X` as N processes, of which only rank 0 sees the tracking server."""

from __future__ import annotations

import os
import sys

from values import BAD_INPUT, StepError, environment, raw, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping

    Doc = Dict[str, Any]


def spread(words: List[str], plan: Doc, env: Mapping[str, str]) -> List[str]:
    """`python X` as N processes: the launcher's own command around our per-rank shim."""
    launcher, nodes, each = str(plan["launcher"]), int(plan["nodes"]), int(plan["processes_per_node"])
    if not os.path.basename(words[0]).startswith("python"):
        raise StepError(
            BAD_INPUT, "distributed.launcher %s needs a command that starts with python, not %r" % (launcher, words[0])
        )
    if plan.get("fit_gpus"):
        each = max(1, min(each, len([n for n in os.listdir("/dev") if n[:6] == "nvidia" and n[6:].isdigit()])))
    shim = [
        sys.executable or "python3",
        "-S",
        os.path.join(os.path.dirname(os.path.abspath(__file__)), "step.py"),
        "rank",
        *words,
    ]
    if launcher == "torchrun":
        restarts = ["--max-restarts=%d" % int(plan.get("max_restarts", 0)), "--no-python"]
        if nodes == 1:
            return ["torchrun", "--standalone", "--nnodes=1", "--nproc-per-node=%d" % each, *restarts, *shim]
        if env.get("PET_NNODES"):
            return ["torchrun", *restarts, *shim]
        place = "%s:%s" % (env.get("MASTER_ADDR", "localhost"), env.get("MASTER_PORT", "29500"))
        meeting = ["--rdzv-backend=c10d", "--rdzv-endpoint=" + place, "--rdzv-id=" + env.get("MLWRIGHT_RUN", "run")]
        # torchrun would look whether the endpoint's name is its own, which it cannot see of `<job>-0.<service>`.
        meeting.append("--rdzv-conf=is_host=%d" % (node_rank(env) == 0))
        count = ["--nnodes=%d" % nodes, "--node-rank=%d" % node_rank(env), "--nproc-per-node=%d" % each]
        return ["torchrun", *count, *meeting, *restarts, *shim]
    if launcher == "mpirun":
        passed = [w for k in sorted(env) if k.startswith(("ML", "PYTHON")) for w in ("-x", k)] if nodes > 1 else []
        return ["mpirun", "-np", str(nodes * each), *passed, *shim]
    if launcher == "deepspeed":
        return ["deepspeed", "--no_python", "--num_gpus=%d" % each, *shim]
    if launcher == "accelerate":
        count = ["--num_processes=%d" % (nodes * each), "--num_machines=%d" % nodes]
        if nodes > 1:
            count += ["--machine_rank=%d" % node_rank(env), "--main_process_ip=" + env.get("MASTER_ADDR", "localhost")]
            count += ["--main_process_port=" + env.get("MASTER_PORT", "29500")]
        return ["accelerate", "launch", "--no_python", *count, *shim]
    raise StepError(BAD_INPUT, "unknown distributed.launcher %r" % launcher)


def node_rank(env: Mapping[str, str]) -> int:
    """Which node of a distributed job this container is; 0 is the only one that has a run."""
    for name in ("PET_NODE_RANK", "RANK", "JOB_COMPLETION_INDEX"):
        if env.get(name, "").isdigit():
            return int(env[name])
    return 0


def untracked(env: Dict[str, str], rank: str) -> None:
    """Logging of ranks other than 0 goes to a folder that nobody reads instead of crashing."""
    import tempfile

    for name in ("MLFLOW_RUN_ID", "MLFLOW_RUN_CONTEXT", "MLWRIGHT_AUTOLOG", "MLFLOW_EXPERIMENT_NAME"):
        env.pop(name, None)
    env["MLFLOW_TRACKING_URI"] = "file://" + os.path.join(tempfile.gettempdir(), "mlwright-rank-" + rank)
    env["MLFLOW_ALLOW_FILE_STORE"] = "true"


def be_rank(words: List[str]) -> int:
    """The shim: becomes one rank of a distributed command."""
    env = environment()
    names = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID", "LOCAL_RANK")
    rank = next((env[n] for n in names if env.get(n)), "0")
    autolog = env.pop("MLWRIGHT_RANK_AUTOLOG", "")
    if rank != "0":
        untracked(env, rank)
    elif autolog:
        env["MLWRIGHT_AUTOLOG"] = autolog
    try:
        os.execvpe(raw(words[0]), [raw(w) for w in words], {raw(k): raw(v) for k, v in env.items()})
    except OSError as error:
        say("cannot start %r: %s" % (words[0], error))
        return 127

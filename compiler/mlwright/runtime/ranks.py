"""Distributed commands: `python X` as N processes, of which only rank 0 sees the tracking server."""

from __future__ import annotations

import os
import re
import sys

from values import BAD_INPUT, StepError, environment, raw, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Tuple

    Doc = Dict[str, Any]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
OWN = ("HOSTNAME", "PWD", "OLDPWD", "SHLVL", "_", "JOB_COMPLETION_INDEX", "MLWRIGHT_NODE_RANK")
OWN_TO = ("OMPI_", "PMIX_", "PRTE_", "KUBERNETES_")
"""Variables of one host, which the others must not get."""
SSH_ARGUMENTS = ("OMPI_MCA_plm_rsh_args", "PRTE_MCA_plm_ssh_args")
"""How Open MPI 4 and 5 are told of the arguments of ssh."""


def spread(words: List[str], plan: Doc, env: Mapping[str, str]) -> List[str]:
    """`python X` as N processes: the launcher's own command around our per-rank shim."""
    launcher, nodes, each = str(plan["launcher"]), int(plan["nodes"]), int(plan["processes_per_node"])
    if launcher != "mpirun" and not os.path.basename(words[0]).startswith("python"):
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
        if env.get("PET_RDZV_BACKEND") or (env.get("PET_NNODES") and not plan.get("max_restarts")):
            return ["torchrun", *restarts, *shim]
        # Only this way do all nodes start again when one does.
        meeting = ["--rdzv-backend=c10d", "--rdzv-endpoint=%s:%s" % _first(env)]
        meeting.append("--rdzv-id=" + env.get("MLWRIGHT_RUN", "run"))
        # torchrun would look whether the endpoint's name is its own, which it cannot see of `<job>-0.<service>`.
        meeting.append("--rdzv-conf=is_host=%d" % (node_rank(env) == 0))
        count = ["--nnodes=%d" % nodes, "--node-rank=%d" % node_rank(env), "--nproc-per-node=%d" % each]
        return ["torchrun", *count, *meeting, *restarts, *shim]
    if launcher == "mpirun" or over_hosts(plan):
        return _mpirun(nodes, each, env, shim)
    if launcher == "deepspeed":
        return ["deepspeed", "--no_python", "--num_gpus=%d" % each, *shim]
    if launcher == "accelerate":
        count = ["--num_processes=%d" % (nodes * each), "--num_machines=%d" % nodes]
        if nodes > 1:
            address, port = _first(env)
            count += ["--machine_rank=%d" % node_rank(env), "--main_process_ip=" + address]
            count += ["--main_process_port=" + port]
        return ["accelerate", "launch", "--no_python", *count, *shim]
    raise StepError(BAD_INPUT, "unknown distributed.launcher %r" % launcher)


def _first(env: Mapping[str, str]) -> Tuple[str, str]:
    """Where the nodes meet: an address and a port."""
    address = env.get("PET_MASTER_ADDR") or env.get("MASTER_ADDR") or "localhost"
    return address, env.get("PET_MASTER_PORT") or env.get("MASTER_PORT") or "29500"


def _mpirun(nodes: int, each: int, env: Mapping[str, str], shim: List[str]) -> List[str]:
    """Processes on all hosts, those of this one first: rank 0 writes the outputs here, where they are collected. They
    get the environment of the step, which a log-in would not give them."""
    words = ["mpirun", "-np", str(nodes * each)]
    if nodes == 1:
        return [*words, *shim]
    listed = env.get("OMPI_MCA_orte_default_hostfile", "")
    if listed:
        words += ["--hostfile", _hosts(listed, each)]
    for name in sorted(env):
        if NAME.match(name) and name not in OWN and not name.startswith(OWN_TO):
            words += ["-x", name]
    if env.get("MLWRIGHT_SSH"):
        keys = "-i %s/id_rsa -p 2222 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null" % env["MLWRIGHT_SSH"]
        tries = " -o ConnectionAttempts=30 -o LogLevel=ERROR"
        words = ["env", *("%s=%s%s" % (name, keys, tries) for name in SSH_ARGUMENTS), *words]
    return [*words, *shim]


def _hosts(listed: str, each: int) -> str:
    """A copy of a list of hosts that begins with this one, which an operator may have left out."""
    import socket
    import tempfile

    with open(listed, encoding="utf-8") as stream:
        names = [line.split()[0] for line in stream if line.strip() and not line.startswith("#")]
    me = socket.gethostname()
    mine = [name for name in names if name.split(".")[0] == me.split(".")[0]] or [me]
    handle, path = tempfile.mkstemp(prefix="mlwright-hosts-")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.writelines("%s slots=%d\n" % (name, each) for name in mine + [n for n in names if n not in mine])
    return path


def node_rank(env: Mapping[str, str]) -> int:
    """Which node of a distributed job this container is; 0 is the only one that has a run."""
    for name in ("MLWRIGHT_NODE_RANK", "PET_NODE_RANK", "RANK", "JOB_COMPLETION_INDEX"):
        if env.get(name, "").isdigit():
            return int(env[name])
    return 0


def over_hosts(plan: Doc) -> bool:
    """Whether processes start on hosts that have no launcher of their own."""
    return int(plan.get("nodes") or 1) > 1 and plan.get("launcher") in ("mpirun", "deepspeed")


def here(place: str) -> str:
    """`host:port` with this host's own address: Paddle's first node looks for that, and not for its name."""
    import socket

    try:
        return "%s:%s" % (socket.gethostbyname(socket.gethostname()), place.rpartition(":")[2])
    except OSError:
        return place


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
    if "MLWRIGHT_MPI_FOLDER" in env:
        from peer import arrive

        try:
            arrive(env)
        except StepError as problem:
            say(str(problem))
            return problem.code
    if rank != "0":
        untracked(env, rank)
    elif autolog:
        env["MLWRIGHT_AUTOLOG"] = autolog
    try:
        os.execvpe(raw(words[0]), [raw(w) for w in words], {raw(k): raw(v) for k, v in env.items()})
    except OSError as error:
        say("cannot start %r: %s" % (words[0], error))
        return 127

"""Distributed commands: who starts the ranks, and which of them sees the tracking server."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FAKE = """#!/bin/sh
# Stands in for torchrun and its like: starts the command three times with RANK set.
echo "${0##*/} $*" > "$CALL"
while [ "${1#-}" != "$1" ] || [ "$1" = launch ]; do
  case $1 in -np) shift;; esac
  shift
done
for rank in 0 1 2; do RANK=$rank "$@" || exit 1; done
"""

MPIRUN = """#!/bin/sh
# Stands in for mpirun on several hosts: shows what it was told.
{ cat "$4"; echo ---; echo "$*"; echo ---; echo "$OMPI_MCA_plm_rsh_args"; } > "$CALL"
"""

SHOW = """
    import json, os, sys
    names = ("RANK", "MLFLOW_RUN_ID", "MLFLOW_TRACKING_URI", "MLFLOW_ALLOW_FILE_STORE")
    with open(os.environ["MLWRIGHT_OUTPUT_RANKS"], "a") as stream:
        stream.write(json.dumps({n: os.environ.get(n, "") for n in names} | {"argv": sys.argv[1:]}) + "\\n")
"""


def spread(pipeline: Any, launcher: str, **plan: Any) -> Any:
    bin = pipeline.folder / "bin"
    bin.mkdir()
    (bin / launcher).write_text(FAKE)
    (bin / launcher).chmod(0o755)
    distributed = {"nodes": 1, "processes_per_node": 3, "launcher": launcher, "max_restarts": 2} | plan
    document = pipeline.document(
        "train", program=SHOW, args=[["a b"]], distributed=distributed, outputs={"ranks": {"type": "string"}}
    )
    path = f"{bin}:{pipeline.env()['PATH']}"
    return pipeline.launch(document, PATH=path, CALL=str(pipeline.folder / "call"))


@pytest.mark.parametrize(("index", "host"), [("0", 1), ("1", 0)])
def test_the_first_of_several_nodes_is_told_that_the_others_meet_at_it(pipeline: Any, index: str, host: int) -> None:
    pipeline.environment |= {"JOB_COMPLETION_INDEX": index, "MASTER_ADDR": "run-t-0.run-t", "MASTER_PORT": "29500"}
    ended = spread(pipeline, "torchrun", nodes=2)
    assert ended.code == 0, ended.err
    called = (pipeline.folder / "call").read_text()
    assert f"--nnodes=2 --node-rank={index} --nproc-per-node=3 --rdzv-backend=c10d" in called
    assert f"--rdzv-endpoint=run-t-0.run-t:29500 --rdzv-id={pipeline.run} --rdzv-conf=is_host={host}" in called


@pytest.mark.parametrize(
    ("restarts", "more", "called"),
    [
        (0, {}, "torchrun --max-restarts=0 --no-python "),
        (
            2,
            {"PET_MASTER_ADDR": "t-node-0-0.t", "PET_MASTER_PORT": "29500"},
            "torchrun --nnodes=2 --node-rank=0 --nproc-per-node=3 --rdzv-backend=c10d --rdzv-endpoint=t-node-0-0.t:",
        ),
        (2, {"PET_RDZV_BACKEND": "c10d"}, "torchrun --max-restarts=2 --no-python "),
    ],
    ids=["as Trainer says", "Trainer cannot start all again", "as an elastic PyTorchJob says"],
)
def test_torchrun_goes_by_what_an_operator_says_unless_the_group_would_not_start_again(
    pipeline: Any, restarts: int, more: dict[str, str], called: str
) -> None:
    pipeline.environment |= {"PET_NNODES": "2", "PET_NPROC_PER_NODE": "3", "PET_NODE_RANK": "0", **more}
    ended = spread(pipeline, "torchrun", nodes=2, max_restarts=restarts)
    assert ended.code == 0, ended.err
    assert (pipeline.folder / "call").read_text().startswith(called)


@pytest.mark.parametrize("launcher", ["mpirun", "deepspeed"])
def test_mpirun_starts_on_this_host_first_and_passes_the_environment(pipeline: Any, launcher: str) -> None:
    listed = pipeline.folder / "hostfile"
    listed.write_text(f"other-0.svc slots=9\n{socket.gethostname()}.svc slots=9\n\nother-1.svc slots=9\n")
    pipeline.environment |= {
        "OMPI_MCA_orte_default_hostfile": str(listed),
        "MLWRIGHT_SSH": "/keys",
        "TOKEN_OF_MINE": "x",
    }
    bin = pipeline.folder / "tools"
    bin.mkdir()
    (bin / "mpirun").write_text(MPIRUN)
    (bin / "mpirun").chmod(0o755)
    pipeline.environment["PATH"] = f"{bin}:{pipeline.env()['PATH']}"
    distributed = {"nodes": 3, "processes_per_node": 2, "launcher": launcher, "max_restarts": 0}
    document = pipeline.document("train", program="pass", distributed=distributed)
    ended = pipeline.launch(document, CALL=str(pipeline.folder / "call"))
    assert ended.code == 0, ended.err
    hosts, words, ssh = (pipeline.folder / "call").read_text().split("---\n")
    me = f"{socket.gethostname()}.svc"
    assert hosts.splitlines() == [f"{name} slots=2" for name in (me, "other-0.svc", "other-1.svc")]
    assert words.startswith("-np 6 --hostfile ")
    passed = re.findall(r"-x (\w+)", words)
    assert {"TOKEN_OF_MINE", "PATH", "MLFLOW_RUN_ID", "MLWRIGHT_RUN"} <= set(passed)
    assert not {"HOSTNAME", "PWD", "OMPI_MCA_orte_default_hostfile"} & set(passed)
    assert ssh.startswith("-i /keys/id_rsa -p 2222 ")


HOSTS = """#!/bin/sh
# Stands in for mpirun on two hosts: the second has nothing of what the first one's launcher has fetched.
while [ "${1#-}" != "$1" ]; do case $1 in -np|-x|--hostfile) shift;; esac; shift; done
RANK=0 "$@" || exit 1
mv "$MLWRIGHT_MPI_FOLDER" "$MLWRIGHT_MPI_FOLDER.first"
RANK=1 "$@" && RANK=2 "$@" || exit 1
rm -r "$MLWRIGHT_MPI_FOLDER"
mv "$MLWRIGHT_MPI_FOLDER.first" "$MLWRIGHT_MPI_FOLDER"
"""


def test_other_hosts_of_mpirun_find_what_the_step_reads(pipeline: Any) -> None:
    bin = pipeline.folder / "tools"
    bin.mkdir()
    (bin / "mpirun").write_text(HOSTS)
    (bin / "mpirun").chmod(0o755)
    make = "import sys; open(sys.argv[1], 'w').write('made before')"
    made = pipeline.document(
        "make", program=make, args=[[{"ref": "outputs.table"}]], outputs={"table": {"type": "file"}}
    )
    assert pipeline.launch(made).code == 0
    reads = """
        import os, sys
        lent = [name for name in os.environ if name.startswith(("MLWRIGHT_SECRET_", "MLWRIGHT_MPI_"))]
        print(os.environ["RANK"], open(sys.argv[1]).read(), os.path.isdir(os.path.dirname(sys.argv[2])), lent)
        if os.environ["RANK"] == "0":
            open(sys.argv[2], "w").write("x")
    """
    document = pipeline.document(
        "train",
        program=reads,
        args=[[{"ref": "steps.make.outputs.table"}], [{"ref": "outputs.model"}]],
        inputs={"steps.make.outputs.table": {"step": "steps.make", "output": "table", "type": "file"}},
        outputs={"model": {"type": "file"}},
        secret_keys={"lake": ["KEY"]},
        distributed={"nodes": 2, "processes_per_node": 2, "launcher": "mpirun", "max_restarts": 0},
    )
    ended = pipeline.launch(document, PATH=f"{bin}:{pipeline.env()['PATH']}", MLWRIGHT_SECRET_LAKE_KEY="k")
    assert ended.code == 0, ended.err
    assert ended.out.decode().splitlines() == [f"{rank} made before True []" for rank in range(3)]


def test_mpirun_starts_other_programs_than_python(pipeline: Any) -> None:
    plan = {"nodes": 1, "processes_per_node": 2, "launcher": "mpirun", "max_restarts": 0}
    bin = pipeline.folder / "tools"
    bin.mkdir()
    (bin / "mpirun").write_text(FAKE)
    (bin / "mpirun").chmod(0o755)
    document = pipeline.document("train", command={"argv": [["sh"], ["-c"], ["echo $RANK"]]}, distributed=plan)
    ended = pipeline.launch(document, PATH=f"{bin}:{pipeline.env()['PATH']}", CALL=str(pipeline.folder / "call"))
    assert (ended.code, ended.out.split()) == (0, [b"0", b"1", b"2"])


@pytest.mark.parametrize(
    ("variables", "leads"),
    [
        ({"MLWRIGHT_NODE_RANK": "0", "RANK": "3"}, True),
        ({"MLWRIGHT_NODE_RANK": "1", "JOB_COMPLETION_INDEX": "0"}, False),
        ({"PET_NODE_RANK": "0", "JOB_COMPLETION_INDEX": "0"}, True),
        ({"RANK": "2", "WORLD_SIZE": "3"}, False),
        ({"JOB_COMPLETION_INDEX": "4"}, False),
        ({}, True),
    ],
)
def test_one_node_leads_under_every_operator(pipeline: Any, variables: dict[str, str], leads: bool) -> None:
    distributed = {"nodes": 2, "processes_per_node": 1, "launcher": "none", "max_restarts": 0}
    ended = pipeline.launch(pipeline.document("train", program="pass", distributed=distributed), **variables)
    assert ended.code == 0, ended.err
    assert len(pipeline.runs(step="steps.train")) == int(leads)


@pytest.mark.parametrize(
    ("launcher", "call"),
    [
        ("torchrun", "torchrun --standalone --nnodes=1 --nproc-per-node=3 --max-restarts=2 --no-python "),
        ("mpirun", "mpirun -np 3 "),
        ("deepspeed", "deepspeed --no_python --num_gpus=3 "),
        ("accelerate", "accelerate launch --no_python --num_processes=3 --num_machines=1 "),
    ],
)
def test_only_rank_0_sees_the_tracking_server(pipeline: Any, launcher: str, call: str) -> None:
    ended = spread(pipeline, launcher)
    assert ended.code == 0, ended.err
    run = pipeline.only(step="steps.train")
    shown = json.loads(run["tags"]["mlwright.output.ranks"])["value"].splitlines()
    ranks = [json.loads(line) for line in shown]
    assert [r["argv"] for r in ranks] == [["a b"]] * 3
    assert [r["MLFLOW_RUN_ID"] for r in ranks] == [run["id"], "", ""]
    assert ranks[0]["MLFLOW_TRACKING_URI"] == pipeline.address
    assert all(r["MLFLOW_TRACKING_URI"].startswith("file:///") for r in ranks[1:])
    assert all(r["MLFLOW_ALLOW_FILE_STORE"] == "true" for r in ranks[1:])
    assert (pipeline.folder / "call").read_text().startswith(call)


def test_a_process_per_gpu_that_is_there_and_at_least_one(pipeline: Any) -> None:
    assert spread(pipeline, "torchrun", fit_gpus=True).code == 0
    there = len([n for n in os.listdir("/dev") if re.fullmatch("nvidia[0-9]+", n)])
    assert f" --nproc-per-node={max(1, min(3, there))} " in (pipeline.folder / "call").read_text()


def test_other_nodes_make_no_run(pipeline: Any) -> None:
    document = pipeline.document(
        "train",
        command={"argv": [["sh"], ["-c"], ['echo "$MLFLOW_TRACKING_URI$MLFLOW_RUN_ID"']]},
        distributed={"nodes": 2, "processes_per_node": 1, "launcher": "none", "max_restarts": 0},
    )
    ended = pipeline.launch(document, JOB_COMPLETION_INDEX="1")
    assert ended.code == 0, ended.err
    assert ended.out.startswith(b"file:///")
    assert pipeline.runs(step="steps.train") == []
    assert pipeline.launch(document, JOB_COMPLETION_INDEX="0").out.decode().startswith(pipeline.address)


@pytest.mark.parametrize("command", [{"argv": [["./train.sh"]]}, {"script": "python train.py"}])
def test_what_does_not_start_with_python_cannot_be_spread(pipeline: Any, command: dict[str, Any]) -> None:
    plan = {"nodes": 1, "processes_per_node": 2, "launcher": "torchrun", "max_restarts": 0}
    ended = pipeline.launch(pipeline.document("train", command=command, distributed=plan))
    assert ended.code == 64
    assert "python" in ended.err
    assert pipeline.only(step="steps.train")["status"] == "FAILED"


def test_a_rank_whose_program_is_missing_says_so(pipeline: Any) -> None:
    step = Path(__file__).parents[3] / "compiler" / "mlwright" / "runtime" / "step.py"
    words = [sys.executable, "-S", str(step), "rank", "no-such-program"]
    done = subprocess.run(words, capture_output=True, text=True, env=pipeline.env(), check=False)
    assert (done.returncode, "cannot start 'no-such-program'" in done.stderr) == (127, True)


@pytest.mark.parametrize(("index", "first"), [("0", True), ("1", False)])
def test_the_first_node_of_paddle_is_told_its_own_address(pipeline: Any, index: str, first: bool) -> None:
    named = {"MLWRIGHT_JOBSET": "j", "PADDLE_MASTER": "j-node-0-0.j:29500", "JOB_COMPLETION_INDEX": index}
    document = pipeline.document(
        "train",
        command={"argv": [["sh"], ["-c"], ["echo $PADDLE_MASTER"]]},
        distributed={"nodes": 2, "processes_per_node": 1, "launcher": "none", "max_restarts": 0},
    )
    own = f"{socket.gethostbyname(socket.gethostname())}:29500"
    assert pipeline.launch(document, **named).out.decode().strip() == (own if first else "j-node-0-0.j:29500")

"""Distributed commands: who starts the ranks, and which of them sees the tracking server."""

from __future__ import annotations

import json
import os
import re
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

"""Metrics: matched in what the program prints or writes, re-printed, logged, reduced."""

from __future__ import annotations

import time
from typing import Any

import pytest


def history(pipeline: Any, run: str, metric: str) -> list[float]:
    answer = pipeline.rest("GET", "metrics/get-history", run_id=run, metric_key=metric)
    return [m["value"] for m in sorted(answer["metrics"], key=lambda m: m["step"])]


def test_every_match_is_logged_in_order_and_reduced(pipeline: Any) -> None:
    metrics = {
        "auc": {"goal": "maximize", "pattern": r"auc is (\S+)", "reduce": "best"},
        "loss": {"goal": "minimize", "pattern": r"loss is (\S+)", "reduce": "best"},
        "lr": {"pattern": r"lr is (\S+)", "reduce": "last"},
    }
    program = """
        import sys
        for auc, loss in ((0.5, 3), (0.9, 1), (0.7, 2)):
            print("epoch: auc is", auc, "and loss is", loss)
        print("lr is 1e-3", file=sys.stderr)
        print("auc is unknown")
    """
    ended = pipeline.launch(pipeline.document("train", program=program, metrics=metrics))
    assert ended.code == 0
    assert ended.status["metrics"] == {"auc": 0.9, "loss": 1.0, "lr": 0.001}
    run = pipeline.only(step="steps.train")
    assert history(pipeline, run["id"], "auc") == [0.5, 0.9, 0.7]
    assert "auc=0.5\nloss=3.0\n" in ended.out.decode()
    assert "the pattern matched 'unknown', which is not a number" in ended.err


def test_the_programs_own_output_is_copied_byte_for_byte(pipeline: Any) -> None:
    program = r"""
        import sys
        sys.stdout.buffer.write(b"\x00\xff\r\n 10%\r 20%\r" + b"x" * 200000 + b"\nno newline at the end")
    """
    metrics = {"m": {"pattern": "m: (.*)"}}
    ended = pipeline.launch(pipeline.document("bytes", program=program, metrics=metrics))
    assert ended.out == b"\x00\xff\r\n 10%\r 20%\r" + b"x" * 200000 + b"\nno newline at the end"


@pytest.mark.parametrize(
    ("printed", "repeated", "value"),
    [
        ("auc=0.5", "", 0.5),
        ("auc = 0.50", "auc=0.5\n", 0.5),
        ("val_auc=0.5", "", None),
        ("auc=high", "", None),
        ("auc=0.5.1", "", None),
    ],
)
def test_without_a_pattern_name_equals_value_is_a_metric(
    pipeline: Any, printed: str, repeated: str, value: float | None
) -> None:
    document = pipeline.document("p", command={"argv": [["echo"], [printed]]}, metrics={"auc": {"goal": "maximize"}})
    ended = pipeline.launch(document)
    assert ended.out.decode() == f"{printed}\n{repeated}"
    assert ended.status["metrics"].get("auc") == value


def test_only_the_first_4_kib_of_a_line_are_searched(pipeline: Any) -> None:
    program = "print('x' * 4090 + ' m: 1'); print('x' * 4080 + ' m: 2')"
    ended = pipeline.launch(pipeline.document("long", program=program, metrics={"m": {"pattern": r"m: (\d)"}}))
    assert ended.status["metrics"] == {"m": 2.0}


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("text", "start\\nauc=0.5\\nauc=0.7"),
        ("json", '{"epoch": 0, "auc": 0.5}\\nnot json\\n{"auc": "0.7", "other": 1}\\n'),
    ],
)
def test_metrics_are_read_from_a_growing_file(pipeline: Any, form: str, text: str) -> None:
    path = pipeline.folder / "log.txt"
    path.write_text("auc=9\n")
    document = pipeline.document(
        "file",
        command={"script": f"printf '{text}' >> {path}; echo auc=5"},
        metrics={"auc": {"goal": "maximize", "reduce": "last"}},
        metrics_from={"type": "file", "path": str(path), "format": form},
    )
    ended = pipeline.launch(document)
    assert ended.status["metrics"] == {"auc": 0.7}
    assert history(pipeline, ended.status["run_id"], "auc") == [0.5, 0.7]


def test_a_program_that_prints_much_is_not_slowed(pipeline: Any) -> None:
    program = "import sys\nfor i in range(200000): sys.stdout.write('step %d loss: %f\\n' % (i, 1.0 / (i + 1)))"
    document = pipeline.document("loud", program=program, metrics={"auc": {"pattern": r"auc: (\S+)"}})
    begin = time.monotonic()
    ended = pipeline.launch(document)
    assert ended.out.count(b"\n") == 200000
    assert time.monotonic() - begin < 15


def test_a_pattern_that_is_none_is_refused(pipeline: Any) -> None:
    document = pipeline.document("p", command={"argv": [["true"]]}, metrics={"m": {"pattern": "("}})
    ended = pipeline.launch(document)
    assert (ended.code, "metrics.m.pattern is not a pattern" in ended.err) == (64, True)

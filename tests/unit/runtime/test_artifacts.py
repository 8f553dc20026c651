"""Outputs, inputs and data: uploaded, found by tags, fetched, held to their digests."""

from __future__ import annotations

import hashlib
import http.server
import json
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest

RUNTIME = Path(__file__).parents[3] / "compiler" / "mlwright" / "runtime"


def produce(pipeline: Any, script: str, name: str = "make", **outputs: str) -> Any:
    """Launches a step whose script writes these outputs."""
    declared = {n: {"type": t} for n, t in outputs.items()}
    return pipeline.launch(pipeline.document(name, command={"script": script}, outputs=declared))


def consume(pipeline: Any, script: str, **inputs: dict[str, Any]) -> Any:
    """Launches a step that reads inputs (`out=...` is `steps.make.outputs.out`) and prints."""
    declared = {f"steps.make.outputs.{n}": {"step": "steps.make", "output": n} | i for n, i in inputs.items()}
    return pipeline.launch(pipeline.document("use", command={"script": script}, inputs=declared))


def record(pipeline: Any, name: str, step: str = "steps.make") -> dict[str, Any]:
    return dict(json.loads(pipeline.only(step=step)["tags"][f"mlwright.output.{name}"]))


def test_a_file_travels_with_its_digest(pipeline: Any) -> None:
    assert produce(pipeline, 'printf hello > "$MLWRIGHT_OUTPUT_T"', t="dataset").code == 0
    assert record(pipeline, "t") == {"kind": "file", "digest": "sha256:" + hashlib.sha256(b"hello").hexdigest()}
    ended = consume(pipeline, 'cat "$MLWRIGHT_INPUT_MAKE_T"', t={"type": "dataset"})
    assert (ended.code, ended.out) == (0, b"hello")


def test_a_folder_travels_with_empty_folders_and_odd_names(pipeline: Any) -> None:
    script = 'mkdir -p "$MLWRIGHT_OUTPUT_D/a b/c" "$MLWRIGHT_OUTPUT_D/empty"; cd "$MLWRIGHT_OUTPUT_D"; '
    script += "printf 1 > 'a b/c/é #1%20+.txt'; printf 2 > top; : > void"
    assert produce(pipeline, script, d="directory").code == 0
    assert record(pipeline, "d")["kind"] == "dir"
    show = 'cd "$MLWRIGHT_INPUT_MAKE_D"; find . -mindepth 1 | LC_ALL=C sort; cat a*/c/*'
    ended = consume(pipeline, show, d={"type": "directory"})
    assert ended.code == 0, ended.err
    names = ["./a b", "./a b/c", "./a b/c/é #1%20+.txt", "./empty", "./top", "./void"]
    assert ended.out.decode().splitlines() == [*names, "1"]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", "12\n", 12),
        ("float", "1e-5", 1e-05),
        ("bool", "true", True),
        ("string", "two\nlines\n", "two\nlines"),
        ("json", '{"a": [1]}', {"a": [1]}),
    ],
)
def test_a_value_is_read_by_its_type_and_passed_as_text(pipeline: Any, kind: str, text: str, value: Any) -> None:
    assert produce(pipeline, f"printf '{text}' > \"$MLWRIGHT_OUTPUT_V\"", v=kind).code == 0
    assert record(pipeline, "v")["value"] == value
    ended = consume(pipeline, 'printf %s "$MLWRIGHT_INPUT_MAKE_V"', v={"type": kind})
    shown = {"int": "12", "float": "1e-05", "bool": "true", "string": "two\nlines", "json": '{"a":[1]}'}
    assert ended.out.decode() == shown[kind]


@pytest.mark.parametrize(
    ("kind", "script", "said"),
    [
        ("int", "echo many > $MLWRIGHT_OUTPUT_V", "the output v must be a whole number, not 'many'"),
        ("json", "echo '{' > $MLWRIGHT_OUTPUT_V", "the output v must be JSON"),
        ("dataset", "true", "the declared output v is missing"),
        ("file", "mkdir $MLWRIGHT_OUTPUT_V", "must be a file"),
        ("directory", "touch $MLWRIGHT_OUTPUT_V", "must be a folder"),
        ("mlflow-model", "mkdir $MLWRIGHT_OUTPUT_V", "has no MLmodel file"),
        ("dataset", "mkdir $MLWRIGHT_OUTPUT_V; ln -s / $MLWRIGHT_OUTPUT_V/root", "is a link to a folder"),
        ("dataset", "mkfifo $MLWRIGHT_OUTPUT_V", "is neither a file nor a folder"),
    ],
)
def test_an_output_that_is_not_as_declared_fails_with_65(pipeline: Any, kind: str, script: str, said: str) -> None:
    ended = produce(pipeline, script, v=kind)
    assert ended.code == 65
    assert said in ended.err
    assert pipeline.only(step="steps.make")["status"] == "FAILED"


def test_an_output_above_max_proxied_names_the_way_out(pipeline: Any) -> None:
    document = pipeline.document(
        "big",
        command={"script": 'head -c 2000 /dev/zero > "$MLWRIGHT_OUTPUT_B"'},
        outputs={"b": {"type": "file"}},
        artifacts={"type": "mlflow", "max_proxied": 1000},
    )
    ended = pipeline.launch(document)
    assert ended.code == 65
    assert "above max_proxied" in ended.err
    assert "storage.artifacts" in ended.err


def test_an_input_whose_step_never_ran_is_said_with_66(pipeline: Any) -> None:
    ended = consume(pipeline, "true", t={"type": "dataset"})
    assert ended.code == 66
    assert "steps.make has no finished run in pipeline run " + pipeline.run in ended.err


def test_an_artifact_that_was_changed_is_refused(pipeline: Any) -> None:
    assert produce(pipeline, 'printf hello > "$MLWRIGHT_OUTPUT_T"', t="dataset").code == 0
    run = pipeline.only(step="steps.make")["id"]
    changed = {"run_id": run, "key": "mlwright.output.t", "value": '{"kind":"file","digest":"sha256:00"}'}
    pipeline.rest("POST", "runs/set-tag", changed)
    ended = consume(pipeline, "true", t={"type": "dataset"})
    assert ended.code == 66
    assert "does not have the expected digest" in ended.err


def test_a_folder_of_artifacts_is_shared_without_copies(pipeline: Any) -> None:
    store = {"type": "directory", "path": str(pipeline.folder / "shared")}
    made = pipeline.document(
        "make",
        command={"script": 'mkdir "$MLWRIGHT_OUTPUT_D"; printf 1 > "$MLWRIGHT_OUTPUT_D/x"'},
        outputs={"d": {"type": "directory"}},
        artifacts=store,
    )
    assert pipeline.launch(made).code == 0
    used = pipeline.document(
        "use",
        command={"script": 'echo "$MLWRIGHT_INPUT_MAKE_D"; cat "$MLWRIGHT_INPUT_MAKE_D/x"'},
        inputs={"steps.make.outputs.d": {"step": "steps.make", "output": "d", "type": "directory"}},
        artifacts=store,
    )
    ended = pipeline.launch(used)
    assert ended.code == 0, ended.err
    assert ended.out.decode().startswith(store["path"])
    assert ended.out.endswith(b"\n1")


MODEL = """
    mkdir "$MLWRIGHT_OUTPUT_M" && cd "$MLWRIGHT_OUTPUT_M"
    printf 'flavors: {python_function: {loader_module: nothing}}\\n' > MLmodel
    mkdir data && printf weights > data/model.bin
"""


def test_a_model_is_logged_and_fetched_by_id(pipeline: Any) -> None:
    assert produce(pipeline, MODEL, m="mlflow-model").code == 0
    made = record(pipeline, "m")
    info = pipeline.rest("GET", f"logged-models/{made['model_id']}")["model"]["info"]
    assert (info["status"], info["source_run_id"]) == ("LOGGED_MODEL_READY", pipeline.only(step="steps.make")["id"])
    ended = consume(pipeline, 'cat "$MLWRIGHT_INPUT_MAKE_M/data/model.bin"', m={"type": "mlflow-model"})
    assert (ended.code, ended.out) == (0, b"weights")
    target = pipeline.folder / "fetched"
    words = [sys.executable, "-S", str(RUNTIME / "step.py"), "fetch", f"models:/{made['model_id']}", str(target)]
    assert subprocess.run([*words, made["digest"]], env=pipeline.env(), check=False).returncode == 0
    assert (target / "data" / "model.bin").read_text() == "weights"
    wrong = subprocess.run([*words, "sha256:00"], env=pipeline.env(), capture_output=True, text=True, check=False)
    assert (wrong.returncode, "expected digest" in wrong.stderr) == (66, True)


def test_fetching_a_model_that_does_not_exist_is_said_with_66(pipeline: Any) -> None:
    words = [sys.executable, "-S", str(RUNTIME / "step.py"), "fetch", "models:/m-00", str(pipeline.folder / "x")]
    done = subprocess.run(words, env=pipeline.env(), capture_output=True, text=True, check=False)
    assert done.returncode == 66
    assert "Traceback" not in done.stderr


def test_data_is_a_path_a_download_or_an_address(pipeline: Any) -> None:
    (pipeline.folder / "www").mkdir()
    (pipeline.folder / "www" / "rows.csv").write_text("a,b\n")
    handler = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *a: handler(*a, directory=str(pipeline.folder / "www"))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/rows.csv"
        data = {
            "local": {"source": str(pipeline.folder / "www"), "access": "path"},
            "web": {"source": address, "access": "download"},
            "away": {"source": "s3://bucket/key", "access": "uri"},
        }
        script = 'ls "$MLWRIGHT_DATA_LOCAL"; basename "$MLWRIGHT_DATA_WEB"; cat "$MLWRIGHT_DATA_WEB"; '
        script += 'echo "$MLWRIGHT_DATA_AWAY"'
        ended = pipeline.launch(pipeline.document("read", command={"script": script}, data=data))
    finally:
        server.shutdown()
        server.server_close()
    assert ended.code == 0, ended.err
    assert ended.out == b"rows.csv\nrows.csv\na,b\ns3://bucket/key\n"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("/nowhere/at/all", "there is no file or folder /nowhere/at/all"),
        ("http://127.0.0.1:9/x", "cannot download"),
    ],
)
def test_data_that_cannot_be_had_is_said_with_66(pipeline: Any, source: str, said: str) -> None:
    data = {"d": {"source": source, "access": "download"}}
    ended = pipeline.launch(pipeline.document("read", command={"argv": [["true"]]}, data=data))
    assert ended.code == 66
    assert said in ended.err
    assert "Traceback" not in ended.err


FSSPEC = """
import os, types
class System:
    def find(self, path, detail): return {path: {"size": 4}}
    def isdir(self, path): return False
    def get(self, path, target, recursive):
        with open(target, "w") as stream: stream.write(os.environ["KEY"])
core = types.SimpleNamespace(url_to_fs=lambda url: (System(), url))
"""


def test_an_object_store_is_read_by_the_images_own_packages(pipeline: Any) -> None:
    packages = pipeline.folder / "packages"
    packages.mkdir()
    for name in ("fsspec", "mlflow"):
        (packages / f"{name}.py").write_text(f"raise ImportError('no {name}')")
    document = pipeline.document(
        "read",
        command={"script": 'cat "$MLWRIGHT_DATA_D"; echo "$MLWRIGHT_DATA_D_URI"'},
        data={"d": {"source": "gs://bucket/key", "access": "download", "secret": "lake"}},
        secret_keys={"lake": ["KEY"]},
    )
    given = {"PYTHONPATH": str(packages), "MLWRIGHT_SECRET_LAKE__KEY": "t0p"}
    ended = pipeline.launch(document, **given)
    assert ended.code == 66
    assert "cannot read gs://bucket/key: the image has no package that reads it (no fsspec; no mlflow)" in ended.err
    (packages / "fsspec.py").write_text(FSSPEC)
    ended = pipeline.launch(document, **given)
    assert (ended.code, ended.out) == (0, b"t0pgs://bucket/key\n"), ended.err


def cached(pipeline: Any, **env: str) -> Any:
    """A cached step that says when it really runs."""
    script = f'echo ran; echo "$MLWRIGHT_PARAM_X" > "$MLWRIGHT_OUTPUT_O"; touch {pipeline.folder}/ran'
    document = pipeline.document(
        "make",
        command={"script": script + "; echo m=0.5"},
        params={"x": {"type": "int", "default": 1}},
        outputs={"o": {"type": "dataset"}},
        metrics={"m": {"goal": "maximize"}},
        cache=True,
        image_digest=env.pop("digest", ""),
    )
    return pipeline.launch(document, **env)


def test_a_finished_step_is_not_run_again_in_the_same_pipeline_run(pipeline: Any) -> None:
    first = cached(pipeline)
    again = cached(pipeline)
    assert (again.code, again.out, again.status["status"]) == (0, b"", "cached")
    assert again.status["run_id"] == first.status["run_id"]
    assert cached(pipeline, MLWRIGHT_PARAM_X="2").out.startswith(b"ran")
    assert len(pipeline.runs(step="steps.make")) == 2


def test_an_equal_step_of_another_pipeline_run_is_linked(pipeline: Any) -> None:
    first = cached(pipeline, digest="sha256:aa")
    other = pipeline.another()
    again = cached(other, digest="sha256:aa")
    assert (again.out, again.status["status"], again.status["metrics"]) == (b"", "cached", {"m": 0.5})
    run = other.only(step="steps.make", run=other.run)
    assert run["tags"]["mlwright.cached_from"] == first.status["run_id"]
    assert (run["status"], run["metrics"], run["params"]) == ("FINISHED", {"m": 0.5}, {"x": "1"})
    assert json.loads(run["tags"]["mlwright.output.o"])["run_id"] == first.status["run_id"]
    ended = consume(other, 'cat "$MLWRIGHT_INPUT_MAKE_O"', o={"type": "dataset"})
    assert ended.out == b"1\n"


def test_another_image_or_code_is_another_result(pipeline: Any) -> None:
    cached(pipeline, digest="sha256:aa")
    assert cached(pipeline.another(), digest="sha256:bb").out.startswith(b"ran")
    cached(pipeline.another(), MLWRIGHT_CODE_DIGEST="c1")
    assert cached(pipeline.another(), MLWRIGHT_CODE_DIGEST="c1").out == b""


def test_without_a_digest_of_the_image_nothing_is_cached(pipeline: Any) -> None:
    cached(pipeline)
    assert cached(pipeline.another()).out.startswith(b"ran")


def test_a_cached_result_whose_files_are_gone_is_made_again(pipeline: Any) -> None:
    first = cached(pipeline, digest="sha256:aa")
    root = pipeline.rest("GET", "runs/get", run_id=first.status["run_id"])["run"]["info"]["artifact_uri"]
    path = root.split(":")[1] + "/mlwright/outputs/o"
    request = urllib.request.Request(f"{pipeline.address}/api/2.0/mlflow-artifacts/artifacts{path}", method="DELETE")
    urllib.request.urlopen(request).close()
    assert cached(pipeline.another(), digest="sha256:aa").out.startswith(b"ran")

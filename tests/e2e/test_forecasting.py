"""`examples/forecasting` for real: trained, gated, registered and served; then a night's forecasts, here and to S3."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

pytestmark = [pytest.mark.server, pytest.mark.slow]

EXAMPLE = Path(__file__).parents[2] / "examples" / "forecasting"
SPEC = yaml.safe_load((EXAMPLE / "mlproject.yaml").read_text(encoding="utf-8"))
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "other", "AWS_DEFAULT_REGION": "us-east-1"}


def run(folder: Path, *words: str, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={name: text for name, text in os.environ.items() if name != "MLFLOW_TRACKING_URI"} | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example in which the first version has been trained."""
    folder = tmp_path_factory.mktemp("projects") / "forecasting"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".mlwright", "manifests"))
    run(folder, "-m", "mlwright", "run", "--max-trials", "2")
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    """The folder of the registered model."""
    (found,) = (path.parent for path in (folder / ".mlwright" / "artifacts").rglob("models/**/MLmodel"))
    return found


@pytest.fixture(scope="module")
def table(folder: Path) -> Path:
    run(folder, "features.py", "--sales", "sample/sales.csv", "--horizons=[1,7]", "--out", "t.csv", "--rows", "n.txt")
    return folder / "t.csv"


def gate(name: str) -> float:
    return float(SPEC["evaluation"]["gates"][name]["min"])


def value(name: str, text: str) -> float:
    match = re.search(rf"\b{name}=(\S+)", text)
    assert match, text
    return float(match[1].rstrip(","))


def test_the_whole_life_cycle_succeeds_and_the_model_is_served(folder: Path) -> None:
    (summary,) = (json.loads(path.read_text()) for path in (folder / ".mlwright" / "runs").glob("*/summary.json"))
    states = {name: node["state"] for name, node in summary["nodes"].items()}
    assert set(states.values()) == {"finished"}
    assert {"steps.backtest", "tuning", "registry", "serving.online"} <= set(states)


def test_the_night_writes_the_days_that_are_planned(folder: Path) -> None:
    text = run(folder, "-m", "mlwright", "run", "--pipeline", "nightly")
    assert "steps.score  finished" in text
    rows = list(csv.DictReader((folder / ".mlwright" / "forecasts" / "2026-08-31.csv").open()))
    assert len(rows) == 3 * 14
    assert min(row["date"] for row in rows) == "2026-09-01"
    assert all(10 < float(row["units"]) < 500 for row in rows)


@pytest.fixture
def bucket() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


def test_forecasts_are_written_to_s3_too(folder: Path, model: Path, bucket: str) -> None:
    client = boto3.client(
        "s3", endpoint_url=bucket, aws_access_key_id="key", aws_secret_access_key="other", region_name="us-east-1"
    )
    client.create_bucket(Bucket="acme-demand")
    words = ["score.py", "--model", str(model), "--sales", "sample/sales.csv", "--to", "s3://acme-demand/forecasts"]
    run(folder, *words, AWS_ENDPOINT_URL=bucket, **KEYS)
    body = client.get_object(Bucket="acme-demand", Key="forecasts/2026-08-31.csv")["Body"].read()
    assert body.decode().splitlines()[0] == "date,shop,units"


def test_a_model_that_has_learned_too_little_does_not_pass_its_gates(folder: Path, table: Path) -> None:
    few = ["--lr=0.1", "--depth=4", "--rounds=3"]
    (folder / "past").mkdir()
    backtest = run(folder, "backtest.py", "--data", str(table), "--horizon=7", *few, "--out", "past/7")
    assert value("backtest_wape", backtest) > 0.3
    run(folder, "train.py", "--data", str(table), *few, "--save=true", "--out", "weak")
    said = run(folder, "evaluate.py", "--model", "weak", "--data", str(table), "--rows", "1", "--backtests", "past")
    assert value("skill", said) < gate("useful")
    assert value("worst_backtest", said) < gate("always")


def test_no_feature_knows_what_comes_after_the_day_of_the_forecast(folder: Path, tmp_path: Path) -> None:
    """Sales that change on the last day change no feature of a forecast that was made before."""
    rows = list(csv.reader((folder / "sample" / "sales.csv").open()))
    sold = [row for row in rows if row[2]]
    last = max(row[0] for row in sold[1:])
    tables = []
    for name, units in (("as-it-was", None), ("changed", "9999")):
        with (tmp_path / name).open("w", newline="") as file:
            csv.writer(file).writerows(
                [[*row[:2], units or row[2], *row[3:]] if row[0] == last else row for row in sold]
            )
        out = tmp_path / f"{name}.csv"
        run(
            folder,
            "features.py",
            "--sales",
            str(tmp_path / name),
            "--horizons=[1,7,14]",
            "--out",
            str(out),
            "--rows",
            str(tmp_path / "n"),
        )
        tables.append([[cell for key, cell in row.items() if key != "units"] for row in csv.DictReader(out.open())])
    assert tables[0] == tables[1]


def test_a_missing_day_is_refused(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "sample" / "sales.csv").read_text().splitlines()
    (tmp_path / "gap.csv").write_text("\n".join(lines[:100] + lines[101:]))
    words = ["features.py", "--sales", str(tmp_path / "gap.csv"), "--horizons=[1]", "--out", "x", "--rows", "y"]
    done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "berlin has a day twice or not at all" in done.stderr

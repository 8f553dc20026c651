"""What a month asks for and costs, calculated by hand beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlwright import api
from mlwright.analysis import Analysis
from mlwright.diag import Diagnostic
from mlwright.review.cost import deltas, load, prices_of
from mlwright.review.model import Load
from mlwright.review.words.clock import MONTH, firings
from mlwright.source.files import Memory
from tests.review.projects import PLATFORM, SPEC, analysed, merged, stacked, tree

WEEKLY = firings("0 3 * * 1")
PRICES = {
    "apiVersion": "mlwright.dev/v1",
    "kind": "Prices",
    "currency": "EUR",
    "cpu_hour": 0.5,
    "memory_gib_hour": 0.25,
    "gpu_hour": {"a100": 3.0, "h100": 5.0},
    "storage_gib_month": 0.1,
}
ALONE: dict[str, Any] = {  # training and its search alone: nothing stays up
    "serving": None, "notebooks": None, "steps": {"report": None, "features": {"timeout": None}}, "storage": None,
    "training": {"mounts": None}, "pipelines": {"retrain": {"run": ["registry"]}},
    "tracking": {"server": {"type": "external", "url": "https://mlflow.example.com"}, "backend_store": None,
                 "artifacts": None},
    "secrets": {"mlflow-db": None},
}  # fmt: skip


def prod(spec: Any = None, platform: Any = None, prices: Any = None) -> tuple[Analysis, Memory]:
    extra = {"prices": "prices.yaml"} if prices is not None else {}
    pinned = {f"churn@{alias}": {"version": "3"} for alias in ("champion", "challenger")}
    lock = {"environments": {"prod": {"models": pinned}}}
    beside = {"prices.yaml": yaml.safe_dump(prices)}
    files = tree(stacked(ALONE, spec or {}), stacked(extra, platform or {}), lock, beside)
    outcome = analysed(files)
    (found,) = [one for one in outcome.environments if one.environment == "prod"]
    assert found.project is not None, [item.message for item in (*outcome.findings, *found.findings)]
    return found, files


def month(spec: Any = None, platform: Any = None, prices: Any = None) -> Load:
    found, files = prod(spec, platform, prices)
    assert found.project is not None
    known, bag = prices_of(files, found)
    assert not bag.failed, list(bag)
    return load(found.project, found.profile, known)


def gpu(found: Load) -> float:
    return dict(found.gpu_hours).get("a100", 0.0)


def test_a_weekly_search_of_ten_trials_and_one_training_of_two_hours() -> None:
    found = month()
    assert gpu(found) == pytest.approx(WEEKLY * (10 + 1) * 2)
    assert not found.bound
    assert found.most is None


def test_a_timeout_stands_in_for_a_duration_and_is_marked() -> None:
    found = month({"training": {"expected_duration": None, "timeout": "4h"}})
    assert gpu(found) == pytest.approx(WEEKLY * 11 * 4)
    assert found.bound


def test_a_step_of_unknown_length_is_listed_and_not_counted() -> None:
    found = month({"training": {"expected_duration": None}})
    assert gpu(found) == 0
    assert {"training", "tuning"} <= set(found.unknown)


def test_nodes_and_their_roles_are_counted_and_elastic_ones_twice() -> None:
    found = month(
        {"training": {"distributed": {"nodes": {"min": 2, "max": 4}, "launcher": "torchrun"}, "framework": "pytorch"}}
    )
    assert gpu(found) == pytest.approx(WEEKLY * 11 * 2 * 2)
    assert found.most is not None
    assert gpu(found.most) == pytest.approx(2 * gpu(found))


def test_items_of_a_step_are_counted_where_they_are_known() -> None:
    step = {"expected_duration": "1h", "resources": {"cpu": 2}, "timeout": None, "cache": None}
    one = month({"steps": {"features": step}})
    each = {"command": ["python", "a.py", "${each.k}"], "for_each": {"k": [1, 2, 3], "j": [1, 2]}, **step}
    more = {"steps": {"features": step, "each": each}, "pipelines": {"retrain": {"run": ["registry", "steps.each"]}}}
    six = month(more)
    assert six.cpu_hours - one.cpu_hours == pytest.approx(WEEKLY * 6 * 2)


@pytest.mark.parametrize(
    "head",
    [
        {"pipelines": {"retrain": {"schedule": None}}},
        {"environments": {"prod": {"mode": "development"}}},
        {"environments": {"prod": {"start": "manual"}}},
    ],
)
def test_what_nothing_starts_by_itself_is_listed_and_not_counted(head: Any) -> None:
    found = month(head)
    assert gpu(found) == 0
    assert {"training", "tuning"} <= set(found.unscheduled)


def test_a_cron_trigger_counts_beside_the_schedule() -> None:
    trigger = {"triggers": {"nightly": {"type": "cron", "cron": "0 1 * * *"}}}
    found, _ = prod({"pipelines": {"retrain": trigger}})
    assert found.project is not None
    assert gpu(load(found.project, found.profile)) == pytest.approx((WEEKLY + MONTH / 24) * 11 * 2)


def test_an_endpoint_and_its_variants_stay_up_at_least_and_at_most() -> None:
    found = month({"serving": SPEC["serving"], "training": {"expected_duration": None}})
    assert found.cpu_hours == pytest.approx(MONTH * (2 + 2))
    assert found.most is not None
    assert found.most.cpu_hours == pytest.approx(MONTH * (4 + 4))


def test_a_notebook_a_tracking_server_and_volumes_are_there_all_the_time() -> None:
    spec = {
        "notebooks": SPEC["notebooks"],
        "training": {"expected_duration": None},
        "storage": {"scratch": {"type": "volume", "size": "100Gi"}, "old": {"type": "volume", "claim": "theirs"}},
    }
    found = month(spec)
    assert found.cpu_hours == pytest.approx(MONTH)
    assert found.memory_hours == pytest.approx(4 * MONTH)
    assert found.storage == pytest.approx(100)
    volume = {"type": "volume", "size": "50Gi", "uri": None, "secret": None}
    server = {
        "server": {"type": "deployed", "url": None, "resources": {"cpu": 2}},
        "artifacts": volume,
    }
    more = month({**spec, "tracking": server})
    assert more.cpu_hours == pytest.approx(3 * MONTH)
    assert more.storage == pytest.approx(150)


def test_this_machine_costs_nothing() -> None:
    found, _ = prod()
    local = analysed(tree(stacked(ALONE, {"environments": {"here": {"platform": "local"}}}))).environments[-1]
    assert local.project is not None
    assert load(local.project, local.profile) == Load()
    assert found.project is not None
    assert load(found.project, found.profile) != Load()


def test_a_price_is_the_sum_of_what_is_listed() -> None:
    found = month({"storage": {"scratch": {"type": "volume", "size": "100Gi"}}}, prices=PRICES)
    hours = WEEKLY * 11 * 2
    assert found.price == pytest.approx(hours * (4 * 0.5 + 16 * 0.25 + 3.0) + 100 * 0.1)
    assert found.currency == "EUR"
    assert found.unpriced == ()


def test_a_gpu_without_a_price_is_named_and_left_out() -> None:
    found = month(prices={**PRICES, "gpu_hour": {"h100": 5.0}})
    assert found.unpriced == ("a100",)
    assert found.price == pytest.approx(WEEKLY * 11 * 2 * (4 * 0.5 + 16 * 0.25))


def test_a_resource_has_a_price_for_all_its_models() -> None:
    found = month(prices={**PRICES, "gpu_hour": {"nvidia.com/gpu": 1.0}})
    assert found.unpriced == ()
    assert found.price == pytest.approx(WEEKLY * 11 * 2 * (4 * 0.5 + 16 * 0.25 + 1.0))


def test_without_a_price_file_there_is_no_price() -> None:
    assert month().price is None


def findings(prices: Any) -> list[Diagnostic]:
    found, files = prod(prices=PRICES)
    known, bag = prices_of(
        tree(ALONE, {"prices": "prices.yaml"}, files={"prices.yaml": prices} if prices else {}), found
    )
    assert (known is None) == bag.failed
    assert files.exists("prices.yaml")
    return list(bag.ordered())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"gpu_hour": {"a1000": 1.0, "nvidia.com/gpu": 1.0}}, "PRICE001"),
        ({"gpu_hour": {"h100": None}}, "PRICE002"),
        ({"cpu_hour": -1}, "SPEC005"),
        ({"currency": "euros"}, "SPEC003"),
        ({"currency": None}, "SPEC002"),
        ({"cpu_hours": 1}, "SPEC001"),
        ({"gpu_hour": 3}, "SPEC003"),
    ],
)
def test_a_wrong_price_file_is_a_finding_with_a_place(change: Any, code: str) -> None:
    (found,) = findings(yaml.safe_dump(merged(PRICES, change)))
    assert found.code == code
    assert found.span is not None
    assert found.span.file == "prices.yaml"


def test_a_price_file_that_is_not_there_is_a_finding() -> None:
    (found,) = findings("")
    assert found.severity == "error"
    assert "prices.yaml" in found.message


def test_a_month_that_differs_is_told_figure_by_figure() -> None:
    before = Load(cpu_hours=100, gpu_hours=(("a100", 120.0),), storage=100, price=400.0, currency="EUR")
    after = Load(cpu_hours=100, gpu_hours=(("a100", 480.0),), storage=100, price=1600.0, currency="EUR", bound=True)
    assert deltas(before, after) == (
        "GPU-hours/month (a100) 120 -> 480, about 4x, an upper bound from `timeout`",
        "EUR/month 400 -> 1,600, about 4x, an upper bound from `timeout`",
    )
    assert deltas(before, before) == ()
    assert deltas(None, None) == ()
    grown = Load(cpu_hours=1, most=Load(cpu_hours=4))
    assert deltas(Load(cpu_hours=1), grown) == ("CPU-hours/month 1 -> 1..4",)
    assert deltas(None, Load(storage=5)) == ("GiB of storage 0 -> 5",)


def test_the_output_never_depends_on_prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = stacked(ALONE, {"environments": {"staging": None}})
    Path("mlproject.yaml").write_text(yaml.safe_dump(merged(SPEC, spec)))
    Path("platform.yaml").write_text(
        yaml.safe_dump(merged(PLATFORM, {"prices": "prices.yaml", "pod_security": "baseline"}))
    )
    Path("prices.yaml").write_text(yaml.safe_dump(PRICES))
    result = api.compile()
    assert not result.failed, result.diagnostics
    index = json.loads(Path("manifests/prod/index.json").read_text())
    assert sorted(index["inputs"]) == ["mlproject.lock", "mlproject.yaml", "platform.yaml"]
    Path("prices.yaml").write_text("not: a price file\n")
    assert not api.compile().failed
    assert "SPEC" in {
        item.code[:4] for item in api.validate().diagnostics if item.span and item.span.file == "prices.yaml"
    }


def test_an_expected_duration_is_no_finding_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = {"apiVersion": "mlwright.dev/v1", "kind": "MLProject", "metadata": {"name": "demo"}}
    spec["steps"] = {"a": {"command": ["echo"], "image": "demo:1", "expected_duration": "1h"}}  # type: ignore[assignment]
    platforms = ("compose", "kubernetes", "argo", "kubeflow", "local")
    for platform in platforms:
        Path("mlproject.yaml").write_text(yaml.safe_dump({**spec, "environments": {"here": {"platform": platform}}}))
        assert "OWN008" not in {item.code for item in api.validate().diagnostics}, platform

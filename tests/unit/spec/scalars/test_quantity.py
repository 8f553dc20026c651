"""Amounts of processors, memory and GPUs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from mlwright.spec.explanation import adapter
from mlwright.spec.scalars.quantity import Cpu, GpuCount, Memory


def refusal(parse: object, value: object) -> tuple[str, str]:
    with pytest.raises(PydanticCustomError) as caught:
        parse(value)  # type: ignore[operator]
    return caught.value.type, (caught.value.context or {})["help"]


@pytest.mark.parametrize(
    ("written", "milli"), [(1, 1000), (0.5, 500), ("500m", 500), ("1.5", 1500), (".25", 250), ("2", 2000), ("1m", 1)]
)
def test_processors_are_counted_in_thousandths(written: object, milli: int) -> None:
    assert Cpu.parse(written).milli == milli
    assert Cpu.parse(written).text == str(written)


@pytest.mark.parametrize(
    ("written", "code", "help_"),
    [
        ("2 cores", "QTY001", "`2`"),
        ("2Gi", "QTY001", "500m"),
        ("1e3", "QTY001", "`1`"),
        ("two", "QTY001", "500m"),
        (0, "QTY005", "leave the field out"),
        ("-1", "QTY005", "2, 0.5 or 500m"),
        (-1.5, "QTY005", "2, 0.5 or 500m"),
        (0.0005, "QTY006", "`1m`"),
        (True, "QTY001", "2, 0.5 or 500m"),
        ([1], "QTY001", "2, 0.5 or 500m"),
        (None, "QTY001", "2, 0.5 or 500m"),
    ],
)
def test_other_amounts_of_processors_are_refused(written: object, code: str, help_: str) -> None:
    found, shown = refusal(Cpu.parse, written)
    assert (found, help_ in shown) == (code, True), shown


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("512Mi", 512 * 1024**2),
        ("2Gi", 2 * 1024**3),
        ("1.5Gi", 3 * 1024**3 // 2),
        ("2G", 2 * 1000**3),
        ("64000k", 64 * 1000**2),
        (1073741824, 1024**3),
        ("1Ti", 1024**4),
    ],
)
def test_memory_is_counted_in_bytes(written: object, size: int) -> None:
    assert Memory.parse(written).bytes == size


@pytest.mark.parametrize(
    ("written", "code", "help_"),
    [
        ("2GB", "QTY003", "`2G` (powers of 1000) or `2Gi` (powers of 1024)"),
        ("2gi", "QTY003", "`2Gi`"),
        ("2 Gi", "QTY003", "`2Gi`"),
        ("64K", "QTY003", "`64k`"),
        ("5 lots", "QTY003", "Ki Mi Gi Ti"),
        ("5x", "QTY003", "Ki Mi Gi Ti"),
        ("512m", "QTY004", "`512Mi`"),
        (512, "QTY007", "`512Mi`"),
        ("64k", "QTY007", "Gi"),
        ("0Gi", "QTY005", "leave the field out"),
        ("-2Gi", "QTY005", "2Gi"),
        ("9000000Ei", "QTY008", "64Gi"),
        ("plenty", "QTY002", "`2Gi`"),
        ("", "QTY002", "`2Gi`"),
        (True, "QTY002", "2Gi"),
        ({}, "QTY002", "2Gi"),
    ],
)
def test_other_amounts_of_memory_are_refused(written: object, code: str, help_: str) -> None:
    found, shown = refusal(Memory.parse, written)
    assert (found, help_ in shown) == (code, True), shown


@given(st.integers(2, 10**6), st.sampled_from(["Mi", "Gi", "Ti", "M", "G", "T"]))
def test_whole_amounts_are_exact(number: int, unit: str) -> None:
    power = "KMGT".index(unit[0]) + 1
    assert Memory.parse(f"{number}{unit}").bytes == number * (1024 if unit.endswith("i") else 1000) ** power


@given(st.one_of(st.text(), st.integers(), st.floats(allow_nan=False), st.booleans(), st.none()))
def test_no_value_breaks_the_readers(value: object) -> None:
    for parse in (Cpu.parse, Memory.parse):
        try:
            parse(value)
        except PydanticCustomError as error:
            assert error.type.startswith("QTY")


@pytest.mark.parametrize("written", [0.5, "0.5", -1])
def test_gpus_are_whole(written: object) -> None:
    with pytest.raises(ValidationError) as caught:
        adapter(GpuCount).validate_python(written, strict=True)
    assert caught.value.errors()[0]["type"] == "QTY009"

"""The lock file's one form, and that it is written whole, over what was read, or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlwright.passes.lock import Lock, LockedImage, LockedModel, read_lock
from mlwright.remote import lockfile
from mlwright.source.files import Memory

SCHEMA = json.loads(Path(__file__).parents[3].joinpath("schemas/lock.v1.schema.json").read_text(encoding="utf-8"))
VALID = jsonschema.Draft202012Validator(SCHEMA)
DIGEST = "sha256:" + "0" * 64

LETTERS = "abcxyz09-"
names = st.text(LETTERS, min_size=1, max_size=6).map(lambda text: f"n{text}")
words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
hexes = st.integers(0, 2**128).map(lambda number: f"{number:032x}")
digests = hexes.map(lambda text: f"sha256:{text * 2}"[:71])
models = st.builds(
    LockedModel,
    version=st.integers(1, 10**6).map(str),
    model_id=st.just("") | hexes.map(lambda text: f"m-{text}"),
    run_id=st.just("") | hexes,
    source=words,
    uri=words,
    digest=st.just("") | digests,
)
lists = st.lists(words, max_size=3).map(tuple)
images = st.builds(LockedImage, digest=digests, entrypoint=lists, cmd=lists)
locks = st.builds(
    Lock,
    models=st.dictionaries(st.tuples(names, st.tuples(names, names).map("@".join)), models, max_size=4),
    images=st.dictionaries(names, images, max_size=4),
)


@settings(max_examples=40)
@given(locks)
def test_what_is_written_is_what_is_read(lock: Lock) -> None:
    text = lockfile.text(lock)
    read, found = read_lock(Memory({"mlproject.lock": text}), "mlproject.lock")
    assert (list(found), dict(read.models), dict(read.images)) == ([], dict(lock.models), dict(lock.images))
    assert lockfile.text(read) == text
    assert list(VALID.iter_errors(yaml.safe_load(text))) == []


@settings(max_examples=40)
@given(locks)
def test_the_order_of_entries_is_the_names_alone(lock: Lock) -> None:
    turned = Lock(models=dict(reversed(lock.models.items())), images=dict(reversed(lock.images.items())))
    assert lockfile.text(turned) == lockfile.text(lock)


@pytest.mark.parametrize(
    "value",
    [
        {"models": {}},
        {"environments": {"prod": {"models": {"m@a": {"version": "newest"}}}}},
        {"environments": {"prod": {"models": {"m@a": {"model_id": "m-1"}}}}},
        {"environments": {"prod": {"images": {}}}},
        {"images": {"x:1": {"digest": "sha256:12"}}},
        {"images": {"x:1": {"digest": DIGEST, "cmd": "run"}}},
    ],
)
def test_the_schema_refuses_what_the_compiler_refuses(value: object) -> None:
    assert list(VALID.iter_errors(value))
    text = yaml.safe_dump(value)
    assert [item.code for item in read_lock(Memory({"mlproject.lock": text}), "mlproject.lock")[1]] == ["LOCK001"]


def test_a_new_file_has_the_usual_rights_and_a_present_one_keeps_its_own(tmp_path: Path) -> None:
    path = tmp_path / "mlproject.lock"
    before = os.umask(0o027)
    try:
        lockfile.save(path, "a\n", None)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640
    path.chmod(0o600)
    lockfile.save(path, "b\n", b"a\n")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("b\n", 0o600)
    assert [item.name for item in tmp_path.iterdir()] == ["mlproject.lock"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("a\n")
    (tmp_path / "mlproject.lock").symlink_to("real")
    lockfile.save(tmp_path / "mlproject.lock", "b\n", b"a\n")
    assert (tmp_path / "mlproject.lock").is_symlink()
    assert (tmp_path / "real").read_text() == "b\n"


@pytest.mark.parametrize("before", [None, b"older\n"])
def test_what_somebody_else_wrote_meanwhile_is_not_written_over(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "mlproject.lock"
    path.write_text("theirs\n")
    with pytest.raises(lockfile.ChangedError, match="was changed by something else"):
        lockfile.save(path, "ours\n", before)
    assert path.read_text() == "theirs\n"
    assert [item.name for item in tmp_path.iterdir()] == ["mlproject.lock"]

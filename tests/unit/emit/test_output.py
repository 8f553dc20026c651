"""The output folder: all or nothing, only ours, only below itself."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlwright.emit import index as indexes
from mlwright.emit import output, swap
from mlwright.emit.index import Index

Files = Mapping[str, bytes]


def index_of(files: Files) -> Index:
    return indexes.build(
        environment="prod", folder="manifests/prod", compiler="1", inputs={"mlproject.yaml": "x"}, files=files
    )


def write(folder: Path, files: Files, **options: Any) -> output.Written:
    written, bag = output.write(folder, files, index_of(files), **options)
    assert written is not None, [item.message for item in bag]
    return written


def codes(folder: Path, files: Files, **options: Any) -> list[str]:
    written, bag = output.write(folder, files, index_of(files), **options)
    assert written is None
    return [item.code for item in bag]


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def prod(tmp_path: Path) -> Path:
    return tmp_path / "manifests" / "prod"


def test_a_first_write_makes_every_file_and_the_index(prod: Path) -> None:
    written = write(prod, {"compose/compose.yaml": b"a", "compose/x/step.json": b"b"})
    assert written.added == ("compose/compose.yaml", "compose/x/step.json", "index.json")
    assert set(tree(prod)) == set(written.added)
    assert sorted(path.name for path in prod.parent.iterdir()) == ["prod"]


def test_writing_the_same_again_changes_nothing_on_disk(prod: Path) -> None:
    write(prod, {"a": b"1"})
    before = (prod.stat().st_ino, (prod / "a").stat().st_mtime_ns, (prod / "index.json").stat().st_mtime_ns)
    assert write(prod, {"a": b"1"}).unchanged == ("a", "index.json")
    assert before == (prod.stat().st_ino, (prod / "a").stat().st_mtime_ns, (prod / "index.json").stat().st_mtime_ns)


def test_an_unchanged_file_keeps_its_time_when_another_changes(prod: Path) -> None:
    write(prod, {"a": b"1", "b": b"1"})
    os.utime(prod / "a", ns=(1, 1))
    written = write(prod, {"a": b"1", "b": b"2"})
    assert (written.changed, written.unchanged) == (("b", "index.json"), ("a",))
    assert (prod / "a").stat().st_mtime_ns == 1


def test_what_nothing_makes_any_more_is_removed_with_its_empty_folder(prod: Path) -> None:
    write(prod, {"old/x/a": b"1", "b": b"1"})
    assert write(prod, {"b": b"1"}).removed == ("old/x/a",)
    assert not (prod / "old").exists()


def test_an_edited_orphan_stays_and_is_reported(prod: Path) -> None:
    write(prod, {"a": b"1", "b": b"1"})
    (prod / "a").write_bytes(b"mine")
    written, bag = output.write(prod, {"b": b"1"}, index_of({"b": b"1"}))
    assert written is not None and written.kept == ("a",)
    assert [(item.code, item.severity) for item in bag] == [("OUT007", "warning")]
    assert (prod / "a").read_bytes() == b"mine"


def test_an_edited_file_of_ours_is_written_anew(prod: Path) -> None:
    write(prod, {"a": b"1"})
    (prod / "a").write_bytes(b"mine")
    assert write(prod, {"a": b"1"}).changed == ("a",)
    assert (prod / "a").read_bytes() == b"1"


def test_files_that_a_power_failure_has_cut_short_are_written_again(prod: Path) -> None:
    files = {"compose/compose.yaml": b"services: {}\n", "compose/other.yaml": b"x\n"}
    write(prod, files)
    (prod / "compose/compose.yaml").write_bytes(b"")
    (prod / "compose/other.yaml").unlink()
    assert write(prod, files).changed == ("compose/compose.yaml",)
    assert {path: (prod / path).read_bytes() for path in files} == files


@pytest.mark.skipif(sys.platform != "linux", reason="reads the names of open files in /proc")
def test_the_index_is_on_the_disk_before_the_folder_takes_its_place(
    prod: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All other files can be made again from it; without it somebody has to look."""
    waited: list[str] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        waited.append(Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    write(prod, {f"compose/{number}.yaml": b"x" for number in range(50)})
    assert waited[0] == indexes.NAME
    assert len(waited) < 5


def test_foreign_files_links_and_folders_stay_as_they_are(prod: Path) -> None:
    write(prod, {"compose/a": b"1"})
    (prod / "compose/NOTES.md").write_text("mine")
    os.utime(prod / "compose/NOTES.md", ns=(5, 5))
    (prod / "empty").mkdir(mode=0o700)
    (prod / "link").symlink_to("/nowhere")
    inode = (prod / "compose/NOTES.md").stat().st_ino
    write(prod, {"compose/a": b"2"})
    notes = (prod / "compose/NOTES.md").stat()
    assert (notes.st_ino, notes.st_mtime_ns) == (inode, 5)
    assert (prod / "empty").stat().st_mode & 0o777 == 0o700
    assert (prod / "link").readlink() == Path("/nowhere")


def test_a_foreign_file_in_the_way_is_an_error_and_nothing_is_written(prod: Path) -> None:
    write(prod, {"a": b"1"})
    (prod / "b").write_bytes(b"mine")
    before = tree(prod)
    assert codes(prod, {"a": b"2", "b": b"new"}) == ["OUT004"]
    assert tree(prod) == before


def test_a_foreign_file_with_the_same_content_is_adopted(prod: Path) -> None:
    write(prod, {"a": b"1"})
    (prod / "b").write_bytes(b"new")
    assert "b" in write(prod, {"a": b"1", "b": b"new"}).unchanged


@pytest.mark.parametrize("there", ["compose", "compose/a/mine"])
def test_a_foreign_file_for_a_folder_and_the_reverse_is_an_error(prod: Path, there: str) -> None:
    write(prod, {"x": b"1"})
    (prod / there).parent.mkdir(parents=True, exist_ok=True)
    (prod / there).write_bytes(b"mine")
    assert codes(prod, {"compose/a": b"1"}) == ["OUT004"]


def test_a_file_of_ours_may_become_a_folder_and_back(prod: Path) -> None:
    write(prod, {"a": b"1"})
    write(prod, {"a/b": b"1"})
    assert set(tree(prod)) == {"a/b", "index.json"}
    write(prod, {"a": b"2"})
    assert tree(prod)["a"] == b"2"


@pytest.mark.parametrize(
    "path", ["../a", "/etc/a", "a/../../b", "a//b", "", "./a", "a\\b", "a\nb", "C:/a", "con", "a./b", "a/"]
)
def test_a_path_out_of_the_folder_is_refused(prod: Path, path: str) -> None:
    assert "OUT001" in codes(prod, {path: b"1"})
    assert not prod.exists()


@pytest.mark.parametrize("paths", [("a", "A"), ("x/a", "X/b"), ("é", "e\u0301"), ("a", "a/b"), ("Index.json",)])
def test_paths_that_are_one_file_on_some_system_are_refused(prod: Path, paths: tuple[str, ...]) -> None:
    assert "OUT002" in codes(prod, dict.fromkeys(paths, b"1"))


@pytest.mark.parametrize("link", ["manifests", "manifests/prod", "manifests/prod/compose", "manifests/prod/compose/a"])
def test_a_link_in_any_component_is_refused(tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "project"
    place = root / link
    place.parent.mkdir(parents=True)
    place.symlink_to(outside if not link.endswith("a") else outside / "a")
    files = {"compose/a": b"1"}
    assert codes(root / "manifests/prod", files, anchor=root) == ["OUT003"]
    assert list(outside.iterdir()) == []


def test_an_index_that_is_a_link_is_refused(prod: Path) -> None:
    write(prod, {"a": b"1"})
    (prod / "index.json").rename(prod.parent / "else.json")
    (prod / "index.json").symlink_to("../else.json")
    assert "OUT003" in codes(prod, {"a": b"2"})


def test_an_output_folder_outside_of_the_anchor_is_refused(tmp_path: Path) -> None:
    assert codes(tmp_path / "elsewhere", {"a": b"1"}, anchor=tmp_path / "project") == ["OUT001"]


@pytest.mark.parametrize(
    "text", [b"<<<<<<< HEAD", b"[]", b'{"version": 9}', b'{"version": 1, "folder": "m"}', b"\xff", b""]
)
def test_an_unreadable_index_is_an_error_and_nothing_is_written(prod: Path, text: bytes) -> None:
    write(prod, {"a": b"1"})
    (prod / "index.json").write_bytes(text)
    assert codes(prod, {"a": b"2"}) == ["OUT005"]
    assert (prod / "a").read_bytes() == b"1"


def test_an_index_that_lists_files_elsewhere_removes_nothing_there(prod: Path) -> None:
    write(prod, {"a": b"1"})
    victim = prod.parent.parent / "victim"
    victim.write_bytes(b"x")
    text = (prod / "index.json").read_text().replace('"manifests/prod/a"', '"manifests/prod/../../victim"')
    (prod / "index.json").write_text(text.replace(indexes.sha256(b"1"), indexes.sha256(b"x")))
    output.write(prod, {"b": b"1"}, index_of({"b": b"1"}))
    assert victim.read_bytes() == b"x"


def test_an_executable_file_can_be_run(prod: Path) -> None:
    write(prod, {"a": b"1", "b": b"1"}, executable={"a"})
    assert os.access(prod / "a", os.X_OK) and not os.access(prod / "b", os.X_OK)


def test_a_system_without_atomic_exchange_uses_two_renames(prod: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swap, "_exchange", lambda one, other: False)
    write(prod, {"a": b"1"})
    write(prod, {"b": b"2"})
    assert set(tree(prod)) == {"b", "index.json"}
    assert sorted(path.name for path in prod.parent.iterdir()) == ["prod"]


def test_a_file_system_without_hard_links_gets_copies(prod: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    write(prod, {"a": b"1", "b": b"1"})
    os.utime(prod / "a", ns=(10**9, 10**9))
    write(prod, {"a": b"1", "b": b"2"})
    assert (prod / "a").stat().st_mtime_ns == 10**9


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", ["_create", "_carry"])
def test_a_write_that_breaks_off_leaves_the_old_output_whole(
    prod: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, at: str
) -> None:
    write(prod, {"a": b"1", "b": b"1"})
    before = tree(prod)

    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr(output, at, fail)
    files = {"a": b"2", "b": b"1", "c": b"2"}
    if isinstance(error, OSError):
        assert codes(prod, files) == ["OUT006"]
    else:
        with pytest.raises(KeyboardInterrupt):
            output.write(prod, files, index_of(files))
    assert tree(prod) == before
    assert sorted(path.name for path in prod.parent.iterdir()) == ["prod"]


def test_a_process_killed_between_two_renames_is_repaired_by_the_next_write(prod: Path) -> None:
    write(prod, {"a": b"1"})
    prod.rename(prod.parent / ".prod.old-1234")
    assert write(prod, {"a": b"1"}).unchanged == ("a", "index.json")


def test_staging_folders_of_killed_processes_are_removed_when_old(prod: Path) -> None:
    write(prod, {"a": b"1"})
    for name, age in ((".prod.new-old", 10_000), (".prod.new-live", 0)):
        (prod.parent / name).mkdir()
        if age:
            os.utime(prod.parent / name, (age, age))
    write(prod, {"a": b"2"})
    assert sorted(path.name for path in prod.parent.iterdir()) == [".prod.new-live", "prod"]


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_killed_process_leaves_one_whole_output(prod: Path) -> None:
    """Kill a writer that alternates between two versions: what is there afterwards is exactly one of them."""
    versions = [{f"f{n}": bytes([65 + v]) * 100 for n in range(30)} for v in (0, 1)]
    write(prod, versions[0])
    program = """
        import sys
        from pathlib import Path
        from mlwright.emit import index, output
        while True:
            for v in (1, 0):
                files = {f"f{n}": bytes([65 + v]) * 100 for n in range(30)}
                made = index.build(environment="prod", folder="manifests/prod", compiler="1", inputs={}, files=files)
                assert output.write(Path(sys.argv[1]), files, made)[0]
                print("x", flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(prod)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for lines in (1, 2, 3):
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
            assert process.stdout is not None
            for _ in range(lines):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
        files = tree(prod)
        listed = indexes.parse(files.pop("index.json")).files
        assert {path: indexes.sha256(data) for path, data in files.items()} == listed

"""What is written is there whole or not at all, and what stood there is not lost."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sidestep.features.files.whole import (
    final_name,
    folder_beside,
    is_full,
    made_folders,
    put_back,
    put_in_place,
    reason_of,
    sync,
    whole_file,
    write_whole,
)


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder, hidden or not: a file's content, None for a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens to names and contents, in order: ``sync NAME`` and ``rename NAME``."""
    events: list[str] = []
    fsync, replace, rename = os.fsync, os.replace, os.rename

    def synced(opened: int) -> None:
        events.append(f"sync {Path(os.readlink(f'/proc/self/fd/{opened}')).name}")
        fsync(opened)

    def renamed(call: Callable[[Path, Path], None]) -> Callable[[Path, Path], None]:
        def rename(old: Path, new: Path) -> None:
            events.append(f"rename {new.name}")
            call(old, new)

        return rename

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed(replace))
    monkeypatch.setattr(os, "rename", renamed(rename))
    return events


@pytest.fixture
def failing_rename(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no file or folder get its final name; what was set aside may still come back."""

    def fail(old: Path, new: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(old), None, str(new))

    monkeypatch.setattr(os, "replace", fail)


# Files


def test_a_file_is_written_or_replaced(tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        write_whole(tmp_path / "file", content)
        assert tree(tmp_path) == {"file": content}


def test_a_file_has_the_rights_of_any_new_one(tmp_path: Path) -> None:
    (tmp_path / "ordinary").touch()
    write_whole(tmp_path / "file", b"")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("before", [{}, {"file": b"earlier"}])
def test_a_failure_half_way_leaves_the_file_as_it_was(
    tmp_path: Path, before: dict[str, bytes], failure: type[BaseException]
) -> None:
    for name, content in before.items():
        (tmp_path / name).write_bytes(content)

    def write() -> None:
        with whole_file(tmp_path / "file") as new:
            new.write_bytes(b"half of it")
            assert (tmp_path / "file").exists() == bool(before)
            raise failure

    with pytest.raises(failure):
        write()
    assert tree(tmp_path) == before


@pytest.mark.usefixtures("failing_rename")
def test_a_file_that_cannot_get_its_name_leaves_the_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"earlier")
    with pytest.raises(OSError, match="Input/output error"):
        write_whole(tmp_path / "file", b"new")
    assert tree(tmp_path) == {"file": b"earlier"}


def test_a_block_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"earlier")
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "file"):
        pass
    assert tree(tmp_path) == {"file": b"earlier"}


def test_what_is_no_file_is_not_replaced_by_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="a device or a pipe"):
        write_whole(pipe, b"text")
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_two_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    with whole_file(tmp_path / "file") as first:
        first.write_bytes(b"first")
        with whole_file(tmp_path / "file") as second:
            second.write_bytes(b"second, longer")
        assert tree(tmp_path)["file"] == b"second, longer"
    assert tree(tmp_path) == {"file": b"first"}


def test_content_is_on_disk_before_its_name_and_the_name_after_it(
    tmp_path: Path, disk: list[str]
) -> None:
    write_whole(tmp_path / "file", b"content")
    content, name, listed = disk
    assert final_name(content.removeprefix("sync ")) == "file"
    assert (name, listed) == ("rename file", f"sync {tmp_path.name}")


def test_what_a_killed_writer_leaves_is_known_by_its_name(tmp_path: Path) -> None:
    program = (
        "import os, signal; from pathlib import Path\n"
        "from sidestep.features.files.whole import whole_file\n"
        f"with whole_file(Path({str(tmp_path / 'a.b')!r})) as new:\n"
        "    new.write_bytes(b'half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    ((name, content),) = tree(tmp_path).items()
    assert content == b"half"
    assert name.startswith(".")
    assert name.endswith(".new")
    assert final_name(name) == "a.b"
    for other in ("a.b", "a.b.new", ".hidden", ".a.new"):
        assert final_name(other) == other


# Folders


def test_a_folder_beside_is_gone_at_the_end(tmp_path: Path) -> None:
    with folder_beside(tmp_path / "out") as new:
        (new / "deep").mkdir()
        (new / "deep" / "file").touch()
        assert new.parent == tmp_path
        assert new.name.startswith(".out.partial-")
    with pytest.raises(KeyboardInterrupt), folder_beside(tmp_path / "out"):
        raise KeyboardInterrupt
    assert tree(tmp_path) == {}


def test_folders_above_are_made_only_if_asked_and_go_if_they_stay_empty(tmp_path: Path) -> None:
    out = tmp_path / "one" / "two" / "out"
    with pytest.raises(FileNotFoundError), folder_beside(out):
        pass
    with folder_beside(out, parents=True) as new:
        assert new.parent == out.parent
    assert tree(tmp_path) == {}
    with folder_beside(out, parents=True) as new:
        put_in_place(new, out)
    assert tree(tmp_path) == {"one": None, "one/two": None, "one/two/out": None}


def test_made_folders_that_came_to_hold_something_stay(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with made_folders(tmp_path / "there" / "one" / "two"):
        (tmp_path / "there" / "one" / "mine").write_bytes(b"mine")
    assert tree(tmp_path) == {"there": None, "there/one": None, "there/one/mine": b"mine"}
    with made_folders(tmp_path / "there"):
        pass
    assert (tmp_path / "there").is_dir()


def test_folders_that_can_be_made_in_part_only_leave_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "one" / ("x" * 300) / "two"
    with pytest.raises(OSError, match="File name too long"), made_folders(folder):
        pass
    assert tree(tmp_path) == {}


def made(folder: Path) -> Path:
    """A folder with a file, and one in a folder of it."""
    (folder / "deep").mkdir(parents=True)
    (folder / "file").write_bytes(b"new")
    (folder / "deep" / "file").write_bytes(b"new, too")
    return folder


NEW = {"out": None, "out/deep": None, "out/file": b"new", "out/deep/file": b"new, too"}


@pytest.mark.parametrize("empty_there", [False, True])
def test_a_folder_gets_its_name_once_all_of_it_is_on_disk(
    tmp_path: Path, disk: list[str], empty_there: bool
) -> None:
    new, out = made(tmp_path / "new"), tmp_path / "out"
    if empty_there:
        out.mkdir()
    put_in_place(new, out)
    assert tree(tmp_path) == NEW
    *contents, name, listed = disk
    assert sorted(contents) == ["sync deep", "sync file", "sync file", "sync new"]
    assert (name, listed) == ("rename out", f"sync {tmp_path.name}")


def test_a_folder_that_holds_something_is_replaced_only_where_it_can_be_set_aside(
    tmp_path: Path,
) -> None:
    new, out = made(tmp_path / "new"), tmp_path / "out"
    out.mkdir()
    (out / "mine").write_bytes(b"mine")
    before = tree(tmp_path)
    with pytest.raises(OSError, match="not empty"):
        put_in_place(new, out)
    assert tree(tmp_path) == before
    put_in_place(new, out, tmp_path / "aside")
    assert tree(tmp_path) == {**NEW, "aside": None, "aside/mine": b"mine"}


@pytest.mark.usefixtures("failing_rename")
@pytest.mark.parametrize("before", [None, {}, {"mine": b"mine"}])
def test_a_folder_that_cannot_get_its_name_leaves_the_earlier_one(
    tmp_path: Path, before: dict[str, bytes] | None
) -> None:
    new, out = made(tmp_path / "new"), tmp_path / "out"
    if before is not None:
        out.mkdir()
        for name, content in before.items():
            (out / name).write_bytes(content)
    there = tree(tmp_path)
    with pytest.raises(OSError, match="Input/output error"):
        put_in_place(new, out, tmp_path / "aside")
    assert tree(tmp_path) == there


def test_what_was_set_aside_comes_back_where_nothing_took_its_place(tmp_path: Path) -> None:
    aside, out = tmp_path / "aside", tmp_path / "out"
    put_back(aside, out)
    assert tree(tmp_path) == {}
    for empty_there in (False, True):
        aside.mkdir()
        (aside / "mine").write_bytes(b"mine")
        if empty_there:
            out.mkdir()
        put_back(aside, out)
        assert tree(tmp_path) == {"out": None, "out/mine": b"mine"}
        (out / "mine").unlink()
        out.rmdir()
    aside.mkdir()
    out.mkdir()
    (out / "theirs").write_bytes(b"theirs")
    put_back(aside, out)
    assert tree(tmp_path) == {"aside": None, "out": None, "out/theirs": b"theirs"}


# The disk


def test_a_disk_that_fails_is_told_before_anything_is_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(opened: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    (tmp_path / "file").write_bytes(b"earlier")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        write_whole(tmp_path / "file", b"new")
    assert tree(tmp_path) == {"file": b"earlier"}


def test_only_a_folder_may_be_one_that_cannot_be_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(opened: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    (tmp_path / "file").touch()
    monkeypatch.setattr(os, "fsync", fail)
    sync(tmp_path)
    with pytest.raises(OSError, match="Invalid argument"):
        sync(tmp_path / "file")


def test_no_room_is_told_from_other_failures_and_said_in_the_systems_words() -> None:
    full = OSError(errno.ENOSPC, "what a library makes of it", "/some/file")
    assert (is_full(full), reason_of(full)) == (True, "No space left on device")
    assert is_full(OSError(errno.EDQUOT, ""))
    assert is_full(OSError(errno.EFBIG, ""))
    locked = OSError(errno.EACCES, "Permission denied")
    assert (is_full(locked), reason_of(locked)) == (False, "Permission denied")
    nameless = OSError("cut short")
    assert (is_full(nameless), reason_of(nameless)) == (False, "cut short")


def test_what_killed_processes_left_is_removed_and_what_living_ones_have_is_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "study"
    with folder_beside(path) as living:
        dead = tmp_path / ".study.partial-0123abcd"
        others = [tmp_path / name for name in (".study.partial-mine", ".other.partial-0123abcd")]
        for folder in (dead, *others):
            folder.mkdir()
        (dead / "data.txt").write_text("half")
        for folder in (dead, living, *others):
            os.utime(folder, (0, 0))
        with folder_beside(path) as another:
            assert {*tmp_path.iterdir()} == {living, another, *others}

"""Files written whole, and locks: what a reader finds, and what is left where writing stops."""

import os
import signal
import time
from pathlib import Path

import pytest

from parastance.predict.errors import OutputError
from parastance.predict.lock import lock_path
from parastance.predict.storage import SHORT, aside_of, join, parent, whole, write_text, write_whole


def test_a_file_is_replaced_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_whole(str(path), b"old")
    with whole(str(path)) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a"]


def test_what_stops_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), whole(str(path)) as stream:
        stream.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_name_of_the_greatest_length_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 127)
    write_text(str(path), "text")
    assert path.read_text() == "text"
    assert len(os.path.basename(aside_of(str(path))).encode()) < SHORT * 4 + 60


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"none/a: cannot be written: No such file"):
        write_text(str(tmp_path / "none" / "a"), "text")


def test_one_lock_at_a_time_also_where_its_file_was_removed(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    first = lock_path(path)
    assert first is not None and lock_path(path) is None
    os.unlink(path)
    second = lock_path(path)
    assert second is not None and lock_path(path) is None
    first.close()
    assert lock_path(path) is None
    second.close()
    third = lock_path(path)
    assert third is not None
    third.close()


# (path, the folder that holds it)
PARENTS = [
    ("/a/b", "/a"), ("/a", "/"), ("s3://b/c/d", "s3://b/c"), ("s3://b/c/", "s3://b"), ("memory://a", "memory://"),
    ("file:///a/b", "file:///a"), ("file:///a", "file:///"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "folder"), PARENTS)
def test_parents(path: str, folder: str) -> None:
    assert parent(path) == folder
    assert join(folder, path.rstrip("/").rsplit("/", 1)[1]) == path.rstrip("/")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_fork_does_not_hold_its_parents_lock(tmp_path: Path) -> None:
    held = lock_path(str(tmp_path / "run" / "lock"))
    assert held is not None
    here, there = os.pipe()
    child = os.fork()
    if not child:
        os.write(there, b"begun")
        time.sleep(60)
        os._exit(0)
    try:
        assert os.read(here, 5) == b"begun"
        assert lock_path(held.name) is None
        held.close()
        again = lock_path(held.name)
        assert again is not None
        again.close()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(here)
        os.close(there)

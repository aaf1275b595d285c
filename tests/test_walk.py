"""What a folder holds: nothing passed over in silence, nothing read twice, no circle followed; names that tell files apart."""

import os
from pathlib import Path
from typing import Any

import pytest

from parastance.predict import walk as walking
from parastance.predict.errors import InputError, UsageError
from parastance.predict.inputs import find_sources
from parastance.predict.units import Reading, read_units
from parastance.predict.walk import distinct_names

TALKS = "Talks between Assad and the envoy failed in Geneva."


def names(*inputs: str | Path) -> list[str]:
    return [source.name for source in find_sources([str(given) for given in inputs])]


def reasons(folder: Path) -> dict[str, str]:
    found = [item for source in find_sources([str(folder)]) for item in read_units(source, Reading())]
    return {item.place: item.reason for item in found if isinstance(item, InputError)}


@pytest.fixture
def news(tmp_path: Path) -> Path:
    (tmp_path / "news" / "2016").mkdir(parents=True)
    for name in ("a.txt", "2016/b.txt"):
        (tmp_path / "news" / name).write_text(TALKS)
    return tmp_path / "news"


# (what, target, link, names of the sources, what is said)
LINKS = [
    ("to a file", "a.txt", "z.txt", ["2016/b.txt", "a.txt", "z.txt"], 0),
    ("to a folder of the same", "2016", "latest", ["2016/b.txt", "a.txt"], 1),
    ("to the folder above", ".", "circle", ["2016/b.txt", "a.txt"], 1),
    ("to itself", "self", "self", ["2016/b.txt", "a.txt", "self"], 0),
    ("to nothing", "gone.txt", "z.txt", ["2016/b.txt", "a.txt", "z.txt"], 0),
    ("hidden", "2016", ".latest", ["2016/b.txt", "a.txt"], 0),
]


@pytest.mark.parametrize(("what", "target", "link", "wanted", "notes"), LINKS, ids=[case[0] for case in LINKS])
def test_links(what: str, target: str, link: str, wanted: list[str], notes: int, news: Path) -> None:
    os.symlink(target, news / link)
    said: list[str] = []
    assert [source.name for source in find_sources([str(news)], said.append)] == wanted
    assert [("a link to a folder, not followed" in line, str(news / link) in line) for line in said] == [(True, True)] * notes


def test_a_link_to_nothing_is_a_reject(news: Path) -> None:
    os.symlink("gone.txt", news / "z.txt")
    os.symlink("self", news / "self")
    assert {name: reason[:16] for name, reason in reasons(news).items()} == dict.fromkeys(["self", "z.txt"], "cannot be opened")


def test_a_folder_that_cannot_be_listed_is_a_reject(news: Path, monkeypatch: Any) -> None:
    scandir = os.scandir

    def listed(folder: Path) -> Any:
        if Path(folder).name == "2016":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(walking.os, "scandir", listed)
    assert names(news) == ["2016", "a.txt"]
    assert list(reasons(news)) == ["2016"]
    with pytest.raises(UsageError, match="2016: cannot be opened: Permission denied"):
        find_sources([str(news / "2016")])


def test_other_kinds_are_counted(news: Path) -> None:
    for name in ("a.json", "2016/b.json", "c.pdf", "2016/d", ".hidden.pdf"):
        (news / name).write_text("x")
    said: list[str] = []
    find_sources([str(news)], said.append)
    assert len(said) == 1
    assert "4 files of other kinds left out (.json 2, " in said[0] and ".pdf 1" in said[0] and "no ending 1" in said[0]


# (what, paths and names, names then)
NAMES = [
    ("all different", [("/x/a", "a"), ("/x/b", "b")], ["a", "b"]),
    ("one file named twice", [("/x/a", "a"), ("/x/a", "a")], ["a", "a"]),
    ("two folders", [("/x/1/a", "a"), ("/x/2/a", "a"), ("/x/2/b", "b")], ["1/a", "2/a", "b"]),
    ("folders of folders", [("/x/1/s/a", "s/a"), ("/x/2/s/a", "s/a")], ["1/s/a", "2/s/a"]),
    ("alike two folders up", [("/x/1/s/a", "a"), ("/x/2/s/a", "a")], ["1/s/a", "2/s/a"]),
    ("a longer name that another has", [("/x/1/a", "a"), ("/y/a", "a"), ("/z/1/a", "1/a")], ["x/1/a", "y/a", "z/1/a"]),
    ("one path at the root", [("/a", "a"), ("/x/a", "a")], ["a", "x/a"]),
    ("URLs", [("s3://b/1/a", "a"), ("s3://b/2/a", "a")], ["1/a", "2/a"]),
]


@pytest.mark.parametrize(("what", "given", "wanted"), NAMES, ids=[case[0] for case in NAMES])
def test_distinct_names(what: str, given: list[tuple[str, str]], wanted: list[str]) -> None:
    assert distinct_names([path for path, _ in given], [name for _, name in given]) == wanted


def test_files_of_two_folders_are_told_apart(news: Path) -> None:
    (news / "2017").mkdir()
    (news / "2017" / "b.txt").write_text(TALKS)
    assert names(news / "2016", news / "2017") == ["2016/b.txt", "2017/b.txt"]
    assert names(f"{news}/*/b.txt") == ["2016/b.txt", "2017/b.txt"]
    assert names(news / "2016" / ".." / "2016", news / "a.txt") == ["b.txt", "a.txt"]


# (input, what is said)
NOTHING = [
    ("", "an input without a name"),
    ("a.txt/b.txt", "cannot be opened: Not a directory"),
    ("none.txt", "no such file or folder"),
    ("a\x00b", "no such file or folder"),
]


@pytest.mark.parametrize(("given", "reason"), NOTHING)
def test_an_input_that_is_none(given: str, reason: str, news: Path) -> None:
    with pytest.raises(UsageError, match=reason):
        find_sources([f"{news}/{given}" if given else given])

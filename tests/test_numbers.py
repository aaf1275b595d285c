"""Numbers on the command line: what does not fit is refused with what is wanted, before anything is read."""

import pytest

from parastance.train.cli import main

REFUSED = [
    ("train --seed -1", "-1: must be a whole number, 0 or more"),
    ("train --seed x", "x: must be a whole number, 0 or more"),
    ("train --precision 1", "1: must be a number between 0 and 1"),
    ("train --precision nan", "nan: must be a number between 0 and 1"),
    ("check a.jsonl --folds 1", "1: must be a whole number from 2 to 20"),
    ("check a.jsonl --seed -1", "-1: must be a whole number, 0 or more"),
    ("check a.jsonl -n 0", "0: must be a whole number, 1 or more"),
    ("queue a.jsonl -n 2.5", "2.5: must be a whole number, 1 or more"),
    ("queue a.jsonl --audit 1.1", "1.1: must be a number from 0 to 1"),
    ("queue a.jsonl --seed -1", "-1: must be a whole number, 0 or more"),
    ("promote a --margin two", "two: must be a number from 0 to 1"),
    ("promote a --floor inf", "inf: must be a number from 0 to 1"),
    ("shares a.jsonl --confidence 1", "1: must be a number from 0.5 to below 1"),
    ("shares a.jsonl --confidence x", "x: must be a number from 0.5 to below 1"),
    ("drift a.jsonl --since b.jsonl --seed -1", "-1: must be a whole number, 0 or more"),
    ("predict a.txt -o b.jsonl --part-size inf", "inf: must be a number above 0"),
    ("predict a.txt --jobs 0", "0: must be a whole number, 1 or more"),
]


@pytest.mark.parametrize(("line", "reason"), REFUSED, ids=[line for line, _ in REFUSED])
def test_a_number_that_does_not_fit_is_refused(line: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(line.split())
    assert stopped.value.code == 2
    assert reason in capsys.readouterr().err

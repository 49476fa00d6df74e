"""The benchmark of pairs: tasks hold out what they say, and small runs give whole rows."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.sequences import pairs
from benchmarks.sequences.learning import options


def given(**changed: object) -> argparse.Namespace:
    made = options(None, Path("x.csv")).parse_args([])
    made.settings = {"hidden_size": 4, "max_steps": 2}
    made.beams = [1, 2]
    return argparse.Namespace(**(vars(made) | changed))


def test_dates_that_are_tested_are_not_learned() -> None:
    task = pairs.dates_task(0, count=400, tested=100)
    assert len(task.sources) == 400
    assert len(task.test) == 100
    assert not set(task.sources) & set(task.test)
    assert task == pairs.dates_task(0, count=400, tested=100)


def test_digits_come_backwards() -> None:
    task = pairs.digits_task(1, count=500, tested=5)
    assert all(text[::-1] == back for text, back in zip(task.sources, task.targets, strict=True))
    assert min(map(len, task.sources)) == 5
    assert max(map(len, task.sources)) == 25
    assert task.right[0] == {task.test[0][::-1]}


def test_a_word_is_right_by_any_of_its_pronunciations(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pd.DataFrame(
        {
            "word": ["read", "read", "red", "'s", "a", "a"],
            "variant": [1, 2, 1, 1, 1, 2],
            "pronunciation": ["R EH1 D", "R IY1 D", "R EH1 D", "EH1 S", "AH0", "EY1"],
        }
    )
    monkeypatch.setattr(pairs.tsgen, "load_benchmark", lambda name: table)
    task = pairs.phonemes_task(0, tested=4)
    right = dict(zip(task.test, task.right, strict=True))
    assert right == {"read": {"R EH D", "R IY D"}, "red": {"R EH D"}, "'s": {"EH S"},
                     "a": {"AH", "EY"}}  # fmt: skip

    class Model:
        target_unit = "word"

        def predict(self, words: list[str], num_beams: int) -> list[str]:
            said = {"read": "R IY D", "red": "R IY D", "'s": "EH S S", "a": "EY"}
            return [said[word] for word in words]

    found = pairs.scores(task, Model(), beams=1)  # type: ignore[arg-type]
    assert found["error"] == 50.0
    assert found["symbol_error"] == pytest.approx(100 * 2 / 9, abs=1e-3)


def test_a_row_for_each_seed_and_width() -> None:
    task = pairs.dates_task(0, count=60, tested=10)
    rows = pairs.learned("dates", task, given(seeds=[0, 1]))
    assert rows[["seed", "beams"]].to_numpy().tolist() == [[0, 1], [0, 2], [1, 1], [1, 2]]
    assert rows["error"].between(0, 100).all()
    assert (rows["task"] == "dates").all()


def test_speed_is_beside_a_bare_loop() -> None:
    rows = pairs.speed(pairs.digits_task(0, 200, 1), [4], steps=2, repeats=1)
    assert (rows[["pairs_per_s", "bare_pairs_per_s"]] > 0).all(axis=None)


def test_main_records_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(pairs.TASKS, "dates", lambda seed: pairs.dates_task(seed, 60, 10))
    settings = '{"hidden_size": 4, "max_steps": 2}'
    out = tmp_path / "pairs.csv"
    pairs.main(["dates", "--settings", settings, "--beams", "1", "--out", str(out)])
    row = pd.read_csv(out).iloc[0]
    assert row["task"] == "dates"
    assert row["command"].startswith("python")

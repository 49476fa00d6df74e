"""Committed results: what the README prints is what the files say."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import record, tables
from benchmarks.accuracy import tables as accuracy
from benchmarks.markdown import filled, over_seeds, seconds
from benchmarks.speed import tables as speed


def test_covariates_lower_the_error_on_both_sets_for_three_seeds() -> None:
    table = record.read("covariates")
    assert table.groupby("dataset")["seed"].apply(list).to_dict() == {
        "beijing_air": [0, 1, 2],
        "chicago_trains": [0, 1, 2],
    }
    assert (table["with"] < table["without"]).all()
    np.testing.assert_allclose(table["ratio"], table["with"] / table["without"], atol=1e-3)


# --- pages


def test_pages_have_the_tables_that_the_results_make() -> None:
    blocks, texts = tables.tables(), tables.pages()
    assert tables.homeless(blocks, texts) == set()
    for path, text in texts.items():
        assert filled(text, blocks) == text, f"{path}: python -m benchmarks.tables --write"


def test_a_table_without_marks_and_a_mark_without_a_table_are_found() -> None:
    texts = {Path("a.md"): "<!-- X -->\nold\n<!-- end X -->\n", Path("b.md"): "<!-- Y -->\n"}
    assert tables.homeless({"X": "", "Y": ""}, texts) == {"Y"}, "an end is missing"
    assert tables.homeless({}, texts) == {"X"}


@pytest.mark.parametrize("old", ["", "old\n", "old\n\nolder\n"])
def test_only_what_is_between_the_marks_is_written(old: str) -> None:
    text = "a\n<!-- X -->\n{}<!-- end X -->\nb\n<!-- Y -->\ny\n<!-- end Y -->\n"
    assert filled(text.format(old), {"X": "new"}) == text.format("new\n")


# --- cells and tables


@pytest.mark.parametrize(
    ("values", "shown"),
    [([], "–"), ([0.01], "0.01"), ([0.03, 0.01, 0.02], "0.02 (0.01 to 0.03)")],
)
def test_several_seeds_are_a_median_and_a_range(values: list[float], shown: str) -> None:
    assert over_seeds(values, ".2g") == over_seeds(pd.Series(values, dtype=float), ".2g") == shown


def test_models_are_sorted_by_their_time_to_accuracy() -> None:
    fits = pd.DataFrame(
        [("never", 600.0, 2.0), ("slow", 40.0, 0.9), ("quick", 2.0, 1.1), ("quick", 4.0, 0.8)],
        columns=["model", "fit_s", "mase"],
    ).assign(seasonal_naive=1.0, limit_s=600.0)
    assert speed.time_to_accuracy(fits).splitlines()[2:] == [
        "| quick | 4.0 | 0.800 | 4.0 |",
        "| slow | 40.0 | 0.900 | 40.0 |",
        "| never | not in 600 | 2.000 | 600.0 |",
    ]


def checked(preset: str, tsgen: list[float], **columns: object) -> pd.DataFrame:
    return pd.DataFrame(
        {"dataset": ["one", "two"], "preset": preset, "series": 1, "horizon": 8, "tsgen": tsgen,
         "lowest": 0.4, "highest": 1.0, "seasonal_naive": [1.0, 0.8], "naive": 2.0, "seconds": 3.4}
    ).assign(**columns)  # fmt: skip


def test_where_the_defaults_fall_short_is_named() -> None:
    assert accuracy.quickcheck(checked("balanced", [0.5, 0.9])).splitlines()[2:] == [
        "| one | 1 | 8 | 0.500 (0.400 to 1.000) | 3.4 s | 1.000 | 2.000 |",
        "| two | 1 | 8 | 0.900 (0.400 to 1.000) | 3.4 s | 0.800 | 2.000 |",
        "",
        "- `balanced`: ahead of both naive forecasts on 1 of 2; not on `two`.",
    ]


def test_presets_stand_beside_each_other() -> None:
    once = checked("zero_shot", [0.7, 0.7], lowest=0.7, highest=0.7, seconds=0.21)
    lines = accuracy.quickcheck(pd.concat([checked("balanced", [0.5, 0.9]), once])).splitlines()
    assert lines[0] == (
        "| data set | series | horizon | balanced | seconds | zero_shot | seconds |"
        " seasonal naive | naive |"
    )
    assert lines[2] == (
        "| one | 1 | 8 | 0.500 (0.400 to 1.000) | 3.4 s | 0.700 | 0.21 s | 1.000 | 2.000 |"
    )
    assert lines[-1] == "- `zero_shot`: ahead of both naive forecasts on 2 of 2."


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.004, "0.004 s"), (0.96, "0.96 s"), (9.94, "9.9 s"), (9.95, "10 s"), (1234.5, "1,234 s"),
     (float("nan"), "–")],
)  # fmt: skip
def test_seconds_have_two_digits_or_are_whole(value: float, shown: str) -> None:
    assert seconds(value) == shown


def test_the_model_card_has_the_hashes_of_the_files() -> None:
    card = (record.ROOT / "docs" / "model_card.md").read_text(encoding="utf-8")
    files = sorted((record.ROOT / "tsgen" / "weights").glob("*.safetensors"))
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    found = re.findall(r"^\| `(tsgen/weights/\S+)` .* `([0-9a-f]{64})` \|$", card, re.MULTILINE)
    names = [f"tsgen/weights/{path.name}" for path in files]
    made = list(zip(names, hashes, strict=True))
    assert sorted(found) == made, "python -m benchmarks.tables --write"


# --- what stands beside a result


def test_a_result_says_what_made_it_and_keeps_what_it_says_itself(tmp_path: Path) -> None:
    path = tmp_path / "new" / "result.csv"
    record.write(pd.DataFrame({"mase": [0.5, 0.7], "library": "darts 1.0"}), path)
    table = pd.read_csv(path)
    assert list(table.columns) == [
        "mase", "library", "torch", "numpy", "pandas", "python", "device", "threads", "date",
        "commit", "command",
    ]  # fmt: skip
    assert set(table["library"]) == {"darts 1.0"}
    assert table["command"].str.startswith("python ").all()


def test_rows_of_other_presets_stay_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "result.csv"
    for preset, error in (("balanced", 0.5), ("zero_shot", 0.7), ("balanced", 0.4)):
        table = pd.DataFrame({"preset": preset, "mase": [error, 2 * error]})
        record.write_beside(
            table.assign(**({"weights": "w"} if error > 0.6 else {})), path, "preset"
        )
    table = pd.read_csv(path)
    assert table[["preset", "mase"]].values.tolist() == [
        ["zero_shot", 0.7], ["zero_shot", 1.4], ["balanced", 0.4], ["balanced", 0.8]
    ]  # fmt: skip
    assert table["commit"].notna().all()
    assert table["weights"].fillna("").tolist() == ["w", "w", "", ""]

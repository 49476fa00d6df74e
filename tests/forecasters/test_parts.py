"""A folder of parts that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tsgen.errors import ForecastsExistError
from tsgen.forecasters.parts import PartsFolder, frame_hash

REQUEST = {"model": "a", "df": [["in/0.parquet", 10, 1], ["in/1.parquet", 10, 1]], "horizon": 5}
FORECAST = pd.DataFrame({"unique_id": ["a", "b"], "y": [1.0, 2.0]})


def finished(out: Path, parts: int = 2, **changes: Any) -> PartsFolder:
    folder = PartsFolder(out, REQUEST | changes)
    folder.check(overwrite=False)
    for number in range(parts):
        folder.write(number, FORECAST)
    folder.finish(parts)
    return folder


def test_what_is_there_is_known_to_the_same_request_alone(tmp_path: Path) -> None:
    finished(tmp_path / "out")
    same, other = (PartsFolder(tmp_path / "out", REQUEST | {"horizon": h}) for h in (5, 6))
    assert same.is_finished
    assert [same.has(number) for number in range(3)] == [True, True, False]
    assert not other.is_finished
    assert not other.has(0)
    same._part(1).unlink()
    assert not same.is_finished


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"horizon": 6}, "horizon was 5, and is 6"),
        ({"model": "b"}, "the model was another one"),
        ({"df": [["in/0.parquet", 10, 1]]}, r"df= was of other files \(in/1.parquet\)"),
        ({"df": [["in/0.parquet", 9, 1], REQUEST["df"][1]]}, r"files \(in/0.parquet\)"),
        ({"df": REQUEST["df"][::-1]}, r"files \(in another order\)"),
        ({"future_df": "hash"}, "future_df= was another one"),
        ({"model": "b", "horizon": 6}, "another one; horizon was"),
    ],
)  # fmt: skip
def test_what_differs_is_said(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    finished(tmp_path / "out", future_df=None)
    other = PartsFolder(tmp_path / "out", REQUEST | {"future_df": None} | changes)
    other.check(overwrite=True)
    with pytest.raises(ForecastsExistError, match=said):
        other.check(overwrite=False)


def test_parts_of_another_request_go_with_the_first_new_one(tmp_path: Path) -> None:
    finished(tmp_path / "out")
    other = PartsFolder(tmp_path / "out", REQUEST | {"horizon": 6})
    other.check(overwrite=True)
    assert finished_names(tmp_path) == ["part-00000000.parquet", "part-00000001.parquet"]
    other.write(0, FORECAST)
    assert finished_names(tmp_path) == ["part-00000000.parquet"]


def finished_names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "out").glob("part-*"))


def test_a_part_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = PartsFolder(tmp_path / "out", REQUEST)

    def cut_off(table: Any, file: Any) -> None:
        file.write(b"PAR1")
        raise OSError("the disk is full")

    monkeypatch.setattr(pq, "write_table", cut_off)
    with pytest.raises(OSError, match="the disk is full"):
        folder.write(0, FORECAST)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["_tsgen.json"]


def test_categories_have_numbers_of_one_size(tmp_path: Path) -> None:
    folder = PartsFolder(tmp_path / "out", REQUEST)
    for number, count in enumerate((3, 300)):
        ids = pd.Categorical([f"s{i}" for i in range(count)])
        folder.write(number, pd.DataFrame({"unique_id": ids, "y": 1.0}))
    assert folder.dataset().to_table().num_rows == 303
    assert len(pd.read_parquet(tmp_path / "out")) == 303


def test_frames_are_told_by_columns_and_values() -> None:
    others = [FORECAST.rename(columns={"y": "z"}), FORECAST.assign(y=3.0), FORECAST.iloc[:1]]
    assert frame_hash(FORECAST) == frame_hash(FORECAST.copy())
    assert len({frame_hash(frame) for frame in [FORECAST, *others]}) == 4

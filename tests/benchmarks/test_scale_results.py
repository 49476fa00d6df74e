"""Panels of more than memory holds: how they are made, and what the recorded runs say."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks import record
from benchmarks.scale import forecast, simulate, tables


def test_series_are_made_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "IN_A_FILE", 4)
    forecast.make(10, tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    made = pd.read_parquet(tmp_path)
    assert made["unique_id"].nunique() == 10
    assert made.groupby("unique_id").size().eq(forecast.ROWS).all()
    assert made["unique_id"].is_monotonic_increasing


def test_a_million_series_stay_within_memory_and_five_minutes_of_two_cores() -> None:
    runs = record.read("scale_forecast")
    for name in forecast.MODELS:
        these = runs[runs["model"] == name].set_index("series")
        assert set(these.index) == set(forecast.SERIES)
        assert (these["peak_mib"] < 3 * 1024).all()
        assert these.loc[1_000_000, "cpu_seconds"] < 2 * 300
        assert (these["rows"] == these.index * forecast.ROWS).all()


def test_the_smallest_panel_stands_first() -> None:
    row = {"rows": 100, "units": 4, "seconds": 2.0, "cpu_seconds": 3.0, "series_per_s": 5}
    runs = pd.DataFrame([{"series": n, "model": "m", "peak_mib": n, **row} for n in (20, 10)])
    lines = tables.forecast(runs).splitlines()
    assert lines[2] == "| 10 | 100 | m | 4 | 2 s | 3 s | 5 | 10 |"
    assert lines[3].startswith("| 20 |")


LUCKLESS = simulate.Assumed(spread=0.0, slow_share=0.0, lost_an_hour=1e-12)


@pytest.mark.parametrize(("shard", "workers"), [(1000, 1), (1000, 7), (10_000, 64)])
def test_a_night_without_luck_takes_what_the_formula_says(shard: int, workers: int) -> None:
    found, hours = simulate.night(1e6, shard, workers, 1e-3, LUCKLESS, seed=0)
    # Workers are told one after the other, so that the last of them ends a little later.
    assert found == pytest.approx(simulate.formula(1e6, shard, workers, 1e-3, LUCKLESS), rel=0.02)
    assert hours == pytest.approx(found * workers / 3600)


def test_more_workers_than_shards_help_nothing() -> None:
    few, many = (
        simulate.night(1e6, 10_000, count, 1e-3, LUCKLESS, seed=0)[0] for count in (100, 900)
    )
    assert few == pytest.approx(many)


def test_lost_workers_and_slow_shards_cost_time() -> None:
    calm = simulate.night(1e6, 10_000, 4, 1e-3, LUCKLESS, seed=0)[0]
    lost = simulate.Assumed(spread=0.0, slow_share=0.0, lost_an_hour=30.0)
    slow = simulate.Assumed(spread=0.0, slow_share=0.5, lost_an_hour=1e-12)
    assert simulate.night(1e6, 10_000, 4, 1e-3, lost, seed=0)[0] > calm
    assert simulate.night(1e6, 10_000, 4, 1e-3, slow, seed=0)[0] > 1.5 * calm

"""What pictures of trainings, explanations and the prior show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.problems import wavy

import tsgen
from tsgen import (
    TrainingReport,
    plot_prior,
    plot_training,
)
from tsgen.errors import SettingError
from tsgen.plotting import save_figure
from tsgen.simulation import samples_of_parts


def report_of(steps: int = 4, *, validation: bool = False) -> TrainingReport:
    """Of a training of 60 steps, told of in three rows."""
    losses = pd.DataFrame({"step": [20, 40, 60], "loss": [0.9, 0.5, 0.4]})
    if validation:
        losses["validation"] = [1.2, 0.8, np.nan]
    here = np.arange(1.0, steps + 1)
    errors = pd.DataFrame({"step": here, "teacher_forced": 0.1 * here, "free_running": 0.25 * here})
    where = "held-out rows" if validation else "training rows"
    return TrainingReport(losses, errors.assign(ratio=2.5), where)


def lines(axis: Any) -> dict[str, Any]:
    return {line.get_label(): line for line in axis.lines}


@pytest.mark.slow
@pytest.mark.parametrize("validation", [False, True])
def test_a_picture_of_a_training(validation: bool) -> None:
    """Losses on the left, errors on the right, as the report has them."""
    report = report_of(validation=validation)
    figure = plot_training(report)
    left, right = figure.axes
    drawn = lines(left)
    np.testing.assert_array_equal(drawn.pop("training").get_xydata(), report.losses.iloc[:, :2])
    assert len(drawn) == validation
    for label, line in drawn.items():
        assert "held-out" in label
        np.testing.assert_array_equal(line.get_ydata(), report.losses["validation"])
    drawn = lines(right)
    for label, column in {
        "teacher-forced": "teacher_forced",
        "free-running": "free_running",
    }.items():
        np.testing.assert_array_equal(drawn[label].get_xydata(), report.errors[["step", column]])
    title = right.get_title(loc="left")
    assert report.measured_on in title
    assert "2.50" in title
    for axis in (left, right):
        assert axis.get_ylim()[0] == 0
        assert axis.get_xlabel()
        assert axis.get_legend() is not None
    figure.draw_without_rendering()


def test_a_single_step_is_seen_as_a_point() -> None:
    figure = plot_training(report_of(steps=1))
    assert all(line.get_marker() not in ("None", "") for line in figure.axes[1].lines)


@pytest.mark.parametrize("rows", [1, 3])
def test_a_single_loss_is_seen_as_a_point(rows: int) -> None:
    """Such as those of a validated run of few steps, or validated once alone."""
    report = report_of(validation=True)
    losses = report.losses.iloc[:rows].copy()
    losses.loc[1:, "validation"] = np.nan
    figure = plot_training(TrainingReport(losses, report.errors, report.measured_on))
    drawn = lines(figure.axes[0])
    assert drawn.pop("training").get_marker() == ("o" if rows == 1 else "None")
    (validation,) = drawn.values()
    assert validation.get_marker() == "o"


@pytest.mark.slow
def test_a_training_has_a_title_if_it_is_given_one(tmp_path: Path) -> None:
    assert plot_training(report_of()).get_suptitle() == ""
    figure = plot_training(report_of(), title="Sales")
    assert figure.get_suptitle() == "Sales"
    save_figure(figure, tmp_path / "training.png")
    assert (tmp_path / "training.png").read_bytes().startswith(b"\x89PNG")


def test_the_report_is_not_changed_by_its_picture() -> None:
    report = report_of(validation=True)
    before = report.losses.copy(), report.errors.copy()
    plot_training(report)
    pd.testing.assert_frame_equal(report.losses, before[0])
    pd.testing.assert_frame_equal(report.errors, before[1])


def test_a_picture_of_a_model_that_was_trained() -> None:
    model = tsgen.LSTMForecaster(max_steps=3, hidden_size=4, verbose=False).fit(wavy())
    figure = plot_training(model.report_)
    assert lines(figure.axes[0])["training"].get_xdata().tolist() == [1, 2, 3]


def test_a_row_of_pictures_for_each_part_of_the_prior() -> None:
    samples = samples_of_parts(2, 30, 4, random_state=1)
    figure = plot_prior(n_series=2, length=30, season_length=4, random_state=1, title="Parts")
    assert len(figure.axes) == 2 * len(samples)
    assert [axis.get_title(loc="left") for axis in figure.axes[::2]] == list(samples)
    drawn = [axis.lines[0].get_ydata() for axis in figure.axes]
    expected = [values for series in samples.values() for values in series]
    np.testing.assert_array_equal(drawn, expected)
    assert figure.get_suptitle() == "Parts"


def test_a_page_of_no_series_is_refused() -> None:
    with pytest.raises(SettingError, match="n_series=0"):
        plot_prior(n_series=0)

"""Findings as one page of HTML."""

from __future__ import annotations

import math
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsgen.data import AnyFrame
from tsgen.forecasters import NeuralForecaster
from tsgen.io import PathLike, check_target, whole_file
from tsgen.reporting.accuracy import LEVELS, MODEL, Accuracy
from tsgen.reporting.findings import (
    ODD,
    Findings,
    Missing,
    StabilityFound,
    find_out,
)
from tsgen.reporting.pictures import draw_errors, draw_forecast, draw_ratios
from tsgen.reporting.wording import (
    count,
    name,
    number,
    per_cent,
    reason,
    rows_come,
    scaled,
    stamp,
    steps,
)

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["page_of", "write_report"]

_MOST_STEPS, _MOST_SERIES, _MOST_ODD, _MOST_INPUTS = 12, 20, 20, 12
"""Rows of tables."""
_FEWEST_RATIOS = 12
"""Series from which there is a picture of all their errors."""
_REPEATING = {"last season": "repeating the last season", "last value": "repeating the last value"}


def write_report(
    model: NeuralForecaster,
    df: AnyFrame,
    path: PathLike = "report.html",
    *,
    horizon: int | None = None,
    future_df: AnyFrame | None = None,
    overwrite: bool = False,
) -> Path:
    """Write one page on how good a model's forecasts are, and what it forecasts.

    What was read; a backtest beside naive forecasts, by step and by series; forecasts with
    intervals of the best, the median and the worst series; odd rows; what the model goes by,
    whether its loops are stable, its settings, and versions. What can't be found out is left out
    with the reason.

    Where the model was trained on the rows of the backtest, a network of the same settings is
    fitted to those before the first cutoff, which takes about as long as ``fit`` did.

    Parameters
    ----------
    model : forecaster
        A fitted `LSTMForecaster`, `GRUForecaster` or `EncoderDecoderForecaster`. It isn't changed,
        but calibrated for intervals, if it hasn't been.
    df : Series or DataFrame
        Its series, in any layout, with the columns' names given to ``fit``.
    path : path, default "report.html"
        The page stands by itself: no script, and nothing that is fetched from elsewhere.
    horizon : int, optional
        H; by default one season, but 6 steps at least.
    future_df : DataFrame, optional
        The future covariates at the time stamps of the horizon; without them a model that has some
        is backtested, but nothing is forecast.
    overwrite : bool, default False
        Whether a file that exists is replaced.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    TypeError
        For anything else than such a model.
    NotFittedError
        Before ``fit``.
    FrameError
        With all that is wrong with ``df``.
    FileExistsError
        If there is a file and ``overwrite`` isn't given; nothing is computed then.

    Examples
    --------
    >>> import tempfile, tsgen
    >>> from tsgen.reporting import write_report
    >>> df = tsgen.load_dataset("sunspots")
    >>> model = tsgen.LSTMForecaster(preset="zero_shot", verbose=False).fit(df)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(model, df, f"{folder}/report.html").name
    'report.html'
    """
    target = check_target(path, overwrite=overwrite)
    page = page_of(find_out(model, df, horizon=horizon, future_df=future_df))
    with whole_file(target, overwrite=overwrite) as file:
        file.write(page.encode("utf-8", "replace"))
    return target


def page_of(found: Findings) -> str:
    """The page as text.

    Parameters
    ----------
    found : Findings
    """
    accuracy = found.accuracy
    said: dict[str, Any] = {
        "found": found,
        "today": date.today(),
        "rows_come": rows_come(found.frequency),
        "length": steps(found.horizon, found.frequency),
        "headline": _headline(found),
        "facts": _facts(found),
        "pictures": [],
        "levels": LEVELS,
        "odd_score": ODD,
    }
    if not isinstance(accuracy, Missing):
        said["accuracy"] = _of_accuracy(accuracy, found)
    if not isinstance(found.forecasts, Missing):
        said["pictures"] = [(one, draw_forecast(one), _change(one)) for one in found.forecasts]
    if not isinstance(found.odd_rows, Missing):
        said["odd"] = found.odd_rows.rows.head(_MOST_ODD).to_dict("records")
    if not isinstance(found.importance, Missing):
        said["inputs"] = _inputs(found.importance)
    if not isinstance(found.stability, Missing):
        said["stability"] = _of_stability(found.stability, said["length"])
    holes = found.read.holes
    said["holes"] = holes[holes > 0].sort_values(ascending=False, kind="stable")
    return _template().render(said)


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("tsgen.reporting", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "name": name, "number": number, "per_cent": per_cent, "reason": reason,
        "scaled": scaled, "stamp": stamp, "count": count,
    }  # fmt: skip
    return environment.get_template("page.html")


# --- sentences


def _headline(found: Findings) -> str:
    accuracy, length = found.accuracy, steps(found.horizon, found.frequency)
    if isinstance(accuracy, Missing):
        return f"How good forecasts of {length} are couldn't be measured."
    naive = _REPEATING[accuracy.reference]
    where = f"over {count(accuracy.n_windows, 'cutoff')}"
    if math.isnan(accuracy.ratio):
        return f"Every series repeats itself exactly: {naive} is all it takes."
    change = round(100 * (1 - accuracy.ratio))
    if change > 0:
        return f"Forecasts of {length} were {change} % closer than {naive}, {where}."
    if change < 0:
        return f"Forecasts of {length} were {-change} % further off than {naive}, {where}."
    return f"Forecasts of {length} were as close as {naive}, {where}."


def _facts(found: Findings) -> list[tuple[str, str]]:
    """Figures beside the headline, and what they are."""
    facts = []
    accuracy = found.accuracy
    if not isinstance(accuracy, Missing):
        naive = accuracy.mase[accuracy.reference]
        facts.append(
            (
                scaled(accuracy.mase[MODEL]),
                f"scaled error; {scaled(naive)} for the {accuracy.reference}",
            )
        )
        errors = accuracy.by_series.dropna()
        if len(errors) > 1:
            closer = int((errors[MODEL] < errors[accuracy.reference]).sum())
            facts.append((f"{closer:,} of {len(errors):,}", "series were forecast closer"))
        if LEVELS[0] in accuracy.coverage:
            inside = per_cent(accuracy.coverage[LEVELS[0]].mean())
            facts.append((inside, f"of values inside of intervals of {LEVELS[0]} %"))
    if not isinstance(found.odd_rows, Missing):
        odd = len(found.odd_rows.rows)
        facts.append((f"{odd:,}", "odd row" if odd == 1 else "odd rows"))
    return facts


def _change(shown: Any) -> str:
    """The mean of a forecast beside that of as many rows before it."""
    before = float(shown.history.iloc[-len(shown.forecast) :].mean())
    ahead = float(shown.forecast["y"].mean())
    change = f" ({100 * (ahead / before - 1):+.1f} %)".replace("-", "−") if before > 0 else ""
    return f"on average {number(ahead)}, after {number(before)} before{change}"


def _of_stability(found: StabilityFound, length: str) -> list[str]:
    """What was found, sentence by sentence."""
    loops, ahead = count(found.loops, "loop"), count(found.steps, "step")
    some = {
        f"in {found.growing:,} small errors grow from step to step": found.growing,
        f"{found.flat:,} end flat": found.flat,
        f"{found.leaving:,} leave the range of values in training within {length}": found.leaving,
    }
    said = [text for text, number_of in some.items() if number_of]
    if not said:
        return [f"{loops} ran {ahead} ahead: none runs away, ends flat or leaves what it has seen."]
    return [f"{loops} ran {ahead} ahead: {'; '.join(said)}."]


# --- tables


def _of_accuracy(accuracy: Accuracy, found: Findings) -> dict[str, Any]:
    names = list(accuracy.mase.index)
    errors = accuracy.by_series.dropna()
    ratios = errors[MODEL] / errors[accuracy.reference].where(errors[accuracy.reference] > 0)
    kept = np.linspace(1, accuracy.horizon, min(accuracy.horizon, _MOST_STEPS)).round()
    at = [step for step in dict.fromkeys(kept.astype(int)) if step in accuracy.mase_by_step.index]
    ranked = accuracy.by_series.loc[[*accuracy.ranked, *_without_rank(accuracy)]]
    left_out = max(0, len(ranked) - _MOST_SERIES)
    half = _MOST_SERIES // 2
    shown = pd.concat([ranked.head(half), ranked.tail(half)]) if left_out else ranked
    return {
        "names": names,
        "reference": accuracy.reference,
        "overall": [(each, accuracy.mase[each], accuracy.rmsse[each]) for each in names],
        "errors": draw_errors(accuracy),
        "ratios": draw_ratios(ratios.dropna()) if ratios.count() >= _FEWEST_RATIOS else "",
        "steps": [
            (
                step,
                accuracy.mase_by_step.loc[step],
                accuracy.rmsse_by_step.loc[step],
                accuracy.coverage.loc[step],
            )
            for step in at
        ],
        "steps_left_out": accuracy.horizon - len(at),
        "coverage": accuracy.coverage.mean(),
        "series": [
            (found.labels[i], row)
            for i, row in zip(shown.index, shown.to_dict("records"), strict=True)
        ],
        "series_left_out": left_out,
        "not_forecast": found.read.series - len(accuracy.by_series),
    }


def _without_rank(accuracy: Accuracy) -> list[int]:
    """Series whose errors can't be scaled."""
    return [int(i) for i in accuracy.by_series.index[accuracy.by_series[MODEL].isna()]]


def _inputs(importance: pd.DataFrame) -> list[tuple[str, float, float]]:
    """Name, importance in per cent, and how long its bar is."""
    shown = importance.head(_MOST_INPUTS)
    most = max(float(shown["importance"].max()), 1e-9)
    return [
        (each, 100 * share, max(0.0, 100 * share / most))
        for each, share in zip(shown["input"], shown["importance"], strict=True)
    ]

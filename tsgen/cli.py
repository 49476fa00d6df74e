"""The command line: files in, files out, errors in one line."""

from __future__ import annotations

import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from tsgen.baselines import SeasonalNaive
    from tsgen.columns import Columns
    from tsgen.forecaster import LSTMForecaster
    from tsgen.layouts import Frame

__all__ = ["app", "main"]

app = typer.Typer(
    help="Forecast time series with a recurrent network rolled out in closed loop.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

# typer exports this alone of its tree of usage errors: the base is what a user can mend.
_UsageError: type[Any] = typer.BadParameter.__bases__[0]

_File = Annotated[Path, typer.Argument(help="CSV or Parquet, in long form.", show_default=False)]
_Horizon = Annotated[int, typer.Option(help="Steps to forecast.", min=1, show_default=False)]
_IdCol = Annotated[str, typer.Option(help="Column of ids; without it, one series.")]
_TimeCol = Annotated[str, typer.Option(help="Column of time stamps.")]
_TargetCol = Annotated[str, typer.Option(help="Column to forecast.")]
_Freq = Annotated[
    str | None, typer.Option(help="Such as h, D or MS; found in the data if not given.")
]
_Future = Annotated[
    list[str] | None,
    typer.Option("--future", help="Covariate known over the horizon; may be given repeatedly."),
]
_Past = Annotated[
    list[str] | None,
    typer.Option("--past", help="Covariate known up to now; may be given repeatedly."),
]
_Static = Annotated[
    list[str] | None,
    typer.Option("--static", help="Covariate that is one value a series; may be repeated."),
]
_FutureFile = Annotated[
    Path | None,
    typer.Option(help="CSV or Parquet with the --future columns at the time stamps to forecast."),
]
_Calendar = Annotated[
    list[str] | None,
    typer.Option(help="auto, day_of_week, holidays:DE, …; may be given repeatedly."),
]
_FillOption = Annotated[
    str | None,
    typer.Option(
        "--fill", help="For missing values and rows: mask, ffill, interpolate or a number."
    ),
]
_Seed = Annotated[int, typer.Option(help="Same seed, same forecast.", min=0)]
_MaxSteps = Annotated[int | None, typer.Option(help="Optimiser steps; chosen if not given.", min=1)]
_Out = Annotated[Path, typer.Option(help="CSV or Parquet to write.")]
_Level = Annotated[
    list[float] | None,
    typer.Option(help="Coverage of intervals in per cent, such as 80; may be given repeatedly."),
]
_Plot = Annotated[Path | None, typer.Option(help="Picture to write, such as forecast.png.")]

_METRICS = {"MAE": "mae", "RMSE": "rmse", "sMAPE": "smape"}
"""Of a backtest, by what its summary calls them."""


@app.command()
def forecast(
    file: _File,
    horizon: _Horizon,
    id_col: _IdCol = "unique_id",
    time_col: _TimeCol = "ds",
    target_col: _TargetCol = "y",
    freq: _Freq = None,
    future: _Future = None,
    past: _Past = None,
    static: _Static = None,
    future_file: _FutureFile = None,
    calendar: _Calendar = None,
    fill: _FillOption = None,
    level: _Level = None,
    out: _Out = Path("forecast.csv"),
    plot: _Plot = None,
    seed: _Seed = 0,
    max_steps: _MaxSteps = None,
    check: Annotated[
        bool, typer.Option(help="Fit twice: first without the last rows, to measure the accuracy.")
    ] = True,
) -> None:
    """Fit a model to FILE and forecast it."""
    from tsgen.columns import Columns
    from tsgen.intervals import level_shares

    columns = Columns.of(id_col, time_col, target_col, future or (), past or (), static or ())
    _check_targets(out, plot)
    level_shares(level)  # as all that can be wrong, before the time for a fit is spent
    if future and future_file is None:
        _fail("--future needs --future-file with these columns at the time stamps to forecast")
    frame = _read(file, columns)
    ahead = None if future_file is None else _read(future_file, columns)
    model = _new_model(seed, max_steps, calendar)
    job = _Job(frame, columns, freq, _fill(fill), horizon, level, ahead)
    accuracy = job.accuracy(model) if check else None
    start = time.perf_counter()
    result = job.forecast(model)
    seconds = time.perf_counter() - start
    written = _write_all(frame, result, columns, out, plot)
    _summary(
        {
            **_fitted(frame, model, seconds),
            **({} if accuracy is None else accuracy.lines()),
            "written": ", ".join(str(path) for path in written),
        }
    )


@app.command()
def fit(
    file: _File,
    save: Annotated[
        Path, typer.Option(help="Model to write, such as model.tsgen.", show_default=False)
    ],
    overwrite: Annotated[bool, typer.Option(help="Replace a model that exists.")] = False,
    id_col: _IdCol = "unique_id",
    time_col: _TimeCol = "ds",
    target_col: _TargetCol = "y",
    freq: _Freq = None,
    future: _Future = None,
    past: _Past = None,
    static: _Static = None,
    calendar: _Calendar = None,
    fill: _FillOption = None,
    seed: _Seed = 0,
    max_steps: _MaxSteps = None,
    levels: Annotated[
        bool, typer.Option(help="Calibrate too, so that predict has levels: a second fit.")
    ] = False,
) -> None:
    """Fit a model to FILE and save it."""
    from tsgen.archive import check_target
    from tsgen.columns import Columns

    columns = Columns.of(id_col, time_col, target_col, future or (), past or (), static or ())
    frame = _read(file, columns)
    model = _new_model(seed, max_steps, calendar)
    try:
        check_target(save, overwrite=overwrite)  # before the time for the fit is spent
        start = time.perf_counter()
        model.fit(frame, **_fit_arguments(columns, freq, _fill(fill)))
        seconds = time.perf_counter() - start
        if levels:
            model.calibrate()
        model.save(save, overwrite=overwrite)
    except FileExistsError:
        _fail(f"{save} exists; --overwrite replaces it")
    except OSError as error:
        _fail(str(error))
    _summary({**_fitted(frame, model, seconds), "written": str(save)})


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="Written by tsgen fit.", show_default=False)],
    horizon: _Horizon,
    file: Annotated[
        Path | None,
        typer.Argument(help="Series to continue instead of those of the fit.", show_default=False),
    ] = None,
    future_file: _FutureFile = None,
    level: _Level = None,
    out: _Out = Path("forecast.csv"),
    plot: _Plot = None,
) -> None:
    """Forecast with a saved MODEL: the series of FILE, or those that it was fitted to."""
    from tsgen.errors import NotFittedError

    if file is None and plot is not None:
        _fail("--plot draws the series of FILE before their forecast: pass FILE")
    _check_targets(out, plot)
    loaded = _loaded(model)
    columns = loaded.panel_.columns
    frame = None if file is None else _read(file, columns)
    ahead = None if future_file is None else _read(future_file, columns)
    try:
        result = loaded.predict(horizon, df=frame, level=level, future_df=ahead)
    except NotFittedError:
        _fail(f"{model} has no levels: fit it anew with tsgen fit --levels")
    written = _write_all(frame, result, columns, out, plot)
    _summary({"model": str(model), "written": ", ".join(str(path) for path in written)})


@app.command()
def backtest(
    file: _File,
    horizon: _Horizon,
    n_windows: Annotated[int, typer.Option(help="Cutoffs of each series.", min=1)] = 1,
    step: Annotated[
        int | None, typer.Option(help="Rows between cutoffs; the horizon if not given.", min=1)
    ] = None,
    refit: Annotated[
        int | None,
        typer.Option(help="Fit anew at every so many cutoffs; never if not given.", min=1),
    ] = None,
    carry: Annotated[
        bool, typer.Option(help="Read each series once instead of a context for each cutoff.")
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option(help="Written by tsgen fit; else one is fitted to the rows before."),
    ] = None,
    id_col: _IdCol = "unique_id",
    time_col: _TimeCol = "ds",
    target_col: _TargetCol = "y",
    freq: _Freq = None,
    future: _Future = None,
    past: _Past = None,
    static: _Static = None,
    calendar: _Calendar = None,
    fill: _FillOption = None,
    level: _Level = None,
    out: Annotated[Path | None, typer.Option(help="CSV or Parquet for the forecasts.")] = None,
    plot: _Plot = None,
    seed: _Seed = 0,
    max_steps: _MaxSteps = None,
) -> None:
    """Forecast FILE from earlier rows of its own, and measure the errors."""
    from tsgen.columns import Columns
    from tsgen.errors import NotFittedError, TrainingRowsWarning
    from tsgen.frame import hold_out
    from tsgen.intervals import level_shares

    level_shares(level)
    _check_targets(out or Path(), plot)
    if model is not None:
        fitted = _loaded(model)
        columns = fitted.panel_.columns
        frame = _read(file, columns)
        lines = {"model": str(model)}
    else:
        columns = Columns.of(id_col, time_col, target_col, future or (), past or (), static or ())
        frame = _read(file, columns)
        rows = horizon + (n_windows - 1) * (step or horizon)
        earlier: Any = hold_out(frame, rows, **_names(columns))[0]
        start = time.perf_counter()
        fitted = _new_model(seed, max_steps, calendar)
        fitted.fit(earlier, **_fit_arguments(columns, freq, _fill(fill)))
        lines = _fitted(earlier, fitted, time.perf_counter() - start)
    windows: dict[str, Any] = {"n_windows": n_windows, "step": step}
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", TrainingRowsWarning)
        try:
            found = fitted.backtest(
                frame, horizon, **windows, refit=refit or False, carry=carry, level=level
            )
        except NotFittedError:
            _fail(f"{model} has no levels: fit it anew with tsgen fit --levels")
    for warning in told:
        _complain(warning.message)
    lines["forecasts"] = (
        f"{len(found) // horizon:,} of {horizon} steps, {time.perf_counter() - start:.1f} s"
    )
    naive = _seasonal_naive(frame, fitted).backtest(frame, horizon, **windows)
    lines |= _errors(found, naive, columns)
    if out is not None:
        _write(found, out)
    if plot is not None:
        from tsgen.plotting import plot_backtest

        _save(plot_backtest(found, history=frame, **_names(columns)), plot)
    written = [str(path) for path in (out, plot) if path is not None]
    _summary({**lines, **({"written": ", ".join(written)} if written else {})})


def _seasonal_naive(frame: pd.DataFrame, model: Any) -> SeasonalNaive:
    """The baseline for the series of a frame, read as a model reads them."""
    from tsgen.baselines import SeasonalNaive

    panel = model.panel_
    naive = SeasonalNaive(season_length=model.settings_.season_length)
    return naive.fit(frame, freq=panel.frequency, fill=panel.fill, **_names(panel.columns))


def _errors(found: pd.DataFrame, naive: pd.DataFrame, columns: Columns) -> dict[str, str]:
    """Lines on the errors of forecasts and of seasonal naive ones, means over all windows."""
    ours, theirs = (_mean_scores(rows, columns) for rows in (found, naive))
    return {name: f"{ours[name]:.4g} (seasonal naive {theirs[name]:.4g})" for name in _METRICS}


def _mean_scores(rows: pd.DataFrame, columns: Columns) -> pd.Series:
    """The metrics, and their means over several targets."""
    import pandas as pd

    from tsgen.scoring import score

    parts = [
        score(rows, _METRICS, id_col=columns.id, time_col=columns.time, target_col=target)
        for target in columns.targets
    ]
    return pd.concat(parts).mean()


def _loaded(model: Path) -> Any:
    from tsgen.forecaster import load

    try:
        return load(model)
    except OSError as error:
        _fail(str(error) if error.errno is None else f"can't read {model}: {error.strerror}")


def _new_model(seed: int, max_steps: int | None, calendar: list[str] | None) -> LSTMForecaster:
    from tsgen.forecaster import LSTMForecaster

    steps: Any = "auto" if max_steps is None else max_steps
    return LSTMForecaster(max_steps=steps, random_state=seed, calendar=calendar or None)


def _fill(given: str | None) -> Any:
    """A number where it is one."""
    try:
        return None if given is None else float(given)
    except ValueError:
        return given


def _names(columns: Columns) -> dict[str, Any]:
    return {"id_col": columns.id, "time_col": columns.time, "target_col": list(columns.targets)}


def _fit_arguments(columns: Columns, freq: str | None, fill: Any) -> dict[str, Any]:
    return {
        **_names(columns),
        "freq": freq,
        "fill": fill,
        "future_covariates": columns.future,
        "past_covariates": columns.past,
        "static_covariates": columns.static,
    }


def _fitted(frame: pd.DataFrame, model: LSTMForecaster, seconds: float) -> dict[str, str]:
    """Lines on a fit."""
    settings = model.settings_
    return {
        "rows read": f"{len(frame):,}",
        "series": f"{len(model.panel_):,}",
        "frequency": settings.frequency,
        "season": f"{settings.season_length} rows",
        "fit": f"{seconds:.1f} s, {settings.max_steps} steps",
    }


def _write_all(
    frame: pd.DataFrame | None, result: Frame, columns: Columns, out: Path, plot: Path | None
) -> list[Path]:
    """The forecast, and a picture of it where one is wanted; what was written."""
    _write(result, out)
    if plot is None or frame is None:
        return [out]
    _plot(frame, result, columns, plot)
    return [out, plot]


@dataclass(frozen=True)
class _Accuracy:
    """Mean MASE over the series on the held-out tail."""

    horizon: int
    model: float
    seasonal_naive: float

    def lines(self) -> dict[str, str]:
        return {
            f"MASE, last {self.horizon} rows": f"{self.model:.3f}{self._verdict()}",
            "  of seasonal naive": f"{self.seasonal_naive:.3f}",
        }

    def _verdict(self) -> str:
        if not 0 < self.seasonal_naive < float("inf"):
            return ""
        ratio = self.model / self.seasonal_naive
        change = f"{1 - ratio:.0%} lower" if ratio <= 1 else f"{ratio - 1:.0%} higher"
        return f" ({change} than seasonal naive)"


@dataclass(frozen=True)
class _Job:
    """One file to forecast."""

    frame: pd.DataFrame
    columns: Columns
    freq: str | None
    fill: Any
    horizon: int
    level: list[float] | None
    future: pd.DataFrame | None

    def forecast(self, model: Any) -> pd.DataFrame:
        model.fit(self.frame, **_fit_arguments(self.columns, self.freq, self.fill))
        result: pd.DataFrame = model.predict(self.horizon, level=self.level, future_df=self.future)
        return result

    def accuracy(self, model: Any) -> _Accuracy | None:
        """Of the model and of seasonal naive, on rows that neither has seen."""
        from tsgen.baselines import SeasonalNaive
        from tsgen.columns import Columns
        from tsgen.errors import FrameError
        from tsgen.frame import hold_out, read_panel
        from tsgen.metrics import mase
        from tsgen.reading import Reading

        targets = Columns.of(self.columns.id, self.columns.time, self.columns.targets)
        reading = Reading(targets, self.fill)
        whole = read_panel(self.frame, reading, freq=self.freq)
        if whole.lengths.min() < 3 * self.horizon:
            return None
        train, tail = hold_out(self.frame, self.horizon, **_names(self.columns))
        past = read_panel(train, reading, freq=self.freq)
        model.fit(train, **_fit_arguments(self.columns, self.freq, self.fill))
        naive = SeasonalNaive().fit(train, freq=self.freq, fill=self.fill, **_names(self.columns))
        future = {"future_df": tail} if self.columns.future else {}
        try:
            forecast = model.predict(self.horizon, **future)
        except FrameError:
            if self.fill is None or not future:
                raise
            return None  # the last rows have holes in what was known ahead of them
        season = model.settings_.season_length
        scores = []
        for result in (forecast, naive.predict(self.horizon)):
            values = read_panel(result, targets, freq=whole.frequency)
            errors = []
            for i in range(len(whole)):
                # With rows missing, the tail reaches further than the forecast does.
                start = len(past.series(i))
                truth = whole.series(i)[start : start + self.horizon]
                errors.append(mase(truth, values.series(i), past.series(i), season))
            scores.append(sum(errors) / len(errors))
        return _Accuracy(self.horizon, *scores)


def _check_targets(out: Path, plot: Path | None) -> None:
    """Say that a file can't be written before the time for a fit is spent."""
    for path in (out, plot):
        if path is not None and not path.resolve().parent.is_dir():
            _fail(f"can't write {path}: there is no folder {path.parent}")
    if plot is None:
        return
    from matplotlib.backend_bases import FigureCanvasBase

    formats = FigureCanvasBase.get_supported_filetypes()
    if plot.suffix.removeprefix(".").lower() not in formats:
        _fail(f"can't write {plot}: a picture's name ends in one of {', '.join(sorted(formats))}")


def _plot(frame: pd.DataFrame, result: Frame, columns: Columns, path: Path) -> None:
    from tsgen.plotting import plot_forecast

    _save(plot_forecast(frame, result, **_names(columns)), path)


def _save(figure: Figure, path: Path) -> None:
    from tsgen.plotting import save_figure

    try:
        save_figure(figure, path)
    except (ValueError, OSError) as error:
        _fail(f"can't write {path}: {error}")


def _read(file: Path, columns: Columns) -> pd.DataFrame:
    import pandas as pd

    if not file.is_file():
        _fail(f"{file} is a folder, not a file" if file.is_dir() else f"no file {file}")
    try:
        if file.suffix == ".parquet":
            return pd.read_parquet(file)
        frame = pd.read_csv(file)
    except (ValueError, ImportError, OSError) as error:
        _fail(f"can't read {file}: {error}")
    if columns.time in frame.columns and not pd.api.types.is_numeric_dtype(frame[columns.time]):
        try:
            with warnings.catch_warnings():  # pandas says that it guesses the format
                warnings.simplefilter("ignore")
                frame[columns.time] = pd.to_datetime(frame[columns.time])
        except ValueError as error:
            _fail(f"column {columns.time!r} of {file} doesn't hold time stamps: {error}")
    return frame


def _write(result: Frame, path: Path) -> None:
    import pandas as pd

    frame = result
    if isinstance(result, pd.Series):
        frame = result.to_frame("y" if result.name is None else result.name)
    # A long frame's index is a mere count; in other layouts it is the time.
    index = not isinstance(frame.index, pd.RangeIndex)
    try:
        if path.suffix == ".parquet":
            frame.to_parquet(path, index=index)
        else:
            frame.to_csv(path, index=index)
    except (ValueError, ImportError, OSError) as error:
        _fail(f"can't write {path}: {error}")


def _summary(lines: dict[str, str]) -> None:
    width = max(map(len, lines)) + 2
    for name, value in lines.items():
        typer.echo(f"{name:<{width}}{value}")


def _fail(message: str) -> NoReturn:
    _complain(message)
    raise typer.Exit(2)


def _complain(message: object) -> None:
    """One line, however many a message has."""
    typer.echo(f"tsgen: {' '.join(str(message).split())}", err=True)


def main() -> None:
    """Run the command line; an error that the user can mend is one line and exit code 2."""
    from tsgen.errors import TsgenError

    try:
        code = app(standalone_mode=False)
    except TsgenError as error:
        _complain(error)
        code = 2
    except _UsageError as error:
        if error.format_message():  # empty when the help was shown for want of arguments
            _complain(error.format_message())
        code = 2
    sys.exit(code)

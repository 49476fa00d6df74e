"""The command line: files in, files out, errors in one line."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    import pandas as pd

    from tsgen.frame import Columns

__all__ = ["app", "main"]

app = typer.Typer(
    help="Forecast time series with a recurrent network rolled out in closed loop.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

# typer exports this alone of its tree of usage errors: the base is what a user can mend.
_UsageError: type[Any] = typer.BadParameter.__bases__[0]

_FILE = Annotated[Path, typer.Argument(help="CSV or Parquet, in long form.", show_default=False)]


@app.callback()
def _tsgen() -> None:
    """Let a lone command keep its name."""


@app.command()
def forecast(
    file: _FILE,
    horizon: Annotated[int, typer.Option(help="Steps to forecast.", min=1, show_default=False)],
    id_col: Annotated[
        str, typer.Option(help="Column of ids; without it, one series.")
    ] = "unique_id",
    time_col: Annotated[str, typer.Option(help="Column of time stamps.")] = "ds",
    target_col: Annotated[str, typer.Option(help="Column to forecast.")] = "y",
    freq: Annotated[
        str | None, typer.Option(help="Such as h, D or MS; found in the data if not given.")
    ] = None,
    out: Annotated[Path, typer.Option(help="CSV or Parquet to write.")] = Path("forecast.csv"),
    plot: Annotated[
        Path | None, typer.Option(help="Picture to write, such as forecast.png.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same forecast.", min=0)] = 0,
    max_steps: Annotated[
        int | None, typer.Option(help="Optimiser steps; chosen if not given.", min=1)
    ] = None,
    check: Annotated[
        bool, typer.Option(help="Fit twice: first without the last rows, to measure the accuracy.")
    ] = True,
) -> None:
    """Fit a model to FILE and forecast it."""
    from tsgen.forecaster import LSTMForecaster
    from tsgen.frame import Columns

    columns = Columns(id_col, time_col, target_col)
    frame = _read(file, columns)
    model = LSTMForecaster(max_steps="auto" if max_steps is None else max_steps, random_state=seed)
    job = _Job(frame, columns, freq, horizon)
    accuracy = job.accuracy(model) if check else None
    start = time.perf_counter()
    result = job.forecast(model)
    seconds = time.perf_counter() - start
    _write(result, out)
    written = [out]
    if plot is not None:
        job.plot(result, plot)
        written.append(plot)
    _summary(
        {
            "rows read": f"{len(frame):,}",
            "series": f"{len(model.panel_):,}",
            "frequency": model.settings_.frequency,
            "season": f"{model.settings_.season_length} rows",
            "fit": f"{seconds:.1f} s, {model.settings_.max_steps} steps",
            **({} if accuracy is None else accuracy.lines()),
            "written": ", ".join(str(path) for path in written),
        }
    )


@dataclass(frozen=True)
class _Accuracy:
    """Mean MASE over the series on the held-out tail."""

    horizon: int
    model: float
    seasonal_naive: float

    def lines(self) -> dict[str, str]:
        if self.model <= self.seasonal_naive:
            verdict = f"{1 - self.model / self.seasonal_naive:.0%} lower"
        else:
            verdict = f"{self.model / self.seasonal_naive - 1:.0%} higher"
        return {
            f"MASE, last {self.horizon} rows": f"{self.model:.3f} ({verdict} than seasonal naive)",
            "  of seasonal naive": f"{self.seasonal_naive:.3f}",
        }


@dataclass(frozen=True)
class _Job:
    """One file to forecast."""

    frame: pd.DataFrame
    columns: Columns
    freq: str | None
    horizon: int

    @property
    def _names(self) -> dict[str, Any]:
        return {
            "id_col": self.columns.id,
            "time_col": self.columns.time,
            "target_col": self.columns.target,
        }

    def forecast(self, model: Any) -> pd.DataFrame:
        result: pd.DataFrame = model.fit(self.frame, freq=self.freq, **self._names).predict(
            self.horizon
        )
        return result

    def plot(self, result: pd.DataFrame, path: Path) -> None:
        from tsgen.plotting import plot_forecast, save_figure

        try:
            save_figure(plot_forecast(self.frame, result, **self._names), path)
        except ValueError as error:  # an ending that matplotlib doesn't know
            _fail(f"can't write {path}: {error}")

    def accuracy(self, model: Any) -> _Accuracy | None:
        """Of the model and of seasonal naive, on rows that neither has seen."""
        from tsgen.baselines import SeasonalNaive
        from tsgen.frame import hold_out, read_panel
        from tsgen.metrics import mase

        whole = read_panel(self.frame, self.columns, freq=self.freq)
        if whole.lengths.min() < 3 * self.horizon:
            return None
        train, _ = hold_out(self.frame, self.horizon, **self._names)
        past = read_panel(train, self.columns, freq=self.freq)
        scores = []
        for forecaster in (model, SeasonalNaive()):
            forecaster.fit(train, freq=self.freq, **self._names)
            values = read_panel(
                forecaster.predict(self.horizon), self.columns, freq=whole.frequency
            )
            season = model.settings_.season_length
            scores.append(
                sum(
                    mase(whole.series(i)[-self.horizon :], values.series(i), past.series(i), season)
                    for i in range(len(whole))
                )
                / len(whole)
            )
        return _Accuracy(self.horizon, *scores)


def _read(file: Path, columns: Columns) -> pd.DataFrame:
    import pandas as pd

    if not file.is_file():
        _fail(f"no file {file}")
    try:
        if file.suffix == ".parquet":
            return pd.read_parquet(file)
        frame = pd.read_csv(file)
    except (ValueError, ImportError, OSError) as error:
        _fail(f"can't read {file}: {error}")
    if columns.time in frame.columns and not pd.api.types.is_numeric_dtype(frame[columns.time]):
        try:
            frame[columns.time] = pd.to_datetime(frame[columns.time])
        except ValueError as error:
            _fail(f"column {columns.time!r} of {file} doesn't hold time stamps: {error}")
    return frame


def _write(frame: pd.DataFrame, path: Path) -> None:
    try:
        if path.suffix == ".parquet":
            frame.to_parquet(path, index=False)
        else:
            frame.to_csv(path, index=False)
    except (ValueError, ImportError, OSError) as error:
        _fail(f"can't write {path}: {error}")


def _summary(lines: dict[str, str]) -> None:
    width = max(map(len, lines)) + 2
    for name, value in lines.items():
        typer.echo(f"{name:<{width}}{value}")


def _fail(message: str) -> NoReturn:
    typer.echo(f"tsgen: {message}", err=True)
    raise typer.Exit(2)


def main() -> None:
    """Run the command line; an error that the user can mend is one line and exit code 2."""
    from tsgen.errors import TsgenError

    try:
        code = app(standalone_mode=False)
    except TsgenError as error:
        typer.echo(f"tsgen: {error}", err=True)
        code = 2
    except _UsageError as error:
        if error.format_message():  # empty when the help was shown for want of arguments
            typer.echo(f"tsgen: {error.format_message()}", err=True)
        code = 2
    sys.exit(code)

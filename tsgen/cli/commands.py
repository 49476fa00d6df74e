"""The commands: what is typed, read, computed and written."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import fields
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tsgen.cli import options as given
from tsgen.cli.options import (
    Choosing,
    FileSpec,
    Fitting,
    Learning,
    PairColumns,
    PairLearning,
    Roles,
    SymbolColumns,
    with_groups,
)
from tsgen.cli.outputs import STANDARD, check_outputs, write_bytes
from tsgen.cli.wording import CommandError, on_command_line

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from tsgen.cli.data import Data
    from tsgen.cli.pairs import Pairs
    from tsgen.cli.symbols import Sequences
    from tsgen.data import Columns, Frame
    from tsgen.forecasters import GRUGenerator, LSTMGenerator, LSTMSeq2Seq, NeuralForecaster

__all__ = ["app", "main"]

app = typer.Typer(
    help="Forecast time series with a recurrent network rolled out in closed loop.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_NO_PICTURES = {"pgf", "raw", "rgba"}
"""What matplotlib writes besides: for LaTeX, and pixels without their sizes."""
_INTERRUPTED = 130
"""The exit code after Ctrl-C, which typer returns."""
# typer exports this alone of its tree of usage errors: the base is what a user can mend.
_UsageError: type[Any] = typer.BadParameter.__bases__[0]


def _example(call: str) -> str:
    """What stands below the help of a command."""
    return f"Example: {call}"


@app.command(epilog=_example("tsgen forecast sales.csv --horizon 28 --level 80 --plot sales.png"))
@with_groups
def forecast(
    file: given.File,
    horizon: given.Horizon,
    roles: Roles,
    spec: FileSpec,
    fitting: Fitting,
    future_file: given.FutureFile = None,
    level: given.Level = None,
    out: given.Out = Path("forecast.csv"),
    plot: given.Plot = None,
    overwrite: given.Overwrite = False,
    check: given.Check = True,
) -> None:
    """Fit a model to FILE and forecast it."""
    from tsgen.cli.accuracy import measure_accuracy
    from tsgen.cli.data import read_first, read_further

    _check(level, {"--out": out, "--plot": plot}, [file, future_file], overwrite)
    if roles.future and future_file is None:
        raise CommandError(
            "--future needs --future-file with these columns at the time stamps to forecast"
        )
    if future_file is not None and not roles.future:
        raise CommandError("--future-file needs --future, which names the columns that are in it")
    data = read_first(file, spec, roles, fitting.freq)
    ahead = None if future_file is None else read_further(future_file, spec, data.known)
    model = _new_model(fitting)
    arguments = _fit_arguments(data.columns, fitting)
    if ahead is not None:
        _check_ahead(ahead, data, horizon, arguments)
    if arguments["init"] is not None:
        check = False  # what that model has seen, it doesn't forecast
    accuracy = measure_accuracy(model, data.frame, horizon, arguments) if check else None
    start = time.perf_counter()
    model.fit(data.frame, **arguments)
    result = model.predict(horizon, level=level, future_df=ahead)
    lines = _fitted(data.frame, model, time.perf_counter() - start)
    lines |= data.notes | ({} if accuracy is None else accuracy.lines())
    figure = None if plot is None else _forecast_figure(data.frame, result, data.columns)
    written = _write({out: result, plot: figure}, overwrite=overwrite)
    _summary(lines | written, out)


@app.command(epilog=_example("tsgen fit sales.csv --save model.tsgen"))
@with_groups
def fit(
    file: given.File,
    save: given.Save,
    roles: Roles,
    spec: FileSpec,
    fitting: Fitting,
    levels: given.Levels = False,
    overwrite: given.Overwrite = False,
) -> None:
    """Fit a model to FILE and save it."""
    from tsgen.cli.data import read_first

    check_outputs({"--save": save}, [file], overwrite=overwrite)
    _check_is_file("--save", save, "a model needs a file, such as model.tsgen")
    data = read_first(file, spec, roles, fitting.freq)
    model = _new_model(fitting)
    start = time.perf_counter()
    model.fit(data.frame, **_fit_arguments(data.columns, fitting))
    lines = _fitted(data.frame, model, time.perf_counter() - start)
    if levels:
        model.calibrate()
    with _writing(save):
        model.save(save, overwrite=overwrite)
    _summary(lines | data.notes | {"written": str(save)})


@app.command(epilog=_example("tsgen predict model.tsgen sales.csv --horizon 28 --out next.csv"))
@with_groups
def predict(
    model: given.ModelFile,
    horizon: given.Horizon,
    file: given.FurtherFile = None,
    *,
    spec: FileSpec,
    time_col: given.KnownTimeCol = None,
    future_file: given.FutureFile = None,
    level: given.Level = None,
    out: given.OutOrFolder = Path("forecast.csv"),
    plot: given.Plot = None,
    overwrite: given.Overwrite = False,
) -> None:
    """Forecast with a saved MODEL: the series of FILE, or those that it was fitted to."""
    from tsgen.cli.data import Known, read_further

    if file is not None and _are_streamed(file, out):
        _check_files(file, out, spec, {"--plot": plot, "--time-col": time_col})
        start = time.perf_counter()
        with _levels_of(model):
            made = _forecast_files(
                _loaded(model), file, out,
                horizon=horizon, future_df=future_file and str(future_file), level=level,
                overwrite=overwrite,
            )  # fmt: skip
        _summary(
            {
                "model": str(model),
                "forecasts": f"{made.count_rows() // horizon:,} of {horizon} steps, "
                f"{time.perf_counter() - start:.1f} s",
                "written": f"{out}, {len(made.files)} file{'s' * (len(made.files) > 1)}",
            }
        )
        return
    if file is None and plot is not None:
        raise CommandError("--plot draws the series of FILE before their forecast: pass FILE")
    outputs = {"--out": out, "--plot": plot}
    _check(level, outputs, [model, file, future_file], overwrite)
    loaded = _loaded(model)
    known = Known.from_model(loaded)
    frame = None if file is None else read_further(file, spec, known, time_col)
    ahead = None if future_file is None else read_further(future_file, spec, known, time_col)
    with _levels_of(model):
        result = loaded.predict(horizon, df=frame, level=level, future_df=ahead)
    figure = None if plot is None else _forecast_figure(frame, result, known.columns)
    written = _write({out: result, plot: figure}, overwrite=overwrite)
    _summary({"model": str(model)} | written, out)


@app.command(
    epilog=_example("tsgen backtest sales.csv --horizon 14 --n-windows 2 --out backtest.csv")
)
@with_groups
def backtest(
    file: given.File,
    horizon: given.Horizon,
    roles: Roles,
    spec: FileSpec,
    fitting: Fitting,
    n_windows: given.NWindows = 1,
    step: given.Step = None,
    refit: given.Refit = None,
    carry: given.Carry = False,
    model: given.Model = None,
    level: given.Level = None,
    out: given.OptionalOut = None,
    plot: given.Plot = None,
    overwrite: given.Overwrite = False,
) -> None:
    """Forecast FILE from earlier rows of its own, and measure the errors."""
    from tsgen.cli.accuracy import backtest_errors
    from tsgen.cli.data import Known, read_first, read_further

    _check(level, {"--out": out, "--plot": plot}, [file, model], overwrite)
    if model is None:
        data = read_first(file, spec, roles, fitting.freq)
        frame, columns = data.frame, data.columns
        rows = horizon + (n_windows - 1) * (step or horizon)
        fitted, lines = _fitted_before(frame, rows, _fit_arguments(columns, fitting), fitting)
        lines |= data.notes
    else:
        _refuse_beside_model(roles, fitting)
        fitted, lines = _loaded(model), {"model": str(model)}
        known = Known.from_model(fitted)
        frame, columns = read_further(file, spec, known, roles.time_col), known.columns
    windows: dict[str, Any] = {"n_windows": n_windows, "step": step}
    start = time.perf_counter()
    with _levels_of(model):
        found = fitted.backtest(
            frame, horizon, **windows, refit=refit or False, carry=carry, level=level
        )
    seconds = time.perf_counter() - start
    lines["forecasts"] = f"{len(found) // horizon:,} of {horizon} steps, {seconds:.1f} s"
    lines |= backtest_errors(fitted, found, frame, horizon, windows)
    figure = None if plot is None else _backtest_figure(found, frame, columns)
    _summary(lines | _write({out: found, plot: figure}, overwrite=overwrite), out)


@app.command(epilog=_example("tsgen report sales.csv --out report.html"))
@with_groups
def report(
    file: given.File,
    roles: Roles,
    spec: FileSpec,
    fitting: Fitting,
    horizon: given.ReportHorizon = None,
    future_file: given.FutureFile = None,
    model: given.ReportModel = None,
    out: given.ReportOut = Path("report.html"),
    overwrite: given.Overwrite = False,
) -> None:
    """Fit a model to FILE, and write a page on how good its forecasts are, and what comes."""
    from tsgen.cli.data import Known, read_first, read_further

    check_outputs({"--out": out}, [file, future_file, model], overwrite=overwrite)
    _check_is_file("--out", out, "a report needs a file, such as report.html")
    if [file, future_file].count(STANDARD) > 1:
        raise CommandError("standard input (-) can be read once; name a file for the other")
    if model is None:
        data = read_first(file, spec, roles, fitting.freq)
        frame, known = data.frame, data.known
        ahead = None if future_file is None else read_further(future_file, spec, known)
        fitted = _new_model(fitting)
        start = time.perf_counter()
        fitted.fit(frame, **_fit_arguments(data.columns, fitting))
        lines = _fitted(frame, fitted, time.perf_counter() - start) | data.notes
    else:
        _refuse_beside_model(roles, fitting)
        fitted, lines = _loaded(model), {"model": str(model)}
        known = Known.from_model(fitted)
        frame = read_further(file, spec, known, roles.time_col)
        ahead = None if future_file is None else read_further(future_file, spec, known)
    start = time.perf_counter()
    with _writing(out):
        fitted.report(frame, out, horizon=horizon, future_df=ahead, overwrite=overwrite)
    _summary(lines | {"report": f"{time.perf_counter() - start:.1f} s", "written": str(out)})


@app.command(epilog=_example("tsgen pretrain --minutes 60 --out weights.safetensors"))
def pretrain(
    out: given.WeightsOut,
    steps: given.Steps = None,
    minutes: given.Minutes = None,
    init: given.FirstWeights = None,
    season: given.Seasons = None,
    hidden_size: given.HiddenSize = None,
    num_layers: given.NumLayers = None,
    seed: given.Seed = 0,
    run_dir: given.RunDir = None,
    overwrite: given.Overwrite = False,
) -> None:
    """Train a network on simulated series, for --init to begin with."""
    from tsgen.training import pretrain, steps_within
    from tsgen.weights import read_weights

    check_outputs({"--out": out}, [init], overwrite=overwrite)
    _check_is_file("--out", out, "weights need a file, such as weights.safetensors")
    if steps is not None and minutes is not None:
        raise CommandError("--steps and --minutes both say how long to train; give one of them")
    learned: dict[str, Any] = {
        "init": init or "random",
        "seasons": season or None,
        "hidden_size": hidden_size,
        "num_layers": num_layers,
    }
    if minutes is not None:
        steps = steps_within(minutes, **learned)
        typer.echo(f"{minutes:g} minutes are about {steps:,} steps here")
    start = time.perf_counter()
    with _writing(out):
        curve = pretrain(
            out, steps or 10_000, random_state=seed, run_dir=run_dir, overwrite=overwrite, **learned
        )
    made = read_weights(out)
    lines = {
        "units": f"{made.hidden_size} in {made.num_layers} layer{'s' * (made.num_layers > 1)}",
        "training": f"{time.perf_counter() - start:.1f} s, {curve['step'].iloc[-1]:,} steps",
        "loss": f"{curve['loss'].iloc[-1]:.4g}",
        "written": str(out),
    }
    _summary(lines)


@app.command(epilog=_example('tsgen generate verse.txt --length 40 --prompt "to be"'))
@with_groups
def generate(
    file: given.SymbolFile = None,
    *,
    length: given.Length,
    prompt: given.Prompt = None,
    columns: SymbolColumns,
    spec: FileSpec,
    learning: Learning,
    choosing: Choosing,
    seed: given.SymbolSeed = None,
    model: given.SymbolModel = None,
    save: given.OptionalSave = None,
    out: given.Out = STANDARD,
    overwrite: given.Overwrite = False,
) -> None:
    """Learn the text or the symbols of FILE, or take a saved model, and go on with them."""
    from tsgen.cli.symbols import (
        check_choice,
        check_result,
        generate_symbols,
        prompted,
        read_more,
        read_sequences,
        symbol_bytes,
    )

    _check_generate(file, prompt, model, save, out)
    check_choice(choosing)
    inputs = [file, model, learning.init]
    check_outputs({"--out": out, "--save": save}, inputs, overwrite=overwrite)
    if model is None:
        assert file is not None
        sequences = read_sequences(file, spec, columns, learning)
        check_result(sequences.data, out)
        generator, lines = _fitted_generator(sequences, learning, seed)
        lines |= sequences.notes
        if save is not None:
            with _writing(save):
                generator.save(save, overwrite=overwrite)
        start = None if prompt is None else prompted(prompt, generator)
    else:
        _refuse_beside_model(learning, columns)
        generator, lines = _loaded(model, kind="symbols"), {"model": str(model)}
        start = None if prompt is None else prompted(prompt, generator)
        start = start if file is None else read_more(file, spec, columns, generator)
        check_result(generator.panel_.layout, out)
    result = generate_symbols(generator, start, length, choosing, seed)
    write_bytes(symbol_bytes(result, out, generator, choosing), out, overwrite=overwrite)
    names = ", ".join(str(path) for path in (save, out) if path not in (None, STANDARD))
    _summary(lines | ({"written": names} if names else {}), out)


@app.command(
    epilog=_example(
        "tsgen translate words.csv --source-col written --target-col iso --out filled.csv"
    )
)
@with_groups
def translate(
    file: given.File,
    columns: PairColumns,
    spec: FileSpec,
    learning: PairLearning,
    beams: given.Beams = None,
    model: given.SymbolModel = None,
    save: given.OptionalSave = None,
    out: given.Out = STANDARD,
    overwrite: given.Overwrite = False,
) -> None:
    """Learn pairs of FILE, or take a saved model, and fill in the targets that are missing."""
    from tsgen.cli.pairs import read_pairs

    if model is not None and save is not None:
        raise CommandError("--save beside --model: the model is in a file already; leave one out")
    if save is not None:
        _check_is_file("--save", save, "a model needs a file, such as model.tsgen")
    _check(None, {"--out": out, "--save": save, "--plot": None}, [file, model], overwrite)
    if model is None:
        pairs = read_pairs(file, spec, columns)
        if save is None and not pairs.missing.any():
            raise CommandError(
                f"every row has a {pairs.target}: leave those empty that are to be found, or pass "
                "--save for a model"
            )
        translator, lines = _fitted_translator(pairs, learning)
        if save is not None:
            with _writing(save):
                translator.save(save, overwrite=overwrite)
    else:
        _refuse_beside_model(learning)
        translator, lines = _loaded(model, kind="pairs"), {"model": str(model)}
        pairs = read_pairs(file, spec, columns, translator)
    written = {} if save is None else {"model": str(save)}
    if pairs.missing.any():
        written |= _write({out: pairs.filled(translator, beams)}, overwrite=overwrite)
    _summary(lines | written, out)


@app.command(epilog=_example("tsgen datasets sunspots --out sunspots.csv"))
def datasets(
    name: given.Dataset = None,
    out: given.Out = STANDARD,
    overwrite: given.Overwrite = False,
) -> None:
    """List the data sets that ship with tsgen, or write the one of a NAME as CSV or Parquet."""
    from tsgen.cli.listing import dataset_lines
    from tsgen.datasets import list_datasets, load_dataset

    if name is not None:
        check_outputs({"--out": out}, [], overwrite=overwrite)
        _summary(_write({out: load_dataset(name)}, overwrite=overwrite), out)
        return
    for line in dataset_lines():
        typer.echo(line)
    typer.echo(
        f"\nBenchmarks, which load_benchmark(name) downloads: "
        f"{', '.join(list_datasets('benchmarks'))}"
    )


# --- before the work -----------------------------------------------------------------------------


def _check(
    level: list[float] | None,
    outputs: dict[str, Path | None],
    inputs: list[Path | None],
    overwrite: bool,
) -> None:
    """All that can be wrong before the time for a fit is spent."""
    from tsgen.cli.tables import check_ending
    from tsgen.inference import level_shares

    level_shares(level)
    if inputs.count(STANDARD) > 1:
        raise CommandError("standard input (-) can be read once; name a file for the other")
    check_outputs(outputs, inputs, overwrite=overwrite)
    out, plot = outputs["--out"], outputs["--plot"]
    if out is not None:
        check_ending(out)
    if plot is not None:
        from matplotlib.backend_bases import FigureCanvasBase

        formats = FigureCanvasBase.get_supported_filetypes().keys() - _NO_PICTURES
        if plot.suffix.removeprefix(".").lower() not in formats:
            endings = ", ".join(sorted(formats))
            raise CommandError(f"can't write {plot}: a picture's name ends in one of {endings}")


def _are_files(file: Path) -> bool:
    """Whether a name stands for any number of files."""
    return file.is_dir() or (has_magic(str(file)) and not file.exists())


def _are_streamed(file: Path, out: Path) -> bool:
    """Whether some series at a time are read, and forecast into a folder: one big file is, too."""
    from tsgen.cli.tables import is_parquet

    is_folder = out.is_dir() or not (out.suffix or out.exists() or out == STANDARD)
    return _are_files(file) or (is_parquet(file) and is_folder)


def _check_files(file: Path, out: Path, spec: FileSpec, others: Mapping[str, Any]) -> None:
    """Refuse what isn't for files of Parquet that are read some series at a time."""
    from tsgen.cli.tables import is_table

    written = {
        f"--{item.name.replace('_', '-')}": getattr(spec, item.name) for item in fields(spec)
    }
    beside = [option for option, value in {**written, **others}.items() if value is not None]
    if beside:
        raise CommandError(
            f"{', '.join(beside)} beside {file}, which is forecast some series at a time, "
            "into a folder: leave it out, or pass one file and a table for --out"
        )
    if out == STANDARD or is_table(out):
        raise CommandError(
            f"{file} is read as many files of Parquet, and their forecasts need a folder: pass "
            f"one, such as --out forecasts, instead of {out}"
        )


def _check_is_file(option: str, path: Path, needs: str) -> None:
    if path == STANDARD or (path.exists() and not path.is_file()):
        raise CommandError(f"{option} {path} : {needs}")


def _check_generate(
    file: Path | None, prompt: str | None, model: Path | None, save: Path | None, out: Path
) -> None:
    if model is None and file is None:
        raise CommandError("there is nothing to learn from: pass FILE, or --model")
    if model is not None and save is not None:
        raise CommandError("--save beside --model: the model is in a file already; leave one out")
    if model is not None and None not in (file, prompt):
        raise CommandError("FILE and --prompt both say what to go on with; leave one out")
    if save is not None:
        _check_is_file("--save", save, "a model needs a file, such as model.tsgen")


def _refuse_beside_model(
    *groups: Roles | Fitting | SymbolColumns | Learning | PairLearning,
) -> None:
    """Options of a fit, which a saved model has behind it."""
    given = [
        f"--{field.name.replace('_', '-')}"
        for group in groups
        for field in fields(group)
        if field.name != "time_col" and getattr(group, field.name) not in (field.default, None, [])
    ]
    if given:
        raise CommandError(
            f"{', '.join(given)} beside --model: the model was fitted with its own; leave out "
            f"{'it' if len(given) == 1 else 'them'}, or --model"
        )


def _check_ahead(
    ahead: pd.DataFrame, data: Data, horizon: int, arguments: Mapping[str, Any]
) -> None:
    """Refuse a future file that lacks something before the time for a fit is spent."""
    from tsgen.data import FrameSpec, read_future, read_panel

    spec = FrameSpec(data.columns, arguments["fill"])
    read_future(ahead, read_panel(data.frame, spec, freq=arguments["freq"]), horizon)


def _names(columns: Columns) -> dict[str, Any]:
    return {"id_col": columns.id, "time_col": columns.time, "target_col": list(columns.targets)}


def _fit_arguments(columns: Columns, fitting: Fitting) -> dict[str, Any]:
    return {
        **_names(columns),
        "freq": _number_or_word(fitting.freq, int),
        "fill": _number_or_word(fitting.fill, float),
        "future_covariates": columns.future,
        "past_covariates": columns.past,
        "static_covariates": columns.static,
        "init": _begun_with(fitting.init)[1],
    }


def _begun_with(init: str | None) -> tuple[str, Any]:
    """What --init says: to the constructor, and the model that training goes on from."""
    if init is None or not init.lower().endswith(".tsgen"):
        return init or "auto", None
    return "auto", _loaded(Path(init))


def _number_or_word(text: str | None, number: type[int] | type[float]) -> Any:
    try:
        return None if text is None else number(text)
    except ValueError:
        return text


# --- the work ------------------------------------------------------------------------------------


def _new_model(fitting: Fitting) -> NeuralForecaster:
    from tsgen.forecasters import EncoderDecoderForecaster, GRUForecaster, LSTMForecaster
    from tsgen.nn import ENCODER_ARGUMENTS

    steps: Any = "auto" if fitting.max_steps is None else fitting.max_steps
    arguments: dict[str, Any] = {
        "max_steps": steps,
        "random_state": fitting.seed,
        "calendar": fitting.calendar or None,
        "preset": fitting.preset,
    }
    arguments["init"], fitted = _begun_with(fitting.init)
    if fitting.network is None and isinstance(fitted, EncoderDecoderForecaster):
        arguments |= {name: getattr(fitted.settings_, name) for name in ENCODER_ARGUMENTS}
        return EncoderDecoderForecaster(**arguments, cell=fitted.cell)
    kinds: dict[str, type[NeuralForecaster]] = {
        "lstm": LSTMForecaster,
        "gru": GRUForecaster,
        "encoder_decoder": EncoderDecoderForecaster,
    }
    network = fitting.network or ("lstm" if fitted is None else fitted.cell)
    return kinds[network](**arguments)


_COMMANDS = {
    "numbers": "predict",
    "symbols": "generate --model",
    "pairs": "translate --model",
}
"""What goes on with a model, by what it is a model of."""


def _loaded(model: Path, *, kind: str = "numbers") -> Any:
    from tsgen.forecasters import Seq2Seq, SymbolGenerator, load

    try:
        loaded = load(model)
    except OSError as error:
        said = str(error) if error.errno is None else f"can't read {model}: {error.strerror}"
        raise CommandError(said) from None
    found = "pairs" if isinstance(loaded, Seq2Seq) else "numbers"
    found = "symbols" if isinstance(loaded, SymbolGenerator) else found
    if found != kind:
        raise CommandError(
            f"{model} is a model of {found}: tsgen {_COMMANDS[found]} goes on with them"
        )
    return loaded


def _fitted_translator(pairs: Pairs, learning: PairLearning) -> tuple[LSTMSeq2Seq, dict[str, str]]:
    """A model of the pairs that are whole, and what the summary says of it."""
    from tsgen.forecasters import LSTMSeq2Seq

    model = LSTMSeq2Seq(
        source_unit=learning.source_unit,
        target_unit=learning.target_unit,
        preset=learning.preset,
        max_steps=learning.max_steps or "auto",
        random_state=learning.seed,
    )
    known = pairs.known.astype({pairs.source: str, pairs.target: str})
    start = time.perf_counter()
    model.fit(known[[pairs.source, pairs.target]], source_col=pairs.source, target_col=pairs.target)
    seconds = time.perf_counter() - start
    return model, {"pairs": f"{len(known):,}", **_trained(model, seconds)}


def _fitted_generator(
    sequences: Sequences, learning: Learning, seed: int | None
) -> tuple[LSTMGenerator | GRUGenerator, dict[str, str]]:
    """A model of sequences, and what the summary says of it."""
    from tsgen.forecasters import GRUGenerator, LSTMGenerator

    init = None if learning.init is None else _loaded(learning.init, kind="symbols")
    cell = learning.cell or ("lstm" if init is None else init.cell)
    model = {"lstm": LSTMGenerator, "gru": GRUGenerator}[cell](
        unit=learning.unit,
        preset=learning.preset,
        hidden_size=learning.hidden_size or "auto",
        max_steps=learning.max_steps or "auto",
        random_state=seed or 0,
    )
    start = time.perf_counter()
    model.fit(sequences.data, init=init, **sequences.arguments)
    seconds, data = time.perf_counter() - start, sequences.data
    return model, {
        "sequences": f"{len(data if isinstance(data, list) else model.panel_):,}",
        "different symbols": f"{len(model.model_.vocabulary.symbols):,}",
        **_trained(model, seconds),
    }


def _trained(model: LSTMGenerator | GRUGenerator | LSTMSeq2Seq, seconds: float) -> dict[str, str]:
    """Lines on a training on symbols."""
    step, loss = model.report_.losses[["step", "loss"]].iloc[-1]
    return {"fit": f"{seconds:.1f} s, {step:.0f} steps", "loss": f"{loss:.3f} nats a symbol"}


def _fitted_before(
    frame: pd.DataFrame, rows: int, arguments: dict[str, Any], fitting: Fitting
) -> tuple[NeuralForecaster, dict[str, str]]:
    """A model of all but the last rows, and what the summary says of it."""
    from tsgen.data import hold_out

    names = {name: arguments[name] for name in ("id_col", "time_col", "target_col")}
    earlier: Any = hold_out(frame, rows, **names)[0]
    start = time.perf_counter()
    model = _new_model(fitting)
    model.fit(earlier, **arguments)
    return model, _fitted(earlier, model, time.perf_counter() - start)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say on the command line why a file can't be written."""
    try:
        yield
    except FileExistsError:
        raise CommandError(f"{path} exists by now; --overwrite replaces it") from None
    except OSError as error:
        raise CommandError(str(error)) from None


def _forecast_files(model: Any, file: Path, out: Path, **arguments: Any) -> Any:
    """Forecast files into a folder; what the system says of either is what a user can mend."""
    from tsgen.errors import TsgenError

    try:
        return model.predict(df=str(file), out=out, **arguments)
    except TsgenError:
        raise
    except OSError as error:
        raise CommandError(str(error)) from None


@contextlib.contextmanager
def _levels_of(model: Path | None) -> Iterator[None]:
    """Say on the command line how a saved model comes to have levels."""
    from tsgen.errors import NotFittedError

    try:
        yield
    except NotFittedError:
        raise CommandError(f"{model} has no levels: fit it anew with tsgen fit --levels") from None


def _forecast_figure(frame: Any, result: Frame, columns: Columns) -> Figure:
    from tsgen.plotting import plot_forecast

    return plot_forecast(frame, result, **_names(columns))


def _backtest_figure(rows: pd.DataFrame, frame: pd.DataFrame, columns: Columns) -> Figure:
    from tsgen.plotting import plot_backtest

    return plot_backtest(rows, history=frame, **_names(columns))


# --- what comes out ------------------------------------------------------------------------------


def _write(results: Mapping[Path | None, Any], *, overwrite: bool) -> dict[str, str]:
    """Write tables and pictures once all of them are made; a line on what was written."""
    from tsgen.cli.tables import picture_bytes, table_bytes

    contents: dict[Path, bytes] = {}
    for path, result in results.items():
        if path is not None:
            to_bytes = picture_bytes if hasattr(result, "savefig") else table_bytes
            contents[path] = to_bytes(result, path)
    for path, content in contents.items():
        write_bytes(content, path, overwrite=overwrite)
    names = ", ".join(str(path) for path in contents if path != STANDARD)
    return {"written": names} if names else {}


_FIRST_WEIGHTS = {
    "random": "random weights",
    "pretrained": "pretrained weights",
    "fitted": "a fitted model",
}


def _fitted(frame: pd.DataFrame, model: NeuralForecaster, seconds: float) -> dict[str, str]:
    """Lines on a fit."""
    settings = model.settings_
    return {
        "rows read": f"{len(frame):,}",
        "series": f"{len(model.panel_):,}",
        "frequency": settings.frequency,
        "season": f"{settings.season_length} rows",
        "preset": f"{settings.preset}, from {_FIRST_WEIGHTS.get(settings.init, settings.init)}",
        "fit": f"{seconds:.1f} s, {settings.max_steps} steps",
    }


def _summary(lines: dict[str, str], out: Path | None = None) -> None:
    """A line a fact; on standard error where the forecast itself is the output."""
    width = max(map(len, lines), default=0) + 2
    for name, value in lines.items():
        typer.echo(f"{name:<{width}}{value}", err=out == STANDARD)


def _complain(message: object) -> None:
    """One line, however many a message has."""
    typer.echo(f"tsgen: {on_command_line(str(message))}", err=True)


def main() -> None:
    """Run the command line.

    The exit code is 0 if all went well, 2 for what the user can mend, which is said in one line,
    130 after Ctrl-C, and 1 for all else.
    """
    from tsgen import errors

    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: _complain(message)
        for name in errors.__all__:
            if name.endswith("Warning"):
                warnings.simplefilter("always", getattr(errors, name))
        try:
            code = app(standalone_mode=False)
        except errors.TsgenError as error:
            _complain(error)
            code = 2
        except _UsageError as error:
            if error.format_message():  # empty when the help was shown for want of arguments
                _complain(error.format_message())
            code = 2
        except BrokenPipeError:  # whoever read standard output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 1
    if code == _INTERRUPTED:
        _complain("interrupted")
    sys.exit(code)

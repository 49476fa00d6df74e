"""What can be said on the command line, in groups that several commands share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

__all__ = [
    "Beams",
    "Carry",
    "Check",
    "Choosing",
    "Dataset",
    "File",
    "FileSpec",
    "FirstWeights",
    "Fitting",
    "FurtherFile",
    "FutureFile",
    "HiddenSize",
    "Horizon",
    "KnownTimeCol",
    "Learning",
    "Length",
    "Level",
    "Levels",
    "Minutes",
    "Model",
    "ModelFile",
    "NWindows",
    "NumLayers",
    "OptionalOut",
    "OptionalSave",
    "Out",
    "OutOrFolder",
    "Overwrite",
    "PairColumns",
    "PairLearning",
    "Plot",
    "Prompt",
    "Refit",
    "ReportHorizon",
    "ReportModel",
    "ReportOut",
    "Roles",
    "RunDir",
    "Save",
    "Seasons",
    "Seed",
    "Step",
    "Steps",
    "SymbolColumns",
    "SymbolFile",
    "SymbolModel",
    "SymbolSeed",
    "WeightsOut",
    "with_groups",
]  # fmt: skip

_Text = str | None
_Texts = list[str] | None

# --- files ---------------------------------------------------------------------------------------

File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="CSV or Parquet, a row per series and time; - reads standard input.",
        show_default=False,
    ),
]
FurtherFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE",
        help="Series to continue instead of those of the fit. A folder of Parquet, or a glob in "
        "quotes, is read some series at a time, and --out is a folder then.",
        show_default=False,
    ),
]
ModelFile = Annotated[
    Path, typer.Argument(metavar="MODEL", help="Written by tsgen fit.", show_default=False)
]
Model = Annotated[
    Path | None, typer.Option(help="Written by tsgen fit; else one is fitted to the rows before.")
]
ReportModel = Annotated[
    Path | None,
    typer.Option("--model", help="Written by tsgen fit; else one is fitted to FILE."),
]
FutureFile = Annotated[
    Path | None,
    typer.Option(help="CSV or Parquet with the --future columns at the time stamps to forecast."),
]
Out = Annotated[Path, typer.Option(help="CSV or Parquet to write; - writes to standard output.")]
ReportOut = Annotated[Path, typer.Option("--out", help="Page of HTML to write.")]
OutOrFolder = Annotated[
    Path,
    typer.Option(
        "--out",
        help="CSV or Parquet to write, or a folder for the Parquet of many files; - writes to "
        "standard output.",
    ),
]


def _names_of_datasets() -> list[str]:
    """For completion by a shell."""
    from tsgen.datasets import list_datasets

    return list_datasets()


Dataset = Annotated[
    str | None,
    typer.Argument(
        help="The data set to write; without it they are listed.",
        show_default=False,
        autocompletion=_names_of_datasets,
    ),
]
OptionalOut = Annotated[
    Path | None, typer.Option("--out", help="CSV or Parquet for the forecasts.")
]
Plot = Annotated[Path | None, typer.Option(help="Picture to write, such as forecast.png.")]
Save = Annotated[
    Path, typer.Option(help="Model to write, such as model.tsgen.", show_default=False)
]
OptionalSave = Annotated[
    Path | None, typer.Option("--save", help="Model to write, such as model.tsgen.")
]
SymbolFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE",
        help="Text; or CSV or Parquet with a column of symbols; - reads standard input.",
        show_default=False,
    ),
]
SymbolModel = Annotated[
    Path | None, typer.Option(help="Written by --save; else one is fitted to FILE.")
]
Beams = Annotated[int | None, typer.Option(help="Search so many targets for the likeliest.", min=1)]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace files that exist; never one that is read.")
]

# --- what is computed ----------------------------------------------------------------------------

Horizon = Annotated[int, typer.Option(help="Steps to forecast.", min=1, show_default=False)]
ReportHorizon = Annotated[
    int | None, typer.Option("--horizon", help="Steps to forecast; one season, 6 at least.", min=1)
]
Length = Annotated[
    int,
    typer.Option(
        "--horizon", "--length", help="Symbols to generate, at most.", min=1, show_default=False
    ),
]
Prompt = Annotated[_Text, typer.Option(help="What to go on with, instead of the end of FILE.")]
Level = Annotated[
    list[float] | None,
    typer.Option(help="Coverage of intervals in per cent, such as 80; may be given repeatedly."),
]
Levels = Annotated[
    bool, typer.Option(help="Calibrate too, so that predict has levels: a second fit.")
]
Check = Annotated[
    bool, typer.Option(help="Fit twice: first without the last rows, to measure the accuracy.")
]
NWindows = Annotated[int, typer.Option(help="Cutoffs of each series.", min=1)]
Step = Annotated[
    int | None, typer.Option(help="Rows between cutoffs; the horizon if not given.", min=1)
]
Refit = Annotated[
    int | None, typer.Option(help="Fit anew at every so many cutoffs; never if not given.", min=1)
]
Carry = Annotated[
    bool, typer.Option(help="Read each series once instead of a context for each cutoff.")
]
Steps = Annotated[
    int | None, typer.Option(help="Optimiser steps; 10000 if neither is given.", min=1)
]
Minutes = Annotated[
    float | None,
    typer.Option(help="As many steps as take about so long here, instead of --steps.", min=0.01),
]
FirstWeights = Annotated[
    Path | None,
    typer.Option("--init", help="Weights to begin with, such as those that are to know a season."),
]
Seasons = Annotated[
    list[int] | None,
    typer.Option("--season", help="Rows of a season to learn; all that are known by default."),
]
HiddenSize = Annotated[
    int | None, typer.Option(help="Units of the network: 64, or those of --init.", min=1)
]
NumLayers = Annotated[
    int | None, typer.Option(help="Layers of the network: 1, or those of --init.", min=1, max=4)
]
Seed = Annotated[int, typer.Option(help="Same seed, same weights.", min=0, max=2**63 - 1)]
SymbolSeed = Annotated[
    int | None,
    typer.Option(
        "--seed", help="Same seed, same symbols; 0 or the model's own.", min=0, max=2**63 - 1
    ),
]
RunDir = Annotated[
    Path | None,
    typer.Option(help="Folder for checkpoints, from which the same command goes on."),
]
WeightsOut = Annotated[
    Path,
    typer.Option("--out", help="Weights to write: weights.safetensors.", show_default=False),
]
KnownTimeCol = Annotated[
    _Texts, typer.Option("--time-col", help="Columns that hold the time, if not as in the fit.")
]


@dataclass(frozen=True)
class FileSpec:
    """How files are written."""

    date_format: Annotated[
        _Text,
        typer.Option(help="How dates are written, such as %d/%m/%Y; s or ms: since 1970."),
    ] = None
    time_zone: Annotated[
        _Text, typer.Option(help="Zone of the time stamps, such as Europe/Berlin.")
    ] = None
    sep: Annotated[_Text, typer.Option(help="Between the fields of a CSV; found if not given.")] = (
        None
    )
    decimal: Annotated[
        Literal[".", ","] | None, typer.Option(help="Before the decimals of numbers.")
    ] = None
    thousands: Annotated[
        Literal[",", ".", "'", " "] | None, typer.Option(help="Between the thousands of numbers.")
    ] = None
    encoding: Annotated[_Text, typer.Option(help="Of a CSV that isn't UTF-8: latin-1, …")] = None


_IdCol = Annotated[
    _Text, typer.Option(help="Column of ids; unique_id, if there is one. Else one series.")
]
_TimeCol = Annotated[
    _Texts,
    typer.Option(
        help="Column of time stamps: ds, or the only one. Several: --time-col year --time-col "
        "month."
    ),
]
_Freq = Annotated[_Text, typer.Option(help="Such as h, D or MS; found in the data if not given.")]
_MaxSteps = Annotated[int | None, typer.Option(help="Optimiser steps; chosen if not given.", min=1)]


@dataclass(frozen=True)
class Roles:
    """Which columns are what."""

    id_col: _IdCol = None
    time_col: _TimeCol = None
    target_col: Annotated[
        _Text, typer.Option(help="Column to forecast: y, or the only one of numbers.")
    ] = None
    future: Annotated[
        _Texts, typer.Option(help="Covariate known over the horizon; may be given repeatedly.")
    ] = None
    past: Annotated[
        _Texts, typer.Option(help="Covariate known up to now; may be given repeatedly.")
    ] = None
    static: Annotated[
        _Texts, typer.Option(help="Covariate that is one value a series; may be repeated.")
    ] = None


@dataclass(frozen=True)
class Fitting:
    """How a model is fitted, unless a saved one is taken."""

    freq: _Freq = None
    fill: Annotated[
        _Text, typer.Option(help="Missing values and rows: mask, ffill, interpolate or a number.")
    ] = None
    calendar: Annotated[
        _Texts, typer.Option(help="auto, day_of_week, holidays:DE, …; may be given repeatedly.")
    ] = None
    preset: Annotated[
        Literal["balanced", "fast", "accurate", "fine_tuned", "zero_shot"],
        typer.Option(help="Recipe of the training; zero_shot learns nothing, fast from scratch."),
    ] = "balanced"
    network: Annotated[
        Literal["lstm", "gru", "encoder_decoder"] | None,
        typer.Option(
            help="lstm and gru predict row after row; encoder_decoder reads the last rows as a "
            "whole and attends to them. By default lstm, or that of --init."
        ),
    ] = None
    init: Annotated[
        _Text,
        typer.Option(
            help="What to begin with: random, pretrained, weights of tsgen pretrain, or a model of "
            "tsgen fit (.tsgen)."
        ),
    ] = None
    seed: Annotated[int, typer.Option(help="Same seed, same forecast.", min=0, max=2**63 - 1)] = 0
    max_steps: _MaxSteps = None


@dataclass(frozen=True)
class SymbolColumns:
    """Which columns of a table of symbols are what."""

    id_col: _IdCol = None
    time_col: _TimeCol = None
    target_col: Annotated[
        _Text, typer.Option(help="Column of symbols: y. FILE is a table, whatever its name.")
    ] = None


@dataclass(frozen=True)
class Learning:
    """How a model of symbols is fitted, unless a saved one is taken."""

    unit: Annotated[
        Literal["character", "word"], typer.Option(help="What a symbol of text is.")
    ] = "character"
    lines: Annotated[
        bool, typer.Option("--lines", help="Each line is a text of its own, whose end is learned.")
    ] = False
    freq: _Freq = None
    fill: Annotated[
        Literal["ffill"] | None, typer.Option(help="What stands for symbols that are missing.")
    ] = None
    preset: Annotated[
        Literal["balanced", "fast", "accurate"], typer.Option(help="Recipe of the training.")
    ] = "balanced"
    init: Annotated[
        Path | None, typer.Option(help="Model of --save (.tsgen) that training goes on from.")
    ] = None
    cell: Annotated[
        Literal["lstm", "gru"] | None,
        typer.Option(help="Of the network; lstm, or that of --init."),
    ] = None
    hidden_size: Annotated[
        int | None, typer.Option(help="Units of the network; chosen if not given.", min=1)
    ] = None
    max_steps: _MaxSteps = None


@dataclass(frozen=True)
class PairColumns:
    """Which columns of a table are sources and targets."""

    source_col: Annotated[_Text, typer.Option(help="Column of sources.")] = None
    target_col: Annotated[
        _Text, typer.Option(help="Column of targets; those of empty fields are filled in.")
    ] = None


@dataclass(frozen=True)
class PairLearning:
    """How a model of pairs is fitted, unless a saved one is taken."""

    source_unit: Annotated[
        Literal["character", "word"], typer.Option(help="What a symbol of sources is.")
    ] = "character"
    target_unit: Annotated[
        Literal["character", "word"], typer.Option(help="What a symbol of targets is.")
    ] = "character"
    preset: Annotated[
        Literal["balanced", "fast", "accurate"], typer.Option(help="Recipe of the training.")
    ] = "balanced"
    max_steps: _MaxSteps = None
    seed: Annotated[int, typer.Option(help="Same seed, same targets.", min=0, max=2**63 - 1)] = 0


@dataclass(frozen=True)
class Choosing:
    """How the next symbol is chosen: the likeliest one, unless one is drawn."""

    samples: Annotated[
        int | None, typer.Option(help="Draw symbols: so many continuations.", min=1)
    ] = None
    temperature: Annotated[
        float | None,
        typer.Option(help="Draw symbols: below 1 likely ones come more often.", min=0.0),
    ] = None
    top_k: Annotated[
        int | None, typer.Option(help="Draw symbols: so many of the likeliest ones.", min=1)
    ] = None
    top_p: Annotated[
        float | None,
        typer.Option(help="Draw symbols: those with this probability together.", min=0.0, max=1.0),
    ] = None
    beams: Annotated[
        int | None, typer.Option(help="Search so many continuations for the likeliest.", min=1)
    ] = None
    until: Annotated[
        _Texts,
        typer.Option(help="A symbol after which to end, such as \\n; may be given repeatedly."),
    ] = None


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """A command for typer: each parameter that is a group becomes the options of the group."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}

    @functools.wraps(command)
    def called(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        command(**given)

    parameters = []
    for parameter in inspect.signature(command).parameters.values():
        group = groups.get(parameter.name)
        own = [parameter.replace(annotation=hints[parameter.name])]
        parameters += own if group is None else _options_of(group)
    # Arguments stand before options, which have defaults, whatever the order they are written in.
    parameters = [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in parameters]
    called.__dict__["__signature__"] = inspect.Signature(parameters)
    called.__annotations__ = {item.name: item.annotation for item in parameters}
    return called


def _options_of(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]

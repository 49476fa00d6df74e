"""What a forecaster's arguments come to: checked, and ``"auto"`` chosen from the data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tsgen._messages import written
from tsgen._typing import FloatArray
from tsgen._validation import (
    is_auto,
    number,
    one_of,
    season_lengths,
    seed_of,
    whole_number,
    yes_or_no,
)
from tsgen.data import Panel
from tsgen.errors import SettingError
from tsgen.evaluation import seasonal_error
from tsgen.forecasters.presets import PRESETS, Preset
from tsgen.forecasters.starting import fixed_by_weights, initial_weights, suits_weights
from tsgen.nn import Architecture, Cell, Season
from tsgen.preprocessing import CovariateScaler
from tsgen.training import LOSSES, STRATEGIES, TeacherForcing, TrainingStrategy
from tsgen.weights import PretrainedWeights

__all__ = [
    "MOST_MEMBERS",
    "Settings",
    "check_is_repeatable",
    "choose_season_length",
    "choose_settings",
]

MOST_MEMBERS = 100
"""Of an ensemble."""


@dataclass(frozen=True)
class Settings:
    """What a model was fitted with, whether given or chosen.

    Attributes
    ----------
    frequency : str
        Found or declared, as pandas writes it.
    season_length : int
        Rows in a season; 1 where there is none.
    context_length : int
        Rows read before the first prediction.
    lags : tuple of int
        Ascending; the first is 1.
    residual_lag : int or None
        The lag to which the network's output is added.
    train_horizon : int
        Rows after the cutoff in a training window, unless the strategy wants others.
    warmup : int
        Steps at the start of a training window that don't count in the loss.
    val_size : int
        Rows held out of each series for validation; 0 for none.
    unit_season : int or None
        Rows over which changes count in the unit that the errors of a window are measured in.
    change_share : float
        How much they count: beside the spread of the window, or 1 for nothing else.
    error_limit : float or None
        The largest error of a step in training, in that unit.
    start_share : float
        How much of the weights that training began with is in those that it ends with.
    init : str
        What networks begin with: ``"random"``, ``"pretrained"``, ``"fitted"`` (the weights of a
        fitted model) or the path of pretrained weights.
    longer_season : int or None
        Rows in a season around the other one.
    random_state : int
        The seed: the one that was given, or drawn for ``None``.
    hidden_size, num_layers, dropout, window_norm, loss, max_steps, batch_size, learning_rate, \
    weight_decay, gradient_clip_val, patience, training_strategy, weight_averaging, n_models, preset
        As the forecaster's arguments of that name.
    """

    frequency: str
    season_length: int
    context_length: int
    lags: tuple[int, ...]
    residual_lag: int | None
    train_horizon: int
    warmup: int
    hidden_size: int
    num_layers: int
    dropout: float
    window_norm: bool
    loss: str
    max_steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    gradient_clip_val: float | None
    val_size: int
    patience: int | None
    training_strategy: TrainingStrategy = field(default_factory=TeacherForcing)
    weight_averaging: float | None = None
    n_models: int = 1
    preset: str = "balanced"
    unit_season: int | None = None
    change_share: float = 0.5
    error_limit: float | None = None
    start_share: float = 0.0
    init: str = "random"
    longer_season: int | None = None
    random_state: int = 0

    @property
    def season(self) -> Season:
        """The season that networks for every season are given; none, where none shows."""
        season = Season(self.season_length, self.longer_season)
        return season if tuple(sorted(set(season.lags))) == self.lags else Season(1)

    def architecture(
        self, cell: Cell, hidden_size: int, channels: int, covariates: CovariateScaler | None
    ) -> Architecture:
        """What each member's network is built from, with so many units for all channels."""
        return Architecture(
            lags=self.lags,
            cell=cell,
            hidden_size=hidden_size,
            num_layers=self.num_layers,
            dropout=self.dropout,
            residual_lag=self.residual_lag,
            channels=channels,
            covariates=0 if covariates is None else covariates.width,
            categories={} if covariates is None else covariates.categories,
        )

    @property
    def rows_after_cutoff(self) -> int:
        """Rows after the cutoff in a training window."""
        return self.training_strategy.rows_after_cutoff or self.train_horizon


def check_is_repeatable(random_state: Any) -> None:
    """Refuse ``random_state=None`` for what is to go on where it stood."""
    if random_state is None:
        raise SettingError(
            "random_state=None draws another seed each time, and what stands in run_dir= can "
            "go on with its own alone: pass a whole number"
        )


def choose_season_length(given: Any, panel: Panel) -> int:
    """Rows in a season: given, or of the frequency (none for integer time)."""
    if not is_auto(given):
        return whole_number("season_length", given, "rows in a season, 1 for none")
    return panel.frequency.season_length or 1


def choose_settings(
    arguments: Mapping[str, Any], panel: Panel, cell: Cell = "lstm", *, continues: bool = False
) -> Settings:
    """Check a forecaster's arguments and choose those left to ``"auto"``.

    Parameters
    ----------
    arguments : mapping
        Of the forecaster's constructor.
    panel : Panel
        The training series.
    cell : {"lstm", "gru"}, default "lstm"
    continues : bool, default False
        Whether networks begin with what a fitted model knows of such series.

    Raises
    ------
    SettingError
        For an argument that can't be used, with its value and what is accepted.
    """
    preset = _recipe(arguments, panel, cell)
    season, longer = _seasons(arguments["season_length"], panel)
    strategy = _strategy(arguments["training_strategy"], preset)
    val_size = _val_size(arguments["val_size"], arguments["patience"], season, panel)
    if val_size:  # what is held out must not speak in what is chosen
        panel = panel.without_tail(val_size)
    rows = len(panel.values)
    chosen = _network_and_steps(arguments, preset, rows=rows)
    chosen |= _windows(arguments, season, longer, panel, preset)
    known = _known_season(arguments, panel, chosen["residual_lag"], season, longer)
    init, weights = _weights(arguments, preset, rows, known)
    if weights is not None:
        length = int(np.median(panel.lengths))
        chosen |= fixed_by_weights(weights, known, arguments, cell, length)
    else:
        chosen["start_share"] = 0.0  # random weights are nothing to stay near
    if not (chosen["max_steps"] or continues):
        _check_needs_no_training(weights, panel)
    return Settings(
        frequency=panel.frequency.name,
        season_length=season,
        val_size=val_size,
        training_strategy=strategy,
        preset=arguments["preset"],
        init=init,
        random_state=seed_of(arguments["random_state"]),
        **chosen,
    )


def _recipe(arguments: Mapping[str, Any], panel: Panel, cell: Cell) -> Preset:
    """That of the preset, or another one of it for random weights or for covariates."""
    preset = PRESETS[one_of("preset", arguments["preset"], tuple(PRESETS))]
    covariates = panel.covariates is not None
    if preset.from_scratch is not None:
        init = arguments["init"]
        if is_auto(init):
            begins = _weights_fit(arguments, panel, cell)
            begins &= not covariates or bool(preset.with_covariates)
        else:
            begins = not (isinstance(init, str) and init == "random")
        preset = preset if begins else preset.from_scratch
    return replace(preset, **preset.with_covariates) if covariates else preset


def _weights_fit(arguments: Mapping[str, Any], panel: Panel, cell: Cell) -> bool:
    """Whether pretrained weights are a good start.

    They read a season or two: a longer repetition that nothing tells of is learned from scratch.
    So are channels, of which a short training that begins with series alone learns too little.
    """
    fits = panel.channels == 1 and suits_weights(arguments, cell)
    return fits and _says_its_season(arguments, panel)


def _says_its_season(arguments: Mapping[str, Any], panel: Panel) -> bool:
    """Whether rows of a season, or none, are given or those of the frequency."""
    return not is_auto(arguments["season_length"]) or bool(panel.frequency.season_length)


def _weights(
    arguments: Mapping[str, Any], preset: Preset, rows: int, season: Season
) -> tuple[str, PretrainedWeights | None]:
    """What networks begin with, by name and as weights; none of these for random ones."""
    init, size = arguments["init"], arguments["hidden_size"]
    init = preset.init if is_auto(init) else init
    near = preset.of("hidden_size", rows=rows) if is_auto(size) else None
    return str(init), initial_weights(init, size, season, near=near)


def _known_season(
    arguments: Mapping[str, Any], panel: Panel, base: int | None, season: int, longer: int | None
) -> Season:
    """The season that weights are used at; none, of series that don't repeat themselves."""
    known = Season(season, longer or _longer_season(arguments["season_length"], panel))
    return known if base in (None, known.rows, known.base) else Season(1)


def _seasons(given: Any, panel: Panel) -> tuple[int, int | None]:
    """Rows in a season, and in one around it, if there is one."""
    if not isinstance(given, tuple | list):
        return choose_season_length(given, panel), None
    return season_lengths(given)


def _longer_season(given: Any, panel: Panel) -> int | None:
    """Rows in a week, where a season is a day and series have two weeks."""
    longer = panel.frequency.longer_season
    enough = longer is not None and int(np.median(panel.lengths)) >= 2 * longer
    return longer if is_auto(given) and enough else None


def _check_needs_no_training(weights: PretrainedWeights | None, panel: Panel) -> None:
    """Refuse a forecast without training of what the weights don't know."""
    if weights is None:
        raise SettingError(
            "no training steps need pretrained weights: leave init to 'auto', or pass max_steps="
        )
    if panel.covariates is not None or panel.channels > 1:
        unknown = "covariates" if panel.covariates is not None else "several channels"
        raise SettingError(
            f"preset='zero_shot' learns nothing of these series, and the pretrained weights don't "
            f"know {unknown}: pass preset='fine_tuned', which learns them"
        )


def _windows(
    arguments: Mapping[str, Any], season: int, longer: int | None, panel: Panel, preset: Preset
) -> dict[str, Any]:
    """What a network reads, and how far it is rolled out."""
    length, rows = int(np.median(panel.lengths)), len(panel.values)
    horizon = _train_horizon(season, length)
    seasonal_below, far = preset.of("seasonal_below", rows=rows), preset.of("far_lags", rows=rows)
    residual = _residual(arguments["residual"], season, horizon, panel, seasonal_below)
    context = arguments["context_length"]
    if is_auto(context):
        known = season if _says_its_season(arguments, panel) else None
        context = _context_length(known, length, far=far)
    return {
        "context_length": whole_number("context_length", context, "rows to read"),
        "lags": _lags(arguments["lags"], (season, longer), residual, length, far=far),
        "residual_lag": residual,
        "longer_season": longer,
        "unit_season": _unit_season(residual, preset.of("change_share", rows=rows)),
        "train_horizon": horizon,
        "warmup": min(season, 4),
        "window_norm": _window_norm(arguments["window_norm"]),
    }


def _unit_season(residual: int | None, change_share: float) -> int | None:
    """The season whose changes count in the unit of errors, if any do."""
    return residual if residual is not None and residual > 1 and change_share else None


def _network_and_steps(
    arguments: Mapping[str, Any], preset: Preset, *, rows: int
) -> dict[str, Any]:
    """The size of the network, and how it is trained."""

    def chosen(name: str) -> Any:
        """The argument, or what the preset says of it."""
        return preset.of(name, rows=rows) if is_auto(arguments[name]) else arguments[name]

    clip, patience = arguments["gradient_clip_val"], arguments["patience"]
    return {
        "hidden_size": whole_number("hidden_size", chosen("hidden_size"), "units of the network"),
        "num_layers": whole_number("num_layers", arguments["num_layers"], "layers", highest=4),
        "dropout": number("dropout", chosen("dropout"), 0.0, 0.99),
        "n_models": whole_number("n_models", chosen("n_models"), "members", highest=MOST_MEMBERS),
        "loss": one_of("loss", chosen("loss"), tuple(LOSSES)),
        "change_share": preset.of("change_share", rows=rows),
        "error_limit": preset.error_limit,
        "start_share": preset.of("start_share", rows=rows),
        "max_steps": _max_steps(chosen("max_steps"), preset),
        "batch_size": whole_number("batch_size", chosen("batch_size"), "windows a step"),
        "learning_rate": number("learning_rate", chosen("learning_rate"), 1e-9, 10.0),
        "weight_decay": number("weight_decay", arguments["weight_decay"], 0.0, 10.0),
        "gradient_clip_val": None if clip is None else number("gradient_clip_val", clip, 1e-9, 1e9),
        "patience": None if patience is None else whole_number("patience", patience, "validations"),
        "weight_averaging": _weight_averaging(arguments["weight_averaging"]),
    }


def _max_steps(given: Any, preset: Preset) -> int:
    lowest = min(preset.of("max_steps", rows=0), 1)
    return whole_number("max_steps", given, "optimiser steps", lowest=lowest)


def _strategy(given: Any, preset: Preset) -> TrainingStrategy:
    if is_auto(given):
        return preset.training_strategy
    if isinstance(given, TrainingStrategy):
        return given
    if isinstance(given, str) and given in STRATEGIES:
        return STRATEGIES[given]()
    raise SettingError(
        f"training_strategy={written(given)}: expected one of {', '.join(map(repr, STRATEGIES))}, "
        "or an object such as tsgen.FreeRunning(steps=24)"
    )


def _weight_averaging(given: Any) -> float | None:
    if given is None:
        return None
    return number("weight_averaging", given, 0.01, 1.0)


def _val_size(given: Any, patience: Any, season: int, panel: Panel) -> int:
    """Rows held out at the end of each series; 0 for none."""
    longest = int(panel.lengths.max())
    if given is None or is_auto(given):
        if given is None and patience is not None:
            raise SettingError("patience= needs rows to validate on: leave val_size to 'auto'")
        return 0 if patience is None else _train_horizon(season, longest)
    rows = whole_number("val_size", given, "rows to hold out of each series")
    if 2 * rows >= longest:
        raise SettingError(
            f"val_size={written(given)} is too long: the longest series has {longest} rows, and a "
            "tail is held out of series with more than twice its length"
        )
    return rows


def _residual(
    given: Any, season: int, horizon: int, panel: Panel, seasonal_below: float
) -> int | None:
    if is_auto(given):
        return season if season > 1 and _is_seasonal(panel, season, horizon, seasonal_below) else 1
    if given is None:
        return None
    name = one_of("residual", given, ("last", "seasonal"))
    if name == "seasonal" and season == 1:
        raise SettingError(
            "residual='seasonal' needs a season: pass season_length=, or residual='last'"
        )
    return season if name == "seasonal" else 1


def _is_seasonal(panel: Panel, season: int, horizon: int, below: float) -> bool:
    """Whether naive forecasts by the value a season ago err less than those by the last one.

    Or less than ``below`` times as much, over a season or else to the horizon: the ratio of their
    errors, averaged over series.
    """
    sample = [panel.series(position) for position in _sample(len(panel))]
    known = [values[~np.isnan(values)] for values in sample]  # holes shift the season by little
    long = [values for values in known if len(values) >= 2 * season]
    if 2 * len(long) < len(sample):  # most are too short to tell
        return False
    return any(
        np.exp(np.mean([np.log(_seasonal_over_last(values, season, steps)) for values in long]))
        < below
        for steps in (season - 1, horizon)
    )


def _seasonal_over_last(values: FloatArray, season: int, horizon: int) -> float:
    """The error by the season over the error by the last value, at most 100 times either way."""
    steps = {1, (horizon + 1) // 2, horizon}
    back = {step: season * -(-step // season) for step in steps}
    steps = {step for step in steps if back[step] < len(values)}
    last = np.mean([seasonal_error(values, step) for step in steps])
    seasonal = np.mean([seasonal_error(values, back[step]) for step in steps])
    least = max(last, seasonal) / 100
    return float(max(seasonal, least) / max(last, least)) if least > 0 else 1.0


def _sample(count: int, most: int = 200) -> Sequence[int]:
    return [int(i) for i in np.linspace(0, count - 1, min(count, most))]


def _lags(
    given: Any, seasons: tuple[int, int | None], residual: int | None, length: int, *, far: bool
) -> tuple[int, ...]:
    season, longer = seasons
    if is_auto(given):
        natural = {*_natural_lags(season), *([longer] if longer else [])}
        lags = {lag for lag in natural if lag <= length // 3}
        if far:
            lags |= {lag for lag in _far_lags(season) if lag <= length // 2}
    elif given is None:
        lags = set()
    else:
        given = given if isinstance(given, Iterable) and not isinstance(given, str) else [given]
        lags = {whole_number("lags", lag, "rows back, a list of them") for lag in given}
    return tuple(sorted(lags | {1} | ({residual} if residual else set())))


def _natural_lags(season: int) -> tuple[int, ...]:
    """Parts and multiples of a season that real series repeat by."""
    if season == 1:
        return ()
    if season == 52:
        return (4, 13, 26, 52)
    if season >= 24:  # parts of a day, which repeat by the day and by the week
        return (season, 2 * season, 7 * season)
    return (season, 2 * season)


def _far_lags(season: int) -> tuple[int, ...]:
    """More of them, where a season is long: twice as far, and the row before that of yesterday."""
    if season == 52:
        return (104,)
    return (season + 1, 14 * season) if season >= 24 else ()


def _context_length(season: int | None, length: int, *, far: bool) -> int:
    if season is None:  # rows enough for some seasons of those that are common
        natural = 48
    else:
        natural = {1: 10, 4: 16, 52: 104}.get(season, 336 if season >= 24 else 4 * season)
        if far and season >= 24:
            natural //= 2
    return max(1, min(natural, length // 2))


def _train_horizon(season: int, length: int) -> int:
    natural = {1: 6, 4: 8, 24: 48, 52: 13}.get(season, max(season, 6))
    return max(1, min(natural, length // 4, 96))


def _window_norm(given: Any) -> bool:
    if is_auto(given):
        return True
    return yes_or_no("window_norm", given, accepted="True, False or 'auto'")

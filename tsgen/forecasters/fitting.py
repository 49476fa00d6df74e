"""From settings and a panel to a fitted model: units, networks, their training and calibration.

The one place where training and inference meet; neither knows the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from tsgen import training
from tsgen._messages import written
from tsgen._validation import one_of
from tsgen.data import Panel
from tsgen.forecasters.continuing import Start, first_networks
from tsgen.forecasters.settings import Settings
from tsgen.forecasters.starting import initial_weights
from tsgen.inference import (
    Calibration,
    FittedModel,
    SpreadCalibration,
    calibrate_on_tail,
    calibrate_spread,
    checksum,
    tail_length,
)
from tsgen.nn import Architecture, Cell, RecurrentNetwork, at_season, widened
from tsgen.preprocessing import (
    NumericUnits,
    PanelScaler,
    WindowShape,
    fit_covariate_scaler,
    fit_scaler,
    scaled,
    target_transform_of,
)

if TYPE_CHECKING:
    from tsgen.training import ForecastModule, Losses, TrainingReport, WindowDataModule

__all__ = [
    "Recipe",
    "Trained",
    "calibrated_by_spread",
    "calibrated_on_tail",
    "module_around",
    "prepare",
    "report_of",
    "train",
    "train_model",
]

_VALIDATE_EVERY = 50
_WINDOWS_REPORTED = 256


@dataclass(frozen=True, eq=False)
class Recipe:
    """All that a training goes by, but the series.

    Attributes
    ----------
    cell : {"lstm", "gru"}
    settings : Settings
    scaler, scaler_scope, covariate_scaler, target_transform, trainer_kwargs, verbose
        As the forecaster's arguments of that name.
    start : Start, optional
        The fitted model that networks begin with.
    """

    cell: Cell
    settings: Settings
    scaler: Any = "standard"
    scaler_scope: str = "series"
    covariate_scaler: Any = "standard"
    target_transform: Any = None
    trainer_kwargs: Mapping[str, Any] | None = None
    verbose: bool = False
    start: Start | None = None

    def architecture(self, units: NumericUnits, channels: int) -> Architecture:
        """What each member's network is built from."""
        return self.settings.architecture(
            self.cell, self._units(channels), channels, units.covariate_scaler
        )

    def _units(self, channels: int) -> int:
        """Of each layer: those of one series are there for each channel."""
        if self.start is not None:
            return self.start.origin.hidden_size
        size = self.settings.hidden_size
        return size if self.settings.init == "random" else size * channels

    def model(self, networks: Sequence[RecurrentNetwork], units: NumericUnits) -> FittedModel:
        """Networks as what forecasts."""
        settings = self.settings
        return FittedModel(
            networks=tuple(networks),
            context_length=settings.context_length,
            warmup=settings.warmup,
            window_norm=settings.window_norm,
            train_horizon=settings.train_horizon,
            units=units,
        )


class Prepared(NamedTuple):
    """Networks before their training, the windows they learn from, and their units."""

    module: ForecastModule
    data: WindowDataModule
    units: NumericUnits


class Trained(NamedTuple):
    """A model, and how its training went."""

    model: FittedModel
    losses: Losses


def prepare(recipe: Recipe, panel: Panel) -> Prepared:
    """Do all of a training but the training."""
    settings = recipe.settings
    seen = panel.without_tail(settings.val_size) if settings.val_size else panel
    shared = one_of("scaler_scope", recipe.scaler_scope, ("series", "panel")) == "panel"
    scaler = _scaler(recipe, seen, shared=shared)
    covariate_scaler = fit_covariate_scaler(recipe.covariate_scaler, seen, shared=shared)
    # What is held out is scaled by what was seen.
    scalers = scaler.for_series(panel.ids, panel.values, panel.offsets)
    data = training.WindowDataModule(
        scaled(panel, scalers, covariate_scaler),
        WindowShape(max(settings.lags), settings.context_length, settings.rows_after_cutoff),
        batch_size=settings.batch_size * settings.n_models,
        window_norm=settings.window_norm,
        validation_rows=settings.val_size,
        seed=settings.random_state,
    )
    units = NumericUnits(scaler, data.value_range(), covariate_scaler)
    with torch.device("meta"):  # weights without memory, which draw nothing
        module = _module(recipe, recipe.architecture(units, panel.channels))
    module.to_empty(device="cpu")
    module.reset_parameters(torch.Generator().manual_seed(settings.random_state))
    _begin(recipe, module)
    return Prepared(module, data, units)


def _begin(recipe: Recipe, module: ForecastModule) -> None:
    """Give members whose weights are drawn those that they are to begin with, if there are any."""
    settings, start = recipe.settings, recipe.start
    if start is not None:
        module.take_over(first_networks(start, module.networks))
        module.begun_from = checksum(start.networks)
        return
    weights = initial_weights(settings.init, settings.hidden_size, settings.season)
    if weights is not None:
        learned = at_season(weights.network, settings.season)
        module.take_over([widened(learned, drawn) for drawn in module.networks])
        module.begun_from = checksum([weights.network])


def _scaler(recipe: Recipe, panel: Panel, *, shared: bool) -> PanelScaler:
    targets = panel.channels - panel.rolled
    return fit_scaler(
        recipe.scaler,
        panel.ids,
        panel.values,
        panel.offsets,
        shared=panel.channels if shared else 0,
        target_transform=target_transform_of(recipe.target_transform),
        transformed=(True,) * targets + (False,) * panel.rolled,
    )


def _module(recipe: Recipe, architecture: Architecture) -> ForecastModule:
    settings = recipe.settings
    return training.ForecastModule(
        architecture,
        n_models=settings.n_models,
        objective=training.Objective(
            settings.loss,  # type: ignore[arg-type]
            settings.warmup,
            settings.unit_season,
            settings.change_share,
            settings.error_limit,
        ),
        strategy=settings.training_strategy,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        seed=settings.random_state,
    )


def module_around(recipe: Recipe, model: FittedModel) -> ForecastModule:
    """The LightningModule of networks that have one no longer, such as those of a file."""
    with torch.device("meta"):
        module = _module(recipe, model.network.architecture)
    module.take_over(model.networks)
    return module.eval()


def train_model(
    recipe: Recipe,
    panel: Panel,
    *,
    run_dir: str | PathLike[str] | None = None,
    label: str = "fit",
) -> Trained:
    """Train networks on a panel.

    Parameters
    ----------
    recipe : Recipe
    panel : Panel
    run_dir : path, optional
        A folder for checkpoints.
    label : str, default "fit"
        What stands before the bar.
    """
    module, data, units = prepare(recipe, panel)
    losses = train(recipe, panel, module, data, run_dir=run_dir, label=label)
    return Trained(recipe.model(module.cpu().eval().networks, units), losses)


def train(
    recipe: Recipe,
    panel: Panel,
    module: ForecastModule,
    data: WindowDataModule,
    *,
    run_dir: str | PathLike[str] | None = None,
    label: str = "fit",
) -> Losses:
    """Train what was prepared from a panel, unless it knows enough."""
    settings, ids = recipe.settings, panel.ids
    if not settings.max_steps:
        module.eval()
        return training.Losses([], {})
    kept = settings.start_share
    start = [deepcopy(network.state_dict()) for network in module.networks] if kept else []
    losses = training.train(
        module,
        data,
        training.Schedule(
            max_steps=settings.max_steps,
            gradient_clip_val=settings.gradient_clip_val,
            patience=settings.patience,
            validate_every=min(_VALIDATE_EVERY, settings.max_steps),
            seed=settings.random_state,
            verbose=recipe.verbose,
            label=label,
            weight_averaging=settings.weight_averaging,
        ),
        trainer_kwargs=recipe.trainer_kwargs,
        names=lambda positions: [written(ids[int(i)]) for i in positions],
        run_dir=run_dir,
    )
    for network, before in zip(module.networks, start, strict=False):
        after = network.state_dict()
        network.load_state_dict({name: after[name].lerp(before[name], kept) for name in after})
    return losses


def calibrated_by_spread(recipe: Recipe, model: FittedModel, panel: Panel) -> SpreadCalibration:
    """How far intervals must reach, by the spread that a model predicts of its errors.

    Where it began with weights that knew series, the errors that count are those of these weights,
    from before they had seen the panel.
    """
    settings = replace(recipe.settings, val_size=0, patience=None, n_models=1, max_steps=0)
    unseen = model
    if settings.init != "random":
        module, _, units = prepare(replace(recipe, settings=settings), panel)
        unseen = recipe.model(module.eval().networks, units)
    return calibrate_spread(model, unseen, panel, tail_length(panel, settings.train_horizon))


def calibrated_on_tail(recipe: Recipe, panel: Panel) -> Calibration:
    """How far intervals must reach, by a model of its own of all but the end of a panel."""
    # One member stands for all: its errors and the spread of its paths are both larger than
    # theirs, and what is learned here is the one by the other.
    settings = replace(recipe.settings, val_size=0, patience=None, n_models=1)
    rows = tail_length(panel, settings.train_horizon)
    beside = training.without_outputs(recipe.trainer_kwargs, validated=False)
    recipe = replace(recipe, settings=settings, trainer_kwargs=beside)
    model, losses = train_model(recipe, panel.without_tail(rows), label="calibrate")
    if losses.interrupted is not None:  # half a calibration is none
        raise KeyboardInterrupt(f"calibration: {losses.interrupted}")
    return calibrate_on_tail(model, panel, rows, settings.random_state)


def report_of(module: ForecastModule, data: WindowDataModule, losses: Losses) -> TrainingReport:
    """The report of a training, with errors on rows that were held out, if there are any."""
    batch = data.held_out() if data.validation_rows else data.some_windows(_WINDOWS_REPORTED)
    errors = training.exposure(module.networks, batch)
    where = "held-out rows" if data.validation_rows else "training rows"
    return training.TrainingReport(losses.table(), errors, where)

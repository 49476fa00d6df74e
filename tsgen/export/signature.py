"""What goes into an exported model and what comes out: names, types, axes, and a description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from onnx import ValueInfoProto

from tsgen.data import Covariate, Panel
from tsgen.export.graph import F64, I64, value_info
from tsgen.inference import FittedModel
from tsgen.io import tsgen_version

__all__ = ["CONTEXT", "COVARIATES", "FORECAST", "HORIZON", "SERIES", "STATIC", "Signature"]

CONTEXT, HORIZON, SERIES = "context", "horizon", "series"
COVARIATES, STATIC, FORECAST = "covariates", "static", "forecast"


@dataclass(frozen=True)
class Signature:
    """The inputs and the outputs of a model's graph.

    Attributes
    ----------
    model : FittedModel
    panel : Panel
        Series as the model reads them, for their names.
    quantiles : tuple of str, default ()
        What distinguishes the names of quantiles from that of the forecast.
    """

    model: FittedModel
    panel: Panel
    quantiles: tuple[str, ...] = ()

    @property
    def of_rows(self) -> tuple[Covariate, ...]:
        """The covariates that have a value in each row."""
        return tuple(item for item in self._schema if item.role != "static")

    @property
    def of_series(self) -> tuple[Covariate, ...]:
        """Those that are the same in all rows."""
        return tuple(item for item in self._schema if item.role == "static")

    @property
    def _schema(self) -> tuple[Covariate, ...]:
        scaler = self.model.units.covariate_scaler
        return () if scaler is None else scaler.schema

    @property
    def scales_targets(self) -> bool:
        """Whether the scaler counts: a window's own mean and spread undo one that is affine."""
        return not self.model.window_norm and self.model.units.scaler.template is not None

    @property
    def names_series(self) -> bool:
        """Whether the forecast depends on which series of the training it is of."""
        units = self.model.units
        if self.scales_targets and not units.scaler.shared:
            return True
        covariates = units.covariate_scaler
        return covariates is not None and len(covariates.ids) > 0 and any(covariates.scalers)

    @property
    def inputs(self) -> list[ValueInfoProto]:
        """What goes in."""
        found = [
            value_info(CONTEXT, F64, ["batch", "rows", self.model.channels]),
            value_info(HORIZON, I64, []),
        ]
        if self.names_series:
            found.append(value_info(SERIES, I64, ["batch"]))
        if self.of_rows:
            found.append(value_info(COVARIATES, F64, ["batch", "all_rows", len(self.of_rows)]))
        if self.of_series:
            found.append(value_info(STATIC, F64, ["batch", len(self.of_series)]))
        return found

    @property
    def returned(self) -> int:
        """The channels of the forecast: all but the past covariates that are rolled along."""
        return self.model.channels - self.panel.rolled

    @property
    def outputs(self) -> list[ValueInfoProto]:
        """What comes out: the forecast, then its quantiles."""
        names = [f"{FORECAST}{suffix}" for suffix in ("", *self.quantiles)]
        return [value_info(name, F64, ["batch", "steps", self.returned]) for name in names]

    @property
    def described(self) -> dict[str, Any]:
        """What a caller must know of them, as plain values."""
        model, scaler = self.model, self.model.units.scaler
        return {
            "tsgen": tsgen_version(),
            "freq": self.panel.frequency.name,
            "channels": _texts(self._channels),
            "forecast": _texts(self._channels[: self.returned]),
            "rows_read": model.rows_read,
            "context_length": model.context_length,
            "members": len(model.networks),
            "series": _texts(self.series) if self.names_series else None,
            "covariates": [_described(item) for item in self.of_rows],
            "static": [_described(item) for item in self.of_series],
            "target_transform": scaler.target_transform and scaler.target_transform.name,
        }

    @property
    def series(self) -> pd.Index:
        """The systems that have scalers of their own, by their number."""
        units = self.model.units
        if units.covariate_scaler is not None and len(units.covariate_scaler.ids):
            keys = units.covariate_scaler.ids
        else:
            keys = units.scaler.ids[:: self.model.channels]
        return keys.get_level_values(0) if self.panel.names_channels else keys

    @property
    def _channels(self) -> pd.Index:
        panel = self.panel
        ids = panel.ids[: panel.channels]
        if panel.names_channels:
            return ids.get_level_values(1)
        return ids if panel.channels > 1 else pd.Index([panel.columns.target])


def _described(item: Covariate) -> dict[str, Any]:
    categories = None if item.categories is None else _texts(item.categories)
    return {"name": str(item.name), "role": item.role, "categories": categories}


def _texts(names: pd.Index) -> list[str]:
    return [str(name) for name in names]

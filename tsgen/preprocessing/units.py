"""The units of a network: what brings series of numbers to them, and back."""

from __future__ import annotations

from dataclasses import dataclass

from tsgen.data import Panel
from tsgen.preprocessing.covariates import CovariateScaler
from tsgen.preprocessing.scalers import PanelScaler, SeriesScalers
from tsgen.preprocessing.windows import Series, ValueRange

__all__ = ["NumericUnits"]


@dataclass(frozen=True, eq=False)
class NumericUnits:
    """What was learned of the numbers of the training series.

    Attributes
    ----------
    scaler : PanelScaler
        For the values of each series.
    value_range : ValueRange
        Of the values in training, in the units of windows.
    covariate_scaler : CovariateScaler, optional
    """

    scaler: PanelScaler
    value_range: ValueRange
    covariate_scaler: CovariateScaler | None = None

    def scalers_of(self, panel: Panel) -> SeriesScalers:
        """A scaler for each series; one that training hasn't seen gets one fitted to its rows."""
        return self.scaler.for_series(panel.ids, panel.values, panel.offsets)

    def scaled(self, panel: Panel, scalers: SeriesScalers) -> Series:
        """The rows of a panel, and its covariates, as tensors."""
        return scaled(panel, scalers, self.covariate_scaler)


def scaled(
    panel: Panel, scalers: SeriesScalers, covariate_scaler: CovariateScaler | None = None
) -> Series:
    """A panel's rows in the scalers' units."""
    covariates = None if covariate_scaler is None else covariate_scaler.of_panel(panel)
    values = scalers.transform(panel.values, panel.offsets)
    return Series.from_numpy(values, panel.offsets, panel.channels, covariates)

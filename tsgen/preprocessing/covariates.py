"""Covariates as the network sees them: scaled, and in the row whose prediction knows of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from tsgen._messages import written
from tsgen._typing import FloatArray, IntArray
from tsgen.data import Covariate, Covariates, Panel, changed_by_chunks, listing, offsets_of, ranges
from tsgen.errors import ScalerError
from tsgen.preprocessing.scalers import SeriesScalers, check_template, fit_scalers
from tsgen.preprocessing.windows import CovariateRows

__all__ = ["LARGEST_COVARIATE", "CovariateScaler", "fit_covariate_scaler"]


LARGEST_COVARIATE = 1e30
"""What float32 can hold, with room for a product; no scaled covariate means anything out there."""


@dataclass(frozen=True)
class CovariateScaler:
    """What was learned of a panel's covariates.

    Attributes
    ----------
    schema : tuple of Covariate
    ids : Index of shape (N,)
        Of the systems that have scalers of their own; none where all share one.
    scalers : tuple of SeriesScalers or None
        For each column of rows: N of them, and one of all rows for systems not seen in `fit`;
        ``None`` for categories and cycles.
    centre, scale : ndarray of shape (static columns,)
    """

    schema: tuple[Covariate, ...]
    ids: pd.Index
    scalers: tuple[SeriesScalers | None, ...]
    centre: FloatArray
    scale: FloatArray

    @property
    def _of_rows(self) -> tuple[Covariate, ...]:
        return tuple(item for item in self.schema if item.role != "static")

    @property
    def _past(self) -> list[int]:
        return [i for i, item in enumerate(self._of_rows) if item.role == "past"]

    @property
    def width(self) -> int:
        """D: the columns, and a flag for each that is known up to the cutoff alone."""
        return len(self.schema) + len(self._past)

    @property
    def categories(self) -> dict[int, int]:
        """How many categories each column that has some has."""
        return {
            column: max(len(item.categories), 1)
            for item, column in zip(self.schema, self._columns, strict=True)
            if item.categories is not None
        }

    @property
    def _columns(self) -> list[int]:
        """The column of each covariate: rows, then flags, then static ones."""
        by_row = len(self._of_rows)
        static = range(by_row + len(self._past), self.width)
        return [*range(by_row), *static]

    def columns_of(self, name: str) -> list[int]:
        """The columns that tell of a covariate, its flag among them."""
        found = [column for item, column in zip(self.schema, self._columns, strict=True)
                 if item.name == name]  # fmt: skip
        flags = [len(self._of_rows) + i for i, column in enumerate(self._past) if column in found]
        return found + flags

    def of_panel(self, panel: Panel) -> CovariateRows | None:
        """The covariates of a panel's systems."""
        if panel.covariates is None:
            return None
        lengths = (panel.lengths + panel.behind)[:: panel.channels]
        return self._scaled(panel.covariates, lengths, panel.keys)

    def ahead(self, panel: Panel, future: FloatArray) -> Tensor:
        """The covariates of what follows each system's last row.

        Parameters
        ----------
        panel : Panel
        future : ndarray of shape (N, H, columns)
            After its ends; what isn't known is NaN, or 0 for a category.

        Returns
        -------
        Tensor of shape (N, H + most rows behind, D)
        """
        assert panel.covariates is not None
        last = panel.tail(1)
        assert last.covariates is not None
        count, horizon, columns = future.shape
        # The last row is read once more, since covariates of the past are seen a row later.
        known = 1 + panel.behind[:: panel.channels]
        offsets = offsets_of(known)
        table = np.concatenate([last.covariates.rows, future.reshape(count * horizon, columns)])
        starts = np.stack([offsets[:-1], offsets[-1] + horizon * np.arange(count)], axis=1)
        lengths = np.stack([known, np.full(count, horizon)], axis=1)
        rows = table[ranges(starts.ravel(), lengths.ravel())]
        covariates = Covariates(self.schema, rows, panel.covariates.static)
        exogenous = self._scaled(covariates, known + horizon, panel.keys)
        ahead = horizon + int(known.max()) - 1
        steps = exogenous.starts[:, None] + 1 + torch.arange(ahead)
        inside = steps < exogenous.stops[:, None]
        by_step = exogenous.rows[steps.clamp_(max=len(exogenous.rows) - 1)] * inside[:, :, None]
        return torch.cat([by_step, exogenous.static[:, None].expand(-1, ahead, -1)], dim=2)

    def _scaled(self, covariates: Covariates, lengths: IntArray, ids: pd.Index) -> CovariateRows:
        offsets = offsets_of(lengths)
        positions = self.ids.get_indexer(ids) if len(self.ids) else np.full(len(ids), -1)

        def scaled(some: slice, rows: FloatArray) -> npt.NDArray[np.float32]:
            own = offsets[some.start : some.stop + 1] - offsets[some.start]
            return self._scaled_rows(rows, own, positions[some])

        shape = len(covariates.rows), len(self._of_rows) + len(self._past)
        rows = changed_by_chunks(covariates.rows, offsets, scaled, shape, np.float32)
        static = (covariates.static - self.centre) / self.scale
        bounds = torch.from_numpy(offsets)
        return CovariateRows(
            torch.from_numpy(rows),
            bounds[:-1],
            bounds[1:],
            torch.from_numpy(static.astype(np.float32)),
            (*self._past, *range(len(self._of_rows), shape[1])),
        )

    def _scaled_rows(
        self, given: FloatArray, offsets: IntArray, positions: IntArray
    ) -> npt.NDArray[np.float32]:
        """The rows of some systems as a network sees them, with flags of what is known behind."""
        columns = [
            values if scalers is None
            # The last scaler is that of all systems.
            else scalers.take(np.where(positions < 0, len(scalers) - 1, positions)).transform(
                values, offsets)
            for values, scalers in zip(given.T, self.scalers, strict=True)
        ]  # fmt: skip
        for item, before, exogenous in zip(self._of_rows, given.T, columns, strict=True):
            wrong = np.flatnonzero(np.isfinite(before) & ~np.isfinite(exogenous))
            if len(wrong):
                values = listing([f"{value:g}" for value in before[wrong]])
                raise ScalerError(
                    f"covariate_scaler gives no finite values for covariate {written(item.name)}: "
                    f"{values}; choose a scaler that is defined for them"
                )
        flags = []
        for column in self._past:
            # A row's prediction sees them of the row before, of which a series' first has none.
            before = np.concatenate([[np.nan], columns[column][:-1]])
            before[offsets[:-1]] = np.nan
            known = ~np.isnan(before)
            if self._of_rows[column].categories is not None:
                known &= before > 0
            columns[column] = before
            flags.append(known.astype(np.float64))
        rows = np.stack([*columns, *flags], axis=1) if columns else np.empty((offsets[-1], 0))
        limited = np.nan_to_num(rows).clip(-LARGEST_COVARIATE, LARGEST_COVARIATE)
        return limited.astype(np.float32)


def fit_covariate_scaler(template: Any, panel: Panel, *, shared: bool) -> CovariateScaler | None:
    """Learn the scales of a panel's covariates.

    Parameters
    ----------
    template : {"standard", "minmax", "robust"}, transformer or None
        A transformer needs no inverse here.
    panel : Panel
    shared : bool
        Whether all systems have the scales of all rows; else each has its own.
    """
    check_template("covariate_scaler", template, invertible=False)
    covariates = panel.covariates
    if covariates is None:
        return None
    lengths = (panel.lengths + panel.behind)[:: panel.channels]
    offsets = offsets_of(lengths)
    own = panel.keys[:0] if shared else panel.keys
    everything = np.array([0, len(covariates.rows)])
    scalers: list[SeriesScalers | None] = []
    for item, values in zip(covariates.of_rows, covariates.rows.T, strict=True):
        if item.categories is not None or item.role == "cycle":
            scalers.append(None)
            continue
        name = pd.Index([f"covariate {item.name}"])
        fitted = fit_scalers(template, name, values, everything, invertible=False)
        if not shared:
            fitted = fit_scalers(template, own, values, offsets, invertible=False).append(fitted)
        scalers.append(fitted)
    numbers = np.array([item.categories is None for item in covariates.of_series], dtype=np.bool_)
    static = covariates.static
    # Sums of equal numbers round: what is constant is said by the range, not by the spread.
    constant = static.min(axis=0) == static.max(axis=0)
    centre = np.where(constant, static[0], static.mean(axis=0))
    spread = np.where(constant, 1.0, static.std(axis=0))
    return CovariateScaler(
        covariates.schema,
        own,
        tuple(scalers),
        np.where(numbers, centre, 0.0),
        np.where(numbers & (spread > 0), spread, 1.0),
    )

"""What must hold of a panel and its scalers that were read from a file.

A file may say anything. What was read of one is checked before a forecast is made of it: no sizes
beyond reason, and parts that belong together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tsgen.data import (
    Covariates,
    FrameSymbols,
    LongLayout,
    Panel,
    SymbolPanel,
    WideLayout,
    check_fill,
)
from tsgen.io import CodecError
from tsgen.preprocessing import (
    AffineScalers,
    SeriesScalers,
    TargetTransform,
    TransformedScalers,
    target_transform_of,
)

__all__ = [
    "ROWS_LIMIT",
    "check_panel",
    "check_scalers",
    "check_sequences",
    "check_target_transform",
    "need",
]

ROWS_LIMIT = 2**20
"""Rows that a forecast may read or run ahead; more would exhaust the memory of most machines."""


def need(holds: bool, what: str, expected: str) -> None:
    """Refuse a part of a file."""
    if not holds:
        raise CodecError(f"{what} can't be used: expected {expected}")


def check_panel(panel: Panel) -> None:
    """Refuse a panel whose parts don't belong together."""
    count, offsets, behind, what = len(panel.ids), panel.offsets, panel.behind, "the panel"
    need(count >= 1 and panel.ids.is_unique, what, "each id once")
    need(offsets.shape == (count + 1,) and offsets[0] == 0, what, "an offset for each id")
    need(bool((np.diff(offsets) >= 1).all()), what, "rows for each id")
    need(panel.values.shape == (offsets[-1],), what, "as many values as its offsets say")
    need(len(panel.ends) == count, what, "an end for each id")
    need(behind.shape == (count,) and bool((behind >= 0).all()), what, "rows behind")
    need(int(behind.max()) <= ROWS_LIMIT, what, "fewer rows behind")
    need(panel.frequency.suits(panel.ends), what, "ends that suit its frequency")
    hash(panel.columns)
    if isinstance(panel.fill, str):
        check_fill(panel.fill)
    _check_systems(panel)
    _check_layout(panel)
    if panel.covariates is not None:
        _check_covariates(panel, panel.covariates)
    else:
        read = (*panel.columns.future, *panel.columns.static)
        need(not read, "the columns", "covariates where some are named")
    # Whether dtypes, ends and frequency fit together is best said by putting them to use.
    # In pandas, since other libraries need not be there where a model is.
    panel.of_kind("pandas").forecast_frame(1, {"": np.full((count, 1), _example(panel.layout))})


def _example(layout: LongLayout | WideLayout) -> Any:
    """What any of its columns can hold: a category is no number."""
    dtypes = layout.dtypes if isinstance(layout, WideLayout) else layout.target_dtypes
    return None if any(isinstance(dtype, pd.CategoricalDtype) for dtype in dtypes) else 0.0


def check_sequences(panel: SymbolPanel, count: int | None = None) -> None:
    """Refuse sequences whose parts don't belong together, of ``count`` codes if that is known."""
    codes, offsets, what = panel.codes, panel.offsets, "the sequences"
    need(offsets.shape == (len(panel) + 1,) and offsets[0] == 0, what, "an offset for each id")
    need(bool((np.diff(offsets) >= 0).all()), what, "lengths of 0 or more")
    need(codes.shape == (offsets[-1],), what, "as many codes as their offsets say")
    need(codes.dtype.kind in "iu", what, "whole numbers")
    if len(codes):
        need(int(codes.min()) >= 0, what, "codes of 0 or more")
        need(count is None or int(codes.max()) < count, what, "codes of the vocabulary")
    if isinstance(panel.layout, FrameSymbols):
        check_panel(panel.layout.panel)
        need(panel.layout.panel.ids.equals(panel.ids), what, "the ids of their frame")


def _check_systems(panel: Panel) -> None:
    """Series of a system lie side by side and are of one length."""
    channels, rolled, what = panel.channels, panel.rolled, "the panel"
    whole = channels >= 1 and len(panel) % channels == 0 and 0 <= rolled < channels
    need(whole, what, "whole systems")
    need(rolled in (0, len(panel.columns.past)), what, "a channel for each past covariate")
    for part in (panel.lengths, panel.behind):
        by_system = part.reshape(-1, channels)
        need(bool((by_system == by_system[:, :1]).all()), what, "systems of one length")
    levels = 2 if panel.names_channels else panel.ids.nlevels
    need(panel.ids.nlevels == levels, what, "ids of series and channel")


def _check_layout(panel: Panel) -> None:
    """A forecast is written in it."""
    shown, columns, layout, what = len(panel.shown), panel.columns, panel.layout, "the layout"
    if isinstance(layout, LongLayout):
        hash(layout.columns)
        ids = np.arange(shown // len(columns.targets))
        need(np.array_equal(np.sort(layout.appearance), ids), what, "each id once")
        need(layout.columns.targets == columns.targets, what, "the panel's targets")
        need(len(layout.other_dtypes) == len(columns.others), what, "a dtype for each target")
    else:
        fitting = len(layout.columns) == len(layout.dtypes) == shown
        need(fitting and (shown == 1 or not layout.is_series), what, "a column for each id")


def _check_covariates(panel: Panel, covariates: Covariates) -> None:
    what, past = "the covariates", () if panel.rolled else panel.columns.past
    schema, by_row, by_series = covariates.schema, covariates.of_rows, covariates.of_series
    rows, systems = int(panel.covariate_offsets[-1]), len(panel) // panel.channels
    need(covariates.rows.shape == (rows, len(by_row)), what, "a value for each row")
    need(covariates.static.shape == (systems, len(by_series)), what, "a value for each series")
    named = {"future": panel.columns.future, "past": past, "static": panel.columns.static}
    for role, names in named.items():
        found = tuple(item.name for item in schema if item.role == role)
        need(found == names, what, "the columns of the frame")
    in_order = [item.role for item in (*by_row, *by_series)] == [item.role for item in schema]
    need(in_order, what, "static ones at the end")
    for item, values in zip(schema, (*covariates.rows.T, *covariates.static.T), strict=True):
        if item.categories is not None:
            need(item.categories.is_unique, what, "each category once")
            numbers = (values >= 0) & (values <= len(item.categories)) & (values % 1 == 0)
            need(bool(numbers.all()), what, "numbers of categories")


def check_scalers(scalers: SeriesScalers, what: str) -> None:
    """Refuse scalers that aren't one for each series."""
    if isinstance(scalers, TransformedScalers):
        shapes = {scalers.applies.shape, scalers.ids.shape, (len(scalers.scalers),)}
        fitting = len(shapes) == 1 and scalers.applies.dtype == np.bool_
        need(fitting, what, "a transform or none for each series")
        check_target_transform(scalers.target_transform)
        check_scalers(scalers.scalers, what)
    if isinstance(scalers, AffineScalers):
        shapes = {scalers.centre.shape, scalers.scale.shape}
        need(shapes == {(len(scalers),)}, what, "a centre and a scale for each id")


def check_target_transform(transform: TargetTransform) -> None:
    """Refuse one that no argument stands for."""
    name, low, high = transform.name, transform.low, transform.high
    known = target_transform_of(name if high is None else (name, low, high))
    need(known == transform, "the target transform", "one that there is")

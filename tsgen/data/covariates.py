"""What is known beside the target: its columns, read as numbers or as numbers of categories."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._typing import FloatArray, IntArray, Label
from tsgen.data.validation import Names, Places, Problems, check_values

__all__ = [
    "ColumnSource",
    "Covariate",
    "Covariates",
    "Role",
    "is_categorical",
    "kind_of_categories",
    "plain",
    "read_column",
    "sorted_categories",
    "with_categories_of",
    "with_more_categories",
]

Role: TypeAlias = Literal["future", "past", "cycle", "calendar", "static"]
"""Known over the horizon; up to the cutoff; computed from time stamps (with a scale of its own, or
by the user); the same in all rows of a series."""


@dataclass(frozen=True)
class Covariate:
    """One column.

    Attributes
    ----------
    name : str
    role : {"future", "past", "cycle", "calendar", "static"}
    categories : Index, optional
        Those that `fit` has seen; ``None`` for numbers.
    """

    name: Label
    role: Role
    categories: pd.Index | None = None


@dataclass(frozen=True)
class Covariates:
    """The covariates of N systems.

    Attributes
    ----------
    schema : tuple of Covariate
        The columns of ``rows``, then those of ``static``.
    rows : ndarray of shape (rows, columns)
        float64, one system after the other, and after the last value of each as many rows as its
        panel says it is behind. Categories are numbered from 1; 0 is one that `fit` hasn't seen,
        and NaN a number that is missing.
    static : ndarray of shape (N, static columns)
    """

    schema: tuple[Covariate, ...]
    rows: FloatArray
    static: FloatArray

    @property
    def of_rows(self) -> tuple[Covariate, ...]:
        """The columns of ``rows``."""
        return tuple(item for item in self.schema if item.role != "static")

    @property
    def of_series(self) -> tuple[Covariate, ...]:
        """The columns of ``static``."""
        return tuple(item for item in self.schema if item.role == "static")

    def take(self, rows: IntArray, systems: IntArray) -> Covariates:
        """Some rows, and the static ones of some systems."""
        return replace(self, rows=self.rows[rows], static=self.static[systems])

    def learned(self) -> Covariates:
        """The same as a `fit` on these rows reads them: it knows no categories but theirs."""
        columns = (*self.rows.T, *self.static.T)
        return self.read_as(
            tuple(
                item
                if item.categories is None
                else replace(item, categories=_occurring(item, values))
                for item, values in zip(self.schema, columns, strict=True)
            )
        )

    def read_as(self, schema: tuple[Covariate, ...]) -> Covariates:
        """The same columns with the categories of another `fit`, where those have numbers."""
        rows, static = self.rows.copy(), self.static.copy()
        for own, other, values in zip(self.schema, schema, (*rows.T, *static.T), strict=True):
            if own.categories is not None and other.categories is not None:
                number = np.append(0, other.categories.get_indexer_for(own.categories) + 1)
                values[:] = number[values.astype(np.int64)]
        return Covariates(schema, rows, static)


class ColumnSource(NamedTuple):
    """Where a column comes from, for messages: the arguments of `check_values`."""

    codes: IntArray | None = None
    names: Names = ""
    times: pd.Index | None = None
    of: str = ""
    """What they are rows of, where that isn't the frame."""


def is_categorical(column: pd.Series) -> bool:
    """Whether a column is one of categories: text, bool, or what pandas calls a category."""
    if isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(column.dtype):
        return True
    if column.dtype == object:
        return pd.api.types.infer_dtype(column, skipna=True) in ("string", "boolean")
    return pd.api.types.is_string_dtype(column.dtype)


def read_column(
    column: pd.Series,
    known: Covariate,
    source: ColumnSource,
    problems: Problems,
    *,
    learn: bool,
) -> tuple[Covariate, FloatArray]:
    """Read one column.

    Parameters
    ----------
    column : Series of shape (rows,)
    known : Covariate
        Its name and role; its categories too unless they are to be learned.
    source : ColumnSource
        Of the rows, for messages.
    problems : Problems
        What can't be read is added to it.
    learn : bool
        Whether this is the column of `fit`, which says if it has categories, and which.

    Returns
    -------
    Covariate
    ndarray of shape (rows,)
        NaN for a number that is missing, 0 for a category that is missing or not known.
    """
    if learn and is_categorical(column):
        known = replace(known, categories=_categories(column))
    if known.categories is None:
        label = f"{written(known.name)}{source.of}"
        values = check_values(
            column, label, Places(source.codes, source.names, source.times), problems,
            missing="allowed", remedy="give numbers; only text, bool and category columns of fit "
            "are read as categories",
        )  # fmt: skip
        # A column that can't be read has its problem already: zeros keep it from others.
        return known, np.zeros(len(column)) if values is None else values
    values = pd.Index(plain(column))
    kind, expected = kind_of_categories(values), kind_of_categories(known.categories)
    if kind != expected and None not in (kind, expected):
        problems.add(
            f"column {written(known.name)}{source.of} holds {kind}, but {expected} in fit",
            [f"{written(values.to_list()[0])} (row 0)"],
            "convert it, lest every value counts as a category that fit hasn't seen",
        )
        return known, np.zeros(len(column))
    return known, (known.categories.get_indexer(values) + 1).astype(np.float64)


def with_categories_of(df: Any, known: Covariate) -> Covariate:
    """A covariate with the categories that a frame has beside those of `fit`, after them."""
    if known.categories is None or isinstance(df, pd.Series) or known.name not in df.columns:
        return known
    return with_more_categories(known, replace(known, categories=_categories(df[known.name])))


def with_more_categories(known: Covariate, other: Covariate) -> Covariate:
    """A covariate with the categories that another one has beside its own, after them."""
    if known.categories is None or other.categories is None:
        return known
    new = other.categories[known.categories.get_indexer_for(other.categories) < 0]
    return replace(known, categories=known.categories.append(new)) if len(new) else known


def _occurring(item: Covariate, values: FloatArray) -> pd.Index:
    """The categories that a column has, sorted where they can be."""
    assert item.categories is not None
    numbers = np.unique(values).astype(np.int64)
    return sorted_categories(item.categories[numbers[numbers > 0] - 1])


def kind_of_categories(values: pd.Index) -> str | None:
    """What categories are made of; ``None`` where there is nothing to tell by."""
    kind = pd.api.types.infer_dtype(values, skipna=True)
    kinds = {"string": "text", "boolean": "bool", "integer": "numbers", "floating": "numbers",
             "mixed-integer-float": "numbers"}  # fmt: skip
    return None if values.isna().all() else kinds.get(kind)


def _categories(column: pd.Series) -> pd.Index:
    """What occurs in a column, sorted where it can be."""
    return sorted_categories(pd.Index(plain(column.dropna()).unique()))


def sorted_categories(found: pd.Index) -> pd.Index:
    """Categories in their order, where they have one."""
    try:
        return found.sort_values()
    except TypeError:  # of kinds that have no order among them
        return found


def plain(column: pd.Series) -> pd.Series:
    """A column of categories as what its categories are, so that it compares with any other."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object if column.isna().any() else column.cat.categories.dtype)
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype):
        return column.astype(object)
    return column

"""Frames of other libraries than pandas: in by Arrow, and back as what they came in.

Polars, pyarrow, DuckDB and whatever else has Arrow's stream (``__arrow_c_stream__``) are opened
here as pandas frames on Arrow's own columns, which copies nothing but categories. A frame of pandas
passes as it is, and neither pyarrow nor any other library is imported for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeVar

import pandas as pd

from tsgen._messages import written
from tsgen._typing import BoolArray
from tsgen.data.columns import Columns
from tsgen.data.validation import listing
from tsgen.errors import FrameError, MissingExtraError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "AnyFrame",
    "ArrowStream",
    "Kind",
    "Native",
    "is_frame",
    "like",
    "opened",
    "opened_if_frame",
]

F = TypeVar("F", bound=pd.DataFrame | pd.Series)
Kind: TypeAlias = Literal["pandas", "polars", "arrow"]
"""What a frame is of, and a forecast comes back as; all but pandas and polars is Arrow's."""


class ArrowStream(Protocol):
    """A table or column of any library that has the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Its chunks."""


@dataclass(frozen=True)
class Native:
    """A frame as pandas has it, and what it was.

    Attributes
    ----------
    frame : Series or DataFrame
    kind : {"pandas", "polars", "arrow"}
    table : Table, optional
        Of Arrow, where the frame isn't of pandas.
    """

    frame: Any
    kind: Kind = "pandas"
    table: Any = None

    def by(self, columns: Columns) -> Any:
        """The frame, with its time stamps as the index if it has a column for each series.

        A frame without an index has them in a column; where there are neither ids nor targets
        beside that, all other columns are series.
        """
        frame = self.frame
        if self.kind == "pandas" or isinstance(frame, pd.Series) or frame.columns.has_duplicates:
            return frame
        is_long = columns.has_ids(frame) or any(name in frame for name in columns.targets)
        return frame if is_long or columns.time not in frame else frame.set_index(columns.time)

    def by_id(self, name: Any) -> Any:
        """A frame of static covariates, with its ids as the index."""
        is_column = self.kind != "pandas" and name in self.frame
        return self.frame.set_index(name) if is_column else self.frame

    def like(self, frame: F) -> F:
        """Another frame as what this one was."""
        return like(self.kind, frame)

    def rows(self, kept: BoolArray) -> Any:
        """Some of its rows, as what it was."""
        if self.table is None:
            return self.frame.loc[kept]
        column = isinstance(self.frame, pd.Series)
        return _of_table(self.kind, self.table.filter(_arrow().array(kept)), column=column)


AnyFrame: TypeAlias = pd.DataFrame | pd.Series | Native | ArrowStream
"""What a user may pass as a frame."""


def is_frame(data: Any) -> bool:
    """Whether something is a table or column of pandas or of another library, or a lazy one."""
    known = isinstance(data, pd.Series | pd.DataFrame | Native)
    return known or hasattr(data, "__arrow_c_stream__") or hasattr(data, "collect")


def opened(data: Any) -> Native:
    """Any frame as pandas has it; what was opened already stays so.

    Parameters
    ----------
    data : Series, DataFrame, or object with ``__arrow_c_stream__``

    Raises
    ------
    TypeError
        For anything else.
    MissingExtraError
        For other frames than those of pandas without pyarrow.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from tsgen.data import opened
    >>> table = opened(pa.table({"ds": [1, 2], "y": [0.5, None]}))
    >>> table.kind, table.frame["y"].tolist()
    ('arrow', [0.5, <NA>])
    """
    if isinstance(data, pd.Series | pd.DataFrame):
        return Native(data)
    if isinstance(data, Native):
        return data
    if not hasattr(data, "__arrow_c_stream__"):
        raise TypeError(_no_frame(data))
    kind: Kind = "polars" if _is_of_polars(data) else "arrow"
    table = _table_of_polars(data) if kind == "polars" else _table(data)
    frame = _plain(table).to_pandas(types_mapper=_dtype_of, ignore_metadata=True)
    if _has_columns(data):
        return Native(frame, kind, table)
    column = frame.iloc[:, 0]
    return Native(column.rename(column.name or None), kind, table)


def opened_if_frame(data: Any) -> Any:
    """A frame opened, so that it is computed once however often it is read; else the data."""
    return opened(data) if is_frame(data) else data


def like(kind: Kind, frame: F) -> F:
    """A frame of pandas as one of another kind, in which an index that has a name is a column.

    Type checkers are told that it is one of pandas, as it mostly is.

    Parameters
    ----------
    kind : {"pandas", "polars", "arrow"}
    frame : Series or DataFrame

    Raises
    ------
    MissingExtraError
        Without the library.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsgen.data.native import like
    >>> like("arrow", pd.DataFrame({"y": [1.5]}, index=pd.Index([7], name="ds"))).to_pydict()
    {'ds': [7], 'y': [1.5]}
    """
    if kind == "pandas":
        return frame
    column = isinstance(frame, pd.Series)
    table: Any = frame
    if column:
        table = table.rename("" if frame.name is None else str(frame.name)).to_frame()
    elif frame.index.names != [None]:
        table = frame.reset_index()
    table = _arrow().Table.from_pandas(table.rename(columns=str), preserve_index=False)
    found: F = _of_table(kind, table.replace_schema_metadata(None), column=column)
    return found


def _of_table(kind: Kind, table: pa.Table, *, column: bool) -> Any:
    if kind == "arrow":
        return table.column(0) if column else table
    frame = _polars().DataFrame(table)
    enums = dict(_enums(table, frame))
    frame = frame.cast(enums) if enums else frame
    return frame.to_series() if column else frame


def _enums(table: pa.Table, frame: Any) -> Iterator[tuple[str, Any]]:
    """Columns of ordered categories, which polars calls enums."""
    arrow, polars = _arrow(), _polars()
    for field in table.schema:
        is_ordered = arrow.types.is_dictionary(field.type) and field.type.ordered
        if is_ordered and not isinstance(frame.schema[field.name], polars.Enum):
            chunks = table.column(field.name).unify_dictionaries().chunks
            yield field.name, polars.Enum(chunks[0].dictionary.to_pylist() if chunks else [])


def _dtype_of(kind: pa.DataType) -> Any:
    """Arrow's own dtype, which loses nothing; pandas has categories and extensions of its own."""
    arrow = _arrow()
    if arrow.types.is_dictionary(kind) or isinstance(kind, arrow.BaseExtensionType):
        return None
    return pd.ArrowDtype(kind)


def _has_columns(data: Any) -> bool:
    """Whether it is a table, and not a column alone."""
    return hasattr(data, "columns") or hasattr(data, "schema")


def _table(data: Any) -> pa.Table:
    arrow = _arrow()
    return arrow.table(data) if _has_columns(data) else arrow.table({"": arrow.chunked_array(data)})


def _table_of_polars(data: Any) -> pa.Table:
    """By the way of polars' own, since its stream has text that older versions of pyarrow lack."""
    _arrow()
    frame = data if _has_columns(data) else data.to_frame()
    # Of Python's objects Arrow would get the addresses in memory.
    odd = [column for column in frame if str(column.dtype) == "Object"]
    if not odd:
        try:
            return frame.to_arrow()
        except Exception:
            odd = [column for column in frame if not _is_known_to_arrow(column)]
            if not odd:
                raise
    listed = listing([f"{written(column.name)} ({column.dtype})" for column in odd])
    raise FrameError([f"columns that Arrow doesn't know: {listed}; cast or drop them"])


def _is_known_to_arrow(column: Any) -> bool:
    try:
        column.to_arrow()
    except Exception:
        return False
    return True


def _plain(table: pa.Table) -> pa.Table:
    """With text and bytes in the form that pandas can sort, and numbers where all is missing."""
    columns = [_plain_column(column) for column in table.columns]
    return _arrow().Table.from_arrays(columns, names=table.column_names)


def _plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    arrow = _arrow()
    if not arrow.types.is_dictionary(column.type):
        kind = _plain_type(column.type)
        return column if kind.equals(column.type) else column.cast(kind)
    # Older versions of pyarrow neither cast categories nor give unsigned ones to pandas.
    values = _plain_type(column.type.value_type)
    chunks = [
        arrow.DictionaryArray.from_arrays(
            chunk.indices.cast(arrow.int32()),
            chunk.dictionary.cast(values),
            ordered=column.type.ordered,
        )
        for chunk in column.chunks
    ]
    return arrow.chunked_array(
        chunks, type=arrow.dictionary(arrow.int32(), values, ordered=column.type.ordered)
    )


def _plain_type(kind: pa.DataType) -> pa.DataType:
    arrow = _arrow()
    plain = {
        "string_view": arrow.large_string(),
        "binary_view": arrow.large_binary(),
        "null": arrow.float64(),
    }
    return plain.get(str(kind), kind)


def _is_of_polars(data: Any) -> bool:
    return any(each.__module__.partition(".")[0] == "polars" for each in type(data).__mro__)


def _no_frame(data: Any) -> str:
    name = type(data).__name__
    if hasattr(data, "collect"):
        return f"a {name} has no rows yet, only what is to be computed: pass df.collect()"
    return (
        f"expected a pandas Series or DataFrame, got {name}; convert it with "
        "pd.Series(values, index=time stamps) or pd.DataFrame(...)"
    )


def _arrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise MissingExtraError(
            "frames of other libraries than pandas are read and written through pyarrow: "
            "pip install 'tsgen[parquet]'"
        ) from error
    return pyarrow


def _polars() -> Any:
    try:
        import polars
    except ImportError as error:
        raise MissingExtraError(
            "this forecast goes on from a frame of polars: pip install polars, or pass df= of "
            "another kind"
        ) from error
    return polars

"""The dtypes in which forecasts come back.

A forecast comes back in the dtype of its target's column. Whole numbers become floats of 64 bits,
since a forecast is seldom one. A column of a narrow float whose values that can't hold comes back
in the next wider float of the same family (numpy, nullable, pyarrow, sparse) that holds them: no
value becomes infinite, and no series nothing, because its column was small.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsgen._typing import FloatArray

__all__ = ["as_dtype", "fitting", "forecast_dtype"]


_FLOATS = tuple(np.dtype(kind) for kind in (np.float16, np.float32, np.float64))


def forecast_dtype(dtype: Any) -> Any:
    """Floats stay what they are; whole numbers become floats of the same family.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from tsgen.data.dtypes import forecast_dtype
    >>> forecast_dtype(np.dtype(np.int8)), forecast_dtype(pd.Int8Dtype())
    (dtype('float64'), Float64Dtype())
    """
    return dtype if pd.api.types.is_float_dtype(dtype) else _of_family(dtype, _FLOATS[-1])


def fitting(dtype: Any, values: npt.NDArray[Any]) -> Any:
    """A forecast's dtype if it holds all values, else the narrowest of its family that does.

    Parameters
    ----------
    dtype : dtype
        As `forecast_dtype` returns it.
    values : ndarray of shape (..., H)
        Of one column; a series, or a path, is a row. NaN where there is no value. Marks, which
        are bool, stay what they are.

    Examples
    --------
    >>> import numpy as np
    >>> from tsgen.data.dtypes import fitting
    >>> fitting(np.dtype(np.float16), np.array([[1.0, 70_000.0]]))
    dtype('float32')
    """
    if values.dtype == np.bool_:
        return values.dtype
    own = _numpy_float(dtype)
    if own not in _FLOATS[:-1]:
        return dtype
    largest = np.fmax.reduce(np.abs(values), axis=-1, initial=0.0)
    largest = largest[np.isfinite(largest) & (largest > 0)]
    wider = _FLOATS[_FLOATS.index(own) : -1]
    kept = next((kind for kind in wider if _holds(kind, largest)), _FLOATS[-1])
    return dtype if kept == own else _of_family(dtype, kept)


def as_dtype(index: pd.Index, dtype: Any) -> Any:
    """The values of an index in a dtype, as a column that a frame takes as it is."""
    if index.dtype == dtype != object:
        return index.array
    return pd.Series(index).astype(dtype)


def _holds(kind: np.dtype[Any], largest: FloatArray) -> bool:
    """Whether a float has room for series of these largest values, and digits for them."""
    limits = np.finfo(kind)
    return bool(((largest <= limits.max) & (largest >= limits.tiny)).all())


def _numpy_float(dtype: Any) -> Any:
    """What numpy calls the numbers of a dtype."""
    if isinstance(dtype, pd.SparseDtype):
        return dtype.subtype
    return getattr(dtype, "numpy_dtype", dtype)


def _of_family(dtype: Any, kind: np.dtype[Any]) -> Any:
    """A float as the numpy, nullable, pyarrow or sparse dtype that goes with another dtype."""
    if isinstance(dtype, pd.ArrowDtype):
        import pyarrow as pa

        return pd.ArrowDtype(pa.from_numpy_dtype(kind))
    if isinstance(dtype, pd.SparseDtype):
        return pd.SparseDtype(kind, float(dtype.fill_value))  # type: ignore[arg-type]
    if pd.api.types.is_numeric_dtype(dtype) and pd.api.types.is_extension_array_dtype(dtype):
        return pd.Float64Dtype() if kind == np.float64 else pd.Float32Dtype()
    return kind

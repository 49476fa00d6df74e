"""Types of arrays, and the letters of their shapes.

Everywhere in tsgen:

- ``B`` systems or windows in a batch,
- ``T`` steps that are read,
- ``C`` channels of a system,
- ``H`` steps of the horizon,
- ``N`` series,
- ``S`` sample paths,
- ``K`` lags,
- ``D`` covariates,
- ``M`` members of an ensemble.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["BoolArray", "FloatArray", "IntArray", "Label"]

BoolArray: TypeAlias = npt.NDArray[np.bool_]
FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
if TYPE_CHECKING:
    Label: TypeAlias = str
else:
    Label = Any
"""What a column is called: any label of pandas, whose stubs know of text alone."""

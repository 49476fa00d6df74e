"""How values are written in messages."""

from __future__ import annotations

import datetime
import reprlib

import numpy as np
import pandas as pd

__all__ = ["written"]


class _Written(reprlib.Repr):
    """As Python writes a value, without the types that numpy and pandas wrap around it."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxset = self.maxdict = 20
        self.maxstring = self.maxother = 200

    def repr1(self, x: object, level: int) -> str:
        if isinstance(x, np.ndarray | pd.Index | pd.Series):
            x = list(x)
        if isinstance(x, pd.Period | pd.Timedelta | np.datetime64 | np.timedelta64 | datetime.date):
            return str(x)
        if isinstance(x, np.generic):
            plain = x.item()
            # What Python has no number for, as the nearest that it has.
            x = float(plain) if isinstance(plain, np.floating) else plain
        return super().repr1(x, level)


_WRITTEN = _Written()


def written(value: object) -> str:
    """A value as Python writes it, also inside of lists; stamps as text; never very long.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from tsgen._messages import written
    >>> print(written(np.int64(2)), written("a"), written([np.float64(0.8)]))
    2 'a' [0.8]
    >>> written(pd.Timestamp("2020-01-01 09:00"))
    '2020-01-01 09:00:00'
    """
    return _WRITTEN.repr(value)

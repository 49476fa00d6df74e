"""What the columns of a frame are called."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tsgen._messages import written
from tsgen._typing import Label
from tsgen.errors import SettingError

__all__ = ["Columns", "check_names", "output_name", "suffixes_of"]

_BOTH_LAYOUTS = """
    long: a row per id and time, columns {id}, {time}, {target} (or id_col=, time_col=, …)
    wide: a DatetimeIndex, PeriodIndex or integer index, a column of numbers per series"""


@dataclass(frozen=True)
class Columns:
    """The names of a frame's columns.

    Attributes
    ----------
    id, time, target : str
        Of a long frame.
    others : tuple of str
        Further targets.
    future, past, static : tuple of str
        Covariates, by what is known of them.
    one_series : bool, default False
        Whether a long frame is one series, whatever columns it has.
    """

    id: Label = "unique_id"
    time: Label = "ds"
    target: Label = "y"
    others: tuple[Label, ...] = ()
    future: tuple[Label, ...] = ()
    past: tuple[Label, ...] = ()
    static: tuple[Label, ...] = ()
    one_series: bool = False

    def __post_init__(self) -> None:
        ids = () if self.one_series else (self.id,)
        if len({*ids, self.time, self.target}) < 2 + len(ids):
            raise SettingError(
                f"id_col={written(self.id)}, time_col={written(self.time)} and "
                f"target_col={written(self.target)}: the same column twice; name three different "
                "ones"
            )
        names = [*ids, self.time, *self.targets, *self.covariates]
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        if twice:
            raise SettingError(
                f"column {written(twice[0])} has two roles; name it once among id, time, target "
                "and covariates"
            )

    @classmethod
    def of(
        cls,
        id_col: str | None,
        time_col: str,
        target_col: str | Iterable[str],
        future: str | Iterable[str] = (),
        past: str | Iterable[str] = (),
        static: str | Iterable[str] = (),
        *,
        frame: Any = None,
    ) -> Columns:
        """The columns that arguments name, of which some take a name or a list of them.

        A tuple is one name where the frame has a column that is called so.
        """
        labels = frame.columns if isinstance(frame, pd.DataFrame) else pd.Index([])
        targets = _names("target_col", target_col, labels)
        if not targets:
            raise SettingError(
                f"target_col={written(target_col)}: expected a column, or a list of them"
            )
        return cls(
            cls.id if id_col is None else _name("id_col", id_col, _JOIN_IDS),
            _name("time_col", time_col, _JOIN_TIMES),
            targets[0],
            targets[1:],
            _names("future_covariates", future, labels),
            _names("past_covariates", past, labels),
            _names("static_covariates", static, labels),
            one_series=id_col is None,
        )

    @property
    def targets(self) -> tuple[str, ...]:
        """All that is forecast of each id."""
        return (self.target, *self.others)

    @property
    def covariates(self) -> tuple[str, ...]:
        """All that is known beside it."""
        return (*self.future, *self.past, *self.static)

    def has_ids(self, frame: pd.DataFrame) -> bool:
        """Whether a frame says which series its rows are of."""
        return not self.one_series and self.id in frame.columns

    def keys(self, *, ids: bool = True) -> list[tuple[Any, str]]:
        """The columns of ids and time stamps in a forecast, and what they are, for messages."""
        return [*([(self.id, "the ids")] if ids else []), (self.time, "the time stamps")]

    def outputs(self, suffixes: Iterable[str]) -> list[tuple[Any, str]]:
        """The columns of outputs for each target, and what they are, for messages."""
        return [
            (
                output_name(target, suffix),
                f"an output of target {written(target)}" if suffix else "a target",
            )
            for suffix in suffixes
            for target in self.targets
        ]

    def both_layouts(self) -> str:
        """The two layouts in two lines, with the names looked for."""
        return _BOTH_LAYOUTS.format(
            id=written(self.id), time=written(self.time), target=written(self.target)
        )


_JOIN_IDS = "df[[...]].astype(str).agg('/'.join, axis=1)"
_JOIN_TIMES = "pd.to_datetime(df[['year', 'month', 'day']])"


def _name(argument: str, given: Any, join: str) -> Any:
    if given is None or not isinstance(given, Hashable):
        remedy = "" if given is None else f"; join several, for instance with {join}"
        raise SettingError(f"{argument}={written(given)}: expected the name of a column{remedy}")
    return given


def _names(argument: str, given: Any, labels: pd.Index) -> tuple[Any, ...]:
    if given is None:
        return ()
    several = pd.api.types.is_list_like(given)
    if not several or (isinstance(given, tuple) and given and given in labels):
        return (given,)
    names = () if isinstance(given, Mapping) else tuple(given)
    if isinstance(given, Mapping) or not all(isinstance(name, Hashable) for name in names):
        raise SettingError(f"{argument}={written(given)}: expected a column, or a list of them")
    return names


def output_name(target: Any, suffix: str) -> Any:
    """What the column of an output is called; a name of several levels keeps them.

    Examples
    --------
    >>> from tsgen.data.columns import output_name
    >>> output_name("y", "-lo-80"), output_name(("sales", ""), "-lo-80")
    ('y-lo-80', ('sales-lo-80', ''))
    """
    if not suffix:
        return target
    if not isinstance(target, tuple):
        return f"{'y' if target is None else target}{suffix}"
    last = max(i for i, part in enumerate(target) if i == 0 or part != "")
    return (*target[:last], f"{target[last]}{suffix}", *target[last + 1 :])


_SUFFIX = re.compile(r"(-lo|-hi|-q)-[0-9.e+-]+|-stopped|")


def suffixes_of(stem: Any, labels: Iterable[Any]) -> list[str]:
    """What outputs of a target there are among some columns, by what stands behind its name.

    Examples
    --------
    >>> from tsgen.data.columns import suffixes_of
    >>> suffixes_of("y", ["ds", "y", "y-lo-80", "y-hi-80", "y-raw"])
    ['', '-lo-80', '-hi-80']
    """
    text = str(stem)
    return [
        str(label).removeprefix(text)
        for label in labels
        if str(label).startswith(text) and _SUFFIX.fullmatch(str(label).removeprefix(text))
    ]


def check_names(call: str, columns: Sequence[tuple[Any, str]]) -> None:
    """Refuse a frame of which two columns would be called alike.

    Parameters
    ----------
    call : str
        What returns the frame, for the message.
    columns : sequence of (name, str)
        What they are called, and what they hold.

    Raises
    ------
    SettingError
    """
    held: dict[Any, list[str]] = {}
    for name, what in columns:
        held.setdefault(name, []).append(what)
    twice = {name: whats for name, whats in held.items() if len(whats) > 1}
    if not twice:
        return
    listed = "; ".join(f"{written(name)} is {' and '.join(twice[name])}" for name in twice)
    raise SettingError(
        f"{call} returns columns of one name: {listed}; rename one of the frame's columns with "
        "df.rename(columns=...), and fit again"
    )

"""What the columns of a frame are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tsgen.errors import SettingError

__all__ = ["Columns"]

_BOTH_LAYOUTS = """
    long: a row per id and time, columns {id!r}, {time!r}, {target!r} (or id_col=, time_col=, …)
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
    """

    id: str = "unique_id"
    time: str = "ds"
    target: str = "y"
    others: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    static: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len({self.id, self.time, self.target}) < 3:
            raise SettingError(
                f"id_col={self.id!r}, time_col={self.time!r} and target_col={self.target!r}: the "
                "same column twice; name three different ones"
            )
        names = [self.id, self.time, *self.targets, *self.covariates]
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        if twice:
            raise SettingError(
                f"column {twice[0]!r} has two roles; name it once among id, time, target and "
                "covariates"
            )

    @classmethod
    def of(
        cls,
        id_col: str,
        time_col: str,
        target_col: str | Iterable[str],
        future: str | Iterable[str] = (),
        past: str | Iterable[str] = (),
        static: str | Iterable[str] = (),
    ) -> Columns:
        """The columns that arguments name, of which some take a name or a list of them."""
        targets = _names("target_col", target_col)
        if not targets:
            raise SettingError("target_col=[]: expected a column, or a list of them")
        return cls(
            id_col,
            time_col,
            targets[0],
            targets[1:],
            _names("future_covariates", future),
            _names("past_covariates", past),
            _names("static_covariates", static),
        )

    @property
    def targets(self) -> tuple[str, ...]:
        """All that is forecast of each id."""
        return (self.target, *self.others)

    @property
    def covariates(self) -> tuple[str, ...]:
        """All that is known beside it."""
        return (*self.future, *self.past, *self.static)

    def both_layouts(self) -> str:
        """The two layouts in two lines, with the names looked for."""
        return _BOTH_LAYOUTS.format(id=self.id, time=self.time, target=self.target)


def _names(argument: str, given: Any) -> tuple[str, ...]:
    if given is None:
        return ()
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, Iterable) or isinstance(given, Mapping):
        raise SettingError(f"{argument}={given!r}: expected a column, or a list of them")
    return tuple(given)

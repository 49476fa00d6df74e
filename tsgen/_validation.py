"""Checks of single arguments: each returns the value, or raises a `SettingError` that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from tsgen._messages import written
from tsgen.errors import SettingError

__all__ = [
    "checked_horizon",
    "is_auto",
    "number",
    "one_of",
    "season_lengths",
    "seed_number",
    "seed_of",
    "whole_number",
    "yes_or_no",
]


def is_auto(value: Any) -> bool:
    """Whether an argument was left to us; arrays and other objects are not compared."""
    return isinstance(value, str) and value == "auto"


def seed_number(name: str, value: Any, *, accepted: str = "a whole number") -> int:
    """An integer from 0 to 2**63 - 1, or a `SettingError`."""
    fits = isinstance(value, Integral) and not isinstance(value, bool)
    if not fits or not 0 <= int(value) < 2**63:
        raise SettingError(f"{name}={written(value)}: expected {accepted} from 0 to 2**63 - 1")
    return int(value)


def seed_of(random_state: Any) -> int:
    """A seed: the one that was given, or as in scikit-learn one of numpy's global generator."""
    if random_state is None:
        return int(check_random_state(None).randint(np.iinfo(np.int32).max))
    return seed_number("random_state", random_state, accepted="None, or a whole number")


def whole_number(
    name: str, value: Any, meaning: str, *, lowest: int = 1, highest: int | None = None
) -> int:
    """An integer of 1 or more, or a `SettingError`."""
    fits = isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= lowest
    if not fits or (highest is not None and int(value) > highest):
        which = f"{lowest} or more" if highest is None else f"{lowest} to {highest}"
        raise SettingError(
            f"{name}={written(value)}: expected a whole number of {which} ({meaning})"
        )
    return int(value)


def number(name: str, value: Any, lowest: float, highest: float) -> float:
    """A number in a range, or a `SettingError`."""
    fits = isinstance(value, Real) and not isinstance(value, bool)
    if not fits or not lowest <= float(value) <= highest:
        raise SettingError(
            f"{name}={written(value)}: expected a number from {lowest:g} to {highest:g}"
        )
    return float(value)


def season_lengths(value: Any) -> tuple[int, int | None]:
    """Rows in a season and in one around it (None for none), of a number or a pair of them."""
    if not isinstance(value, tuple | list):
        return whole_number("season_length", value, "rows in a season, 1 for none"), None
    meaning = "rows in a season, and in a longer one around it, such as (24, 168)"
    if len(value) != 2:
        raise SettingError(f"season_length={written(value)}: expected {meaning}")
    season, longer = (whole_number("season_length", rows, meaning, lowest=2) for rows in value)
    if longer <= season:
        raise SettingError(f"season_length={written(value)}: expected {meaning}")
    return season, longer


def one_of(name: str, value: Any, accepted: Sequence[str]) -> str:
    """One of some names, or a `SettingError`."""
    if not isinstance(value, str) or value not in accepted:
        raise SettingError(
            f"{name}={written(value)}: expected one of {', '.join(map(repr, accepted))}"
        )
    return value


def yes_or_no(name: str, value: Any, *, accepted: str = "True or False") -> bool:
    """A bool, or a `SettingError`."""
    if not isinstance(value, bool | np.bool_):
        raise SettingError(f"{name}={written(value)}: expected {accepted}")
    return bool(value)


def checked_horizon(horizon: Any) -> int:
    """A whole number of 1 or more, or an error that shows what came."""
    if isinstance(horizon, bool) or not isinstance(horizon, Integral):
        raise TypeError(f"horizon={written(horizon)}: expected a whole number of steps, such as 24")
    if horizon < 1:
        raise ValueError(f"horizon={written(horizon)}: expected 1 or more steps")
    return int(horizon)

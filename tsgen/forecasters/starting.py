"""What networks begin with: random weights, those of a file or of the package, or a fitted model's.

Weights fix what they were learned with, such as lags and units: arguments that say otherwise are
refused, and those left to ``"auto"`` come from the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any

from tsgen._messages import written
from tsgen._validation import is_auto, whole_number
from tsgen.errors import SettingError
from tsgen.nn import Season
from tsgen.weights import (
    PretrainedWeights,
    read_weights,
    shipped_sizes,
    shipped_weights,
    usual_context,
)

__all__ = ["fixed_by_weights", "initial_weights", "suits_weights"]

_NAMES = "auto", "random", "pretrained"


def initial_weights(
    init: Any, hidden_size: Any, season: Season, *, near: int | None = None
) -> PretrainedWeights | None:
    """The weights that ``init`` names, of so many units; none for random ones.

    Those of the package are those for the season, and may be ``near`` a number of units instead of
    having so many.

    Raises
    ------
    SettingError
        If there are none.
    """
    if isinstance(init, str) and init == "random":
        return None
    if isinstance(init, str) and init == "pretrained":
        sizes = shipped_sizes()
        if near is not None:
            hidden_size = min(sizes, key=lambda size: abs(size - near), default=near)
        if hidden_size not in sizes:
            raise SettingError(
                f"hidden_size={written(hidden_size)}: the weights that come with tsgen have "
                f"{_either(sizes)} units; pass one of these, init='random', or the path of weights "
                "that `tsgen pretrain` wrote"
            )
        return shipped_weights(hidden_size, season)
    if isinstance(init, str | PathLike):
        return read_weights(fspath(init))
    raise SettingError(
        f"init={written(init)}: expected one of {', '.join(map(repr, _NAMES))}, or the path of "
        "weights that `tsgen pretrain` wrote"
    )


def suits_weights(arguments: Mapping[str, Any], cell: str) -> bool:
    """Whether the network that is asked for could begin with weights that come with tsgen."""
    size, sizes = arguments["hidden_size"], shipped_sizes()
    return (
        cell == "lstm"
        and bool(sizes)
        and (is_auto(size) or size in sizes)
        and arguments["num_layers"] == 1
        and is_auto(arguments["lags"])
        and is_auto(arguments["residual"])
        and (is_auto(arguments["window_norm"]) or arguments["window_norm"] is True)
    )


def fixed_by_weights(
    weights: PretrainedWeights, season: Season, arguments: Mapping[str, Any], cell: str, length: int
) -> dict[str, Any]:
    """The settings that pretrained weights determine, for series of a season and a length.

    Raises
    ------
    SettingError
        If an argument says otherwise.
    """
    made_of = weights.network.architecture
    lags = tuple(sorted(set(season.lags)))
    if cell != made_of.cell:
        raise SettingError(
            f"pretrained weights are those of an {made_of.cell.upper()}: use LSTMForecaster, or "
            "init='random'"
        )
    _check("hidden_size", arguments["hidden_size"], made_of.hidden_size)
    if arguments["num_layers"] != 1:  # the default, which may not have been given
        _check("num_layers", arguments["num_layers"], made_of.num_layers)
    _check("window_norm", arguments["window_norm"], True)
    given = arguments["lags"]
    # Lag 1 need not be named, here as elsewhere.
    if not is_auto(given) and {1, *(given if isinstance(given, list | tuple) else ())} != set(lags):
        _refuse("lags", given, list(lags))
    if arguments["residual"] is None:
        _refuse("residual", None, "'last' or 'seasonal'")
    if arguments["residual"] == "seasonal" and season.base != season.rows:
        _refuse("residual", "seasonal", f"'last' for a season of {season.rows} rows")
    context = arguments["context_length"]
    context = usual_context(season, length) if is_auto(context) else context
    return {
        "context_length": whole_number("context_length", context, "rows to read"),
        "lags": lags,
        "residual_lag": season.base,
        "longer_season": season.longer,
        "unit_season": season.rows,
        "window_norm": True,
        "hidden_size": made_of.hidden_size,
        "num_layers": made_of.num_layers,
    }


def _check(name: str, given: Any, learned: Any) -> None:
    if not is_auto(given) and given != learned:
        _refuse(name, given, learned)


def _refuse(name: str, given: Any, learned: Any) -> None:
    raise SettingError(
        f"{name}={written(given)} contradicts the pretrained weights, which have {learned}: leave "
        f"{name} out, or pass init='random'"
    )


def _either(values: tuple[int, ...]) -> str:
    return " or ".join(map(str, values))

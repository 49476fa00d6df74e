"""One network for every season: lags by role, which become lags in rows at a season.

The roles are the last row, the rows one and two seasons ago, the row a longer season ago (a week,
around days), or three seasons ago where there is none, and the row a season before that: by how
much a day is above the day before it, a week ago, says so of this week's. What it puts out is added
to the row a season ago, or of weeks in a year to the last row. What the season is, two constant
inputs say. `at_season` makes of such weights the network of one season: where roles fall on one
row, as without a season, their weights are added, and the constant inputs go into the biases, so
that it is an ordinary `RecurrentNetwork`.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tsgen.nn.recurrent import Architecture, RecurrentNetwork

__all__ = ["Season", "at_season", "seasonal_architecture", "sharing_weights"]

_ROLES = 5
_CONSTANTS = 2
_WEEKS_OF_A_YEAR = 52


@dataclass(frozen=True)
class Season:
    """The seasons of series.

    Attributes
    ----------
    rows : int
        m, rows in a season; 1 where there is none.
    longer : int, optional
        M, rows in a season around it, such as the week around the day.

    Examples
    --------
    >>> from tsgen.nn import Season
    >>> Season(24, 168).lags, Season(12).lags, Season(1).lags
    ((1, 24, 48, 168, 192), (1, 12, 24, 36, 48), (1, 1, 2, 3, 4))
    """

    rows: int = 1
    longer: int | None = None

    @property
    def lags(self) -> tuple[int, ...]:
        """The lag of each role, in rows; some may be the same."""
        longer = self.longer or 3 * self.rows
        return 1, self.rows, 2 * self.rows, longer, longer + self.rows

    @property
    def base(self) -> int:
        """The lag to which outputs are added: over the weeks of a year levels wander too far."""
        return 1 if self.rows == _WEEKS_OF_A_YEAR else self.rows

    @property
    def constants(self) -> Tensor:
        """Its two constant inputs, (2,)."""
        longer = math.log(self.lags[3] / self.rows)
        return torch.tensor([math.log(self.rows) / 3, longer / 3], dtype=torch.float32)


def seasonal_architecture(
    hidden_size: int = 64, num_layers: int = 1, cell: str = "lstm"
) -> Architecture:
    """What a network for every season is built from."""
    season = Season(12)
    return Architecture(
        lags=season.lags,
        cell=cell,  # type: ignore[arg-type]
        hidden_size=hidden_size,
        num_layers=num_layers,
        residual_lag=season.base,
        covariates=_CONSTANTS,
    )


def sharing_weights(network: RecurrentNetwork, season: Season) -> RecurrentNetwork:
    """A network for every season at one of them, with the same weights, for training.

    It reads `Season.constants` as the covariates of every row.
    """
    shared = copy.copy(network)  # a module's copy has the same parameters
    shared.lags = season.lags
    shared.architecture = replace(network.architecture, lags=season.lags, residual_lag=season.base)
    return shared


def at_season(network: RecurrentNetwork, season: Season) -> RecurrentNetwork:
    """The network of one season, with weights of its own."""
    lags = tuple(sorted(set(season.lags)))
    made_of = replace(network.architecture, lags=lags, residual_lag=season.base, covariates=0)
    with torch.device("meta"):  # weights without memory, which draw nothing
        made = made_of.network()
    weights = {name: weight.detach().clone() for name, weight in network.state_dict().items()}
    inputs = weights["recurrent.weight_ih_l0"]
    # Columns are the values of the roles, then their flags, then the constants.
    values, flags, constants = inputs.split([_ROLES, _ROLES, _CONSTANTS], dim=1)
    role_of = torch.tensor([lags.index(lag) for lag in season.lags])
    parts = (torch.zeros(len(inputs), len(lags)).index_add(1, role_of, p) for p in (values, flags))
    weights["recurrent.weight_ih_l0"] = torch.cat([*parts], dim=1)
    weights["recurrent.bias_ih_l0"] += constants @ season.constants
    made.load_state_dict(weights, assign=True)
    return made

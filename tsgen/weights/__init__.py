"""Weights that know series already: those that come with tsgen, and files of them.

A file is safetensors; its metadata say of which network the weights are, and how they were made.
What ships was learned from simulated series alone; the model card in the documentation says more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from tsgen._messages import written
from tsgen.errors import ModelFileError, SettingError
from tsgen.io import check_target, whole_file
from tsgen.nn import RecurrentNetwork, Season, seasonal_architecture
from tsgen.weights.curriculum import CURRICULUM, Task, usual_context

__all__ = [
    "CURRICULUM",
    "PretrainedWeights",
    "Task",
    "read_weights",
    "shipped_file",
    "shipped_sizes",
    "shipped_weights",
    "usual_context",
    "write_weights",
]

_FOLDER = Path(__file__).parent
_KEY = "tsgen_pretrained"
_FORMAT = 1
_LARGEST = 4096


@dataclass(frozen=True, eq=False)
class PretrainedWeights:
    """A network for every season, and how it came to know what it does.

    Attributes
    ----------
    network : RecurrentNetwork
        Its lags are roles; `tsgen.nn.at_season` makes a network of one season of it.
    facts : mapping
        The steps, the seed and whatever else made it, as plain values.
    """

    network: RecurrentNetwork
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def hidden_size(self) -> int:
        """Units of a layer."""
        return self.network.architecture.hidden_size

    @property
    def num_layers(self) -> int:
        """Layers of the network."""
        return self.network.architecture.num_layers

    @property
    def seasons(self) -> tuple[int, ...]:
        """The rows of the seasons that it learned alone at last; empty for every season."""
        return tuple(self.facts.get("seasons", ()))


def shipped_sizes() -> tuple[int, ...]:
    """The numbers of units of which weights come with tsgen, ascending.

    Examples
    --------
    >>> from tsgen.weights import shipped_sizes
    >>> 128 in shipped_sizes()
    True
    """
    return tuple(sorted({weights.hidden_size for weights in _shipped().values()}))


def shipped_file(hidden_size: int, season: Season) -> Path:
    """The file of so many units that comes with tsgen: one for such a season, or for every one.

    Examples
    --------
    >>> from tsgen.nn import Season
    >>> from tsgen.weights import shipped_file
    >>> shipped_file(128, Season(52)).name
    'lstm128_weekly.safetensors'
    """
    seasons = {
        path: weights.seasons
        for path, weights in _shipped().items()
        if weights.hidden_size == hidden_size
    }
    return next(
        (path for path, rows in seasons.items() if season.rows in rows),
        next(path for path, rows in seasons.items() if not rows),
    )


def shipped_weights(hidden_size: int, season: Season) -> PretrainedWeights:
    """Those of `shipped_file`."""
    return _shipped()[shipped_file(hidden_size, season)]


@cache
def _shipped() -> dict[Path, PretrainedWeights]:
    return {path: read_weights(path) for path in sorted(_FOLDER.glob("*.safetensors"))}


def read_weights(path: str | Path) -> PretrainedWeights:
    """Read a file that `write_weights` wrote.

    Raises
    ------
    SettingError
        If there is no such file.
    ModelFileError
        If it holds something else.
    """
    path = Path(path)
    if not path.is_file():
        raise SettingError(
            f"init={written(str(path))}: there is no such file; expected 'auto', 'random', "
            "'pretrained' or the path of weights that `tsgen pretrain` wrote"
        )
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {}).get(_KEY, "{}"))
            weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        with torch.device("meta"):  # which draws nothing, and takes no memory for absurd sizes
            network = _network(facts)
        network.load_state_dict(weights, assign=True)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ModelFileError(
            f"{path} holds no pretrained weights of this version of tsgen, or is damaged: write "
            "them with `tsgen pretrain`"
        ) from error
    if not all(bool(weight.isfinite().all()) for weight in weights.values()):
        raise ModelFileError(f"{path} is damaged: weights that are no numbers")
    return PretrainedWeights(network.eval(), facts)


def _network(facts: Mapping[str, Any]) -> RecurrentNetwork:
    """A network of the size that a file says, unless that is absurd."""
    size, layers = facts["hidden_size"], facts["num_layers"]
    if facts["format"] != _FORMAT or not (0 < size <= _LARGEST and 0 < layers <= 4):
        raise ValueError("another format")
    return seasonal_architecture(size, layers).network()


def write_weights(
    path: str | Path,
    network: RecurrentNetwork,
    facts: Mapping[str, Any],
    *,
    overwrite: bool = False,
) -> None:
    """Write the weights of a network for every season, and how they were made.

    Raises
    ------
    FileExistsError
        If the file exists and ``overwrite`` is false.
    """
    target = check_target(path, overwrite=overwrite)
    made_of = network.architecture
    facts = {
        "format": _FORMAT,
        "hidden_size": made_of.hidden_size,
        "num_layers": made_of.num_layers,
        **facts,
    }
    weights = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    with whole_file(target, overwrite=overwrite) as file:
        file.write(save(weights, metadata={_KEY: json.dumps(facts)}))

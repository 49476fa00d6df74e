"""One safe file for a state: nothing in it is ever run, and what was read is checked before use."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tsgen._runtime import isolated
from tsgen.data import (
    CalendarFrequency,
    Columns,
    Covariate,
    Covariates,
    FixedFrequency,
    FrameSymbols,
    IntegerFrequency,
    ListSymbols,
    LongLayout,
    Panel,
    PeriodFrequency,
    SymbolPanel,
    TextSymbols,
    WideLayout,
)
from tsgen.errors import ModelFileError
from tsgen.inference.generator import SymbolState
from tsgen.inference.integrity import check_panel, check_scalers, check_sequences, need
from tsgen.inference.state import Encoding, ForecastState
from tsgen.io import Container, PathLike, about, check_target, type_names
from tsgen.nn import DecoderState, Memory, RolloutState
from tsgen.preprocessing import (
    AffineScalers,
    TargetTransform,
    TransformedScalers,
    TransformerScalers,
    WindowNormaliser,
)

__all__ = ["PARTS", "load_state", "save_state"]

PARTS = (
    Panel, Columns, LongLayout, WideLayout, Covariate, Covariates,
    IntegerFrequency, PeriodFrequency, FixedFrequency, CalendarFrequency,
    AffineScalers, TransformerScalers, TargetTransform, TransformedScalers,
    SymbolPanel, FrameSymbols, TextSymbols, ListSymbols,
)  # fmt: skip
"""What panels and scalers are made of."""
_PARTS = (*PARTS, Encoding, RolloutState, DecoderState, Memory, WindowNormaliser)


_KINDS = ForecastState, SymbolState


def save_state(
    state: ForecastState | SymbolState, path: PathLike, *, overwrite: bool = False
) -> None:
    """Write a state to one file, from which forecasts and updates go on later.

    Parameters
    ----------
    state : ForecastState or SymbolState
        From ``model.encode`` or ``model.update``; the model is saved apart.
    path : path
        Such as ``"monday.state"``.
    overwrite : bool, default False
        Whether a file that exists is replaced.

    Raises
    ------
    ModelExistsError
        If the file exists and ``overwrite`` is false. It is also a ``FileExistsError``.
    OSError
        If the file can't be written; what was there before is untouched.

    Examples
    --------
    >>> import tempfile
    >>> import tsgen
    >>> df = tsgen.load_dataset("sunspots")
    >>> model = tsgen.LSTMForecaster(max_steps=5, verbose=False).fit(df)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tsgen.save_state(model.encode(df), f"{folder}/monday.state")
    ...     state = tsgen.load_state(f"{folder}/monday.state")
    >>> model.predict(11, state=state).equals(model.predict(11, df=df))
    True
    """
    target = check_target(path, overwrite=overwrite)
    with about("this state", "can't be saved"):
        container = Container.pack(type(state).__name__, state, {}, _PARTS)
    container.write(target, overwrite=overwrite)


@isolated()
def load_state(path: PathLike, *, trusted: Iterable[Any] = ()) -> ForecastState | SymbolState:
    """Read a saved state; nothing in the file is run.

    Parameters
    ----------
    path : path
    trusted : list of str or type
        Types of your own that a transformer given as ``scaler`` is made of.

    Raises
    ------
    ModelFileError
        If the file is truncated, altered, unsafe, of another format than this version of tsgen
        has, or no state.
    """
    trusted = type_names(trusted)
    with about(path, "can't be loaded"):
        container = Container.read(Path(path))
        kind = next((each for each in _KINDS if each.__name__ == container.kind), None)
        if kind is None:
            raise ModelFileError(f"holds a {container.kind}, not a state: load it with tsgen.load")
        state: ForecastState | SymbolState = container.unpack(kind, _PARTS, trusted)[0]
        if isinstance(state, SymbolState):
            check_sequences(state.panel)
            _check_loop(state.loop, len(state), "the state")
            return state
        check_panel(state.panel)
        check_scalers(state.scalers, "the state")
        _check_encoding(state)
        return state


def _check_encoding(state: ForecastState) -> None:
    """Refuse an encoding that isn't one of the state's panel."""
    panel, encoding, what = state.panel, state.encoding, "the state"
    systems, channels = len(panel) // panel.channels, panel.channels
    units = {encoding.normaliser.mean.shape, encoding.normaliser.spread.shape}
    need(len(state.scalers) == len(panel), what, "a scaler for each id")
    need(units == {(systems, 1, channels)}, what, "units")
    need(len(encoding.loops) >= 1, what, "a loop for each member")
    for loop in encoding.loops:
        rows = (loop.values, loop.known, encoding.errors)
        sizes = {(part.ndim, len(part), part.shape[-1]) for part in rows}
        need(sizes == {(3, systems, channels)}, what, "rows")
        _check_loop(loop, systems, what)


def _check_loop(loop: RolloutState, count: int, what: str) -> None:
    """Refuse a loop that isn't one of so many sequences."""
    shape = loop.values.shape
    need(shape == loop.known.shape, what, "a flag for each value")
    need(len(shape) == 3 and shape[0] == count, what, "rows of each sequence")
    shapes = {part.shape for part in loop.recurrent}
    need(len(loop.recurrent) in (1, 2) and len(shapes) == 1, what, "one size of network")
    need(all(len(each) == 3 and each[1] == count for each in shapes), what, "loops")
    if isinstance(loop, DecoderState):
        _check_memory(loop, count, what)


def _check_memory(loop: DecoderState, count: int, what: str) -> None:
    """Refuse a decoder that attends to what isn't there."""
    if loop.attended is not None:
        need(loop.attended.shape == loop.recurrent[0].shape[1:], what, "units of each sequence")
    memory = loop.memory
    if memory is not None:
        parts = memory.values, memory.keys, memory.bias
        need(all(part.ndim == 3 and len(part) == count for part in parts), what, "memories")
        steps = {memory.values.shape[1], memory.keys.shape[1], memory.bias.shape[2]}
        need(len(steps) == 1 and memory.bias.shape[1] == 1, what, "a memory of each step")

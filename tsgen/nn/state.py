"""Where a network stands, as one value: whatever is done to a batch is done to all its tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import Field, dataclass, field, fields, replace
from functools import partial
from typing import Any, Self, TypeAlias

import torch
from torch import Tensor

__all__ = ["RecurrentState", "RolloutState", "TensorRecord"]

RecurrentState: TypeAlias = tuple[Tensor, ...]
"""``(h, c)`` of an LSTM, ``(h,)`` of a GRU, each of shape (layers, B, hidden)."""

_AXIS = "batch axis"
_SHARED = "shared by beams"


@dataclass(frozen=True, eq=False)
class TensorRecord:
    """Tensors that describe the same B loops, windows or series.

    Fields are tensors, records, tuples of either, or ``None``; anything else is shared by all of
    the batch. The batch is the first axis of a tensor, unless its field says otherwise. What a
    field says is shared by beams stands once for all of these: for loops in groups of K.

    Examples
    --------
    >>> import torch
    >>> from tsgen.nn import RolloutState
    >>> state = RolloutState((torch.zeros(1, 3, 8),), torch.zeros(3, 12, 1), torch.ones(3, 12, 1))
    >>> parents = torch.tensor([0, 0, 2, 1])
    >>> len(state.take(parents))
    4
    """

    def __len__(self) -> int:
        """B; 0 where nothing is said of any loop."""
        sizes = (_size(getattr(self, item.name), _axis(item)) for item in fields(self))
        return next((size for size in sizes if size is not None), 0)

    def map(self, change: Callable[[Tensor, int], Tensor]) -> Self:
        """The record of changed tensors; ``change`` gets each with its batch axis."""
        return self._with(lambda axis, tensor: change(tensor, axis))

    def take(self, positions: Tensor) -> Self:
        """Some of the batch, each as often as its position is named."""
        count = len(self)

        def taken(axis: int, tensor: Tensor) -> Tensor:
            beams = count // max(tensor.shape[axis], 1)
            wanted = positions if beams <= 1 else _groups(positions // beams)
            return tensor.index_select(axis, wanted)

        return self._with(taken)

    @property
    def sharing(self) -> int:
        """K, the loops of a group that share what beams share; 1 where nothing is shared."""
        shared = (item for item in fields(self) if item.metadata.get(_SHARED))
        sizes = (_size(getattr(self, item.name), _axis(item)) for item in shared)
        return max((len(self) // size for size in sizes if size), default=1)

    def with_shared(self, other: Self) -> Self:
        """The same with what beams share, which no step changes, as another has it."""
        names = [item.name for item in fields(self) if item.metadata.get(_SHARED)]
        return replace(self, **{name: getattr(other, name) for name in names})

    def beams(self, width: int) -> Self:
        """Each of the batch K times in a row."""
        return self._with(
            lambda axis, tensor: tensor.repeat_interleave(width, dim=axis), shared=False
        )

    def take_beams(self, parents: Tensor) -> Self:
        """The same as `take`, of positions within each one's own group of beams."""
        return self._with(lambda axis, tensor: tensor.index_select(axis, parents), shared=False)

    def put(self, positions: Tensor, others: Self) -> Self:
        """The same with some of the batch replaced."""
        return self._with(
            lambda axis, tensor, other: tensor.index_copy(axis, positions, other), others
        )

    def split(self, parts: int) -> Iterator[Self]:
        """The batch in parts of nearly equal size, none of them empty."""
        if parts == 1:
            yield self
            return
        for positions in torch.arange(len(self)).tensor_split(parts):
            first, count = int(positions[0]), len(positions)
            yield self.map(partial(torch.narrow, start=first, length=count))

    @classmethod
    def cat(cls, parts: Iterable[Self]) -> Self:
        """One batch after the other; what all of a batch share is that of the first."""
        first, *others = parts
        if not others:
            return first
        return first._with(lambda axis, *tensors: torch.cat(tensors, dim=axis), *others)

    def to(self, target: torch.device | torch.dtype) -> Self:
        """The same on another device, or in another precision."""
        return self._with(lambda _, tensor: tensor.to(target))

    def _with(self, combine: Callable[..., Tensor], *others: Self, shared: bool = True) -> Self:
        """Tensor by tensor, ``combine(batch axis, tensor, those of the others)``.

        Without ``shared`` what beams share stays as it is.
        """
        changed = {}
        for item in fields(self):
            if shared or not item.metadata.get(_SHARED):
                values = [getattr(record, item.name) for record in (self, *others)]
                changed[item.name] = _combined(combine, _axis(item), values, shared=shared)
        return replace(self, **changed)


def _groups(groups: Tensor) -> Tensor:
    """Each group once, where the loops of each come in runs of one length."""
    once, runs = groups.unique_consecutive(return_counts=True)
    return once if len(runs.unique()) == 1 else groups


def _axis(item: Field[Any]) -> int:
    return int(item.metadata.get(_AXIS, 0))


def _size(value: Any, axis: int) -> int | None:
    if isinstance(value, tuple):
        value = value[0] if value else None
    if isinstance(value, TensorRecord):
        return len(value)
    return value.shape[axis] if isinstance(value, Tensor) else None


def _combined(combine: Callable[..., Tensor], axis: int, values: list[Any], *, shared: bool) -> Any:
    first, *others = values
    if isinstance(first, Tensor):
        return combine(axis, *values)
    if isinstance(first, TensorRecord):
        return first._with(combine, *others, shared=shared)
    if isinstance(first, tuple):
        parts = zip(*values, strict=True)
        return tuple(_combined(combine, axis, list(part), shared=shared) for part in parts)
    return first


@dataclass(frozen=True, eq=False)
class RolloutState(TensorRecord):
    """Where a loop stands: all that a network needs of the past.

    Attributes
    ----------
    recurrent : tuple of Tensor of shape (layers, B, hidden)
        After every row but the last, which is read when the row after it is predicted: what is
        known of that row from outside is at hand then.
    values, known : Tensor of shape (B, max(lags), C)
        The last rows in the normaliser's units, and 1 where they are known.
    """

    recurrent: RecurrentState = field(metadata={_AXIS: 1})
    values: Tensor
    known: Tensor

    @property
    def channels(self) -> int:
        """C, the series of a loop."""
        return self.values.shape[2]

    def fed(self, values: Tensor, known: Tensor | None = None) -> RolloutState:
        """The state with further rows (B, T, C), known unless said otherwise, not yet read."""
        known = torch.ones_like(values) if known is None else known
        rows = self.values.shape[1]
        return replace(
            self,
            values=torch.cat([self.values, values], dim=1)[:, -rows:],
            known=torch.cat([self.known, known], dim=1)[:, -rows:],
        )

"""Which of several processes this one is that run the same script."""

from __future__ import annotations

import os
from typing import NamedTuple

__all__ = ["ProcessGroup", "process_group"]


class ProcessGroup(NamedTuple):
    """The processes that ``torchrun``, Lightning or Ray Train have started together."""

    rank: int
    """The number of this one; 0 where it is alone."""
    size: int
    """How many there are."""

    @property
    def is_first(self) -> bool:
        """Whether it is this one that writes what there is once."""
        return self.rank == 0


def process_group() -> ProcessGroup:
    """As the launcher says in the environment; Lightning's own names the local rank alone."""
    rank = int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")))
    return ProcessGroup(rank, max(int(os.environ.get("WORLD_SIZE", "1")), rank + 1))

"""How work runs beside other work, without a trace in the process.

``threads`` has tasks side by side, each with operations of one thread; ``isolation`` sets aside
whatever modes of torch a caller is in; ``processes`` says which of several processes with one
script this one is; ``quiet`` drops notices of other packages where we call
them; ``progress`` is the line on a terminal.

This door loads what is asked for alone: a progress line needs no torch.
"""

from typing import TYPE_CHECKING

from tsgen._lazy import lazily

if TYPE_CHECKING:
    from tsgen._runtime.isolation import isolated
    from tsgen._runtime.processes import ProcessGroup, process_group
    from tsgen._runtime.progress import COUNT, progress_line
    from tsgen._runtime.quiet import quiet
    from tsgen._runtime.threads import side_by_side, workers

__all__ = [
    "COUNT",
    "ProcessGroup",
    "isolated",
    "process_group",
    "progress_line",
    "quiet",
    "side_by_side",
    "workers",
]

__getattr__ = lazily(
    __name__,
    {
        "COUNT": "progress",
        "ProcessGroup": "processes",
        "isolated": "isolation",
        "process_group": "processes",
        "progress_line": "progress",
        "quiet": "quiet",
        "side_by_side": "threads",
        "workers": "threads",
    },
)

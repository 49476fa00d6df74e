"""Keeps the notices of other packages from the user's terminal, while we are who calls them.

Log levels and warning filters belong to the whole process: another thread must neither lose its
own notices meanwhile, nor find anything changed afterwards. So nothing that is there is altered.
A filter of our own is added, which drops the notices of this thread alone, and is taken away again.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = ["quiet"]

_QUIET: ContextVar[tuple[str, ...]] = ContextVar("quiet packages", default=())
"""Packages that keep quiet in this thread, and in threads that were given its context."""


@contextmanager
def quiet(*packages: str) -> Iterator[None]:
    """Drop warnings and log records below errors that come from some packages, in this thread.

    Parameters
    ----------
    *packages : str
        Packages or modules. A warning comes from the module that it is attributed to.

    Examples
    --------
    >>> import logging
    >>> from tsgen._runtime.quiet import quiet
    >>> with quiet("chatty"):
    ...     logging.getLogger("chatty.parts").warning("by the way")
    """
    token = _QUIET.set((*_QUIET.get(), *packages))
    notices = _LogRecords()
    loggers = [
        logging.getLogger(name)
        for name in (*packages, *list(logging.root.manager.loggerDict))
        if _belongs(name, packages)
    ]
    # The list is remembered: catch_warnings in another thread may put another one in its place.
    filters: Any = warnings.filters
    ours = ("ignore", None, Warning, _Modules(), 0)
    filters.insert(0, ours)
    for logger in loggers:
        logger.addFilter(notices)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(notices)
        now: Any = warnings.filters
        for place in (filters, now):
            if ours in place:
                place.remove(ours)
        _QUIET.reset(token)


def _belongs(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


class _LogRecords(logging.Filter):
    """Lets errors through, and whatever other threads log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is to be logged."""
        return record.levelno >= logging.ERROR or not _belongs(record.name, _QUIET.get())


class _Modules:
    """Stands where a warning filter has the pattern of its modules."""

    def match(self, module: str) -> bool:
        """Whether the filter applies to a warning that is attributed to a module."""
        return _belongs(module, _QUIET.get())

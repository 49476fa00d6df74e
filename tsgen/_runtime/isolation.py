"""A call of ours computes the same whatever torch is set to around it, and leaves that alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from tsgen._runtime.threads import one_thread_each

__all__ = ["isolated"]


@contextmanager
def isolated() -> Iterator[None]:
    """Set aside what the caller has set for its own thread; also a decorator.

    These are the modes of inference, of gradients and of autocast, a default device, and the number
    of threads of an operation. A default dtype belongs to the process, and can't be set aside: it
    is named wherever a tensor is made.

    Examples
    --------
    >>> import torch
    >>> from tsgen._runtime.isolation import isolated
    >>> with torch.inference_mode(), isolated():
    ...     torch.is_inference_mode_enabled()
    False
    """
    with ExitStack() as modes:
        if torch.is_inference_mode_enabled():
            modes.enter_context(torch.inference_mode(False))
        if not torch.is_grad_enabled():
            modes.enter_context(torch.enable_grad())
        for device in ("cpu", "cuda", "mps"):
            if torch.is_autocast_enabled(device):
                modes.enter_context(torch.autocast(device, enabled=False))
        if torch.get_default_device().type != "cpu":
            modes.enter_context(torch.device("cpu"))
        modes.enter_context(one_thread_each())
        yield

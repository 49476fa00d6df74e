"""Simulated series, part by part: what a pretrained network has learned from, and frames of it.

A prior says how often series have which part. In the order to read: ``structural`` (levels, trends
and seasons, run forward) with ``seasons`` and ``noise``; ``smooth`` (cycles, Gaussian processes,
chaos); ``shapes`` (what whole series are bent to); ``prior``, which composes them; ``frames`` and
``parts``, which show them. All but frames is numpy alone, and all series are drawn at once.

Examples
--------
>>> import numpy as np
>>> from tsgen.simulation import Prior
>>> Prior(chaos=0.0).values(np.random.default_rng(0), 100, 60, season=12).shape
(100, 60)
"""

from tsgen.simulation.frames import simulate
from tsgen.simulation.parts import samples_of_parts
from tsgen.simulation.prior import Prior

__all__ = ["Prior", "samples_of_parts", "simulate"]

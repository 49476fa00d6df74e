"""The closed loop on tensors: the public names of `tsgen.generation.rollout`."""

from tsgen.generation import Feedback, Rollout, encode, rollout
from tsgen.nn import AutoregressiveNetwork, RolloutState

__all__ = ["AutoregressiveNetwork", "Feedback", "Rollout", "RolloutState", "encode", "rollout"]

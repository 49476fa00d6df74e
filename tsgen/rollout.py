"""The closed loop on tensors: the public names of `tsgen.generation.rollout`."""

from tsgen.generation import Feedback, Rollout, RolloutState, encode, read, rollout, start_of

__all__ = ["Feedback", "Rollout", "RolloutState", "encode", "read", "rollout", "start_of"]

"""The closed loop on tensors: the public names of `tsgen.generation.rollout`."""

from tsgen.generation import Drive, Rollout, RolloutState, encode, read, rollout, start_of

__all__ = ["Drive", "Rollout", "RolloutState", "encode", "read", "rollout", "start_of"]

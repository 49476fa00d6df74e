"""Units are dropped for whole windows."""

from __future__ import annotations

import pytest
import torch

from tsgen.nn.dropout import Dropout


def test_dropout_takes_the_same_units_at_all_steps_of_a_window() -> None:
    torch.manual_seed(0)
    dropped = Dropout(0.25).train()(torch.ones(200, 7, 50))
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert not torch.equal(dropped[0], dropped[1])
    assert dropped.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert dropped.mean() == pytest.approx(1.0, abs=0.02)


def test_dropout_draws_from_a_generator_of_its_own() -> None:
    dropout, hidden = Dropout(0.5).train(), torch.ones(4, 3, 16)

    def dropped(seed: int) -> torch.Tensor:
        before = torch.get_rng_state()
        with dropout.drawing(torch.Generator().manual_seed(seed)):
            result: torch.Tensor = dropout(hidden)
        assert torch.equal(torch.get_rng_state(), before)
        return result

    assert torch.equal(dropped(1), dropped(1))
    assert not torch.equal(dropped(1), dropped(2))

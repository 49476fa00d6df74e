"""What launchers say of the processes that they start."""

from __future__ import annotations

import pytest

from tsgen._runtime import process_group

NAMES = "RANK", "LOCAL_RANK", "WORLD_SIZE"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, (0, 1)),
        ({"RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4"}, (3, 4)),  # torchrun, two machines
        ({"LOCAL_RANK": "1", "WORLD_SIZE": "2"}, (1, 2)),  # Lightning
        ({"LOCAL_RANK": "1"}, (1, 2)),
    ],
)
def test_rank_and_size(
    environment: dict[str, str], expected: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    group = process_group()
    assert group == expected
    assert group.is_first == (expected[0] == 0)

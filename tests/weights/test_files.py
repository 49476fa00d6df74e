"""Files of pretrained weights: what is written comes back, and nothing else is read."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save
from support.weights import drawn_network

from tsgen.errors import ModelFileError, SettingError
from tsgen.nn import Season
from tsgen.weights import read_weights, shipped_sizes, shipped_weights, write_weights


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a file with weights."""
    path = tmp_path / "weights.safetensors"
    write_weights(path, drawn_network(), {"steps": 7})
    return path


def facts_in(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    metadata = json.loads(data[8 : 8 + size])["__metadata__"]
    facts: dict[str, Any] = json.loads(metadata["tsgen_pretrained"])
    return facts


def rewritten(path: Path, weights: dict[str, torch.Tensor] | None = None, **facts: Any) -> Path:
    """The same file with other weights, or other facts."""
    tensors = load(path.read_bytes()) if weights is None else weights
    changed = json.dumps(facts_in(path) | facts)
    path.write_bytes(save(tensors, metadata={"tsgen_pretrained": changed}))
    return path


@pytest.mark.parametrize(("hidden_size", "num_layers"), [(4, 1), (3, 2), (1, 4)])
def test_round_trip(hidden_size: int, num_layers: int, tmp_path: Path) -> None:
    network = drawn_network(hidden_size, num_layers)
    write_weights(tmp_path / "w", network, {"steps": 7, "series": "simulated"})
    found = read_weights(tmp_path / "w")
    assert (found.hidden_size, found.num_layers) == (hidden_size, num_layers)
    assert (found.facts["steps"], found.facts["series"]) == (7, "simulated")
    own = network.state_dict()
    assert own.keys() == found.network.state_dict().keys()
    for name, weight in found.network.state_dict().items():
        assert torch.equal(weight, own[name])
    assert not found.network.training


def test_a_path_may_be_text(path: Path) -> None:
    assert read_weights(str(path)).hidden_size == 4


def test_no_such_file(tmp_path: Path) -> None:
    for missing in (tmp_path / "none", tmp_path):
        with pytest.raises(SettingError, match="there is no such file"):
            read_weights(missing)


def test_a_file_that_exists_is_kept(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="overwrite"):
        write_weights(path, drawn_network(seed=1), {})
    assert path.read_bytes() == before
    write_weights(path, drawn_network(seed=1), {}, overwrite=True)
    assert path.read_bytes() != before
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def refused(path: Path) -> None:
    with pytest.raises(ModelFileError, match="weights"):
        read_weights(path)


@settings(
    max_examples=30, derandomize=True, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(share=st.floats(0, 1, exclude_max=True))
def test_truncated(share: float, path: Path) -> None:
    whole = path.read_bytes()
    path.with_name("cut").write_bytes(whole[: int(share * len(whole))])
    refused(path.with_name("cut"))


@pytest.mark.parametrize("content", [b"", b"buy milk", bytes(range(256)) * 4, b"PK\x03\x04"])
def test_foreign(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(content)
    refused(tmp_path / "w")


def test_other_safetensors(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(save({"x": torch.zeros(3)}))
    refused(tmp_path / "w")
    for facts in ("[]", "{", "null", '"text"', "{}", '{"format": 1}'):
        content = save({"x": torch.zeros(3)}, metadata={"tsgen_pretrained": facts})
        (tmp_path / "w").write_bytes(content)
        refused(tmp_path / "w")


@pytest.mark.parametrize(
    "facts",
    [
        {"format": 2}, {"format": None}, {"hidden_size": 5}, {"hidden_size": 0},
        {"hidden_size": -4}, {"hidden_size": 10**12}, {"hidden_size": "4"}, {"hidden_size": 4.5},
        {"hidden_size": None}, {"num_layers": 2}, {"num_layers": 10**9}, {"num_layers": 0},
    ],
    ids=str,
)  # fmt: skip
def test_sizes_that_are_absurd_or_others(path: Path, facts: dict[str, Any]) -> None:
    refused(rewritten(path, **facts))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(path: Path, value: float) -> None:
    weights = load(path.read_bytes())
    weights["head.bias"] = torch.full_like(weights["head.bias"], value)
    refused(rewritten(path, weights))


def test_weights_that_are_missing_or_unknown(path: Path) -> None:
    weights = load(path.read_bytes())
    refused(rewritten(path, weights | {"more": torch.zeros(1)}))
    bias = weights.pop("head.bias")
    refused(rewritten(path, weights))
    refused(rewritten(path, weights | {"head.bias": torch.zeros(2)}))
    assert read_weights(rewritten(path, weights | {"head.bias": bias})).hidden_size == 4


def test_those_of_the_package() -> None:
    sizes = shipped_sizes()
    assert sizes == tuple(sorted(sizes))
    for size in sizes:
        found = shipped_weights(size, Season(12))
        assert found.hidden_size == size
        assert found is shipped_weights(size, Season(12))  # read once

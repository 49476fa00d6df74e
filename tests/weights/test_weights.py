"""Files of weights: they come back as they were, and whatever else a file holds is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save

from tsgen import weights
from tsgen.errors import ModelFileError, SettingError
from tsgen.nn import RecurrentNetwork, Season, at_season, seasonal_architecture
from tsgen.weights import (
    CURRICULUM,
    PretrainedWeights,
    read_weights,
    shipped_file,
    shipped_sizes,
    shipped_weights,
    usual_context,
    write_weights,
)

KEY = "tsgen_pretrained"
FACTS = {"format": 1, "hidden_size": 3, "num_layers": 1}


def network_of(units: int = 3, layers: int = 1) -> RecurrentNetwork:
    torch.manual_seed(0)
    return seasonal_architecture(units, layers).network()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a file of weights holds."""
    path = tmp_path_factory.mktemp("whole") / "weights.safetensors"
    write_weights(path, network_of(), {"steps": 2})
    return path.read_bytes()


def read(folder: Path, data: bytes) -> PretrainedWeights:
    path = folder / "weights.safetensors"
    path.write_bytes(data)
    return read_weights(path)


def refused(folder: Path, data: bytes, match: str = r"weights\.safetensors .*damaged") -> None:
    with pytest.raises(ModelFileError, match=match):
        read(folder, data)


def changed(whole: bytes, facts: Any = None, **tensors: torch.Tensor | None) -> bytes:
    """The same with other facts, and with other weights or without them."""
    weights = {
        name: tensor for name, tensor in (load(whole) | tensors).items() if tensor is not None
    }
    return save(weights, metadata={KEY: json.dumps(FACTS if facts is None else facts)})


# -------------------------------------------------------------------------------- what comes back


@pytest.mark.parametrize("layers", [1, 2])
def test_weights_come_back_bit_by_bit(layers: int, tmp_path: Path) -> None:
    network = network_of(5, layers)
    write_weights(tmp_path / "weights", network, {"steps": 7, "series": "simulated"})
    found = read_weights(str(tmp_path / "weights"))
    assert (found.hidden_size, found.num_layers) == (5, layers)
    assert found.network.architecture == network.architecture
    assert not found.network.training
    assert (found.facts["steps"], found.facts["series"]) == (7, "simulated")
    after = found.network.state_dict()
    for name, weight in network.state_dict().items():
        assert torch.equal(after[name], weight)


def test_what_was_read_is_written_to_the_same_bytes(whole: bytes, tmp_path: Path) -> None:
    found = read(tmp_path, whole)
    write_weights(tmp_path / "again", found.network, found.facts)
    assert (tmp_path / "again").read_bytes() == whole


def test_a_file_that_exists_is_replaced_only_if_told(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(whole)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        write_weights(path, network_of(4), {})
    assert path.read_bytes() == whole
    write_weights(path, network_of(4), {}, overwrite=True)
    assert read_weights(path).hidden_size == 4
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("size", shipped_sizes())
def test_weights_that_ship_fit_every_season(size: int) -> None:
    for task in CURRICULUM:
        found = shipped_weights(size, task.season)
        assert found.hidden_size == size
        assert not found.seasons or task.season.rows in found.seasons
        lags = at_season(found.network, task.season).lags
        assert lags == tuple(sorted(set(task.season.lags)))


def test_weights_for_a_season_go_before_those_for_every_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_weights(tmp_path / "a_weekly.safetensors", network_of(4), {"seasons": [52]})
    write_weights(tmp_path / "b.safetensors", network_of(4), {})
    write_weights(tmp_path / "c_hourly.safetensors", network_of(4), {"seasons": [24, 48]})
    write_weights(tmp_path / "d.safetensors", network_of(5), {})
    monkeypatch.setattr(weights, "_FOLDER", tmp_path)
    weights._shipped.cache_clear()
    try:
        assert shipped_sizes() == (4, 5)
        asked = (4, 52), (4, 24), (4, 48), (4, 12), (4, 1), (5, 52)
        names = [shipped_file(size, Season(rows)).stem for size, rows in asked]
        assert names == ["a_weekly", "c_hourly", "c_hourly", "b", "b", "d"]
        assert shipped_weights(4, Season(24, 168)).seasons == (24, 48)
    finally:
        weights._shipped.cache_clear()


def test_sizes_that_ship_ascend() -> None:
    assert shipped_sizes() == tuple(sorted(set(shipped_sizes())))
    assert len(shipped_sizes()) > 0


# -------------------------------------------------------------------------------- what is refused


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(SettingError, match=r"init=.*no such file.*tsgen pretrain"):
            read_weights(path)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_that_was_cut_off(
    whole: bytes, tmp_path_factory: pytest.TempPathFactory, share: float
) -> None:
    refused(tmp_path_factory.getbasetemp(), whole[: int(share * len(whole))])


@settings(derandomize=True, deadline=None, max_examples=60)
@given(data=st.data(), byte=st.integers(0, 255))
def test_a_damaged_header_is_an_error_of_the_file_or_none(
    whole: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, byte: int
) -> None:
    header = 8 + int.from_bytes(whole[:8], "little")
    position = data.draw(st.integers(0, header - 1))
    damaged = whole[:position] + bytes([byte]) + whole[position + 1 :]
    try:
        found = read(tmp_path_factory.getbasetemp(), damaged)
    except ModelFileError:
        return
    assert found.hidden_size == 3


def test_files_of_something_else(tmp_path: Path) -> None:
    weights = network_of().state_dict()
    refused(tmp_path, b"")
    refused(tmp_path, b"buy milk" * 100)
    refused(tmp_path, save(weights))
    refused(tmp_path, save(weights, metadata={"format": "pt"}))
    refused(tmp_path, save(weights, metadata={KEY: "{"}))
    refused(tmp_path, save(weights, metadata={KEY: "[]"}))
    refused(tmp_path, save({}, metadata={KEY: json.dumps(FACTS)}))


@pytest.mark.parametrize(
    "facts",
    [
        {"format": 2},
        {"format": "1"},
        {"hidden_size": 4},
        {"hidden_size": 0},
        {"hidden_size": -3},
        {"hidden_size": 10**12},
        {"hidden_size": 3.5},
        {"hidden_size": "3"},
        {"hidden_size": None},
        {"hidden_size": [3]},
        {"num_layers": 2},
        {"num_layers": 0},
        {"num_layers": 10**9},
        {"num_layers": 1.5},
    ],
    ids=str,
)
def test_facts_that_are_those_of_no_such_network(
    whole: bytes, facts: dict[str, Any], tmp_path: Path
) -> None:
    assert read(tmp_path, changed(whole)).hidden_size == 3
    refused(tmp_path, changed(whole, FACTS | facts))


@pytest.mark.parametrize("name", FACTS)
def test_facts_that_are_missing(whole: bytes, name: str, tmp_path: Path) -> None:
    facts = {key: value for key, value in FACTS.items() if key != name}
    refused(tmp_path, changed(whole, facts))


def test_weights_that_are_missing_unknown_or_of_another_shape(whole: bytes, tmp_path: Path) -> None:
    refused(tmp_path, changed(whole, **{"head.weight": None}))
    refused(tmp_path, changed(whole, more=torch.zeros(2)))
    refused(tmp_path, changed(whole, **{"head.weight": torch.zeros(7, 7)}))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(whole: bytes, value: float, tmp_path: Path) -> None:
    bias = load(whole)["head.bias"].clone()
    bias[0] = value
    refused(tmp_path, changed(whole, **{"head.bias": bias}), r"is damaged: weights that are no num")


# ---------------------------------------------------------------------------------- the curriculum


def test_a_season_is_read_as_far_as_it_was_learned() -> None:
    for task in CURRICULUM:
        if task.season.rows > 1:
            assert usual_context(task.season, length=10) in {
                other.context_length
                for other in CURRICULUM
                if other.season.rows == task.season.rows
            }


@settings(derandomize=True)
@given(rows=st.integers(2, 1000), length=st.integers(1, 10_000))
def test_other_seasons_are_read_twice_or_more(rows: int, length: int) -> None:
    taught = {task.season.rows for task in CURRICULUM}
    context = usual_context(Season(rows), length)
    assert context == usual_context(Season(rows), 1)
    assert rows in taught or 2 * rows <= context <= max(10 * rows, 72)


def test_of_long_series_without_a_season_more_is_read() -> None:
    assert usual_context(Season(1), 1000) > usual_context(Season(1), 20)


def test_shares_are_those_of_all_steps() -> None:
    assert all(task.share > 0 for task in CURRICULUM)
    assert sum(task.share for task in CURRICULUM) == pytest.approx(1, abs=0.05)

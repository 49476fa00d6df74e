"""What a fitted model of symbols reads, scores and generates, whatever it has learned."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch

from tsgen.data import SymbolPanel, SymbolSpec, learn_sequences, read_sequences
from tsgen.errors import StateError
from tsgen.generation import BeamSearch
from tsgen.inference import FittedGenerator, Sampling
from tsgen.inference import generator as module
from tsgen.nn import SymbolArchitecture

TEXTS = ["abca", "", "bbaccab", "c"]


def model_of(stops: bool = True, cell: str = "lstm", **settings: int) -> FittedGenerator:
    torch.manual_seed(0)
    vocabulary = learn_sequences(TEXTS, stops=stops).vocabulary
    architecture = SymbolArchitecture(len(vocabulary), cell, hidden_size=8, **settings)  # type: ignore[arg-type]
    network = architecture.network().eval()
    with torch.no_grad():
        network.readout.normal_()
    return FittedGenerator(network, vocabulary, 1000)


def panel_of(model: FittedGenerator, texts: object = TEXTS) -> SymbolPanel:
    return read_sequences(texts, model.vocabulary, SymbolSpec())


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_prompts_of_several_lengths_are_as_one_by_one(cell: str) -> None:
    model = model_of(cell=cell, num_layers=2)
    together = model.best(model.encode(panel_of(model)), 9)
    for row, text in enumerate(TEXTS):
        alone = model.best(model.encode(panel_of(model, [text])), 9)
        assert np.array_equal(alone.codes[0], together.codes[row])


@pytest.mark.parametrize("at_once", [1, 40, 10_000])
def test_likelihood_is_that_of_one_step_after_the_other(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_NUMBERS_AT_ONCE", at_once)
    model = model_of()
    panel = panel_of(model)
    expected = []
    with torch.no_grad():
        for first, stop in zip(panel.offsets, panel.offsets[1:], strict=False):
            state = model.network.begin(1)
            for code in panel.codes[first:stop]:
                scores, state = model.network.step(state)
                expected.append(float(scores[0, 0].log_softmax(dim=0)[int(code)]))
                state = state.fed(torch.tensor([[[float(code)]]]))
    np.testing.assert_allclose(model.log_likelihood(panel), expected, atol=1e-5)


def test_an_update_is_the_encoding_of_all() -> None:
    model = model_of()
    state = model.update(model.encode(panel_of(model)), panel_of(model, ["b", "", "", "ca"]))
    whole = model.encode(panel_of(model, ["abcab", "", "bbaccab", "cca"]))
    for one, other in zip(state.loop.recurrent, whole.loop.recurrent, strict=True):
        torch.testing.assert_close(one, other)
    assert torch.equal(state.loop.values, whole.loop.values)
    assert torch.equal(state.loop.known, whole.loop.known)
    assert np.array_equal(state.panel.codes, whole.panel.codes)
    assert np.array_equal(state.panel.offsets, whole.panel.offsets)


def test_likelihood_goes_on_from_a_state() -> None:
    model = model_of()
    whole = model.log_likelihood(panel_of(model, ["abcabca"]))
    state = model.encode(panel_of(model, ["abc"]))
    later = model.log_likelihood(panel_of(model, ["abca"]), state)
    np.testing.assert_allclose(later, whole[3:], atol=1e-6)


def test_no_more_than_the_context_is_read() -> None:
    model = model_of()
    short = FittedGenerator(model.network, model.vocabulary, 3)
    one = short.encode(panel_of(model, ["abcabcab"]))
    other = model.encode(panel_of(model, ["cab"]))
    assert torch.equal(one.loop.recurrent[0], other.loop.recurrent[0])


def test_a_state_of_other_weights_is_refused() -> None:
    model = model_of()
    state = model.encode(panel_of(model))
    with torch.no_grad():
        model.network.bias += 1
    with pytest.raises(StateError, match="other weights"):
        model.check(state)


def test_unknown_symbols_are_never_generated_and_stops_where_they_are_learned() -> None:
    model = model_of()
    with torch.no_grad():
        model.network.bias[model.vocabulary.unknown] = 50.0
    state = model.encode(panel_of(model))
    sampling = Sampling(0)
    goes_on = model.drawn(state, 200, sampling, 3)
    assert set(np.unique(goes_on.codes)) == {0, 1, 2}
    assert (goes_on.lengths == 200).all()
    ends = model.drawn(state, 200, sampling, 3, model.stopping())
    assert ends.ended.all()
    assert (ends.codes[ends.there] < 3).all()


def test_draws_depend_on_the_seed_and_the_sequence_alone() -> None:
    model = model_of(stops=False)
    state = model.encode(panel_of(model))
    sampling = Sampling(7, temperature=1.3)
    many = model.drawn(state, 30, sampling, 5)
    few = model.drawn(state, 12, sampling, 2)
    assert np.array_equal(few.codes, many.codes[:, :2, :12])
    other = model.drawn(state, 30, Sampling(8, temperature=1.3), 5)
    assert not np.array_equal(other.codes, many.codes)


@pytest.mark.parametrize("sampling", [None, Sampling(3), Sampling(3, 0.7, top_k=2, top_p=0.9)])
def test_a_stream_is_the_first_path(
    sampling: Sampling | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_NOISE_AT_ONCE", 7)
    model = model_of(stops=False)
    state = model.encode(panel_of(model, ["abc"]))
    streamed = list(islice(model.stream(state, sampling), 30))
    whole = model.best(state, 30) if sampling is None else model.drawn(state, 30, sampling)
    assert streamed == whole.codes[0, 0].tolist()


def test_a_stream_ends_where_the_sequence_does() -> None:
    model = model_of()
    state = model.encode(panel_of(model, ["abc"]))
    stopping = model.stopping()
    whole = model.drawn(state, 300, Sampling(0), 1, stopping)
    streamed = list(model.stream(state, Sampling(0), stopping))
    assert streamed == whole.codes[0, 0, : whole.lengths[0, 0]].tolist()


def test_beams_are_in_order_and_their_scores_are_likelihoods() -> None:
    model = model_of()
    state = model.encode(panel_of(model, ["ab", "c"]))
    found = model.beams(state, 6, BeamSearch(20, 0.0), 4)
    assert found.scores is not None
    assert (np.diff(found.scores, axis=1) <= 0).all()
    best = "".join(model.vocabulary.symbols[found.codes[0, 0]])
    likely = model.log_likelihood(panel_of(model, ["ab" + best]))
    assert found.scores[0, 0] == pytest.approx(likely[2:].sum(), abs=1e-4)

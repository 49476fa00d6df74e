"""Scores of sequences against values worked out by hand, and against those of sacreBLEU."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tsgen
from tsgen.evaluation import sequence_metrics
from tsgen.metrics import (
    bits_per_symbol,
    bleu,
    chrf,
    edit_distance,
    perplexity,
    sequence_accuracy,
    word_error_rate,
)

NAN, INF = float("nan"), float("inf")
TEXTS = st.text("ab 🙂", max_size=8)
PAIRS = st.lists(st.tuples(TEXTS, TEXTS), max_size=6)

# ------------------------------------------------------------------------------- BLEU and chrF

SPEECH = [
    "Before we proceed any further, hear me speak.",
    "You are all resolved rather to die than to famish?",
    "Let us kill him, and we'll have corn at our own price.",
]
SAID = [
    "Before we go any further, hear me now.",
    "You are all resolved to die rather than famish?",
    "Let us kill him; we will have corn at our price.",
]
MARKS = [
    "It rose 3.5-4.5%, i.e. by 1,000.5 (&quot;net&quot;).",
    "AT&amp;T's e-mail: no-1 of ab-\ncd",
]
MARKED = ['It rose 3.5-4.6%, i.e. by 1,000.4 ("net").', "AT&T's e-mail: no-1 of abcd"]

SACREBLEU = {
    # observed, generated, and what corpus_bleu and corpus_chrf of sacreBLEU 2.6.0 give
    "sentences": (SPEECH, SAID, 40.232909359793005, 65.65078961000668),
    "punctuation": (MARKS, MARKED, 77.23695937778388, 59.57871850219326),
    "no four in common": (["one two three four five six"], ["one two four three six five"],
                          21.3643503198117, 52.56142808000392),
    "no word in common": (["alpha beta"], ["gamma delta epsilon zeta eta"],
                          0.0, 14.429995927212602),
    "no four words": (["a b c"], ["a b c"], 0.0, 100.0),
    "one is empty": (["one two three four five", "six seven eight nine ten"],
                     ["", "six seven eight nine ten"], 36.78794411714425, 57.018079518261814),
    "the same": (["to be or not to be"], ["to be or not to be"], 100.0, 100.0),
    "beyond ASCII": (["Où es-tu, 😀 né à l'été?"], ["Où es tu, 😀 à l'été né?"],
                     15.510080985034998, 46.601650545819176),
    "one is shorter than an n-gram": (["ab", "speak the speech"], ["abcdefg", "speak a speech"],
                                      0.0, 49.82554988036018),
}  # fmt: skip


@pytest.mark.parametrize(
    ("true", "pred", "expected"),
    [(true, pred, value) for true, pred, value, _ in SACREBLEU.values()],
    ids=list(SACREBLEU),
)
def test_bleu_is_that_of_sacrebleu(true: list[str], pred: list[str], expected: float) -> None:
    assert bleu(true, pred) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("true", "pred", "expected"),
    [(true, pred, value) for true, pred, _, value in SACREBLEU.values()],
    ids=list(SACREBLEU),
)
def test_chrf_is_that_of_sacrebleu(true: list[str], pred: list[str], expected: float) -> None:
    assert chrf(true, pred) == pytest.approx(expected, rel=1e-12)


def test_bleu_by_hand() -> None:
    # 4 of 5 words, 3 of 4 pairs, 2 of 3 triples, 1 of 2 fours; 5 words for 6
    true, pred = [list("abcdef")], [list("abcdx")]
    expected = 100 * np.exp(1 - 6 / 5) * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** (1 / 4)
    assert bleu(true, pred) == pytest.approx(expected)


def test_bleu_takes_lists_as_they_are() -> None:
    notes = [[60, 62, 64, 65, 67], [60, 60, 60, 60]]
    assert bleu(notes, notes) == pytest.approx(100.0)
    texts = ["to be , or not to be .", "that is the question"]
    words = [text.split() for text in texts]
    assert bleu(words, words[::-1]) == bleu(texts, texts[::-1])
    assert bleu([["don't,", "go", "to", "it"]], [["don't", ",", "go", "to"]]) < 100


def test_chrf_by_hand() -> None:
    # orders 1 and 2 exist on both sides: precision 2/3 and 1/2, recall 2/2 and 1/1
    precision, recall = (2 / 3 + 1 / 2) / 2, 1.0
    expected = 100 * 5 * precision * recall / (4 * precision + recall)
    assert chrf("a b", "abc") == pytest.approx(expected)


def test_chrf_is_of_texts_alone() -> None:
    with pytest.raises(ValueError, match=r"y_true\[0\] is \['a', 'b'\]: expected a text for each"):
        chrf([["a", "b"]], ["ab"])  # type: ignore[list-item]


@pytest.mark.parametrize("metric", [bleu, chrf])
def test_nothing_generated_scores_0(metric: Callable[..., float]) -> None:
    assert metric(["to be or not to be"], [""]) == 0.0
    assert metric([""], ["to be or not to be"]) == 0.0
    assert metric([""], [""]) == 0.0
    assert metric([], []) == 0.0


@settings(max_examples=50)
@given(PAIRS)
def test_scores_are_0_to_100_and_the_order_of_pairs_is_nothing_to_them(
    pairs: list[tuple[str, str]],
) -> None:
    true, pred = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    for metric in (bleu, chrf):
        assert 0 <= metric(true, pred) <= 100 + 1e-9
        assert metric(true[::-1], pred[::-1]) == pytest.approx(metric(true, pred))


# ---------------------------------------------------------------------------------------- edits


@pytest.mark.parametrize(
    ("true", "pred", "expected"),
    [
        ("kitten", "sitting", 3),
        ("intention", "execution", 5),
        ("flaw", "lawn", 2),
        ("", "abc", 3),
        ("abc", "", 3),
        ("", "", 0),
        ("same", "same", 0),
        ("ab", "ba", 2),
        ("🙂é", "🙁é", 1),
    ],
)
def test_edit_distance(true: str, pred: str, expected: int) -> None:
    found = edit_distance(true, pred)
    assert found.shape == ()
    assert found == expected


def test_edit_distance_of_many_pairs_is_that_of_each() -> None:
    true, pred = ["kitten", "", "flaw", "x"], ["sitting", "", "lawn", "long one"]
    found = edit_distance(true, pred)
    assert found.tolist() == [3, 0, 2, 8]
    assert found.dtype == np.int64


def test_symbols_may_be_of_any_kind() -> None:
    true = [["idle", "load", "run"], (60, 62, 64), np.array([1, 2]), pd.Series(["a", "b"])]
    pred = [["idle", "run"], (60, 64, 62), [1, 2, 3], "abc"]
    assert edit_distance(true, pred).tolist() == [1, 2, 1, 1]
    assert edit_distance(pd.Series(["kitten", "a"]), np.array(["sitting", "a"])).tolist() == [3, 0]
    assert edit_distance(iter(["ab"]), (text for text in ["b"])).tolist() == [1]


@cache
def recursive(true: str, pred: str) -> int:
    """The definition."""
    if not true or not pred:
        return len(true) + len(pred)
    replaced = recursive(true[1:], pred[1:]) + (true[0] != pred[0])
    return min(recursive(true[1:], pred) + 1, recursive(true, pred[1:]) + 1, replaced)


@settings(max_examples=100)
@given(PAIRS)
def test_edit_distance_is_as_defined(pairs: list[tuple[str, str]]) -> None:
    true, pred = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    expected = [recursive(*pair) for pair in pairs]
    assert edit_distance(true, pred).tolist() == expected
    assert edit_distance(pred, true).tolist() == expected


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    true, pred = ([rng.integers(4, size=size) for size in rng.integers(30, size=60)]
                  for _ in range(2))  # fmt: skip
    at_once = edit_distance(true, pred)
    monkeypatch.setattr(sequence_metrics, "_CELLS", 50)
    assert edit_distance(true, pred).tolist() == at_once.tolist()


@pytest.mark.slow
def test_edit_distance_of_long_sequences() -> None:
    states = np.random.default_rng(0).integers(5, size=3000)
    shifted = np.concatenate([states[2:], [7, 7, 7]])
    assert edit_distance([states], [shifted]).tolist() == [5]


def test_word_error_rate() -> None:
    # one word dropped, one replaced, one too many; of 3 + 4 words
    true = ["speak speak speak", "we know't we know't"]
    assert word_error_rate(true, ["speak speak", "we know that we know't"]) == pytest.approx(3 / 7)
    words = [text.split() for text in true]
    assert word_error_rate(words, ["speak speak", "we know that we know't"]) == pytest.approx(3 / 7)
    assert word_error_rate("a b", "a  b\n") == 0.0


def test_word_error_rate_of_no_words() -> None:
    assert word_error_rate([""], [" "]) == 0.0
    assert word_error_rate([""], ["too much"]) == INF
    assert word_error_rate(["a"], ["a b c"]) == 2.0


def test_sequence_accuracy() -> None:
    assert sequence_accuracy(["ab", "cd", "", "e"], ["ab", "c", "", "E"]) == 0.5
    assert sequence_accuracy([["a", "b"], [1, 2]], ["ab", np.array([1, 2])]) == 1.0
    assert sequence_accuracy("text", "text") == 1.0
    assert np.isnan(sequence_accuracy([], []))


METRICS = [bleu, edit_distance, word_error_rate, sequence_accuracy]


@pytest.mark.parametrize("metric", METRICS)
def test_each_sequence_has_its_prediction(metric: Callable[..., Any]) -> None:
    with pytest.raises(
        ValueError, match="y_true holds 2 sequences and y_pred 1: expected one pred"
    ):
        metric(["a", "b"], ["a"])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([60, 62], r"y_pred\[0\] is 60: expected a text or a list of symbols .* y_pred=\[sequence"),
        (["a", None], r"y_pred\[1\] is None: expected a text or a list of symbols"),
        ([b"a"], r"y_pred\[0\] is b'a': expected a text"),
        (7, r"y_pred=7: expected a text or a list of sequences"),
    ],
)
def test_what_is_no_sequence_is_shown(metric: Callable[..., Any], value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metric(["a", "b"], value)


# ------------------------------------------------------------------------------ log-likelihoods


def test_bits_and_perplexity() -> None:
    likelihood = np.log([0.5, 0.25, 0.125])
    assert bits_per_symbol(likelihood) == pytest.approx(2.0)
    assert perplexity(likelihood) == pytest.approx(4.0)


def test_guessing_costs_as_much_as_there_are_symbols() -> None:
    guesses = np.log(np.full((3, 7), 1 / 65))
    np.testing.assert_allclose(perplexity(guesses), [65.0] * 3)
    np.testing.assert_allclose(bits_per_symbol(guesses), [np.log2(65)] * 3)


def test_holes_are_left_out() -> None:
    likelihood = np.log([[0.5, 0.5, NAN], [0.25, NAN, NAN], [NAN, NAN, NAN]])
    np.testing.assert_allclose(bits_per_symbol(likelihood), [1.0, 2.0, NAN])
    np.testing.assert_allclose(perplexity(likelihood), [2.0, 4.0, NAN])
    assert np.isnan(perplexity([]))


def test_what_a_model_ruled_out_costs_without_end() -> None:
    assert perplexity([-INF, 0.0]) == INF
    assert bits_per_symbol([-INF, 0.0]) == INF
    assert perplexity([-5000.0]) == INF


def test_being_sure_costs_nothing() -> None:
    assert perplexity([0.0, 1e-7]) == 1.0
    assert str(bits_per_symbol([0.0, 0.0])) == "0.0"


@pytest.mark.parametrize("metric", [perplexity, bits_per_symbol])
def test_likelihoods_are_no_logarithms(metric: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=r"log_likelihood holds 0\.5: expected log.*give np\.log"):
        metric([0.5, 0.25])
    with pytest.raises(ValueError, match=r"log_likelihood=-1\.0: expected one number a symbol"):
        metric(-1.0)


def test_all_scores_are_public() -> None:
    for name in sequence_metrics.__all__:
        assert getattr(tsgen.metrics, name) is getattr(sequence_metrics, name)
    assert {"mae", "bleu"} <= set(tsgen.metrics.__all__)

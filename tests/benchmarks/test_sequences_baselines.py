"""Counted models of symbols against what their formulas give by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.sequences import baselines, machine_log
from benchmarks.sequences.baselines import START, AddK, KneserNey, bits, log_likelihood

SEQUENCES = st.lists(st.text("abc", max_size=12), min_size=1, max_size=4).filter(any)
UNSEEN = "?"


def chances(model: Any, context: tuple[Any, ...]) -> dict[str, float]:
    return {symbol: model.probability(symbol, context) for symbol in ("a", "b", "c", UNSEEN)}


# ------------------------------------------------------------------------------------ by hand


def test_add_k() -> None:
    model = AddK.fit(["abac"], order=2, k=0.5)
    # V = 4; of two a's one was followed by b, one by c
    assert chances(model, ("a",)) == {"a": 0.125, "b": 0.375, "c": 0.375, UNSEEN: 0.125}
    assert model.probability("a", (START,)) == pytest.approx(1.5 / 3)
    assert chances(model, ("c",)) == dict.fromkeys(("a", "b", "c", UNSEEN), 0.25)


def test_add_k_without_a_context_counts_symbols() -> None:
    model = AddK.fit(["aab", "a"], order=1, k=1.0)
    assert model.symbols == 3
    assert model.probability("a", ()) == pytest.approx(4 / 7)
    assert model.probability(UNSEEN, ()) == pytest.approx(1 / 7)


def test_kneser_ney() -> None:
    model = KneserNey.fit(["aab", "ab"], order=2)
    # Pairs: START a twice, aa once, ab twice. One count is 1, two are 2: D = 1/(1 + 4).
    # Without a context: a came after START and a, b after a; one count of each: D = 1/(1 + 2).
    assert model.discounts == pytest.approx((1 / 3, 1 / 5))
    base = 2 / 3 / 3 * (1 / 3)  # what was taken off two symbols, among V = 3
    a, b = (2 - 1 / 3) / 3 + base, (1 - 1 / 3) / 3 + base
    assert model.probability("a", ()) == pytest.approx(a)
    assert model.probability("b", ()) == pytest.approx(b)
    assert model.probability(UNSEEN, ()) == pytest.approx(base)
    assert model.probability("a", ("a",)) == pytest.approx((1 - 1 / 5) / 3 + 2 / 5 / 3 * a)
    assert model.probability("a", (START,)) == pytest.approx((2 - 1 / 5) / 2 + 1 / 5 / 2 * a)
    assert model.probability("b", (UNSEEN,)) == pytest.approx(b)


def test_kneser_ney_counts_places_and_not_how_often() -> None:
    """b is as frequent as a, but follows only x."""
    sequences = ["xbxbxbxb", "ya", "za", "va", "wa"]
    model = KneserNey.fit(sequences, order=2)
    assert model.probability("a", (UNSEEN,)) > 2 * model.probability("b", (UNSEEN,))
    assert model.probability("b", ("x",)) > 0.75


@settings(max_examples=50)
@given(SEQUENCES, st.integers(1, 4), st.text("abc?", max_size=3))
def test_probabilities_sum_to_1(sequences: list[str], order: int, context: str) -> None:
    seen = sorted({symbol for sequence in sequences for symbol in sequence})
    before = tuple(context)[max(len(context) - order + 1, 0) :]
    for model in (AddK.fit(sequences, order), KneserNey.fit(sequences, order)):
        assert model.symbols == len(seen) + 1
        for start in (before, (START, *before)[: order - 1]):
            total = sum(model.probability(symbol, start) for symbol in [*seen, UNSEEN])
            assert total == pytest.approx(1.0)


# ------------------------------------------------------------------------------------ in bits


def test_log_likelihood_is_of_each_symbol_after_those_before_it() -> None:
    model = AddK.fit(["abab"], order=3, k=1.0)
    found = log_likelihood(model, "ab?")
    contexts = [(START,), (START, "a"), ("a", "b")]
    expected = [model.probability(*step) for step in zip("ab?", contexts, strict=True)]
    np.testing.assert_allclose(np.exp(found), expected)
    assert log_likelihood(model, "").shape == (0,)


@pytest.mark.parametrize("fit", [AddK.fit, KneserNey.fit])
def test_a_coin_costs_a_bit_and_a_cycle_nothing(fit: Any) -> None:
    coin = np.random.default_rng(0).integers(2, size=20_000).tolist()
    assert bits(fit([coin], order=3), [coin]) == pytest.approx(1.0, abs=0.002)
    cycle = ["idle", "load", "run"] * 500
    assert bits(fit([cycle], order=2), [cycle]) < 0.01


def test_bits_are_per_symbol_over_all_sequences() -> None:
    model = AddK.fit(["aab"], order=1)
    together = bits(model, ["a", "abb"])
    assert together == pytest.approx((bits(model, ["a"]) + 3 * bits(model, ["abb"])) / 4)


def test_nothing_to_count_is_an_error() -> None:
    for fit in (AddK.fit, KneserNey.fit):
        with pytest.raises(ValueError, match="sequences hold no symbol"):
            fit(["", []], order=2)


def test_repeated_sequences_have_a_run_of_training() -> None:
    training = ["abcdef", "xy"]
    assert baselines.repeated(["zbcdz", "bcz", "xy", "", "abcd"], training, 3) == [
        True, False, False, False, True,
    ]  # fmt: skip
    assert baselines.repeated([[1, 2, 3]], [(1, 2)], length=2) == [True]


def test_all_models_are_named() -> None:
    found = baselines.models(["abab"], [1, 3])
    assert list(found)[::4] == ["1-gram, Kneser-Ney", "3-gram, Kneser-Ney"]
    assert list(found)[1:3] == ["Markov of order 0, add 0.01", "Markov of order 0, add 0.1"]
    assert [model.order for model in found.values()] == [1] * 4 + [3] * 4


@pytest.mark.slow
def test_with_memory_enough_the_log_comes_near_its_entropy_and_faults_stand_out() -> None:
    log = machine_log.simulate()
    train = [one["y"].tolist() for _, one in machines(log.rows, "train")]
    model = KneserNey.fit(train, order=6)
    likelihood = pd.concat([
        pd.Series(log_likelihood(model, one["y"].tolist()), index=one.index)
        for _, one in machines(log.rows, "test")
    ])  # fmt: skip
    ranked = machine_log.fault_ranks(log, likelihood)
    assert (ranked["rank"] <= 5).all()
    found = float(-likelihood.mean() / np.log(2))
    assert machine_log.entropy_rate() < found < machine_log.entropy_rate() + 0.1


def machines(rows: pd.DataFrame, split: str) -> Any:
    return rows[rows["split"] == split].groupby("unique_id")

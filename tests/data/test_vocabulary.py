"""Symbols and codes, there and back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsgen.data import Vocabulary, dtype_of_codes
from tsgen.data import vocabulary as module
from tsgen.errors import FrameError, SettingError

SYMBOLS = st.one_of(st.integers(-5, 5), st.text(max_size=2), st.tuples(st.integers(0, 3)))


def vocabulary_of(*symbols: object, stops: bool = False) -> Vocabulary:
    index = pd.Index(list(symbols), dtype=object, tupleize_cols=False)
    return Vocabulary.of(index, np.ones(len(index)), stops=stops)


@given(st.lists(SYMBOLS, min_size=1, unique=True), st.booleans())
def test_codes_decode_to_the_symbols_they_are_of(symbols: list[object], stops: bool) -> None:
    vocabulary = vocabulary_of(*symbols, stops=stops)
    asked = pd.Index(symbols, dtype=object, tupleize_cols=False)
    codes = vocabulary.encode(asked)
    assert list(vocabulary.decode(codes)) == symbols
    assert sorted(codes) == list(range(len(symbols)))
    assert len(vocabulary) == len(symbols) + 1 + stops


def test_order_is_that_of_the_symbols_whatever_came_first() -> None:
    assert list(vocabulary_of("b", "c", "a").symbols) == ["a", "b", "c"]
    assert list(vocabulary_of(3, "x", 1).symbols) == [3, "x", 1]  # which have no order


def test_rare_and_unseen_symbols_are_one() -> None:
    vocabulary = Vocabulary.of(pd.Index(["a", "b", "c"]), [5, 1, 1], min_count=2)
    assert vocabulary.folded == 2
    assert vocabulary.encode(pd.Index(["a", "b", "z"])).tolist() == [0, 1, 1]
    assert vocabulary.decode(np.array([0, vocabulary.unknown])).tolist() == ["a", None]


def test_no_symbol_left_is_an_error() -> None:
    with pytest.raises(FrameError, match=r"none of the 2 symbols comes 3 times or more"):
        Vocabulary.of(pd.Index(["a", "b"]), [2, 2], min_count=3)


def test_too_many_symbols_are_an_error_that_says_what_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_SYMBOLS", 3)
    with pytest.raises(FrameError, match=r"with min_count=2 2 are left"):
        Vocabulary.of(pd.Index(list("abcdef")), [9, 7, 1, 1, 1, 1])


@pytest.mark.parametrize(
    ("count", "dtype"),
    [(256, "uint8"), (257, "int16"), (32_768, "int16"), (32_769, "int32")],
)
def test_codes_are_in_the_smallest_dtype(count: int, dtype: str) -> None:
    assert dtype_of_codes(count) == dtype


def test_a_symbol_a_set_and_a_function_name_codes() -> None:
    vocabulary = vocabulary_of("a", "b", "c", stops=True)
    assert vocabulary.which("b", "until").tolist() == [False, True, False, False, False]
    assert vocabulary.which({"a", "c"}, "until").tolist() == [True, False, True, False, False]
    assert vocabulary.which(lambda s: s > "a", "until")[:3].tolist() == [False, True, True]


@pytest.mark.parametrize("wanted", ["z", {"a", "z"}, [["a"]], 3.5])
def test_an_unknown_symbol_is_an_error(wanted: object) -> None:
    with pytest.raises(SettingError, match="none of the symbols of fit"):
        vocabulary_of("a", "b").which(wanted, "until")


def test_another_kind_of_symbols_is_an_error() -> None:
    with pytest.raises(FrameError, match="holds numbers, such as 1, but text in fit"):
        vocabulary_of("1", "2").check_kind(pd.Index([1, 2]), "it")


def test_more_symbols_come_after_those_that_are_known() -> None:
    known = vocabulary_of("b", "c")
    more = known.with_more(pd.Index(["z", "a", "b"]))
    assert list(more.symbols) == ["b", "c", "a", "z"]
    assert known.with_more(pd.Index(["b"])) is known

"""What a user may hand to a generator, one test or more for each row of the list of hard inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tsgen
from tsgen import LSTMGenerator
from tsgen.errors import FrameError, SettingError

ROW = "abcdefgh"
QUICK: dict[str, Any] = {"max_steps": 80, "hidden_size": 24, "verbose": False}


@pytest.fixture(scope="module")
def of_text() -> LSTMGenerator:
    return LSTMGenerator(**QUICK).fit(ROW * 60)


@pytest.fixture(scope="module")
def of_names() -> LSTMGenerator:
    return LSTMGenerator(max_steps=150, hidden_size=32, verbose=False).fit(["anna", "bob"] * 30)


def quick() -> LSTMGenerator:
    """One for which it doesn't matter what it learns."""
    return LSTMGenerator(max_steps=2, hidden_size=4, verbose=False)


def states(values: Any, ids: str = "m") -> pd.DataFrame:
    ds = pd.date_range("2024-01-01", periods=len(values), freq="h")
    return pd.DataFrame({"unique_id": ids, "ds": ds, "y": values})


def test_row_51_never_seen(of_text: LSTMGenerator) -> None:
    assert set(of_text.sample(50, df="?!", temperature=5.0)) <= set(ROW)
    assert of_text.log_likelihood("ab?")[-1] < -2


def test_row_52_another_kind() -> None:
    model = quick().fit([[60, 62] * 20])
    with pytest.raises(FrameError, match="holds text, such as '60', but numbers in fit"):
        model.predict(2, df=[["60"]])


def test_row_53_empty_sequences(of_text: LSTMGenerator, of_names: LSTMGenerator) -> None:
    assert len(of_text.predict(5, df="")) == 5
    assert of_names.predict(5, df=["", "b"])[1] == "ob"
    assert of_text.log_likelihood("").tolist() == []
    with pytest.raises(SettingError, match="no symbol in df"):
        of_text.perplexity("")


@pytest.mark.parametrize("nothing", ["", ["", ""], [[]], [], states([])], ids=range(5))
def test_row_53_nothing_to_learn_from(nothing: Any) -> None:
    with pytest.raises(FrameError, match=r"no symbol in it|no sequence in it|0 rows"):
        quick().fit(nothing)


def test_row_54_one_symbol() -> None:
    model = LSTMGenerator(max_steps=20, hidden_size=4, verbose=False).fit("aaaa")
    assert model.predict(5) == "aaaaa"
    assert model.sample(5, temperature=3.0) == "aaaaa"
    assert quick().fit("a").predict(2) == "aa"


def test_row_55_temperature(of_text: LSTMGenerator) -> None:
    assert of_text.sample(9, temperature=0) == of_text.predict(9)
    for odd in (-1, float("nan"), float("inf"), "hot"):
        with pytest.raises(SettingError, match="temperature="):
            of_text.sample(9, temperature=odd)


def test_row_56_top_k(of_text: LSTMGenerator) -> None:
    assert of_text.sample(9, top_k=10**6) == of_text.sample(9)
    assert of_text.sample(9, top_k=1) == of_text.predict(9)
    with pytest.raises(SettingError, match="top_k=0"):
        of_text.sample(9, top_k=0)


def test_row_57_top_p(of_text: LSTMGenerator) -> None:
    assert of_text.sample(9, top_p=0.0) == of_text.predict(9)
    assert of_text.sample(9, top_p=1.0) == of_text.sample(9)
    with pytest.raises(SettingError, match=r"top_p=1\.5"):
        of_text.sample(9, top_p=1.5)


def test_row_58_a_beam_wider_than_what_is_left(of_text: LSTMGenerator) -> None:
    beams = of_text.predict(1, num_beams=50, num_return_sequences=50)
    assert sorted(beams["text"]) == list(ROW)


def test_row_59_a_sequence_of_100_000_symbols(of_text: LSTMGenerator) -> None:
    text = ROW * 12_500
    assert of_text.predict(3, df=text) == "abc"
    assert of_text.log_likelihood(text).shape == (100_000,)


@pytest.mark.slow
def test_row_59_a_horizon_of_100_000_symbols(of_text: LSTMGenerator) -> None:
    assert of_text.predict(100_000) == ROW * 12_500


@pytest.mark.slow
def test_row_60_emoji_and_marks() -> None:
    text = (
        "e\N{COMBINING ACUTE ACCENT}\N{THUMBS UP SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-4}\ud800"
    )
    model = LSTMGenerator(**QUICK).fit(text * 60)
    assert model.predict(10) == text * 2


@pytest.mark.slow
def test_row_61_a_million_different_words() -> None:
    words = " ".join(map(str, range(1_000_000))) + " 1 2 3"
    with pytest.raises(FrameError, match=r"1,000,000 different symbols.*min_count=2 3 are left"):
        LSTMGenerator(unit="word", **QUICK).fit(words)
    model = LSTMGenerator(unit="word", min_count=2, **{**QUICK, "max_steps": 3}).fit(words)
    assert set(model.sample(9).split()) <= {"1", "2", "3"}


def test_row_61_all_are_too_rare() -> None:
    with pytest.raises(FrameError, match=r"none of the 3 symbols comes 2 times.*lower min_count"):
        LSTMGenerator(min_count=2, **QUICK).fit("abc")


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_row_62_missing_symbols(missing: Any) -> None:
    hole = states(["on", "off", missing, "on"] * 10)
    with pytest.raises(FrameError, match=r"series 'm' at 2024-01-01 02:00:00 \(row 2\)"):
        quick().fit(hole)
    assert len(quick().fit(hole, fill="ffill").predict(3)) == 3
    with pytest.raises(FrameError, match="a symbol is missing"):
        quick().fit([["on", missing]])


@pytest.mark.parametrize(
    "values",
    [[True, False], [0, 7], [0.5, 1.5], ["", "x"], pd.to_datetime(["2024-01-01", "2025-01-01"])],
    ids=["bool", "integer", "float", "empty text", "dates"],
)
def test_row_63_whatever_can_be_told_apart_is_a_symbol(values: Any) -> None:
    column = pd.Series(list(values) * 20)
    forecast = quick().fit(states(column)).predict(3)
    assert forecast["y"].dtype == column.dtype
    assert forecast["y"].isin(column).all()


def test_row_63_categories_without_rows_never_come(tmp_path: Path) -> None:
    kind = pd.CategoricalDtype(["a", "b", "never"])
    rows = states(pd.Series(["a", "b"] * 20, dtype=kind))
    model = quick().fit(rows)
    tsgen.save_state(model.encode(rows), tmp_path / "state")
    forecast = model.sample(50, state=tsgen.load_state(tmp_path / "state"))
    assert forecast["y"].dtype == kind
    assert "never" not in forecast["y"].tolist()


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (b"ab", TypeError, "got bytes"),
        ({"a": 1}, TypeError, "got dict"),
        (None, TypeError, "got NoneType"),
        ([1, 2], FrameError, "one sequence is a list of one list"),
        (["a", ["b"]], FrameError, "item 1 is a list, not text"),
        ([[["a"], "b"]], FrameError, "a list can't be a symbol"),
    ],
    ids=range(6),
)
def test_row_64_no_sequences(data: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        quick().fit(data)


CALLS: dict[str, tuple[Callable[[LSTMGenerator], object], str]] = {
    "until": (lambda model: model.predict(3, until="z"), "'z' is none of the symbols of fit"),
    "given": (lambda model: model.predict(3, given=pd.Series(["a"])), "given= is for frames"),
    "two starts": (
        lambda model: model.predict(3, df="a", state=model.encode("a")),
        "df= and state= both say where to start",
    ),
    "two streams": (lambda model: model.stream(df=["a", "b"]), "one sequence, and there are 2"),
}


@pytest.mark.parametrize("call", CALLS)
def test_row_65_calls_of_no_use(of_text: LSTMGenerator, call: str) -> None:
    do, said = CALLS[call]
    with pytest.raises(SettingError, match=said):
        do(of_text)

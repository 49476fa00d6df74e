"""What is known of an estimator at a glance."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context

import tsgen
from tsgen import (
    EncoderDecoderForecaster,
    GroupedForecaster,
    GRUForecaster,
    LSTMForecaster,
    LSTMGenerator,
    LSTMSeq2Seq,
    Naive,
    SeasonalNaive,
)
from tsgen.errors import NotFittedError

TINY: dict[str, Any] = {"max_steps": 3, "hidden_size": 4, "verbose": False}


def frame(rows: int = 40) -> pd.DataFrame:
    stamps = pd.date_range("2024-01-01", periods=rows, freq="D", name="ds")
    values = np.sin(np.arange(rows))[:, None] + [3.0, 30.0]
    wide = pd.DataFrame(values, index=stamps, columns=["a", "b"])
    return wide.melt(ignore_index=False, var_name="unique_id", value_name="y").reset_index()


def fitted(name: str) -> Any:
    text = "to be or not to be " * 20
    pairs = ["ab", "ba", "aab"] * 8
    return {
        "lstm": lambda: LSTMForecaster(**TINY, init="random").fit(frame()),
        "gru": lambda: GRUForecaster(**TINY, n_models=2).fit(frame()),
        "attention": lambda: EncoderDecoderForecaster(**TINY).fit(frame()),
        "pretrained": lambda: LSTMForecaster(preset="zero_shot", verbose=False).fit(frame()),
        "naive": lambda: Naive().fit(frame()),
        "grouped": lambda: GroupedForecaster(Naive(), by="unique_id").fit(frame()),
        "generator": lambda: LSTMGenerator(**TINY).fit(text),
        "pairs": lambda: LSTMSeq2Seq(**TINY).fit(pairs, [pair.upper() for pair in pairs]),
    }[name]()


EVERY = "lstm", "gru", "attention", "pretrained", "naive", "grouped", "generator", "pairs"


@pytest.mark.parametrize("name", EVERY)
def test_every_estimator_has_one(name: str) -> None:
    model = fitted(name)
    summary = model.summary()
    assert str(summary) == repr(summary)
    assert type(model).__name__ in str(summary) or name == "grouped"
    assert all(text for facts in summary.sections.values() for text in facts.values())
    assert max(map(len, str(summary).splitlines())) < 120


def test_what_it_says_of_a_fit() -> None:
    df = frame().assign(promo=1.0, shop=lambda rows: rows["unique_id"])
    df.loc[[5, 50], "y"] = np.nan
    model = LSTMForecaster(**TINY, init="random", context_length=14).fit(
        df, fill="mask", future_covariates="promo", static_covariates="shop"
    )
    read, chosen, learned = model.summary().sections.values()
    assert read == {
        "frame": "long, pandas",
        "series": "2: 'a' to 'b'",
        "frequency": "D",
        "last row": "2024-02-09",
        "values": "80, 2 of them missing",
        "future covariates": "'promo'",
        "static covariates": "'shop'",
    }
    assert chosen["context length"] == "14 rows"
    assert chosen["network"] == "LSTM, 1 layer of 4 units"
    assert learned["began with"] == "random weights"
    assert learned["steps"].startswith("3 of 3 in ")
    assert learned["levels"] == "calibrated when asked for first"
    errors = model.report_.errors
    assert learned["error of one step"] == f"{errors['teacher_forced'].mean():.3g}"
    count = sum(weights.numel() for weights in model.module_.parameters())
    assert learned["weights"].startswith(f"{count:,}, ")


@pytest.mark.parametrize("name", ["lstm", "pretrained", "generator", "pairs"])
def test_a_saved_model_says_the_same(name: str, tmp_path: Path) -> None:
    model = fitted(name)
    model.save(tmp_path / "model.tsgen")
    assert str(tsgen.load(tmp_path / "model.tsgen").summary()) == str(model.summary())


def test_seconds_do_not_make_another_model(tmp_path: Path) -> None:
    one, other = fitted("lstm"), fitted("lstm")
    assert one._identity(levels=False) == other._identity(levels=False)


def test_a_new_fit_has_a_record_of_its_own() -> None:
    model = fitted("lstm")
    before = model.record_
    model.prepare(frame())
    assert model.record_ is None
    assert before.rows == 80


def test_before_fit() -> None:
    with pytest.raises(NotFittedError, match="before summary"):
        LSTMForecaster().summary()


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.add(tag)


@pytest.mark.parametrize("display", ["diagram", "text"])
def test_notebooks_show_tables_whose_texts_are_texts(display: Any) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    df = frame().replace({"unique_id": {"a": hostile}})
    with config_context(display=display):
        bundle = Naive().fit(df)._repr_mimebundle_()
        tags = Tags()
        tags.feed(bundle["text/html"])
        assert tags.found == {"table", "caption", "tr", "th", "td"}
        assert bundle["text/plain"] == "Naive()"
        before = SeasonalNaive(season_length=7)._repr_html_()
        assert before == "<code>SeasonalNaive(season_length=7)</code>, not fitted yet"

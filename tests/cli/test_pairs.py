"""`tsgen translate`: pairs of a table learned, saved, and the missing ones filled in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.command_line import Done, Run, in_empty_folder

from tsgen import LSTMGenerator, LSTMSeq2Seq, load

WORDS = ["do", "re", "mi", "fa", "sol", "la", "si"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`tsgen translate ...` in an empty folder."""
    command = in_empty_folder(tmp_path, monkeypatch, capfd)

    def translate(*arguments: Any, steps: int | None = 3) -> Done:
        learning = [] if "--model" in arguments or steps is None else ["--max-steps", steps]
        return command("translate", *arguments, *learning)

    return translate


def table(targets: list[str] | None = None, name: str = "pairs.csv") -> str:
    backwards = [word[::-1] for word in WORDS] if targets is None else targets
    pd.DataFrame({"word": WORDS, "n": range(7), "back": backwards}).to_csv(name, index=False)
    return name


COLUMNS = ["--source-col", "word", "--target-col", "back"]


def test_empty_targets_are_filled_in(run: Run) -> None:
    file = table(["od", "er", "im", "af", "los", "", ""])
    done = run(file, *COLUMNS, "--save", "m.tsgen", "--out", "out.csv")
    assert done.code == 0, done.err
    assert "pairs" in done.out
    filled = pd.read_csv("out.csv", keep_default_na=False)
    assert list(filled.columns) == ["word", "n", "back"]
    assert filled["back"].iloc[:5].tolist() == ["od", "er", "im", "af", "los"]
    model = load("m.tsgen")
    assert filled["back"].iloc[5:].tolist() == model.predict(["la", "si"])
    assert run(file, *COLUMNS, "--seed", 4).out.startswith("word,n,back\ndo,0,od\n")


def test_a_saved_model_translates_another_file(run: Run) -> None:
    model = LSTMSeq2Seq(hidden_size=8, max_steps=2, verbose=False)
    frame = pd.DataFrame({"word": WORDS, "back": WORDS})
    model.fit(frame, source_col="word", target_col="back").save("m.tsgen")
    pd.DataFrame({"word": WORDS[:3]}).to_csv("new.csv", index=False)
    done = run("new.csv", "--model", "m.tsgen", "--out", "out.csv", "--beams", 2)
    assert done.code == 0, done.err
    found = pd.read_csv("out.csv", keep_default_na=False)
    assert found["back"].tolist() == model.predict(WORDS[:3], num_beams=2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--source-col and --target-col name two of the columns: 'word', 'n', 'back'"),
        (["--source-col", "wort", "--target-col", "back"], "there is no column 'wort'"),
        (COLUMNS, "every row has a back"),
        ([*COLUMNS, "--model", "m.tsgen", "--save", "n.tsgen"], "--save beside --model"),
        ([*COLUMNS, "--model", "absent.tsgen"], "absent.tsgen"),
    ],
)
def test_what_is_wrong_is_one_line(run: Run, arguments: list[str], said: str) -> None:
    done = run(table(), *arguments)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1


def test_models_of_other_things_are_refused(run: Run) -> None:
    LSTMGenerator(max_steps=1, hidden_size=4, verbose=False).fit("ab" * 9).save("text.tsgen")
    done = run(table(), *COLUMNS, "--model", "text.tsgen")
    assert "is a model of symbols: tsgen generate --model goes on with them" in done.err
    lists = LSTMSeq2Seq(max_steps=1, hidden_size=4, verbose=False).fit([[1], [2]], ["a", "b"])
    lists.save("lists.tsgen")
    assert "lists of symbols" in run(table(), *COLUMNS, "--model", "lists.tsgen").err


@pytest.mark.parametrize(
    "back",
    [["x", "y", None], [1.0, 2.0, None], pd.Categorical(["x", "y", None])],
    ids=["text", "numbers", "categories"],
)
def test_columns_of_parquet_are_text(run: Run, back: Any) -> None:
    frame = pd.DataFrame({"word": [12, 13, 12], "back": back}, index=[0, 0, 4])
    frame.to_parquet("pairs.parquet")
    done = run("pairs.parquet", *COLUMNS, "--save", "m.tsgen", "--out", "out.csv")
    assert done.code == 0, done.err
    filled = pd.read_csv("out.csv", keep_default_na=False, index_col=0)
    assert filled.index.tolist() == [0, 0, 4]
    assert str(filled["back"].iloc[2]) == load("m.tsgen").predict("12")


def test_a_missing_source_is_named(run: Run) -> None:
    pd.DataFrame({"word": ["a", None], "back": ["x", "y"]}).to_parquet("pairs.parquet")
    done = run("pairs.parquet", *COLUMNS, "--save", "m.tsgen")
    assert done.code == 2
    assert "1 fields of column 'word' are missing, the first in row 2" in done.err

"""`tsgen generate`: text and tables of symbols, learned or from a saved model, and gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.command_line import Done, Run, in_empty_folder

from tsgen import LSTMForecaster, LSTMGenerator, load
from tsgen.cli.options import Choosing
from tsgen.cli.symbols import symbol_bytes

TEXT = "the cat sat. " * 40
STATES = ["idle", "load", "drill", "drill"] * 15


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`tsgen generate ...` in an empty folder."""
    command = in_empty_folder(tmp_path, monkeypatch, capfd)

    def generate(*arguments: Any, steps: int | None = 60) -> Done:
        learning = [] if "--model" in arguments or steps is None else ["--max-steps", steps]
        return command("generate", *arguments, *learning)

    return generate


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of `TEXT`."""
    path = tmp_path_factory.mktemp("models") / "text.tsgen"
    LSTMGenerator(max_steps=60, verbose=False).fit(TEXT).save(path)
    return path


@pytest.fixture(scope="module")
def of_states(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of `STATES`, as numbers."""
    path = tmp_path_factory.mktemp("models") / "states.tsgen"
    codes = pd.Series(STATES).map({"idle": 0, "load": 7, "drill": 12})
    frame = pd.DataFrame({"ds": range(60), "y": codes})
    LSTMGenerator(max_steps=60, verbose=False).fit(frame, id_col=None).save(path)
    return path


def text(content: str = TEXT, name: str = "book.txt") -> str:
    Path(name).write_text(content, encoding="utf-8")
    return name


def table(name: str = "log.csv", **columns: Any) -> str:
    frame = pd.DataFrame({"unique_id": "m", "ds": range(60), "y": STATES} | columns)
    if name.endswith(".parquet"):
        frame.to_parquet(name, index=False)
    else:
        frame.to_csv(name, index=False)
    return name


def refused(done: Done, *needles: str) -> None:
    """One line, exit code 2."""
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("tsgen: ")
    assert done.err.count("\n") == 1
    for needle in needles:
        assert needle in done.err


# --- text ----------------------------------------------------------------------------------------


def test_text_goes_to_standard_output_and_the_summary_beside_it(run: Run) -> None:
    done = run(text(), "--length", 26)
    assert done.code == 0
    assert done.out == "the cat sat. the cat sat. \n"
    for words in ("sequences", "different symbols", "60 steps", "nats a symbol"):
        assert words in done.err


def test_the_text_is_that_of_the_library(run: Run, saved: Path) -> None:
    model = load(saved)
    how = {"temperature": 2.0, "top_k": 5, "top_p": 0.99}
    options = ["--temperature", 2, "--top-k", 5, "--top-p", 0.99, "--seed", 4]
    done = run("--model", saved, "--prompt", "the", "--horizon", 30, *options)
    assert done.out == model.sample(30, df="the", random_state=4, **how).removesuffix("\n") + "\n"
    done = run("--model", saved, "--horizon", 9, "--prompt", "the c", "--beams", 3)
    assert done.out == model.predict(9, df="the c", num_beams=3) + "\n"


def test_a_model_is_saved_and_goes_on_with_a_file(run: Run) -> None:
    assert run(text(), "--length", 3, "--save", "m.tsgen", "--out", "a.txt").code == 0
    assert Path("a.txt").read_text() == "the\n"
    done = run(text("the cat", "start.txt"), "--model", "m.tsgen", "--length", 6)
    assert done.out == " sat. \n"


@pytest.mark.slow
def test_lines_are_texts_that_end(run: Run) -> None:
    names = text("anna\nbob\n" * 30, "names.txt")
    options = ["--lines", "--samples", 5, "--length", 20, "--top-k", 1]
    done = run(names, *options, "--prompt", "an", "--save", "n.tsgen", steps=150)
    assert done.out.split() == ["na"] * 5
    done = run("--model", "n.tsgen", "--samples", 5, "--length", 20, "--out", "names.csv")
    rows = pd.read_csv("names.csv")
    assert list(rows.columns) == ["sample_id", "text"]
    assert set(rows["text"]) <= {"anna", "bob"}


@pytest.mark.slow
def test_words(run: Run) -> None:
    done = run(text(), "--unit", "word", "--prompt", "the", "--length", 5)
    assert done.out == "cat sat. the cat sat.\n"


def test_ends(run: Run, saved: Path) -> None:
    options = ["--model", saved, "--prompt", "the ", "--length", 50]
    assert run(*options, "--until", ".").out == "cat sat.\n"
    assert run(*options, "--until", " ", "--until", ".").out == "cat \n"
    refused(run(*options, "--until", "\\n"), "--until", "is none of the symbols of fit")


def test_texts_of_several_sequences_and_samples_are_a_table(saved: Path) -> None:
    model = LSTMGenerator.load(saved)
    several = [["a", "b"], ["c", "d"]]
    content = symbol_bytes(several, Path("t.csv"), model, Choosing(samples=2)).decode()
    assert content.split() == ["sequence,sample_id,text", "0,0,a", "0,1,b", "1,0,c", "1,1,d"]
    assert symbol_bytes(["a", "b"], Path("t.csv"), model, Choosing()).decode().split() == [
        "sequence,text",
        "0,a",
        "1,b",
    ]


@pytest.mark.slow
def test_a_model_of_lists_reads_and_writes_lines_of_symbols(run: Run) -> None:
    notes = [[60, 62, 64, 65]] * 40
    LSTMGenerator(max_steps=100, verbose=False).fit(notes).save("notes.tsgen")
    assert run("--model", "notes.tsgen", "--prompt", "60 62", "--length", 9).out == "64 65\n"
    two = text("60\n60 62 64\n", "two.txt")
    assert run(two, "--model", "notes.tsgen", "--length", 9).out == "62 64 65\n65\n"


# --- tables --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_is_continued_at_the_next_stamps(run: Run, ending: str) -> None:
    done = run(table(f"log.{ending}"), "--length", 5, "--out", f"next.{ending}")
    assert (done.code, done.err) == (0, "")
    rows = (pd.read_csv if ending == "csv" else pd.read_parquet)(f"next.{ending}")
    assert list(rows.columns) == ["unique_id", "ds", "y"]
    assert rows["ds"].tolist() == [60, 61, 62, 63, 64]
    assert rows["y"].tolist() == ["idle", "load", "drill", "drill", "idle"]


@pytest.mark.parametrize("index", ["ds", "day"])
def test_a_wide_table_is_continued_as_one(run: Run, index: str) -> None:
    days = pd.date_range("2024-01-01", periods=60, name=index)
    wide = pd.DataFrame({"a": STATES, "b": STATES[1:] + STATES[:1]}, index=days)
    wide.to_parquet("wide.parquet")
    assert run("wide.parquet", "--length", 3, "--out", "next.parquet").code == 0
    rows = pd.read_parquet("next.parquet")
    assert rows.index[0] == pd.Timestamp("2024-03-01")
    assert rows["a"].tolist() == ["idle", "load", "drill"]
    assert rows["b"].tolist() == ["load", "drill", "drill"]
    refused(run("wide.parquet", "--length", 3, "--target-col", "state"), "no column 'state'")


@pytest.mark.slow
def test_a_model_goes_on_learning(run: Run, saved: Path) -> None:
    options = ["--cell", "gru", "--hidden-size", 16, "--save", "first.tsgen", "--out", "1.txt"]
    assert run(text(), "--length", 3, *options).code == 0
    first = load("first.tsgen")
    assert (first.cell, first.settings_.hidden_size) == ("gru", 16)
    options = ["--init", "first.tsgen", "--save", "more.tsgen", "--out", "2.txt"]
    assert run(text(), "--length", 3, *options).code == 0
    assert (load("more.tsgen").cell, load("more.tsgen").settings_.hidden_size) == ("gru", 16)
    refused(run(text(), "--length", 3, "--init", saved, "--cell", "gru"), "LSTMGenerator")
    refused(
        run(text(), "--length", 3, "--init", saved, "--unit", "word"), "--unit word beside --init"
    )
    refused(run(text(), "--length", 3, "--init", saved, "--out", saved), "file that is read")
    refused(run("--model", saved, "--length", 3, "--cell", "gru"), "--cell beside --model")


@pytest.mark.slow
def test_columns_by_other_names_in_a_file_by_any_name(run: Run) -> None:
    frame = pd.DataFrame({"t": pd.date_range("2024-01-01", periods=60), "state": STATES})
    frame.to_csv("log.txt", index=False)
    done = run("log.txt", "--target-col", "state", "--length", 2, "--samples", 2)
    assert done.out.splitlines()[0] == "t,sample_id,state"
    assert done.out.splitlines()[1].startswith("2024-03-01,0,")


def test_codes_are_symbols_as_they_are_written(run: Run) -> None:
    done = run(table(y=["007", "08", "1.50"] * 20), "--length", 3)
    assert [line.rpartition(",")[2] for line in done.out.splitlines()] == ["y", "007", "08", "1.50"]


def test_a_model_of_numbers_reads_numbers(run: Run, of_states: Path) -> None:
    pd.DataFrame({"ds": range(3), "y": [0, 7, 12]}).to_csv("new.csv", index=False)
    done = run("new.csv", "--model", of_states, "--length", 2)
    assert done.out.split() == ["ds,y", "3,12", "4,0"]
    assert run("--model", of_states, "--length", 9, "--until", "7").out.split()[1:3] == [
        "60,0,False",
        "61,7,True",
    ]


@pytest.mark.slow
def test_missing_symbols_are_filled_when_asked(run: Run) -> None:
    holes = table(y=["idle", "load", "drill", ""] * 15)
    refused(run(holes, "--length", 2), "missing", "--fill ffill")
    assert run(holes, "--length", 2, "--fill", "ffill").code == 0


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--horizon"),
        (["--length", 5], "pass FILE, or --model"),
        (["book.txt", "--length", 5, "--beams", 2, "--top-p", 0.9], "leave one out"),
        (["book.txt", "--length", 5, "--temperature", -1], "--temperature"),
        (["book.txt", "--length", 5, "--out", "book.txt"], "is the file that is read"),
        (["book.txt", "--length", 5, "--out", "precious.txt"], "precious.txt exists; --overwrite"),
        (["book.txt", "--length", 5, "--save", "precious.txt"], "precious.txt exists"),
        (["book.txt", "--length", 5, "--save", "-"], "a model needs a file"),
        (["none.txt", "--length", 5], "no file none.txt"),
        (["empty.txt", "--length", 5], "there is no symbol in it"),
        (["binary.txt", "--length", 5], "can't read binary.txt"),
        (["log.csv", "--length", 5, "--lines"], "--lines is for text"),
        (["log.csv", "--length", 5, "--target-col", "state"], "no column 'state'"),
        (["log.csv", "--length", 5, "--out", "next.xlsx"], "can't write next.xlsx"),
    ],
    ids=range(14),
)
def test_what_is_wrong_is_said_before_any_fit(
    run: Run, monkeypatch: pytest.MonkeyPatch, options: list[Any], said: str
) -> None:
    monkeypatch.setattr("tsgen.forecasters.symbolic.train_symbols", None)
    text(), table(), text("", "empty.txt")
    Path("precious.txt").write_text("precious")
    Path("binary.txt").write_bytes(bytes(range(256)))
    refused(run(*options), said)
    assert Path("precious.txt").read_text() == "precious"


def test_what_a_saved_model_refuses(run: Run, saved: Path, of_states: Path) -> None:
    given = ["--model", saved, "--length", 5]
    refused(run(*given, "--unit", "word", "--lines"), "--unit, --lines beside --model")
    refused(run(*given, "--save", "m.tsgen"), "--save beside --model")
    refused(run(text(), *given, "--prompt", "the"), "leave one out")
    refused(run("--model", of_states, "--length", 5, "--prompt", "0"), "--prompt is for text")
    refused(run("--model", of_states, "--length", 5, "--out", "next.xlsx"), "can't write")


def test_models_of_numbers_and_of_symbols_have_their_commands(
    run: Run, saved: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:  # fmt: skip
    command = in_empty_folder(tmp_path, monkeypatch, capfd)
    refused(command("predict", saved, "--horizon", 2), "model of symbols", "tsgen generate --model")
    frame = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=30), "y": range(30)})
    LSTMForecaster(max_steps=1, verbose=False).fit(frame, id_col=None).save("n.tsgen")
    refused(run("--model", "n.tsgen", "--length", 2), "model of numbers", "tsgen predict")

"""The benchmarks of symbols: small runs of each script, and the tables that their results make."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.sequences import (
    learning,
    machine,
    machine_log,
    music,
    speed,
    streaming,
    tables,
    text,
)

TINY = ["--settings", '{"hidden_size": 4, "max_steps": 2}', "--seeds", "0", "1"]


def given(*arguments: str) -> argparse.Namespace:
    return learning.options(None, Path("x.csv")).parse_args([*TINY, *arguments])


# --- runs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [None, 0.001])
def test_a_fit_says_how_it_was_made(minutes: float | None) -> None:
    fit = learning.fitted("abc" * 30, 3, {"hidden_size": 4, "preset": "fast"}, minutes)
    assert fit.row["model"] == ("tsgen, fast" if minutes is None else "tsgen, 0.001 minutes")
    assert fit.row["seed"] == fit.model.settings_.random_state == 3
    steps = fit.row["steps"]  # in so short a time as many as this machine makes
    assert steps == 200 if minutes is None else steps >= 1
    assert fit.row["settings"] == '{"hidden_size": 4, "preset": "fast"}'


def test_steps_are_as_many_as_take_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second to begin with, and a tenth of one for each step."""
    monkeypatch.setattr(learning, "_seconds", lambda model, _: 1.0 + 0.1 * (model.max_steps - 1))
    assert learning._steps_within(1.0, "", {}) == 590


def test_text() -> None:
    whole = "the cat sat on the mat. " * 20
    ours = text.learned(whole[:400], whole[400:], given())
    assert ours["seed"].tolist() == [0, 1]
    assert (ours["nats"] < 2 * np.log(len(set(whole)))).all()
    theirs = text.counted(whole[:400], whole[400:], [2, 6])
    assert theirs["nats"].is_monotonic_decreasing
    assert theirs["nats"].iloc[1] < 0.3


def test_music() -> None:
    rows = [(piece, step, note) for piece in ("001", "229", "230", "306", "307")
            for step, note in enumerate("CDEFG" * (8 if piece != "307" else 1))]  # fmt: skip
    chorales = pd.DataFrame(rows, columns=["unique_id", "ds", "y"])
    training, test = music.split(chorales)
    assert training["unique_id"].unique().tolist() == ["001", "229"]
    assert test["unique_id"].unique().tolist() == ["306", "307"]
    ours = music.learned(training, test, given())
    assert (ours[["bits", "bits_new"]] > 0).all(axis=None)
    theirs = music.counted(training, test, [3]).set_index("model")
    assert theirs.loc["3-gram, Kneser-Ney", "bits"] < 0.5
    assert len(theirs) == 4


def test_pieces_that_repeat_are_left_out_of_the_second_score() -> None:
    values = [np.log(np.full(4, 0.5)), np.log(np.full(2, 0.125))]
    assert music.scores(values, [True, False]) == pytest.approx({"bits": 10 / 6, "bits_new": 3.0})
    assert np.isnan(music.scores(values, [True, True])["bits_new"])


def test_machine() -> None:
    log = machine_log.simulate(machines=2, steps=400, faults=2)
    ours = machine.learned(log, given())
    assert len(ours) == 4
    assert ours["rank"].between(1, 100).all()
    theirs = machine.counted(log, [3, 5])
    assert theirs["model"].unique().tolist() == ["3-gram, Kneser-Ney", "5-gram, Kneser-Ney"]
    assert (theirs["bits"] > theirs["least_bits"]).all()


def test_speed() -> None:
    table = speed.measured(hidden_size=8, length=5, prompts=3, repeats=1)
    assert table["prompts"].tolist() == [1, 1, 1, 1, 3]
    assert table["choice"].tolist() == [*speed.CHOICES, "drawn"]
    assert (table["ratio"] > 0).all()
    stepped = speed.Stepped(4, 2, 3)
    assert speed.torch.Size([7]) == stepped.generate(speed.torch.tensor([0, 1]), 7).shape


def test_the_works_of_the_loop_are_prompt_by_prompt() -> None:
    row = speed._row(1000, 256, 2.0, 4.0)
    assert (row["symbols_per_s"], row["stepped_symbols_per_s"]) == (128_000.0, 250.0)
    assert row["ratio"] == 512.0


@pytest.mark.parametrize("kind", streaming.KINDS)
def test_streamed_texts_have_so_many_symbols(kind: str) -> None:
    texts = list(streaming.texts(kind, 25_000))
    lengths = [len(text if kind == "characters" else text.split()) for text in texts]
    assert lengths == [10_000, 10_000, 5_000]
    different = set("".join(texts) if kind == "characters" else " ".join(texts).split())
    assert len(different) <= streaming.KINDS[kind]
    assert len(different) > (90 if kind == "characters" else 10_000)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_streaming() -> None:
    row = streaming.measure("words", 20_000)
    assert row["symbols"] == 20_000
    assert row["known"] < row["different"]
    assert 0 <= row["above_mib"] < 2_000


@pytest.mark.slow
def test_scripts_record_what_they_measure(tmp_path: Path) -> None:
    out = str(tmp_path / "found.csv")
    speed.main(["--units", "8", "--length", "3", "--prompts", "2", "--repeats", "1", "--out", out])
    assert {"ratio", "commit", "command", "date"} <= set(pd.read_csv(out).columns)
    out = str(tmp_path / "music.csv")
    music.main([*TINY[:2], "--out", out])
    music.main(["--orders", "2", "--out", out])
    assert pd.read_csv(out)["model"].str.startswith("tsgen").sum() == 1


# --- tables --------------------------------------------------------------------------------------


def test_what_is_not_measured_says_so(tmp_path: Path) -> None:
    for name, block in tables.tables(tmp_path).items():
        assert tables.MISSING in block, name
        widths = {line.count("|") for line in block.splitlines()}
        assert len(widths) == 1, name


def test_pairs_are_by_task_and_width() -> None:
    runs = pd.DataFrame(
        {
            "task": ["digits", "digits", "dates"], "beams": [5, 1, 1], "model": "tsgen, 3 minutes",
            "error": [0.5, 0.75, 0.1], "symbol_error": 0.1, "predict_s": 1.0, "seconds": 180.0,
        }
    )  # fmt: skip
    lines = tables.pairs(runs).splitlines()[2:]
    assert lines[0].startswith("| dates in twenty notations | tsgen, 3 minutes, greedy | 0.10 ")
    assert lines[1].startswith("| 5 to 25 digits, reversed | tsgen, 3 minutes, greedy | 0.75 ")
    assert lines[2].startswith("| 5 to 25 digits, reversed | tsgen, 3 minutes, 5 beams | 0.50 ")
    assert "Transformer (published) | 20.2" in lines[5]
    assert lines[6] == "| letters to phonemes | tsgen |" + " not measured yet |" * 4


def test_tables_are_sorted_and_seeds_are_put_together() -> None:
    runs = pd.DataFrame(
        [("tsgen, 3 minutes", 1.5, 180.0), ("tsgen, 3 minutes", 1.7, 182.0), ("4-gram", 2.0, 9.0)],
        columns=["model", "nats", "seconds"],
    )
    lines = tables.text(runs).splitlines()[2:]
    assert lines[1] == "| tsgen, 3 minutes | 1.600 (1.500 to 1.700) | 181 s |"
    assert lines[-1] == "| 4-gram | 2.000 | 9 s |"
    assert tables.text(runs.iloc[2:]).splitlines()[-1].startswith("| tsgen | not measured yet")
    notes = runs.assign(bits=runs["nats"], bits_new=runs["nats"] + 1)
    assert tables.music(notes).splitlines()[2].startswith("| tsgen, 3 minutes | 1.600 (1.500")


def test_of_chains_the_best_are_shown() -> None:
    runs = pd.DataFrame(
        [("Markov a", 2.0, 5.0), ("Markov b", 3.0, 4.0), ("Markov c", 3.0, 5.0), ("x", 9.0, 9.0)],
        columns=["model", "bits", "bits_new"],
    )
    shown = [line.split(" | ")[0] for line in tables.music(runs).splitlines()[2:]]
    assert shown == ["| Markov a", "| Markov b", "| x", "| tsgen"]


def test_faults_are_counted() -> None:
    faults = pd.DataFrame({"model": "tsgen", "rank": [1, 5, 6], "bits": 1.25, "least_bits": 1.2})
    assert tables.machine(faults).splitlines()[2] == (
        "| tsgen | 2 of 3 | 6 | 1.250 (at best 1.200) |"
    )


def test_symbols_a_second() -> None:
    row = {"units": 512, "choice": "drawn"} | speed._row(1000, 256, 2.0, 4.0)
    runs = pd.DataFrame([row])
    assert tables.speed(runs).splitlines()[2] == (
        "| 512 | 256 | drawn | 1,000 | 2 s | 128,000 | 250 | 512.0 |"
    )

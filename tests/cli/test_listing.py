"""`tsgen datasets`, what completes in a shell, examples in the help, and exit codes."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import typer
from support.command_line import Run, in_empty_folder, run_process

import tsgen
from tsgen.cli import app

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
SETTINGS = {"forecast", "fit", "backtest", "report", "generate", "translate"}
"""Commands that take --max-steps."""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    return in_empty_folder(tmp_path, monkeypatch, capfd)


def test_all_data_sets_are_listed(run: Run) -> None:
    done = run("datasets")
    assert done.code == 0
    for name in [*tsgen.list_datasets(), *tsgen.list_datasets("benchmarks")]:
        assert name in done.out
    header, *lines = done.out.partition("\n\n")[0].splitlines()
    assert len(lines) == len(tsgen.list_datasets())
    assert all(
        line.startswith(name) for line, name in zip(lines, tsgen.list_datasets(), strict=True)
    )
    assert {line[header.index("from") - 2 :][:2] for line in lines} == {"  "}  # below one another
    passengers = next(line for line in done.out.splitlines() if "air_passengers" in line)
    assert passengers.split() == ["air_passengers", "1", "144", "1949-01-01", "1960-12-01", "y"]


def test_one_is_written(run: Run, tmp_path: Path) -> None:
    done = run("datasets", "sunspots", "--out", "sunspots.csv")
    assert (done.code, done.out.split()) == (0, ["written", "sunspots.csv"])
    found = pd.read_csv(tmp_path / "sunspots.csv", parse_dates=["ds"])
    pd.testing.assert_frame_equal(found, tsgen.load_dataset("sunspots"), check_dtype=False)
    assert run("datasets", "sunspots").out == (tmp_path / "sunspots.csv").read_text()
    (tmp_path / "other.csv").touch()
    again = run("datasets", "sunspots", "--out", "other.csv")
    assert (again.code, "--overwrite" in again.err) == (2, True)
    unknown = run("datasets", "sunspot")
    assert (unknown.code, "did you mean 'sunspots'?" in unknown.err) == (2, True)


@pytest.mark.slow
def test_names_complete_in_a_shell(tmp_path: Path) -> None:
    script = tmp_path / "tsgen"
    script.write_text("from tsgen.cli import main\nmain()\n")
    environment = os.environ | {
        "PYTHONPATH": str(Path(tsgen.__file__).parents[1]),
        "_TSGEN_COMPLETE": "complete_bash",
    }

    def offered(words: str, place: int) -> list[str]:
        done = subprocess.run(
            [sys.executable, script],
            env=environment | {"COMP_WORDS": words, "COMP_CWORD": str(place)},
            capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.split()

    assert offered("tsgen fo", 1) == ["forecast"]
    assert offered("tsgen datasets s", 2) == ["seattle_temperatures", "sunspots"]
    assert "--horizon" in offered("tsgen forecast --ho", 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_each_command_runs(name: str, run: Run, tmp_path: Path) -> None:
    example = COMMANDS[name].epilog
    assert example.startswith("Example: tsgen " + name)
    stamps = pd.date_range("2024-01-01", periods=120, freq="D")
    table = pd.DataFrame({"unique_id": "a", "ds": stamps, "y": stamps.day_of_week + 1.0})
    table.to_csv(tmp_path / "sales.csv", index=False)
    (tmp_path / "verse.txt").write_text("to be or not to be, that is the question. " * 30)
    words = tsgen.load_dataset("dates").iloc[:60]
    words["iso"] = words["iso"].where(words.index < 58)
    words.to_csv(tmp_path / "words.csv", index=False)
    arguments = shlex.split(example.removeprefix("Example: tsgen "))
    if name == "predict":
        assert run("fit", "sales.csv", "--save", "model.tsgen", "--max-steps", 2).code == 0
    if name == "pretrain":
        place = arguments.index("--minutes")
        arguments[place : place + 2] = ["--steps", "2", "--hidden-size", "4"]
    if name in SETTINGS:
        arguments += ["--max-steps", "2"]
    done = run(*arguments)
    assert done.code == 0, done.err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_an_interrupted_command_ends_with_130(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom tsgen.cli import commands\n"
        "commands._check = lambda *_: (print('here', flush=True), time.sleep(60))\n"
        "sys.argv = ['tsgen', 'forecast', 'x.csv', '--horizon', '3']\ncommands.main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, text=True,
        env=os.environ | {"PYTHONPATH": str(Path(tsgen.__file__).parents[1])},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "here"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip() == "tsgen: interrupted"


@pytest.mark.slow
def test_usage_errors_are_code_2(tmp_path: Path) -> None:
    done = run_process(["forecast", "missing.csv"], tmp_path)
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1

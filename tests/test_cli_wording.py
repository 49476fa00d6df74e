"""Messages of the library in the words of the command line."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import tsgen
from tsgen.cli.wording import OPTIONS, on_command_line

READ_FILES = ["calendar", "checks", "columns", "covariates", "frequency", "gaps", "long_reader",
              "reading", "future_covariates", "intervals", "covariate_rows"]  # fmt: skip
"""The modules whose messages are about frames, as any file can bring them up."""
PYTHON = re.compile(
    rf"\b(?:{'|'.join(OPTIONS)})=|pd\.|df\[|\btz_|\bdf\.\w+\(|astype|asfreq|with resample"
    r"|DataFrame and|fit\(|tsgen\.\w"
)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("pass id_col=", "pass --id-col"),
        ("pass the right freq=", "pass the right --freq"),
        ("freq='noon' isn't one", "--freq noon isn't one"),
        ("level=[180.0]: as in level=[80, 95]", "--level 180.0: as in --level 80 --level 95"),
        ("pass fill='mask', 'ffill' or a number", "pass --fill mask, 'ffill' or a number"),
        ("time_col='a b', target_col='c'", "--time-col 'a b' --target-col c"),
        ("overwrite=True", "--overwrite"),
        ("drop them, or pass short='skip'", "drop them"),
        ("add rows, for instance with asfreq, or fill them", "add rows, or fill them"),
        ("convert it with pd.to_datetime(..., utc=True)",
         "say how it is written with --date-format"),
        ("first tz_localize(zone, ambiguous='infer')", "name the zone with --time-zone"),
        ("name its columns in fit(df, future_covariates=[...])",
         "name its columns in tsgen fit with --future"),
        ("made by model.save(path)", "made by tsgen fit --save"),
        ("earlier rows alone (tsgen.hold_out), or pass refit=True",
         "earlier rows alone, or pass --refit"),
        ("expected 'auto', a finite number, or None", "expected 'auto', a finite number"),
        ("two\n- lines", "two - lines"),
    ],
)  # fmt: skip
def test_remedies(message: str, expected: str) -> None:
    assert on_command_line(message) == expected


def messages(module: str) -> list[str]:
    """All texts of a module but its docstrings, with names in the place of what is put in."""
    path = Path(tsgen.__file__).with_name(f"{module}.py")
    tree = ast.parse(path.read_text())
    found, parts = [], set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            parts.add(node.value)
        if isinstance(node, ast.JoinedStr):
            parts.update(node.values)
            found.append("".join(
                str(part.value) if isinstance(part, ast.Constant) else "'x'"
                for part in node.values
            ))  # fmt: skip
    found += [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts
    ]
    return [text for text in found if " " in text]


@pytest.mark.parametrize("module", READ_FILES)
def test_no_message_about_a_file_speaks_python(module: str) -> None:
    for message in messages(module):
        said = on_command_line(message)
        assert not PYTHON.search(said), said

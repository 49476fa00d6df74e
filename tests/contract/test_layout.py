"""Every module has a file of tests, and `make test-fast` runs some of each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tsgen

TESTS = Path(__file__).parents[1]
MODULES = Path(tsgen.__file__).parent
SHORT = 60
"""Lines, up to which a module needs no tests of its own."""

# What is a part of something else, by the file that tests the whole.
TESTED_BY = {
    "_validation": "forecasters/test_settings",
    "cli/accuracy": "cli/test_commands",
    "cli/data": "cli/test_values",
    "cli/dates": "cli/test_times",
    "cli/options": "cli/test_columns",
    "data/covariate_rows": "data/test_covariates",
    "data/guesses": "data/test_frame",
    "data/layouts": "data/test_frame",
    "data/long": "data/test_frame",
    "data/panel": "data/test_frame",
    "data/reader": "data/test_frame",
    "data/sequences": "data/test_sequence_reader",
    "data/spec": "data/test_covariates",
    "data/validation": "data/test_frame",
    "data/wide": "data/test_frame",
    "distributed/cluster": "distributed/test_forecasts",
    "errors": "test_messages",
    "evaluation/scored_windows": "evaluation/test_scoring",
    "forecasters/base": "contract/test_forecasters",
    "forecasters/encoder_decoder_settings": "forecasters/test_encoder_decoder",
    "forecasters/fitted": "forecasters/test_forecaster",
    "forecasters/fitted_symbolic": "forecasters/test_symbolic",
    "forecasters/fitting": "forecasters/test_forecaster",
    "forecasters/neural": "forecasters/test_forecaster",
    "forecasters/presets": "forecasters/test_settings",
    "forecasters/recurrent": "forecasters/test_forecaster",
    "forecasters/snapshot": "forecasters/test_saving",
    "forecasters/seq2seq_settings": "forecasters/test_seq2seq",
    "forecasters/symbol_estimator": "forecasters/test_symbolic",
    "forecasters/symbol_fitting": "forecasters/test_symbolic",
    "forecasters/symbol_settings": "forecasters/test_symbolic",
    "forecasters/symbol_snapshot": "forecasters/test_symbolic",
    "generation/folded": "generation/test_dispatch",
    "generation/stepped": "generation/test_rollout",
    "inference/fitted": "inference/test_state",
    "inference/forecast": "inference/test_intervals",
    "inference/integrity": "forecasters/test_saving",
    "inference/saving": "inference/test_state",
    "inference/spread_calibration": "inference/test_spread",
    "inference/rolling_origin": "evaluation/test_backtest",
    "inference/seq2seq": "forecasters/test_seq2seq",
    "inference/symbol_backtest": "forecasters/test_symbolic",
    "inference/symbol_importance": "forecasters/test_symbolic",
    "io/archive": "forecasters/test_saving",
    "io/container": "forecasters/test_saving",
    "io/skops_objects": "forecasters/test_saving",
    "plotting/style": "plotting/test_forecasts",
    "testing": "data/test_systems",
    "training/callbacks": "training/test_survival",
    "training/data_module": "training/test_lightning_module",
    "training/step": "training/test_strategies",
    "weights/curriculum": "weights/test_weights",
}
NAMES = sorted(
    path.relative_to(MODULES).with_suffix("").as_posix()
    for path in MODULES.rglob("*.py")
    if path.name != "__init__.py"
)


def mirror_of(name: str) -> Path:
    """`training/test_report.py` of `training/report`; folders and files may be private."""
    *folders, module = (part.lstrip("_") for part in name.split("/"))
    return TESTS.joinpath(*folders, f"test_{module}.py")


def test_every_module_has_a_file_of_tests() -> None:
    for name in NAMES:
        if len((MODULES / f"{name}.py").read_text().splitlines()) > SHORT:
            assert mirror_of(name).exists() or name in TESTED_BY, f"where is {name} tested?"


@pytest.mark.parametrize("name", TESTED_BY)
def test_the_list_names_what_is_there(name: str) -> None:
    assert name in NAMES
    assert (TESTS / f"{TESTED_BY[name]}.py").exists()


def test_no_module_is_tested_by_slow_tests_alone() -> None:
    files = {mirror_of(name) for name in NAMES}
    files |= {TESTS / f"{name}.py" for name in TESTED_BY.values()}
    for path in sorted(path for path in files if path.exists()):
        content = path.read_text()
        assert not re.search(r"^pytestmark\b.*\bslow\b", content, re.MULTILINE), path.name
        tests = re.findall(r"^((?:@.*\n(?:[ )\]].*\n)*)*) *def test_", content, re.MULTILINE)
        assert any("@pytest.mark.slow" not in decorators for decorators in tests), path.name

"""What an exported model says of itself, needs and refuses."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.preprocessing import PowerTransformer, StandardScaler
from support.onnx_sessions import (
    ROLES,
    assert_equals_predict,
    context_of,
    ragged,
    session_of,
    tiny,
    with_covariates,
)
from support.problems import wavy
from support.processes import python

from tsgen import EncoderDecoderForecaster, GRUGenerator, LSTMForecaster
from tsgen.errors import MissingExtraError, NotFittedError, SettingError


def test_a_wide_frame_as_one_system(tmp_path: Path) -> None:
    df = pd.DataFrame({"b": wavy(80, seed=1), "a": 100 * wavy(80, seed=2)})
    df.index = pd.date_range("2024-01-01", periods=80)
    fitted = tiny(multivariate=True).fit(df)
    assert_equals_predict(tmp_path / "a.onnx", fitted, df)
    assert described(tmp_path / "a.onnx")["channels"] == ["a", "b"]


def described(path: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(session_of(path).get_modelmeta().custom_metadata_map["tsgen"])
    return said


def test_the_file_says_what_goes_in_and_what_comes_out(tmp_path: Path) -> None:
    df = with_covariates()
    fitted = tiny(calendar="day_of_week", window_norm=False, lags=[1, 3]).fit(df, **ROLES["all"])
    fitted.export_onnx(tmp_path / "a.onnx")
    session = session_of(tmp_path / "a.onnx")
    names = ["context", "horizon", "series", "covariates", "static"]
    assert [item.name for item in session.get_inputs()] == names
    said = described(tmp_path / "a.onnx")
    assert said["series"] == ["s0", "s1", "s2"]
    assert (said["freq"], said["rows_read"], said["context_length"]) == ("D", 18, 16)
    assert [item["name"] for item in said["covariates"]] == [
        "price", "promotion", "weather", "sky", "day_of_week_sin", "day_of_week_cos",
    ]  # fmt: skip
    assert said["covariates"][1]["categories"] == ["none", "some"]
    assert [item["name"] for item in said["static"]] == ["size", "region"]
    assert said["channels"] == said["forecast"] == ["y"]


def test_a_model_whose_windows_are_normalised_asks_for_a_context_and_a_horizon_alone(
    tmp_path: Path,
) -> None:
    tiny().fit(ragged()).export_onnx(tmp_path / "a.onnx")
    inputs = session_of(tmp_path / "a.onnx").get_inputs()
    assert [(item.name, item.shape) for item in inputs] == [
        ("context", ["batch", "rows", 1]), ("horizon", []),
    ]  # fmt: skip


# ------------------------------------------------------------------------------ without torch


def test_onnx_runtime_alone_forecasts(tmp_path: Path) -> None:
    df = ragged()
    df.loc[[85, 95], "y"] = np.nan
    fitted = tiny(n_models=2).fit(df, fill="mask")
    fitted.export_onnx(tmp_path / "a.onnx")
    np.save(tmp_path / "context.npy", context_of(fitted.panel_))
    script = """
        import sys
        sys.modules["torch"] = sys.modules["tsgen"] = None
        import numpy as np, onnxruntime
        folder = sys.argv[1]
        session = onnxruntime.InferenceSession(f"{folder}/a.onnx")
        inputs = {"context": np.load(f"{folder}/context.npy"), "horizon": np.array(30)}
        np.save(f"{folder}/forecast.npy", session.run(None, inputs)[0])
    """
    with python(script, tmp_path) as process:
        output, errors = process.communicate()
    assert (process.returncode, output, errors) == (0, "", "")  # no warnings of the runtime
    wanted = fitted.predict(30)["y"].to_numpy().reshape(4, 30, 1)
    scale = df.groupby("unique_id")["y"].std().to_numpy()[:, None, None]
    assert (np.abs(np.load(tmp_path / "forecast.npy") - wanted) <= 1e-5 * scale).all()


def test_the_graph_passes_the_full_check_and_old_runtimes_read_it(tmp_path: Path) -> None:
    tiny(calendar="day_of_week").fit(with_covariates(), **ROLES["all"]).export_onnx(
        tmp_path / "a.onnx"
    )
    made = onnx.load(tmp_path / "a.onnx")
    onnx.checker.check_model(made, full_check=True)
    assert made.ir_version == 8
    assert [item.version for item in made.opset_import] == [17]


# ------------------------------------------------------------------------------ what is refused


def test_a_file_that_is_there_stays_unless_it_shall_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_text("mine")
    fitted = tiny().fit(ragged())
    with pytest.raises(FileExistsError, match=r"a\.onnx exists: pass overwrite=True"):
        fitted.export_onnx(path)
    assert path.read_text() == "mine"
    fitted.export_onnx(path, overwrite=True)
    assert onnx.load(path).producer_name == "tsgen"
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        fitted.export_onnx(tmp_path / "none" / "a.onnx")


@pytest.mark.parametrize("window_norm", [True, False])
def test_a_transformer_of_scikit_learn_is_refused(tmp_path: Path, window_norm: bool) -> None:
    fitted = tiny(scaler=PowerTransformer(), window_norm=window_norm).fit(ragged())
    with pytest.raises(SettingError, match=r"scaler is a transformer of scikit-learn.*'standard'"):
        fitted.export_onnx(tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_transformer_of_covariates_is_refused(tmp_path: Path) -> None:
    fitted = tiny(covariate_scaler=StandardScaler()).fit(with_covariates(), **ROLES["future"])
    with pytest.raises(SettingError, match="covariate_scaler is a transformer of scikit-learn"):
        fitted.export_onnx(tmp_path / "a.onnx")


def test_an_encoder_decoder_and_symbols_are_refused(tmp_path: Path) -> None:
    settings = {"hidden_size": 4, "max_steps": 1, "verbose": False}
    numbers = EncoderDecoderForecaster(**settings).fit(ragged((60,)))
    symbols = GRUGenerator(context_length=4, **settings).fit("abcabcabcabc" * 20)
    for model, name in ((numbers, "EncoderDecoderNetwork"), (symbols, "GRUGenerator")):
        with pytest.raises(SettingError, match=f"{name} can't be exported to ONNX.*tsgen.load"):
            model.export_onnx(tmp_path / "a.onnx")


def test_levels_of_sample_paths_are_refused(tmp_path: Path) -> None:
    fitted = tiny().fit(ragged())
    with pytest.raises(SettingError, match=r"come of sample paths.*leave level= out"):
        fitted.export_onnx(tmp_path / "a.onnx", level=80)
    with pytest.raises(SettingError, match="did you mean level=80"):
        fitted.export_onnx(tmp_path / "a.onnx", level=0.8)


def test_before_fit_and_without_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFittedError, match="before export_onnx"):
        tiny().export_onnx(tmp_path / "a.onnx")
    fitted = tiny().fit(ragged())
    for name in [name for name in sys.modules if name.startswith(("onnx.", "tsgen.export."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tsgen\[onnx\]'"):
        fitted.export_onnx(tmp_path / "a.onnx")


def test_a_loaded_model_is_exported_alike(tmp_path: Path) -> None:
    fitted = tiny().fit(ragged())
    fitted.save(tmp_path / "a.tsgen")
    fitted.export_onnx(tmp_path / "a.onnx")
    LSTMForecaster.load(tmp_path / "a.tsgen").export_onnx(tmp_path / "b.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()

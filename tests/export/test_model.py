"""What an exported model needs, and what can't be exported."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from sklearn.preprocessing import PowerTransformer, StandardScaler
from support.onnx_sessions import (
    ROLES,
    context_of,
    ragged,
    tiny,
    with_covariates,
)
from support.processes import python

from tsgen import EncoderDecoderForecaster, GRUGenerator, LSTMForecaster
from tsgen.errors import MissingExtraError, NotFittedError, SettingError

# ------------------------------------------------------------------------------ without torch


@pytest.mark.slow
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


def test_the_graph_passes_the_full_check_and_is_one_that_old_runtimes_read(tmp_path: Path) -> None:
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

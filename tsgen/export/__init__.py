"""A fitted model as a file that ONNX Runtime forecasts from, without torch.

The graph holds all of ``predict`` but the frames: ``units`` (bounds, scalers, mean and spread of a
context), ``covariates``, ``network`` (reading a context over its holes, and the closed loop),
``loops`` (that of all members) and ``levels``, put together by ``model``; ``signature`` has the
inputs and the outputs, and ``graph`` is how nodes are written. Nothing is traced: the graph is made
from the weights. Needs ``pip install 'tsgen[onnx]'``.
"""

from __future__ import annotations

from collections.abc import Mapping

from tsgen.data import Panel
from tsgen.errors import MissingExtraError, SettingError
from tsgen.inference import FittedModel, SpreadCalibration
from tsgen.io import PathLike, check_target, whole_file

__all__ = ["write_onnx"]


def write_onnx(
    model: FittedModel,
    panel: Panel,
    path: PathLike,
    *,
    shares: Mapping[str, float],
    overwrite: bool,
) -> None:
    """Write a model to a file, as ``LSTMForecaster.export_onnx`` says.

    Parameters
    ----------
    model : FittedModel
    panel : Panel
        Series as the model reads them, for the names of what goes in and comes out.
    path : path
    shares : mapping of str to float
        By the suffix of its name, the share of what may come that is below a quantile.
    overwrite : bool
    """
    if not model.network.only_recurrent:
        raise SettingError(
            f"a {type(model.network).__name__} can't be exported to ONNX: fit an LSTMForecaster or "
            "a GRUForecaster, or serve this one with tsgen.load(path)"
        )
    if shares and not isinstance(model.calibration, SpreadCalibration):
        raise SettingError(
            "level=: the intervals of this model come of sample paths, which can't be exported to "
            "ONNX: leave level= out, or call model.calibrate(df, refit=False) first, with rows "
            "that it hasn't learned from"
        )
    target = check_target(path, overwrite=overwrite)
    try:
        from tsgen.export.model import onnx_model
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "onnx":
            raise
        raise MissingExtraError(
            "export_onnx needs the package onnx, which isn't installed: pip install 'tsgen[onnx]'"
        ) from error
    data = onnx_model(model, panel, shares).SerializeToString()
    with whole_file(target, overwrite=overwrite) as file:
        file.write(data)

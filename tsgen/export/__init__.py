"""A fitted model as a file that ONNX Runtime forecasts from, without torch.

The graph holds all of ``predict`` but the frames: ``units`` (bounds, scalers, mean and spread of a
context), ``covariates``, ``network`` (reading a context over its holes, and the closed loop), put
together by ``model``; ``signature`` has the inputs and the output, and ``graph`` is how nodes are
written. Nothing is traced: the graph is made from the weights. Needs ``pip install 'tsgen[onnx]'``.
"""

from __future__ import annotations

from tsgen.data import Panel
from tsgen.errors import MissingExtraError, SettingError
from tsgen.inference import FittedModel
from tsgen.io import PathLike, check_target, whole_file

__all__ = ["write_onnx"]


def write_onnx(model: FittedModel, panel: Panel, path: PathLike, *, overwrite: bool = False) -> None:
    """Write a model to a file, as ``LSTMForecaster.export_onnx`` says.

    Parameters
    ----------
    model : FittedModel
    panel : Panel
        Series as the model reads them, for the names of what goes in and comes out.
    path : path
    overwrite : bool, default False
    """
    if not model.network.only_recurrent:
        raise SettingError(
            f"a {type(model.network).__name__} can't be exported to ONNX: use LSTMForecaster or "
            "GRUForecaster"
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
    data = onnx_model(model, panel).SerializeToString()
    with whole_file(target, overwrite=overwrite) as file:
        file.write(data)

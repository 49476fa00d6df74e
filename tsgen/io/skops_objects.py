"""A user's scikit-learn transformers as bytes: skops, and the types that it may build.

A skops file is a zip of a schema and arrays. It is checked before skops sees it: the zip, the sizes
of the arrays, and every type and function that the schema names, against a fixed list.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from zipfile import ZipFile

import numpy as np

from tsgen.errors import ModelFileError
from tsgen.io.archive import BEWARE, checked_infos, damage, mapping, parse_json, printable

__all__ = ["dump_objects", "load_objects"]

_SCALERS = (
    "FunctionTransformer", "MaxAbsScaler", "MinMaxScaler", "PowerTransformer",
    "QuantileTransformer", "RobustScaler", "StandardScaler",
)  # fmt: skip
_UFUNCS = (
    "absolute", "arcsinh", "arctan", "arctanh", "cbrt", "exp", "exp2", "expm1", "log", "log10",
    "log1p", "log2", "negative", "positive", "reciprocal", "sinh", "sqrt", "square", "tan", "tanh",
)  # fmt: skip
_SCIPY_UFUNCS = ("boxcox", "expit", "inv_boxcox", "logit")
_TRUSTED = frozenset(
    [
        *(f"builtins.{name}" for name in ("bool", "dict", "float", "int", "list", "set", "slice")),
        *(f"builtins.{name}" for name in ("str", "tuple")),
        *(f"numpy.{name}" for name in ("bool", "bool_", "float32", "float64", "int32", "int64")),
        *(f"numpy.{name}" for name in ("ndarray", *_UFUNCS)),
        *(f"numpy.core._multiarray_umath.{name}" for name in _UFUNCS),  # numpy 1.26
        # Which of its two modules scipy finds a function in depends on its version.
        *(f"scipy.special._ufuncs.{name}" for name in _SCIPY_UFUNCS),
        *(f"scipy.special._special_ufuncs.{name}" for name in _SCIPY_UFUNCS),
        *(f"sklearn.preprocessing._data.{name}" for name in _SCALERS),
        "sklearn.preprocessing._function_transformer.FunctionTransformer",
        "sklearn.pipeline.Pipeline",
    ]
)
"""All that a transformer may be made of, unless the caller trusts more."""


def dump_objects(objects: list[Any]) -> bytes:
    """The transformers as a skops file, from which they can be read again."""
    import skops.io

    try:
        data: bytes = skops.io.dumps(objects)
        # A lambda, for one, is written without complaint and can't be found again.
        skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
    except Exception as error:
        raise ModelFileError(
            f"can't be saved: its scaler can't be written and read again ({error}); use a "
            "transformer and functions that stand under their names in a module that can be "
            "imported"
        ) from error
    return data


def load_objects(data: bytes, trusted: Sequence[str] | None) -> list[Any]:
    """Build the transformers, if all they are made of is on the list or trusted by the caller.

    Parameters
    ----------
    data : bytes
        As `dump_objects` returns them; nothing in them is trusted.
    trusted : sequence of str or None
        Full names of further types; ``None`` trusts all, which is for what was just dumped.
    """
    with damage("its scaler"), ZipFile(io.BytesIO(data)) as archive:
        for info in checked_infos(archive, len(data)):
            if info.filename != "schema.json":
                _check_array_member(info.filename, archive.read(info))
        schema = parse_json(archive.read("schema.json"), "its scaler's schema")
    import skops.io

    if trusted is None:
        trusted = skops.io.get_untrusted_types(data=data)
    else:
        unknown = sorted(set(_types_of(schema)) - _TRUSTED - set(trusted))
        if unknown:
            names = ", ".join(map(printable, unknown[:5]))
            raise ModelFileError(
                f"has a scaler made of types that aren't trusted: {names}; nothing was run. If you "
                f"know them and trust their code, pass trusted=[{names}] to load"
            )
    objects = skops.io.loads(data, trusted=list(trusted))
    if not isinstance(objects, list):
        raise ModelFileError("can't be loaded: the scaler isn't a list of transformers")
    return objects


def _types_of(schema: Any) -> Iterator[str]:
    """All types and functions that a skops schema names."""
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if "__class__" in node or "__module__" in node:
                name = f"{node.get('__module__')}.{node.get('__class__')}"
                if node.get("__loader__") == "MethodNode":
                    name = f"{name}.{mapping(node.get('content')).get('func')}"
                yield name
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _check_array_member(name: str, data: bytes) -> None:
    """An array of the size that its header says, and no objects: what numpy would then allocate."""
    if not re.fullmatch(r"\d{1,20}\.npy", name):
        raise ModelFileError(f"has a scaler with the member {printable(name)}: {BEWARE}")
    file = io.BytesIO(data)
    read_header: dict[Any, Callable[..., Any]] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    shape, _, dtype = read_header[np.lib.format.read_magic(file)](file)
    size = dtype.itemsize
    for length in shape:  # Python's integers don't overflow
        size *= length
    if dtype.hasobject or size != len(data) - file.tell():
        raise ModelFileError(f"has a scaler with a false array {printable(name)}: {BEWARE}")

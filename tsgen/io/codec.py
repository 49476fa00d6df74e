"""Values and dataclasses as plain JSON values and arrays, and back with equal types.

A plain value is written as it is; all else as ``{tag: payload}``, where the tag is one of those in
`tsgen.io.plain_values` or the name of a dataclass that the caller knows: reading builds nothing
else. Arrays go to a table beside the JSON, and so do objects (a user's scikit-learn
transformers), whose saving is another module's task.
"""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tsgen.io.plain_values import FAMILIES, RULES, CodecError, Rule, expect, short

__all__ = ["Codec", "CodecError", "fits"]

_BY_TYPE = {rule.kind: rule for rule in RULES}
_BY_TAG = {rule.tag: rule for rule in (*RULES, *FAMILIES)}


@dataclass
class Codec:
    """Values to plain JSON values, and back; nothing that is read is trusted.

    Attributes
    ----------
    records : sequence of dataclasses
        Those that may be written and built.
    arrays : dict of str to ndarray
        What the tags ``array`` and ``tensor`` refer to.
    objects : list or None
        What the tag ``object`` refers to; ``None`` refuses objects.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsgen.io.codec import Codec
    >>> codec = Codec()
    >>> codec.decode(codec.encode(pd.Index(["a", "b"], name="shop"))).name
    'shop'
    """

    records: Sequence[type[Any]] = ()
    arrays: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    objects: list[Any] | None = None
    _path: tuple[str, ...] = ()

    def encode(self, value: Any) -> Any:
        """The plain form of a value, or a `CodecError` if it has none."""
        if value is None or type(value) in (bool, int, str, np.str_):
            return value
        if type(value) is float and math.isfinite(value):
            return value
        if type(value) is list:
            return [self.encode(item) for item in value]
        rule = _rule_for(value)
        if rule is not None:
            return {rule.tag: rule.plain(value, self)}
        if type(value) in self.records:
            return {type(value).__name__: self.encode_fields(value)}
        if self.objects is not None and hasattr(value, "fit") and hasattr(value, "transform"):
            return {"object": self._position(value)}
        raise CodecError(
            f"a {type(value).__name__} has no plain form: {short(value)}; numbers, text, dates, "
            "decimals and tuples of them have one"
        )

    def decode(self, plain: Any) -> Any:
        """The value of a plain form, or a `CodecError` if it has none.

        What pandas finds wrong with a payload is raised as it comes.
        """
        if plain is None or isinstance(plain, bool | int | float | str):
            return plain
        if isinstance(plain, list):
            return [self.decode(item) for item in plain]
        if not isinstance(plain, dict) or len(plain) != 1:
            raise CodecError(f"expected one tag and its payload, got {short(plain)}")
        ((tag, payload),) = plain.items()
        if tag in _BY_TAG:
            return _BY_TAG[tag].value(payload, self)
        if tag == "object":
            objects = self.objects or []
            expect(type(payload) is int and 0 <= payload < len(objects), payload)
            return objects[payload]
        for kind in self.records:
            if kind.__name__ == tag:
                return self.decode_fields(kind, payload)
        raise CodecError(f"a {short(tag)} is unknown")

    def encode_fields(self, record: Any) -> dict[str, Any]:
        """The plain forms of a dataclass's fields, by name."""
        plain = {}
        for item in fields(record):
            try:
                plain[item.name] = self.at(item.name, getattr(record, item.name))
            except CodecError as error:
                raise CodecError(f"{item.name}: {error}") from error
        return plain

    def decode_fields(self, kind: type[Any], plain: Any) -> Any:
        """A dataclass of fields that fit their annotations; those left out get their defaults."""
        expect(isinstance(plain, dict), plain)
        known = {item.name: item for item in fields(kind)}
        needed = {
            name
            for name, item in known.items()
            if item.default is MISSING and item.default_factory is MISSING
        }
        for name in sorted((plain.keys() - known.keys()) | (needed - plain.keys())):
            state = "lacks its" if name in known else "has no"
            raise CodecError(f"{kind.__name__} {state} field {short(name)}")
        hints = _hints_of(kind)  # type: ignore[arg-type]  # a class has a hash
        values = {name: self.decode(value) for name, value in plain.items()}
        for name, value in values.items():
            if not fits(value, hints[name]):
                wanted = known[name].type
                raise CodecError(f"{kind.__name__}.{name}={short(value)}: expected {wanted}")
        return kind(**values)

    def at(self, name: Any, value: Any) -> Any:
        """The plain form of what has a name, after which its arrays are called."""
        outer = self._path
        self._path = (*outer, str(name))
        try:
            return self.encode(value)
        finally:
            self._path = outer

    def set_aside(self, values: npt.NDArray[Any]) -> str:
        """Put an array into the table; its name there."""
        if values.dtype.kind not in "biuf" or values.dtype.itemsize > 8:
            raise CodecError(f"an array of {values.dtype} can't be stored")
        name = ".".join(self._path) or "array"
        name = f"{name}.{len(self.arrays)}" if name in self.arrays else name
        native = values.astype(values.dtype.newbyteorder("="), copy=False)
        self.arrays[name] = np.array(native, order="C")
        return name

    def _position(self, value: Any) -> int:
        assert self.objects is not None
        for position, known in enumerate(self.objects):
            if known is value:
                return position
        self.objects.append(value)
        return len(self.objects) - 1


@cache
def _hints_of(kind: type[Any]) -> dict[str, Any]:
    """What the fields of a dataclass are to be; reading annotations takes time."""
    return typing.get_type_hints(kind)


def _rule_for(value: Any) -> Rule | None:
    families = (rule for rule in FAMILIES if isinstance(value, rule.kind))
    return _BY_TYPE.get(type(value)) or next(families, None)


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is what an annotation says, down to the items of tuples.

    Examples
    --------
    >>> from tsgen.io.codec import fits
    >>> fits((1, 2), tuple[int, ...]), fits(True, int), fits(None, int | None)
    (True, False, True)
    """
    hint = _meant(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if hint is float:
        return type(value) in (int, float) and math.isfinite(value)
    if hint in (int, str, bool):
        return type(value) is hint
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, option) for option in arguments)
    if origin is Literal:
        return any(type(value) is type(option) and value == option for option in arguments)
    if origin is np.ndarray:
        return isinstance(value, np.ndarray) and _fits_dtype(value, arguments)
    if origin is tuple and isinstance(value, tuple):
        endless = arguments[-1:] == (...,)
        options = arguments[:1] * len(value) if endless else arguments
        return len(value) == len(options) and all(map(fits, value, options))
    return isinstance(value, origin or hint or type(None))


def _meant(hint: Any) -> Any:
    """What stands behind a name of the statement ``type``, as numpy 2.5 has for its arrays."""
    alias = typing.get_origin(hint) or hint
    if not hasattr(alias, "__value__"):
        return hint
    arguments = typing.get_args(hint)
    return _meant(alias.__value__[arguments] if arguments else alias.__value__)


def _fits_dtype(value: npt.NDArray[Any], arguments: tuple[Any, ...]) -> bool:
    """Whether an array fits the arguments (shape, dtype) of ``numpy.ndarray[...]``."""
    scalar = typing.get_args(arguments[1])[0]
    return scalar is Any or isinstance(scalar, typing.TypeVar) or value.dtype == scalar

"""What a file of tsgen holds, between a dataclass and an archive: nothing in it is run.

Plain values go to the manifest, tensors and arrays to safetensors, a user's transformers to skops.
"""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import safetensors.torch
from torch import Tensor

from tsgen.errors import ModelFileError, TsgenError
from tsgen.io.archive import MANIFEST, PathLike, mapping, printable, read_archive, write_archive
from tsgen.io.codec import Codec, CodecError
from tsgen.io.plain_values import short
from tsgen.io.skops_objects import dump_objects, load_objects

__all__ = ["FORMAT", "Container", "about", "type_names"]

FORMAT = 7
"""Of the files written, and of those read."""

_WEIGHTS, _ARRAYS, _SCALER = "weights.safetensors", "arrays.safetensors", "scaler.skops"


@dataclass(frozen=True)
class Container:
    """A dataclass and tensors in the form in which they are stored.

    Attributes
    ----------
    kind : str
        The name of the class that they make up.
    model : mapping of str to plain values
        The fields of the dataclass.
    members : mapping of str to bytes
        Of safetensors and, where there are transformers, of skops.
    """

    kind: str
    model: Mapping[str, Any]
    members: Mapping[str, bytes]

    @classmethod
    def pack(
        cls, kind: str, record: Any, tensors: Mapping[str, Tensor], records: Sequence[type[Any]]
    ) -> Container:
        """Store a dataclass made of ``records``, and tensors by their own names."""
        codec = Codec(records, objects=[])
        model = codec.encode_fields(record)
        copies = {
            name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()
        }
        members = {
            _WEIGHTS: safetensors.torch.save(copies),
            _ARRAYS: safetensors.numpy.save(codec.arrays),
        }
        if codec.objects:
            members[_SCALER] = dump_objects(codec.objects)
        return cls(kind, model, members)

    @classmethod
    def read(cls, path: Path) -> Container:
        """What a file holds, not yet built."""
        manifest, members = read_archive(
            path, _check_manifest, required=(_WEIGHTS, _ARRAYS), optional=(_SCALER,)
        )
        return cls(manifest["class"], mapping(manifest["model"]), members)

    def write(self, target: Path, *, overwrite: bool) -> None:
        """Make the file, whole or not at all."""
        manifest = {
            "format": FORMAT,
            "tsgen": tsgen_version(),
            "class": self.kind,
            "model": self.model,
        }
        write_archive(target, manifest, self.members, overwrite=overwrite)

    def unpack(
        self, kind: type[Any], records: Sequence[type[Any]], trusted: Sequence[str] | None
    ) -> tuple[Any, dict[str, Tensor]]:
        """The dataclass and the tensors; ``trusted=None`` trusts the transformers."""
        data = self.members.get(_SCALER)
        objects = [] if data is None else load_objects(data, trusted)
        arrays = safetensors.numpy.load(self.members[_ARRAYS])
        # Copied: what safetensors returns is read-only and may lie anywhere in memory.
        codec = Codec(records, {name: np.array(item) for name, item in arrays.items()}, objects)
        try:
            record = codec.decode_fields(kind, self.model)
        except OSError as error:  # of Arrow, or of what is no time zone: the file itself was read
            raise CodecError(f"its parts don't fit together ({error})") from error
        return record, safetensors.torch.load(self.members[_WEIGHTS])


def type_names(trusted: Iterable[Any]) -> tuple[str, ...]:
    """Types that a caller trusts, by their full names."""
    if isinstance(trusted, str | bool):
        raise TypeError(
            f"trusted={short(trusted)}: expected a list of types, or of their full names"
        )
    return tuple(
        item if isinstance(item, str) else f"{item.__module__}.{item.__qualname__}"
        for item in trusted
    )


@contextlib.contextmanager
def about(path: PathLike, what: str) -> Iterator[None]:
    """Say of which file the errors of the block are, and make one type of them.

    Inside, a message is what comes after the file's name. The contents are not to be trusted, so
    that any error of the libraries that meet them is an error of the file.
    """
    try:
        yield
    except ModelFileError as error:
        raise ModelFileError(f"{path} {error}") from error.__cause__
    except (TsgenError, CodecError, OSError, MemoryError) as error:
        if isinstance(error, ValueError | CodecError):
            raise ModelFileError(f"{path} {what}: {error}") from error
        raise
    except Exception as error:
        raise ModelFileError(
            f"{path} {what}: its parts don't fit together ({type(error).__name__}: {error})"
        ) from error


def tsgen_version() -> str:
    # By name, since import-linter takes an import of the package for one of all that it exports.
    return str(importlib.import_module("tsgen").__version__)


def _check_manifest(manifest: Any) -> None:
    """Refuse a manifest that this version can't read."""
    version = manifest.get("format") if isinstance(manifest, dict) else None
    if type(version) is not int or version < 1:
        raise ModelFileError(f"is no tsgen model: its {MANIFEST} names no format")
    if version < FORMAT:
        raise ModelFileError(f"was saved by an older tsgen (format {version}): fit and save anew")
    if version > FORMAT:
        raise ModelFileError(
            f"was written by tsgen {printable(manifest.get('tsgen'))} in format {version}, but "
            f"this is tsgen {tsgen_version()}, which reads format {FORMAT}: "
            "pip install --upgrade tsgen"
        )
    kind = manifest.get("class")
    if not isinstance(kind, str) or not re.fullmatch(r"\w{1,100}", kind):
        raise ModelFileError("can't be loaded: the manifest names no class")

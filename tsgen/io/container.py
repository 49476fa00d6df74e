"""What a file of tsgen holds, between the values of a model and an archive: nothing in it is run.

Plain values go to the manifest, tensors and arrays to safetensors, a user's transformers to skops.
"""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import safetensors.torch
from torch import Tensor

from tsgen.errors import ModelFileError, TsgenError
from tsgen.io.archive import MANIFEST, PathLike, mapping, printable, read_archive, write_archive
from tsgen.io.codec import CodecError, Decoder, Encoder
from tsgen.io.skops_objects import dump_objects, load_objects

__all__ = ["FORMAT", "Container", "about"]

FORMAT = 5
"""Of the files written; files of a higher number are refused."""

_WEIGHTS, _ARRAYS, _SCALER = "weights.safetensors", "arrays.safetensors", "scaler.skops"


@dataclass(frozen=True)
class Container:
    """Fields and tensors in the form in which they are stored.

    Attributes
    ----------
    kind : str
        The name of the class that they make up.
    fields : mapping of str to plain values
    tensors, arrays : bytes
        Of safetensors.
    objects : bytes, optional
        Of skops.
    """

    kind: str
    fields: Mapping[str, Any]
    tensors: bytes
    arrays: bytes
    objects: bytes | None

    @classmethod
    def pack(
        cls,
        kind: str,
        encode: Callable[[Encoder], dict[str, Any]],
        tensors: Mapping[str, Tensor],
    ) -> Container:
        """Store the fields that a function encodes, and tensors."""
        encoder = Encoder(objects=[])
        fields = encode(encoder)
        copies = {
            name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()
        }
        return cls(
            kind=kind,
            fields=fields,
            tensors=safetensors.torch.save(copies),
            arrays=safetensors.numpy.save(encoder.arrays),
            objects=dump_objects(encoder.objects) if encoder.objects else None,
        )

    @classmethod
    def read(cls, path: Path) -> Container:
        """What a file holds, not yet built."""
        manifest, members = read_archive(
            path, _check_manifest, required=(_WEIGHTS, _ARRAYS), optional=(_SCALER,)
        )
        return cls(
            kind=manifest["class"],
            fields=mapping(manifest["model"]),
            tensors=members[_WEIGHTS],
            arrays=members[_ARRAYS],
            objects=members.get(_SCALER),
        )

    def write(self, target: Path, *, overwrite: bool) -> None:
        """Make the file, whole or not at all."""
        manifest = {
            "format": FORMAT,
            "tsgen": _version(),
            "class": self.kind,
            "model": self.fields,
        }
        members = {_WEIGHTS: self.tensors, _ARRAYS: self.arrays}
        if self.objects is not None:
            members[_SCALER] = self.objects
        write_archive(target, manifest, members, overwrite=overwrite)

    def decoder(
        self,
        records: Sequence[type[Any]],
        labels: Sequence[type[Any]],
        trusted: Sequence[str] | None,
    ) -> Decoder:
        """What builds the fields; ``trusted=None`` trusts the transformers."""
        # Copied: what safetensors returns is read-only and may lie anywhere in memory.
        arrays = {
            name: np.array(values) for name, values in safetensors.numpy.load(self.arrays).items()
        }
        objects = [] if self.objects is None else load_objects(self.objects, trusted)
        return Decoder(arrays, objects, records, labels=labels)

    def load_tensors(self) -> dict[str, Tensor]:
        """The tensors by name."""
        return safetensors.torch.load(self.tensors)


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
    except (TsgenError, OSError, MemoryError) as error:
        if isinstance(error, TsgenError) and isinstance(error, ValueError):
            raise ModelFileError(f"{path} {what}: {error}") from error
        raise
    except CodecError as error:
        raise ModelFileError(f"{path} {what}: {error}") from error
    except Exception as error:
        raise ModelFileError(
            f"{path} {what}: its parts don't fit together ({type(error).__name__}: {error})"
        ) from error


def _version() -> str:
    # By name, since import-linter takes an import of the package for one of all that it exports.
    return str(importlib.import_module("tsgen").__version__)


def _check_manifest(manifest: Any) -> None:
    """Refuse a manifest that this version can't read."""
    version = manifest.get("format") if isinstance(manifest, dict) else None
    if type(version) is not int or version < 1:
        raise ModelFileError(f"is no tsgen model: its {MANIFEST} names no format")
    writer = manifest.get("tsgen")
    if version > FORMAT:
        raise ModelFileError(
            f"was written by tsgen {printable(writer)} in format {version}, but this is tsgen "
            f"{_version()}, which reads formats up to {FORMAT}: pip install --upgrade tsgen"
        )
    kind = manifest.get("class")
    if not isinstance(kind, str) or not re.fullmatch(r"\w{1,100}", kind):
        raise ModelFileError("can't be loaded: the manifest names no class")

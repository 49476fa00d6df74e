"""Bytes that can be trusted; knows no model.

A file is one uncompressed zip whose manifest has the size and the hash of every member, checked
before anything is parsed, and that is written whole or not at all. Nothing in it is ever run.

In the order to read them: ``archive`` (the zip), ``container`` (what a model and a state have in
common), ``codec`` (dataclasses and arrays as JSON and tensors), ``plain_values`` (what Python,
numpy and pandas have types for), ``skops_objects`` (a user's own transformers).
"""

from tsgen.io.archive import PathLike, check_target, printable, whole_file
from tsgen.io.codec import Codec, CodecError
from tsgen.io.container import Container, about, tsgen_version, type_names

__all__ = [
    "Codec",
    "CodecError",
    "Container",
    "PathLike",
    "about",
    "check_target",
    "printable",
    "tsgen_version",
    "type_names",
    "whole_file",
]

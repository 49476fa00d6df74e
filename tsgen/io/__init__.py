"""Bytes that can be trusted; knows no model.

A file is one uncompressed zip whose manifest has the size and the hash of every member, checked
before anything is parsed, and that is written whole or not at all. Nothing in it is ever run.

In the order to read them: ``archive`` (the zip), ``container`` (what a model and a state have in
common), ``codec`` (values and arrays as JSON and tensors), ``plain_values`` (what pandas has
types for), ``skops_objects`` (a user's own transformers).
"""

from tsgen.io.archive import PathLike, check_target, mapping, printable, whole_file
from tsgen.io.codec import CodecError, Encoder
from tsgen.io.container import Container, about

__all__ = [
    "CodecError",
    "Container",
    "Encoder",
    "PathLike",
    "about",
    "check_target",
    "mapping",
    "printable",
    "whole_file",
]

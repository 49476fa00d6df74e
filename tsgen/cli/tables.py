"""Bytes of a file to a table, and a frame to bytes.

A CSV is read as the text that it is: what a column means is decided later, by its role.
"""

from __future__ import annotations

import bz2
import codecs
import contextlib
import csv
import gzip
import io
import itertools
import lzma
import re
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from tsgen.cli.options import FileSpec
from tsgen.cli.outputs import STANDARD
from tsgen.cli.wording import CommandError
from tsgen.data import Frame, listing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "check_ending",
    "is_parquet",
    "is_table",
    "name_of",
    "picture_bytes",
    "read_table",
    "read_text",
    "table_bytes",
]

_SEPARATORS = "\t;|,"
"""In this order where several would do: a semicolon file may have a comma in every field."""
_PACKED: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
}
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_PARQUET = (".parquet", ".pq")
_TEXT = (".csv", ".csv.gz", ".tsv", ".txt")


def read_table(file: Path, spec: FileSpec) -> tuple[pd.DataFrame, FileSpec]:
    """A table as it is written, and how it is, with the separator that was found.

    A CSV has columns of text, in which an empty field is ``""``.
    """
    with _reading(file) as content:
        if content.startswith(b"PAR1"):
            return pd.read_parquet(io.BytesIO(content)), spec
        return _read_csv(_decoded(content, spec), spec)


def read_text(file: Path, spec: FileSpec) -> str:
    """The text that a file holds, whose lines end in a line feed."""
    with _reading(file) as content:
        return _decoded(content, spec)


def is_parquet(path: Path) -> bool:
    """Whether a file is one of Parquet by its name."""
    return path.name.lower().endswith(_PARQUET)


def is_table(path: Path) -> bool:
    """Whether a file is a table by its name: of text files only the CSVs are."""
    return path.name.lower().endswith((*_TEXT[:-1], *_PARQUET))


@contextlib.contextmanager
def _reading(file: Path) -> Iterator[bytes]:
    """The content of a file, unpacked; what is wrong with it is said with its name."""
    content = _content(file)
    try:
        yield _unpacked(content)
    except (ValueError, ImportError, OSError, csv.Error) as error:
        raise CommandError(f"can't read {name_of(file)}: {error}") from error


def name_of(file: Path) -> str:
    """A file, for messages."""
    return "standard input" if file == STANDARD else str(file)


def check_ending(path: Path) -> None:
    """Refuse the name of a table that would hold something else than it says, or can't be made."""
    name = path.name.lower()
    is_device = path.exists() and not path.is_file()
    if path.suffix and not name.endswith((*_TEXT, *_PARQUET)) and not is_device:
        raise CommandError(
            f"can't write {path}: a table's name ends in one of {', '.join((*_TEXT, *_PARQUET))}"
        )
    if name.endswith(_PARQUET) and not any(map(find_spec, ("pyarrow", "fastparquet"))):
        raise CommandError(f"can't write {path}: Parquet needs pyarrow: pip install pyarrow")


def table_bytes(result: Frame, path: Path) -> bytes:
    """A forecast as the content of a file; the ending of its name says which kind."""
    frame = result
    if isinstance(result, pd.Series):
        frame = result.to_frame("y" if result.name is None else result.name)
    # A long frame's index is a mere count; in other layouts it is the time.
    index = not isinstance(frame.index, pd.RangeIndex)
    name = path.name.lower()
    try:
        if name.endswith(_PARQUET):
            return bytes(frame.to_parquet(None, index=index))
    except (ValueError, ImportError) as error:
        raise CommandError(f"can't write {path}: {error}") from error
    content = frame.to_csv(index=index, sep="\t" if name.endswith(".tsv") else ",").encode()
    return gzip.compress(content) if name.endswith(".gz") else content


def picture_bytes(figure: Figure, path: Path) -> bytes:
    """A picture as the content of a file of that name."""
    from tsgen.plotting import save_figure

    content = io.BytesIO()
    save_figure(figure, content, format=path.suffix.removeprefix(".").lower())
    return content.getvalue()


def _content(file: Path) -> bytes:
    if file == STANDARD:
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise CommandError(f"no file {file}") from None
    except IsADirectoryError:
        raise CommandError(f"{file} is a folder, not a file") from None
    except OSError as error:
        raise CommandError(f"can't read {file}: {error.strerror}") from error


def _unpacked(content: bytes) -> bytes:
    for mark, unpack in _PACKED.items():
        if content.startswith(mark):
            try:
                return unpack(content)
            except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
                raise ValueError(f"it is packed, and broken or cut short ({error})") from None
    return content


def _decoded(content: bytes, spec: FileSpec) -> str:
    if content.startswith(_WORKBOOKS):
        raise ValueError("it is a zip archive or a workbook of a spreadsheet; save it as CSV")
    marked = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    encoding = spec.encoding or marked
    try:
        text = content.decode(encoding)
    except LookupError:
        raise CommandError(
            f"--encoding {encoding} is unknown; expected a name such as latin-1 or cp1252"
        ) from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"it isn't {encoding} (byte 0x{content[error.start]:02x} in line {line}); name its "
            "encoding, such as --encoding latin-1 or --encoding cp1252"
        ) from None
    if "\0" in text:
        raise ValueError("it holds null characters and so no text; perhaps --encoding utf-16")
    return io.StringIO(text, newline=None).getvalue()  # lines end in \n, as csv wants them


def _read_csv(text: str, spec: FileSpec) -> tuple[pd.DataFrame, FileSpec]:
    if not text.strip():
        raise ValueError("it is empty")
    said = re.match(r'"?sep=(.)"?\n', text, re.IGNORECASE)  # a line that is for Excel
    text = text[said.end() :] if said else text
    sep = _declared(spec.sep) or (said[1] if said else _separator(text))
    with warnings.catch_warnings():
        # Rows longer than the header: pandas would cut them, or take their first field away.
        warnings.filterwarnings("error", category=pd.errors.ParserWarning)
        try:
            table = pd.read_csv(
                io.StringIO(text), sep=_pattern(sep), dtype=str, na_filter=False, header=None,
                index_col=False, engine="c" if len(sep.encode()) == 1 else "python",
                skipinitialspace=f'{sep} "' in text.partition("\n")[0],
            )  # fmt: skip
        except pd.errors.ParserError as error:
            raise ValueError(
                f"{str(error).removeprefix('Error tokenizing data. C error: ').strip()} (fields "
                f"are parted by {sep!r}: --sep names another separator; lines above the header "
                "have to be removed)"
            ) from None
    if len(table) < 2:
        raise ValueError("it has a header and no rows")
    names = table.iloc[0].str.strip()
    last = len(names) - 1
    if names[last] == "" and (table[last] == "").all():  # every line ends in a separator
        table, names = table.drop(columns=last), names.drop(last)
    # Without a name: the count that pandas writes in front, or any column that a user left so.
    names = names.mask(names == "", "Unnamed: " + names.index.to_series().astype(str))
    if names.duplicated().any():
        twice = listing([repr(name) for name in names[names.duplicated()].unique()])
        raise ValueError(f"columns named twice: {twice}; rename one of each")
    table = table.iloc[1:].reset_index(drop=True).set_axis(names.to_list(), axis=1)
    return table, replace(spec, sep=sep)


def _declared(sep: str | None) -> str | None:
    if sep and set(sep) & set('\r\n"'):
        raise CommandError(
            "--sep: fields are parted by characters within a line, and not by quotes"
        )
    return {"\\t": "\t", "tab": "\t", r"\s+": " "}.get(sep or "", sep)


def _pattern(sep: str) -> str:
    """As pandas wants it: a space stands for any number of them."""
    if sep == " ":
        return r"\s+"
    return sep if len(sep) == 1 else re.escape(sep)


def _separator(text: str) -> str:
    """What parts most of the first lines into as many fields as the header has."""
    lines = list(itertools.islice((line for line in io.StringIO(text) if line.strip()), 20))
    for sep in _SEPARATORS:
        counts = [len(row) for row in csv.reader(lines, delimiter=sep)]
        if counts[0] > 1 and 2 * counts.count(counts[0]) > len(counts):
            return sep
    return ","

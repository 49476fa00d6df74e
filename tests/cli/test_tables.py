"""Files as they are found: separators, encodings, packed, Parquet; tables as they are written."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from tsgen.cli.options import FileSpec
from tsgen.cli.tables import read_table, table_bytes
from tsgen.cli.wording import CommandError

TABLE = pd.DataFrame({"ds": ["2022-01-01", "2022-01-02"], "y": ["1", "2"]})
TEXT = TABLE.to_csv(index=False)


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(content: str | bytes, name: str = "in.csv", **spec: str) -> pd.DataFrame:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(Path(name), FileSpec(**spec))[0]


@pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
def test_separators_are_found(sep: str) -> None:
    assert_frame_equal(read(TABLE.to_csv(index=False, sep=sep)), TABLE)


def test_a_semicolon_file_with_decimal_commas_everywhere() -> None:
    table = read("Datum;Last, MW\n2022-01-01;1,5\n2022-01-02;2,5\n")
    assert table.to_dict("list") == {"Datum": ["2022-01-01", "2022-01-02"],
                                     "Last, MW": ["1,5", "2,5"]}  # fmt: skip


@pytest.mark.parametrize(
    ("said", "written"),
    [("\\t", "\t"), ("tab", "\t"), ("#", "#"), ("||", "||"), (".", "."), ("é", "é"), (" ", "   "),
     (r"\s+", " \t")],
)  # fmt: skip
def test_a_separator_that_is_said(said: str, written: str) -> None:
    assert_frame_equal(read(TEXT.replace(",", written), sep=said), TABLE)


@pytest.mark.parametrize("name", ["in.CSV", "in.txt", "in", "in.csv.gz"])
def test_names_of_text_files(name: str) -> None:
    assert_frame_equal(read(TEXT, name), TABLE)


@pytest.mark.parametrize("module", [gzip, bz2, lzma], ids=lambda module: module.__name__)
def test_packed_files(module: object) -> None:
    packed = module.compress(TEXT.encode())  # type: ignore[attr-defined]
    assert_frame_equal(read(packed), TABLE)


@pytest.mark.parametrize("name", ["in.parquet", "in.pq", "in.PARQUET", "in.dat"])
def test_parquet_by_its_content(name: str) -> None:
    assert_frame_equal(read(TABLE.to_parquet(), name), TABLE)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_that_say_what_they_are(encoding: str) -> None:
    assert_frame_equal(read("é,y\nü,1\n".encode(encoding)), pd.DataFrame({"é": ["ü"], "y": ["1"]}))


def test_other_encodings_are_named() -> None:
    content = "é,y\nü,1\n".encode("latin-1")
    said = r"can't read in\.csv: it isn't utf-8 \(byte 0xe9 in line 1\); .*--encoding latin-1"
    with pytest.raises(CommandError, match=said):
        read(content)
    assert list(read(content, encoding="latin-1")) == ["é", "y"]
    with pytest.raises(CommandError, match="--encoding klingon is unknown"):
        read(content, encoding="klingon")
    with pytest.raises(CommandError, match="--encoding utf-16"):
        read("a,b\n1,2\n".encode("utf-16").removeprefix(codecs.BOM_UTF16_LE))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "it is empty"),
        ("a,a\n1,2\n", "columns named twice: 'a'"),
        ("a,b\n1,2,3\n", "Expected 2 fields in line 2, saw 3.*--sep"),
        ("a,b\n1,2\n1,2,3\n", "Expected 2 fields in line 3, saw 3"),
        ("# a comment\na,b\n1,2\n", "Expected 1 fields .*lines above the header"),
        ("a,b\n", "a header and no rows"),
        (b"PK\x03\x04 and so on", "a zip archive or a workbook"),
        (b"\xd0\xcf\x11\xe0 and so on", "a zip archive or a workbook"),
        (gzip.compress(b"a,b", mtime=0)[:-9], "packed, and broken or cut short"),
        (b"\x1f\x8b and so on", "packed, and broken or cut short"),
        (b"BZh and so on", "packed, and broken or cut short"),
        (b"\xfd7zXZ and so on", "packed, and broken or cut short"),
    ],
)
def test_what_cannot_be_read(content: str | bytes, said: str) -> None:
    with pytest.raises(CommandError, match=rf"can't read in\.csv: .*{said}"):
        read(content)


def test_a_separator_is_within_a_line() -> None:
    with pytest.raises(CommandError, match="--sep: "):
        read(TEXT, sep="\n")


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_lines_of_other_systems(end: str) -> None:
    assert_frame_equal(read(TEXT.replace("\n", end)), TABLE)


def test_a_line_for_excel() -> None:
    assert_frame_equal(read("sep=#\n" + TEXT.replace(",", "#")), TABLE)


def test_spaces_before_quotes() -> None:
    assert_frame_equal(read('"ds", "y"\n"2022-01-01", "1"\n"2022-01-02", "2"\n'), TABLE)


def test_text_is_read_as_it_stands() -> None:
    table = read('id,y\n000123,NA\n" a",1e5\n"",""\n')
    assert table.to_dict("list") == {"id": ["000123", " a", ""], "y": ["NA", "1e5", ""]}


def test_headers_without_names_and_separators_at_the_end() -> None:
    assert list(read(",ds, y\n0,2022,1\n")) == ["Unnamed: 0", "ds", "y"]
    assert read("ds;y;\n2022;1;\n").to_dict("list") == {"ds": ["2022"], "y": ["1"]}


def test_tables_are_written_as_their_names_say() -> None:
    assert table_bytes(TABLE, Path("a.csv")).decode() == TEXT
    assert table_bytes(TABLE, Path("a.TSV")).decode() == TEXT.replace(",", "\t")
    assert gzip.decompress(table_bytes(TABLE, Path("a.csv.GZ"))).decode() == TEXT
    for name in ("a.pq", "a.PARQUET"):
        assert_frame_equal(read(table_bytes(TABLE, Path(name)), name), TABLE)

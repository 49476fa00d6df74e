"""Vectors from frames, and from files in the forms of word2vec and GloVe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsgen.data import Vocabulary, read_vectors
from tsgen.errors import SettingError

VOCABULARY = Vocabulary(pd.Index(["cat", "dog", "new york"], dtype=object))


@pytest.mark.parametrize("header", ["", "4 3\n"])
def test_files_are_read_with_and_without_counts(tmp_path: Path, header: str) -> None:
    path = tmp_path / "vectors.txt"
    lines = "cat 1 2 3\nnew york 4 5 6\nbird 7 8 9\ncat 0 0 0\n"
    path.write_text(header + lines)
    found = read_vectors(path, VOCABULARY)
    assert found.shape == (4, 3)
    assert found[0].tolist() == [1, 2, 3]
    assert found[2].tolist() == [4, 5, 6]
    assert np.isnan(found[[1, 3]]).all()


def test_frames_are_read_by_their_index() -> None:
    frame = pd.DataFrame([[1.0], [2.0]], index=["dog", "bird"])
    assert read_vectors(frame, VOCABULARY)[1].tolist() == [1.0]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (pd.DataFrame([[1.0]], index=["fox"]), "none of the 3 symbols of fit"),
        (pd.DataFrame([["a"]], index=["cat"]), "columns of numbers alone"),
        (pd.DataFrame([[np.inf]], index=["cat"]), "infinite"),
        ("nowhere.txt", "no such file"),
        (3, "expected a frame of numbers"),
    ],
)
def test_what_holds_no_vectors_is_an_error(source: object, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        read_vectors(source, VOCABULARY)


def test_a_line_without_numbers_is_named(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text("dog 1 2\ncat 1 x\n")
    with pytest.raises(SettingError, match="line 2 isn't a symbol and its numbers"):
        read_vectors(path, VOCABULARY)


def test_messages_name_the_argument(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text("cat 1 x\n")
    for source in (3, pd.DataFrame([[1.0]], index=["fox"]), "nowhere.txt", path):
        with pytest.raises(SettingError, match=r"^source_embeddings="):
            read_vectors(source, VOCABULARY, "source_embeddings")


def test_a_vector_has_all_its_numbers_or_none() -> None:
    frame = pd.DataFrame([[1.0, np.nan], [2.0, 3.0]], index=["cat", "dog"])
    with pytest.raises(SettingError, match="vector of 'cat' has missing numbers"):
        read_vectors(frame, VOCABULARY)

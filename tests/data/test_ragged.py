"""Segments of rows in one table, against loops over lists."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen.data.ragged import interleaved, offsets_of, ranges, scattered

properties = settings(max_examples=50, deadline=None, derandomize=True, database=None)
segments = st.tuples(st.integers(0, 9), st.integers(0, 5))


def integers(numbers: list[int]) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


@properties
@given(drawn=st.lists(segments, max_size=6))
def test_ranges(drawn: list[tuple[int, int]]) -> None:
    starts, lengths = (integers([pair[i] for pair in drawn]) for i in range(2))
    naive = [start + k for start, length in drawn for k in range(length)]
    assert ranges(starts, lengths).tolist() == naive


@properties
@given(lengths=st.lists(st.integers(0, 5), max_size=6))
def test_offsets(lengths: list[int]) -> None:
    naive = [sum(lengths[:i]) for i in range(len(lengths) + 1)]
    assert offsets_of(integers(lengths)).tolist() == naive


@properties
@given(
    parts=st.integers(1, 5).flatmap(
        lambda count: st.lists(
            st.lists(segments, min_size=count, max_size=count), min_size=1, max_size=4
        )
    )
)
def test_segments_of_several_tables(parts: list[list[tuple[int, int]]]) -> None:
    tables = [100.0 * number + np.arange(15.0) for number in range(len(parts))]
    naive = [
        value
        for i in range(len(parts[0]))
        for table, part in zip(tables, parts, strict=True)
        for value in table[part[i][0] : sum(part[i])]
    ]
    rows = interleaved(
        *(
            (table, *(integers([pair[i] for pair in part]) for i in range(2)))
            for table, part in zip(tables, parts, strict=True)
        )
    )
    assert rows.tolist() == naive


@properties
@given(numbers=st.dictionaries(st.integers(0, 7), st.integers(-3, 3)))
def test_numbers_at_their_positions(numbers: dict[int, int]) -> None:
    got = scattered(integers(list(numbers.values())), integers(list(numbers)), 8)
    assert got.tolist() == [numbers.get(position, 0) for position in range(8)]

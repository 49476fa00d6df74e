"""Covariates as a network reads them: numbers as they are, categories as vectors."""

from __future__ import annotations

import pytest
import torch

from tsgen.nn.embedding import CovariateEmbedding


@pytest.mark.parametrize("count", [1, 2, 3, 7, 30, 31, 1000])
def test_categories_have_vectors_of_half_their_number_and_no_more_than_sixteen(count: int) -> None:
    embedding = CovariateEmbedding(1, {0: count})
    assert embedding.width == min(1 + count // 2, 16)
    assert embedding.vectors["0"].shape == (count, embedding.width)
    assert embedding(torch.zeros(2, 3, 1)).shape == (2, 3, embedding.width)


def test_numbers_come_first_and_as_they_are_then_the_vector_of_each_category() -> None:
    embedding = CovariateEmbedding(4, {0: 2, 2: 5}).requires_grad_(False)
    table = torch.tensor([[[2.0, -0.5, 3.0, 7.25]]])
    vectors = embedding.vectors
    expected = [-0.5, 7.25, *vectors["0"][1].tolist(), *vectors["2"][2].tolist()]
    assert embedding(table)[0, 0].tolist() == pytest.approx(expected)
    assert embedding.width == 2 + 2 + 3


def test_a_category_that_is_not_known_is_the_mean_of_all() -> None:
    embedding = CovariateEmbedding(2, {1: 5})
    unknown = embedding(torch.zeros(1, 1, 2))[0, 0, 1:]
    known = embedding(torch.tensor([[[0.0, float(i)] for i in range(1, 6)]]))[0, :, 1:]
    torch.testing.assert_close(unknown, known.mean(dim=0))
    # And so it stays when they are learned.
    with torch.no_grad():
        embedding.vectors["1"][3] += 10.0
    torch.testing.assert_close(embedding(torch.zeros(1, 1, 2))[0, 0, 1:], unknown + 2.0)


def test_numbers_alone_need_no_embedding() -> None:
    embedding = CovariateEmbedding(3, {})
    table = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(embedding(table), table)
    assert list(embedding.parameters()) == []
    assert CovariateEmbedding(0, {}).width == 0

"""Covariates as a network reads them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

__all__ = ["CovariateEmbedding"]

_LARGEST_EMBEDDING = 16


class CovariateEmbedding(nn.Module):
    """Covariates as the recurrence reads them: numbers as they are, categories as vectors [1]_.

    A category that training hasn't seen, number 0, is the mean of all that it has.

    Parameters
    ----------
    columns : int
        D, the covariates.
    categories : mapping of int to int
        Of each column that holds the numbers of categories, how many there are.

    References
    ----------
    .. [1] Guo, Berkhahn: Entity Embeddings of Categorical Variables, 2016.

    Examples
    --------
    >>> import torch
    >>> from tsgen.nn import CovariateEmbedding
    >>> embedding = CovariateEmbedding(3, {2: 7})  # two numbers, and a day of the week
    >>> embedding.width, embedding(torch.zeros(8, 10, 3)).shape
    (6, torch.Size([8, 10, 6]))
    """

    def __init__(self, columns: int, categories: Mapping[int, int]) -> None:
        super().__init__()
        self.categories = dict(categories)
        self.numbers = [column for column in range(columns) if column not in self.categories]
        sizes = {column: min(1 + count // 2, _LARGEST_EMBEDDING)
                 for column, count in self.categories.items()}  # fmt: skip
        self.vectors = nn.ParameterDict(
            {
                str(column): nn.Parameter(torch.randn(count, sizes[column], dtype=torch.float32))
                for column, count in self.categories.items()
            }
        )
        self.width = len(self.numbers) + sum(sizes.values())
        """E, the inputs that come of it."""

    def forward(self, covariates: Tensor) -> Tensor:
        """Columns (B, T, D) as inputs (B, T, E)."""
        if not self.categories:
            return covariates
        parts = [covariates[..., self.numbers]]
        for column in self.categories:
            vectors = self.vectors[str(column)]
            table = torch.cat([vectors.mean(dim=0, keepdim=True), vectors])
            parts.append(nn.functional.embedding(covariates[..., column].long(), table))
        return torch.cat(parts, dim=-1)

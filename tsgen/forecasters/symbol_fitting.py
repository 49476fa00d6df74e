"""From settings and sequences to a fitted model of symbols: the network and its training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from tsgen import training
from tsgen._messages import written
from tsgen._typing import FloatArray
from tsgen.data import Learned, LearnedPairs, SymbolPanel
from tsgen.forecasters.seq2seq_settings import Seq2SeqSettings
from tsgen.forecasters.symbol_settings import GeneratorSettings, GivenVectors, SymbolSettings
from tsgen.inference import FittedGenerator, FittedSeq2Seq
from tsgen.nn import Cell, SymbolNetwork, with_more_pairs, with_more_symbols

if TYPE_CHECKING:
    from tsgen.training import (
        Losses,
        PairModule,
        SymbolModule,
        SymbolPairs,
        SymbolWindows,
        TrainingReport,
    )

__all__ = [
    "PairRecipe",
    "SymbolRecipe",
    "prepare_pairs",
    "prepare_symbols",
    "symbol_report",
    "train_symbols",
]

_VALIDATE_EVERY = 50


S = TypeVar("S", bound=SymbolSettings)
M = TypeVar("M", "SymbolModule", "PairModule")


@dataclass(frozen=True, eq=False, kw_only=True)
class Recipe(Generic[S]):
    """All that a training goes by, but the sequences.

    Attributes
    ----------
    cell : {"lstm", "gru"}
    settings : SymbolSettings
    vectors : mapping of str to ndarray
        What vectors of symbols begin as, by the argument that has them.
    trainer_kwargs, verbose
        As the estimator's arguments of that name.
    """

    cell: Cell
    settings: S
    vectors: GivenVectors
    trainer_kwargs: Mapping[str, Any] | None = None
    verbose: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class SymbolRecipe(Recipe[GeneratorSettings]):
    """That of a generator.

    Attributes
    ----------
    start : FittedGenerator, optional
        The fitted model whose weights the network begins with.
    """

    start: FittedGenerator | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class PairRecipe(Recipe[Seq2SeqSettings]):
    """That of a model of pairs.

    Attributes
    ----------
    start : FittedSeq2Seq, optional
        The fitted model whose weights the network begins with.
    """

    start: FittedSeq2Seq | None = None


def prepare_symbols(recipe: SymbolRecipe, learned: Learned) -> tuple[SymbolModule, SymbolWindows]:
    """Do all of a training but the training."""
    settings, (panel, vocabulary) = recipe.settings, learned
    architecture = settings.architecture(recipe.cell, len(vocabulary))
    module = _drawn(training.SymbolModule, architecture, settings)
    if recipe.start is not None:
        module.take_over([_begun(recipe.start, len(vocabulary.symbols))])
    else:
        _give_vectors(module.network.vectors, recipe.vectors["embeddings"])
    data = training.SymbolWindows(
        panel,
        stop=vocabulary.stop,
        window=settings.window_length,
        batch_size=settings.batch_size,
        val_share=settings.val_size,
        seed=settings.random_state,
    )
    return module, data


def prepare_pairs(recipe: PairRecipe, pairs: LearnedPairs) -> tuple[PairModule, SymbolPairs]:
    """Do all of a training on pairs but the training."""
    settings, sides = recipe.settings, (pairs.sources, pairs.targets)
    sizes = [len(side.vocabulary) for side in sides]
    module = _drawn(
        training.PairModule, settings.architecture(recipe.cell, sizes[1], sizes[0]), settings
    )
    if recipe.start is not None:
        before = recipe.start.source_vocabulary, recipe.start.vocabulary
        known = [len(vocabulary.symbols) for vocabulary in before]
        new = [len(s.vocabulary.symbols) - n for s, n in zip(sides, known, strict=True)]
        network = with_more_pairs(
            recipe.start.network, source=(known[0], new[0]), target=(known[1], new[1])
        )
        module.take_over([network])
    else:
        _give_vectors(module.network.source_vectors, recipe.vectors["source_embeddings"])
        _give_vectors(module.network.vectors, recipe.vectors["target_embeddings"])
    sources, targets = (_ended(side) for side in sides)
    data = training.SymbolPairs(
        sources,
        targets,
        batch_size=settings.batch_size,
        val_share=settings.val_size,
        seed=settings.random_state,
    )
    return module, data


def _ended(learned: Learned) -> SymbolPanel:
    assert learned.vocabulary.stop is not None
    return learned.panel.ended(learned.vocabulary.stop)


def _drawn(kind: type[M], architecture: Any, settings: SymbolSettings) -> M:
    """A network under training, with weights of its own."""
    with torch.device("meta"):  # weights without memory, which draw nothing
        module = kind(
            architecture,
            label_smoothing=settings.label_smoothing,
            strategy=settings.training_strategy,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            seed=settings.random_state,
        )
    module.to_empty(device="cpu")
    module.reset_parameters(torch.Generator().manual_seed(settings.random_state))
    return module


def _begun(start: FittedGenerator, symbols: int) -> SymbolNetwork:
    """A copy of a fitted network, with vectors and scores for more symbols."""
    known = len(start.vocabulary.symbols)
    return with_more_symbols(start.network, known, symbols - known)


@torch.no_grad()
def _give_vectors(table: Tensor, vectors: FloatArray | None) -> None:
    """Symbols without a vector are the mean of those that have one, if nothing can be learned."""
    if vectors is None:
        return
    known = torch.from_numpy(~np.isnan(vectors).any(axis=1))
    given = torch.from_numpy(np.nan_to_num(vectors)).to(table.dtype)
    if table.requires_grad:
        own = table * given[known].std(correction=0) / table.std().clamp(min=1e-12)
    else:
        own = given[known].mean(dim=0).expand_as(table)
    table.copy_(torch.where(known[:, None], given, own))


def train_symbols(
    recipe: Recipe[S],
    module: SymbolModule | PairModule,
    data: SymbolWindows | SymbolPairs,
    names: Any,
    *,
    run_dir: str | PathLike[str] | None = None,
) -> Losses:
    """Train what was prepared."""
    settings = recipe.settings
    return training.train(
        module,
        data,
        training.Schedule(
            max_steps=settings.max_steps,
            gradient_clip_val=settings.gradient_clip_val,
            patience=settings.patience,
            validate_every=min(_VALIDATE_EVERY, settings.max_steps),
            seed=settings.random_state,
            verbose=recipe.verbose,
            weight_averaging=settings.weight_averaging,
        ),
        trainer_kwargs=recipe.trainer_kwargs,
        names=lambda positions: [written(names[int(i)]) for i in positions],
        run_dir=run_dir,
    )


def symbol_report(
    module: SymbolModule | PairModule, data: SymbolWindows | SymbolPairs, losses: Losses
) -> TrainingReport:
    """The report of a training, with errors on symbols that were held out, if there are any."""
    network: Any = module.network.cpu().eval()
    batch: Any = data.some_windows()
    errors = training.symbol_exposure(network, module.start(network, batch), batch)
    where = "held-out symbols" if data.validation_rows else "training symbols"
    return training.TrainingReport(losses.table(), errors, where, "share of wrong symbols")

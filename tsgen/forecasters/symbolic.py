"""The generators by name: estimators of sequences of symbols, which differ in the cell alone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from os import PathLike
from typing import Any, ClassVar, Literal, Self

import pandas as pd
from torch import Tensor

from tsgen import training
from tsgen._runtime import isolated
from tsgen._validation import one_of, whole_number
from tsgen.data import (
    Columns,
    FrameSymbols,
    Learned,
    SymbolPanel,
    SymbolSpec,
    TextSymbols,
    learn_sequences,
)
from tsgen.forecasters.base import with_hints
from tsgen.forecasters.fitted_symbolic import FittedSymbolGenerator
from tsgen.forecasters.saving import warn_unless_savable
from tsgen.forecasters.settings import check_is_repeatable
from tsgen.forecasters.snapshot import networks_of, weights_of
from tsgen.forecasters.summary import FitRecord
from tsgen.forecasters.symbol_fitting import (
    SymbolRecipe,
    prepare_symbols,
    symbol_report,
    train_symbols,
)
from tsgen.forecasters.symbol_settings import (
    choose_generator_settings,
    stops_of,
)
from tsgen.forecasters.symbol_snapshot import SymbolSnapshot
from tsgen.inference import (
    FittedGenerator,
)
from tsgen.nn import Cell

__all__ = ["GRUGenerator", "LSTMGenerator", "SymbolGenerator"]

_MOST_KEPT = 2**20
"""Symbols of sequences that have ended, which a fitted generator keeps to be explained."""


class SymbolGenerator(FittedSymbolGenerator):
    """A generator whose model is a `FittedGenerator`; subclasses say which cell it has."""

    cell: ClassVar[Cell]

    @with_hints
    def __init__(
        self,
        *,
        unit: Literal["character", "word"] = "character",
        min_count: int = 1,
        stop: bool | Literal["auto"] = "auto",
        embedding_size: int | Literal["auto"] = "auto",
        embeddings: pd.DataFrame | str | PathLike[str] | None = None,
        freeze_embeddings: bool = False,
        context_length: int | Literal["auto"] = "auto",
        window_length: int | Literal["auto"] = "auto",
        hidden_size: int | Literal["auto"] = "auto",
        num_layers: int = 1,
        dropout: float | Literal["auto"] = "auto",
        steps_dropout: float = 0.0,
        label_smoothing: float = 0.0,
        training_strategy: training.TrainingStrategy | str = "auto",
        max_steps: int | Literal["auto"] = "auto",
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: float | Literal["auto"] = "auto",
        weight_decay: float = 1e-4,
        gradient_clip_val: float | None = 1.0,
        val_size: float | Literal["auto"] | None = "auto",
        patience: int | Literal["auto"] | None = "auto",
        weight_averaging: float | None = None,
        preset: Literal["fast", "balanced", "accurate"] = "balanced",
        random_state: int | None = 0,
        trainer_kwargs: Mapping[str, Any] | None = None,
        verbose: bool = True,
    ) -> None:
        self.unit = unit
        self.min_count = min_count
        self.stop = stop
        self.embedding_size = embedding_size
        self.embeddings = embeddings
        self.freeze_embeddings = freeze_embeddings
        self.context_length = context_length
        self.window_length = window_length
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.steps_dropout = steps_dropout
        self.label_smoothing = label_smoothing
        self.training_strategy = training_strategy
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.gradient_clip_val = gradient_clip_val
        self.val_size = val_size
        self.patience = patience
        self.weight_averaging = weight_averaging
        self.preset = preset
        self.random_state = random_state
        self.trainer_kwargs = trainer_kwargs
        self.verbose = verbose

    @with_hints
    @isolated()
    def fit(
        self,
        df: Any,
        *,
        id_col: str | None = "unique_id",
        time_col: str = "ds",
        target_col: str = "y",
        freq: Any = None,
        fill: Literal["ffill"] | None = None,
        init: SymbolGenerator | None = None,
        run_dir: str | PathLike[str] | None = None,
    ) -> Self:
        """Train on one or many sequences; what an earlier ``fit`` learned is forgotten.

        Parameters
        ----------
        df : Series, DataFrame, str, or iterable of str or of lists
            A frame with a column of symbols (text, whole numbers, categories), in any layout (a
            Series, a wide frame, a long frame or rows under a MultiIndex) and of any library with
            Arrow's stream; or a text; or texts, from a generator too, of which no more is held
            than their codes; or lists of symbols.
        id_col, time_col, target_col : str
            The columns of a long frame.
        freq : str, int, offset or timedelta, optional
            Of its time stamps; found in the data if not given.
        fill : "ffill", optional
            Whether a symbol of a frame stands for those that are missing after it, as a state
            does that lasts; they are an error by default.
        init : generator, optional
            A fitted one of the same class, which isn't changed, to go on from: training begins
            with its weights, and sizes are as it has them. Symbols that it doesn't know begin at
            the mean of those that it does. It may be this generator itself.
        run_dir : path, optional
            A folder for checkpoints: the same call after a crash goes on where the last one
            stands.

        Returns
        -------
        self

        Raises
        ------
        FrameError
            With what is wrong with the sequences.
        SettingError
            For an argument that can't be used.
        DivergenceError
            If the loss is no longer a number; the best weights before that are kept, if there
            are better ones than those from before the first step.

        Warns
        -----
        TrainingInterrupted
            After SIGINT or SIGTERM; the best weights so far are kept.
        """
        if run_dir is not None:
            check_is_repeatable(self.random_state)
        columns = Columns.of(id_col, time_col, target_col, frame=df)
        one_of("unit", self.unit, ("character", "word"))
        spec = SymbolSpec(columns, freq, fill, self.unit)
        start = self._start_from(init)
        return self._fit_apart(lambda learner: learner._learn(df, spec, start, run_dir))

    def _check_like(self, init: Self) -> None:
        """Refuse arguments that say otherwise than the model that training goes on from."""
        model, made_of = init.model_, init.model_.network.architecture
        of_text = isinstance(init.panel_.layout, TextSymbols)
        alike = {
            "unit": (self.unit, init.settings_.unit if of_text else self.unit),
            "stop": (self.stop, model.vocabulary.stops),
            "hidden_size": (self.hidden_size, made_of.hidden_size),
            "embedding_size": (self.embedding_size, made_of.embedding_size),
            "num_layers": (self.num_layers, made_of.num_layers),
        }
        self._refuse_others(alike, always=("unit",))
        self._refuse_vectors(init, ["embeddings"])

    def _learn(
        self,
        data: Any,
        spec: SymbolSpec,
        start: Self | None,
        run_dir: str | PathLike[str] | None,
    ) -> str | None:
        """Read, train and keep what was learned; returns what ended that early."""
        learned = learn_sequences(
            data,
            spec,
            min_count=whole_number("min_count", self.min_count, "times a symbol comes"),
            stops=stops_of(self.stop),
            known=None if start is None else start.model_.vocabulary,
        )
        recipe = self._recipe(learned, start)
        module, windows = prepare_symbols(recipe, learned)
        symbols = len(learned.panel.codes)
        names, self.panel_ = learned.panel.ids, _ends(learned, recipe.settings.context_length)
        self.settings_, self.spec_ = recipe.settings, spec.like(self.panel_)
        self.model_ = FittedGenerator(
            module.network, learned.vocabulary, recipe.settings.context_length
        )
        del learned  # of which the windows have all that they need
        self.first_weights_ = self.model_.weights
        for name in ("state_", "report_", "record_"):
            self.__dict__.pop(name, None)
        warn_unless_savable(self)
        begun = time.perf_counter()
        losses = train_symbols(recipe, module, windows, names, run_dir=run_dir)
        self.report_ = symbol_report(module, windows, losses)
        seconds = time.perf_counter() - begun
        self.record_ = FitRecord.of(symbols, 0, seconds, losses, self.report_)
        return losses.interrupted

    def _recipe(self, learned: Learned, start: Self | None) -> SymbolRecipe:
        arguments = self.get_params(deep=False)
        vectors = self._vectors({"embeddings": learned.vocabulary}, start)
        if start is not None:
            made_of = start.model_.network.architecture
            arguments |= {
                "hidden_size": made_of.hidden_size,
                "num_layers": made_of.num_layers,
                "freeze_embeddings": made_of.frozen,
                "embedding_size": made_of.embedding_size,
            }
        return SymbolRecipe(
            cell=self.cell,
            settings=choose_generator_settings(
                arguments, learned.panel, learned.vocabulary, vectors
            ),
            vectors=vectors,
            start=None if start is None else start.model_,
            trainer_kwargs=self.trainer_kwargs,
            verbose=self.verbose,
        )

    # --- files and copies

    _snapshot_type = SymbolSnapshot

    def _weights(self) -> dict[str, Tensor]:
        return weights_of([self.model_.network])

    def _snapshot(self) -> SymbolSnapshot:
        params = self.get_params(deep=False)
        vocabulary = self.model_.vocabulary
        return SymbolSnapshot(
            params, self.settings_, self.panel_, vocabulary, self.spec_, self.record_
        )

    @classmethod
    @isolated()
    def _restored(cls, snapshot: SymbolSnapshot, weights: Mapping[str, Tensor]) -> Self:
        generator = cls(**snapshot.params)
        settings, vocabulary = snapshot.settings, snapshot.vocabulary
        (network,) = networks_of(settings.architecture(cls.cell, len(vocabulary)), 1, weights)
        generator.settings_, generator.panel_ = settings, snapshot.panel
        generator.spec_, generator.record_ = snapshot.spec, snapshot.record
        generator.model_ = FittedGenerator(network, vocabulary, settings.context_length)
        return generator


def _ends(learned: Learned, symbols: int) -> SymbolPanel:
    """The ends of sequences, from which `predict` goes on; of ended ones those of the last."""
    panel, vocabulary = learned
    if vocabulary.stops and not isinstance(panel.layout, FrameSymbols):
        panel = panel.last(_MOST_KEPT)
    return panel.tail(symbols)


class LSTMGenerator(SymbolGenerator):
    """An LSTM [1]_ that learns which symbol comes next, rolled out in closed loop.

    Every argument has a default that works; ``"auto"`` is chosen from the number of symbols, and
    stands in ``settings_`` after ``fit``.

    Parameters
    ----------
    unit : {"character", "word"}, default "character"
        What a symbol of text is. A character is a code point of Unicode: what a reader takes for
        one, such as an emoji with a skin colour, may be several, which are learned and generated
        one by one. A word is what stands between white space.
    min_count : int, default 1
        Symbols that come less often are all one, which is read but never generated; so is what
        `fit` hasn't seen.
    stop : bool or "auto"
        Whether the end of sequences is learned, and generated: by default that of texts and lists,
        not that of frames and of one text.
    embedding_size : int or "auto"
        Numbers in the vector of a symbol. With as many as there are units, the same vectors read
        symbols and score them; of large vocabularies that is the default.
    embeddings : DataFrame or path, optional
        Vectors to begin with: a row of numbers for each symbol, which is the index; or a file of
        word2vec or GloVe in text form. Symbols without one begin at random.
    freeze_embeddings : bool, default False
        Whether these vectors stay as they are; symbols without one are their mean then.
    context_length : int or "auto"
        Symbols of a sequence read, at most, before the first generated one; 10,000 by default.
    window_length : int or "auto"
        Symbols from which is learned at once: over these errors are propagated back, and the state
        goes on from one window of a sequence to the next.
    hidden_size : int or "auto"
        Units of the network.
    num_layers : int, default 1
        1 to 4.
    dropout : float or "auto"
        Share of the hidden units dropped out before the scores and between layers, the same ones
        at all steps of a window, while the network learns.
    steps_dropout : float, default 0.0
        Share of the hidden units dropped out on their way to the next step.
    label_smoothing : float, default 0.0
        Share of the probability to be spread over all symbols.
    training_strategy : {"teacher_forcing", "scheduled_sampling"}, TrainingStrategy or "auto"
        What is fed in while the network learns: observed symbols, or some that it draws itself.
    max_steps : int or "auto"
        Optimiser steps.
    batch_size : int or "auto"
        Windows a step.
    learning_rate : float or "auto"
        The highest of a schedule that rises for a tenth of the steps and then falls to 0.
    weight_decay : float, default 1e-4
    gradient_clip_val : float or None, default 1.0
        Norm to which gradients are clipped.
    val_size : float, "auto" or None
        Share of the symbols that training doesn't see, on which it is validated every 50 steps;
        the best weights are kept. The ends of sequences, or whole ones where their ends are
        learned. By default none, unless ``patience`` asks for it.
    patience : int, "auto" or None
        Validations without improvement after which training stops. By default 4 where a preset
        passes over the symbols so often that it would learn them by heart (more than 30 times,
        and 2,000 symbols or more), and none where ``max_steps`` is given.
    weight_averaging : float, optional
        The share of the training, at its end, over which weights are averaged.
    preset : {"balanced", "fast", "accurate"}, default "balanced"
        What ``"auto"`` comes to: sizes and steps. Arguments that are given win.
    random_state : int, default 0
        Same seed, same symbols; nothing global is seeded.
    trainer_kwargs : dict, optional
        More arguments for Lightning's ``Trainer``; they win over ours.
    verbose : bool, default True
        Whether to show a progress bar on a terminal.

    Attributes
    ----------
    settings_ : GeneratorSettings
        What was given or chosen.
    model_ : FittedGenerator
        The network and its vocabulary.
    report_ : TrainingReport
        Of the last ``fit``: its losses in nats a symbol, and how far the closed loop falls behind.

    References
    ----------
    .. [1] Graves: Generating Sequences With Recurrent Neural Networks. arXiv:1308.0850, 2013.

    Examples
    --------
    >>> import tsgen
    >>> text = "the cat sat on the mat. " * 40
    >>> model = tsgen.LSTMGenerator(max_steps=100, verbose=False).fit(text)
    >>> model.predict(24, df="the cat")
    ' sat on the mat. the cat'
    """

    cell = "lstm"


class GRUGenerator(SymbolGenerator):
    """A GRU: as `LSTMGenerator` in all but the cell, which has three gates instead of four.

    The arguments are those of `LSTMGenerator`.

    Examples
    --------
    >>> import tsgen
    >>> model = tsgen.GRUGenerator(max_steps=100, verbose=False).fit("do re mi fa " * 40)
    >>> model.predict(9, df="do")
    ' re mi fa'
    """

    cell = "gru"

"""The encoder–decoders by name: estimators that turn one sequence of symbols into another."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from torch import Tensor

from tsgen import training
from tsgen._runtime import isolated
from tsgen._validation import number, one_of, whole_number
from tsgen.data import (
    Generated,
    LearnedPairs,
    ListSymbols,
    PairSpec,
    Sources,
    SymbolPanel,
    TextSymbols,
    Vocabulary,
    learn_pairs,
    read_sources,
    read_targets,
)
from tsgen.errors import SettingError
from tsgen.forecasters.base import of_one_moment, with_hints
from tsgen.forecasters.saving import warn_unless_savable
from tsgen.forecasters.seq2seq_settings import Seq2SeqSettings, choose_seq2seq_settings
from tsgen.forecasters.settings import check_is_repeatable
from tsgen.forecasters.snapshot import networks_of, weights_of
from tsgen.forecasters.summary import FitRecord
from tsgen.forecasters.symbol_estimator import SymbolEstimator
from tsgen.forecasters.symbol_fitting import PairRecipe, prepare_pairs, symbol_report, train_symbols
from tsgen.forecasters.symbol_snapshot import Seq2SeqSnapshot
from tsgen.generation import BeamSearch
from tsgen.inference import FittedSeq2Seq
from tsgen.metrics import sequence_accuracy
from tsgen.nn import ENCODER_ARGUMENTS

__all__ = ["GRUSeq2Seq", "LSTMSeq2Seq", "Seq2Seq"]

_OF_NETWORK = ("hidden_size", "embedding_size", "num_layers", *ENCODER_ARGUMENTS)
_EMBEDDINGS = "source_embeddings", "target_embeddings"
_END = "</s>"
"""How the end of a sequence is written, where it is attended to."""


class Seq2Seq(SymbolEstimator[FittedSeq2Seq]):
    """An encoder–decoder whose model is a `FittedSeq2Seq`; subclasses say which cell it has."""

    model_: FittedSeq2Seq
    settings_: Seq2SeqSettings
    spec_: PairSpec
    """How sources and targets are read."""
    _there_after_fit: ClassVar[str] = "model_"
    _fit_call: ClassVar[str] = "fit(source, target)"

    @with_hints
    def __init__(
        self,
        *,
        source_unit: Literal["character", "word"] = "character",
        target_unit: Literal["character", "word"] = "character",
        min_count: int = 1,
        attention: Literal["additive", "multiplicative", "dot"] | None = "additive",
        bidirectional: bool = True,
        encoder_layers: int = 1,
        num_layers: int = 1,
        hidden_size: int | Literal["auto"] = "auto",
        embedding_size: int | Literal["auto"] = "auto",
        source_embeddings: pd.DataFrame | str | PathLike[str] | None = None,
        target_embeddings: pd.DataFrame | str | PathLike[str] | None = None,
        freeze_embeddings: bool = False,
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
        patience: int | None = None,
        weight_averaging: float | None = None,
        preset: Literal["fast", "balanced", "accurate"] = "balanced",
        random_state: int | None = 0,
        trainer_kwargs: Mapping[str, Any] | None = None,
        verbose: bool = True,
    ) -> None:
        self.source_unit = source_unit
        self.target_unit = target_unit
        self.min_count = min_count
        self.attention = attention
        self.bidirectional = bidirectional
        self.encoder_layers = encoder_layers
        self.num_layers = num_layers
        self.hidden_size = hidden_size
        self.embedding_size = embedding_size
        self.source_embeddings = source_embeddings
        self.target_embeddings = target_embeddings
        self.freeze_embeddings = freeze_embeddings
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

    # --- learning

    @with_hints
    @isolated()
    def fit(
        self,
        source: Any,
        target: Any = None,
        *,
        source_col: str | None = None,
        target_col: str | None = None,
        init: Seq2Seq | None = None,
        run_dir: str | PathLike[str] | None = None,
    ) -> Self:
        """Learn to turn sources into targets; what an earlier ``fit`` learned is forgotten.

        Parameters
        ----------
        source, target : list, Series or array
            Texts, or lists of symbols (any hashable values), as many of both; either may be texts
            where the other is lists. Or a frame as the source alone.
        source_col, target_col : str
            The columns of a frame.
        init : estimator, optional
            A fitted one of the same class, which isn't changed, to go on from: training begins
            with its weights, and sizes are as it has them. Symbols that it doesn't know begin at
            the mean of those that it does.
        run_dir : path, optional
            A folder for checkpoints: the same call after a crash goes on where the last one
            stands.

        Returns
        -------
        self

        Raises
        ------
        FrameError
            With what is wrong with the pairs.
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
        for name in ("source_unit", "target_unit"):
            one_of(name, getattr(self, name), ("character", "word"))
        spec = PairSpec(self.source_unit, self.target_unit, source_col, target_col)
        start = self._start_from(init)
        return self._fit_apart(lambda own: own._learn(source, target, spec, start, run_dir))

    def _check_like(self, init: Self) -> None:
        made_of = init.model_.network.architecture
        alike = {name: (getattr(self, name), getattr(made_of, name)) for name in _OF_NETWORK}
        texts = {"source_unit": init.spec_.source_texts, "target_unit": init.spec_.target_texts}
        for name in (unit for unit, counts in texts.items() if counts):
            alike[name] = getattr(self, name), getattr(init.settings_, name)
        if self.embedding_size == made_of.source_embedding_size:  # where targets were given theirs
            del alike["embedding_size"]
        self._refuse_others(alike, always=texts)
        self._refuse_vectors(init, _EMBEDDINGS)

    def _learn(
        self,
        source: Any,
        target: Any,
        spec: PairSpec,
        start: Self | None,
        run_dir: str | PathLike[str] | None,
    ) -> str | None:
        """Read, train and keep what was learned; returns what ended that early."""
        before = None if start is None else start.model_
        pairs = learn_pairs(
            source,
            target,
            spec,
            min_count=whole_number("min_count", self.min_count, "times a symbol comes"),
            known=None if before is None else (before.source_vocabulary, before.vocabulary),
        )
        recipe = self._recipe(pairs, before)
        module, data = prepare_pairs(recipe, pairs)
        self.settings_, self.spec_ = recipe.settings, pairs.spec
        self.model_ = FittedSeq2Seq(
            module.network, pairs.sources.vocabulary, pairs.targets.vocabulary
        )
        self.first_weights_ = self.model_.weights
        for name in ("report_", "record_"):
            self.__dict__.pop(name, None)
        warn_unless_savable(self)
        names = pairs.targets.panel.ids
        begun = time.perf_counter()
        losses = train_symbols(recipe, module, data, names, run_dir=run_dir)
        self.report_ = symbol_report(module, data, losses)
        symbols = sum(len(side.panel.codes) for side in (pairs.sources, pairs.targets))
        seconds = time.perf_counter() - begun
        self.record_ = FitRecord.of(symbols, 0, seconds, losses, self.report_)
        return losses.interrupted

    def _recipe(self, pairs: LearnedPairs, start: FittedSeq2Seq | None) -> PairRecipe:
        sides = pairs.sources.vocabulary, pairs.targets.vocabulary
        vectors = self._vectors(dict(zip(_EMBEDDINGS, sides, strict=True)), start)
        arguments = self.get_params(deep=False)
        if start is not None:
            made_of = vars(start.network.architecture)
            arguments |= {name: made_of[name] for name in _OF_NETWORK}
        settings = choose_seq2seq_settings(arguments, pairs, vectors)
        if start is not None:
            of_vectors = "source_embedding_size", "source_frozen", "frozen"
            settings = replace(settings, **{name: made_of[name] for name in of_vectors})
        return PairRecipe(
            cell=self.cell,
            settings=settings,
            vectors=vectors,
            start=start,
            trainer_kwargs=self.trainer_kwargs,
            verbose=self.verbose,
        )

    # --- generating

    @with_hints
    @isolated()
    @of_one_moment
    def predict(
        self,
        source: Any,
        *,
        num_beams: int = 1,
        length_penalty: float = 1.0,
        num_return_sequences: int | None = None,
        max_length: int | None = None,
    ) -> Any:
        """The likeliest target of each source.

        Parameters
        ----------
        source : str, list, Series, array or DataFrame
            As in `fit`; a text alone is one source, and a frame has the column ``source_col``.
        num_beams : int, default 1
            How many targets are searched side by side for the likeliest one; 1 takes the
            likeliest symbol at each step.
        length_penalty : float, default 1.0
            The power of the length that log-probabilities of beams are divided by before they are
            compared: below 1 short targets gain, above 1 long ones.
        num_return_sequences : int, optional
            How many of the beams to return, the best first, as a frame.
        max_length : int, optional
            Symbols of a target, at most; by default twice as many as the longest of the training
            has, and ten more.

        Returns
        -------
        str, list, Series or DataFrame
            A target for each source, in what they came in: a list, a Series with its index, a
            frame with the column ``target_col`` beside the others. With ``num_return_sequences``
            a frame with a row a beam, ``beam_id`` and ``score``.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        FrameError
            With what is wrong with the sources.

        Examples
        --------
        >>> import tsgen
        >>> words = ["ab", "ba", "aab", "bba", "abb", "baa"] * 10
        >>> upper = [word.upper() for word in words]
        >>> model = tsgen.LSTMSeq2Seq(max_steps=200, hidden_size=32, verbose=False)
        >>> model.fit(words, upper).predict(["abb", "ba"])
        ['ABB', 'BA']
        """
        model = self._model("predict")
        beams = whole_number("num_beams", num_beams, "targets searched side by side")
        penalty = number("length_penalty", length_penalty, -10.0, 10.0)
        count = 1
        if num_return_sequences is not None:
            count = whole_number(
                "num_return_sequences", num_return_sequences, "of the beams", highest=beams
            )
        horizon, sources = self._horizon(max_length), self._read(model, source)
        if beams == 1 and num_return_sequences is None:
            return sources.write(self._targets(model, model.best(sources.panel, horizon)))
        found = model.beams(sources.panel, horizon, BeamSearch(beams, penalty), count)
        if num_return_sequences is None:
            return sources.write(self._targets(model, found))
        assert found.scores is not None
        ids = np.broadcast_to(np.arange(count), found.scores.shape)
        frame = sources.write_several(
            self._all_targets(model, found), {"beam_id": ids, "score": found.scores}
        )
        return sources.native(frame[frame["score"].notna()])

    @with_hints
    @isolated()
    @of_one_moment
    def sample(
        self,
        source: Any,
        *,
        num_samples: int | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        random_state: int | None = None,
        max_length: int | None = None,
    ) -> Any:
        """Draw targets by their probability, symbol by symbol.

        The draws of a source depend on the seed, its number and the step alone.

        Parameters
        ----------
        source : str, list, Series, array or DataFrame
            As in `predict`.
        num_samples : int, optional
            S, targets of each source; by default one, as in `predict`.
        temperature : float, default 1.0
            What scores are divided by: below 1 likely symbols are drawn more often, and 0 takes
            the likeliest ones.
        top_k : int, optional
            How many of the likeliest symbols may be drawn at each step.
        top_p : float, optional
            The likeliest symbols that have this probability together may be drawn.
        random_state : int, optional
            By default that of the model.
        max_length : int, optional
            As in `predict`.

        Returns
        -------
        str, list, Series or DataFrame
            As in `predict`. With ``num_samples`` a list of S targets for each source of a list,
            and of others a frame with a row a target and ``sample_id``.

        Examples
        --------
        >>> import tsgen
        >>> model = tsgen.GRUSeq2Seq(max_steps=5, hidden_size=8, verbose=False)
        >>> model = model.fit(["ab", "ba"], ["AB", "BA"])
        >>> len(model.sample("ab", num_samples=3, random_state=1))
        3
        """
        model = self._model("sample")
        count = 1 if num_samples is None else whole_number("num_samples", num_samples, "targets")
        sampling = self._sampling(random_state, temperature, top_k, top_p)
        horizon, sources = self._horizon(max_length), self._read(model, source)
        found = model.drawn(sources.panel, horizon, sampling, count)
        targets = self._all_targets(model, found)
        if num_samples is None:
            return sources.write([each[0] for each in targets])
        if sources.holder is None:
            return sources.write(targets)
        ids = np.broadcast_to(np.arange(count), found.lengths.shape)
        return sources.native(sources.write_several(targets, {"sample_id": ids}))

    # --- judging

    @with_hints
    @isolated()
    @of_one_moment
    def score(self, source: Any, target: Any = None) -> float:
        """The share of targets that `predict` says in all their symbols.

        Parameters
        ----------
        source : list, Series, array or DataFrame
        target : list, Series or array
            Left out for a frame that has the column ``target_col``.

        Returns
        -------
        float
            0 to 1: `tsgen.metrics.sequence_accuracy`; what scikit-learn's searches compare.
        """
        model = self._model("score")
        sources = self._read(model, source)
        targets = read_targets(target, sources, model.vocabulary, self.spec_)
        longest = max(self.settings_.max_length, int(targets.lengths.max()) + 1)
        found = model.best(sources.panel, longest)
        there = zip(found.codes[:, 0], found.lengths[:, 0], strict=True)
        return sequence_accuracy(
            [codes.tolist() for codes in np.split(targets.codes, targets.offsets[1:-1])],
            [codes[:length].tolist() for codes, length in there],
        )

    @with_hints
    @isolated()
    @of_one_moment
    def log_likelihood(self, source: Any, target: Any = None) -> Any:
        """How likely each target and its end are, given its source.

        Parameters
        ----------
        source : str, list, Series, array or DataFrame
        target : str, list, Series or array
            Left out for a frame that has the column ``target_col``.

        Returns
        -------
        float, ndarray or Series
            Log-probabilities in nats, a number a pair; of Series and frames with their index.

        Examples
        --------
        >>> import tsgen
        >>> model = tsgen.LSTMSeq2Seq(max_steps=100, hidden_size=16, verbose=False)
        >>> model = model.fit(["ab", "ba"] * 20, ["AB", "BA"] * 20)
        >>> likely, unlikely = model.log_likelihood(["ab", "ab"], ["AB", "AA"])
        >>> bool(likely > unlikely)
        True
        """
        model = self._model("log_likelihood")
        sources = self._read(model, source)
        targets = read_targets(target, sources, model.vocabulary, self.spec_)
        values = model.log_likelihood(sources.panel, targets)
        if sources.holder is None:
            return float(values[0]) if sources.alone else values
        found = pd.Series(values, index=sources.holder.index, name="log_likelihood")
        return sources.native(found)

    @with_hints
    @isolated()
    @of_one_moment
    def attention_weights(self, source: Any, target: Any = None) -> Any:
        """What each symbol of a target attends to in its source.

        Parameters
        ----------
        source : str, list, Series, array or DataFrame
        target : str, list, Series or array, optional
            By default what `predict` says.

        Returns
        -------
        DataFrame, or list of DataFrame
            A row for each symbol of the target and its end ``</s>``, a column for each symbol of
            the source and its end; the weights of a row sum to 1. One for a text, a list of them
            for several. `tsgen.plot_attention` draws them.

        Examples
        --------
        >>> import tsgen
        >>> model = tsgen.LSTMSeq2Seq(max_steps=5, hidden_size=8, verbose=False)
        >>> model.fit(["ab", "ba"], ["AB", "BA"]).attention_weights("ab", "AB").shape
        (3, 3)
        """
        model = self._model("attention_weights")
        if self.settings_.attention is None:
            raise SettingError("this model attends to nothing: it was fitted with attention=None")
        sources = self._read(model, source)
        if target is None:
            found = model.best(sources.panel, self.settings_.max_length)
            targets = _panel_of(found, sources.panel)
        else:
            targets = read_targets(target, sources, model.vocabulary, self.spec_)
        sides = (sources.panel, model.source_vocabulary), (targets, model.vocabulary)
        columns, rows = (_labels(*side) for side in sides)
        frames = [
            pd.DataFrame(weights, index=row, columns=column)
            for weights, row, column in zip(
                model.attention(sources.panel, targets), rows, columns, strict=True
            )
        ]
        return frames[0] if sources.alone else frames

    # --- files and copies

    _snapshot_type = Seq2SeqSnapshot

    def _weights(self) -> dict[str, Tensor]:
        return weights_of([self.model_.network])

    def _snapshot(self) -> Seq2SeqSnapshot:
        params, model = self.get_params(deep=False), self.model_
        return Seq2SeqSnapshot(
            params,
            self.settings_,
            model.source_vocabulary,
            model.vocabulary,
            self.spec_,
            self.record_,
        )

    @classmethod
    @isolated()
    def _restored(cls, snapshot: Seq2SeqSnapshot, weights: Mapping[str, Tensor]) -> Self:
        estimator = cls(**snapshot.params)
        settings, sides = snapshot.settings, (snapshot.vocabulary, snapshot.source_vocabulary)
        plan = settings.architecture(cls.cell, *map(len, sides))
        (network,) = networks_of(plan, 1, weights)
        estimator.settings_, estimator.spec_ = settings, snapshot.spec
        estimator.record_ = snapshot.record
        estimator.model_ = FittedSeq2Seq(network, snapshot.source_vocabulary, snapshot.vocabulary)
        return estimator

    # --- what all of these need

    def _what_was_read(self) -> dict[str, str]:
        sides = self.model_.source_vocabulary, self.model_.vocabulary
        kinds = [
            f"{len(vocabulary):,} of {side}"
            for vocabulary, side in zip(sides, ("sources", "targets"), strict=True)
        ]
        return {"kinds of symbols": ", ".join(kinds)}

    def _read(self, model: FittedSeq2Seq, source: Any) -> Sources:
        return read_sources(source, model.source_vocabulary, self.spec_)

    def _horizon(self, max_length: int | None) -> int:
        """Steps of a target with its end."""
        if max_length is None:
            return self.settings_.max_length
        return whole_number("max_length", max_length, "symbols of a target, at most")

    def _all_targets(self, model: FittedSeq2Seq, found: Generated) -> list[list[Any]]:
        """As they came in `fit`, all of each source."""
        texts = TextSymbols(self.spec_.target_unit, several=True)
        layout = texts if self.spec_.target_texts else ListSymbols()
        written: list[list[Any]] = layout.write_paths(found, model.vocabulary)
        return written

    def _targets(self, model: FittedSeq2Seq, found: Generated) -> Sequence[Any]:
        return [each[0] for each in self._all_targets(model, found)]


def _panel_of(found: Generated, sources: SymbolPanel) -> SymbolPanel:
    """The first generated target of each source."""
    lengths = found.lengths[:, 0]
    there = np.arange(found.codes.shape[2]) < lengths[:, None]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return SymbolPanel(found.codes[:, 0][there], offsets, sources.ids, sources.layout)


def _labels(panel: SymbolPanel, vocabulary: Vocabulary) -> list[pd.Index]:
    """What symbols each sequence has, and its end."""
    symbols = vocabulary.decode(panel.codes).to_numpy()
    parts = np.split(symbols, panel.offsets[1:-1])
    return [pd.Index([*part, _END], dtype=object, tupleize_cols=False) for part in parts]


class LSTMSeq2Seq(Seq2Seq):
    """An LSTM encoder–decoder with attention: it learns to turn one sequence into another [1]_.

    The encoder reads a source to its end, in both directions; the decoder begins with what that
    came to, and generates the target symbol by symbol, going back to what the encoder has read
    [2]_. Every argument has a default that works; ``"auto"`` is chosen from the number of symbols,
    and stands in ``settings_`` after ``fit``.

    Parameters
    ----------
    source_unit, target_unit : {"character", "word"}, default "character"
        What a symbol of text is: a code point of Unicode, or what stands between white space.
    min_count : int, default 1
        Symbols that come less often are all one, which is read but never generated; so is what
        `fit` hasn't seen.
    attention : {"additive", "multiplicative", "dot"} or None, default "additive"
        How states of the encoder are compared with where the decoder stands: additive [2]_,
        multiplicative and dot [3]_. Without attention the decoder knows the last state alone.
    bidirectional : bool, default True
        Whether the encoder reads sources from their end as well.
    encoder_layers, num_layers : int, default 1
        Of the encoder, and of the decoder; 1 to 4.
    hidden_size : int or "auto"
        Units of the decoder, and of each direction of the encoder.
    embedding_size : int or "auto"
        Numbers in the vector of a symbol, where none are given.
    source_embeddings, target_embeddings : DataFrame or path, optional
        Vectors to begin with, of symbols of sources and of targets: a row of numbers for each
        symbol, which is the index; or a file of word2vec or GloVe in text form. They may differ in
        width. Symbols without one begin at random.
    freeze_embeddings : bool, default False
        Whether these vectors stay as they are; symbols without one are their mean then.
    dropout : float or "auto"
        Share of the hidden units dropped out before the scores, between layers, and between
        encoder and decoder, the same ones at all steps of a sequence, while the network learns.
    steps_dropout : float, default 0.0
        Share of the hidden units dropped out on their way to the next step.
    label_smoothing : float, default 0.0
        Share of the probability to be spread over all symbols.
    training_strategy : {"teacher_forcing", "scheduled_sampling"}, TrainingStrategy or "auto"
        What is fed in while the network learns: symbols of targets, or some that it draws itself.
    max_steps : int or "auto"
        Optimiser steps.
    batch_size : int or "auto"
        Pairs a step, which are of similar length.
    learning_rate : float or "auto"
        The highest of a schedule that rises for a tenth of the steps and then falls to 0.
    weight_decay : float, default 1e-4
    gradient_clip_val : float or None, default 1.0
        Norm to which gradients are clipped.
    val_size : float, "auto" or None
        Share of the pairs that training doesn't see, on which it is validated every 50 steps; the
        best weights are kept. By default none, unless ``patience`` asks for it.
    patience : int, optional
        Validations without improvement after which training stops.
    weight_averaging : float, optional
        The share of the training, at its end, over which weights are averaged.
    preset : {"balanced", "fast", "accurate"}, default "balanced"
        What ``"auto"`` comes to: sizes and steps. Arguments that are given win.
    random_state : int, default 0
        Same seed, same targets; nothing global is seeded.
    trainer_kwargs : dict, optional
        More arguments for Lightning's ``Trainer``; they win over ours.
    verbose : bool, default True
        Whether to show a progress bar on a terminal.

    Attributes
    ----------
    settings_ : Seq2SeqSettings
        What was given or chosen.
    model_ : FittedSeq2Seq
        The network and its vocabularies.
    report_ : TrainingReport
        Of the last ``fit``: its losses in nats a symbol, and how far the closed loop falls behind.

    References
    ----------
    .. [1] Sutskever, Vinyals, Le: Sequence to Sequence Learning with Neural Networks. NeurIPS
       2014.
    .. [2] Bahdanau, Cho, Bengio: Neural Machine Translation by Jointly Learning to Align and
       Translate. ICLR 2015.
    .. [3] Luong, Pham, Manning: Effective Approaches to Attention-based Neural Machine
       Translation. EMNLP 2015.

    Examples
    --------
    >>> import tsgen
    >>> words = ["do", "re", "mi", "fa", "sol", "la", "si"] * 8
    >>> backwards = [word[::-1] for word in words]
    >>> model = tsgen.LSTMSeq2Seq(max_steps=200, hidden_size=32, verbose=False)
    >>> model.fit(words, backwards).predict(["sol", "fa"])
    ['los', 'af']
    """

    cell = "lstm"


class GRUSeq2Seq(Seq2Seq):
    """A GRU encoder–decoder: as `LSTMSeq2Seq` in all but the cell.

    The arguments are those of `LSTMSeq2Seq`.

    Examples
    --------
    >>> import tsgen
    >>> model = tsgen.GRUSeq2Seq(max_steps=200, hidden_size=32, verbose=False)
    >>> model.fit(["ab", "ba", "bb", "aa"] * 9, ["ba", "ab", "bb", "aa"] * 9).predict("ab")
    'ba'
    """

    cell = "gru"

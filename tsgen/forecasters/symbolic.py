"""The generators by name: estimators of sequences of symbols, which differ in the cell alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os import PathLike
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from torch import Tensor

from tsgen import training
from tsgen._runtime import isolated
from tsgen._typing import BoolArray, FloatArray
from tsgen._validation import checked_horizon, number, one_of, whole_number
from tsgen.data import (
    Columns,
    FrameSymbols,
    Learned,
    SymbolPanel,
    SymbolSpec,
    TextSymbols,
    as_stamps,
    frame_of_values,
    learn_sequences,
    opened_if_frame,
    read_given_symbols,
    read_new_symbols,
    read_sequences,
    stamps_of_frame,
)
from tsgen.errors import (
    SettingError,
)
from tsgen.forecasters.base import of_one_moment, with_hints
from tsgen.forecasters.saving import warn_unless_savable
from tsgen.forecasters.settings import check_is_repeatable
from tsgen.forecasters.snapshot import networks_of, weights_of
from tsgen.forecasters.symbol_estimator import SymbolEstimator
from tsgen.forecasters.symbol_fitting import (
    SymbolRecipe,
    prepare_symbols,
    symbol_report,
    train_symbols,
)
from tsgen.forecasters.symbol_settings import (
    GeneratorSettings,
    choose_generator_settings,
    stops_of,
)
from tsgen.forecasters.symbol_snapshot import SymbolSnapshot
from tsgen.generation import BeamSearch, Stopping
from tsgen.inference import (
    Cut,
    FittedGenerator,
    Sampling,
    SymbolState,
    forecasts_at,
    importance_table,
    lag_importance,
    last_cuts,
)
from tsgen.nn import Cell

__all__ = ["GRUGenerator", "LSTMGenerator", "SymbolGenerator"]

_LIKELIHOOD = "log_likelihood"
_MOST_KEPT = 2**20
"""Symbols of sequences that have ended, which a fitted generator keeps to be explained."""


class SymbolGenerator(SymbolEstimator[FittedGenerator]):
    """A generator whose model is a `FittedGenerator`; subclasses say which cell it has."""

    cell: ClassVar[Cell]
    panel_: SymbolPanel
    """The ends of the training sequences, from which `predict` goes on."""
    model_: FittedGenerator
    settings_: GeneratorSettings
    spec_: SymbolSpec
    """How sequences are read."""

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

    # --- learning

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
        names, self.panel_ = learned.panel.ids, _ends(learned, recipe.settings.context_length)
        self.settings_, self.spec_ = recipe.settings, spec.like(self.panel_)
        self.model_ = FittedGenerator(
            module.network, learned.vocabulary, recipe.settings.context_length
        )
        del learned  # of which the windows have all that they need
        self.first_weights_ = self.model_.weights
        for name in ("state_", "report_"):
            self.__dict__.pop(name, None)
        warn_unless_savable(self)
        losses = train_symbols(recipe, module, windows, names, run_dir=run_dir)
        self.report_ = symbol_report(module, windows, losses)
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

    # --- generating

    @with_hints
    @isolated()
    @of_one_moment
    def predict(
        self,
        horizon: int,
        *,
        df: Any = None,
        state: SymbolState | None = None,
        num_beams: int = 1,
        length_penalty: float = 1.0,
        num_return_sequences: int | None = None,
        given: pd.DataFrame | pd.Series | None = None,
        until: Any = None,
    ) -> Any:
        """Continue the training sequences, others, or those of a state, by the likeliest symbols.

        Parameters
        ----------
        horizon : int
            H, how many symbols to generate; any number of 1 or more.
        df : Series, DataFrame, str, or iterable of str or of lists, optional
            Sequences to continue instead of the training ones. An empty text or list is a new
            sequence; where ends of sequences are learned, that is what is generated by default.
        state : SymbolState, optional
            From `encode` or `update`; nothing is read then.
        num_beams : int, default 1
            How many sequences are searched side by side for the likeliest one; 1 takes the
            likeliest symbol at each step.
        length_penalty : float, default 1.0
            The power of the length that log-probabilities of beams are divided by before they are
            compared: below 1 short sequences gain, above 1 long ones.
        num_return_sequences : int, optional
            How many of the beams to return, the best first, as a frame.
        given : Series or DataFrame, optional
            Symbols at time stamps of the horizon that are known or assumed, of frames.
        until : symbol, set of symbols or callable, optional
            A sequence ends with the first such symbol. It may be a function of a symbol. Adds
            ``y-stopped`` to frames, true from that step on; what is after it is missing.

        Returns
        -------
        Series, DataFrame, str, or list of str or of lists
            What follows, in the layout of the input: frames with the next ``horizon`` time
            stamps, text for text. With ``num_return_sequences`` a frame with ``beam_id`` and
            ``score``.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        FrameError
            With what is wrong with ``df`` or ``given``.
        StateError
            If the state is one of other weights.

        Examples
        --------
        >>> import tsgen
        >>> model = tsgen.LSTMGenerator(max_steps=100, verbose=False).fit("hello world. " * 50)
        >>> model.predict(13, df="hello")
        ' world. hello'
        """
        model, horizon = self._model("predict"), checked_horizon(horizon)
        beams = whole_number("num_beams", num_beams, "sequences searched side by side")
        penalty = number("length_penalty", length_penalty, -10.0, 10.0)
        count = 1
        if num_return_sequences is not None:
            count = whole_number(
                "num_return_sequences", num_return_sequences, "of the beams", highest=beams
            )
        state = self._state_of(model, df, state)
        known = self._given(model, state, given, horizon)
        stopping = self._stopping(model, until)
        if beams == 1 and num_return_sequences is None:
            generated = model.best(state, horizon, stopping, known)
        else:
            search = BeamSearch(beams, penalty)
            generated = model.beams(state, horizon, search, count, stopping, known)
        layout = state.panel.layout
        if num_return_sequences is not None:
            return layout.write_beams(generated, model.vocabulary)
        return layout.write(generated, model.vocabulary, stopped=stopping is not None)

    @with_hints
    @isolated()
    @of_one_moment
    def sample(
        self,
        horizon: int,
        *,
        num_samples: int | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        random_state: int | None = None,
        df: Any = None,
        state: SymbolState | None = None,
        given: pd.DataFrame | pd.Series | None = None,
        until: Any = None,
    ) -> Any:
        """Draw what follows by its probability, symbol by symbol.

        The draws of a sequence depend on the seed, its id (of texts and lists the number) and the
        step alone, not on its company.

        Parameters
        ----------
        horizon : int
            H.
        num_samples : int, optional
            S, paths of each sequence; by default one, in the layout of the input.
        temperature : float, default 1.0
            What scores are divided by: below 1 likely symbols are drawn more often, and 0 takes
            the likeliest ones.
        top_k : int, optional
            How many of the likeliest symbols may be drawn at each step.
        top_p : float, optional
            The likeliest symbols that have this probability together may be drawn.
        random_state : int, optional
            By default that of the model.
        df, state, given, until
            As in `predict`.

        Returns
        -------
        Series, DataFrame, str, or list of str or of lists
            As in `predict`. With ``num_samples`` a list of S texts (lists) for each text (list),
            and of frames a long one with ``sample_id``.

        Examples
        --------
        >>> import tsgen
        >>> model = tsgen.LSTMGenerator(max_steps=50, verbose=False).fit(["anna", "bob"] * 20)
        >>> len(model.sample(10, num_samples=4, random_state=1))
        4
        """
        model, horizon = self._model("sample"), checked_horizon(horizon)
        count = 1 if num_samples is None else whole_number("num_samples", num_samples, "paths")
        sampling = self._sampling(random_state, temperature, top_k, top_p)
        state = self._state_of(model, df, state)
        known = self._given(model, state, given, horizon)
        stopping = self._stopping(model, until)
        generated = model.drawn(state, horizon, sampling, count, stopping, known)
        layout = state.panel.layout
        if num_samples is not None:
            return layout.write_paths(generated, model.vocabulary)
        return layout.write(generated, model.vocabulary, stopped=stopping is not None)

    @with_hints
    def stream(
        self,
        state: SymbolState | None = None,
        *,
        df: Any = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        random_state: int | None = None,
        until: Any = None,
    ) -> Iterator[Any]:
        """Generate symbol by symbol: each is computed when it is asked for, without a horizon.

        Parameters
        ----------
        state : SymbolState, optional
            Of one sequence.
        df : Series, DataFrame, str, or iterable of str or of lists, optional
            One sequence instead.
        temperature, top_k, top_p, random_state, until
            As in `sample`, whose first path comes; a temperature of 0 is `predict`.

        Returns
        -------
        iterator of symbols

        Examples
        --------
        >>> from itertools import islice
        >>> import tsgen
        >>> model = tsgen.LSTMGenerator(max_steps=50, verbose=False).fit("to be or not to be " * 30)
        >>> state = model.encode("to be")
        >>> "".join(islice(model.stream(state), 20)) == model.sample(20, state=state)
        True
        """
        model = self._model("stream")
        state = self._state_of(model, df, state)
        if len(state) != 1:
            raise SettingError(
                f"stream goes on with one sequence, and there are {len(state)}: pass one of them"
            )
        sampling = self._sampling(random_state, temperature, top_k, top_p)
        return self._symbols(model, state, sampling, self._stopping(model, until))

    def _symbols(
        self,
        model: FittedGenerator,
        state: SymbolState,
        sampling: Sampling,
        stopping: Stopping | None,
    ) -> Iterator[Any]:
        symbols = model.vocabulary.symbols.astype(object)
        for code in model.stream(state, sampling, stopping):
            yield symbols[code]

    # --- reading

    @with_hints
    @isolated()
    @of_one_moment
    def encode(self, df: Any) -> SymbolState:
        """Read sequences once, for any number of continuations.

        Parameters
        ----------
        df : Series, DataFrame, str, or iterable of str or of lists
            As in `predict`; the last ``context_length`` symbols of each are read.

        Returns
        -------
        SymbolState
            For ``predict(h, state=)``, ``sample(h, state=)``, `stream` and `update`.
        """
        model = self._model("encode")
        return model.encode(self._read(model, df))

    @with_hints
    @isolated()
    @of_one_moment
    def update(self, state: SymbolState, df: Any) -> SymbolState:
        """Take in symbols that have come since, at their cost alone.

        Parameters
        ----------
        state : SymbolState
            It isn't changed.
        df : Series, DataFrame, str, or iterable of str or of lists
            Rows of some or all series of the state, from the one after its last; or what each
            text or list goes on with, as many as the state has.

        Returns
        -------
        SymbolState
            That of `encode` on all symbols, as long as these are no more than ``context_length``.
        """
        model = self._model("update")
        model.check(state)
        return model.update(state, self._read_new(model, state, df))

    @with_hints
    @isolated()
    @of_one_moment
    def log_likelihood(self, df: Any, *, state: SymbolState | None = None) -> Any:
        """How likely each symbol was, given those before it: unusual steps have low values.

        Parameters
        ----------
        df : Series, DataFrame, str, or iterable of str or of lists
            Sequences from their beginning; or what follows those of a state.
        state : SymbolState, optional

        Returns
        -------
        Series, DataFrame, ndarray or list of ndarray
            Log-probabilities in nats. Of frames in the rows and the layout of ``df``: a column
            ``log_likelihood`` beside that of the symbols of a long frame. Of a text an array, of
            texts and lists a list of them.

        Examples
        --------
        >>> import tsgen
        >>> model = tsgen.LSTMGenerator(max_steps=100, verbose=False).fit("on off " * 100)
        >>> int(model.log_likelihood("on off on of on off").argmin())  # a blank instead of an "f"
        12
        """
        model, df = self._model("log_likelihood"), opened_if_frame(df)
        if state is not None:
            model.check(state)
            panel = self._read_new(model, state, df)
        else:
            panel = self._read(model, df)
        values = model.log_likelihood(panel, state)
        if isinstance(panel.layout, FrameSymbols):
            return frame_of_values(df, self.spec_, panel, values, _LIKELIHOOD)
        return panel.layout.values(values, panel.offsets)

    @with_hints
    @isolated()
    @of_one_moment
    def perplexity(self, df: Any) -> float:
        """Between how many symbols of equal probability each one was as hard to guess.

        Parameters
        ----------
        df : Series, DataFrame, str, or iterable of str or of lists

        Returns
        -------
        float
            The exponential of the mean of ``-log_likelihood``; 1 is certainty. Ends of sequences
            don't count.
        """
        return float(np.exp(self._nats(df)))

    @with_hints
    @isolated()
    @of_one_moment
    def bits_per_symbol(self, df: Any) -> float:
        """How many bits it takes on average to write a symbol down, knowing the model.

        Parameters
        ----------
        df : Series, DataFrame, str, or iterable of str or of lists

        Returns
        -------
        float
            The mean of ``-log_likelihood`` in units of log 2.
        """
        return float(self._nats(df) / np.log(2))

    def _nats(self, df: Any) -> float:
        model = self._model("perplexity")
        panel = self._read(model, df)
        if not len(panel.codes):
            raise SettingError("there is no symbol in df, whose likelihood could be measured")
        return float(-model.log_likelihood(panel).mean())

    @with_hints
    @isolated()
    @of_one_moment
    def backtest(
        self, df: Any, horizon: int, *, n_windows: int = 1, step: int | None = None
    ) -> pd.DataFrame:
        """Predict from many cutoffs of sequences whose truth is known, and put it beside them.

        Parameters
        ----------
        df : Series, DataFrame, str, or iterable of str or of lists
            Sequences that were best not learned from.
        horizon : int
            H, symbols after each cutoff.
        n_windows : int, default 1
            Cutoffs of each sequence, the last of which leaves just the horizon after it.
        step : int, optional
            Symbols between cutoffs; by default the horizon.

        Returns
        -------
        DataFrame
            A row for each sequence, cutoff and step: its number (of frames the columns of ids and
            time stamps), ``cutoff`` (of frames the last time stamp before, else the number of
            symbols), ``step`` from 1, the symbol that came and the one that `predict` says, and
            ``log_likelihood``, that of the one that came given all before it.

        Examples
        --------
        Accuracy and perplexity by step:

        >>> import numpy as np
        >>> import tsgen
        >>> text = "to be or not to be " * 40
        >>> model = tsgen.LSTMGenerator(max_steps=100, verbose=False).fit(text)
        >>> rows = model.backtest(text, 3, n_windows=50)
        >>> right = rows["symbol"] == rows["symbol_pred"]
        >>> right.groupby(rows["step"]).mean().round(1).tolist()
        [1.0, 1.0, 1.0]
        >>> perplexity = np.exp(-rows["log_likelihood"].groupby(rows["step"]).mean())
        """
        model, horizon = self._model("backtest"), checked_horizon(horizon)
        count = whole_number("n_windows", n_windows, "cutoffs of each sequence")
        between = horizon if step is None else whole_number("step", step, "symbols between cutoffs")
        df = opened_if_frame(df)
        panel = self._read(model, df)
        cut = last_cuts(panel, horizon, count, between)
        places = cut.symbols[:, None] + np.arange(horizon)
        rows = (panel.offsets[cut.series, None] + places).ravel()
        steps = np.tile(np.arange(1, horizon + 1), len(cut.series))
        predicted = forecasts_at(model, panel, cut, horizon).ravel()
        decode = model.vocabulary.decode
        named = self._names_of_cuts(df, panel, cut, horizon)
        symbol = "symbol"
        if isinstance(panel.layout, FrameSymbols):
            symbol = panel.layout.panel.columns.target
        frame = pd.DataFrame(
            {
                **named,
                "step": steps,
                symbol: decode(panel.codes[rows]),
                f"{symbol}_pred": decode(predicted),
                _LIKELIHOOD: model.log_likelihood(panel)[rows],
            }
        )
        return _native(panel, frame)

    def _names_of_cuts(self, df: Any, panel: SymbolPanel, cut: Cut, horizon: int) -> dict[str, Any]:
        """Columns that say of which sequence and when the rows of a backtest are."""
        if not isinstance(panel.layout, FrameSymbols):
            several = {"sequence": np.repeat(cut.series, horizon)} if len(panel) > 1 else {}
            return several | {"cutoff": np.repeat(cut.symbols, horizon)}
        known = panel.layout.panel
        history = stamps_of_frame(df, self.spec_, known)
        series, before = np.repeat(cut.series, horizon), np.repeat(cut.symbols, horizon)
        inside = before + np.tile(np.arange(horizon), len(cut.series))
        when = {
            "cutoff": history.stamps(series, before - 1),
            known.columns.time: history.stamps(series, inside),
        }
        stamps = {name: as_stamps(each, known.layout.time_dtype) for name, each in when.items()}
        ids = {known.columns.id: panel.ids[series]} if known.layout.names_series else {}
        return ids | stamps

    @with_hints
    @isolated()
    @of_one_moment
    def explain(
        self,
        df: Any = None,
        *,
        n_lags: int = 10,
        n_windows: int = 256,
        n_repeats: int = 5,
        random_state: int | None = None,
    ) -> pd.DataFrame:
        """Say what the next symbol goes by: how much less likely it gets without earlier ones.

        Permutation importance: in windows drawn from the sequences, the symbols that stand some
        steps before the last one are exchanged between windows.

        Parameters
        ----------
        df : Series, DataFrame, str, or iterable of str or of lists, optional
            By default the ends of the training sequences.
        n_lags : int, default 10
            How many steps to look back.
        n_windows : int, default 256
        n_repeats : int, default 5
            Exchanges of each lag.
        random_state : int, optional
            By default that of the model.

        Returns
        -------
        DataFrame
            ``input``, each lag; ``importance``, by how many nats the surprise at the next symbol
            grows without it; ``spread``, the standard deviation of that over the exchanges. The
            most important comes first.

        Examples
        --------
        >>> import tsgen
        >>> model = tsgen.LSTMGenerator(max_steps=100, verbose=False).fit("abcd" * 200)
        >>> model.explain(n_lags=3)["input"].iloc[0]
        'lag 1'
        """
        model = self._model("explain")
        panel = self.panel_ if df is None else self._read(model, df)
        found = lag_importance(
            model,
            panel,
            whole_number("n_lags", n_lags, "steps to look back"),
            windows=whole_number("n_windows", n_windows, "windows to exchange", lowest=2),
            repeats=whole_number("n_repeats", n_repeats, "exchanges of each lag"),
            seed=self._seed(random_state),
        )
        return _native(panel, importance_table(found))

    # --- files and copies

    _snapshot_type = SymbolSnapshot

    def _weights(self) -> dict[str, Tensor]:
        return weights_of([self.model_.network])

    def _snapshot(self) -> SymbolSnapshot:
        params = self.get_params(deep=False)
        vocabulary = self.model_.vocabulary
        return SymbolSnapshot(params, self.settings_, self.panel_, vocabulary, self.spec_)

    @classmethod
    @isolated()
    def _restored(cls, snapshot: SymbolSnapshot, weights: Mapping[str, Tensor]) -> Self:
        generator = cls(**snapshot.params)
        settings, vocabulary = snapshot.settings, snapshot.vocabulary
        (network,) = networks_of(settings.architecture(cls.cell, len(vocabulary)), 1, weights)
        generator.settings_, generator.panel_ = settings, snapshot.panel
        generator.spec_ = snapshot.spec
        generator.model_ = FittedGenerator(network, vocabulary, settings.context_length)
        return generator

    # --- what all of these need

    def _read(self, model: FittedGenerator, df: Any) -> SymbolPanel:
        return read_sequences(df, model.vocabulary, self.spec_)

    def _read_new(self, model: FittedGenerator, state: SymbolState, df: Any) -> SymbolPanel:
        return read_new_symbols(df, state.panel, model.vocabulary, self.spec_)

    def _state_of(self, model: FittedGenerator, df: Any, state: SymbolState | None) -> SymbolState:
        """Where sequences start: after some, from a state, or after the training sequences."""
        if df is not None and state is not None:
            raise SettingError("df= and state= both say where to start: pass one of them")
        if df is not None:
            return model.encode(self._read(model, df))
        if state is not None:
            model.check(state)
            return state
        known: SymbolState | None = self.__dict__.get("state_")
        if known is None or known.weights != model.weights:
            known = self.__dict__["state_"] = model.encode(self._default_start(model))
        return known

    def _default_start(self, model: FittedGenerator) -> SymbolPanel:
        """The training sequences; where these have ended, a new one."""
        layout = self.panel_.layout
        if model.vocabulary.stop is None or isinstance(layout, FrameSymbols):
            return self.panel_
        if isinstance(layout, TextSymbols):
            return read_sequences("", model.vocabulary, self.spec_)
        return read_sequences([[]], model.vocabulary, self.spec_)

    def _given(
        self, model: FittedGenerator, state: SymbolState, given: Any, horizon: int
    ) -> FloatArray | None:
        if given is None:
            return None
        return read_given_symbols(given, state.panel, model.vocabulary, horizon)

    def _stopping(self, model: FittedGenerator, until: Any) -> Stopping | None:
        """Where sequences end: with a symbol that is asked for, and where that is learned."""
        last: BoolArray | None = None
        if until is not None:
            last = model.vocabulary.which(until, "until")
        return model.stopping(last)


def _native(panel: SymbolPanel, frame: pd.DataFrame) -> pd.DataFrame:
    """A frame as one of the library that symbols were read of; beside texts and lists of pandas."""
    layout = panel.layout
    return layout.panel.native(frame) if isinstance(layout, FrameSymbols) else frame


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

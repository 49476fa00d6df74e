"""Generators on sequences whose continuation is known."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
from sklearn.base import clone

import tsgen
from tsgen import GRUGenerator, LSTMGenerator
from tsgen.data import learn_sequences
from tsgen.errors import DivergenceError, FrameError, NotFittedError, SettingError, StateError
from tsgen.forecasters.symbol_settings import choose_generator_settings

ROW = "abcdefgh"
QUICK: dict[str, Any] = {"max_steps": 80, "hidden_size": 24, "verbose": False}


def markov(count: int, seed: int = 0) -> tuple[np.ndarray[Any, Any], str]:
    """Transition probabilities of three letters, and a text drawn by them."""
    table = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.6, 0.1]])
    random = np.random.default_rng(seed)
    states = [0]
    for uniform in random.random(count - 1):
        states.append(int(np.searchsorted(table[states[-1]].cumsum(), uniform)))
    return table, "".join("xyz"[min(state, 2)] for state in states)


def frame(rows: int = 60) -> pd.DataFrame:
    """Two machines that go round three states, the second one of a different length."""
    states = (["run", "idle", "off"] * rows)[: rows + rows // 2]
    return pd.DataFrame(
        {
            "unique_id": ["b"] * rows + ["a"] * (rows // 2),
            "ds": [
                *pd.date_range("2024-01-01", periods=rows, freq="h"),
                *pd.date_range("2024-01-01", periods=rows // 2, freq="h"),
            ],
            "y": states,
        }
    )


@pytest.fixture(scope="module")
def of_text() -> LSTMGenerator:
    return LSTMGenerator(**QUICK).fit(ROW * 60)


@pytest.fixture(scope="module")
def of_frame() -> LSTMGenerator:
    return LSTMGenerator(**QUICK).fit(frame())


@pytest.fixture(scope="module")
def of_words() -> LSTMGenerator:
    return LSTMGenerator(max_steps=150, hidden_size=32, verbose=False).fit(["anna", "bob"] * 30)


# --- what is learned -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [LSTMGenerator, GRUGenerator])
def test_what_was_memorised_is_continued_exactly(kind: type[LSTMGenerator]) -> None:
    model = kind(**QUICK).fit(ROW * 60)
    assert model.predict(200) == ROW * 25
    assert model.predict(6, df="cd") == "efghab"
    assert model.perplexity(ROW * 5) < 1.5
    assert model.report_.losses["loss"].iloc[-1] < 0.1


@pytest.mark.slow
def test_the_probabilities_of_a_markov_chain_are_learned() -> None:
    table, text = markov(6000)
    model = LSTMGenerator(max_steps=150, hidden_size=16, verbose=False).fit(text)
    said = np.empty((3, 3))
    for row, one in enumerate("xyz"):
        for column, other in enumerate("xyz"):
            said[row, column] = model.log_likelihood("xyzx" + one + other)[-1]
    divergence = (table * (np.log(table) - said)).sum(axis=1)
    assert divergence.max() < 0.02
    # What is drawn has the frequencies of the chain, too.
    drawn = model.sample(4000, df="x", random_state=1)
    pairs = pd.crosstab(pd.Series(list(drawn[:-1])), pd.Series(list(drawn[1:])), normalize="index")
    assert np.abs(pairs.to_numpy() - table).max() < 0.06


@pytest.mark.slow
def test_the_step_that_counts_is_found() -> None:
    _, text = markov(4000)
    model = LSTMGenerator(max_steps=100, hidden_size=16, verbose=False).fit(text)
    found = model.explain(text, n_lags=4)
    assert found["input"].iloc[0] == "lag 1"
    assert found["importance"].iloc[0] > 10 * found["importance"].iloc[1]
    assert found["importance"].iloc[0] > 0.2


def test_ends_of_sequences_are_learned(of_words: LSTMGenerator) -> None:
    assert of_words.settings_.stop
    drawn = pd.Series(of_words.sample(20, num_samples=400)).value_counts(normalize=True)
    assert drawn["anna"] == pytest.approx(0.5, abs=0.1)
    assert drawn["bob"] == pytest.approx(0.5, abs=0.1)
    assert of_words.predict(20, df=["an", "b", "anna"]) == ["na", "ob", ""]
    assert of_words.predict(20, df="an") == "na"
    beams = of_words.predict(20, num_beams=5, num_return_sequences=2)
    assert set(beams["text"]) == {"anna", "bob"}
    assert beams["score"].is_monotonic_decreasing


@pytest.mark.slow
def test_ends_are_not_learned_where_they_are_not_wanted() -> None:
    model = LSTMGenerator(stop=False, **QUICK).fit([ROW * 5, ROW * 9])
    assert model.predict(8, df=["a", "ab"]) == ["bcdefgha", "cdefghab"]
    assert model.predict(3) == ["abc", "abc"]  # the training sequences go on


@pytest.mark.slow
def test_words_are_symbols_too() -> None:
    text = "the cat sat on the mat . " * 30
    model = LSTMGenerator(unit="word", **QUICK).fit(text)
    assert model.predict(4, df="the cat") == "sat on the mat"
    assert model.settings_.unit == "word"


def test_unusual_steps_of_a_log_are_those_of_low_likelihood(of_frame: LSTMGenerator) -> None:
    log = frame()
    log.loc[[20, 70], "y"] = "run"  # where the machine should be off, and idle
    log.loc[[20, 70], "y"] = ["run", "off"]
    scored = of_frame.log_likelihood(log)
    assert set(scored["log_likelihood"].nsmallest(2).index) <= {20, 21, 70, 71}
    assert {20, 70} <= set(scored["log_likelihood"].nsmallest(4).index)
    assert scored.drop(columns="log_likelihood").equals(log)


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"num_layers": 2, "dropout": 0.1, "weight_averaging": 0.2},
        {"steps_dropout": 0.1, "embedding_size": 24},
        {"label_smoothing": 0.05, "batch_size": 4, "window_length": 16},
        {"training_strategy": "scheduled_sampling"},
        {"val_size": 0.2},
        {"patience": 2},
    ],
)
def test_every_way_to_train_learns(settings: dict[str, Any]) -> None:
    model = LSTMGenerator(**{**QUICK, "max_steps": 150, **settings}).fit(ROW * 60)
    assert model.predict(40) == ROW * 5
    assert ("validation" in model.report_.losses) == bool({"val_size", "patience"} & set(settings))


# --- layouts -------------------------------------------------------------------------------------


def test_frames_go_on_at_their_next_time_stamps(of_frame: LSTMGenerator) -> None:
    following = of_frame.predict(3)
    assert following["unique_id"].tolist() == ["b"] * 3 + ["a"] * 3
    assert following["ds"].iloc[[0, 3]].astype(str).tolist() == [
        "2024-01-03 12:00:00",
        "2024-01-02 06:00:00",
    ]
    assert following["y"].tolist() == ["run", "idle", "off"] * 2
    assert following.dtypes.equals(frame().dtypes)


@pytest.mark.parametrize("layout", ["wide", "series", "multiindex"])
def test_every_layout_comes_back(layout: str) -> None:
    data: Any = frame()
    if layout == "wide":
        data = data.pivot(index="ds", columns="unique_id", values="y")
    elif layout == "series":
        data = data[data["unique_id"] == "b"].set_index("ds")["y"]
    else:
        data = data.set_index(["unique_id", "ds"])
    model = LSTMGenerator(**QUICK).fit(data)
    following = model.predict(3)
    assert type(following) is type(data)
    assert following.index.names == data.index.names
    if layout == "wide":  # the column that ends earlier goes on through the rows between
        assert following["b"].tolist() == ["run", "idle", "off"]
        assert following["a"].tolist() == ["run", "idle", "off"]
    scored = model.log_likelihood(data)
    assert scored.index.equals(data.index)


@pytest.mark.slow
def test_lists_come_back_as_lists() -> None:
    model = LSTMGenerator(**QUICK).fit([[60, 62, 64] * 9, [60, 62, 64] * 7])
    assert model.predict(2, df=[[60], [62, 64]]) == [[62, 64], [60, 62]]
    assert model.predict(4) == [[60, 62, 64, 60]]
    paths = model.sample(3, num_samples=2, df=[[60], [62]])
    assert [len(of_one) for of_one in paths] == [2, 2]
    assert [len(part) for part in model.log_likelihood([[60, 62], [], [64]])] == [2, 0, 1]


def test_samples_and_beams_of_frames_are_long_frames(of_frame: LSTMGenerator) -> None:
    paths = of_frame.sample(4, num_samples=3)
    assert paths.columns.tolist() == ["unique_id", "ds", "sample_id", "y"]
    assert len(paths) == 2 * 3 * 4
    beams = of_frame.predict(4, num_beams=5, num_return_sequences=2)
    assert beams.columns.tolist() == ["unique_id", "ds", "beam_id", "score", "y"]
    assert beams.groupby(["unique_id", "beam_id"]).size().eq(4).all()
    best = beams[beams["beam_id"] == 0].drop(columns=["beam_id", "score"]).reset_index(drop=True)
    assert best.equals(of_frame.predict(4, num_beams=5))


# --- how it is generated -------------------------------------------------------------------------


@pytest.mark.parametrize("until", ["d", {"d", "z"} - {"z"}, lambda symbol: symbol >= "d"])
def test_a_sequence_ends_with_the_symbol_asked_for(of_text: LSTMGenerator, until: Any) -> None:
    assert of_text.predict(50, until=until) == "abcd"
    assert "".join(of_text.stream(df="a", temperature=0, until=until)) == "bcd"


def test_what_ends_in_a_frame_is_missing_after_it(of_frame: LSTMGenerator) -> None:
    following = of_frame.predict(3, until="idle")
    assert following["y-stopped"].tolist() == [False, True, True] * 2
    assert following["y"].isna().tolist() == [False, False, True] * 2


def test_given_symbols_are_followed(of_frame: LSTMGenerator) -> None:
    given = pd.DataFrame({"unique_id": ["a"], "ds": pd.to_datetime(["2024-01-02 07:00"]),
                          "y": ["run"]})  # fmt: skip
    for beams in (1, 3):
        following = of_frame.predict(3, given=given, num_beams=beams)
        assert following["y"].iloc[:4].tolist() == ["run", "idle", "off", "run"]
        assert following["y"].iloc[4] == "run"


def test_a_temperature_of_nothing_is_the_likeliest(of_text: LSTMGenerator) -> None:
    assert of_text.sample(30, temperature=0) == of_text.predict(30)
    assert of_text.sample(30, top_k=1) == of_text.predict(30)
    assert of_text.sample(30, top_k=10_000) == of_text.sample(30)


@pytest.mark.slow
def test_same_seed_same_symbols(of_words: LSTMGenerator) -> None:
    assert of_words.sample(9, num_samples=9) == of_words.sample(9, num_samples=9)
    assert of_words.sample(9, num_samples=9) != of_words.sample(9, num_samples=9, random_state=1)
    again = clone(of_words).fit(["anna", "bob"] * 30)
    assert again.sample(9, num_samples=9) == of_words.sample(9, num_samples=9)


def test_a_stream_goes_on_without_end(of_text: LSTMGenerator) -> None:
    state = of_text.encode("ab")
    assert "".join(islice(of_text.stream(state), 300)) == of_text.sample(300, state=state)
    with pytest.raises(SettingError, match="there are 2"):
        of_text.stream(df=["a", "b"])


def test_states_are_read_once_and_updated(of_frame: LSTMGenerator, of_text: LSTMGenerator) -> None:
    log = frame()
    earlier = log["ds"] < "2024-01-01 20:00"
    state = of_frame.update(of_frame.encode(log[earlier]), log[~earlier])
    assert of_frame.predict(5, state=state).equals(of_frame.predict(5, df=log))
    scored = of_frame.log_likelihood(log[~earlier], state=of_frame.encode(log[earlier]))
    whole = of_frame.log_likelihood(log)[~earlier]
    np.testing.assert_allclose(scored["log_likelihood"], whole["log_likelihood"], atol=1e-5)
    assert of_text.predict(3, state=of_text.update(of_text.encode("a"), "bc")) == "def"


def test_a_state_is_one_of_the_model(of_text: LSTMGenerator, of_words: LSTMGenerator) -> None:
    with pytest.raises(StateError):
        of_text.predict(3, state=of_words.encode("a"))
    with pytest.raises(SettingError, match="both say where to start"):
        of_text.predict(3, state=of_text.encode("a"), df="a")


def test_backtests_put_what_came_beside_what_was_said(
    of_frame: LSTMGenerator, of_text: LSTMGenerator
) -> None:
    rows = of_frame.backtest(frame(), 3, n_windows=4)
    assert rows.columns.tolist() == [
        "unique_id", "cutoff", "ds", "step", "y", "y_pred", "log_likelihood",
    ]  # fmt: skip
    assert len(rows) == 2 * 4 * 3
    assert (rows["y"] == rows["y_pred"]).all()
    truth = frame().merge(rows, on=["unique_id", "ds"])
    assert (truth["y_x"] == truth["y_y"]).all()
    assert ((rows["ds"] - rows["cutoff"]) == rows["step"] * pd.Timedelta("1h")).all()
    of_one = of_text.backtest(ROW * 3, 2, n_windows=3, step=1)
    assert of_one["cutoff"].tolist() == [20, 20, 21, 21, 22, 22]
    assert of_one["symbol"].tolist() == list("ef" + "fg" + "gh")
    assert (of_one["symbol"] == of_one["symbol_pred"]).all()


# --- manners -------------------------------------------------------------------------------------


def test_constructors_store_and_show_what_was_given() -> None:
    model = LSTMGenerator(hidden_size=9, unit="word")
    assert repr(model) == "LSTMGenerator(hidden_size=9, unit='word')"
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(NotFittedError, match="call fit"):
        model.predict(3)


def test_copies_for_other_processes_generate_the_same(of_words: LSTMGenerator) -> None:
    for copied in (pickle.loads(pickle.dumps(of_words)), copy.deepcopy(of_words)):
        assert copied.sample(9, num_samples=5) == of_words.sample(9, num_samples=5)


def test_other_names_of_arguments_are_answered(of_text: LSTMGenerator) -> None:
    with pytest.raises(TypeError, match="it is called 'df'"):
        of_text.predict(3, prompt="a")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="it is called 'horizon'"):
        of_text.sample(max_new_tokens=3)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "settings",
    [
        {"unit": "letter"}, {"min_count": 0}, {"stop": "yes"}, {"dropout": 1.0},
        {"training_strategy": "free_running"}, {"preset": "best"}, {"val_size": 0.9},
        {"freeze_embeddings": True}, {"window_length": 0}, {"hidden_size": 0},
        {"embeddings": 3}, {"val_size": None, "patience": 3}, {"context_length": 0},
    ],
)  # fmt: skip
def test_settings_of_no_use_are_errors(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=next(iter(settings)).split("_")[0]):
        LSTMGenerator(**{**QUICK, **settings}).fit(ROW * 9)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"horizon": 3, "num_beams": 0}, "num_beams"),
        ({"horizon": 3, "num_beams": 2, "num_return_sequences": 3}, "num_return_sequences"),
        ({"horizon": 3, "until": "?"}, "none of the symbols"),
        ({"horizon": 3, "given": "a"}, "given= is for frames"),
        ({"horizon": 0}, "1 or more"),
    ],
)
def test_calls_of_no_use_are_errors(of_text: LSTMGenerator, call: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        of_text.predict(**call)


@pytest.mark.parametrize(
    "call", [{"temperature": -1}, {"top_k": 0}, {"top_p": 1.5}, {"num_samples": 0}]
)
def test_sampling_of_no_use_is_an_error(of_text: LSTMGenerator, call: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=next(iter(call))):
        of_text.sample(3, **call)


# --- vectors, and going on -----------------------------------------------------------------------


@pytest.mark.slow
def test_pretrained_vectors_are_what_training_begins_with() -> None:
    vectors = pd.DataFrame(np.eye(8)[:, :5], index=list(ROW))
    frozen = LSTMGenerator(embeddings=vectors.iloc[:6], freeze_embeddings=True, **QUICK)
    frozen.fit(ROW * 60)
    learned = frozen.model_.network.vectors.numpy()
    np.testing.assert_array_equal(learned[:6], vectors.to_numpy()[:6])
    np.testing.assert_allclose(learned[6:], np.tile(vectors.iloc[:6].mean(), (3, 1)), rtol=1e-6)
    assert frozen.settings_.embedding_size == 5
    free = LSTMGenerator(embeddings=vectors, **QUICK).fit(ROW * 60)
    moved = free.model_.network.vectors.detach().numpy()[:8]
    assert not np.array_equal(moved, vectors.to_numpy())
    assert np.corrcoef(moved.ravel(), vectors.to_numpy().ravel())[0, 1] > 0.6
    assert free.predict(8) == ROW


@pytest.mark.slow
def test_training_goes_on_with_more_symbols(of_text: LSTMGenerator) -> None:
    before = of_text.predict(30)
    more = LSTMGenerator(**{**QUICK, "max_steps": 60}).fit((ROW + "!") * 40, init=of_text)
    assert list(more.model_.vocabulary.symbols) == [*ROW, "!"]
    assert more.predict(9) == ROW + "!"
    assert of_text.predict(30) == before
    with pytest.raises(SettingError, match="expected a fitted LSTMGenerator"):
        LSTMGenerator(**QUICK).fit(ROW, init=GRUGenerator())  # type: ignore[arg-type]
    with pytest.raises(NotFittedError):
        LSTMGenerator(**QUICK).fit(ROW, init=LSTMGenerator())


@pytest.mark.slow
def test_the_best_weights_before_a_loss_that_is_no_number_are_kept() -> None:
    class Poison(pl.Callback):
        def __init__(self, step: int) -> None:
            self.step = step

        def on_train_batch_start(
            self, trainer: pl.Trainer, module: pl.LightningModule, *rest: Any
        ) -> None:
            if trainer.global_step == self.step:
                for weight in module.parameters():
                    weight.data.fill_(np.nan)

    def poisoned(step: int) -> LSTMGenerator:
        return LSTMGenerator(**QUICK, trainer_kwargs={"callbacks": [Poison(step)]})

    model = poisoned(70)
    with pytest.raises(DivergenceError, match=r"nan at step 71.*The weights of step 60 are kept"):
        model.fit(ROW * 60)
    assert model.predict(16) == ROW * 2
    model = poisoned(5)
    with pytest.raises(DivergenceError, match="no better weights"):
        model.fit(ROW * 60)
    with pytest.raises(NotFittedError):
        model.predict(3)


@pytest.mark.slow
def test_a_run_that_was_cut_off_goes_on(tmp_path: Any) -> None:
    class Cut(Exception):
        pass

    class CutOff(pl.Callback):
        def on_train_batch_end(self, trainer: pl.Trainer, *rest: Any) -> None:
            if trainer.global_step == 15:
                raise Cut

    settings = {**QUICK, "max_steps": 30, "window_length": 8, "batch_size": 4}
    whole = LSTMGenerator(**settings).fit(ROW * 60)
    with pytest.raises(Cut):
        LSTMGenerator(**settings, trainer_kwargs={"callbacks": [CutOff()]}).fit(
            ROW * 60, run_dir=tmp_path
        )
    again = LSTMGenerator(**settings).fit(ROW * 60, run_dir=tmp_path)
    assert again.model_.weights == whole.model_.weights


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["text", "texts", "lists", "long", "wide"])
def test_a_file_holds_the_same_model(data: str, tmp_path: Any) -> None:
    sequences: Any = {
        "text": ROW * 20,
        "texts": ["anna", "bob"] * 9,
        "lists": [[1, (2, "x")], [1]] * 9,
        "long": frame(),
        "wide": frame().pivot(index="ds", columns="unique_id", values="y"),
    }[data]
    model = GRUGenerator(max_steps=5, hidden_size=8, verbose=False).fit(sequences)
    model.save(tmp_path / "model")
    loaded = tsgen.load(tmp_path / "model")
    assert isinstance(loaded, GRUGenerator)
    one, other = (each.sample(7, num_samples=3) for each in (model, loaded))
    assert one.equals(other) if isinstance(one, pd.DataFrame) else one == other
    assert loaded.settings_ == model.settings_
    assert loaded.get_params() == model.get_params()
    state = model.encode(sequences)
    predicted = loaded.predict(3, state=state)
    expected = model.predict(3, df=sequences)
    equal = predicted.equals(expected) if isinstance(expected, pd.DataFrame) else None
    assert predicted == expected if equal is None else equal


def test_a_file_of_another_class_is_refused(of_text: LSTMGenerator, tmp_path: Any) -> None:
    of_text.save(tmp_path / "model")
    with pytest.raises(tsgen.errors.ModelFileError, match="holds a LSTMGenerator"):
        GRUGenerator.load(tmp_path / "model")
    with pytest.raises(FileExistsError):
        of_text.save(tmp_path / "model")


# --- errors --------------------------------------------------------------------------------------


def test_every_error_of_a_frame_is_one(of_frame: LSTMGenerator) -> None:
    hole = frame()
    hole.loc[5, "y"] = None
    with pytest.raises(FrameError, match=r"series 'b' at 2024-01-01 05:00:00 \(row 5\)"):
        of_frame.predict(3, df=hole)
    with pytest.raises(FrameError, match="holds numbers, such as 1, but text in fit"):
        of_frame.predict(3, df=frame().assign(y=1))


@pytest.mark.parametrize("data", ["text", "frame"])
def test_states_are_saved_and_loaded(
    data: str, of_text: LSTMGenerator, of_frame: LSTMGenerator, tmp_path: Any
) -> None:
    model, sequences = (of_text, "abc") if data == "text" else (of_frame, frame())
    state = model.encode(sequences)
    tsgen.save_state(state, tmp_path / "state")
    loaded = tsgen.load_state(tmp_path / "state")
    assert isinstance(loaded, tsgen.SymbolState)
    one, other = (model.sample(9, state=each) for each in (state, loaded))
    assert one.equals(other) if isinstance(one, pd.DataFrame) else one == other
    with pytest.raises(tsgen.errors.ModelFileError, match="load_state"):
        tsgen.load(tmp_path / "state")


# ------------------------------------------------------------------------- what a review had found


def test_a_given_symbol_is_one_of_fit(of_frame: LSTMGenerator) -> None:
    later = of_frame.predict(3)
    later.loc[later.index[1], "y"] = "on fire"
    for beams in (1, 2):
        with pytest.raises(SettingError, match="given= holds 'on fire', which is none"):
            of_frame.predict(3, given=later, num_beams=beams)


def test_rows_after_a_gap_are_scored_alone() -> None:
    days = pd.Series(
        ["run", "off"] * 25, pd.date_range("2024-01-01", periods=50, freq="D"), name="y"
    )
    model = LSTMGenerator(**QUICK).fit(days, fill="ffill")
    later = pd.Series(["run", "off"], pd.date_range("2024-02-22", periods=2, freq="D"), name="y")
    scores = model.log_likelihood(later, state=model.encode(days))
    assert scores.index.equals(later.index)
    assert (scores < 0).all()


def test_validation_that_is_impossible_is_refused() -> None:
    with pytest.raises(SettingError, match="holds nothing out, since all sequences are too short"):
        LSTMGenerator(patience=3, stop=False, **QUICK).fit(["ab", "ba", "aa"])
    with pytest.raises(SettingError, match="there is one sequence alone"):
        LSTMGenerator(patience=3, stop=True, **QUICK).fit(["ab"])
    few = LSTMGenerator(patience=3, **QUICK).fit(["ab", "ba", "aa"])  # one of them is held out
    assert few.report_.losses["validation"].notna().any()


def settings_of(count: int, of: Callable[[int], Any], **arguments: Any) -> tuple[int | None, float]:
    """The patience that is chosen, and the share that is held out."""
    learned = learn_sequences(of(count), stops=arguments.pop("stops", None))
    given = LSTMGenerator(**arguments).get_params()
    settings = choose_generator_settings(
        given, learned.panel, learned.vocabulary, {"embeddings": None}
    )
    return settings.patience, settings.val_size


def test_a_preset_ends_before_it_knows_symbols_by_heart() -> None:
    text, lines = "ab".__mul__, lambda count: ["ab" * 10] * (count // 10)
    for of in (text, lines):
        assert settings_of(5_000, of) == (4, 0.1)
        assert settings_of(5_000, of, preset="accurate", val_size=0.2) == (4, 0.2)
        assert settings_of(50, of) == (None, 0.0)  # too few to tell
        assert settings_of(400_000, of) == (None, 0.0)  # passed over 5 times
        assert settings_of(5_000, of, max_steps=1_000) == (None, 0.0)
        assert settings_of(5_000, of, val_size=None) == (None, 0.0)
        assert settings_of(5_000, of, patience=None) == (None, 0.0)
        assert settings_of(50, of, patience=7) == (7, 0.1)
    assert settings_of(5_000, text, stops=True) == (None, 0.0)  # one that ends, alone
    assert settings_of(5_000, lambda count: ["ab"] * count, stops=False) == (None, 0.0)


def test_a_stream_is_a_path_of_any_length(of_text: LSTMGenerator) -> None:
    state = of_text.encode(ROW)
    drawn = of_text.sample(600, state=state, temperature=3.0, random_state=1)
    streamed = islice(of_text.stream(state, temperature=3.0, random_state=1), 600)
    assert "".join(streamed) == drawn


def test_hardly_any_temperature_is_none(of_text: LSTMGenerator) -> None:
    assert of_text.sample(20, temperature=1e-39) == of_text.predict(20)


def test_a_tuple_of_lists_is_no_symbol() -> None:
    with pytest.raises(FrameError, match="a tuple can't be a symbol"):
        LSTMGenerator(**QUICK).fit([[("a", [1])]])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"stop": True}, "stop=True beside init=, a model that has False"),
        (
            {"hidden_size": 7},
            "hidden_size=7 beside init=.*: pass hidden_size=24",
        ),
        ({"num_layers": 2}, "num_layers=2 beside init=, a model that has 1"),
        (
            {"embeddings": pd.DataFrame([[1.0]], index=["a"])},
            "a model that learned vectors of its own",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_a_model_has_to_go_on_with_is_not_said_otherwise(
    of_text: LSTMGenerator, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingError, match=said):
        LSTMGenerator(**QUICK | arguments).fit(ROW * 10, init=of_text)

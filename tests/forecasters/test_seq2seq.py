"""Encoder–decoders learn pairs whose targets are known, and give back the kind that was given."""

from __future__ import annotations

import copy
import inspect
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from pandas.testing import assert_frame_equal, assert_series_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

import tsgen
from tsgen import GRUSeq2Seq, LSTMSeq2Seq, ScheduledSampling
from tsgen.errors import FrameError, ModelFileError, SettingError
from tsgen.forecasters.symbol_snapshot import check_seq2seq_snapshot
from tsgen.io import CodecError
from tsgen.metrics import sequence_accuracy

SMALL = {"hidden_size": 24, "max_steps": 120, "verbose": False}
DRAWN = np.random.default_rng(0)
WORDS = ["".join(DRAWN.choice(list("abcd"), DRAWN.integers(1, 6))) for _ in range(200)]
BACKWARDS = [word[::-1].upper() for word in WORDS]


@pytest.fixture(scope="module")
def fitted() -> LSTMSeq2Seq:
    return LSTMSeq2Seq(**SMALL).fit(WORDS, BACKWARDS)


@pytest.fixture(scope="module")
def listed() -> GRUSeq2Seq:
    """Lists of numbers to texts of words, hardly trained."""
    model = GRUSeq2Seq(hidden_size=8, max_steps=3, target_unit="word", verbose=False)
    return model.fit([[1, 2], [3], [2, 2, 1]], ["one two", "three", "two two one"])


# --- learning


def test_it_learns_to_reverse_words_it_has_not_seen(fitted: LSTMSeq2Seq) -> None:
    new = ["abca", "ddab", "cab", "bdca"]
    new = [word for word in new if word not in WORDS] or new
    right = sequence_accuracy([word[::-1].upper() for word in new], fitted.predict(new))
    assert right >= 0.5
    assert fitted.score(WORDS, BACKWARDS) > 0.9
    assert fitted.report_.losses["loss"].iloc[-1] < 0.3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "attention"),
    [(LSTMSeq2Seq, "multiplicative"), (GRUSeq2Seq, "additive"), (GRUSeq2Seq, "dot"),
     (LSTMSeq2Seq, None)],
)  # fmt: skip
def test_each_attention_learns(kind: type, attention: str | None) -> None:
    steps = 500 if attention is None else 200
    model = kind(**SMALL | {"max_steps": steps}, attention=attention).fit(WORDS, BACKWARDS)
    assert model.score(WORDS, BACKWARDS) > (0.5 if attention is None else 0.9)


def test_the_report_says_how_far_the_loop_falls_behind(fitted: LSTMSeq2Seq) -> None:
    report = fitted.report_
    assert report.losses["loss"].iloc[-1] < 0.3
    assert (report.errors["free_running"] >= report.errors["teacher_forced"] - 0.05).all()
    assert report.errors["teacher_forced"].iloc[0] < 0.1


def test_attention_looks_where_the_symbol_comes_from(fitted: LSTMSeq2Seq) -> None:
    weights = fitted.attention_weights("abcd", "DCBA")
    assert list(weights.columns) == ["a", "b", "c", "d", "</s>"]
    assert list(weights.index) == ["D", "C", "B", "A", "</s>"]
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-5)


@pytest.mark.slow
def test_depth_both_dropouts_and_sampling_learn_too() -> None:
    model = LSTMSeq2Seq(
        **SMALL | {"max_steps": 200},
        num_layers=2,
        encoder_layers=2,
        dropout=0.1,
        steps_dropout=0.05,
        label_smoothing=0.05,
        training_strategy=ScheduledSampling(end=0.5),
    )
    assert model.fit(WORDS, BACKWARDS).score(WORDS, BACKWARDS) > 0.5


def test_same_seed_same_model_and_nothing_global_is_touched() -> None:
    states = random.getstate(), np.random.get_state()[1].copy(), torch.random.get_rng_state()  # noqa: NPY002
    model = LSTMSeq2Seq(hidden_size=8, max_steps=4, dropout=0.2, verbose=False)
    one, other = (clone(model).fit(WORDS, BACKWARDS) for _ in range(2))
    assert one.model_.weights == other.model_.weights
    assert one.sample(WORDS[:3]) == other.sample(WORDS[:3])
    assert random.getstate() == states[0]
    assert (np.random.get_state()[1] == states[1]).all()  # noqa: NPY002
    assert torch.equal(torch.random.get_rng_state(), states[2])


def test_the_constructor_only_stores() -> None:
    parameters = inspect.signature(LSTMSeq2Seq).parameters
    assert all(each.kind is each.KEYWORD_ONLY for each in parameters.values())
    marker = object()
    assert vars(LSTMSeq2Seq(**dict.fromkeys(parameters, marker))) == dict.fromkeys(
        parameters, marker
    )


def test_fit_leaves_parameters_and_pairs_as_they_are() -> None:
    model = GRUSeq2Seq(hidden_size=8, max_steps=2, verbose=False)
    parameters, words = copy.deepcopy(model.get_params()), list(WORDS)
    assert model.fit(words, BACKWARDS) is model
    assert model.get_params() == parameters
    assert words == WORDS


def test_settings_are_chosen_from_the_pairs(fitted: LSTMSeq2Seq) -> None:
    chosen = fitted.settings_
    assert chosen.max_length == 2 * 5 + 10
    assert 100 < chosen.batch_size <= 512
    assert (chosen.attention, chosen.bidirectional, chosen.dropout) == ("additive", True, 0.1)
    sizes = {
        preset: LSTMSeq2Seq(preset=preset, max_steps=1, verbose=False)
        .fit(WORDS, BACKWARDS)
        .settings_.hidden_size
        for preset in ("fast", "accurate")
    }
    assert sizes == {"fast": 64, "accurate": 128}


def test_patience_holds_pairs_out() -> None:
    model = LSTMSeq2Seq(hidden_size=8, max_steps=60, patience=1, verbose=False)
    losses = model.fit(WORDS, BACKWARDS).report_.losses
    assert model.settings_.val_size == 0.1
    assert losses["validation"].notna().any()


def test_training_goes_on_from_a_fitted_model(fitted: LSTMSeq2Seq) -> None:
    weights = fitted.model_.weights
    more = LSTMSeq2Seq(max_steps=1, learning_rate=1e-9, verbose=False)
    more.fit([*WORDS, "xab"], [*BACKWARDS, "BAX"], init=fitted)
    assert list(more.model_.source_vocabulary.symbols) == ["a", "b", "c", "d", "x"]
    assert more.settings_.hidden_size == 24
    assert more.predict(WORDS[:20]) == fitted.predict(WORDS[:20])
    assert fitted.model_.weights == weights
    with pytest.raises(SettingError, match="pass source_unit='character'"):
        LSTMSeq2Seq(source_unit="word").fit(WORDS, BACKWARDS, init=fitted)
    with pytest.raises(SettingError, match="attention='dot' beside init="):
        LSTMSeq2Seq(attention="dot").fit(WORDS, BACKWARDS, init=fitted)
    with pytest.raises(SettingError, match="expected a fitted GRUSeq2Seq"):
        GRUSeq2Seq().fit(WORDS, BACKWARDS, init=fitted)


# --- vectors that were learned elsewhere

OF_SOURCES = pd.DataFrame(DRAWN.standard_normal((3, 5)), index=list("abc"))
OF_TARGETS = pd.DataFrame(DRAWN.standard_normal((4, 7)), index=list("ABCD"))
BRIEF = {"hidden_size": 8, "max_steps": 3, "verbose": False}


def vectors_of(model: LSTMSeq2Seq) -> tuple[np.ndarray, np.ndarray]:
    network = model.model_.network
    return network.source_vectors.detach().numpy(), network.vectors.detach().numpy()


def test_frozen_vectors_stay_and_stand_in_for_those_that_are_missing(tmp_path: Path) -> None:
    model = LSTMSeq2Seq(
        **BRIEF, source_embeddings=OF_SOURCES, target_embeddings=OF_TARGETS, freeze_embeddings=True
    ).fit(WORDS, BACKWARDS)
    sources, targets = vectors_of(model)
    np.testing.assert_allclose(sources[:3], OF_SOURCES, rtol=1e-6)
    np.testing.assert_allclose(sources[3:], np.tile(OF_SOURCES.mean(), (3, 1)), rtol=1e-5)
    np.testing.assert_allclose(targets[:4], OF_TARGETS, rtol=1e-6)
    assert (model.settings_.source_embedding_size, model.settings_.embedding_size) == (5, 7)
    model.save(tmp_path / "pairs.tsgen")
    loaded = LSTMSeq2Seq.load(tmp_path / "pairs.tsgen")
    assert loaded.predict(WORDS[:9]) == model.predict(WORDS[:9])
    more = LSTMSeq2Seq(**BRIEF).fit([*WORDS, "x"], [*BACKWARDS, "X"], init=loaded)
    assert more.settings_.frozen
    assert more.settings_.source_frozen
    np.testing.assert_array_equal(vectors_of(more)[0][:4], sources[:4])


def test_training_moves_vectors_of_one_side_that_a_file_has(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    OF_TARGETS.to_csv(path, sep=" ", header=False)
    still = LSTMSeq2Seq(**BRIEF | {"learning_rate": 1e-9}, target_embeddings=path, embedding_size=4)
    still.fit(WORDS, BACKWARDS)
    sources, targets = vectors_of(still)
    assert (sources.shape[1], targets.shape[1]) == (4, 7)
    np.testing.assert_allclose(targets[:4], OF_TARGETS, atol=1e-5)
    moved = clone(still).set_params(learning_rate=0.01).fit(WORDS, BACKWARDS)
    assert np.abs(vectors_of(moved)[1][:4] - OF_TARGETS.to_numpy()).min() > 1e-4
    again = clone(still).set_params(max_steps=1).fit(WORDS, BACKWARDS, init=still)
    np.testing.assert_allclose(vectors_of(again)[1][:4], OF_TARGETS, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"freeze_embeddings": True}, "pass source_embeddings= or target_embeddings="),
        ({"source_embeddings": 3}, "source_embeddings=3: expected a frame"),
        ({"target_embeddings": OF_SOURCES}, "target_embeddings= has none of the 4 symbols"),
        (
            {"source_embeddings": OF_SOURCES, "target_embeddings": OF_TARGETS, "embedding_size": 5},
            "embedding_size=5: source_embeddings= has 5 and target_embeddings= has 7 numbers",
        ),
    ],
)
def test_vectors_of_no_use_are_errors(settings: dict[str, object], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        LSTMSeq2Seq(**BRIEF, **settings).fit(WORDS, BACKWARDS)


def test_a_model_goes_on_with_the_vectors_that_it_has_learned(fitted: LSTMSeq2Seq) -> None:
    with pytest.raises(SettingError, match="source_embeddings= beside init="):
        LSTMSeq2Seq(source_embeddings=OF_SOURCES).fit(WORDS, BACKWARDS, init=fitted)


@pytest.mark.slow
def test_a_run_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    settings = {"hidden_size": 8, "max_steps": 12, "verbose": False}
    whole = LSTMSeq2Seq(**settings).fit(WORDS, BACKWARDS)
    again = LSTMSeq2Seq(**settings)
    for _ in range(2):
        again.fit(WORDS, BACKWARDS, run_dir=tmp_path / "run")
    assert again.model_.weights == whole.model_.weights


# --- generating


def test_targets_come_as_sources_came(fitted: LSTMSeq2Seq) -> None:
    targets = fitted.predict(WORDS[:4])
    assert fitted.predict(WORDS[0]) == targets[0]
    series = pd.Series(WORDS[:4], index=list("wxyz"))
    assert_series_equal(
        fitted.predict(series), pd.Series(targets, index=list("wxyz"), name="target")
    )
    frame = pd.DataFrame({"word": WORDS[:40], "n": 1, "back": BACKWARDS[:40]})
    of_frame = LSTMSeq2Seq(hidden_size=8, max_steps=2, verbose=False)
    of_frame.fit(frame, source_col="word", target_col="back")
    new = frame[["n", "word"]].iloc[3:5]
    assert_frame_equal(of_frame.predict(new)[["n", "word"]], new)
    assert of_frame.predict(new)["back"].tolist() == of_frame.predict(frame)["back"].tolist()[3:5]
    assert 0.0 <= of_frame.score(frame) <= 1.0
    assert of_frame.log_likelihood(frame).index.equals(frame.index)


def test_lists_to_words(listed: GRUSeq2Seq) -> None:
    (target,) = listed.predict([[3]])
    assert set(target.split()) <= {"one", "two", "three"}
    assert len(listed.sample([[1], [2]], num_samples=3)[1]) == 3


def test_a_source_alone_is_read_as_among_others(fitted: LSTMSeq2Seq) -> None:
    together = fitted.predict(WORDS)
    assert [fitted.predict(word) for word in WORDS[:10]] == together[:10]
    np.testing.assert_allclose(
        fitted.log_likelihood(WORDS, BACKWARDS)[:3],
        [fitted.log_likelihood(w, b) for w, b in zip(WORDS[:3], BACKWARDS[:3], strict=True)],
        rtol=1e-4,
    )


def test_beams_are_the_best_of_all_targets(fitted: LSTMSeq2Seq) -> None:
    greedy = fitted.predict(WORDS[:20])
    found = fitted.predict(WORDS[:20], num_beams=4, length_penalty=0.0)
    likely = fitted.log_likelihood(WORDS[:20], found)
    assert (likely >= fitted.log_likelihood(WORDS[:20], greedy) - 1e-4).all()
    rows = fitted.predict(WORDS[:2], num_beams=4, num_return_sequences=3, length_penalty=0.0)
    assert rows["source"].tolist() == [0, 0, 0, 1, 1, 1]
    assert rows["beam_id"].tolist() == [0, 1, 2] * 2
    first = rows[rows["beam_id"] == 0]
    assert first["target"].tolist() == found[:2]
    np.testing.assert_allclose(first["score"], likely[:2], rtol=1e-4, atol=1e-5)
    series = pd.Series(WORDS[:2], index=["u", "v"])
    of_series = fitted.predict(series, num_beams=4, num_return_sequences=3, length_penalty=0.0)
    assert of_series.index.tolist() == ["u", "u", "u", "v", "v", "v"]
    assert of_series["target"].tolist() == rows["target"].tolist()


def test_a_penalty_favours_lengths(listed: GRUSeq2Seq) -> None:
    lengths = [
        len(listed.predict([[2, 2, 1]], num_beams=3, length_penalty=penalty, max_length=12)[0])
        for penalty in (-5.0, 5.0)
    ]
    assert lengths[0] <= lengths[1]


def test_samples_depend_on_the_seed_and_the_source_alone(fitted: LSTMSeq2Seq) -> None:
    drawn = fitted.sample(WORDS[:6], random_state=5)
    assert fitted.sample(WORDS[:6], random_state=5) == drawn
    assert fitted.sample(WORDS[:2], random_state=5) == drawn[:2]
    assert fitted.sample(WORDS[:6], temperature=0.0) == fitted.predict(WORDS[:6])
    several = fitted.sample(WORDS[:2], num_samples=4, random_state=5)
    assert [each[0] for each in several] == drawn[:2]
    rows = fitted.sample(pd.Series(WORDS[:2]), num_samples=4, random_state=5)
    assert rows["target"].tolist() == [target for each in several for target in each]
    assert rows["sample_id"].tolist() == [0, 1, 2, 3] * 2


def test_many_samples_are_drawn_in_blocks_that_fit_into_memory(
    fitted: LSTMSeq2Seq, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fitted.sample(WORDS[:6], num_samples=8)
    most, panel = 10_000, fitted._read(fitted.model_, WORDS).panel
    monkeypatch.setattr("tsgen.inference.seq2seq._NUMBERS_AT_ONCE", most)
    for rows, _ in fitted.model_._blocks(panel, copies=8):
        assert 8 * len(rows) * (panel.lengths[rows].max() + 1) * 2 * 24 <= most
    assert fitted.sample(WORDS[:6], num_samples=8) == whole


@pytest.mark.slow
def test_likelihoods_of_all_targets_sum_to_one() -> None:
    """Of one symbol, targets differ in their lengths alone."""
    model = LSTMSeq2Seq(hidden_size=8, max_steps=60, verbose=False)
    model.fit(["a", "aa", "aaa"] * 9, ["", "x", "xx"] * 9)
    targets = ["x" * length for length in range(40)]
    likely = model.log_likelihood(["aa"] * 40, targets)
    # The unknown symbol has the rest.
    assert 0.9 < np.exp(likely).sum() <= 1.0 + 1e-5


def test_max_length_cuts_targets(fitted: LSTMSeq2Seq, listed: GRUSeq2Seq) -> None:
    assert fitted.predict("abcd", max_length=2) == fitted.predict("abcd")[:2]
    assert len(listed.predict([[1]], max_length=1)[0].split()) <= 1


def test_scores_go_through_a_grid_search() -> None:
    search = GridSearchCV(
        LSTMSeq2Seq(hidden_size=8, verbose=False), {"max_steps": [1, 2]}, cv=2, refit=False
    )
    search.fit(WORDS[:60], BACKWARDS[:60])
    assert (search.cv_results_["mean_test_score"] >= 0.0).all()


# --- what it is asked and told


def test_unknown_symbols_are_read_as_one(fitted: LSTMSeq2Seq) -> None:
    assert fitted.predict("a?b") == fitted.predict("a!b")
    likely, unlikely = fitted.log_likelihood(["ab", "ab"], ["BA", "B?"])
    assert likely > unlikely


def test_an_empty_source_has_a_target(fitted: LSTMSeq2Seq) -> None:
    assert isinstance(fitted.predict(""), str)
    assert fitted.predict(["", "ab"])[1] == fitted.predict("ab")
    assert fitted.attention_weights("", "A").shape == (2, 1)
    assert np.isfinite(fitted.log_likelihood("", ""))


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"attention": "luong"}, "attention='luong': expected one of 'additive'"),
        ({"encoder_layers": 0}, "encoder_layers=0"),
        ({"bidirectional": 2}, "bidirectional=2"),
        ({"source_unit": "letter"}, "source_unit='letter'"),
        ({"training_strategy": "free_running"}, "training_strategy"),
        ({"preset": "best"}, "preset='best'"),
        ({"hidden_size": 2.5}, "hidden_size=2.5"),
        ({"val_size": 0.9}, "val_size=0.9"),
    ],
)
def test_odd_settings_are_refused(settings: dict[str, object], match: str) -> None:
    with pytest.raises(SettingError, match=match):
        LSTMSeq2Seq(**settings).fit(WORDS, BACKWARDS)  # type: ignore[arg-type]


def test_odd_questions_are_refused(fitted: LSTMSeq2Seq) -> None:
    with pytest.raises(SettingError, match="num_return_sequences=3"):
        fitted.predict("a", num_beams=2, num_return_sequences=3)
    with pytest.raises(SettingError, match="max_length=0"):
        fitted.predict("a", max_length=0)
    with pytest.raises(TypeError, match="it is called 'num_beams'"):
        fitted.predict("a", beam_width=2)  # type: ignore[call-arg]
    with pytest.raises(FrameError, match="there is no sequence in it"):
        fitted.predict([])
    with pytest.raises(SettingError, match="attends to nothing"):
        LSTMSeq2Seq(hidden_size=4, max_steps=1, attention=None, verbose=False).fit(
            WORDS, BACKWARDS
        ).attention_weights("ab")


def test_nothing_is_said_before_fit() -> None:
    model = LSTMSeq2Seq()
    for call in (
        lambda: model.predict(["a"]),
        lambda: model.sample(["a"]),
        lambda: model.score(["a"], ["b"]),
        lambda: model.log_likelihood(["a"], ["b"]),
        lambda: model.attention_weights("a"),
        lambda: model.save("x"),
    ):
        with pytest.raises(NotFittedError, match=r"call fit\(source, target\) before"):
            call()


# --- files


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("settings", {"attention": "luong"}),
        ("settings", {"encoder_layers": 5}),
        ("settings", {"hidden_size": 0}),
        ("settings", {"source_unit": "letter"}),
        ("settings", {"max_length": 2**40}),
        ("vocabulary", {"stops": False}),
        ("source_vocabulary", {"symbols": pd.Index(["a", "a"])}),
    ],
)
def test_a_file_that_says_odd_things_is_refused(
    fitted: LSTMSeq2Seq, part: str, changes: dict[str, object]
) -> None:
    snapshot = fitted._snapshot()
    check_seq2seq_snapshot(snapshot)
    odd = replace(getattr(snapshot, part), **changes)
    with pytest.raises(CodecError):
        check_seq2seq_snapshot(replace(snapshot, **{part: odd}))


def test_weights_of_another_network_are_refused(fitted: LSTMSeq2Seq) -> None:
    snapshot, weights = fitted._snapshot(), fitted._weights()
    settings = replace(snapshot.settings, bidirectional=False)
    with pytest.raises(ModelFileError):
        LSTMSeq2Seq._restored(replace(snapshot, settings=settings), weights)


def test_a_saved_model_says_the_same(fitted: LSTMSeq2Seq, tmp_path: Path) -> None:
    path = tmp_path / "model.tsgen"
    fitted.save(path)
    for loaded in (LSTMSeq2Seq.load(path), tsgen.load(path)):
        assert type(loaded) is LSTMSeq2Seq
        assert loaded.predict(WORDS[:20]) == fitted.predict(WORDS[:20])
        assert loaded.settings_ == fitted.settings_
        np.testing.assert_array_equal(
            loaded.log_likelihood(WORDS, BACKWARDS), fitted.log_likelihood(WORDS, BACKWARDS)
        )


def test_a_model_of_lists_and_one_of_frames_are_saved(listed: GRUSeq2Seq, tmp_path: Path) -> None:
    listed.save(tmp_path / "lists.tsgen")
    again = tsgen.load(tmp_path / "lists.tsgen")
    assert again.predict([[1, 2]]) == listed.predict([[1, 2]])
    frame = pd.DataFrame({"word": WORDS, "back": BACKWARDS})
    model = GRUSeq2Seq(hidden_size=4, max_steps=1, attention=None, verbose=False)
    model.fit(frame, source_col="word", target_col="back").save(tmp_path / "frame.tsgen")
    assert_frame_equal(tsgen.load(tmp_path / "frame.tsgen").predict(frame), model.predict(frame))


def test_copies_forecast_alone(fitted: LSTMSeq2Seq) -> None:
    assert copy.deepcopy(fitted).predict(WORDS[:3]) == fitted.predict(WORDS[:3])

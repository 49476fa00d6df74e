"""Rows with holes: reading them is the closed loop over each hole, with all that is known given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, get_args

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from torch import Tensor

from tsgen import GRUForecaster, LSTMForecaster
from tsgen.generation import imputation
from tsgen.generation.imputation import encode_over_holes, read_over_holes
from tsgen.nn import Architecture, Cell, RecurrentNetwork
from tsgen.preprocessing import by_series, by_system
from tsgen.rollout import Feedback, RolloutState, encode, rollout

BATCH, CONTEXT = 4, 12

properties = settings(max_examples=40, deadline=None, derandomize=True, database=None)


# ------------------------------------------------------------------------------ networks and rows


def network_of(
    lags: Sequence[int],
    *,
    cell: Cell = "lstm",
    layers: int = 1,
    channels: int = 1,
    numbers: int = 0,
    categories: int = 0,
    residual: int | None = None,
    head: float = 0.3,
    seed: int = 0,
) -> RecurrentNetwork:
    """A network in float64 that reads some covariates, of which the last one may be a category."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Architecture(
            tuple(lags),
            cell=cell,
            hidden_size=6,
            num_layers=layers,
            residual_lag=residual,
            channels=channels,
            covariates=numbers + (categories > 0),
            categories={numbers: categories} if categories else {},
        ).network()
        torch.nn.init.normal_(network.head.weight, std=head)
        torch.nn.init.normal_(network.head.bias, std=head)
    return network.double().eval()


class Rows(NamedTuple):
    """Values, 0 where they aren't known, their flags, and covariates."""

    values: Tensor
    known: Tensor
    covariates: Tensor | None = None

    def after(self, row: int) -> Rows:
        rest = None if self.covariates is None else self.covariates[:, row:]
        return Rows(self.values[:, row:], self.known[:, row:], rest)

    def before(self, row: int) -> Rows:
        rest = None if self.covariates is None else self.covariates[:, :row]
        return Rows(self.values[:, :row], self.known[:, :row], rest)


def rows_with(
    known: Tensor, network: RecurrentNetwork, numbers: int = 0, categories: int = 0, seed: int = 1
) -> Rows:
    random = torch.Generator().manual_seed(seed)
    count, steps = known.shape
    values = torch.randn(count, steps, generator=random, dtype=torch.float64)
    parts = [torch.randn(count // network.channels, steps, numbers, generator=random)]
    if categories:
        shape = (count // network.channels, steps, 1)
        parts.append(torch.randint(0, categories + 1, shape, generator=random).float())
    covariates = torch.cat(parts, dim=2).double() if numbers + categories else None
    rows = (by_system(part, network.channels) for part in (values * known, known.double()))
    return Rows(*rows, covariates)


def flags(*rows: str) -> Tensor:
    """``"#"`` where a value is known, ``"."`` where it is missing; series by series."""
    return torch.tensor([[cell == "#" for cell in row] for row in rows], dtype=torch.float64)


# ---------------------------------------------------------------------------- by the definition


class Read(NamedTuple):
    state: RolloutState
    predictions: Tensor
    filled: Tensor


@torch.inference_mode()
def by_definition(network: RecurrentNetwork, state: RolloutState, rows: Rows) -> Read:
    """One step at a time: a value that is known is given, in a hole the loop is closed.

    What comes before the first value of a channel is 0 and not known.
    """
    begun = state.known.amax(dim=1) > 0
    predictions, filled = [], []
    for step in range(rows.values.shape[1]):
        here = slice(step, step + 1)
        covariates = None if rows.covariates is None else rows.covariates[:, here]
        is_known = rows.known[:, step] > 0
        begun = begun | is_known
        hole = begun & ~is_known
        given_values = torch.where(hole[:, None], torch.nan, rows.values[:, here])
        predictions.append(rollout(network, state, 1, Feedback(covariates=covariates)).path)
        feedback = Feedback(
            given=given_values, covariates=covariates, known=begun[:, None].double()
        )
        path, state = rollout(network, state, 1, feedback)
        filled.append(path)
    return Read(state, torch.cat(predictions, dim=1), torch.cat(filled, dim=1))


def encoded_by_definition(network: RecurrentNetwork, rows: Rows) -> Read:
    longest = network.longest_lag
    start = network.start(rows.values, rows.known)
    return by_definition(network, start, rows.after(longest))


def assert_same_state(got: RolloutState, expected: RolloutState) -> None:
    for ours, theirs in zip(got.recurrent, expected.recurrent, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=0)
    torch.testing.assert_close(got.values, expected.values, atol=1e-9, rtol=0)
    torch.testing.assert_close(got.known, expected.known, atol=0, rtol=0)


def assert_as_defined(network: RecurrentNetwork, rows: Rows) -> None:
    """State and predictions are the definition's, and those of reading what it filled."""
    given_rows = [None if part is None else part.clone() for part in rows]
    predictions, state = encode_over_holes(network, *rows)
    expected = encoded_by_definition(network, rows)
    assert_same_state(state, expected.state)
    torch.testing.assert_close(predictions, expected.predictions, atol=1e-9, rtol=0)
    longest = network.longest_lag
    begun = rows.known.cummax(dim=1).values
    start = rows.values[:, :longest]
    first = rows.known[:, :longest]
    with torch.inference_mode():
        said, again = encode(
            network, torch.cat([start, expected.filled], dim=1),
            torch.cat([first, begun[:, longest:]], dim=1), rows.covariates,
        )  # fmt: skip
    assert_same_state(state, again)
    torch.testing.assert_close(predictions, said, atol=1e-9, rtol=0)
    for part, before in zip(rows, given_rows, strict=True):
        assert part is None or torch.equal(part, before)


PATTERNS = {
    "no hole": "###############",
    "one in the middle": "########.######",
    "two in a row, and one": "######..###.###",
    "at the very end": "###########....",
    "all but the ends": "#.............#",
    "only the first is known": "#..............",
    "begins inside": ".....##########",
    "begins inside, then a hole": ".....####..####",
    "begins with the last row": "..............#",
    "one value only": ".......#.......",
    "nothing at all": "...............",
    "every other": "#.#.#.#.#.#.#.#",
    "a hole before the first prediction": "##.############",
    "a hole over the first prediction": "##...##########",
}


@pytest.mark.parametrize("cell", get_args(Cell))
@pytest.mark.parametrize("residual", [None, 1, 4])
@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_reading_over_holes_is_the_closed_loop_over_them(
    pattern: str, residual: int | None, cell: Cell
) -> None:
    lags = (1, 4)
    network = network_of(lags, cell=cell, residual=residual)
    # In company of rows with and without holes of their own.
    known = flags(pattern, PATTERNS["no hole"], PATTERNS["two in a row, and one"])
    assert_as_defined(network, rows_with(known, network))
    alone = rows_with(known[:1], network)
    assert_as_defined(network, alone)


@pytest.mark.parametrize("second", PATTERNS.values(), ids=PATTERNS)
@pytest.mark.parametrize(
    "first", ["no hole", "two in a row, and one", "begins inside", "at the very end"]
)
def test_channels_of_a_system_have_holes_of_their_own(first: str, second: str) -> None:
    """What is known of one channel is given while the other is rolled over."""
    lags = (2, 1)
    network = network_of(lags, channels=2, residual=1)
    assert_as_defined(network, rows_with(flags(PATTERNS[first], second), network))


class Case(NamedTuple):
    network: RecurrentNetwork
    rows: Rows


@st.composite
def cases(draw: st.DrawFn) -> Case:
    lags = draw(st.sampled_from([(1,), (1, 2), (3, 1), (1, 5, 2)]))
    channels = draw(st.integers(1, 3))
    numbers, categories = draw(st.integers(0, 2)), draw(st.sampled_from([0, 0, 3]))
    network = network_of(
        lags,
        cell=draw(st.sampled_from(get_args(Cell))),
        layers=draw(st.integers(1, 2)),
        channels=channels,
        numbers=numbers,
        categories=categories,
        residual=draw(st.sampled_from([None, 1, max(lags)])),
        seed=draw(st.integers(0, 9)),
    )
    count = draw(st.integers(1, 3)) * channels
    steps = max(lags) - 1 + CONTEXT
    share = draw(st.sampled_from([0.1, 0.5, 0.9, 1.0]))
    random = torch.Generator().manual_seed(draw(st.integers(0, 2**16)))
    known = torch.rand(count, steps, generator=random) < share
    begins = torch.tensor([draw(st.integers(0, steps)) for _ in range(count)])
    known &= torch.arange(steps) >= begins[:, None]
    seed = draw(st.integers(0, 99))
    return Case(network, rows_with(known, network, numbers, categories, seed))


@pytest.mark.slow
@properties
@given(cases())
def test_any_network_over_any_holes(case: Case) -> None:
    assert_as_defined(*case)


@pytest.mark.slow
@properties
@given(cases(), st.data())
def test_reading_on_over_holes_from_anywhere(case: Case, data: st.DataObject) -> None:
    """Rows read in two pieces are read as in one; a series may begin in either."""
    network, rows = case
    longest = network.longest_lag
    cut = data.draw(st.integers(longest + 1, rows.values.shape[1] - 1))
    first, state = encode_over_holes(network, *rows.before(cut))
    second, state = read_over_holes(network, state, *rows.after(cut))
    predictions, expected = encode_over_holes(network, *rows)
    assert_same_state(state, expected)
    torch.testing.assert_close(torch.cat([first, second], dim=1), predictions, atol=1e-9, rtol=0)
    defined = encoded_by_definition(network, rows.before(cut))
    later = by_definition(network, defined.state, rows.after(cut))
    assert_same_state(state, later.state)


def test_no_rows_leave_the_state_as_it_is() -> None:
    network = network_of((1, 2))
    rows = rows_with(flags("####.#", "##....").double(), network)
    _, state = encode_over_holes(network, *rows)
    predictions, again = read_over_holes(network, state, rows.values[:, :0], rows.known[:, :0])
    assert_same_state(again, state)
    assert predictions.shape == (2, 0, 1)


def test_a_hole_goes_on_where_the_last_rows_ended_in_one() -> None:
    """The predictions that stand in for what was missing are what the next ones are made of."""
    network = network_of((1, 2), residual=1)
    rows = rows_with(flags("#####....."), network)
    _, state = encode_over_holes(network, *rows.before(5))
    with torch.inference_mode():
        path = rollout(network, state, 5).path
    predictions, read_state = encode_over_holes(network, *rows)
    torch.testing.assert_close(predictions[:, -5:], path, atol=1e-9, rtol=0)
    torch.testing.assert_close(read_state.values, path[:, -2:], atol=1e-9, rtol=0)
    assert read_state.known.flatten().tolist() == [1.0, 1.0]


@pytest.mark.parametrize("channels", [1, 2])
def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch, channels: int) -> None:
    lags = (1, 3)
    network = network_of(lags, channels=channels, numbers=1)
    random = torch.Generator().manual_seed(3)
    known = torch.rand(7 * channels, 14, generator=random) < 0.7
    known[: 2 * channels] = True
    rows = rows_with(known, network, numbers=1)
    predictions, expected = encode_over_holes(network, *rows)
    monkeypatch.setattr(imputation, "ROWS_AT_ONCE", 2)
    again, state = encode_over_holes(network, *rows)
    assert_same_state(state, expected)
    torch.testing.assert_close(again, predictions, atol=1e-9, rtol=0)
    assert_as_defined(network, rows)


def test_rows_without_holes_are_read_as_ever() -> None:
    network = network_of((1, 2), cell="gru")
    rows = rows_with(flags("..########", "##########"), network)
    with torch.inference_mode():
        predictions, expected = encode(network, rows.values, rows.known)
    again, state = encode_over_holes(network, *rows)
    assert_same_state(state, expected)
    torch.testing.assert_close(again, predictions, atol=0, rtol=0)
    new = rows_with(flags("###", "###"), network, seed=5)
    with torch.inference_mode():
        predictions, expected = network.read(expected, new.values, new.known)
    again, state = read_over_holes(network, state, new.values, new.known)
    assert_same_state(state, expected)
    torch.testing.assert_close(again, predictions, atol=0, rtol=0)


def test_a_loop_that_runs_away_in_a_hole_stays_finite() -> None:
    """It is held at some multiple of what is known, and a value that is known brings it back."""
    network = network_of((1,), residual=1, head=0.0)
    with torch.no_grad():
        network.head.bias.fill_(1e30)
    rows = rows_with(flags("####" + "." * 40 + "##"), network)
    predictions, state = encode_over_holes(network, *rows)
    assert all(part.isfinite().all() for part in [*state.recurrent, state.values, predictions])
    largest = rows.values.abs().max().clamp(min=1.0)
    inside = predictions[:, 4:44] - 1e30  # each from the value before it
    assert inside.abs().max() <= 1e30
    torch.testing.assert_close(state.values, rows.values[:, -1:])
    path = encode_over_holes(network, *rows.before(30))[1].values
    assert largest < path.abs().max() <= 100 * largest


# ------------------------------------------------------------------- the same through a forecaster


SMALL: dict[str, Any] = {
    "max_steps": 12,
    "hidden_size": 8,
    "context_length": 20,
    "lags": [3],
    "verbose": False,
}


def wide(rows: int = 80) -> pd.DataFrame:
    """Two noisy seasons of 7 at other scales, and what drives both."""
    random = np.random.default_rng(4)
    time = np.arange(rows)
    feedback = np.cos(time / 5)
    columns = {
        "b": 100 + 10 * np.sin(2 * np.pi * time / 7) + 3 * feedback + random.normal(0, 1, rows),
        "a": -3 + 0.1 * np.sin(2 * np.pi * time / 7) + 0.05 * feedback,
        "price": feedback,
        "rain": random.normal(size=rows),
    }
    return pd.DataFrame(columns, index=pd.date_range("2021-01-01", periods=rows))


KINDS: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "lstm": (LSTMForecaster, {}, {}),
    "gru of two layers": (GRUForecaster, {"num_layers": 2, "residual": "last"}, {}),
    "in the window's units": (LSTMForecaster, {"window_norm": True}, {}),
    "system": (LSTMForecaster, {"multivariate": True}, {}),
    "covariates": (
        LSTMForecaster,
        {"calendar": "auto"},
        {"future_covariates": "price", "past_covariates": "rain"},
    ),
    "known ahead": (LSTMForecaster, {"calendar": "auto"}, {"future_covariates": "price"}),
    "rolled": (GRUForecaster, {}, {"past_covariates": ["price", "rain"], "roll_past": True}),
}


class Fitted(NamedTuple):
    model: Any
    df: pd.DataFrame
    """Of the columns that the model reads."""
    future: list[str]

    def ahead(self, rows: int, start: int) -> dict[str, pd.DataFrame]:
        """What predict has to be told."""
        if not self.future:
            return {}
        return {"future_df": wide(80)[self.future].iloc[start : start + rows]}


@pytest.fixture(scope="module", params=KINDS)
def fitted(request: pytest.FixtureRequest) -> Fitted:
    cls, arguments, columns = KINDS[request.param]
    read = ("price", "rain") if "past_covariates" in columns else tuple(columns.values())
    df = wide()[["b", "a", *read]]
    model = cls(**({"window_norm": False} | SMALL | arguments)).fit(df, fill="mask", **columns)
    future = columns.get("future_covariates")
    return Fitted(model, df, [future] if future else [])


def assert_close(got: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Forecasts that differ by less than 1e-5 of each column's scale."""
    assert got.index.equals(expected.index)
    error = (got - expected).abs() / wide()[list(got.columns)].std()
    assert error.to_numpy().max() < 1e-5, f"\n{error}"


def carried(fitted: Fitted, df: pd.DataFrame, first: int, stop: int) -> Any:
    """The state after rows ``first`` to ``stop``, read on from what came before them."""
    state = fitted.model.encode(fitted.df.iloc[:first])
    return fitted.model.update(state, df.iloc[first:stop], carry=True)


@pytest.mark.parametrize("targets", [["b", "a"], ["a"]], ids=["all", "one of two"])
@pytest.mark.parametrize(
    "fitted",
    # A forecast isn't told past covariates, which are known over a hole.
    [kind for kind, (_, _, columns) in KINDS.items() if "past_covariates" not in columns],
    indirect=True,
)
def test_carrying_on_over_a_hole_is_giving_what_is_known_to_a_forecast(
    fitted: Fitted, targets: list[str]
) -> None:
    model, df = fitted.model, fitted.df.copy()
    df.loc[df.index[62:65], targets] = np.nan
    state = carried(fitted, df, 60, 68)
    before, known = model.encode(df.iloc[:60]), df[["b", "a"]].iloc[60:68]
    path = model.predict(12, state=before, given=known, **fitted.ahead(12, 60))
    assert_close(model.predict(4, state=state, **fitted.ahead(4, 68)), path.iloc[8:])


def test_a_hole_is_read_as_the_predictions_that_fill_it(fitted: Fitted) -> None:
    """One row at a time: each missing value is what the model says from all that came before."""
    df = fitted.df.copy()
    df.loc[df.index[62:65], ["b", "a"]] = np.nan
    filled = df.copy()
    for row in range(62, 65):
        state = carried(fitted, filled, 60, row)
        filled.loc[filled.index[row], ["b", "a"]] = fitted.model.predict(
            1, state=state, **fitted.ahead(1, row)
        )[["b", "a"]].iloc[0]
    ours, theirs = (carried(fitted, rows, 60, 70) for rows in (df, filled))
    assert_close(
        fitted.model.predict(6, state=ours, **fitted.ahead(6, 70)),
        fitted.model.predict(6, state=theirs, **fitted.ahead(6, 70)),
    )


def test_errors_are_known_where_values_are(fitted: Fitted) -> None:
    """A hole has no one-step error, and the value after it has none that says anything."""
    df = fitted.df.copy()
    df.loc[df.index[70:72], ["b", "a"]] = np.nan
    errors = by_series(fitted.model.encode(df).encoding.errors)
    whole = by_series(fitted.model.encode(fitted.df).encoding.errors)
    ids = fitted.model.encode(df).panel.ids
    names = ids.get_level_values(-1) if isinstance(ids, pd.MultiIndex) else ids
    if "rain" in df and not fitted.future:
        holed = np.array([name == "y" for name in names])
    else:
        holed = np.ones(len(names), dtype=bool)
    missing = errors.isnan() & ~whole.isnan()
    assert missing[holed][:, -10:-8].all()
    assert not missing[:, -7:].any()
    assert not missing[:, :-10].any()
    assert not missing[~holed].any()


@pytest.mark.parametrize("cls", [LSTMForecaster, GRUForecaster])
def test_carried_rows_over_holes_add_up(cls: Any) -> None:
    """Row by row, or all at once."""
    df = wide()[["b", "a"]]
    model = cls(**SMALL).fit(df, fill="mask")
    holed = df.copy()
    holed.iloc[62:64, 0] = np.nan
    holed.iloc[66, 1] = np.nan
    start = model.encode(df.iloc[:60])
    at_once = model.update(start, holed.iloc[60:], carry=True)
    in_two = model.update(
        model.update(start, holed.iloc[60:65], carry=True), holed.iloc[65:], carry=True
    )
    assert_close(model.predict(6, state=in_two), model.predict(6, state=at_once))


def test_a_hole_at_the_very_end_is_the_forecast_gone_on_with() -> None:
    """Trailing NaN of a long frame: the context's units are measured on the same values."""
    df = wide()[["a"]].rename(columns={"a": "y"}).rename_axis("ds").reset_index()
    model = LSTMForecaster(**(SMALL | {"window_norm": False})).fit(df, fill="mask")
    state = model.encode(df.iloc[:70])
    one = df.iloc[70:74].copy()
    one.loc[one.index[1:], "y"] = np.nan  # after a value, rows that are missing to the end
    got = model.predict(5, state=model.update(state, one, carry=True))
    after_one = model.update(state, one.iloc[:1], carry=True)
    expected = model.predict(8, state=after_one).iloc[3:].reset_index(drop=True)
    assert_frame_equal(got, expected, rtol=1e-5)


def test_a_channel_of_which_a_window_knows_nothing() -> None:
    """The other one is read, and both are forecast."""
    df = wide()[["b", "a"]]
    model = LSTMForecaster(**(SMALL | {"multivariate": True})).fit(df, fill="mask")
    for first in (0, 30):
        lost = df.copy()
        lost.iloc[first + 1 :, 1] = np.nan  # a value long ago, in front of 22 rows that are read
        lost.iloc[:first, 1] = np.nan
        forecast = model.predict(6, df=lost)
        assert np.isfinite(forecast.to_numpy()).all()
        louder = lost.copy()
        louder.iloc[-1, 0] += 20
        moved = model.predict(6, df=louder)
        assert (moved["b"] - forecast["b"]).abs().max() > 1e-3


@pytest.mark.parametrize("fill", ["mask", None])
def test_a_forecast_over_holes_follows_the_scale(fill: str | None) -> None:
    """With affine scalers, y * a + b is forecast as a * forecast + b, holes or none."""
    df = wide()[["b", "a"]]
    if fill:
        df.iloc[[70, 71, 75], :] = np.nan
    model = LSTMForecaster(**SMALL).fit(df, fill=fill)
    moved = LSTMForecaster(**SMALL).fit(df * 40 + 7, fill=fill)
    expected = model.predict(8) * 40 + 7
    error = (moved.predict(8) - expected).abs() / (df.std() * 40)
    assert error.to_numpy().max() < 1e-4


def test_values_in_a_hole_are_not_looked_at() -> None:
    """Rows after the cutoff don't matter, whatever is missing before it."""
    df = wide()[["b", "a"]]
    df.iloc[[50, 51, 55], 0] = np.nan
    model = LSTMForecaster(**(SMALL | {"multivariate": True})).fit(df, fill="mask")
    expected = model.predict(5, df=df.iloc[:60])
    later = df.copy()
    later.iloc[60:] = 1e6
    assert_frame_equal(model.predict(5, df=later.iloc[:60]), expected)
    assert_frame_equal(model.predict(10, df=df.iloc[:60]).iloc[:5], expected, check_freq=False)

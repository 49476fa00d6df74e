"""Ensembles, whose forecast is the median of their members, and the mean of weights over steps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from sklearn.base import clone
from support.hardware import has_bfloat16
from support.model_files import inside, model_of, packed, unpacked
from support.problems import wavy
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

import tsgen
from tsgen import ForecastModule, FreeRunning, GRUForecaster, LSTMForecaster, NoisyInputs
from tsgen.errors import ClosedLoopWarning, DivergenceError, ModelFileError, StateError
from tsgen.forecasters.settings import MOST_MEMBERS
from tsgen.nn import Architecture
from tsgen.training.ensemble import sum_of_losses
from tsgen.training.lightning_module import one_cycle

SMALL = {"hidden_size": 4, "max_steps": 4, "context_length": 8, "lags": [4], "batch_size": 6,
         "verbose": False}  # fmt: skip
FRAME = pd.DataFrame({name: wavy(50, seed) for seed, name in enumerate("ab")})


def systems() -> tuple[pd.DataFrame, dict[str, Any], pd.DataFrame]:
    """A system of two channels with a covariate and a hole, what fit is told, and the future."""
    frame = FRAME.assign(price=np.cos(np.arange(50)))
    frame.iloc[46:48, 1] = np.nan
    future = pd.DataFrame({"price": np.sin(np.arange(9))}, index=pd.RangeIndex(50, 59))
    return frame, {"future_covariates": "price", "fill": "mask"}, future


def members_of(model: Any, df: Any = FRAME, **told: Any) -> Iterator[Any]:
    """Each member as a forecaster of its own."""
    for network in model.module_.networks:
        alone = clone(model).set_params(n_models=1)
        module, _ = alone.prepare(df, **told)
        module.network.load_state_dict(network.state_dict())
        yield alone


def digest(model: Any) -> str:
    weights = [weight.numpy().tobytes() for weight in model.module_.state_dict().values()]
    return hashlib.sha256(b"".join(weights)).hexdigest()


@pytest.fixture(scope="module", params=[3, 2, 4], ids="{} members".format)
def model(request: pytest.FixtureRequest) -> LSTMForecaster:
    return LSTMForecaster(**SMALL, n_models=request.param).fit(FRAME)


@pytest.fixture(scope="module")
def members(model: LSTMForecaster) -> list[LSTMForecaster]:
    return list(members_of(model))


# --------------------------------------------------------------------------------------- one member


@pytest.mark.parametrize(
    ("kind", "strategy"), [(LSTMForecaster, "teacher_forcing"), (GRUForecaster, "push_forward")]
)
def test_one_member_is_the_model_without_the_argument(kind: Any, strategy: str) -> None:
    plain = kind(**SMALL, training_strategy=strategy).fit(FRAME)
    one = kind(**SMALL, training_strategy=strategy, n_models=1).fit(FRAME)
    assert digest(one) == digest(plain)
    assert list(one.module_.state_dict()) == list(plain.module_.state_dict())
    assert one.predict(9).equals(plain.predict(9))
    assert one.settings_ == plain.settings_
    assert one.settings_.n_models == 1


def test_the_first_member_has_the_name_of_a_single_one(model: LSTMForecaster) -> None:
    single, _ = LSTMForecaster(**SMALL).prepare(FRAME)
    names = set(single.state_dict())
    assert all(name.startswith("network.") for name in names)
    assert names == {name for name in model.module_.state_dict() if name.startswith("network.")}
    assert model.module_.networks[0] is model.module_.network
    assert len(model.module_.networks) == model.n_models == model.settings_.n_models


def test_each_member_has_first_weights_of_its_own() -> None:
    """The first those that it has alone, and a later one the same in larger company."""

    def first_weights(count: int, seed: int = 0) -> list[bytes]:
        module, _ = LSTMForecaster(**SMALL, n_models=count, random_state=seed).prepare(FRAME)
        return [
            b"".join(weight.numpy().tobytes() for weight in network.state_dict().values())
            for network in module.networks
        ]

    assert len(set(first_weights(5))) == 5
    assert first_weights(5)[:2] == first_weights(2)
    assert first_weights(5)[:1] == first_weights(1)
    assert not set(first_weights(3)) & set(first_weights(3, seed=1))


# -------------------------------------------------------------------------------------- training


@pytest.mark.parametrize("count", [1, 3])
def test_a_batch_has_windows_for_every_member(count: int) -> None:
    sizes = []

    class Sizes(pl.Callback):
        def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, *_: object) -> None:
            sizes.append(len(batch.series))

    model = LSTMForecaster(**SMALL, n_models=count, trainer_kwargs={"callbacks": Sizes()})
    model.fit(FRAME)
    assert sizes == [6 * count] * 4
    assert model.settings_.batch_size == 6  # of each member


@pytest.mark.parametrize("strategy", [None, FreeRunning(steps=6)], ids=["forced", "free"])
def test_each_member_learns_from_its_own_part_of_a_batch(strategy: Any) -> None:
    """Its gradient is that of a module of its own on that part."""
    frame, told, _ = systems()
    model = LSTMForecaster(
        **SMALL, n_models=3, multivariate=True, training_strategy=strategy or "auto"
    )
    module, data = model.prepare(frame, **told)
    batch = data.on_after_batch_transfer(data.sampler.draw(0), 0)
    assert len(batch.series) == 18
    loss = module.training_step(batch, 0)
    loss.backward()
    losses = []
    for number, alone in enumerate(members_of(model, frame, **told)):
        part = batch.take(torch.arange(6 * number, 6 * number + 6))
        losses.append(alone.module_.training_step(part, 0))
        losses[-1].backward()
        ours, its = module.networks[number].parameters(), alone.module_.network.parameters()
        for got, expected in zip(ours, its, strict=True):
            torch.testing.assert_close(got.grad, expected.grad)
    torch.testing.assert_close(loss, sum(losses))


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["norm", "value"])
def test_a_member_trains_among_others_as_alone(algorithm: str) -> None:
    """Its optimiser, schedule and clipping, written out, on its part of every batch."""
    settings = SMALL | {"max_steps": 8, "learning_rate": 0.05, "weight_decay": 0.1}
    clip = {"gradient_clip_val": 0.02}
    asked = {"accelerator": "cpu", "gradient_clip_algorithm": algorithm}
    model = LSTMForecaster(**settings, **clip, n_models=3, trainer_kwargs=asked)
    module, data = clone(model).prepare(FRAME)
    for number, network in enumerate(module.networks):
        optimizer = AdamW(network.parameters(), lr=0.05, weight_decay=0.1)
        schedule = LambdaLR(optimizer, lambda step: one_cycle(step, total=8))
        for step in range(8):
            batch = data.on_after_batch_transfer(data.sampler.draw(step), 0)
            single = ForecastModule(Architecture(network.lags), objective=module.objective)
            single.network = network
            part = batch.take(torch.arange(6 * number, 6 * number + 6))
            optimizer.zero_grad()
            single.training_step(part, 0).backward()
            if algorithm == "norm":
                assert nn.utils.clip_grad_norm_(network.parameters(), 0.02) > 0.02
            else:
                nn.utils.clip_grad_value_(network.parameters(), 0.02)
            optimizer.step()
            schedule.step()
    expected = {name: weight.clone() for name, weight in module.state_dict().items()}
    fitted = model.fit(FRAME).module_.state_dict()
    for name, weight in fitted.items():
        torch.testing.assert_close(weight, expected[name], atol=1e-5, rtol=0)


@pytest.mark.slow
def test_same_seed_same_members() -> None:
    settings = SMALL | {"n_models": 2, "dropout": 0.2}
    first = LSTMForecaster(**settings).fit(FRAME)
    assert digest(first) == digest(LSTMForecaster(**settings).fit(FRAME))
    assert digest(first) != digest(LSTMForecaster(**settings, random_state=1).fit(FRAME))


@pytest.mark.parametrize(
    ("settings", "independent"),
    [
        ({}, True),
        ({"dropout": 0.2}, True),
        ({"dropout": 0.2, "num_layers": 2, "residual": "last"}, True),
        ({"training_strategy": NoisyInputs(0.1)}, True),
        pytest.param(
            {"trainer_kwargs": {"precision": "bf16-mixed"}}, False,
            marks=pytest.mark.skipif(not has_bfloat16(), reason="no bfloat16 LSTM"),
        ),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("two_cores")
def test_members_learn_in_threads_where_no_order_matters(
    settings: dict[str, Any], independent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def noted(learners: Any, *, at_once: bool) -> torch.Tensor:
        asked.append(at_once)
        return sum_of_losses(learners, at_once=at_once)

    monkeypatch.setattr("tsgen.training.lightning_module.sum_of_losses", noted)
    kwargs = {"accelerator": "cpu"} | settings.pop("trainer_kwargs", {})
    model = LSTMForecaster(**SMALL, **settings, n_models=2, trainer_kwargs=kwargs)
    first = digest(model.fit(FRAME))
    assert set(asked) == {independent}
    assert first == digest(model.fit(FRAME))


class Cut(RuntimeError):
    pass


class At(pl.Callback):
    """Does something after a step."""

    def __init__(self, step: int, action: Any) -> None:
        self.step, self.action = step, action

    def on_train_batch_end(self, trainer: Any, module: Any, *_: object) -> None:
        if trainer.global_step == self.step:
            self.action(trainer, module)


def cut(*_: object) -> None:
    raise Cut


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "averaging"),
    [
        (2, None),
        (2, 0.5),
        (7, 0.5),
    ],
)
def test_a_run_that_was_cut_off_ends_as_a_whole_one(
    step: int, averaging: float | None, tmp_path: Path
) -> None:
    """Also inside of the steps over which weights are averaged."""
    settings = SMALL | {"max_steps": 9, "n_models": 2, "weight_averaging": averaging,
                        "training_strategy": NoisyInputs(0.1)}  # fmt: skip
    with pytest.raises(Cut):
        LSTMForecaster(**settings, trainer_kwargs={"callbacks": At(step, cut)}).fit(
            FRAME, run_dir=tmp_path
        )
    resumed = LSTMForecaster(**settings).fit(FRAME, run_dir=tmp_path)
    whole = LSTMForecaster(**settings).fit(FRAME)
    assert digest(resumed) == digest(whole)
    again = LSTMForecaster(**settings, trainer_kwargs={"callbacks": At(9, cut)})
    assert digest(again.fit(FRAME, run_dir=tmp_path)) == digest(whole)  # read back


def test_validation_is_of_the_median(members: Any, model: LSTMForecaster) -> None:
    data = clone(model).set_params(val_size=9).prepare(FRAME)[1]
    batch = data.held_out()
    before = batch.values.shape[1] - 9
    paths = []
    with torch.no_grad():
        for network in model.module_.networks:
            context = batch.values[:, :before], batch.known[:, :before]
            _, state = tsgen.rollout.encode(network, *context)
            paths.append(tsgen.rollout.rollout(network, state, 9).path)
        errors = model.module_.closed_loop_errors(batch)
    path = torch.from_numpy(np.median(torch.stack(paths).numpy(), axis=0))
    truth = batch.values[:, before:]
    unit = truth.std(dim=1, correction=0, keepdim=True).clamp(min=1.0)
    expected = ((path - truth) / unit).square().sum(dim=1)
    torch.testing.assert_close(errors.total, expected)


@pytest.mark.slow
def test_a_member_that_diverges_ends_the_run_and_names_the_series() -> None:
    def poison(trainer: Any, module: Any) -> None:
        with torch.no_grad():
            module.networks[1].head.weight.fill_(float("nan"))

    settings = SMALL | {"max_steps": 30}
    model = LSTMForecaster(**settings, n_models=2, trainer_kwargs={"callbacks": At(25, poison)})
    with pytest.raises(DivergenceError, match=r"at step 26.*series '[ab]'.*step 20 are kept"):
        model.fit(FRAME)
    assert np.isfinite(model.predict(3).to_numpy()).all()


# -------------------------------------------------------------------------------------- forecasts


def middle(frames: Any) -> np.ndarray:
    return np.median([np.asarray(frame, dtype=float) for frame in frames], axis=0)


def test_the_forecast_is_the_median_of_the_members(
    model: LSTMForecaster, members: list[LSTMForecaster]
) -> None:
    alone = [member.predict(20) for member in members]
    assert not any(first.equals(second) for first, second in pairwise(alone))
    np.testing.assert_allclose(model.predict(20), middle(alone), atol=1e-6)


@pytest.mark.parametrize("kind", [LSTMForecaster, GRUForecaster])
def test_so_it_is_of_systems_with_covariates_and_holes(kind: Any) -> None:
    frame, told, future = systems()
    model = kind(**SMALL, n_models=3, multivariate=True, residual="last").fit(frame, **told)
    alone = [member.predict(9, future_df=future) for member in members_of(model, frame, **told)]
    got = model.predict(9, future_df=future)
    np.testing.assert_allclose(got, middle(alone), atol=1e-6)
    assert not np.allclose(alone[0], alone[1])


def test_a_longer_forecast_begins_like_a_shorter_one(model: LSTMForecaster) -> None:
    """Each member goes on from its own predictions, not from the median."""
    np.testing.assert_allclose(model.predict(20).iloc[:7], model.predict(7), atol=1e-6)


def test_a_state_holds_where_every_member_stands(
    model: LSTMForecaster, members: list[LSTMForecaster]
) -> None:
    state = model.encode(FRAME)
    assert len(state) == 2
    assert len(state.encoding.loops) == model.n_models
    assert model.predict(9, state=state).equals(model.predict(9))
    # An error is the observed value less the median of what the members predicted for it.
    alone = [member.encode(FRAME).encoding.errors for member in members]
    np.testing.assert_allclose(state.encoding.errors, middle(alone), atol=1e-6)


def test_an_update_is_that_of_the_whole_history(model: LSTMForecaster) -> None:
    new = pd.DataFrame({"a": [0.1, 0.2], "b": [0.5, -0.5]}, index=pd.RangeIndex(50, 52))
    updated = model.update(model.encode(FRAME), new)
    whole = model.encode(pd.concat([FRAME, new]))
    assert model.predict(9, state=updated).equals(model.predict(9, state=whole))


def test_an_update_may_be_carried(
    model: LSTMForecaster, members: list[LSTMForecaster], tmp_path: Path
) -> None:
    """Of one of two series, and from a file."""
    new = pd.DataFrame({"a": [0.1, 0.2, 0.4]}, index=pd.RangeIndex(50, 53))
    tsgen.save_state(model.encode(FRAME), tmp_path / "monday.state")
    carried = model.update(tsgen.load_state(tmp_path / "monday.state"), new, carry=True)
    alone = [
        member.predict(9, state=member.update(member.encode(FRAME), new, carry=True))
        for member in members
    ]
    np.testing.assert_allclose(model.predict(9, state=carried), middle(alone), atol=1e-6)


def test_a_state_comes_back_from_its_file(model: LSTMForecaster, tmp_path: Path) -> None:
    state = model.encode(FRAME)
    tsgen.save_state(state, tmp_path / "a.state")
    loaded = tsgen.load_state(tmp_path / "a.state")
    assert len(loaded.encoding.loops) == model.n_models
    assert model.predict(9, state=loaded).equals(model.predict(9, state=state))
    other = LSTMForecaster(**SMALL, n_models=model.n_models, random_state=1).fit(FRAME)
    with pytest.raises(StateError):
        other.predict(9, state=loaded)


def test_a_state_of_other_members_is_refused(model: LSTMForecaster) -> None:
    """The weights of every member count, not of the first alone."""
    state = model.encode(FRAME)
    weights = model.module_.networks[-1].head.bias
    before = weights.detach().clone()
    with torch.no_grad():
        weights += 1
    try:
        with pytest.raises(StateError):
            model.predict(3, state=state)
    finally:
        with torch.no_grad():
            weights.copy_(before)
    assert len(model.predict(3, state=state)) == 3


def test_given_values_stand_and_are_fed_to_every_member(
    model: LSTMForecaster, members: list[LSTMForecaster]
) -> None:
    given = pd.DataFrame({"a": [np.nan, 2.0, np.nan]}, index=pd.RangeIndex(50, 53))
    got = model.predict(9, given=given)
    assert got["a"].iloc[1] == 2.0
    alone = [member.predict(9, given=given) for member in members]
    np.testing.assert_allclose(got, middle(alone), atol=1e-6)


def test_until_asks_about_the_median(model: LSTMForecaster) -> None:
    path = model.predict(20)
    bound = float(np.sort(path["a"])[-3])
    stopped = model.predict(20, until=lambda value: value >= bound)
    first = int((path["a"] >= bound).to_numpy().argmax())
    values = stopped["a", "y"]
    assert np.array_equal(values.iloc[: first + 1], path["a"].iloc[: first + 1])
    assert values.iloc[first + 1 :].isna().all()


def test_paths_without_temperature_are_the_forecast(model: LSTMForecaster) -> None:
    paths = model.sample(7, num_samples=3, temperature=0.0, calibrated=False, as_array=True)
    point = model.predict(7).to_numpy().T
    for number in range(3):
        np.testing.assert_allclose(paths[:, number], point, atol=1e-5)


def test_paths_follow_the_seed(model: LSTMForecaster) -> None:
    arguments = {"num_samples": 5, "calibrated": False, "as_array": True}
    first, second, other = (model.sample(7, random_state=s, **arguments) for s in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
    assert (first.std(axis=1) > 0).all()


def test_a_path_is_the_median_of_the_members_under_the_same_innovations() -> None:
    """With a head of zeros and the last value as its base, a member is a random walk."""
    model = LSTMForecaster(**SMALL, n_models=3, residual="last").fit(FRAME)
    with torch.no_grad():
        for network in model.module_.networks:
            network.head.weight.zero_()
            network.head.bias.zero_()
    paths = model.sample(6, num_samples=4, calibrated=False, as_array=True, random_state=3)
    (single,) = members_of(LSTMForecaster(**SMALL, residual="last").fit(FRAME))
    with torch.no_grad():
        single.module_.network.head.weight.zero_()
        single.module_.network.head.bias.zero_()
    expected = single.sample(6, num_samples=4, calibrated=False, as_array=True, random_state=3)
    np.testing.assert_allclose(paths, expected, atol=1e-6)


@pytest.mark.slow
def test_levels_lie_around_the_median(tmp_path: Path) -> None:
    model = LSTMForecaster(**SMALL, n_models=3).fit(FRAME)
    frame = model.predict(7, level=80)
    point = model.predict(7)
    for name in "ab":
        low, middle_, high = (frame[name, part] for part in ("y-lo-80", "y", "y-hi-80"))
        assert (low < high).all()
        assert middle_.equals(point[name])
    model.save(tmp_path / "model.tsgen")
    loaded = LSTMForecaster.load(tmp_path / "model.tsgen")
    assert loaded.predict(7, level=80).equals(frame)


def test_stability_is_that_of_the_median_member(
    model: LSTMForecaster, members: list[LSTMForecaster]
) -> None:
    got = model.stability(horizon=60)
    alone = [member.stability(horizon=60)["lyapunov"] for member in members]
    np.testing.assert_allclose(got["lyapunov"], middle(alone), atol=1e-6)
    assert got.columns.tolist() == ["unique_id", "lyapunov", "flat_from", "leaves_range_at"]


def test_an_input_matters_as_much_as_to_the_members_on_average(
    model: LSTMForecaster, members: list[LSTMForecaster]
) -> None:
    arguments = {"horizon": 5, "n_windows": 16, "n_repeats": 2}
    got = model.explain(FRAME, **arguments).set_index("input")["importance"]
    alone = [m.explain(FRAME, **arguments).set_index("input")["importance"] for m in members]
    expected = pd.concat(alone, axis=1).mean(axis=1)
    assert set(got.index) == {"lag 1", "lag 4"}
    np.testing.assert_allclose(got, expected.loc[got.index], atol=1e-6)
    assert got.is_monotonic_decreasing


@pytest.fixture
def runaways() -> LSTMForecaster:
    """Three members which leave every limit when the bias of their head says so."""
    return LSTMForecaster(**SMALL, n_models=3, residual="last").fit(FRAME)


def run_away(model: LSTMForecaster, count: int) -> None:
    with torch.no_grad():
        for network in model.module_.networks[:count]:
            network.head.bias.fill_(1e4)


def test_one_member_that_runs_away_is_outvoted(runaways: LSTMForecaster) -> None:
    before = runaways.predict(12)
    run_away(runaways, 1)
    after = runaways.predict(12, on_blowup="raise")  # and no warning
    assert np.abs(after.to_numpy()).max() < 10 * np.abs(before.to_numpy()).max()


def test_most_members_that_run_away_are_told_of(runaways: LSTMForecaster) -> None:
    run_away(runaways, 2)
    with pytest.warns(ClosedLoopWarning, match=r"series 'a' at step 1"):
        held = runaways.predict(12)
    assert np.isfinite(held.to_numpy()).all()
    with pytest.raises(DivergenceError):
        runaways.predict(12, on_blowup="raise")


# ------------------------------------------------------------------------------------------ files


def test_a_file_holds_every_member(model: LSTMForecaster, tmp_path: Path) -> None:
    model.save(tmp_path / "model.tsgen")
    loaded = tsgen.load(tmp_path / "model.tsgen")
    assert digest(loaded) == digest(model)
    assert loaded.n_models == model.n_models
    assert loaded.predict(9).equals(model.predict(9))
    loaded.save(tmp_path / "again.tsgen")
    assert (tmp_path / "again.tsgen").read_bytes() == (tmp_path / "model.tsgen").read_bytes()


@pytest.fixture(scope="module")
def of_two(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a model of two members."""
    path = tmp_path_factory.mktemp("model") / "model.tsgen"
    LSTMForecaster(**SMALL, n_models=2).fit(FRAME).save(path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (MOST_MEMBERS + 1, rf"n_models={MOST_MEMBERS + 1}.*{MOST_MEMBERS} or fewer"),
        (10**9, rf"{MOST_MEMBERS} or fewer"),
        (0, "n_models=0"),
        (-1, "n_models=-1"),
        ("2", "n_models"),
        (1, "weights.*unknown"),
        (3, "weights.*missing"),
    ],
)
def test_a_file_that_claims_other_members_is_refused(
    count: Any, message: str, of_two: bytes, tmp_path: Path
) -> None:
    fields = model_of(of_two)
    inside(fields["settings"])["n_models"] = count
    path = tmp_path / "model.tsgen"
    path.write_bytes(packed(unpacked(of_two), model=fields))
    with pytest.raises(ModelFileError, match=message):
        LSTMForecaster.load(path)


# ------------------------------------------------------------------------- the mean of the weights


class Weights(pl.Callback):
    """Those after every step."""

    def __init__(self) -> None:
        self.seen: list[dict[str, torch.Tensor]] = []

    def on_train_batch_end(self, trainer: Any, module: Any, *_: object) -> None:
        self.seen.append({name: w.cpu().clone() for name, w in module.state_dict().items()})

    def mean(self, last: int) -> dict[str, torch.Tensor]:
        return {
            name: torch.stack([step[name] for step in self.seen[-last:]]).mean(dim=0)
            for name in self.seen[0]
        }


def fitted(steps: int = 10, **arguments: Any) -> tuple[LSTMForecaster, Weights]:
    weights = Weights()
    kwargs = arguments.pop("trainer_kwargs", {}) | {"callbacks": weights}
    settings = SMALL | {"max_steps": steps, "learning_rate": 0.02} | arguments
    return LSTMForecaster(**settings, trainer_kwargs=kwargs).fit(FRAME), weights


def assert_weights(model: LSTMForecaster, expected: dict[str, torch.Tensor]) -> None:
    found = model.module_.state_dict()
    assert found.keys() == expected.keys()
    for name, weight in expected.items():
        torch.testing.assert_close(found[name], weight, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("share", "last"),
    [(0.3, 3), (0.01, 1), (1.0, 10), (0.5, 5), (0.1, 1), (None, 1)],
)
def test_the_weights_are_the_mean_over_the_last_steps(share: Any, last: int) -> None:
    model, weights = fitted(weight_averaging=share)
    assert len(weights.seen) == 10
    assert_weights(model, weights.mean(last))


def test_averaging_does_not_change_the_way() -> None:
    """The steps are those of a run without, and the average is another point."""
    plain, way = fitted()
    averaged, same_way = fitted(weight_averaging=0.5)
    for name, weight in way.seen[-1].items():
        assert torch.equal(weight, same_way.seen[-1][name])
    assert digest(plain) != digest(averaged)


def test_every_member_is_averaged() -> None:
    model, weights = fitted(weight_averaging=0.4, n_models=2)
    assert any(name.startswith("other_members.") for name in weights.seen[0])
    assert_weights(model, weights.mean(4))


def test_the_share_is_of_the_trainers_steps() -> None:
    for steps in (4, 14):
        model, weights = fitted(weight_averaging=0.5, trainer_kwargs={"max_steps": steps})
        assert len(weights.seen) == steps
        assert_weights(model, weights.mean(steps // 2))


def test_a_run_that_ends_before_the_average_begins_keeps_its_weights() -> None:
    class Stop(Weights):
        def on_train_batch_end(self, trainer: Any, module: Any, *_: object) -> None:
            super().on_train_batch_end(trainer, module)
            trainer.should_stop = trainer.global_step == 3

    stop = Stop()
    settings = SMALL | {"max_steps": 20, "weight_averaging": 0.5}
    model = LSTMForecaster(**settings, trainer_kwargs={"callbacks": stop}).fit(FRAME)
    assert len(stop.seen) == 3
    assert_weights(model, stop.seen[-1])


@pytest.mark.usefixtures("validated_often")
@pytest.mark.slow
def test_validated_weights_are_kept_as_they_are() -> None:
    """Of several validations each is of the weights of its step, not of their average so far."""
    plain, _ = fitted(val_size=9, max_steps=30)
    averaged, _ = fitted(val_size=9, max_steps=30, weight_averaging=0.5)
    losses = plain.report_.losses["validation"].tolist()
    assert len(set(losses)) == 3
    assert averaged.report_.losses["validation"].tolist() == losses
    assert digest(plain) == digest(averaged)


def test_an_averaged_model_comes_back_from_its_file(tmp_path: Path) -> None:
    model, _ = fitted(weight_averaging=0.5)
    model.set_params(trainer_kwargs=None)
    model.save(tmp_path / "model.tsgen")
    loaded = LSTMForecaster.load(tmp_path / "model.tsgen")
    assert loaded.settings_.weight_averaging == 0.5
    assert loaded.predict(5).equals(model.predict(5))

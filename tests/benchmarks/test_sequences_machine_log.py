"""The simulated logs of machines: the process, its entropy, the planted faults."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from benchmarks.sequences import machine_log
from benchmarks.sequences.machine_log import IDLE, PROCESS, MachineLog, simulate

STEPS = {(before[0], after[0]) for before, following in PROCESS.items() for after in following}
"""Which states follow which, with any part."""
SHA256 = "12ad4be612856a19fdb7dd7eaacd4d877b22a626b780a4f6984f28faa4a60975"
"""Of the states of seed 0."""


@pytest.fixture(scope="module")
def log() -> MachineLog:
    return simulate()


def test_probabilities_sum_to_1_and_lead_to_phases() -> None:
    for after in PROCESS.values():
        assert sum(after.values()) == pytest.approx(1.0)
        assert set(after) <= set(PROCESS)
        # So that what came before tells the phase.
        assert len({state for state, _ in after}) == len(after)


def test_rows_are_logs_of_several_machines(log: MachineLog) -> None:
    assert list(log.rows.columns) == ["unique_id", "ds", "y", "split"]
    assert log.rows.groupby("unique_id").size().to_dict() == {
        f"machine {number}": 4000 for number in (1, 2, 3, 4)
    }
    assert log.rows["ds"].tolist() == [*range(4000)] * 4
    assert log.rows["split"].value_counts().to_dict() == {"train": 12_000, "test": 4_000}
    assert log.rows["y"].iloc[::4000].tolist() == [IDLE[0]] * 4


def test_a_seed_says_all(log: MachineLog) -> None:
    again = simulate()
    assert_frame_equal(again.rows, log.rows)
    assert_frame_equal(again.faults, log.faults)
    assert hashlib.sha256("\n".join(log.rows["y"]).encode()).hexdigest() == SHA256
    assert not simulate(seed=1).rows["y"].equals(log.rows["y"])


def test_faults_are_where_they_are_said_to_be(log: MachineLog) -> None:
    shown = log.faults.merge(log.rows, on=["unique_id", "ds"], suffixes=("", "_shown"))
    assert len(shown) == 8
    assert shown["y"].tolist() == shown["y_shown"].tolist()
    assert (shown["y"] != shown["instead_of"]).all()
    assert set(shown["split"]) == {"test"}
    assert shown["unique_id"].value_counts().tolist() == [2] * 4
    assert shown.groupby("unique_id")["kind"].nunique().tolist() == [2] * 4
    assert (shown.groupby("unique_id")["ds"].diff().dropna() >= 20).all()


def test_without_its_faults_a_log_is_possible_at_every_step(log: MachineLog) -> None:
    rows = log.rows.set_index(["unique_id", "ds"])["y"]
    faults = log.faults.set_index(["unique_id", "ds"])
    rows[faults.index] = faults["instead_of"]
    for _, states in rows.groupby("unique_id"):
        phase = IDLE
        for state in states.tolist()[1:]:
            (phase,) = (after for after in PROCESS[phase] if after[0] == state)


def test_kinds_of_faults(log: MachineLog) -> None:
    states = log.rows.set_index(["unique_id", "ds"])["y"]
    for fault in log.faults.itertuples():
        step = (states[fault.unique_id, fault.ds - 1], fault.y)
        assert (step in STEPS) == (fault.kind == "of the other part")


def test_entropy_rate_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = ("a", ""), ("b", "")
    # Half of the time at a: one bit there, none at b.
    monkeypatch.setattr(machine_log, "PROCESS", {a: {a: 0.5, b: 0.5}, b: {a: 1.0}})
    assert machine_log.entropy_rate() == pytest.approx(2 / 3)


def test_a_model_that_knows_the_process_comes_to_its_entropy_rate(log: MachineLog) -> None:
    states = log.rows.loc[log.rows["split"] == "train"].groupby("unique_id")["y"]
    surprise = []
    for _, one in states:
        phase = IDLE
        for state in one.tolist()[1:]:
            (after,) = (after for after in PROCESS[phase] if after[0] == state)
            surprise.append(-np.log2(PROCESS[phase][after]))
            phase = after
    assert np.mean(surprise) == pytest.approx(machine_log.entropy_rate(), abs=0.02)


def test_ranks_are_by_machine_and_ties_take_the_last_place() -> None:
    rows = pd.DataFrame({"unique_id": list("aaabbb"), "ds": [0, 1, 2] * 2, "y": "s"})
    faults = pd.DataFrame({"unique_id": ["a", "b"], "ds": [1, 2], "kind": "impossible"})
    likelihood = pd.Series([-1.0, -9.0, -2.0, -3.0, -1.0, -3.0], index=rows.index)
    ranked = machine_log.fault_ranks(MachineLog(rows, faults), likelihood)
    assert ranked["rank"].tolist() == [1, 2]
    without = machine_log.fault_ranks(MachineLog(rows, faults), likelihood.iloc[1:5])
    assert without["rank"].iloc[0] == 1
    assert np.isnan(without["rank"].iloc[1])


def test_other_numbers_of_machines_and_faults() -> None:
    log = simulate(machines=3, steps=800, faults=5, seed=3)
    assert log.faults["unique_id"].value_counts().sort_index().tolist() == [2, 2, 1]
    assert simulate(machines=1, steps=100, faults=0).faults.empty
    with pytest.raises(ValueError, match="steps=100: expected a log with room for 8 faults"):
        simulate(machines=1, steps=100)


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    machine_log.main()
    assert capsys.readouterr().out.startswith("0.644 bits per step\n")

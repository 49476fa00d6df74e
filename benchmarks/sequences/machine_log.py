"""Logs of machines that repeat a cycle, with faults whose places are known.

A machine loads a casting or a plate, and what it has loaded decides which tool works on it and
where it is stored, several steps later: a log is predictable for those who remember. The process is
a Markov chain over phases, of which the log shows the states alone; since each loading names its
part, what came before tells the phase, and the chain's entropy rate is the least that any model can
come to.

    python -m benchmarks.sequences.machine_log

prints that rate and the planted faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]
Phase = tuple[str, str]
"""What the log shows, and the part that is being made; none between two of them."""


def _phases_of(part: str, tool: str, store: str) -> dict[Phase, dict[Phase, float]]:
    """The way of a part through the machine."""

    def phase(state: str) -> Phase:
        return state, part

    return {
        phase(f"load {part}"): {phase("clamp"): 1.0},
        phase("clamp"): {phase("rinse"): 1.0},
        phase("rinse"): {phase("rinse"): 0.4, phase(tool): 0.6},
        phase(tool): {phase(tool): 0.25, phase("inspect"): 0.75},
        phase("inspect"): {phase(store): 0.95, phase("rinse"): 0.05},
        phase(store): {IDLE: 1.0},
    }


IDLE: Phase = ("idle", "")
TOOL_CHANGE: Phase = ("tool change", "")
PROCESS: Mapping[Phase, Mapping[Phase, float]] = {
    IDLE: {
        IDLE: 0.3,
        ("load casting", "casting"): 0.4,
        ("load plate", "plate"): 0.28,
        TOOL_CHANGE: 0.02,
    },
    TOOL_CHANGE: {IDLE: 1.0},
    **_phases_of("casting", tool="drill", store="store in crate"),
    **_phases_of("plate", tool="mill", store="store on rack"),
}
"""The probabilities of the phases that follow each."""

KINDS = ("impossible", "of the other part")
"""A fault is a state that never follows the one before it, or does so with another part alone."""
TRAINING = 0.75
"""The share of a log that has no faults and may be learned from."""
_APART = 20
"""Steps between two faults of a machine, or more."""


@dataclass(frozen=True)
class MachineLog:
    """Logs of several machines.

    Attributes
    ----------
    rows : pandas.DataFrame
        `unique_id`, `ds` (steps from 0), `y` (the state) and `split`, "train" or "test"; all faults
        are among the test rows.
    faults : pandas.DataFrame
        A row each: `unique_id`, `ds`, `y`, `instead_of` (the state that the process was in) and
        `kind`.
    """

    rows: pd.DataFrame
    faults: pd.DataFrame


def simulate(machines: int = 4, steps: int = 4000, faults: int = 8, seed: int = 0) -> MachineLog:
    """Run machines side by side, and plant faults into their last quarters, in turn.

    A fault changes what the log shows at one step; the process goes on as if nothing had been.
    """
    rng = np.random.default_rng(seed)
    logs, planted = [], []
    for machine in range(machines):
        name = f"machine {machine + 1}"
        phases = _run(steps, rng)
        share = len(range(machine, faults, machines))
        wrong = _plant(phases, [KINDS[(machine + fault) % 2] for fault in range(share)], rng)
        states = [state for state, _ in phases]
        for step, (state, _) in wrong.items():
            states[step] = state
        logs.append(_rows(name, states))
        planted += [
            (name, step, state, phases[step][0], kind) for step, (state, kind) in wrong.items()
        ]
    columns = ["unique_id", "ds", "y", "instead_of", "kind"]
    table = pd.DataFrame(planted, columns=columns).sort_values(["unique_id", "ds"])
    return MachineLog(pd.concat(logs, ignore_index=True), table.reset_index(drop=True))


def entropy_rate() -> float:
    """Bits per step of the process: what a model that knows it comes to, on average."""
    phases = list(PROCESS)
    chances = np.array([[PROCESS[one].get(other, 0.0) for other in phases] for one in phases])
    # The stationary distribution solves p P = p with a sum of 1.
    equations = np.vstack([chances.T - np.eye(len(phases)), np.ones(len(phases))])
    stationary = np.linalg.lstsq(equations, np.eye(len(phases) + 1)[-1], rcond=None)[0]
    logs = np.log2(chances, out=np.zeros_like(chances), where=chances > 0)
    return float(-stationary @ (chances * logs).sum(axis=1))


def fault_ranks(log: MachineLog, log_likelihood: pd.Series) -> pd.DataFrame:
    """The faults, and which places they take among the least likely steps of their machine.

    Parameters
    ----------
    log : MachineLog
    log_likelihood : pandas.Series
        Of rows of ``log.rows``, by their index; NaN are left out.

    Returns
    -------
    pandas.DataFrame
        ``log.faults`` with `rank`: 1 for the least likely step. Of equally likely steps all take
        the last place.
    """
    rows = log.rows.loc[log_likelihood.index]
    ranks = log_likelihood.groupby(rows["unique_id"]).rank(method="max")
    ranked = rows[["unique_id", "ds"]].assign(rank=ranks)
    return log.faults.merge(ranked, how="left", on=["unique_id", "ds"])


def _run(steps: int, rng: np.random.Generator) -> list[Phase]:
    """Phases of a machine that begins idle."""
    phases = [IDLE]
    for chance in rng.random(steps - 1).tolist():
        after = PROCESS[phases[-1]]
        place = int(np.searchsorted(np.cumsum(list(after.values())), chance, side="right"))
        phases.append(list(after)[min(place, len(after) - 1)])
    return phases


def _plant(
    phases: list[Phase], kinds: list[str], rng: np.random.Generator
) -> dict[int, tuple[str, str]]:
    """By step, the states that are shown instead and the kinds of these faults."""
    planted: dict[int, tuple[str, str]] = {}
    for kind in kinds:
        places = [
            step
            for step in range(int(TRAINING * len(phases)) + _APART, len(phases) - _APART)
            if _wrong(phases[step - 1], kind)
            and all(abs(step - other) >= _APART for other in planted)
        ]
        if not places:
            raise ValueError(
                f"steps={len(phases)}: expected a log with room for {len(kinds)} faults in its "
                f"last quarter, {_APART} steps apart"
            )
        step = places[_draw(len(places), rng)]
        states = _wrong(phases[step - 1], kind)
        planted[step] = (states[_draw(len(states), rng)], kind)
    return planted


def _wrong(before: Phase, kind: str) -> list[str]:
    """States that would be a fault of that kind after a phase."""
    states = {state for state, _ in PROCESS}
    here = {state for state, _ in PROCESS[before]}
    anywhere = {
        state for phase, after in PROCESS.items() if phase[0] == before[0] for state, _ in after
    }
    allowed = anywhere - here if kind == "of the other part" else states - anywhere
    return sorted(allowed)


def _draw(below: int, rng: np.random.Generator) -> int:
    return int(rng.random() * below)


def _rows(name: str, states: list[str]) -> pd.DataFrame:
    steps = np.arange(len(states))
    split = np.where(steps < int(TRAINING * len(states)), "train", "test")
    return pd.DataFrame({"unique_id": name, "ds": steps, "y": states, "split": split})


def main() -> None:
    """Say what is to be found."""
    print(f"{entropy_rate():.3f} bits per step\n\n{simulate().faults.to_string(index=False)}")


if __name__ == "__main__":
    main()

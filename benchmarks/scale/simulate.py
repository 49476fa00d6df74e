"""On paper: what a hundred million series a night cost, and where more machines no longer help.

    python -m benchmarks.scale.simulate
    python -m benchmarks.scale.simulate --series 1e9 --workers 1024 4096

Each worker is one core. It starts (a process, the imports, the model), then takes one shard of
whole series after the other: it is told which, reads it from an object store, forecasts it, writes
the result. Seconds a series are those of the longest measured run of `benchmarks.scale.forecast`;
all else is assumed, in `Assumed`. Some shards are slow, and some workers are lost with the shard
they are at, which another one does again from its beginning: parts are written whole or not at all,
so that nothing else is lost.

Without luck, good or bad, a night takes

    start + rounds * (told + s (a + c) + 2 latency),  rounds = ceil(N / (s W))

seconds, for N series in shards of s on W workers, a seconds of transfer and c of work a series. One
driver tells a shard after the other, so that it never takes less than ``N / s * told``. Beside that
stand the medians of simulated nights.
"""

from __future__ import annotations

import argparse
import heapq
from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd

from benchmarks import record

RESULTS = record.RESULTS / "scale_simulated.csv"
NIGHTS = 5


@dataclass(frozen=True)
class Assumed:
    """What wasn't measured here.

    Attributes
    ----------
    start : float
        Seconds until a worker has its first shard.
    told : float
        Seconds of the driver for a shard.
    bytes_a_series, bandwidth, latency : float
        Read and written; bytes a second of a worker; seconds of a request.
    spread : float
        Of the logarithm of a shard's seconds.
    slow_share, slow_times : float
        How many shards are slow, and how much.
    lost_an_hour, replaced : float
        Of how many workers, and seconds until there is another one.
    price : float
        Dollars for an hour of one core.
    """

    start: float = 20.0
    told: float = 0.005
    bytes_a_series: float = 1100.0
    bandwidth: float = 50e6
    latency: float = 0.1
    spread: float = 0.15
    slow_share: float = 0.01
    slow_times: float = 4.0
    lost_an_hour: float = 0.05
    replaced: float = 120.0
    price: float = 0.04


def seconds_of_shard(shard: int, work: float, assumed: Assumed) -> float:
    """What a shard takes where nothing goes wrong."""
    transfer = assumed.bytes_a_series / assumed.bandwidth
    return shard * (transfer + work) + 2 * assumed.latency


def formula(series: float, shard: int, workers: int, work: float, assumed: Assumed) -> float:
    """Seconds of a night without luck."""
    shards = ceil(series / shard)
    each = assumed.told + seconds_of_shard(shard, work, assumed)
    return assumed.start + max(ceil(shards / workers) * each, shards * assumed.told)


def night(
    series: float, shard: int, workers: int, work: float, assumed: Assumed, seed: int
) -> tuple[float, float]:
    """Seconds of a simulated night, and the hours that all cores were paid for."""
    rng = np.random.default_rng(seed)
    shards = ceil(series / shard)
    usual = seconds_of_shard(shard, work, assumed)
    lost_a_second = assumed.lost_an_hour / 3600
    free = [(assumed.start, worker) for worker in range(workers)]
    heapq.heapify(free)
    driver, end, left = 0.0, 0.0, shards
    while left:
        begin, worker = heapq.heappop(free)
        driver = max(begin, driver) + assumed.told
        slow = assumed.slow_times if rng.random() < assumed.slow_share else 1.0
        takes = usual * slow * rng.lognormal(0.0, assumed.spread)
        lasts = rng.exponential(1 / lost_a_second)
        if lasts < takes:
            heapq.heappush(free, (driver + lasts + assumed.replaced, worker))
            continue
        left -= 1
        end = max(end, driver + takes)
        heapq.heappush(free, (driver + takes, worker))
    return end, end * workers / 3600


def measured_work() -> float:
    """Core seconds a series of the longest run of the default model."""
    runs = record.read("scale_forecast")
    longest = runs[runs["model"] == "default"].sort_values("series").iloc[-1]
    return float(longest["cpu_seconds"] / longest["series"])


def table_of(series: float, shards: list[int], workers: list[int]) -> pd.DataFrame:
    """A row for each size of shards and number of workers."""
    assumed, work = Assumed(), measured_work()
    alone = series * work / 3600
    rows = []
    for shard in shards:
        for count in workers:
            nights = [night(series, shard, count, work, assumed, seed) for seed in range(NIGHTS)]
            seconds, hours = np.median(nights, axis=0)
            rows.append(
                {
                    "series": series,
                    "shard": shard,
                    "workers": count,
                    "formula_s": formula(series, shard, count, work, assumed),
                    "seconds": seconds,
                    "core_hours": hours,
                    "dollars": hours * assumed.price,
                    "working_share": alone / hours,
                }
            )
    return pd.DataFrame(rows)


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--series", type=float, default=1e8)
    parser.add_argument("--shards", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[16, 64, 256, 1024, 4096])
    asked = parser.parse_args()
    table = table_of(asked.series, asked.shards, asked.workers).round(3)
    print(table.to_string(index=False))
    record.write_beside(table, RESULTS, "series")


if __name__ == "__main__":
    main()

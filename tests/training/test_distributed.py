"""Several processes on the CPU (gloo) do what one process does with the whole batch."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import torch

pytestmark = pytest.mark.slow

SCRIPT = '''
"""usage: script FOLDER DEVICES BATCH_SIZE [STEPS [PATIENCE]]"""
import os, sys
import pytorch_lightning as pl
import numpy as np, pandas as pd, torch
from tsgen import LSTMForecaster

folder, devices, batch_size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
steps = int(sys.argv[4]) if len(sys.argv) > 4 else 20
patience = int(sys.argv[5]) if len(sys.argv) > 5 else None
random = np.random.default_rng(0)
frame = pd.concat([
    pd.DataFrame({
        "unique_id": name,
        "ds": pd.date_range("2020-01-01", periods=length, freq="D"),
        "y": random.standard_normal(length).cumsum(),
    })
    for name, length in (("a", 90), ("b", 60), ("short", 12))
])
rank = os.environ.get("LOCAL_RANK", "0")

class Learning(pl.Callback):
    def on_train_batch_end(self, *_):
        open(os.path.join(folder, f"pid{rank}"), "w").write(str(os.getpid()))

trainer = dict(accelerator="cpu")
if steps > 1000:
    trainer |= dict(callbacks=Learning())
if devices > 1:
    trainer |= dict(devices=devices, strategy="ddp")
model = LSTMForecaster(
    max_steps=steps, batch_size=batch_size, hidden_size=8, context_length=20, lags=[7],
    trainer_kwargs=trainer, patience=patience,
)
model.fit(frame)
forecast = torch.tensor(model.predict(5).y.to_numpy())
content = {"weights": model.module_.state_dict(), "forecast": forecast}
torch.save(content, os.path.join(folder, f"{devices}-{rank}.pt"))
model.save(os.path.join(folder, f"{devices}.tsgen"))
'''


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


def run(*arguments: object) -> None:
    """Python in a process of its own."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def run_here(script: Path, *arguments: object) -> None:
    """The script without another start of Python, which takes longer than its training."""
    with mock.patch.object(sys, "argv", [str(script), *map(str, arguments)]):
        runpy.run_path(str(script), run_name="__main__")


def load(path: Path) -> dict[str, torch.Tensor]:
    content = torch.load(path, weights_only=True)
    return {**content["weights"], "forecast": content["forecast"]}


def assert_close(left: dict, right: dict, atol: float) -> None:
    assert left.keys() == right.keys()
    for name, tensor in left.items():
        torch.testing.assert_close(tensor, right[name], atol=atol, rtol=0.0)


LAUNCHERS = {
    "by itself, validated": ([], (20, 1)),
    "torchrun": (["-m", "torch.distributed.run", "--nproc_per_node=2"], ()),
}


@pytest.mark.parametrize(("launcher", "patience"), LAUNCHERS.values(), ids=LAUNCHERS)
def test_two_processes_equal_one_with_twice_the_batch(
    launcher: list[str], patience: tuple[int, ...], script: Path, tmp_path: Path
) -> None:
    run(*launcher, script, tmp_path, 2, 8, *patience)
    run_here(script, tmp_path, 1, 16, *patience)
    first, second = load(tmp_path / "2-0.pt"), load(tmp_path / "2-1.pt")
    assert_close(first, second, atol=0.0)
    assert_close(first, load(tmp_path / "1-0.pt"), atol=1e-5)


FILES = """
import os, sys
from unittest import mock
import torch
from tsgen import LSTMForecaster
from tsgen.forecasters import bulk

source, folder, devices, batch_size = *sys.argv[1:3], *map(int, sys.argv[3:5])
trainer = dict(accelerator="cpu")
if devices > 1:
    trainer |= dict(devices=devices, strategy="ddp")
model = LSTMForecaster(
    max_steps=6, batch_size=batch_size, hidden_size=4, context_length=6, lags=[], init="random",
    trainer_kwargs=trainer, verbose=False,
).fit(source, store=f"{folder}/store-{devices}")
rank = os.environ.get("LOCAL_RANK", "0")
torch.save({"weights": model.module_.state_dict(), "forecast": torch.zeros(1)},
           f"{folder}/{devices}-{rank}.pt")
with mock.patch.object(bulk, "_ROWS_AT_ONCE", 1):
    found = model.predict(2, df=source, out=f"{folder}/out-{devices}")
assert found.count_rows() == 2 * 1200, found.count_rows()
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Of 1,200 short series, which are forecast in three parts."""
    folder = tmp_path / "in"
    folder.mkdir()
    rows = np.random.default_rng(0).normal(size=(1200, 10)).cumsum(axis=1)
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat([f"s{i:04d}" for i in range(1200)], 10),
            "ds": np.tile(pd.date_range("2024-01-01", periods=10), 1200),
            "y": rows.ravel(),
        }
    )
    frame.iloc[:7000].to_parquet(folder / "0.parquet", index=False)
    frame.iloc[7000:].to_parquet(folder / "1.parquet", index=False)
    return folder


def test_two_processes_learn_and_forecast_from_files(files: Path, tmp_path: Path) -> None:
    script = tmp_path / "files.py"
    script.write_text(FILES)
    run("-m", "torch.distributed.run", "--nproc_per_node=2", script, files, tmp_path, 2, 8)
    run_here(script, files, tmp_path, 1, 16)
    first, second = load(tmp_path / "2-0.pt"), load(tmp_path / "2-1.pt")
    assert_close(first, second, atol=0.0)
    assert_close(first, load(tmp_path / "1-0.pt"), atol=1e-5)
    assert (tmp_path / "store-2" / "values.npy").exists()
    both, alone = (pd.read_parquet(tmp_path / f"out-{devices}") for devices in (2, 1))
    assert len(list((tmp_path / "out-2").glob("part-*"))) == 3
    pd.testing.assert_frame_equal(both, alone, atol=1e-4)


def test_a_killed_rank_ends_the_run_with_an_error(script: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path), "2", "8", "1000000"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        child = tmp_path / "pid1"
        deadline = time.monotonic() + 120
        while not child.exists() or not child.read_text():
            assert time.monotonic() < deadline, "the second rank never learned"
            assert process.poll() is None
            time.sleep(0.1)
        os.kill(int(child.read_text()), signal.SIGKILL)
        assert process.wait(timeout=60) != 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.gpu
def test_two_gpus_end_with_the_same_weights(script: Path, tmp_path: Path) -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("needs two CUDA devices")
    script.write_text(SCRIPT.replace('accelerator="cpu"', 'accelerator="gpu"'))
    run(script, tmp_path, 2, 8)
    assert_close(load(tmp_path / "2-0.pt"), load(tmp_path / "2-1.pt"), atol=0.0)

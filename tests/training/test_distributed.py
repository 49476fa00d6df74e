"""Several processes on the CPU (gloo) do what one process does with the whole batch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

pytestmark = pytest.mark.slow

SCRIPT = '''
"""usage: script FOLDER DEVICES BATCH_SIZE [STEPS [PATIENCE]]"""
import os, sys
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
trainer = dict(accelerator="cpu")
if devices > 1:
    trainer |= dict(devices=devices, strategy="ddp")
model = LSTMForecaster(
    max_steps=steps, batch_size=batch_size, hidden_size=8, context_length=20, lags=[7],
    trainer_kwargs=trainer, patience=patience,
)
rank = os.environ.get("LOCAL_RANK", "0")
if steps > 1000:
    open(os.path.join(folder, f"pid{rank}"), "w").write(str(os.getpid()))
model.fit(frame)
forecast = torch.tensor(model.predict(5).y.to_numpy())
content = {"weights": model.module_.state_dict(), "forecast": forecast}
torch.save(content, os.path.join(folder, f"{devices}-{rank}.pt"))
model.save(os.path.join(folder, f"{devices}.tsgen"))
'''

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


def run(*arguments: object) -> None:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=ENVIRONMENT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def load(path: Path) -> dict[str, torch.Tensor]:
    content = torch.load(path, weights_only=True)
    return {**content["weights"], "forecast": content["forecast"]}


def assert_close(left: dict, right: dict, atol: float) -> None:
    assert left.keys() == right.keys()
    for name, tensor in left.items():
        torch.testing.assert_close(tensor, right[name], atol=atol, rtol=0.0)


@pytest.mark.parametrize("patience", [(), (20, 1)], ids=["fixed steps", "validated"])
def test_two_processes_equal_one_with_twice_the_batch(
    script: Path, tmp_path: Path, patience: tuple[int, ...]
) -> None:
    run(script, tmp_path, 2, 8, *patience)
    run(script, tmp_path, 1, 16, *patience)
    first, second = load(tmp_path / "2-0.pt"), load(tmp_path / "2-1.pt")
    assert_close(first, second, atol=0.0)
    assert_close(first, load(tmp_path / "1-0.pt"), atol=1e-5)


def test_the_same_script_under_torchrun(script: Path, tmp_path: Path) -> None:
    run("-m", "torch.distributed.run", "--nproc_per_node=2", script, tmp_path, 2, 8)
    assert_close(load(tmp_path / "2-0.pt"), load(tmp_path / "2-1.pt"), atol=0.0)


def test_a_killed_rank_ends_the_run_with_an_error(script: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path), "2", "8", "1000000"],
        env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        child = tmp_path / "pid1"
        deadline = time.monotonic() + 120
        while not child.exists() or not child.read_text():
            assert time.monotonic() < deadline, "the second rank never came up"
            assert process.poll() is None
            time.sleep(0.2)
        time.sleep(5)  # into the training
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

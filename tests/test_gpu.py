"""`make gpu` just runs, on the day that there is a GPU: its parts are bounded, tried, and recorded as they end."""

import json
import sys

import gpu
import pytest

from gantut.lessons.experiments import EXPERIMENTS


def python(program):
    return [sys.executable, "-c", program]


def test_a_part_that_fails_or_hangs_is_recorded_and_the_next_one_runs(tmp_path, monkeypatch):
    parts = [
        gpu.Part("wrong", python("raise SystemExit(3)"), 30),
        gpu.Part("endless", python("import time; time.sleep(100)"), 1),
        gpu.Part("right", python("""print('NUMBERS {"seconds": 2.5}'); print("done")"""), 30),
    ]
    monkeypatch.setattr(gpu, "parts", lambda device, small: parts)
    assert not gpu.run_all("cpu", tmp_path, minutes=5, small=True, only=None)
    record = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))
    assert [part["ended"] for part in record["parts"]] == ["failed with 3", "stopped: too long", "passed"]
    assert record["parts"][2]["numbers"] == [{"seconds": 2.5}]
    assert record["parts"][2]["last line"] == "done"
    assert record["machine"]["device"] == "cpu"
    assert gpu.run_all("cpu", tmp_path / "again", minutes=5, small=True, only=["right"])


def test_when_time_is_up_the_record_says_what_was_not_begun(tmp_path):
    assert not gpu.run_all("cpu", tmp_path, minutes=0.01, small=True, only=None)
    parts = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))["parts"]
    assert {part["ended"] for part in parts} == {"not begun: time was up"}


@pytest.mark.parametrize("small", [True, False])
def test_its_parts_name_what_there_is(small):
    parts = gpu.parts("cuda", small)
    for part in parts:
        files = [name for name in part.command if name.endswith(".py") and name != gpu.__file__]
        assert all((gpu.ROOT / name).is_file() for name in files), part
    experiments = [part.command[-1] for part in parts if part.name.startswith("experiment")]
    assert experiments
    assert set(experiments) <= set(EXPERIMENTS)
    order = list(dict.fromkeys(part.name.split()[0] for part in parts))
    assert order == ["tests", "bench", "lesson", "experiment"]


@pytest.mark.slow
@pytest.mark.parametrize("name", gpu.BENCHES)
def test_every_bench_runs_at_its_small_size(name, device, capsys):
    import torch

    gpu.BENCHES[name](torch.zeros(0, device=device).device, small=True)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith(gpu.MARK)]
    noted = [json.loads(line.removeprefix(gpu.MARK)) for line in lines]
    assert any("seconds" in numbers and numbers["name"] == "gantut" for numbers in noted)

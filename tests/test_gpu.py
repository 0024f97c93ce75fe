"""`make gpu` just runs, on the day that there is a GPU: its parts are bounded, tried, and recorded as they end."""

import json
import subprocess
import sys

import gpu
import pytest
import test_results

from gantut.lessons import _records
from gantut.lessons.experiments import EXPERIMENTS


def python(program):
    return [sys.executable, "-c", program]


def read(folder):
    return json.loads((folder / "gpu.json").read_text(encoding="utf-8"))["result"]


def test_a_part_that_fails_or_hangs_is_recorded_and_the_next_one_runs(tmp_path, monkeypatch):
    parts = [
        gpu.Part("wrong", python("raise SystemExit(3)"), 30),
        gpu.Part("endless", python("import time; time.sleep(100)"), 1),
        gpu.Part("right", python("""print('NUMBERS {"seconds": 2.5}'); print("done")"""), 30),
    ]
    monkeypatch.setattr(gpu, "parts", lambda device, small: parts)
    assert not gpu.run_all("cpu", tmp_path, minutes=5, small=True, only=None)
    wrong, endless, right = read(tmp_path)["parts"]
    assert [part["ended"] for part in (wrong, endless, right)] == ["failed with 3", "stopped: too long", "passed"]
    assert endless["last line"] == "KeyboardInterrupt", "what is stopped may still say how far it came"
    assert right["numbers"] == [{"seconds": 2.5}]
    assert right["last line"] == "done"
    assert gpu.run_all("cpu", tmp_path / "again", minutes=5, small=True, only=["right"])
    assert {path.name for path in tmp_path.glob("*.*")} == {"gpu.json", "gpu.log"}, "few files, however many parts"


def test_its_record_can_be_copied_beside_the_others(tmp_path, monkeypatch):
    part = gpu.Part("right", python("import time; time.sleep(0.2)"), 30)
    monkeypatch.setattr(gpu, "parts", lambda device, small: [part])
    monkeypatch.setattr(gpu, "commit", lambda: 40 * "0")  # this one may have changes
    gpu.run_all("cpu", tmp_path, minutes=5, small=True, only=None)
    record = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))
    monkeypatch.setitem(test_results.RECORDS, "gpu", record["provenance"])
    test_results.test_a_record_is_of_a_clean_commit_and_tells_all_that_it_took("gpu")
    assert record["provenance"]["device"] == "cpu"


def test_a_copy_without_its_history_can_be_told_its_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "ROOT", tmp_path)
    monkeypatch.setattr(_records, "__file__", str(tmp_path / "lessons" / "_records.py"))
    monkeypatch.delenv("GANTUT_COMMIT", raising=False)
    assert gpu.commit() == _records.commit() == "not in a repository"
    monkeypatch.setenv("GANTUT_COMMIT", 40 * "a")
    assert gpu.commit() == _records.commit() == 40 * "a"


def test_a_package_that_is_missing_is_named_and_costs_what_needs_it_alone(tmp_path, monkeypatch, capsys):
    (tmp_path / "lesson.py").write_text("import no_such_package.within", encoding="utf-8")
    lesson = [sys.executable, gpu.__file__, "--device", "cpu", "--script", str(tmp_path / "lesson.py")]
    parts = [gpu.Part("lacks", lesson, 60), gpu.Part("right", python("pass"), 30)]
    monkeypatch.setattr(gpu, "parts", lambda device, small: parts)
    monkeypatch.setattr(gpu, "PEERS", ["no-such-package"])
    assert not gpu.run_all("cpu", tmp_path, minutes=5, small=True, only=None)
    assert "no-such-package" in capsys.readouterr().out.splitlines()[0]
    found = read(tmp_path)
    assert "no-such-package" in found["missing"]
    assert [part["ended"] for part in found["parts"]] == ["not run: a package is missing", "passed"]
    assert found["parts"][0]["last line"] == "this needs no_such_package, which is not installed here"


TESTS = {
    "test_file.py": "import no_such_package\ndef test_it(): pass",
    "test_one.py": "def test_it(): from no_such_package import it\ndef test_another(): pass",
    "test_wrong.py": "def test_it(): raise ModuleNotFoundError('odd', name='json')\ndef test_another(): import json.no",
}


def test_tests_that_need_a_missing_package_are_skipped_and_say_so(tmp_path):
    for name, text in TESTS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    plugins = ["-p", "skip_missing", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    command = [sys.executable, "-m", "pytest", "-q", "-rs", *plugins, "-c", "none.ini", "."]
    environment = {"PYTHONPATH": str(gpu.ROOT / "tests"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    (tmp_path / "none.ini").touch()
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert "2 failed, 1 passed, 2 skipped" in done.stdout, done.stdout + done.stderr
    assert done.stdout.count("needs no_such_package") == 2


def test_when_time_is_up_the_record_says_what_was_not_begun(tmp_path):
    assert not gpu.run_all("cpu", tmp_path, minutes=0.01, small=True, only=None)
    parts = read(tmp_path)["parts"]
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

"""What the front page shows runs as it stands there."""

import re
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_of_the_front_page_runs_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```", README, re.M | re.S):
        exec(compile(block, "README.md", "exec"), names)
    assert names["history"].samples.shape[1] == 16
    assert (tmp_path / "runs/ring").is_dir()


def test_the_tree_of_the_front_page_is_there():
    tree = README.partition("## The tree")[2].partition("\n## ")[0]
    for path in re.findall(r"^\| `([\w./*]+)`", tree, re.M):
        assert list(ROOT.glob(path.replace("NN_name", "01_*"))), path

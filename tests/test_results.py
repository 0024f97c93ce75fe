"""What the book quotes was found by code that can be had again: a commit of this repository, without changes."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RECORDS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))["provenance"]
    for path in sorted((ROOT / "book/results").glob("*.json"))
    if path.stem != "lesson-times"  # what `make notebooks` notes, lesson by lesson
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_is_of_a_clean_commit_and_tells_all_that_it_took(name):
    provenance = RECORDS[name]
    assert re.fullmatch("[0-9a-f]{40}", provenance["commit"])
    assert provenance["seconds"] > 0
    assert set(provenance) >= {"command", "commit", "seed"}


@pytest.mark.parametrize("name", RECORDS)
def test_the_commit_of_a_record_is_part_of_the_history(name):
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)

    if git("rev-parse", "--is-shallow-repository").stdout.strip() != "false":
        pytest.skip("this copy has no whole history")
    commit = RECORDS[name]["commit"].partition(",")[0]
    assert git("merge-base", "--is-ancestor", commit, "HEAD").returncode == 0

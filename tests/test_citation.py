"""CITATION.cff keeps to the format, version 1.2.0, and says the same as the rest of the repository."""

import re
import tomllib
from pathlib import Path

import pytest

jsonschema = pytest.importorskip("jsonschema")
yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))

# What of the format, github.com/citation-file-format/citation-file-format, this file uses: keys beyond it are refused.
TEXT = {"type": "string", "minLength": 1}
ADDRESS = {"type": "string", "pattern": "^(https|http|ftp|sftp)://.+"}
ENTITY = {"type": "object", "required": ["name"], "additionalProperties": False,
          "properties": dict.fromkeys(("name", "alias", "email", "website", "orcid"), TEXT)}  # fmt: skip
PERSON = {"type": "object", "additionalProperties": False, "minProperties": 1, "not": {"required": ["name"]},
          "properties": dict.fromkeys(("family-names", "given-names", "affiliation", "orcid"), TEXT)}  # fmt: skip
LICENCE = {"enum": ["MIT", "CC-BY-4.0", "CC0-1.0", "Apache-2.0", "BSD-3-Clause"]}  # SPDX names
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["authors", "cff-version", "message", "title"],
    "properties": {
        "abstract": TEXT,
        "authors": {"type": "array", "minItems": 1, "items": {"anyOf": [PERSON, ENTITY]}},
        "cff-version": {"const": "1.2.0"},
        "commit": TEXT,
        "date-released": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
        "doi": {"type": "string", "pattern": r"^10\.\d{4,9}(\.\d+)?/\S+$"},
        "keywords": {"type": "array", "minItems": 1, "uniqueItems": True, "items": TEXT},
        "license": {"anyOf": [LICENCE, {"type": "array", "minItems": 1, "uniqueItems": True, "items": LICENCE}]},
        "message": TEXT,
        "repository-code": ADDRESS,
        "title": TEXT,
        "type": {"enum": ["dataset", "software"]},
        "url": ADDRESS,
        "version": {"type": ["string", "number"]},
    },
}


def test_the_citation_file_keeps_to_its_format():
    jsonschema.validate(CITATION, SCHEMA)


@pytest.mark.parametrize(
    "change", [{"licence": "MIT"}, {"cff-version": "1.1.0"}, {"authors": []}, {"type": "book"}, {"url": "gantut.io"}]
)
def test_what_the_format_does_not_allow_is_refused(change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**CITATION, **change}, SCHEMA)


def test_the_citation_says_what_the_repository_says():
    assert CITATION["repository-code"] == PROJECT["urls"]["Repository"]
    assert CITATION["url"] == PROJECT["urls"]["Documentation"]
    assert str(CITATION["version"]) == PROJECT["version"]
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert CITATION["title"] == config["title"]
    assert [author["name"] for author in CITATION["authors"]] == [author["name"] for author in PROJECT["authors"]]
    assert set(CITATION["license"]) >= {name for name in re.split(r" AND | OR ", PROJECT["license"]) if name == "MIT"}
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")

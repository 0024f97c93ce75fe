"""The pages to look things up in: notation, glossary, the package, times, and how to teach with the book."""

import collections
import functools
import importlib
import inspect
import json
import re
import tomllib
from pathlib import Path

import pytest
from lesson_cells import cells_of

import gantut
from gantut.checks import read_ledger

api_pages = pytest.importorskip("api_pages")
pages = pytest.importorskip("pages")

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
LEDGER = read_ledger()
LESSONS = {lesson.page: number for number, lesson in LEDGER.lessons.items() if lesson.page and number.isdigit()}


@functools.cache
def prose(page):
    """What a lesson says to its readers: its text, and the captions of its figures."""
    cells = cells_of(BOOK / f"{page}.py")
    captions = [cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "") for cell in cells]
    return "\n\n".join([cell.source for cell in cells if cell.cell_type == "markdown"] + captions)


@functools.cache
def formulas(page):
    """All formulas of a lesson."""
    return " ; ".join(a or b for a, b in re.findall(r"\$\$(.+?)\$\$|\$([^$]+)\$", prose(page), re.S))


# ---- Notation ----------------------------------------------------------------------------------------------


def rows():
    """The lines of the tables of symbols: symbols, meaning, kind, code, lessons."""
    text = (BOOK / "notation.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| (\$.*) \|$", text, re.M)
    for line in lines:
        symbols, meaning, kind, code, lesson = (cell.strip() for cell in line.split("|"))
        yield re.findall(r"\$([^$]+)\$", symbols), meaning, kind, re.findall(r"`([^`]+)`", code), lesson


ROWS = list(rows()) if (BOOK / "notation.md").is_file() else []


def uses(page, symbol):
    """Tell whether a symbol stands in some formula of a lesson, with any index where the table has a letter for one."""
    found = re.escape(symbol.replace(r"\lVert ", r"\|").replace(r"\rVert", r"\|"))
    found = re.sub(r"_([ijkp])$", r"_\\{?[ijkp1-9]", found)
    found = found.replace(r"N\(m_1,s_1\)", r"N\([^)]*\)").replace(r"f\^c", r"f\^\{?c")
    before = "" if symbol.startswith("\\") else r"(?<![\\a-zA-Z])"
    after = "(?![a-zA-Z])" if symbol[-1].isalpha() else ""
    return re.search(before + found + after, formulas(page)) is not None


@pytest.mark.parametrize("row", ROWS, ids=[" ".join(row[0]) for row in ROWS])
def test_the_lesson_that_a_symbol_is_said_to_come_from_uses_it(row):
    symbols, meaning, kind, _, lesson = row
    number, page = re.fullmatch(r"\{doc\}`(\d+) <(\w+)>`", lesson).groups()
    assert int(LESSONS[page]) == int(number)
    assert meaning
    assert kind
    for symbol in symbols:
        assert uses(page, symbol), f"lesson {number} has no formula with {symbol}"


@pytest.mark.parametrize("symbol", [
    "p_r", "p_g", "p_z", "D", "D^*", "G", "V", "f^*", "W_1", "K", "c", r"\lambda", r"n_\text{critic}", r"\theta",
    r"\gamma", r"\pi", r"\varepsilon", r"\eta", r"\hat x", r"\lVert f\rVert_L",
    "f(x)", "o(x_i)", "M_i", r"\bar\Theta_t", r"\alpha", r"\beta", "Z", "Tp", "W", "r(x)", "B_k", r"\hat z_m", "F_1",
])  # fmt: skip
def test_what_a_reader_looks_up_is_there(symbol):
    assert symbol in {symbol for row in ROWS for symbol in row[0]}


def test_every_lesson_has_symbols_in_the_table():
    counted = collections.Counter(re.search(r"<(\w+)>", lesson)[1] for *_, lesson in ROWS)
    few = {page: counted[page] for page in LESSONS if counted[page] < 3}
    assert not few, "each lesson has three symbols or more in book/notation.md"


GREEK = "alpha|beta|gamma|delta|Delta|epsilon|varepsilon|eta|theta|kappa|lambda|mu|pi|rho|sigma|varphi|psi"


def test_every_greek_letter_of_two_lessons_and_every_operator_of_one_is_explained():
    listed = " ; ".join(symbol for row in ROWS for symbol in row[0])
    for symbol in [rf"\{letter}" for letter in GREEK.split("|")]:
        if sum(re.search(re.escape(symbol) + "(?![a-zA-Z])", formulas(page)) is not None for page in LESSONS) > 1:
            assert re.search(re.escape(symbol) + "(?![a-zA-Z])", listed), symbol
    known_to_all = {"tr", "sign", "mean", "var", "Var", "Cov", "argmin", "argmax", "diag", "softmax", "tanh"}
    operators = set(re.findall(r"\\operatorname\{(\w+)\}", " ".join(map(formulas, LESSONS))))
    assert operators - known_to_all <= set(re.findall(r"\\operatorname\{(\w+)\}", listed))


def test_the_names_in_the_code_are_names_of_the_code():
    rooms = [f"gantut.lessons.{path.parent.name}" for path in sorted(ROOT.glob("gantut/lessons/*/__init__.py"))]
    owners = [importlib.import_module(room) for room in rooms] + list(MODULES.values())
    public = {name: getattr(owner, name) for owner in owners for name in getattr(owner, "__all__", ())}
    everywhere = {word for page in LESSONS for word in re.findall(r"\w+", (BOOK / f"{page}.py").read_text("utf-8"))}
    for *_, code, _ in ROWS:
        for name in code:
            head, *attributes = re.split(r"[.(]", name.strip('"'))
            assert head in public or head in everywhere, name
            if head in public and "." in name:
                fields = {*dir(public[head]), *getattr(public[head], "__annotations__", {})}
                assert attributes[0] in fields, name


# ---- Glossary ----------------------------------------------------------------------------------------------


def terms():
    """The terms of the glossary, each with its definition."""
    text = (BOOK / "glossary.md").read_text(encoding="utf-8")
    inside = re.search(r":::\{glossary\}\n:sorted:\n(.*?)\n:::", text, re.S)[1]
    return dict(re.findall(r"^(\S.*)\n((?:  .*\n?)+)", inside, re.M))


TERMS = terms() if (BOOK / "glossary.md").is_file() else {}


@pytest.mark.parametrize("term", TERMS)
def test_each_term_occurs_in_the_lessons_that_its_entry_names(term):
    named = re.findall(r"\{doc\}`[^<`]*<(\w+)>`", TERMS[term])
    assert named, "an entry says where to read more"
    stem = re.escape(term.lower()).replace(r"\ ", r"[\s-]+")
    stem = re.sub(r"(steps|s|e|y)$", "", stem)  # other endings count: clipped weights, Lipschitz constants
    words = "|".join([stem, *FORMS.get(term, [])])
    for page in named:
        if page in LESSONS:
            text = re.sub(r"[*_`]", "", prose(page)).lower()
            assert re.search(words, text), f"{page} never says {term}"


# What a lesson may call the thing instead, in the middle of a sentence.
FORMS = {
    "adversarial training": ["adversarial"],
    "alternating steps": [r"steps in\s+turns", "alternating"],
    "best-response gap": [r"best-response\s+gap", r"gap"],
    "calibration": ["calibrat"],
    "FID": ["fréchet", "frechet"],
    "Jensen–Shannon divergence": ["jensen–shannon"],
    "Kullback–Leibler divergence": ["kullback–leibler"],
    "effective classes": [r"classes"],
    "exponential moving average": [r"moving\s+average"],
    "instance noise": [r"add\s+noise"],
    "memorisation": [r"by\s+heart"],
    "precision and recall": [r"precision"],
    "spectral normalisation": [r"spectral\s+norm"],
    "unrolled GAN": [r"unroll"],
    "vanishing gradient": [r"vanish"],
    "Wasserstein distance": [r"wasserstein"],
    "weight clipping": [r"clipp"],
    "coupling": ["coupled"],
    "duality gap": [r"difference\s+is\s+a\s+certificate"],
    "entropic transport": [r"entropic"],
    "Kantorovich potential": [r"potential", r"price"],
}


def test_terms_are_many_and_their_links_lead_to_terms():
    assert len(TERMS) >= 60
    for page in LESSONS:
        found = sum(f"<{page}>" in definition for definition in TERMS.values())
        assert found >= 3, f"three words or more of book/glossary.md are from {page}"
    for definition in TERMS.values():
        for link in re.findall(r"\{term\}`(?:[^<`]*<)?([^>`]+)>?`", definition):
            assert " ".join(link.split()) in TERMS, link


# ---- The package -------------------------------------------------------------------------------------------

MODULES = {name: importlib.import_module(name) for name in api_pages.public_modules()}
NAMES = [(module, name) for module, owner in MODULES.items() for name in getattr(owner, "__all__", ())]
# What numpydoc finds wrong in a docstring (https://numpydoc.readthedocs.io/en/latest/validation.html), and we do, too.
WRONG = ("EX01", "GL06", "GL08", "PR01", "PR02", "PR03", "RT01")


def names_of(module):
    return [name for owner, name in NAMES if owner == module]


def has_a_docstring(value):
    return inspect.isroutine(value) or inspect.isclass(value)


def excused(value, code):
    """A class may describe what it takes as its attributes, which PR01 does not know; an error needs no example."""
    if not inspect.isclass(value):
        return False
    return code == "PR01" or (code == "EX01" and issubclass(value, Exception))


def test_the_pages_of_the_package_are_its_public_modules():
    listed = [line.split("`")[1] for line in gantut.__doc__.splitlines() if line.startswith("`gantut.")]
    assert list(MODULES) == listed
    written = (BOOK / "api.md").read_text(encoding="utf-8").partition(":toctree: api")[2]
    assert re.findall(r"^ +(gantut\.\w+)$", written, re.M) == listed
    placed = [page for page in pages.pages_of_toc(ROOT) if page.startswith("book/api/")]
    assert placed == [f"book/api/{module}" for module in listed]


@pytest.mark.parametrize("module", MODULES)
def test_a_public_module_lists_its_public_names(module):
    names = MODULES[module].__all__
    assert len(names) == len(set(names))
    assert all(hasattr(MODULES[module], name) for name in names)


def test_a_public_name_is_exported_by_one_module_only():
    values = collections.Counter(id(value) for m, n in NAMES if has_a_docstring(value := getattr(MODULES[m], n)))
    assert [f"{m}.{n}" for m, n in NAMES if values[id(getattr(MODULES[m], n))] > 1] == []


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_says_what_it_is_and_where_its_source_is(module):
    for name in names_of(module):
        value = getattr(MODULES[module], name)
        if not has_a_docstring(value):
            assert api_pages.constant_comment(module, name), f"{module}.{name} has no comment"
            continue
        assert inspect.getdoc(value), f"{module}.{name} has no docstring"
        file, first, last = api_pages.source_of(module, name)
        lines = (ROOT / file).read_text(encoding="utf-8").splitlines()[first - 1 : last]
        assert re.search(rf"\b{name}\b", "\n".join(lines)), f"{file}:{first}"


@pytest.mark.parametrize("module", MODULES)
def test_docstrings_are_numpydoc_and_describe_the_parameters_that_there_are(module):
    numpydoc = pytest.importorskip("numpydoc.validate")
    wrong = []
    for name in names_of(module):
        if has_a_docstring(value := getattr(MODULES[module], name)):
            found = numpydoc.validate(f"{value.__module__}.{value.__qualname__}")["errors"]
            wrong += [f"{name}: {message}" for code, message in found if code in WRONG and not excused(value, code)]
    assert not wrong


@pytest.mark.parametrize("module", MODULES)
def test_see_also_leads_to_public_names(module):
    docscrape = pytest.importorskip("numpydoc.docscrape")
    public = {f"{owner}.{name}" for owner, name in NAMES}
    for name in names_of(module):
        value = getattr(MODULES[module], name)
        entries = docscrape.get_doc_object(value)["See Also"] if has_a_docstring(value) else []
        for other, _ in (link for links, _ in entries for link in links):
            if other.startswith("gantut.") or "." not in other:  # elsewhere are PyTorch's own, and others
                assert {other, f"{module}.{other}"} & public, f"{name} leads to {other}"


def test_source_links_lead_into_the_repository():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address = api_pages.linkcode_resolve("py", {"module": "gantut.divergences", "fullname": "kl_divergence"})
    assert re.fullmatch(
        re.escape(project["urls"]["Repository"]) + r"/blob/main/gantut/divergences/\w+\.py#L\d+-L\d+", address
    )
    assert api_pages.linkcode_resolve("py", {"module": "gantut.divergences", "fullname": "nothing"}) is None


def test_a_shape_is_no_emphasis_and_a_constant_is_described_by_its_comment_or_its_entries():
    lines = ["Of shape (n, *event), never None."]
    api_pages.prepare(None, "function", "gantut.training.train", None, None, lines)
    assert lines == [r"Of shape (n, \*event), never None."]
    lines = ["dict() -> new empty dictionary"]
    api_pages.prepare(None, "data", "gantut.objectives.OBJECTIVES", None, None, lines)
    assert "wgan-gp" in lines[0]


# ---- Times, and teaching -----------------------------------------------------------------------------------


def test_the_table_of_times_has_every_lesson_and_says_what_was_not_measured(tmp_path):
    lesson_times = pytest.importorskip("lesson_times")
    assert [page for _, _, page, *_ in lesson_times.rows(ROOT)] == list(LESSONS)
    assert all(reading for *_, reading, _, _ in lesson_times.rows(ROOT))

    (tmp_path / "book/results").mkdir(parents=True)
    ledger = (
        'lessons:\n  "01": {title: One, page: 01_one}\n  "02": {title: Two, page: 02_two}\n  "03": {title: Three}\n'
    )
    (tmp_path / "book/claims.yml").write_text(ledger, encoding="utf-8")
    for page in ("01_one", "02_two"):
        (tmp_path / f"book/{page}.py").write_text("# **It takes** about 90\n# minutes to read with the exercises.")
    noted = {"cpu": {"02_two": {"seconds": 30, "core seconds": 12.4}}}
    (tmp_path / "book/results/lesson-times.json").write_text(json.dumps(noted), encoding="utf-8")
    assert list(lesson_times.rows(tmp_path)) == [
        (1, "One", "01_one", "90 minutes", "not measured", "not measured"),
        (2, "Two", "02_two", "90 minutes", "12 s", "not measured"),
    ]


TEACHING = (BOOK / "teaching.md").read_text(encoding="utf-8")


def test_the_plan_has_five_sessions_of_ninety_minutes():
    sessions = re.split(r"^## Session \d: ", TEACHING, flags=re.M)[1:]
    assert len(sessions) == 5
    for session in sessions:
        assert sum(int(minutes) for minutes in re.findall(r"^\| (\d+) \|", session, re.M)) == 90
        assert len(re.findall(r"^\*.+\*\n: ", session, re.M)) >= 3, "questions, each with what a good answer contains"
        assert len(re.findall(r"\{ref\}`ex-", session)) >= 3


def test_the_plan_hands_out_exercises_and_shows_labs_and_sections_that_exist():
    everything = "\n".join(map(prose, LESSONS))
    for label in re.findall(r"\{ref\}`(ex-[\w-]+)`", TEACHING):
        assert f":label: {label}\n" in everything, label
    for lab in re.findall(r"lab\S* \(?`(\w+)`", TEACHING):
        lessons = "\n".join((BOOK / f"{page}.py").read_text(encoding="utf-8") for page in LESSONS)
        assert re.search(rf"^{lab}\(", lessons, re.M), lab
    headings = re.findall(r"^#{2,3} (.+)$", everything, re.M)
    for section in re.findall(r'"([A-Z][^"]+?[a-z])"', TEACHING):
        if section != "GANs minimise JS":
            assert any(heading.rstrip("?").startswith(section.rstrip("?")) for heading in headings), section

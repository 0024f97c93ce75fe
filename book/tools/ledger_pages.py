"""A Sphinx extension: claims as what they are, in the lessons and in the ledger, each linked with the other.

- A line of output "✓ id: statement  (found)" becomes a badge: what was stated, what was found, how it is checked, and a
  link to the entry of the ledger, whose own words and conditions can be unfolded. The notebooks keep their plain lines.
- ``{ledger}`` lists every entry of book/claims.yml, by lesson, with a link to the very badge that shows it. They can be
  filtered: book/style/claims.js; without a script all of them are there.
- ``{errata} wrong``, ``imprecise`` or ``draft`` lists what the sources get wrong, and ``{errata}`` counts it.

A claim of a finished lesson that no badge shows is a link that leads nowhere, on which the build fails.
"""

import html
import itertools
import re
from collections import Counter
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

from gantut.checks import read_ledger

ROOT = Path(__file__).resolve().parents[2]
LEDGER = "book/claims"
VERDICTS = {"holds": "holds", "holds-if": "holds under conditions", "imprecise": "imprecise", "wrong": "wrong"}
METHODS = {
    "symbolic": "symbolically",
    "exact": "exactly",
    "quadrature": "by quadrature",
    "monte-carlo": "by Monte Carlo",
    "population": "on a population of trainings",
    "reading": "by reading",
}
LINE = re.compile(r"✓ (?P<id>[\w-]+): (?P<statement>.*?)(?:  \((?P<found>.*)\))?$")


# ---- Elements ----------------------------------------------------------------------------------------------


class Tag(nodes.General, nodes.Element):
    """An element of HTML by its name, with any attributes: docutils has none of its own for what unfolds."""


def tag(name, *children, classes=(), ids=(), **attributes):
    attributes = {key.replace("_", "-"): value for key, value in attributes.items()}
    return Tag("", *children, tag=name, attributes=attributes, classes=list(classes), ids=list(ids))


def open_tag(translator, node):
    translator.body.append(translator.starttag(node, node["tag"], "", **node["attributes"]))


def close_tag(translator, node):
    translator.body.append(f"</{node['tag']}>\n")


def words(text, ledger, later=False):
    """Return a text of the ledger as nodes: formulas between dollars, names between backticks, and stress.

    The name of another claim becomes a link to its entry. Formulas that are folded away are set `later`, when they are
    unfolded: a lesson has enough to set when it opens.
    """
    found, quotes = [], itertools.cycle("“”")
    for part in re.split(r"(\$[^$]+\$|`[^`]+`|\*[^*\s][^*]*\*)", text or ""):
        inner = part[1:-1]
        if part.startswith("$") and later:
            found.append(nodes.inline("", rf"\({inner}\)", classes=["set-later"]))
        elif part.startswith("$"):
            found.append(nodes.math(inner, inner))
        elif part.startswith("`"):
            found.append(link(f"entry-{inner}", inner) if inner in ledger.entries else nodes.literal("", inner))
        elif part.startswith("*") and inner:
            found.append(nodes.emphasis("", inner))
        elif part:
            found.append(nodes.Text(re.sub('"', lambda _: next(quotes), part).replace("'", "’")))
    return found


def set_statement(text):
    """Return what a lesson printed of a claim as nodes: with indices, powers and signs, which code can only spell."""
    text = re.sub(r"\b(\d[\d.]*)e([+-]\d+)\b", power_of_ten, text)
    text = re.sub(r"(?<![\w.])-(?=\w|\()|(?<= )-(?= )", "−", text).replace("<=", "≤").replace(">=", "≥")
    text = re.sub(r"\binf\b", "∞", text)
    found = []
    for part in re.split(r"(\b[^\W\d_]_\w{1,2}\b|(?<=\S)\^(?:−?\w+|\([^()]*\)))", text):
        if part.startswith("^"):
            found.append(nodes.superscript("", part[1:].strip("()")))
        elif part[1:2] == "_":
            found += [nodes.Text(part[0]), nodes.subscript("", part[2:])]
        elif part:
            found.append(nodes.Text(part))
    return found


def power_of_ten(number):
    """Write what was matched as "1.2e-07" as a power of ten, for `set_statement` to raise."""
    factor, power = number.groups()
    return f"{'' if factor == '1' else factor + '·'}10^{int(power)}"


def link(label, text):
    """Return a link to a place that `name_place` named, on whichever page that is."""
    return addnodes.pending_xref(
        "", nodes.inline("", text), refdomain="std", reftype="ref", refexplicit=True, reftarget=label, refwarn=True
    )


def name_place(env, label, anchor):
    env.get_domain("std").anonlabels[label] = (env.docname, anchor)


def span(text, name):
    return nodes.inline("", text, classes=[name])


def row(name, *parts):
    """Return a paragraph of the class `name` with parts apart from each other."""
    paragraph = nodes.paragraph(classes=[name])
    for number, part in enumerate(parts):
        paragraph += [nodes.Text(" · "), part] if number else [part]
    return paragraph


def said(title, text, ledger, later=True):
    return nodes.paragraph("", "", nodes.strong("", title), nodes.Text(" "), *words(text, ledger, later))


# ---- What an entry has to say ------------------------------------------------------------------------------


def correction_title(entry):
    return "Instead." if entry.is_erratum else "Conditions." if entry.verdict == "holds-if" else "Note."


def check_title(entry):
    return "Found by reading." if entry.method == "reading" else f"Checked {METHODS[entry.method]}."


def who(entry, ledger):
    """Return who claims it, each source once: "Weng, KL and JS divergence; Xu"."""
    named = []
    for source in entry.sources:
        key, _, place = source.partition(":")
        name = ledger.sources[key]["name"]
        named.append(f"{name}, {place.strip()}" if place.strip() else name)
    return "; ".join(dict.fromkeys(named))


def reasons(entry, ledger):
    """Return what is folded under a statement: what is true instead, how it is checked, and who says it."""
    parts = [said(correction_title(entry), entry.correction, ledger)] if entry.correction else []
    parts.append(said(check_title(entry), entry.check, ledger))
    parts.append(row("claim-who", span(f"{entry.kind}: {who(entry, ledger)}", "claim-kind")))
    return parts


def where(entry, ledger):
    """Return a link to the badge that shows an entry, or what there is in its place: no code shows what was read."""
    title, page = ledger.lessons[entry.lesson]
    if entry.method == "reading":
        return link(f"erratum-{entry.id}", "errata") if entry.is_erratum else nodes.Text("in no lesson")
    if not page:
        return nodes.Text(f"to come in lesson {int(entry.lesson)}, {title}")
    return link(f"claim-{entry.id}", f"lesson {int(entry.lesson)}")


# ---- In a lesson -------------------------------------------------------------------------------------------


def show_claims(app, doctree):
    """Turn the lines of output that state a claim into badges, and leave the other lines as they are."""
    ledger, shown = read_ledger(), set()
    for block in list(doctree.findall(nodes.literal_block)):
        if "stream" not in block["classes"]:
            continue
        parts = []
        for line in block.astext().splitlines():
            claimed = LINE.fullmatch(line)
            kind = "claims" if claimed and claimed["id"] in ledger.entries else "lines"
            if not parts or parts[-1][0] != kind:
                parts.append((kind, []))
            parts[-1][1].append(claimed if kind == "claims" else line)
        if any(kind == "claims" for kind, _ in parts):
            block.parent.replace(block, [element for part in parts for element in drawn(app.env, block, *part, shown)])
            app.env.note_dependency(str(ROOT / "book/claims.yml"))


def drawn(env, block, kind, lines, shown):
    """Yield the element for lines of one kind, of a block of output."""
    if kind == "claims":
        yield nodes.container("", *(badge(env, claimed, shown) for claimed in lines), classes=["claims"])
    elif any(line.strip() for line in lines):
        part = block.deepcopy()
        part.rawsource = "\n".join(lines)
        part[:] = [nodes.Text(part.rawsource)]
        yield part


def badge(env, claimed, shown):
    """Return the badge of a claim; the first of several of one entry is where links lead, and says what it says."""
    ledger = read_ledger()
    entry = ledger[claimed["id"]]
    statement = [span("✓", "claim-mark"), nodes.inline("", "", nodes.Text(" "), *set_statement(claimed["statement"]))]
    how = [nodes.inline("", "", *set_statement(claimed["found"]), classes=["claim-found"])] if claimed["found"] else []
    how += [span(f"checked {METHODS[entry.method]}", "claim-method"), link(f"entry-{entry.id}", entry.id)]
    if entry.id in shown:
        return nodes.container("", row("claim-said", nodes.inline("", "", *statement)), row("claim-how", *how),
                               classes=["claim"])  # fmt: skip
    shown.add(entry.id)
    name_place(env, f"claim-{entry.id}", f"claim-{entry.id}")
    ledger_says = said(f"In the ledger ({VERDICTS[entry.verdict]}).", entry.statement, ledger)
    unfolded = tag("div", ledger_says, *reasons(entry, ledger), classes=["claim-more"])
    details = tag("details", tag("summary", *statement, classes=["claim-said"]), unfolded)
    return nodes.container("", details, row("claim-how", *how), classes=["claim"], ids=[f"claim-{entry.id}"])


# ---- The ledger --------------------------------------------------------------------------------------------


class LedgerList(SphinxDirective):
    """``{ledger}``: how many claims there are, what they can be filtered by, and all of them, a section a lesson."""

    def run(self):
        self.env.note_dependency(str(ROOT / "book/claims.yml"))
        ledger = read_ledger()
        entries = list(ledger.entries.values())
        verdicts = Counter(entry.verdict for entry in entries)
        counted = ", ".join(f"{verdicts[key]} {name.replace('holds', 'hold')}" for key, name in VERDICTS.items())
        sections = []
        for number, lesson in ledger.lessons.items():
            title = f"{int(number)} · {lesson.title}" if number.isdigit() else lesson.title
            listed = tag("ul", *(self.entry(entry, ledger) for entry in ledger.of_lesson(number)), classes=["ledger"])
            sections.append(nodes.section("", nodes.title("", title), listed, ids=[f"of-{number}"]))
        count = nodes.paragraph("", f"There are {len(entries)} claims: {counted}.")
        return [count, nodes.raw("", self.filter(entries, ledger), format="html"), *sections]

    def entry(self, entry, ledger):
        """Return one entry, compact: its statement, its verdict, and where it is shown; the rest is unfolded."""
        name_place(self.env, f"entry-{entry.id}", entry.id)
        statement = tag("summary", *words(entry.statement, ledger))
        unfolded = tag("div", *reasons(entry, ledger), classes=["claim-more"])
        about = [
            span(VERDICTS[entry.verdict], f"verdict-{entry.verdict}"),
            span(METHODS[entry.method], "claim-method"),
            where(entry, ledger),
            nodes.reference("", entry.id, refid=entry.id, internal=True),
        ]
        return tag(
            "li", tag("details", statement, unfolded), row("claim-how", *about), ids=[entry.id], classes=["entry"],
            data_verdict=entry.verdict, data_method=entry.method, data_lesson=entry.lesson,
        )  # fmt: skip

    def filter(self, entries, ledger):
        """Return the form above the list; the script that makes it work also shows it."""

        def choice(label, name, options):
            counted = Counter(getattr(entry, name) for entry in entries)
            shown = "".join(
                f'<option value="{key}">{html.escape(words)} ({counted[key]})</option>'
                for key, words in options.items()
            )
            return f'<label>{label} <select name="{name}"><option value="">any</option>{shown}</select></label>'

        lessons = {
            number: f"{int(number)} · {lesson.title}" if number.isdigit() else lesson.title
            for number, lesson in ledger.lessons.items()
        }
        return (
            '<form class="ledger-filter" role="search" aria-label="Filter the claims" hidden>'
            '<label>Search <input type="search" name="words" autocomplete="off"></label>'
            + choice("Verdict", "verdict", VERDICTS)
            + choice("Checked", "method", METHODS)
            + choice("Lesson", "lesson", lessons)
            + f'<p><output role="status">{len(entries)} claims</output> <button type="reset">Show all</button></p></form>'
        )


class Errata(SphinxDirective):
    """``{errata} wrong``, ``imprecise`` or ``draft``: those errata; without an argument, how many there are of each."""

    optional_arguments = 1

    def run(self):
        self.env.note_dependency(str(ROOT / "book/claims.yml"))
        ledger = read_ledger()
        kinds = {"wrong": [], "imprecise": [], "draft": []}
        for entry in ledger.entries.values():
            if entry.is_erratum:
                of_the_draft = all(source.startswith("weng-draft") for source in entry.sources)
                kinds["draft" if of_the_draft else entry.verdict].append(entry)
        if not self.arguments:
            counts = "{} wrong, {} imprecise, {} in the draft alone.".format(*map(len, kinds.values()))
            return [nodes.paragraph("", counts)]
        if self.arguments[0] not in kinds:
            raise self.error(f"errata are of the kinds {', '.join(kinds)}, not {self.arguments[0]!r}")
        return [self.erratum(entry, ledger) for entry in kinds[self.arguments[0]]]

    def erratum(self, entry, ledger):
        name_place(self.env, f"erratum-{entry.id}", f"erratum-{entry.id}")
        about = [
            span(VERDICTS[entry.verdict], f"verdict-{entry.verdict}"),
            span(who(entry, ledger), "claim-kind"),
            *([] if entry.method == "reading" else [where(entry, ledger)]),
            link(f"entry-{entry.id}", entry.id),
        ]
        return nodes.container(
            "",
            said("What is said.", entry.statement, ledger, later=False),
            said("What is true.", entry.correction, ledger, later=False),
            said(check_title(entry), entry.check, ledger, later=False),
            row("claim-how", *about),
            classes=["erratum"],
            ids=[f"erratum-{entry.id}"],
        )


def add_script(app, pagename, templatename, context, doctree):
    """Add what unfolds and filters to the pages that have something to unfold."""
    if doctree is not None and any(doctree.findall(Tag)):
        app.add_js_file("claims.js", loading_method="defer", priority=400)  # before formulas are set: it reads them


def setup(app):
    app.add_node(Tag, html=(open_tag, close_tag))
    app.add_directive("ledger", LedgerList)
    app.add_directive("errata", Errata)
    app.connect("doctree-read", show_claims)
    app.connect("html-page-context", add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

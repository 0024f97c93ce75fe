// The order in which the search shows what it found: first pages whose titles hold the words, then sections, then the rest.
"use strict";
var Scorer = {  // what Sphinx's search takes for its own, with its own weights but for `score`
  objNameMatch: 11, objPartialMatch: 6, objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
  score: ([document, title, , kind, score]) => {
    // a name of the package, which comes as a module, a page and its only section; a lesson is what a reader wants first
    if (kind || document.startsWith("book/api/")) return score;
    const words = (new URLSearchParams(location.search).get("q") ?? "").toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
    const share = heading => {  // of the words that stand in a heading, as they are or as a beginning: gradient(s)
      const there = heading.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
      return words.length && words.filter(word => there.some(own => own.startsWith(word))).length / words.length;
    };
    const [page, section = ""] = title.split(" > ");
    return score + 150 * share(page) ** 2 + 60 * share(section) ** 2;
  },
};

// What it says where it found nothing, in the place of a sentence about categories, which this book has not got.
Documentation.addTranslations({
  locale: "en", plural_expr: "Number(n !== 1)",
  messages: {
    ["Your search did not match any documents. Please make sure that all words are spelled correctly and that you've "
      + "selected enough categories."]: "No page has all of these words. Try fewer of them, or the beginning of one; the "
      + "glossary explains the terms, and the notation the symbols.",
  },
});

// What the search shows of a place that it found: some lines of the text around the words, with the formulas set. Code
// is shown only where the words are nowhere else. Sphinx's own search would show buttons, imports and TeX.
(() => {
  const BEFORE = 120, LENGTH = 260; // characters
  const NEVER = "h1, .headerlink, .eqno, script, style, button, .gantut-lab, .answer, .answer-progress, .in-notebook";
  const CODE = ".cell_input, .above-input > summary, dt.sig, div.math";

  const textsOf = (html, anchor) => { // without code, then with it
    const page = new DOMParser().parseFromString(html, "text/html");
    const without = selector => {
      page.querySelectorAll(selector).forEach(element => element.remove());
      const part = page.getElementById(anchor?.slice(1)), meaning = part?.matches("dt") && part.nextElementSibling;
      part?.querySelector(":scope > :is(h2, h3, h4)")?.remove(); // it stands above
      const text = (part ?? page.querySelector("article"))?.textContent ?? "";
      return (meaning ? `${text}: ${meaning.textContent}` : text).replace(/\s+/g, " ").trim();
    };
    const all = without(NEVER);
    return [without(CODE), all];
  };
  const whole = (text, place) => { // a place near this one that is neither in a formula nor in a word
    const open = text.lastIndexOf("\\(", place);
    if (open > text.lastIndexOf("\\)", place - 1)) return open;
    return place >= text.length ? text.length : Math.max(0, text.lastIndexOf(" ", place));
  };
  const fetched = name => new Promise((onload, onerror) => {
    const src = `${document.documentElement.dataset.content_root}_static/${name}`;
    document.head.append(Object.assign(document.createElement("script"), { src, onload, onerror }));
  });
  let coming;
  const setter = () => coming ??= fetched("katex/katex.min.js").then(() => fetched("formulas.js"))
    .then(() => formulasSet).then(() => setFormula); // once the letters of formulas are there

  Search.makeSearchSummary = (html, stems, anchor) => {
    // the words themselves, too: the stem of "duality" is "dualiti", which is nowhere in a text
    const asked = new URLSearchParams(location.search).get("q") ?? "", words = [...asked.match(/\S+/g) ?? [], ...stems];
    const places = text => words.map(word => text.toLowerCase().indexOf(word.toLowerCase())).filter(at => at >= 0);
    const texts = textsOf(html, anchor), text = texts.find(each => places(each).length) ?? texts[0];
    if (!text) return null;
    const at = Math.min(...places(text), text.length);
    const start = at > BEFORE && at < text.length ? whole(text, at - BEFORE) : 0, end = whole(text, start + LENGTH);
    const make = (tag, className, textContent) => Object.assign(document.createElement(tag), { className, textContent });
    const shown = make("p", "context", "");
    for (const part of text.slice(start, end).trim().split(/(\\\([^]*?\\\))/))
      shown.append(part.startsWith("\\(") ? make("span", "math nohighlight", part) : part);
    if (start) shown.prepend("… ");
    if (end < text.length) shown.append(" …");
    const formulas = shown.querySelectorAll(".math");
    if (formulas.length) setter().then(set => formulas.forEach(set), () => {}); // or they stay as they were written
    return shown;
  };
})();

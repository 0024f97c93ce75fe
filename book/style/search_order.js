// The order in which the search shows what it found: first pages whose titles hold the words, then sections, then the rest.
"use strict";
var Scorer = {  // what Sphinx's search takes for its own, with its own weights but for `score`
  objNameMatch: 11, objPartialMatch: 6, objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
  score: ([, title, , kind, score]) => {
    if (kind) return score; // a word of the glossary, or a name of the package
    const words = (new URLSearchParams(location.search).get("q") ?? "").toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
    const share = heading => {  // of the words that stand in a heading, as they are or as a beginning: gradient(s)
      const there = heading.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
      return words.length && words.filter(word => there.some(own => own.startsWith(word))).length / words.length;
    };
    const [page, section = ""] = title.split(" > ");
    return score + 150 * share(page) ** 2 + 60 * share(section) ** 2;
  },
};

// Sets the formulas of the page with KaTeX. Its style sheet, which holds its fonts, is fetched here and not before the
// page: a reader on a slow line reads while it comes.
"use strict";
(() => {
  const delimited = /\\\(([^]*)\\\)|\\\[([^]*)\\\]/;
  const set = element => {
    const displayMode = element.tagName === "DIV";
    for (const node of element.childNodes) {  // beside the number of an equation
      if (node.nodeType !== Node.TEXT_NODE || !node.data.trim()) continue;
      const [, inline, displayed] = delimited.exec(node.data) ?? [, , node.data];
      const formula = document.createElement("span");
      try {
        katex.render(inline ?? displayed, formula, { displayMode, strict: "ignore" });
        node.replaceWith(...formula.childNodes);
      } catch (error) {  // the formula stays as it was written
        element.classList.add("katex-error");
        element.title = error.message;
      }
      return;
    }
  };
  window.setFormula = set; // for claims.js, where formulas are unfolded later
  const style = Object.assign(document.createElement("link"), {
    rel: "stylesheet", href: new URL("katex/katex.min.css", document.currentScript.src).href });
  window.formulasSet = new Promise(resolve => {
    style.onload = style.onerror = () => { document.querySelectorAll(".math").forEach(set); resolve(); };
  });
  document.head.append(style);
})();

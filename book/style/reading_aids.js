// For those who read with a keyboard or a screen reader. What is too wide scrolls in a box of its own: such a box must
// be reachable with the keyboard, and only such a box. And each button that unfolds says what. A formula that is a little
// too long for its line is set a little smaller.
"use strict";
(() => {
  const boxes = "div.math, .katex-display, div.cell_output, div.cell_output pre, div.highlight pre, " +
    "div.pst-scrollable-table-container, div.citation-list, div.sig-wrap";
  const SMALLEST = 0.72; // of its size; what is longer yet keeps its size, and scrolls
  const fit = () => {
    const formulas = [...document.querySelectorAll(".katex-display")];
    for (const formula of formulas) if (formula.style.fontSize) formula.style.fontSize = "";
    const shares = formulas.map(formula => (formula.clientWidth - 2) / formula.scrollWidth);
    formulas.forEach((formula, k) => {
      if (shares[k] < 0.999 && shares[k] >= SMALLEST && formula.scrollWidth > formula.clientWidth + 1)
        formula.style.fontSize = `${Math.floor(100 * shares[k])}%`;
    });
  };
  const mark = () => {
    const found = [...document.querySelectorAll(boxes)].map(box => [box, // all are measured before the first is changed
      ["auto", "scroll"].includes(getComputedStyle(box).overflowX) && box.scrollWidth > box.clientWidth + 1
        && box.clientWidth > 0]);
    for (const [box, scrolls] of found) {
      if (scrolls && !box.hasAttribute("tabindex")) {
        box.tabIndex = 0;
        box.dataset.scrolls = "";
        if (!box.hasAttribute("role")) {
          box.setAttribute("role", "group");
          box.setAttribute("aria-label", "wider than the page: scrolls sideways");
          box.dataset.scrolls = "named";
        }
      } else if (!scrolls && "scrolls" in box.dataset) {
        box.removeAttribute("tabindex");
        if (box.dataset.scrolls === "named") {
          box.removeAttribute("role");
          box.removeAttribute("aria-label");
        }
        delete box.dataset.scrolls;
      }
    }
  };
  const name = () => {
    let exercise = "";
    for (const box of document.querySelectorAll("div.exercise, div.hint, div.solution")) {
      const title = box.querySelector(":scope > .admonition-title").textContent.replace(/\s+/g, " ").trim();
      if (box.matches(".exercise")) exercise = title.match(/Exercise [\d.]+/)?.[0] ?? "the exercise";
      box.querySelector("button.toggle-button")?.setAttribute(
        "aria-label", box.matches(".hint") ? `${title} for ${exercise}` : title);
    }
  };
  const start = async () => {
    name();
    await window.formulasSet;
    const measure = () => {
      window.inPlace?.(fit); // of formulas.js, where there are formulas
      mark();
    };
    measure();
    let waiting;
    window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(measure, 200); });
    document.addEventListener("click", () => setTimeout(mark, 50)); // hints, solutions and code unfold
  };
  window.addEventListener("load", start);
})();

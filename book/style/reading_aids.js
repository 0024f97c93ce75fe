// For those who read with a keyboard or a screen reader. What is too wide scrolls in a box of its own: such a box must
// be reachable with the keyboard, and only such a box. And each button that unfolds says what.
"use strict";
(() => {
  const boxes = "div.math, .katex-display, div.cell_output, div.cell_output pre, div.highlight pre, " +
    "div.pst-scrollable-table-container, div.citation-list, div.sig-wrap";
  const mark = () => {
    for (const box of document.querySelectorAll(boxes)) {
      const scrolls = ["auto", "scroll"].includes(getComputedStyle(box).overflowX) && box.scrollWidth > box.clientWidth + 1
        && box.clientWidth > 0;
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
    mark();
    let waiting;
    window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(mark, 200); });
    document.addEventListener("click", () => setTimeout(mark, 50)); // hints, solutions and code unfold
  };
  window.addEventListener("load", start);
})();

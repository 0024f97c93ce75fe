// Sets the formulas of the page with KaTeX. The style sheet with its fonts is fetched here and not before the page: a
// reader on a slow line reads while it comes. What is in sight is set first, and the rest by and by: a lesson has
// some hundred formulas, and a page that set them all in one go would not answer for seconds on a slow processor.
"use strict";
(() => {
  const SLICE = 30; // milliseconds; after each the page may answer
  const delimited = /\\\(([^]*)\\\)|\\\[([^]*)\\\]/;
  const SHORT = 10, LONG = 24; // signs: what is no longer stays whole; what is longer breaks even inside brackets
  // A formula in a line of text may go on in the next one after a sign between its parts, but not inside brackets.
  const breaks = formula => {
    const parts = [...formula.children], texts = parts.map(part => part.textContent.replace(/\u200b/g, ""));
    const whole = texts.join(""), bars = (whole.match(/[∣∥]/g) ?? []).length % 2 ? /(?!)/g : /[∣∥]/g;
    if (whole.length <= SHORT) return;
    let open = 0, group = [];
    const groups = [group];
    parts.forEach((part, k) => {
      group.push(part);
      open += (texts[k].match(/[([{⟨]/g) ?? []).length - (texts[k].match(/[)\]}⟩]/g) ?? []).length;
      if ((texts.slice(0, k + 1).join("").match(bars) ?? []).length % 2 === 0 && open <= 0) groups.push(group = []);
    });
    const allow = part => { // in an element of its own, which may: Chromium alone heeds a bare <wbr> where lines do not break
      const place = document.createElement("span");
      place.className = "may-break";
      place.append(document.createElement("wbr"));
      part.before(place);
    };
    for (const [k, members] of groups.entries()) {
      if (!members.length) continue;
      if (k) allow(members[0]);
      if (members.map(part => part.textContent).join("").length > LONG) members.slice(1).forEach(allow);
    }
  };
  const set = element => {
    const displayMode = element.tagName === "DIV";
    for (const node of element.childNodes) {  // beside the number of an equation
      if (node.nodeType !== Node.TEXT_NODE || !node.data.trim()) continue;
      const [, inline, displayed] = delimited.exec(node.data) ?? [, , node.data];
      const formula = document.createElement("span");
      try {
        const written = katex.renderToString(inline ?? displayed, { displayMode, strict: "ignore" });
        formula.innerHTML = written.replaceAll(' columnspacing=""', ""); // of which Firefox complains
        if (!displayMode) breaks(formula.querySelector(".katex-html"));
        node.replaceWith(...formula.childNodes);
        for (const box of [element, element.closest(".nobreak")]) box?.classList.add("is-set");
      } catch (error) {  // the formula stays as it was written
        element.classList.add("katex-error");
        element.title = error.message;
      }
      return;
    }
  };
  window.setFormula = set; // for claims.js, where formulas are unfolded later

  const inOrder = () => { // from what is in sight outwards; what is folded away comes last
    const distance = element => {
      const { top, bottom, height } = element.getBoundingClientRect();
      return height ? Math.max(0, -bottom, top - innerHeight) : Infinity;
    };
    const far = new Map([...document.querySelectorAll(".math")].map(element => [element, distance(element)]));
    return [...far.keys()].sort((one, other) => far.get(one) - far.get(other) || 0);
  };
  // A browser without scroll anchoring, such as Safari, would move the text under its reader as formulas above it are set.
  // Where nobody has gone on yet, the browser leads to where a page was left or a link to its place: that is not undone.
  let moves = false;
  if (!CSS.supports("overflow-anchor", "auto")) {
    for (const kind of ["wheel", "touchmove", "pointerdown", "keydown"])
      addEventListener(kind, () => { moves = true; }, { once: true, passive: true });
  }
  const inPlace = window.inPlace = change => {
    const read = moves && scrollY > 0 && [...document.querySelectorAll("article :is(p, li, h2, h3, pre, figure)")]
      .map(element => [element, element.getBoundingClientRect()]).find(([, { bottom, height }]) => height && bottom > 0);
    change();
    if (read) scrollBy({ top: read[0].getBoundingClientRect().top - read[1].top, behavior: "instant" });
  };
  const breath = () => new Promise(done => { // until what waits has been done
    const channel = new MessageChannel();
    channel.port1.onmessage = done;
    channel.port2.postMessage(null);
  });
  const setAll = async () => {
    const waiting = inOrder();
    let hurry = false;
    addEventListener("beforeprint", () => { hurry = true; waiting.splice(0).forEach(set); });
    while (waiting.length && !hurry) {
      const until = performance.now() + SLICE;
      inPlace(() => {
        while (waiting.length && performance.now() < until) set(waiting.shift());
      });
      await breath();
    }
  };

  const style = Object.assign(document.createElement("link"), {
    rel: "stylesheet", href: new URL("katex/fonts.css", document.currentScript.src).href });
  window.formulasSet = new Promise(resolve => {
    style.onload = style.onerror = () => resolve(setAll());
  });
  document.head.append(style);
})();

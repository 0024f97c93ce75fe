// Claims that unfold, and the ledger that can be filtered. Formulas that are folded away are set when they are unfolded.
"use strict";
(() => {
  const setFormulas = async (box) => {
    const formulas = [...box.querySelectorAll(".set-later")];
    for (const formula of formulas) {
      formula.classList.remove("set-later");
      formula.classList.add("math");
    }
    await window.formulasSet;
    formulas.forEach((formula) => window.setFormula?.(formula));
  };
  document.addEventListener("toggle", (event) => {
    if (event.target.open && event.target.matches("details")) setFormulas(event.target);
  }, true);

  // What a link leads to is unfolded, as its reader came to read it, and comes into sight once more when what stands above
  // has its final height, unless the reader has gone on meanwhile.
  const placeAsked = () => document.getElementById(location.hash.slice(1)); // WebKit knows its :target later than this
  const goingOn = ["wheel", "touchmove", "pointerdown", "keydown"];
  const show = async (target) => {
    if (!target) return;
    const details = target.matches(".claim, .entry") && target.querySelector("details");
    if (details) details.open = true;
    target.scrollIntoView();
    let stays = true;
    const leave = () => { stays = false; };
    for (const kind of goingOn) addEventListener(kind, leave, { once: true, passive: true });
    await window.formulasSet;
    await new Promise((done) => setTimeout(done)); // until reading_aids.js has fitted what is too long
    for (const kind of goingOn) removeEventListener(kind, leave);
    if (stays) target.scrollIntoView();
  };

  const plain = (text) => text.toLowerCase().replace(/[\\{}$()]|operatorname|mathbb|mathcal/g, "").replace(/\s+/g, " ");
  const startFilter = (form) => {
    const entries = [...document.querySelectorAll(".entry")];
    const words = new Map(entries.map((entry) => [entry, plain(entry.textContent)])); // before formulas are drawn
    const status = form.querySelector("output");
    const choices = ["verdict", "method", "lesson"];
    const choose = () => {
      const wanted = plain(form.words.value).split(" ").filter(Boolean);
      let shown = 0;
      for (const entry of entries) {
        const fits = choices.every((name) => !form[name].value || form[name].value === entry.dataset[name])
          && wanted.every((word) => words.get(entry).includes(word));
        entry.hidden = !fits;
        shown += fits;
      }
      for (const list of document.querySelectorAll("ul.ledger"))
        list.closest("section").hidden = !list.querySelector(".entry:not([hidden])");
      status.textContent = shown === entries.length ? `${shown} claims` : `${shown} of ${entries.length} claims`;
    };
    const remember = () => { // in the address, so that a selection can be linked to
      const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value)).toString();
      try {
        history.replaceState(null, "", `${location.pathname}${query && `?${query}`}`);
      } catch { /* a page that was opened from the disk may be refused this */ }
    };
    const asked = new URLSearchParams(location.search);
    for (const name of ["words", ...choices]) if (asked.has(name)) form[name].value = asked.get(name);
    form.addEventListener("input", () => { choose(); remember(); });
    form.addEventListener("reset", () => setTimeout(() => { choose(); remember(); }));
    form.addEventListener("submit", (event) => event.preventDefault());
    window.addEventListener("hashchange", () => { // a link to an entry that is filtered away shows it all the same
      if (placeAsked()?.closest("[hidden]")) form.reset();
    });
    form.hidden = false;
    choose();
  };
  const form = document.querySelector("form.ledger-filter");
  if (form) startFilter(form);
  addEventListener("load", () => show(placeAsked()));
  addEventListener("hashchange", () => setTimeout(show, 0, placeAsked())); // once the filter shows what it had hidden
})();

// Answers in the page: numbers and formulas are marked here as gantut.lessons.check marks them in Python.
// The key of each exercise comes with its box: made by gantut.lessons.answer_key, encoded so that nobody reads it by
// accident, and no secret. What a reader types is read by a small parser of expressions, and never run as code.
"use strict";
(() => {
  // ---- Expressions: a text becomes a function from the values of its symbols to a number ----

  const UNREADABLE = "It cannot be read as a formula: write products with * and powers with **.";
  const LONGEST = 400, DEEPEST = 60, ENOUGH = 8, SOME = 2;
  const GREEK = { α: "alpha", β: "beta", γ: "gamma", δ: "delta", ε: "epsilon", η: "eta", θ: "theta", λ: "lambda",
    μ: "mu", π: "pi", σ: "sigma", τ: "tau" };
  const CONSTANTS = { pi: Math.PI, E: Math.E, e: Math.E, inf: Infinity, oo: Infinity, Infinity };
  const FUNCTIONS = {
    sqrt: Math.sqrt, exp: Math.exp, log: (x, base) => base === undefined ? Math.log(x) : Math.log(x) / Math.log(base),
    ln: Math.log, log2: Math.log2, log10: Math.log10, log1p: Math.log1p, expm1: Math.expm1, abs: Math.abs, Abs: Math.abs,
    sin: Math.sin, cos: Math.cos, tan: Math.tan, asin: Math.asin, acos: Math.acos, atan: Math.atan, sinh: Math.sinh,
    cosh: Math.cosh, tanh: Math.tanh, min: Math.min, max: Math.max, sign: Math.sign, pow: Math.pow,
  };
  const LEAVES_THE_RANGE = new Set(["exp", "expm1", "sinh", "cosh", "pow"]);

  class Unreadable extends Error {}
  class UnknownName extends Error {}

  const tokensOf = (text) => {
    let rest = text.trim();
    if (/^[-+]?\d{1,3}(,\d{3})+(\.\d*)?$/.test(rest)) rest = rest.replaceAll(",", ""); // 65,536,000
    rest = rest.replace(/[αβγδεηθλμπστ]/g, (letter) => GREEK[letter]).replaceAll("µ", "mu").replaceAll("∞", "oo")
      .replaceAll("−", "-").replace(/[×·]/g, "*").replaceAll("÷", "/").replaceAll("^", "**");
    if (rest.length > LONGEST) throw new Unreadable();
    const tokens = [], token = /\s*(?:((?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|((?:[A-Za-z]\w*\.)*[A-Za-z_]\w*)|(\*\*|[-+*/(),]))/y;
    while (token.lastIndex < rest.length) {
      const found = token.exec(rest);
      if (!found) throw new Unreadable();
      tokens.push(found[1] ? { number: Number(found[1].replaceAll("_", "")) }
        : found[2] ? { name: found[2].split(".").pop() } : { sign: found[3] }); // math.log is log
    }
    return tokens;
  };

  // strain.out: a number left the range that 64 bits have on the way, so that the result says nothing
  const power = (base, exponent, strain) => {
    const value = base ** exponent;
    if (base !== 0 && Number.isFinite(base) && (value === 0 || !Number.isFinite(value))) strain.out = true;
    return value;
  };

  const parse = (text, symbols) => {
    const tokens = tokensOf(text);
    let at = 0, depth = 0;
    const next = (sign) => tokens[at]?.sign === sign && Boolean(++at);
    const need = (sign) => { if (!next(sign)) throw new Unreadable(); };
    const sum = () => {
      if (++depth > DEEPEST) throw new Unreadable();
      let left = product();
      for (;;) {
        const before = left;
        if (next("+")) { const right = product(); left = (v, s) => before(v, s) + right(v, s); }
        else if (next("-")) { const right = product(); left = (v, s) => before(v, s) - right(v, s); }
        else { depth--; return left; }
      }
    };
    const product = () => {
      let left = signed();
      for (;;) {
        const before = left;
        if (next("*")) { const right = signed(); left = (v, s) => before(v, s) * right(v, s); }
        else if (next("/")) { const right = signed(); left = (v, s) => before(v, s) / right(v, s); }
        else return left;
      }
    };
    const signed = () => {
      if (++depth > DEEPEST) throw new Unreadable();
      const minus = next("-"), inner = minus || next("+") ? signed() : raised();
      depth--;
      return minus ? (v, s) => -inner(v, s) : inner;
    };
    const raised = () => { // -a**2 is -(a**2), and 2**-1 is a half
      const base = single();
      if (!next("**")) return base;
      const exponent = signed();
      return (v, s) => power(base(v, s), exponent(v, s), s);
    };
    const single = () => {
      const token = tokens[at++];
      if (!token) throw new Unreadable();
      if ("number" in token) return () => token.number;
      if (token.sign === "(") { const inner = sum(); need(")"); return inner; }
      if (!token.name) throw new Unreadable();
      if (tokens[at]?.sign === "(") return called(token.name);
      if (symbols.includes(token.name)) return (values) => values[token.name];
      if (Object.hasOwn(CONSTANTS, token.name)) return () => CONSTANTS[token.name];
      throw new UnknownName(token.name);
    };
    const called = (name) => {
      need("(");
      if (!Object.hasOwn(FUNCTIONS, name)) throw new Unreadable();
      const given = [sum()];
      while (next(",")) given.push(sum());
      need(")");
      return (v, s) => {
        const numbers = given.map((argument) => argument(v, s)), value = FUNCTIONS[name](...numbers);
        if (LEAVES_THE_RANGE.has(name) && numbers.every(Number.isFinite) && (value === 0 && numbers[0] !== 0
            || !Number.isFinite(value))) s.out = true;
        return value;
      };
    };
    const whole = sum();
    if (at < tokens.length) throw new Unreadable();
    return whole;
  };

  // ---- Marking, as in gantut/lessons/_marking.py ----

  const close = (a, b, relative, absolute) => a === b || (Number.isFinite(a) && Number.isFinite(b)
    && Math.abs(a - b) <= Math.max(relative * Math.max(Math.abs(a), Math.abs(b)), absolute));

  const rounded = (number, digits) => { // a tie goes to the even digit, as in Python
    const exact = Math.abs(number).toExponential(60), figures = exact.replace(".", "").split("e")[0];
    if (!/^50*$/.test(figures.slice(digits)) || Number(figures[digits - 1]) % 2) return Number(number.toPrecision(digits));
    const kept = `${figures[0]}.${figures.slice(1, digits)}e${exact.split("e")[1]}`;
    return Math.sign(number) * Number(kept);
  };
  const isRounded = (right, given) => {
    if (!Number.isFinite(right) || !close(right, given, 0.1, 0)) return false;
    const digits = given.toPrecision(15).split("e")[0].replace(".", "").replace(/^[-0]+|[-0]+$/g, "").length || 1;
    return rounded(right, digits) === rounded(given, digits);
  };

  const markNumber = (key, text) => {
    let given;
    try {
      given = parse(text, [])({}, {});
    } catch (problem) {
      if (problem instanceof UnknownName) return [false, `A number is wanted, not the formula ${text.trim()}.`];
      throw problem;
    }
    const is = (answer) => close(Number(answer), given, key.tolerance, key.tolerance * 1e-2);
    if (is(key.answer)) return [true, key.praise, given];
    const mistake = key.mistakes.find(([answer]) => is(answer));
    if (mistake) return [false, mistake[1], given];
    return [false, isRounded(Number(key.answer), given) ? key.rounded : key.otherwise, given];
  };

  const markFormula = (key, text) => {
    let formula;
    try {
      formula = parse(text, key.symbols);
    } catch (problem) {
      if (problem instanceof UnknownName) return [false, key.otherwise];
      throw problem;
    }
    const found = key.points.map((point) => {
      const strain = {}, values = Object.fromEntries(key.symbols.map((symbol, i) => [symbol, point[i]]));
      return { value: formula(values, strain), out: Boolean(strain.out) };
    });
    const is = (answer, enough) => {
      const same = ({ value }, i) => Number.isFinite(value) && Math.abs(value - answer[i]) <= 1e-9 * (1 + Math.abs(answer[i]));
      const told = found.map((at, i) => {
        if (answer[i] === null) return Number.isFinite(at.value) ? false : null; // not real there, and so must this be
        return !same(at, i) && at.out ? null : same(at, i);
      });
      return !told.includes(false) && told.filter(Boolean).length >= enough;
    };
    if (is(key.answer, ENOUGH)) return [true, key.praise];
    const mistake = key.mistakes.find(([answer]) => is(answer, SOME)); // a root may be real at few of the points
    return [false, mistake ? mistake[1] : key.otherwise];
  };

  const mark = (key, text) => {
    try {
      return key.kind === "number" ? markNumber(key, text) : markFormula(key, text);
    } catch (problem) {
      if (problem instanceof Unreadable) return [false, UNREADABLE];
      throw problem;
    }
  };

  // ---- What a reader has answered, kept in this browser and nowhere else ----

  const SHELF = "gantut-answers";
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(SHELF)) ?? {};
  } catch { /* a browser that keeps nothing: then answers last as long as the page */ }
  const keep = () => {
    try {
      localStorage.setItem(SHELF, JSON.stringify(kept));
    } catch { /* see above */ }
  };

  // ---- The boxes ----

  const decode = (text) => JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(text), (c) => c.charCodeAt(0))));
  const boxes = [...document.querySelectorAll("[data-exercise]")];
  const progress = Object.assign(document.createElement("p"), { className: "answer-progress" });

  const showProgress = () => {
    const solved = boxes.filter((box) => kept[box.dataset.exercise]?.right).length;
    progress.querySelector("span").textContent = `${solved} of ${boxes.length} solved. `;
    progress.querySelector("button").hidden = !boxes.some((box) => box.dataset.exercise in kept);
    for (const box of boxes) {
      const exercise = document.getElementById(`ex-${box.dataset.exercise}`);
      exercise?.classList.toggle("solved", Boolean(kept[box.dataset.exercise]?.right));
    }
  };
  const say = (box, [right, message, value], text) => {
    const told = box.querySelector("output");
    const echo = value !== undefined && !/^[-+]?[\d.]+$/.test(text.trim()) ? `That is ${Number(value.toPrecision(6))}. ` : "";
    told.textContent = `${right ? "✓ Right." : "✗ Not yet."} ${echo}${message}`;
    box.classList.toggle("right", right);
    box.classList.toggle("wrong", !right);
  };
  const clear = (box) => {
    box.classList.remove("right", "wrong");
    const told = box.querySelector("output");
    if (told) told.textContent = "";
  };

  const start = () => {
    for (const box of boxes) {
      const id = box.dataset.exercise, input = box.querySelector("input");
      const title = document.getElementById(`ex-${id}`)?.textContent.match(/Exercise [\d.]*\d/)?.[0];
      if (title) input.setAttribute("aria-label", `${box.querySelector("label").textContent.trim()}: ${title}`);
      if (input.type === "checkbox") {
        input.checked = Boolean(kept[id]?.right);
        input.addEventListener("change", () => {
          if (input.checked) kept[id] = { right: true };
          else delete kept[id];
          keep();
          showProgress();
        });
        continue;
      }
      const key = decode(box.dataset.key);
      if (kept[id]?.given) {
        input.value = kept[id].given;
        say(box, mark(key, input.value), input.value);
      }
      input.addEventListener("input", () => clear(box));
      box.addEventListener("submit", (event) => {
        event.preventDefault();
        if (!input.value.trim()) {
          clear(box);
          box.querySelector("output").textContent = "No answer yet.";
          return;
        }
        const verdict = mark(key, input.value);
        say(box, verdict, input.value);
        kept[id] = { given: input.value, right: verdict[0] };
        keep();
        showProgress();
      });
    }
    progress.append("A box under each exercise takes your answer, here in the page, and keeps it in this browser only. ",
      document.createElement("span"),
      Object.assign(document.createElement("button"), { type: "button", textContent: "Forget my answers" }));
    progress.querySelector("button").addEventListener("click", () => {
      for (const box of boxes) {
        delete kept[box.dataset.exercise];
        clear(box);
        const input = box.querySelector("input");
        input.value = input.type === "checkbox" ? input.value : "";
        input.checked = false;
      }
      keep();
      showProgress();
    });
    (boxes[0].closest("section")?.querySelector("h2") ?? boxes[0]).after(progress);
    showProgress();
  };
  if (boxes.length) start();
})();

// What all labs share: the frame of a lab and its theme, controls that keyboards and screen readers know, charts.
// Each lab's script follows this one inside the same function, so that nothing of either is seen from the page. The
// same function may run in a worker, too, where there is no page: there a lab only computes (see beside.js).

const inPage = typeof document !== "undefined";

// ---- Elements and numbers -----------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

const RAISED = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹";

// Text with indices, such as "E_p f", as a reader sees it: letters in italics, with what they are marked by below. And
// with exponents, such as "10⁻⁶": of their signs the letters of the book have ¹, ² and ³, and another font the others.
function typeset(text) {
  return String(text).split(/([A-Z]_\w|[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)/).map((part, k) => {
    if (k % 2 === 0) return part;
    if (RAISED.includes(part[0])) return make("sup", {}, ...[...part].map((sign) => "−0123456789"[RAISED.indexOf(sign)]));
    const [letter, index] = part.split("_");
    return make("span", {}, make("i", {}, letter), make("sub", {}, index));
  });
}

// A number as a reader sees it: with a true minus sign, and never "-0".
function shown(value, digits = 3) {
  if (typeof value !== "number") return String(value);
  if (Number.isNaN(value)) return "none";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size >= 1e5 || (size > 0 && size < 0.5 * 10 ** -digits)) return inPowers(value);
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

// Very large or very small: "3.73 × 10⁻⁶".
function inPowers(value) {
  const [digits, power] = value.toExponential(2).split("e");
  const raised = [...String(Number(power))].map((sign) => RAISED["-0123456789".indexOf(sign)]).join("");
  return unbroken(`${digits.replace("-", "−")} × 10${raised}`);
}

// On one line.
const unbroken = (text) => text.replaceAll(" ", "\u00a0");

const sigmoid = (a) => (a >= 0 ? 1 / (1 + Math.exp(-a)) : Math.exp(a) / (1 + Math.exp(a)));
const softplus = (a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a)));
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const grid = (low, high, intervals) =>
  Array.from({ length: intervals + 1 }, (_, i) => low + ((high - low) * i) / intervals);
const times = (n, entry) => Array.from({ length: n }, (_, i) => entry(i));

// Marks at steps of 1, 2 or 5 times a power of ten, about so many of them.
function ticks([low, high], about = 5) {
  const rough = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const away = (factor) => Math.abs(Math.log((factor * power) / rough));
  const step = power * [1, 2, 5, 10].reduce((near, factor) => (away(factor) < away(near) ? factor : near));
  const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const marks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) marks.push(k * step);
  return marks.map((value) => ({ value, text: shown(value, places) }));
}

// Random numbers that a seed determines (mulberry32), uniform in [0, 1). Its state is the seed that goes on from here.
function randomSource(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  next.state = () => state;
  return next;
}

// ---- The theme of the page ----------------------------------------------------------------------------------

const [night, calm] = ["(prefers-color-scheme: dark)", "(prefers-reduced-motion: reduce)"].map(
  (wish) => inPage && window.matchMedia(wish),
);

// The book and Colab say it on <html>, JupyterLab and VS Code on <body>; elsewhere the reader's system does.
function theme() {
  const html = document.documentElement,
    body = document.body;
  const said = html.dataset.theme || html.getAttribute("theme") || body.dataset.vscodeThemeKind;
  if (/dark|high-contrast$/.test(said)) return "dark";
  if (/light/.test(said)) return "light";
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false" ? "dark" : "light";
  return night.matches ? "dark" : "light";
}

// ---- A lab --------------------------------------------------------------------------------------------------

class Lab {
  constructor(host) {
    this.host = host;
    this.settings = JSON.parse(host.querySelector("script[type='application/json']").textContent);
    this.root = host.attachShadow({ mode: "open" });
    this.frame = make("div", { class: "lab" });
    this.frame.append(
      make("p", { class: "title" }, host.getAttribute("aria-label")),
      make("p", { class: "purpose" }, host.dataset.purpose),
    );
    this.charts = make("div", { class: "charts" });
    this.controls = make("div", { class: "controls" });
    this.readouts = make("dl", { class: "readouts" });
    this.status = make("p", { class: "status", role: "status", "aria-live": "polite" });
    this.frame.append(this.charts, this.controls, this.readouts, this.status);
    this.root.append(make("style", {}, STYLE), this.frame);
    this.redraw = () => {};
    this.inSight = true;
    this.colours = new Map(); // of the theme, by name: a style is asked for once, and not in every picture
    // This also tells when the lab is taken out of the page, or comes back, as cells do in a long notebook.
    new IntersectionObserver((seen) => {
      this.inSight = seen[seen.length - 1].isIntersecting;
      this.attend(host.isConnected);
    }).observe(host);
    // Keys pressed in a lab are the lab's: notebooks take single letters for commands.
    host.addEventListener("keydown", (event) => event.stopPropagation());
  }

  // Draw now, and whenever the width, the theme or a control changes.
  start(redraw) {
    this.redraw = redraw;
    this.dress = () => {
      this.host.dataset.theme = theme();
      this.colours.clear();
      this.redraw();
    };
    this.observers = [new MutationObserver(this.dress), new ResizeObserver(() => this.resized())];
    this.attend(true);
    this.host.dataset.ready = "true";
  }

  // Follow the page as long as the lab is in it: what listens to a page keeps what it belongs to alive.
  attend(present) {
    if (!this.observers || present === this.present) return;
    this.present = present;
    const [ofTheme, ofWidth] = this.observers;
    if (!present) {
      for (const observer of this.observers) observer.disconnect();
      return night.removeEventListener("change", this.dress);
    }
    ofTheme.observe(document.documentElement, { attributeFilter: ["data-theme", "theme"] });
    ofTheme.observe(document.body, { attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind"] });
    ofWidth.observe(this.frame);
    night.addEventListener("change", this.dress);
    this.width = this.frame.clientWidth;
    this.dress();
  }

  resized() {
    if (!this.host.isConnected) return this.attend(false); // it was taken out of the page while it was out of sight
    if (this.frame.clientWidth === this.width) return;
    this.width = this.frame.clientWidth;
    this.redraw();
  }

  // On a narrow screen only the first chart stands over the controls, so that both are in sight.
  leadByOne() {
    this.charts.classList.add("leading");
  }

  // Charts that follow stand in a group of their own, under the controls.
  underControls(kind = "") {
    this.charts = make("div", { class: `charts ${kind}` });
    this.readouts.before(this.charts);
  }

  // A word on what happened: politely, and not at every step of a slider that is still moving. Until it is written, the
  // lab is marked, since the line still tells of what was before.
  say(text) {
    clearTimeout(this.saying);
    this.host.dataset.saying = "true";
    this.saying = setTimeout(() => {
      if (this.said !== text) this.status.replaceChildren(...typeset(text));
      this.said = text;
      delete this.host.dataset.saying;
    }, 150);
  }

  colour(name) {
    if (!this.colours.has(name)) {
      this.colours.set(name, getComputedStyle(this.host).getPropertyValue(`--${name}`).trim());
    }
    return this.colours.get(name);
  }

  // ---- Controls: native ones

  slider(name, label, { min, max, step, value, format = (v) => shown(v, 2), words = format, changed }) {
    const input = make("input", { type: "range", name, min, max, step, value });
    const number = make("span", { class: "shown", "aria-hidden": "true" });
    const settle = () => {
      number.replaceChildren(...typeset(format(Number(input.value))));
      input.setAttribute("aria-valuetext", words(Number(input.value)));
    };
    input.addEventListener("input", () => {
      settle();
      (changed ?? this.redraw)(Number(input.value));
    });
    this.controls.append(make("label", { class: "control" }, make("span", {}, label), number, input));
    const control = { input };
    Object.defineProperty(control, "value", {
      get: () => Number(input.value),
      set: (v) => {
        input.value = v;
        settle();
      },
    });
    settle();
    return control;
  }

  choice(name, label, options, changed) {
    const select = make("select", { name }, ...options.map(([value, text]) => make("option", { value }, text)));
    select.addEventListener("change", () => (changed ?? this.redraw)(select.value));
    this.controls.append(make("label", { class: "control" }, make("span", {}, label), select));
    return select;
  }

  buttons(...wanted) {
    const row = make("div", { class: "buttons" });
    this.controls.append(row);
    return wanted.map(([name, text, action, kind = ""]) => {
      const button = make("button", { type: "button", name, class: kind }, text);
      button.addEventListener("click", action);
      row.append(button);
      return button;
    });
  }

  // Controls that `build` adds stand behind a fold, so that picture and first controls fit a screen.
  more(summary, build) {
    const { controls } = this,
      inside = make("div", { class: "controls" });
    controls.after(make("details", { class: "more" }, make("summary", {}, summary), inside));
    this.controls = inside;
    build();
    this.controls = controls;
  }

  // A number with its name; `show` sets it, in full for who asks the element and rounded for who reads.
  readout(name, label) {
    const number = make("dd", { "data-name": name });
    this.readouts.append(make("div", {}, make("dt", {}, ...typeset(label)), number));
    return (value, text = shown(value)) => {
      number.dataset.value = typeof value === "number" && Number.isNaN(value) ? "none" : String(value);
      number.replaceChildren(...typeset(text));
    };
  }

  // A button that plays and pauses: `advance` makes a step and says whether there is more to come.
  // Readers who asked for less motion see two pictures a second; out of sight, nothing moves. `stopped` is told of the
  // end, also of that which comes because the lab is no longer in the page.
  player(button, advance, { every = 0, names = ["Play", "Pause"], stopped = () => {} } = {}) {
    let playing = false,
      last = 0,
      next; // the step to come: one alone, however fast the button is pressed
    const player = {
      stop,
      get playing() {
        return playing;
      },
    };
    function stop() {
      const played = playing;
      playing = false;
      cancelAnimationFrame(next);
      button.textContent = names[0];
      if (played) stopped();
    }
    const frame = (now) => {
      if (!playing) return;
      if (!this.host.isConnected) return stop();
      if (this.inSight && now - last >= (calm.matches ? Math.max(every, 500) : every)) {
        last = now;
        if (!advance()) return stop();
      }
      next = requestAnimationFrame(frame);
    };
    button.addEventListener("click", () => {
      if (playing) return stop();
      playing = true;
      button.textContent = names[1];
      next = requestAnimationFrame(frame);
    });
    return player;
  }

  // A button that leads a slider on to its end; pressed there, it begins at the least.
  leads(button, { slider, step = 1, ...how }) {
    const [min, max] = [slider.input.min, slider.input.max].map(Number);
    const player = this.player(
      button,
      () => {
        slider.value = Math.min(slider.value + step, max);
        this.redraw();
        return slider.value < max;
      },
      { every: 40, ...how },
    );
    button.addEventListener("click", () => {
      if (player.playing && slider.value >= max) slider.value = min;
    });
    return player;
  }
}

// ---- Charts -------------------------------------------------------------------------------------------------

// A colour by name is that of the theme: "real", "generated", "third", "fourth", "ink", "soft".
const inTheme = (colour) => `var(--${colour})`;

// Which line is whose: nothing, or one element.
function legendOf(entries) {
  const keys = entries.map(({ name, colour, dash, mark }) => {
    const line = { x1: 0, x2: 26, y1: 5, y2: 5, stroke: inTheme(colour), "stroke-width": 3, "stroke-dasharray": dash };
    const key =
      {
        disc: () => draw("circle", { cx: 20, cy: 5, r: 4, fill: inTheme(colour) }),
        square: () => draw("rect", { x: 16, y: 1, width: 8, height: 8, fill: inTheme(colour) }),
        band: () => draw("rect", { x: 0, y: 0, width: 26, height: 10, fill: inTheme(colour), opacity: 0.3 }),
      }[mark] ?? (() => draw("line", line));
    return make("span", {}, draw("svg", { viewBox: "0 0 26 10", "aria-hidden": "true" }, key()), ...typeset(name));
  });
  return keys.length ? [make("div", { class: "legend" }, ...keys)] : [];
}

class Chart {
  constructor(
    lab,
    title,
    { description, height = 190, x, y, xLabel = "", yLabel = "", equal = false, wide = false, legend = [] },
  ) {
    Object.assign(this, { lab, full: height, x, y, xLabel, yLabel, equal });
    this.svg = draw("svg", { role: "img", "aria-label": description });
    const parts = [make("figcaption", {}, title), ...legendOf(legend), this.svg];
    this.figure = make("figure", { class: wide && "wide" }, ...parts);
    this.id = `inside-${lab.root.querySelectorAll("figure").length}`;
    lab.charts.append(this.figure);
  }

  // Clear the chart, and draw its axes as wide as there is room.
  begin({ x = this.x, y = this.y } = {}) {
    Object.assign(this, { x, y });
    this.width = Math.max(this.figure.clientWidth, 180);
    this.height = this.equal ? Math.min(this.full, this.width) : Math.min(this.full, Math.max(150, 0.45 * this.width));
    this.box = { left: this.yLabel ? 62 : 46, right: this.width - 10, top: 8, bottom: this.height - (this.xLabel ? 38 : 22) };
    if (this.equal) this.squareUp();
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.svg.style.height = `${this.height}px`;
    this.svg.replaceChildren();
    this.axes();
    const { left, right, top, bottom } = this.box;
    const clip = draw(
      "clipPath",
      { id: this.id },
      draw("rect", { x: left, y: top, width: right - left, height: bottom - top }),
    );
    this.inside = draw("g", { "clip-path": `url(#${this.id})` });
    this.svg.append(draw("defs", {}, clip), this.inside);
    return this;
  }

  // One unit as long across as up: cut the box to what the ranges allow.
  squareUp() {
    const { left, right, top, bottom } = this.box;
    const unit = Math.min((right - left) / (this.x[1] - this.x[0]), (bottom - top) / (this.y[1] - this.y[0]));
    const across = unit * (this.x[1] - this.x[0]),
      up = unit * (this.y[1] - this.y[0]);
    const spare = (right - left - across) / 2;
    this.box = { left: left + spare, right: right - spare, top, bottom: top + up };
  }

  toX(value) {
    return this.box.left + ((value - this.x[0]) / (this.x[1] - this.x[0])) * (this.box.right - this.box.left);
  }

  toY(value) {
    return this.box.bottom - ((value - this.y[0]) / (this.y[1] - this.y[0])) * (this.box.bottom - this.box.top);
  }

  axes() {
    const { left, right, top, bottom } = this.box;
    const across = ticks(this.x, clamp((right - left) / 60, 2, 8)),
      up = ticks(this.y, clamp((bottom - top) / 34, 2, 6));
    for (const { value, text } of across) {
      const at = this.toX(value).toFixed(1);
      this.svg.append(draw("line", { class: "grid", x1: at, x2: at, y1: top, y2: bottom }));
      const within = Math.min(Number(at), this.width - 3.7 * text.length); // a long last number stays in the picture
      this.svg.append(draw("text", { x: within, y: bottom + 15, "text-anchor": "middle" }, text));
    }
    for (const { value, text } of up) {
      const at = this.toY(value).toFixed(1);
      this.svg.append(draw("line", { class: "grid", x1: left, x2: right, y1: at, y2: at }));
      this.svg.append(draw("text", { x: left - 6, y: Number(at) + 4, "text-anchor": "end" }, text));
    }
    this.svg.append(draw("path", { class: "axis", fill: "none", d: `M${left},${top}V${bottom}H${right}` }));
    const middle = (left + right) / 2,
      half = (top + bottom) / 2;
    const name = { class: "soft", "text-anchor": "middle" };
    this.svg.append(draw("text", { ...name, x: middle, y: bottom + 31 }, this.xLabel));
    const turned = { ...name, transform: `translate(${left - 50},${half}) rotate(-90)` };
    if (this.yLabel) this.svg.append(draw("text", turned, this.yLabel));
  }

  path(points) {
    let d = "",
      pen = "M";
    for (const [x, y] of points) {
      const px = this.toX(x),
        py = this.toY(y);
      if (!Number.isFinite(px) || !Number.isFinite(py)) {
        pen = "M";
        continue;
      }
      d += `${pen}${clamp(px, -1e4, 1e4).toFixed(1)},${clamp(py, -1e4, 1e4).toFixed(1)}`;
      pen = "L";
    }
    return d;
  }

  line(points, colour = "real", { dash, width = 2, opacity } = {}) {
    const look = { fill: "none", stroke: inTheme(colour), "stroke-width": width, "stroke-dasharray": dash, opacity };
    this.inside.append(draw("path", { d: this.path(points), ...look, "stroke-linejoin": "round" }));
  }

  area(points, colour = "real", base = 0) {
    const closed = [[points[0][0], base], ...points, [points[points.length - 1][0], base]];
    this.inside.append(draw("path", { d: `${this.path(closed)}Z`, fill: inTheme(colour), opacity: 0.16 }));
  }

  band(low, high, colour) {
    const around = `${this.path([...low, ...[...high].reverse()])}Z`;
    this.inside.append(draw("path", { d: around, fill: inTheme(colour), opacity: 0.18 }));
  }

  dot(x, y, colour = "ink", { radius = 5, hollow = false } = {}) {
    const place = { cx: this.toX(x).toFixed(1), cy: this.toY(y).toFixed(1), r: radius };
    const look = { fill: hollow ? "var(--paper)" : inTheme(colour), stroke: inTheme(colour), "stroke-width": 2 };
    this.svg.append(draw("circle", { ...place, ...look }));
  }

  upright(x, colour = "ink", { dash = "4 3", width = 1.5 } = {}) {
    this.line(
      [
        [x, this.y[0]],
        [x, this.y[1]],
      ],
      colour,
      { dash, width },
    );
  }

  text(x, y, words, { anchor = "start", dx = 0, dy = 0 } = {}) {
    const place = { x: (this.toX(x) + dx).toFixed(1), y: (this.toY(y) + dy).toFixed(1), "text-anchor": anchor };
    this.svg.append(draw("text", place, words));
  }

  // Where on the chart a pointer is, in the units of the axes.
  at(event) {
    const seen = this.svg.getBoundingClientRect();
    const px = ((event.clientX - seen.left) / seen.width) * this.width;
    const py = ((event.clientY - seen.top) / seen.height) * this.height;
    const { left, right, top, bottom } = this.box;
    return {
      x: this.x[0] + ((px - left) / (right - left)) * (this.x[1] - this.x[0]),
      y: this.y[0] + ((bottom - py) / (bottom - top)) * (this.y[1] - this.y[0]),
    };
  }

  // Let a pointer drag: `grab` says what it takes hold of (or nothing), `move` where that goes.
  // With `scroll`, a finger that moves up or down still scrolls the page.
  draggable(grab, move, { scroll = true } = {}) {
    this.svg.classList.add("grabbable");
    this.svg.style.touchAction = scroll ? "pan-y" : "none";
    let held = null;
    this.svg.addEventListener("pointerdown", (event) => {
      held = event.button === 0 ? (grab(this.at(event)) ?? null) : null;
      if (held === null) return;
      this.svg.setPointerCapture(event.pointerId);
      move(held, this.at(event));
      event.preventDefault();
    });
    this.svg.addEventListener("pointermove", (event) => held !== null && move(held, this.at(event)));
    for (const end of ["pointerup", "pointercancel"]) this.svg.addEventListener(end, () => (held = null));
  }
}

// ---- A square of the plane, in pixels -----------------------------------------------------------------------

// Red, green and blue of a colour such as #0072b2.
const channels = (colour) => colour.match(/\w\w/g).map((pair) => parseInt(pair, 16));

// Points and a map of colours, for clouds too large to be one element a point.
class Plane {
  constructor(lab, title, { description, reach, legend = [] }) {
    Object.assign(this, { lab, reach });
    this.canvas = make("canvas", { role: "img", "aria-label": description });
    this.figure = make("figure", {}, make("figcaption", {}, title), ...legendOf(legend), this.canvas);
    lab.charts.append(this.figure);
  }

  begin(most = 340) {
    const size = Math.min(Math.max(this.figure.clientWidth, 120), most),
      scale = window.devicePixelRatio || 1;
    if (this.size !== size || this.canvas.width !== Math.round(size * scale)) {
      this.size = size;
      this.canvas.width = this.canvas.height = Math.round(size * scale);
      this.canvas.style.width = this.canvas.style.height = `${size}px`;
    }
    this.pen = this.canvas.getContext("2d");
    this.pen.setTransform(scale, 0, 0, scale, 0, 0);
    this.pen.fillStyle = this.lab.colour("paper");
    this.pen.fillRect(0, 0, size, size);
    return this;
  }

  end() {
    this.pen.strokeStyle = this.lab.colour("edge");
    this.pen.strokeRect(0.5, 0.5, this.size - 1, this.size - 1);
  }

  toX(x) {
    return ((x + this.reach) / (2 * this.reach)) * this.size;
  }

  toY(y) {
    return ((this.reach - y) / (2 * this.reach)) * this.size;
  }

  at(event) {
    const seen = this.canvas.getBoundingClientRect();
    const across = (event.clientX - seen.left) / seen.width,
      down = (event.clientY - seen.top) / seen.height;
    return { x: (2 * across - 1) * this.reach, y: (1 - 2 * down) * this.reach };
  }

  // Heights in [0, 1] on an n x n grid, row by row from the lowest y: low ones in one colour, high ones in another.
  heights(n, height) {
    const { canvas, pixels } = this.small(n),
      [low, middle, high] = ["generated", "paper", "real"].map((name) => channels(this.lab.colour(name)));
    for (let row = 0; row < n; row++) {
      for (let column = 0; column < n; column++) {
        const t = 2 * height((n - 1 - row) * n + column) - 1,
          end = t < 0 ? low : high,
          strength = 0.62 * Math.abs(t),
          place = 4 * (row * n + column);
        for (let c = 0; c < 3; c++) pixels.data[place + c] = middle[c] + strength * (end[c] - middle[c]);
        pixels.data[place + 3] = 255;
      }
    }
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    this.pen.imageSmoothingEnabled = true;
    this.pen.drawImage(canvas, 0, 0, this.size, this.size);
  }

  // A picture of n x n pixels, which is stretched over the plane; one for all times.
  small(n) {
    if (this.ground?.pixels.width !== n) {
      const canvas = make("canvas", { width: n, height: n });
      this.ground = { canvas, pixels: new ImageData(n, n) };
    }
    return this.ground;
  }

  path(points, colour, { width = 1 } = {}) {
    this.pen.strokeStyle = this.lab.colour(colour);
    this.pen.lineWidth = width;
    this.pen.beginPath();
    for (const [x, y] of points) this.pen.lineTo(this.toX(x), this.toY(y));
    this.pen.stroke();
  }

  // An arrow of half the vector's length, and at most of 0.8.
  arrow([x, y], [dx, dy], colour) {
    const length = Math.hypot(dx, dy),
      factor = length > 0 ? Math.min(0.5, 0.8 / length) : 0,
      [ex, ey] = [x + factor * dx, y + factor * dy],
      reach = Math.min(0.08, 0.4 * factor * length),
      turn = Math.atan2(dy, dx);
    this.path([[x, y], [ex, ey]], colour, { width: 1.3 });
    const wing = (angle) => [ex - reach * Math.cos(turn + angle), ey - reach * Math.sin(turn + angle)];
    this.path([wing(0.5), [ex, ey], wing(-0.5)], colour, { width: 1.3 });
  }

  dots(points, colour, { radius = 2, shape = "disc" } = {}) {
    this.pen.fillStyle = this.lab.colour(colour);
    this.pen.strokeStyle = this.lab.colour("paper");
    this.pen.lineWidth = 0.7;
    for (const [x, y] of points) {
      const px = this.toX(x),
        py = this.toY(y);
      this.pen.beginPath();
      if (shape === "disc") this.pen.arc(px, py, radius, 0, 2 * Math.PI);
      else this.pen.rect(px - radius, py - radius, 2 * radius, 2 * radius);
      this.pen.fill();
      this.pen.stroke();
    }
  }
}

// ---- Start --------------------------------------------------------------------------------------------------

// Bring every lab of this name to life that is not yet alive.
function begin(name, build) {
  if (!inPage) return;
  for (const host of document.querySelectorAll(`.gantut-lab[data-lab="${name}"]`)) {
    if (!host.shadowRoot) build(new Lab(host));
  }
}

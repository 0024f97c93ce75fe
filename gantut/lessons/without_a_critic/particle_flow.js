// Particles flow from noise to a drawing, by the exact velocity field of flow matching for finitely many pairs.
//
// A pair of a noise point z and a target x moves along (1 - t) z + t x, blurred by a Gaussian of the width sigma. The
// field of a set of pairs is the mean of x - z over them, each weighted by its density at the place and time. For
// independent pairs the set is every noise point with every target; for paired ones, each with its own.

const COUPLINGS = { independent: "independent", paired: "paired at the least cost" };
const MOST = 64, // points in a drawing
  REACH = 3,
  APART = 0.12, // of two points of a stroke
  FAINTEST = 45; // a weight below exp(-45) of the largest changes no digit

// Pairs as flat arrays of starts and ways; points are flat, too: x, y, x, y ...
function allPairs(noise, targets) {
  const n = noise.length / 2,
    m = targets.length / 2,
    start = new Float64Array(2 * n * m),
    way = new Float64Array(2 * n * m);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      for (let k = 0; k < 2; k++) {
        const at = 2 * (i * m + j) + k;
        start[at] = noise[2 * i + k];
        way[at] = targets[2 * j + k] - noise[2 * i + k];
      }
    }
  }
  return { start, way };
}

const ownPairs = (noise, targets) => ({
  start: Float64Array.from(noise),
  way: Float64Array.from(targets, (value, k) => value - noise[k]),
});

// Targets in the order of their noise points, so that the squared distances have the least sum.
function pairedTargets(noise, targets) {
  const n = noise.length / 2,
    partner = assignment(betweenClouds(noise, targets, n, (distance) => distance ** 2), n);
  return Float64Array.from(targets, (_, k) => targets[2 * partner[k >> 1] + (k & 1)]);
}

// The velocity at points, at one time.
function velocity({ start, way }, points, time, sigma) {
  const pairs = start.length / 2,
    off = new Float64Array(pairs),
    found = new Float64Array(points.length);
  for (let p = 0; p < points.length; p += 2) {
    let least = Infinity;
    for (let k = 0; k < pairs; k++) {
      const x = points[p] - start[2 * k] - time * way[2 * k],
        y = points[p + 1] - start[2 * k + 1] - time * way[2 * k + 1];
      off[k] = (x * x + y * y) / (2 * sigma * sigma);
      if (off[k] < least) least = off[k];
    }
    let sum = 0;
    for (let k = 0; k < pairs; k++) {
      if (off[k] - least > FAINTEST) continue;
      const weight = Math.exp(least - off[k]);
      sum += weight;
      found[p] += weight * way[2 * k];
      found[p + 1] += weight * way[2 * k + 1];
    }
    found[p] /= sum;
    found[p + 1] /= sum;
  }
  return found;
}

// Euler's method: where all particles are after each step.
function flow(pairs, particles, steps, sigma) {
  const path = [Float64Array.from(particles)];
  for (let k = 0; k < steps; k++) {
    const v = velocity(pairs, path[k], k / steps, sigma);
    path.push(path[k].map((value, at) => value + v[at] / steps));
  }
  return path;
}

// How many of the straight lines from starts to ends cross, by the sides on which their ends lie.
function crossings(starts, ends) {
  const side = (a, b, c) => Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])),
    at = (points, i) => [points[2 * i], points[2 * i + 1]],
    n = starts.length / 2;
  let count = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const [a, b, c, d] = [at(starts, i), at(ends, i), at(starts, j), at(ends, j)];
      if (side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0) count++;
    }
  }
  return count;
}

// The mean, over points, of the length of a way through places.
function meanLength(places) {
  const n = places[0].length / 2;
  let sum = 0;
  for (let k = 0; k + 1 < places.length; k++) {
    for (let i = 0; i < 2 * n; i += 2) {
      sum += Math.hypot(places[k + 1][i] - places[k][i], places[k + 1][i + 1] - places[k][i + 1]);
    }
  }
  return sum / n;
}

begin("particle_flow", (lab) => {
  const { noise, blur, sigma, drawings } = lab.settings;
  const charts = Object.fromEntries(
    Object.entries(COUPLINGS).map(([name, title]) => [
      name,
      new Chart(lab, `Pairs: ${title}`, {
        description:
          `Noise, drawing and particles; pairs are ${title}. If you draw your own target, draw here with the ` +
          "pointer, or use the sliders and the button below.",
        height: 330,
        x: [-REACH, REACH],
        y: [-REACH, REACH],
        equal: true,
        legend: [
          { name: "target", colour: "real", mark: "disc" },
          { name: "particle", colour: "generated", mark: "disc" },
          { name: "pair", colour: "soft" },
        ],
      }),
    ]),
  );
  lab.leadByOne();
  const drawing = lab.choice(
    "drawing",
    "target",
    [...Object.keys(drawings).map((name) => [name, name]), ["drawn", "my own drawing"]],
    renew,
  );
  const whole = { step: 1, format: (v) => shown(v, 0) };
  const steps = lab.slider("steps", "Euler steps", { min: 1, max: 64, value: 8, ...whole, changed: renew });
  const time = lab.slider("time", "time t", { min: 0, max: 1, step: 0.01, value: 1 });
  const lines = lab.choice("lines", "show", [
    ["both", "pairs and paths"],
    ["pairs", "pairs"],
    ["paths", "paths"],
  ]);
  lab.more("Draw without a pointer", () => {
    const place = { min: -2.8, max: 2.8, step: 0.1, value: 0, format: (v) => shown(v, 1), changed: () => {} };
    lab.place = [lab.slider("point-x", "a point: x", place), lab.slider("point-y", "a point: y", place)];
    lab.buttons(["add", "Add the point", () => addPoint(...lab.place.map((slider) => slider.value))]);
  });
  const [button, wipe] = lab.buttons(["play", "Flow", () => {}, "main"], ["wipe", "Erase my drawing", erase]);
  lab.readouts.style.gridTemplateColumns = "1fr 1fr"; // each number of independent pairs beside that of paired ones
  const numbers = { independent: {}, paired: {} };
  for (const [what, words] of Object.entries({
    crossings: "crossings of pairs",
    line: "mean length of a pair",
    path: "mean length of a path",
    w1: "W₁, end to target",
  })) {
    for (const name of Object.keys(numbers)) numbers[name][what] = lab.readout(`${name}-${what}`, `${name}: ${words}`);
  }
  const player = lab.leads(button, { slider: time, step: 0.02, names: ["Flow", "Pause"] });
  let drawn = [], // a reader's points
    pen = false,
    known; // of the present target and steps: points and, for each coupling, ends of pairs, path and numbers

  function targets() {
    return Float64Array.from((drawing.value === "drawn" ? drawn : drawings[drawing.value]).flat());
  }

  function compute() {
    const goal = targets(),
      n = goal.length / 2,
      from = Float64Array.from(noise.slice(0, n).flat()),
      particles = from.map((value, k) => value + sigma * blur[k >> 1][k & 1]),
      paired = n ? pairedTargets(from, goal) : goal,
      found = { goal, from, n };
    for (const [name, ends, pairs] of [
      ["independent", goal, allPairs(from, goal)], // noise knows nothing of the target: any order is a random one
      ["paired", paired, ownPairs(from, paired)],
    ]) {
      const path = n ? flow(pairs, particles, steps.value, sigma) : [];
      const last = path[path.length - 1];
      found[name] = { ends, path, pairs };
      found[name].crossings = n ? crossings(from, ends) : NaN;
      found[name].line = n ? meanLength([from, ends]) : NaN;
      found[name].length = n ? meanLength(path) : NaN;
      found[name].w1 = n ? exactDistance(last, goal, n) : NaN;
    }
    return found;
  }

  // Another target, or other steps.
  function renew() {
    known = compute();
    redraw();
    lab.say(verdict());
  }

  function verdict() {
    if (!known.n) return "Nothing is drawn yet: draw in one of the pictures, or add points below.";
    const { independent, paired } = known,
      many = drawing.value === "drawn" && drawn.length === MOST ? ` The drawing is full, with ${MOST} points.` : "",
      steps_ = steps.value === 1 ? "1 step" : `${steps.value} steps`;
    return (
      `${known.n === 1 ? "1 pair" : `${known.n} pairs`}: ${independent.crossings} crossings if they are independent, ${paired.crossings} at the least ` +
      `cost. After ${steps_} the particles are ${shown(independent.w1, 2)} and ${shown(paired.w1, 2)} from the target.` +
      many
    );
  }

  function redraw() {
    const own = drawing.value === "drawn"; // only then are the pictures for drawing, and not for scrolling past
    wipe.disabled = !drawn.length;
    for (const [name, chart] of Object.entries(charts)) {
      chart.svg.style.touchAction = own ? "none" : "auto";
      chart.svg.style.cursor = own ? "crosshair" : "default";
      drawChart(chart, known[name]);
      numbers[name].crossings(known[name].crossings, shown(known[name].crossings, 0));
      numbers[name].line(known[name].line);
      numbers[name].path(known[name].length);
      numbers[name].w1(known[name].w1);
    }
  }

  const point = (flat, i) => [flat[2 * i], flat[2 * i + 1]];

  function drawChart(chart, { ends, path }) {
    chart.begin();
    const { goal, from, n } = known,
      done = time.value * (path.length - 1), // so many steps, and a part of one
      whole = Math.min(Math.floor(done), path.length - 2);
    for (let i = 0; i < n && lines.value !== "paths"; i++) {
      chart.line([point(from, i), point(ends, i)], "soft", { width: 1, opacity: 0.4 });
    }
    const now = n ? path[whole].map((value, k) => value + (done - whole) * (path[whole + 1][k] - value)) : [];
    for (let i = 0; i < n && lines.value !== "pairs"; i++) {
      chart.line([...times(whole + 1, (k) => point(path[k], i)), point(now, i)], "generated", { width: 1, opacity: 0.7 });
    }
    for (let i = 0; i < n; i++) chart.dot(...point(goal, i), "real", { radius: 2.5 });
    for (let i = 0; i < n; i++) if (Math.hypot(...point(now, i)) < 1.4 * REACH) showParticle(chart, point(now, i));
  }

  function showParticle(chart, [x, y]) {
    if (Math.max(Math.abs(x), Math.abs(y)) < REACH) chart.dot(x, y, "generated", { radius: 2.5 });
  }

  // ---- Drawing

  function addPoint(x, y) {
    drawing.value = "drawn";
    if (drawn.length < MOST) drawn.push([clamp(x, -2.9, 2.9), clamp(y, -2.9, 2.9)]);
    renew();
  }

  function erase() {
    drawn = [];
    drawing.value = "drawn";
    renew();
  }

  function mark(chart, event) {
    const { x, y } = chart.at(event),
      last = drawn[drawn.length - 1];
    if (drawn.length >= MOST || (last && Math.hypot(x - last[0], y - last[1]) < APART)) return;
    drawn.push([clamp(x, -2.9, 2.9), clamp(y, -2.9, 2.9)]);
    for (const other of Object.values(charts)) other.dot(...drawn[drawn.length - 1], "real", { radius: 2.5 });
  }

  for (const chart of Object.values(charts)) {
    chart.svg.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || drawing.value !== "drawn") return;
      player.stop();
      pen = true;
      chart.svg.setPointerCapture(event.pointerId);
      mark(chart, event);
      event.preventDefault();
    });
    chart.svg.addEventListener("pointermove", (event) => pen && mark(chart, event));
    for (const end of ["pointerup", "pointercancel"]) {
      chart.svg.addEventListener(end, () => {
        if (pen) renew(); // flows are computed when the stroke is done
        pen = false;
      });
    }
  }

  lab.host.lab = { assignment, velocity, flow, crossings, allPairs, pairedTargets, known: () => known, drawn: () => drawn };
  renew();
  lab.start(redraw);
});

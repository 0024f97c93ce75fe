// One bell for data with two: the reader moves the bell q, or lets it descend one of three divergences.
//
// The data p are 0.7 N(-gap/2, 0.7) + 0.3 N(gap/2, 0.7), the bell q is N(m, s). All integrals are sums over a grid of
// step 0.04 from -30 to 30 (trapezoidal rule): for functions this smooth and this narrow all digits shown are right.

const HEAVY = 0.7,
  WIDTH = 0.7,
  STEP = 0.04,
  GRID = times(1501, (k) => -30 + k * STEP);

const logBell = (x, m, s) => -0.5 * ((x - m) / s) ** 2 - Math.log(s * Math.sqrt(2 * Math.PI));

// The logarithm of a sum of exponentials.
function logSum(a, b) {
  const high = Math.max(a, b);
  return high + Math.log(Math.exp(a - high) + Math.exp(b - high));
}

const logData = (x, gap) =>
  logSum(Math.log(HEAVY) + logBell(x, -gap / 2, WIDTH), Math.log(1 - HEAVY) + logBell(x, gap / 2, WIDTH));

// The three divergences of p from a bell, from the logarithms of both densities, so that no tail is lost.
function divergences(logP, m, s) {
  let forward = 0,
    reverse = 0,
    js = 0;
  for (let k = 0; k < GRID.length; k++) {
    const a = logP[k],
      b = logBell(GRID[k], m, s),
      middle = logSum(a, b) - Math.log(2),
      p = Math.exp(a),
      q = Math.exp(b);
    forward += p * (a - b);
    reverse += q * (b - a);
    js += 0.5 * (p * (a - middle) + q * (b - middle));
  }
  return { forward: forward * STEP, reverse: reverse * STEP, js: js * STEP };
}

const NAMES = { forward: "KL(p ‖ q), forward", reverse: "KL(q ‖ p), reverse", js: "JS" },
  COLOUR = { forward: "kl", reverse: "reverse-kl", js: "js" },
  DASH = { reverse: "2 3", js: "7 3" };

begin("fit_a_bell", (lab) => {
  const picture = new Chart(lab, "Data p and bell q", {
    description: "Two bells of data, p, and one bell, q. Drag to move q; sliders move it, too, and make it wider.",
    height: 210,
    x: [-7, 7],
    y: [0, 0.62],
    xLabel: "x",
    legend: [
      { name: "data p", colour: "real" },
      { name: "bell q", colour: "ink" },
    ],
  });
  const slice = new Chart(lab, "If only m moved", {
    description: "The three divergences as functions of the place m of the bell, with its width as it is.",
    height: 210,
    x: [-5, 5],
    xLabel: "m, the middle of q",
    legend: Object.keys(NAMES).map((name) => ({ name: NAMES[name], colour: COLOUR[name], dash: DASH[name] })),
  });
  const which = lab.choice("which", "q descends", Object.entries(NAMES), tell);
  const place = { min: -5, max: 5, step: 0.01, changed: tell };
  const middle = lab.slider("middle", "m, the middle of q", { ...place, value: lab.settings.middle });
  const width = lab.slider("width", "s, the width of q", { min: 0.2, max: 4, step: 0.01, value: 1, changed: tell });
  const gap = lab.slider("gap", "between the peaks of p", { min: 0, max: 8, step: 0.1, value: 5, changed: tell });
  const [button] = lab.buttons(["play", "Descend", () => {}, "main"], ["step", "One step", step]);
  const show = Object.fromEntries(Object.keys(NAMES).map((name) => [name, lab.readout(name, NAMES[name])]));
  picture.draggable(
    () => "q",
    (_, { x }) => {
      middle.value = clamp(x, -5, 5);
      tell();
    },
  );
  const player = lab.player(
    button,
    () => {
      const moved = descend();
      redraw();
      if (!moved) lab.say(arrived());
      return moved;
    },
    { names: ["Descend", "Pause"] },
  );
  let logP = [],
    bell = { m: middle.value, s: width.value }; // to all digits; the sliders show two
  lab.host.lab = { divergences: (g, m, s) => divergences(GRID.map((x) => logData(x, g)), m, s) };

  // A step down in m and log s, by central differences, halved until it leads down; whether it led anywhere.
  function descend() {
    const at = (m, u) => divergences(logP, m, Math.exp(u))[which.value],
      u = Math.log(bell.s),
      h = 1e-4;
    const slope = [at(bell.m + h, u) - at(bell.m - h, u), at(bell.m, u + h) - at(bell.m, u - h)].map((d) => d / (2 * h));
    const now = at(bell.m, u);
    for (let rate = 0.5; rate > 1e-6; rate /= 2) {
      const m = clamp(bell.m - rate * slope[0], -5, 5),
        v = clamp(u - rate * slope[1], Math.log(0.2), Math.log(4));
      if (at(m, v) < now - 1e-9) {
        bell = { m, s: Math.exp(v) };
        middle.value = bell.m;
        width.value = bell.s;
        return true;
      }
    }
    return false;
  }

  function step() {
    const moved = descend();
    redraw();
    lab.say(moved ? `q is now N(${shown(bell.m, 2)}, ${shown(bell.s, 2)}).` : arrived());
  }

  function arrived() {
    const [heavy, light] = [-gap.value / 2, gap.value / 2];
    const spot =
      bell.s > 1.5 * WIDTH
        ? "it covers both peaks, and the gap between them"
        : `it sits on the ${Math.abs(bell.m - heavy) < Math.abs(bell.m - light) ? "higher" : "lower"} peak`;
    return `Here ${NAMES[which.value]} has a minimum: q is N(${shown(bell.m, 2)}, ${shown(bell.s, 2)}); ${spot}.`;
  }

  function tell() {
    if (player.playing) player.stop();
    bell = { m: middle.value, s: width.value };
    redraw();
    lab.say("Move q yourself, or press Descend. Where it ends may depend on where it begins.");
  }

  function redraw() {
    logP = GRID.map((x) => logData(x, gap.value));
    const seen = grid(-7, 7, 280);
    picture.begin();
    const data = seen.map((x) => [x, Math.exp(logData(x, gap.value))]);
    picture.area(data, "real");
    picture.line(data, "real");
    const own = seen.map((x) => [x, Math.exp(logBell(x, bell.m, bell.s))]);
    picture.line(own, "ink", { width: 2.5 });
    const along = grid(-5, 5, 50).map((m) => [m, divergences(logP, m, bell.s)]);
    slice.begin({ y: [0, clamp(1.1 * Math.max(...along.map(([, found]) => Math.min(found.forward, found.reverse))), 1, 6)] });
    const here = divergences(logP, bell.m, bell.s);
    for (const name of Object.keys(NAMES)) {
      slice.line(
        along.map(([m, found]) => [m, found[name]]),
        COLOUR[name],
        { dash: DASH[name] },
      );
      if (here[name] <= slice.y[1]) slice.dot(bell.m, here[name], COLOUR[name], { hollow: name !== which.value });
      show[name](here[name]);
    }
  }

  tell();
  lab.start(redraw);
});

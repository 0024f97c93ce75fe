// A GAN in the page: two perceptrons, their gradients by hand, Adam, and Algorithm 1.
//
// A network is a list of layers {W, b}; W has a row an input and a column an output, stored row by row. Its gradient
// has the same form. A batch is a flat array, a row a sample, with its number of rows.

const SLOPE = 0.2; // of the leaky ReLU below zero
const sigmoid = (a) => (a >= 0 ? 1 / (1 + Math.exp(-a)) : Math.exp(a) / (1 + Math.exp(a)));
const softplus = (a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a)));

// ---- Networks -----------------------------------------------------------------------------------------------

// Uniform weights and biases in +-1/sqrt(fan in), as in torch.nn.Linear.
function perceptron(widths, random) {
  const layers = [];
  for (let l = 0; l + 1 < widths.length; l++) {
    const bound = 1 / Math.sqrt(widths[l]),
      drawn = (n) => Float64Array.from({ length: n }, () => (2 * random() - 1) * bound);
    layers.push({
      inputs: widths[l],
      outputs: widths[l + 1],
      W: drawn(widths[l] * widths[l + 1]),
      b: drawn(widths[l + 1]),
    });
  }
  return layers;
}

const zerosLike = (layers) =>
  layers.map(({ inputs, outputs, W, b }) => ({
    inputs,
    outputs,
    W: new Float64Array(W.length),
    b: new Float64Array(b.length),
  }));

// out = x W + b, (rows, outputs)
function affine({ inputs, outputs, W, b }, x, rows) {
  const out = new Float64Array(rows * outputs);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < outputs; o++) out[r * outputs + o] = b[o];
    for (let i = 0; i < inputs; i++) {
      const value = x[r * inputs + i];
      for (let o = 0; o < outputs; o++) out[r * outputs + o] += value * W[i * outputs + o];
    }
  }
  return out;
}

// back = g W^T, (rows, inputs)
function transposed({ inputs, outputs, W }, g, rows) {
  const back = new Float64Array(rows * inputs);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < inputs; i++) {
      let sum = 0;
      for (let o = 0; o < outputs; o++) sum += g[r * outputs + o] * W[i * outputs + o];
      back[r * inputs + i] = sum;
    }
  }
  return back;
}

// W += x^T g: what the rows of x and g say together.
function addOuter({ inputs, outputs, W }, x, g, rows) {
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < inputs; i++) {
      const value = x[r * inputs + i];
      for (let o = 0; o < outputs; o++) W[i * outputs + o] += value * g[r * outputs + o];
    }
  }
}

// values * factors, number by number, in place
function scaled(values, factors) {
  for (let k = 0; k < values.length; k++) values[k] *= factors[k];
  return values;
}

// Apply a network; `inputs` keeps what went into each layer and `slopes` those of each activation, for the way back.
function forward(layers, x, rows) {
  const inputs = [],
    slopes = [];
  layers.forEach((layer, l) => {
    inputs.push(x);
    x = affine(layer, x, rows);
    if (l === layers.length - 1) return;
    const slope = new Float64Array(x.length);
    for (let k = 0; k < x.length; k++) slope[k] = x[k] > 0 ? 1 : SLOPE;
    x = scaled(x, slope);
    slopes.push(slope);
  });
  return { output: x, inputs, slopes, rows };
}

// Add the gradient of a loss to `into`, given its gradient g in the output; return its gradient in the input.
function backward(layers, pass, g, into) {
  for (let l = layers.length - 1; l >= 0; l--) {
    if (into) {
      addOuter(into[l], pass.inputs[l], g, pass.rows);
      const { b, outputs } = into[l];
      for (let r = 0; r < pass.rows; r++) for (let o = 0; o < outputs; o++) b[o] += g[r * outputs + o];
    }
    g = transposed(layers[l], g, pass.rows);
    if (l > 0) g = scaled(g, pass.slopes[l - 1]);
  }
  return g;
}

// ---- What the players want ----------------------------------------------------------------------------------

const PENALTY_WEIGHT = 1,
  CLIP = 0.1;
const CLASSIFIES = { minimax: true, "non-saturating": true, wgan: false, "wgan-gp": false };
const mean = (values, h) => values.reduce((sum, value) => sum + h(value), 0) / values.length;

// The critic's loss on a batch, and its gradient; the points between real and fake are at the places `mix`.
function criticLoss(objective, critic, real, fake, mix, rows) {
  const onReal = forward(critic, real, rows),
    onFake = forward(critic, fake, rows),
    gradient = zerosLike(critic);
  const classifies = CLASSIFIES[objective];
  const loss = classifies
    ? mean(onReal.output, (a) => softplus(-a)) + mean(onFake.output, softplus)
    : mean(onFake.output, (a) => a) - mean(onReal.output, (a) => a);
  backward(
    critic,
    onReal,
    onReal.output.map((a) => (classifies ? -sigmoid(-a) : -1) / rows),
    gradient,
  );
  backward(
    critic,
    onFake,
    onFake.output.map((a) => (classifies ? sigmoid(a) : 1) / rows),
    gradient,
  );
  if (objective !== "wgan-gp") return { loss, gradient, penalty: 0 };
  const between = real.map((value, k) => fake[k] + mix[Math.floor(k / 2)] * (value - fake[k]));
  return { loss, gradient, penalty: addPenalty(critic, between, rows, gradient) };
}

// The penalty E (|grad f| - 1)^2 on a batch; its gradient in the weights is added to `gradient`.
//
// On the way back g_l = slopes_l * (W_{l+1} g_{l+1}) leads from the output to grad f = W_1 g_1. The slopes are constant
// almost everywhere, so the penalty depends on each W_l through this one product: with h_0 its gradient in grad f, and
// h_l = slopes_l * (h_{l-1} W_l), the gradient in W_l is h_{l-1}^T g_l. Biases have none.
function addPenalty(critic, x, rows, gradient) {
  const { slopes } = forward(critic, x, rows),
    depth = critic.length,
    g = [];
  g[depth] = new Float64Array(rows).fill(1);
  for (let l = depth - 1; l >= 0; l--) {
    g[l] = transposed(critic[l], g[l + 1], rows);
    if (l > 0) g[l] = scaled(g[l], slopes[l - 1]);
  }
  const width = critic[0].inputs;
  let h = new Float64Array(rows * width),
    penalty = 0;
  for (let r = 0; r < rows; r++) {
    const own = g[0].subarray(r * width, (r + 1) * width),
      norm = Math.sqrt(own.reduce((sum, value) => sum + value * value, 0));
    penalty += (PENALTY_WEIGHT * (norm - 1) ** 2) / rows;
    const factor = norm > 0 ? (2 * PENALTY_WEIGHT * (norm - 1)) / (norm * rows) : 0;
    own.forEach((value, i) => (h[r * width + i] = factor * value));
  }
  for (let l = 0; l < depth; l++) {
    addOuter(gradient[l], h, g[l + 1], rows);
    if (l === depth - 1) break;
    const free = { ...critic[l], b: new Float64Array(critic[l].outputs) };
    h = scaled(affine(free, h, rows), slopes[l]);
  }
  return penalty;
}

// The generator's loss on noise, and its gradient; the critic stands still.
function generatorLoss(objective, generator, critic, noise, rows) {
  const made = forward(generator, noise, rows),
    judged = forward(critic, made.output, rows),
    gradient = zerosLike(generator);
  const [value, slope] = {
    minimax: [(a) => -softplus(a), (a) => -sigmoid(a)],
    "non-saturating": [(a) => softplus(-a), (a) => -sigmoid(-a)],
    wgan: [(a) => -a, () => -1],
    "wgan-gp": [(a) => -a, () => -1],
  }[objective];
  const g = backward(
    critic,
    judged,
    judged.output.map((a) => slope(a) / rows),
    null,
  );
  backward(generator, made, g, gradient);
  return { loss: mean(judged.output, value), gradient };
}

// ---- Steps --------------------------------------------------------------------------------------------------

const FIRST = 0,
  SECOND = 0.9; // Adam without momentum, as all games of lesson 6

class Adam {
  constructor(layers, rate) {
    Object.assign(this, { layers, rate, steps: 0, slow: zerosLike(layers), squares: zerosLike(layers) });
  }

  descend(gradient) {
    this.steps += 1;
    const ofMean = 1 - FIRST ** this.steps,
      ofSquares = 1 - SECOND ** this.steps;
    this.layers.forEach((layer, l) => {
      for (const part of ["W", "b"]) {
        const m = this.slow[l][part],
          v = this.squares[l][part],
          g = gradient[l][part],
          p = layer[part];
        for (let k = 0; k < p.length; k++) {
          m[k] = FIRST * m[k] + (1 - FIRST) * g[k];
          v[k] = SECOND * v[k] + (1 - SECOND) * g[k] * g[k];
          p[k] -= (this.rate * (m[k] / ofMean)) / (Math.sqrt(v[k] / ofSquares) + 1e-8);
        }
      }
    });
  }
}

function clip(layers) {
  for (const { W, b } of layers) {
    for (const part of [W, b]) part.forEach((value, k) => (part[k] = clamp(value, -CLIP, CLIP)));
  }
}

// ---- The exact distance -------------------------------------------------------------------------------------

// W1 between two clouds of n points with equal weights: the Hungarian method, with prices u and v, in n^3 steps.
function exactDistance(x, y, n) {
  const table = Float64Array.from({ length: n * n }, (_, k) => {
    const i = Math.floor(k / n),
      j = k % n;
    return Math.hypot(x[2 * i] - y[2 * j], x[2 * i + 1] - y[2 * j + 1]);
  });
  const cost = (i, j) => table[i * n + j];
  const u = new Float64Array(n + 1),
    v = new Float64Array(n + 1),
    owner = new Int32Array(n + 1),
    way = new Int32Array(n + 1);
  for (let i = 1; i <= n; i++) {
    owner[0] = i;
    const least = new Float64Array(n + 1).fill(Infinity),
      done = new Uint8Array(n + 1);
    let at = 0;
    while (owner[at] !== 0) {
      done[at] = 1;
      let next = 0,
        delta = Infinity;
      for (let j = 1; j <= n; j++) {
        if (done[j]) continue;
        const reduced = cost(owner[at] - 1, j - 1) - u[owner[at]] - v[j];
        if (reduced < least[j]) {
          least[j] = reduced;
          way[j] = at;
        }
        if (least[j] < delta) {
          delta = least[j];
          next = j;
        }
      }
      for (let j = 0; j <= n; j++) {
        if (done[j]) {
          u[owner[j]] += delta;
          v[j] -= delta;
        } else least[j] -= delta;
      }
      at = next;
    }
    for (; at !== 0; at = way[at]) owner[at] = owner[way[at]];
  }
  let sum = 0;
  for (let j = 1; j <= n; j++) sum += cost(owner[j] - 1, j - 1);
  return sum / n;
}

// ---- Data and noise -----------------------------------------------------------------------------------------

// Standard Gaussian numbers, two at a time (Box and Muller).
function gaussians(n, random) {
  const drawn = new Float64Array(n);
  for (let k = 0; k < n; k += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random())),
      angle = 2 * Math.PI * random();
    drawn[k] = radius * Math.cos(angle);
    if (k + 1 < n) drawn[k + 1] = radius * Math.sin(angle);
  }
  return drawn;
}

const REACH = 3,
  BATCH = 64,
  HIDDEN = [32, 32],
  RATE = 2e-3,
  CLOUD = 24;
const around = (modes, radius) =>
  times(modes, (k) => [radius * Math.cos((2 * Math.PI * k) / modes), radius * Math.sin((2 * Math.PI * k) / modes)]);
const CENTRES = { ring: around(8, 2), three: around(3, 1.5), one: [[1, 0.5]] };

// A batch of points drawn from clouds around centres, or from what a reader has drawn.
function drawReal(centres, scale, rows, random) {
  const noise = gaussians(2 * rows, random),
    points = new Float64Array(2 * rows);
  for (let r = 0; r < rows; r++) {
    const centre = centres[Math.floor(random() * centres.length)];
    for (let i = 0; i < 2; i++) points[2 * r + i] = centre[i] + scale * noise[2 * r + i];
  }
  return points;
}

// ---- A game -------------------------------------------------------------------------------------------------

class Game {
  constructor(objective, steps, data, seed) {
    Object.assign(this, { objective, criticSteps: steps, data, random: randomSource(seed), round: 0, history: [] });
    this.generator = perceptron([2, ...HIDDEN, 2], this.random);
    this.critic = perceptron([2, ...HIDDEN, 1], this.random);
    this.players = { critic: new Adam(this.critic, RATE), generator: new Adam(this.generator, RATE) };
    this.noise = gaussians(2 * 256, randomSource(seed + 1)); // always the same, so that samples are seen to move
    this.reference = drawReal(data.centres, data.scale, BATCH, randomSource(12345));
  }

  samples(rows = 256) {
    return forward(this.generator, this.noise.subarray(0, 2 * rows), rows).output;
  }

  // Algorithm 1: so many steps of the critic, each on a fresh batch, then one of the generator.
  play() {
    let critic;
    for (let k = 0; k < this.criticSteps; k++) {
      const real = drawReal(this.data.centres, this.data.scale, BATCH, this.random);
      const fake = forward(this.generator, gaussians(2 * BATCH, this.random), BATCH).output;
      const mix = Float64Array.from({ length: BATCH }, this.random);
      critic = criticLoss(this.objective, this.critic, real, fake, mix, BATCH);
      this.players.critic.descend(critic.gradient);
      if (this.objective === "wgan") clip(this.critic);
    }
    const noise = gaussians(2 * BATCH, this.random);
    const generator = generatorLoss(this.objective, this.generator, this.critic, noise, BATCH);
    this.players.generator.descend(generator.gradient);
    this.round += 1;
    this.last = { critic: critic.loss, generator: generator.loss };
    if (this.round % 20 === 0) this.look();
  }

  distance() {
    return exactDistance(this.samples(BATCH), this.reference, BATCH);
  }

  look() {
    this.history.push({ round: this.round, ...this.last, w1: this.distance() });
    // Of a long game every other look is kept, so that there is always room for more.
    if (this.history.length > 400) this.history = this.history.filter((_, k) => k % 2 === 1);
  }
}

// ---- The lab ------------------------------------------------------------------------------------------------

const OBJECTIVES = {
  minimax: "minimax",
  "non-saturating": "non-saturating",
  wgan: "WGAN, clipped",
  "wgan-gp": "WGAN-GP, penalty",
};
const DATA = { ring: "ring of eight clouds", three: "three clouds", one: "one cloud", drawn: "my own drawing" };

begin("live_gan", (lab) => {
  const plane = new Plane(lab, "Data and samples", {
    description:
      "Real points and generated ones over the critic's surface. " +
      "If you draw the data yourself, draw with the pointer, or use the sliders and the button below.",
    reach: REACH,
    legend: [
      { name: "real", colour: "real", mark: "disc" },
      { name: "generated", colour: "ink", mark: "square" },
    ],
  });
  const losses = new Chart(lab, "Losses", {
    description: "The losses of critic and generator over the iterations.",
    height: 170,
    xLabel: "iteration",
    legend: [
      { name: "critic", colour: "real" },
      { name: "generator", colour: "generated", dash: "7 3" },
    ],
  });
  const distance = new Chart(lab, "Exact W₁ of 64 samples to 64 of the data", {
    description: "The exact distance between generated and real points over the iterations.",
    height: 170,
    xLabel: "iteration",
  });
  const [start] = lab.buttons(
    ["start", "Start", () => {}, "main"],
    [
      "step",
      "One iteration",
      () => {
        game.play();
        redraw();
        report();
      },
    ],
    ["again", "Reset", reset],
  );
  lab.charts.append(make("div", {}, start.parentElement, losses.figure, distance.figure)); // beside the picture
  const objective = lab.choice("objective", "objective", Object.entries(OBJECTIVES), () => {
    criticSteps.value = CLASSIFIES[objective.value] ? 1 : 5;
    reset();
  });
  objective.value = lab.settings.objective;
  const whole = { format: (v) => shown(v, 0) };
  const criticSteps = lab.slider("critic-steps", "critic steps per iteration", {
    min: 1,
    max: 10,
    step: 1,
    value: CLASSIFIES[objective.value] ? 1 : 5,
    ...whole,
    changed: reset,
  });
  const data = lab.choice("data", "data", Object.entries(DATA), reset);
  const seed = lab.slider("seed", "seed", { min: 0, max: 20, step: 1, value: 0, ...whole, changed: reset });
  const cloudX = lab.slider("cloud-x", "your own cloud: x", {
    min: -2.5,
    max: 2.5,
    step: 0.1,
    value: 0,
    format: (v) => shown(v, 1),
  });
  const cloudY = lab.slider("cloud-y", "your own cloud: y", {
    min: -2.5,
    max: 2.5,
    step: 0.1,
    value: 0,
    format: (v) => shown(v, 1),
  });
  lab.buttons(
    ["add", "Add the cloud", addCloud],
    [
      "wipe",
      "Erase my drawing",
      () => {
        drawn = [];
        useDrawn();
      },
    ],
  );
  const show = {
    round: lab.readout("round", "iteration"),
    critic: lab.readout("critic", "critic's loss"),
    generator: lab.readout("generator", "generator's loss"),
    w1: lab.readout("w1", "exact W₁"),
  };
  let drawn = [],
    game,
    realPoints;

  // Slices of at most so many milliseconds, so that the page stays awake; two pictures a second for calm readers.
  const player = lab.player(
    start,
    () => {
      const until = performance.now() + 12;
      do game.play();
      while (performance.now() < until);
      redraw();
      return true;
    },
    { names: ["Start", "Pause"] },
  );
  start.addEventListener("click", report);

  function source() {
    if (data.value === "drawn") return { centres: drawn.length ? drawn : [[0, 0]], scale: 0.05 };
    return { centres: CENTRES[data.value], scale: 0.1 };
  }

  function reset() {
    player.stop();
    game = new Game(objective.value, criticSteps.value, source(), seed.value + 1);
    const held = randomSource(54321),
      { centres, scale } = source();
    realPoints = data.value === "drawn" ? drawn : toPairs(drawReal(centres, scale, 160, held));
    lab.host.lab = { game, criticLoss, generatorLoss, exactDistance, Adam, clip };
    redraw();
    report();
  }

  function report() {
    if (data.value === "drawn" && !drawn.length) {
      return lab.say("Nothing is drawn yet: draw on the picture, or place a cloud.");
    }
    const who = `${OBJECTIVES[objective.value]}; data: ${DATA[data.value]}`;
    if (player.playing) return lab.say(`Playing: ${who}.`);
    lab.say(`Iteration ${game.round}: ${who}. W₁ is ${shown(game.distance(), 2)}.`);
  }

  const toPairs = (flat) => times(flat.length / 2, (i) => [flat[2 * i], flat[2 * i + 1]]);

  function redraw() {
    const draws = data.value === "drawn"; // only then is the picture for drawing, and not for scrolling past
    plane.canvas.style.touchAction = draws ? "none" : "auto";
    plane.canvas.style.cursor = draws ? "crosshair" : "default";
    drawPlane();
    const looks = game.history,
      x = [0, Math.max(game.round, 20)];
    const values = looks.flatMap((one) => [one.critic, one.generator]);
    const low = Math.min(0, ...values),
      high = Math.max(0.1, ...values),
      room = 0.05 * (high - low);
    losses.begin({ x, y: [low - room, high + room] });
    losses.line(
      looks.map((one) => [one.round, one.critic]),
      "real",
    );
    losses.line(
      looks.map((one) => [one.round, one.generator]),
      "generated",
      { dash: "7 3" },
    );
    distance.begin({ x, y: [0, 1.05 * Math.max(0.5, ...looks.map((one) => one.w1))] });
    distance.line(
      looks.map((one) => [one.round, one.w1]),
      "third",
    );
    show.round(game.round, String(game.round));
    show.critic(game.last?.critic ?? NaN);
    show.generator(game.last?.generator ?? NaN);
    show.w1(game.distance());
  }

  const SIDE = 24;
  const places = Float64Array.from({ length: 2 * SIDE * SIDE }, (_, k) => {
    const cell = Math.floor(k / 2),
      along = k % 2 ? Math.floor(cell / SIDE) : cell % SIDE;
    return ((2 * (along + 0.5)) / SIDE - 1) * REACH;
  });

  function drawPlane() {
    plane.begin(360);
    const heights = forward(game.critic, places, SIDE * SIDE).output;
    const low = Math.min(...heights),
      span = Math.max(...heights) - low || 1;
    plane.heights(SIDE, (place) => (heights[place] - low) / span);
    plane.dots(realPoints, "real", { radius: 2 });
    plane.dots(toPairs(game.samples()), "ink", { radius: 2, shape: "square" });
    plane.end();
  }

  // ---- Drawing data

  function addCloud() {
    const noise = gaussians(2 * CLOUD, randomSource(drawn.length + 7));
    for (let k = 0; k < CLOUD; k++)
      drawn.push([cloudX.value + 0.15 * noise[2 * k], cloudY.value + 0.15 * noise[2 * k + 1]]);
    useDrawn();
  }

  function useDrawn() {
    data.value = "drawn";
    reset();
  }

  let pen = false;

  function mark(event) {
    const { x, y } = plane.at(event),
      noise = gaussians(6, randomSource(drawn.length + 7));
    for (let k = 0; k < 3; k++)
      drawn.push([clamp(x, -2.9, 2.9) + 0.08 * noise[2 * k], clamp(y, -2.9, 2.9) + 0.08 * noise[2 * k + 1]]);
  }

  plane.canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || data.value !== "drawn") return;
    pen = true;
    plane.canvas.setPointerCapture(event.pointerId);
    mark(event);
    useDrawn();
    event.preventDefault();
  });
  plane.canvas.addEventListener("pointermove", (event) => {
    if (!pen) return;
    mark(event);
    realPoints = drawn;
    drawPlane();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    plane.canvas.addEventListener(end, () => {
      if (pen) useDrawn();
      pen = false;
    });
  }

  reset();
  lab.start(redraw);
});

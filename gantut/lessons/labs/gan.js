// A GAN in the page: two perceptrons, their gradients by hand, Adam, and Algorithm 1. It draws nothing; labs do.
//
// A network is a list of layers {W, b}; W has a row an input and a column an output, stored row by row. Its gradient
// has the same form. A batch is a flat array, a row a sample, with its number of rows. Nothing is allocated while a game
// is played: each network keeps arrays to work in, a set for each size of batch, and a pass is over when the next begins.

const SLOPE = 0.2; // of the leaky ReLU below zero

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

// The arrays that a network works in: for each layer what goes in and out, forwards and backwards.
const spaces = new WeakMap();

function workspace(layers, rows) {
  if (!spaces.has(layers)) spaces.set(layers, { gradient: zerosLike(layers), sizes: new Map() });
  const { sizes } = spaces.get(layers);
  if (!sizes.has(rows)) {
    const arrays = ({ inputs, outputs }) => ({
      input: null,
      out: new Float64Array(rows * outputs),
      slope: new Float64Array(rows * outputs),
      back: new Float64Array(rows * inputs),
      ahead: new Float64Array(rows * outputs),
    });
    sizes.set(rows, { layers: layers.map(arrays), g: new Float64Array(rows * layers[layers.length - 1].outputs) });
  }
  return sizes.get(rows);
}

// The gradient of a network, set to zero.
function emptyGradient(layers) {
  workspace(layers, 1);
  const { gradient } = spaces.get(layers);
  for (const { W, b } of gradient) {
    W.fill(0);
    b.fill(0);
  }
  return gradient;
}

// The three products below take four numbers at a time, so that fewer pass through memory. Each sum still adds its terms
// one by one and in their order: the numbers are those of the plain loops, to the last bit.

// out = x W + b, (rows, outputs); without a bias where b is null
function affine({ inputs, outputs, W }, b, x, rows, out) {
  const fours = inputs - (inputs % 4);
  for (let r = 0; r < rows; r++) {
    const row = r * outputs;
    let i = 0,
      at = r * inputs,
      from = 0;
    for (let o = 0; o < outputs; o++) out[row + o] = b ? b[o] : 0;
    for (; i < fours; i += 4, at += 4, from += 4 * outputs) {
      const x0 = x[at],
        x1 = x[at + 1],
        x2 = x[at + 2],
        x3 = x[at + 3];
      let w = from;
      for (let o = row; o < row + outputs; o++, w++) {
        out[o] = out[o] + x0 * W[w] + x1 * W[w + outputs] + x2 * W[w + 2 * outputs] + x3 * W[w + 3 * outputs];
      }
    }
    for (; i < inputs; i++, at++, from += outputs) {
      for (let o = 0; o < outputs; o++) out[row + o] += x[at] * W[from + o];
    }
  }
  return out;
}

// back = g W^T, (rows, inputs)
function transposed({ inputs, outputs, W }, g, rows, back) {
  const fours = inputs - (inputs % 4);
  for (let r = 0; r < rows; r++) {
    const row = r * outputs,
      to = r * inputs;
    let i = 0;
    for (; i < fours; i += 4) {
      let s0 = 0,
        s1 = 0,
        s2 = 0,
        s3 = 0,
        w = i * outputs;
      for (let o = row; o < row + outputs; o++, w++) {
        const value = g[o];
        s0 += value * W[w];
        s1 += value * W[w + outputs];
        s2 += value * W[w + 2 * outputs];
        s3 += value * W[w + 3 * outputs];
      }
      back[to + i] = s0;
      back[to + i + 1] = s1;
      back[to + i + 2] = s2;
      back[to + i + 3] = s3;
    }
    for (; i < inputs; i++) {
      let sum = 0;
      for (let o = 0; o < outputs; o++) sum += g[row + o] * W[i * outputs + o];
      back[to + i] = sum;
    }
  }
  return back;
}

// W += x^T g: what the rows of x and g say together.
function addOuter({ inputs, outputs, W }, x, g, rows) {
  const fours = rows - (rows % 4);
  for (let i = 0; i < inputs; i++) {
    const to = i * outputs;
    let r = 0;
    for (; r < fours; r += 4) {
      const at = r * inputs + i,
        x0 = x[at],
        x1 = x[at + inputs],
        x2 = x[at + 2 * inputs],
        x3 = x[at + 3 * inputs];
      let k = r * outputs;
      for (let o = to; o < to + outputs; o++, k++) {
        W[o] = W[o] + x0 * g[k] + x1 * g[k + outputs] + x2 * g[k + 2 * outputs] + x3 * g[k + 3 * outputs];
      }
    }
    for (; r < rows; r++) {
      for (let o = 0; o < outputs; o++) W[to + o] += x[r * inputs + i] * g[r * outputs + o];
    }
  }
}

// values * factors, number by number, in place
function scaled(values, factors) {
  for (let k = 0; k < values.length; k++) values[k] *= factors[k];
  return values;
}

// Apply a network; its workspace keeps what went into each layer and the slopes of each activation, for the way back.
function forward(layers, x, rows) {
  const space = workspace(layers, rows);
  for (let l = 0; l < layers.length; l++) {
    const { out, slope } = space.layers[l];
    space.layers[l].input = x;
    affine(layers[l], layers[l].b, x, rows, out);
    if (l + 1 < layers.length) {
      for (let k = 0; k < out.length; k++) {
        slope[k] = out[k] > 0 ? 1 : SLOPE;
        out[k] *= slope[k];
      }
    }
    x = out;
  }
  return { output: x, space, rows };
}

// Add the gradient of a loss to `into`, given its gradient g in the output; return its gradient in the input.
function backward(layers, { space, rows }, g, into) {
  for (let l = layers.length - 1; l >= 0; l--) {
    const { input, back } = space.layers[l];
    if (into) {
      addOuter(into[l], input, g, rows);
      const { b, outputs } = into[l];
      for (let r = 0; r < rows; r++) for (let o = 0; o < outputs; o++) b[o] += g[r * outputs + o];
    }
    g = transposed(layers[l], g, rows, back);
    if (l > 0) scaled(g, space.layers[l - 1].slope);
  }
  return g;
}

// ---- What the players want ----------------------------------------------------------------------------------

const PENALTY_WEIGHT = 1,
  CLIP = 0.1;
const CLASSIFIES = { minimax: true, "non-saturating": true, wgan: false, "wgan-gp": false };

// What a player loses by a score, and the slope of that.
const LOSSES = {
  real: { true: [(a) => softplus(-a), (a) => -sigmoid(-a)], false: [(a) => -a, () => -1] },
  fake: { true: [softplus, sigmoid], false: [(a) => a, () => 1] },
  minimax: [(a) => -softplus(a), (a) => -sigmoid(a)],
  "non-saturating": [(a) => softplus(-a), (a) => -sigmoid(-a)],
  wgan: [(a) => -a, () => -1],
  "wgan-gp": [(a) => -a, () => -1],
};

// The mean of a loss over the scores of a pass; its gradient in the scores stands in the workspace of the pass.
function meanLoss([value, slope], { output, space, rows }) {
  let sum = 0;
  for (let r = 0; r < rows; r++) {
    sum += value(output[r]);
    space.g[r] = slope(output[r]) / rows;
  }
  return sum / rows;
}

// The critic's loss on a batch, and its gradient; the points between real and fake are at the places `mix`.
function criticLoss(objective, critic, real, fake, mix, rows) {
  const gradient = emptyGradient(critic);
  let loss = 0;
  for (const [kind, points] of [
    ["real", real],
    ["fake", fake],
  ]) {
    const pass = forward(critic, points, rows);
    loss += meanLoss(LOSSES[kind][CLASSIFIES[objective]], pass);
    backward(critic, pass, pass.space.g, gradient);
  }
  if (objective !== "wgan-gp") return { loss, gradient, penalty: 0 };
  const space = workspace(critic, rows),
    { inputs } = critic[0];
  space.between ??= new Float64Array(inputs * rows);
  for (let k = 0; k < inputs * rows; k++) {
    space.between[k] = fake[k] + mix[Math.floor(k / inputs)] * (real[k] - fake[k]);
  }
  return { loss, gradient, penalty: addPenalty(critic, space.between, rows, gradient) };
}

// The penalty E (|grad f| - 1)^2 on a batch, or only where |grad f| > 1; its gradient in the weights is added.
//
// On the way back g_l = slopes_l * (W_{l+1} g_{l+1}) leads from the output to grad f = W_1 g_1. The slopes are constant
// almost everywhere, so the penalty depends on each W_l through this one product: with h_0 its gradient in grad f, and
// h_l = slopes_l * (h_{l-1} W_l), the gradient in W_l is h_{l-1}^T g_l. Biases have none.
function addPenalty(critic, x, rows, gradient, { weight = PENALTY_WEIGHT, oneSided = false } = {}) {
  const { space } = forward(critic, x, rows),
    depth = critic.length,
    width = critic[0].inputs;
  space.g.fill(1);
  const slopeOf = backward(critic, { space, rows }, space.g, null); // and each layer's `back` is its g
  let penalty = 0;
  for (let r = 0; r < rows; r++) {
    let square = 0;
    for (let i = 0; i < width; i++) square += slopeOf[r * width + i] ** 2;
    const norm = Math.sqrt(square),
      excess = oneSided ? Math.max(norm - 1, 0) : norm - 1,
      factor = norm > 0 ? (2 * weight * excess) / (norm * rows) : 0;
    penalty += (weight * excess ** 2) / rows;
    for (let i = 0; i < width; i++) slopeOf[r * width + i] *= factor;
  }
  let h = slopeOf;
  for (let l = 0; l < depth; l++) {
    addOuter(gradient[l], h, l + 1 < depth ? space.layers[l + 1].back : space.g, rows);
    if (l + 1 < depth) h = scaled(affine(critic[l], null, h, rows, space.layers[l].ahead), space.layers[l].slope);
  }
  return penalty;
}

// The generator's loss on noise, and its gradient in the samples that were made; the critic stands still.
function lossOfSamples(objective, generator, critic, noise, rows) {
  const made = forward(generator, noise, rows),
    judged = forward(critic, made.output, rows);
  const loss = meanLoss(LOSSES[objective], judged);
  return { loss, made, slope: backward(critic, judged, judged.space.g, null) };
}

// The same loss, and its gradient in the weights of the generator.
function generatorLoss(objective, generator, critic, noise, rows) {
  const { loss, made, slope } = lossOfSamples(objective, generator, critic, noise, rows),
    gradient = emptyGradient(generator);
  backward(generator, made, slope, gradient);
  return { loss, gradient };
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

function clip(layers, bound = CLIP) {
  for (const { W, b } of layers) {
    for (const part of [W, b]) part.forEach((value, k) => (part[k] = clamp(value, -bound, bound)));
  }
}

// ---- How far, and how many ----------------------------------------------------------------------------------

// How many clouds have at least 1% of the samples, one of them within three standard deviations of the centre.
function modesCovered(samples, rows, centres, scale) {
  const near = new Int32Array(centres.length),
    good = new Uint8Array(centres.length);
  for (let r = 0; r < rows; r++) {
    let closest = 0,
      least = Infinity;
    for (let k = 0; k < centres.length; k++) {
      const away = (samples[2 * r] - centres[k][0]) ** 2 + (samples[2 * r + 1] - centres[k][1]) ** 2;
      if (away < least) {
        least = away;
        closest = k;
      }
    }
    near[closest] += 1;
    if (least <= (3 * scale) ** 2) good[closest] = 1;
  }
  return centres.filter((_, k) => good[k] && near[k] >= 0.01 * rows).length;
}

// ---- Data and noise -----------------------------------------------------------------------------------------

// Standard Gaussian numbers, two at a time (Box and Muller).
function gaussians(n, random, drawn = new Float64Array(n)) {
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
  SHOWN = 256;

// A batch of points drawn from clouds around centres, or from what a reader has drawn.
function drawReal({ centres, scale }, rows, random, points = new Float64Array(2 * rows)) {
  gaussians(2 * rows, random, points);
  for (let r = 0; r < rows; r++) {
    const centre = centres[Math.floor(random() * centres.length)];
    for (let i = 0; i < 2; i++) points[2 * r + i] = centre[i] + scale * points[2 * r + i];
  }
  return points;
}

// ---- A game -------------------------------------------------------------------------------------------------

// For each data set, how far two of its batches are apart: worked out once, for all games on it.
const bands = new WeakMap(),
  COMPARED = 40; // batches

// What may be changed while it is played: `steer({ objective, criticSteps, data, rates })`.
class Game {
  constructor(settings, seed) {
    Object.assign(this, { random: randomSource(seed), round: 0, criticStepsMade: 0, history: [] });
    this.generator = perceptron([2, ...HIDDEN, 2], this.random);
    this.critic = perceptron([2, ...HIDDEN, 1], this.random);
    this.players = { critic: new Adam(this.critic, RATE), generator: new Adam(this.generator, RATE) };
    this.noise = gaussians(2 * SHOWN, randomSource(seed + 1)); // always the same, so that samples are seen to move
    this.batch = { real: new Float64Array(2 * BATCH), noise: new Float64Array(2 * BATCH), mix: new Float64Array(BATCH) };
    this.steer(settings);
  }

  steer({ objective, criticSteps, data, rates }) {
    Object.assign(this, { objective, criticSteps });
    this.players.critic.rate = rates?.critic ?? RATE;
    this.players.generator.rate = rates?.generator ?? RATE;
    if (this.data?.centres === data.centres && this.size === data.centres.length) return;
    Object.assign(this, { data, size: data.centres.length });
    this.reference = drawReal(data, BATCH, randomSource(12345));
  }

  // All that a game is, as data that can go to another thread, where `Game.from` plays on as if it had stayed.
  plain() {
    return { ...this, random: this.random.state() };
  }

  static from({ random, players, ...rest }) {
    const game = Object.assign(Object.create(Game.prototype), rest, { random: randomSource(random), players: {} });
    for (const [name, adam] of Object.entries(players)) {
      game.players[name] = Object.assign(Object.create(Adam.prototype), adam);
    }
    return game;
  }

  samples(rows = SHOWN) {
    return forward(this.generator, this.noise.subarray(0, 2 * rows), rows).output;
  }

  scores(points) {
    return forward(this.critic, points, points.length / 2).output;
  }

  // Where the generator's loss pulls the first samples: places, and the way down there.
  pulls(rows = 48) {
    const noise = this.noise.subarray(0, 2 * rows);
    const { made, slope } = lossOfSamples(this.objective, this.generator, this.critic, noise, rows);
    return { places: made.output, down: slope.map((value) => -rows * value) };
  }

  // Algorithm 1: so many steps of the critic, each on a fresh batch, then one of the generator. That is a round.
  play() {
    while (!this.step()) continue;
  }

  // The next of these steps; whether it ended the round.
  step() {
    const { real, noise, mix } = this.batch;
    const ends = this.criticStepsMade >= this.criticSteps;
    if (!ends) drawReal(this.data, BATCH, this.random, real);
    gaussians(2 * BATCH, this.random, noise);
    if (ends) {
      const { loss, gradient } = generatorLoss(this.objective, this.generator, this.critic, noise, BATCH);
      this.players.generator.descend(gradient);
      this.last = { critic: this.lossOfCritic, generator: loss };
      this.round += 1;
      this.criticStepsMade = 0;
      if (this.round % 20 === 0) this.look();
    } else {
      const fake = forward(this.generator, noise, BATCH).output;
      for (let r = 0; r < BATCH; r++) mix[r] = this.random();
      const { loss, gradient } = criticLoss(this.objective, this.critic, real, fake, mix, BATCH);
      this.players.critic.descend(gradient);
      if (this.objective === "wgan") clip(this.critic);
      this.lossOfCritic = loss;
      this.criticStepsMade += 1;
    }
    return ends;
  }

  distance() {
    return exactDistance(this.samples(BATCH), this.reference, BATCH);
  }

  modes() {
    return modesCovered(this.samples(), SHOWN, this.data.centres, this.data.scale);
  }

  // How far two batches of the data are from each other: the middle, and the band that holds 95 of 100 pairs.
  realAgainstReal() {
    while (!this.band()) this.compare();
    return this.band();
  }

  // The same where it is known, or null.
  band() {
    const found = bands.get(this.data.centres);
    if (found?.size !== this.size || found.distances.length < COMPARED) return null;
    const sorted = Float64Array.from(found.distances).sort();
    return { low: sorted[1], middle: (sorted[19] + sorted[20]) / 2, high: sorted[38] };
  }

  // One more batch: a page that does this now and then goes on answering.
  compare() {
    let found = bands.get(this.data.centres);
    if (found?.size !== this.size) {
      found = { size: this.size, random: randomSource(777), distances: [] };
      bands.set(this.data.centres, found);
    }
    found.distances.push(exactDistance(drawReal(this.data, BATCH, found.random), this.reference, BATCH));
  }

  look() {
    this.history.push({ round: this.round, ...this.last, w1: this.distance() });
    // Of a long game every other look is kept, so that there is always room for more.
    if (this.history.length > 400) this.history = this.history.filter((_, k) => k % 2 === 1);
  }
}

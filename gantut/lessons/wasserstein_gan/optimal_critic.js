// D* and the critic: two Gaussians on a line, the discriminator and the critic that are best against them, and what
// each of them tells a generated sample.
//
// The logit of D* is a(x) = log p_r(x) - log p_g(x). The best critic has slope 1 or -1: the sign of F_g - F_r, and for
// two Gaussians F_g > F_r where (x - m_g) / s_g > (x - m_r) / s_r, so that the slope changes at one point at most.

const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);
const logDensity = ({ mean, width }, x) => -(((x - mean) / width) ** 2) / 2 - Math.log(width) - HALF_LOG_TWO_PI;
const density = (distribution, x) => Math.exp(logDensity(distribution, x));

// The error function: its power series near 0, a continued fraction of erfc further out.
function erf(x) {
  if (x < 0) return -erf(-x);
  if (x > 6) return 1;
  if (x < 2.5) {
    let term = x,
      sum = x;
    for (let k = 1; Math.abs(term) > 1e-17 * sum; k++) {
      term *= (-x * x) / k;
      sum += term / (2 * k + 1);
      if (x === 0) break;
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = x;
  for (let k = 80; k >= 1; k--) fraction = x + k / 2 / fraction;
  return 1 - Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}

const logit = (real, fake, x) => logDensity(real, x) - logDensity(fake, x);
const logitSlope = (real, fake, x) => (x - fake.mean) / fake.width ** 2 - (x - real.mean) / real.width ** 2;

// E h(X) for a Gaussian X, by the trapezoidal rule: for functions this smooth nearly all digits are right.
function expectation(distribution, h) {
  const step = 0.005;
  let sum = 0;
  for (let k = -1800; k <= 1800; k++) {
    sum += Math.exp((-k * k * step * step) / 2) * h(distribution.mean + distribution.width * k * step);
  }
  return (sum * step) / Math.sqrt(2 * Math.PI);
}

function jensenShannon(real, fake) {
  const ofReal = expectation(real, (x) => softplus(-logit(real, fake, x)));
  const ofFake = expectation(fake, (x) => softplus(logit(real, fake, x)));
  return Math.max(0, Math.log(2) - (ofReal + ofFake) / 2);
}

// W1 = E|m + s Z|, m and s being the differences of means and widths: equal quantiles lie so far apart.
function wasserstein(real, fake) {
  const m = Math.abs(real.mean - fake.mean),
    s = Math.abs(real.width - fake.width);
  if (s === 0) return m;
  return s * Math.sqrt(2 / Math.PI) * Math.exp(-((m / s) ** 2) / 2) + m * erf(m / (s * Math.SQRT2));
}

// The slope of the best critic, and the point at which it changes (infinite where it does not).
const crossing = (real, fake) =>
  real.width === fake.width ? Infinity : (fake.mean * real.width - real.mean * fake.width) / (real.width - fake.width);
const criticSlope = (real, fake, x) => Math.sign((x - fake.mean) / fake.width - (x - real.mean) / real.width);

// The critic itself, 0 at 0: two straight pieces that meet at the crossing.
function critic(real, fake, x) {
  const bend = crossing(real, fake);
  if (!Number.isFinite(bend)) return criticSlope(real, fake, x) * x;
  const height = (at) => (real.width > fake.width ? 1 : -1) * Math.abs(at - bend);
  return height(x) - height(0);
}

// Where a generator's step moves its sample x: down each generator's loss.
function pushes(real, fake, x) {
  const D = sigmoid(logit(real, fake, x)),
    slope = logitSlope(real, fake, x);
  return { minimax: D * slope, "non-saturating": (1 - D) * slope, critic: criticSlope(real, fake, x) };
}

begin("optimal_critic", (lab) => {
  const KINDS = { minimax: "minimax", "non-saturating": "non-saturating", critic: "critic" };
  const DASH = { minimax: "7 3", "non-saturating": "2 3" };
  const x = [-5, 5],
    names = [
      { name: "real", colour: "real" },
      { name: "generated", colour: "generated", dash: "7 3" },
    ];
  const distributions = new Chart(lab, "Densities", {
    description: "The real and the generated density. Drag one to move it, or the sample; the sliders do the same.",
    x,
    y: [0, 1],
    xLabel: "x",
    legend: names,
  });
  const judge = new Chart(lab, "Best discriminator D*", {
    description: "D star, the probability that a point is real, over x.",
    x,
    y: [0, 1.05],
    xLabel: "x",
    legend: [{ name: "D*(x)", colour: "ink" }],
  });
  const best = new Chart(lab, "Best critic f*", {
    description: "The Kantorovich potential over x: straight pieces of slope 1 and minus 1.",
    x,
    y: [-5, 5],
    xLabel: "x",
    legend: [{ name: "f*(x), 0 at 0", colour: "critic" }],
  });
  const push = new Chart(lab, "What moves a generated sample at x", {
    description: "The push on a generated sample under the minimax loss, the non-saturating loss and the critic.",
    x,
    y: [-4, 4],
    xLabel: "x",
    legend: Object.entries(KINDS).map(([name, colour]) => ({ name, colour, dash: DASH[name] })),
  });
  lab.leadByOne();
  const place = { min: -4, max: 4, step: 0.05 },
    size = { min: 0.2, max: 2, step: 0.05 };
  const realMean = lab.slider("real-mean", "real: mean", { ...place, value: -1.5, changed: tell });
  const realWidth = lab.slider("real-width", "real: width", { ...size, value: 0.6, changed: tell });
  const fakeMean = lab.slider("fake-mean", "generated: mean", { ...place, value: 1.5, changed: tell });
  const fakeWidth = lab.slider("fake-width", "generated: width", { ...size, value: 0.6, changed: tell });
  const sample = lab.slider("sample", "a generated sample x", { ...place, value: 1.5, changed: tell });
  const show = {
    JS: lab.readout("JS", "JS, at most log 2 = 0.693"),
    W1: lab.readout("W1", "W₁"),
    V: lab.readout("V", "V(D*), 2 JS − 2 log 2"),
    D: lab.readout("D", "D* at the sample"),
    minimax: lab.readout("push-minimax", "push, minimax"),
    "non-saturating": lab.readout("push-non-saturating", "push, non-saturating"),
    critic: lab.readout("push-critic", "push, critic"),
  };
  const handles = { real: realMean, fake: fakeMean, sample };
  distributions.draggable(
    (at) => Object.keys(handles).reduce((near, name) => (away(name, at) < away(near, at) ? name : near)),
    moveTo,
  );
  for (const chart of [judge, best, push]) chart.draggable(() => "sample", moveTo);

  // The sample lies on the axis, the densities stand above it.
  function away(name, { x: across, y }) {
    const low = y < 0.12 * distributions.y[1];
    return Math.abs(across - handles[name].value) + ((name === "sample") === low ? 0 : 3);
  }

  function moveTo(name, at) {
    handles[name].value = clamp(at.x, -4, 4);
    tell();
  }

  const both = () => [
    { mean: realMean.value, width: realWidth.value },
    { mean: fakeMean.value, width: fakeWidth.value },
  ];

  function tell() {
    redraw();
    const [real, fake] = both(),
      found = pushes(real, fake, sample.value),
      js = jensenShannon(real, fake);
    if (wasserstein(real, fake) === 0) {
      return lab.say("The distributions are equal: D* is 1/2 everywhere, and nothing pushes.");
    }
    if (Math.abs(found.minimax) < 1e-3) {
      const silent = js > 0.69 ? "and JS is all but log 2; " : "";
      const felt = `this sample feels nothing (${shown(found.minimax, 6)})`;
      return lab.say(`Under the minimax loss ${felt}, ${silent}the critic pushes it by ${shown(found.critic, 0)}.`);
    }
    lab.say(
      Math.sign(found.critic) === Math.sign(found["non-saturating"])
        ? "All three push the sample the same way."
        : "Here the two push the sample in opposite directions: D* follows densities, the critic the mass to be moved.",
    );
  }

  function redraw() {
    const [real, fake] = both(),
      js = jensenShannon(real, fake),
      at = sample.value;
    show.JS(js, shown(js, 4));
    show.W1(wasserstein(real, fake), shown(wasserstein(real, fake), 4));
    show.V(2 * js - 2 * Math.log(2), shown(2 * js - 2 * Math.log(2), 4));
    show.D(sigmoid(logit(real, fake, at)), shown(sigmoid(logit(real, fake, at)), 4));
    for (const [name, value] of Object.entries(pushes(real, fake, at))) show[name](value, shown(value, 4));
    drawCurves(real, fake, at);
  }

  function drawCurves(real, fake, at) {
    const xs = grid(-5, 5, 250),
      over = (h) => xs.map((where) => [where, h(where)]);
    distributions.begin({ y: [0, 1.12 * Math.max(density(real, real.mean), density(fake, fake.mean))] });
    for (const [distribution, colour, dash] of [
      [real, "real"],
      [fake, "generated", "7 3"],
    ]) {
      distributions.area(
        over((where) => density(distribution, where)),
        colour,
      );
      distributions.line(
        over((where) => density(distribution, where)),
        colour,
        { dash },
      );
    }
    distributions.dot(at, 0, "ink", { radius: 6 });
    judge.begin().line(
      over((where) => sigmoid(logit(real, fake, where))),
      "ink",
    );
    judge.dot(at, sigmoid(logit(real, fake, at)), "ink");
    const heights = over((where) => critic(real, fake, where)),
      values = heights.map(([, value]) => value);
    best.begin({ y: [Math.min(-1, ...values) - 0.5, Math.max(1, ...values) + 0.5] }).line(heights, "critic");
    best.dot(at, critic(real, fake, at), "critic");
    push.begin();
    for (const chart of [judge, best, push]) chart.upright(at);
    for (const [name, colour] of Object.entries(KINDS)) {
      push.line(
        over((where) => pushes(real, fake, where)[name]),
        colour,
        { dash: DASH[name] },
      );
      const value = pushes(real, fake, at)[name];
      if (Math.abs(value) <= 4) push.dot(at, value, colour);
    }
  }

  tell();
  lab.start(redraw);
});

// A discriminator that wins: real samples from N(0, s), generated ones from N(theta, s), and D between them.
//
// The logit is a(x) = -k (x - theta/2), as lesson 5 has it; for k = theta/s^2 this is D*. Gradient steps on V change
// only k: a shift of the middle would, by symmetry, have the gradient 0. A generator that moves its samples,
// G(z) = theta + s z, gets from log(1 - D) the gradient k E D, and from -log D the gradient k E (1 - D).

const RATE = 1,
  MOST_STEPS = 1e4;

// E h(Z) for a standard Gaussian Z, by the trapezoidal rule from `low` to 10.
function expectation(h, low, step) {
  let sum = 0;
  for (let z = low; z <= 10; z += step) sum += Math.exp((-z * z) / 2) * h(z);
  return (sum * step) / Math.sqrt(2 * Math.PI);
}

// What D is worth, V, and what the generator gets. A generated sample has the logit -k (theta/2 + s z), a real one the
// opposite. The means of tiny numbers are right, too: the rule reaches the place where they come from, near the middle.
function measures(k, theta, width) {
  const low = -10 - theta / width / 2,
    step = Math.min(0.1, 1 / (Math.abs(k) * width + 1e-9)),
    mean = (h) => expectation((z) => h(-k * (theta / 2 + width * z)), low, step);
  return { V: -2 * mean(softplus), dying: k * mean(sigmoid), living: k * mean((a) => sigmoid(-a)) };
}

// The slopes of log(1 - D) and -log D at a sample with logit a: -D a' and -(1 - D) a', where a' = -k.
const slopes = (k, a) => ({ dying: k * sigmoid(a), living: k * sigmoid(-a) });

// k after 0, 1, ..., 10^4 gradient steps on V from k = 0, where D is 1/2 everywhere.
function training(theta, width, steps = MOST_STEPS) {
  const path = new Float64Array(steps + 1),
    z = grid(-7, 7, 56),
    weight = z.map((at) => (0.5 * Math.exp((-at * at) / 2)) / Math.sqrt(2 * Math.PI)), // twice, for both kinds
    away = z.map((at) => theta / 2 + width * at);
  if (theta === 0) return path; // nothing to learn, but for rounding
  for (let t = 0; t < steps; t++) {
    let slope = 0;
    for (let i = 0; i < z.length; i++) slope += weight[i] * away[i] * sigmoid(-path[t] * away[i]);
    path[t + 1] = path[t] + RATE * slope;
  }
  return path;
}

begin("winning_discriminator", (lab) => {
  const COLOUR = { dying: "minimax", living: "non-saturating" },
    DASH = { dying: "7 3", living: "2 3" },
    NAMES = { dying: "log(1 − D)", living: "−log D" },
    LOSS = { dying: (a) => -softplus(a), living: (a) => softplus(-a) };
  const x = [-2, 4],
    losses = Object.keys(NAMES).map((kind) => ({ name: NAMES[kind], colour: COLOUR[kind], dash: DASH[kind] }));
  const judge = new Chart(lab, "Discriminator D", {
    description: "The densities of real and generated samples, not to scale, and D over x. Drag to move the generated.",
    height: 180,
    x,
    y: [0, 1.05],
    legend: [
      { name: "real", colour: "real", mark: "band" },
      { name: "generated", colour: "generated", mark: "band" },
      { name: "D(x)", colour: "ink" },
    ],
  });
  const gradients = new Chart(lab, "Gradient that the generator gets", {
    description: "The size of the gradient in theta of both losses, with a mark at the present discriminator.",
    height: 190,
    y: [-4, 2],
    yLabel: "log₁₀ of the size",
    legend: losses,
  });
  lab.underControls();
  const loss = new Chart(lab, "What a generated sample loses", {
    description: "log(1 - D) and -log D over x, with a mark and a tangent at one generated sample. Drag the sample.",
    height: 180,
    wide: true,
    x,
    legend: losses,
  });
  lab.controls.classList.add("compact");
  const theta = lab.slider("theta", "θ, generated", {
    min: 0,
    max: 3,
    step: 0.01,
    value: lab.settings.theta,
    changed: tell,
  });
  const width = lab.slider("width", "s, both widths", {
    min: 0.1,
    max: 1,
    step: 0.01,
    value: 0.2,
    changed: tell,
  });
  const kind = lab.choice(
    "kind",
    "D is",
    [
      ["trained", "trained"],
      ["optimal", "optimal"],
    ],
    tell,
  );
  const steps = lab.slider("steps", "steps of D", {
    min: 0,
    max: 4,
    step: 0.02,
    value: 1,
    format: (v) => shown(Math.round(10 ** v), 0),
    changed: tell,
  });
  const sure = lab.slider("sure", "logit of D* times c", {
    min: -1,
    max: 0.6,
    step: 0.01,
    value: 0,
    format: (v) => shown(10 ** v, 2),
    changed: tell,
  });
  const place = lab.slider("sample", "z of a sample", {
    min: -3,
    max: 3,
    step: 0.05,
    value: 0,
    changed: tell,
  });
  const [button] = lab.buttons(["play", "Let D win", () => {}, "main"]);
  lab.readouts.style.gridTemplateColumns = "1fr 1fr"; // each number of log(1 − D) beside that of −log D
  const show = {
    k: lab.readout("k", "k, how steep its logit is"),
    V: lab.readout("V", "V, at most 0"),
    dyingSlope: lab.readout("slope-dying", "slope of log(1 − D) there"),
    livingSlope: lab.readout("slope-living", "slope of −log D there"),
    dying: lab.readout("dying", "gradient, log(1 − D)"),
    living: lab.readout("living", "gradient, −log D"),
    D: lab.readout("D", "D at the sample"),
  };
  judge.draggable(
    () => "q",
    (_, at) => {
      theta.value = clamp(at.x, 0, 3);
      tell();
    },
  );
  loss.draggable(
    () => "sample",
    (_, at) => {
      place.value = clamp((at.x - theta.value) / width.value, -3, 3);
      tell();
    },
  );
  const player = lab.player(
    button,
    () => {
      const { control, most } = moving();
      control.value = Math.min(control.value + 0.02, most);
      redraw();
      if (control.value < most) return true;
      lab.say(verdict());
      return false;
    },
    { names: ["Let D win", "Pause"] },
  );
  button.addEventListener("click", () => {
    const { control, most, least } = moving();
    if (player.playing && control.value >= most) control.value = least; // once more
  });
  lab.host.lab = { measures, slopes, training: (...given) => [...training(...given)] };

  // The slider that makes D better.
  const moving = () =>
    kind.value === "trained" ? { control: steps, least: 0, most: 4 } : { control: sure, least: -1, most: 0.6 };

  let known = {}; // for the present theta, width and kind of D: k at each place of its slider, and the curves

  function about() {
    const name = [theta.value, width.value, kind.value].join();
    if (known.name !== name) {
      const optimal = theta.value / width.value ** 2,
        path = kind.value === "trained" ? training(theta.value, width.value) : [],
        steepness = (at) => (kind.value === "trained" ? path[Math.round(10 ** at)] : optimal * 10 ** at),
        { least, most } = moving(),
        places = grid(least, most, 80).map((at) => (kind.value === "trained" ? Math.log10(Math.round(10 ** at)) : at)),
        curve = [...new Set(places)].map((at) => ({ at, ...measures(steepness(at), theta.value, width.value) }));
      known = { name, steepness, curve, peak: Math.max(...curve.map(({ dying }) => dying)) };
    }
    return known;
  }

  function tell() {
    if (player.playing) player.stop();
    const [used, unused] = kind.value === "trained" ? [steps, sure] : [sure, steps];
    if (unused.input.isConnected) unused.input.closest("label").replaceWith(used.input.closest("label"));
    redraw();
    lab.say(verdict());
  }

  function verdict() {
    const { steepness, peak } = about(),
      { dying, living } = measures(steepness(moving().control.value), theta.value, width.value);
    if (theta.value === 0) return "The distributions are equal: D can say nothing but ½, and no loss has a gradient.";
    const ratio = living / dying,
      times = ratio < 1e5 ? shown(ratio, ratio < 10 ? 1 : 0) : "more than 100000";
    if (kind.value === "optimal" && sure.value === 0) {
      const both = "the gradient of log(1 − D) is that of 2 JS, the gradient of −log D that of KL(q ‖ p) − 2 JS";
      return `This is D*: ${both}, ${times} times as large.`;
    }
    if (kind.value === "optimal") {
      const sureness = sure.value > 0 ? "surer than D*, surer than it has reason to be" : "less sure than D*";
      return `D is ${sureness}, and V is smaller. The gradient of −log D is ${times} times that of log(1 − D).`;
    }
    const larger = `that of −log D is ${times} times as large`;
    if (dying < 0.01 * peak) return `D has won: the gradient of log(1 − D) is all but gone, and ${larger}.`;
    if (dying < 0.5 * peak) return `D is winning: the gradient of log(1 − D) is dying, and ${larger}.`;
    if (ratio < 3) return "D is not sure yet which samples are generated: both losses push them, about equally hard.";
    return `D is getting better, but the gradient of log(1 − D) is not dying yet; ${larger}.`;
  }

  function redraw() {
    const { control, least, most } = moving(),
      { steepness, curve } = about(),
      k = steepness(control.value),
      sample = theta.value + width.value * place.value,
      logit = (at) => -k * (at - theta.value / 2),
      found = measures(k, theta.value, width.value),
      there = slopes(k, logit(sample));
    const size = (value) => shown(value, value < 0.1 ? 5 : 3);
    show.k(k, shown(k, 2));
    show.V(found.V, shown(found.V, 4));
    show.D(sigmoid(logit(sample)), shown(sigmoid(logit(sample)), 4));
    show.dyingSlope(there.dying, size(there.dying));
    show.livingSlope(there.living, size(there.living));
    show.dying(found.dying, size(found.dying));
    show.living(found.living, size(found.living));

    const xs = grid(...x, 300),
      bell = (middle) => xs.map((at) => [at, 0.9 * Math.exp(-(((at - middle) / width.value) ** 2) / 2)]);
    judge.begin();
    judge.area(bell(0), "real");
    judge.area(bell(theta.value), "generated");
    judge.line(
      xs.map((at) => [at, sigmoid(logit(at))]),
      "ink",
      { width: 2.5 },
    );
    judge.dot(sample, sigmoid(logit(sample)), "generated");

    const curves = Object.keys(NAMES).map((name) => [name, xs.map((at) => [at, LOSS[name](logit(at))])]),
      high = clamp(1.1 * LOSS.living(logit(theta.value + width.value)), 1.5, 12);
    loss.begin({ y: [-high, high] });
    for (const [name, curve] of curves) {
      loss.line(curve, COLOUR[name], { dash: DASH[name] });
      const value = LOSS[name](logit(sample)),
        ends = [-0.3, 0.3].map((step) => [sample + step, value + step * there[name]]);
      loss.line(ends, COLOUR[name], { width: 4 });
      if (Math.abs(value) <= high) loss.dot(sample, value, COLOUR[name]);
    }

    gradients.xLabel = kind.value === "trained" ? "log₁₀ of the steps of D" : "log₁₀ of c";
    gradients.begin({ x: [least, most] });
    gradients.upright(control.value);
    for (const name of Object.keys(NAMES)) {
      gradients.line(
        curve.map((values) => [values.at, Math.log10(values[name])]),
        COLOUR[name],
        { dash: DASH[name] },
      );
      const now = Math.log10(found[name]);
      if (now >= gradients.y[0] && now <= gradients.y[1]) gradients.dot(control.value, now, COLOUR[name]);
    }
  }

  sure.input.closest("label").remove();
  tell();
  lab.start(redraw);
});

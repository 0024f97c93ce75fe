// Clip or penalty: two small critics learn the same task on a line, one with its weights clipped, one with a penalty on
// its slopes, and the best critic stands beside them. All samples of p and q are used at every step, 64 of each.

const COUNT = 64,
  SPREAD = 0.4, // of a clump to both sides
  LAYERS = [1, 24, 24, 1],
  RANGE = [-5, 5],
  SIGHT = grid(...RANGE, 200);

// Two clumps, each of COUNT / 2 samples at equal distances.
const clumps = (middle, gap) =>
  Float64Array.from({ length: COUNT }, (_, k) => {
    const half = COUNT / 2,
      across = (2 * ((k % half) + 0.5)) / half - 1;
    return middle + (k < half ? -0.5 : 0.5) * gap + SPREAD * across;
  });

const sorted = (samples) => Float64Array.from(samples).sort();
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

// On a line the cheapest plan keeps the order.
function wasserstein(p, q) {
  const right = sorted(q);
  return mean(sorted(p).map((x, k) => Math.abs(x - right[k])));
}

// A best critic at all samples, in their order: it falls where p has more samples on the left, rises where q has, and
// is level where neither has.
function bestCritic(p, q) {
  const places = [...Array.from(p, (x) => [x, 1]), ...Array.from(q, (x) => [x, -1])].sort((a, b) => a[0] - b[0]),
    points = [];
  let height = 0,
    surplus = 0;
  places.forEach(([x, sign], k) => {
    if (k > 0) height -= Math.sign(surplus) * (x - places[k - 1][0]);
    surplus += sign;
    points.push([x, height]);
  });
  return points;
}

// Scores and slopes at many places.
function look(critic, places) {
  const pass = forward(critic, Float64Array.from(places), places.length),
    scores = Float64Array.from(pass.output);
  pass.space.g.fill(1);
  return { scores, slopes: Float64Array.from(backward(critic, pass, pass.space.g, null)) };
}

// What a critic says of p and q, and how steep it is: K is its largest slope between the outermost samples, over places
// in sight and between neighbouring samples. So estimate / K is never more than W1.
function judge(critic, p, q) {
  const estimate = mean(look(critic, p).scores) - mean(look(critic, q).scores),
    samples = sorted([...p, ...q]),
    { scores } = look(critic, samples),
    within = SIGHT.filter((x) => x >= samples[0] && x <= samples[samples.length - 1]);
  let K = Math.max(...look(critic, within).slopes.map(Math.abs));
  for (let k = 1; k < samples.length; k++) {
    const apart = samples[k] - samples[k - 1];
    if (apart > 1e-9) K = Math.max(K, Math.abs(scores[k] - scores[k - 1]) / apart);
  }
  return { estimate, K, scaled: K > 0 ? estimate / K : 0 };
}

class Contest {
  constructor(seed) {
    const random = randomSource(seed),
      first = perceptron(LAYERS, random),
      copy = first.map((layer) => ({ ...layer, W: layer.W.slice(), b: layer.b.slice() }));
    Object.assign(this, { random, steps: 0, history: [], critics: { clip: first, penalty: copy } }); // the same start
    this.optimizers = { clip: new Adam(first, RATE), penalty: new Adam(copy, RATE) };
  }

  step(p, q, { bound, weight, oneSided }) {
    const { clip: clipped, penalty: penalised } = this.critics;
    this.optimizers.clip.descend(criticLoss("wgan", clipped, p, q, null, COUNT).gradient);
    clip(clipped, bound);
    const between = Float64Array.from({ length: COUNT }, () => {
      const pick = (from) => from[Math.floor(this.random() * COUNT)],
        t = this.random();
      return t * pick(p) + (1 - t) * pick(q);
    });
    const { gradient } = criticLoss("wgan", penalised, p, q, null, COUNT);
    addPenalty(penalised, between, COUNT, gradient, { weight, oneSided });
    this.optimizers.penalty.descend(gradient);
    this.steps += 1;
  }
}

begin("clip_or_penalty", (lab) => {
  const COLOUR = { clip: "wgan", penalty: "wgan-gp" },
    DASH = { clip: "2 3" },
    NAMES = { clip: "clipped", penalty: "with penalty" },
    KINDS = Object.keys(NAMES);
  const both = KINDS.map((kind) => ({ name: NAMES[kind], colour: COLOUR[kind], dash: DASH[kind] })),
    best = { name: "best", colour: "ink", dash: "7 3" };
  const values = new Chart(lab, "Critics, divided by their steepest slope", {
    description:
      "Both critics over x, each divided by its steepest slope and moved to the height of the best critic, which is " +
      "dashed; at the bottom the samples of p and q. Drag to move q.",
    height: 220,
    x: RANGE,
    legend: [
      { name: "p", colour: "real", mark: "disc" },
      { name: "q", colour: "generated", mark: "square" },
      best,
      ...both,
    ],
  });
  const slopes = new Chart(lab, "Their slopes, divided by the steepest", {
    description: "The slopes of the best critic, -1, 0 or 1, and of both critics divided by their steepest slope.",
    height: 220,
    x: RANGE,
    y: [-1.15, 1.15],
    legend: [best, ...both],
  });
  lab.underControls();
  const progress = new Chart(lab, "How much of W₁ each critic proves", {
    description: "The estimate divided by the steepest slope, as a share of W1, over the steps so far; 1 is the most.",
    height: 140,
    wide: true,
    y: [-0.2, 1.05],
    xLabel: "steps",
    legend: both,
  });
  lab.controls.classList.add("compact");
  const bound = lab.slider("bound", "clip at c =", {
    min: -2,
    max: 0,
    step: 0.05,
    value: -1,
    format: (v) => shown(10 ** v, 3),
    changed: settle,
  });
  const weight = lab.slider("weight", "penalty's λ =", {
    min: -1,
    max: 2,
    step: 0.05,
    value: 1,
    format: (v) => shown(10 ** v, 2),
    changed: settle,
  });
  const side = lab.choice(
    "side",
    "penalise slopes",
    [
      ["one", "above 1"],
      ["two", "unequal to 1"],
    ],
    settle,
  );
  const [button] = lab.buttons(
    ["play", "Train both", () => {}, "main"],
    ["step", "20 steps", () => advance(20)],
    ["again", "Again", reset],
  );
  let q = null,
    p = null;
  const data = {};
  lab.more("Move the data", () => {
    data.middle = lab.slider("middle", "middle of q", { min: -2, max: 2, step: 0.05, value: 0.5, changed: move });
    data.ofQ = lab.slider("gap-q", "between q's clumps", { min: 0, max: 5, step: 0.1, value: 1.4, changed: move });
    data.ofP = lab.slider("gap-p", "between p's clumps", { min: 0, max: 5, step: 0.1, value: 4, changed: move });
  });
  lab.readouts.style.gridTemplateColumns = "1fr 1fr"; // each of clipping beside that of the penalty
  const show = { W1: lab.readout("W1", "W₁, exact"), steps: lab.readout("steps", "steps") };
  for (const [name, words] of Object.entries({
    estimate: "E_p f − E_q f",
    K: "steepest slope K",
    scaled: "(E_p f − E_q f) / K",
  })) {
    for (const kind of KINDS) show[`${name}-${kind}`] = lab.readout(`${name}-${kind}`, `${NAMES[kind]}: ${words}`);
  }
  values.draggable(
    () => "q",
    (_, { x }) => {
      data.middle.value = clamp(x, -2, 2);
      move();
    },
  );
  const player = lab.player(
    button,
    () => {
      run(4);
      redraw();
      if (contest.steps % 4000 === 0) lab.say(verdict()); // a quarter of a minute: who listens wants to hear other things
      return true;
    },
    { names: ["Train both", "Pause"] },
  );
  button.addEventListener("click", () => player.playing || lab.say(verdict()));
  let contest = new Contest(lab.settings.seed);
  lab.host.lab = {
    clumps,
    wasserstein,
    bestCritic,
    judge,
    look,
    criticLoss,
    addPenalty,
    clip,
    data: () => ({ p: [...p], q: [...q] }),
    contest: () => contest,
    shares: (seed, steps, rules) => {
      const own = new Contest(seed);
      for (let k = 0; k < steps; k++) own.step(p, q, rules);
      return KINDS.map((kind) => judge(own.critics[kind], p, q).scaled / wasserstein(p, q));
    },
  };

  const rules = () => ({ bound: 10 ** bound.value, weight: 10 ** weight.value, oneSided: side.value === "one" });

  function run(steps) {
    for (let k = 0; k < steps; k++) contest.step(p, q, rules());
    note();
  }

  function note() {
    const W1 = wasserstein(p, q),
      share = Object.fromEntries(
        KINDS.map((kind) => [kind, W1 > 0 ? judge(contest.critics[kind], p, q).scaled / W1 : NaN]),
      );
    contest.history.push({ steps: contest.steps, ...share });
    if (contest.history.length > 300) contest.history = contest.history.filter((_, k) => k % 2 === 1);
  }

  function advance(steps) {
    run(steps);
    redraw();
    lab.say(verdict());
  }

  function reset() {
    player.stop();
    contest = new Contest(lab.settings.seed);
    note();
    redraw();
    lab.say("Both critics start from the same random weights. Train them, and change the rules or the data meanwhile.");
  }

  function settle() {
    lab.say("The training goes on by the new rules.");
  }

  function move() {
    p = clumps(0, data.ofP.value);
    q = clumps(data.middle.value, data.ofQ.value);
    redraw();
    if (contest.steps > 0 && !player.playing)
      lab.say("The data have moved. The critics are still those for the old data: train on.");
  }

  function verdict() {
    const W1 = wasserstein(p, q);
    if (W1 < 1e-9) return "p and q are equal: W₁ is 0, and there is nothing to prove.";
    const [clipped, penalised] = KINDS.map((kind) => judge(contest.critics[kind], p, q)),
      share = ({ scaled }) => `${shown((100 * scaled) / W1, 0)}%`;
    const steepness =
      clipped.K < 0.1
        ? `Clipped at this c it is nearly flat, ${shown(clipped.K, 4)} at its steepest: a generator would hardly move. `
        : clipped.K > 3
          ? `Clipped at this c it is ${shown(clipped.K, 1)} at its steepest: a generator would be thrown about. `
          : "";
    return `${steepness}After ${contest.steps} steps the clipped critic proves ${share(clipped)} of W₁, the one with the penalty ${share(penalised)}.`;
  }

  function redraw() {
    const W1 = wasserstein(p, q),
      points = bestCritic(p, q),
      level = mean(points.map(([, height]) => height)),
      ends = [[RANGE[0], points[0][1]], ...points, [RANGE[1], points[points.length - 1][1]]];
    show.W1(W1);
    show.steps(contest.steps, shown(contest.steps, 0));
    const curves = KINDS.map((kind) => {
      const critic = contest.critics[kind],
        found = judge(critic, p, q),
        seen = look(critic, SIGHT),
        middle = mean(look(critic, [...p, ...q]).scores),
        scale = found.K > 0 ? 1 / found.K : 0;
      for (const name of ["estimate", "K", "scaled"]) show[`${name}-${kind}`](found[name], shown(found[name], 4));
      return {
        kind,
        values: SIGHT.map((x, k) => [x, level + scale * (seen.scores[k] - middle)]),
        slopes: SIGHT.map((x, k) => [x, scale * seen.slopes[k]]),
      };
    });

    const heights = points.map(([, height]) => height),
      [low, high] = [Math.min(...heights) - 1.2, Math.max(...heights) + 0.8];
    values.begin({ y: [low, high] });
    slopes.begin();
    values.line(ends, "ink", { dash: "7 3", width: 1.5 });
    slopes.line(steps(points), "ink", { dash: "7 3", width: 1.5 });
    for (const { kind, values: own, slopes: their } of curves) {
      values.line(own, COLOUR[kind], { dash: DASH[kind], width: 2.5 });
      slopes.line(their, COLOUR[kind], { dash: DASH[kind] });
    }
    for (const x of p) values.dot(x, low + 0.55, "real", { radius: 2 });
    for (const x of q) square(x, low + 0.2);

    const last = Math.max(contest.steps, 100);
    progress.begin({ x: [0, last] });
    progress.line(
      [
        [0, 1],
        [last, 1],
      ],
      "ink",
      { dash: "7 3", width: 1 },
    );
    for (const kind of KINDS) {
      progress.line(
        contest.history.map((entry) => [entry.steps, entry[kind]]),
        COLOUR[kind],
        { dash: DASH[kind] },
      );
    }
  }

  // The slopes of the best critic as a line of steps.
  function steps(points) {
    const line = [
      [RANGE[0], 0],
      [points[0][0], 0],
    ];
    for (let k = 1; k < points.length; k++) {
      const apart = points[k][0] - points[k - 1][0];
      if (apart < 1e-9) continue;
      const slope = (points[k][1] - points[k - 1][1]) / apart;
      line.push([points[k - 1][0], slope], [points[k][0], slope]);
    }
    return [...line, [points[points.length - 1][0], 0], [RANGE[1], 0]];
  }

  function square(x, y) {
    const place = { x: (values.toX(x) - 2).toFixed(1), y: (values.toY(y) - 2).toFixed(1), width: 4, height: 4 };
    values.svg.append(draw("rect", { ...place, fill: inTheme("generated") }));
  }

  move();
  reset();
  lab.start(redraw);
});

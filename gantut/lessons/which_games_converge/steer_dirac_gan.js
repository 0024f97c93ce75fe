// The Dirac-GAN: data at 0, samples at theta, scores psi x. All derivatives are worked out by hand.

const GAMES = { minimax: "minimax", "non-saturating": "−log D", wgan: "Wasserstein" };
const PENALTIES = {
  none: "none",
  zero: "R₁ (here the same as R₂)",
  two: "WGAN-GP, slopes other than 1",
  one: "WGAN-LP, slopes above 1",
  clip: "clipping",
};

// The slopes of both players' losses in the score t of a generated sample.
const SLOPES = {
  minimax: { generator: (t) => -sigmoid(t), critic: sigmoid },
  "non-saturating": { generator: (t) => -sigmoid(-t), critic: sigmoid },
  wgan: { generator: () => -1, critic: () => 1 },
};

// The slope of a penalty in psi.
const FRICTION = {
  none: () => 0,
  zero: (psi, weight) => weight * psi,
  two: (psi, weight) => 2 * weight * (Math.abs(psi) - 1) * Math.sign(psi),
  one: (psi, weight) => 2 * weight * Math.max(Math.abs(psi) - 1, 0) * Math.sign(psi),
  clip: () => 0,
};

// Both gradients; noise is the toss of a coin, +-noise, on all samples, and its mean is taken.
function ofGenerator({ game, noise }, theta, psi) {
  const slope = SLOPES[game].generator;
  return (psi * (slope(psi * (theta - noise)) + slope(psi * (theta + noise)))) / 2;
}

function ofCritic({ game, penalty, weight, noise }, theta, psi) {
  const slope = SLOPES[game].critic;
  let sum = 0;
  for (const shift of [-noise, noise]) {
    sum += (theta + shift) * slope(psi * (theta + shift)) - shift * slope(-psi * shift);
  }
  return sum / 2 + FRICTION[penalty](psi, weight);
}

// One iteration: a step of the generator, and some of the critic, which sees where the generator went, or was.
function iteration(rules, [theta, psi]) {
  const moved = theta - rules.rateG * ofGenerator(rules, theta, psi),
    seen = rules.inTurns ? moved : theta;
  for (let k = 0; k < rules.criticSteps; k++) {
    psi -= rules.rateD * ofCritic(rules, seen, psi);
    if (rules.penalty === "clip") psi = clamp(psi, -rules.weight, rules.weight);
  }
  return [moved, psi];
}

function play(rules, start, iterations) {
  const walk = [start];
  for (let t = 0; t < iterations; t++) walk.push(iteration(rules, walk[t]));
  return walk;
}

// ---- Near the equilibrium

// The slope a of the losses at 0, and the friction, the second derivative of the critic's loss in psi.
function nearRest({ game, penalty, weight, noise }) {
  const a = game === "wgan" ? 1 : 0.5;
  return { a, friction: (penalty === "zero" ? weight : 0) + (game === "wgan" ? 0 : (noise * noise) / 2) };
}

// The matrix of an iteration, row by row; there is none where the penalty has a kink.
function matrix(rules) {
  if (rules.penalty === "two" && rules.weight > 0) return null;
  const { a, friction } = nearRest(rules),
    kept = 1 - rules.rateD * friction,
    push = -rules.rateD * a * times(rules.criticSteps, (k) => kept ** k).reduce((sum, term) => sum + term, 0),
    up = rules.rateG * a,
    rest = kept ** rules.criticSteps;
  return [1, up, push, rules.inTurns ? rest + push * up : rest];
}

function eigenvalues(rules) {
  const M = matrix(rules);
  if (!M) return null;
  const half = (M[0] + M[3]) / 2,
    inside = ((M[0] - M[3]) / 2) ** 2 + M[1] * M[2],
    root = Math.sqrt(Math.abs(inside));
  return [1, -1].map((sign) => (inside < 0 ? [half, sign * root] : [half + sign * root, 0]));
}

begin("steer_dirac_gan", (lab) => {
  const charts = new TwoPlayers(lab, {
    title: "The two players",
    description:
      "The path of the generator's theta and the critic's psi. Drag to move the start; two sliders do the same.",
    reach: 2.2,
    xLabel: "θ, where the samples are",
    yLabel: "ψ, the critic's slope",
    seen: [1e-16, 1e16], // of distances: below, there is nothing but rounding
  });
  const game = lab.choice("game", "game", Object.entries(GAMES), tell);
  const penalty = lab.choice("penalty", "on the critic", Object.entries(PENALTIES), tell);
  const weight = lab.slider("weight", "weight γ or λ, or bound c", {
    min: 0,
    max: 6,
    step: 0.05,
    value: 0.3,
    changed: tell,
  });
  const order = lab.choice("order", "the players move", [
    ["turns", "in turns"],
    ["once", "at once"],
  ], tell);
  const rate = { min: 0.01, max: 1, step: 0.01, value: 0.2, changed: tell };
  const rateG = lab.slider("rate-g", "rate α of the generator", rate);
  const rateD = lab.slider("rate-d", "rate β of the critic", rate);
  const whole = { step: 1, format: (v) => shown(v, 0) };
  const criticSteps = lab.slider("critic-steps", "critic steps", { min: 1, max: 10, value: 1, ...whole, changed: tell });
  const noise = lab.slider("noise", "noise s on all samples", { min: 0, max: 2, step: 0.05, value: 0, changed: tell });
  const iterations = lab.slider("iterations", "iterations", { min: 0, max: 1000, value: 300, ...whole });
  lab.more("Where it starts", () => {
    const place = { min: -2, max: 2, step: 0.05 };
    lab.begins = [
      lab.slider("theta", "θ at the start", { ...place, value: 1 }),
      lab.slider("psi", "ψ at the start", { ...place, value: 0 }),
    ];
  });
  const [startTheta, startPsi] = lab.begins;
  const [button] = lab.buttons(["play", "Play", () => {}, "main"]);
  const show = {
    eigenvalues: lab.readout("eigenvalues", "eigenvalues"),
    modulus: lab.readout("modulus", "largest modulus"),
    theta: lab.readout("end-theta", "θ at the end"),
    psi: lab.readout("end-psi", "ψ at the end"),
    radius: lab.readout("radius", "distance at the end"),
  };
  charts.path.draggable(
    () => "start",
    (_, at) => {
      startTheta.value = clamp(at.x, -2, 2);
      startPsi.value = clamp(at.y, -2, 2);
      lab.redraw();
    },
    { scroll: false },
  );
  lab.leads(button, { slider: iterations, step: 2 });
  lab.host.lab = { play, eigenvalues };

  const rules = () => ({
    game: game.value,
    penalty: penalty.value,
    weight: weight.value,
    inTurns: order.value === "turns",
    rateG: rateG.value,
    rateD: rateD.value,
    criticSteps: criticSteps.value,
    noise: noise.value,
  });

  function verdict() {
    const now = rules(),
      all = eigenvalues(now);
    if (!all)
      return "At ψ = 0 this penalty has a kink, and an iteration has no matrix there: see what the path does instead.";
    const largest = modulus(all),
      factor = shown(largest, 4),
      { friction } = nearRest(now),
      alone = friction === 0 && now.game === "non-saturating";
    const bound = ["one", "clip"].includes(now.penalty) ? " Near ψ = 0 the bound on the critic does nothing." : "";
    if (Math.abs(largest - 1) < 1e-9)
      return (
        (alone
          ? "The largest modulus is 1, and does not decide: this loss leads inwards, ever more slowly."
          : "The largest modulus is 1: there is no friction, and the players go round.") + bound
      );
    if (largest > 1)
      return (
        (alone
          ? `The largest modulus is ${factor}, more than 1, near the equilibrium; farther out this loss pulls inwards.`
          : `The largest modulus is ${factor}, more than 1: near the equilibrium, iterations lead away from it.`) + bound
      );
    return `Friction ${shown(friction, 3)}. The largest modulus is ${factor}, less than 1: near the equilibrium, each iteration leads towards it.`;
  }

  function tell() {
    redraw();
    lab.say(verdict());
  }

  function redraw() {
    weight.input.disabled = penalty.value === "none";
    const walk = play(rules(), [startTheta.value, startPsi.value], iterations.value);
    const all = eigenvalues(rules()),
      far = walk.map((z) => Math.hypot(...z)),
      [theta, psi] = walk[walk.length - 1];
    show.eigenvalues(JSON.stringify(all), all ? inWords(all) : "none");
    show.modulus(all ? modulus(all) : NaN);
    show.theta(theta);
    show.psi(psi);
    show.radius(far[far.length - 1]);
    charts.drawPath(walk, { width: 1.5 });
    charts.drawEigenvalues(all ?? [], "there are none: the penalty has a kink");
    charts.drawDistance(far);
  }

  tell();
  lab.start(redraw);
});

// The xy game: x lowers f(x, y) = xy, y lowers -xy. Each method is linear, so its eigenvalues say everything.

const METHODS = {
  simultaneous: "simultaneous",
  alternating: "alternating, x first",
  extragradient: "extragradient",
  optimistic: "optimistic",
  consensus: "consensus",
};

// Each player's own gradient: (df/dx, dg/dy) = (y, -x).
const field = ([x, y]) => [y, -x];

// One iteration: a state is {z, before}, `before` being the previous field, which only one method remembers.
function round(method, { z, before }, rate, gamma) {
  const [x, y] = z,
    v = field(z);
  const along = (direction) => ({ z: [x - rate * direction[0], y - rate * direction[1]], before: v });
  if (method === "simultaneous") return along(v);
  if (method === "alternating") {
    const moved = x - rate * y;
    return { z: [moved, y + rate * moved], before: v };
  }
  if (method === "extragradient") return along(field(along(v).z));
  if (method === "optimistic") return along([2 * v[0] - (before ?? v)[0], 2 * v[1] - (before ?? v)[1]]);
  return along([v[0] + gamma * x, v[1] + gamma * y]); // half the squared length of the field is (x^2 + y^2) / 2
}

function play(method, start, rate, gamma, rounds) {
  const states = [{ z: start }];
  for (let t = 0; t < rounds; t++) states.push(round(method, states[t], rate, gamma));
  return states.map((state) => state.z);
}

// ---- Eigenvalues of an iteration, as pairs [real, imaginary]

// The roots of a monic quadratic with complex coefficients, m^2 + b m + c.
function roots(b, c) {
  const inside = [b[0] * b[0] - b[1] * b[1] - 4 * c[0], 2 * b[0] * b[1] - 4 * c[1]];
  const size = Math.hypot(...inside),
    real = Math.sqrt(Math.max(0, (size + inside[0]) / 2));
  const root = [real, Math.sign(inside[1] || 1) * Math.sqrt(Math.max(0, (size - inside[0]) / 2))];
  return [1, -1].map((sign) => [(-b[0] + sign * root[0]) / 2, (-b[1] + sign * root[1]) / 2]);
}

// Without memory an iteration is a real matrix: its columns are the images of (1, 0) and (0, 1). For the optimistic one
// an eigenvalue a of the field, i or -i, gives the two roots of m^2 - (1 - 2 rate a) m - rate a.
function eigenvalues(method, rate, gamma) {
  if (method === "optimistic") {
    return [1, -1].flatMap((a) => roots([-1, 2 * rate * a], [0, -rate * a]));
  }
  const [[a, c], [b, d]] = [
    [1, 0],
    [0, 1],
  ].map((z) => round(method, { z }, rate, gamma).z);
  return roots([-(a + d), 0], [a * d - b * c, 0]);
}

begin("xy_game", (lab) => {
  const charts = new TwoPlayers(lab, {
    title: "The players",
    description: "The path of x and y from the start. Drag to move the start; two sliders do the same.",
    reach: 2,
    xLabel: "x",
    yLabel: "y",
  });
  const method = lab.choice("method", "method", Object.entries(METHODS), tell);
  const rate = lab.slider("rate", "learning rate η", { min: 0.02, max: 1.5, step: 0.01, value: 0.1, changed: tell });
  const gamma = lab.slider("gamma", "γ, of consensus", { min: 0.1, max: 2, step: 0.05, value: 1, changed: tell });
  const rounds = lab.slider("rounds", "iterations", {
    min: 0,
    max: 300,
    step: 1,
    value: 100,
    format: (v) => shown(v, 0),
  });
  const startX = lab.slider("x", "x at the start", { min: -1.5, max: 1.5, step: 0.05, value: 1 });
  const startY = lab.slider("y", "y at the start", { min: -1.5, max: 1.5, step: 0.05, value: 1 });
  const [button] = lab.buttons(["play", "Play", () => {}, "main"]);
  const show = {
    eigenvalues: lab.readout("eigenvalues", "eigenvalues"),
    spectral: lab.readout("spectral", "largest modulus"),
    x: lab.readout("end-x", "x at the end"),
    y: lab.readout("end-y", "y at the end"),
    ratio: lab.readout("ratio", "distance, end / start"),
  };
  charts.path.draggable(
    () => "start",
    (_, at) => {
      startX.value = clamp(at.x, -1.5, 1.5);
      startY.value = clamp(at.y, -1.5, 1.5);
      redraw();
    },
    { scroll: false },
  );
  lab.leads(button, { slider: rounds });

  const allEigenvalues = () => eigenvalues(method.value, rate.value, gamma.value);

  function tell() {
    redraw();
    const largest = modulus(allEigenvalues()),
      factor = shown(largest, 4);
    if (Math.abs(largest - 1) < 1e-9)
      return lab.say("The largest modulus is 1: the players go round and round, and neither leave nor arrive.");
    lab.say(
      largest > 1
        ? `The largest modulus is ${factor}, more than 1: in the long run each iteration leads further out.`
        : `The largest modulus is ${factor}, less than 1: the players approach the equilibrium.`,
    );
  }

  function redraw() {
    gamma.input.disabled = method.value !== "consensus";
    const walk = play(method.value, [startX.value, startY.value], rate.value, gamma.value, rounds.value);
    const [x, y] = walk[walk.length - 1],
      all = allEigenvalues();
    const far = walk.map((z) => Math.hypot(...z));
    show.eigenvalues(JSON.stringify(all), inWords(all));
    show.spectral(modulus(all), shown(modulus(all), 4));
    show.x(x);
    show.y(y);
    show.ratio(far[0] ? far[far.length - 1] / far[0] : NaN);
    charts.drawPath(walk, { under: arrows });
    if (walk.length < 60) for (const z of walk.slice(1, -1)) stop(z);
    charts.drawEigenvalues(all);
    charts.drawDistance(far);
  }

  function stop(z) {
    if (Math.max(...z.map(Math.abs)) < 2) charts.path.dot(...z, "real", { radius: 2 });
  }

  function arrows() {
    for (let x = -1.75; x < 2; x += 0.5) {
      for (let y = -1.75; y < 2; y += 0.5) arrow([x, y]);
    }
  }

  // Where both gradients together push: against the field.
  function arrow([x, y]) {
    const [vx, vy] = field([x, y]),
      to = [x - 0.12 * vx, y - 0.12 * vy];
    charts.path.line([[x, y], to], "soft", { width: 1, opacity: 0.55 });
    const place = { cx: charts.path.toX(to[0]).toFixed(1), cy: charts.path.toY(to[1]).toFixed(1), r: 1.6 };
    charts.path.inside.append(draw("circle", { ...place, fill: "var(--soft)", opacity: 0.55 }));
  }

  tell();
  lab.start(redraw);
});

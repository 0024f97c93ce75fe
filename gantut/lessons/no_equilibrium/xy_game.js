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
  const path = new Chart(lab, "The players", {
    description: "The path of x and y from the start. Drag to move the start; two sliders do the same.",
    height: 290,
    x: [-2, 2],
    y: [-2, 2],
    xLabel: "x",
    yLabel: "y",
    equal: true,
  });
  const circle = new Chart(lab, "Eigenvalues of an iteration", {
    description: "The eigenvalues of one iteration in the complex plane, with the unit circle.",
    height: 290,
    x: [-1.6, 1.6],
    y: [-1.6, 1.6],
    xLabel: "real part",
    yLabel: "imaginary part",
    equal: true,
  });
  const radius = new Chart(lab, "Distance from the equilibrium", {
    description: "The distance from (0, 0) after each iteration, on a logarithmic scale.",
    height: 170,
    wide: true,
    xLabel: "iteration",
    yLabel: "log₁₀ distance",
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
  path.draggable(
    () => "start",
    (_, at) => {
      startX.value = clamp(at.x, -1.5, 1.5);
      startY.value = clamp(at.y, -1.5, 1.5);
      redraw();
    },
    { scroll: false },
  );
  const player = lab.player(
    button,
    () => {
      rounds.value += 1;
      redraw();
      return rounds.value < 300;
    },
    { every: 40 },
  );
  button.addEventListener("click", () => {
    if (player.playing && rounds.value >= 300) rounds.value = 0;
  });

  const modulus = () => Math.max(...eigenvalues(method.value, rate.value, gamma.value).map((m) => Math.hypot(...m)));

  function tell() {
    redraw();
    const largest = modulus(),
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
    const ends = walk[walk.length - 1],
      all = eigenvalues(method.value, rate.value, gamma.value);
    const far = walk.map((z) => Math.hypot(...z));
    show.eigenvalues(JSON.stringify(all), all.map(inWords).join(", "));
    show.spectral(modulus(), shown(modulus(), 4));
    show.x(ends[0]);
    show.y(ends[1]);
    show.ratio(far[0] ? far[far.length - 1] / far[0] : NaN);
    drawPath(walk);
    drawEigenvalues(all);
    drawRadius(far);
  }

  function inWords([real, imaginary]) {
    const size = Math.abs(imaginary);
    return size < 5e-4 ? shown(real) : `${shown(real)} ${imaginary < 0 ? "−" : "+"} ${shown(size)}i`;
  }

  function drawPath(walk) {
    path.begin();
    for (let x = -1.75; x < 2; x += 0.5) {
      for (let y = -1.75; y < 2; y += 0.5) arrow([x, y]);
    }
    path.line(walk, "real");
    if (walk.length < 60)
      for (const z of walk) if (Math.max(...z.map(Math.abs)) < 2) path.dot(...z, "real", { radius: 2 });
    path.dot(0, 0, "ink", { radius: 3.5 });
    path.dot(...walk[0], "third", { radius: 6 });
    const last = walk[walk.length - 1];
    if (Math.max(...last.map(Math.abs)) < 2) path.dot(...last, "generated", { radius: 5 });
  }

  // Where both gradients together push: against the field.
  function arrow([x, y]) {
    const [vx, vy] = field([x, y]),
      to = [x - 0.12 * vx, y - 0.12 * vy];
    path.line([[x, y], to], "soft", { width: 1, opacity: 0.55 });
    const [px, py] = [path.toX(to[0]), path.toY(to[1])];
    path.inside.append(
      draw("circle", { cx: px.toFixed(1), cy: py.toFixed(1), r: 1.6, fill: "var(--soft)", opacity: 0.55 }),
    );
  }

  function drawEigenvalues(all) {
    circle.begin();
    circle.line(
      times(121, (k) => [Math.cos((k * Math.PI) / 60), Math.sin((k * Math.PI) / 60)]),
      "ink",
      { dash: "5 3" },
    );
    for (const [real, imaginary] of all) {
      const inside = Math.abs(real) < 1.6 && Math.abs(imaginary) < 1.6;
      if (inside) circle.dot(real, imaginary, "generated", { radius: 5 });
    }
    if (all.some((m) => Math.max(...m.map(Math.abs)) >= 1.6)) circle.text(-1.55, 1.4, "some lie outside this picture");
  }

  function drawRadius(far) {
    const logs = far.map((distance) => Math.log10(Math.max(distance, 1e-300)));
    const low = Math.min(-1, ...logs),
      high = Math.max(1, ...logs);
    radius.begin({ x: [0, Math.max(far.length - 1, 10)], y: [low, high + 0.05 * (high - low)] });
    radius.line(
      logs.map((value, t) => [t, value]),
      "real",
    );
  }

  tell();
  lab.start(redraw);
});

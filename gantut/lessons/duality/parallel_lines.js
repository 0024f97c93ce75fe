// Parallel lines: P lives on {0} x [0, 1], Q on {theta} x [0, 1], perhaps both blurred by Gaussian noise across.
//
// Without noise KL is infinite and JS is log 2 unless theta = 0, and W is |theta|. With noise of deviation s both
// distributions are Gaussians across the lines: KL = theta^2 / 2 s^2, JS is an integral, and W is |theta| as before.

// E h(Z) for a standard Gaussian Z, by the trapezoidal rule: for functions this smooth all digits are right.
function expectation(h) {
  const step = 0.01;
  let sum = 0;
  for (let k = -1000; k <= 1000; k++) sum += Math.exp((-k * k * step * step) / 2) * h(k * step);
  return (sum * step) / Math.sqrt(2 * Math.PI);
}

// JS of N(0, s^2) and N(theta, s^2) with t = theta / s: log 2 less the mean of log(1 + q/p) under p, twice by symmetry.
function jsBlurred(t) {
  return Math.log(2) - expectation((z) => softplus(t * z - (t * t) / 2));
}

// Its derivative in t.
function jsBlurredSlope(t) {
  return -expectation((z) => sigmoid(t * z - (t * t) / 2) * (z - t));
}

// Values and gradients in theta of the three; a gradient that does not exist is NaN.
function measures(theta, blur) {
  const W = { value: Math.abs(theta), slope: theta === 0 ? NaN : Math.sign(theta) };
  if (blur === 0) {
    const apart = theta !== 0;
    const KL = { value: apart ? Infinity : 0, slope: NaN };
    return { KL, JS: { value: apart ? Math.log(2) : 0, slope: apart ? 0 : NaN }, W };
  }
  const t = theta / blur;
  const KL = { value: (t * t) / 2, slope: t / blur };
  return { KL, JS: { value: jsBlurred(t), slope: jsBlurredSlope(t) / blur }, W };
}

begin("parallel_lines", (lab) => {
  const NAMES = ["KL", "JS", "W"],
    COLOUR = { KL: "kl", JS: "js", W: "wasserstein" },
    DASH = { KL: "2 3", JS: "7 3" };
  const legend = NAMES.map((name) => ({ name: name === "W" ? "W₁" : name, colour: COLOUR[name], dash: DASH[name] }));
  const plane = new Chart(lab, "The plane", {
    description: "Two upright segments of length 1, P at 0 and Q at theta. Drag to move Q; the slider does the same.",
    x: [-1.15, 1.15],
    y: [-0.05, 1.1],
    height: 150,
    wide: true,
  });
  const values = new Chart(lab, "Distance between P and Q", {
    description: "KL, JS and W1 as functions of theta, with a mark at the current theta.",
    x: [-1.15, 1.15],
    y: [0, 1.25],
    xLabel: "θ",
    legend,
  });
  const slopes = new Chart(lab, "Gradient in θ", {
    description: "The derivatives of KL, JS and W1 in theta, where they exist, with a mark at the current theta.",
    x: [-1.15, 1.15],
    y: [-2.2, 2.2],
    xLabel: "θ",
    legend,
  });
  let theta = lab.settings.theta;
  const slider = lab.slider("theta", "θ, where Q is", { min: -1, max: 1, step: 0.01, value: theta, changed: moveTo });
  const blur = lab.slider("blur", "σ, noise across the lines", {
    min: 0,
    max: 0.5,
    step: 0.01,
    value: 0,
    words: (v) => (v ? shown(v, 2) : "none"),
    changed: tell,
  });
  const which = lab.choice(
    "which",
    "Q follows the gradient of",
    [
      ["W", "W₁"],
      ["JS", "JS"],
      ["KL", "KL"],
    ],
    () => {},
  );
  const [step] = lab.buttons(["step", "One step of 0.1 × gradient", descend, "main"]);
  lab.readouts.style.gridTemplateColumns = "1fr 1fr"; // each number beside its gradient
  const show = Object.fromEntries(
    NAMES.flatMap((name) => {
      const printed = name === "W" ? "W₁" : name;
      return [
        [name, lab.readout(name, `${printed}(P, Q)`)],
        [`d${name}`, lab.readout(`d${name}`, `d ${printed} / dθ`)],
      ];
    }),
  );
  for (const chart of [plane, values, slopes]) {
    chart.draggable(
      () => "Q",
      (_, { x }) => {
        slider.value = clamp(x, -1, 1);
        moveTo(slider.value);
      },
    );
  }

  function moveTo(place) {
    theta = place;
    tell();
  }

  function descend() {
    const { slope } = measures(theta, blur.value)[which.value],
      before = theta;
    const name = which.selectedOptions[0].textContent;
    if (Number.isNaN(slope)) return lab.say(`Here ${name} has no gradient to follow.`);
    theta = clamp(before - 0.1 * slope, -1, 1);
    if (Math.abs(theta) < 1e-9) theta = 0; // ten steps of 0.1 back from 1 end at 1e-16, and mean 0
    slider.value = theta; // which shows two digits of it
    redraw();
    lab.say(
      theta === before
        ? `The gradient of ${name} is ${shown(slope)}: Q stays at ${shown(before)}.`
        : `The gradient of ${name} is ${shown(slope)}: Q moved from ${shown(before)} to ${shown(theta)}.`,
    );
  }

  function tell() {
    redraw();
    const apart = theta !== 0;
    if (blur.value > 0) {
      return lab.say(
        "With noise all three have gradients; but where σ is much smaller than θ, that of JS is nearly 0.",
      );
    }
    lab.say(
      apart
        ? "The lines are disjoint: KL is infinite and JS is log 2, wherever Q is. Only W₁ says which way to go."
        : "Now P = Q, and all three are 0. KL and JS jump here, W₁ has a kink: none of them has a derivative.",
    );
  }

  function redraw() {
    const found = measures(theta, blur.value);
    for (const name of NAMES) {
      show[name](found[name].value);
      show[`d${name}`](found[name].slope);
    }
    drawPlane();
    drawValues(found);
    drawSlopes(found);
  }

  function drawPlane() {
    plane.begin();
    for (const [place, name, colour] of [
      [0, "P", "real"],
      [theta, "Q", "generated"],
    ]) {
      for (const wide of blur.value ? [3, 2, 1] : []) {
        const reach = wide * blur.value,
          corner = [
            [place - reach, 0],
            [place - reach, 1],
            [place + reach, 1],
            [place + reach, 0],
          ];
        plane.area(corner, colour);
      }
      plane.line(
        [
          [place, 0],
          [place, 1],
        ],
        colour,
        { width: 4, dash: name === "Q" ? "9 3" : undefined },
      );
      plane.text(place, 1, name, { dx: name === "Q" ? 7 : -16, dy: 12 });
    }
  }

  function drawValues(found) {
    values.begin();
    const here = theta;
    if (blur.value === 0) {
      for (const [from, to] of [
        [-1.15, -0.012],
        [0.012, 1.15],
      ]) {
        values.line(
          [
            [from, Math.log(2)],
            [to, Math.log(2)],
          ],
          COLOUR.JS,
          { dash: DASH.JS },
        );
        values.line(
          [
            [from, 1.235],
            [to, 1.235],
          ],
          COLOUR.KL,
          { dash: DASH.KL },
        );
      }
      values.text(-1.12, 1.235, "∞", { dy: 14 });
      values.dot(0, Math.log(2), COLOUR.JS, { radius: 3.5, hollow: true });
      values.dot(0, 1.235, COLOUR.KL, { radius: 3.5, hollow: true });
    } else {
      const all = grid(-1.15, 1.15, 115);
      values.line(
        all.map((t) => [t, measures(t, blur.value).KL.value]),
        COLOUR.KL,
        { dash: DASH.KL },
      );
      values.line(
        all.map((t) => [t, measures(t, blur.value).JS.value]),
        COLOUR.JS,
        { dash: DASH.JS },
      );
    }
    values.line(
      [
        [-1.15, 1.15],
        [0, 0],
        [1.15, 1.15],
      ],
      COLOUR.W,
    );
    values.upright(here);
    for (const name of NAMES) values.dot(here, Math.min(found[name].value, 1.235), COLOUR[name]);
  }

  function drawSlopes(found) {
    slopes.begin();
    for (const [from, to] of [
      [-1.15, -0.012],
      [0.012, 1.15],
    ]) {
      const all = grid(from, to, 60);
      slopes.line(
        [
          [from, Math.sign(from + to)],
          [to, Math.sign(from + to)],
        ],
        COLOUR.W,
      );
      slopes.line(
        all.map((t) => [t, measures(t, blur.value).JS.slope]),
        COLOUR.JS,
        { dash: DASH.JS },
      );
      if (blur.value)
        slopes.line(
          all.map((t) => [t, measures(t, blur.value).KL.slope]),
          COLOUR.KL,
          { dash: DASH.KL },
        );
    }
    slopes.upright(theta);
    for (const name of NAMES) {
      const { slope } = found[name];
      if (Math.abs(slope) < 2.2) slopes.dot(theta, slope, COLOUR[name]);
    }
  }

  tell();
  lab.start(redraw);
});

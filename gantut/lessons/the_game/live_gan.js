// The GAN of gan.js, played in the page and steered while it plays: nothing but another seed or Reset begins it again.

const OBJECTIVES = {
  minimax: "minimax",
  "non-saturating": "non-saturating",
  wgan: "WGAN, clipped",
  "wgan-gp": "WGAN-GP, penalty",
};
const DATA = { ring: "eight clouds", three: "three clouds", one: "one cloud", drawn: "my own drawing" };
const around = (modes, radius) =>
  times(modes, (k) => [radius * Math.cos((2 * Math.PI * k) / modes), radius * Math.sin((2 * Math.PI * k) / modes)]);
const CENTRES = { ring: around(8, 2), three: around(3, 1.5), one: [[1, 0.5]] };
const CLOUD = 24, // points of a cloud that a reader places
  SLICE = 12, // milliseconds a picture, to play and to draw it, so that the page stays awake
  SIDE = 24, // of the table of the critic's scores
  LINES = 9; // of the generator's grid, each way

begin("live_gan", (lab) => {
  const plane = new Plane(lab, "Data and samples", {
    description:
      "Real points and generated ones over the critic's surface. " +
      "If you draw the data yourself, draw with the pointer, or use the sliders and the button below.",
    reach: REACH,
    legend: [
      { name: "real", colour: "real", mark: "disc" },
      { name: "generated", colour: "generated", mark: "square" },
    ],
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
  const objective = lab.choice("objective", "objective", Object.entries(OBJECTIVES), () => {
    criticSteps.value = CLASSIFIES[objective.value] ? 1 : 5;
    steer();
  });
  objective.value = lab.settings.objective;
  const data = lab.choice("data", "data", Object.entries(DATA), steer);
  const whole = { format: (v) => shown(v, 0) };
  const speed = lab.slider("speed", "speed", { min: 1, max: 20, step: 1, value: 4, ...whole });
  const show = lab.choice(
    "show",
    "show",
    Object.entries({ plain: "samples", pulls: "samples, gradients", grid: "samples, grid" }),
    () => redraw(),
  );
  lab.more("More to steer", () => {
    lab.steps = lab.slider("critic-steps", "critic steps per iteration", {
      min: 1,
      max: 10,
      step: 1,
      value: CLASSIFIES[objective.value] ? 1 : 5,
      ...whole,
      changed: steer,
    });
    // rates from 1e-4 to 1e-1, even in the logarithm
    const rate = { min: -4, max: -1, step: 0.1, value: Math.log10(RATE), format: (v) => (10 ** v).toPrecision(2) };
    lab.rates = {
      critic: lab.slider("critic-rate", "critic's learning rate", { ...rate, changed: steer }),
      generator: lab.slider("generator-rate", "generator's learning rate", { ...rate, changed: steer }),
    };
    lab.seed = lab.slider("seed", "seed", { min: 0, max: 20, step: 1, value: 0, ...whole, changed: reset });
    const place = { min: -2.5, max: 2.5, step: 0.1, value: 0, format: (v) => shown(v, 1), changed: () => {} };
    lab.cloud = [
      lab.slider("cloud-x", "your own cloud: x", place),
      lab.slider("cloud-y", "your own cloud: y", place),
    ];
    lab.buttons(["add", "Add the cloud", addCloud], ["wipe", "Erase my drawing", wipe]);
  });
  const { steps: criticSteps, rates, seed, cloud } = lab;
  lab.controls.classList.add("compact");
  const beside = make("div", {}, lab.controls, lab.controls.nextSibling); // of the picture
  lab.charts.append(beside);
  lab.underControls();
  const distance = new Chart(lab, "Exact W₁ of 64 samples to 64 of the data", {
    description:
      "The exact distance between generated and real points over the iterations, and the band in which two batches " +
      "of the data lie from each other.",
    height: 170,
    xLabel: "iteration",
    legend: [
      { name: "generated to real", colour: "generated" },
      { name: "real to real, 95 of 100", colour: "real", mark: "band" },
    ],
  });
  const losses = new Chart(lab, "Losses", {
    description: "The losses of critic and generator over the iterations.",
    height: 170,
    xLabel: "iteration",
    legend: [
      { name: "critic", colour: "critic" },
      { name: "generator", colour: "generated", dash: "7 3" },
    ],
  });
  const number = {
    round: lab.readout("round", "iteration"),
    modes: lab.readout("modes", "clouds covered"),
    w1: lab.readout("w1", "exact W₁"),
    band: lab.readout("band", "two batches of the data"),
    critic: lab.readout("critic", "critic's loss"),
    generator: lab.readout("generator", "generator's loss"),
  };
  beside.append(lab.readouts);
  let drawn = [],
    pen = false,
    drawing = 0, // milliseconds that the last picture took
    played = 0, // milliseconds of play since then
    game,
    realPoints;

  const player = lab.player(
    start,
    () => {
      // Where it is slow to draw, some pictures are only played and others only drawn, half of the time each.
      const slow = drawing > SLICE / 2;
      if (!slow || played < drawing) {
        playFor(slow ? SLICE : SLICE - drawing);
        if (slow) return true;
      }
      played = 0;
      const began = performance.now();
      redraw();
      drawing = performance.now() - began;
      return true;
    },
    { names: ["Start", "Pause"] },
  );
  start.addEventListener("click", () => {
    if (!player.playing) rest();
    report();
  });

  // ---- What is played

  // Some milliseconds, or as many rounds as the speed allows; what is left of a round is for the next picture.
  function playFor(milliseconds) {
    const began = performance.now();
    let rounds = 0;
    do rounds += game.step();
    while (rounds < speed.value && performance.now() < began + milliseconds);
    played += performance.now() - began;
  }

  function settings() {
    const own = data.value === "drawn";
    const centres = own ? (drawn.length ? drawn : [[0, 0]]) : CENTRES[data.value];
    return {
      objective: objective.value,
      criticSteps: criticSteps.value,
      data: { centres, scale: own ? 0.05 : 0.1 },
      rates: { critic: 10 ** rates.critic.value, generator: 10 ** rates.generator.value },
    };
  }

  function reset() {
    player.stop();
    game = new Game(settings(), seed.value + 1);
    lab.host.lab = { game, criticLoss, generatorLoss, exactDistance, modesCovered, Adam, clip };
    steer();
  }

  // A game rests after whole rounds, and all that is shown is of that round.
  function rest() {
    if (game.criticStepsMade > 0) game.play();
    redraw();
  }

  // Go on with the same players by other rules.
  function steer() {
    const wanted = settings();
    game.steer(wanted);
    realPoints = data.value === "drawn" ? drawn : toPairs(drawReal(wanted.data, 160, randomSource(54321)));
    redraw();
    report();
  }

  function report() {
    if (data.value === "drawn" && !drawn.length) {
      return lab.say("Nothing is drawn yet: draw on the picture, or place a cloud.");
    }
    const who = `${OBJECTIVES[objective.value]}; data: ${DATA[data.value]}`;
    if (player.playing) return lab.say(`Playing: ${who}. Change what you like: the game goes on.`);
    const { low, middle, high } = game.realAgainstReal();
    lab.say(
      `Iteration ${game.round}: ${who}. W₁ is ${shown(game.distance(), 2)}; two batches of the data are ` +
        `${shown(middle, 2)} apart (95 of 100: ${shown(low, 2)} to ${shown(high, 2)}): a perfect generator would look so.`,
    );
  }

  // ---- What is shown

  function toPairs(flat) {
    return times(flat.length / 2, (i) => [flat[2 * i], flat[2 * i + 1]]);
  }

  function redraw() {
    const draws = data.value === "drawn"; // only then is the picture for drawing, and not for scrolling past
    plane.canvas.style.touchAction = draws ? "none" : "auto";
    plane.canvas.style.cursor = draws ? "crosshair" : "default";
    drawPlane();
    if (!player.playing || game.round - (redraw.last ?? -99) >= 20 || game.round < redraw.last) drawCharts();
    number.round(game.round, String(game.round));
    number.critic(game.last?.critic ?? NaN);
    number.generator(game.last?.generator ?? NaN);
  }

  // Charts, clouds covered and exact distances, each twenty iterations: that is how often the game looks.
  function drawCharts() {
    redraw.last = game.round;
    const looks = game.history,
      x = [0, Math.max(game.round, 20)],
      band = pen ? null : game.realAgainstReal();
    const values = looks.flatMap((one) => [one.critic, one.generator]);
    const low = Math.min(0, ...values),
      high = Math.max(0.1, ...values),
      room = 0.05 * (high - low);
    losses.begin({ x, y: [low - room, high + room] });
    const along = (name) => looks.map((one) => [one.round, one[name]]);
    losses.line(along("critic"), "critic");
    losses.line(along("generator"), "generated", { dash: "7 3" });
    distance.begin({ x, y: [0, 1.05 * Math.max(0.5, band?.high ?? 0, ...looks.map((one) => one.w1))] });
    if (band) {
      const level = (y) => x.map((at) => [at, y]);
      distance.band(level(band.low), level(band.high), "real");
      number.band(band.middle, `${shown(band.low, 2)} to ${shown(band.high, 2)}`);
    }
    distance.line(along("w1"), "generated");
    number.w1(game.distance());
    const modes = data.value === "drawn" ? NaN : game.modes();
    number.modes(modes, modes >= 0 ? `${modes} of ${game.data.centres.length}` : undefined);
  }

  const places = Float64Array.from({ length: 2 * SIDE * SIDE }, (_, k) => {
    const cell = Math.floor(k / 2),
      along = k % 2 ? Math.floor(cell / SIDE) : cell % SIDE;
    return ((2 * (along + 0.5)) / SIDE - 1) * REACH;
  });

  // Lines of constant noise, first one number and then the other, from -2 to 2, with so many points each.
  const ALONG = 33;
  const mesh = Float64Array.from({ length: 4 * LINES * ALONG }, (_, k) => {
    const point = Math.floor(k / 2),
      line = Math.floor(point / ALONG),
      held = line < LINES ? 0 : 1;
    return k % 2 === held ? 4 * ((line % LINES) / (LINES - 1)) - 2 : 4 * ((point % ALONG) / (ALONG - 1)) - 2;
  });

  function drawPlane() {
    plane.begin(360);
    const heights = game.scores(places);
    const low = Math.min(...heights),
      span = Math.max(...heights) - low || 1;
    plane.heights(SIDE, (place) => (heights[place] - low) / span);
    if (show.value === "grid") {
      const points = toPairs(forward(game.generator, mesh, 2 * LINES * ALONG).output);
      for (let line = 0; line < 2 * LINES; line++) plane.path(points.slice(line * ALONG, (line + 1) * ALONG), "soft");
    }
    plane.dots(realPoints, "real", { radius: 2 });
    plane.dots(toPairs(game.samples()), "generated", { radius: 2, shape: "square" });
    if (show.value === "pulls") {
      const { places: from, down } = game.pulls();
      toPairs(from).forEach((start, i) => plane.arrow(start, [down[2 * i], down[2 * i + 1]], "ink"));
    }
    plane.end();
  }

  // ---- Drawing data

  function addCloud() {
    const noise = gaussians(2 * CLOUD, randomSource(drawn.length + 7)),
      [x, y] = cloud.map((slider) => slider.value);
    for (let k = 0; k < CLOUD; k++) drawn.push([x + 0.15 * noise[2 * k], y + 0.15 * noise[2 * k + 1]]);
    useDrawn();
  }

  function wipe() {
    drawn = [];
    useDrawn();
  }

  function useDrawn() {
    data.value = "drawn";
    steer();
  }

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
      const drew = pen;
      pen = false;
      if (drew) useDrawn();
    });
  }

  reset();
  lab.start(redraw);
});

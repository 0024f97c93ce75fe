// The GAN of gan.js, steered while it plays: nothing but another seed or Reset begins it again.
//
// While it plays, the game is in a worker and the page only draws; at rest it is in the page. It goes to and fro as plain
// data, and the same functions play it and prepare its pictures in both: where no worker can be made, the page plays.

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
const NOTHING = [[0, 0]]; // what is learnt before a reader has drawn
const CLOUD = 24, // points of a cloud that a reader places
  SLICE = 12, // milliseconds a picture, to play and to draw it, so that the page stays awake
  SIDE = 24, // of the table of the critic's scores
  LINES = 9, // of the generator's grid, each way,
  ALONG = 33, // with so many points each
  PULLED = 48, // samples with an arrow
  CHARTED = 20; // iterations between two looks of a game at itself, and so between two pictures of the charts

// ---- Playing, in the page or in a worker

// Some milliseconds, or so many rounds; what is left of a round is for the next picture.
function playFor(game, rounds, milliseconds) {
  const began = performance.now();
  let played = 0;
  do played += game.step();
  while (played < rounds && performance.now() < began + milliseconds);
}

// A game rests after whole rounds.
function finishRound(game) {
  if (game.criticStepsMade > 0) game.play();
}

const places = Float64Array.from({ length: 2 * SIDE * SIDE }, (_, k) => {
  const cell = Math.floor(k / 2),
    along = k % 2 ? Math.floor(cell / SIDE) : cell % SIDE;
  return ((2 * (along + 0.5)) / SIDE - 1) * REACH;
});

// Lines of constant noise, first one number and then the other, from -2 to 2.
const mesh = Float64Array.from({ length: 4 * LINES * ALONG }, (_, k) => {
  const point = Math.floor(k / 2),
    line = Math.floor(point / ALONG),
    held = line < LINES ? 0 : 1;
  return k % 2 === held ? 4 * ((line % LINES) / (LINES - 1)) - 2 : 4 * ((point % ALONG) / (ALONG - 1)) - 2;
});

// What a picture is drawn from. Its arrays are made once and then handed over, not copied: to the worker, which fills
// them, and back. Single precision is enough for the eye; the game itself has double.
const emptyPicture = () => ({
  scores: new Float32Array(SIDE * SIDE),
  samples: new Float32Array(2 * SHOWN),
  grid: new Float32Array(mesh.length),
  pulled: new Float32Array(2 * PULLED),
  down: new Float32Array(2 * PULLED),
});
const arraysOf = (picture) => Object.values(picture).flatMap((part) => part?.buffer ?? []);

// Fill in what is to be drawn of a game. What the charts show is there when the last was `charted` long ago.
function prepare(game, picture, { show, charted }) {
  picture.scores.set(game.scores(places));
  picture.samples.set(game.samples());
  if (show === "grid") picture.grid.set(forward(game.generator, mesh, mesh.length / 2).output);
  if (show === "pulls") {
    const { places: from, down } = game.pulls(PULLED);
    picture.pulled.set(from);
    picture.down.set(down);
  }
  const due = game.round - charted >= CHARTED || game.round < charted,
    charts = due ? { looks: game.history, w1: game.distance(), modes: game.modes() } : null;
  return Object.assign(picture, { show, charts, round: game.round, last: game.last ?? { critic: NaN, generator: NaN } });
}

// The worker's part: it plays only when a picture is asked for, and so rests when nobody looks.
function playBeside(port) {
  let game;
  const obey = {
    begin: ({ plain }) => (game = Game.from(plain)),
    steer: ({ settings }) => game.steer(settings),
    picture({ picture, wanted }) {
      playFor(game, wanted.rounds, wanted.milliseconds);
      port.postMessage({ picture: prepare(game, picture, wanted) }, arraysOf(picture));
    },
    rest() {
      finishRound(game);
      port.postMessage({ plain: game.plain() });
    },
  };
  port.onmessage = ({ data }) => obey[data.order](data);
}

// The page's part: hand a game over, ask for pictures, and get the game back.
class Elsewhere {
  constructor(game, { back, failed }) {
    Object.assign(this, { arrived: null, spare: [emptyPicture(), emptyPicture()], resting: false });
    this.worker = workBeside(({ picture, plain }) => {
      if (!this.worker) return;
      if (plain) back(Game.from(plain));
      else this.arrived = picture;
    }, failed);
    this.worker?.tell({ order: "begin", plain: game.plain() });
  }

  // The picture that has come, or none. The next one is played and prepared while this one is drawn.
  take(wanted) {
    const picture = this.arrived;
    this.arrived = null;
    if (picture) this.spare.push(picture);
    if (picture || this.spare.length > 1) this.ask(wanted);
    return picture;
  }

  ask(wanted) {
    const picture = Object.assign(this.spare.shift(), { charts: null }); // which were drawn
    this.worker.tell({ order: "picture", picture, wanted }, arraysOf(picture));
  }

  steer(settings) {
    this.worker.tell({ order: "steer", settings });
  }

  rest() {
    this.resting = true;
    this.worker.tell({ order: "rest" });
  }

  end() {
    this.worker?.end();
    this.worker = null;
  }
}

if (!inPage) playBeside(globalThis);

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
    ["step", "One iteration", playOnce],
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
    charted = Infinity, // the iteration of the charts
    asked = [], // for when the game is back
    alone = false, // without a worker
    elsewhere = null, // while the game is there
    game, // at rest, or where there is no worker; else as it was handed over
    realPoints;
  const ownPicture = emptyPicture();

  const player = lab.player(start, advance, { names: ["Start", "Pause"], stopped: rest });
  start.addEventListener("click", () => {
    if (player.playing && !elsewhere) handOver();
    report();
  });

  // ---- What is played

  function handOver() {
    if (alone) return;
    elsewhere = new Elsewhere(game, { back, failed });
    if (alone) elsewhere = null; // it failed at once
  }

  // One picture, if there is one.
  function advance() {
    if (!elsewhere) playHere();
    else if (!elsewhere.resting) drawNext();
    return true;
  }

  function drawNext() {
    if (elsewhere.arrived?.charts) charted = elsewhere.arrived.round; // the next picture need not have them
    const wanted = { rounds: speed.value, milliseconds: Math.max(SLICE, drawing), show: show.value, charted };
    const picture = elsewhere.take(wanted);
    if (picture) drawing = timed(() => redraw(picture));
  }

  // Where it is slow to draw, some pictures are only played and others only drawn, half of the time each.
  function playHere() {
    const slow = drawing > SLICE / 2;
    if (!slow || played < drawing) {
      played += timed(() => playFor(game, speed.value, slow ? SLICE : SLICE - drawing));
      if (slow) return;
    }
    played = 0;
    drawing = timed(redraw);
  }

  function timed(action) {
    const began = performance.now();
    action();
    return performance.now() - began;
  }

  // It rests after a whole round, and all that is shown is of that round.
  function rest() {
    if (elsewhere) return elsewhere.rest();
    finishRound(game);
    settle();
  }

  function back(found) {
    game = found;
    settle();
  }

  // No worker: the game that was handed over is still here.
  function failed() {
    alone = true;
    if (elsewhere && !player.playing) settle();
    elsewhere = null;
  }

  // The game is here, and what was asked for meanwhile is done; the rules may have changed on its way.
  function settle() {
    elsewhere?.end();
    elsewhere = null;
    game.steer(settings());
    for (const action of asked.splice(0)) action();
    redraw();
    report();
    if (player.playing) handOver();
  }

  function playOnce() {
    player.stop();
    asked.push(() => game.play());
    if (!elsewhere) settle();
  }

  function settings() {
    const own = data.value === "drawn";
    const centres = own ? (drawn.length ? drawn : NOTHING) : CENTRES[data.value];
    return {
      objective: objective.value,
      criticSteps: criticSteps.value,
      data: { centres, scale: own ? 0.05 : 0.1 },
      rates: { critic: 10 ** rates.critic.value, generator: 10 ** rates.generator.value },
    };
  }

  function reset() {
    player.stop();
    elsewhere?.end();
    elsewhere = null;
    asked = [];
    game = new Game(settings(), seed.value + 1);
    steer();
  }

  // Go on with the same players by other rules.
  function steer() {
    const wanted = settings();
    game.steer(wanted);
    elsewhere?.steer(wanted);
    realPoints = data.value === "drawn" ? drawn : toPairs(drawReal(wanted.data, 160, randomSource(54321)));
    charted = Infinity;
    redraw();
    report();
    if (!pen) compareData();
  }

  // Find out, a little at a time, how far two batches of the data are apart.
  function compareData() {
    const { centres } = game.data;
    if (game.band()) return;
    setTimeout(() => {
      if (game.data.centres !== centres || game.band()) return; // there are other data, or it is known by now
      const until = performance.now() + SLICE / 2;
      do game.compare();
      while (!game.band() && performance.now() < until);
      if (!game.band()) return compareData();
      charted = Infinity;
      redraw();
      report();
    }, SLICE);
  }

  function report() {
    if (data.value === "drawn" && !drawn.length) {
      return lab.say("Nothing is drawn yet: draw on the picture, or place a cloud.");
    }
    const who = `${OBJECTIVES[objective.value]}; data: ${DATA[data.value]}`;
    if (player.playing) return lab.say(`Playing: ${who}. Change what you like: the game goes on.`);
    if (!elsewhere) lab.say(`Iteration ${game.round}: ${who}. W₁ is ${shown(game.distance(), 2)}${besideBand()}.`);
  }

  function besideBand() {
    const band = game.band();
    if (!band) return "";
    const of100 = `95 of 100: ${shown(band.low, 2)} to ${shown(band.high, 2)}`;
    return `; two batches of the data are ${shown(band.middle, 2)} apart (${of100}): a perfect generator would look so`;
  }

  // ---- What is shown

  function toPairs(flat) {
    return times(flat.length / 2, (i) => [flat[2 * i], flat[2 * i + 1]]);
  }

  // Of a game elsewhere the next picture shows all.
  function redraw(picture) {
    const draws = data.value === "drawn"; // only then is the picture for drawing, and not for scrolling past
    plane.canvas.style.touchAction = draws ? "none" : "auto";
    plane.canvas.style.cursor = draws ? "crosshair" : "default";
    if (!picture && elsewhere) return;
    picture ??= ownNow();
    drawPlane(picture);
    if (picture.charts) drawCharts(picture);
    number.round(picture.round, String(picture.round));
    number.critic(picture.last.critic);
    number.generator(picture.last.generator);
  }

  const ownNow = () => prepare(game, ownPicture, { show: show.value, charted: player.playing ? charted : Infinity });

  function drawCharts({ round, charts: { looks, w1, modes } }) {
    charted = round;
    const x = [0, Math.max(round, CHARTED)],
      along = (name) => looks.map((one) => [one.round, one[name]]);
    drawLosses(x, along("critic"), along("generator"));
    drawDistance(x, along("w1"));
    number.w1(w1);
    const counted = data.value === "drawn" ? NaN : modes;
    number.modes(counted, counted >= 0 ? `${counted} of ${CENTRES[data.value].length}` : undefined);
  }

  function drawLosses(x, ofCritic, ofGenerator) {
    const values = [...ofCritic, ...ofGenerator].map(([, value]) => value);
    const low = Math.min(0, ...values),
      high = Math.max(0.1, ...values),
      room = 0.05 * (high - low);
    losses.begin({ x, y: [low - room, high + room] });
    losses.line(ofCritic, "critic");
    losses.line(ofGenerator, "generated", { dash: "7 3" });
  }

  function drawDistance(x, found) {
    const band = pen ? null : game.band();
    distance.begin({ x, y: [0, 1.05 * Math.max(0.5, band?.high ?? 0, ...found.map(([, value]) => value))] });
    if (band) {
      const level = (y) => x.map((at) => [at, y]);
      distance.band(level(band.low), level(band.high), "real");
      number.band(band.middle, `${shown(band.low, 2)} to ${shown(band.high, 2)}`);
    } else number.band(NaN, "…");
    distance.line(found, "generated");
  }

  function drawPlane(picture) {
    plane.begin(360);
    const { scores } = picture,
      low = Math.min(...scores),
      span = Math.max(...scores) - low || 1;
    plane.heights(SIDE, (place) => (scores[place] - low) / span);
    if (picture.show === "grid") {
      const points = toPairs(picture.grid);
      for (let line = 0; line < 2 * LINES; line++) plane.path(points.slice(line * ALONG, (line + 1) * ALONG), "soft");
    }
    plane.dots(realPoints, "real", { radius: 2 });
    plane.dots(toPairs(picture.samples), "generated", { radius: 2, shape: "square" });
    if (picture.show === "pulls") {
      const down = toPairs(picture.down);
      toPairs(picture.pulled).forEach((from, i) => plane.arrow(from, down[i], "ink"));
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
    if (!elsewhere) drawPlane(ownPicture);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    plane.canvas.addEventListener(end, () => {
      const drew = pen;
      pen = false;
      if (drew) useDrawn();
    });
  }

  lab.host.lab = {
    get game() {
      return game;
    },
    playing: () => ({ elsewhere: Boolean(elsewhere), alone }),
    criticLoss,
    generatorLoss,
    exactDistance,
    modesCovered,
    Adam,
    clip,
  };
  reset();
  lab.start(() => redraw());
});

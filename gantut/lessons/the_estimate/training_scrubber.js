// The training scrubber: three recorded games on the ring, look by look.
//
// Samples and critic surfaces come as text, a byte a number in base 64; see gantut.lessons.the_estimate.dequantise.

const GAMES = {
  "non-saturating": { name: "GAN, non-saturating", number: "JS, as the loss estimates it" },
  wgan: { name: "WGAN, weights clipped", number: "the critic's estimate" },
  "wgan-gp": { name: "WGAN-GP", number: "the critic's estimate" },
};
const DASH = { "non-saturating": "7 3", wgan: "2 3" };
const RANKS = { best: "closest", median: "median", worst: "furthest" };

// The numbers that a text stands for, between low and high.
function restored(text, low, high) {
  return Array.from(atob(text), (byte) => low + (byte.charCodeAt(0) / 255) * (high - low));
}

function pairs(numbers) {
  return times(numbers.length / 2, (i) => [numbers[2 * i], numbers[2 * i + 1]]);
}

begin("training_scrubber", (lab) => {
  const { reach, side, steps, games } = lab.settings,
    last = steps.length - 1;
  const real = pairs(restored(lab.settings.real, -reach, reach));
  lab.charts.classList.add("three");
  const planes = games.map(
    ({ objective }) =>
      new Plane(lab, GAMES[objective].name, {
        description: `${GAMES[objective].name}: samples over the critic's surface, which is blue where it says real.`,
        reach,
      }),
  );
  const key = [
    { name: "real", colour: "real", mark: "disc" },
    { name: "generated", colour: "ink", mark: "square" },
  ];
  lab.charts.after(...legendOf(key));
  lab.underControls();
  const distance = new Chart(lab, "Exact W₁ to the data", {
    description: "The exact distance of each game's samples to the data, over the steps.",
    height: 210,
    wide: true,
    xLabel: "step",
    legend: games.map(({ objective }) => ({
      name: GAMES[objective].name,
      colour: objective,
      dash: DASH[objective],
    })),
  });
  lab.underControls("three");
  const numbers = games.map(
    ({ objective }) =>
      new Chart(lab, GAMES[objective].name, {
        description: `${GAMES[objective].name}: the distance according to the critic's loss, and the generator's loss.`,
        height: 190,
        xLabel: "step",
        legend: [
          { name: GAMES[objective].number, colour: "real" },
          { name: "generator's loss", colour: "generated", dash: "7 3" },
        ],
      }),
  );
  const look = lab.slider("look", "step", {
    min: 0,
    max: last,
    step: 1,
    value: last,
    format: (v) => String(steps[v]),
    words: (v) => `step ${steps[v]} of ${steps[last]}`,
    changed: tell,
  });
  const rank = lab.choice("rank", "member, by its end", Object.entries(RANKS), tell);
  rank.value = "median";
  const [button] = lab.buttons(["play", "Play", () => {}, "main"]);
  lab.leads(button, { slider: look, every: 250 });
  const table = make("table", {});
  lab.readouts.replaceWith(
    make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Numbers" }, table),
  );
  const member = (game) => game.shown.find((one) => one.rank === rank.value);

  function tell() {
    redraw();
    const now = games.map((game) => `${GAMES[game.objective].name} ${shown(member(game).w1[look.value], 2)}`);
    lab.say(`Step ${steps[look.value]}. W₁ to the data: ${now.join("; ")}.`);
  }

  function redraw() {
    const at = look.value;
    games.forEach((game, i) => {
      const one = member(game);
      drawPlane(planes[i].begin(), one, at);
      drawLosses(numbers[i], one, at);
    });
    drawDistance(at);
    drawTable(at);
  }

  // At the start nothing has been lost yet: the losses are means since the look before.
  function drawTable(at) {
    const cell = (name, value) =>
      make("td", { "data-name": name, "data-value": value ?? "none" }, shown(value ?? "none yet"));
    const rows = games.map((game) => {
      const { w1, estimate, generator_loss: loss } = member(game),
        name = game.objective;
      const numbers = [
        ["w1", w1[at]],
        ["estimate", estimate[at - 1]],
        ["generator", loss[at - 1]],
      ];
      const cells = numbers.map(([what, value]) => cell(`${name}-${what}`, value));
      return make("tr", {}, make("th", { scope: "row" }, GAMES[name].name), ...cells);
    });
    const heads = ["game", "W₁", "critic's estimate", "generator's loss"].map((head) =>
      make("th", { scope: "col" }, head),
    );
    table.replaceChildren(
      make("caption", {}, "At this step; the losses are means since the step before. A GAN's estimate is of JS."),
      make("thead", {}, make("tr", {}, ...heads)),
      make("tbody", {}, ...rows),
    );
  }

  // The ground is blue where the critic says most, orange where it says least: only differences of a critic matter.
  function drawPlane(plane, one, at) {
    const heights = restored(one.surface[at], 0, 1);
    plane.heights(side, (place) => heights[place]);
    plane.dots(real, "real", { radius: 1.8 });
    plane.dots(pairs(restored(one.samples[at], -reach, reach)), "ink", { radius: 2, shape: "square" });
    plane.end();
  }

  function drawDistance(at) {
    const all = games.flatMap((game) => [...game.w1.flat(), ...member(game).w1]);
    distance.begin({ x: [0, steps[last]], y: [0, 1.05 * Math.max(...all)] });
    for (const game of games) {
      const [low, , high] = [0, 1, 2].map((q) => game.w1.map((row, k) => [steps[k], row[q]]));
      distance.band(low, high, game.objective);
    }
    for (const game of games) {
      const own = member(game).w1.map((value, k) => [steps[k], value]);
      distance.line(own, game.objective, { dash: DASH[game.objective] });
      distance.dot(...own[at], game.objective, { radius: 4 });
    }
    distance.upright(steps[at]);
  }

  function drawLosses(chart, one, at) {
    const all = [...one.estimate, ...one.generator_loss],
      room = 0.06 * (Math.max(...all) - Math.min(...all));
    chart.begin({ x: [0, steps[last]], y: [Math.min(0, ...all) - room, Math.max(0, ...all) + room] });
    chart.line(
      one.estimate.map((value, k) => [steps[k + 1], value]),
      "real",
    );
    chart.line(
      one.generator_loss.map((value, k) => [steps[k + 1], value]),
      "generated",
      { dash: "7 3" },
    );
    chart.upright(steps[at]);
  }

  lab.host.lab = { restored };
  tell();
  lab.start(redraw);
});

// Drag a potential: p and q are a few points on a line, f is straight between them, and the reader moves its values.
//
// Let S(t) = F_p(t) - F_q(t), what p has more than q on the left of t; it is constant on each stretch between
// neighbouring points. Then E_p f - E_q f = -∫ f' S, so a stretch of slope f' adds -f' S times its length, and where
// |f'| <= 1 that is at most |S| times its length. These add up to W1.

const STEEPEST = 1 + 1e-9; // that is allowed, but for rounding

// The stretches between neighbouring places, with their surplus S.
function stretches({ places, p, q }) {
  let surplus = 0;
  return places.slice(1).map((end, k) => {
    surplus += p[k] - q[k];
    if (Math.abs(surplus) < 1e-12) surplus = 0; // 0.4 - 0.2 - 0.2, and the like
    return { start: places[k], end, length: end - places[k], surplus };
  });
}

const brief = (value) => String(Number(value.toFixed(2))); // 0.4, not 0.40
const total = (numbers) => numbers.reduce((sum, number) => sum + number, 0);
const wasserstein = (points) => total(stretches(points).map(({ length, surplus }) => Math.abs(surplus) * length));
const gainOf = ({ p, q }, f) => total(f.map((value, k) => (p[k] - q[k]) * value));
const slopesOf = (places, f) => places.slice(1).map((end, k) => (f[k + 1] - f[k]) / (end - places[k]));

// Hold f at one place; the others move just as far as the limit asks. If f kept to it before, it still does: each
// bound has slope 1 and -1, and of two functions within the limit both the lower and the upper ones are within it.
function pulled(places, f, k, value) {
  return f.map((own, i) =>
    clamp(own, value - Math.abs(places[i] - places[k]), value + Math.abs(places[i] - places[k])),
  );
}

// A function within the limit that is as near to f as any: halfway between the largest such one below f and the
// smallest one above.
function nearest(places, f) {
  return places.map((here) => {
    const below = Math.min(...f.map((value, i) => value + Math.abs(places[i] - here))),
      above = Math.max(...f.map((value, i) => value - Math.abs(places[i] - here)));
    return (below + above) / 2;
  });
}

// A best function: it falls where p has the surplus on the left, rises where q has it, and is f's own where none has.
function best(points, f) {
  const own = slopesOf(points.places, f),
    heights = [0];
  stretches(points).forEach(({ length, surplus }, k) => {
    heights.push(heights[k] + length * (surplus === 0 ? clamp(own[k], -1, 1) : -Math.sign(surplus)));
  });
  const middle = (Math.max(...heights) + Math.min(...heights)) / 2;
  return heights.map((height) => height - middle);
}

// Other points: six places of 0, 1, ..., 9, three for each, with masses of tenths.
function drawn(random) {
  const places = times(10, (k) => k);
  while (places.length > 6) places.splice(Math.floor(random() * places.length), 1);
  const masses = () => {
    const tenths = [1, 1, 1];
    for (let k = 0; k < 7; k++) tenths[Math.floor(random() * 3)] += 1;
    return tenths.map((count) => count / 10);
  };
  const order = times(6, () => random()),
    ofP = order.map((value) => order.filter((other) => other < value).length < 3),
    [forP, forQ] = [masses(), masses()];
  return {
    places,
    p: ofP.map((mine) => (mine ? forP.pop() : 0)),
    q: ofP.map((mine) => (mine ? 0 : forQ.pop())),
  };
}

begin("drag_a_potential", (lab) => {
  const picture = new Chart(lab, "Your f, and the masses of p and q", {
    description:
      "The function f, straight between the places of p and q, which are marked on it with their masses. Drag a " +
      "place up or down; the controls do the same.",
    height: 230,
    legend: [
      { name: "p", colour: "real", mark: "disc" },
      { name: "q", colour: "generated", mark: "square" },
      { name: "too steep", colour: "wrong", dash: "5 3" },
    ],
  });
  const earned = new Chart(lab, "What each stretch adds", {
    description:
      "For each stretch between neighbouring places a bar, minus the slope of f times what p has more than q on the " +
      "left, within an outline as high as that. The area of the bars is the mean of f under p less that under q, the " +
      "area of the outlines is W1.",
    height: 230,
    legend: [
      { name: "−f′ · (F_p − F_q), area E_p f − E_q f", colour: "third", mark: "band" },
      { name: "|F_p − F_q|, area W₁", colour: "ink", dash: "5 3" },
    ],
  });
  let points = lab.settings,
    f = points.places.map(() => 0),
    kept = true,
    draws = 0;
  lab.controls.classList.add("compact");
  const which = lab.choice("place", "the place to move", [], () => showHeight());
  const height = lab.slider("height", "f there", {
    min: -1,
    max: 1,
    step: 0.05,
    value: 0,
    changed: (v) => move(index(), v),
  });
  const [limit] = lab.buttons(
    ["limit", "Keep slopes within ±1", toggle],
    ["best", "Show a best f", showBest],
    ["flat", "Flat again", flatten],
    ["other", "Other points", others],
  );
  const show = {
    gain: lab.readout("gain", "E_p f − E_q f"),
    W1: lab.readout("W1", "W₁, exact"),
    steepest: lab.readout("steepest", "K, steepest slope of f"),
    scaled: lab.readout("scaled", "(E_p f − E_q f) / K"),
  };
  const gainShown = lab.readouts.querySelector("[data-name=gain]");
  lab.host.lab = {
    wasserstein,
    pulled,
    nearest,
    best,
    gainOf,
    drawn: (seed) => drawn(randomSource(seed)),
    now: () => ({ ...points, f }),
  };
  picture.draggable(
    ({ x }) =>
      points.places.reduce((near, place, k) => (Math.abs(place - x) < Math.abs(points.places[near] - x) ? k : near), 0),
    (k, { y }) => {
      which.value = k;
      move(k, step() * Math.round(y / step()));
    },
    { scroll: false },
  );

  const index = () => Number(which.value);
  const span = () => points.places[points.places.length - 1] - points.places[0];
  const step = () => 10 ** Math.floor(Math.log10(span())) / 20;
  const reach = () => step() * Math.ceil((0.6 * span()) / step()); // a best f fits, with room to go wrong

  function place(given) {
    points = given;
    f = points.places.map(() => 0);
    const named = points.places.map((at, k) => `${brief(at)}, ${belongs(k)}`);
    which.replaceChildren(...named.map((text, k) => make("option", { value: k }, text)));
    Object.assign(height.input, { min: -reach(), max: reach(), step: step() });
    showHeight();
  }

  function belongs(k) {
    const own = [
      ["p", points.p[k]],
      ["q", points.q[k]],
    ];
    return own
      .filter(([, mass]) => mass > 0)
      .map(([name, mass]) => `${name} has ${brief(mass)}`)
      .join(", ");
  }

  function showHeight() {
    height.value = f[index()];
  }

  function move(k, wanted) {
    const value = clamp(wanted, -reach(), reach());
    f = kept ? pulled(points.places, f, k, value) : f.map((own, i) => (i === k ? value : own));
    tell();
  }

  function toggle() {
    kept = !kept;
    if (kept) f = nearest(points.places, f);
    tell();
  }

  function showBest() {
    f = best(points, f);
    tell();
  }

  function flatten() {
    f = f.map(() => 0);
    tell();
  }

  function others() {
    place(drawn(randomSource(++draws)));
    tell();
  }

  function tell() {
    showHeight();
    redraw();
    lab.say(verdict());
  }

  function verdict() {
    const parts = stretches(points),
      slopes = slopesOf(points.places, f),
      gain = gainOf(points, f),
      W1 = wasserstein(points);
    const spot = ({ start, end }) => `between ${brief(start)} and ${brief(end)}`;
    const steep = slopes.map(Math.abs).reduce((most, slope, k, all) => (slope > all[most] ? k : most), 0);
    if (Math.abs(slopes[steep]) > STEEPEST) {
      const claim = gain > W1 + 1e-9 ? "It claims more than W₁, and proves nothing" : "Its value proves nothing";
      return `This f is not allowed: ${spot(parts[steep])} its slope is ${shown(slopes[steep], 2)}. ${claim} until it is divided by K.`;
    }
    if (W1 === 0) return "p and q are equal: W₁ is 0, and no f can prove more.";
    const missing = parts.map(({ length, surplus }, k) => (Math.abs(surplus) + slopes[k] * surplus) * length);
    const left = total(missing);
    if (left < 1e-9) {
      const free = parts.filter(({ surplus }) => surplus === 0).map(spot);
      const choice = free.length
        ? ` Only ${free.join(" and ")}, where F_p = F_q and nothing crosses, may you choose its slope.`
        : "";
      return `A best f: it falls with slope 1 wherever mass must go right, rises with slope 1 wherever it must go left, and reaches W₁.${choice}`;
    }
    const most = missing.reduce((far, value, k) => (value > missing[far] + 1e-12 ? k : far), 0);
    const way = parts[most].surplus > 0 ? "right, so f should fall" : "left, so f should rise";
    return `This f proves that W₁ is at least ${shown(gain, 2)}; ${shown(left, 2)} is missing, most of it ${spot(parts[most])}: there mass must go ${way}.`;
  }

  function redraw() {
    limit.setAttribute("aria-pressed", String(kept));
    const { places } = points,
      slopes = slopesOf(places, f),
      steepest = Math.max(...slopes.map(Math.abs)),
      gain = gainOf(points, f),
      W1 = wasserstein(points),
      tooMuch = gain > W1 + 1e-9;
    const margin = 0.05 * span(),
      x = [places[0] - margin, places[places.length - 1] + margin];
    show.gain(gain, `${shown(gain)}${tooMuch ? ", more than W₁" : ""}`);
    gainShown.style.color = tooMuch ? "var(--wrong)" : "";
    show.W1(W1);
    show.steepest(steepest);
    show.scaled(steepest > 0 ? gain / steepest : NaN);

    picture.begin({ x, y: [-1.15 * reach(), 1.15 * reach()] });
    slopes.forEach((slope, k) => {
      const steep = Math.abs(slope) > STEEPEST;
      const ends = [k, k + 1].map((i) => [places[i], f[i]]);
      picture.line(ends, steep ? "wrong" : "ink", steep ? { dash: "5 3", width: 3.5 } : { width: 2.5 });
    });
    places.forEach((at, k) => mark(at, k));

    const parts = stretches(points),
      bars = parts.map(({ surplus }, k) => -slopes[k] * surplus),
      most = Math.max(...parts.map(({ surplus }) => Math.abs(surplus))) || 1; // 0 where p = q
    const low = clamp(Math.min(...bars), -3 * most, -0.1 * most),
      high = clamp(Math.max(...bars), most, 3 * most);
    earned.begin({ x, y: [1.1 * low, 1.1 * high] });
    earned.line(
      [
        [x[0], 0],
        [x[1], 0],
      ],
      "edge",
      { width: 1 },
    );
    parts.forEach(({ start, end, surplus }, k) => {
      const allowed = Math.min(bars[k], Math.abs(surplus));
      bar(start, end, 0, allowed, allowed < 0 ? "fourth" : "third", 0.4);
      if (bars[k] > Math.abs(surplus) * STEEPEST) bar(start, end, allowed, bars[k], "wrong", 0.75);
      const top = Math.abs(surplus);
      earned.line(
        [
          [start, 0],
          [start, top],
          [end, top],
          [end, 0],
        ],
        "ink",
        { dash: "5 3", width: 1.5 },
      );
    });
  }

  // The place on the curve, a disc for p and a square for q, the larger the more mass, side by side where both have
  // some; and the mass above or below.
  function mark(at, k) {
    const { p, q } = points,
      size = (mass) => 4 + 7 * Math.sqrt(mass),
      aside = p[k] > 0 && q[k] > 0 ? 5 : 0,
      place = { cx: picture.toX(at) - aside, cy: picture.toY(f[k]), r: size(p[k]) };
    if (p[k] > 0) picture.svg.append(draw("circle", { ...place, fill: inTheme("real") }));
    if (q[k] > 0) {
      const half = 0.85 * size(q[k]),
        corner = { x: picture.toX(at) + aside - half, y: picture.toY(f[k]) - half };
      picture.svg.append(draw("rect", { ...corner, width: 2 * half, height: 2 * half, fill: inTheme("generated") }));
    }
    const words = [p[k], q[k]]
      .filter((mass) => mass > 0)
      .map(brief)
      .join(", ");
    picture.text(at, f[k], words, { anchor: "middle", dy: f[k] > 0.8 * reach() ? 24 : -15 });
  }

  // A bar between two heights; what is beyond the outline is hatched, too, for who does not see the colour.
  function bar(start, end, from, to, colour, opacity) {
    const [left, right, a, b] = [earned.toX(start), earned.toX(end), earned.toY(from), earned.toY(to)],
      [top, bottom] = [Math.min(a, b), Math.max(a, b)];
    const place = { x: left, y: top, width: right - left, height: bottom - top };
    if (colour !== "wrong") return earned.inside.append(draw("rect", { ...place, fill: inTheme(colour), opacity }));
    const stripes = [];
    for (let x = left - (bottom - top); x < right; x += 7) {
      const [from, to] = [Math.max(x, left), Math.min(x + bottom - top, right)];
      stripes.push(
        `M${from.toFixed(1)},${(bottom - (from - x)).toFixed(1)}L${to.toFixed(1)},${(bottom - (to - x)).toFixed(1)}`,
      );
    }
    earned.inside.append(
      draw("rect", { ...place, fill: "none", stroke: inTheme(colour) }),
      draw("path", { d: stripes.join(""), stroke: inTheme(colour), "stroke-width": 2, opacity }),
    );
  }

  place(points);
  tell();
  lab.start(redraw);
});

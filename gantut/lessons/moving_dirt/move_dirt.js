// Move dirt: piles in a row are carried, a shovelful at a time, until they are as wanted.
//
// What must cross the gap behind pile i is delta_i, the surplus of everything left of it. Whoever ends on the wanted
// piles has carried at least |delta_i| across that gap, whatever the way: the sum of these is what no way undercuts.

// delta_1, ..., delta_{n-1}: what must cross each gap, positive to the right.
function deltas(piles, wanted) {
  let surplus = 0;
  return piles.slice(0, -1).map((pile, i) => (surplus += pile - wanted[i]));
}

const total = (numbers) => numbers.reduce((sum, number) => sum + Math.abs(number), 0);

// One shovelful of a cheapest way on, [from, to], or null: over the first gap that dirt must cross and can.
function cheapestMove(piles, wanted) {
  const wants = deltas(piles, wanted);
  const gap = wants.findIndex((delta, i) => (delta > 0 && piles[i] > 0) || (delta < 0 && piles[i + 1] > 0));
  if (gap < 0) return null;
  return wants[gap] > 0 ? [gap, gap + 1] : [gap + 1, gap];
}

begin("move_dirt", (lab) => {
  const wanted = [...lab.settings.Q],
    n = wanted.length;
  let start = [...lab.settings.P],
    piles,
    moves,
    held,
    ghost = null;

  // ---- What is shown

  const picture = draw("svg", { role: "img" });
  picture.classList.add("grabbable");
  picture.style.touchAction = "pan-y";
  const legend = [
    { name: "there", colour: "generated", mark: "square" },
    { name: "wanted", colour: "ink", dash: "5 3" },
  ];
  const figure = make("figure", {}, ...legendOf(legend), picture);
  const row = make("div", { role: "group", "aria-label": "piles" });
  row.style.cssText = `display:grid;gap:4px;grid-template-columns:repeat(${n},1fr);margin-top:4px`;
  const buttons = times(n, (i) => {
    const button = make("button", { type: "button", name: `pile-${i + 1}` });
    button.style.padding = "0.15rem";
    button.addEventListener("click", () => press(i));
    button.addEventListener("keydown", (event) => {
      const to = { ArrowLeft: i - 1, ArrowRight: i + 1 }[event.key];
      if (buttons[to]) buttons[to].focus();
    });
    row.append(button);
    return button;
  });
  lab.charts.append(figure);
  figure.append(row);
  const table = make("table", {});
  lab.controls.after(make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Gap by gap" }, table));
  const [undo, again, help, other] = lab.buttons(
    ["undo", "Undo", takeBack],
    ["again", "Start again", () => reset(start)],
    ["help", "Show a cheapest move", showMove],
    ["other", "Other piles", () => reset(otherPiles())],
  );
  const show = {
    cost: lab.readout("cost", "cost so far"),
    ahead: lab.readout("ahead", "still needed, at least"),
    least: lab.readout("least", "least possible, W"),
  };
  lab.frame.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && held !== null) letGo("You put the shovelful back.");
  });

  // ---- Moves

  const cost = () => moves.reduce((sum, [from, to]) => sum + Math.abs(to - from), 0);

  function press(i) {
    if (held === null) return pick(i);
    if (held === i) return letGo(`You put the shovelful back on pile ${i + 1}.`);
    carry(held, i);
  }

  function pick(i) {
    if (piles[i] === 0) return lab.say(`Pile ${i + 1} is empty.`);
    held = i;
    lab.say(`You hold a shovelful from pile ${i + 1}. Choose the pile to put it on; Escape puts it back.`);
    redraw();
  }

  function letGo(words) {
    held = null;
    lab.say(words);
    redraw();
  }

  function carry(from, to) {
    held = null;
    piles[from] -= 1;
    piles[to] += 1;
    moves.push([from, to]);
    lab.say(verdict(`From pile ${from + 1} to pile ${to + 1}, cost ${Math.abs(to - from)}.`));
    redraw();
  }

  function takeBack() {
    if (held !== null) return letGo("You put the shovelful back.");
    const [from, to] = moves.pop();
    piles[from] += 1;
    piles[to] -= 1;
    lab.say("The last move is undone.");
    redraw();
  }

  function showMove() {
    held = null;
    carry(...cheapestMove(piles, wanted));
  }

  function otherPiles() {
    const others = [...wanted];
    for (let k = 0; k < 3 * n || total(deltas(others, wanted)) < 3; k++) {
      const from = Math.floor(Math.random() * n),
        to = Math.floor(Math.random() * n);
      if (others[from] > 0) {
        others[from] -= 1;
        others[to] += 1;
      }
    }
    return others;
  }

  function reset(to) {
    [start, piles, moves, held] = [[...to], [...to], [], null];
    const least = total(deltas(piles, wanted));
    lab.say(least ? `${least} is the least that the work can cost. Can you reach it?` : "The piles are as wanted.");
    redraw();
  }

  // ---- What it means

  function crossings() {
    const right = times(n - 1, () => 0),
      left = times(n - 1, () => 0);
    for (const [from, to] of moves) {
      for (let gap = Math.min(from, to); gap < Math.max(from, to); gap++) (to > from ? right : left)[gap] += 1;
    }
    return { right, left };
  }

  function verdict(lead) {
    const spent = cost(),
      least = total(deltas(start, wanted)),
      ahead = total(deltas(piles, wanted));
    if (ahead > 0) {
      const lost = spent + ahead - least;
      if (!lost) return `${lead} In all ${spent} so far.`;
      return `${lead} At best this now ends at ${spent + ahead}, which is ${lost} too much.`;
    }
    const needed = deltas(start, wanted).map(Math.abs).join(" + ");
    if (spent === least) {
      const why = `whatever you do, at least ${needed} = ${least} shovelfuls must cross the gaps`;
      return `${lead} Done, at cost ${spent}, and nothing is cheaper: ${why}.`;
    }
    return `${lead} Done, at cost ${spent}. ${needed} = ${least} would do: ${detours().join(", ")}.`;
  }

  function detours() {
    const { right, left } = crossings(),
      both = right.map((r, gap) => Math.min(r, left[gap]));
    return both.flatMap((extra, gap) => (extra ? [`${extra} crossed gap ${gap + 1} to and fro`] : []));
  }

  // ---- Drawing

  const signed = (number) => (number > 0 ? `+${number}` : shown(number, 0));

  function redraw() {
    const spent = cost(),
      ahead = total(deltas(piles, wanted));
    drawPiles();
    buttons.forEach((button, i) => {
      button.textContent = `${piles[i]} of ${wanted[i]}`;
      button.setAttribute("aria-label", `${piles[i]} of ${wanted[i]} on pile ${i + 1}`);
      button.setAttribute("aria-pressed", String(held === i));
    });
    show.cost(spent, String(spent));
    show.ahead(ahead, String(ahead));
    show.least(total(deltas(start, wanted)), String(total(deltas(start, wanted))));
    undo.disabled = !moves.length && held === null;
    again.disabled = !moves.length;
    help.disabled = ahead === 0;
    drawTable();
  }

  function drawTable() {
    const { right, left } = crossings(),
      must = deltas(start, wanted);
    const line = (name, key, entries, sum, text) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, name),
        ...entries.map((entry, gap) =>
          make("td", { "data-name": `${key}-${gap + 1}`, "data-value": entry }, text(entry)),
        ),
        make("td", { "data-name": `${key}-sum`, "data-value": sum }, String(sum)),
      );
    const plain = (number) => String(number);
    const heads = ["", ...times(n - 1, (gap) => `gap ${gap + 1}`), "total"];
    table.replaceChildren(
      make("caption", {}, "What must cross each gap, and what has crossed it. Gap 1 is between piles 1 and 2."),
      make(
        "thead",
        {},
        make("tr", {}, ...heads.map((head) => (head ? make("th", { scope: "col" }, head) : make("td")))),
      ),
      make(
        "tbody",
        {},
        line("must cross, δ", "delta", must, total(must), signed),
        line("carried right", "right", right, total(right), plain),
        line("carried left", "left", left, total(left), plain),
      ),
    );
  }

  let width, unit, floor;

  function drawPiles() {
    width = Math.max(figure.clientWidth, 180);
    const tallest = Math.max(...piles, ...wanted) + 1,
      height = 200;
    unit = Math.min(28, (height - 30) / tallest);
    floor = height - 24;
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    picture.style.height = `${height}px`;
    const summary = piles.map((pile, i) => `pile ${i + 1} has ${pile} of ${wanted[i]}`).join(", ");
    picture.setAttribute("aria-label", `Piles in a row: ${summary}.`);
    picture.replaceChildren();
    const column = width / n,
      across = Math.min(column * 0.6, 90);
    piles.forEach((pile, i) => {
      const left = (i + 0.5) * column - across / 2;
      for (let k = 0; k < pile; k++) {
        const lifted = held === i && k === pile - 1;
        block(left, floor - (k + 1) * unit - (lifted ? 8 : 0), across, lifted ? "third" : "generated");
      }
      const outline = { x: left - 3, y: floor - wanted[i] * unit - 1, width: across + 6, height: wanted[i] * unit + 1 };
      picture.append(
        draw("rect", {
          ...outline,
          fill: "none",
          stroke: "var(--ink)",
          "stroke-dasharray": "5 3",
          "stroke-width": 1.7,
        }),
      );
      picture.append(draw("text", { x: left + across / 2, y: floor + 17, "text-anchor": "middle" }, `pile ${i + 1}`));
    });
    picture.append(draw("path", { class: "axis", d: `M0,${floor}H${width}` }));
    if (ghost) block(ghost.x - across / 2, ghost.y - unit / 2, across, "third");
  }

  function block(x, y, across, colour) {
    const place = { x: x.toFixed(1), y: y.toFixed(1), width: across, height: unit - 2, rx: 3 };
    picture.append(draw("rect", { ...place, fill: inTheme(colour), stroke: "var(--paper)" }));
  }

  // ---- Pointers: drag a shovelful, or tap where it is and then where it goes

  let pressed = null;

  function place(event) {
    const seen = picture.getBoundingClientRect();
    const x = ((event.clientX - seen.left) / seen.width) * width;
    return { x, y: event.clientY - seen.top, pile: clamp(Math.floor((x / width) * n), 0, n - 1) };
  }

  picture.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const { x, pile } = place(event);
    pressed = { x, pile, carries: held === null && piles[pile] > 0 };
    picture.setPointerCapture(event.pointerId);
    event.preventDefault(); // WebKit would mark the words of the lab as long as a shovelful is dragged
    if (pressed.carries) pick(pile);
  });
  picture.addEventListener("pointermove", (event) => {
    if (!pressed?.carries) return;
    const at = place(event);
    if (Math.abs(at.x - pressed.x) > 4) pressed.dragged = true;
    if (pressed.dragged) {
      ghost = at;
      drawPiles();
    }
  });
  picture.addEventListener("pointerup", (event) => {
    const { pile } = place(event),
      from = pressed;
    pressed = ghost = null;
    if (!from) return;
    if (!from.carries) return press(pile);
    if (from.dragged) press(pile);
    else redraw();
  });
  picture.addEventListener("pointercancel", () => {
    pressed = ghost = null;
    if (held !== null) letGo("You put the shovelful back.");
  });

  reset(start);
  lab.start(redraw);
});

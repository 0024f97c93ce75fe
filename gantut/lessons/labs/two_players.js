// What labs show of two players who have a number each: their path, the eigenvalues of an iteration, their distance from
// the equilibrium. An eigenvalue is a pair [real, imaginary].

const modulus = (eigenvalues) => Math.max(...eigenvalues.map((one) => Math.hypot(...one)));

// Eigenvalues in words, a pair of conjugate ones in one: "0.980 ± 0.199i".
function inWords(eigenvalues) {
  const words = eigenvalues.flatMap(([real, imaginary]) => {
    const size = Math.abs(imaginary);
    if (size < 5e-4) return [shown(real)];
    const paired = eigenvalues.some(([a, b]) => Math.hypot(a - real, b + imaginary) < 1e-9);
    if (paired && imaginary < 0) return [];
    return [unbroken(`${shown(real)} ${paired ? "±" : imaginary < 0 ? "−" : "+"} ${shown(size)}i`)];
  });
  return words.join(", ");
}

class TwoPlayers {
  // `path` is what the first chart is given: its title, description and the names of its axes.
  constructor(lab, { title, reach, seen = [1e-300, 1e300], ...path }) {
    Object.assign(this, { reach, seen });
    lab.leadByOne();
    const square = (most) => ({ height: 290, x: [-most, most], y: [-most, most], equal: true });
    this.path = new Chart(lab, title, { ...square(reach), ...path });
    this.circle = new Chart(lab, "Eigenvalues of an iteration", {
      ...square(1.6),
      description: "The eigenvalues of one iteration at the equilibrium, in the complex plane, with the unit circle.",
      xLabel: "real part",
      yLabel: "imaginary part",
    });
    this.distance = new Chart(lab, "Distance from the equilibrium", {
      description: "The distance from the equilibrium after each iteration, on a logarithmic scale.",
      height: 170,
      wide: true,
      xLabel: "iteration",
      yLabel: "log₁₀ distance",
    });
  }

  // Where they go on the chart; what `under` draws lies below. Start and end have dots of their own.
  drawPath(walk, { width = 2, under = () => {} } = {}) {
    const { path, reach } = this,
      last = walk[walk.length - 1];
    path.begin();
    under(path);
    path.line(walk, "real", { width });
    path.dot(0, 0, "ink", { radius: 3.5 });
    path.dot(...walk[0], "third", { radius: 6 });
    if (Math.max(...last.map(Math.abs)) < reach) path.dot(...last, "generated", { radius: 5 });
  }

  drawEigenvalues(eigenvalues, without = "") {
    const { circle } = this,
      inside = (one) => Math.max(...one.map(Math.abs)) < 1.6,
      round = times(121, (k) => [Math.cos((k * Math.PI) / 60), Math.sin((k * Math.PI) / 60)]);
    circle.begin();
    circle.line(round, "ink", { dash: "5 3" });
    for (const one of eigenvalues) if (inside(one)) circle.dot(...one, "generated", { radius: 5 });
    const words = eigenvalues.every(inside) ? "" : "some lie outside this picture";
    circle.text(-1.55, 1.4, eigenvalues.length ? words : without);
  }

  drawDistance(far) {
    const logs = far.map((distance) => Math.log10(clamp(distance, ...this.seen))),
      [low, high] = [Math.min(-1, ...logs), Math.max(0.5, ...logs)];
    this.distance.begin({ x: [0, Math.max(far.length - 1, 10)], y: [low, high + 0.05 * (high - low)] });
    this.distance.line(
      logs.map((value, t) => [t, value]),
      "real",
    );
  }
}

// Pairs at the least total cost, exactly: the Hungarian method, with prices u and v, in n^3 steps.

// Of n x n costs, row by row: for each row its column.
function assignment(costs, n) {
  const u = new Float64Array(n + 1),
    v = new Float64Array(n + 1),
    owner = new Int32Array(n + 1),
    way = new Int32Array(n + 1),
    least = new Float64Array(n + 1),
    done = new Uint8Array(n + 1);
  for (let i = 1; i <= n; i++) {
    owner[0] = i;
    least.fill(Infinity);
    done.fill(0);
    let at = 0;
    while (owner[at] !== 0) {
      done[at] = 1;
      const row = (owner[at] - 1) * n - 1,
        price = u[owner[at]];
      let next = 0,
        delta = Infinity;
      for (let j = 1; j <= n; j++) {
        if (done[j]) continue;
        const reduced = costs[row + j] - price - v[j];
        if (reduced < least[j]) {
          least[j] = reduced;
          way[j] = at;
        }
        if (least[j] < delta) {
          delta = least[j];
          next = j;
        }
      }
      for (let j = 0; j <= n; j++) {
        if (done[j]) {
          u[owner[j]] += delta;
          v[j] -= delta;
        } else least[j] -= delta;
      }
      at = next;
    }
    for (; at !== 0; at = way[at]) owner[at] = owner[way[at]];
  }
  const column = new Int32Array(n);
  for (let j = 1; j <= n; j++) column[owner[j] - 1] = j - 1;
  return column;
}

// Between two clouds of n points (x, y), flat: a function of the distance of each pair, row by row.
function betweenClouds(x, y, n, cost = (distance) => distance) {
  const costs = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      costs[i * n + j] = cost(Math.sqrt((x[2 * i] - y[2 * j]) ** 2 + (x[2 * i + 1] - y[2 * j + 1]) ** 2));
    }
  }
  return costs;
}

// W1 between two clouds of n points with equal weights.
function exactDistance(x, y, n) {
  const costs = betweenClouds(x, y, n);
  return assignment(costs, n).reduce((sum, j, i) => sum + costs[i * n + j], 0) / n;
}


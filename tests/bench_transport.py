"""`make bench`: gantut's transport beside its peers, on the same problems, to the same accuracy, in one process.

Contestants run in turn, several times; what counts is the ratio of the medians, since absolute times mean little on a
shared machine. Each table says how accurate each answer was. The record goes to book/results/transport.json.
"""

import argparse
import math
import os
import subprocess
import sys
import time
import warnings
from functools import partial

import numpy as np
import ot
import scipy.optimize
import scipy.spatial
import scipy.stats
import torch
from benches import on_all_cores, provenance, race, write

from gantut.transport import emd, emd_points, sinkhorn_divergence, sinkhorn_points, wasserstein_1d


def row(problem, contestants, error_of, *, repeats, all_cores=False, note=""):
    """One line of a table: seconds and error of each, and how often gantut's time fits into the fastest peer's.

    Where gantut shares its work out among threads, `all_cores` asks for the ratio by the clock on the wall, too.
    """
    problem = ", ".join(filter(None, (problem, note)))
    if repeats > 1:
        for run in contestants.values():
            run()  # loads and compiles what it needs
    medians, answers = race(contestants, repeats=repeats)
    errors = {name: float(error_of(answer)) for name, answer in answers.items()}
    peers = [medians[name] for name in medians if name != "gantut"]
    ratio = min(peers) / medians["gantut"] if peers else None
    line = {"problem": problem, "seconds": medians, "error": errors, "ratio": ratio}
    shown = ", ".join(f"{name} {value:.4g} s" for name, value in medians.items())
    shown += f", ratio {ratio:.2f}" if ratio else ""
    if all_cores:
        line["ratio on all cores"] = on_all_cores(contestants, repeats=repeats)
        shown += f", on all cores {line['ratio on all cores']:.2f}"
    print(f"{problem}: {shown}", flush=True)
    return line


def on_the_line(rng):
    """Batches of one-dimensional problems, W1, float64."""
    for batch, n, repeats in ((1, 10, 101), (1, 1000, 101), (256, 1000, 9), (1000, 256, 9), (64, 10_000, 9)):
        u, v = rng.standard_normal((2, batch, n))
        tu, tv = torch.from_numpy(u), torch.from_numpy(v)
        contestants = {
            "gantut": lambda tu=tu, tv=tv: wasserstein_1d(tu, tv).numpy(),
            "one line of NumPy": lambda u=u, v=v: np.abs(np.sort(u) - np.sort(v)).mean(1),
            "one line of PyTorch": lambda u=tu, v=tv: (u.sort(1)[0] - v.sort(1)[0]).abs().mean(1).numpy(),
            "POT": lambda u=u, v=v: ot.wasserstein_1d(u.T, v.T),
            "SciPy": lambda u=u, v=v: np.array(list(map(scipy.stats.wasserstein_distance, u, v))),
        }
        pairs = [zip(sorted(p), sorted(q), strict=True) for p, q in zip(u.tolist(), v.tolist(), strict=True)]
        truth = np.array([math.fsum(abs(s - t) for s, t in pair) / n for pair in pairs])
        yield row(
            f"{batch} x {n}",
            contestants,
            lambda answer, truth=truth: np.abs(answer - truth).max(),
            repeats=repeats,
            all_cores=batch > 1,
        )


def solved_by_pot_exactly(a, b, cost):
    """POT's value and potentials, with as many threads as PyTorch may use."""
    return ot.emd(a, b, cost, numItermax=10**9, log=True, numThreads=torch.get_num_threads())[1]


def lower_bound(a, b, cost, f):
    """What weak duality proves from any potential f, added up without rounding: at the optimum, the value itself."""
    g = (cost - f[:, None]).min(0)
    return math.fsum([*(a * f), *(b * g)])


def solved_by_scipy(cost):
    """What SciPy's assignment costs, without potentials: it has none to give."""
    return cost[scipy.optimize.linear_sum_assignment(cost)].mean()


def exact(rng):
    """Exact transport, Euclidean cost; gantut and POT with both potentials.

    Points have equal masses on both sides or random ones. The truth is a lower bound that the potentials prove,
    whoever found them: computed here, without rounding. MDOT-TNT approximates, at the temperature that is its default.
    """
    uniform = ((100, 2, 25), (300, 2, 15), (1000, 2, 3), (2000, 2, 2), (4000, 2, 1), (1000, 64, 3), (4000, 64, 1))
    cases = [(n, n, d, False, repeats) for n, d, repeats in uniform]
    cases += [(n, n, 2, weighted, 51) for n in (10, 30) for weighted in (False, True)]
    cases += [(100, 100, 2, True, 25), (300, 300, 2, True, 15), (300, 200, 2, False, 15), (1000, 1000, 2, True, 3)]
    for n, m, d, weighted, repeats in sorted(cases):
        x, y = rng.standard_normal((n, d)), rng.standard_normal((m, d))
        a, b = (rng.dirichlet(np.ones(k)) if weighted else np.full(k, 1 / k) for k in (n, m))
        tensors = [torch.from_numpy(each) for each in (x, y, a, b)]
        given = tensors if weighted else tensors[:2]

        def pot(x=x, y=y, a=a, b=b):
            return solved_by_pot_exactly(a, b, ot.dist(x, y, metric="euclidean"))["cost"]

        contestants = {"gantut": lambda given=given: emd_points(*given).value.item(), "POT": pot}
        if n == m and not weighted and n <= 1000:  # beyond, it takes long
            contestants["SciPy"] = lambda x=x, y=y: solved_by_scipy(scipy.spatial.distance.cdist(x, y))
        if n == m == 1000 and not weighted:
            contestants |= mdot_solver(*tensors)
        cost = scipy.spatial.distance.cdist(x, y)
        truth = lower_bound(a, b, cost, solved_by_pot_exactly(a, b, cost)["u"])
        yield row(
            f"n = {n}, d = {d}" if n == m else f"n = {n}, m = {m}, d = {d}",
            contestants,
            lambda answer, truth=truth: abs(answer - truth) / truth,
            repeats=repeats,
            all_cores=True,
            note="random weights" if weighted else "",
        )


def mdot_solver(x, y, a, b):
    """MDOT-TNT as a contestant, where it is installed: costs in [0, 1], as it recommends, and its plan rounded."""
    try:
        from mdot_tnt import solve_OT
    except ImportError:
        return {}

    def solve():
        cost = torch.cdist(x, y)
        return (solve_OT(a, b, cost / cost.max()) * cost.max()).item()

    return {"MDOT-TNT (gamma 1024)": solve}


def exact_batches(rng):
    """Batches of exact problems between clouds in the plane, of equal weights or random ones."""
    for batch, n, weighted in ((64, 64, False), (512, 64, False), (64, 256, False), (64, 64, True)):
        x, y = rng.standard_normal((2, batch, n, 2))
        cost = np.stack([scipy.spatial.distance.cdist(*pair) for pair in zip(x, y, strict=True)])
        a, b = rng.dirichlet(np.ones(n), (2, batch)) if weighted else np.full((2, batch, n), 1 / n)
        problems, tensors = list(zip(a, b, cost, strict=True)), [torch.from_numpy(each) for each in (a, b, cost)]

        def pot(problems=problems):
            return np.array([solved_by_pot_exactly(*problem)["cost"] for problem in problems])

        contestants = {"gantut": lambda tensors=tensors: emd(*tensors).value.numpy(), "POT": pot}
        if not weighted:
            contestants["SciPy"] = lambda cost=cost: np.array(list(map(solved_by_scipy, cost)))
        truth = np.array([lower_bound(*problem, solved_by_pot_exactly(*problem)["u"]) for problem in problems])
        yield row(
            f"{batch} x {n}",
            contestants,
            lambda answer, truth=truth: np.abs(answer / truth - 1).max(),
            repeats=5,
            all_cores=True,
            note="random weights" if weighted else "",
        )


def marginal_error(f, g, x, y, reg):
    """L1 error of the worse marginal of the plan that potentials define, in float64, tile by tile."""
    n, m = len(x), len(y)
    columns, worst = np.zeros(m), 0.0
    for start in range(0, n, 500):
        cost = ot.dist(x[start : start + 500], y)
        plan = np.exp((f[start : start + 500, None] + g - cost) / reg) / (n * m)
        columns += plan.sum(0)
        worst += np.abs(plan.sum(1) - 1 / n).sum()
    return max(worst, np.abs(columns - 1 / m).sum())


def entropic(rng):
    """Entropic transport, squared Euclidean cost, to a given error in both marginals.

    POT stops on the L2 norm of one marginal: its threshold is the largest tried for which the L1 error of both is small
    enough. OTT runs with its defaults, in single precision and without momentum (1.5 and 1.8 took it longer), compiled
    beforehand. Where a peer is missing, it takes minutes.
    """
    cases = (
        (1000, 2, 1e-3, 5),
        (2000, 2, 1e-3, 3),
        (5000, 2, 1e-3, 1),
        (1000, 2, 1e-6, 3),
        (1000, 64, 1e-3, 9),
        (5000, 64, 1e-3, 1),
    )
    for n, d, tol, repeats in cases:
        x, y = rng.standard_normal((2, n, d))
        y = y * 0.7 + 0.5 / np.sqrt(d)
        reg = 0.02 * ot.dist(x[:500], y[:500]).mean()
        tx, ty = torch.from_numpy(x), torch.from_numpy(y)

        def ours(tx=tx, ty=ty, reg=reg, tol=tol):
            result = sinkhorn_points(tx, ty, reg=reg, p=2, tol=tol)
            return result.f.numpy(), result.g.numpy()

        contestants = {"gantut": ours}
        pot = partial(solved_by_pot, x, y, reg, pot_threshold(x, y, reg, tol))
        contestants["POT, plain kernel"] = partial(pot, ot.bregman.sinkhorn_knopp)
        if n <= 1000 and tol > 1e-6:
            contestants["POT, log domain"] = partial(pot, ot.bregman.sinkhorn_log)
        if tol > 1e-6:  # single precision cannot reach it
            contestants |= ott_solver(x, y, reg, tol)
        yield row(
            f"n = {n}, d = {d}, to {tol:g}",
            contestants,
            lambda answer, x=x, y=y, reg=reg: marginal_error(*answer, x, y, reg),
            repeats=repeats,
        )


def pot_threshold(x, y, reg, tol):
    """The first of falling thresholds with which POT's marginal errors, in L1, are at most `tol`."""
    threshold = 10 * tol / np.sqrt(len(x))
    while marginal_error(*solved_by_pot(x, y, reg, threshold, ot.bregman.sinkhorn_knopp), x, y, reg) > tol:
        threshold *= 0.7
    return threshold


def solved_by_pot(x, y, reg, threshold, method):
    """The potentials that a method of POT finds."""
    weights = np.full(len(x), 1 / len(x))
    log = method(weights, weights, ot.dist(x, y), reg, stopThr=threshold, numItermax=100_000, log=True)[1]
    u, v = (log["log_u"], log["log_v"]) if "log_u" in log else (np.log(log["u"]), np.log(log["v"]))
    return reg * (u + np.log(len(x))), reg * (v + np.log(len(y)))


def ott_solver(x, y, reg, tol):
    """OTT as a contestant, where it is installed."""
    try:
        import jax
        from ott.geometry.pointcloud import PointCloud
        from ott.problems.linear.linear_problem import LinearProblem
        from ott.solvers.linear import sinkhorn
    except ImportError:
        return {}
    solver = sinkhorn.Sinkhorn(threshold=tol, inner_iterations=5, max_iterations=20_000)

    @jax.jit
    def solve(x, y):
        found = solver(LinearProblem(PointCloud(x, y, epsilon=reg)))
        return found.f, found.g

    points = jax.numpy.asarray(x, dtype="float32"), jax.numpy.asarray(y, dtype="float32")
    jax.block_until_ready(solve(*points))
    shift = reg * np.log(len(x))  # its potentials are for the kernel without the masses
    return {"OTT": lambda: tuple(np.asarray(part, dtype=np.float64) + shift for part in solve(*points))}


def gradient_of_the_definition(x, y, reg):
    """The gradient in x of the divergence of uniform clouds, by loops from the papers to marginal errors of 1e-9."""

    def pulled(y, both):
        n, m = len(x), len(y)
        kernel = np.exp(np.maximum(-ot.dist(x, y) / reg, -700))
        u, v, error, done = np.ones(n), np.ones(m), math.inf, 0
        while error > 1e-9:
            omega, done = (1.8 if done > 20 else 1.0) if both else 0.5, done + 1
            change = m / (kernel @ v) / u
            error, u = np.abs(1 - change).mean(), u * change**omega
            if both:
                change = n / (kernel.T @ u) / v
                error, v = error + np.abs(1 - change).mean(), v * change**omega
            else:
                v = u
        plan = u[:, None] * kernel * v / (n * m)
        return 2 * (x * plan.sum(1)[:, None] - plan @ y)

    return pulled(y, True) - pulled(x, False)  # twice half of the transport to itself, as x is on both sides


def divergence_with_gradient(rng):
    """Sinkhorn divergence, squared Euclidean cost, with its gradient in the positions."""
    for n, repeats in ((1000, 3), (2000, 1)):
        x, y = rng.standard_normal((2, n, 2))
        y = y * 0.7 + 0.5
        tx, ty = torch.from_numpy(x).requires_grad_(), torch.from_numpy(y)
        reg = 0.05

        def ours(tx=tx, ty=ty, reg=reg):
            (gradient,) = torch.autograd.grad(sinkhorn_divergence(tx, ty, reg=reg, p=2, tol=1e-4), tx)
            return gradient

        contestants = {"gantut": ours}
        try:
            from geomloss import SamplesLoss
        except ImportError:
            pass
        else:
            loss = SamplesLoss("sinkhorn", p=2, blur=(reg / 2) ** 0.5, scaling=0.9, backend="tensorized")
            # geomloss takes half the squared distance as the cost
            contestants["geomloss (blur sqrt(reg / 2), scaling 0.9, tensorized)"] = lambda tx=tx, ty=ty, loss=loss: (
                torch.autograd.grad(2 * loss(tx, ty), tx)[0]
            )
        truth = torch.from_numpy(gradient_of_the_definition(x, y, reg))
        yield row(f"n = {n}", contestants, lambda g, truth=truth: (g - truth).norm() / truth.norm(), repeats=repeats)


def peak_memory():
    """Peak memory above that before the call, for 20 iterations, in MB: in a process of its own, on Linux."""
    program = (
        "import ot, pathlib, sys, torch, warnings; warnings.simplefilter('ignore')\n"  # POT, too, is not counted
        "from gantut.transport import sinkhorn_points\n"
        "def status(key):\n"
        "    text = pathlib.Path('/proc/self/status').read_text()\n"
        "    return int(text.split(key + ':')[1].split()[0]) / 1024\n"
        "n = int(sys.argv[1]); source = torch.Generator().manual_seed(0)\n"
        "x, y = torch.randn(2, n, 2, dtype=torch.float64, generator=source)\n"
        "sinkhorn_points(x[:10], y[:10], reg=1.0, p=2)\n"
        "pathlib.Path('/proc/self/clear_refs').write_text('5')\n"  # the peak starts from here
        "before = status('VmRSS')\n"
        "sinkhorn_points(x, y, reg=0.05, p=2, tol=1e-3, max_iter=20)\n"
        "print(status('VmHWM') - before)\n"
    )
    for n in (5000, 20_000):
        done = subprocess.run([sys.executable, "-c", program, str(n)], capture_output=True, text=True, check=True)
        megabytes = float(done.stdout)
        print(f"n = {n}: {megabytes:.0f} MB; the cost matrix alone would take {8 * n * n / 2**20:.0f} MB", flush=True)
        yield {"problem": f"n = {n}", "megabytes": megabytes, "matrix": 8 * n * n / 2**20}


TABLES = {
    "on the line": on_the_line,
    "exact": exact,
    "exact, in batches": exact_batches,
    "entropic": entropic,
    "divergence with gradient": divergence_with_gradient,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", help=f"which tables (default: all of {', '.join(TABLES)}, and memory)")
    chosen = parser.parse_args().tables
    warnings.simplefilter("ignore")
    if torch.get_num_threads() == 1:  # nor may JAX take more; it reads this when it is imported
        os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    start, record = time.perf_counter(), {}
    for name, table in TABLES.items():
        if not chosen or name in chosen:
            print(f"--- {name}", flush=True)
            record[name] = list(table(np.random.default_rng(0)))
    if not chosen or "memory" in chosen:
        record["memory"] = list(peak_memory())
    if not chosen:
        facts = provenance(("torch", "numpy", "scipy", "POT", "geomloss", "ott-jax", "jax", "mdot-tnt"))
        facts["seconds"] = round(time.perf_counter() - start)
        write("transport", {"provenance": facts, "tables": record})


if __name__ == "__main__":
    main()

"""Ten thousand random cases a function, of transport against its witness: none further from it than it says it can be.

The witnesses are SciPy's assignment (masses in whole numbers are that many points), SciPy's distance on the line, POT's
Sinkhorn, and the definitions. Cases are small, as what goes wrong with edges goes wrong with few points: ties, zeros,
points that coincide, units from 1e-6 to 1e6, one point against many.
"""

import numpy as np
import ot
import pytest
import scipy.optimize
import scipy.spatial
import scipy.stats
import torch

from gantut.metrics import certified_w1, exact_w1
from gantut.transport import c_transform, emd, emd_points, sinkhorn, wasserstein_1d

CASES = 10_000
EPS = np.finfo(float).eps
sizes = pytest.mark.parametrize("cases", [400, pytest.param(CASES, marks=pytest.mark.slow)])


def numbers(random, *shape):
    """Random numbers in a random unit: normal, or of a few whole values, so that many agree."""
    values = random.standard_normal(shape) if random.random() < 0.6 else random.integers(-2, 3, shape) * 1.0
    return values * 10.0 ** random.integers(-6, 7)


def tensors(*arrays):
    return [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]


def whole_masses(random, n, total):
    """How many of `total` points lie at each of n places; none at some."""
    return np.bincount(random.integers(0, n, total), minlength=n)


@sizes
def test_emd_of_whole_masses_is_the_assignment_of_as_many_points(cases):
    random = np.random.default_rng(10)
    for _ in range(cases):
        n, m, total = random.integers(1, 9, 3)
        n, m, total = (n, n, n) if random.random() < 0.3 else (n, m, total)
        a, b = (whole_masses(random, k, total) if total != k else np.ones(k, int) for k in (n, m))
        cost, unit = numbers(random, n, m), 10.0 ** random.integers(-3, 4)
        points = np.repeat(np.repeat(cost, a, 0), b, 1)
        truth = points[scipy.optimize.linear_sum_assignment(points)].sum() * unit
        found = emd(*tensors(a * unit, b * unit, cost))
        rounding = 8 * EPS * (n + m) * np.abs(cost).max() * total * unit
        assert -rounding <= found.value.item() - truth <= found.gap.item() + rounding, (a, b, cost, unit)
        slack = cost - found.f.numpy()[:, None] - found.g.numpy()
        assert slack.min() >= -8 * EPS * np.abs(cost).max() * (n + m)


@sizes
def test_emd_points_with_any_masses_costs_what_pot_says(cases):
    random = np.random.default_rng(11)
    for _ in range(cases):
        n, m, d = random.integers(1, 7, 3)
        both = numbers(random, n + m, d)
        x, y = both[:n], both[n:]
        a, b = random.dirichlet(np.ones(n)), random.dirichlet(np.full(m, 0.3)) + 1e-30
        b *= a.sum() / b.sum()
        p = random.choice([1.0, 1.5, 2.0])
        cost = scipy.spatial.distance.cdist(x, y) ** p
        found = emd_points(*tensors(x, y, a, b), p=p)
        scale = cost.max() or 1.0  # POT's tolerances are absolute
        truth = ot.emd2(a, b, cost / scale) * scale
        rounding = 1e-13 * cost.max()
        assert -rounding <= found.value.item() - truth <= found.gap.item() + rounding, (x, y, a, b, p)


@sizes
def test_wasserstein_1d_is_scipys_with_and_without_weights(cases):
    random = np.random.default_rng(12)
    for _ in range(cases):
        n, m = random.integers(1, 12, 2)
        n = m if random.random() < 0.4 else n
        both = numbers(random, n + m)
        u, v = both[:n], both[n:]
        weights = [None, None]
        if random.random() < 0.6:
            weights = [whole_masses(random, k, 5) + (random.random() if random.random() < 0.5 else 0) for k in (n, m)]
        dtype = torch.float32 if random.random() < 0.3 else torch.float64
        tu, tv = (torch.from_numpy(x).to(dtype) for x in (u, v))
        given = [None if w is None else torch.from_numpy(w * 1.0).to(dtype) for w in weights]
        exact = [None if w is None else w.double().numpy() for w in given]
        truth = scipy.stats.wasserstein_distance(tu.double().numpy(), tv.double().numpy(), *exact)
        found = wasserstein_1d(tu, tv, *given).item()
        assert abs(found - truth) <= 8 * (n + m) * torch.finfo(dtype).eps * np.abs(both).max(), (u, v, weights)


@sizes
def test_sinkhorn_is_within_its_gap_of_the_optimum_that_pot_finds(cases):
    random, together = np.random.default_rng(13), 20
    for _ in range(cases // together):
        n, m = random.integers(1, 7, 2)
        cost = numbers(random, together, n, m)
        a, b = random.dirichlet(np.ones(n), together), random.dirichlet(np.ones(m), together)
        span = np.ptp(cost) or np.abs(cost).max() or 1.0
        reg, tol = span * 10 ** random.uniform(-1, 1), 10.0 ** random.integers(-9, -2)
        found = sinkhorn(*tensors(a, b, cost), reg, tol=tol)
        dual = (torch.from_numpy(a) * found.f).sum(-1) + (torch.from_numpy(b) * found.g).sum(-1)
        for k in range(together):
            plan = ot.bregman.sinkhorn_knopp(a[k], b[k], cost[k] - cost[k].min(), reg, stopThr=1e-13, numItermax=10**5)
            product = np.outer(a[k], b[k])
            optimum = (plan * cost[k]).sum() + reg * scipy.special.rel_entr(plan, product).sum()
            rounding = 1e-11 * (np.abs(cost[k]).max() + reg)
            assert -rounding <= optimum - dual[k].item() <= found.gap[k].item() + rounding, (a[k], b[k], cost[k], reg)
            ours = found.plan[k].numpy()
            measured = max(np.abs(ours.sum(1) - a[k]).sum(), np.abs(ours.sum(0) - b[k]).sum())
            assert measured <= tol + 1e-12
            assert abs(measured - found.error[k].item()) <= 1e-11 * (1 + np.abs(cost[k]).max() / reg)
            assert abs(found.value[k].item() - (ours * cost[k]).sum()) <= rounding


@sizes
def test_c_transforms_are_minima_over_all_points(cases):
    random = np.random.default_rng(14)
    for _ in range(cases):
        n, m, d = random.integers(1, 8, 3)
        both, psi, p = numbers(random, n + m, d), numbers(random, n), random.choice([1.0, 1.5, 2.0, 3.0])
        x, y = both[:n], both[n:]
        distances = np.sqrt(((x[:, None] - y) ** 2).sum(-1)) ** p
        truth = (distances - psi[:, None]).min(0)
        found = c_transform(*tensors(psi, x, y), p=p).numpy()
        assert (np.abs(found - truth) <= 8 * EPS * (d + p) * (distances.max() + np.abs(psi).max())).all(), (
            psi,
            x,
            y,
            p,
        )


@sizes
def test_what_a_critic_proves_is_at_most_the_distance(cases):
    random, together = np.random.default_rng(15), 40
    for _ in range(cases // together):
        n, m, d = random.integers(1, 9, 3)
        both = numbers(random, together, n + m, d)
        x, y = tensors(both[:, :n], both[:, n:])
        if random.random() < 0.3:
            x, y = x.float(), y.float()
        f, g = tensors(numbers(random, together, n), numbers(random, together, m))
        if random.random() < 0.3:  # a good critic, in some unit: nearly all is proved, and no more
            solved, unit = emd_points(x.double(), y.double()), random.choice([-3.0, 0.1, 1.0])
            f, g = unit * solved.f, -unit * solved.g
            assert (certified_w1(x.double(), y.double(), f, g) >= (1 - 1e-9) * solved.value - 1e-30).all()
        proved, distance = certified_w1(x, y, f.to(x), g.to(x)), exact_w1(x.double(), y.double())
        assert (proved >= 0).all()
        assert (proved <= distance).all(), (x, y, f, g)

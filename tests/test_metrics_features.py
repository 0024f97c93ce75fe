"""Distances of features and the classifier that makes them, against SciPy, closed forms and loops of the papers."""

import itertools
import math

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given
from hypothesis import strategies as st

from gantut.data import digits
from gantut.metrics import (
    _kernel,
    digit_classifier,
    fid,
    frechet_distance,
    kid,
    train_classifier,
)

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def normal(rng, device):
    return lambda *shape: torch.randn(shape, dtype=torch.float64, generator=rng).to(device)


def array(values):
    return values.detach().cpu().double().numpy()


def covariance(root):
    return root.mT @ root


# -------------------------------------------------------------------------------------------------------- Fréchet


def frechet_by_scipy(mean_x, cov_x, mean_y, cov_y):
    """The formula of Heusel et al. (2017), with SciPy's root of the matrix that is not symmetric."""
    root = scipy.linalg.sqrtm(cov_x @ cov_y).real
    return np.square(mean_x - mean_y).sum() + np.trace(cov_x + cov_y - 2 * root)


@pytest.mark.parametrize("d", [1, 2, 5, 20])
def test_it_is_the_formula_with_scipys_root(normal, d):
    mean_x, mean_y = normal(3, d), normal(d)
    cov_x, cov_y = covariance(normal(3, d + 2, d)), covariance(normal(d + 2, d))
    found = frechet_distance(mean_x, cov_x, mean_y, cov_y)
    for i in range(3):
        expected = frechet_by_scipy(*map(array, (mean_x[i], cov_x[i], mean_y, cov_y)))
        assert found[i].item() == pytest.approx(expected, rel=1e-9)  # what SciPy's root leaves


@pytest.mark.parametrize(("n", "m", "d"), [(30, 40, 5), (200, 100, 12), (2, 2, 1)])
def test_of_samples_it_is_that_of_their_means_and_covariances(normal, n, m, d):
    x, y = 2 * normal(3, n, d) + 1, normal(m, d)
    found = fid(x, y)
    for i in range(3):
        moments = [f(array(p)) for p in (x[i], y) for f in (lambda p: p.mean(0), lambda p: np.cov(p.T).reshape(d, d))]
        assert found[i].item() == pytest.approx(frechet_by_scipy(*moments), rel=1e-9)
        given_moments = [torch.from_numpy(np.asarray(moment)) for moment in moments]
        assert found[i].item() == pytest.approx(frechet_distance(*given_moments).item(), rel=1e-9)


def test_commuting_covariances_have_the_closed_form(normal, rng):
    # diagonal in one basis: each axis contributes the squared difference of the standard deviations
    basis = torch.linalg.qr(normal(6, 6)).Q
    s, t = normal(6).abs(), normal(6).abs()
    s[2] = t[3] = t[4] = s[4] = 0  # flat in some directions, together and apart
    cov_x, cov_y = (basis @ torch.diag(u**2) @ basis.T for u in (s, t))
    mean = normal(6)
    exact = (s - t).square().sum() + mean.square().sum()
    found = frechet_distance(mean, (cov_x + cov_x.T) / 2, torch.zeros_like(mean), (cov_y + cov_y.T) / 2)
    # an eigenvalue of 0 comes out as some 1e-16, and its root as 1e-8
    assert found.item() == pytest.approx(exact.item(), rel=1e-6)


def test_an_affine_map_that_is_optimal_costs_its_mean_square(normal):
    # y = x A + b with A positive definite carries x to y at the least squared cost, and so for their covariances
    x, root, shift = normal(300, 4), normal(4, 4), normal(4)
    y = x @ (covariance(root) + torch.eye(4, dtype=torch.float64, device=x.device)) + shift
    away = (y - y.mean(0)) - (x - x.mean(0))
    exact = (y.mean(0) - x.mean(0)).square().sum() + away.square().sum() / 299
    assert fid(x, y).item() == pytest.approx(exact.item(), rel=1e-12)


def test_distributions_that_nearly_agree_keep_their_digits(normal):
    # scaling by 1 + e costs e^2 tr(S) + e^2 |mean|^2: a difference of traces would lose it among roundings of 1e-16
    x = normal(100, 8)
    small = 1e-9
    exact = small**2 * (x.var(0).sum() + x.mean(0).square().sum())
    assert fid(x * (1 + small), x).item() == pytest.approx(exact.item(), rel=1e-4)
    assert 0 <= fid(x, x).item() < 1e-25


def test_fewer_samples_than_dimensions_are_no_harm(normal):
    # both samples on one line each, at right angles: no direction is shared, and the variances add up
    x, y = torch.zeros(2, 5, 40, dtype=torch.float64, device=normal(1).device)
    x[:, 3], y[:, 17] = normal(5), normal(5)
    exact = (x.mean(0) - y.mean(0)).square().sum() + x.var(0).sum() + y.var(0).sum()
    assert fid(x, y).item() == pytest.approx(exact.item(), rel=1e-12)


def test_two_draws_of_one_distribution_score_the_bias_that_the_docstring_says(normal):
    d, n, m = 4, 800, 400
    values = fid(2 * normal(400, n, d), 2 * normal(400, m, d))
    bias = 4 * (1 / n + 1 / m) * (d + d * (d + 1) / 4)
    error = (values.std() / 400**0.5).item()
    # to first order in 1/n, which is right to some d / m of itself
    assert values.mean().item() == pytest.approx(bias, abs=4 * error + bias * d / m)
    assert bias > 20 * error  # it is seen clearly


@given(seed=st.integers(0, 10**6), factor=st.floats(0.1, 10))
def test_turning_and_scaling_the_features_and_exchanging_the_two(seed, factor):
    source = torch.Generator().manual_seed(seed)
    x, y = (torch.randn(n, 3, dtype=torch.float64, generator=source) for n in (9, 7))
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=source)).Q
    value = fid(x, y).item()
    assert value >= 0
    assert fid(y, x).item() == pytest.approx(value, rel=1e-9)
    assert fid(factor * x @ turn + 1, factor * y @ turn + 1).item() == pytest.approx(factor**2 * value, rel=1e-9)


def test_what_is_no_covariance_is_refused(normal, device):
    mean, one = torch.zeros(2, dtype=torch.float64, device=device), torch.eye(2, dtype=torch.float64, device=device)
    skew, negative = one.clone(), one.clone()
    skew[0, 1], negative[1, 1] = 0.5, -0.5
    for bad, message in (
        (skew, "covariance must be symmetric, but entries differ by 0.5"),
        (negative, "covariance must have no negative eigenvalue, but has -0.5"),
        (one[:1], r"covariance must have shape \(2, 2\), not \(1, 2\)"),
        (one * math.nan, "covariance must be finite"),
    ):
        with pytest.raises(ValueError, match=message):
            frechet_distance(mean, bad, mean, one)
        with pytest.raises(ValueError, match=message):
            frechet_distance(mean, one, mean, bad)
    with pytest.raises(ValueError, match="same dimension d, but have 2 and 3"):
        frechet_distance(mean, one, *(torch.zeros(3, dtype=torch.float64, device=device), torch.eye(3).to(one)))
    found = frechet_distance(mean.expand(2, 2), torch.stack([one, one * math.nan]), mean, one)
    assert found.isnan().tolist() == [False, True]
    found = frechet_distance(torch.stack([mean, mean + math.inf]), one.expand(2, 2, 2), mean, one)
    assert found.isnan().tolist() == [False, True]


@pytest.mark.parametrize("distance", [fid, kid])
def test_one_point_is_too_few(distance, normal):
    for n, m, name in ((1, 5, "samples"), (5, 1, "reference")):
        with pytest.raises(ValueError, match=f"{name} must have at least 2 points for"):
            distance(normal(n, 3), normal(m, 3))


# --------------------------------------------------------------------------------------------------------- kernel


def cubic(p, q):
    return (sum(a * b for a, b in zip(p, q, strict=True)) / len(p) + 1) ** 3


def kernel_distance_by_hand(x, y):
    """The unbiased estimate of Gretton et al. (2012), lemma 6, pair by pair."""
    n, m = len(x), len(y)
    within_x = sum(cubic(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_y = sum(cubic(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within_x + within_y - 2 * sum(cubic(p, q) for p in x for q in y) / (n * m)


@pytest.mark.parametrize("tile", [10, 1 << 20])
@pytest.mark.parametrize(("n", "m", "d"), [(12, 9, 4), (2, 2, 1), (30, 30, 8)])
def test_the_kernel_distance_is_its_double_loop(normal, monkeypatch, n, m, d, tile):
    monkeypatch.setattr(_kernel, "TILE", tile)
    x, y = normal(2, n, d) + 0.5, normal(m, d)
    for member, value in zip(x.tolist(), kid(x, y), strict=True):
        assert value.item() == pytest.approx(kernel_distance_by_hand(member, y.tolist()), rel=1e-10, abs=1e-11)


def test_the_kernel_distance_has_no_bias(device):
    # a distribution on three points and one on two: all samples of two, weighted by their chances, average to the truth
    points = torch.tensor([[0.0, 1.0], [2.0, -1.0], [1.0, 1.0]], dtype=torch.float64, device=device)
    p, q = [0.5, 0.25, 0.25], [0.25, 0.0, 0.75]
    k = [[cubic(a, b) for b in points.tolist()] for a in points.tolist()]
    truth = sum((p[i] - q[i]) * k[i][j] * (p[j] - q[j]) for i in range(3) for j in range(3))
    mean = 0.0
    for i, j, r, s in itertools.product(range(3), repeat=4):
        chance = p[i] * p[j] * q[r] * q[s]
        if chance:
            mean += chance * kid(points[[i, j]], points[[r, s]]).item()
    assert mean == pytest.approx(truth, rel=1e-12)


def test_the_kernel_sees_the_skewness_that_the_frechet_distance_does_not(device, rng):
    # 0 or 3 with chances 2/3 and 1/3, and its mirror image: mean and variance are the same, the third moment is not
    x = torch.tensor([0.0, 0.0, 3.0], dtype=torch.float64, device=device).repeat(400)[:, None] - 1
    assert fid(x, -x).item() == pytest.approx(0, abs=1e-25)
    # k = 1 + 3 xy + 3 (xy)^2 + (xy)^3: the squared difference of the third moments, 2 and -2
    assert kid(x, -x).item() == pytest.approx(16, rel=0.02)  # unbiased: short of 1/n of the diagonal


# ----------------------------------------------------------------------------------------------------- classifier


@pytest.fixture(scope="module")
def classifier():
    return digit_classifier(seed=0)


def labelled():
    by_class = digits(*range(10))
    return torch.cat(by_class), torch.arange(10).repeat_interleave(torch.tensor([len(own) for own in by_class]))


def test_it_reads_digits_that_it_has_not_seen(classifier):
    assert classifier.held_out_accuracy >= 0.95
    images, labels = labelled()
    unseen = torch.arange(len(images)) % 5 == 0
    right = classifier(images[unseen]).argmax(-1) == labels[unseen]
    assert right.double().mean().item() == classifier.held_out_accuracy
    again = train_classifier(images[~unseen], labels[~unseen], seed=3)
    assert again.accuracy(images[unseen], labels[unseen]) >= 0.95


def test_a_seed_is_a_classifier_and_nobody_elses_randomness(classifier):
    before = torch.get_rng_state()
    again, other = digit_classifier(seed=0), digit_classifier(seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    for one, same, different in zip(*(c.parameters() for c in (classifier, again, other)), strict=True):
        assert torch.equal(one, same)
        assert not torch.equal(one, different)
    with torch.no_grad():
        assert torch.equal(digit_classifier(seed=0).head.weight, classifier.head.weight)


def test_populations_pass_and_probabilities_are_distributions_of_the_features(classifier, device, rng):
    moved = digit_classifier(seed=0, device=device)
    images = torch.rand(3, 7, 64, generator=rng).to(device)
    features, probabilities = moved.features(images), moved.probabilities(images)
    assert (features.shape, probabilities.shape) == ((3, 7, 32), (3, 7, 10))
    torch.testing.assert_close(probabilities.sum(-1), torch.ones(3, 7, device=device))
    assert features.min() == 0 < features.max()  # behind the last ReLU
    logits = features @ moved.head.weight.T + moved.head.bias
    torch.testing.assert_close(probabilities, logits.exp() / logits.exp().sum(-1, keepdim=True))
    torch.testing.assert_close(moved.features(images[1]), features[1])
    torch.testing.assert_close(classifier.features(images.cpu()), features.cpu(), rtol=1e-4, atol=1e-5)  # one seed
    assert torch.equal(moved.labels(images), probabilities.argmax(-1))
    assert moved.labels(images * math.nan).unique().tolist() == [-1]


def test_the_gradient_reaches_the_images_and_not_the_classifier(device, rng):
    images, labels = labelled()
    double = train_classifier(images[:300].double().to(device), labels[:300].to(device), epochs=2)
    x = torch.rand(4, 64, dtype=torch.float64, generator=rng).to(device).requires_grad_()
    assert torch.autograd.gradcheck(double.features, x)
    assert torch.autograd.gradcheck(double.probabilities, x)
    assert not any(parameter.requires_grad for parameter in double.parameters())


def test_training_material_must_go_together(device):
    images, labels = torch.rand(6, 4, device=device), torch.tensor([0, 1, 0, 1, 0, 1], device=device)
    spoilt = images.clone()
    spoilt[2, 1] = math.nan
    for arguments, message in (
        ((images[None], labels), "images and labels must have shapes"),
        ((images, labels[:5]), "images and labels must have shapes"),
        ((spoilt, labels), r"images must be finite, but images\[2, 1\] is nan"),
        ((images, labels * 0), "labels must name at least two classes"),
        ((images, labels - 1), "from 0 on, but one is -1"),
        ((images, labels.float()), "whole numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            train_classifier(*arguments)
    for name, bad in (("hidden", []), ("hidden", [0]), ("epochs", 0), ("batch_size", 0), ("lr", 0), ("seed", -1)):
        with pytest.raises(ValueError, match=name):
            train_classifier(images, labels, **{name: bad})
    small = train_classifier(images, labels, epochs=1)
    with pytest.raises(ValueError, match=r"x must be a tensor of shape \(\.\.\., 4\), not shape \(6, 3\)"):
        small.features(images[:, :3])
    with pytest.raises(ValueError, match="one dtype"):
        small.features(images.double())
    with pytest.raises(ValueError, match="labels must have shape"):
        small.accuracy(images, labels[:2])

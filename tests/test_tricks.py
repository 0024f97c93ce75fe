"""The tricks of lesson 8 in networks and losses: each is the formula of its paper, written out as a loop."""

import itertools
import math
import re

import mpmath
import pytest
import sympy
import torch

from gantut import lipschitz, objectives
from gantut.networks import MLP, MinibatchLayer, batch_norm, minibatch_similarity, virtual_batch_norm
from gantut.networks import _minibatch as minibatch_module
from gantut.objectives import FeatureMatching, feature_matching_loss

DOUBLE = dict(rtol=1e-12, atol=1e-13)  # some dozens of roundings in double precision


def normal(rng, *shape, dtype=torch.float64):
    return torch.randn(shape, dtype=dtype, generator=rng)


# ---- Feature matching ------------------------------------------------------------------------------------------


def cubic(x, y):
    return (sum(a * b for a, b in zip(x, y, strict=True)) / len(x) + 1) ** 3


def average(values):
    values = list(values)
    return sum(values) / len(values)


def matched_by_hand(statistics, real, fake):
    """Of one member, from lists of features, as the sums stand in the papers."""
    if statistics == "mmd":
        pairs = ((real, real), (real, fake), (fake, fake))
        rr, rf, ff = (average(cubic(x, y) for x in one for y in other) for one, other in pairs)
        return rr - 2 * rf + ff
    total = 0.0
    for ours, theirs in zip(zip(*real, strict=True), zip(*fake, strict=True), strict=True):  # a feature at a time
        means = average(ours), average(theirs)
        total += (means[0] - means[1]) ** 2
        squares = [average(h * h for h in own) for own in (ours, theirs)]
        if statistics == "moments":
            total += (squares[0] - squares[1]) ** 2
        if statistics == "mean+std":
            stds = [math.sqrt(square - mean**2) for square, mean in zip(squares, means, strict=True)]
            total += (stds[0] - stds[1]) ** 2
    return total


@pytest.mark.parametrize("statistics", objectives.STATISTICS)
def test_feature_matching_compares_the_statistics_that_it_names(device, rng, statistics):
    real, fake = normal(rng, 2, 6, 4), normal(rng, 2, 5, 4) + 0.3
    judged = [x.to(device) for x in (real, fake)]
    loss = feature_matching_loss(*judged, statistics=statistics).cpu()
    expected = [matched_by_hand(statistics, real[i].tolist(), fake[i].tolist()) for i in range(2)]
    torch.testing.assert_close(loss, torch.tensor(expected, dtype=torch.float64), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("statistics", objectives.STATISTICS)
def test_feature_matching_of_several_layers_is_the_sum_and_the_same_batch_costs_nothing(rng, statistics):
    layers = [(normal(rng, 2, 6, width), normal(rng, 2, 6, width)) for width in (3, 5)]
    together = tuple(r for r, _ in layers), tuple(f for _, f in layers)
    one_by_one = [feature_matching_loss(r, f, statistics=statistics) for r, f in layers]
    torch.testing.assert_close(feature_matching_loss(*together, statistics=statistics), sum(one_by_one), **DOUBLE)
    assert feature_matching_loss(together[0], together[0], statistics=statistics).abs().max() < 1e-12


@pytest.mark.parametrize(
    ("real", "fake", "widths"),
    [
        (torch.zeros(4, 1), torch.ones(4, 3), "[1] and [3]"),
        ((torch.zeros(4, 1),) * 2, torch.ones(4, 1), "[1, 1] and [1]"),
    ],
)
def test_features_of_other_layers_are_not_matched(real, fake, widths):
    with pytest.raises(ValueError, match=re.escape(f"must have the same widths, not {widths}")):
        feature_matching_loss(real, fake)


def test_gradients_of_matching_are_finite_where_a_unit_is_dead(rng):
    real, fake = normal(rng, 1, 4, 3), torch.zeros(1, 4, 3, dtype=torch.float64, requires_grad=True)
    for statistics in objectives.STATISTICS:
        loss = feature_matching_loss(real, fake, statistics=statistics)
        assert torch.autograd.grad(loss.sum(), fake)[0].isfinite().all()


def test_means_that_agree_leave_no_gradient_though_distributions_differ_and_more_statistics_see_it(rng):
    x = normal(rng, 1, 8, 2)
    x = x - x.mean(1, keepdim=True)
    wide = (2 * x).requires_grad_()
    slopes = {
        statistics: torch.autograd.grad(
            feature_matching_loss(x, wide, statistics=statistics).sum(), wide
        )[0].abs().max()
        for statistics in objectives.STATISTICS
    }  # fmt: skip
    assert slopes.pop("mean") < 1e-14
    assert min(slopes.values()) > 1e-2


def test_features_are_the_layers_that_are_named(device, rng):
    critic, x = MLP([2, 5, 4, 3, 1], members=2, dtype=torch.float64, device=device), normal(rng, 2, 6, 2).to(device)
    output, layers = critic.features(x, (0, 1, 2, -1, -3))
    h, expected = x, []
    for weight, bias in zip(critic.weights, critic.biases, strict=True):
        h = torch.relu(h @ weight + bias)
        expected.append(h)
    for ours, theirs in zip(layers, [*expected[:3], expected[2], expected[0]], strict=True):
        torch.testing.assert_close(ours, theirs, **DOUBLE)
    assert torch.equal(output, critic(x))
    assert torch.equal(critic.features(x)[1], layers[2])
    for wrong in (3, -4):
        with pytest.raises(ValueError, match=r"layers must lie in \[-3, 2\] for 3 hidden layers"):
            critic.features(x, (0, wrong))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(layers=()), "layers must be different whole numbers, such as (0, -1), not ()"),
        (dict(layers=(0, 0)), "layers must be different whole numbers"),
        (dict(layers=1), "layers must be different whole numbers"),
        (dict(statistics="median"), "statistics must be one of 'mean', 'mean+std', 'moments', 'mmd', not 'median'"),
        (dict(weight=0), "weight must be a positive finite number, not 0"),
        (dict(added=1.5), "added must be one of True, False, not 1.5"),
    ],
)
def test_feature_matching_names_what_it_does_not_know(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        FeatureMatching(**settings)


# ---- Minibatch discrimination ----------------------------------------------------------------------------------


def closeness_by_hand(rows):
    """Section 3.2 of the paper, for one member: rows[i][b] is M_ib."""
    batch, kernels = len(rows), len(rows[0])
    o = [[0.0] * kernels for _ in range(batch)]
    for i, j, b in itertools.product(range(batch), range(batch), range(kernels)):
        o[i][b] += math.exp(-sum(abs(x - y) for x, y in zip(rows[i][b], rows[j][b], strict=True)))
    return o


def test_closeness_is_the_sum_of_the_paper_over_the_whole_batch(device, rng):
    projected = normal(rng, 2, 7, 3, 4)
    expected = torch.tensor([closeness_by_hand(member) for member in projected.tolist()], dtype=torch.float64)
    torch.testing.assert_close(minibatch_similarity(projected.to(device)).cpu(), expected, **DOUBLE)


def test_copies_of_one_sample_are_as_close_as_can_be_and_a_permutation_is_followed(device, rng):
    same = normal(rng, 1, 1, 3, 4).expand(1, 64, 3, 4).to(device)
    assert torch.equal(minibatch_similarity(same), torch.full((1, 64, 3), 64.0, dtype=torch.float64, device=device))
    projected, order = normal(rng, 1, 10, 3, 4).to(device), torch.randperm(10, generator=rng)
    torch.testing.assert_close(
        minibatch_similarity(projected[:, order]), minibatch_similarity(projected)[:, order], **DOUBLE
    )
    assert minibatch_similarity(projected * 1e3).sub(1).abs().max() < 1e-6, "far apart: only the sample itself is near"


def test_closeness_has_right_first_and_second_derivatives(device, rng):
    projected = normal(rng, 2, 5, 2, 3).to(device).requires_grad_()  # no two coordinates are equal: no kinks nearby
    assert torch.autograd.gradcheck(minibatch_similarity, projected)
    assert torch.autograd.gradgradcheck(minibatch_similarity, projected)


def test_portions_change_no_bit_and_bound_what_is_held(device, rng, monkeypatch):
    projected, slope = (normal(rng, 2, 32, *rest, dtype=torch.float32).to(device) for rest in ((4, 3), (4,)))
    found, held = [], []
    original = minibatch_module._similarities

    def watched(some, projected):
        similarities = original(some, projected)
        held.append(similarities.numel())
        return similarities

    monkeypatch.setattr(minibatch_module, "_similarities", watched)
    for entries in (1 << 22, 2 * 4 * 32 * 5, 1):
        monkeypatch.setattr(minibatch_module, "ENTRIES", {device.type: entries, "cuda": entries})
        held.clear()
        leaf = projected.clone().requires_grad_()
        value = minibatch_similarity(leaf)
        found.append((value.detach(), torch.autograd.grad(value, leaf, slope)[0]))
        assert max(held) <= max(entries, 2 * 4 * 32)
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_a_critic_appends_closeness_to_its_last_features(device, rng):
    critic = MLP([2, 6, 5, 1], members=2, minibatch=(3, 4), dtype=torch.float64, device=device)
    x = normal(rng, 2, 8, 2).to(device)
    output, features = critic.features(x)
    projected = (features @ critic.minibatch.tensor).reshape(2, 8, 3, 4)
    o = torch.tensor([closeness_by_hand(member) for member in projected.tolist()], dtype=torch.float64, device=device)
    joined = torch.cat([features, o], -1)
    torch.testing.assert_close(output, joined @ critic.weights[-1] + critic.biases[-1], **DOUBLE)
    assert critic.weights[-1].shape == (2, 8, 1)
    assert not critic.samples_are_separate


def test_minibatch_features_tell_a_collapsed_batch_from_a_diverse_one(device, rng):
    layer = MinibatchLayer(normal(rng, 1, 4, 12).to(device), 3)
    diverse = normal(rng, 1, 32, 4).to(device)
    collapsed = diverse[:, :1] + 1e-3 * diverse
    assert layer(collapsed)[..., 4:].min() > 30
    assert layer(diverse)[..., 4:].mean() < 4


def test_a_penalty_refuses_a_critic_that_sees_its_batch(device):
    x = torch.zeros(1, 4, 2, device=device)
    for options in (dict(minibatch=(2, 2)), dict(normalisation="batch")):
        critic = MLP([2, 4, 1], device=device, **options)
        with pytest.raises(ValueError, match="critic must score each sample by itself"):
            lipschitz.gradient_penalty(critic, x, x)
        with pytest.raises(ValueError, match="normalisation must not be 'batch'"):
            critic.input_gradient(x)
        with pytest.raises(ValueError, match="mlp must have neither normalisation nor minibatch layers"):
            lipschitz.lipschitz_bound(critic)


# ---- Normalisation ---------------------------------------------------------------------------------------------


def test_virtual_batch_norm_is_that_of_the_paper_sample_by_sample(device, rng):
    reference, h = normal(rng, 2, 6, 3) * 2 + 1, normal(rng, 2, 5, 3)
    scale, shift = normal(rng, 2, 1, 3), normal(rng, 2, 1, 3)
    ours = virtual_batch_norm(*(x.to(device) for x in (reference, h, scale, shift)))
    for member, unit in itertools.product(range(2), range(3)):
        fixed = reference[member, :, unit].tolist()
        gain, offset = scale[member, 0, unit].item(), shift[member, 0, unit].item()
        for i in range(5):
            sample = h[member, i, unit].item()
            own = [*fixed, sample]  # the reference batch and the sample itself
            mean = average(own)
            deviation = math.sqrt(average((x - mean) ** 2 for x in own) + 1e-5)
            expected = gain * (sample - mean) / deviation + offset
            assert ours[1][member, i, unit].item() == pytest.approx(expected, rel=1e-11, abs=1e-12)
        deviation = math.sqrt(average((x - average(fixed)) ** 2 for x in fixed) + 1e-5)
        for i, sample in enumerate(fixed):
            expected = gain * (sample - average(fixed)) / deviation + offset
            assert ours[0][member, i, unit].item() == pytest.approx(expected, rel=1e-11, abs=1e-12)


def test_batch_norm_is_that_of_torch(device, rng):
    h, scale, shift = (normal(rng, *shape).to(device) for shape in ((2, 9, 3), (2, 1, 3), (2, 1, 3)))
    for member in range(2):
        expected = torch.nn.functional.batch_norm(
            h[member], None, None, scale[member, 0], shift[member, 0], training=True, eps=1e-5
        )
        torch.testing.assert_close(batch_norm(h, scale, shift)[member], expected, **DOUBLE)


def normalised(normalisation, rng, device, widths=(3, 8, 6, 1)):
    network = MLP(widths, members=2, activation="tanh", normalisation=normalisation, dtype=torch.float64, device=device)
    with torch.no_grad():
        for scales in network.scales:
            scales.copy_(1 + 0.3 * normal(rng, *scales.shape))
    if normalisation == "virtual-batch":
        network.set_reference(normal(rng, 2, 7, widths[0]).to(device))
    return network


def test_the_output_of_a_sample_feels_the_others_of_its_batch_under_batch_norm_and_not_under_virtual(device, rng):
    x = normal(rng, 2, 8, 3).to(device)
    other = torch.cat([x[:, :1], normal(rng, 2, 7, 3).to(device)], 1)
    moved = {}
    for normalisation in ("batch", "virtual-batch"):
        network = normalised(normalisation, rng, device)
        moved[normalisation] = (network(x) - network(other))[:, 0].abs().max()
        assert network.samples_are_separate == (normalisation == "virtual-batch")
    assert moved["batch"] > 1e-2
    assert moved["virtual-batch"] == 0


def test_the_reference_passes_through_every_layer_with_the_present_weights_and_has_a_gradient(device, rng):
    network, x = normalised("virtual-batch", rng, device), normal(rng, 2, 4, 3).to(device)
    reference, h = network.reference, x
    for weight, scale, shift in zip(network.weights[:2], network.scales, network.biases[:2], strict=True):
        parts = [reference @ weight, h @ weight]
        h = torch.tanh(virtual_batch_norm(*parts, scale, shift)[1])
        mean, var = parts[0].mean(1, keepdim=True), parts[0].var(1, correction=0, keepdim=True)
        reference = torch.tanh((parts[0] - mean) / (var + 1e-5).sqrt() * scale + shift)
    expected = h @ network.weights[2] + network.biases[2]
    torch.testing.assert_close(network(x), expected, **DOUBLE)
    slopes = [torch.autograd.grad(out.square().sum(), network.weights[0])[0] for out in (network(x), expected)]
    torch.testing.assert_close(*slopes, rtol=1e-9, atol=1e-12)


def test_the_gradient_in_the_input_of_a_virtually_normalised_critic_is_that_of_autograd(device, rng):
    critic, x = normalised("virtual-batch", rng, device), normal(rng, 2, 4, 3).to(device).requires_grad_()
    (expected,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    ours = critic.input_gradient(x.detach())
    torch.testing.assert_close(ours, expected, **DOUBLE)
    slopes = [torch.autograd.grad(g.square().sum(), critic.weights[0])[0] for g in (ours, expected)]
    torch.testing.assert_close(*slopes, **DOUBLE)
    with torch.no_grad():  # for a look at slopes, which nobody descends
        assert torch.equal(critic.input_gradient(x), ours)


def test_a_reference_is_asked_for_and_checked():
    network = MLP([3, 4, 1], members=2, normalisation="virtual-batch")
    with pytest.raises(ValueError, match="reference must be set by `set_reference`"):
        network(torch.zeros(5, 3))
    for shape in ((2, 5, 2), (1, 5, 3), (5, 3), (2, 0, 3)):
        with pytest.raises(ValueError, match=r"x must have shape \(2, n, 3\), not"):
            network.set_reference(torch.zeros(shape))
    with pytest.raises(ValueError, match="normalisation must be 'virtual-batch' for a reference batch, not None"):
        MLP([3, 4, 1]).set_reference(torch.zeros(1, 5, 3))
    with pytest.raises(ValueError, match="normalisation must be one of None, 'batch', 'virtual-batch', not 'layer'"):
        MLP([3, 4, 1], normalisation="layer")
    with pytest.raises(ValueError, match="minibatch must be a whole number of at least 1, not 0"):
        MLP([3, 4, 1], minibatch=(0, 2))


@pytest.mark.parametrize(
    "options", [dict(normalisation="virtual-batch"), dict(normalisation="batch"), dict(minibatch=(4, 3))]
)
def test_some_members_are_those_members_and_start_as_they_would_alone(device, rng, options):
    whole = MLP([3, 16, 16, 1], members=3, seed=5, device=device, **options)
    alone = MLP([3, 16, 16, 1], members=1, seed=6, device=device, **options)
    if "normalisation" in options:
        reference = normal(rng, 3, 32, 3, dtype=torch.float32).to(device)
        if options["normalisation"] == "virtual-batch":
            whole.set_reference(reference)
            alone.set_reference(reference[1:2])
    for ours, theirs in zip(whole.parameters(), alone.parameters(), strict=True):
        assert torch.equal(ours[1:2], theirs)
    part, x = whole.members_between(1, 2), normal(rng, 3, 32, 3, dtype=torch.float32).to(device)
    torch.testing.assert_close(part(x[1:2]), whole(x)[1:2], rtol=1e-5, atol=1e-6)  # float32
    assert torch.equal(part(x[1:2]), alone(x[1:2]))
    names = [[name for name, _ in network.named_parameters()] for network in (whole, part)]
    assert names[0] == names[1]
    for ours, all_ in zip(part.parameters(), whole.parameters(), strict=True):
        assert ours.data_ptr() == all_[1].data_ptr()


# ---- Labels ----------------------------------------------------------------------------------------------------


def test_the_optimum_under_smoothed_labels_is_their_mixture():
    d, p, q, alpha, beta = sympy.symbols("d p q alpha beta", positive=True)
    cost = -p * (alpha * sympy.log(d) + (1 - alpha) * sympy.log(1 - d))
    cost -= q * (beta * sympy.log(d) + (1 - beta) * sympy.log(1 - d))
    (optimum,) = sympy.solve(sympy.diff(cost, d), d)
    assert sympy.simplify(optimum - (alpha * p + beta * q) / (p + q)) == 0


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 0.0), (0.9, 0.0), (0.9, 0.1), (0.7, 0.2)])
@pytest.mark.parametrize("loss", ["discriminator_loss", "least_squares_critic_loss"])
def test_each_loss_with_labels_is_least_at_that_mixture(device, loss, alpha, beta):
    p, q = (
        torch.tensor(distribution, dtype=torch.float64, device=device)
        for distribution in ([0.1, 0.4, 0.5], [0.6, 0.3, 0.1])
    )
    optimum = (alpha * p + beta * q) / (p + q)
    scores = (optimum.logit() if loss == "discriminator_loss" else optimum).requires_grad_()
    total = 0
    for k in range(3):  # an expectation over a distribution of three points, a judgement of one point at a time
        for own, weight in (("real", p[k]), ("fake", q[k])):
            nothing = scores.new_zeros(1, 1)
            here = scores[k].reshape(1, 1)
            real, fake = (here, nothing) if own == "real" else (nothing, here)
            both = getattr(objectives, loss)(real, fake, real_label=alpha, fake_label=beta)
            total = total + weight * both.sum()
    (slope,) = torch.autograd.grad(total, scores)
    assert slope.abs().max() < 1e-15


def test_smoothed_cross_entropy_is_its_equation_at_every_logit(rng):
    real, fake = (torch.cat([3 * normal(rng, 1, 5), torch.tensor([[100.0, -100.0]]).double()], 1) for _ in range(2))
    loss = objectives.discriminator_loss(real, fake, real_label=0.9, fake_label=0.2)
    with mpmath.workdps(120):

        def cost(a, label):
            a = mpmath.mpf(a)
            d, other = 1 / (1 + mpmath.exp(-a)), 1 / (1 + mpmath.exp(a))
            return -label * mpmath.log(d) - (1 - label) * mpmath.log(other)

        terms = [
            mpmath.fsum(cost(a, mpmath.mpf(label)) for a in scores[0].tolist()) / 7
            for scores, label in ((real, 0.9), (fake, 0.2))
        ]
        assert loss.item() == pytest.approx(float(sum(terms)), rel=1e-14)


def test_labels_of_1_and_0_change_no_bit(rng):
    real, fake = (normal(rng, 3, 9, dtype=torch.float32) for _ in range(2))
    for loss in (objectives.discriminator_loss, objectives.least_squares_critic_loss):
        assert torch.equal(loss(real, fake), loss(real, fake, real_label=1.0, fake_label=0.0))


# ---- K + 1 classes -----------------------------------------------------------------------------------------------


def softmax(logits):
    exponentials = [mpmath.exp(mpmath.mpf(logit)) for logit in logits]
    return [e / mpmath.fsum(exponentials) for e in exponentials]


def test_the_losses_of_classes_are_those_of_a_softmax_over_one_class_more(device, rng):
    real, fake, labelled = (4 * normal(rng, 1, n, 5) for n in (6, 7, 4))
    labels = torch.tensor([[0, 3, 4, 3]])
    score = objectives.class_score
    unsupervised = objectives.discriminator_loss(*(score(x.to(device)) for x in (real, fake)))
    supervised = objectives.supervised_loss(labelled.to(device), labels.to(device))
    with mpmath.workdps(50):
        chances = {name: [softmax([*row, 0.0]) for row in x[0].tolist()]
                   for name, x in (("real", real), ("fake", fake), ("labelled", labelled))}  # fmt: skip
        # Salimans et al. (2016), section 5: class K + 1 is "generated"
        expected = -average(mpmath.log(1 - p[-1]) for p in chances["real"])
        expected -= average(mpmath.log(p[-1]) for p in chances["fake"])
        by_label = -average(
            mpmath.log(p[y] / (1 - p[-1])) for p, y in zip(chances["labelled"], labels[0].tolist(), strict=True)
        )
    assert unsupervised.item() == pytest.approx(float(expected), rel=1e-13)
    assert supervised.item() == pytest.approx(float(by_label), rel=1e-13)
    ours = objectives.class_probabilities(real.to(device)).cpu()[0]
    theirs = torch.tensor([[float(p) for p in row] for row in chances["real"]], dtype=torch.float64)
    torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=1e-15)
    z = real[0].exp().sum(-1)
    torch.testing.assert_close(1 - ours[:, -1], z / (z + 1), rtol=1e-13, atol=1e-15)


def test_labels_and_logits_must_fit():
    with pytest.raises(ValueError, match=r"labels must have the shape of logits without the classes, \(2, 3\), not"):
        objectives.supervised_loss(torch.zeros(2, 3, 5), torch.zeros(2, 4, dtype=torch.int64))


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (
            torch.zeros(1, 3, 4),
            [[0, 4, 1]],
            r"labels must lie in \[0, 3\] .* but one is 4",
        ),
        (torch.zeros(1, 3, 4), [[0, -1, 1]], "labels must be whole numbers from 0 on, but one is -1"),
        (torch.zeros(1, 3, 4), [[0, -100, 1]], "but one is -100"),  # which torch would leave out of the mean's sum
        (torch.zeros(1, 3, 4), [[0.0, 1.0, 1.0]], "labels must be whole numbers, not torch.float32"),
        (torch.zeros(1, 3, 4).bool(), [[0, 1, 1]], "logits must be floating point, not torch.bool"),
        (torch.zeros(1, 0, 4), [[]], r"logits must have shape \(\.\.\., batch, K\), with no size 0, not \(1, 0, 4\)"),
    ],
)
def test_labels_that_are_none_of_the_classes_are_refused(logits, labels, message):
    with pytest.raises(ValueError, match=message):
        objectives.supervised_loss(logits, torch.tensor(labels))


@pytest.mark.parametrize("kind", [torch.uint8, torch.int32])
def test_labels_may_be_whole_numbers_of_any_size(rng, kind):
    logits, labels = normal(rng, 2, 3, 4), torch.tensor([[0, 3, 1], [2, 2, 0]])
    found = objectives.supervised_loss(logits, labels.to(kind))
    assert torch.equal(found, objectives.supervised_loss(logits, labels))

"""Lessons 1 to 3: their exercises take every right answer, and what their praise says is so."""

import pytest
import torch
from torch.nn.functional import softplus

from gantut.data import gaussian, gaussian_mixture
from gantut.divergences import integrate
from gantut.lessons import mark


def _losses(D, G, real, z):
    return softplus(-D(real)).mean() + softplus(D(G(z).detach())).mean()


def _with_no_grad(G, D, optimizer, real, z):
    with torch.no_grad():
        fake = G(z)
    optimizer.zero_grad()
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    of_real, of_fake = D(real), D(fake)
    (bce(of_real, torch.ones_like(of_real)) + bce(of_fake, torch.zeros_like(of_fake))).backward()
    optimizer.step()


def _by_autograd(G, D, optimizer, real, z):
    both = D(torch.cat([real, G(z).detach()])).squeeze(-1).split(len(real))
    loss = softplus(-both[0]).mean() + softplus(both[1]).mean()
    for parameter, slope in zip(D.parameters(), torch.autograd.grad(loss, list(D.parameters())), strict=True):
        parameter.grad = slope
    optimizer.step()
    return loss.item()


def _cleaned_up(G, D, optimizer, real, z):
    D.zero_grad()
    (softplus(-D(real)).mean() + softplus(D(G(z))).mean()).backward()
    optimizer.step()
    G.zero_grad()


@pytest.mark.parametrize("step", [_with_no_grad, _by_autograd, _cleaned_up])
def test_every_way_to_write_the_discriminators_step_is_right(step):
    assert mark("discriminator-step", step).right


def _half_as_long(G, D, optimizer, real, z):
    optimizer.zero_grad()
    (_losses(D, G, real, z) / 2).backward()
    optimizer.step()


def _generator_moves_too(G, D, optimizer, real, z):
    _with_no_grad(G, D, optimizer, real, z)
    with torch.no_grad():
        for parameter in G.parameters():
            parameter.mul_(0.9)


def _two_steps(G, D, optimizer, real, z):
    for _ in range(2):
        _with_no_grad(G, D, optimizer, real, z)


@pytest.mark.parametrize("step", [_half_as_long, _generator_moves_too, _two_steps])
def test_every_other_discriminators_step_is_wrong(step):
    assert mark("discriminator-step", step).message.startswith("not yet. On a small example")


def test_a_generators_step_that_moves_the_discriminator_is_wrong():
    def step(G, D, optimizer, z):
        optimizer.zero_grad()
        softplus(-D(G(z))).mean().backward()
        optimizer.step()
        with torch.no_grad():
            D[0].bias.add_(0.1)

    assert mark("generator-step", step).right is False


def test_a_step_is_a_function_and_takes_what_the_lesson_says():
    assert mark("discriminator-step", 0.5).message == "not yet. The answer should be a function, not a float."
    assert mark("generator-step", lambda G, D: None).message.startswith("your answer raised TypeError")


@pytest.mark.parametrize(
    ("exercise", "printed"),
    [
        ("kl-of-a-coin", 0.737),
        ("js-half-overlap", 0.347),
        ("best-against-collapse", 0.111),
        ("read-dstar", 3),
        ("value-from-loss", -0.9),
    ],
)
def test_a_number_is_right_as_the_book_prints_it(exercise, printed):
    assert mark(exercise, printed).right


def test_the_praise_of_moment_matching_counts_right():
    data = gaussian_mixture([0.0, 4.0], 1.0, [0.25, 0.75])
    of_fit, of_data = (float(integrate(d.density, 1.0, 3.0)[0]) for d in (gaussian(3.0, 2.0), data))
    assert 1 / 3 < of_fit < 0.35
    assert 0.15 < of_data < 1 / 6

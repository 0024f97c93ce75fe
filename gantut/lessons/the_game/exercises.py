"""The exercises of lesson 2, The game."""

import sympy
import torch
from torch.nn.functional import softplus

from gantut.device import seeded
from gantut.lessons import Exercise, Mistake
from gantut.lessons._answers import NotAnAnswer, kind

_a = sympy.Symbol("a", real=True)


def _loss(real, fake):
    return softplus(-real).mean() + softplus(fake).mean()


def _naive_loss(real, fake):
    return -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean()


def _value(real, fake):
    return -_loss(real, fake)


def _both_real(real, fake):
    return softplus(-real).mean() + softplus(-fake).mean()


# ---- The two steps: what a reader's function leaves behind --------------------------------------------------------


def _after(step, *, of_discriminator: bool) -> torch.Tensor:
    """Return all parameters after a step, and the gradient that a step of D leaves in G, as one vector.

    The network that is to move has a gradient left from before, and learns by plain gradient steps, in which a factor
    in the loss shows.
    """
    with seeded(0):
        G, D = (
            torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, width)) for width in (2, 1)
        )
        real, z, earlier = 2 + torch.randn(8, 2), torch.randn(8, 2), torch.randn(8, 2)
    moving, still = (D, G) if of_discriminator else (G, D)
    softplus(-D(G(earlier))).mean().backward()
    still.zero_grad()
    optimizer = torch.optim.SGD(moving.parameters(), lr=0.5)
    step(G, D, optimizer, real, z) if of_discriminator else step(G, D, optimizer, z)
    found = [*G.parameters(), *D.parameters()]
    if of_discriminator:
        found += [torch.zeros_like(p) if p.grad is None else p.grad for p in G.parameters()]
    return torch.cat([tensor.detach().flatten() for tensor in found])


def _step_exercise(*, of_discriminator: bool, answer, mistakes, **words) -> Exercise:
    """An exercise that asks for a step: right is what leaves both networks as `answer` does."""

    def same(given, known):
        return torch.allclose(given, _after(known, of_discriminator=of_discriminator), atol=1e-5)

    def accepts(given):
        if not callable(given):
            raise NotAnAnswer(f"The answer should be a function, not {kind(given)}.")
        found = _after(given, of_discriminator=of_discriminator)
        if same(found, answer):
            return True
        for mistake in mistakes:
            if same(found, mistake.answer):
                raise NotAnAnswer(mistake.why)
        raise NotAnAnswer("On a small example your step leaves other parameters behind than the right one.")

    return Exercise(answer=answer, mistakes=mistakes, accepts=accepts, **words)


def _step(loss_of, *, zero=True):
    """A step of either player down a loss of (G, D, *draws)."""

    def step(G, D, optimizer, *draws):
        loss = loss_of(G, D, *draws)
        if zero:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def _of_D(G, D, real, z):
    return _loss(D(real), D(G(z).detach()))


def _of_D_sigmoid_twice(G, D, real, z):
    return _loss(D(real).sigmoid(), D(G(z).detach()).sigmoid())


def _of_G(G, D, z):
    return softplus(-D(G(z))).mean()


EXERCISES = (
    Exercise(
        id="discriminator-loss",
        answer=_loss,
        praise="It is the cross-entropy of a classifier: 2 log 2 for one that can only guess.",
        mistakes=(
            Mistake(
                _naive_loss, "At a logit of 200 the sigmoid is exactly 1, and the logarithm of 1 − 1 is not finite."
            ),
            Mistake(_value, "That is V, which the discriminator wants large; its loss is −V."),
            Mistake(_both_real, "For generated samples it is −log(1 − D): the other sign of the logit."),
        ),
        arguments=(
            (torch.tensor([0.5, -1.0, 2.0]), torch.tensor([0.3, -2.0, 1.0])),
            (torch.tensor([200.0, -200.0]), torch.tensor([200.0, -200.0])),
        ),
    ),
    Exercise(
        id="value-from-loss",
        answer=-0.9,
        praise="Above the −1.386 of guessing: this discriminator can still tell them apart.",
        mistakes=(
            Mistake(
                -0.45, "V adds two means, one over real and one over generated samples; the script takes one over all."
            ),
            Mistake(0.9, "V is minus the cross-entropies: it is never positive."),
        ),
    ),
    _step_exercise(
        of_discriminator=True,
        id="discriminator-step",
        answer=_step(_of_D),
        praise="D has moved, the old gradient in it did not count, and G has not noticed.",
        mistakes=(
            Mistake(
                _step(lambda G, D, real, z: _loss(D(real), D(G(z)))),
                "D moves as it should, but your step leaves a gradient in G: stop it where the samples are made, with "
                "detach.",
            ),
            Mistake(
                _step(_of_D, zero=False),
                "D had a gradient left from the generator's step, and yours was added to it: call "
                "optimizer.zero_grad() before backward().",
            ),
            Mistake(
                _step(_of_D_sigmoid_twice), "The loss takes logits, and D returns logits: there is a sigmoid too many."
            ),
            Mistake(_step(lambda *game: -_of_D(*game)), "Your step goes down V: the discriminator wants V large."),
            Mistake(
                lambda G, D, optimizer, real, z: _of_D(G, D, real, z),
                "D has not moved: after the loss come backward() and optimizer.step().",
            ),
        ),
    ),
    _step_exercise(
        of_discriminator=False,
        id="generator-step",
        answer=_step(_of_G),
        praise="G has moved towards what D takes for real, and D has stood still.",
        mistakes=(
            Mistake(
                _step(lambda G, D, z: softplus(-D(G(z).detach())).mean()),
                "G has not moved: nothing reaches it where its samples are detached.",
            ),
            Mistake(
                _step(_of_G, zero=False),
                "G had an old gradient, and yours was added to it: call optimizer.zero_grad() before backward().",
            ),
            Mistake(
                _step(lambda G, D, z: -softplus(D(G(z))).mean()),
                "That is the loss of the minimax game, log(1 − D); wanted is −log D.",
            ),
            Mistake(
                _step(lambda G, D, z: -_of_G(G, D, z)),
                "Your step goes down log D: it makes D surer that the samples are generated.",
            ),
            Mistake(
                _step(lambda G, D, z: softplus(-D(G(z)).sigmoid()).mean()),
                "D returns logits, and the loss takes logits: there is a sigmoid too many.",
            ),
        ),
    ),
    Exercise(
        id="slope-in-the-logit",
        answer=-1 / (1 + sympy.exp(-_a)),
        praise="It is −D itself: a sample that D takes for generated, and is certain, gives the generator no slope.",
        mistakes=(
            Mistake(-1 / (1 + sympy.exp(_a)), "That is the slope of −log D, the other generator loss."),
            Mistake(1 / (1 + sympy.exp(-_a)), "Mind the sign: a larger logit makes 1 − D smaller."),
        ),
    ),
)

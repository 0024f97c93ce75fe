"""The unrolled GAN: a generator that sees how the critic would answer its move."""

import torch
from torch.func import functional_call

from gantut.training._players import Optimizer


def look_ahead(critic, config, constraint, real: torch.Tensor, fake: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    r"""Return the critic's scores of both batches after ``config.unrolled`` more of its steps on them.

    The gradient flows back through those steps, so that the generator feels the critic's answer; the critic itself
    stays where it is.

    Parameters
    ----------
    critic : PopulationLearner
    config : Config
    constraint : gantut.lipschitz.Constraint
    real, fake : tensors, shape (members, batch, \*event)

    Returns
    -------
    two tensors, shape (members, batch)

    References
    ----------
    Metz et al. (2017), equations 7 to 11; lesson 6.
    """

    def score(values, x):
        return functional_call(critic.network, critic.parameters.named(values), (x,)).squeeze(-1)

    values = critic.values.detach().requires_grad_()
    step = differentiable_step(config.critic_optimizer, critic.optimizer, critic.leaf)
    for _ in range(config.unrolled):
        loss = config.game.critic_loss(score(values, real), score(values, fake))
        (slope,) = torch.autograd.grad(loss.sum(), values, create_graph=True)
        values = step(values, slope)
        if constraint.projected:
            values = constraint.projected(values)
    return score(values, real), score(values, fake)


def differentiable_step(settings: Optimizer, optimizer: torch.optim.Optimizer, leaf: torch.Tensor):
    """Return the step that this optimizer would take next, and next again, as a differentiable function.

    Its memory starts from that of the optimizer, which is not changed.
    """
    memory = optimizer.state.get(leaf, {})
    zero = torch.zeros_like(leaf.detach())
    if settings.name == "adam":
        return _adam(settings, memory.get("step", 0), memory.get("exp_avg", zero), memory.get("exp_avg_sq", zero))
    momentum = memory.get("momentum_buffer")
    momentum = zero if momentum is None else momentum
    if settings.name == "rmsprop":
        return _rmsprop(settings, memory.get("square_avg", zero), momentum)
    return _sgd(settings, momentum)


def _adam(settings, count, first, second):
    """Kingma and Ba (2015), Algorithm 1."""
    (beta1, beta2), count = settings.betas, int(count)

    def step(values, slope):
        nonlocal count, first, second
        count += 1
        first = beta1 * first + (1 - beta1) * slope
        second = beta2 * second + (1 - beta2) * slope.square()
        root = _root(second / (1 - beta2**count))
        return values - settings.lr * (first / (1 - beta1**count)) / (root + 1e-8)

    return step


def _rmsprop(settings, square, momentum):
    """Tieleman and Hinton (2012), as `torch.optim.RMSprop` with its default decay of 0.99."""

    def step(values, slope):
        nonlocal square, momentum
        square = 0.99 * square + 0.01 * slope.square()
        momentum = settings.momentum * momentum + slope / (_root(square) + 1e-8)
        return values - settings.lr * momentum

    return step


def _sgd(settings, momentum):
    """Gradient descent with the momentum of Polyak (1964)."""

    def step(values, slope):
        nonlocal momentum
        momentum = settings.momentum * momentum + slope
        return values - settings.lr * momentum

    return step


def _root(square):
    """The square root; its slope at 0, where a parameter has never had a gradient, is taken as 0."""
    positive = square > 0
    return torch.where(positive, torch.where(positive, square, 1).sqrt(), 0)

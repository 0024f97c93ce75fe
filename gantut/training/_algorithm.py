r"""Algorithm 1 (GAN) and Algorithm 2 (WGAN), which are one.

A round: ``n_critic`` steps of the critic on fresh batches, the generator standing still; then one step of the
generator, the critic standing still. Which losses, which optimizer and which constraint on the critic is data.
"""

from collections.abc import Callable
from functools import partial

import torch

from gantut.objectives import supervised_loss
from gantut.training._players import Players, samples_are_separate
from gantut.training._unrolling import look_ahead


def advance(players: Players, steps: int, *, record_every: int, done: int) -> dict[str, list[torch.Tensor]]:
    """Play `steps` rounds after the `done` ones before.

    Returns
    -------
    dict of lists of tensors, shape (members,)
        Losses and norms of gradients in every round that `record_every` divides.
    """
    play, record = players.replayed or partial(play_round, players), {}
    for step in range(done + 1, done + steps + 1):
        losses = play({name: stream.next() for name, stream in players.streams.items()})
        if players.frozen:
            players.hold()
        if step % record_every == 0:
            if players.shares:
                losses = {name: players.shares.average(loss) for name, loss in losses.items()}
            losses["critic gradient"] = players.critic.gradient_norms()
            if players.config.learn_generator:
                losses["generator gradient"] = players.generator.gradient_norms()
            for name, loss in losses.items():
                record.setdefault(name, []).append(loss.clone())  # a replayed round writes into the same memory again
    return record


def play_round(players: Players, draws: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Play one round on the draws of one step of `players.streams`; return losses, shape (members,), by name.

    On CUDA a round is recorded once and then replayed, so nothing here may depend on a number on the processor that
    changes from round to round.
    """
    config, reals, noise = players.config, draws["data"], draws["noise"]
    fakes, blur = generated_for_critic(players, noise[:, : config.n_critic]), draws.get("instance noise")
    if blur is not None:  # (members, n_critic + 1, 2, batch, *event)
        reals, fakes = reals + blur[:, : reals.shape[1], 0], fakes + blur[:, :-1, 1]
    change = draws.get("augmentation")  # (members, n_critic + 1, 2, batch, numbers)

    def shown(x, k, generated):
        return x if change is None else config.augmentation.apply(x, change[:, k, int(generated)])

    for k in range(config.n_critic):
        mix = draws["mixing"][:, k] if "mixing" in draws else None
        labelled = (draws["labelled"][:, k], draws["labels"][:, k]) if "labelled" in draws else None
        losses = critic_step(players, shown(reals[:, k], k, False), shown(fakes[:, k], k, True), mix, labelled)
    if config.learn_generator:
        blur = None if blur is None else blur[:, -1, 1]
        real = shown(reals[:, -1], -1, False) if reals.shape[1] > config.n_critic else reals[:, -1]
        losses |= generator_step(players, noise[:, -1], real, blur, partial(shown, k=-1, generated=True))
        players.generator.follow()
    return losses


@torch.no_grad()
def generated_for_critic(players: Players, noise: torch.Tensor) -> torch.Tensor:
    """Return the generated batches of a round's critic steps, shape (members, n_critic, batch, \\*event).

    No gradient goes back to the generator. It stands still meanwhile, so one product makes all the batches, where
    samples do not see each other.
    """
    if not samples_are_separate(players.generator.network):
        return torch.stack([players.generate(z) for z in noise.unbind(1)], 1)
    fake = players.generate(noise.flatten(1, 2))  # (members, n_critic * batch, *event)
    return fake.unflatten(1, noise.shape[1:3])


def critic_step(
    players: Players,
    real: torch.Tensor,
    fake: torch.Tensor,
    mix: torch.Tensor | None,
    labelled: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> dict:
    """Take one step of the critic.

    Parameters
    ----------
    real, fake : tensors, shape (members, batch, \\*event)
    mix : tensor, shape (members, batch) or (members, batch, \\*event), or None
        The random numbers of the constraint's loss term: see `Constraint.draws`.
    labelled : tensors, shapes (members, some, \\*event) and (members, some), optional
        Samples and their classes.

    Returns
    -------
    dict of tensors, shape (members,)
    """
    constraint, critic = players.config.constraint, players.critic.network
    loss = players.objective.critic_loss(*players.score_both(real, fake))  # (members,)
    losses = {"critic": loss.detach()}
    penalty = constraint and constraint.loss_term(critic, real, fake, mix)
    if penalty is not None:
        losses["penalty"] = penalty.detach()
        loss = loss + penalty
    if labelled is not None:
        samples, labels = labelled
        supervised = supervised_loss(critic(samples), labels, validate_args=False)
        losses["supervised"] = supervised.detach()
        loss = loss + players.config.supervised_weight * supervised
    players.critic.descend(loss, players.critic_optimizer)
    if constraint is not None:
        constraint.after_step(critic)
    return losses


def generator_step(
    players: Players,
    noise: torch.Tensor,
    real: torch.Tensor,
    blur: torch.Tensor | None = None,
    shown: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> dict:
    """Take one step of the generator.

    Parameters
    ----------
    noise : tensor, shape (members, batch, latent_dim)
    real : tensor, shape (members, batch, \\*event)
        Looked at only where the objective compares features, or looks ahead.
    blur : tensor, shape (members, batch, \\*event), optional
        Instance noise on the generated samples.
    shown : function, optional
        What the critic is shown in place of generated samples.

    Returns
    -------
    dict of tensors, shape (members,)
    """
    fake = players.generate(noise)  # (members, batch, *event)
    if blur is not None:
        fake = fake + blur
    fake = shown(fake) if shown else fake
    if players.config.unrolled:
        loss = players.objective.generator_total(*look_ahead(players, real, fake))
    elif players.objective.features:
        _, real_features = players.score(real)
        scores, features = players.score(fake)
        loss = players.objective.generator_total(None, scores, real_features, features)
    else:
        loss = players.objective.generator_total(None, players.score(fake)[0])
    players.generator.descend(loss, players.generator_optimizer)
    return {"generator": loss.detach()}

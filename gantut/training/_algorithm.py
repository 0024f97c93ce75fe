r"""The algorithms of GAN and Wasserstein GAN, which are one; everything that learns here learns by this loop.

.. math:: \text{repeat:}\quad n_\text{critic}\times\ \text{critic: down } L_D\big(f(x), f(G(z))\big), \qquad
   \text{once}\ \text{generator: down } L_G\big(f(G(z))\big)

Between two fixed distributions the critic learns alone, and G(z) is drawn from the second; a classifier learns alone.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from gantut.lipschitz import Constraint
from gantut.objectives import Objective, supervised_loss
from gantut.training._learners import Learner, Tensors


def learn(learners: Sequence[Learner], draws: Iterable[Tensors], *, step=None, watch=None) -> None:
    """Train: take one step of the loop for each of the draws.

    Parameters
    ----------
    learners : sequence of Learner
        In the order in which they take their steps; their networks are trained in place.
    draws : iterable of mappings
        What each step of the loop uses: tensors by name.
    step, watch : functions of draws and of (step, losses), optional
        What is done in a step, by default one learner after the other; what is called after it, steps counted from 1.

    Examples
    --------
    >>> network = torch.nn.Linear(1, 1)
    >>> optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    >>> fit = Learner(network, optimizer, loss=lambda draws: {"square": (network(draws["x"]) - 3).square().mean()})
    >>> learn([fit], [{"x": torch.ones(4, 1)}] * 100)
    >>> round(network(torch.ones(1, 1)).item(), 3)
    3.0
    """
    for number, drawn in enumerate(draws, 1):
        losses = step(drawn) if step else iterate(learners, drawn)
        if watch:
            watch(number, losses)


def iterate(learners: Sequence[Learner], draws: Tensors) -> dict[str, torch.Tensor]:
    """Take one step of the loop; return the last losses, without a gradient, by name: on CUDA it is captured once."""
    losses = {}
    for learner in learners:
        for batch in learner.batches(draws):
            terms = learner.loss(batch)  # each (members,)
            learner.descend(sum(learner.weights.get(name, 1) * term for name, term in terms.items()))
            for act in learner.after_step:
                act()
            losses |= {name: term.detach() for name, term in terms.items()}
    return losses


@dataclass
class Game:
    """The losses of critic and generator, as functions of what a step draws.

    - data: (members, n_critic, batch, *event), and one batch more where the generator's loss looks at real samples
    - noise: (members, n_critic + 1, batch, latent_dim), the last for the generator's step
    - mixing, labelled, labels, where needed: (members, n_critic, batch, ...), for the constraint, and for classes

    Attributes
    ----------
    objective, constraint, n_critic : Objective, Constraint, int
    critic, generator : Module or function
        From samples (members, batch, *event) to scores (members, batch, 1), or logits (members, batch, classes); and
        from noise (members, batch, latent_dim) to samples.
    forward, scores_of, features, look_ahead, shown, seen : functions
        The output of a network for x; the scores (members, batch) in a critic's output; the scores and features of
        samples, where the generator matches these; the scores of the critic to come, where it is unrolled; what the
        critic sees in place of samples; and what is told its scores (members, batch) of real ones in each of its steps.
    joined, batched : bool
        Whether real and generated samples may go through the critic together, and all batches through the generator.
    taken : int
        How many steps the critic has taken: a constraint may act in every k-th only.

    Examples
    --------
    >>> from gantut import lipschitz, networks, objectives
    >>> generator, critic = networks.MLP([2, 16, 2], members=3), networks.MLP([2, 16, 1], members=3)
    >>> game = Game(objectives.objective("wgan"), lipschitz.Clip(), critic, generator)
    >>> game.generator_loss({"noise": torch.randn(3, 2, 8, 2)})["generator"].shape
    torch.Size([3])
    """

    objective: Objective
    constraint: Constraint
    critic: nn.Module
    generator: Callable[[torch.Tensor], torch.Tensor]
    n_critic: int = 1
    forward: Callable = lambda network, x: network(x)
    scores_of: Callable = lambda outputs: outputs.squeeze(-1)
    features: Callable | None = None
    look_ahead: Callable | None = None
    shown: Callable = lambda x, draws, k, fake: x
    seen: Callable = lambda scores: None
    joined: bool = True
    batched: bool = True
    taken: int = 0

    def critic_batches(self, draws: Tensors) -> Iterable[Tensors]:
        """Yield real and generated samples for each step of the critic, during which the generator stands still."""
        fakes = self.fakes(draws["noise"][:, : self.n_critic])  # (members, n_critic, batch, *event)
        for k in range(self.n_critic):
            batch = {name: draws[name][:, k] for name in ("mixing", "labelled", "labels") if name in draws}
            batch["real"] = self.shown(draws["data"][:, k], draws, k, False)  # (members, batch, *event)
            batch["fake"] = self.shown(fakes[:, k], draws, k, True)  # (members, batch, *event)
            yield batch

    @torch.no_grad()  # the gradient stops here: the critic's steps leave the generator alone
    def fakes(self, noise: torch.Tensor) -> torch.Tensor:
        """Return generated samples (members, n_critic, batch, *event)."""
        if not self.batched:
            return torch.stack([self.forward(self.generator, z) for z in noise.unbind(1)], 1)
        return self.forward(self.generator, noise.flatten(1, 2)).unflatten(1, noise.shape[1:3])

    def score(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores (members, batch) of samples (members, batch, *event)."""
        return self.scores_of(self.forward(self.critic, x))

    def critic_loss(self, batch: Tensors) -> Tensors:
        """Return the critic's loss, the constraint's term and the loss of the labels, each of shape (members,)."""
        real, fake = batch["real"], batch["fake"]  # (members, batch, *event)
        if self.joined:
            scores = self.score(torch.cat([real, fake], 1)).split([real.shape[1], fake.shape[1]], 1)  # (members, batch)
        else:
            scores = self.score(real), self.score(fake)
        self.seen(scores[0].detach())
        losses = {"critic": self.objective.critic_loss(*scores)}  # (members,)
        self.taken += 1
        if self.taken % self.constraint.every:  # not in this step: it costs nothing, and is recorded as such
            losses["penalty"] = torch.zeros_like(losses["critic"])
        elif (term := self.constraint.loss_term(self.critic, real, fake, batch.get("mixing"))) is not None:
            losses["penalty"] = term  # (members,)
        if "labels" in batch:
            logits = self.critic(batch["labelled"])  # (members, some, classes)
            losses["supervised"] = supervised_loss(logits, batch["labels"], validate_args=False)  # (members,)
        return losses

    def generator_loss(self, draws: Tensors) -> Tensors:
        """Return the generator's loss, shape (members,), on the last batches of the draws."""
        fake = self.forward(self.generator, draws["noise"][:, -1])  # (members, batch, *event)
        fake = self.shown(fake, draws, -1, True)
        if not (self.look_ahead or self.features or self.objective.relative):
            return {"generator": self.objective.generator_loss(None, self.score(fake))}  # (members,)
        real = self.shown(draws["data"][:, -1], draws, -1, False)  # (members, batch, *event)
        if self.look_ahead:
            return {"generator": self.objective.generator_total(*self.look_ahead(real, fake))}
        if not self.features:
            with torch.no_grad():  # the generator has no say in these
                scores = self.score(real)  # (members, batch)
            return {"generator": self.objective.generator_loss(scores, self.score(fake))}
        real_scores, target = self.features(real)  # (members, batch), (members, batch, features)
        scores, features = self.features(fake)
        compared = real_scores if self.objective.relative else None
        return {"generator": self.objective.generator_total(compared, scores, target, features)}

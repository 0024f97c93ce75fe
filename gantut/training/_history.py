"""What comes out of a training run."""

from dataclasses import dataclass, field, replace

import torch
from torch import nn

from gantut import _inputs
from gantut.training._config import Config
from gantut.training._learners import only_looking
from gantut.training._networks import as_population
from gantut.training._streams import noise_stream


@dataclass
class History:
    """The record of a training run, and its networks at the end.

    Attributes
    ----------
    config : Config
        Of the run.
    generator, critic : Module
        As they were given to `train`, or as it made them, at the end of the run; of a member that diverged, its last
        good state.
    steps : tensor, shape (records,)
        How many steps had been taken at each record.
    losses : dict of tensors, shape (records, members)
        "critic", "generator" and, where there are such, "penalty" and "supervised". The critic's loss is without these.
    gradient_norms : dict of tensors, shape (records, members)
        Of the "generator" and of the "critic", over all parameters of a member.
    evaluated : tensor, shape (evaluations,)
        How many steps had been taken at each evaluation; the first is before any step.
    metrics : dict of tensors, shape (evaluations, members)
        What the functions that were given to `train` returned.
    samples : tensor, shape (evaluations, members, n, \\*event)
        Generated from noise that stays the same.
    diverged : tensor, shape (members,)
        The step after which a member had a loss or parameter that is not finite, and was held where it last was good;
        -1 for members that never diverged.
    generator_average : Module, optional
        The generator with the exponential moving averages of its parameters, where the run keeps them (`Config.ema`);
        all samples are then of this one.
    augmentation : tensor, shape (records, members), optional
        With which probability images were changed, where the run adapts it (`Config.adaptive_augmentation`).

    See Also
    --------
    train : Returns it.

    Examples
    --------
    >>> from gantut.training import train
    >>> config = Config(objective="wgan-gp", members=2, steps=3, batch_size=16)
    >>> history = train(config, torch.randn(100, 2), samples=8, record_every=1, evaluate_every=3, progress=False)
    >>> history.steps, history.losses["penalty"].shape
    (tensor([1, 2, 3]), torch.Size([3, 2]))
    >>> history.samples.shape, history.sample(5).shape
    (torch.Size([2, 2, 8, 2]), torch.Size([2, 5, 2]))
    """

    config: Config
    generator: nn.Module
    critic: nn.Module
    steps: torch.Tensor
    losses: dict[str, torch.Tensor]
    gradient_norms: dict[str, torch.Tensor]
    evaluated: torch.Tensor
    metrics: dict[str, torch.Tensor]
    samples: torch.Tensor
    diverged: torch.Tensor
    generator_average: nn.Module | None = None
    augmentation: torch.Tensor | None = None

    def sample(self, n: int, *, seed: int = 0) -> torch.Tensor:
        """Generate n fresh samples a member with the networks at the end: shape (members, n, \\*event), on the CPU."""
        config, device = replace(self.config, seed=seed), next(self.generator.parameters()).device
        shape = (_inputs.count("n", n), config.latent_dim)
        noise = noise_stream(config.noise, shape, config.seeds("samples"), device).next()
        generator = self.generator if self.generator_average is None else self.generator_average
        with only_looking(generator):
            return as_population(generator, noise, tuple(self.samples.shape[3:]))(noise).cpu()

    def classify(self, x: torch.Tensor) -> torch.Tensor:
        """Return the most likely class of each sample, where the critic was trained with labels.

        Parameters
        ----------
        x : tensor, shape (n, \\*event) or (members, n, \\*event)

        Returns
        -------
        int tensor, shape (members, n)
            On the CPU.

        Raises
        ------
        ValueError
            If the run had no labelled samples.
        """
        if "supervised" not in self.losses:
            raise ValueError("history must be of a run with labelled samples: this critic does not tell classes apart")
        x = x.to(next(self.critic.parameters()))
        shape = self.samples.shape  # (evaluations, members, n, *event)
        x = x.expand(shape[1], *x.shape[-len(shape) + 2 :])
        with only_looking(self.critic):
            return as_population(self.critic, x)(x).argmax(-1).cpu()


@dataclass
class Records:
    """The growing part of a history: plain lists, that a checkpoint can hold."""

    steps: list[int] = field(default_factory=list)
    values: dict[str, list[torch.Tensor]] = field(default_factory=dict)  # each (members,)
    evaluated: list[int] = field(default_factory=list)
    metrics: dict[str, list[torch.Tensor]] = field(default_factory=dict)  # each (members,)
    samples: list[torch.Tensor] = field(default_factory=list)  # each (members, n, *event)

    def state_dict(self) -> dict:
        """Return the lists, in copies; their tensors never change."""
        return {
            name: {key: list(rows) for key, rows in value.items()} if isinstance(value, dict) else list(value)
            for name, value in vars(self).items()
        }

    def load_state_dict(self, state: dict) -> None:
        """Go on from such lists."""
        self.__dict__.update(state)

    def add(self, steps: range, groups: list[dict[str, list[torch.Tensor]]]) -> None:
        """Add the records of these steps, which are those of each group of members."""
        self.steps += steps
        for name in groups[0]:
            rows = zip(*(group[name] for group in groups), strict=True)
            self.values.setdefault(name, []).extend(torch.cat(row).cpu() for row in rows)

    def forget_last_evaluation(self) -> None:
        """Drop the last evaluation."""
        for rows in (self.evaluated, self.samples, *self.metrics.values()):
            rows.pop()

    def history(self, config: Config, generator, critic, diverged, average=None) -> History:
        """Return the history of a run whose records these are."""
        values = {name: torch.stack(rows) for name, rows in self.values.items()}  # each (records, members)
        strength = values.pop("augmentation", None)
        norms = {name.removesuffix(" gradient"): values.pop(name) for name in list(values) if " " in name}
        return History(
            config, generator, critic, torch.tensor(self.steps), values, norms, torch.tensor(self.evaluated),
            {name: torch.stack(rows) for name, rows in self.metrics.items()}, torch.stack(self.samples),
            diverged, average, strength,
        )  # fmt: skip

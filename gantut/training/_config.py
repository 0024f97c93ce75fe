"""What a training run is, as plain data: everything that two runs can differ in, but for the samples themselves."""

import dataclasses
import numbers
from dataclasses import dataclass, field

from gantut import _inputs, lipschitz, networks, objectives
from gantut.data import Augmentation
from gantut.objectives import FeatureMatching
from gantut.training._players import Architecture, Optimizer, fraction
from gantut.training._strength import AdaptiveAugmentation
from gantut.training._tricks import NETWORKS, InstanceNoise, MinibatchDiscrimination

NOISES = ("gaussian", "uniform")
TRICKS = {
    "feature_matching": FeatureMatching,
    "minibatch_discrimination": MinibatchDiscrimination,
    "instance_noise": InstanceNoise,
    "augmentation": Augmentation,
    "adaptive_augmentation": AdaptiveAugmentation,
}
NUMBERS = {"instance_noise": InstanceNoise, "adaptive_augmentation": AdaptiveAugmentation}  # of which one may do

COUNTS = {"steps": 1, "members": 1, "seed": 0, "batch_size": 1, "n_critic": 1, "latent_dim": 1, "unrolled": 0}
CHOICES = {
    "noise": NOISES,
    "learn_generator": (True, False),
    "batch_norm": (None, *NETWORKS),
    "virtual_batch_norm": (None, *NETWORKS),
}

# Each purpose draws from random numbers of its own, so that a change of one leaves the others as they were.
# PyTorch's generator on the CPU reads 32 bits of a seed, so all seeds must be below 2^32.
PURPOSES = (
    "generator", "critic", "data", "noise", "mixing", "evaluation", "samples",
    "instance noise", "reference noise", "reference data", "labelled",
    "augmentation",
)  # fmt: skip
SEEDS = 2**28


PARTS = {
    "optimizer": Optimizer,
    "critic_optimizer": Optimizer,
    "generator": Architecture,
    "critic": Architecture,
}


@dataclass(frozen=True)
class Config:
    """The configuration of a training run: a GAN and a Wasserstein GAN differ in nothing but these values.

    What is not given is taken from the paper of the objective, and filled in at once, so that a Config shows all of it.

    Attributes
    ----------
    objective : str or Objective
        The name of one in `gantut.objectives.OBJECTIVES`; in Python, also one of your own.
    steps : int
        How many iterations: each is `n_critic` steps of the critic and one of the generator.
    members : int
        How many independent runs, trained together.
    seed : int
        Member i draws all its random numbers from `seed` + i, whoever else is in the population.
    batch_size : int
        How many real, and how many generated samples each step takes.
    n_critic : int
        Critic steps before each generator step.
    optimizer : Optimizer or dict
        Of the generator, and of the critic unless that has its own.
    critic_optimizer : Optimizer or dict
        Of the critic; by default that of the generator.
    constraint : Constraint, dict or None
        Of the critic: see `gantut.lipschitz`. A dict has its `name` and its settings. By default as in the paper of
        the objective; None for no constraint.
    noise : {"gaussian", "uniform"}
        What the generator starts from: N(0, 1) or U[-1, 1] in every coordinate.
    latent_dim : int
        How many coordinates the noise has.
    generator : Architecture or dict
        The multilayer perceptron that is made where no generator is given, as for distributions in the plane.
    critic : Architecture or dict
        The multilayer perceptron that is made where no critic is given, as for distributions in the plane.
    unrolled : int
        How many critic steps the generator looks ahead (Metz et al. 2017); 0 for an ordinary GAN. Not together with
        a gradient penalty or a spectral norm, nor with feature matching. Here, and here alone, the last bit of a
        member's numbers can depend on who else is in the population: about once in 50 short runs.
    learn_generator : bool
        Whether the generator learns, or stands still while the critic learns alone.
    feature_matching : FeatureMatching, dict or None
        What the generator does in place of its own loss, or beside it: match statistics of the critic's features.
    minibatch_discrimination : MinibatchDiscrimination, dict or None
        How the critic sees how close a sample is to its batch. Not under a gradient penalty or a spectral norm.
    historical_averaging : float
        The weight of the squared distance of each network's parameters from their average so far, which is added to
        its loss; 0 for none. Recorded losses are without it, the norms of gradients with it.
    real_label : float
        The critic's target for real samples, where its loss has labels; 0.9 for one-sided label smoothing.
    fake_label : float
        The critic's target for generated samples, where its loss has labels; one-sided smoothing leaves it at 0.
    batch_norm : {"generator", "critic", "both"} or None
        Which network's hidden layers are normalised by the statistics of the batch (see
        `gantut.networks.batch_norm`).
    virtual_batch_norm : {"generator", "critic", "both"} or None
        Which network's hidden layers are normalised by the statistics of a reference batch of `batch_size` samples,
        drawn once, together with each sample itself.
    instance_noise : InstanceNoise, dict, float or None
        Noise on all samples before the critic sees them; a number is the `scale` of noise that fades linearly.
    augmentation : Augmentation, dict or None
        Random changes of images, real and generated, before the critic sees them; gradients flow back through them.
    adaptive_augmentation : AdaptiveAugmentation, dict, float or None
        With which probability each change of the augmentation is made, following the signs of real logits; a number
        is the `target` of their mean. None: always. Only where the critic classifies.
    ema : float
        The decay of an exponential moving average of the generator's parameters, with which all samples for
        evaluation are then generated; 0 for none.
    supervised_weight : float
        By what the loss of the labels is multiplied, where `train` is given labelled samples.

    Raises
    ------
    ValueError
        If a setting is not allowed, or two of them exclude each other.

    See Also
    --------
    train : Runs it.
    gantut.objectives.OBJECTIVES : The objectives, and what their papers set.

    Examples
    --------
    >>> config = Config(objective="wgan-gp", steps=100)
    >>> config.n_critic, config.constraint
    (5, GradientPenalty(weight=10.0, one_sided=False, where='lines', noise='uniform', spread=0.5))
    >>> Config.from_dict(config.as_dict()) == config
    True
    """

    objective: str = "non-saturating"
    steps: int = 1000
    members: int = 1
    seed: int = 0
    batch_size: int = 128
    n_critic: int | None = None
    optimizer: Optimizer | None = None
    critic_optimizer: Optimizer | None = None
    constraint: lipschitz.Constraint | dict | str | None = "as the objective"
    noise: str = "gaussian"
    latent_dim: int = 2
    generator: Architecture = field(default_factory=Architecture)
    critic: Architecture = field(default_factory=Architecture)
    unrolled: int = 0
    learn_generator: bool = True
    feature_matching: FeatureMatching | dict | None = None
    minibatch_discrimination: MinibatchDiscrimination | dict | None = None
    historical_averaging: float = 0.0
    real_label: float = 1.0
    fake_label: float = 0.0
    batch_norm: str | None = None
    virtual_batch_norm: str | None = None
    instance_noise: InstanceNoise | dict | float | None = None
    augmentation: Augmentation | dict | None = None
    adaptive_augmentation: AdaptiveAugmentation | dict | float | None = None
    ema: float = 0.0
    supervised_weight: float = 1.0

    def __post_init__(self):
        defaults = objectives.objective(self.objective).defaults
        for name in ("n_critic", "optimizer"):
            if getattr(self, name) is None:
                self._set(name, defaults.get(name))
        as_objective = isinstance(self.constraint, str) and self.constraint == "as the objective"
        self._set("constraint", lipschitz.constraint(defaults.get("constraint") if as_objective else self.constraint))
        self._set("critic_optimizer", self.critic_optimizer or self.optimizer)
        for name, kind in NUMBERS.items():
            value = getattr(self, name)
            if isinstance(value, numbers.Real) and not isinstance(value, bool):
                self._set(name, kind(value))
        for name, kind in PARTS.items():
            self._set(name, _record(name, getattr(self, name), kind))
        for name, kind in TRICKS.items():
            if getattr(self, name) is not None:
                self._set(name, _record(name, getattr(self, name), kind))
        for name, least in COUNTS.items():
            _inputs.count(name, getattr(self, name), least=least)
        for name, allowed in CHOICES.items():
            _inputs.one_of(name, getattr(self, name), allowed)
        if self.historical_averaging != 0:
            _inputs.positive("historical_averaging", self.historical_averaging)
        fraction("ema", self.ema)
        _inputs.positive("supervised_weight", self.supervised_weight)
        if self.seed + self.members > SEEDS:
            raise ValueError(f"seed must leave room for {self.members} members below 2^28, not be {self.seed}")
        if not 0 <= _inputs.finite("fake_label", self.fake_label) < _inputs.finite("real_label", self.real_label) <= 1:
            raise ValueError(
                f"real_label and fake_label must satisfy 0 <= fake_label < real_label <= 1, not be {self.real_label!r} "
                f"and {self.fake_label!r}"
            )
        _ = self.game  # refuses tricks that its losses have no place for
        self._check_unrolled()
        self._check_layers()
        self._check_adaptive()

    def _check_unrolled(self):
        """Refuse what the critic steps that the generator looks ahead to leave out."""
        if not self.unrolled:
            return
        for name in ("feature_matching", "historical_averaging"):
            if getattr(self, name):
                raise ValueError(
                    f"{name} must be off with unrolled steps, which leave it out, not {getattr(self, name)!r}: set "
                    "unrolled=0"
                )
        matches = objectives.objective(self.objective).features
        if matches or (self.constraint is not None and not self.constraint.projected):
            what = "feature matching" if matches else f"the constraint {self.constraint.name!r}"
            raise ValueError(
                f"unrolled must be 0 with {what}, which the critic steps that the generator looks ahead to leave out, "
                f"not {self.unrolled}: use another objective or constraint"
            )

    def _check_adaptive(self):
        """Refuse to adapt changes that there are not, or to signs that mean nothing."""
        if not self.adaptive_augmentation:
            return
        if not (self.augmentation and self.augmentation.changes):
            raise ValueError("adaptive_augmentation must be None without an augmentation whose probability it adapts")
        if not self.game.classifies:
            raise ValueError(
                f"adaptive_augmentation must be None with {self.game.name!r}, whose score is no logit, so its sign "
                "means nothing: use an objective that classifies, such as 'non-saturating'"
            )

    def _check_layers(self):
        """Refuse layers in which samples see each other where they have no meaning."""
        for network in ("generator", "critic"):
            kind = self.normalisation(network)
            if kind and self._has("batch_norm", network) and self._has("virtual_batch_norm", network):
                raise ValueError(f"batch_norm and virtual_batch_norm must not both be for the {network}")
            if kind and not getattr(self, network).hidden:
                name = "batch_norm" if kind == "batch" else "virtual_batch_norm"
                raise ValueError(f"{name} must be None for a {network} without hidden layers: there is nothing to norm")
        for name in ("batch_norm", "minibatch_discrimination"):
            if getattr(self, name) and self.batch_size < 2:
                raise ValueError(f"{name} must be None with batches of 1, in which a sample has no others")
            if getattr(self, name) not in (None, "generator") and self.penalised:
                raise ValueError(
                    f"{name} must not be for a critic under a gradient penalty, which asks for the gradient of each "
                    "sample's score in that sample: with it a score depends on the whole batch"
                )

    @property
    def game(self) -> objectives.Objective:
        """The objective, with the tricks that change its losses."""
        game = objectives.objective(self.objective)
        if (self.real_label, self.fake_label) != (1, 0):
            game = game.with_labels(self.real_label, self.fake_label)
        return game.matching(self.feature_matching) if self.feature_matching else game

    @property
    def penalised(self) -> bool:
        """Whether the critic pays for the gradient of each sample's score."""
        return self.constraint is not None and self.constraint.separate_samples

    def normalisation(self, network: str) -> str | None:
        """Return the normalisation of the "generator" or the "critic", as `gantut.networks.MLP` calls it."""
        if self._has("virtual_batch_norm", network):
            return "virtual-batch"
        return "batch" if self._has("batch_norm", network) else None

    def _has(self, trick, network):
        return getattr(self, trick) in (network, "both")

    def _set(self, name, value):
        object.__setattr__(self, name, value)  # the dataclass is frozen for everyone else

    def seeds(self, purpose: str) -> range:
        """One seed a member for one purpose."""
        first = PURPOSES.index(purpose) * SEEDS + self.seed
        return range(first, first + self.members)

    def build(self, name: str, inputs: int, outputs: int, device="cpu") -> networks.MLP:
        """Return the initial "generator" or "critic" of this run, a multilayer perceptron."""
        trick = self.minibatch_discrimination if name == "critic" else None
        return getattr(self, name).build(
            inputs, outputs, members=self.members, seed=self.seeds(name)[0], device=device,
            normalisation=self.normalisation(name), minibatch=trick and (trick.kernels, trick.dimension),
        )  # fmt: skip

    def as_dict(self) -> dict:
        """Return the run as plain data, which `Config.from_dict` and JSON understand."""
        plain = dataclasses.asdict(self) | {"objective": objectives.objective(self.objective).name}
        if self.constraint is not None:
            plain["constraint"]["name"] = self.constraint.name
        return plain

    @classmethod
    def from_dict(cls, plain: dict) -> "Config":
        """Return the run that plain data stands for; a ValueError names a setting that is unknown or not allowed."""
        allowed = tuple(f.name for f in dataclasses.fields(cls))
        for name in plain:
            _inputs.one_of("a setting of a run", name, allowed)
        return cls(**plain)


def _record(name, value, kind):
    """Return a dict of settings as the record that it stands for."""
    if isinstance(value, kind):
        return value
    allowed = tuple(f.name for f in dataclasses.fields(kind))
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be of type {kind.__name__}, or a dict of its settings, not {value!r}")
    for setting in value:
        _inputs.one_of(f"a setting of {name}", setting, allowed)
    for needed in dataclasses.fields(kind):
        if needed.default is dataclasses.MISSING and needed.name not in value:
            raise ValueError(f"{name} must have a setting {needed.name!r}, and has only {', '.join(value) or 'none'}")
    try:
        return kind(**value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None

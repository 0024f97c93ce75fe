r"""Training of GANs and Wasserstein GANs: one loop, for one model or for hundreds.

.. math:: \text{repeat:}\quad n_\text{critic}\times\ \text{critic: down } L_D(\text{real}, G(z)), \qquad
   \text{once}\ \text{generator: down } L_G(G(z))

Read it in this order: ``_algorithm`` has the loop and the losses, ``_learners`` says how networks learn, ``_config``
and ``_players`` what two runs can differ in; ``_groups`` puts learners and losses together, samples and random numbers
come from ``_data`` and ``_streams``, and ``_run`` says when a run is evaluated, saved and stopped.

Your own networks, on your own samples:

>>> import torch
>>> from torch import nn
>>> from gantut import training
>>> generator = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
>>> critic = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1))
>>> config = training.Config(objective="wgan-gp", steps=2, latent_dim=8, batch_size=32)
>>> history = training.train(config, torch.randn(1000, 2), generator=generator, critic=critic)
>>> history.sample(5).shape
torch.Size([1, 5, 2])

A population of sixteen, with networks made for it:

>>> from gantut import data
>>> config = training.Config(objective="wgan-gp", members=16, steps=2, batch_size=32)
>>> history = training.train(config, data.ring())
>>> history.samples[-1].shape
torch.Size([16, 512, 2])
"""

from gantut.training._algorithm import Game, learn
from gantut.training._checkpoint import load_history
from gantut.training._config import Config
from gantut.training._history import History
from gantut.training._learners import Learner
from gantut.training._players import Architecture, Optimizer
from gantut.training._run import DivergenceWarning, OutOfMemory
from gantut.training._strength import AdaptiveAugmentation
from gantut.training._train import train
from gantut.training._tricks import InstanceNoise, MinibatchDiscrimination

__all__ = [
    "AdaptiveAugmentation",
    "Architecture",
    "Config",
    "DivergenceWarning",
    "Game",
    "History",
    "InstanceNoise",
    "Learner",
    "MinibatchDiscrimination",
    "Optimizer",
    "OutOfMemory",
    "learn",
    "load_history",
    "train",
]

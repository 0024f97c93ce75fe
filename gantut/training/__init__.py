r"""Algorithm 1 and Algorithm 2: one loop, for one model or for hundreds.

.. math:: \text{repeat:}\quad n_\text{critic}\times\ \text{critic: down } L_D(\text{real}, G(z)), \qquad
   \text{once}\ \text{generator: down } L_G(G(z))

Read it in this order: ``_algorithm`` is the loop, ``_players`` is who plays, ``_config`` is what two runs can differ
in, ``_tricks`` is what lesson 7 adds to that, ``_streams`` is where their random numbers come from, ``_train`` is when
to look, keep and stop.

>>> from gantut import data, training
>>> config = training.Config(objective="wgan-gp", members=16, steps=2, batch_size=32)
>>> history = training.train(config, data.ring())
>>> history.samples[-1].shape
torch.Size([16, 512, 2])
"""

from gantut.training._config import Architecture, Config, Optimizer
from gantut.training._history import History
from gantut.training._saved import load_networks
from gantut.training._train import Diverged, OutOfMemory, train
from gantut.training._tricks import InstanceNoise, MinibatchDiscrimination

__all__ = [
    "Architecture",
    "Config",
    "Diverged",
    "History",
    "InstanceNoise",
    "MinibatchDiscrimination",
    "Optimizer",
    "OutOfMemory",
    "load_networks",
    "train",
]

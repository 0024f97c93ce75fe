"""Networks that train a whole population at once.

A population is the ordinary case: every parameter carries a leading ``members`` axis, and one batched matrix product
moves all members together, so that 16 seeds cost little more than one. Members never mix: each is the network that
it would be alone, bit for bit on the CPU where the batch is a multiple of 32 (a processor rounds the elements left
over at the end of a vector in another way).
"""

from gantut.networks._dcgan import NORMS, DCGANCritic, DCGANGenerator
from gantut.networks._minibatch import MinibatchLayer, minibatch_deviation, minibatch_similarity
from gantut.networks._mlp import ACTIVATIONS, INITIALISATIONS, MLP, OUTPUTS
from gantut.networks._normalisation import batch_norm, virtual_batch_norm
from gantut.networks._residual import ResidualCritic, ResidualGenerator

__all__ = [
    "ACTIVATIONS", "INITIALISATIONS", "MLP", "NORMS", "OUTPUTS", "DCGANCritic", "DCGANGenerator", "MinibatchLayer",
    "ResidualCritic", "ResidualGenerator", "batch_norm", "minibatch_deviation", "minibatch_similarity",
    "virtual_batch_norm",
]  # fmt: skip

"""The networks of a run, out of its checkpoint: to look at, not to go on."""

from collections.abc import Mapping

import torch
from torch import nn

from gantut.checkpoints import Checkpoint, CheckpointError
from gantut.training._parameters import Parameters


def load_networks(checkpoint: Checkpoint, generator: nn.Module, critic: nn.Module, *, average: bool = True) -> bool:
    """Put the weights of a run's checkpoint into networks of the same architecture, for evaluation.

    Parameters
    ----------
    checkpoint : Checkpoint
        That `train` has saved.
    generator, critic : Module
        Are changed in place, and put into evaluation mode.
    average : bool
        Whether the generator gets the exponential moving average of its parameters, where the run keeps one.

    Returns
    -------
    bool
        Whether it got the average.

    Raises
    ------
    CheckpointError
        If the checkpoint is not of a training run, or not of networks of this architecture.
    """
    for name, network in (("generator", generator), ("critic", critic)):
        prefix = f"{name}."
        weights = {k.removeprefix(prefix): v for k, v in checkpoint.weights.items() if k.startswith(prefix)}
        _load(network, weights, name, checkpoint)
        network.eval()
    state = checkpoint.state if isinstance(checkpoint.state, Mapping) else {}
    mean = state.get("averages", {}).get("generator", {}).get("exponential")
    if mean is None or not average:
        return False
    parameters = Parameters(generator, len(mean))
    if parameters.values.shape != mean.shape:
        raise CheckpointError(f"{checkpoint.path} holds averages of another generator: it is damaged or foreign")
    parameters.values.copy_(mean)
    return True


@torch.no_grad()
def _load(network, weights, name, checkpoint):
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise CheckpointError(f"{checkpoint.path} is not of this {name}: {reason}") from None

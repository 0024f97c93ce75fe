"""What all tests share: the devices of this machine, random laws from a seed, and quiet, repeatable hypothesis runs."""

import hypothesis
import pytest
import torch

# derandomize: the same examples on every machine, so that a red run is red again; no deadline: CI machines are slow
hypothesis.settings.register_profile("gantut", derandomize=True, deadline=None, database=None, max_examples=100)
hypothesis.settings.load_profile("gantut")

DEVICES = [pytest.param("cpu")]
if torch.cuda.is_available():
    DEVICES.append(pytest.param("cuda", marks=pytest.mark.cuda))


@pytest.fixture(params=DEVICES, scope="session")
def device(request):
    """Every device there is, one after the other."""
    return torch.device(request.param)


@pytest.fixture
def rng():
    """A source of randomness with a fixed seed, on the CPU."""
    return torch.Generator().manual_seed(20140610)  # the day the GAN paper was posted


@pytest.fixture
def random_laws(rng, device):
    """A function that draws laws along the last dimension, some entries of them exactly zero where wanted."""

    def draw(*shape, zeros=0.0, dtype=torch.float64):
        weights = -torch.rand(shape, dtype=torch.float64, generator=rng).log()  # exponential: uniform on the simplex
        empty = torch.rand(shape, generator=rng) < zeros
        empty[..., 0] = False
        weights = weights.masked_fill(empty, 0.0)
        return (weights / weights.sum(-1, keepdim=True)).to(device, dtype)

    return draw

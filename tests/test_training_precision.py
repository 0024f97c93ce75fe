"""Mixed precision: the networks' passes in bfloat16, penalties, losses, parameters and evaluations in single."""

from pathlib import Path

import pytest
import torch
from torch import nn

from gantut.networks import DCGANCritic, DCGANGenerator
from gantut.training import Config, train

CPUINFO = Path("/proc/cpuinfo")
CAPABILITIES = getattr(torch.cpu, "get_capabilities", None)


@pytest.fixture(autouse=True)
def _has_bfloat16(monkeypatch):
    """As if the processor had instructions for bfloat16: without them it computes the same, if slowly."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)


@pytest.fixture
def pictures(rng):
    return torch.rand(16, 3, 16, 16, generator=rng) * 2 - 1


def autocast(x):
    return torch.is_autocast_enabled(x.device.type)


class Watched(nn.Module):
    """A network that notes for every pass whether it was in mixed precision, with gradients, in training mode."""

    def __init__(self, network):
        super().__init__()
        self.network, self.passes = network, []

    def forward(self, x):
        y = self.network(x)
        self.passes.append((autocast(x), torch.is_grad_enabled(), self.training, x.dtype))
        return y


class WrittenOut(Watched):
    """One that writes its gradient out, too."""

    def input_gradient(self, x):
        gradient = self.network.input_gradient(x)
        self.passes.append(("penalty", autocast(x), x.dtype, gradient.dtype))
        return gradient


def run(objective, pictures, device, *, watched=None, norm="layer", steps=2, **settings):
    generator = DCGANGenerator(latent_dim=5, size=16, width=8)
    critic = DCGANCritic(size=16, width=8, norm=norm)
    critic = critic if watched is None else watched(critic)
    options = {name: settings.pop(name) for name in ("amp",) if name in settings}
    config = Config(objective=objective, steps=steps, batch_size=8, latent_dim=5, **settings)
    history = train(config, pictures, generator=generator, critic=critic, samples=4, device=device, **options)
    return history, critic


def test_the_penalty_is_in_single_precision_and_the_passes_are_not(device, pictures):
    for watched, penalty in (
        (Watched, (False, True, True, torch.float32)),
        (WrittenOut, ("penalty", False, torch.float32, torch.float32)),
    ):
        _, critic = run("wgan-gp", pictures, device, watched=watched, steps=1, n_critic=2, amp=True)
        judged = (True, True, True, torch.float32)
        steps = [seen for seen in critic.passes if seen[1:3] == (True, True) or seen[0] == "penalty"]  # with gradients
        assert steps == [judged, penalty] * 2 + [judged]  # both batches together, penalty; and the generator's step


def test_without_it_nothing_is_in_half_precision(device, pictures):
    _, critic = run("wgan-gp", pictures, device, watched=Watched, steps=1)
    assert not any(seen[0] for seen in critic.passes)


def test_parameters_samples_and_losses_stay_in_single_precision(device, pictures):
    history, _ = run("non-saturating", pictures, device, norm="batch", amp=True)
    tensors = [*history.generator.state_dict().values(), *history.critic.state_dict().values(), history.samples]
    tensors += [*history.losses.values(), *history.gradient_norms.values()]
    assert {tensor.dtype for tensor in tensors if tensor.is_floating_point()} == {torch.float32}


@pytest.mark.parametrize(
    ("objective", "rate"), [("non-saturating", 2e-3), ("wgan-gp", 2e-3), ("wgan", 2e-3), ("feature-matching", 2e-5)]
)
def test_a_run_in_mixed_precision_stays_near_the_one_in_single(device, pictures, objective, rate):
    # Gradient descent, as small gradients that change their sign would be moves of full size under Adam; and in steps
    # so small that a round does not multiply the differences: gradients are of size 2, for feature matching of 200.
    sgd = dict(optimizer={"name": "sgd", "lr": rate}, n_critic=2)
    norm = "layer" if objective == "wgan-gp" else "batch"
    mixed, single = [run(objective, pictures, device, norm=norm, steps=4, amp=amp, **sgd)[0] for amp in (True, False)]
    assert torch.equal(mixed.samples[0], single.samples[0]), "before any step: evaluations are in single precision"
    assert mixed.diverged.item() == -1
    for name, norms in single.gradient_norms.items():
        # bfloat16 has 8 binary digits: a rounding is up to 0.4 %, and some of them add up on the way
        torch.testing.assert_close(mixed.gradient_norms[name][0], norms[0], rtol=0.05, atol=0)
        assert not torch.equal(mixed.gradient_norms[name][0], norms[0]), "something was rounded"
    moved = (single.samples[-1] - single.samples[0]).norm()
    assert (mixed.samples[-1] - single.samples[-1]).norm() < 0.1 * moved


def test_a_run_in_mixed_precision_is_repeated_bit_for_bit(pictures):
    first, second = [run("wgan-gp", pictures, "cpu", amp=True)[0] for _ in range(2)]
    assert torch.equal(first.samples, second.samples)


@pytest.mark.skipif(not CPUINFO.exists(), reason="asks the kernel, and only Linux tells in /proc/cpuinfo")
def test_what_pytorch_says_of_this_processor_is_what_the_kernel_says(monkeypatch):
    from gantut.training._precision import multiplies_in_bfloat16

    if CAPABILITIES is None:
        monkeypatch.delattr(torch.cpu, "get_capabilities")
    else:
        monkeypatch.setattr(torch.cpu, "get_capabilities", CAPABILITIES)
    lines = CPUINFO.read_text(encoding="utf-8").splitlines()
    flags = next(line for line in lines if line.startswith(("flags", "Features"))).split()
    told = {"avx512_bf16", "amx_bf16", "bf16", "svebf16"} & set(flags)
    assert multiplies_in_bfloat16(torch.device("cpu")) == bool(told), told


def test_a_processor_without_bfloat16_trains_in_single_precision_and_says_so(pictures, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": True, "avx512_bf16": False})
    with pytest.warns(UserWarning, match=r"in single precision, not in mixed: .* has no instructions for bfloat16"):
        asked, _ = run("wgan-gp", pictures, "cpu", amp=True)
    assert torch.equal(asked.samples, run("wgan-gp", pictures, "cpu")[0].samples)


def test_a_gpu_without_bfloat16_does_so_too(pictures, monkeypatch):
    from gantut.training._precision import use_amp

    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "an old GPU")
    with pytest.warns(UserWarning, match="an old GPU has no instructions"):
        assert not use_amp(True, torch.device("cuda", 0))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    assert use_amp(True, torch.device("cuda", 0))


def test_multilayer_perceptrons_are_refused(pictures):
    config = Config(steps=1, batch_size=8)
    with pytest.raises(ValueError, match="amp must be False for multilayer perceptrons"):
        train(config, torch.randn(16, 2), amp=True)
    with pytest.raises(ValueError, match="amp must be one of True, False, None, not 'yes'"):
        run("wgan-gp", pictures, "cpu", amp="yes")

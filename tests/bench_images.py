"""`make bench`: a DCGAN and a WGAN-GP on pictures, trained by `gantut.training.train` and by loops written out.

The same networks, batches and steps for everyone, on one thread; what counts is images a second of processor time
(real images that the critic has seen), which leaves out what else runs on the machine, and the ratio to the loops in
the same run. The record goes to book/results/images.json.
"""

import argparse
import time
from functools import partial

import torch
from benches import provenance, race, write
from torch import nn

from gantut.networks import DCGANCritic, DCGANGenerator
from gantut.training import Config, train

SIZE, CHANNELS, WIDTH, BATCH, NOISE, WEIGHT = 32, 3, 64, 64, 100, 10.0
STEPS = {"DCGAN": 6, "WGAN-GP": 2, "WGAN-GP, layer norm": 2}  # generator steps of one heat
NORMS = {"DCGAN": "batch", "WGAN-GP": "none", "WGAN-GP, layer norm": "layer"}  # of the critic
N_CRITIC = {"DCGAN": 1, "WGAN-GP": 5, "WGAN-GP, layer norm": 5}


def _normalisation(norm, channels):
    return {"batch": [nn.BatchNorm2d(channels)], "layer": [nn.GroupNorm(1, channels)], "none": []}[norm]


def _started(network):
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0, 0.02)
    return network


def plain_networks(norm):
    """Generator and critic in the layers of PyTorch, as its example of a DCGAN stacks them."""
    generator = [nn.ConvTranspose2d(NOISE, 4 * WIDTH, 4, bias=False)]
    for wide in (4 * WIDTH, 2 * WIDTH):
        generator += [nn.BatchNorm2d(wide), nn.ReLU(True), nn.ConvTranspose2d(wide, wide // 2, 4, 2, 1, bias=False)]
    generator += [nn.BatchNorm2d(WIDTH), nn.ReLU(True), nn.ConvTranspose2d(WIDTH, CHANNELS, 4, 2, 1), nn.Tanh()]
    critic = [nn.Conv2d(CHANNELS, WIDTH, 4, 2, 1), nn.LeakyReLU(0.2, True)]
    for wide in (WIDTH, 2 * WIDTH):
        convolution = nn.Conv2d(wide, 2 * wide, 4, 2, 1, bias=norm == "none")
        critic += [convolution, *_normalisation(norm, 2 * wide), nn.LeakyReLU(0.2, True)]
    critic += [nn.Conv2d(4 * WIDTH, 1, 4)]
    return _started(nn.Sequential(*generator)), _started(nn.Sequential(*critic))


def adam(network, betas, lr, **options):
    """Adam with the settings of the papers."""
    return torch.optim.Adam(network.parameters(), lr=lr, betas=betas, **options)


class PlainDCGAN:
    """PyTorch's own example, without its loader of files: real and generated images in two passes, losses read."""

    def __init__(self, data):
        self.data, (self.generator, self.critic) = data, plain_networks("batch")
        self.optimizers = [adam(network, (0.5, 0.999), 2e-4) for network in (self.generator, self.critic)]

    def run(self, steps):
        """Train for so many generator steps."""
        bce = nn.BCEWithLogitsLoss()
        of_generator, of_critic = self.optimizers
        ones, zeros = torch.ones(BATCH), torch.zeros(BATCH)
        for _ in range(steps):
            real = self.data[torch.randint(len(self.data), (BATCH,))]
            of_critic.zero_grad()
            on_real = bce(self.critic(real).view(-1), ones)
            on_real.backward()
            fake = self.generator(torch.randn(BATCH, NOISE, 1, 1))  # shown to both players
            on_fake = bce(self.critic(fake.detach()).view(-1), zeros)
            on_fake.backward()
            of_critic.step()
            (on_real + on_fake).item()
            of_generator.zero_grad()
            loss = bce(self.critic(fake).view(-1), ones)
            loss.backward()
            of_generator.step()
            loss.item()


class CarefulDCGAN(PlainDCGAN):
    """The same with channels last, fused optimizers, no gradient that nobody needs, and no number read back."""

    def __init__(self, data):
        super().__init__(data.to(memory_format=torch.channels_last))
        for network in (self.generator, self.critic):
            network.to(memory_format=torch.channels_last)
        self.optimizers = [adam(net, (0.5, 0.999), 2e-4, fused=True) for net in (self.generator, self.critic)]

    def run(self, steps):
        bce = nn.BCEWithLogitsLoss()
        of_generator, of_critic = self.optimizers
        ones, zeros = torch.ones(BATCH), torch.zeros(BATCH)
        for _ in range(steps):
            real = self.data[torch.randint(len(self.data), (BATCH,))]
            fake = self.generator(torch.randn(BATCH, NOISE, 1, 1))
            of_critic.zero_grad()
            loss = bce(self.critic(real).view(-1), ones) + bce(self.critic(fake.detach()).view(-1), zeros)
            loss.backward()
            of_critic.step()
            of_generator.zero_grad()
            bce(self.critic(fake).view(-1), ones).backward(inputs=list(self.generator.parameters()))
            of_generator.step()


class PlainPenalised:
    """A WGAN-GP as the well-known collections write it."""

    def __init__(self, data, norm):
        self.data, (self.generator, self.critic) = data, plain_networks(norm)
        self.optimizers = [adam(network, (0.0, 0.9), 1e-4) for network in (self.generator, self.critic)]

    def run(self, steps):
        """Train for so many generator steps."""
        of_generator, of_critic = self.optimizers
        for _ in range(steps):
            for _ in range(5):
                real = self.data[torch.randint(len(self.data), (BATCH,))]
                of_critic.zero_grad()
                fake = self.generator(torch.randn(BATCH, NOISE, 1, 1))  # the gradient runs through it, too
                mix = torch.rand(BATCH, 1, 1, 1)
                between = (mix * real + (1 - mix) * fake).requires_grad_(True)
                scores = self.critic(between)
                slopes = torch.autograd.grad(
                    scores, between, torch.ones_like(scores), create_graph=True, retain_graph=True, only_inputs=True
                )[0]
                penalty = ((slopes.view(BATCH, -1).norm(2, dim=1) - 1) ** 2).mean()
                loss = -self.critic(real).mean() + self.critic(fake).mean() + WEIGHT * penalty
                loss.backward()
                of_critic.step()
                loss.item()
            of_generator.zero_grad()
            loss = -self.critic(self.generator(torch.randn(BATCH, NOISE, 1, 1))).mean()
            loss.backward()
            of_generator.step()
            loss.item()


class CarefulPenalised(PlainPenalised):
    """The same with channels last, fused optimizers, detached samples, and no number read back."""

    def __init__(self, data, norm):
        super().__init__(data.to(memory_format=torch.channels_last), norm)
        for network in (self.generator, self.critic):
            network.to(memory_format=torch.channels_last)
        self.optimizers = [adam(net, (0.0, 0.9), 1e-4, fused=True) for net in (self.generator, self.critic)]

    def run(self, steps):
        of_generator, of_critic = self.optimizers
        for _ in range(steps):
            for _ in range(5):
                real = self.data[torch.randint(len(self.data), (BATCH,))]
                with torch.no_grad():
                    fake = self.generator(torch.randn(BATCH, NOISE, 1, 1))
                between = torch.lerp(fake, real, torch.rand(BATCH, 1, 1, 1)).requires_grad_(True)
                slopes = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)[0]
                penalty = (slopes.flatten(1).norm(dim=1) - 1).square().mean()
                loss = self.critic(fake).mean() - self.critic(real).mean() + WEIGHT * penalty
                of_critic.zero_grad()
                loss.backward()
                of_critic.step()
            of_generator.zero_grad()
            loss = -self.critic(self.generator(torch.randn(BATCH, NOISE, 1, 1))).mean()
            loss.backward(inputs=list(self.generator.parameters()))
            of_generator.step()


class Ours:
    """The same game for `gantut`, in single or in mixed precision."""

    def __init__(self, data, objective, norm, *, amp=False, device="cpu"):
        self.data, self.objective, self.amp, self.device = data, objective, amp, device
        self.generator = DCGANGenerator(latent_dim=NOISE, size=SIZE, channels=CHANNELS, width=WIDTH)
        self.critic = DCGANCritic(size=SIZE, channels=CHANNELS, width=WIDTH, norm=norm)

    def run(self, steps):
        """Train for so many generator steps."""
        config = Config(objective=self.objective, steps=steps, batch_size=BATCH, latent_dim=NOISE)
        looks = dict(samples=1, record_every=steps, evaluate_every=steps, progress=False)
        players = dict(generator=self.generator, critic=self.critic)
        train(config, self.data, **players, device=self.device, amp=self.amp, **looks)


def contestants(problem, data, *, device="cpu"):
    """Return everyone who runs in a race, by name."""
    norm, objective = NORMS[problem], "non-saturating" if problem == "DCGAN" else "wgan-gp"
    loops = (
        {"plain loop": PlainDCGAN(data), "careful loop": CarefulDCGAN(data)}
        if problem == "DCGAN"
        else {"plain loop": PlainPenalised(data, norm), "careful loop": CarefulPenalised(data, norm)}
    )
    return {
        "gantut": Ours(data, objective, norm, device=device),
        "gantut, mixed precision": Ours(data, objective, norm, amp=True, device=device),
    } | loops


def bench(repeats, problems):
    """Race everyone, in turn."""
    data = torch.rand(400, CHANNELS, SIZE, SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for problem in problems:
        steps = STEPS[problem]
        racing = contestants(problem, data)
        for contestant in racing.values():  # a warm-up
            contestant.run(1)
        seconds, _ = race({name: partial(one.run, steps) for name, one in racing.items()}, repeats=repeats)
        yield _row(problem, seconds)


def _row(problem, seconds):
    images = STEPS[problem] * N_CRITIC[problem] * BATCH
    row = {
        "problem": f"{problem}, {SIZE} x {SIZE}, width {WIDTH}, batch {BATCH}",
        "rates": {name: round(images / taken, 1) for name, taken in seconds.items()},
    }
    for name, precision in (("gantut", "single"), ("gantut, mixed precision", "mixed")):
        for loop in ("plain loop", "careful loop"):
            row[f"{precision} precision to the {loop}"] = seconds[loop] / seconds[name]
    print(row["problem"] + ":", ", ".join(f"{name} {rate:.0f} images/s" for name, rate in row["rates"].items()))
    print({key: round(value, 2) for key, value in row.items() if isinstance(value, float)}, flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", choices=tuple(STEPS), help="one problem alone")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    start = time.perf_counter()
    rows = list(bench(arguments.repeats, [arguments.only] if arguments.only else list(STEPS)))
    if not (arguments.dry or arguments.only):
        facts = provenance(("torch",)) | {"seconds": round(time.perf_counter() - start)}
        write("images", {"provenance": facts, "tables": {"images": rows}})


if __name__ == "__main__":
    main()

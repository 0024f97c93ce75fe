"""`make bench`: a DCGAN, a WGAN-GP and the modern game on pictures, trained by `gantut.training.train` and by loops.

The same networks, batches and steps for everyone, on one thread; what counts is images a second of processor time
(real images that the critic has seen), which leaves out what else runs on the machine, and the ratio to the loops in
the same run. The record goes to book/results/images.json.
"""

import argparse
import contextlib
import copy
import itertools
import time
from functools import partial

import torch
from benches import provenance, race, write
from torch import nn
from torch.nn import functional

from gantut.cli._run import complete
from gantut.networks import DCGANCritic, DCGANGenerator
from gantut.training import Config, train

SIZE, CHANNELS, WIDTH, BATCH, NOISE, WEIGHT = 32, 3, 64, 64, 100, 10.0
STEPS = {"DCGAN": 6, "WGAN-GP": 2, "WGAN-GP, layer norm": 2, "modern": 16}  # generator steps of one heat
NORMS = {"DCGAN": "batch", "WGAN-GP": "none", "WGAN-GP, layer norm": "layer"}  # of the critic
N_CRITIC = {"DCGAN": 1, "WGAN-GP": 5, "WGAN-GP, layer norm": 5, "modern": 1}
MODERN = complete({})  # what `python -m gantut train` plays: R1 in every 16th step, of which a heat has one


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


class Block(nn.Module):
    """A residual block without normalisation: its side is doubled before the convolutions, or halved after them."""

    def __init__(self, inputs, outputs, inner, *, up):
        super().__init__()
        self.first, self.second = nn.Conv2d(inputs, inner, 3, padding=1), nn.Conv2d(inner, outputs, 3, padding=1)
        self.shortcut, self.up = nn.Conv2d(inputs, outputs, 1), up

    def forward(self, h):
        """From (batch, inputs, side, side) to (batch, outputs, 2 * side, 2 * side), or half the side."""
        if self.up:
            double = partial(functional.interpolate, scale_factor=2)
            inner = self.second(functional.leaky_relu(self.first(double(functional.leaky_relu(h, 0.2))), 0.2))
            return double(self.shortcut(h)) + inner
        inner = self.second(functional.leaky_relu(self.first(functional.leaky_relu(h, 0.2)), 0.2))
        return functional.avg_pool2d(inner, 2) + self.shortcut(functional.avg_pool2d(h, 2))


class ModernGenerator(nn.Module):
    """Normalised noise, 4 x 4 pixels, three blocks that double the side, and tanh."""

    def __init__(self, width, noise):
        super().__init__()
        widths = [4 * width, 4 * width, 2 * width, width]
        self.first = nn.Linear(noise, widths[0] * 16)
        self.blocks = nn.Sequential(*(Block(a, b, b, up=True) for a, b in itertools.pairwise(widths)))
        self.last = nn.Conv2d(width, CHANNELS, 3, padding=1)

    def forward(self, z):
        """From (batch, noise) to pictures."""
        h = self.first(functional.normalize(z) * z.shape[1] ** 0.5).view(len(z), -1, 4, 4)
        return torch.tanh(self.last(functional.leaky_relu(self.blocks(h), 0.2)))


class ModernCritic(nn.Module):
    """Mirrored, with the standard deviation of groups of four."""

    def __init__(self, width):
        super().__init__()
        widths = [width, 2 * width, 4 * width, 4 * width]
        self.first = nn.Conv2d(CHANNELS, width, 3, padding=1)
        self.blocks = nn.Sequential(*(Block(a, b, a, up=False) for a, b in itertools.pairwise(widths)))
        self.conv = nn.Conv2d(4 * width + 1, 4 * width, 3, padding=1)
        self.hidden, self.last = nn.Linear(4 * width * 16, 4 * width), nn.Linear(4 * width, 1)

    def forward(self, x):
        """From pictures to scores (batch,)."""
        h = self.blocks(self.first(x))
        groups = h.view(-1, 4, *h.shape[1:]) if h.is_contiguous() else h.unflatten(0, (-1, 4))
        spread = (groups.var(1, correction=0) + 1e-8).sqrt().mean((1, 2, 3)).repeat_interleave(4)
        h = torch.cat([h, spread.view(-1, 1, 1, 1).expand(-1, 1, 4, 4)], 1)
        h = functional.leaky_relu(self.conv(functional.leaky_relu(h, 0.2)), 0.2).flatten(1)
        return self.last(functional.leaky_relu(self.hidden(h), 0.2)).squeeze(1)


def diff_augment(x, changes):
    """Colour, translation and cutout as the authors of DiffAugment publish them, for the same settings."""
    s, (n, _, height, width) = changes.colour, x.shape
    x = x + s * (torch.rand(n, 1, 1, 1) - 0.5)
    mean = x.mean(1, keepdim=True)
    x = (x - mean) * (1 + s * (2 * torch.rand(n, 1, 1, 1) - 1)) + mean
    mean = x.mean((1, 2, 3), keepdim=True)
    x = (x - mean) * (1 + s * (torch.rand(n, 1, 1, 1) - 0.5)) + mean
    far = round(changes.translate * height)
    down, right = (torch.randint(-far, far + 1, (n, 1, 1)) for _ in range(2))
    which, rows, columns = torch.meshgrid(torch.arange(n), torch.arange(height), torch.arange(width), indexing="ij")
    rows, columns = (rows + down + 1).clamp(0, height + 1), (columns + right + 1).clamp(0, width + 1)
    padded = functional.pad(x - changes.fill, (1, 1, 1, 1))
    x = padded.permute(0, 2, 3, 1).contiguous()[which, rows, columns].permute(0, 3, 1, 2) + changes.fill
    part = round(changes.cutout * height)
    top, left = (torch.randint(0, height + 1, (n, 1, 1)) for _ in range(2))
    which, rows, columns = torch.meshgrid(torch.arange(n), torch.arange(part), torch.arange(part), indexing="ij")
    rows, columns = (rows + top - part // 2).clamp(0, height - 1), (columns + left - part // 2).clamp(0, width - 1)
    mask = torch.ones(n, height, width)
    mask[which, rows, columns] = 0
    mask = torch.where(torch.rand(n, 1, 1) < changes.cutout_share, mask, 1)[:, None]
    return (x - changes.fill) * mask + changes.fill


class PlainModern:
    """The modern game as one would write it: R1 in every 16th step, DiffAugment, averages of the weights."""

    fused, mixed = False, False

    def __init__(self, data):
        self.data, config = data, MODERN.config
        self.generator, self.critic = ModernGenerator(MODERN.width, config.latent_dim), ModernCritic(MODERN.width)
        self.optimizers = [
            adam(net, config.optimizer.betas, config.optimizer.lr, fused=self.fused)
            for net in (self.generator, self.critic)
        ]
        self.average = copy.deepcopy(self.generator)

    def precision(self):
        """In which the networks compute."""
        return torch.autocast("cpu", torch.bfloat16) if self.mixed else contextlib.nullcontext()

    def run(self, steps):
        """Train for so many generator steps."""
        config, (of_generator, of_critic) = MODERN.config, self.optimizers
        show = partial(diff_augment, changes=config.augmentation)
        for step in range(1, steps + 1):
            real = show(self.data[torch.randint(len(self.data), (config.batch_size,))])
            with torch.no_grad(), self.precision():
                fake = self.generator(torch.randn(config.batch_size, config.latent_dim))
            with self.precision():
                scores = self.critic(torch.cat([real, show(fake.float())]))
            on_real, on_fake = scores.float().chunk(2)
            loss = functional.softplus(-on_real).mean() + functional.softplus(on_fake).mean()
            of_critic.zero_grad()
            loss.backward()
            if step % config.constraint.every == 0:
                x = real.detach().requires_grad_()
                slopes = torch.autograd.grad(self.critic(x).sum(), x, create_graph=True)[0]
                weight = config.constraint.every * config.constraint.weight / 2
                (weight * slopes.square().sum((1, 2, 3)).mean()).backward()
            of_critic.step()
            with self.precision():
                fake = self.generator(torch.randn(config.batch_size, config.latent_dim))
                scores = self.critic(show(fake.float()))
            of_generator.zero_grad()
            functional.softplus(-scores.float()).mean().backward(inputs=list(self.generator.parameters()))
            of_generator.step()
            with torch.no_grad():
                for mean, now in zip(self.average.parameters(), self.generator.parameters(), strict=True):
                    mean.lerp_(now, 1 - config.ema)


class CarefulModern(PlainModern):
    """The same with channels last and fused optimizers."""

    fused = True

    def __init__(self, data):
        super().__init__(data.to(memory_format=torch.channels_last))
        for network in (self.generator, self.critic):
            network.to(memory_format=torch.channels_last)


class MixedModern(CarefulModern):
    """The same, and the networks' products in bfloat16."""

    mixed = True


class OursModern:
    """What `python -m gantut train` plays, in single or in mixed precision."""

    def __init__(self, data, *, amp=False, device="cpu"):
        self.data, self.amp, self.device = data, amp, device
        self.generator, self.critic = MODERN.build("cpu")

    def run(self, steps):
        """Train for so many generator steps."""
        config = MODERN.config.as_dict() | {"steps": steps}
        looks = dict(samples=1, record_every=steps, evaluate_every=steps, progress=False)
        players = dict(generator=self.generator, critic=self.critic)
        train(config, self.data, **players, device=self.device, amp=self.amp, **looks)


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
    if problem == "modern":
        return {
            "gantut": OursModern(data, device=device),
            "gantut, mixed precision": OursModern(data, amp=True, device=device),
            "plain loop": PlainModern(data), "careful loop": CarefulModern(data),
            "careful loop, mixed precision": MixedModern(data),
        }  # fmt: skip
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
    width, batch = (MODERN.width, MODERN.config.batch_size) if problem == "modern" else (WIDTH, BATCH)
    images = STEPS[problem] * N_CRITIC[problem] * batch
    row = {
        "problem": f"{problem}, {SIZE} x {SIZE}, width {width}, batch {batch}",
        "rates": {name: round(images / taken, 1) for name, taken in seconds.items()},
    }
    for name, precision in (("gantut", "single"), ("gantut, mixed precision", "mixed")):
        for loop in ("plain loop", "careful loop"):
            row[f"{precision} precision to the {loop}"] = seconds[loop] / seconds[name]
    if problem == "modern":  # and both in mixed precision
        ours, same = seconds["gantut, mixed precision"], seconds["careful loop, mixed precision"]
        row["mixed precision to the careful loop in the same"] = same / ours
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

"""`make bench`: 64 small WGAN-GPs trained as one population, beside loops that train one after another.

The same networks, batches and steps for everyone; what counts is model-steps a second (a model-step is five critic
steps and one generator step of one model), and the ratio to the fastest loop in the same run. All run on the processor,
whatever the machine has; `make gpu` has the race on a GPU. The record goes to book/results/training.json.
"""

import argparse
import itertools
import statistics
import time
from functools import partial

import torch
from benches import provenance, write
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gantut.training import Architecture, Config, train

MEMBERS, N_CRITIC, WEIGHT = 64, 5, 10.0
PROBLEMS = {  # name: width, batch, steps of the population, steps of a loop
    "width 32, batch 64": (32, 64, 40, 40),
    "width 128, batch 256": (128, 256, 6, 12),
}


def _networks(width):
    def stack(*widths):
        layers = [nn.Linear(*pair) for pair in itertools.pairwise(widths)]
        return nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU())))[:-1]

    return stack(2, width, width, 2), stack(2, width, width, 1)


def plain_loop(data, width, batch, steps):
    """One model, as the well-known collections write it: see their `wgan_gp.py`."""
    generator, critic = _networks(width)
    optimizers = [torch.optim.Adam(net.parameters(), lr=1e-4, betas=(0.0, 0.9)) for net in (generator, critic)]
    for _ in range(steps):
        for _ in range(N_CRITIC):
            real = data[torch.randint(len(data), (batch,))]
            optimizers[1].zero_grad()
            fake = generator(torch.randn(batch, 2))  # not detached: the gradient runs through the generator, too
            mix = torch.rand(batch, 1)
            between = (mix * real + (1 - mix) * fake).requires_grad_(True)
            scores = critic(between)
            slopes = torch.autograd.grad(
                scores, between, torch.ones(batch, 1), create_graph=True, retain_graph=True, only_inputs=True
            )[0]
            penalty = ((slopes.view(batch, -1).norm(2, dim=1) - 1) ** 2).mean()
            loss = -critic(real).mean() + critic(fake).mean() + WEIGHT * penalty
            loss.backward()
            optimizers[1].step()
            loss.item()
        optimizers[0].zero_grad()
        loss = -critic(generator(torch.randn(batch, 2))).mean()
        loss.backward()
        optimizers[0].step()
        loss.item()


def careful_loop(data, width, batch, steps):
    """One model: the same with fused optimizers, detached samples, and no number read back."""
    generator, critic = _networks(width)
    optimizers = [
        torch.optim.Adam(net.parameters(), lr=1e-4, betas=(0.0, 0.9), fused=True) for net in (generator, critic)
    ]
    for _ in range(steps):
        for _ in range(N_CRITIC):
            real = data[torch.randint(len(data), (batch,))]
            with torch.no_grad():
                fake = generator(torch.randn(batch, 2))
            between = torch.lerp(fake, real, torch.rand(batch, 1)).requires_grad_(True)
            slopes = torch.autograd.grad(critic(between).sum(), between, create_graph=True)[0]
            scores = critic(torch.cat([real, fake])).squeeze(1)
            loss = scores[batch:].mean() - scores[:batch].mean() + WEIGHT * (slopes.norm(dim=1) - 1).square().mean()
            optimizers[1].zero_grad()
            loss.backward()
            optimizers[1].step()
        loss = -critic(generator(torch.randn(batch, 2))).mean()
        optimizers[0].zero_grad()
        loss.backward(inputs=list(generator.parameters()))
        optimizers[0].step()


def config(width, batch, steps, members=MEMBERS):
    """The same game for `gantut`."""
    both = dict(generator=Architecture((width, width)), critic=Architecture((width, width)))
    return Config(objective="wgan-gp", members=members, steps=steps, batch_size=batch, n_critic=N_CRITIC, **both)


def _rate(run, steps, threads):
    """Model-steps a second."""
    torch.set_num_threads(threads)
    start = time.perf_counter()
    run()
    return steps / (time.perf_counter() - start)


def matrix_peak(threads, n=1500, repeats=5):
    """What the machine's matrix product reaches, in floating point operations a second."""
    torch.set_num_threads(threads)
    a, best = torch.randn(n, n), 0.0
    for _ in range(repeats):
        start = time.perf_counter()
        a @ a
        best = max(best, 2 * n**3 / (time.perf_counter() - start))
    return best


def operations(data, width, batch):
    """How many floating point operations one model-step takes, in matrix products."""
    counts = []
    for steps in (1, 2):
        with FlopCounterMode(display=False) as counter:
            train(config(width, batch, steps, members=1), data, device="cpu", samples=1, evaluate_every=2)
        counts.append(counter.get_total_flops())
    return counts[1] - counts[0]


def looks(steps):
    """At the end alone."""
    return dict(record_every=steps, evaluate_every=steps)


def bench(repeats):
    """Race everyone, in turn."""
    data = torch.randn(10_000, 2, generator=torch.Generator().manual_seed(0))
    for name, (width, batch, steps, loop_steps) in PROBLEMS.items():
        contestants = {}
        population = partial(train, config(width, batch, steps), data, device="cpu", **looks(steps))
        for threads in (1, 2):
            contestants[f"gantut, {threads} threads"] = population, MEMBERS * steps, threads
            for loop in (plain_loop, careful_loop):
                rounds = loop_steps // threads**2  # on shared cores, two threads that wait for each other take long
                run = partial(loop, data, width, batch, rounds)
                contestants[f"{loop.__name__.replace('_', ' ')}, {threads} threads"] = run, rounds, threads
        rates = {contestant: [] for contestant in contestants}
        for _ in range(repeats + 1):
            for contestant, race in contestants.items():
                rates[contestant].append(_rate(*race))
        medians = {contestant: statistics.median(values[1:]) for contestant, values in rates.items()}  # first: warm-up
        yield _row(name, medians, operations(data, width, batch))


def _row(name, rates, flops):
    best = {
        kind: max(rate for who, rate in rates.items() if who.startswith(kind))
        for kind in ("gantut", "plain", "careful")
    }
    row = {
        "problem": name,
        "rates": {who: round(rate, 1) for who, rate in rates.items()},
        "ratio to the plain loop": best["gantut"] / best["plain"],
        "ratio to the careful loop": best["gantut"] / best["careful"],
        "share of the matrix peak": best["gantut"] * flops / matrix_peak(2),
    }
    print(", ".join(f"{who} {rate:.0f}/s" for who, rate in rates.items()))
    print({key: round(value, 2) for key, value in row.items() if isinstance(value, float)}, flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--dry", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    start = time.perf_counter()
    rows = list(bench(arguments.repeats))
    if not arguments.dry:
        torch.set_num_threads(2)
        facts = provenance(("torch",)) | {"seconds": round(time.perf_counter() - start)}
        write("training", {"provenance": facts, "tables": {"populations": rows}})


if __name__ == "__main__":
    main()

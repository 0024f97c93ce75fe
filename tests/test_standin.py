"""The stand-in refuses what CUDA refuses, computes what the CPU computes, and counts what a host would wait for."""

import copy
import importlib
from concurrent.futures import ThreadPoolExecutor

import pytest
import standin
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from gantut.data import parallel_lines, ring
from gantut.networks import MLP, DCGANCritic, DCGANGenerator, ResidualGenerator
from gantut.training import Config, train
from gantut.transport import sinkhorn, sinkhorn_points

sweeps = importlib.import_module("gantut.transport.sinkhorn.sweeps")  # the folder has the name of a function
pytestmark = pytest.mark.skipif(bool(standin.REASON), reason=str(standin.REASON))
DEVICE = standin.NAME


def here(*numbers):
    return torch.tensor(numbers, dtype=torch.float64, device=DEVICE)


def values(x):
    return x.detach().cpu()


# ---------------------------------------------------------------------------------------------- what is refused

REFUSED = {
    "an addition across devices": lambda: here(1, 2) + torch.ones(2),
    "one onto a tensor of the CPU": lambda: torch.ones(2).add_(here(1, 2)),
    "one onto a number of the CPU": lambda: torch.tensor(1.0).add_(here(1).squeeze()),
    "numbers of the device for the CPU": lambda: torch.ones(2) * here(1).squeeze(),
    "a product across devices": lambda: here(1, 2) @ torch.ones(2, dtype=torch.float64),
    "a single number of the CPU in a product": lambda: torch.linalg.vecdot(here(1, 2), torch.tensor(1.0)),
    "values of the CPU for an index": lambda: here(1, 2).index_put_((torch.tensor([0, 1]),), torch.ones(2).double()),
    "an index of the device for the CPU": lambda: torch.ones(2)[here(1).long()],
    "memory shared with numpy": lambda: here(1).numpy(),
    "a generator of the CPU": lambda: torch.randn(2, device=DEVICE, generator=torch.Generator()),
    "a product of whole numbers": lambda: here(1, 2).long() @ here(1, 2).long(),
    "a histogram": lambda: torch.histogram(here(1, 2), 3),
    "networks and samples apart": lambda: nn.Linear(2, 1, device=DEVICE)(torch.ones(1, 2)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_refuses_what_cuda_refuses(what):
    with pytest.raises((RuntimeError, TypeError, NotImplementedError)):
        REFUSED[what]()


ALLOWED = {
    "a number of the CPU, elementwise": (lambda: here(1, 2) * torch.tensor(2.0), [2, 4]),
    "a number of the CPU, first": (lambda: torch.tensor(2.0) - here(1, 2), [1, 0]),
    "an index of the CPU": (lambda: here(1, 2)[torch.tensor([1, 0])], [2, 1]),
    "a copy from the CPU": (lambda: here(1, 2).copy_(torch.tensor([3.0, 4.0])), [3, 4]),
    "a tensor moved": (lambda: torch.tensor([1.0, 2.0]).to(DEVICE), [1, 2]),
    "numbers read": (lambda: torch.tensor(here(1, 2).tolist()), [1, 2]),
}


@pytest.mark.parametrize("what", ALLOWED)
def test_it_allows_what_cuda_allows(what):
    make, expected = ALLOWED[what]
    assert values(make()).tolist() == expected


# ---------------------------------------------------------------------------------------------- what it computes


def test_views_are_written_through_and_shapes_change_in_place():
    x = torch.zeros(2, 3, device=DEVICE)
    x[0].add_(1)
    x[:, 1] = 5
    x.view(-1)[-1] = 7
    x.mT[2, 0] = torch.tensor(3.0)
    assert values(x).tolist() == [[1, 5, 3], [0, 5, 7]]
    assert x.t_().unsqueeze_(0).shape == (1, 3, 2)
    assert torch.add(x, x, out=torch.empty(0, device=DEVICE)).shape == (1, 3, 2)
    assert torch.arange(3, device=DEVICE).shape == (3,)


INDICES = {  # what is read and written, and how
    "a number": lambda x: -1,
    "a step": lambda x: slice(None, None, 2),
    "all but the last axis": lambda x: (..., 1),
    "a new axis": lambda x: (None, slice(1, 3)),
    "numbers of rows": lambda x: torch.tensor([2, 0, 2], device=x.device),
    "numbers of rows, on the CPU": lambda x: torch.tensor([3, 1]),
    "numbers of entries": lambda x: (torch.tensor([3, 1], device=x.device), torch.tensor([0, 2], device=x.device)),
    "rows by columns": lambda x: (torch.tensor([[0], [2]], device=x.device), torch.tensor([1, 2], device=x.device)),
    "a mask": lambda x: x > 4,
    "a mask of rows": lambda x: (x > 4).any(1),
    "a mask of rows, and a column": lambda x: ((x > 4).any(1), 0),
}


@pytest.mark.parametrize("what", INDICES)
def test_indices_read_and_write_what_they_do_on_the_cpu(what):
    found = []
    for device in (DEVICE, "cpu"):
        x = torch.arange(12.0, device=device).reshape(4, 3)
        leaf = x.clone().requires_grad_()
        index = INDICES[what](x)
        (leaf[index] ** 2).sum().backward()
        written, added = x.clone(), x.clone()
        written[index] = -1
        added[index] += x[index]
        found.append([values(each) for each in (x[index], leaf.grad, written, added)])
    assert all(torch.equal(*both) for both in zip(*found, strict=True))


PLACES = {
    "gather": lambda x, i: x.gather(1, i),
    "scatter": lambda x, i: torch.zeros_like(x).scatter_(1, i, x),
    "scatter_reduce": lambda x, i: torch.zeros_like(x).scatter_reduce_(1, i, x, "amax"),
    "index_add": lambda x, i: torch.zeros_like(x).index_add_(0, i[:, 0], x),
    "index_copy": lambda x, i: torch.zeros_like(x).index_copy_(1, i[0], x),
    "index_select": lambda x, i: x.index_select(1, i[1]),
    "take_along_dim": lambda x, i: x.take_along_dim(i, 0),
    "masked_scatter": lambda x, i: x.masked_scatter(i > 0, -x),
    "searchsorted": lambda x, i: torch.searchsorted(x, x[:, 1:] + 0.5),
    "topk": lambda x, i: x.topk(2, largest=False).indices,
    "nonzero": lambda x, i: i.nonzero(),
}


@pytest.mark.parametrize("what", PLACES)
def test_operations_with_indices_find_what_they_find_on_the_cpu(what):
    x, i = torch.arange(9.0).reshape(3, 3), torch.tensor([[0, 2, 1], [1, 0, 2], [2, 1, 0]])
    assert torch.equal(values(PLACES[what](x.to(DEVICE), i.to(DEVICE))), PLACES[what](x, i))


def test_conjugates_are_conjugated():
    x = torch.tensor([[1.0, 2.0, 4.0], [0.0, 3.0, -1.0]])
    here, there = (torch.fft.rfft2(each) for each in (x.to(DEVICE), x))
    assert torch.equal(values(here.conj().imag), there.conj().imag)
    together = [values(torch.fft.irfft2(each * each.conj(), s=(2, 3))) for each in (here, there)]
    assert torch.equal(*together)


def network():
    torch.manual_seed(0)
    layers = nn.Conv2d(1, 2, 3, bias=False), nn.BatchNorm2d(2), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(8, 1)
    return nn.Sequential(*layers)


def test_networks_move_there_and_back_and_are_copied():
    there = network().to(DEVICE)
    assert {p.device.type for p in there.parameters()} == {DEVICE}
    twin = copy.deepcopy(there)
    assert all(isinstance(p, nn.Parameter) and p.requires_grad for p in twin.parameters())
    with torch.no_grad():
        twin[0].weight.zero_()
    back = there.double().to("cpu").float()
    for name, tensor in network().state_dict().items():
        assert torch.equal(back.state_dict()[name], tensor), name
    assert {p.device.type for p in network().to(DEVICE).to(torch.float64).parameters()} == {DEVICE}


OPTIMIZERS = {
    "adam, fused": lambda p, there: torch.optim.Adam(p, lr=0.1, fused=True, capturable=there),
    "adam, foreach": lambda p, there: torch.optim.Adam(p, lr=0.1, foreach=True, capturable=there),
    "rmsprop, foreach": lambda p, there: torch.optim.RMSprop(p, lr=0.1, foreach=True, capturable=there),
    "sgd, fused": lambda p, there: torch.optim.SGD(p, lr=0.1, momentum=0.9, fused=True),
}


def after_training(device, make, x):
    model = network().to(device)
    optimizer = make(model.parameters(), device != "cpu")
    for _ in range(3):
        optimizer.zero_grad()
        model(x.to(device)).square().mean().backward()
        optimizer.step()
    return torch.cat([values(p).flatten() for p in model.parameters()])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_take_the_steps_of_the_cpu(name, rng):
    x = torch.randn(4, 1, 4, 4, generator=rng)
    ours, theirs = (after_training(device, OPTIMIZERS[name], x) for device in (DEVICE, "cpu"))
    # on the device the bias correction is a tensor of single precision, not a number of double
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_autocast_rounds_products_and_nothing_else():
    layer, x = nn.Linear(3, 2, device=DEVICE), torch.ones(4, 3, device=DEVICE)
    with torch.autocast(DEVICE, torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16
        assert (x * x).dtype == torch.float32
        layer(x).float().sum().backward()
    assert layer.weight.grad.dtype == torch.float32


def test_gradients_of_gradients_and_recomputed_ones():
    x = here(1, 2, 3).requires_grad_()
    (slope,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    slope.square().sum().backward()
    assert values(x.grad).tolist() == [36, 288, 972]  # of 9 x^4
    layer, x = nn.Linear(3, 3, device=DEVICE), torch.ones(2, 3, device=DEVICE, requires_grad=True)
    checkpoint(lambda x: layer(x).tanh(), x, use_reentrant=False).sum().backward()
    recomputed = x.grad.clone()
    x.grad = None
    layer(x).tanh().sum().backward()
    assert torch.equal(values(recomputed), values(x.grad))


def test_functions_are_transformed():
    x = here(1, 2, 3)
    assert values(torch.func.vmap(lambda row: row.sum())(torch.stack([x, 2 * x]))).tolist() == [6, 12]
    assert values(torch.func.grad(lambda x: (x**2).sum())(x)).tolist() == [2, 4, 6]
    assert torch.equal(values(torch.func.jacrev(lambda x: x**2)(x)), torch.diag(2 * values(x)))
    slopes = torch.func.vmap(torch.func.grad(lambda w, x: (w * x).sum()), in_dims=(0, None))(torch.stack([x, x]), x)
    assert values(slopes).tolist() == [[1, 2, 3]] * 2


def test_threads_do_not_mix():
    def work(seed):
        x = torch.full((50,), float(seed), device=DEVICE, requires_grad=True)
        for _ in range(5):
            x.grad = None
            (x**2).sum().backward()
        return values(x.grad).unique().tolist()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(8))) == [[2.0 * seed] for seed in range(8)]


def test_it_draws_from_a_source_of_its_own():
    torch.manual_seed(1)
    first = torch.randn(3, device=DEVICE)
    on_the_cpu = torch.rand(2)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(2), on_the_cpu), "drawing there leaves the CPU's source alone"
    assert torch.equal(values(torch.randn(3, device=DEVICE)), values(first))
    dropped = nn.functional.dropout(torch.ones(1000, device=DEVICE))
    assert 300 < (values(dropped) == 0).sum() < 700


# ---------------------------------------------------------------------------------------------- what is waited for

AWAITED = {
    "a number read": (lambda x: x.sum().item(), 1),
    "a condition": (lambda x: bool((x > 0).any()), 1),
    "a copy to the CPU": (lambda x: x.cpu(), 1),
    "a list": (lambda x: x.tolist(), 1),
    "a copy to the device": (lambda x: torch.ones(3).to(DEVICE), 1),
    "a mask as index": (lambda x: x[x > 1], 1),
    "where": (lambda x: (x > 1).nonzero(), 1),
    "a copy not waited for": (lambda x: torch.ones(3).to(DEVICE, non_blocking=True), 0),
    "arithmetic": (lambda x: torch.where(x > 1, x.cumsum(0), 0).sort().values.amax(), 0),
    "a tensor of zeros": (lambda x: x.new_zeros(3) + torch.zeros(3, device=DEVICE), 0),
}


@pytest.mark.parametrize("what", AWAITED)
def test_it_counts_what_the_host_waits_for(what):
    act, expected = AWAITED[what]
    x = here(1, 2, 3)
    with standin.waits() as waited:
        act(x)
    assert waited.total() == expected, waited


@pytest.mark.parametrize(
    "settings",
    [
        dict(objective="non-saturating"),
        dict(objective="wgan"),
        dict(objective="wgan-gp", ema=0.9),
        dict(objective="minimax", instance_noise=0.1, historical_averaging=0.01),
        dict(objective="feature-matching", minibatch_discrimination={}),
        dict(objective="non-saturating", optimizer={"name": "rmsprop"}, batch_norm="generator"),
    ],
    ids=lambda settings: settings["objective"],
)
def test_a_round_of_training_waits_for_nothing_and_adds_in_one_order(settings, rng):
    x = torch.randn(64, 2, generator=rng)

    def waited(steps):
        config = Config(**settings, members=2, steps=steps, batch_size=4, latent_dim=2)
        with standin.waits() as found, standin.unordered() as unordered:
            train(config, x, device=DEVICE, record_every=steps, evaluate_every=steps, samples=4, progress=False)
        assert not unordered, "or a run that is repeated, or resumed, would have other bits"
        return found

    assert waited(9) == waited(3), "what is waited for is before and after the rounds"


SUMS = {
    "rows added to rows": (lambda x, i: x.index_add(0, i, x), 1),
    "numbers added to places": (lambda x, i: x.scatter_add(0, i, x), 1),
    "their largest": (lambda x, i: x.scatter_reduce(0, i, x, "amax"), 0),
    "their mean": (lambda x, i: x.scatter_reduce(0, i, x, "mean"), 1),
    "numbers put": (lambda x, i: x.index_put((i,), x), 0),
    "numbers put, and added": (lambda x, i: x.index_put((i,), x, accumulate=True), 1),
    "running sums": (lambda x, i: x.cumsum(0), 1),
    "running sums of whole numbers": (lambda x, i: i.cumsum(0), 0),
    "a sum": (lambda x, i: x.sum() + x @ x, 0),
    "the gradient of a choice": (lambda x, i: torch.autograd.grad(x.requires_grad_().gather(0, i).sum(), x), 1),
}


@pytest.mark.parametrize("what", SUMS)
def test_it_counts_what_cuda_adds_in_any_order(what):
    act, expected = SUMS[what]
    with standin.unordered() as found:
        act(here(1, 2, 3), torch.tensor([0, 0, 2], device=DEVICE))
    assert found.total() == expected, found


@pytest.mark.parametrize("n", [40, 600])  # and from 512 on a sample comes first, in single precision
def test_a_sweep_of_sinkhorn_waits_for_nothing_but_its_stopping_test(n, rng, monkeypatch):
    plain, seen = sweeps.sweep, []

    def sweep(*arguments, looking=False):
        with standin.waits() as waited:
            result = plain(*arguments, looking=looking)
        seen.append(waited.total())
        return result

    monkeypatch.setattr(sweeps, "sweep", sweep)
    x, y = torch.randn(2, n, 2, dtype=torch.float64, generator=rng).to(DEVICE)
    with standin.waits() as all_waited:
        sinkhorn_points(x, y, reg=0.05)
    assert len(seen) > 10
    assert set(seen) == {0}
    assert all_waited.total() < 3 * len(seen), "looks are few"
    mass = torch.full((n,), 1 / n, dtype=torch.float64, device=DEVICE)
    sinkhorn(mass, mass, torch.cdist(x, y), 0.05)
    assert set(seen) == {0}


# ---------------------------------------------------------------------------------------------- as on a GPU machine


def test_training_with_no_device_chosen_takes_the_default_one(monkeypatch, rng):
    monkeypatch.setenv("GANTUT_DEVICE", DEVICE)
    x = torch.randn(64, 2, generator=rng)
    config = Config(objective="wgan-gp", members=2, steps=3, batch_size=8)
    metrics = {"spread": lambda samples: samples.std(1).mean(-1)}
    history = train(config, x, metrics=metrics, samples=8, progress=False)
    assert {p.device.type for p in history.generator.parameters()} == {DEVICE}
    on_the_cpu = train(config, x, metrics=metrics, samples=8, device="cpu", progress=False)
    torch.testing.assert_close(history.samples, on_the_cpu.samples, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(history.losses["critic"], on_the_cpu.losses["critic"], rtol=1e-4, atol=1e-5)


NETWORKS = {
    "multilayer": lambda: MLP([2, 8, 1], initialisation="orthogonal"),
    "with a minibatch layer": lambda: MLP([2, 8, 1], members=2, minibatch=(2, 2)),
    "DCGAN": lambda: DCGANGenerator(latent_dim=3, size=16, width=4),
    "residual": lambda: ResidualGenerator(latent_dim=3, size=16, width=4),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_default_device_of_pytorch_changes_no_network(name):
    plain = NETWORKS[name]().state_dict()
    with torch.device(DEVICE):  # what draws from a generator of the CPU has to say so
        made = NETWORKS[name]().state_dict()
    assert all(torch.equal(made[key], plain[key]) for key in plain)


def test_a_default_device_of_pytorch_changes_no_draw(rng):
    def drawn():
        clouds = ring().sample(8, generator=rng.manual_seed(1)), parallel_lines(0.5)[0].sample(8, generator=rng)
        return torch.cat([cloud.flatten() for cloud in clouds])

    expected = drawn()
    with torch.device(DEVICE):
        assert torch.equal(drawn(), expected)


def test_training_under_a_default_device_of_pytorch_is_the_training_of_the_cpu(rng):
    pictures = torch.rand(16, 3, 16, 16, generator=rng) * 2 - 1
    config, found = Config(objective="wgan-gp", steps=2, batch_size=8, latent_dim=3, n_critic=2), []
    for device in (DEVICE, "cpu"):
        with torch.device(device):
            players = dict(
                generator=DCGANGenerator(latent_dim=3, size=16, width=4),
                critic=DCGANCritic(size=16, width=4, norm="layer"),
            )
            found.append(train(config, pictures, **players, samples=4, device=device, progress=False))
    torch.testing.assert_close(found[0].samples, found[1].samples, rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------------------------------------- what is tried each time


@pytest.mark.parametrize("second", "ab")
@pytest.mark.parametrize(("first", "with_it"), [("x", 1), ("y", 1)])
def test_on_the_standin_each_value_is_tried_each_time_and_their_last_combination_at_night(
    request, device, first, with_it, second
):
    at_night = request.node.get_closest_marker("slow") is not None
    assert at_night == (device.type == DEVICE and (first, second) == ("y", "b"))

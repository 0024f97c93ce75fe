"""Devices, seeds and scale: what the environment says, and what is said back where it makes no sense."""

import contextlib

import pytest
import torch

from gantut.device import (
    at_scale,
    choose_device,
    draw_noise,
    global_sources,
    limit_threads,
    random_source,
    scale,
    seeded,
)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for variable in ("GANTUT_DEVICE", "GANTUT_SCALE", "GANTUT_THREADS"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def _threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


# ---------------------------------------------------------------------------------------------- devices


def test_the_default_is_cuda_where_there_is_one_and_otherwise_the_cpu():
    assert choose_device().type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose_device("auto") == choose_device()


@pytest.mark.parametrize(("present", "kind"), [(True, "cuda"), (False, "cpu")])
def test_the_default_asks_torch_whether_there_is_cuda(monkeypatch, present, kind):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: present)
    assert choose_device().type == kind


def test_the_variable_decides_and_an_argument_overrules_it(monkeypatch, device):
    monkeypatch.setenv("GANTUT_DEVICE", str(device))
    assert choose_device().type == device.type
    monkeypatch.setenv("GANTUT_DEVICE", "banana")
    assert choose_device("cpu") == torch.device("cpu")
    monkeypatch.setenv("GANTUT_DEVICE", "")
    assert choose_device().type in ("cpu", "cuda")


def test_tensors_can_be_made_on_the_device_that_was_chosen(device):
    assert torch.ones(2, device=choose_device(str(device))).device.type == device.type
    assert choose_device(device).type == device.type  # a device is as good as its name


@pytest.mark.parametrize("name", ["banana", "CPU", "cuda:99", "cpu:x"])
@pytest.mark.parametrize("way", ["argument", "variable"])
def test_a_device_that_is_not_there_is_named_in_the_refusal(monkeypatch, name, way):
    monkeypatch.setenv("GANTUT_DEVICE", name if way == "variable" else "cpu")
    with pytest.raises(ValueError, match=rf"GANTUT_DEVICE.*must be a device of this machine, not '{name}'"):
        choose_device(name if way == "argument" else None)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_cuda_is_refused_where_there_is_none():
    with pytest.raises(ValueError, match="must be a device of this machine, not 'cuda'"):
        choose_device("cuda")


# ---------------------------------------------------------------------------------------------- seeds


def test_a_source_of_randomness_is_a_cpu_generator_with_the_seed():
    source = random_source(7)
    assert source.device.type == "cpu"
    assert source.initial_seed() == 7
    witness = torch.Generator().manual_seed(7)
    assert torch.equal(torch.randn(5, generator=source), torch.randn(5, generator=witness))


def test_the_same_seed_gives_the_same_draws_and_another_seed_others():
    draws = [torch.rand(8, generator=random_source(seed)) for seed in (0, 0, 1)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_a_source_leaves_the_global_one_alone():
    before = torch.random.get_rng_state()
    torch.rand(8, generator=random_source(0))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("seed", [-1, 1.5, "7", None, True])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(ValueError, match=rf"seed must be a whole number of at least 0, not {seed!r}"):
        random_source(seed)


def test_noise_of_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind must be one of 'gaussian', 'uniform', 'unit', not 'normal'"):
        draw_noise("normal", (3,))


# ---------------------------------------------------------------------------------------------- scale and threads


@pytest.mark.parametrize(("variable", "expected"), [(None, "fast"), ("", "fast"), ("fast", "fast"), ("full", "full")])
def test_the_scale_is_fast_unless_the_variable_says_full(monkeypatch, variable, expected):
    if variable is not None:
        monkeypatch.setenv("GANTUT_SCALE", variable)
    assert scale() == expected
    assert at_scale(fast=500, full=20_000) == {"fast": 500, "full": 20_000}[expected]


def test_the_scale_is_read_anew_each_time(monkeypatch):
    assert at_scale(fast=1, full=2) == 1
    monkeypatch.setenv("GANTUT_SCALE", "full")
    assert at_scale(fast=1, full=2) == 2


def test_an_unknown_scale_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("GANTUT_SCALE", "huge")
    for ask in (scale, lambda: at_scale(fast=1, full=2)):
        with pytest.raises(ValueError, match="GANTUT_SCALE must be one of 'fast', 'full', not 'huge'"):
            ask()


def test_both_sizes_must_be_named():
    with pytest.raises(TypeError):
        at_scale(1, 2)


@pytest.mark.usefixtures("_threads_as_before")
def test_threads_are_limited_only_where_the_variable_says_so(monkeypatch):
    before = torch.get_num_threads()
    assert limit_threads() == before
    monkeypatch.setenv("GANTUT_THREADS", "1")
    assert limit_threads() == 1
    assert torch.get_num_threads() == 1
    monkeypatch.setenv("GANTUT_THREADS", "2")
    assert limit_threads() == 2


@pytest.mark.usefixtures("_threads_as_before")
@pytest.mark.parametrize("threads", ["0", "-2", "two", "1.5"])
def test_a_number_of_threads_that_makes_no_sense_is_refused_by_name(monkeypatch, threads):
    monkeypatch.setenv("GANTUT_THREADS", threads)
    with pytest.raises(ValueError, match=rf"GANTUT_THREADS must be a whole number of at least 1, not '?{threads}'?"):
        limit_threads()


# ---------------------------------------------------------------------------------------------- PyTorch's own sources


def test_within_a_seed_draws_are_repeated_and_outside_nothing_is_changed(device):
    x = torch.zeros(3, device=device)  # its device has an index

    def drawn():
        return torch.cat([torch.rand(3), torch.rand_like(x).cpu()])

    torch.manual_seed(1)
    first, *following = [drawn() for _ in range(3)]
    following = torch.stack(following)
    torch.manual_seed(1)
    assert torch.equal(drawn(), first)
    with seeded(5, x.device):
        inside = drawn()
    with contextlib.suppress(KeyError), seeded(5, x.device):
        assert torch.equal(drawn(), inside)
        raise KeyError
    assert torch.equal(torch.stack([drawn() for _ in range(2)]), following)
    assert [name.split(":")[0] for name in global_sources(x.device)] == list(dict.fromkeys(["cpu", device.type]))

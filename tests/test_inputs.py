"""Bad input: a ValueError that names the argument and what was given, from every public function, never a number."""

import math
import re

import numpy as np
import pytest
import torch
import torch.distributions as td

from gantut import _inputs
from gantut.data import (
    GaussianMixture,
    digits,
    gaussian,
    gaussian_mixture,
    grid,
    parallel_lines,
    ring,
    uniform,
)
from gantut.divergences import (
    integrate,
    js_between,
    js_divergence,
    kl_between,
    kl_divergence,
    optimal_discriminator,
    total_variation,
    total_variation_between,
    value_function,
)

pytestmark = pytest.mark.filterwarnings("error")

NAN, INF = math.nan, math.inf


def t(*values, dtype=torch.float64, device="cpu"):
    return torch.tensor(values, dtype=dtype, device=device)


def half():
    return t(0.5, 0.5)


def refused(call, *parts):
    """The call raises a ValueError whose message contains all the parts: whole words, in any order."""
    with pytest.raises(ValueError) as failure:
        call()
    message = str(failure.value)
    for part in parts:
        assert re.search(rf"(?<![\w.]){re.escape(str(part))}(?!\w)", message), f"{part!r} is not in: {message}"
    assert len(message) < 400
    return message


# Functions of distributions on a finite set: how to call them with one argument replaced.
WITH_DISTRIBUTIONS = {
    "kl_divergence p": ("p", lambda p, **o: kl_divergence(p, half(), **o)),
    "kl_divergence q": ("q", lambda q, **o: kl_divergence(half(), q, **o)),
    "js_divergence p": ("p", lambda p, **o: js_divergence(p, half(), **o)),
    "js_divergence q": ("q", lambda q, **o: js_divergence(half(), q, **o)),
    "total_variation p": ("p", lambda p, **o: total_variation(p, half(), **o)),
    "total_variation q": ("q", lambda q, **o: total_variation(half(), q, **o)),
    "value_function p_r": ("p_r", lambda p, **o: value_function(half(), p, half(), **o)),
    "value_function p_g": ("p_g", lambda p, **o: value_function(half(), half(), p, **o)),
}
# Functions of densities at points, which need no total of 1.
WITH_DENSITIES = {
    "optimal_discriminator p_r": ("p_r", lambda p: optimal_discriminator(p, half())),
    "optimal_discriminator p_g": ("p_g", lambda p: optimal_discriminator(half(), p)),
}
WITH_D = {"value_function d": ("d", lambda d, **o: value_function(d, half(), half(), **o))}


def over(table):
    return pytest.mark.parametrize(("name", "call"), table.values(), ids=table.keys())


# ---------------------------------------------------------------------------------------------- bad masses

BAD_ENTRIES = {
    "negative": (t(-0.1, 1.1), "-0.1"),
    "barely negative": (t(1.0, -1e-12), "-1e-12"),
    "NaN": (t(0.5, NAN), "nan"),
    "infinite": (t(INF, 0.5), "inf"),
    "minus infinite": (t(-INF, 0.5), "-inf"),
}
NO_NUMBERS = {
    "truth values": (torch.tensor([True, False]), "torch.bool"),
    "complex numbers": (torch.tensor([1 + 0j, 0]), "torch.complex64"),
    "numpy truth values": (np.array([True, False]), "torch.bool"),
    "numbers of eight bits": (torch.tensor([1.0, 0.0]).to(torch.float8_e5m2), "torch.float8_e5m2"),
    "a sparse tensor": (torch.tensor([1.0, 0.0]).to_sparse(), "torch.sparse_coo"),
    "a string": ("ab", "'ab'"),
    "nothing": (None, "None"),
    "ragged lists": ([[0.5, 0.5], [1.0]], "[[0.5, 0.5], [1.0]]"),
    "objects": (np.array([None, "a"]), "None"),
}


@over(WITH_DISTRIBUTIONS | WITH_DENSITIES)
@pytest.mark.parametrize(("value", "given"), BAD_ENTRIES.values(), ids=BAD_ENTRIES.keys())
def test_masses_must_be_finite_and_not_negative(name, call, value, given):
    refused(lambda: call(value), name, given)


@over(WITH_DISTRIBUTIONS | WITH_DENSITIES | WITH_D)
@pytest.mark.parametrize(("value", "given"), NO_NUMBERS.values(), ids=NO_NUMBERS.keys())
def test_masses_must_be_floating_point_numbers(name, call, value, given):
    refused(lambda: call(value), name, given)


@over(WITH_DISTRIBUTIONS)
@pytest.mark.parametrize(
    ("value", "given"),
    [
        pytest.param(t(0.5, 0.6), "1.1", id="too much"),
        pytest.param(t(0.5, 0.4), "0.9", id="too little"),
        pytest.param(t(0.0, 0.0), "0", id="none"),
        pytest.param(t(0.5, 0.5 + 1e-8), "1.00000001", id="a little too much"),
        pytest.param(torch.stack([half(), t(0.5, 0.7)]), "1.2", id="one row of two"),
    ],
)
def test_distributions_must_add_up_to_one(name, call, value, given):
    refused(lambda: call(value), name, given)


@over(WITH_DISTRIBUTIONS)
def test_distributions_must_not_be_empty_nor_single_numbers(name, call):
    refused(lambda: call(torch.zeros(0, dtype=torch.float64)), name, "empty", "(0,)")
    refused(lambda: call(torch.zeros(3, 0, dtype=torch.float64)), name, "empty", "(3, 0)")
    refused(lambda: call(torch.tensor(1.0, dtype=torch.float64)), name, "1.0")


def test_the_place_of_the_first_bad_entry_is_shown():
    table = torch.full((3, 4), 0.25, dtype=torch.float64)
    table[1, 2] = -0.5
    refused(lambda: kl_divergence(table, table.abs()), "p[1, 2]", "-0.5")
    refused(lambda: optimal_discriminator(table.abs(), table), "p_g[1, 2]", "-0.5")


@pytest.mark.parametrize(
    ("dtype", "slip"), [(torch.float64, 1e-10), (torch.float32, 1e-6), (torch.float16, 2e-3), (torch.bfloat16, 2e-2)]
)
def test_totals_may_be_off_by_the_roundings_of_their_precision_and_no_more(device, dtype, slip):
    q = torch.tensor([0.5, 0.5], dtype=dtype, device=device)
    assert math.isfinite(kl_divergence(torch.tensor([0.5, 0.5 + slip], dtype=dtype, device=device), q).item())
    refused(lambda: kl_divergence(torch.tensor([0.5, 0.5 + 100 * slip], dtype=dtype, device=device), q), "p", "add up")


@pytest.mark.parametrize(
    ("dtype", "size"),
    # half precision cannot hold many more masses than these to a total of 1
    [(torch.float64, 50_000), (torch.float32, 50_000), (torch.float16, 1000), (torch.bfloat16, 1000)],
)
def test_what_softmax_returns_is_a_distribution_in_every_precision(device, dtype, size, rng):
    for length in (2, size):
        p, q = (torch.randn(length, generator=rng).to(device, dtype).softmax(-1) for _ in range(2))
        assert kl_divergence(p, q).item() > 0


# ---------------------------------------------------------------------------------------------- what must go together

PAIRS = {
    "kl_divergence": (("p", "q"), kl_divergence),
    "js_divergence": (("p", "q"), js_divergence),
    "total_variation": (("p", "q"), total_variation),
    "optimal_discriminator": (("p_r", "p_g"), optimal_discriminator),
    "value_function of distributions": (("p_r", "p_g"), lambda p, q, **o: value_function(p, p, q, **o)),
    "value_function of d": (("d", "p_r"), lambda d, p, **o: value_function(d, p, p, **o)),
}


@over(PAIRS)
def test_shapes_must_go_together(name, call):
    table = torch.full((3, 2), 0.5, dtype=torch.float64)
    refused(lambda: call(table, torch.full((4, 2), 0.5, dtype=torch.float64)), *name, "(3, 2)", "(4, 2)")
    refused(lambda: call(half(), torch.full((3,), 1 / 3, dtype=torch.float64)), *name, "(2,)", "(3,)")


@over({key: pair for key, pair in PAIRS.items() if key != "optimal_discriminator"})
def test_one_cell_is_not_broadcast_against_many(name, call):
    refused(lambda: call(t(1.0), half()), *name, "(1,)", "(2,)")
    refused(lambda: call(half(), t(1.0)), *name, "(1,)", "(2,)")
    columns = torch.full((3, 1), 1.0, dtype=torch.float64), torch.full((3, 2), 0.5, dtype=torch.float64)
    refused(lambda: call(*columns), *name, "(3, 1)", "(3, 2)")
    rows = torch.full((1, 3), 1.0, dtype=torch.float64), torch.full((2, 3), 0.5, dtype=torch.float64)
    refused(lambda: call(*rows, dim=0), *name, "(1, 3)", "(2, 3)")


@over({key: pair for key, pair in PAIRS.items() if key != "optimal_discriminator"})
def test_a_dimension_counted_from_the_left_needs_the_same_number_of_dimensions(name, call):
    # (2, 2) and (2,) would broadcast, but along the wrong dimension
    for columns in (2, 3):
        refused(
            lambda columns=columns: call(half()[:, None].expand(2, columns), half(), dim=0), *name, (2, columns), (2,)
        )


@over(PAIRS)
@pytest.mark.parametrize("other", [torch.float32, torch.float16, torch.bfloat16])
def test_dtypes_must_be_the_same(name, call, other):
    refused(lambda: call(half(), half().to(other)), *name, "torch.float64", other)
    refused(lambda: call(half().to(other), half()), *name, "torch.float64", other)


@over(PAIRS)
def test_devices_must_be_the_same(device, name, call):
    other = torch.device("meta" if device.type == "cpu" else "cpu")
    refused(lambda: call(half().to(device), half().to(other)), *name, device.type, other.type)
    refused(lambda: call(half().to(other), half().to(device)), *name, device.type, other.type)


def test_d_must_have_the_dimension_that_the_distributions_have():
    refused(lambda: value_function(torch.tensor(0.5, dtype=torch.float64), half(), half()), "d", "0.5")


@pytest.mark.parametrize(
    ("d", "given"), [((-0.1, 0.5), "-0.1"), ((0.5, 1.1), "1.1"), ((NAN, 0.5), "nan"), ((INF, 0.5), "inf")]
)
def test_the_outputs_of_a_discriminator_must_be_probabilities(d, given):
    refused(lambda: value_function(t(*d), half(), half()), "d", given, "logits=True")
    refused(lambda: value_function(lambda x: torch.where(x > 0, d[0], d[1]).to(x), gaussian(), gaussian(1)), "d", given)


def test_logits_must_be_numbers():
    refused(lambda: value_function(t(NAN, 0.5), half(), half(), logits=True), "d", "nan")
    refused(lambda: value_function(lambda x: x * NAN, gaussian(), gaussian(1), logits=True), "d", "nan")


@pytest.mark.parametrize("method", ["quadrature", "monte-carlo"])
@pytest.mark.parametrize(
    ("d", "given"),
    [
        pytest.param(lambda x: x[:, None].sigmoid(), ", 1)", id="a column, as networks return it"),
        pytest.param(lambda x: x.sigmoid().mean(), "()", id="a single number"),
        pytest.param(lambda x: 0.5, "0.5", id="no tensor"),
        pytest.param(lambda x: x[:-1].sigmoid(), "shape", id="a value too few"),
    ],
)
def test_a_discriminator_must_return_one_value_for_each_point(method, d, given):
    message = refused(lambda: value_function(d, gaussian(), gaussian(1), method=method, samples=100), "d")
    assert given in message


# ---------------------------------------------------------------------------------------------- base and dim

BASED = {
    "kl_divergence": lambda **o: kl_divergence(half(), half(), **o),
    "js_divergence": lambda **o: js_divergence(half(), half(), **o),
    "value_function": lambda **o: value_function(half(), half(), half(), **o),
    "kl_between": lambda **o: kl_between(gaussian(), gaussian(), **o),
    "js_between": lambda **o: js_between(gaussian(), gaussian(), **o),
    "value_function of distributions": lambda **o: value_function(torch.sigmoid, gaussian(), gaussian(), **o),
}


@pytest.mark.parametrize("call", BASED.values(), ids=BASED.keys())
@pytest.mark.parametrize("base", [1, 1.0, 0, -2, 0.5, NAN, INF, True, "2", None, 2 + 0j], ids=repr)
def test_the_base_must_be_a_finite_number_above_one(call, base):
    refused(lambda: call(base=base), "base", "above 1", repr(base))


@over(WITH_DISTRIBUTIONS)
@pytest.mark.parametrize("dim", [1, 2, -2, 10**9])
def test_the_dimension_must_be_there(name, call, dim):
    refused(lambda: call(half(), dim=dim), "dim", dim, "(2,)")


@over(WITH_DISTRIBUTIONS)
@pytest.mark.parametrize("dim", [True, 0.0, "0", None, (0,)], ids=repr)
def test_the_dimension_must_be_a_whole_number(name, call, dim):
    refused(lambda: call(half(), dim=dim), "dim", repr(dim))


def test_the_dimension_may_be_numpys_whole_number():
    assert kl_divergence(half(), half(), dim=np.int64(0)).item() == 0


# ---------------------------------------------------------------------------------------------- distributions with
# densities

BETWEEN = {
    "kl_between": ("pq", kl_between),
    "js_between": ("pq", js_between),
    "total_variation_between": ("pq", total_variation_between),
    "value_function": (("p_r", "p_g"), lambda p, q, **o: value_function(lambda x: x.sigmoid(), p, q, **o)),
}


@over(BETWEEN)
@pytest.mark.parametrize("method", ["mc", "Quadrature", "", None, 3, ["quadrature"]], ids=repr)
def test_the_method_must_be_known(name, call, method):
    refused(lambda: call(gaussian(), gaussian(), method=method), "method", "'quadrature', 'monte-carlo'", repr(method))


@over(BETWEEN)
@pytest.mark.parametrize("samples", [1, 0, -5, 2.5, 1e5, True, "100", None, NAN], ids=repr)
def test_the_number_of_samples_must_be_a_whole_number_of_at_least_two(name, call, samples):
    refused(lambda: call(gaussian(), gaussian(), method="monte-carlo", samples=samples), "samples", "2", repr(samples))


@over(BETWEEN)
@pytest.mark.parametrize(
    "interval", [(1, 0), (1, 1), (0, INF), (-INF, 0), (NAN, 1), (0,), (0, 1, 2), 3, "ab", ("a", 1), (None, 1)], ids=repr
)
def test_the_interval_must_be_two_finite_numbers_the_lower_first(name, call, interval):
    message = refused(lambda: call(gaussian(), gaussian(), interval=interval), "interval")
    assert repr(interval) in message


@over(BETWEEN)
def test_an_interval_is_not_passed_over_in_silence(name, call):
    refused(lambda: call(gaussian(), gaussian(), method="monte-carlo", interval=(0, 1)), "interval", "monte-carlo")


@over(BETWEEN)
@pytest.mark.parametrize("rtol", [0, -1e-9, NAN, INF, "1e-9", None, True], ids=repr)
def test_the_tolerance_must_be_positive_and_finite(name, call, rtol):
    refused(lambda: call(gaussian(), gaussian(1), rtol=rtol), "rtol", repr(rtol))


@over(BETWEEN)
@pytest.mark.parametrize("generator", [0, "seed", 3.5, np.random.default_rng(0)], ids=lambda g: type(g).__name__)
def test_the_generator_must_be_a_torch_generator(name, call, generator):
    for distribution in (gaussian(), td.Normal(t(0.0)[0], t(1.0)[0])):
        message = refused(
            lambda distribution=distribution: call(
                distribution, distribution, method="monte-carlo", samples=10, generator=generator
            ),
            "generator",
        )
        assert repr(generator) in message


@over(BETWEEN)
def test_the_generator_must_live_on_the_cpu(device, name, call):
    if device.type != "cuda":
        pytest.skip("needs a generator that lives elsewhere")
    generator = torch.Generator(device=device)
    for distribution in (gaussian(device=device), td.Normal(t(0.0, device=device)[0], t(1.0, device=device)[0])):
        refused(
            lambda p=distribution: call(p, p, method="monte-carlo", samples=10, generator=generator),
            "generator", "CPU", str(generator.device),
        )  # fmt: skip


NO_DISTRIBUTIONS = {
    "a segment, which has no density": (parallel_lines(1.0)[0], "Segment"),
    "a tensor": (half(), "Tensor"),
    "a list": ([0.5, 0.5], "list"),
    "a number": (0.5, "float"),
    "a string": ("normal", "str"),
    "nothing": (None, "NoneType"),
    "a distribution on whole numbers": (td.Poisson(t(3.0)[0]), "Poisson"),
    "a coin": (td.Bernoulli(t(0.5)[0]), "Bernoulli"),
}


@over(BETWEEN)
@pytest.mark.parametrize("method", ["quadrature", "monte-carlo"])
@pytest.mark.parametrize(("distribution", "kind"), NO_DISTRIBUTIONS.values(), ids=NO_DISTRIBUTIONS.keys())
def test_a_distribution_must_have_a_density(name, call, method, distribution, kind):
    first, second = name
    options = dict(method=method, samples=100)
    if kind == "Segment":  # which lives in the plane, as its partner then does
        other = ring()
    else:
        other = gaussian()
    refused(lambda: call(distribution, other, **options), first, kind, "density")
    refused(lambda: call(other, distribution, **options), second, kind, "density")


DENSITIES = {
    "negative": (lambda x: -gaussian().density(x), "non-negative"),
    "not a number": (lambda x: x * NAN, "finite"),
    "infinite": (lambda x: 1 / (x - x), "finite"),
    "not normalised": (lambda x: 2 * gaussian().density(x), "does not integrate to 1"),
    "nowhere": (lambda x: 0 * x, "0"),
    "too far away to be found": (gaussian(1e4).density, "interval="),
    "no tensor": (lambda x: 1.0, "1.0"),
    "a column": (lambda x: gaussian().density(x)[:, None], "shape"),
    "a single number": (lambda x: gaussian().density(x).mean(), "()"),
}


@over(BETWEEN)
@pytest.mark.parametrize(("density", "given"), DENSITIES.values(), ids=DENSITIES.keys())
def test_a_density_function_must_be_a_density(name, call, density, given):
    first, second = name
    assert given in refused(lambda: call(density, gaussian(1)), first)
    assert given in refused(lambda: call(gaussian(1), density), second)


@over(BETWEEN)
def test_too_much_mass_within_the_interval_is_noticed(name, call):
    twice = lambda x: 2 * gaussian().density(x)  # noqa: E731
    refused(lambda: call(twice, gaussian(), interval=(-3, 3)), name[0], "mass 1", "(-3, 3)")


@over(BETWEEN)
def test_a_density_function_cannot_be_drawn_from(name, call):
    message = refused(lambda: call(gaussian().density, gaussian(), method="monte-carlo", samples=10), name[0], "sample")
    assert "monte-carlo" in message


@over(BETWEEN)
def test_both_distributions_must_live_in_the_same_space(name, call):
    plane, line, point = ring(), gaussian(), gaussian([0.0])
    for first, second in ((plane, line), (line, plane), (plane, point), (point, plane), (point, line)):
        shapes = tuple(first.event_shape), tuple(second.event_shape)
        refused(lambda p=first, q=second: call(p, q, method="monte-carlo", samples=10), *name, *map(str, shapes))
    flat = td.MultivariateNormal(torch.zeros(3), torch.eye(3))
    refused(lambda: call(flat, plane, method="monte-carlo", samples=10), *name, "(3,)", "(2,)")


@over(BETWEEN)
def test_quadrature_is_for_the_line(name, call):
    for distribution in (ring(), gaussian([0.0]), td.MultivariateNormal(torch.zeros(2), torch.eye(2))):
        message = refused(
            lambda distribution=distribution: call(distribution, distribution),
            name[0],
            "quadrature",
            str(tuple(distribution.event_shape)),
        )
        assert 'method="monte-carlo"' in message


@over(BETWEEN)
def test_batches_must_broadcast(name, call):
    three, two = td.Normal(t(0.0, 0.0, 0.0), t(1.0, 1.0, 1.0)), td.Normal(t(0.0, 0.0), t(1.0, 1.0))
    for method in ("quadrature", "monte-carlo"):
        refused(lambda method=method: call(three, two, method=method, samples=10), *name, "(3,)", "(2,)")


@over(BETWEEN)
def test_distributions_must_live_on_one_device(device, name, call):
    other = "meta" if device.type == "cpu" else "cpu"
    for method in ("quadrature", "monte-carlo"):
        refused(
            lambda method=method: call(uniform(device=device), uniform(device=other), method=method, samples=10),
            *name, device.type, other,
        )  # fmt: skip


# ---------------------------------------------------------------------------------------------- D* of distributions

STANDARD = gaussian(), gaussian(1)
OPTIMAL = {
    "a distribution and a tensor": (lambda: optimal_discriminator(gaussian(), half()), ("p_g", "Tensor")),
    "a tensor and a distribution": (lambda: optimal_discriminator(half(), gaussian()), ("p_r", "Tensor")),
    "no density": (lambda: optimal_discriminator(*parallel_lines(1.0)), ("p_r", "Segment")),
    "two spaces": (lambda: optimal_discriminator(ring(), gaussian()), ("p_r", "p_g", "(2,)", "()")),
    "points of the wrong dimension": (
        lambda: optimal_discriminator(ring(), ring())(torch.zeros(5, 1)),
        ("x", "(5, 1)"),
    ),
    "points of text": (lambda: optimal_discriminator(*STANDARD)("a"), ("x", "'a'")),
}


@pytest.mark.parametrize(("call", "parts"), OPTIMAL.values(), ids=OPTIMAL.keys())
def test_the_optimal_discriminator_refuses_what_it_cannot_compare(call, parts):
    refused(call, *parts)


# ---------------------------------------------------------------------------------------------- integrate

INTEGRALS = {
    "reversed": (lambda: integrate(torch.exp, 1, 0), ("low", "high", "(1, 0)")),
    "empty": (lambda: integrate(torch.exp, 1, 1), ("low", "high", "(1, 1)")),
    "infinite": (lambda: integrate(torch.exp, -INF, 0), ("low", "high", "(-inf, 0)")),
    "no number": (lambda: integrate(torch.exp, "a", 0), ("low", "high", "('a', 0)")),
    "NaN": (lambda: integrate(torch.exp, NAN, 0), ("low", "high", "(nan, 0)")),
    "no tolerance": (lambda: integrate(torch.exp, 0, 1, rtol=0), ("rtol", "0")),
    "absolute tolerance": (lambda: integrate(torch.exp, 0, 1, atol=-1), ("atol", "-1")),
    "absolute tolerance NaN": (lambda: integrate(torch.exp, 0, 1, atol=NAN), ("atol", "nan")),
    "an integrand that is NaN": (lambda: integrate(lambda x: x * NAN, 0, 1), ("integrand", "not finite")),
    "an infinite integrand": (lambda: integrate(lambda x: x + INF, 0, 1), ("integrand", "not finite")),
    "a number": (lambda: integrate(lambda x: 1.0, 0, 1), ("integrand", "1.0")),
    "a single value": (lambda: integrate(lambda x: x.sum(), 0, 1), ("integrand", "()")),
    "a value too few": (lambda: integrate(lambda x: x[1:], 0, 1), ("integrand", "shape")),
    "twice as many values": (lambda: integrate(lambda x: torch.cat([x, x]), 0, 1), ("integrand", "shape")),
    "truth values": (lambda: integrate(lambda x: x > 0, 0, 1), ("integrand", "torch.bool")),
}


@pytest.mark.parametrize(("call", "parts"), INTEGRALS.values(), ids=INTEGRALS.keys())
def test_integrals_of_nothing_that_can_be_integrated_are_refused(call, parts):
    refused(call, *parts)


# ---------------------------------------------------------------------------------------------- data

DATA = {
    "means NaN": (lambda: gaussian_mixture([0.0, NAN]), ("means", "nan")),
    "means infinite": (lambda: GaussianMixture(t(INF), 1.0), ("means", "inf")),
    "no means": (lambda: gaussian_mixture([]), ("means", "(0,)")),
    "means without a mode": (lambda: GaussianMixture(torch.tensor(0.0), 1.0), ("means", "()")),
    "means of three dimensions": (lambda: gaussian_mixture([[[0.0]]]), ("means", "(1, 1, 1)")),
    "means of text": (lambda: gaussian_mixture("ab"), ("means", "'ab'")),
    "a mean that is NaN": (lambda: gaussian(NAN), ("nan",)),
    "a mean of text": (lambda: gaussian("a"), ("mean", "'a'")),
    "std zero": (lambda: gaussian(0.0, 0.0), ("0.0",)),
    "std negative": (lambda: gaussian_mixture([0, 1], [1, -2]), ("stds", "-2.0")),
    "std NaN": (lambda: gaussian_mixture([0, 1], NAN), ("stds", "nan")),
    "std infinite": (lambda: gaussian_mixture([0, 1], INF), ("stds", "inf")),
    "stds of text": (lambda: gaussian_mixture([0, 1], "a"), ("stds", "'a'")),
    "a std too many": (lambda: gaussian_mixture([0, 1], [1, 1, 1]), ("stds", "(3,)")),
    "a table of stds": (lambda: gaussian_mixture([0, 1], [[1, 1]]), ("stds", "(1, 2)")),
    "two stds of one Gaussian": (lambda: gaussian([0.0, 0.0], [1.0, 2.0]), ("std", "(2,)")),
    "weights negative": (lambda: gaussian_mixture([0, 1], 1, [1.5, -0.5]), ("weights", "-0.5")),
    "weights not normalised": (lambda: gaussian_mixture([0, 1], 1, [0.5, 0.6]), ("weights", "1.1")),
    "weights NaN": (lambda: gaussian_mixture([0, 1], 1, [0.5, NAN]), ("weights", "nan")),
    "a weight too many": (lambda: gaussian_mixture([0, 1], 1, [0.5, 0.25, 0.25]), ("weights", "(3,)")),
    "a table of weights": (lambda: gaussian_mixture([0, 1], 1, [[0.5, 0.5], [0.5, 0.5]]), ("weights", "(2, 2)")),
    "ring of no modes": (lambda: ring(0), ("modes", "0")),
    "ring of half a mode": (lambda: ring(2.5), ("modes", "2.5")),
    "ring without radius": (lambda: ring(radius=0), ("radius", "0")),
    "ring without width": (lambda: ring(std=-0.1), ("std", "-0.1")),
    "grid without side": (lambda: grid(-1), ("side", "-1")),
    "grid without spacing": (lambda: grid(spacing=0.0), ("spacing", "0.0")),
    "grid without width": (lambda: grid(std=NAN), ("std", "nan")),
    "uniform reversed": (lambda: uniform(1, 0), ("low", "high", "(1, 0)")),
    "uniform on a point": (lambda: uniform(1, 1), ("low", "high", "(1, 1)")),
    "uniform on the line": (lambda: uniform(-INF, INF), ("low", "high", "(-inf, inf)")),
    "uniform on text": (lambda: uniform("a", "b"), ("low", "high", "('a', 'b')")),
    "lines nowhere": (lambda: parallel_lines(NAN), ("theta", "nan")),
    "lines at text": (lambda: parallel_lines("a"), ("theta", "'a'")),
    "a negative sample": (lambda: gaussian().sample(-1), ("shape", "-1")),
    "half a sample": (lambda: gaussian().sample(2.5), ("shape", "2.5")),
    "a sample of text": (lambda: gaussian().sample("a"), ("shape", "'a'")),
    "a sample of nothing": (lambda: gaussian().sample(None), ("shape", "None")),
    "a sample of half a row": (lambda: gaussian().sample((2, 1.5)), ("shape", "1.5")),
    "a sample from a seed": (lambda: gaussian().sample(3, generator=0), ("generator", "0")),
    "density at points of the wrong dimension": (lambda: ring().density(torch.zeros(4, 1)), ("x", "(4, 1)")),
    "density at a single number": (lambda: ring().log_prob(torch.tensor(0.0)), ("x", "()")),
    "no digit": (lambda: digits(), ("classes",)),
    "a digit of two digits": (lambda: digits(3, 10), ("classes", "10")),
    "a negative digit": (lambda: digits(-1), ("classes", "-1")),
    "a digit of text": (lambda: digits("3"), ("classes", "'3'")),
    "half a digit": (lambda: digits(3.5), ("classes", "3.5")),
}


@pytest.mark.parametrize(("call", "parts"), DATA.values(), ids=DATA.keys())
def test_distributions_and_images_that_cannot_be_are_refused(call, parts):
    refused(call, *parts)


# ---------------------------------------------------------------------------------------------- one place, one style


def test_lists_and_arrays_become_tensors_of_their_own_precision():
    assert _inputs.floating("p", [1, 2]).dtype == torch.float64
    assert _inputs.floating("p", np.float32(0.5)).dtype == torch.float32
    assert _inputs.floating("p", np.arange(3.0)).tolist() == [0, 1, 2]


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint16"])
def test_whole_numbers_in_arrays_and_tensors_are_in_double_precision_like_lists_of_them(dtype, device):
    array = np.arange(3, dtype=dtype)
    for given in (array[::-1], torch.from_numpy(array[::-1].copy()).to(device)):
        values = _inputs.floating("p", given)
        assert values.dtype == torch.float64
        assert values.tolist() == [2, 1, 0]


def test_a_tensor_is_passed_on_as_it_is(device):
    p = t(0.5, device=device).requires_grad_()
    assert _inputs.floating("p", p) is p


def test_an_array_is_copied_and_stays_its_owners():
    values = np.array([0.25, 0.75])
    tensor = _inputs.floating("p", values)
    values[0] = 9
    assert tensor.tolist() == [0.25, 0.75]

"""What all tests share: the devices of this machine, random distributions from a seed, and quiet, repeatable hypothesis
runs."""

import collections
import functools
import gc
import http.server
import itertools
import shutil
import signal
import threading
from pathlib import Path

import pytest
import standin
import torch

try:
    import hypothesis
except ImportError:  # a machine with a GPU may bring its own Python: see `skip_missing`
    hypothesis = None

ROOT = Path(__file__).resolve().parents[1]

# derandomize: the same examples on every machine, so that a red run is red again; no deadline: CI machines are slow
# At night, `make test-all` takes the profile of that name (--hypothesis-profile).
if hypothesis:
    always = dict(derandomize=True, deadline=None, database=None)
    hypothesis.settings.register_profile("gantut", **always, max_examples=50)
    hypothesis.settings.register_profile("nightly", **always, max_examples=200)
    hypothesis.settings.load_profile("gantut")

# Started in the background, a shell's child ignores Ctrl-C, and so would its own children, on which tests press it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# What takes some seconds on the stand-in, which is there for branches and not for sizes; and all that lessons train.
# What is bit for bit the same there is so because it is on the CPU, whose arithmetic the stand-in has.
SLOW_ON_THE_STANDIN = {
    "test_a_member_of_64_is_bit_for_bit_the_run_that_it_would_be_alone",
    "test_the_split_into_groups_changes_no_bit",
    "test_the_split_into_groups_and_the_threads_change_no_bit",
    "test_a_critic_of_classes_learns_them_from_few_labels",
    "test_how_often_one_looks_does_not_change_what_is_seen",
    "test_large_problems_take_the_other_way_and_are_certified",
    "test_a_run_with_tricks_that_fails_goes_on_from_its_last_checkpoint_with_the_same_bits",
    "test_a_run_of_50_steps_that_is_extended_to_100_is_the_run_of_100",
    "test_the_default_is_to_record_about_200_and_to_look_about_20_times",
    "test_a_member_that_is_held_stays_held_when_the_run_is_resumed",
    "test_gradients_are_those_of_finite_differences",
    "test_a_jump_or_kink_anywhere_is_seen",
    "test_a_game_is_looked_at_seven_times_and_repeats_itself",
    "test_single_precision_is_right_and_kept",
    "test_streamed_kernels_give_what_kept_ones_give",
    "test_two_draws_of_one_distribution_score_what_is_expected",
    "test_an_integral_that_does_not_exist_does_not_settle",
    "test_the_gradient_of_the_transport_cost_is_exact_though_no_iteration_is_differentiated",
    "test_the_reported_standard_error_is_the_spread_of_the_estimate",
}


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """No search for garbage while tests are collected, nor in them later: they are a million objects, and all stay.

    That was a third of the time of collecting, in each worker.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """The file that builds the site comes first: while one process builds it, no other waits. Then the longest."""
    early = ("test_site.py", "test_mutants.py")
    items.sort(key=lambda item: early.index(item.path.name) if item.path.name in early else len(early))
    seen = collections.defaultdict(set)
    for item in filter(_on_the_standin, items):
        if _takes_long_there(item) or not _is_new_there(item, seen[item.path, item.originalname]):
            item.add_marker(pytest.mark.slow)


def _is_new_there(item, seen):
    """Whether a test has a value of some argument that it has not been given on the stand-in before.

    Branches depend on one argument as a rule: each value is tried each time, and every night each combination.
    """
    if item.get_closest_marker("slow"):
        return True
    new = _arguments(item) - seen
    seen |= new
    return bool(new)


def _arguments(item):
    """The values of a test: those that one line of a table gives together count as one (see `callspec.indices`, which
    counts lines of all tables together).
    """
    values = item.callspec.params
    given = [mark.args[0] for mark in item.iter_markers("parametrize")]
    tables = [tuple(map(str.strip, names.split(","))) if isinstance(names, str) else tuple(names) for names in given]
    single = values.keys() - set(itertools.chain(*tables))
    return {(names, *(id(values[name]) for name in names)) for names in (*tables, *((name,) for name in single))}


def _takes_long_there(item):
    return item.originalname in SLOW_ON_THE_STANDIN or item.path.name.startswith("test_lessons_")


def _on_the_standin(item):
    return hasattr(item, "callspec") and item.callspec.params.get("device") == standin.NAME


torch.backends.cudnn.allow_tf32 = False  # on CUDA: convolutions as exact as what they are compared with
standin.register()
DEVICES = [
    pytest.param("cpu"),
    pytest.param(standin.NAME, marks=pytest.mark.skipif(bool(standin.REASON), reason=str(standin.REASON))),
]
if torch.cuda.is_available():
    DEVICES.append(pytest.param("cuda", marks=pytest.mark.cuda))


@pytest.fixture(params=DEVICES, scope="session")
def device(request):
    """Every device there is, one after the other, and where there is no CUDA a stand-in for it (see `standin`)."""
    return torch.device(request.param)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Fewer examples on the stand-in, where an operation takes ten times as long: it is there for branches."""
    if not (hypothesis and _on_the_standin(item) and hypothesis.is_hypothesis_test(item.obj)):
        return (yield)
    test = getattr(item.obj, "__func__", item.obj)
    usual = test._hypothesis_internal_use_settings
    few = dict(max_examples=min(usual.max_examples, 8), suppress_health_check=list(hypothesis.HealthCheck))
    test._hypothesis_internal_use_settings = hypothesis.settings(usual, **few)
    try:
        return (yield)
    finally:
        test._hypothesis_internal_use_settings = usual


@pytest.fixture
def rng():
    """A source of randomness with a fixed seed, on the CPU."""
    return torch.Generator().manual_seed(20140610)  # the day the GAN paper was posted


@pytest.fixture
def random_distributions(rng, device):
    """A function that draws distributions along the last dimension, some entries of them exactly zero where wanted."""

    def draw(*shape, zeros=0.0, dtype=torch.float64):
        weights = -torch.rand(shape, dtype=torch.float64, generator=rng).log()  # exponential: uniform on the simplex
        empty = torch.rand(shape, generator=rng) < zeros
        empty[..., 0] = False
        weights = weights.masked_fill(empty, 0.0)
        return (weights / weights.sum(-1, keepdim=True)).to(device, dtype)

    return draw


@pytest.fixture
def cloud(rng, device):
    """A function that draws normal points."""

    def draw(*shape, shift=0.0, spread=1.0, dtype=torch.float64):
        return (torch.randn(shape, dtype=torch.float64, generator=rng) * spread + shift).to(device, dtype)

    return draw


# One browser for all tests that read pages: Chromium, offline, and without anything that it would do on its own.
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-extensions")  # fmt: skip


# The front page, a lesson with a lab and solutions, and a page of the package: these are read in every way each time.
SAMPLE = ("book/00_index", "book/09_moving_dirt", "book/api/gantut.transport")


def sampled(names):
    """The pages of these names, those outside of the sample marked as slow: pages share one style."""
    return [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.fixture(scope="session")
def browser():
    """A real browser, started once."""
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "no Chromium: .ci/run installs it"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def site():
    """The folder of the site, built from the sources as they are, by one process if several test at once."""
    import pages

    with pages.alone(ROOT):
        if not pages.is_up_to_date(ROOT):
            pages.build(ROOT)
    return ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def home(site):
    """The address under which the site is served, on this machine."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def one_thread():
    """Small problems on one thread: on busy cores, two would wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)

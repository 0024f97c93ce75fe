"""`make gpu`: all that needs a GPU, in ten minutes: tests, benches, lessons and experiments, in this order.

Each part is a process of its own with a limit of its own, and is written down when it ends, however it ends: the next
one runs all the same, and what is there when time is up is a record. The folder that is written holds

- ``gpu.json``: the machine, the versions, and of each part the command, the seconds, how it ended, and its numbers;
- ``gpu.log``: the output of all parts;
- records of experiments: like ``gpu.json``, in the form of ``book/results``, into which they can be copied.

What it needs: Python 3.11 or newer, PyTorch with CUDA (tried, if on CPUs: 2.11 under Python 3.12, 2.13 under 3.11), and
what `pyproject.toml` names; for the tests pytest and hypothesis, and pytest-xdist if they are to use all cores; to be
compared with, flash-sinkhorn 0.4.1, geomloss with pykeops, and mdot-tnt 1.0.0. What is missing is listed first and in
the record, and costs only what needs it: tests are skipped with that reason, and a part says "not run". POT is the
witness of most tests of transport, so that without it these are skipped: to a machine without a network bring its
wheel, those of tyro and docstring-parser, and the rivals'. Where sources lie without their history, the environment
variable ``GANTUT_COMMIT`` says which commit they are.

Without a GPU, ``--device standin --small`` and ``--device cpu --small`` try all of it at sizes that take some minutes.
They cannot show, and until there is a GPU nobody has measured: any kernel of CUDA or Triton, its speed, and the order
in which it adds (`streams` in :mod:`gantut.transport.sinkhorn` is tried in Triton's interpreter only); CUDA graphs of a
training step, and that a replayed step is the step; TF32, bfloat16 and convolutions as a GPU rounds them; pinned memory
and copies beside work; memory that runs out; several GPUs and NCCL; what it costs that cuDNN adds in one order; and the
speeds that are the goals on an H100 or H200: 100 Sinkhorn iterations of 10,000 points in 8 ms (d = 2) and in 30 ms
(d = 784), twice as fast as flash-sinkhorn at d = 64; 512 x 256 exact in 100 ms with a gap of 1e-6 of what is paid; a
population 50 times as fast as a loop; and twice the images a second of one.
"""

import argparse
import contextlib
import functools
import importlib.util
import json
import os
import platform
import re
import runpy
import signal
import statistics
import subprocess
import sys
import time
import tomllib
import warnings
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
ITERATIONS, REG = 100, 0.05  # of Sinkhorn; reg in units of the mean cost
GRACE = 5  # seconds that a part has, once told to stop, to say how far it came
LACKS = 90  # the exit status of a part that lacks a package; that of pytest where no test was left is 5
ENDS = {0: "passed", 5: "not run: all tests were skipped", LACKS: "not run: a package is missing"}
MODULES = {"scikit-learn": "sklearn", "PyYAML": "yaml", "pillow": "PIL", "POT": "ot"}  # packages of other names
OF_TESTS = ["pytest", "pytest-xdist", "hypothesis"]
PEERS = ["flash-sinkhorn", "geomloss", "pykeops", "mdot-tnt"]


class Part(NamedTuple):
    """A command, and the seconds that it may take."""

    name: str
    command: list[str]
    seconds: int


def parts(device, small):
    """All that is to be run."""
    kind, here = device.split(":")[0], [sys.executable, __file__, "--device", device, *(["--small"] if small else [])]
    test = [sys.executable, "-m", "pytest", "-q", "-rfEs", "--tb=short", "-p", "skip_missing", "-k", kind]
    if is_here("pytest-xdist"):
        test += ["-n", str(max(1, min(8, (os.cpu_count() or 1) // 2))), "--dist", "loadfile"]
    few = ["tests/test_lipschitz.py", "tests/test_objectives.py"]
    deep = (
        ["tests/test_transport_potentials.py"]
        if small
        else sorted(map(str, [*_tests("transport"), *_tests("training")]))
    )
    lessons = sorted(path.stem for path in (ROOT / "book").glob("[0-9][0-9]_*.py"))
    lessons = [name for name in lessons if not small or name[:2] in ("01", "09")]
    experiments = ["critic-steps"] if small else ["clip-depth", "critic-and-distance", "unrolling", "creatures"]
    return [
        Part("tests", [*test, "-m", "not slow and not site", *(few if small else ["tests"])], 150),
        Part("tests in full", [*test, *deep], 90),
        *(Part(f"bench {name}", [*here, "--bench", name], 80) for name in BENCHES),
        *(Part(f"lesson {name}", [*here, "--script", f"book/{name}.py"], 60) for name in lessons),
        *(Part(f"experiment {name}", [*here, "--experiment", name], 240) for name in experiments),
    ]


def _tests(what):
    return (path.relative_to(ROOT) for path in ROOT.glob(f"tests/test_{what}*.py"))


def is_here(package):
    """Whether a package is installed."""
    return importlib.util.find_spec(MODULES.get(package, package.replace("-", "_").removeprefix("pytest_"))) is not None


def missing():
    """The packages that gantut, its tests and its rivals ask for, and that are not here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [re.match(r"[\w-]+", wish)[0] for wish in project["dependencies"]]
    return [package for package in (*wanted, *OF_TESTS, *PEERS) if not is_here(package)]


def run_part(part, log, environment, limit):
    """Run a part for so many seconds at most, and return what became of it."""
    start = time.perf_counter()
    with log.open("ab") as out:
        out.write(f"\n==== {part.name}: {' '.join(part.command)}\n".encode())
        out.flush()
        begin = out.tell()
        process = subprocess.Popen(
            part.command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
        ended = end_of(process, limit)
    lines = log.read_bytes()[begin:].decode(errors="replace").splitlines()
    numbers = [json.loads(line[len(MARK) :]) for line in lines if line.startswith(MARK)]
    return {
        "part": part.name, "ended": ended, "seconds": round(time.perf_counter() - start, 1),
        "command": " ".join(part.command), "last line": lines[-1] if lines else "", "numbers": numbers,
    }  # fmt: skip


def end_of(process, seconds):
    """Wait for a process, end it when its time is up, and say how it ended."""
    try:
        code = process.wait(seconds)
        return ENDS.get(code, f"failed with {code}")
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)  # pytest then still says what has failed
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        return "stopped: too long"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # and whatever it has started
        process.wait()


def run_all(device, folder, minutes, small, only):
    """Run all parts in turn, and write down each one as it ends; return whether all have passed.

    Limits of parts are for ten minutes in all, and grow where there are more: a busy machine may take its time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (log := folder / "gpu.log").unlink(missing_ok=True)
    environment = os.environ | {
        "GANTUT_DEVICE": device, "GPU_FOLDER": str(folder), "PYTHONUTF8": "1", "MPLBACKEND": "Agg",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]),
    }  # fmt: skip
    lacking, done, start = missing(), [], time.monotonic()
    record = {"provenance": provenance(device), "result": {"missing": lacking, "parts": done}}
    if lacking:
        print(f"not installed here: {', '.join(lacking)}", flush=True)
    for part in parts(device, small):
        if only and not any(part.name.startswith(name) for name in only):
            continue
        left = start + 60 * minutes - GRACE - time.monotonic()
        if left < 5:
            result = {"part": part.name, "ended": "not begun: time was up"}
        else:
            limit = part.seconds * max(1, minutes / 10)
            result = run_part(part, log, environment, min(limit, left))
        done.append(result)
        record["provenance"]["seconds"] = round(time.monotonic() - start, 1)
        (folder / "gpu.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        print(
            f"{part.name}: {result['ended']}, {result.get('seconds', 0)} s; {result.get('last line', '')}", flush=True
        )
    return all(result["ended"] == "passed" for result in done)


def provenance(device):
    """Where the numbers come from."""
    import torch

    on_cuda = device.startswith("cuda") and torch.cuda.is_available()
    return {
        "command": " ".join(["python", "tests/gpu.py", *sys.argv[1:]]), "commit": commit(), "seed": 0,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "device": torch.cuda.get_device_name(device) if on_cuda else device, "cuda": torch.version.cuda,
        "torch": torch.__version__, "python": platform.python_version(), "cores": os.cpu_count(),
    }  # fmt: skip


def commit():
    """The commit of what runs, and whether it has been changed since."""
    git = functools.partial(subprocess.run, cwd=ROOT, capture_output=True, text=True, check=True)
    try:
        head = git(["git", "rev-parse", "HEAD"]).stdout.strip()
        changed = git(["git", "status", "--porcelain", "--", "gantut", "tests", "book"]).stdout.strip()
        return head + (", with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("GANTUT_COMMIT", "not in a repository")


# ---- Benches --------------------------------------------------------------------------------------------------------

MARK = "NUMBERS "


def note(**numbers):
    """Hand numbers to the record."""
    print(MARK + json.dumps(numbers), flush=True)


def seconds(work, device, repeats=5):
    """The median seconds of work by the clock on the wall, once it has been warmed up, the device's part included."""
    import torch

    wait = getattr(torch.get_device_module(device.type), "synchronize", lambda: None)
    taken = []
    for _ in range(repeats + 2):
        wait()
        start = time.perf_counter()
        work()
        wait()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[2:])


def race(problem, contestants, device, repeats=5):
    """Note the seconds of everyone, and why somebody could not run; return the seconds of those who did."""
    taken = {}
    for name, work in contestants.items():
        try:
            taken[name] = seconds(work, device, repeats)
            note(problem=problem, name=name, seconds=taken[name])
        except Exception as error:  # a peer that is missing or fails: the others run
            note(problem=problem, name=name, failed=f"{type(error).__name__}: {str(error).splitlines()[0]}")
            if name.startswith("gantut"):
                raise
    return taken


def bench_sinkhorn(device, small):
    """100 iterations between 10,000 points, for the squared distance, in single precision."""
    import torch

    from gantut.transport import sinkhorn_points

    n = 200 if small else 10_000
    mass = torch.full((n,), 1 / n, device=device)

    def ours(x, y, reg):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # so few iterations do not converge
            return sinkhorn_points(x, y, reg=reg, p=2, tol=1e-12, max_iter=ITERATIONS)

    def flash(x, y, reg):
        from flash_sinkhorn.sinkhorn_solvers import sinkhorn_flashstyle_alternating

        return sinkhorn_flashstyle_alternating(x, y, mass, mass, eps=reg, n_iters=ITERATIONS)

    def geomloss(x, y, reg):
        from geomloss import SamplesLoss

        blur = (reg / 2) ** 0.5  # its cost is half of the square
        return SamplesLoss("sinkhorn", p=2, blur=blur, debias=False, backend="online")(x, y)

    for some in ({"gantut": ours, "flash-sinkhorn": flash}, {"geomloss": geomloss}):  # the last one compiles for long
        for d in (2, 64, 784):
            x, y = torch.randn(2, n, d, generator=torch.Generator().manual_seed(0)).to(device)
            work = {name: functools.partial(solve, x, y, REG * 2 * d) for name, solve in some.items()}
            race(f"n = {n}, d = {d}", work, device)


def bench_exact(device, small):
    """Exact transport of 512 x 256 points in the plane, in double precision."""
    import torch

    from gantut.transport import emd_points

    count, n = (4, 40) if small else (512, 256)
    x, y = torch.randn(2, count, n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).to(device)
    mass = torch.full((count, n), 1 / n, dtype=torch.float64, device=device)

    def mdot():
        from mdot_tnt import solve_OT_batched

        cost = torch.cdist(x, y)
        solve_OT_batched(mass, mass, cost / cost.amax(), gamma_f=4096.0)

    race(f"{count} x {n}", {"gantut": lambda: emd_points(x, y), "mdot-tnt, entropic": mdot}, device, repeats=3)
    result = emd_points(x, y)
    note(problem=f"{count} x {n}", relative_gap=(result.gap / result.value).amax().item())


def bench_populations(device, small):
    """64 small WGAN-GPs at once, and a loop over one, by the steps of one model in a second."""
    import bench_training
    import torch

    from gantut.training import Config, train

    members, steps = (4, 2) if small else (64, 400)
    data = torch.randn(4096, 2, generator=torch.Generator().manual_seed(0))
    for width, batch in ((32, 64), (128, 256)):
        hidden = {"hidden": (width, width)}
        options = dict(objective="wgan-gp", batch_size=batch, steps=steps, generator=hidden, critic=hidden)
        config = Config(**options, members=members)

        def ours(config=config):
            looks = dict(samples=1, record_every=steps, evaluate_every=steps, progress=False)
            train(config, data, device=device, **looks)

        def loop(width=width, batch=batch):
            with torch.device(device):
                bench_training.plain_loop(data.to(device), width, batch, steps // 2)

        problem = f"{members} members, width {width}, batch {batch}"
        work = {"gantut": (ours, members * steps), "a loop over one member": (loop, steps // 2)}
        taken = race(problem, {name: run for name, (run, _) in work.items()}, device, 1)
        note(problem=problem, steps_of_a_model_a_second={name: work[name][1] / each for name, each in taken.items()})


def bench_images(device, small):
    """DCGAN and WGAN-GP on pictures of 32 x 32, and loops written out, by images that the critic sees in a second."""
    import bench_images as images
    import torch

    steps = 1 if small else 100
    if small:
        images.WIDTH, images.BATCH = 8, 8
    shape = 400, images.CHANNELS, images.SIZE, images.SIZE
    data = torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for problem in ("DCGAN", "WGAN-GP"):
        with torch.device(device):
            racing = images.contestants(problem, data.to(device), device=device)

        def run(contestant):
            with torch.device(device) if not isinstance(contestant, images.Ours) else contextlib.nullcontext():
                contestant.run(steps)

        work = {name: functools.partial(run, contestant) for name, contestant in racing.items()}
        taken = race(f"{problem}, {steps} steps of {images.BATCH}", work, device, 1)
        shown = steps * images.N_CRITIC[problem] * images.BATCH
        note(problem=problem, images_a_second={name: shown / each for name, each in taken.items()})


BENCHES = {"sinkhorn": bench_sinkhorn, "exact": bench_exact, "populations": bench_populations, "images": bench_images}


# ---- The command line ----------------------------------------------------------------------------------------------


def one_process(arguments):
    """What a part runs in its own process."""
    import standin
    import torch

    if arguments.device == standin.NAME:
        standin.register()
    device = torch.zeros(0, device=arguments.device).device
    if arguments.bench:
        BENCHES[arguments.bench](device, arguments.small)
    elif arguments.script:
        os.chdir(ROOT / "book")
        runpy.run_path(str(ROOT / arguments.script), run_name="__main__")
    else:
        sys.argv = ["gantut.lessons", arguments.experiment, "--out", os.environ.get("GPU_FOLDER", "gpu-results")]
        sys.argv += ["--scale", "fast" if arguments.small else "full"]
        runpy.run_module("gantut.lessons", run_name="__main__")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", help="cuda, or standin or cpu to try it")
    parser.add_argument("--out", type=Path, default=Path("gpu-results"), help="the folder to write")
    parser.add_argument("--minutes", type=float, default=10, help="for all of it")
    parser.add_argument("--small", action="store_true", help="small sizes, to try it")
    parser.add_argument("--only", nargs="+", help="parts whose names begin so")
    parser.add_argument("--bench", choices=BENCHES, help=argparse.SUPPRESS)
    parser.add_argument("--script", help=argparse.SUPPRESS)
    parser.add_argument("--experiment", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bench or arguments.script or arguments.experiment:
        try:
            one_process(arguments)
        except ModuleNotFoundError as error:
            if importlib.util.find_spec(package := error.name.partition(".")[0]):
                raise
            print(f"this needs {package}, which is not installed here", flush=True)
            return LACKS
        return 0
    good = run_all(arguments.device, arguments.out.resolve(), arguments.minutes, arguments.small, arguments.only)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

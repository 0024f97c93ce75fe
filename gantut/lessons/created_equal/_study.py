"""Are GANs created equal? Every objective under the same budget of tries, in a folder that a later run can continue.

Each try is one small file, written whole or not at all, and depends on nothing but its own name and the settings of the
study. So a study that was killed goes on where it was, processes share it without talking to each other, and in the end
the numbers are the same::

    python -m gantut study --out study --budget 20
    torchrun --nproc-per-node 8 -m gantut study --out study --budget 100

    study/
        study.json                     what all tries have in common
        ring/wgan-gp-0007.json         one try: its settings, and its scores with every seed
"""

import json
import math
import os
import time
import warnings
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import torch
from tqdm import tqdm

from gantut import _inputs
from gantut.checkpoints import write_atomically
from gantut.device import SCALES, choose_device
from gantut.device import scale as scale_in_use
from gantut.lessons._records import rounded_fields
from gantut.lessons.created_equal._arenas import ARENAS, Scores, arena
from gantut.lessons.created_equal._search import SPACE, draw_settings, try_config
from gantut.lessons.toy_gans import GAMES
from gantut.training import DivergenceWarning, train

SIZES = {
    "fast": {"budget": 12, "updates": 2000, "batch_size": 64},
    "full": {"budget": 100, "updates": 60_000, "batch_size": 256},
}
FORMAT = 1
AT_MOST = 2**20  # bytes of a file of the study


def study(
    folder: str | Path,
    *,
    budget: int | None = None,
    seeds: int = 3,
    distributions: Sequence[str] = ARENAS,
    objectives: Sequence[str] = tuple(GAMES),
    scale: str | None = None,
    updates: int | None = None,
    seed: int = 0,
    rank: int | None = None,
    world_size: int | None = None,
    seconds: float | None = None,
    progress: bool | None = None,
) -> dict:
    """Give every objective the same number of random tries on every kind of data; existing tries are kept.

    Of `world_size` processes, each makes every `world_size`-th try. The first tries of all objectives come before the
    second ones, so that a study that is stopped has been fair so far.

    Parameters
    ----------
    folder : path
        Where the tries are, and will be; made where it is missing.
    budget : int, optional
        How many tries each objective has on each kind of data; by default as `scale` says. A larger budget
        extends a study.
    seeds : int
        How many runs each try has, with the same settings: choose by one, and report the others.
    distributions : sequence of str
        Some of :data:`ARENAS`.
    objectives : sequence of str
        Some of :data:`GAMES`.
    scale : {"fast", "full"}, optional
        By default as the variable GANTUT_SCALE says.
    updates : int, optional
        Gradient steps of a run, of both players together; by default as `scale` says.
    seed : int
        Of the settings and of the runs.
    rank, world_size : int, optional
        Which process this is, from 0 on, and of how many; by default the variables RANK and WORLD_SIZE, as torchrun
        sets them, or else one process. LOCAL_RANK, where it is set, says on which GPU to work.
    seconds : float, optional
        Begin no further try after so long.
    progress : bool, optional
        Show a progress bar; by default only on a terminal.

    Returns
    -------
    dict
        What :func:`read_study` finds in the folder: all of the study for the process that is the last to end.

    Raises
    ------
    ValueError
        If an argument is not allowed, or if the folder holds a study with other settings or a file that is not a try.
    """
    started = time.perf_counter()
    sizes = SIZES[_inputs.one_of("scale", scale or scale_in_use(), SCALES)]
    rank, world_size = _place(rank, world_size)
    common = {"seed": _inputs.count("seed", seed, least=0), "seeds": _inputs.count("seeds", seeds)}
    updates = sizes["updates"] if updates is None else updates
    common |= {"updates": _inputs.count("updates", updates), "batch_size": sizes["batch_size"]}
    tries = _tries(sizes["budget"] if budget is None else budget, distributions, objectives)
    if seconds is not None:
        _inputs.positive("seconds", seconds)
    try_config(tries[-1][1], tries[-1][2], **common)  # refuses what no try can be, before anything is written
    folder = Path(folder)
    _begin(folder, common)
    own = [name for index, name in enumerate(tries) if index % world_size == rank]
    with tqdm(own, disable=None if progress is None else not progress, unit="try") as bar:
        for distribution, objective, number in bar:
            if seconds is not None and time.perf_counter() - started > seconds:
                break
            bar.set_postfix_str(f"{objective} on {distribution}, try {number}")
            path = _path(folder, distribution, objective, number)
            if not path.exists():
                found = run_try(distribution, objective, number, **common)
                path.parent.mkdir(exist_ok=True)
                write_atomically(path, json.dumps(found, indent=1) + "\n")
    return read_study(folder)


def run_try(
    distribution: str, objective: str, number: int, *, seeds: int, updates: int, batch_size: int, seed: int = 0
) -> dict:
    """Train and score one try: plain data, the same on every run but for its ``"seconds"``.

    Parameters
    ----------
    distribution, objective, number
        Which try.
    seeds, updates, batch_size, seed
        As `gantut.lessons.created_equal.study`.

    Returns
    -------
    dict
        Its name, its settings, the scores with every seed, and the step after which a run diverged (-1: it did not; a
        run that did is scored as it was before).
    """
    here = arena(distribution)
    config = try_config(objective, number, seeds=seeds, updates=updates, batch_size=batch_size, seed=seed)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)  # it is in the record
        history = train(
            config, here.data, samples=here.samples, evaluate_every=config.steps, device=_device(), progress=False
        )
    found = {"distribution": distribution, "objective": objective, "number": number}
    found["settings"] = draw_settings(objective, number, seed=seed)
    found |= rounded_fields(here.score(history.samples[-1]))
    return found | {"diverged": history.diverged.tolist(), "seconds": round(time.perf_counter() - start, 2)}


def read_study(folder: str | Path) -> dict:
    """Read all tries that are in a folder, whoever made them.

    Parameters
    ----------
    folder : path
        As :func:`study` made it.

    Returns
    -------
    dict
        ``"common"``, the settings of the study; ``"tries"``, in a fixed order; ``"seconds"``, from a kind of data and
        an objective to the time that its tries took; ``"floor"``, from a kind of data to the scores of the data
        themselves.

    Raises
    ------
    ValueError
        If there is no study, or a file in it is damaged; the message says what to do.
    """
    folder = Path(folder)
    common = _read(folder / "study.json")
    found, seconds = [], {}
    for distribution, objective in product(ARENAS, GAMES):
        for path in sorted((folder / distribution).glob(f"{objective}-[0-9]*.json")):
            row = _checked(path, distribution, objective, common)
            spent = row.pop("seconds")
            seconds.setdefault(distribution, {}).setdefault(objective, 0.0)
            seconds[distribution][objective] = round(seconds[distribution][objective] + spent, 2)
            found.append(row)
    floor = {
        distribution: {name: values[0] for name, values in rounded_fields(arena(distribution).floor()).items()}
        for distribution in seconds
    }
    return {"common": common, "tries": found, "seconds": seconds, "floor": floor}


def scores(result: dict, distribution: str, objective: str, *, budget: int | None = None) -> Scores:
    """Return the scores of an objective on one kind of data, each of shape (tries, seeds), in the order of the tries.

    Parameters
    ----------
    result : dict
        From :func:`study`, :func:`read_study` or a record of them.
    distribution, objective : str
    budget : int, optional
        Keep only so many tries, the first ones.

    Raises
    ------
    ValueError
        If there are fewer tries than that.
    """
    rows = [row for row in result["tries"] if (row["distribution"], row["objective"]) == (distribution, objective)]
    rows = [row for row in rows if budget is None or row["number"] < budget]
    if not rows or (budget is not None and len(rows) < budget):
        raise ValueError(
            f"budget must be at most the number of tries of {objective!r} on {distribution!r}, not {budget}"
        )
    return Scores(*(torch.tensor([row[name] for row in rows], dtype=torch.float64) for name in Scores._fields))


def f1_score(found: Scores) -> torch.Tensor:
    r"""Return the harmonic mean of precision P and recall R, :math:`F_1 = \frac{2PR}{P+R}`; 0 where both are 0.

    Examples
    --------
    >>> f1_score(Scores(torch.tensor(0.5), torch.tensor(1.0), torch.tensor(0.0)))
    tensor(0.6667)
    """
    total = found.precision + found.recall
    return (2 * found.precision * found.recall / total.clamp_min(1e-300)).masked_fill(total == 0, 0.0)


def common_budget(result: dict) -> int:
    """Return how many tries every objective has made on every kind of data that the study has reached."""
    made = {(row["distribution"], row["objective"], row["number"]) for row in result["tries"]}
    games = {(distribution, objective) for distribution, objective, _ in made}
    numbers = range(len(made) + 1)
    return min((next(n for n in numbers if (*game, n) not in made) for game in games), default=0)


def summary(result: dict) -> str:
    """Return a table for a terminal: the best try of each objective by its first seed, with its other seeds."""
    budget = common_budget(result)
    lines = [f"{budget} tries each; best by the first seed (the same try with its other seeds)"]
    for distribution in result["seconds"]:
        lines.append(f"{distribution}: F1, distance to the data; the data themselves: {_floor(result, distribution)}")
        for objective in result["seconds"][distribution] if budget else ():
            found = scores(result, distribution, objective, budget=budget)
            both = [_chosen(values, largest) for values, largest in ((f1_score(found), True), (found.distance, False))]
            lines.append(f"  {objective:15s} " + "   ".join(both))
    return "\n".join(lines)


def created_equal(**settings) -> dict:
    """The study, in the folder runs/created-equal of the working directory: it continues what is there."""
    return study(Path("runs") / "created-equal", **settings)


# ---- Files --------------------------------------------------------------------------------------------------------


def _tries(budget, distributions, objectives):
    """All tries by name, the first ones of all objectives before the second ones."""
    for name, given, allowed in (("distributions", distributions, ARENAS), ("objectives", objectives, tuple(GAMES))):
        if isinstance(given, str) or not len(given):
            raise ValueError(f"{name} must be a sequence of some of {', '.join(allowed)}, not {given!r}")
        for one in given:
            _inputs.one_of(name, one, allowed)
    numbers = range(_inputs.count("budget", budget))
    return [
        (distribution, objective, number)
        for number, distribution, objective in product(numbers, distributions, objectives)
    ]


def _path(folder, distribution, objective, number):
    return folder / distribution / f"{objective}-{number:04d}.json"


def _begin(folder, common):
    """Write down what all tries have in common, or compare it with what is there."""
    space = {name: [choice.kind, *choice.values] for name, choice in SPACE.items()}
    common = {"format": FORMAT, **common, "space": space}
    path = folder / "study.json"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        write_atomically(path, json.dumps(common, indent=1) + "\n")  # of several processes, all write the same
    there = _read(path)
    for name in common:
        if there.get(name) != common[name]:
            raise ValueError(
                f"{name} must be {there.get(name)!r}, as in the study that is in {folder}, not {common[name]!r}: take "
                "another folder for another study"
            )


def _read(path):
    """Return the mapping that a small JSON file holds."""
    try:
        with open(path, "rb") as file:
            content = file.read(AT_MOST + 1)
        found = json.loads(content) if len(content) <= AT_MOST else None
    except FileNotFoundError:
        raise ValueError(f"folder must hold a study, and there is no {path}") from None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError(f"{path} is damaged or foreign: move it away, and its try is made anew")
    return found


def _checked(path, distribution, objective, common):
    """Return a try, if its file holds what its name says."""
    row, seeds = _read(path), common.get("seeds")
    whole = all(isinstance(row.get(name), list) and len(row[name]) == seeds for name in (*Scores._fields, "diverged"))
    plain = whole and all(_is_number(value) for name in Scores._fields for value in row[name])
    number = row.get("number")
    name = f"{objective}-{number:04d}.json" if isinstance(number, int) else None
    named = (row.get("distribution"), row.get("objective"), name) == (distribution, objective, path.name)
    if not (plain and named and _is_number(row.get("seconds"))):
        raise ValueError(f"{path} is damaged or foreign: move it away, and its try is made anew")
    return row


def _is_number(value):
    return isinstance(value, int | float) and math.isfinite(value)


# ---- Processes ----------------------------------------------------------------------------------------------------


def _place(rank, world_size):
    """Which process this is, and of how many."""
    given = {"rank": rank, "world_size": world_size}
    for name, otherwise in (("rank", 0), ("world_size", 1)):
        if given[name] is None:
            text = os.environ.get(name.upper(), str(otherwise))
            given[name] = int(text) if text.isdecimal() else text
        _inputs.count(name, given[name], least=otherwise)
    if given["rank"] >= given["world_size"]:
        raise ValueError(f"rank must be below world_size = {given['world_size']}, not {given['rank']}")
    return given["rank"], given["world_size"]


def _device():
    """The device of this process: under torchrun each has a GPU of its own, as long as there are enough."""
    device = choose_device()
    if device.type == "cuda" and device.index is None and os.environ.get("LOCAL_RANK", "").isdecimal():
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
    return device


# ---- Text ---------------------------------------------------------------------------------------------------------


def _floor(result, distribution):
    data = Scores(*(torch.tensor(result["floor"][distribution][name]) for name in Scores._fields))
    return f"{f1_score(data):.2f}, {data.distance:.2f}"


def _chosen(values, largest):
    """The best try by its first seed, and the mean of the same try with its other seeds."""
    best = values[:, 0].argmax() if largest else values[:, 0].argmin()
    others = f" ({values[best, 1:].mean():.2f})" if values.shape[1] > 1 else ""
    return f"{values[best, 0]:.2f}{others}"

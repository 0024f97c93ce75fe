"""``python -m gantut train``: train on named data, in a folder that shows how it goes, and can be resumed."""

import os
import re
import shlex
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import distributed
from tyro.conf import Positional

from gantut import checkpoints, training
from gantut.cli import _data, _pictures
from gantut.cli._arguments import read
from gantut.cli._dry import dry_run
from gantut.cli._lessons import OBJECTIVES
from gantut.cli._logs import HINT, Board, write_log
from gantut.cli._measures import Measures
from gantut.cli._processes import is_of_processes, own_device, place, process_group, told_to_stop
from gantut.cli._run import (
    NAME,
    Run,
    complete,
    merged,
    read_run,
    read_settings,
    require_same,
    with_preset,
    write_run,
)
from gantut.cli._saved import CHECKPOINTS, snapshot, steps_done

SAMPLES = "samples.png"
OURS = {NAME, "samples", "tensorboard"}  # what a run that was refused at once has left
HERE = ("data", "out", "resume", "start", "snapshot", "config", "device", "quiet", "dry_run")  # of this command alone
OF_DATA = ("folder", "size", "channels", "mirror", "fit", "links", "width", "networks", "generator_norm", "critic_norm",
           "augmentation")  # fmt: skip
TABLE = "\n".join(f"  {name:18}{what} (lesson {lesson})" for name, (what, lesson) in OBJECTIVES.items())
BEGUN = (CHECKPOINTS, "samples/*", f"members-*/{CHECKPOINTS}", "members-*/samples/*")  # what a new run would replace


@dataclass
class Train:
    """Train a generator and a critic on some data, in a folder that shows how it goes and from which to resume.

    Images take residual networks and the settings that go with them, --preset modern, unless a preset or an objective
    is named; with an objective, the networks of DCGAN. Distributions in the plane take small multilayer perceptrons.
    The folder contains

      samples.png, samples/   what the generator makes of the same noise, at every evaluation
      log.jsonl               losses, gradient norms, the KID and the share of copies, a line a step
      tensorboard/            the same as curves, after `python -m pip install tensorboard`
      checkpoints/            everything needed to resume with the very same numbers, and best/, as of the least KID
      config.json             what the run is; --config takes such a file, too

    Ctrl-C saves, and says how to resume. --dry-run looks at the data, makes a few steps, and says what to expect.

    data:
      creatures               293 monsters of 32 x 32 pixels, CC0, and their mirror images (the default)
      digits                  1797 handwritten digits of 8 x 8 pixels
      mnist, fashion-mnist    70,000 digits, or clothes; a folder with their files may follow, else they are downloaded
      ring, grid              8 blobs on a circle, 25 on a grid: distributions in the plane, whose modes can be counted
      PATH                    any folder, .zip or .tar of images (.png, .gif, .jpg, .webp, .bmp, .avif, and .heic
                              after `python -m pip install pillow-heif`)

    presets, for images (lesson 14):
      modern                  residual networks, non-saturating, R1, images moved, recoloured and partly hidden
      dcgan, wgan, wgan-gp    the networks of DCGAN, and the game of each paper

    objectives, and the lesson that explains each:
    {objectives}

    examples:
      python -m gantut train ring --objective wgan-gp --members 16 --constraint.weight 1
      python -m gantut train digits --size 16 --lr 1e-4 --optimizer.betas 0 0.9 --n-critic 2
      python -m gantut train ring --critic.hidden 256 256 --constraint.name none --instance-noise.scale 0.1

    on several GPUs or processors (each computes a share of every batch or, of a population, trains some members):
      torchrun --nproc-per-node 8 -m gantut train creatures --batch-size 256 --out runs/creatures --resume

    Attributes
    ----------
    data : tuple of str
        What to learn (default: creatures).
    out : path
        The folder of the run (default: runs/DATA-OBJECTIVE).
    resume : bool
        Resume the run in that folder, or start it if there is none.
    start : path
        Go on from a snapshot of the run in this folder, as a run of its own.
    snapshot : str
        Which one: best, by its KID; latest; or the steps after which it was saved (default: latest).
    preset : str
        Settings that go together: modern, dcgan, wgan or wgan-gp; flags take precedence.
    config : path
        Settings as JSON or TOML, such as the config.json of another run; flags take precedence.
    dry_run : bool
        Say what is in the data, what the networks are, and what time and memory to expect, and write nothing.
    augment : bool
        Show the critic images moved and recoloured at random (default: where there are few).
    device : str
        auto, cpu, cuda, cuda:1, ... (default: auto).
    quiet : bool
        Say nothing unless something is wrong.
    """

    data: Positional[tuple[str, ...]] = ()
    out: Path = None
    resume: bool = False
    start: Path = None
    snapshot: str = "latest"
    preset: str = None
    config: Path = None
    dry_run: bool = False
    augment: bool = None
    device: str = None
    quiet: bool = False


def run(words: Sequence[str]) -> int:
    """Train as the command line asks; return the exit status."""
    where = place()
    try:
        given = read(words, Train, Run, training.Config, objectives=TABLE)
        here = Train(**{name: given.pop(name) for name in HERE if name in given})
        device, quiet = own_device(here.device, where), here.quiet or not where.speaks
        resume = here.resume or where.restarts > 0
        folder, wanted, begun = _wanted(given, here, resume, where.world)
    except ValueError:
        if where.speaks:
            raise
        return 2  # process 0 says what is wrong, once
    say = (lambda line: None) if quiet else print
    if where.speaks:
        _require_free(folder, resume)
    notes = []
    if wanted.data not in _data.NAMES:
        say(f"Reading {wanted.data}")
    data = _data.load(wanted, note=notes.append, progress=False if quiet else None)
    _introduce(say, wanted, data, notes, device, where, folder)
    if here.dry_run:
        if where.speaks:
            dry_run(print, wanted, data, folder, device)
        return 0
    try:
        with told_to_stop(), process_group(where, device) if where.world > 1 else nullcontext():
            if where.speaks:
                _begin(folder, wanted, shlex.join(["python", "-m", "gantut", *words]), begun)
            if where.world > 1:
                distributed.barrier()
            return _trained(folder, wanted, data, resume or begun is not None, device, where, say, quiet)
    except KeyboardInterrupt:
        if where.speaks:
            done = f"{steps_done(folder, wanted)} of {wanted.config.steps} steps are saved"
            print(f"\nStopped; {done}. To resume:\n  {_again(folder)}", flush=True)
        return 130
    except RuntimeError as error:
        if not is_of_processes(error):
            raise
        reason = re.sub(r"^\[[^]]*\]\s*", "", str(error).splitlines()[0]).split(". ")[0]
        lost = f"process {where.rank}: another process is lost ({reason})"
        print(f"{lost}. To resume:\n  {_again(folder)}", flush=True)
        return 1
    except OSError as error:
        error.add_note(f"To resume once that is fixed: {_again(folder)}")
        raise


def _wanted(given, here, resume, processes):
    """Return the folder and the run that is asked for, and the snapshot that it begins with; nothing is written yet."""
    if len(here.data) > 2:
        raise ValueError(f"data must be a name or a path, and for MNIST a folder, not {len(here.data)} words")
    given |= dict(zip(("data", "folder"), here.data, strict=False))
    given = with_preset(given)
    given = _over({} if here.config is None else read_settings(here.config), given)
    given.pop("parts", None)  # of the run whose file this is
    folder = here.out
    if here.start is None and here.snapshot != Train.snapshot:
        raise ValueError("--snapshot goes with --start RUN, a run of its own from there; --resume takes the latest")
    if here.start is not None:
        begun = snapshot(here.start, here.snapshot)
        folder = folder or here.start.with_name(f"{here.start.name}-from-{begun.step}")
        if not (resume and (folder / NAME).exists()):
            return folder, _continued(given, here.start, begun.step), begun
    if folder is None:
        wanted = complete(given)
        data = wanted.data if wanted.data in _data.NAMES else Path(wanted.data).stem
        folder = Path("runs") / f"{data}-{wanted.config.game.name}"
    if not (resume and (folder / NAME).exists()):
        return folder, complete(given, processes=processes), None
    return folder, _continued(given, folder), None


def _continued(given, folder, done=None):
    """Return the run that goes on with another's settings, after so many steps of it or after all that it has saved."""
    saved = read_run(folder)
    wanted = complete(_over(saved.as_dict(), given))
    require_same(saved, wanted, folder)
    done = steps_done(folder, saved) if done is None else done
    if wanted.config.steps < done:
        raise ValueError(f"steps must be at least {done}, which {folder} has done")
    return wanted


def _over(settings, given):
    """Return settings with those that are given over them; what is of the data goes with the data."""
    others = OF_DATA if given.get("data", settings.get("data")) != settings.get("data") else ()
    return merged({name: value for name, value in settings.items() if name not in others}, given)


def _require_free(folder, resume):
    """Leave a folder alone that has anything else in it than the run that is to go on."""
    if not resume and any(any(folder.glob(pattern)) for pattern in BEGUN):
        raise ValueError(f"{folder} already holds a run: --resume continues it; for a new one, give another --out")
    ours = (folder / NAME).exists() or not folder.exists()
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file, and no folder: give another --out")
    if not ours and {path.name for path in folder.iterdir()} - OURS:
        raise ValueError(f"{folder} is not empty: give another --out")


def _begin(folder, wanted, command, begun=None):
    """Make the folder, and write down what is to happen in it."""
    if begun:
        checkpoints.save(folder / CHECKPOINTS, begun.step, begun.weights, begun.state, begun.config)
    write_run(folder, wanted, command)
    for part, below in wanted.divided(folder) if wanted.parts > 1 else ():
        write_run(below, part, command)


def _trained(folder, wanted, data, resume, device, where, say, quiet):
    start = time.perf_counter()
    shared = where.world > 1 and wanted.parts == 1  # each process has a share of every batch, and not of the members
    for part, below in wanted.divided(folder)[0 if shared else where.rank :: 1 if shared else where.world]:
        watch = Watch(below, part, data, say) if where.speaks or not shared else None
        generator, critic = part.build(device)
        measures = Measures(part, data, device, say)
        history = training.train(
            part.config, data, generator=generator, critic=critic, samples=part.samples, resume=resume, device=device,
            record_every=part.record_every, evaluate_every=part.evaluate_every, checkpoints=below / CHECKPOINTS,
            checkpoint_every=part.checkpoint_every, amp=part.amp, watch=watch, progress=False if quiet else None,
            data_parallel=shared, metrics=measures.functions, metric_samples=part.measure or None, best=measures.best,
        )  # fmt: skip
        if (history.diverged >= 0).all():
            last = int(history.diverged.max())
            say(f"All members have diverged, by step {last}: python -m gantut doctor says what went wrong")
        if line := measures.summary(history, time.perf_counter() - start):
            say(line)
        say(f"Done in {time.perf_counter() - start:.0f} s. The samples are in {below / SAMPLES}")
        say(f"Next: python -m gantut sample {shlex.quote(str(below))}, or with --film; or doctor, or export")
    return 0


class Watch:
    """Is shown a run at every evaluation, and writes what is to be seen: samples, losses, TensorBoard logs.

    Parameters
    ----------
    folder : path
    run : Run
    data : Distribution or tensor
        Real points stand behind generated ones in the plane.
    say : function of a line of text
    """

    def __init__(self, folder: Path, run: Run, data, say: Callable[[str], None]):
        self.folder = folder
        self.real = data.sample(1000, generator=torch.Generator().manual_seed(0)) if run.is_distribution else None
        self.board = Board(folder, steps_done(folder, run))
        if self.board.writer is None:
            say(HINT)

    def __call__(self, history: training.History) -> None:
        """Write samples of the first member, and the losses of all."""
        step, samples = int(history.evaluated[-1]), history.samples[-1, 0]
        picture = _pictures.sheet(samples) if self.real is None else _pictures.cloud(samples, self.real, step)
        _pictures.write_png(self.folder / "samples" / f"step-{step:08d}.png", picture)
        _pictures.write_png(self.folder / SAMPLES, picture)
        write_log(self.folder, history)
        self.board.write(history, _pictures.on_white(picture))


def _introduce(say, wanted, data, notes, device, where, folder):
    game, processes = wanted.config, "" if where.world == 1 else f", {where.world} processes"
    mirrored = " with their mirror images" if wanted.mirror else ""
    count = "" if wanted.is_distribution else f", {len(data)} images{mirrored}"
    members = "" if game.members == 1 else f", {game.members} members"
    say("\n".join([f"Data: {wanted}{count}", *notes]))
    say(f"Game: {game.game.name} (lesson {OBJECTIVES[game.game.name][1]}), {game.steps} steps")
    say(f"Run:  {folder}, batches of {game.batch_size} on {device}{members}{processes}")


def _again(folder):
    """Return the command that goes on with a run."""
    words = ["python", "-m", "gantut"]
    if "TORCHELASTIC_RUN_ID" in os.environ:
        local, nodes = os.environ.get("LOCAL_WORLD_SIZE", "1"), int(os.environ.get("GROUP_WORLD_SIZE", "1"))
        words = ["torchrun", *(["--nnodes", str(nodes), "..."] if nodes > 1 else [])]
        words += ["--nproc-per-node", local, "-m", "gantut"]
    return shlex.join([*words, "train", "--out", str(folder), "--resume"])

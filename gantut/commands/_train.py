"""``python -m gantut train``: play a game on named data, in a folder that shows it, and from which it can go on."""

import argparse
import os
import re
import shlex
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import distributed

from gantut import checkpoints, training
from gantut.commands import _grids, _sources
from gantut.commands._lessons import OBJECTIVES
from gantut.commands._logs import Board, recorded, write_log
from gantut.commands._plan import NAME, Plan, read_plan, write_plan
from gantut.commands._processes import is_of_processes, own_device, place, process_group, told_to_stop
from gantut.commands._runs import load_run, part_folder, steps_done
from gantut.commands._settings import difference, make_plan

SAMPLES = "samples.png"
NETWORKS = "networks.safetensors"
OURS = {NAME, "samples", "tensorboard"}  # what a run that was refused at once has left


def run(arguments: argparse.Namespace) -> int:
    """Train as the command line asks; return the exit status."""
    where = place()
    try:
        device = own_device(arguments.device, where)
        folder, plan, resumed = _planned(arguments, where)
    except ValueError:
        if where.speaks:
            raise
        return 2  # process 0 says what is wrong, once
    command = shlex.join(["python", "-m", "gantut", *arguments.words])
    with told_to_stop():
        try:
            if where.world == 1:
                _begin(folder, plan, resumed, command)
                return _trained(arguments, where, device, folder, plan, resumed)
            with process_group(where, device):
                if where.speaks:
                    _begin(folder, plan, resumed, command)
                distributed.barrier()
                return _trained(arguments, where, device, folder, plan, resumed)
        except KeyboardInterrupt:
            if where.speaks:
                _say_how_to_go_on(folder, plan)
            return 130
        except RuntimeError as error:
            if not is_of_processes(error):
                raise
            return _lost(folder, where, error)
        except OSError as error:
            error.add_note(f"To go on once that is mended: {_again(folder)}")
            raise


def _planned(arguments, where):
    """Return the folder, the run, and whether it goes on; nothing is written yet."""
    folder = None if arguments.out is None else Path(arguments.out)
    goes_on = arguments.resume or where.restarts > 0
    saved = None
    if folder is None:
        plan = make_plan(arguments, None, where.world)
        what = Path(plan.data.folder).stem if plan.data.name == "pictures" else plan.data.name
        folder = Path("runs") / f"{what}-{plan.training.game.name}"
    if goes_on and (folder / NAME).exists():
        saved = read_plan(folder)
    plan = make_plan(arguments, saved, where.world)
    if saved:
        _require_same(folder, saved, plan)
    return folder, plan, goes_on


def _require_same(folder, saved, plan):
    other = difference(saved, plan)
    if other:
        raise ValueError(f"{folder} holds a run with {other}: leave that out to go on with it, or name another --out")
    if plan.training.steps < steps_done(folder, plan):
        raise ValueError(f"steps must be at least {steps_done(folder, plan)}, which {folder} has done")


def _begin(folder, plan, resumed, command):
    """Make the folder, and write down what is to happen in it; a folder with anything else in it is left alone."""
    if not resumed and _has_begun(folder):
        raise ValueError(f"{folder} holds a run already: --resume goes on with it; for a new one, name another --out")
    ours = (folder / NAME).exists() or not folder.exists()
    if not ours and (not folder.is_dir() or {path.name for path in folder.iterdir()} - OURS):
        raise ValueError(f"{folder} is not empty: name another --out")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "samples").mkdir(exist_ok=True)
    write_plan(folder, plan, command)


def _has_begun(folder):
    """Whether a run has left anything that a new one would replace; one that was refused at once has not."""
    shown = (folder / "samples").is_dir() and any((folder / "samples").iterdir())
    return shown or (folder / "checkpoints").exists()


def _trained(arguments, where, device, folder, plan, resumed):
    say = print if where.speaks and not arguments.quiet else lambda *words, **options: None
    data = _sources.load(plan.data, note=say)
    shared = where.world > 1 and len(plan.parts) == 1  # each process has a share of every batch, and not of the members
    own = plan.parts if shared else plan.parts[where.rank :: where.world]
    _introduce(say, plan, data, device, where, folder)
    start = time.perf_counter()
    for part in own:
        shows = part[0] == 0 and (where.speaks or not shared)
        watch = Watch(folder, plan, data, say) if shows else None
        try:
            history = _play(arguments, plan, part, data, device, folder, resumed, shared, watch)
        finally:
            if watch:
                watch.board.close()
    if len(plan.parts) > 1 and _all_ended(folder, plan):
        _merge(folder)
    if own and (history.diverged >= 0).all():
        say(f"All members have diverged, by step {int(history.diverged.max())}: python -m gantut doctor says more")
    say(f"Done in {time.perf_counter() - start:.0f} s. The samples are in {folder / SAMPLES}")
    say(f"Next: python -m gantut sample {shlex.quote(str(folder))}, or doctor in place of sample")
    return 0


def _play(arguments, plan, part, data, device, folder, resumed, shared, watch):
    """Train one part of the members, all of them in most runs."""
    config = plan.part(*part)
    generator, critic = plan.build(config, device)
    looks = plan.looks
    return training.train(
        config,
        data,
        generator=generator,
        critic=critic,
        samples=looks.samples,
        record_every=looks.record_every,
        evaluate_every=looks.every,
        checkpoints=part_folder(folder, plan, *part),
        checkpoint_every=looks.checkpoint_every,
        resume=resumed,
        device=device,
        progress=None if watch and not arguments.quiet else False,
        amp=plan.amp,
        watch=watch,
        data_parallel=shared,
    )


class Watch:
    """Is shown a run at every look, and writes what is to be seen: samples, losses, TensorBoard logs.

    Parameters
    ----------
    folder : path
    plan : Plan
    data : Distribution or tensor
        Real points stand behind generated ones in the plane.
    say : function of a line of text
    """

    def __init__(self, folder: Path, plan: Plan, data, say: Callable[[str], None]):
        self.folder, self.plan = folder, plan
        self.real = data.sample(1000, generator=torch.Generator().manual_seed(0)) if plan.data.is_distribution else None
        self.board = Board(folder, steps_done(folder, plan))
        if self.board.hint:
            say(self.board.hint)

    def __call__(self, history: training.History) -> None:
        """Write samples of the first member, and the losses of all."""
        step, samples = int(history.evaluated[-1]), history.samples[-1, 0]
        picture = _grids.sheet(samples) if self.real is None else _grids.cloud(samples, self.real, f"{step} steps")
        _grids.write_png(self.folder / "samples" / f"step-{step:08d}.png", picture)
        _grids.write_png(self.folder / SAMPLES, picture)
        write_log(self.folder, history.steps, recorded(history))
        self.board.write(history, picture)


def _introduce(say, plan, data, device, where, folder):
    game, processes = plan.training, "" if where.world == 1 else f", {where.world} processes"
    count = (
        ""
        if plan.data.is_distribution
        else f", {len(data)} pictures{' with their mirror images' if plan.data.mirrored else ''}"
    )
    say(f"Data: {plan.data}{count}")
    _, lesson = OBJECTIVES.get(game.game.name, ("", 2))
    say(f"Game: {game.game.name} (lesson {lesson}), {game.steps} steps")
    members = "" if game.members == 1 else f", {game.members} members"
    say(f"Run:  {folder}, batches of {game.batch} on {device}{members}{processes}")


def _all_ended(folder, plan):
    """Whether all parts of a population have come to their end, or have no member left that is in play."""
    if steps_done(folder, plan) >= plan.training.steps:
        return True
    folders = [part_folder(folder, plan, *part) for part in plan.parts]
    if not all(map(checkpoints.saved_steps, folders)):
        return False
    latest = map(checkpoints.load_latest, folders)
    return all(one.step >= plan.training.steps or bool((one.state["diverged"] >= 0).all()) for one in latest)


def _merge(folder):
    """Write the losses and networks of all members together, whoever of the processes comes last."""
    saved = load_run(folder, average=False)
    write_log(folder, saved.steps, saved.losses)
    weights = torch.nn.ModuleDict({"generator": saved.generator, "critic": saved.critic})
    checkpoints.save_weights(folder / NETWORKS, weights, overwrite=True)


def _again(folder):
    """Return the command that goes on with a run."""
    words = ["python", "-m", "gantut"]
    if "TORCHELASTIC_RUN_ID" in os.environ:
        local, nodes = os.environ.get("LOCAL_WORLD_SIZE", "1"), int(os.environ.get("GROUP_WORLD_SIZE", "1"))
        words = ["torchrun", *(["--nnodes", str(nodes), "..."] if nodes > 1 else [])]
        words += ["--nproc-per-node", local, "-m", "gantut"]
    return shlex.join([*words, "train", "--out", str(folder), "--resume"])


def _say_how_to_go_on(folder, plan):
    done = steps_done(folder, plan)
    print(f"\nStopped; {done} of {plan.training.steps} steps are saved. To go on:\n  {_again(folder)}", flush=True)


def _lost(folder, where, error):
    """Say that another process is gone, as far as this one can tell."""
    reason = re.sub(r"^\[[^]]*\]\s*", "", str(error).splitlines()[0]).split(". ")[0]
    print(f"process {where.rank}: another process is lost ({reason}). To go on:\n  {_again(folder)}", flush=True)
    return 1

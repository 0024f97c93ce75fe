"""The command line, and the help that explains it."""

import argparse

from gantut import __version__
from gantut.commands import _doctor, _sample, _study, _train
from gantut.commands._lessons import OBJECTIVES
from gantut.commands._sources import NAMES
from gantut.device import SCALES
from gantut.lessons.created_equal import ARENAS
from gantut.lessons.toy_gans import GAMES
from gantut.networks import NORMS

DESCRIPTION = """\
Train a GAN or a Wasserstein GAN, look at what it makes, and find out what is wrong with it.

  python -m gantut train                      a DCGAN on 293 small monsters that come with gantut
  python -m gantut train ring --objective wgan-gp
                                              eight blobs in the plane, in seconds: the field of lessons 5 to 11
  python -m gantut train ~/sprites.zip --size 64 --objective wgan-gp --out runs/mine
  python -m gantut sample runs/mine --between 5
  python -m gantut doctor runs/mine
  python -m gantut study --budget 20          every objective under the same budget: lesson 13

Each command has a --help of its own. Exit status: 0 all is well; 1 the doctor has found something, or a process of the
run was lost; 2 something is wrong with what was asked for, or with a file; 130 stopped with Ctrl-C.
"""

TRAIN = """\
Play a game between a generator and a critic on some data, in a folder that shows it, and from which it can go on.

Pictures are learnt by the convolutional networks of DCGAN, distributions of the plane by small perceptrons. The folder
has

  samples.png, samples/   what the generator makes of the same noise, at every look
  log.jsonl               losses and norms of gradients, a line a record (and tensorboard/, where that is installed)
  checkpoints/            all that it takes to go on with the very same numbers
  config.json             what the run is; --config takes such a file, too

Ctrl-C saves, and says how to go on.
"""

EPILOG = """\
objectives, and the lesson that explains each:
{objectives}

data:
  creatures                 293 monsters of 32 x 32 pixels, CC0, and their mirror images
  digits                    1797 handwritten digits of 8 x 8 pixels
  mnist, fashion-mnist      70,000 digits, or clothes; a folder with their files may follow, else they are downloaded
  ring, grid                8 blobs on a circle, 25 on a grid: distributions of the plane, whose modes can be counted
  PATH                      any folder, .zip or .tar of pictures (.png, .gif, .jpg, .webp, .bmp)

any setting of gantut.training.Config:
  --set batch=128 --set constraint.weight=1 --set critic.hidden=[256,256] --set optimizer.rate=1e-4

on several GPUs or processors, the same command under torchrun (a population is shared out; of a single model, every
process computes a share of each batch):
  torchrun --nproc-per-node 8 -m gantut train creatures --batch 256 --out runs/creatures --resume
"""

SAMPLE = """\
Draw what the generator of a run makes: a grid of pictures, or a cloud of points beside the data.

--between N shows the way between samples: N rows from one to another in a .png, or in a .gif one way through N samples
and back. The way follows the sphere on which Gaussian noise lies (lesson 12), or is straight with --way linear.
"""

DOCTOR = """\
Examine a run: is the discriminator too sure, do gradients vanish or explode, how steep is the critic, is its constraint
at work, which modes are missing, are samples all alike or copies? Says what was measured, what is wrong, and which
lesson explains it. The exit status is 0 where nothing is wrong, and 1 where something is.
"""

STUDY = """\
Give every objective the same number of random settings on the same data, and compare the best of them (lesson 13).
Each try is a small file: what is stopped goes on, and processes (torchrun) share the work.
"""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of ``python -m gantut``."""
    parser = _parser_of(argparse.ArgumentParser, prog="python -m gantut", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"gantut {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_train(commands)
    _add_sample(commands)
    _add_doctor(commands)
    _add_study(commands)
    return parser


def _parser_of(make, *words, **options):
    return make(*words, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)


def _add_train(commands):
    width = max(map(len, OBJECTIVES)) + 2
    table = "\n".join(f"  {name:{width}}{what} (lesson {lesson})" for name, (what, lesson) in OBJECTIVES.items())
    train = _parser_of(
        commands.add_parser, "train", help="train on named data or on pictures of yours", description=TRAIN,
        epilog=EPILOG.format(objectives=table),
    )  # fmt: skip
    train.set_defaults(command=_train.run)
    what = train.add_argument_group("what is played")
    what.add_argument("data", nargs="*", metavar="DATA", help=f"{', '.join(NAMES)}, or a path (default: creatures)")
    what.add_argument("--objective", metavar="NAME", help=", ".join(OBJECTIVES))
    what.add_argument("--steps", type=int, metavar="N", help="steps of the generator")
    what.add_argument(
        "--batch", type=int, metavar="N", help="samples of each distribution a step; of all processes together"
    )
    what.add_argument("--seed", type=int, metavar="N", help="of all random numbers (default: 0)")
    what.add_argument("--members", type=int, metavar="N", help="independent runs, trained together (default: 1)")
    what.add_argument("--ema", type=float, metavar="D", help="decay of an average of the generator's weights; 0: none")
    what.add_argument("--width", type=int, metavar="N", help="of the networks: more learns more, and takes longer")
    what.add_argument("--critic-norm", choices=NORMS, help="normalisation in a critic of pictures")
    what.add_argument("--size", type=int, metavar="N", help="pixels a side: 32 or 64 (digits: from 8 on)")
    what.add_argument("--channels", type=int, metavar="N", help="3 for pictures on white, 4 with their transparency")
    mirror = what.add_mutually_exclusive_group()
    mirror.add_argument("--mirror", dest="mirrored", action="store_const", const=True, help="learn mirror images, too")
    mirror.add_argument("--no-mirror", dest="mirrored", action="store_const", const=False, help="do not")
    shown = "show the critic pictures moved and recoloured at random (default: where there are few)"
    what.add_argument("--augment", action=argparse.BooleanOptionalAction, help=shown)
    what.add_argument("--config", metavar="FILE", help="settings as JSON, such as the config.json of another run")
    what.add_argument("--set", action="append", metavar="KEY=VALUE", help="any setting of the game; may be repeated")
    how = train.add_argument_group("where and how")
    how.add_argument("--out", metavar="FOLDER", help="of the run (default: runs/DATA-OBJECTIVE)")
    how.add_argument(
        "--resume", action="store_true", help="go on with the run in that folder; begin it if there is none"
    )
    _add_device(how)
    how.add_argument("--amp", action=argparse.BooleanOptionalAction, help="convolutions in bfloat16: faster on GPUs")
    how.add_argument("--grid-every", type=int, metavar="N", help="steps from look to look (default: 20 looks)")
    how.add_argument(
        "--checkpoint-every", type=int, metavar="N", help="steps between checkpoints (default: every look)"
    )
    how.add_argument("--samples", type=int, metavar="N", help="how many samples a look shows")
    how.add_argument("--quiet", action="store_true", help="say nothing unless something is wrong")


def _add_sample(commands):
    sample = _parser_of(commands.add_parser, "sample", help="draw what a run's generator makes", description=SAMPLE)
    sample.set_defaults(command=_sample.run)
    sample.add_argument("run", metavar="RUN", help="the folder of a run")
    sample.add_argument("--out", metavar="FILE", help="a .png, or with --between a .gif (default: in the run's folder)")
    sample.add_argument("--count", type=int, metavar="N", help="how many samples; with --between, how many on each way")
    sample.add_argument("--between", type=int, metavar="N", help="show N ways between samples")
    sample.add_argument("--way", choices=_sample.WAYS, default="spherical", help="what way (default: spherical)")
    sample.add_argument("--seed", type=int, default=0, metavar="N", help="of the noise (default: 0)")
    sample.add_argument("--member", type=int, default=0, metavar="N", help="of a population (default: 0)")
    sample.add_argument(
        "--weights", choices=("average", "last"), help="(default: the average, where the run keeps one)"
    )
    _add_device(sample)


def _add_doctor(commands):
    doctor = _parser_of(commands.add_parser, "doctor", help="find out what is wrong with a run", description=DOCTOR)
    doctor.set_defaults(command=_doctor.run)
    doctor.add_argument("run", metavar="RUN", help="the folder of a run")
    doctor.add_argument("--json", action="store_true", help="print what was found as JSON")
    _add_device(doctor)


def _add_study(commands):
    study = _parser_of(commands.add_parser, "study", help="compare objectives under one budget", description=STUDY)
    study.set_defaults(command=_study.run)
    study.add_argument("--out", metavar="FOLDER", default="study", help="where the tries are (default: study)")
    study.add_argument("--budget", type=int, metavar="N", help="tries of each objective on each kind of data")
    study.add_argument("--seeds", type=int, metavar="N", help="runs a try (default: 3)")
    study.add_argument("--distributions", nargs="+", choices=tuple(ARENAS), metavar="NAME", help=", ".join(ARENAS))
    study.add_argument("--objectives", nargs="+", choices=tuple(GAMES), metavar="NAME", help=", ".join(GAMES))
    study.add_argument("--scale", choices=SCALES, help="fast, or full: the sizes of the papers")
    study.add_argument("--updates", type=int, metavar="N", help="gradient steps of a run, of both players together")
    study.add_argument("--seed", type=int, metavar="N", help="of the settings and of the runs (default: 0)")
    study.add_argument("--seconds", type=float, metavar="S", help="begin no further try after so long")
    study.add_argument("--quiet", action="store_true", help="show no progress")


def _add_device(parser):
    parser.add_argument("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1, ... (default: auto)")

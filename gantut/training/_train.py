"""Train: check what is given, assemble a run of it, and let it go."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import torch
from torch import nn

from gantut import _inputs
from gantut.device import choose_device
from gantut.training._checkpoint import Saver
from gantut.training._config import Config
from gantut.training._data import TensorData, as_data
from gantut.training._groups import shard_members
from gantut.training._history import History
from gantut.training._networks import require_networks
from gantut.training._parallel import DataParallel
from gantut.training._precision import require_amp
from gantut.training._run import Run
from gantut.training._schedule import EvalSchedule
from gantut.training._streams import noise_stream
from gantut.training._tricks import checked_labelled, require_layers, set_references


def train(
    config: Config | dict,
    data,
    *,
    generator: nn.Module | None = None,
    critic: nn.Module | None = None,
    labelled: tuple[torch.Tensor, torch.Tensor] | None = None,
    metrics: Mapping[str, Callable] | None = None,
    samples: int = 512,
    record_every: int | None = None,
    evaluate_every: int | None = None,
    checkpoints: str | Path | None = None,
    checkpoint_every: int | None = None,
    resume: bool = False,
    device: str | torch.device | None = None,
    progress: bool | None = None,
    cuda_graph: bool | None = None,
    amp: bool = False,
    watch: Callable[[History], object] | None = None,
    data_parallel: bool = False,
) -> History:
    """Play the game of `config` on `data`, with all members of the population at once.

    Each round takes `n_critic` steps of the critic on fresh batches, and then one step of the generator.

    Parameters
    ----------
    config : Config or dict
        The game. A dict of settings stands for the Config made of them.
    data : Distribution or tensor, shape (n, *event)
        The real samples: a distribution to draw from afresh, or a data set, which each member shuffles anew every
        epoch.
    generator, critic : Module, optional
        Networks of your own, trained in place: from (members, batch, latent_dim) to (members, batch, *event), and from
        there to (members, batch, 1). Members must not see each other: where there are several, each parameter has a
        leading members axis. By default multilayer perceptrons of the architectures in `config`. For feature matching
        a critic has a method ``features(x)``, which returns what the critic does and its features (members, batch,
        features); for other layers than the last, ``features(x, layers)``, which returns a tuple of those layers.
    labelled : (tensor, tensor), optional
        Samples (n, *event) whose classes are known, and these, whole numbers from 0 to K - 1, shape (n,); or both with
        a leading axis, each member its own. The critic then has K outputs, one a class, and its score is the logarithm
        of the sum of their exponentials (see `gantut.objectives.class_score`); every step of the critic also learns
        from a batch of them. Only where the critic classifies, without a gradient penalty and without unrolling.
    metrics : mapping, optional
        From a name to a function of samples (members, n, *event), on the training device, that returns one number a
        member.
    samples : int
        How many samples a member are generated, always from the same noise and in evaluation mode, at each evaluation.
    record_every, evaluate_every : int, optional
        How often to record losses, and to evaluate, in generator steps; by default about 200 and 20 times a run.
    checkpoints : path, optional
        A folder in which to save the run as it goes: at every `checkpoint_every` steps (by default, at every
        evaluation), at the end, and when it is interrupted with Ctrl-C (then as it was at most 50 steps before).
    resume : bool
        Go on from the last good checkpoint in that folder, if there is one; bit for bit as if it had never stopped.
        Only `steps` may be another than before: more of them extend the run.
    device : str or device, optional
        As `gantut.device.choose_device`.
    progress : bool, optional
        Show a progress bar; by default only on a terminal.
    cuda_graph : bool, optional
        On CUDA, record a round once and replay it, which spares launching its many small kernels one by one. By default
        so where it can be: not under unrolling or a spectral norm, which wait for the device. A recording that does not
        repeat the round that it was made from is not used, and a warning says so.
    amp : bool
        Compute the convolutions of networks of your own in bfloat16, where the device is faster so; a gradient penalty,
        losses, parameters and evaluations stay in single precision. Not for multilayer perceptrons.
    watch : function, optional
        Is called after every evaluation with the history so far, when what was to be saved then is saved.
    data_parallel : bool
        Compute a share of every batch on each process of the default process group of `torch.distributed`, which is to
        be there already: see ``gantut/training/_parallel.py``. All processes call this with the same arguments; the
        first alone saves, so that `checkpoints` is a folder that all of them can read. Losses must be means over
        a batch, or functions of features. Not with unrolled steps, labelled samples, penalties around the data, or
        networks whose samples see each other otherwise than by the batch normalisation of a DCGAN.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If a setting is not allowed, or data, networks and settings do not go together.
    OutOfMemory
        If the device's memory is too small.
    """
    config = config if isinstance(config, Config) else Config.from_dict(config)
    device = choose_device(None if device is None else str(device))
    data, metrics = as_data(data, config), _checked_metrics(metrics)
    labelled = checked_labelled(labelled, config, data.event, device)
    parallel = DataParallel(config, labelled) if data_parallel else None
    schedule = EvalSchedule(config.steps, samples, tuple(sorted(metrics)), record_every, evaluate_every)
    saver = _saver(checkpoints, checkpoint_every, resume, data, parallel)

    classes = 1 if labelled is None else int(labelled[1].max()) + 1
    networks = _networks(config, data, generator, critic, classes, device)
    require_amp(amp, device, networks.generator, networks.critic)
    groups = shard_members(
        config, data, networks, device=device, labelled=labelled, parallel=parallel, amp=amp,
        graph=_captured(cuda_graph, config, device, parallel),
        workers=torch.get_num_threads() if device.type == "cpu" and not parallel else 1,  # processes keep one order
    )  # fmt: skip
    noise = noise_stream(config.noise, (samples, config.latent_dim), config.seeds("evaluation"), device).next()
    run = Run(
        config, networks, groups, noise, schedule, metrics, cache(lambda: _fingerprint(data, labelled)), saver, watch,
        parallel,
    )  # fmt: skip

    if resume:
        run.resume()
    return run.go(progress)


def _networks(config, data, generator, critic, classes, device):
    """Return the two networks, on the device: those that are not given are multilayer perceptrons."""
    width, *rest = data.event
    made = []
    for name, network, inputs, outputs in (
        ("generator", generator, config.latent_dim, width),
        ("critic", critic, width, classes),
    ):
        if network is None and rest:
            raise ValueError(f"{name} must be given for data of shape {data.event}: only vectors have one")
        made.append((config.build(name, inputs, outputs, device) if network is None else network).to(device))
    require_layers(config, *made)
    set_references(config, data, *made, device)
    return require_networks(*made, config, data.event, classes, device)


def _saver(folder, every, resume, data, parallel):
    """Return what saves the run, where it is to be saved."""
    if every is not None:
        _inputs.count("checkpoint_every", every)
    if folder is None:
        if resume or every:
            raise ValueError("checkpoints must name a folder where resume or checkpoint_every is given, not be None")
        return None
    saver = Saver(folder, every, writes=parallel is None or parallel.rank == 0)
    if not resume:
        saver.begin()
    elif not data.resumable:
        raise ValueError(
            "resume must be False with a DataLoader, whose place in an epoch cannot be saved: pass its data set, "
            "data=loader.dataset"
        )
    return saver


def _captured(wanted, config, device, parallel):
    """Whether steps are captured as a CUDA graph: where this is possible, unless it is not wanted."""
    _inputs.one_of("cuda_graph", wanted, (None, True, False))
    waits = config.unrolled > 0 or (config.constraint is not None and config.constraint.waits_for_device)
    possible = device.type == "cuda" and not waits and not parallel
    if wanted and not possible:
        why = "unrolling and spectral norms wait for the device" if waits else f"the device is {device}"
        why = "processes that share a batch wait for each other" if parallel else why
        raise ValueError(f"cuda_graph must be False or None here, not True: {why}")
    return possible and wanted is not False


def _fingerprint(data, labelled):
    parts = [] if labelled is None else [TensorData(part).fingerprint() for part in labelled]
    return data.fingerprint() | ({"labelled": parts} if parts else {})


def _checked_metrics(metrics):
    metrics = {} if metrics is None else metrics
    if not isinstance(metrics, Mapping) or not all(callable(metric) for metric in metrics.values()):
        raise ValueError(f"metrics must be functions by name, not {metrics!r}")
    return dict(metrics)

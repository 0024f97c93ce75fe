"""Train: check what is given, assemble a run of it, and let it go."""

import warnings
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import torch
from torch import nn

from gantut import _inputs
from gantut.device import choose_device
from gantut.training._checkpoint import Saver
from gantut.training._config import Config
from gantut.training._data import as_data, digest
from gantut.training._groups import shard_members
from gantut.training._history import History
from gantut.training._networks import require_networks
from gantut.training._parallel import DataParallel
from gantut.training._precision import use_amp
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
    metric_samples: int | None = None,
    record_every: int | None = None,
    evaluate_every: int | None = None,
    checkpoints: str | Path | None = None,
    checkpoint_every: int | None = None,
    best: str | None = None,
    resume: bool = False,
    device: str | torch.device | None = None,
    progress: bool | None = None,
    cuda_graph: bool | None = None,
    amp: bool | None = False,
    watch: Callable[[History], object] | None = None,
    data_parallel: bool = False,
) -> History:
    r"""Train the networks of `config` on `data`, all members of the population at once.

    Each step (iteration) takes `n_critic` steps of the critic, on fresh batches, and then one step of the generator.

    Parameters
    ----------
    config : Config or dict
        Everything that two runs can differ in, but for networks and data; a dict of settings stands for the Config made
        of them.
    data : tensor, array, Dataset, DataLoader or distribution
        The real samples:

        - a floating point tensor or array, shape (n, \*event), which each member shuffles anew every epoch;
        - a map-style `torch.utils.data.Dataset` of samples, or of tuples that begin with one, such as (image, label);
        - a `DataLoader`, which does its own shuffling, for a single member; its batches are cut to `batch_size`;
        - a distribution of `torch.distributions` or of `gantut.data`, from which each member draws afresh.
    generator, critic : Module, optional
        Networks of your own, trained in place. By default multilayer perceptrons of the architectures in `config`,
        where samples are vectors.

        A plain module serves where `members` is 1: the generator turns noise (batch, latent_dim) into samples
        (batch, \*event), the critic turns samples into scores (batch,) or (batch, 1). These are logits: without a
        sigmoid at the end. In a population every shape has a leading members axis, each parameter too, and members must
        not see each other.

        For feature matching the critic has a method ``features(x)``, which returns its scores and its features (batch,
        features); for other layers than the last, ``features(x, layers)``, which returns the scores and a tuple.
    labelled : (tensor, tensor), optional
        Samples (n, \*event) whose classes are known, and these classes, whole numbers from 0 to K - 1, shape (n,); or
        both with a leading axis, each member its own. The critic then has K outputs, one for each class, and its score
        is the logarithm of the sum of their exponentials (see `gantut.objectives.class_score`); every step of the
        critic also learns from a batch of them. Only where the critic classifies, without a gradient penalty and
        without unrolling.
    metrics : mapping, optional
        From a name to a function of generated samples (members, n, \*event), on the training device, that returns one
        number for each member.
    samples : int
        How many samples of each member are generated at an evaluation: always from the same noise, in evaluation mode.
    metric_samples : int, optional
        How many samples metrics are given, where these are to be more than those that are kept.
    record_every, evaluate_every : int, optional
        How often to record losses, and to evaluate, in steps; by default about 200 and 20 times in a run.
    checkpoints : path, optional
        A folder in which to save the run as it goes: every `checkpoint_every` steps (by default, at every evaluation),
        at the end, and when it is interrupted with Ctrl-C (then as it was at most 50 steps before).
    checkpoint_every : int, optional
        How often to save, in steps.
    best : str, optional
        The name of a metric. Whenever it is less than at all evaluations before, in the median over the members, the
        run is saved in the folder ``best`` of `checkpoints`, too, in place of what was best before.
    resume : bool
        Go on from the last good checkpoint in that folder, if there is one, bit for bit as if it had never stopped:
        networks, optimizers, averages, records and all random numbers go on from where they were. Only `steps` may be
        another than before: more of them extend the run. Another configuration, other data and a DataLoader, whose
        place in an epoch cannot be saved, are refused. On CUDA a captured step may be rounded in another way than a
        written one, and a run that goes on begins with some of these: ``cuda_graph=False`` has no others.
    device : str or device, optional
        As `gantut.device.choose_device` takes it.
    progress : bool, optional
        Show a progress bar; by default only on a terminal.
    cuda_graph : bool, optional
        On CUDA, capture a step once and replay it, which spares launching its many small kernels one by one. By default
        this is done wherever it is possible: not with unrolled steps or a spectral norm, which wait for the device,
        nor with a penalty that is taken in every k-th step only. A graph that does not repeat the step that it was
        captured from is not used, and a warning says so.
    amp : bool
        Compute the convolutions of networks of your own in bfloat16, where the device has instructions for it (else a
        warning says so, and nothing is); a gradient penalty, losses, parameters and evaluations stay in single
        precision. Not for multilayer perceptrons. None: wherever the device has such instructions.
    watch : function, optional
        Called with the history so far after every evaluation, once what is due has been saved.
    data_parallel : bool
        Compute a share of every batch on each process of the default process group of `torch.distributed`, which must
        exist already. All processes call this with the same arguments; only the first one saves, to a folder
        `checkpoints` that all of them can read. Losses must be means over a batch, or functions of features. Not with
        unrolled steps, labelled samples, penalties around the data, or networks whose samples see each other otherwise
        than by the batch normalisation of a DCGAN or in the groups of a residual critic.

    Returns
    -------
    History
        Losses, gradient norms, metrics and samples along the way, and the networks at the end.

    Raises
    ------
    ValueError
        If a setting is not allowed, or data, networks and settings do not go together; the message names the argument.
    OutOfMemory
        If the device's memory is too small; the message says what to lower.

    Warns
    -----
    DivergenceWarning
        If a member's loss or parameters are no longer finite: it is put back and stays where it last was good, and the
        others go on.
    UserWarning
        If all of a critic's scores lie in [0, 1], as after a sigmoid, where the objective takes logits; if mixed
        precision is asked for where it would be slower.

    Notes
    -----
    The same seed gives the same numbers, and member i the same ones whoever else is in the population: it draws from
    random number generators of its own, seeded with `seed` + i.

    See Also
    --------
    Config : What can be set.
    History : What comes back.
    learn : The loop itself, for networks that are trained otherwise.

    References
    ----------
    Goodfellow et al. (2014), Algorithm 1; Arjovsky et al. (2017), Algorithm 1; lessons 2 and 11.

    Examples
    --------
    >>> from torch import nn
    >>> x = torch.randn(1000, 2)
    >>> generator = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    >>> critic = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1))
    >>> config = Config(objective="wgan-gp", steps=4, latent_dim=8, batch_size=32)
    >>> history = train(config, x, generator=generator, critic=critic, record_every=1, progress=False)
    >>> history.losses["critic"].shape
    torch.Size([4, 1])

    Three members, each with networks of its own, and a metric:

    >>> spread = {"spread": lambda samples: samples.std(1).mean(-1)}
    >>> config = Config(objective="non-saturating", members=3, steps=4, batch_size=32)
    >>> history = train(config, x, metrics=spread, evaluate_every=2, progress=False)
    >>> history.evaluated, history.metrics["spread"].shape
    (tensor([0, 2, 4]), torch.Size([3, 3]))
    """
    config = config if isinstance(config, Config) else Config.from_dict(config)
    device = choose_device(None if device is None else str(device))
    data, metrics = as_data(data, config), _checked_metrics(metrics)
    labelled = checked_labelled(labelled, config, data.event, device)
    parallel = DataParallel(config, labelled) if data_parallel else None
    every = dict(record_every=record_every, evaluate_every=evaluate_every)
    schedule = EvalSchedule(config.steps, samples, tuple(sorted(metrics)), **every, metric_samples=metric_samples)
    saver = _saver(checkpoints, checkpoint_every, resume, data, parallel)
    if best is not None:
        _inputs.one_of("best", best, tuple(metrics))
        if saver is None:
            raise ValueError("best must be None without checkpoints, a folder in which to keep it")

    classes = 1 if labelled is None else int(labelled[1].max()) + 1
    networks = _networks(config, data, generator, critic, classes, device)
    amp = use_amp(amp, device, networks.generator, networks.critic)
    groups = shard_members(
        config, data, networks, device=device, labelled=labelled, parallel=parallel, amp=amp,
        graph=_captured(cuda_graph, config, device, parallel),
        workers=torch.get_num_threads() if device.type == "cpu" and not parallel else 1,  # processes keep one order
    )  # fmt: skip
    shape = (schedule.metric_samples, config.latent_dim)
    noise = noise_stream(config.noise, shape, config.seeds("evaluation"), device).next()
    run = Run(
        config, networks, groups, noise, schedule, metrics, cache(lambda: _fingerprint(data, labelled)), saver, watch,
        parallel, best,
    )  # fmt: skip

    if resume:
        run.resume()
    with warnings.catch_warnings():
        if config.batch_size == 1:  # scores (members, 1) are here what they should be
            warnings.filterwarnings("ignore", "the loss averages over the last axis")
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
    bound = config.constraint
    waits = config.unrolled > 0 or (bound is not None and (bound.waits_for_device or bound.every > 1))
    possible = device.type == "cuda" and not waits and not parallel
    if wanted and not possible:
        waiting = "unrolling and spectral norms wait for the device, and what is taken in every k-th step only changes"
        why = waiting if waits else f"the device is {device}"
        why = "processes that share a batch wait for each other" if parallel else why
        raise ValueError(f"cuda_graph must be False or None here, not True: {why}")
    return possible and wanted is not False


def _fingerprint(data, labelled):
    parts = [] if labelled is None else [digest(part) for part in labelled]
    return data.fingerprint() | ({"labelled": parts} if parts else {})


def _checked_metrics(metrics):
    metrics = {} if metrics is None else metrics
    if not isinstance(metrics, Mapping) or not all(callable(metric) for metric in metrics.values()):
        raise ValueError(f"metrics must be functions by name, not {metrics!r}")
    return dict(metrics)

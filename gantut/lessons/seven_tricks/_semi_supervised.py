"""Ten to a hundred labels: a critic that names digits and knows what digits look like, beside one that only names."""

from typing import NamedTuple

import torch

from gantut import _inputs
from gantut.data import digits
from gantut.device import at_scale, choose_device, random_source
from gantut.lessons._records import rounded
from gantut.objectives import supervised_loss
from gantut.training import Architecture, Config, Learner, Optimizer, learn, train

CLASSES = 10
FRESH = 1000  # the settings were chosen by the errors of members 0 to 3 on another split; these rate them anew
SETTINGS = dict(
    latent_dim=32,
    generator=Architecture((128, 128)),
    critic=Architecture((128, 64), "leaky-relu"),
    optimizer=Optimizer("adam", 1e-3, betas=(0.5, 0.999)),
    batch_size=64,
    n_critic=1,
    batch_norm="critic",
)


class Split(NamedTuple):
    """Digits for training and for testing: one in five is for testing.

    Attributes
    ----------
    images, labels : tensors, shapes (1437, 64) and (1437,)
    test_images, test_labels : tensors, shapes (360, 64) and (360,)
    """

    images: torch.Tensor
    labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor


def split_digits() -> Split:
    """Return the 8 x 8 digits, grey values from -1 to 1, in one and the same random split."""
    by_class = digits(*range(CLASSES))
    labels = torch.cat([torch.full((len(own),), digit) for digit, own in enumerate(by_class)])
    images, order = 2 * torch.cat(by_class) - 1, torch.randperm(len(labels), generator=random_source(FRESH))
    kept, tested = order[len(order) // 5 + 1 :], order[: len(order) // 5 + 1]
    return Split(images[kept], labels[kept], images[tested], labels[tested])


def draw_labelled(split: Split, number: int, *, members: int, seed: int = FRESH) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw labelled digits, as many of each class, each member its own.

    Parameters
    ----------
    split : Split
    number : int
        How many in all, a multiple of 10.
    members : int
    seed : int
        Member i draws from a generator seeded with `seed` + i.

    Returns
    -------
    tensor, shape (members, number, 64)
    int tensor, shape (members, number)
    """
    if _inputs.count("number", number) % CLASSES:
        raise ValueError(f"number must be a multiple of {CLASSES}, as many of each class, not {number}")
    chosen = []
    for member in range(members):
        order = torch.randperm(len(split.labels), generator=random_source(seed + member))
        own = [order[split.labels[order] == digit][: number // CLASSES] for digit in range(CLASSES)]
        chosen.append(torch.cat(own))
    index = torch.stack(chosen)
    return split.images[index], split.labels[index]


def error_with_game(number: int, *, members: int, steps: int, objective: str = "feature-matching") -> torch.Tensor:
    """Train a critic of K + 1 classes with `number` labels and all digits without: test errors, shape (members,).

    The critic has batch normalisation, which this needs here; the test digits are classified as one batch.
    """
    split = split_digits()
    config = Config(objective=objective, members=members, steps=steps, seed=FRESH, **SETTINGS)
    labelled = draw_labelled(split, number, members=members)
    history = train(config, split.images, labelled=labelled, samples=10, evaluate_every=steps)
    return (history.classify(split.test_images) != split.test_labels).double().mean(-1)


def error_with_labels_alone(
    number: int, *, members: int, steps: int, batch_norm: str | None = "critic"
) -> torch.Tensor:
    """Train the critic's network on the labels alone, from the same start and as long: test errors, shape (members,).

    With ``batch_norm=None``, the same layers without normalisation, which is better for labels alone.
    """
    split, device = split_digits(), choose_device()
    config = Config(members=members, steps=steps, seed=FRESH, **SETTINGS | {"batch_norm": batch_norm})
    network = config.build("critic", split.images.shape[1], CLASSES, device)
    optimizer = config.critic_optimizer.build(list(network.parameters()))
    images, labels = (part.to(device) for part in draw_labelled(split, number, members=members))
    source, rows = random_source(FRESH), torch.arange(members, device=device)[:, None]

    def batches():
        for _ in range(steps):
            some = torch.rand(members, number, generator=source).argsort(-1)[:, : config.batch_size].to(device)
            yield {"images": images[rows, some], "labels": labels[rows, some]}  # (members, batch, ...)

    def loss(batch):
        return {"supervised": supervised_loss(network(batch["images"]), batch["labels"])}  # (members,)

    learn([Learner(network, optimizer, loss)], batches())
    with torch.no_grad():
        found = network(split.test_images.to(device)).argmax(-1).cpu()
    return (found != split.test_labels).double().mean(-1)


def semi_supervised(*, members: int | None = None, steps: int | None = None) -> dict:
    """With 10 to 100 labels: the test errors of two games, and of their critic's network on the labels alone."""
    members, steps = members or at_scale(fast=32, full=64), steps or at_scale(fast=600, full=6000)
    rows = []
    for number in (10, 20, 50, 100):
        found = {
            "labels alone": error_with_labels_alone(number, members=members, steps=steps, batch_norm=None),
            "labels alone, batch norm": error_with_labels_alone(number, members=members, steps=steps),
        }
        for objective in ("feature-matching", "non-saturating"):
            found[objective] = error_with_game(number, members=members, steps=steps, objective=objective)
        rows += [{"labels": number, "method": name, "error": rounded(errors)} for name, errors in found.items()]
    return {"steps": steps, "games": rows}

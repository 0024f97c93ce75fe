"""A small classifier, trained here and now: its features stand in for those of a large network."""

import itertools

import torch
from torch import nn

from gantut import _inputs
from gantut.data import digits
from gantut.training import Learner, learn


class Classifier(nn.Module):
    """A multilayer perceptron that names the class of an image, and whose last hidden layer serves as features.

    Made by :func:`train_classifier` or :func:`digit_classifier`; its parameters are fixed. All methods take tensors
    of shape (..., pixels), so that a population (members, n, pixels) passes as it is, and are differentiable.

    Parameters
    ----------
    widths : sequence of int
        Pixels, the width of each hidden layer, and classes.
    dtype : dtype
        Of the weights, which are left uninitialised.

    Attributes
    ----------
    classes : int
        How many classes there are.
    held_out_accuracy : float or None
        The share of right answers on images that training has not seen, where some were set aside.

    See Also
    --------
    train_classifier : one for images of your own.
    digit_classifier : one for the 8 x 8 digits.

    Notes
    -----
    Features know what tells the classes apart, and hardly anything else: differences inside a class may vanish in
    them. On pictures unlike all that it was trained on, noise included, it still gives a verdict, often a certain one.

    Examples
    --------
    >>> from gantut.metrics import train_classifier
    >>> images = torch.cat([torch.zeros(10, 4), torch.ones(10, 4)])
    >>> classifier = train_classifier(images, torch.arange(20) // 10, hidden=(8,))
    >>> classifier.features(images).shape, classifier(images).shape
    (torch.Size([20, 8]), torch.Size([20, 2]))
    >>> classifier.labels(images[8:12])
    tensor([0, 0, 1, 1])
    """

    def __init__(self, widths, dtype):
        super().__init__()
        layers = [nn.utils.skip_init(nn.Linear, *pair, dtype=dtype) for pair in itertools.pairwise(widths)]
        self.hidden = nn.Sequential(*(part for layer in layers[:-1] for part in (layer, nn.ReLU())))
        self.head = layers[-1]
        self.classes = widths[-1]
        self.held_out_accuracy = None

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the last hidden layer makes of images (..., pixels): shape (..., features), not negative."""
        pixels = self.hidden[0].in_features
        if not isinstance(x, torch.Tensor) or not x.ndim or x.shape[-1] != pixels:
            given = f"shape {_inputs.shape(x)}" if isinstance(x, torch.Tensor) else repr(x)
            raise ValueError(f"x must be a tensor of shape (..., {pixels}), not {given}")
        _inputs.together(x=x, **{"the classifier": self.head.weight})
        return self.hidden(x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits of images (..., pixels): shape (..., classes)."""
        return self.head(self.features(x))

    def probabilities(self, x: torch.Tensor) -> torch.Tensor:
        r"""Return :math:`p(y\mid x)` for images (..., pixels): shape (..., classes), total 1."""
        return self(x).softmax(-1)

    def labels(self, x: torch.Tensor) -> torch.Tensor:
        """Return the most likely class of images (..., pixels): shape (...), int64; -1 where x is not finite."""
        return self(x).argmax(-1).masked_fill(~torch.isfinite(x).all(-1), -1)

    def accuracy(self, images: torch.Tensor, labels: torch.Tensor) -> float:
        """Return the share of images (n, pixels) whose most likely class is their label (n,)."""
        found, labels = self.labels(images), _inputs.class_labels("labels", labels)
        if labels.shape != found.shape:
            raise ValueError(f"labels must have shape {tuple(found.shape)}, one an image, not {_inputs.shape(labels)}")
        return (found == labels).double().mean().item()


@torch.inference_mode(False)
def train_classifier(
    images, labels, *, hidden=(128, 32), epochs: int = 30, batch_size: int = 64, lr: float = 2e-3, seed: int = 0
) -> Classifier:
    """Train a small classifier: a second or two for some thousand small images.

    Parameters
    ----------
    images : tensor, shape (n, pixels), floating point
        Finite; of a size around 1.
    labels : int tensor, shape (n,)
        Classes from 0 on; there are as many as the largest label says.
    hidden : sequence of int
        Widths of the hidden layers; the last one is the number of features.
    epochs, batch_size : int
        Passes through the images, and images a step.
    lr : float
        Step size of Adam at the beginning; it falls to 0 along half a cosine.
    seed : int
        Of the initial weights and the order of the images.

    Returns
    -------
    Classifier
        In the dtype and on the device of the images. It is trained on the CPU and then moved, so that a seed means the
        same classifier on every device of one machine; between machines the late digits differ.

    Raises
    ------
    ValueError
        If images and labels do not go together, an image is not finite, or there are fewer than two classes.

    See Also
    --------
    digit_classifier : one for the 8 x 8 digits.
    fid, kid : distances of images, measured on features.

    Examples
    --------
    >>> images = torch.cat([torch.zeros(10, 4), torch.ones(10, 4)])  # ten black ones, ten white ones
    >>> labels = torch.arange(20) // 10
    >>> classifier = train_classifier(images, labels)
    >>> classifier.accuracy(images, labels)
    1.0
    """
    images = _inputs.cloud("images", images)
    labels = _inputs.class_labels("labels", labels)
    if images.ndim != 2 or labels.shape != images.shape[:1]:
        raise ValueError(
            "images and labels must have shapes (n, pixels) and (n,), "
            f"not {_inputs.shape(images)} and {_inputs.shape(labels)}"
        )
    _inputs.finite_entries("images", images)
    classes = int(labels.max()) + 1
    if classes < 2:
        raise ValueError("labels must name at least two classes, but are all 0")
    hidden = _inputs.counts("hidden", hidden)
    if not hidden:
        raise ValueError("hidden must give the width of at least one layer: its values are the features")
    epochs, batch_size = _inputs.count("epochs", epochs), _inputs.count("batch_size", batch_size)
    source = torch.Generator().manual_seed(_inputs.count("seed", seed, least=0))
    wide = torch.promote_types(images.dtype, torch.float32)  # in half precision, Adam's squares vanish
    classifier = Classifier([images.shape[1], *hidden, classes], wide)
    _draw_weights(classifier, source)
    with torch.enable_grad():
        data = images.detach().cpu().to(wide, copy=True), labels.cpu()  # nothing is learnt from inference tensors
        _fit(classifier, *data, epochs=epochs, batch_size=batch_size, lr=_inputs.positive("lr", lr), source=source)
    return classifier.requires_grad_(False).to(images).eval()


def digit_classifier(*, seed: int = 0, dtype=torch.float32, device="cpu") -> Classifier:
    """Train a classifier of the 8 x 8 digits on four in five of them; the fifth gives its ``held_out_accuracy``.

    Parameters
    ----------
    seed : int
        Of the initial weights and the order of the images.
    dtype, device
        Of the classifier and of the images that it takes.

    Returns
    -------
    Classifier
        For images (..., 64) with grey values from 0 to 1, as from :func:`gantut.data.digits`; 32 features.

    See Also
    --------
    train_classifier : one for images of your own.

    Examples
    --------
    >>> classifier = digit_classifier()  # doctest: +SKIP
    >>> classifier.held_out_accuracy > 0.95  # doctest: +SKIP
    True
    """
    by_class = digits(*range(10), dtype=dtype, device=device)
    images = torch.cat(by_class)
    labels = torch.cat([torch.full((len(own),), digit, device=device) for digit, own in enumerate(by_class)])
    held_out = torch.arange(len(images), device=device) % 5 == 0
    classifier = train_classifier(images[~held_out], labels[~held_out], seed=seed)
    classifier.held_out_accuracy = classifier.accuracy(images[held_out], labels[held_out])
    return classifier


def _draw_weights(classifier, source):
    """Weights and biases uniform in 1/sqrt(fan in), from the given source alone."""
    for layer in (*classifier.hidden[::2], classifier.head):
        for parameter in (layer.weight, layer.bias):
            nn.init.uniform_(parameter, -(layer.in_features**-0.5), layer.in_features**-0.5, generator=source)


def _fit(classifier, images, labels, *, epochs, batch_size, lr, source):
    """Minimise the cross-entropy by Adam."""
    optimizer = torch.optim.Adam(classifier.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * -(-len(images) // batch_size))

    def batches():
        for _ in range(epochs):
            for some in torch.randperm(len(images), generator=source, device="cpu").split(batch_size):
                yield {"images": images[some], "labels": labels[some]}

    def loss(batch):
        return {"labels": nn.functional.cross_entropy(classifier(batch["images"]), batch["labels"])}

    learn([Learner(classifier, optimizer, loss, after_step=[schedule.step])], batches())

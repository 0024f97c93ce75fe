"""Small real images that ship with a dependency, so that nothing is downloaded."""

from typing import NamedTuple

import torch

from gantut import _inputs


class Labelled(NamedTuple):
    """Images and what they show."""

    images: torch.Tensor
    labels: torch.Tensor


def digits(*classes: int, dtype=torch.float32, device="cpu") -> torch.Tensor | tuple[torch.Tensor, ...]:
    """Return handwritten digits of 8 x 8 pixels, by class.

    Parameters
    ----------
    *classes : int
        Which digits, 0 to 9.
    dtype, device
        Of the tensors.

    Returns
    -------
    tensor, shape (n, 64), or a tuple of them, one per class
        Grey values from 0 (paper) to 1 (ink), row by row.

    Raises
    ------
    ValueError
        If a class is not a digit, or none is given.

    See Also
    --------
    labelled_digits : all classes, with labels.
    mnist : larger images.

    References
    ----------
    Alpaydin and Kaynak (1998), the test set of "Optical Recognition of Handwritten Digits", 1797 images, as shipped
    with scikit-learn.

    Examples
    --------
    >>> threes, eights = digits(3, 8)
    >>> threes.shape, eights.shape
    (torch.Size([183, 64]), torch.Size([174, 64]))
    """
    for digit in classes:
        if digit not in range(10):
            raise ValueError(f"classes must be digits from 0 to 9, not {digit!r}")
    if not classes:
        raise ValueError("classes must contain at least one digit from 0 to 9")
    images, labels = labelled_digits(dtype=dtype, device=device)
    chosen = tuple(images[labels == digit] for digit in classes)
    return chosen if len(chosen) > 1 else chosen[0]


def labelled_digits(*, dtype=torch.float32, device="cpu") -> Labelled:
    """Return all handwritten digits of 8 x 8 pixels with their labels, in the order of the original data.

    Parameters
    ----------
    dtype, device
        Of the tensor of images.

    Returns
    -------
    images : tensor, shape (1797, 64)
        The same values as those of :func:`digits`.
    labels : tensor of int64, shape (1797,)
        From 0 to 9.

    See Also
    --------
    digits, mnist

    Examples
    --------
    >>> labelled_digits().labels[:5]
    tensor([0, 1, 2, 3, 4])
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return Labelled(
        torch.tensor(images / 16, dtype=_inputs.precision(dtype), device=device),
        torch.tensor(labels, dtype=torch.int64, device=device),
    )

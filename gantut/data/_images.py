"""Small real images that ship with a package, so that nothing is downloaded."""

from typing import NamedTuple

import torch


class Labelled(NamedTuple):
    """Pictures and what they show.

    Attributes
    ----------
    images : tensor, shape (n, *event)
    labels : tensor of int64, shape (n,)
    """

    images: torch.Tensor
    labels: torch.Tensor


def digits(*classes: int, dtype=torch.float32, device="cpu") -> torch.Tensor | tuple[torch.Tensor, ...]:
    """Handwritten digits of 8 x 8 pixels, by class.

    Parameters
    ----------
    *classes : int
        Which digits, 0 to 9.

    Returns
    -------
    tensor, shape (images, 64), or a tuple of them, one a class
        Grey values from 0 (paper) to 1 (ink), row by row.

    Raises
    ------
    ValueError
        If a class is not a digit, or none is named.

    References
    ----------
    Alpaydin and Kaynak (1998), the test set of "Optical Recognition of Handwritten Digits", 1797 images, as shipped
    with scikit-learn.
    """
    from sklearn.datasets import load_digits

    for digit in classes:
        if digit not in range(10):
            raise ValueError(f"classes must be digits from 0 to 9, not {digit!r}")
    if not classes:
        raise ValueError("classes must name at least one digit from 0 to 9")
    images, labels = load_digits(return_X_y=True)
    chosen = tuple(torch.tensor(images[labels == digit] / 16, dtype=dtype, device=device) for digit in classes)
    return chosen if len(chosen) > 1 else chosen[0]


def labelled_digits(*, dtype=torch.float32, device="cpu") -> Labelled:
    """Return all handwritten digits of 8 x 8 pixels with their labels, in the order of the original data.

    Returns
    -------
    Labelled
        Images of shape (1797, 64), the very values of :func:`digits`, and labels from 0 to 9.
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return Labelled(
        torch.tensor(images / 16, dtype=dtype, device=device), torch.tensor(labels, dtype=torch.int64, device=device)
    )

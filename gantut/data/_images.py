"""Small real images that ship with a package, so that nothing is downloaded."""

import torch


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

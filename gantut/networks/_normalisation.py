"""Batch normalisation and virtual batch normalisation of a population's layers."""

import torch

NORMALISATIONS = ("batch", "virtual-batch")
EPSILON = 1e-5  # added to variances


def batch_norm(h: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    r"""Normalise every unit over the batch: :math:`\gamma\,(h - \mu)/\sqrt{v + \epsilon} + \beta`.

    Mean :math:`\mu` and variance v (with 1/n) are those of the batch at hand, in evaluation as in training.

    Parameters
    ----------
    h : tensor, shape (members, batch, width)
    scale, shift : tensors, shape (members, 1, width)

    Returns
    -------
    tensor, shape (members, batch, width)

    References
    ----------
    Ioffe and Szegedy (2015), Algorithm 1; lesson 8.

    See Also
    --------
    virtual_batch_norm

    Examples
    --------
    >>> h, one = torch.tensor([[[1.0], [3.0]]]), torch.ones(1, 1, 1)
    >>> batch_norm(h, one, 0 * one).flatten()
    tensor([-1.0000,  1.0000])
    """
    centred, _, variance = _statistics(h)
    return centred / (variance + EPSILON).sqrt() * scale + shift


def virtual_batch_norm(
    reference: torch.Tensor, h: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    r"""Normalise each sample by the statistics of a reference batch together with the sample itself.

    With the reference's mean :math:`\mu` and variance v over its n samples, those of the n + 1 are

    .. math:: \mu' = \mu + \frac{h - \mu}{n + 1}, \qquad v' = \frac{n}{n+1}\Big(v + \frac{(h - \mu)^2}{n + 1}\Big)

    so that no sample feels any other of its batch. The reference is normalised by its own statistics. Gradients flow
    through them, as in the authors' program: the reference passes through the present weights.

    Parameters
    ----------
    reference : tensor, shape (members, n, width)
    h : tensor, shape (members, batch, width)
    scale, shift : tensors, shape (members, 1, width)

    Returns
    -------
    two tensors, shapes (members, n, width) and (members, batch, width)
        The reference and the batch, normalised, scaled and shifted.

    References
    ----------
    Salimans et al. (2016), section 3.5; lesson 8.

    See Also
    --------
    batch_norm

    Examples
    --------
    >>> reference, one = torch.tensor([[[1.0], [3.0]]]), torch.ones(1, 1, 1)
    >>> virtual_batch_norm(reference, torch.tensor([[[2.0]]]), one, 0 * one)[1]  # the mean is 2
    tensor([[[0.]]])
    """
    n, (centred, mean, variance) = reference.shape[1], _statistics(reference)
    apart = h - mean
    own_variance = (variance + apart.square() / (n + 1)) * (n / (n + 1))
    own = apart * (n / (n + 1)) / (own_variance + EPSILON).sqrt()
    return centred / (variance + EPSILON).sqrt() * scale + shift, own * scale + shift


def _statistics(h):
    """Return the batch without its mean, the mean, and the variance, these two of shape (members, 1, width)."""
    mean = h.mean(1, keepdim=True)
    centred = h - mean
    return centred, mean, centred.square().mean(1, keepdim=True)

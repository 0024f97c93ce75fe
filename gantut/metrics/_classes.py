"""Classes of samples, by labels or by a classifier: how many are in use, and the inception score."""

import torch

from gantut import _inputs
from gantut.divergences import kl_divergence
from gantut.metrics._populations import population


@torch.no_grad()
def effective_classes(classes):
    r"""Return the effective number of classes of samples: the exponential of the entropy of their frequencies.

    .. math:: e^{H(\bar p)}, \qquad H(\bar p) = -\sum_k \bar p_k \log \bar p_k,
        \qquad \bar p = \frac1n\sum_i p(y\mid x_i)

    Parameters
    ----------
    classes : int tensor, shape (..., n), or floating point tensor, shape (..., n, K)
        A label for each sample, from 0 on (and -1 for a sample that is not finite, as :meth:`Classifier.labels` returns
        it); or the probabilities p(y | x_i), whose mean is the distribution of the classes.

    Returns
    -------
    tensor, shape (...)
        Between 1 (a single class) and K (K equally frequent classes). In the dtype of the probabilities, or float64 for
        labels; NaN for a member with a label -1 or a probability that is NaN.

    Raises
    ------
    ValueError
        If there is no sample; labels are below -1, or -1 in a single point cloud; probabilities are negative or do not
        sum to 1.

    See Also
    --------
    inception_score

    Notes
    -----
    It sees missing and rare classes. It does not see collapse inside a class, nor whether samples look like their class
    at all. A classifier that is uncertain about every sample looks like variety; labels (argmax) avoid that, but they
    label anything, noise included. Few samples show fewer classes than there are: 16 labels drawn from ten equal
    classes average about 7, so compare with the same number of data.

    Examples
    --------
    >>> effective_classes(torch.tensor([0, 0, 1, 1]))
    tensor(2., dtype=torch.float64)
    """
    value = _inputs.numbers_of("classes", classes)
    if value.is_floating_point():
        clouds = _probabilities("classes", value)
        return clouds.answer(_perplexity(clouds.values.mean(-2)))
    labels = _inputs.class_labels("classes", value, least=0 if value.ndim == 1 else -1)
    values, cell = torch.unique(labels, return_inverse=True)  # labels need not be dense
    counts = torch.zeros(*labels.shape[:-1], len(values), dtype=torch.float64, device=labels.device)
    counts.scatter_add_(-1, cell, torch.ones_like(cell, dtype=torch.float64))
    return _perplexity(counts / labels.shape[-1]).masked_fill((labels < 0).any(-1), torch.nan)


@torch.no_grad()
def inception_score(probabilities):
    r"""Return the inception score of a classifier's probabilities for samples.

    .. math:: \mathrm{IS} = \exp\Big( \frac1n \sum_i \mathrm{KL}\big(p(y\mid x_i) \,\big\|\, \bar p(y)\big) \Big),
        \qquad \bar p = \frac1n\sum_i p(y\mid x_i)

    Parameters
    ----------
    probabilities : tensor, shape (..., n, K), floating point
        :math:`p(y\mid x_i)`, non-negative, with sum 1.

    Returns
    -------
    tensor, shape (...)
        Between 1 and K; NaN for a member with a probability that is NaN.

    Raises
    ------
    ValueError
        If there is no sample, or probabilities are negative or do not sum to 1.

    See Also
    --------
    effective_classes
    fid : which looks at the data, too.

    Notes
    -----
    It never sees the data: it rewards confident predictions and balanced classes. A generator with a single image in
    each class scores K, which is perfect; and images that look like nothing score well if they fool the classifier. For
    few samples it is too low, since their mean is too close to each of them: a single one scores 1.

    References
    ----------
    Salimans et al. (2016); Barratt and Sharma (2018) on what is wrong with it; lesson 7.

    Examples
    --------
    >>> inception_score(torch.eye(10))
    tensor(10.)
    """
    clouds = _probabilities("probabilities", probabilities)
    p = clouds.values
    mean_kl = kl_divergence(p, p.mean(-2, keepdim=True)).mean(-1)
    return clouds.answer(mean_kl.exp().clamp(1, p.shape[-1]))


def _probabilities(name, value):
    """Return probabilities (..., n, K) as a population; a diverged member gets uniform ones, and NaN in the end."""
    value = _inputs.cloud(name, value)
    clouds = population(name, value)
    off = ~clouds.alive[..., None, None]
    value = value.detach().masked_fill(off, 1 / value.shape[-1])
    _inputs.distribution(name, value, -1)  # in the caller's precision, whose rounding is allowed
    value = value.double()
    return clouds._replace(values=value / value.sum(-1, keepdim=True))


def _perplexity(p):
    return torch.special.entr(p).sum(-1).exp().clamp(1, p.shape[-1])

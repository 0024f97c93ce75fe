r"""A discriminator that also names classes: K real ones, and one for generated samples.

The critic gives K logits :math:`l_1, \dots, l_K`; that of class K + 1, generated, is fixed at 0, for adding a number to
all K + 1 logits changes no probability. With :math:`Z(x) = \sum_{k\le K} e^{l_k(x)}`,

.. math:: D(x) = \frac{Z(x)}{Z(x) + 1}, \qquad\text{whose logit is}\quad \log Z(x)

so that every game whose critic classifies is played with the score :math:`\log Z`.
"""

import torch
from torch.nn.functional import cross_entropy

from gantut import _inputs


def class_score(logits: torch.Tensor) -> torch.Tensor:
    r"""The logit of D, :math:`\log\sum_{k\le K}e^{l_k}`.

    Parameters
    ----------
    logits : tensor, shape (..., K)

    Returns
    -------
    tensor, shape (...)

    See Also
    --------
    class_probabilities

    References
    ----------
    Salimans et al. (2016), section 5; lesson 8.

    Examples
    --------
    >>> class_score(torch.zeros(3, 4))  # log 4: D = 4/5
    tensor([1.3863, 1.3863, 1.3863])
    """
    return logits.logsumexp(-1)


def class_probabilities(logits: torch.Tensor) -> torch.Tensor:
    r"""The probabilities of all K + 1 classes, the last that of being generated.

    Parameters
    ----------
    logits : tensor, shape (..., K)

    Returns
    -------
    tensor, shape (..., K + 1)

    See Also
    --------
    class_score : The logit of the first K together.

    References
    ----------
    Salimans et al. (2016), section 5; lesson 8.

    Examples
    --------
    >>> class_probabilities(torch.zeros(3))
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """
    return torch.cat([logits, torch.zeros_like(logits[..., :1])], -1).softmax(-1)


def supervised_loss(logits: torch.Tensor, labels: torch.Tensor, *, validate_args: bool = True) -> torch.Tensor:
    r"""The loss of the labels: :math:`-\mathbb E\log p(y\mid x, y \le K) = \mathbb E\big[\log Z - l_y\big]`.

    Parameters
    ----------
    logits : tensor, shape (..., batch, K)
        No size may be 0.
    labels : int tensor, shape (..., batch)
        From 0 to K - 1.
    validate_args : bool
        Whether to check the values of the labels, for which the host waits for a GPU. A training loop that has checked
        its labels once can leave this out.

    Returns
    -------
    tensor, shape (...)

    Raises
    ------
    ValueError
        If the two shapes or devices do not go together, or a label is not one of the K classes.

    See Also
    --------
    class_probabilities, class_score

    References
    ----------
    Salimans et al. (2016), section 5; lesson 8.

    Examples
    --------
    >>> supervised_loss(torch.zeros(1, 3, 4), torch.tensor([[0, 1, 3]]))  # log 4: any of four classes
    tensor([1.3863])
    """
    logits = _inputs.floating("logits", logits)
    if logits.ndim < 2 or not logits.numel():
        raise ValueError(f"logits must have shape (..., batch, K), with no size 0, not {_inputs.shape(logits)}")
    if validate_args:
        labels = _inputs.class_labels("labels", labels)
        classes, largest = logits.shape[-1], labels.max().item()
        if largest >= classes:
            raise ValueError(f"labels must lie in [0, {classes - 1}] for {classes} classes, but one is {largest}")
    if labels.shape != logits.shape[:-1]:
        raise ValueError(
            f"labels must have the shape of logits without the classes, {tuple(logits.shape[:-1])}, "
            f"not {_inputs.shape(labels)}"
        )
    if labels.device != logits.device:
        raise ValueError(f"logits and labels must have one device, but have {logits.device} and {labels.device}")
    return cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="none").reshape(labels.shape).mean(-1)

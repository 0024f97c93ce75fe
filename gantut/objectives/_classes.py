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
    r"""The logit of D, :math:`\log\sum_{k\le K}e^{l_k}`: shape (...) for class logits (..., K).

    Salimans et al. (2016), section 5; lesson 7.
    """
    return logits.logsumexp(-1)


def class_probabilities(logits: torch.Tensor) -> torch.Tensor:
    r"""The probabilities of all K + 1 classes, the last that of being generated: shape (..., K + 1).

    Parameters
    ----------
    logits : tensor, shape (..., K)
    """
    return torch.cat([logits, torch.zeros_like(logits[..., :1])], -1).softmax(-1)


def supervised_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    r"""The cost of the labels: :math:`-\mathbb E\log p(y\mid x, y \le K) = \mathbb E\big[\log Z - l_y\big]`.

    Parameters
    ----------
    logits : tensor, shape (members, batch, K)
        None of these sizes 0.
    labels : int tensor, shape (members, batch)
        From 0 to K - 1.

    Returns
    -------
    tensor, shape (members,)

    Raises
    ------
    ValueError
        If the two do not go together, or a label is none of the K classes.

    References
    ----------
    Salimans et al. (2016), section 5; lesson 7.
    """
    logits = _inputs.floating("logits", logits)
    if logits.ndim < 2 or not logits.numel():
        raise ValueError(f"logits must have shape (members, batch, K), with no size 0, not {_inputs.shape(logits)}")
    labels = _inputs.class_labels("labels", labels)
    if labels.numel() and labels.max() >= logits.shape[-1]:
        classes = f"the {logits.shape[-1]} classes that logits have"
        raise ValueError(
            f"labels must lie in [0, {logits.shape[-1] - 1}] for {classes}, but one is {labels.max().item()}"
        )
    if labels.device != logits.device:
        raise ValueError(f"logits and labels must have one device, but have {logits.device} and {labels.device}")
    return label_cost(logits, labels)


def label_cost(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return :func:`supervised_loss` of labels that are known to be classes, as those of a training are from its start.

    Their values are not looked at: on a GPU the host would wait for them in every step.
    """
    if labels.shape != logits.shape[:-1]:
        raise ValueError(
            f"labels must have the shape of logits without the classes, {tuple(logits.shape[:-1])}, "
            f"not {_inputs.shape(labels)}"
        )
    return cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="none").reshape(labels.shape).mean(-1)

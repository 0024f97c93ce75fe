r"""Near-duplicates: which images show the same thing, as frames of an animation, recoloured or mirrored.

If a training set and a held-out set shared such a group, a model that memorises would look as if it generalised.
Two images are compared by their silhouettes and by their shading. With the opacities :math:`a`, and the brightness
:math:`y` of the premultiplied colours less its mean over the silhouette, :math:`z = y - \frac{\sum y}{\sum a}\,a`,

.. math::

    s(1, 2) = \max_{\text{moves}}\;
    \frac{\langle a_1, a_2\rangle}{\lVert a_1\rVert^2 + \lVert a_2\rVert^2 - \langle a_1, a_2\rangle}
    \cdot \max\Big(0,\, \frac{\langle z_1, z_2\rangle}{\lVert z_1\rVert\,\lVert z_2\rVert}\Big):

the Tanimoto coefficient of the silhouettes times the correlation of the shadings, where the second image is shifted by
up to two pixels, and mirrored or not. It lies in [0, 1]; it is 1 for an image and its mirror image, and recolouring
hardly changes it as long as light parts stay light.
"""

import re

import numpy as np
import torch
from torch.nn import functional

from gantut import _inputs

# Where the histogram of similarities between the shipped creatures stops falling: near-duplicates lie above.
THRESHOLD = 0.4
# How far an image is shifted in each direction before it is compared, in pixels.
SHIFT = 2
# Luma of red, green and blue (Rec. ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)
# How many images are compared with all others at once.
ROWS = 1024


def image_similarity(x: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
    r"""Return how similar the shapes in images are, from 0 to 1, whatever their colours, and mirrored or not.

    .. math:: \max_{\text{shifts}}\;
        \frac{\langle a_1, a_2\rangle}{\lVert a_1\rVert^2 + \lVert a_2\rVert^2 - \langle a_1, a_2\rangle}
        \cdot \max\Big(0,\, \frac{\langle z_1, z_2\rangle}{\lVert z_1\rVert\,\lVert z_2\rVert}\Big)

    with the opacities a, and the brightness z less its mean over the silhouette.

    Parameters
    ----------
    x, y : tensor, shape (n, channels, height, width) and (m, channels, height, width)
        From -1 to 1; 4 channels are premultiplied colours and opacity, 3 are colours and 1 is grey, fully opaque. By
        default, y is x.

    Returns
    -------
    tensor, shape (n, m)
        Tanimoto coefficient of the silhouettes times correlation of the shadings, the largest over shifts by up to two
        pixels and mirroring. The correlation counts as 1 if both images have a single colour, and as 0 if only one has.

    Raises
    ------
    ValueError
        If x or y is not a batch of images with values from -1 to 1, or their dtypes or devices differ.

    See Also
    --------
    group_similar_images

    Examples
    --------
    >>> image = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0)).double()
    >>> image_similarity(image, image.flip(-1))
    tensor([[1.0000]], dtype=torch.float64)
    """
    x = _images("x", x)
    y = x if y is None else _images("y", y)
    _inputs.together(x=x, y=y)
    if x.shape[1:] != y.shape[1:]:
        raise ValueError(f"x and y must have pictures of one shape, not {_inputs.shape(x)} and {_inputs.shape(y)}")
    first = [functional.pad(feature, (SHIFT,) * 4).flatten(1) for feature in _features(x)]
    second = _features(y)
    best = x.new_zeros(len(x), len(y))
    for mirrored in (second, [feature.flip(-1) for feature in second]):
        for down in range(2 * SHIFT + 1):
            for right in range(2 * SHIFT + 1):
                edges = (right, 2 * SHIFT - right, down, 2 * SHIFT - down)
                moved = [functional.pad(feature, edges).flatten(1) for feature in mirrored]
                best = torch.maximum(best, _compared(*first, *moved))
    return best


def _features(images):
    """Return silhouettes and shadings (n, height, width), the latter of norm 1, or 0 for a single colour."""
    unit = (images.detach() + 1) / 2
    colours, silhouette = (unit[:, :-1], unit[:, -1]) if unit.shape[1] == 4 else (unit, torch.ones_like(unit[:, 0]))
    brightness = torch.einsum("nchw,c->nhw", colours, unit.new_tensor(LUMA if colours.shape[1] == 3 else (1.0,)))
    area = silhouette.sum((1, 2), keepdim=True).clamp_min(torch.finfo(unit.dtype).tiny)
    shading = brightness - silhouette * brightness.sum((1, 2), keepdim=True) / area
    norm = torch.linalg.vector_norm(shading, dim=(1, 2), keepdim=True)
    flat = norm <= 1e-3 * area.sqrt()  # less than a quarter of one of 256 levels
    return silhouette, torch.where(flat, 0.0, shading / torch.where(flat, 1.0, norm))


def _compared(silhouettes, shadings, others, other_shadings):
    """Return Tanimoto coefficient times correlation of n images and m others, all flattened: (n, m)."""
    common = silhouettes @ others.T
    joint = silhouettes.square().sum(1)[:, None] + others.square().sum(1) - common
    flat = ~shadings.any(1)[:, None] & ~other_shadings.any(1)
    correlation = torch.where(flat, 1.0, shadings @ other_shadings.T)
    return (common / joint.clamp_min(torch.finfo(common.dtype).tiny) * correlation).clamp(0, 1)


def group_similar_images(images: torch.Tensor, names=None, *, threshold: float = THRESHOLD) -> torch.Tensor:
    """Group near-duplicates: frames of an animation, recoloured and mirrored images go together.

    Two images are linked if their :func:`image_similarity` is at least `threshold`, or if their names differ only in
    the number at the end, like "vortex1" and "vortex2"; the groups are the connected components.

    Parameters
    ----------
    images : tensor, shape (n, channels, height, width)
        From -1 to 1, as from :func:`creatures` or :func:`sprites`; best with 4 channels, the last being the silhouette.
    names : sequence of str, optional
        One per image, with or without a file extension. Leave them out if numbers in names count images, not frames.
    threshold : float
        In (0, 1]. The higher, the more similar two images must be. The default was chosen by looking at pairs of the
        shipped creatures; other kinds of images may need another.

    Returns
    -------
    tensor of int64, shape (n,)
        The group of each image, numbered from 0 in the order of their first images.

    Raises
    ------
    ValueError
        If `images` is not a batch of images with values from -1 to 1, there is not one name per image, or `threshold`
        does not lie in (0, 1].

    See Also
    --------
    gantut.data.hold_out_groups : splits off whole groups for testing.

    Examples
    --------
    >>> from gantut.data import creatures
    >>> images = creatures(channels=4).images[:20]
    >>> group_similar_images(torch.cat([images, images.flip(-1)])).unique().numel() <= 20  # mirrored ones join
    True
    """
    images = _images("images", images)
    if not 0 < _inputs.positive("threshold", threshold) <= 1:
        raise ValueError(f"threshold must lie in (0, 1], not {threshold!r}")
    if names is not None and len(names) != len(images):
        raise ValueError(f"names must hold one name for each of the {len(images)} images, not {len(names)}")
    from scipy.sparse import coo_array  # loaded by need
    from scipy.sparse.csgraph import connected_components

    parts = range(0, len(images), ROWS)
    pairs = [
        (image_similarity(images[start : start + ROWS], images) >= threshold).nonzero().cpu().numpy() for start in parts
    ]
    pairs = [pair + [start, 0] for pair, start in zip(pairs, parts, strict=True)]
    pairs = np.concatenate([*pairs, _numbered_alike(names or [])])
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(images), len(images)))
    labels = connected_components(graph, directed=False)[1]
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return torch.from_numpy(first.argsort().argsort()[inverse]).to(images.device)


def _numbered_alike(names):
    """Return pairs (i, j) of names that differ only in the number at the end, shape (pairs, 2)."""
    seen, pairs = {}, []
    for index, name in enumerate(names):
        stem = re.sub(r"\d+$", "", re.sub(r"\.[A-Za-z]{3,4}$", "", name))
        if any(letter.isalpha() for letter in stem.rpartition("/")[2]):  # a mere number says nothing
            pairs.append((seen.setdefault(stem, index), index))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _images(name, value):
    """Require images of shape (n, channels, height, width) with values from -1 to 1."""
    value = _inputs.floating(name, value)
    if value.ndim != 4 or value.shape[1] not in (1, 3, 4) or 0 in value.shape:
        wanted = "(n, channels, height, width) with 1, 3 or 4 channels and no size 0"
        raise ValueError(f"{name} must have shape {wanted}, not {_inputs.shape(value)}")
    _inputs.finite_entries(name, value)
    if value.abs().max() > 1 + 1e-3:
        raise ValueError(f"{name} must lie in [-1, 1], but reaches {value.abs().max().item():g}")
    return value

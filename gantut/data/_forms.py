r"""Forms: which pictures show the same thing, as frames of an animation, in other colours or mirrored.

A training set and a held-out set that share a form would make a model that memorises look as if it generalised.
Two pictures are compared by their silhouettes and by their shading. With the opacities :math:`a`, and the brightness
:math:`y` of the premultiplied colours less its mean over the silhouette, :math:`z = y - \frac{\sum y}{\sum a}\,a`,

.. math::

    s(1, 2) = \max_{\text{moves}}\;
    \frac{\langle a_1, a_2\rangle}{\lVert a_1\rVert^2 + \lVert a_2\rVert^2 - \langle a_1, a_2\rangle}
    \cdot \max\Big(0,\, \frac{\langle z_1, z_2\rangle}{\lVert z_1\rVert\,\lVert z_2\rVert}\Big):

the Tanimoto coefficient of the silhouettes times the correlation of the shadings, where the second picture is moved by
up to two pixels, and mirrored or not. It lies in [0, 1]; it is 1 for a picture and its mirror image, and a change of
colours that keeps light parts light does not alter it much.
"""

import re

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch.nn import functional

from gantut import _inputs

# Where the histogram of the shipped creatures' likenesses stops to fall: below are strangers, above are relatives.
LIKENESS = 0.4
# How far a picture is moved in each direction before it is compared, in pixels.
MOVES = 2
# Luma of red, green and blue (Rec. ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)
# How many pictures are compared with all others at once.
ROWS = 1024


def likeness(x: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
    r"""Return how alike the forms of pictures are, from 0 to 1, whatever their colours, and mirrored or not.

    Parameters
    ----------
    x, y : tensor, shape (n, channels, height, width) and (m, channels, height, width)
        From -1 to 1; 4 channels are premultiplied colours and opacity, 3 are colours and 1 is grey, wholly opaque. By
        default y is x.

    Returns
    -------
    tensor, shape (n, m)
        The number s of this module: Tanimoto coefficient of the silhouettes times correlation of the shadings, at its
        best over moves by up to two pixels and mirroring. Where both are of a single colour, shading counts as 1, and
        where one alone is, as 0.
    """
    x = _pictures("x", x)
    y = x if y is None else _pictures("y", y)
    _inputs.together(x=x, y=y)
    if x.shape[1:] != y.shape[1:]:
        raise ValueError(f"x and y must have pictures of one shape, not {_inputs.shape(x)} and {_inputs.shape(y)}")
    first = [functional.pad(feature, (MOVES,) * 4).flatten(1) for feature in _features(x)]
    second = _features(y)
    best = x.new_zeros(len(x), len(y))
    for mirrored in (second, [feature.flip(-1) for feature in second]):
        for down in range(2 * MOVES + 1):
            for right in range(2 * MOVES + 1):
                edges = (right, 2 * MOVES - right, down, 2 * MOVES - down)
                moved = [functional.pad(feature, edges).flatten(1) for feature in mirrored]
                best = torch.maximum(best, _compared(*first, *moved))
    return best


def _features(pictures):
    """Return silhouettes and shadings (n, height, width), the latter of norm 1, or 0 where there is a single colour."""
    unit = (pictures.detach() + 1) / 2
    colours, silhouette = (unit[:, :-1], unit[:, -1]) if unit.shape[1] == 4 else (unit, torch.ones_like(unit[:, 0]))
    brightness = torch.einsum("nchw,c->nhw", colours, unit.new_tensor(LUMA if colours.shape[1] == 3 else (1.0,)))
    area = silhouette.sum((1, 2), keepdim=True).clamp_min(torch.finfo(unit.dtype).tiny)
    shading = brightness - silhouette * brightness.sum((1, 2), keepdim=True) / area
    norm = torch.linalg.vector_norm(shading, dim=(1, 2), keepdim=True)
    flat = norm <= 1e-3 * area.sqrt()  # less than a quarter of one of 256 levels
    return silhouette, torch.where(flat, 0.0, shading / torch.where(flat, 1.0, norm))


def _compared(silhouettes, shadings, others, other_shadings):
    """Return Tanimoto coefficient times correlation of n pictures and m others, all flattened: (n, m)."""
    common = silhouettes @ others.T
    joint = silhouettes.square().sum(1)[:, None] + others.square().sum(1) - common
    flat = ~shadings.any(1)[:, None] & ~other_shadings.any(1)
    correlation = torch.where(flat, 1.0, shadings @ other_shadings.T)
    return (common / joint.clamp_min(torch.finfo(common.dtype).tiny) * correlation).clamp(0, 1)


def forms(images: torch.Tensor, names=None, *, least: float = LIKENESS) -> torch.Tensor:
    """Group pictures by the form that they show: frames of an animation, other colours and mirror images together.

    Two pictures whose :func:`likeness` is at least `least` show one form, and so do those whose names differ in the
    number at their end alone, as "vortex1" and "vortex2" do; and whoever shows the same as a third shows the same.

    Parameters
    ----------
    images : tensor, shape (n, channels, height, width)
        From -1 to 1, as of :func:`creatures` or :func:`sprites`; best with 4 channels, whose last is the silhouette.
    names : sequence of str, optional
        One a picture, with or without the ending of a file; leave them out where the numbers count pictures, and not
        the frames of one.
    least : float
        In (0, 1]. The higher, the more alike two pictures must be. The default suits the shipped creatures, and was
        found by looking at pairs of them; other kinds of pictures may want another.

    Returns
    -------
    tensor of int64, shape (n,)
        The number of each picture's form, counted from 0 in the order of their first pictures.
    """
    images = _pictures("images", images)
    if not 0 < _inputs.positive("least", least) <= 1:
        raise ValueError(f"least must lie in (0, 1], not {least!r}")
    if names is not None and len(names) != len(images):
        raise ValueError(f"names must be {len(images)}, one a picture, not {len(names)}")
    parts = range(0, len(images), ROWS)
    pairs = [(likeness(images[start : start + ROWS], images) >= least).nonzero().cpu().numpy() for start in parts]
    pairs = [pair + [start, 0] for pair, start in zip(pairs, parts, strict=True)]
    pairs = np.concatenate([*pairs, _numbered(names or [])])
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(images), len(images)))
    labels = connected_components(graph, directed=False)[1]
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return torch.from_numpy(first.argsort().argsort()[inverse])


def _numbered(names):
    """Return pairs (i, j) of names that differ in the number at their end alone, shape (pairs, 2)."""
    seen, pairs = {}, []
    for index, name in enumerate(names):
        stem = re.sub(r"\d+$", "", re.sub(r"\.[A-Za-z]{3,4}$", "", name))
        if any(letter.isalpha() for letter in stem.rpartition("/")[2]):  # names that are numbers alone say nothing
            pairs.append((seen.setdefault(stem, index), index))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def held_out(groups: torch.Tensor, *, every: int = 5) -> torch.Tensor:
    """Choose whole groups to hold out: every fifth one, of the groups in order of their sizes.

    Small and large groups are thus held out in the same proportion, and nothing is left to chance.

    Parameters
    ----------
    groups : tensor of int, shape (n,)
        The number of each picture's group, as of :func:`forms`.
    every : int
        At least 2: one in how many groups.

    Returns
    -------
    tensor of bool, shape (n,)
        True for what is held out.
    """
    groups = _inputs.class_labels("groups", groups)
    if groups.ndim != 1:
        raise ValueError(f"groups must have shape (n,), not {_inputs.shape(groups)}")
    every = _inputs.count("every", every, least=2)
    _, inverse, sizes = groups.unique(return_inverse=True, return_counts=True)
    order = sizes.cpu().sort(stable=True).indices.to(groups.device)  # ties in order of the groups' numbers
    chosen = torch.zeros(len(sizes), dtype=torch.bool, device=groups.device)
    chosen[order[every // 2 :: every]] = True
    return chosen[inverse]


def _pictures(name, value):
    """Require pictures of shape (n, channels, height, width) from -1 to 1."""
    value = _inputs.floating(name, value)
    if value.ndim != 4 or value.shape[1] not in (1, 3, 4) or 0 in value.shape:
        wanted = "(n, channels, height, width) with 1, 3 or 4 channels, none of them 0"
        raise ValueError(f"{name} must have shape {wanted}, not {_inputs.shape(value)}")
    _inputs.finite_entries(name, value)
    if value.abs().max() > 1 + 1e-3:
        raise ValueError(f"{name} must lie in [-1, 1], but reaches {value.abs().max().item():g}")
    return value

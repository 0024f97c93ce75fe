r"""The Fréchet distance between Gaussians, as in the Fréchet inception distance.

A covariance has many square roots, :math:`\Sigma = R^\top R`, which differ by an orthogonal matrix. The distance
between two covariances is that of their closest roots:

.. math:: \operatorname{tr}\big(\Sigma_x + \Sigma_y - 2\,(\Sigma_x\Sigma_y)^{1/2}\big)
    = \min_{Q^\top Q = 1} \|R_x - Q R_y\|_F^2, \qquad Q = U V^\top \text{ for } R_x R_y^\top = U S V^\top.

This sum of squares is never negative, loses no digits where the two distributions are close, and needs no square root
of a matrix that is not symmetric.
"""

import torch

from gantut import _inputs
from gantut.metrics._populations import pair, population

# How far a covariance may be from symmetric and positive: rounding in single precision, relative to its largest entry.
ROUNDING = 1e-5


@torch.no_grad()
def frechet_distance(mean, covariance, reference_mean, reference_covariance):
    r"""Return the squared Fréchet distance between two Gaussians: their squared 2-Wasserstein distance.

    .. math:: \|\mu_x - \mu_y\|^2 + \operatorname{tr}\big(\Sigma_x + \Sigma_y - 2\,(\Sigma_x\Sigma_y)^{1/2}\big)

    Parameters
    ----------
    mean, covariance : tensors, shapes (..., d) and (..., d, d), floating point
        Of the samples; covariances are symmetric and positive semidefinite, and may be singular.
    reference_mean, reference_covariance : tensors, shapes (..., d) and (..., d, d)
        Of the data.

    Returns
    -------
    tensor, shape (...)
        The square, as FID is reported; NaN for a member whose mean or covariance is not finite.

    Raises
    ------
    ValueError
        If a matrix is not a covariance, shapes or devices do not match, or a single distribution or the reference is
        not finite.

    See Also
    --------
    fid : of Gaussians fitted to features.

    References
    ----------
    Dowson and Landau (1982); Heusel et al. (2017); Bhatia, Jain and Lim (2019) for the roots.

    Examples
    --------
    >>> one = torch.eye(2, dtype=torch.float64)
    >>> frechet_distance([0.0, 0.0], one, [3.0, 0.0], 4 * one)
    tensor(11., dtype=torch.float64)
    """
    given = dict(mean=mean, covariance=covariance)
    given |= dict(reference_mean=reference_mean, reference_covariance=reference_covariance)
    given = dict(zip(given, _inputs.promoted(**given), strict=True))
    mean_x, cov_x = _moments(given, "mean", "covariance", reference=False)
    mean_y, cov_y = _moments(given, "reference_mean", "reference_covariance", reference=True)
    if mean_x.values.shape[-1] != mean_y.values.shape[-1]:
        d = mean_x.values.shape[-1], mean_y.values.shape[-1]
        raise ValueError(f"mean and reference_mean must have the same dimension d, but have {d[0]} and {d[1]}")
    _inputs.broadcast(**{"the batches of mean": mean_x.alive, "of reference_mean": mean_y.alive})
    roots = _root("covariance", cov_x), _root("reference_covariance", cov_y)
    distance = (mean_x.values - mean_y.values).square().sum(-1) + _best_fit(*roots)
    return cov_x.answer(mean_x.answer(distance))


@torch.no_grad()
def fid(samples, reference):
    r"""Return the squared Fréchet distance between Gaussians fitted to features: FID, on features of your choice.

    .. math:: \|\bar x - \bar y\|^2 + \operatorname{tr}\big(S_x + S_y - 2\,(S_x S_y)^{1/2}\big)

    Parameters
    ----------
    samples : tensor, shape (..., n, d), floating point
        Features, for instance of a :class:`Classifier`; n at least 2, and n < d does no harm.
    reference : tensor, shape (..., m, d)
        Features of the data.

    Returns
    -------
    tensor, shape (...)
        The square, with unbiased covariances S (divided by n - 1), as FID is reported; NaN for a member whose samples
        are not finite.

    Raises
    ------
    ValueError
        If there are fewer than two points, a single point cloud or the reference is not finite, or the two do not
        match.

    See Also
    --------
    kid : without bias.
    frechet_distance : from means and covariances.

    Notes
    -----
    It sees only means and covariances of features: distributions that share both score 0, however they differ.
    It depends on the features, so numbers from different features cannot be compared.
    It is biased upwards: n and m draws of the same distribution :math:`N(\mu, s^2 1)` in d dimensions score about
    :math:`s^2 (\tfrac1n + \tfrac1m)\big(d + \tfrac{d(d+1)}4\big)` instead of 0, and the bias differs from
    generator to generator. Compare equal n only, and compare with the score of a second draw of the data;
    :func:`kid` has no bias.

    References
    ----------
    Heusel et al. (2017); Bińkowski et al. (2018) and Chong and Forsyth (2020) on the bias; lesson 7.

    Examples
    --------
    >>> fid([[0.0], [2.0]], [[3.0], [5.0]])  # equal covariances, means 3 apart
    tensor(9., dtype=torch.float64)
    """
    x, y = pair(samples, reference, least=2, why=" for a covariance")
    origin = y.values[..., :1, :]  # near which means keep their digits
    apart = (x.values - origin).mean(-2) - (y.values - origin).mean(-2)
    roots = (torch.linalg.qr(_scaled_deviations(cloud.values), mode="r").R for cloud in (x, y))  # R^T R = S
    return x.answer(apart.square().sum(-1) + _best_fit(*roots))


def _scaled_deviations(points):
    """Return the matrix A (..., n, d) with A^T A = S."""
    return (points - points.mean(-2, keepdim=True)) / (points.shape[-2] - 1) ** 0.5


def _best_fit(root_x, root_y):
    """Return the minimum of ||R_x - Q R_y||^2 over orthogonal Q, shape (...); roots may have any number of rows."""
    rows = max(root_x.shape[-2], root_y.shape[-2])
    root_x, root_y = (torch.nn.functional.pad(r, (0, 0, 0, rows - r.shape[-2])) for r in (root_x, root_y))
    u, _, vh = torch.linalg.svd(root_x @ root_y.mT)
    return (root_x - u @ vh @ root_y).square().sum((-2, -1))


def _root(name, covariance):
    """Return a root R (..., d, d) of the covariance, R^T R, from its eigenvectors; negative rounding counts as 0."""
    eigenvalues, vectors = torch.linalg.eigh(covariance.values)
    rounding = max(ROUNDING, 4 * torch.finfo(covariance.dtype).eps)  # of entries in half precision
    if (eigenvalues[..., 0] < -rounding * eigenvalues[..., -1].abs()).any():
        worst = eigenvalues[..., 0].min().item()
        raise ValueError(f"{name} must have no negative eigenvalue, but has {worst:.6g}")
    return eigenvalues.clamp_min(0).sqrt()[..., None] * vectors.mT


def _moments(given, mean_name, covariance_name, *, reference):
    """Return a mean (..., d) and a covariance (..., d, d) that match."""
    mean, covariance = given[mean_name], given[covariance_name]
    if not mean.ndim or not mean.shape[-1]:
        raise ValueError(f"{mean_name} must have shape (..., d), d at least 1, not {_inputs.shape(mean)}")
    if covariance.shape != (*mean.shape, mean.shape[-1]):
        wanted = (*mean.shape, mean.shape[-1])
        raise ValueError(f"{covariance_name} must have shape {wanted}, not {_inputs.shape(covariance)}")
    mean = population(mean_name, mean, own=1, reference=reference)
    covariance = population(covariance_name, covariance, reference=reference)
    largest = covariance.values.abs().amax((-2, -1))
    uneven = (covariance.values - covariance.values.mT).abs().amax((-2, -1))
    if (uneven > ROUNDING * largest).any():
        raise ValueError(f"{covariance_name} must be symmetric, but entries differ by {uneven.max().item():.6g}")
    return mean, covariance

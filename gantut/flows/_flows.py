"""The loss, the sampler, and how straight its paths are."""

import torch
from torch import nn

from gantut import _inputs


class Velocity(nn.Module):
    """A network as a velocity field: time is one more coordinate of its input.

    Parameters
    ----------
    network : Module
        From (..., n, d + 1) to (..., n, d): for a population `gantut.networks.MLP` with widths d + 1, ..., d.

    Examples
    --------
    >>> from gantut.networks import MLP
    >>> velocity = Velocity(MLP([3, 32, 2], members=4))
    >>> velocity(torch.zeros(4, 100, 2), 0.5).shape
    torch.Size([4, 100, 2])

    See Also
    --------
    flow : follows it.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor, times) -> torch.Tensor:
        """Return the velocity at points x (..., n, d) and times, one number or (..., n): shape (..., n, d)."""
        times = torch.as_tensor(times, dtype=x.dtype, device=x.device).expand(x.shape[:-1])
        return self.network(torch.cat([x, times[..., None]], -1))


def flow_matching_loss(velocity, noise: torch.Tensor, data: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
    r"""Return the loss of flow matching on straight lines between pairs, the i-th of both batches.

    .. math:: \mathbb E\,\big\|v(x_t, t) - (x_1 - x_0)\big\|^2, \qquad x_t = (1-t)\,x_0 + t\,x_1

    Parameters
    ----------
    velocity : function (x, times) -> tensor, shape (..., n, d)
    noise, data : tensors, shape (..., n, d)
        The ends :math:`x_0` and :math:`x_1`, already in pairs.
    times : tensor, shape (..., n)
        In [0, 1], usually uniform.

    Returns
    -------
    tensor, shape (...)
        The mean over the batch, for each member.

    Raises
    ------
    ValueError
        If the batch is empty; shapes, also that of the velocity, dtypes or devices do not match; or a time is outside
        [0, 1].

    See Also
    --------
    gantut.transport.minibatch_coupling : pairs by optimal transport.

    Notes
    -----
    Its least value is not 0 but the mean variance of :math:`x_1 - x_0` at a place and time: what is left where paths
    cross. Where they do not, it is 0.

    References
    ----------
    Lipman et al. (2023), *Flow matching for generative modeling*, with their smallest width 0; Liu et al. (2023),
    *Flow straight and fast*; Albergo and Vanden-Eijnden (2023); lesson 17.

    Examples
    --------
    >>> noise = torch.tensor([[0.0], [1.0]])
    >>> flow_matching_loss(lambda x, t: torch.full_like(x, 2.0), noise, noise + 3.0, torch.tensor([0.1, 0.9]))
    tensor(1.)
    """
    if noise.shape != data.shape or noise.ndim < 2 or times.shape != noise.shape[:-1] or not noise.numel():
        shapes = " and ".join(str(_inputs.shape(t)) for t in (noise, data, times))
        raise ValueError(
            f"noise, data and times must have shapes (..., n, d), the same, and (..., n), no size 0, not {shapes}"
        )
    _inputs.together(noise=noise, data=data, times=times)
    if not ((times >= 0) & (times <= 1)).all():
        raise ValueError(f"times must lie in [0, 1], but reach from {times.min().item()} to {times.max().item()}")
    between = torch.lerp(noise, data, times[..., None])
    return (_velocity_at(velocity, between, times) - (data - noise)).square().sum(-1).mean(-1)


def flow(velocity, x: torch.Tensor, *, steps: int, method: str = "euler", path: bool = False) -> torch.Tensor:
    r"""Follow a velocity field from time 0 to time 1 in equal steps.

    .. math:: x_{k+1} = x_k + h\,v(x_k, t_k) \quad\text{(Euler)}, \qquad
        x_{k+1} = x_k + \tfrac h2\big(v(x_k, t_k) + v(x_k + h\,v(x_k, t_k),\, t_{k+1})\big) \quad\text{(Heun)}

    Parameters
    ----------
    velocity : function (x, time) -> tensor, shape (..., n, d)
    x : tensor, shape (..., n, d)
        Where to start: noise.
    steps : int
        How many; Heun's method asks for the velocity twice in each.
    method : {"euler", "heun"}
    path : bool
        Whether to return all places on the way.

    Returns
    -------
    tensor, shape (..., n, d), or (steps + 1, ..., n, d) for a path
        With a gradient, through all steps, where the velocity has one; draw samples under ``torch.no_grad()``.

    Raises
    ------
    ValueError
        If `steps` or `method` is not allowed, or the velocity has another shape than `x`.

    See Also
    --------
    curvature : of such a path.

    References
    ----------
    Hairer, Nørsett and Wanner (1993), chapter II; lesson 17.

    Examples
    --------
    >>> flow(lambda x, t: x, torch.ones(1, 1), steps=1000, method="heun")  # e
    tensor([[2.7183]])
    """
    h = 1 / _inputs.count("steps", steps)
    heun = _inputs.one_of("method", method, ("euler", "heun")) == "heun"
    places = [x]
    for k in range(steps):
        v = _velocity_at(velocity, x, k * h)
        if heun:
            v = (v + _velocity_at(velocity, x + h * v, (k + 1) * h)) / 2
        x = x + h * v
        if path:
            places.append(x)
    return torch.stack(places) if path else x


def _velocity_at(velocity, x, times):
    """Return the velocity at points x: one of another shape would be broadcast, and move points astray."""
    v = velocity(x, times)
    if v.shape != x.shape:
        raise ValueError(f"velocity must return the shape of the points, {_inputs.shape(x)}, not {_inputs.shape(v)}")
    return v


def curvature(path: torch.Tensor) -> torch.Tensor:
    r"""Return by how much the speeds along paths differ from those of straight lines between their ends.

    .. math:: \mathbb E\int_0^1 \Big\|\frac{dx_t}{dt} - (x_1 - x_0)\Big\|^2 dt \Big/ \mathbb E\|x_1 - x_0\|^2

    Parameters
    ----------
    path : tensor, shape (steps + 1, ..., n, d)
        Places at equal distances in time, as from :func:`flow`.

    Returns
    -------
    tensor, shape (...)
        0 if a single step of Euler's method arrives where many do; NaN where nothing moves.

    Raises
    ------
    ValueError
        If there are fewer than two places.

    References
    ----------
    Liu et al. (2023), *Flow straight and fast*, there without the denominator; lesson 17.

    Examples
    --------
    >>> curvature(torch.tensor([0.0, 3.0, 4.0])[:, None, None])  # 1.5 times the mean speed, then half of it
    tensor(0.2500)
    """
    if path.ndim < 3 or len(path) < 2:
        raise ValueError(f"path must have shape (steps + 1, ..., n, d), steps at least 1, not {_inputs.shape(path)}")
    straight = path[-1] - path[0]
    off = path.diff(dim=0) * (len(path) - 1) - straight
    return off.square().sum(-1).mean((0, -1)) / straight.square().sum(-1).mean(-1)

r"""Terms such as :math:`p\log(p/q)`, exact in value and finite in gradient where a probability is zero.

Two things go wrong when such a term is written down as it stands. Its value is ``0 * inf = nan`` where
:math:`0\log 0 = 0` is meant, and it loses all digits to cancellation where :math:`p\approx q`. And its gradient is
infinite where a probability is zero, which the chain rule (through a softmax, say) turns into ``nan``. Here the
gradient at a floating point zero is the gradient at the smallest normal number, the number for which that zero
stands: finite, of the right sign, and zero again behind a softmax.
"""

import torch


def _at_least_tiny(x):
    return x.clamp_min(torch.finfo(x.dtype).tiny)


def _log_ratio(p, q):
    return _at_least_tiny(p).log() - _at_least_tiny(q).log()


def _excess(x):
    r"""The excess :math:`x - \log(1+x)` for :math:`|x| < \frac14`, with no cancellation near 0.

    With :math:`s = \frac x{2+x}` it is :math:`\frac{2s}{1-s} - 2\,\mathrm{artanh}\,s`, and both begin with :math:`2s`.
    """
    s = x / (2 + x)
    square, tail = s * s, 0.0
    for power in range(19, 1, -2):
        tail = square * (tail + 1 / power)  # artanh(s)/s - 1 = s²/3 + s⁴/5 + ...
    return 2 * s * (s / (1 - s) - tail)


class Term(torch.autograd.Function):
    """A function of two tensors, entry by entry, by its slopes in both."""

    generate_vmap_rule = True

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @classmethod
    def backward(cls, ctx, gradient):
        first, second = cls.slopes(*ctx.saved_tensors)
        return gradient * first, gradient * second

    @classmethod
    def jvp(cls, ctx, *tangents):
        return sum(slope * tangent for slope, tangent in zip(cls.slopes(*ctx.saved_tensors), tangents, strict=True))


class RelativeEntropy(Term):
    r"""The term :math:`p\log\frac pq - p + q \ge 0`, whose sum over two distributions is KL(p‖q).

    Since both distributions add up to 1, the added :math:`q - p` changes nothing in the sum, but makes every term
    non-negative, so that nothing cancels. The gradient is that of :math:`p\log\frac pq` itself.
    """

    @staticmethod
    def forward(p, q):
        divisor = torch.where(p > 0, p, 1)
        ratio, change = q / divisor, (q - p) / divisor
        near = p * _excess(change)
        middle = p * (change - ratio.log())
        far = torch.special.xlogy(p, p) - torch.special.xlogy(p, q) + (q - p)  # where the ratio leaves the format
        representable = (p > 0) & (ratio >= torch.finfo(p.dtype).tiny) & torch.isfinite(ratio)
        return torch.where(representable, torch.where(change.abs() < 0.25, near, middle), far)

    @staticmethod
    def slopes(p, q):
        somewhere = (p > 0) | (q > 0)
        d_p = torch.where(somewhere, _log_ratio(p, q) + 1, 0)
        return d_p, -p / _at_least_tiny(q)


class JensenShannon(Term):
    r"""The term :math:`\frac12 p\log\frac pm + \frac12 q\log\frac qm = m\,J(s)` with :math:`m = \frac{p+q}2`.

    Here :math:`s = \frac{p-q}{p+q}` and
    :math:`J(s) = \frac{1+s}2\log(1+s) + \frac{1-s}2\log(1-s) = s\,\mathrm{artanh}\,s + \frac12\log(1-s^2)`,
    which is even, non-negative and at most log 2: symmetry and both bounds hold term by term.
    """

    @staticmethod
    def forward(p, q):
        total = p + q
        s = (p - q) / torch.where(total > 0, total, 1)
        near = s * torch.atanh(s) + torch.log1p(-s * s) / 2
        far = (torch.special.xlog1py(1 + s, s) + torch.special.xlog1py(1 - s, -s)) / 2
        return total / 2 * torch.where(s.abs() < 0.5, near, far)

    @staticmethod
    def slopes(p, q):
        m = p / 2 + q / 2
        return _log_ratio(p, m) / 2, _log_ratio(q, m) / 2


class WeightedLog(Term):
    r"""The term :math:`w\log x` with :math:`0\log 0 = 0`; its gradient is :math:`(\log x,\ w/x)`."""

    @staticmethod
    def forward(weight, x):
        return torch.special.xlogy(weight, x)

    @staticmethod
    def slopes(weight, x):
        safe = _at_least_tiny(x)
        return safe.log(), weight / safe


relative_entropy = RelativeEntropy.apply
jensen_shannon = JensenShannon.apply
weighted_log = WeightedLog.apply

r"""The line as quadrature sees it: cut at the ends of supports, and stretched, so that no end and no tail is sharp.

Between two neighbouring ends a point is :math:`x = a \pm y`, where :math:`a` is the nearer end and :math:`\log y` is
what moves: a density that behaves like :math:`y^{\alpha-1}`, at a pole or far out, is then as smooth as
:math:`e^{\alpha\log y}`. The whole line without ends has :math:`y = |x - c|` for a centre :math:`c`. What floating
point cannot hold, an :math:`x` too near to an end or too far out, is extrapolated as a power of :math:`y`.
"""

import math
from typing import NamedTuple

import torch
from torch.nn.functional import logsigmoid

_FEW = 16  # distributions of a batch that all have marks of their own
REACH, STRETCH = 8.5, 6.0  # u = 6 sinh v for |v| < 8.5: log y reaches 15,000
_STEPS = torch.tensor([0.25, 0.5, 0.75, 1, 1.3, 1.6, 2, 2.5, 3, 4, 5.5, REACH], dtype=torch.float64)


class Places(NamedTuple):
    """Points a ± y: their segments, whether they lie left of their anchors, log y, log dx/dt, dlog y/dt times t."""

    segment: torch.Tensor
    left: torch.Tensor
    anchor: torch.Tensor
    log_y: torch.Tensor
    log_stretch: torch.Tensor
    blur: torch.Tensor


class Points(NamedTuple):
    """Points x, with log dx/dt, and dlog x/dt times t; whether they lie left of the middle."""

    x: torch.Tensor
    left: torch.Tensor
    log_stretch: torch.Tensor
    blur: torch.Tensor


class Line:
    """The segments between sorted `edges`, shape (segments + 1, batch), the outer ones perhaps infinite."""

    def __init__(self, edges, centre, scale):
        flat = edges.reshape(len(edges), -1)
        wider = flat[1:] > flat[:-1] + 2.0**-50 * flat[:-1].abs().nan_to_num(posinf=0.0)  # than by rounding
        self.edges, self.centre = edges[torch.cat([wider.new_ones(1), wider.any(1)])], centre
        low, high = self.edges[:-1], self.edges[1:]
        self.whole = torch.isinf(low) & torch.isinf(high)
        reach = scale + torch.where(self.whole, 0, torch.minimum((centre - low).abs(), (centre - high).abs()))
        self.scale = torch.where(torch.isfinite(high - low), high - low, reach)
        self.nearby = torch.minimum(self.scale, 1e6 * reach)  # where to measure densities, in a wide interval
        self.bounds = -REACH, REACH * (2 * len(low) - 1)  # of t, which is v in the first segment

    def grid(self, landmarks):
        """Return values of t for the first panels to begin at: a few a segment, and those of landmarks, 5 to a peak."""
        middles = 2 * REACH * torch.arange(len(self.scale), device=landmarks.device)
        steps = _STEPS.to(landmarks.device)
        segment = (landmarks > self.edges[1:-1, None]).sum(0)
        low, high = self.edges.gather(0, segment), self.edges.gather(0, segment + 1)
        scale = self.scale.gather(0, segment)
        left, right = ((landmarks - low) / scale).log(), ((high - landmarks) / scale).log()
        left, right = torch.where(torch.isinf(low), 0, left), torch.where(torch.isinf(high), 0, right)
        u = torch.where(self.whole.gather(0, segment), ((landmarks - self.centre) / scale).asinh(), left - right)
        marks = (u / STRETCH).asinh().clamp(-REACH, REACH) + 2 * REACH * segment
        return torch.cat([*(middles + step for step in (*steps, *-steps, 0)), _needed(marks)])

    def ends(self):
        """Return the first and the last t of every segment."""
        middles = 2 * REACH * torch.arange(len(self.scale), dtype=torch.float64, device=self.scale.device)
        return torch.cat([middles - REACH * (1 - 2.0**-40), middles + REACH * (1 - 2.0**-40)])

    def at(self, t):
        """Return the points that belong to t, of shape (points,)."""
        segment = ((t + REACH) / (2 * REACH)).long().clamp(0, len(self.scale) - 1)
        v = (t - 2 * REACH * segment).reshape(-1, *(1 for _ in self.scale.shape[1:]))
        u, size = STRETCH * v.sinh(), (STRETCH * v.sinh()).abs()
        low, high = self.edges[segment], self.edges[segment + 1]
        bounded, whole = torch.isfinite(high - low), self.whole[segment]
        left = torch.where(bounded, u > 0, torch.where(whole, u < 0, torch.isinf(low)))
        beyond = torch.log1p((-2 * size).exp()) - math.log(2)
        within = torch.log(-torch.expm1(-2 * size)) - math.log(2)
        log_y = torch.where(bounded, logsigmoid(-size), torch.where(whole, size + within, torch.where(left, -u, u)))
        slope = torch.where(bounded, logsigmoid(u) + logsigmoid(-u), torch.where(whole, size + beyond, log_y))
        anchor = torch.where(whole, self.centre, torch.where(left, high, low))
        scale = self.scale[segment].log()
        log_stretch = slope + scale + (STRETCH * v.cosh()).log()
        blur = STRETCH * v.cosh() * (v + 2 * REACH * segment.reshape(v.shape[:1] + (1,) * (v.ndim - 1))).abs()
        return Places(segment, left, anchor, log_y + scale, log_stretch, blur)

    def seen_by(self, density):
        """Return a function from places to their points x, the log density there and, if asked, a doubt about it."""
        anchors = torch.where(self.whole, self.centre, torch.stack([self.edges[1:], self.edges[:-1]]))
        anchors, scale = anchors.nan_to_num(posinf=0.0, neginf=0.0), self.nearby.expand_as(anchors)
        whole_digits = (anchors == 0) | (density.on_unit_interval & (anchors == 1))  # of y, for the density
        finest = torch.where(whole_digits, 0, 2.0**-46 * anchors.abs())

        def log(anchor, offset, **options):
            rest = torch.where(anchor == 1, -offset, 1 - (anchor + offset)) if density.on_unit_interval else None
            return density.log(anchor + offset, rest, **options)

        ended, tailed = not self.whole.all(), torch.isinf(self.edges).any()
        near = _ladder(log, anchors, scale, -1, finest) if ended else scale.new_zeros(4, *scale.shape)
        near = torch.stack([torch.where(self.whole, -math.inf, near[0]), *near[1:]])
        far = _ladder(log, anchors, scale, 1, torch.zeros_like(scale)) if tailed else math.inf * torch.ones_like(near)
        tables = torch.cat([near.to(far), far, whole_digits[None].to(far)])

        def look(places, *, doubt=False):
            here = torch.where(places.left, *tables[:, :, places.segment].unbind(1))
            y = places.log_y.maximum(here[0]).minimum(here[4]).exp()
            offset = torch.where(places.left, -y, y)
            x, found, doubts = places.anchor + offset, log(places.anchor, offset), 0
            if ended:
                exact = torch.where(here[8] > 0, y, (x - places.anchor).abs())  # after rounding x
                smooth = (here[8] > 0) | (here[1].abs() > 1e3)  # no power has such a slope
                close = places.log_y < here[0] + torch.where(smooth, 0, 24)  # so that rounding counts
                away = torch.where(close, places.log_y, 0) - torch.where(close, exact, 1).log()
                found, doubts = _extrapolated(found, away, *here[1:4], doubt)
            if tailed:
                found, more = _extrapolated(found, (places.log_y - here[4]).clamp_min(0), *here[5:8], doubt)
                doubts = doubts + more
            if doubt:
                doubts = torch.where((found < -1e299) & (found > -math.inf), 1e304, doubts)  # a log_prob that overflows
            y = places.log_y.minimum(
                self.scale[places.segment].log() + 276
            ).exp()  # up to 1e120: x itself, not measured
            low, high = self.edges[places.segment], self.edges[places.segment + 1]
            x = places.anchor + torch.where(places.left, -y, y)
            return x.maximum(low.nextafter(high)).minimum(high.nextafter(low)), found, doubts

        return look


class Gentle:
    """The whole line, or an interval, for densities that are smooth and fall steeply: nothing to extrapolate."""

    def __init__(self, bounds, centre, scale):
        self.centre, self.scale, self.everywhere = centre, scale, bounds == (-math.inf, math.inf)
        self.bounds = (-1.0, 1.0) if self.everywhere else bounds

    def grid(self, landmarks):
        """Return the t of the landmarks."""
        away = 2 * (landmarks - self.centre) / self.scale
        return _needed(away / (1 + (1 + away * away).sqrt()) if self.everywhere else landmarks)

    def ends(self):
        """Return the first and the last t, beyond which there may be mass: nothing beyond an interval."""
        return self.scale.new_tensor([-1.0, 1.0] if self.everywhere else []) * (1 - 2.0**-40)

    def at(self, t):
        """Return the points x = c + s t / (1 - t²), shape (points, batch), log dx/dt, and dlog |x - c| / dlog t."""
        t = t.reshape(-1, *(1 for _ in self.scale.shape))
        if not self.everywhere:
            return Points(t, t < self.centre, torch.zeros_like(t), torch.ones_like(t))
        inner = 1 - t * t
        blur = (1 + t * t) / inner
        return Points(self.centre + self.scale * (t / inner), t < 0, (self.scale * blur / inner).log(), blur)

    def seen_by(self, density):
        """Return a function as :meth:`Line.seen_by` does."""

        def look(places, *, doubt=False):
            found = density.log(places.x)
            doubts = torch.zeros_like(found).masked_fill(found < -1e299, 1e304) if doubt else 0  # it overflows
            return places.x, found, doubts

        return look


def _needed(marks):
    """Return the marks of a few distributions, five to a peak, and of many only those of peaks that might be missed."""
    peaks = marks.reshape(5, -1)  # each distribution has a scale of its own, on which most peaks are not narrow
    needles = peaks[3] - peaks[1] < 0.05
    return peaks[:, needles if marks[0].numel() > _FEW else slice(None)].reshape(-1)


def _extrapolated(found, away, slope, growth, bend, doubt):
    """Return a log density further away, if its slope grows like exp(growth x away), and how much it may be wrong."""
    growth, steep = growth.detach(), growth != 0
    length = torch.where(steep, torch.expm1((growth * away).clamp_max(600)) / torch.where(steep, growth, 1), away)
    change = (slope * length).clamp(-1e300, 1e300)
    if not doubt:
        return found + change, 0
    wrong = 50 * bend.detach() * torch.where(steep, change.detach() * away, away**2).abs()
    return found + change, torch.where(change.abs() < 1e299, wrong, 1e304)  # where it overflows


def _ladder(log, anchors, scale, direction, finest):
    """Measure a density at points a factor 16 apart, as near to the anchors or as far out as it is finite.

    Beside an anchor other than 0, that is where the rounding of x and what is not yet a power balance. Return, for the
    points left and right of the anchors, where extrapolation begins (log y), the power of y that the density follows,
    the power of y that its logarithm follows where that is steep, and how much the former or the latter changes from
    point to point.
    """
    sign = torch.tensor([-1.0, 1.0]).to(scale).reshape(2, *(1 for _ in scale.shape[1:]))
    apart, nothing = -direction * math.log(16), torch.zeros_like(scale)
    best = torch.stack([nothing + direction * math.inf, nothing, nothing, nothing + math.inf])

    def measured(first, count):
        offset = torch.stack([sign * (first + rung * apart).exp() for rung in range(count)])
        rungs = log(anchors.expand_as(offset).flatten(0, 2), offset.flatten(0, 2), checked=False).reshape(offset.shape)
        return rungs, ((rungs[:-1] - rungs[1:]) / -apart).nan_to_num(0.0, 0.0, 0.0)

    with torch.no_grad():
        for step, exponent in enumerate((120, 60, 30, 15, 8, 4)):
            first = (scale.log2() + direction * exponent * math.log2(10)).maximum(finest.log2() + 7 * step)
            first = first.floor() * math.log(2)  # a power of 2, which is exact beside an anchor
            rungs, slopes = measured(first, 4)
            bend = (slopes[0] - slopes[1]).abs()
            steep = (bend > 0.1 * slopes[0].abs()) & (slopes.abs().amin(0) > 1)
            growth = torch.where(steep, slopes[:-1] / slopes[1:], 1).abs().log() / -apart
            bend = torch.where(steep, (growth[0] - growth[1]).abs(), bend / abs(apart))
            usable = ~(torch.isnan(rungs) | (rungs > 1e300) | ((rungs < -1e299) & torch.isfinite(rungs))).any(0)
            better = usable & (torch.isinf(best[3]) | ((finest > 0) & (bend < best[3])))
            best = torch.where(better, torch.stack([first, slopes[0], growth[0], bend]), best)
            if torch.isfinite(best[3][finest == 0]).all() and (step == 3 or not (finest > 0).any()):
                break
        missing = torch.isinf(best[3])  # nowhere finite: no answer, if there is mass
        start, slope, growth, bend = torch.where(missing, torch.stack([first, nothing, nothing, nothing + 1e280]), best)
    if torch.is_grad_enabled():
        slope = measured(start, 2)[1][0]
    spread = torch.where(growth == 0, 1.0, -growth * apart)
    slope = slope * torch.where(growth == 0, 1, spread / -torch.expm1(-spread))  # at the first point
    return torch.stack([start, slope, growth, bend])

"""The exercises of lesson 14, New creatures."""

import torch

from gantut.lessons import Exercise, Mistake


def _smallest_ratio(distances, forms, *, other=True, across=torch.amin):
    nearest = distances.min(1)
    same = forms[nearest.indices, None] == forms
    if not other:
        same = torch.zeros_like(distances, dtype=torch.bool).scatter_(1, nearest.indices[:, None], True)
    return across(nearest.values / distances.masked_fill(same, torch.inf).amin(1), 0).item()


def _second_nearest(distances, forms):
    return _smallest_ratio(distances, forms, other=False)


def _mean_ratio(distances, forms):
    return _smallest_ratio(distances, forms, across=torch.mean)


def _inverse_ratio(distances, forms):
    return 1 / _smallest_ratio(distances, forms)


_TABLE = torch.tensor([[0.30, 0.32, 0.40, 0.50], [0.45, 0.44, 0.20, 0.36], [0.50, 0.60, 0.55, 0.58]]).double()
_FORMS = torch.tensor([0, 0, 1, 2])

EXERCISES = (
    Exercise(
        id="rounds-for-the-money",
        answer=1000 * 12 / 70,
        praise="One iteration for six. Comparing after equally many iterations gives one side six times as much.",
        mistakes=(
            Mistake(200, "Five critic steps are not all: a penalty makes each of them cost 13 passes, not 7."),
            Mistake(300, "That is without the penalty, which costs 6 passes per critic step."),
            Mistake(
                1000, "An iteration with five penalised critic steps costs more than one with a single plain step."
            ),
            Mistake(1000 * 12 / 65, "The generator step, 5 passes, belongs to the iteration as well."),
        ),
        tolerance=5e-3,  # 171 whole iterations, or 172, will do
    ),
    Exercise(
        id="mirror-now-and-then",
        answer=0.4,
        praise="Anything but a half leaves the distribution readable, if only with more data: differences shrink "
        "to 0.4.",
        mistakes=(
            Mistake(0.0, "That is for every second picture, q = 1/2."),
            Mistake(0.7, "The fraction 0.7 of p − p' stays, but 0.3 of it changes sign."),
            Mistake(-0.4, "Only 0.3 of the difference changes its sign; 0.7 of it stays."),
            Mistake(1.0, "That is for the sum p + p', which no mirror changes."),
        ),
    ),
    Exercise(
        id="coming-to-rest",
        answer=0.8,
        praise="Whatever moves the critic away from flat is pulled back, by R₁ and by the game itself.",
        mistakes=(
            Mistake(0.3, "That is R₁ alone. The two means of the game bend upwards, too."),
            Mistake(0.5, "That is the game without R₁, which adds its weight."),
            Mistake(0.55, "Both means contribute: one for real and one for generated samples, a quarter each."),
            Mistake(0.65, "The half in R₁ goes: the second derivative of a² is 2."),
            Mistake(1.1, "R₁ has a half in front: its second derivative is its weight, not twice that."),
        ),
    ),
    Exercise(
        id="smallest-ratio",
        answer=_smallest_ratio,
        praise="It needs no threshold in grey levels: a copy is far closer to its original than to anything else.",
        mistakes=(
            Mistake(_second_nearest, "Compare with the nearest of another form: relatives are always close by."),
            Mistake(_mean_ratio, "One copy must not hide in a mean: take the smallest."),
            Mistake(_inverse_ratio, "The other way up: a copy has a ratio near 0."),
        ),
        arguments=((_TABLE, _FORMS), (_TABLE[:1], _FORMS), (_TABLE[1:], _FORMS)),
        tolerance=1e-9,
    ),
)

"""The exercises of lesson 15, Are GANs created equal?"""

import math

from gantut.lessons import Exercise, Mistake


def _expected_best(values, k):
    ordered, n = sorted(values, reverse=True), len(values)
    return sum(math.comb(n - 1 - i, k - 1) * x for i, x in enumerate(ordered)) / math.comb(n, k)


def _with_replacement(values, k):
    ordered, n = sorted(values), len(values)
    return sum((((i + 1) / n) ** k - (i / n) ** k) * x for i, x in enumerate(ordered))


def _mean_of_the_best(values, k):
    return sum(sorted(values, reverse=True)[:k]) / k


def _best_of_the_first(values, k):
    return max(values[:k])


def _expected_worst(values, k):
    return -_expected_best([-x for x in values], k)


SCORES = ((0.2, 0.5, 0.6, 0.9), (3.0, 1.0, 2.0, 5.0, 4.0), (0.0, 0.0, 1.0, 1.0, 0.5, 0.25))

EXERCISES = (
    Exercise(
        id="best-of-two-tries",
        answer=11 / 15,
        praise="And one try alone is worth 0.55: the second gains as much as many a paper.",
        mistakes=(
            Mistake(0.9, "That is what all four tries together are worth. Two of them may miss the best."),
            Mistake(0.75, "That is the mean of the two best. Take the mean, over all pairs, of the better one."),
            Mistake(0.55, "That is the mean: the best of one try."),
            Mistake(
                0.6875,
                "Here the same try may come twice: that is the best of two draws with replacement, which is too low.",
            ),
        ),
    ),
    Exercise(
        id="when-to-stop",
        answer=9,
        praise="The gain is 1/((k+1)(k+2)): the first tries buy most, and no number of them is the last.",
        mistakes=(
            Mistake(8, "Nearly: the ninth try after eight is still worth 1/90."),
            Mistake(10, "That is enough, and one more than needed: from nine tries to ten the gain is 1/110."),
            Mistake(99, "There B_k itself is within 0.01 of 1. The question asks what one more try adds."),
            Mistake(11, "The gain is not 1/k²: take the difference of k/(k+1) for k + 1 and for k."),
        ),
        tolerance=1e-6,
    ),
    Exercise(
        id="distance-of-a-triangle",
        answer=math.sqrt(3 * 0.3**2),
        praise="One mode is wrong, by 0.3, and counts once for each of the three corners.",
        mistakes=(
            Mistake(0.3, "Each of the three corners has to move by 0.3; the distance is that of all three together."),
            Mistake(3 * 0.3**2, "That is its square."),
            Mistake(0.9, "The distances of the corners add up as squares."),
            Mistake(
                0.0, "It is a regular triangle, but one that the distribution cannot draw: the radius is at most 1."
            ),
        ),
    ),
    Exercise(
        id="expected-best",
        answer=_expected_best,
        praise="Without bias: the mean over all choices of k tries, without making a single choice.",
        mistakes=(
            Mistake(_with_replacement, "That is right for draws with replacement, where the same try may come twice."),
            Mistake(_mean_of_the_best, "That is the mean of the k best. Of k random tries, few are among them."),
            Mistake(
                _best_of_the_first, "That is one choice of k tries: the question asks for the mean over all choices."
            ),
            Mistake(_expected_worst, "That is the expected worst: sort the other way round."),
        ),
        arguments=tuple((values, k) for values in SCORES for k in (1, 2, 4)),
        tolerance=1e-9,
    ),
)

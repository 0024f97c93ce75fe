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


# E max of ten standard Gaussian draws: the integral of 10 x φ(x) Φ(x)^9.
TEN_GAUSSIANS = 1.5387527308351
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
        id="lucky-seed",
        answer=0.02 * TEN_GAUSSIANS,
        praise="Three points of F1 out of nothing. Ask of any table how many seeds stand behind each number.",
        mistakes=(
            Mistake(0.02, "That is one standard deviation: about what the best of three or four seeds gives."),
            Mistake(0.0, "The methods are equal, but the reports are not: one is a mean, the other a maximum."),
            Mistake(0.02 * math.sqrt(2 * math.log(10)), "√(2 log k) is how the maximum grows for very large k."),
            Mistake(0.2, "Ten seeds do not gain ten standard deviations."),
        ),
        tolerance=1e-2,  # 0.031, with the digits of 0.02, will do
    ),
    Exercise(
        id="tries-for-the-top",
        answer=59,
        praise="Whatever the number of hyper-parameters: the number of tries counts, not the size of the space.",
        mistakes=(
            Mistake(20, "With 20 tries one expects one of the best 5%, but has none with probability 0.36."),
            Mistake(58, "Nearly: with 58 tries the probability is 0.949."),
            Mistake(60, "That is enough, and one more than needed."),
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

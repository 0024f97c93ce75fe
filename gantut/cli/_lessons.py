"""What each objective is, in a line, and which lesson of the book explains what."""

# By the name of an objective: what it is, and its lesson.
OBJECTIVES = {
    "minimax": ("the game of the first paper: the generator lowers log(1 - D), and stalls where D is sure", 2),
    "non-saturating": ("the generator raises log D instead, and has a slope from the start; DCGAN's choice", 5),
    "least-squares": ("squared distances to the labels in place of logarithms", 6),
    "hinge": ("a score costs nothing once it is on the right side by a margin of 1", 5),
    "feature-matching": ("the generator matches the mean features of the critic, not its scores", 8),
    "wgan": ("the critic estimates a Wasserstein distance, with clipped weights so that it is not too steep", 11),
    "wgan-gp": (
        "the same, with a penalty on slopes other than 1 in place of clipping; no batch norm in the critic",
        13,
    ),
    "wgan-lp": ("the same, with a penalty on slopes above 1 only", 13),
    "relativistic": ("each real sample is to score higher than a generated one; with R1 and R2, as in R3GAN", 14),
}

TITLES = {
    4: "No equilibrium in sight",
    5: "Thin supports and vanishing gradients",
    6: "Mode collapse",
    11: "The Wasserstein GAN",
    13: "Better critics",
    14: "New creatures",
}

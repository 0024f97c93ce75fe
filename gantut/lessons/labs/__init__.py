"""What labs are made of: a reader moves something in the page and sees what follows.

A lab shows itself where it is the value of a cell: in the book, in Jupyter and in Colab alike. All that it needs is in
its HTML; nothing is fetched. It can be used by mouse, finger and keyboard, and where scripts do not run a still
picture stands in its place. The numbers that a lab shows are computed in the page, by its script, and are those that
gantut computes: the tests hold the two against each other.

==========================  ==========================================================================
`fit_a_bell`                  one Gaussian for two peaks, by KL both ways and JS (`gantut.lessons.divergences`)
`live_gan`                    a small GAN that trains in the page (`gantut.lessons.the_game`)
`xy_game`                     five ways to play xy, and the eigenvalues of a step (`gantut.lessons.no_equilibrium`)
`winning_discriminator`       D gets better, and what is left of both gradients (`gantut.lessons.vanishing_gradients`)
`move_dirt`                   piles in a row, and the least that moving them can cost (`gantut.lessons.moving_dirt`)
`parallel_lines`              KL, JS and W1 as two lines come nearer (`gantut.lessons.duality`)
`drag_a_potential`            a function on a line, its slopes and what it proves of W1 (`gantut.lessons.duality`)
`optimal_critic`              D*, the best critic, and what each tells a sample (`gantut.lessons.wasserstein_gan`)
`training_scrubber`           recorded trainings of three games, step by step (`gantut.lessons.the_estimate`)
`clip_or_penalty`             two critics that learn, beside the best one (`gantut.lessons.better_critics`)
`steer_dirac_gan`             the smallest GAN, its penalties and its rates (`gantut.lessons.which_games_converge`)
`particle_flow`               from noise to a drawing, by two couplings (`gantut.lessons.without_a_critic`)
==========================  ==========================================================================

A new lab is a function in its lesson's room, which returns a :class:`Lab`, and beside it a script, which calls
``begin("name", (lab) => ...)``: ``library.js`` has the frame, the controls and the charts, ``gan.js`` a GAN to play
with, ``assignment.js`` exact distances, ``two_players.js`` the charts of a game of two numbers, and ``beside.js`` a
worker, for a lab that would keep its page from answering.
"""

from gantut.lessons.labs._page import ASSIGNMENT, BESIDE, GAN, TWO_PLAYERS, Lab
from gantut.lessons.labs._still import Still, sampled

__all__ = ["ASSIGNMENT", "BESIDE", "GAN", "TWO_PLAYERS", "Lab", "Still", "sampled"]

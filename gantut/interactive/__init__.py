"""Labs that live in the page: a reader moves something, and sees what follows.

Each function returns a lab that shows itself where it is the value of a cell: in the book, in Jupyter and in Colab
alike. All that it needs is in its HTML; nothing is fetched. It can be used by mouse, finger and keyboard, and where
scripts do not run a still picture stands in its place. The numbers that a lab shows are computed in the page, by
scripts under ``scripts/``, and are those that gantut computes: the tests hold the two against each other.

==========================  ==========================================================================
`move_dirt`                   piles in a row, and the least that moving them can cost (lesson 8)
`parallel_lines`              KL, JS and W1 as two lines come nearer (lesson 9)
`xy_game`                     five ways to play xy, and the eigenvalues of a round (lesson 4)
`optimal_critic`              D*, the best critic, and what each tells a generated sample (lesson 10)
`training_scrubber`           recorded trainings of three games, step by step (lesson 10)
`live_gan`                    a small GAN that trains in the page (lesson 2)
==========================  ==========================================================================

A new lab is a function here, which returns a :class:`Lab`, and a script of that name under ``scripts/``, which calls
``begin("name", (lab) => ...)``: ``library.js`` has the frame, the controls and the charts.
"""

from gantut.interactive._live_gan import live_gan
from gantut.interactive._move_dirt import move_dirt
from gantut.interactive._optimal_critic import optimal_critic
from gantut.interactive._page import Lab
from gantut.interactive._parallel_lines import parallel_lines
from gantut.interactive._training_scrubber import training_scrubber
from gantut.interactive._xy_game import xy_game

__all__ = ["Lab", "live_gan", "move_dirt", "optimal_critic", "parallel_lines", "training_scrubber", "xy_game"]

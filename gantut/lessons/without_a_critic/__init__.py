"""Do we need a critic?"""

from gantut.lessons.without_a_critic._data import RingInSpace, split_digits
from gantut.lessons.without_a_critic._particle_flow import particle_flow
from gantut.lessons.without_a_critic._study import without_a_critic
from gantut.lessons.without_a_critic._train import METHODS, Trained, train_method

__all__ = ["METHODS", "RingInSpace", "Trained", "particle_flow", "split_digits", "train_method", "without_a_critic"]

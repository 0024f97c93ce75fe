"""Do we need a critic?"""

from gantut.lessons.without_a_critic._particle_flow import particle_flow

__all__ = ["particle_flow"]

"""Groups of members as a run has them, for tests that look at single steps."""

from gantut.training._data import as_data
from gantut.training._groups import shard_members
from gantut.training._networks import require_networks


def groups_of(config, samples, generator=None, critic=None, *, device="cpu", **options):
    """All members of a run before its first step, in the groups that it trains side by side."""
    real = as_data(samples, config)
    generator = generator or config.build("generator", config.latent_dim, real.event[0], device)
    critic = critic or config.build("critic", real.event[0], 1, device)
    networks = require_networks(generator, critic, config, real.event, 1, device)
    return shard_members(config, real, networks, device=device, **options)

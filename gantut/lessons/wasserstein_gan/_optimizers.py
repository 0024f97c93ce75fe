"""The clipped game under several optimizers."""

from gantut.lessons._records import rounded
from gantut.lessons.the_estimate import track_critic
from gantut.training import Optimizer


def critic_optimizers(**sizes) -> dict:
    """The clipped game under RMSProp and under Adam with more and more momentum."""
    optimizers = {
        "RMSProp": Optimizer("rmsprop", 1e-3),
        "Adam, 0": Optimizer("adam", 1e-3, betas=(0.0, 0.99)),
        "Adam, 0.5": Optimizer("adam", 1e-3, betas=(0.5, 0.99)),
        "Adam, 0.9": Optimizer("adam", 1e-3, betas=(0.9, 0.99)),
    }
    rows = []
    for name, optimizer in optimizers.items():
        _, found = track_critic("wgan", evaluations=40, optimizer=optimizer, **sizes)
        late = found.w1[-20:]  # the second half: (evaluations, members)
        row = {"optimizer": name, "level": rounded(late.median(0).values), "spread": rounded(late.std(0))}
        row["curves"] = rounded(found.w1[:, :3].T)
        rows.append(row)
    return {"games": rows}

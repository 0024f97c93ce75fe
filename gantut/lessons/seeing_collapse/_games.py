"""When does a count of modes mean something? And does the loss say how far training has come?

Each experiment takes other sizes than its own, members and steps, as `gantut.lessons.toy_gans.train_toy_gan` does.
"""

from gantut import metrics
from gantut.device import at_scale
from gantut.lessons._records import rounded, rounded_fields
from gantut.lessons.toy_gans import coverage, train_toy_gan, training_curves


def grid_for_longer(**sizes) -> dict:
    """Three games on the grid with five times as many steps: after 1000 of them the modes are not yet found."""
    sizes = dict(members=at_scale(fast=16, full=64), steps=at_scale(fast=5000, full=20_000)) | sizes
    rows = []
    for objective, n_critic in (("non-saturating", 1), ("non-saturating", 5), ("wgan-gp", 5)):
        found = coverage(train_toy_gan(objective, n_critic, distribution="grid", **sizes), "grid")
        row = {"objective": objective, "n_critic": n_critic, "steps": sizes["steps"]}
        rows.append(row | rounded_fields(found))
    return {"games": rows}


def loss_and_distance(**sizes) -> dict:
    """How the losses of four games correlate with the distance to the data, member by member."""
    rows = []
    for objective, n_critic in (("non-saturating", 1), ("non-saturating", 5), ("minimax", 5), ("wgan-gp", 5)):
        history = train_toy_gan(objective, n_critic, evaluations=40, **sizes)
        found = training_curves(history)
        row = {"objective": objective, "n_critic": n_critic}
        for name in ("generator_loss", "estimate"):
            row[name] = rounded(metrics.rank_correlation(getattr(found, name), found.w1, dim=0))
        row["curves"] = {name: rounded(values[:, :3].T) for name, values in found._asdict().items()}
        rows.append(row)
    return {"steps": history.evaluated[1:].tolist(), "games": rows}

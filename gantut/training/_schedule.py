"""When a run is recorded and evaluated."""

from dataclasses import dataclass

from gantut import _inputs

CHECKED = 50  # a loss that is not finite is noticed within this many steps
RECORDS, EVALUATIONS = 200, 20  # a run is recorded and evaluated about so often, unless something else is asked for


@dataclass
class EvalSchedule:
    """When, in steps, a run is recorded and evaluated, and by what.

    Attributes
    ----------
    steps : int
        Of the whole run.
    samples : int
        How many samples a member an evaluation is of.
    metrics : tuple of str
    record_every, evaluate_every : int, optional
    metric_samples : int, optional
        Of how many samples metrics are, if of more than are kept.
    """

    steps: int
    samples: int
    metrics: tuple[str, ...]
    record_every: int | None = None
    evaluate_every: int | None = None
    metric_samples: int | None = None
    longest: int = CHECKED  # steps between two looks at whether all is finite

    def __post_init__(self):
        more = self.samples if self.metric_samples is None else self.metric_samples
        self.metric_samples = max(_inputs.count("samples", self.samples), _inputs.count("metric_samples", more))
        self.given = {name: getattr(self, name) for name in ("record_every", "evaluate_every")}
        for name, often in (("record_every", RECORDS), ("evaluate_every", EVALUATIONS)):
            every = getattr(self, name)
            setattr(self, name, max(self.steps // often, 1) if every is None else _inputs.count(name, every))

    def next_stop(self, done: int, save_every: int | None = None) -> int:
        """Return the next step after which something is to be done."""
        spans = [self.longest, self.evaluate_every, *([save_every] if save_every else [])]
        return min(self.steps, *(done - done % span + span for span in spans))

    def recorded(self, done: int, stop: int) -> range:
        """Return the steps after `done`, up to `stop`, that are recorded."""
        return range(done - done % self.record_every + self.record_every, stop + 1, self.record_every)

    def evaluates(self, done: int) -> bool:
        """Whether the run is evaluated after this step."""
        return done % self.evaluate_every == 0 or done == self.steps

    def state_dict(self) -> dict:
        """Return it as plain data."""
        return {
            "record_every": self.record_every, "evaluate_every": self.evaluate_every, "samples": self.samples,
            "metrics": list(self.metrics), "metric_samples": self.metric_samples,
        }  # fmt: skip

    def load_state_dict(self, state: dict, *, folder) -> None:
        """Take the schedule of the run in a folder.

        Raises
        ------
        ValueError
            If another one was asked for.
        """
        asked = self.state_dict() | self.given
        for name, value in asked.items():
            if value is not None and state.get(name, value) != value:  # of old checkpoints, some have no say
                raise ValueError(f"{name} must be {state[name]!r}, as in the run in {folder}, not {value!r}")
        self.record_every, self.evaluate_every = state["record_every"], state["evaluate_every"]

"""A small network, and a rule that is known."""

import numpy as np

from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice


class DearestPolicy:
    """A rule that is known and simple: of the requests that fit, the one of the last slice."""

    name = "dearest"

    def reset(self, seed):
        """Remembers nothing."""

    def actions(self, observations, masks):
        """The largest allowed action that is not waiting, or waiting."""
        allowed = np.where(masks[:, :-1] != 0, np.arange(masks.shape[1] - 1), -1).max(axis=1)
        return np.where(allowed >= 0, allowed, masks.shape[1] - 1)


def small_network(**changes):
    """Three slices in two resources, short queues, and more offered than fits."""
    slices = tuple(
        Slice(
            name=name,
            demand={"radio": radio, "computing": 1.0},
            arrival_rate_hz=3.0,
            mean_holding_time_s=1.0,
            queue_limit=3,
        )
        for name, radio in (("light", 1.0), ("middle", 2.0), ("heavy", 3.0))
    )
    values = {"capacity": {"radio": 8.0, "computing": 6.0}, "slices": slices, "horizon_s": 50.0}
    return AdmissionScenario(name="small", **(values | changes))

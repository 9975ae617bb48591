"""The functions under diagnosis, and the layers that they can be of."""

import copy
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bn_utils.batchnorm import batchnorm_forward
from bn_utils.compare import relative_error
from bn_utils.diagnose import calling, other_layers
from bn_utils.diagnose.catalogue import Mistake
from bn_utils.diagnose.equality import changed_part, same
from bn_utils.diagnose.probes import make_probes
from bn_utils.diagnose.quantities import quantities
from bn_utils.diagnose.search import matches
from bn_utils.layers import linear_forward, relu_forward


class Layer(NamedTuple):
    """A layer whose backward pass can be diagnosed."""

    outputs: tuple[str, ...]  # what the backward pass returns; a probe has the right values by these names
    make_probes: Callable  # seed -> probes
    forward: Callable  # ours
    quantities: Callable  # probe -> quantities


LAYERS = {
    "batchnorm": Layer(("dx", "dgamma", "dbeta"), make_probes, batchnorm_forward, quantities),
    "linear": Layer(
        ("dX", "dW", "db"), other_layers.make_linear_probes, linear_forward, other_layers.linear_quantities
    ),
    "relu": Layer(("dy",), other_layers.make_relu_probes, relu_forward, other_layers.relu_quantities),
}


TOLERANCE, TOLERANCE_32 = 1e-5, 1e-4  # float32 may have been used inside


def tolerance_of(result):
    """How far, relative, a result of its dtype may be off; the mistakes are a hundred times further."""
    return TOLERANCE_32 if isinstance(result, np.ndarray) and result.dtype == np.float32 else TOLERANCE


class Subject(NamedTuple):
    """A backward pass, perhaps its forward pass, and the probes that it is run on."""

    backward: Callable
    forward: Callable | None
    layer: Layer
    probes: list
    order: tuple[int, ...] | None = None  # in which to read the results, if not as they come

    @property
    def name(self):
        return getattr(self.backward, "__name__", type(self.backward).__name__)

    @property
    def is_batchnorm(self):
        return self.layer is LAYERS["batchnorm"]

    def arguments(self, probe):
        """Fresh copies of what the backward pass takes, (dout, cache)."""
        _, cache = calling.run_forward(self.layer.forward if self.forward is None else self.forward, probe)
        return np.array(probe.dout), cache

    def read(self, result):
        """A result as a list of arrays, or of mistakes; or the one mistake that it is."""
        results = calling.read_results(result, self.layer.outputs)
        if self.order is None or isinstance(results, Mistake):
            return results
        return [results[place] for place in self.order]

    def run(self, probe):
        """What the backward pass returns; a `CannotRunError` where it raises."""
        return self.read(calling.call("backward", self.backward, self.arguments(probe)))

    def run_and_watch(self, probe):
        """What the backward pass returns, and whether it changes its arguments."""
        given = self.arguments(probe)
        try:
            before = copy.deepcopy(given)
            same(before[1], given[1])
        except Exception:  # not everything can be copied and compared; then the cache is not watched
            before = np.array(given[0]), None
        results = self.read(calling.call("backward", self.backward, given))
        parts = {
            name: changed_part(then, now, name)
            for name, then, now in zip(("dout", "cache"), before, given, strict=True)
        }
        changes = [
            Mistake(
                f"changes-{name}",
                f"Your function writes into {part}, but the code that called it still uses that.",
                "Look for +=, -=, *=, /= or [...] = on this array, or on another name for it (b = a is no "
                "copy): write b = a * gamma, not b = a and b *= gamma.",
            )
            for name, part in parts.items()
            if part is not None
        ]
        return results, changes

    def dx(self, probe):
        """The learner's dx for a probe, or None where there is none."""
        try:
            results = self.run(probe)
        except calling.CannotRunError:
            return None
        return results[0] if isinstance(results, list) and isinstance(results[0], np.ndarray) else None

    def is_right(self, result, probe, names=None):
        """Whether what a run returns is right for a probe, in the outputs of these names, or in all."""
        results = self.read(result)
        return not isinstance(results, Mistake) and self.are_right(results, probe, names)

    def are_right(self, results, probe, names=None):
        """Whether results that were read are right."""
        return all(
            name not in (names or self.layer.outputs)
            or (isinstance(mine, np.ndarray) and matches(mine, getattr(probe, name), tolerance_of(mine)))
            for name, mine in zip(self.layer.outputs, results, strict=True)
        )


def how_wrong(results, name, probes):
    """How far off an output is, or of what shape, for the first probe that tells."""
    result, right, probe = next(
        (result, getattr(probe, name), probe)
        for result, probe in zip(results, probes, strict=True)
        if result is not None and not matches(result, getattr(probe, name), tolerance_of(result))
    )
    if result.shape != right.shape:
        return f"wrong, has shape {result.shape} for x of shape {probe.x.shape}; it must be {right.shape}"
    return f"wrong, relative error {relative_error(result.astype(float), right):.2g}"

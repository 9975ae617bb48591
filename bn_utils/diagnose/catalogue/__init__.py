"""The catalogue of mistakes: each with its id, a sentence, a fix, and the equation that it breaks."""

from bn_utils.diagnose.catalogue.dx import DX
from bn_utils.diagnose.catalogue.forward import FORWARD
from bn_utils.diagnose.catalogue.layers import DB, DW, DX_LINEAR, DY_RELU
from bn_utils.diagnose.catalogue.mistake import Entry, Mistake
from bn_utils.diagnose.catalogue.parameters import DBETA, DGAMMA

__all__ = ["ENTRIES", "EQUALS", "FORWARD", "LAYER_ENTRIES", "Entry", "Mistake"]

# Of batch norm: what a mistake changes in the paths of an output.
ENTRIES = {"dx": DX, "dgamma": DGAMMA, "dbeta": DBETA}
# Of the layers around it: what a mistake computes.
LAYER_ENTRIES = {"dX": DX_LINEAR, "dW": DW, "db": DB, "dy": DY_RELU}
# Mistakes that return the same, whatever the input, and why; the tests prove each.
EQUALS = (
    (
        ("variance-missing", "variance-dout-missing", "mean-of-variance-unsummed-undivided"),
        "The sum of x - mu over the rows is 0, so the path vanishes, or cancels.",
    ),
    (
        ("variance-power-2", "variance-hat-outer-xmu"),
        "x_hat = (x - mu) * ivar: one factor ivar less is x - mu in place of x_hat.",
    ),
    (
        ("variance-power-4", "variance-outer-xhat", "variance-inner-xhat", "variance-hat-outer-squared"),
        "x_hat = (x - mu) * ivar: x_hat in place of x - mu is one factor ivar more.",
    ),
    (
        ("variance-power-5", "variance-both-xhat"),
        "x_hat = (x - mu) * ivar: x_hat in both places is two factors ivar more.",
    ),
    (
        ("variance-outer-x", "mean-of-variance-mu"),
        "x is (x - mu) + mu: the rest is the same for every row.",
    ),
    (("variance-alone", "direct-averaged"), "The mean of dout is then taken off itself."),
    (("dx-summed", "dx-averaged"), "A column of dx sums to 0."),
    (("dgamma-zero", "dgamma-dout-missing"), "The sum of x_hat over the rows is 0."),
    (("dgamma-gamma-extra", "dgamma-xhat-gamma"), "gamma is constant over the rows and may leave the sum."),
    (("dgamma-std-extra", "dgamma-std-squared"), "ivar is constant over the rows and may leave the sum."),
    (("dgamma-std-multiplied", "dgamma-takes-xmu"), "x - mu = x_hat / ivar, and ivar may leave the sum."),
)

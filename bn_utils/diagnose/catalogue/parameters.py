"""The mistakes of dgamma and dbeta."""

from bn_utils.diagnose.catalogue.mistake import Entry, Mistake
from bn_utils.diagnose.model import RESULT


def _parameter(name, label, right, entries):
    """The mistakes of dgamma or of dbeta; {right} in a fix is the right line."""
    return [
        Entry(
            Mistake(f"{name}-{suffix}", sentence, fix.format(right=right), label),
            {RESULT: changes} if isinstance(changes, str) else {name: changes},
        )
        for suffix, changes, sentence, fix in entries
    ]


SUM = "Sum down each column: {right}."
PARAMETER = [
    ("unsummed", {"over": "none"}, "The sum over the rows is missing.", SUM),
    ("keepdims", "keepdims", "The shape is (1, D): keepdims=True, or reshape, left an axis.", SUM),
    ("column", "column", "The shape is (D, 1) in place of (D,).", SUM),
    ("sum-axis-1", {"over": "axis 1"}, "The sum runs over axis 1: one number per row, not per column.", SUM),
    ("sum-columns", {"over": "columns"}, "The sum runs over axis 1, with keepdims.", SUM),
    ("sum-all", {"over": "all"}, "The sum runs over all entries: the axis is missing.", SUM),
    ("mean", {"over": "mean of rows"}, "It is a mean over the rows; it must be the sum.", SUM),
    (
        "n-minus-1",
        {"count": "N - 1"},
        "It is divided by N - 1; nothing divides here.",
        "Take the division off: {right}.",
    ),
    ("n-columns", {"count": "H"}, "It is divided by the number of columns.", "Take it off: {right}."),
    ("n-entries", {"count": "N H"}, "It is divided by the number of all entries.", "Take it off: {right}."),
    ("n-multiplied", {"count": "1/N"}, "It is multiplied by N.", "Take N off: {right}."),
    ("sign", {"factor": -1}, "The sign is wrong.", "No sign changes here: {right}."),
    ("doubled", {"factor": 2}, "It is doubled.", "Take the 2 off: {right}."),
    ("halved", {"factor": 0.5}, "It is half of what it must be.", "Take the 1/2 off: {right}."),
    ("zero", {"factor": 0}, "It is 0: nothing is added to it.", "{right}."),
    ("gamma-extra", {"gamma": 1}, "gamma multiplies it: dxhat stands for dout.", "Use dout: {right}."),
    ("gamma-divided", {"gamma": -1}, "It is divided by gamma.", "Take gamma off: {right}."),
    ("std-extra", {"power": 1}, "It is divided by the standard deviation once too often.", "{right}."),
    ("std-multiplied", {"power": -1}, "It is multiplied by the standard deviation.", "{right}."),
    ("relu-mask", {"dout": "relu"}, "dout is masked as behind a ReLU.", "Use dout as it comes: {right}."),
]
DGAMMA = _parameter(
    "dgamma",
    "eq-dgamma-3",
    "dgamma = np.sum(dout * x_hat, axis=0)",
    [
        *PARAMETER,
        ("takes-x", {"inner": "x"}, "x stands for x_hat in its sum.", "Use x_hat: {right}."),
        ("takes-xmu", {"inner": "c"}, "x - mu stands for x_hat in its sum.", "Divide by the root: {right}."),
        ("takes-y", {"inner": "y"}, "The output of the layer stands for x_hat in its sum.", "{right}."),
        ("takes-mu", {"inner": "mu"}, "mu stands for x_hat in its sum.", "{right}."),
        ("takes-var", {"inner": "var"}, "var stands for x_hat in its sum.", "{right}."),
        ("takes-dbeta", {"inner": "1"}, "x_hat is missing in its sum: it is dbeta.", "{right}."),
        ("dout-missing", {"dout": "1"}, "dout is missing in its sum, and x_hat alone sums to 0.", "{right}."),
        (
            "xhat-gamma",
            {"inner": "gamma x_hat"},
            "gamma * x_hat stands for x_hat in its sum.",
            "Keep x_hat from before gamma: {right}.",
        ),
        (
            "std-squared",
            {"inner": "x_hat r"},
            "x_hat lacks the root: x - mu is divided by var + eps.",
            "{right}.",
        ),
        ("eps-missing", {"inner": "x_hat, no eps"}, "eps is missing under the root of x_hat.", "{right}."),
        ("eps-outside", {"inner": "x_hat, eps outside"}, "eps stands outside the root of x_hat.", "{right}."),
        ("unbiased", {"inner": "x_hat, unbiased"}, "x_hat has a variance divided by N - 1.", "{right}."),
    ],
)
DBETA = _parameter(
    "dbeta",
    "eq-dbeta-3",
    "dbeta = np.sum(dout, axis=0)",
    [
        *PARAMETER,
        ("takes-dgamma", {"inner": "x_hat"}, "dout is multiplied by x_hat: it is dgamma.", "{right}."),
        ("takes-x", {"inner": "x"}, "dout is multiplied by x.", "{right}."),
        ("takes-xmu", {"inner": "c"}, "dout is multiplied by x - mu.", "{right}."),
        ("dout-missing", {"dout": "1"}, "It counts the rows: dout is missing in its sum.", "{right}."),
    ],
)

"""The mistakes of the forward pass: which part of it is another."""

from bn_utils.diagnose.catalogue.mistake import Entry, Mistake

MEAN = "mu = x.mean(axis=0), one number a column."
ROOT = "x_hat = (x - mu) / np.sqrt(var + eps)."
VARIANCE = "var = ((x - mu)**2).mean(axis=0), or x.var(axis=0)."
AFFINE = "y = gamma * x_hat + beta."
RUNNING = "In training normalise with the statistics of the batch; the running ones are for evaluation."


def _entry(id, parts, sentence, fix, label):
    return Entry(Mistake(f"forward-{id}", sentence, fix, label), parts)


FORWARD = [
    _entry(
        "not-centred", {"centre": "0"}, "x is not centred: the mean is not subtracted.", ROOT, "eq-normalize"
    ),
    _entry("mean-sign", {"centre": "-mu"}, "The mean is added in place of subtracted.", ROOT, "eq-normalize"),
    _entry("mean-sum", {"centre": "sum"}, "The mean is a sum: 1/N is missing.", MEAN, "eq-mean"),
    _entry("mean-all", {"centre": "all"}, "The mean runs over all entries.", MEAN, "eq-mean"),
    _entry("mean-axis-1", {"centre": "axis 1"}, "The mean runs over axis 1.", MEAN, "eq-mean"),
    _entry("mean-rows", {"centre": "row"}, "The mean runs over each row, as in layer norm.", MEAN, "eq-mean"),
    _entry("median", {"centre": "median"}, "The median stands for the mean.", MEAN, "eq-mean"),
    _entry(
        "eps-missing",
        {"spread": "no eps"},
        "eps is missing under the root, or it is a small constant in place of the eps that is passed in.",
        ROOT,
        "eq-normalize",
    ),
    _entry("eps-outside", {"spread": "eps outside"}, "eps is added outside the root.", ROOT, "eq-normalize"),
    _entry("eps-twice", {"spread": "eps twice"}, "eps is added twice under the root.", ROOT, "eq-normalize"),
    _entry(
        "eps-both",
        {"spread": "eps inside and outside"},
        "eps is added under the root and again outside.",
        ROOT,
        "eq-normalize",
    ),
    _entry(
        "var-sum-all",
        {"spread": "sum of all"},
        "The variance is summed over all entries: the axis is missing.",
        VARIANCE,
        "eq-var",
    ),
    _entry("eps-squared", {"spread": "eps squared"}, "eps is squared.", ROOT, "eq-normalize"),
    _entry(
        "unbiased", {"spread": "unbiased"}, "The variance is divided by N - 1 (ddof=1).", VARIANCE, "eq-var"
    ),
    _entry(
        "no-root",
        {"spread": "no root"},
        "The root is missing: x - mu is divided by var + eps.",
        ROOT,
        "eq-normalize",
    ),
    _entry(
        "no-root-no-eps",
        {"spread": "no root, no eps"},
        "x - mu is divided by the variance itself.",
        ROOT,
        "eq-normalize",
    ),
    _entry(
        "std-as-var",
        {"spread": "std as var"},
        "The standard deviation is taken for the variance: the root is taken twice.",
        VARIANCE,
        "eq-var",
    ),
    _entry("var-squared", {"spread": "var squared"}, "The variance is squared.", ROOT, "eq-normalize"),
    _entry(
        "var-not-centred",
        {"spread": "not centred"},
        "The variance is the mean of x**2: x is not centred in it.",
        VARIANCE,
        "eq-var",
    ),
    _entry("var-sum", {"spread": "sum"}, "The variance is a sum: 1/N is missing.", VARIANCE, "eq-var"),
    _entry("var-all", {"spread": "all"}, "The variance runs over all entries.", VARIANCE, "eq-var"),
    _entry("var-axis-1", {"spread": "axis 1"}, "The variance runs over axis 1.", VARIANCE, "eq-var"),
    _entry(
        "var-rows",
        {"spread": "row"},
        "The variance runs over each row, as in layer norm.",
        VARIANCE,
        "eq-var",
    ),
    _entry(
        "var-n-columns",
        {"spread": "per feature"},
        "The variance is divided by the number of columns.",
        VARIANCE,
        "eq-var",
    ),
    _entry(
        "absolute",
        {"spread": "absolute"},
        "The mean of |x - mu|, plus eps, stands for the standard deviation.",
        VARIANCE,
        "eq-var",
    ),
    _entry(
        "multiplied",
        {"spread": "multiplied"},
        "x - mu is multiplied by the standard deviation.",
        ROOT,
        "eq-normalize",
    ),
    _entry(
        "not-divided",
        {"spread": "1"},
        "x - mu is not divided by the standard deviation.",
        ROOT,
        "eq-normalize",
    ),
    _entry(
        "layer-norm",
        {"centre": "row", "spread": "row"},
        "Mean and variance run over each row, as in layer norm.",
        MEAN,
        "eq-mean",
    ),
    _entry(
        "axis-1",
        {"centre": "axis 1", "spread": "axis 1"},
        "Mean and variance run over axis 1.",
        MEAN,
        "eq-mean",
    ),
    _entry(
        "all", {"centre": "all", "spread": "all"}, "Mean and variance run over all entries.", MEAN, "eq-mean"
    ),
    _entry(
        "running",
        {"centre": "running", "spread": "running"},
        "The running statistics normalise in training.",
        RUNNING,
        "eq-mean",
    ),
    _entry(
        "running-from-1",
        {"centre": "running", "spread": "running, from 1"},
        "The running statistics normalise in training.",
        RUNNING,
        "eq-mean",
    ),
    _entry(
        "evaluation",
        {"centre": "0", "spread": "never updated"},
        "The initial running statistics, 0 and 1, normalise.",
        RUNNING,
        "eq-mean",
    ),
    _entry("gamma-missing", {"scale": "1"}, "gamma is missing.", AFFINE, "eq-affine"),
    _entry("gamma-squared", {"scale": "gamma^2"}, "gamma is multiplied in twice.", AFFINE, "eq-affine"),
    _entry("gamma-divided", {"scale": "1/gamma"}, "x_hat is divided by gamma.", AFFINE, "eq-affine"),
    _entry("beta-missing", {"shift": "0"}, "beta is missing.", AFFINE, "eq-affine"),
    _entry("beta-sign", {"shift": "-beta"}, "beta is subtracted.", AFFINE, "eq-affine"),
    _entry(
        "beta-inside",
        {"shift": "gamma beta"},
        "gamma multiplies beta too: gamma * (x_hat + beta).",
        AFFINE,
        "eq-affine",
    ),
    _entry(
        "swapped", {"scale": "beta", "shift": "gamma"}, "gamma and beta are swapped.", AFFINE, "eq-affine"
    ),
    _entry(
        "affine-missing",
        {"scale": "1", "shift": "0"},
        "x_hat is returned: gamma and beta are missing.",
        AFFINE,
        "eq-affine",
    ),
]

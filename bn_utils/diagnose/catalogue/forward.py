"""The mistakes of the forward pass: which part of it is another."""

from bn_utils.diagnose.catalogue.mistake import Entry, Mistake

MEAN = "mu = x.mean(axis=0), one number per column."
ROOT = "std = np.sqrt(var + eps), then x_hat = (x - mu) / std; what the cache holds follows."
VARIANCE = "var = ((x - mu)**2).mean(axis=0), or x.var(axis=0)."
AFFINE = "Return gamma * x_hat + beta."
RUNNING = "In training normalise with the statistics of the batch; the running ones are for evaluation."


def _entry(id, parts, sentence, fix, label):
    return Entry(Mistake(f"forward-{id}", sentence, fix, label), parts)


FORWARD = [
    # the wrong mean may be that of the variance, too
    *(
        _entry(id, {"centre": centre, **more}, sentence, fix, label)
        for id, centre, sentence, fix, label in (
            ("not-centred", "0", "The mean is not subtracted from x.", ROOT, "eq-normalize"),
            ("mean-sign", "-mu", "The mean is added in place of subtracted.", ROOT, "eq-normalize"),
            ("mean-sum", "sum", "The mean is a sum: 1/N is missing.", MEAN, "eq-mean"),
            ("mean-all", "all", "The mean runs over all entries.", MEAN, "eq-mean"),
            ("mean-axis-1", "axis 1", "The mean runs over axis 1.", MEAN, "eq-mean"),
            ("mean-rows", "row", "The mean runs over each row, as in layer norm.", MEAN, "eq-mean"),
            (
                "mean-n-columns",
                "per feature",
                "The mean is divided by the number of columns.",
                MEAN,
                "eq-mean",
            ),
            ("mean-n-minus-1", "unbiased", "The mean is divided by N - 1.", MEAN, "eq-mean"),
        )
        for more in ({}, {"variance": "about the centre"})
    ),
    _entry(
        "brackets",
        {"centre": "mu / std", "root": "1"},
        "The brackets are missing: x - mu / std.",
        ROOT,
        "eq-normalize",
    ),
    _entry("median", {"centre": "median"}, "The median stands for the mean.", MEAN, "eq-mean"),
    _entry(
        "eps-missing",
        {"root": "no eps"},
        "eps is missing under the root, or a fixed number stands for the eps that is passed in.",
        ROOT,
        "eq-normalize",
    ),
    _entry("eps-outside", {"root": "eps outside"}, "eps is added outside the root.", ROOT, "eq-normalize"),
    _entry("eps-twice", {"root": "eps twice"}, "eps is added twice under the root.", ROOT, "eq-normalize"),
    _entry(
        "eps-both",
        {"root": "eps inside and outside"},
        "eps is added under the root and again outside.",
        ROOT,
        "eq-normalize",
    ),
    _entry(
        "var-sum-all",
        {"variance": "sum of all"},
        "The variance is summed over all entries: the axis is missing.",
        VARIANCE,
        "eq-var",
    ),
    _entry("eps-squared", {"root": "eps squared"}, "eps is squared.", ROOT, "eq-normalize"),
    _entry(
        "unbiased", {"variance": "unbiased"}, "The variance is divided by N - 1 (ddof=1).", VARIANCE, "eq-var"
    ),
    _entry(
        "no-root",
        {"root": "no root"},
        "The root is missing: x - mu is divided by var + eps.",
        ROOT,
        "eq-normalize",
    ),
    _entry(
        "squared",
        {"root": "squared"},
        "A square stands for the root: x - mu is divided by (var + eps)**2.",
        ROOT,
        "eq-normalize",
    ),
    _entry(
        "no-root-no-eps",
        {"root": "no root, no eps"},
        "x - mu is divided by the variance itself.",
        ROOT,
        "eq-normalize",
    ),
    _entry(
        "std-as-var",
        {"variance": "std"},
        "The standard deviation is taken for the variance: the root is taken twice.",
        VARIANCE,
        "eq-var",
    ),
    _entry("var-squared", {"variance": "squared"}, "The variance is squared.", ROOT, "eq-normalize"),
    _entry(
        "var-not-centred",
        {"variance": "not centred"},
        "The variance is the mean of x**2: x is not centred in it.",
        VARIANCE,
        "eq-var",
    ),
    _entry("var-sum", {"variance": "sum"}, "The variance is a sum: 1/N is missing.", VARIANCE, "eq-var"),
    _entry("var-all", {"variance": "all"}, "The variance runs over all entries.", VARIANCE, "eq-var"),
    _entry(
        "var-all-centred",
        {"variance": "all, centred"},
        "The mean of (x - mu)**2 runs over all entries.",
        VARIANCE,
        "eq-var",
    ),
    _entry("var-axis-1", {"variance": "axis 1"}, "The variance runs over axis 1.", VARIANCE, "eq-var"),
    _entry(
        "var-rows",
        {"variance": "row"},
        "The variance runs over each row, as in layer norm.",
        VARIANCE,
        "eq-var",
    ),
    _entry(
        "var-n-columns",
        {"variance": "per feature"},
        "The variance is divided by the number of columns.",
        VARIANCE,
        "eq-var",
    ),
    _entry(
        "absolute",
        {"variance": "absolute", "root": "eps outside"},
        "The mean of |x - mu|, plus eps, stands for the standard deviation.",
        VARIANCE,
        "eq-var",
    ),
    _entry(
        "multiplied",
        {"root": "multiplied"},
        "x - mu is multiplied by the standard deviation.",
        ROOT,
        "eq-normalize",
    ),
    _entry(
        "not-divided",
        {"root": "1"},
        "x - mu is not divided by the standard deviation.",
        ROOT,
        "eq-normalize",
    ),
    _entry(
        "layer-norm",
        {"centre": "row", "variance": "row"},
        "Mean and variance run over each row, as in layer norm.",
        MEAN,
        "eq-mean",
    ),
    _entry(
        "axis-1",
        {"centre": "axis 1", "variance": "axis 1"},
        "Mean and variance run over axis 1.",
        MEAN,
        "eq-mean",
    ),
    _entry(
        "all",
        {"centre": "all", "variance": "all"},
        "Mean and variance run over all entries.",
        MEAN,
        "eq-mean",
    ),
    *(
        _entry(id, parts, f"The running {what} normalises in training.", RUNNING, "eq-mean")
        for id, parts, what in (
            ("running-mean", {"centre": "running"}, "mean"),
            ("running-var", {"variance": "running"}, "variance"),
            ("running-var-from-1", {"variance": "running, from 1"}, "variance"),
        )
    ),
    _entry(
        "running",
        {"centre": "running", "variance": "running"},
        "The running statistics normalise in training.",
        RUNNING,
        "eq-mean",
    ),
    _entry(
        "running-from-1",
        {"centre": "running", "variance": "running, from 1"},
        "The running statistics normalise in training.",
        RUNNING,
        "eq-mean",
    ),
    _entry(
        "evaluation",
        {"centre": "0", "variance": "1"},
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

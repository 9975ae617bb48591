"""What learners call the quantities of the derivation: a name says what its value is meant to be."""

import re

# the names of a quantity, without underscores and in small letters
SAME = {
    "N": "n m num numtrain batchsize nsamples",
    "mu": "mu mean u xmean xmu samplemean batchmean average avg",
    "xmu": "xmu xc xcentered xcentred centered centred xminusmu xminusmean xzeromean dev",
    "var": "var variance v samplevar samplevariance batchvar batchvariance xvar sigma2 sigmasq sigmasquared",
    "std": "std stddev stdev sqrtvar s sigma samplestd batchstd xstd",
    "ivar": "ivar inv invstd invvar istd stdinv invsqrtvar invsqrt rstd invsigma",
    "xhat": "xhat xnorm xnormalized xnormalised normx normalized normalised xn norm",
    "sq": "sq square squared",
}
KEYS = {name: quantity for quantity, names in reversed(SAME.items()) for name in names.split()}


def key(name):
    """One word for all names of a quantity, the gradient with respect to it included."""
    plain = name.replace("_", "").lower()
    if plain.startswith("d") and plain not in KEYS:
        return "d" + KEYS.get(plain[1:], plain[1:])
    return KEYS.get(plain, plain)


def is_name_of(name, text):
    """Whether a name is one of a quantity, whose text is such as ``dxhat = dout * gamma``."""
    own = re.match(r"(\w+)( =|,|$)", text)
    return own is not None and key(name) == key(own[1])

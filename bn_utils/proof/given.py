"""With which definitions each equation of the book is checked, by their labels."""

# The equations that define a name. All derivatives come from them.
DEFINITIONS = (
    "eq-linear",
    "eq-mean",
    "eq-centred",
    "eq-var",
    "eq-std",
    "eq-normalize",
    "eq-affine",
    "eq-relu",
    "eq-loss",
    "eq-layout",
    "eq-node-r",
)
# The second layer of 09_geometry: its weights are those of the first, times alpha.
SCALED = ("eq-scaled-h", "eq-scaled-var", "eq-scaled-hat", "eq-scaled-loss")
# Layer and RMS norm have another h_hat.
LAYER_NORM = ("eq-layernorm-mean", "eq-layernorm-var", "eq-layernorm-hat")
RMS_NORM = ("eq-rmsnorm-square", "eq-rmsnorm-hat")
# A classifier ends with the softmax of any z; a name alone stands for any numbers.
SOFTMAX = ("z_{ij}", "T_{ij}", "eq-exp-sum", "eq-softmax")
# Of the backward pass of the backward pass: column means, and the number that it differentiates.
SECOND = tuple(f"eq-second-{name}" for name in ("g-mean", "g-hat", "u-mean", "u-hat", "covariance", "phi"))
# A mean and a variance with one more row, or with a second batch; h_hat with an error, one number a column.
ROW = ("M_j", "eq-digits-row")
MERGED = ("x_{dj}", r"m_j = \frac{1}{D} \sum_d x_{dj}", r"\tau_j^2 = \frac{1}{D} \sum_d (x_{dj} - m_j)^2")
SHIFTED_HAT = ("w_j", "eq-digits-hat", *SECOND[:2])
# Which worker holds which row: any numbers, each row of which sums to 1.
WORKERS = (r"\xi_{id}", "eq-workers-given", "eq-workers-share", "eq-workers-rows")
# Lines that hold with other definitions, and these by their labels; a definition among them names
# itself. They take the place of the book's: the graph computes the variance from c, and multiplies
# by r; behind the ReLU the loss is a function of a; in evaluation mode y comes from running statistics.
GIVEN = {
    **dict.fromkeys(["eq-fold-1", *(f"eq-staged-{n}" for n in range(1, 9))], ("eq-node-var", "eq-node-hat")),
    **dict.fromkeys(["eq-loss-layer", "eq-drelu"], ("eq-loss-layer",)),
    **dict.fromkeys(["eq-tangent", "eq-tangent-sums", "eq-eigen-rest"], ("eq-tangent",)),
    "eq-scaled-h": SCALED[:1],
    "eq-scaled-var": SCALED[:2],
    **dict.fromkeys(["eq-scaled-hat", "eq-scale-free"], SCALED[:3]),
    **dict.fromkeys(["eq-scaled-loss", "eq-scaled-gradient"], SCALED),
    "eq-flipped-h": ("eq-flipped-h",),
    "eq-flipped": ("eq-flipped-h", *SCALED[1:3]),
    **{label: (label,) for label in SECOND},
    **dict.fromkeys([f"eq-second-{name}" for name in ("dh", "dgamma", "dbeta", "g-hat-by-h")], SECOND[:2]),
    "eq-second-u-hat-by-h": SECOND[2:4],
    "eq-second-covariance": ("eq-second-g-mean", "eq-second-u-mean", "eq-second-covariance"),
    "eq-second-phi-column": SECOND,
    **dict.fromkeys(
        [f"eq-second-{name}" for name in ("forward", "by-g", "by-gamma", "by-h-terms", "by-h")],
        (*SECOND[:5], "eq-second-phi-column"),
    ),
    **dict.fromkeys(["eq-family-loss", "eq-family", "eq-family-sum"], ("eq-family-loss",)),
    "eq-layernorm-mean": LAYER_NORM[:1],
    "eq-layernorm-var": LAYER_NORM[:2],
    **dict.fromkeys(
        ["eq-layernorm-hat", "eq-layernorm", "eq-layernorm-dgamma", "eq-layernorm-bias"], LAYER_NORM
    ),
    "eq-rmsnorm-square": RMS_NORM[:1],
    **dict.fromkeys(["eq-rmsnorm-hat", "eq-rmsnorm"], RMS_NORM),
    **dict.fromkeys(["eq-running-mean", "eq-running-error"], ("eq-running-mean",)),
    "eq-running-var": ("eq-running-var",),
    **dict.fromkeys(["eq-eval", "eq-eval-jac", "eq-eval-dh", "eq-eval-dgamma"], ("eq-eval",)),
    **dict.fromkeys(["eq-eval-dbeta", "eq-eval-dbias", "eq-gap"], ("eq-eval",)),
    **dict.fromkeys(["eq-exp-sum", "eq-softmax", "eq-log-softmax", "eq-dlogsumexp"], SOFTMAX),
    **dict.fromkeys(["eq-shifted", "eq-shift"], (*SOFTMAX, "M_i", "eq-shifted")),
    **dict.fromkeys(["eq-cross-entropy", "eq-dlogits"], (*SOFTMAX, "eq-cross-entropy")),
    **dict.fromkeys([f"eq-digits-{name}" for name in ("any", "shifted", "again")], ("m_j",)),
    **dict.fromkeys(["eq-digits-row", "eq-digits-welford"], ROW),
    "eq-digits-merge": MERGED,
    "eq-digits-hat": SHIFTED_HAT[:2],
    **dict.fromkeys([f"eq-digits-{name}" for name in ("closed", "first", "last")], SHIFTED_HAT),
    "eq-workers-given": WORKERS[:2],
    **dict.fromkeys(
        [f"eq-workers-{name}" for name in ("one", "share", "sum", "mean", "var", "dh")], WORKERS[:3]
    ),
    **dict.fromkeys(["eq-workers-rows", "eq-workers-count"], WORKERS),
    "eq-workers-spread": (*WORKERS, "m_{dj}"),
    **dict.fromkeys(["eq-workers-means", "eq-workers-gap"], (*WORKERS, "m_{dj}", "eq-workers-means")),
}

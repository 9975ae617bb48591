"""The mistakes of dx = direct path + mean path + variance path."""

from bn_utils.diagnose.catalogue.mistake import Entry, Mistake

ALL = ("direct", "mean", "variance")
NAMES = {
    "direct": "The direct path (dxhat / std)",
    "mean": "The path through the mean (dmu)",
    "variance": "The path through the variance (dvar)",
}
SIGNS = {"direct": 1, "mean": -1, "variance": -1}
HOME = {"direct": "eq-dh-4", "mean": "eq-dmu", "variance": "eq-dvar-4"}


def _each(paths, suffix, parts, sentence, fix, label=""):
    """The same mistake in each of several paths; {path} and {p} in the texts name it."""
    for p in paths.split():
        own = parts(p) if callable(parts) else parts
        mistake = Mistake(
            f"{p}-{suffix}",
            sentence.format(path=NAMES[p], p=p),
            fix.format(p=p),
            label or HOME[p],
        )
        yield Entry(mistake, {p: own})


def _all(id, parts, sentence, fix, label, paths=ALL):
    """A mistake in a factor that several paths share."""
    changes = {p: parts(p) if callable(parts) else parts for p in paths}
    return Entry(Mistake(id, sentence, fix, label), changes)


def _one(id, changes, sentence, fix, label):
    return Entry(Mistake(id, sentence, fix, label), changes)


def _power(step):
    return lambda p: {"power": (3 if p == "variance" else 1) + step}


def _times(factor):
    return lambda p: {"factor": SIGNS[p] * factor}


CLOSED = "dx = gamma / np.sqrt(var + eps) / N * (N * dout - dbeta - x_hat * dgamma)."
# closed form: variance path = -1/N gamma r x_hat sum(dout * x_hat)
HAT = {"power": 1, "outer": "x_hat", "inner": "x_hat"}
# the bracket of the closed form without its factor gamma r / N
MEAN_OF_ALL = {"over": "all", "count": "N H"}
BARE = {"gamma": 0, "power": 0, "count": "1"}

DX = [
    # whole paths
    *(
        _one(
            f"{p}-missing",
            {p: {"factor": 0}},
            f"{NAMES[p]} is missing: its term is not added, or is always 0.",
            fix,
            "eq-dh-4",
        )
        for p, fix in (
            ("direct", "Add dout * gamma / np.sqrt(var + eps) to dx."),
            ("mean", "Add dmu / N to dx, with dmu = -np.sum(dout * gamma, axis=0) / np.sqrt(var + eps)."),
            (
                "variance",
                "Add dvar * 2 * (x - mu) / N to dx; in a form with means, it is "
                "-x_hat * (dxhat * x_hat).mean(axis=0) / std.",
            ),
        )
    ),
    *_each(
        "direct mean variance",
        "sign",
        _times(-1),
        "{path} has the wrong sign.",
        "Flip one sign on this path: in its sum, or where its term is added to dx, not both.",
        "eq-dh-4",
    ),
    *_each(
        "direct mean",
        "doubled",
        _times(2),
        "{path} counts twice.",
        "Add the {p} term once: look for a line that runs twice, or a stray 2.",
        "eq-dh-4",
    ),
    *_each(
        "direct mean",
        "halved",
        _times(0.5),
        "{path} is half of what it must be.",
        "Take the stray 1/2 off the {p} term; it belongs to the power of the variance alone.",
        "eq-dh-4",
    ),
    _one(
        "variance-no-2",
        {"variance": {"factor": -0.5}},
        "The path through the variance is half: the 2 of the derivative of (x - mu)**2 is missing.",
        "dvar/dx is 2 / N * (x - mu): put the 2 in, or look for a 1/2 too many.",
        "eq-dvar-4",
    ),
    _one(
        "variance-no-half",
        {"variance": {"factor": -2}},
        "The path through the variance is double: the 1/2 of the derivative of (var + eps)**-0.5 is missing.",
        "d ivar/dvar is -0.5 * (var + eps)**-1.5: put the 0.5 in, or look for a 2 too many.",
        "eq-jac-product",
    ),
    _one(
        "variance-four",
        {"variance": {"factor": -4}},
        "The path through the variance is 4 times too large: 2 stands where 1/2 belongs.",
        "The power -1/2 brings down -0.5, not -2.",
        "eq-jac-product",
    ),
    # gamma
    *_each(
        "direct mean variance",
        "gamma-missing",
        {"gamma": 0},
        "gamma is missing in the {p} path.",
        "Start the {p} term from dxhat = dout * gamma, not from dout.",
        "eq-dy-dhhat",
    ),
    *_each(
        "direct mean variance",
        "gamma-doubled",
        {"gamma": 2},
        "gamma is multiplied in twice in the {p} path.",
        "dxhat holds gamma already: multiply by it once.",
        "eq-dy-dhhat",
    ),
    *(
        _all(
            id,
            parts,
            f"{what} is missing in the direct and in the mean path.",
            fix,
            label,
            ("direct", "mean"),
        )
        for id, parts, what, fix, label in (
            ("gamma-missing-but-in-variance", {"gamma": 0}, "gamma", "dxhat = dout * gamma.", "eq-dy-dhhat"),
            (
                "std-missing-but-in-variance",
                {"power": 0},
                "The std",
                "Divide by np.sqrt(var + eps).",
                "eq-jac",
            ),
        )
    ),
    *_each(
        "direct mean variance",
        "gamma-divided",
        {"gamma": -1},
        "The {p} path divides by gamma in place of multiplying by it.",
        "dxhat = dout * gamma.",
        "eq-dy-dhhat",
    ),
    _all(
        "gamma-missing",
        {"gamma": 0},
        "gamma is missing: dx starts from dout in place of dout * gamma.",
        "dxhat = dout * gamma, and dx from dxhat.",
        "eq-dy-dhhat",
    ),
    _all(
        "gamma-doubled",
        {"gamma": 2},
        "gamma is multiplied in twice.",
        "dxhat = dout * gamma holds it already; drop the second gamma.",
        "eq-dy-dhhat",
    ),
    _all(
        "gamma-divided",
        {"gamma": -1},
        "dout is divided by gamma in place of multiplied.",
        "dxhat = dout * gamma.",
        "eq-dy-dhhat",
    ),
    *(
        _all(
            f"gamma-{what}-sums",
            {"gamma": power},
            f"gamma is {said} in both paths through the statistics, though not in the direct one.",
            "The sums of dx are over dxhat = dout * gamma: multiply by gamma once, in all three terms.",
            "eq-dy-dhhat",
            ("mean", "variance"),
        )
        for what, power, said in (("missing-in", 0, "missing"), ("doubled-in", 2, "multiplied in twice"))
    ),
    # the power of var + eps
    *_each(
        "direct mean",
        "std-missing",
        _power(-1),
        "The {p} path is not divided by the standard deviation.",
        "Divide the {p} term by np.sqrt(var + eps).",
        "eq-jac",
    ),
    *_each(
        "direct mean",
        "std-multiplied",
        _power(-2),
        "The {p} path is multiplied by the standard deviation in place of divided.",
        "Divide by np.sqrt(var + eps) in place of multiplying.",
        "eq-jac",
    ),
    *_each(
        "direct mean",
        "std-squared",
        _power(1),
        "The {p} path is divided by var + eps: the root is missing, or ivar is there twice.",
        "Divide the {p} term by np.sqrt(var + eps), once.",
        "eq-jac",
    ),
    *_each(
        "direct mean",
        "power-3",
        _power(2),
        "The {p} path has the power -1.5 of var + eps; that power belongs to the variance path.",
        "Write (var + eps)**-0.5 in the {p} term.",
        "eq-jac",
    ),
    *(
        _one(
            f"variance-power-{name}",
            {"variance": {"power": power}},
            f"The path through the variance (dvar) has in effect the power {said} of var + eps, not -1.5.",
            f"Write (var + eps)**-1.5{more}.",
            "eq-jac-product",
        )
        for name, power, said, more in (
            ("0", 0, "0", "; it is missing altogether"),
            ("1", 1, "-0.5", "; a derivative lowers the power by one"),
            ("2", 2, "-1", ": three factors 1 / np.sqrt(var + eps), not two"),
            ("4", 4, "-2", ": three factors 1 / np.sqrt(var + eps), not four"),
            ("5", 5, "-2.5", ": three factors 1 / np.sqrt(var + eps), not five"),
            ("6", 6, "-3", "; cube the inverse root, not the inverse variance"),
            ("minus-3", -3, "+1.5", "; the power is negative"),
            ("minus-1", -1, "+0.5", "; the power is negative"),
        )
    ),
    *(
        _all(f"std-{name}", _power(step), sentence, fix, "eq-dh-hat")
        for name, step, sentence, fix in (
            (
                "missing",
                -1,
                "dx is not divided by the standard deviation.",
                "Multiply dx by 1 / np.sqrt(var + eps).",
            ),
            (
                "multiplied",
                -2,
                "dx is multiplied by the standard deviation in place of divided by it.",
                "Divide by np.sqrt(var + eps) in place of multiplying.",
            ),
            (
                "squared",
                1,
                "dx is divided by var + eps: the root is missing, or ivar is there twice.",
                "Divide by np.sqrt(var + eps) there, with the var and the eps of the forward pass.",
            ),
            (
                "cubed",
                2,
                "The factor in front of dx has the power -1.5 of var + eps.",
                "Write (var + eps)**-0.5 in front; the rest of the power -1.5 is inside x_hat.",
            ),
        )
    ),
    *(
        Entry(
            Mistake(f"{p}-{name}" if len(paths) == 1 else name, sentence.format(where=where), fix, "eq-jac"),
            {path: {"std": std} for path in paths},
        )
        for p, paths, where in (
            ("", ALL, "dx"),
            *((p, (p,), f"the {p} path") for p in ALL),
        )
        for name, std, sentence, fix in (
            (
                "eps-missing",
                "no eps",
                "eps is missing under the root in {where}.",
                "Use 1 / np.sqrt(var + eps), as in the forward pass.",
            ),
            (
                "eps-outside",
                "eps outside",
                "eps is added outside the root in {where}: sqrt(var) + eps.",
                "Use 1 / np.sqrt(var + eps): eps belongs under the root.",
            ),
            (
                "unbiased",
                "unbiased",
                "The variance in {where} is divided by N - 1 (ddof=1) in place of N.",
                "Batch norm normalises with the biased variance: divide by N.",
            ),
            (
                "eps-twice",
                "eps twice",
                "eps is added twice under the root in {where}.",
                "What the forward pass stored may hold eps already: add it once.",
            ),
        )
    ),
    _one(
        "variance-eps-missing-once",
        {"variance": {"outer": "c, no eps"}},
        "eps is missing in one of the three factors 1 / np.sqrt(var + eps) of the variance path.",
        "Look for np.sqrt(var), or for var without + eps, on the way back to dvar.",
        "eq-jac-product",
    ),
    *(
        _one(
            f"front-{name}",
            {"direct": {"std": std}, "mean": {"std": std}, "variance": {**HAT, "std": std}},
            f"In the factor in front of the closed form {said}; inside x_hat all is right.",
            "Divide by np.sqrt(var + eps) there, with the var and the eps of the forward pass.",
            "eq-dh-hat",
        )
        for name, std, said in (
            ("eps-missing", "no eps", "eps is missing under the root"),
            ("eps-outside", "eps outside", "eps is added outside the root"),
            ("unbiased", "unbiased", "the variance is divided by N - 1"),
        )
    ),
    _one(
        "variance-eps-missing-inside",
        {"variance": {"power": 1, "outer": "c/var", "inner": "c"}},
        "eps is missing where the path through the variance divides by var inside the bracket.",
        "Divide (x - mu) * sum(dout * (x - mu)) by var + eps.",
        "eq-dh-5",
    ),
    # 1/N
    *_each(
        "mean variance",
        "n-missing",
        {"count": "1"},
        "The 1/N of the {p} path is missing: it needs a mean, not a sum.",
        "Divide the {p} term by N.",
    ),
    *_each(
        "mean variance",
        "n-doubled",
        {"count": "N^2"},
        "The {p} path is divided by N twice.",
        "Divide the {p} term by N once; .mean() divides already.",
    ),
    *_each(
        "mean variance",
        "n-minus-1",
        {"count": "N - 1"},
        "The {p} path is divided by N - 1.",
        "Divide by N: the forward pass takes plain means.",
    ),
    *_each(
        "mean variance",
        "n-columns",
        {"count": "H"},
        "The {p} path is divided by the number of columns.",
        "Divide by N = dout.shape[0], the number of rows.",
    ),
    *_each(
        "mean variance",
        "n-entries",
        {"count": "N H"},
        "The {p} path is divided by the number of all entries, N times the columns.",
        "Divide by N = dout.shape[0], not by dout.size.",
    ),
    *_each(
        "mean variance",
        "n-multiplied",
        {"count": "1/N"},
        "The {p} path is multiplied by N in place of divided.",
        "Divide the {p} term by N.",
    ),
    _one(
        "direct-n-extra",
        {"direct": {"count": "N"}},
        "The direct path is divided by N.",
        "In the bracket of the closed form dout stands with a factor N; outside the bracket it has none.",
        "eq-dh-5",
    ),
    _one(
        "direct-n-multiplied",
        {"direct": {"count": "1/N"}},
        "The direct path is multiplied by N, and nothing divides by it again.",
        "The N before dout belongs inside the bracket that 1/N multiplies.",
        "eq-dh-5",
    ),
    _all(
        "n-missing",
        lambda p: {"count": {"direct": "1/N"}.get(p, "1")},
        "The 1/N in front of the closed form is missing: dx is N times too large.",
        CLOSED,
        "eq-dh-hat",
    ),
    _all(
        "n-doubled",
        lambda p: {"count": {"direct": "N"}.get(p, "N^2")},
        "dx is divided by N once too often.",
        "The loss is not averaged here: the 1/N are those of the mean and the variance.",
        "eq-dh-5",
    ),
    _all(
        "n-columns-in-sums",
        {"count": "H"},
        "Both paths through the statistics are divided by the number of columns.",
        "N, D = dout.shape: divide by N.",
        "eq-dh-5",
        ("mean", "variance"),
    ),
    _all(
        "n-missing-in-sums",
        {"count": "1"},
        "Both paths through the statistics lack their 1/N: sums stand where means belong.",
        f"{CLOSED[:-1]}: the factor N is before dout alone.",
        "eq-dh-5",
        ("mean", "variance"),
    ),
    _all(
        "n-minus-1-in-sums",
        {"count": "N - 1"},
        "Both paths through the statistics are divided by N - 1.",
        "Divide by N: the forward pass takes plain means.",
        "eq-dh-5",
        ("mean", "variance"),
    ),
    _all(
        "n-minus-1-in-front",
        lambda p: {"count": {"direct": "(N - 1)/N"}.get(p, "N - 1")},
        "The closed form is divided by N - 1.",
        "Divide by N = dout.shape[0].",
        "eq-dh-5",
    ),
    _all(
        "n-columns-in-front",
        lambda p: {"count": {"direct": "H/N"}.get(p, "H")},
        "The closed form is divided by the number of columns.",
        "N, D = dout.shape: divide by N.",
        "eq-dh-5",
    ),
    _all(
        "n-entries-in-sums",
        {"count": "N H"},
        "Both paths through the statistics are divided by the number of all entries.",
        "Divide by N = dout.shape[0], not by dout.size.",
        "eq-dh-5",
        ("mean", "variance"),
    ),
    # sums
    *(
        _one(
            f"{p}-unsummed",
            {p: {"over": "none"}},
            f"The sum over the rows is missing in the {p} path.",
            "A statistic is shared by all N rows: sum over axis 0 before you send it back to x.",
            label,
        )
        for p, label in (("mean", "eq-staged-7"), ("variance", "eq-staged-4"))
    ),
    *(
        _one(
            f"{p}-{name}{'' if not form else '-' + form}",
            {p: {"over": over, "inside": inside, **own}},
            f"In the {p} path you sum{where} over {what}; each column needs its own sum.",
            "Sum down each column: np.sum(..., axis=0).",
            "eq-chain",
        )
        for name, over, what in (
            ("sum-axis-1", "axis 1", "axis 1"),
            ("sum-columns", "columns", "axis 1, with keepdims"),
            ("sum-all", "all", "the whole array"),
        )
        for p, form, inside, own, where in (
            ("mean", "", "", {}, " dout"),
            ("mean", "dxhat", "gamma", {}, " dout * gamma"),
            ("mean", "ivar", "gamma power", {}, " dout * gamma * ivar"),
            ("variance", "", "", HAT, " dout * x_hat"),
            ("variance", "dxhat-xhat", "gamma", HAT, " dout * gamma * x_hat"),
            ("variance", "xmu", "", {}, " dout * (x - mu)"),
            ("variance", "dxhat", "gamma", {}, " dout * gamma * (x - mu)"),
            ("variance", "ivar", "gamma power", {}, " dout * gamma * (x - mu) * ivar**3"),
        )
    ),
    *(
        Entry(
            Mistake(
                f"sums-{name}",
                f"Both sums of dx run over {what}.",
                "Sum down each column: np.sum(..., axis=0).",
                "eq-chain",
            ),
            {"mean": {"over": over}, "variance": {"over": over, **HAT}},
        )
        for name, over, what in (
            ("axis-1", "axis 1", "axis 1, the columns"),
            ("columns", "columns", "the columns (axis 1, keepdims)"),
            ("all", "all", "all entries"),
        )
    ),
    *(
        Entry(
            Mistake(
                f"{name}-mean-all",
                f"{what} a mean over all entries, not over the rows of each column.",
                "Use .mean(axis=0), not .mean().",
                "eq-chain",
            ),
            changes,
        )
        for name, what, changes in (
            ("mean", "The path through the mean takes", {"mean": MEAN_OF_ALL}),
            ("variance", "The path through the variance takes", {"variance": {**HAT, **MEAN_OF_ALL}}),
            ("sums", "Both paths take", {"mean": MEAN_OF_ALL, "variance": {**HAT, **MEAN_OF_ALL}}),
        )
    ),
    *(
        _one(
            f"{p}-mean-columns{form}",
            {p: {**own, "over": "columns", "count": "H"}},
            f"In the {p} path you take a mean{of} over axis 1, with keepdims; each column needs its own.",
            "Take the mean down each column: .mean(axis=0).",
            "eq-chain",
        )
        for p, form, own, of in (
            ("mean", "", {}, ""),
            ("mean", "-dxhat", {"inside": "gamma"}, " of dout * gamma"),
            ("variance", "", HAT, ""),
            ("variance", "-dxhat", {**HAT, "inside": "gamma"}, " of dout * gamma * x_hat"),
        )
    ),
    _one(
        "mean-mean-all-dxhat",
        {"mean": {**MEAN_OF_ALL, "inside": "gamma"}},
        "The path through the mean takes a mean of dout * gamma over all entries.",
        "Use .mean(axis=0), not .mean().",
        "eq-chain",
    ),
    _all(
        "sums-missing",
        {"over": "none"},
        "Neither of the two sums over the rows is taken.",
        "A statistic is shared by all N rows: sum over axis 0 before you send it back to x.",
        "eq-dh-5",
        ("mean", "variance"),
    ),
    _one(
        "direct-summed",
        {"direct": {"over": "rows"}},
        "The direct path takes the sum of dout over the rows in place of dout itself.",
        "The first term of dx is dout, row by row.",
        "eq-dh-4",
    ),
    _one(
        "variance-alone",
        {"direct": {"factor": 0}, "mean": {"factor": 0}},
        "Of the three paths only the one through the variance reaches dx.",
        "Add the direct and the mean term; look for = where += is meant, which drops what was there.",
        "eq-dh-4",
    ),
    _one(
        "direct-averaged",
        {"direct": {"over": "mean of rows"}},
        "The direct path takes the mean of dout over the rows in place of dout itself.",
        "The first term of dx is dout, row by row.",
        "eq-dh-4",
    ),
    # what is summed, and what multiplies the sum
    *(
        _one(f"mean-{name}", {"mean": {"inner": inner}}, sentence, fix, "eq-dh-hat")
        for name, inner, sentence, fix in (
            (
                "takes-dgamma",
                "x_hat",
                "The path through the mean has dgamma = sum(dout * x_hat) where sum(dout) belongs.",
                CLOSED,
            ),
            (
                "times-xmu",
                "c",
                "The sum in the path through the mean has a factor x - mu too much.",
                "The mean path sums dout * gamma alone.",
            ),
            (
                "times-x",
                "x",
                "The sum in the path through the mean has a factor x too much.",
                "The mean path sums dout * gamma alone.",
            ),
        )
    ),
    _one(
        "mean-times-xhat",
        {"mean": {"outer": "x_hat"}},
        "The path through the mean has a factor x_hat too much.",
        "The mean moves every row alike: sum(dout) stands there alone.",
        "eq-dh-hat",
    ),
    _one(
        "direct-times-xhat",
        {"direct": {"inner": "x_hat"}},
        "The direct path has a factor x_hat too much.",
        "dxhat = dout * gamma; x_hat multiplies dout only in dgamma.",
        "eq-dh-hat",
    ),
    _one(
        "mean-dout-missing",
        {"mean": {"dout": "1"}},
        "dout is missing in the sum of the path through the mean.",
        "Sum dout * gamma over the rows.",
        "eq-chain",
    ),
    _one(
        "variance-dout-missing",
        {"variance": {"dout": "1"}},
        "dout is missing in the sum of the path through the variance, and sum(x - mu) alone is 0.",
        "dvar sums dxhat * (x - mu) over the rows, dxhat included.",
        "eq-chain",
    ),
    *(
        _one(f"variance-{name}", {"variance": parts}, sentence, fix, label)
        for name, parts, sentence, fix, label in (
            (
                "outer-x",
                {"outer": "x"},
                "x stands for x - mu where dvar meets 2 * (x - mu) / N.",
                "dvar/dx is 2 / N * (x - mu).",
                "eq-dvar-4",
            ),
            (
                "inner-x",
                {"inner": "x"},
                "x stands for x - mu in the sum of the path through the variance.",
                "dvar sums dxhat * (x - mu).",
                "eq-jac-product",
            ),
            (
                "both-x",
                {"outer": "x", "inner": "x"},
                "x stands for x - mu everywhere in the path through the variance.",
                "Centre x first: xmu = x - mu.",
                "eq-dvar-1",
            ),
            (
                "outer-xhat",
                {"outer": "x_hat"},
                "x_hat stands for x - mu where dvar meets 2 * (x - mu) / N.",
                "dvar/dx is 2 / N * (x - mu), not divided by the standard deviation.",
                "eq-dvar-4",
            ),
            (
                "inner-xhat",
                {"inner": "x_hat"},
                "x_hat stands for x - mu in the sum of the path through the variance.",
                "dvar sums dxhat * (x - mu) * -0.5 * (var + eps)**-1.5.",
                "eq-jac-product",
            ),
            (
                "both-xhat",
                {"outer": "x_hat", "inner": "x_hat"},
                "x_hat stands for x - mu everywhere in the path through the variance.",
                "Use x - mu with the power -1.5, or x_hat in both places with the power -0.5.",
                "eq-jac",
            ),
            (
                "outer-missing",
                {"outer": "1"},
                "The factor x - mu is missing where dvar meets 2 * (x - mu) / N.",
                "dvar/dx is 2 / N * (x - mu): every row gets its own.",
                "eq-dvar-4",
            ),
            (
                "inner-missing",
                {"inner": "1"},
                "The factor x - mu is missing in the sum of the path through the variance.",
                "dvar sums dxhat * (x - mu) * -0.5 * (var + eps)**-1.5.",
                "eq-jac-product",
            ),
            (
                "outer-squared",
                {"outer": "c^2"},
                "x - mu is squared where dvar meets 2 * (x - mu) / N.",
                "The derivative of (x - mu)^2 is 2 (x - mu).",
                "eq-dvar-1",
            ),
            (
                "inner-squared",
                {"inner": "c^2"},
                "x - mu is squared in the sum of the path through the variance.",
                "dvar sums dxhat * (x - mu).",
                "eq-jac-product",
            ),
            (
                "outer-mu",
                {"outer": "mu"},
                "mu stands for x - mu where dvar meets 2 * (x - mu) / N.",
                "dvar/dx is 2 / N * (x - mu).",
                "eq-dvar-4",
            ),
            (
                "outer-var",
                {"outer": "var"},
                "var stands for x - mu where dvar meets 2 * (x - mu) / N.",
                "dvar/dx is 2 / N * (x - mu).",
                "eq-dvar-4",
            ),
            (
                "outer-dout",
                {"outer": "dout"},
                "dout stands for x - mu where dvar meets 2 * (x - mu) / N.",
                "dvar/dx is 2 / N * (x - mu).",
                "eq-dvar-4",
            ),
            (
                "hat-outer-x",
                {"power": 1, "outer": "x", "inner": "x_hat"},
                "x stands for x_hat in front of dgamma.",
                CLOSED,
                "eq-dh-hat",
            ),
            (
                "hat-outer-xmu",
                {"power": 1, "outer": "c", "inner": "x_hat"},
                "x - mu stands for x_hat in front of dgamma.",
                CLOSED,
                "eq-dh-hat",
            ),
            (
                "hat-outer-missing",
                {"power": 1, "outer": "1", "inner": "x_hat"},
                "The factor x_hat before dgamma is missing.",
                CLOSED,
                "eq-dh-hat",
            ),
            (
                "hat-inner-x",
                {"power": 1, "outer": "x_hat", "inner": "x"},
                "x stands for x_hat in the sum of dout * x_hat.",
                "dgamma = np.sum(dout * x_hat, axis=0).",
                "eq-dh-hat",
            ),
            (
                "takes-dbeta",
                {"power": 1, "outer": "x_hat", "inner": "1"},
                "The path through the variance has dbeta = sum(dout) where dgamma belongs.",
                CLOSED,
                "eq-dh-hat",
            ),
            (
                "hat-outer-dout",
                {"power": 1, "outer": "dout", "inner": "x_hat"},
                "dout stands for x_hat in front of dgamma.",
                CLOSED,
                "eq-dh-hat",
            ),
            (
                "hat-outer-y",
                {"power": 1, "outer": "y", "inner": "x_hat"},
                "The output of the layer stands for x_hat in front of dgamma.",
                "Store x_hat in the cache, before gamma and beta.",
                "eq-dh-hat",
            ),
            (
                "hat-outer-squared",
                {"power": 1, "outer": "x_hat r", "inner": "x_hat"},
                "x_hat is divided by the standard deviation once more in front of dgamma.",
                "x_hat = (x - mu) * ivar holds the division already.",
                "eq-dh-hat",
            ),
        )
    ),
    _one(
        "swapped-sums",
        {"mean": {"inner": "x_hat"}, "variance": {"power": 1, "outer": "x_hat", "inner": "1"}},
        "dgamma and dbeta are swapped in dx.",
        CLOSED,
        "eq-dh-hat",
    ),
    # the vanishing sum
    _one(
        "mean-of-variance-unsummed",
        {"mean of the variance": {"factor": 1, "count": "N^2"}},
        "In dmu, -2 * (x - mu) is not summed over axis 0.",
        "Sum it down each column, or leave the term out: that sum is 0.",
        "eq-dvar-3",
    ),
    _one(
        "mean-of-variance-unsummed-undivided",
        {"mean of the variance": {"factor": 1}},
        "In dmu, -2 * (x - mu) is neither summed over axis 0 nor divided by N.",
        "Sum it down each column, or leave the term out: that sum is 0.",
        "eq-dvar-3",
    ),
    _one(
        "mean-of-variance-x",
        {"mean of the variance": {"factor": 1, "outer": "mu"}},
        "In dmu, the term of the variance sums x in place of x - mu, so that it no longer vanishes.",
        "Sum it down each column, or leave the term out: that sum is 0.",
        "eq-dvar-3",
    ),
    _one(
        "mean-of-variance-mu",
        {"mean of the variance": {"factor": -1, "outer": "mu"}},
        "In dmu, the term of the variance sums -mu in place of x - mu, so that it no longer vanishes.",
        "Sum it down each column, or leave the term out: that sum is 0.",
        "eq-dvar-3",
    ),
    # several paths
    _one(
        "statistics-detached",
        {"mean": {"factor": 0}, "variance": {"factor": 0}},
        "The mean and the variance are treated as constants: dx = dout * gamma / std, as in evaluation.",
        "In training both depend on every row of x: add the mean and the variance term.",
        "eq-dh-4",
    ),
    _one(
        "normalisation-skipped",
        {"mean": {"factor": 0}, "variance": {"factor": 0}, "direct": {"power": 0}},
        "dx stops at dxhat = dout * gamma: the normalisation is not differentiated.",
        "Go on from dxhat through x_hat = (x - mu) * ivar.",
        "eq-dh-1",
    ),
    _one(
        "returns-dout",
        {"mean": {"factor": 0}, "variance": {"factor": 0}, "direct": {"power": 0, "gamma": 0}},
        "dx is dout itself.",
        "Send dout back through y = gamma * x_hat + beta and the normalisation.",
        "eq-dh-1",
    ),
    _one(
        "gamma-and-statistics-missing",
        {"mean": {"factor": 0}, "variance": {"factor": 0}, "direct": {"gamma": 0}},
        "dx is dout / std: gamma and both paths through the statistics are missing.",
        CLOSED,
        "eq-dh-1",
    ),
    _all(
        "statistics-sign",
        _times(-1),
        "Both paths through the statistics have the wrong sign.",
        "dbeta and x_hat * dgamma are subtracted.",
        "eq-dh-5",
        ("mean", "variance"),
    ),
    _all("zero", {"factor": 0}, "dx is 0: nothing is added to it.", "Add its three terms.", "eq-dh-4"),
    _all("sign", _times(-1), "dx has the wrong sign.", "Flip it.", "eq-dh-5"),
    _all(
        "precedence",
        lambda p: {**_times(0.5)(p), **_power(1)(p)},
        "dx is half of what it must be, and has one factor 1 / np.sqrt(var + eps) too many.",
        "Python reads a ** -1 / 2 as (1 / a) / 2: write (var + eps) ** -0.5.",
        "eq-dh-hat",
    ),
    _all("doubled", _times(2), "dx is doubled.", "Look for a stray 2, or a line that adds twice.", "eq-dh-5"),
    _all("halved", _times(0.5), "dx is half of what it must be.", "Look for a stray 1/2.", "eq-dh-5"),
    _one(
        "parentheses",
        {"mean": BARE, "variance": {**BARE, "outer": "x_hat", "inner": "x_hat"}},
        "The parentheses are missing: the factor in front multiplies N * dout alone.",
        f"{CLOSED[:-1]}, with brackets around the whole difference.",
        "eq-dh-5",
    ),
    _one(
        "parentheses-two",
        {"variance": {**BARE, "outer": "x_hat", "inner": "x_hat"}},
        "The bracket closes too early: the factor in front does not reach x_hat * dgamma.",
        f"{CLOSED[:-1]}, with brackets around the whole difference.",
        "eq-dh-5",
    ),
    _one(
        "relu-mask",
        {p: {"dout": "relu"} for p in ALL},
        "dout is masked as behind a ReLU, where y > 0.",
        "The ReLU has a backward pass of its own; dout is the gradient of y.",
        "eq-drelu",
    ),
    *(
        _one(f"dx-{name}", {"result": result}, sentence, fix, "eq-layout")
        for name, result, sentence, fix in (
            ("transposed", "transposed", "dx is transposed.", "dx has the shape of x, (N, D)."),
            ("summed", "summed", "dx is summed over the rows.", "dx has the shape of x, (N, D)."),
            ("averaged", "averaged", "dx is averaged over the rows.", "dx has the shape of x, (N, D)."),
        )
    ),
]

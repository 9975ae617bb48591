"""Properties that the true dx has exactly; one that fails points at a path, whatever the mistake."""

from dataclasses import replace

import numpy as np

from bn_utils.diagnose.catalogue import Mistake

TOLERANCE = 1e-5


def symptoms_of(backward, probe, dx, tolerance=TOLERANCE):
    """The properties that a wrong dx does not have.

    Parameters
    ----------
    backward : function of a probe
        Returns the learner's dx for it, or None.
    probe : Probe
    dx : (N, H) array
        The learner's dx for this probe.
    """
    N = probe.N
    rng = np.random.default_rng(1)
    noise = rng.standard_normal(probe.x.shape)
    ends = [np.where(np.arange(probe.H) == j, noise, 0) for j in (0, probe.H - 1)]  # one column each
    first = (np.arange(N) == 0)[:, None]
    order = np.roll(np.arange(N), 1)

    def holds_for(changes, expected, part=np.s_[:]):
        """Whether the learner's dx for a changed probe is what the true one would be."""
        found = backward(replace(probe, **changes))
        return (
            found is not None
            and np.shape(found) == np.shape(expected)
            and _close(found[part], expected[part], tolerance)
        )

    twice = {"dout": np.tile(probe.dout, (2, 1)), "x": np.tile(probe.x, (2, 1))}
    moved = backward(replace(probe, dout=probe.dout + 1.0 * first))
    checks = [
        (
            holds_for({"dout": 2 * probe.dout}, 2 * dx),
            "not-linear-in-dout",
            "Doubling dout does not double dx, but every gradient is linear in dout.",
            "Perhaps a term lacks dout, has it twice, or puts it into a function that is not linear.",
            "eq-chain",
        ),
        (
            holds_for({"gamma": 2 * probe.gamma}, 2 * dx),
            "not-linear-in-gamma",
            "Doubling gamma does not double dx.",
            "Each term of dx has gamma once: start all from dxhat = dout * gamma.",
            "eq-dy-dhhat",
        ),
        (
            all(
                holds_for({"dout": probe.dout + end, "x": probe.x + end}, dx, np.s_[:, ~end.any(axis=0)])
                for end in ends
            ),
            "columns-mixed",
            "Changing one column of x and dout changes dx in other columns.",
            "Perhaps a sum runs over the wrong axis, or over all entries; or a loop over the columns "
            "does not set its sums to 0 again.",
            "eq-chain",
        ),
        (
            moved is None or not _close(moved[1:], dx[1:], tolerance),
            "rows-apart",
            "Changing the first row of dout leaves dx in the other rows as it was.",
            "The statistics depend on every row: the paths through the mean and the variance are missing.",
            "eq-dh-4",
        ),
        (
            holds_for({"dout": probe.dout[order], "x": probe.x[order]}, dx[order]),
            "order-of-rows",
            "Reordering the rows of x and dout does not reorder those of dx.",
            "Perhaps a wrong axis, = where a loop needs +=, or a loop that leaves a row out.",
            "eq-chain",
        ),
        (
            holds_for({"x": probe.x + 3}, dx),
            "shift",
            "Adding a number to x changes dx, though x_hat stays the same.",
            "Perhaps x or mu stands for x - mu.",
            "eq-jac-centred",
        ),
        (
            holds_for({"x": 2 * probe.x, "eps": 4 * probe.eps}, dx / 2),
            "scale",
            "Doubling x, with eps times 4, does not halve dx.",
            "Perhaps a power of var + eps is wrong, or eps is not under the root.",
            "eq-jac-product",
        ),
        (
            holds_for(twice, np.tile(dx, (2, 1))),
            "doubled-batch",
            "If every row is given twice, dx must stay the same for each row; yours changes.",
            "Perhaps a 1/N is missing, there twice, or divides the wrong term.",
            "eq-dmu",
        ),
        # last, because nearly every mistake breaks them
        (
            _close(dx.sum(axis=0), 0 * dx[0], tolerance, np.abs(dx).sum(axis=0).max()),
            "column-sums",
            "The columns of dx do not sum to 0, though adding a number to a column of x changes no y.",
            "Perhaps the path through the mean; any wrong term can do this.",
            "eq-dh-5",
        ),
        (
            _close(
                (dx * probe.x_hat).sum(axis=0),
                probe.eps * probe.gamma * probe.dgamma * probe.r**3,
                tolerance,
                np.abs(dx * probe.x_hat).sum(axis=0).max(),
            ),
            "sum-with-x-hat",
            "np.sum(dx * x_hat, axis=0) is not eps * gamma * dgamma / (var + eps)**1.5.",
            "Perhaps the path through the variance; any wrong term can do this.",
            "eq-dh-hat",
        ),
    ]
    return tuple(
        Mistake(f"symptom-{id}", sentence, fix, label)
        for holds, id, sentence, fix, label in checks
        if not holds
    )


def _close(actual, expected, tolerance, scale=0.0):
    scale = max(scale, np.abs(expected).max(initial=0), 1e-3)
    return bool(np.abs(actual - expected).max(initial=0) <= tolerance * scale)

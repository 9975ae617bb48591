"""The mistakes of the linear layer and of the ReLU: what each computes from a probe."""

import numpy as np

from bn_utils.diagnose.catalogue.mistake import Entry, Mistake


def _entries(name, label, rows):
    return [
        Entry(Mistake(f"{name}-{id}", sentence, fix, label), result) for id, result, sentence, fix in rows
    ]


DX_FIX = "dX = dout @ W.T."
DW_FIX = "dW = X.T @ dout."
DB_FIX = "db = dout.sum(axis=0)."
RELU_FIX = "dy = dout * (y > 0)."
DX_LINEAR = _entries(
    "dX",
    "eq-dinput",
    [
        ("not-transposed", lambda p: p.dout @ p.w, "W is not transposed: dout @ W.", DX_FIX),
        ("transposed", lambda p: (p.dout @ p.w.T).T, "dX is transposed.", DX_FIX),
        ("weights-only", lambda p: p.w.T, "dout is missing: dX is W.T.", DX_FIX),
        ("returns-dout", lambda p: p.dout, "dX is dout itself.", DX_FIX),
        ("sign", lambda p: -p.dX, "The sign is wrong.", DX_FIX),
        ("mean", lambda p: p.dX / p.N, "dX is divided by N.", DX_FIX),
        ("doubled", lambda p: 2 * p.dX, "dX is doubled.", DX_FIX),
        ("halved", lambda p: p.dX / 2, "dX is half of what it must be.", DX_FIX),
        ("columns", lambda p: p.dX / p.w.shape[1], "dX is divided by the number of columns.", DX_FIX),
        (
            "bias",
            lambda p: p.dX + p.dout.sum(axis=1, keepdims=True),
            "The sum of each row of dout is added.",
            DX_FIX,
        ),
        ("x", lambda p: p.dX * p.x, "dX is multiplied by X.", DX_FIX),
    ],
)
DW = _entries(
    "dW",
    "eq-dweight",
    [
        ("transposed", lambda p: p.dW.T, "dW is transposed: dout.T @ X.", DW_FIX),
        ("not-transposed", lambda p: p.x @ p.dout, "X is not transposed: X @ dout.", DW_FIX),
        ("wrong-transposed", lambda p: p.x @ p.dout.T, "The wrong factor is transposed: X @ dout.T.", DW_FIX),
        ("mean", lambda p: p.dW / p.N, "dW is divided by N: no loss is averaged here.", DW_FIX),
        ("sign", lambda p: -p.dW, "The sign is wrong.", DW_FIX),
        ("doubled", lambda p: 2 * p.dW, "dW is doubled.", DW_FIX),
        ("halved", lambda p: p.dW / 2, "dW is half of what it must be.", DW_FIX),
        ("elementwise", lambda p: p.x * p.dout, "X * dout multiplies entry by entry.", DW_FIX),
        ("weights", lambda p: p.w.T @ p.dout, "W stands for X.", DW_FIX),
        ("decay", lambda p: p.dW + p.w, "W is added, as for weight decay.", DW_FIX),
        ("ones", lambda p: np.ones_like(p.x).T @ p.dout, "X is missing: every row of dW is db.", DW_FIX),
        ("dout-missing", lambda p: p.x.T @ np.ones_like(p.dout), "dout is missing.", DW_FIX),
    ],
)
DB = _entries(
    "db",
    "eq-dbias",
    [
        ("mean", lambda p: p.dout.mean(axis=0), "It is a mean over the rows; it must be the sum.", DB_FIX),
        ("sum-axis-1", lambda p: p.dout.sum(axis=1), "The sum runs over axis 1.", DB_FIX),
        ("sum-all", lambda p: p.dout.sum(), "The sum runs over all entries: the axis is missing.", DB_FIX),
        ("unsummed", lambda p: p.dout, "The sum over the rows is missing.", DB_FIX),
        ("keepdims", lambda p: p.db[None, :], "The shape is (1, H): keepdims=True left an axis.", DB_FIX),
        ("column", lambda p: p.db[:, None], "The shape is (H, 1) in place of (H,).", DB_FIX),
        ("sign", lambda p: -p.db, "The sign is wrong.", DB_FIX),
        ("doubled", lambda p: 2 * p.db, "db is doubled.", DB_FIX),
        ("halved", lambda p: p.db / 2, "db is half of what it must be.", DB_FIX),
        ("zero", lambda p: 0 * p.db, "It is 0; that holds only where batch norm follows.", DB_FIX),
        ("count", lambda p: np.full_like(p.db, p.N), "It counts the rows: dout is missing.", DB_FIX),
    ],
)
DY_RELU = _entries(
    "dy",
    "eq-drelu",
    [
        ("unmasked", lambda p: p.dout, "The mask is missing: dy is dout.", RELU_FIX),
        ("inverted", lambda p: p.dout * (p.x < 0), "The mask is inverted: y < 0.", RELU_FIX),
        ("mask-of-dout", lambda p: np.maximum(0, p.dout), "The mask looks at dout, not at y.", RELU_FIX),
        (
            "mask-of-both",
            lambda p: np.maximum(0, p.dout) * (p.x > 0),
            "The mask looks at dout too.",
            RELU_FIX,
        ),
        ("mask-only", lambda p: 1.0 * (p.x > 0), "dout is missing: dy is the mask.", RELU_FIX),
        ("times-y", lambda p: p.dout * p.x, "dout is multiplied by y, not by the mask.", RELU_FIX),
        ("times-a", lambda p: p.dout * p.y, "dout is multiplied by max(0, y), not by the mask.", RELU_FIX),
        ("forward", lambda p: p.y, "It is the forward pass again: max(0, y).", RELU_FIX),
        ("signed", lambda p: p.dout * np.sign(p.x), "The sign of y stands for the mask.", RELU_FIX),
        ("absolute", lambda p: np.abs(p.dout) * (p.x > 0), "dout loses its sign.", RELU_FIX),
        ("sign", lambda p: -p.dy, "The sign is wrong.", RELU_FIX),
        ("doubled", lambda p: 2 * p.dy, "dy is doubled.", RELU_FIX),
    ],
)

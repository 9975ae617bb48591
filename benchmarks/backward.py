"""The backward pass in six ways, beside PyTorch's kernel: time, memory and accuracy.

    make bench          (some twenty minutes; let the machine do nothing else)

Writes bn_utils/measured.json, which chapter 16_speed draws, and benchmarks/backward.md. Each
number is the median of five processes; in each, a way and the kernel run in turn, and the median
of the ratios of the pairs counts. One thread, and a heap that keeps its pages. Before a shape is
measured the kernel runs beside itself, up to five times, until that ratio is within 0.03 of 1: the
machine is quiet then, or was not, which the table shows.
"""

import ctypes
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

THREADS = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
os.environ |= THREADS  # before NumPy is imported

import numpy as np  # noqa: E402
import torch  # noqa: E402

import bn_utils as bn  # noqa: E402

HERE = Path(__file__).parent
MEASURED = HERE.parent / "bn_utils" / "measured.json"
SHAPES = ((64, 100), (256, 1024), (4096, 1024), (65536, 256), (1_000_000, 64), (32, 100_000))
FITTED = ((16384, 512), (200_000, 128))  # the constants of the model come from these
PROCESSES, ATTEMPTS, CONTROL = 5, 5, 0.03
SECONDS, SHORTEST = 0.4, 2e-3  # for each way in a process; for one side of a pair
EPS = 1e-5


def staged(dy, h, mu, var, inv_std, h_hat, gamma):
    N = len(dy)
    dbeta = dy.sum(axis=0)
    dgamma = (dy * h_hat).sum(axis=0)
    dh_hat = dy * gamma
    dinv_std = (dh_hat * (h - mu)).sum(axis=0)
    dvar = dinv_std * -0.5 * inv_std**3
    dcentred = dh_hat * inv_std + dvar * 2 / N * (h - mu)
    dmu = -dcentred.sum(axis=0)
    return dcentred + dmu / N, dgamma, dbeta


def closed(dy, h, mu, var, inv_std, h_hat, gamma):
    N = len(dy)
    dbeta = dy.sum(axis=0)
    dgamma = (dy * h_hat).sum(axis=0)
    dh = gamma * inv_std / N * (N * dy - dbeta - h_hat * dgamma)
    return dh, dgamma, dbeta


def means(dy, h, mu, var, inv_std, h_hat, gamma):
    N = len(dy)
    dbeta = dy.sum(axis=0)
    dgamma = (dy * h_hat).sum(axis=0)
    dh = gamma * inv_std * (dy - dbeta / N - h_hat * (dgamma / N))
    return dh, dgamma, dbeta


def ways(N, H, dtype):
    """The kernel, and each way as a function without arguments; the exact dh."""
    rng = np.random.default_rng(0)
    h, dy = (rng.standard_normal((N, H), dtype=np.float32).astype(dtype) for _ in range(2))
    gamma, beta = (rng.standard_normal(H).astype(dtype) for _ in range(2))
    _, cache = bn.fused.batchnorm_forward(h, gamma, beta, EPS)
    arrays = dy, h, cache.mu, cache.var, cache.inv_std, cache.h_hat, gamma
    out = np.empty_like(dy)
    t_dy, t_h, t_gamma, t_beta, t_mu, t_inv_std = map(
        torch.from_numpy, (dy, h, gamma, beta, cache.mu, cache.inv_std)
    )
    leaves = [tensor.clone().requires_grad_() for tensor in (t_h, t_gamma, t_beta)]
    y = torch.nn.functional.batch_norm(leaves[0], None, None, *leaves[1:], training=True, eps=EPS)
    backward = torch.ops.aten.native_batch_norm_backward
    given = t_dy, t_h, t_gamma, None, None, t_mu, t_inv_std, True, EPS, [True] * 3

    def kernel():
        return backward(*given)

    functions = {
        "kernel": kernel,
        "autograd": lambda: torch.autograd.grad(y, leaves, t_dy, retain_graph=True),
        "staged": lambda: staged(*arrays),
        "closed": lambda: closed(*arrays),
        "means": lambda: means(*arrays),
        "bn_utils": lambda: bn.batchnorm_backward(dy, cache),
        "fused": lambda: bn.fused.batchnorm_backward(dy, cache),
        "fused, out": lambda: bn.fused.batchnorm_backward(dy, cache, out=out),
        "copy": lambda: np.copyto(out, dy),
    }
    return kernel, functions, dy, cache


def seconds(function, times):
    start = time.perf_counter()
    for _ in range(times):
        function()
    return time.perf_counter() - start


def ratio(function, kernel, times):
    """The median ratio of pairs in which the function and the kernel run one after the other."""
    pair = seconds(kernel, times) + seconds(function, times)
    pairs = min(101, max(3, round(SECONDS / pair)))
    found = []
    for _ in range(pairs):
        before = seconds(kernel, times)
        found.append(seconds(function, times) / before)
    return statistics.median(found)


def measure(N, H, dtype):
    """What one process finds for a shape: for each way its ratio, memory in arrays, and error."""
    kernel, functions, dy, cache = ways(N, H, dtype)
    times = max(1, round(SHORTEST / min(seconds(kernel, 1) for _ in range(5))))
    attempts, ratios = 1, {"kernel": ratio(kernel, kernel, times)}
    while abs(ratios["kernel"] - 1) > CONTROL and attempts < ATTEMPTS:
        attempts, ratios["kernel"] = attempts + 1, ratio(kernel, kernel, times)
    ratios |= {
        name: ratio(function, kernel, times) for name, function in functions.items() if name != "kernel"
    }
    expected = exact(dy, cache)
    rows = {}
    for name, function in functions.items():
        tracemalloc.start()
        result = function()
        peak = tracemalloc.get_traced_memory()[1] / dy.nbytes
        tracemalloc.stop()
        rows[name] = {"ratio": ratios[name]}
        if name != "copy":
            gap = np.abs(np.asarray(result[0]) - expected).max()
            rows[name]["error"] = float(gap / np.abs(expected).max())
        if name not in ("copy", "kernel", "autograd"):  # PyTorch's memory is not traced
            rows[name]["arrays"] = peak
    kernel_seconds = statistics.median(seconds(kernel, times) / times for _ in range(7))
    return {"attempts": attempts, "kernel_seconds": kernel_seconds, "flops": flops(dtype), "ways": rows}


def flops(dtype):
    """Floating-point operations in a second, where memory does not matter: of a product of matrices."""
    n = 1024
    a, b, c = (np.ones((n, n), dtype) for _ in range(3))
    return 2 * n**3 / min(seconds(lambda: np.matmul(a, b, out=c), 1) for _ in range(5))


def exact(dy, cache):
    """dh in double precision, of the same h."""
    g, c = dy.astype(np.float64), cache.h.astype(np.float64)
    c -= c.mean(axis=0)
    inv_std = ((c**2).mean(axis=0) + EPS) ** -0.5
    c *= inv_std
    g -= g.mean(axis=0)
    g -= c * (g * c).mean(axis=0)
    return cache.gamma * inv_std * g


def process():
    """Measure all shapes, and print what was found as JSON."""
    torch.set_num_threads(1)
    if hasattr(ctypes.CDLL(None), "mallopt"):  # keep the pages of large arrays for the next ones
        ctypes.CDLL(None).mallopt(-3, 2**30)  # M_MMAP_THRESHOLD
        ctypes.CDLL(None).mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
    for N, H in SHAPES + FITTED:
        for dtype in ("float32", "float64"):
            print(f"  {N} x {H} {dtype}", file=sys.stderr, flush=True)
            print(json.dumps({"shape": [N, H], "dtype": dtype} | measure(N, H, np.dtype(dtype))), flush=True)


def median_of(runs):
    """One row from the same row of several processes."""
    found = {key: runs[0][key] for key in ("shape", "dtype")}
    found["attempts"] = [run["attempts"] for run in runs]
    found |= {key: statistics.median(run[key] for run in runs) for key in ("kernel_seconds", "flops")}
    found["ways"] = {
        name: {key: statistics.median(run["ways"][name][key] for run in runs) for key in row}
        for name, row in runs[0]["ways"].items()
    }
    return found


def main():
    command = [sys.executable, __file__, "--process"]
    runs = []
    for number in range(1, PROCESSES + 1):
        print(f"process {number} of {PROCESSES} ...", flush=True)
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        runs.append([json.loads(line) for line in output.splitlines()])
    results = [median_of(rows) for rows in zip(*runs, strict=True)]
    machine = (
        f"{processor()}, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, PyTorch {torch.__version__.split('+')[0]}, one thread"
    )
    found = {"machine": machine, "processes": PROCESSES, "fitted": FITTED, "results": results}
    MEASURED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    text = report(found)
    (HERE / "backward.md").write_text(text, encoding="utf-8")
    print(text)


def processor():
    """The name of the processor and its caches, where Linux tells them."""
    try:
        lines = subprocess.run(["lscpu"], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return platform.processor()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    caches = (f"{key.split()[0]} {fields[key]}" for key in ("L2 cache", "L3 cache") if key in fields)
    return ", ".join([fields.get("Model name", platform.processor()), *caches])


def report(found):
    """The tables of backward.md."""
    results = found["results"]
    names = list(results[0]["ways"])
    text = (
        "# The backward pass, beside PyTorch's kernel\n\n"
        f"{found['machine']}. `make bench` writes this file.\n\n"
        "## Time, as a ratio to the kernel: float32 / float64\n"
    )
    pairs = list(zip(results[::2], results[1::2], strict=True))
    head = "| way | " + " | ".join("x".join(map(str, a["shape"])) for a, _ in pairs) + " |\n"
    head += "|---" * (len(pairs) + 1) + "|\n"

    def table(key, form, subset):
        rows = (
            f"| {name} | "
            + " | ".join(" / ".join(form(r["ways"][name][key]) for r in pair) for pair in pairs)
            + " |"
            for name in subset
        )
        return "\n" + head + "\n".join(rows) + "\n"

    text += table("ratio", "{:.2f}".format, names)
    text += "\nThe first row is the kernel beside itself. Attempts until it was within "
    text += f"{CONTROL} of 1 (at most {ATTEMPTS}), for each process:\n"
    attempts = (" / ".join(",".join(str(n) for n in r["attempts"]) for r in pair) for pair in pairs)
    text += "\n" + head + "| attempts | " + " | ".join(attempts) + " |\n"
    own = [name for name in names if "arrays" in results[0]["ways"][name]]
    text += "\n## New memory at its peak, in arrays of (N, H)\n" + table("arrays", "{:.2f}".format, own)
    text += "\n## Largest error of dh, relative to its largest entry\n"
    return text + table("error", "{:.0e}".format, [name for name in names if name != "copy"])


if __name__ == "__main__":
    process() if "--process" in sys.argv else main()

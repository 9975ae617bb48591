"""What a worker can do wrong: functions that new processes import."""

import os
import signal
import time

from bn_utils.workers import all_reduce


def fail(rank, how):
    """Worker 1 goes wrong in the named way while the others wait for it in a sum."""
    if rank == 1:
        all_reduce(0)
        HOW[how]()
        return None
    all_reduce(0)
    return all_reduce(rank).item()


def _raise():
    raise KeyError("no such row")


HOW = {
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exit code": lambda: os._exit(3),
    "error": _raise,
    "hangs": lambda: time.sleep(60),
    "leaves": lambda: None,
}


def ways(rank, number):
    """Where the work happens, and what comes out of a sum of each dtype."""
    import numpy as np

    one = np.ones((2, 1))
    sums = [all_reduce(one.astype(dtype) * rank) for dtype in (np.float32, np.float64, complex)]
    return os.getpid(), sums, os.environ.get("GLOO_SOCKET_IFNAME")


class Unreadable:
    """Cannot be unpickled."""

    def __reduce__(self):
        return int, ("no number",)


def tell_and_sleep(caller):
    """Write the number of this process to the output of the caller, and stay."""
    os.write(1, f"{os.getpid()}\n".encode())
    time.sleep(60)

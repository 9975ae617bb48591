"""Starts workers as processes of this machine, and says which one failed."""

import os
import pickle
import signal
import socket
import sys
import tempfile
import threading
import time
from contextlib import suppress
from datetime import timedelta
from multiprocessing import get_all_start_methods, get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path

from bn_utils._validation import Sentence, check_number, describe

GRACE = 0.5  # seconds after a first failure, in which its cause may still report
DIED, RAISED, LOST = range(3)  # how likely a failure is the cause of the others


class WorkerError(Sentence, RuntimeError):
    """A worker died, raised an error, or gave no result in time; the message says which one."""


class LostWorkerError(RuntimeError):
    """What a worker meets when another one has ended, or does not answer in time."""


def run(function, shards, timeout=60.0):
    """Call a function in several processes, which can reach each other by `torch.distributed`.

    They use the gloo backend and the loopback interface: nothing leaves the machine. When `run`
    returns or raises, all of them have ended.

    Parameters
    ----------
    function : function
        From a module that a new process can import; one that a notebook defines is not.
    shards : sequence of tuples
        The arguments for each worker.
    timeout : float, > 0
        Seconds for everything, the start of the processes included.

    Returns
    -------
    list
        The results, in the order of the workers.

    Raises
    ------
    WorkerError
        A worker died, raised an error, or gave no result in time.
    TypeError, ValueError
        An argument is wrong, or cannot be sent to a process.
    """
    timeout = check_number("timeout", timeout, zero=False)
    deadline = time.monotonic() + timeout
    tasks = _pickled(function, shards)
    context = _context()
    processes, pipes = [], []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for rank, task in enumerate(tasks):
                Path(folder, f"{rank}.task").write_bytes(task)
                mine, theirs = context.Pipe()
                arguments = rank, len(tasks), folder, timeout, theirs
                processes.append(context.Process(target=_work, args=arguments, daemon=True))
                processes[-1].start()
                pipes.append(mine)
                theirs.close()  # so that its end is seen when the worker dies
            _await(pipes, processes, deadline, timeout)
        finally:
            for process in processes:
                process.kill()
            for process in processes:
                process.join()
        return [pickle.loads(Path(folder, f"{rank}.result").read_bytes()) for rank in range(len(tasks))]


def _pickled(function, shards):
    """What each worker is given, as bytes."""
    if not callable(function):
        raise TypeError(f"function must be a function, got {describe(function)}")
    if getattr(function, "__module__", "") == "__main__" and not hasattr(sys.modules["__main__"], "__file__"):
        raise TypeError(
            "function must be from a module that a new process can import; "
            f"{function.__name__} is of the notebook: put it into a file and import it"
        )
    shards = [tuple(shard) for shard in shards]
    if not shards:
        raise ValueError("shards must hold the arguments of one worker at least, got none")
    try:
        return [pickle.dumps((function, shard)) for shard in shards]
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(f"function and shards must be what pickle can send to a process: {error}") from error


def _context():
    """A way to start processes that is safe beside threads, and imports torch once if it can."""
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(["torch.distributed"])
    return context


def _await(pipes, processes, deadline, timeout):
    """Return when all workers have a result, or raise what the first failure came from."""
    waiting, failures, count = {pipe: rank for rank, pipe in enumerate(pipes)}, [], len(pipes)
    while waiting and (ready := wait(list(waiting), max(0.0, deadline - time.monotonic()))):
        for pipe in ready:
            rank = waiting.pop(pipe)
            if failure := _failure(pipe, processes[rank]):
                cause, text = failure
                failures.append((cause, rank, f"worker {rank} of {count} {text}"))
                deadline = min(deadline, time.monotonic() + GRACE)
    if failures:
        raise WorkerError(f"{min(failures)[-1]}; all workers were ended")
    if waiting:
        late = ", ".join(str(rank) for rank in waiting.values())
        raise WorkerError(f"no result within {timeout:g} s from worker(s) {late} of {count}; all were ended")


def _failure(pipe, process):
    """How a worker failed that has reported or died; None if it has a result."""
    try:
        return pipe.recv()
    except EOFError:
        process.join()
        code = process.exitcode
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return DIED, f"{how} before it had a result"


def _work(rank, count, folder, timeout, pipe):
    """What a worker does: join the others, call the function, report, and wait for its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller ends its workers
    threading.Thread(target=_end_with_caller, args=(parent_process(),), daemon=True).start()
    try:
        _join(rank, count, folder, timeout)
        function, shard = pickle.loads(Path(folder, f"{rank}.task").read_bytes())
        result = pickle.dumps(function(*shard))
        Path(folder, f"{rank}.result").write_bytes(result)
        report = None
    except BaseException as error:
        cause = LOST if isinstance(error, LostWorkerError) else RAISED
        report = cause, f"raised {type(error).__name__}: {error}"
    sys.stdout.flush()
    pipe.send(report)
    with suppress(EOFError):
        pipe.recv()  # the others may still need this end of their connections


def _join(rank, count, folder, timeout):
    """Make the process group of `torch.distributed`, on this machine alone."""
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)  # of each worker: together they have the machine
    loopback = [name for _, name in socket.if_nameindex() if name in ("lo", "lo0")]
    os.environ |= {"GLOO_SOCKET_IFNAME": loopback[0]} if loopback else {}
    limit = timedelta(seconds=timeout)
    store = dist.FileStore(str(Path(folder, "store")), count)
    try:
        dist.init_process_group("gloo", store=store, rank=rank, world_size=count, timeout=limit)
    except RuntimeError as error:
        raise LostWorkerError("the others did not come in time") from error


def _end_with_caller(caller):
    wait([caller.sentinel])
    os._exit(1)

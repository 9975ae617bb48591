"""Batch norm across workers: threads for the values, processes for what only they can do."""

import multiprocessing
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faults
import numpy as np
import pytest
import torch.distributed
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import exactly

import bn_utils as bn
from bn_utils import processes, workers
from bn_utils.processes import LostWorkerError, WorkerError, run
from bn_utils.workers import all_reduce, step, sync_batchnorm_backward, sync_batchnorm_forward

NAMES = ("y", "dh", "dgamma", "dbeta")


def in_threads(function, shards):
    """Run the function with an `all_reduce` between threads."""
    meeting, handed = threading.Barrier(len(shards), timeout=30), {}

    def worker(rank):
        def all_reduce(array):
            handed[rank] = np.asarray(array)
            meeting.wait()
            total = sum(handed[k] for k in range(len(shards)))
            meeting.wait()
            return total

        return function(*shards[rank], all_reduce)

    with ThreadPoolExecutor(len(shards)) as pool:
        return list(pool.map(worker, range(len(shards))))


def drawn(rows, H, dtype=np.float64, eps=0.1, seed=0):
    """A batch, split by the numbers of rows, and the results of the whole."""
    rng = np.random.default_rng(seed)
    h, dy = rng.normal([[[3.0]], [[0.0]]], 1.5, size=(2, sum(rows), H)).astype(dtype)
    gamma, beta = rng.normal(size=(2, H)).astype(dtype)
    if dtype is np.complex128:
        h = h + 1j * rng.normal(size=h.shape)
    cuts = np.cumsum(rows)[:-1]
    shards = [(a, gamma, beta, b, eps) for a, b in zip(np.split(h, cuts), np.split(dy, cuts), strict=True)]
    y, cache = bn.batchnorm_forward(h, gamma, beta, eps)
    return shards, (y, *bn.batchnorm_backward(dy, cache))


def compare(results, expected, tol=1e-12):
    for k, name in enumerate(NAMES):
        found = [result[k] for result in results]
        assert all(array.dtype == expected[k].dtype for array in found)
        if k < 2:
            bn.assert_grads_close(name, np.vstack(found), expected[k], tol)
        else:
            for array in found:
                bn.assert_grads_close(name, array, expected[k], tol)


@settings(max_examples=25)
@given(
    rows=st.lists(st.integers(1, 7), min_size=1, max_size=4),
    H=st.integers(1, 4),
    dtype=st.sampled_from([np.float64, np.complex128]),
    eps=st.sampled_from([1e-3, 0.1, 1.0]),
    seed=st.integers(0, 99),
)
def test_workers_have_the_values_of_the_whole_batch(rows, H, dtype, eps, seed):
    shards, expected = drawn(rows, H, dtype, eps, seed)
    results = in_threads(step, shards)
    compare(results, expected, 1e-10)
    assert all(result[4] == [H + 1, H, 2 * H] for result in results)


def test_float32_goes_in_and_comes_out():
    shards, expected = drawn([1, 4, 2], 3, np.float32)
    compare(in_threads(step, shards), expected, 1e-5)


def test_the_sums_of_many_float32_rows_are_float64():
    h = np.random.default_rng(0).uniform(1, 2, size=(200_000, 2)).astype(np.float32)
    parameters = np.ones((2, 2), np.float32)
    results = in_threads(sync_batchnorm_forward, [(part, *parameters, 0.1) for part in np.split(h, 2)])
    h_hat = np.vstack([cache.h_hat for _, cache in results])
    np.testing.assert_allclose(h_hat.mean(axis=0, dtype=float), 0, atol=3e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_column_that_is_constant_over_all_workers_gives_beta(dtype):
    h, parameters = np.full((3, 2), 1e6 / 3, dtype), np.ones((2, 2), dtype)
    results = in_threads(sync_batchnorm_forward, [(h, *parameters, 1e-5), (h[:1], *parameters, 1e-5)])
    for y, _ in results:
        np.testing.assert_allclose(y, 1, atol=1e-6)


def test_the_variance_survives_a_large_mean():
    (h, *rest), (other, *_) = drawn([3, 5], 2)[0]
    far = [(part + 1e8, *rest[:2], 1e-3) for part in (h, other)]
    cache = in_threads(sync_batchnorm_forward, far)[0][1]
    var = np.vstack([part[0] for part in far]).var(axis=0)
    np.testing.assert_allclose(cache.inv_std, (var + 1e-3) ** -0.5, rtol=1e-9)
    assert cache.N == 8


def test_arguments_are_checked_at_the_door():
    h, gamma = np.ones((3, 2)), np.ones(2)
    with pytest.raises(ValueError, match=exactly("eps must be finite and > 0, got 0.0")):
        sync_batchnorm_forward(h, gamma, gamma, 0.0)
    with pytest.raises(ValueError, match="gamma must have shape"):
        sync_batchnorm_forward(h, gamma[:1], gamma)
    with pytest.raises(TypeError, match="cache must be the SyncBatchNormCache that sync_batchnorm_forward"):
        sync_batchnorm_backward(h, None)
    with pytest.raises(ValueError, match="y leaves the range of float64"):
        sync_batchnorm_forward(np.eye(3), np.full(3, 1e308), np.full(3, 1e308), 1e-5, lambda array: array)
    cache = sync_batchnorm_forward(h, gamma, gamma, 1e-5, lambda array: array)[1]
    with pytest.raises(ValueError, match="dy must have shape"):
        sync_batchnorm_backward(h[:2], cache, lambda array: array)
    with pytest.raises(ValueError, match=exactly("dh leaves the range of float64: rescale the inputs")):
        sync_batchnorm_backward(np.full((3, 2), 1e308), cache, lambda array: array)


@pytest.mark.parametrize("rows", [[2, 7], [1, 3, 5], [4, 1, 2, 6]])
def test_processes_have_the_values_of_the_whole_batch(rows):
    shards, expected = drawn(rows, 3)
    results = run(step, shards)
    compare(results, expected)
    assert [len(result[0]) for result in results] == rows


def test_each_worker_is_a_process_on_the_loopback_interface():
    found = run(faults.ways, [(rank, 3) for rank in (1, 2, 3)])
    assert len({os.getpid(), *(pid for pid, _, _ in found)}) == 4
    for _, sums, interface in found:
        assert [array.dtype for array in sums] == [np.float64, np.float64, np.complex128]
        assert all(np.array_equal(array, np.full((2, 1), 6)) for array in sums)
        assert interface in ("lo", "lo0")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("killed", "worker 1 of 3 was killed by SIGKILL before it had a result; all workers were ended"),
        ("exit code", "worker 1 of 3 ended with exit code 3 before it had a result; all workers were ended"),
        ("error", "worker 1 of 3 raised KeyError: 'no such row'; all workers were ended"),
        ("hangs", r"no result within 3 s from worker\(s\) 0, 1, 2 of 3; all were ended"),
        ("leaves", r"no result within 6 s from worker\(s\) 0, (1, )?2 of 3; all were ended"),  # 1 may be late
    ],
)
def test_a_worker_that_fails_is_named_in_time_and_none_is_left(how, message):
    timeout = {"hangs": 3.0, "leaves": 6.0}.get(how, 60.0)
    start = time.monotonic()
    with pytest.raises(WorkerError, match=f"^{message}$"):
        run(faults.fail, [(rank, how) for rank in range(3)], timeout)
    assert time.monotonic() - start < 15
    assert multiprocessing.active_children() == []


def test_what_a_worker_cannot_unpack_is_named():
    with pytest.raises(WorkerError, match="worker 0 of 1 raised ValueError: invalid literal for int"):
        run(print, [(faults.Unreadable(),)])


def test_workers_end_when_their_caller_is_killed():
    code = (
        "import os, faults\nfrom bn_utils.processes import run\n"
        "if __name__ == '__main__': run(faults.tell_and_sleep, [(os.getpid(),), (os.getpid(),)])"
    )
    caller = subprocess.Popen(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True
    )
    pids = [int(caller.stdout.readline()) for _ in range(2)]
    caller.kill()
    caller.wait()
    deadline = time.monotonic() + 10
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, pids))
    caller.stdout.close()


def alive(pid):
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_what_cannot_be_run_is_refused(monkeypatch):
    with pytest.raises(TypeError, match=exactly("function must be a function, got int 3")):
        run(3, [()])
    with pytest.raises(
        ValueError, match=exactly("shards must hold the arguments of one worker at least, got none")
    ):
        run(print, [])
    with pytest.raises(ValueError, match="timeout must be finite and > 0"):
        run(print, [()], 0)
    with pytest.raises(TypeError, match="function and shards must be what pickle can send to a process: "):
        run(lambda: 1, [()])
    own = types.FunctionType(alive.__code__, {"__name__": "__main__"}, "own")
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    with pytest.raises(TypeError, match="own is of the notebook: put it into a file and import it"):
        run(own, [()])


def test_where_there_is_no_fork_server_processes_are_spawned(monkeypatch):
    monkeypatch.setattr(processes, "get_all_start_methods", lambda: ["spawn"])
    assert processes._context().get_start_method() == "spawn"


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """This process as the only worker: what it does, without what it does to a process."""
    monkeypatch.setattr(processes, "_end_with_caller", lambda caller: None)
    monkeypatch.setattr(processes.signal, "signal", lambda *_: None)
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "")
    monkeypatch.setattr(torch, "set_num_threads", lambda number: None)

    def work(function, *shard):
        (tmp_path / "0.task").write_bytes(pickle.dumps((function, shard)))
        here, there = multiprocessing.Pipe()
        thread = threading.Thread(target=processes._work, args=(0, 1, str(tmp_path), 10.0, there))
        thread.start()
        report = here.recv()
        here.close()
        thread.join(10)
        assert not thread.is_alive()
        return report

    yield work
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def test_the_only_worker_works(alone, tmp_path):
    assert alone(faults.ways, 5, 1) is None
    sums = pickle.loads((tmp_path / "0.result").read_bytes())[1]
    assert all(np.array_equal(array, np.full((2, 1), 5)) for array in sums)


def test_the_only_worker_reports_what_it_raised(alone):
    assert alone(divmod, 1, 0) == (
        processes.RAISED,
        "raised ZeroDivisionError: integer division or modulo by zero",
    )


def test_a_worker_that_lost_the_others_says_so(alone, monkeypatch):
    def lost(*_, **__):
        raise RuntimeError("Connection closed by peer")

    monkeypatch.setattr(torch.distributed, "init_process_group", lost)
    assert alone(print) == (processes.LOST, "raised LostWorkerError: the others did not come in time")
    monkeypatch.setattr(torch.distributed, "all_reduce", lost)
    with pytest.raises(LostWorkerError, match="another worker has ended, or did not answer in time"):
        all_reduce(np.ones(2))


def test_the_likely_cause_of_several_failures_is_named():
    pipes = [multiprocessing.Pipe() for _ in range(3)]
    reports = (processes.LOST, "raised A"), (processes.RAISED, "raised B"), None
    for (_, there), report in zip(pipes, reports, strict=True):
        there.send(report)
    with pytest.raises(WorkerError, match=exactly("worker 1 of 3 raised B; all workers were ended")):
        processes._await([here for here, _ in pipes], [None] * 3, time.monotonic() + 5, 5.0)


def test_a_worker_without_its_caller_ends(monkeypatch):
    ended, (here, there) = [], multiprocessing.Pipe()
    monkeypatch.setattr(os, "_exit", ended.append)
    there.close()
    processes._end_with_caller(types.SimpleNamespace(sentinel=here))
    assert ended == [1]


def test_without_a_process_group_there_is_nothing_to_add_up():
    with pytest.raises(ValueError, match="process group has not been initialized"):
        all_reduce(np.ones(2))


@pytest.mark.parametrize(("factor", "equal"), [(1, 1), (2, 0)])
def test_the_program_for_launchers_says_what_came_out(monkeypatch, capsys, factor, equal):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in (("RANK", 0), ("WORLD_SIZE", 1), ("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", port)):
        monkeypatch.setenv(name, str(value))
    real = step
    monkeypatch.setattr(workers, "step", lambda *args: (factor * real(*args)[0], *real(*args)[1:]))
    assert workers.main() == 1 - equal
    assert capsys.readouterr().out == f"{equal} of 1 workers have the values of the whole batch\n"
    assert not torch.distributed.is_initialized()

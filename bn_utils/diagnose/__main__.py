"""`python -m bn_utils.diagnose layers.py`: which mistake does the file's backward pass make?"""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

from bn_utils.diagnose.diagnosis import diagnose
from bn_utils.diagnose.loading import LoadError, load
from bn_utils.diagnose.subject import LAYERS

USUAL_NAMES = ("batchnorm_backward", "batchnorm_backward_alt", "batch_norm_backward", "bn_backward")
RIGHT, WRONG, NOT_RUN = 0, 1, 2
LONGEST = 86400  # seconds


def main(arguments=None):
    """Diagnose a file in a process of its own, print the reports, and return the exit code."""
    options = _parser().parse_args(arguments)
    if options.here:
        return answer_in_json(options)
    found = _in_a_process(options)
    sys.stdout.reconfigure(errors="backslashreplace")  # for what the terminal's encoding does not have
    if options.json:
        sys.stdout.write(json.dumps({key: found[key] for key in ("error", "reports")}, indent=1) + "\n")
    else:
        sys.stdout.write("\n".join(found["texts"] or [found["error"]]) + "\n")
    return _exit_code(found)


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m bn_utils.diagnose",
        description="Says which mistake the backward pass of batch norm in a file makes.",
        epilog="Exit code: 0 all right, 1 something wrong, 2 could not be run.",
    )
    parser.add_argument("file", type=Path, help="a Python file, such as layers.py of CS231n")
    parser.add_argument(
        "functions", nargs="*", help=f"the functions to look at; without any, {', '.join(USUAL_NAMES)}"
    )
    parser.add_argument("--json", action="store_true", help="print the reports as JSON")
    parser.add_argument(
        "--timeout", type=_seconds, default=30.0, metavar="SECONDS", help="stop after this time (30)"
    )
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    return parser


def _seconds(text):
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= LONGEST:
        raise argparse.ArgumentTypeError(f"must be a number of seconds > 0, at most {LONGEST}, got {text}")
    return seconds


def _in_a_process(options):
    """Run this command again with --here, so that no loop, crash or exit of the file reaches us."""
    command = [sys.executable, "-m", "bn_utils.diagnose", "--here", str(options.file), *options.functions]
    name = options.file.name
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=options.timeout
        )
    except subprocess.TimeoutExpired:
        return _failure(
            f"{name} did not end within {options.timeout:g} seconds: look for a loop that never ends."
        )
    try:
        return json.loads(done.stdout)
    except ValueError:
        ended = f"exit code {done.returncode}"
        if done.returncode < 0:
            ended = f"signal {signal.Signals(-done.returncode).name}"
        return _failure(f"{name} ended Python itself ({ended}): look for exit, or for a crash in a library.")


def _failure(sentence):
    return {"error": sentence, "reports": [], "texts": []}


def answer_in_json(options):
    """Diagnose the file in this process, and write what is found as JSON; what the file prints is dropped."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    try:
        found = diagnose_file(options.file, options.functions)
    except LoadError as error:
        found = _failure(str(error))
    except Exception as error:
        found = _failure(f"The diagnosis itself failed, please report it: {type(error).__name__}: {error}")
    with answer:
        json.dump(found, answer)
    if threading.active_count() > 1:  # the file has left threads behind, which may never end
        os._exit(0)  # pragma: no cover (nothing is left to count it)
    return 0


def diagnose_file(path, functions=()):
    """Diagnose functions of a file, or those of the usual names, in this process.

    Parameters
    ----------
    path : str or Path
    functions : sequence of str
        Their names; a forward pass of the same name, with "forward" for "backward", is used.

    Returns
    -------
    dict
        "reports", each as `Report.as_dict`, "texts", the same to be read, and "error", None.

    Raises
    ------
    LoadError
        The file cannot be loaded or holds no such function.
    """
    names, failure = load(path)
    found = [name for name in functions or USUAL_NAMES if callable(names.get(name))]
    missing = [name for name in functions if name not in found]
    if missing or not found:
        wanted = ", ".join(missing or USUAL_NAMES)
        others = [name for name, value in names.items() if callable(value) and "backward" in name]
        raise LoadError(
            f"{Path(path).name} has no function {wanted}."
            + (f" It has {', '.join(others)}: give one of them by name." if others else "")
            + (f" A part of it could not be loaded, it raises {failure}." if failure else "")
        )
    reports = [_diagnose_with_a_forward_pass(names, name) for name in found]
    return {"error": None, "reports": [r.as_dict() for r in reports], "texts": [str(r) for r in reports]}


def _diagnose_with_a_forward_pass(names, backward):
    """Diagnose a function with the forward pass of its name, or one whose name goes on from there."""
    own = backward.replace("backward", "forward").removesuffix("_alt")
    layer = _layer(backward)
    forwards = [
        name for name in names if name.startswith(own) and callable(names[name]) and "test" not in name
    ]
    reports = []
    for forward in sorted(forwards, key=lambda name: name != own):
        if forward == backward:
            continue
        report = diagnose(names[backward], names[forward], layer=layer)
        if forward != own:
            report = replace(report, notes=(*report.notes, f"this is with the forward pass {forward}."))
        if report.ok:
            return report
        reports.append(report)
    if reports:
        return reports[0]
    report = diagnose(names[backward], layer=layer)
    note = f"the file has no {own}: your function got the cache of bn_utils.{LAYERS[layer].forward.__name__}."
    return replace(report, notes=(*report.notes, note))


def _layer(name):
    """The layer that a function of this name belongs to."""
    if "relu" in name:
        return "relu"
    return "linear" if "affine" in name or "linear" in name else "batchnorm"


def _exit_code(found):
    reports = found["reports"]
    if any(report["ran"] and not report["ok"] for report in reports):
        return WRONG
    return RIGHT if reports and all(report["ok"] for report in reports) else NOT_RUN


if __name__ == "__main__":  # pragma: no cover (the tests run it as a process of its own)
    sys.exit(main())

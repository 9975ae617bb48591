"""Tells a learner which mistake their backward pass of batch norm makes.

`diagnose(backward)` runs it on a few small batches and names the mistake, its equation and a fix;
`python -m bn_utils.diagnose layers.py` does so for a file.
"""

from bn_utils.diagnose.catalogue import Mistake
from bn_utils.diagnose.diagnosis import diagnose
from bn_utils.diagnose.report import Forward, Line, Output, Report

__all__ = ["Forward", "Line", "Mistake", "Output", "Report", "diagnose"]

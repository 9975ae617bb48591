"""What a mistake is, and where the equation that it breaks is derived."""

from typing import NamedTuple

CHAPTERS = {
    "eq-mean": "01_forward",
    "eq-var": "01_forward",
    "eq-normalize": "01_forward",
    "eq-affine": "01_forward",
    "eq-dy-dhhat": "02_chain_rule",
    "eq-chain": "02_chain_rule",
    "eq-layout": "02_chain_rule",
    "eq-staged-4": "02_chain_rule",
    "eq-staged-7": "02_chain_rule",
    "eq-dmu": "03_delta_notation",
    "eq-jac-centred": "03_delta_notation",
    "eq-jac-product": "03_delta_notation",
    "eq-dvar-1": "03_delta_notation",
    "eq-dvar-3": "03_delta_notation",
    "eq-dvar-4": "03_delta_notation",
    "eq-jac": "03_delta_notation",
    "eq-dh-1": "04_final_formulas",
    "eq-dh-4": "04_final_formulas",
    "eq-dh-5": "04_final_formulas",
    "eq-dh-hat": "04_final_formulas",
    "eq-dgamma-3": "04_final_formulas",
    "eq-dbeta-3": "04_final_formulas",
    "eq-drelu": "04_final_formulas",
    "eq-dinput": "04_final_formulas",
    "eq-dweight": "04_final_formulas",
    "eq-dbias": "04_final_formulas",
}


class Mistake(NamedTuple):
    """A mistake, in the words of the one who made it."""

    id: str  # as variance-sign
    sentence: str  # what was done
    fix: str  # what to do about it
    label: str = ""  # of the equation that it breaks; "" where it breaks none

    @property
    def chapter(self):
        """The chapter that derives the equation; "" where there is none."""
        return CHAPTERS.get(self.label, "")


class Entry(NamedTuple):
    """A mistake and what it changes in the paths of an output."""

    mistake: Mistake
    changes: dict  # {path: {part of a Term: choice}}

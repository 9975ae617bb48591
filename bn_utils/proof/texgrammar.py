"""The grammar of `texmath`: sums, products, fractions, derivatives."""

from fractions import Fraction

from bn_utils.proof.expressions import (
    DELTA,
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Case,
    Derivative,
    Equal,
    Mul,
    Number,
    Positive,
    Power,
    Sum,
    Symbol,
    function_of,
    size_of,
)
from bn_utils.proof.texnames import NameReader
from bn_utils.proof.textokens import ADVICE, BRACKETS, DIGITS, END, ENDING

STOP = {*ENDING, "/"}


def quotient(above, below):
    """Return a fraction; one over x is a power of x, a fraction of numbers a number."""
    if isinstance(below, Number):
        below = Number(1 / below.value)
        return Number(above.value * below.value) if isinstance(above, Number) else Mul((above, below))
    below = Power(below, Fraction(-1))
    return below if above == ONE else Mul((above, below))


class Reader(NameReader):
    """A recursive descent: one method for each kind of thing that can stand in an equation."""

    def sides(self, symbol=None):
        found = [self.additive()] if symbol is None else []
        self.first = set(self.free)
        while self.next == "=":
            self.equals.append(self.take().place)
            found.append(self.additive())
        if self.next in (".", ",") and self.tokens[self.position + 1].text == END:
            self.take()
        if self.next != END:
            raise self.error(f"{self.next} does not fit in here")
        return found

    def additive(self):
        self.depth += 1
        if self.depth > 40:
            raise self.error("more than 40 brackets inside each other")
        terms = [self.signed(self.take().text if self.next in ("+", "-") else "+")]
        while self.next in ("+", "-"):
            terms.append(self.signed(self.take().text))
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Add(tuple(terms))

    def signed(self, sign):
        factors = self.factors()
        if sign == "-" and len(factors) == 1 and isinstance(factors[0], Number):
            return Number(-factors[0].value)
        factors = [MINUS_ONE, *factors] if sign == "-" else factors
        return factors[0] if len(factors) == 1 else Mul(tuple(factors))

    def factors(self):
        found = [self.factor()]
        while True:
            if self.next == "/":
                if len(found) != 1:
                    raise self.error(r"/ stands between two single factors; write \frac{}{}")
                self.take()
                found = [self.divide(found[0], self.factor())]
                if self.next not in STOP or self.next == "/":
                    raise self.error(r"what is divided here, and by what? write \frac{}{}, or brackets")
            elif self.next in (r"\cdot", r"\times"):
                self.take()
                found.append(self.factor())
            elif self.next in STOP:
                return found
            else:
                place = self.tokens[self.position].place
                found.append(self.factor())
                if isinstance(found[-1], Number) and isinstance(found[-2], Number):
                    raise self.error(r"write \cdot between two numbers", place)

    def divide(self, above, below):
        if below == ZERO:
            raise self.error("this divides by 0")
        result = quotient(above, below)
        return self.bounded(result, None) if isinstance(result, Number) else result

    def factor(self):
        known = {
            r"\frac": self.fraction,
            r"\sqrt": lambda: self.raised(self.braced(self.additive), Fraction(1, 2)),
            r"\sum": self.sum,
            r"\max": self.maximum,
            r"\begin{cases}": self.cases,
        }
        token = self.tokens[self.position]
        if token.text in known:
            self.take()
            found = known[token.text]()
            if self.next in ("_", "^"):
                raise self.error(f"write a bracket around what {token.text} gives")
            return found
        if token.text in BRACKETS:
            self.take()
            inside = self.additive()
            self.take(BRACKETS[token.text])
            return self.powered(inside)
        if token.text[0] in DIGITS:
            return self.powered(self.number())
        if token.text in ADVICE:
            raise self.error(ADVICE[token.text])
        if self.at_name():
            return self.powered(*self.name())
        missing = f"something is missing before {token.text}"
        raise self.error(missing if token.text in STOP else f"{token.text} cannot be read here")

    def powered(self, base, exponent=None):
        if self.next == "^":
            exponent = self.exponent()
        if self.next in ("_", "^"):
            raise self.error("this stands behind nothing that can have it")
        return base if exponent is None else self.raised(base, exponent)

    def raised(self, base, exponent):
        if not isinstance(base, Number):
            return Power(base, exponent)
        if base != ONE and exponent.denominator != 1:
            raise self.error("a root of a number cannot be read")
        if base == ZERO and exponent <= 0:
            raise self.error("0 has no such power")
        return self.bounded(Number(base.value**exponent.numerator), None)

    def fraction(self):
        if self.next == "{" and self.tokens[self.position + 1].text == r"\partial":
            return self.derivative()
        above = self.braced(self.additive)
        return self.divide(above, self.braced(self.additive))

    def derivative(self):
        above = self.braced(lambda: self.after_partial("what is differentiated, one name or a bracket"))
        start = self.tokens[self.position]
        below = self.braced(lambda: self.after_partial("the name that it is differentiated by"))
        name = below.name if isinstance(below, Symbol) else DELTA
        if name in (DELTA, "N", "H", "D", r"\mathcal L") or function_of(name)[0]:
            raise self.error("a derivative is by one name whose value can vary", start.place)
        return Derivative(above, below)

    def after_partial(self, what):
        self.take(r"\partial", cause=r"here must stand \partial")
        if self.next == "^":
            raise self.error("a second derivative is the derivative of a bracket with a derivative in it")
        if self.next not in BRACKETS and not self.at_name():
            raise self.error(f"after \\partial must stand {what}")
        return self.factor()

    def sum(self):
        self.take("_", cause=r"a sum names its letters: \sum_k")
        new = self.letters(binding=True)
        if self.next == "^":
            self.upper(new)
        self.open += [token.text for token in new]
        body = self.factors()
        del self.open[-len(new) :]
        return Sum(tuple(token.text for token in new), body[0] if len(body) == 1 else Mul(tuple(body)))

    def maximum(self):
        self.take("(")
        self.take("0")
        self.take(",")
        symbol = self.symbol()
        self.take(")")
        return Case(Positive(symbol), symbol, ZERO)

    def cases(self):
        then = self.additive()
        self.take("&")
        self.take(r"\text{if}")
        condition = self.condition()
        if self.next == ",":
            self.take()
        self.take(r"\\")
        otherwise = self.additive()
        self.take("&")
        self.take(r"\text{otherwise.}", r"\text{otherwise}")
        self.take(r"\end{cases}")
        return Case(condition, then, otherwise)

    def condition(self):
        if self.tokens[self.position + 1].text == "=":
            left = self.letter(False, [])
            self.take("=")
            right = self.letter(False, [])
            if size_of(left.text) != size_of(right.text):
                raise self.error("two letters of one kind can be equal", left.place)
            return Equal(left.text, right.text)
        symbol = self.symbol()
        self.take(">")
        self.take("0")
        return Positive(symbol)

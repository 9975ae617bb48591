r"""Reads the names of an equation, with their indices: the lower half of `texmath`."""

import re
from fractions import Fraction

from bn_utils.proof.expressions import DELTA, FUNCTIONS, LETTERS, Number, Symbol, function_of, size_of
from bn_utils.proof.textokens import ACCENTS, ADVICE, DIGITS, TexError, tokens

SQUARES = {r"\sigma", r"\tau", r"\rho"}  # a name that occurs as its square alone
BASES = re.compile(
    r"[a-ce-zA-Z]|\\mathcal L|\\mathtt\{.*\}"
    r"|\\(alpha|beta|gamma|delta|epsilon|eta|kappa|lambda|mu|nu|xi|phi|psi|omega|Phi|Psi|Omega|sigma|tau|rho)"
)
BEFORE = tuple(map(str.strip, FUNCTIONS))
PLURAL = {"N": "rows", "H": "columns", "D": "input features"}


class NameReader:
    """Takes one mark after the other, and knows which letters are summed and which are free."""

    def __init__(self, tex, names):
        if not isinstance(tex, str):
            raise TypeError(f"tex must be a string, got {type(tex).__name__}")
        self.tex, self.names = tex, dict(names)
        self.tokens, self.position, self.depth, self.equals = tokens(tex), 0, 0, []
        self.open, self.summed, self.free, self.first = [], set(), set(), None

    @property
    def next(self):
        return self.tokens[self.position].text

    def error(self, cause, place=None):
        return TexError(self.tex, self.tokens[self.position].place if place is None else place, cause)

    def take(self, *allowed, cause=""):
        token = self.tokens[self.position]
        if allowed and token.text not in allowed:
            raise self.error(cause or f"here must stand {' or '.join(allowed)}, not {token.text}")
        self.position = min(self.position + 1, len(self.tokens) - 1)  # nothing follows the end
        return token

    def braced(self, read):
        self.take("{", cause=r"here must stand a brace {, as in \frac{1}{2}")
        found = read()
        self.take("}", cause="here must stand a closing brace }")
        return found

    def number(self):
        token = self.take()
        if len(token.text) > 19:
            raise self.error("a number of more than 19 characters", token.place)
        return Number(Fraction(token.text))

    def bounded(self, number, place):
        """Refuse a number that nobody would write out."""
        if max(abs(number.value.numerator), number.value.denominator) >= 10**19:
            raise self.error("this number has more than 19 digits", place)
        return number

    def exponent(self):
        place = self.take("^").place
        if self.next == "{":
            value = self.braced(self.signed_number)
        elif self.next in DIGITS:
            value = self.number().value
        else:
            advice = ADVICE[r"\top"] if self.next == "T" else "write the exponent in braces"
            raise self.error(ADVICE.get(self.next, advice))
        if 2 % value.denominator or abs(value) > 9:
            raise self.error("an exponent must be a whole or a half number, from -9 to 9", place)
        return value

    def signed_number(self):
        """An exponent: -3/2, or -\\frac{3}{2}, or 2."""
        sign = -1 if self.next == "-" and self.take() else 1
        if self.next == r"\frac":
            self.take()
            above, below = self.braced(self.digits), self.braced(self.digits)
        else:
            above = self.digits()
            below = self.digits() if self.next == "/" and self.take() else 1
        if below == 0:
            raise self.error("this divides by 0")
        return sign * above / below

    def digits(self):
        if self.next in ("T", r"\top"):
            raise self.error(ADVICE[r"\top"])
        if self.next[0] not in DIGITS:
            raise self.error("an exponent must be a whole or a half number, from -9 to 9")
        return self.number().value

    def upper(self, new):
        place = self.take("^").place
        size = self.braced(self.take).text if self.next == "{" else self.take().text
        if len(new) != 1:
            raise self.error("write a sum with limits for each letter", place)
        if size_of(new[0].text) != size:
            raise self.error(
                f"{new[0].text} runs over all {PLURAL[size_of(new[0].text)]}, not to {size}", place
            )

    def letters(self, binding=False):
        """The letters of an index or under a sum, each one looked at."""
        found = []
        braces = self.next == "{"
        if braces:
            self.take()
        while not found or (braces and self.next != "}"):
            if found and self.next == ",":
                self.take()
            found.append(self.letter(binding, found))
            if binding and braces and len(found) == 1 and self.next == "=":  # from 1 to N
                self.take()
                self.take("1")
                break
        if braces:
            self.take("}")
        return found

    def letter(self, binding, before):
        """One letter: summed by the sum that is being read, or standing at a name."""
        token = self.take()
        if size_of(token.text) is None:
            ranges = "; ".join(f"{' '.join(LETTERS[size])}: {PLURAL[size]}" for size in LETTERS)
            raise self.error(f"{token.text} is no index letter ({ranges})", token.place)
        if binding:
            if token.text in (*self.open, *(other.text for other in before)):
                raise self.error(
                    f"{token.text} is summed twice at one place; use another letter", token.place
                )
            self.summed.add(token.text)
        elif token.text not in self.open:
            self.free.add(token.text)
            if self.first is not None and token.text not in self.first:
                raise self.error(
                    f"{token.text} is free here, and not on the first side; shall it be summed? "
                    "A sum ends before the next +, - or =",
                    token.place,
                )
        if token.text in self.summed & self.free:
            raise self.error(
                f"{token.text} is summed in one place and free in another; give the sum a letter of its own",
                token.place,
            )
        return token

    def name(self):
        """A name with its indices, and its exponent where it has one."""
        start = self.tokens[self.position]
        base = self.base()
        letters, exponent = [], None
        while self.next in ("_", "^"):
            if self.next == "_" and not letters:
                self.take()
                letters = [token.text for token in self.letters()]
            elif self.next == "^" and exponent is None:
                exponent = self.exponent()
            else:
                raise self.error("two indices or two exponents at one name")
        if base in SQUARES:
            if exponent != 2:
                raise self.error(f"{base} is known by its square alone, {base}^2", start.place)
            base, exponent = f"{base}^2", None
        if function_of(base)[0] and exponent is not None:
            raise self.error(f"write a bracket around {base}", start.place)
        self.check(base, letters, start)
        return Symbol(base, tuple(letters)), exponent

    def base(self):
        """A letter or a command, with the accent over it or the function before it."""
        token = self.take()
        if token.text in (*ACCENTS, *BEFORE):
            inner = self.braced(self.take) if self.next == "{" else self.take()
            refused = SQUARES if token.text in ACCENTS else {*SQUARES, DELTA, *LETTERS}
            if not BASES.fullmatch(inner.text) or inner.text in refused:
                where = "over one letter" if token.text in ACCENTS else "before one name, without a bracket"
                raise self.error(f"{token.text} stands {where}", inner.place)
            return f"{token.text} {inner.text}"
        return token.text

    def check(self, name, letters, start):
        """Compare the indices of a name with what it is indexed by."""
        if self.names is None:
            return
        sizes = tuple(size_of(letter) for letter in letters)
        name = function_of(name)[1]
        if name == DELTA:
            if len(sizes) != 2 or sizes[0] != sizes[1]:
                raise self.error(
                    r"\delta has two letters of one kind, both rows or both columns", start.place
                )
        elif name not in self.names:
            known = ", ".join([DELTA, *self.names])
            advice = "give its definition in `given`"
            raise self.error(f"{name} is not defined; {advice}, or take one of {known}", start.place)
        elif sizes != tuple(self.names[name]):
            kinds = ", ".join(f"{PLURAL[size]} ({' '.join(LETTERS[size])})" for size in self.names[name])
            example = f"the indices {kinds}: {name}_{{{''.join(LETTERS[s][0] for s in self.names[name])}}}"
            raise self.error(f"{name} has {example if kinds else 'no index'}", start.place)

    def symbol(self):
        place = self.tokens[self.position].place
        found, exponent = self.name() if self.at_name() else (None, None)
        if found is None or exponent is not None:
            raise self.error("here must stand one name with its indices", place)
        return found

    def at_name(self):
        return self.next in (*ACCENTS, *BEFORE) or BASES.fullmatch(self.next) is not None

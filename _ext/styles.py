"""Cut the styles and the icons of the theme down to those that some page of the site can show.

A selector is left out where it asks for a class or an id that is written in no page and no script.
"""

import re
from itertools import pairwise

import tinycss2
from fontTools import subset

WORD = re.compile(r"[\w-]+")
NESTED = ("media", "supports")
SIGN = re.compile(r'(?:content|--fa):\s*"(?:\\([0-9a-f]{4})|([\ue000-\uf8ff]))"')
FONTS = "_static/vendor/fontawesome/webfonts"


def keep_used(site):
    """Rewrite the styles of a built site, and its one font of icons; the other icons' fonts go."""
    shown = [path for path in site.rglob("*") if path.suffix in (".html", ".js", ".mjs")]
    words = {word for path in shown for word in WORD.findall(path.read_text(encoding="utf-8"))}
    signs = set()
    for path in [*site.glob("_static/styles/*.css"), *site.glob("_static/*.css")]:
        css = tinycss2.parse_stylesheet(path.read_text(encoding="utf-8"), True, True)
        css = "".join(used_rules(css, words))
        signs |= {code or f"{ord(sign):x}" for code, sign in SIGN.findall(css)}
        path.write_text(css, encoding="utf-8", newline="\n")
    for path in site.glob(f"{FONTS}/*"):
        if path.name == "fa-solid-900.woff2":
            codes = f"--unicodes={','.join(sorted(signs))}"
            subset.main(
                [str(path), codes, f"--output-file={path}", "--flavor=woff2", "--no-recalc-timestamp"]
            )
        else:
            path.unlink()


def used_rules(rules, words):
    """The rules with the selectors whose classes and ids are all among the words."""
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = [part for part in split(rule.prelude) if names(part) <= words]
            if selectors:
                head = ",".join(tinycss2.serialize(part).strip() for part in selectors)
                yield f"{head}{{{tinycss2.serialize(rule.content).strip()}}}\n"
        elif rule.type == "at-rule" and rule.lower_at_keyword in NESTED:
            inner = "".join(used_rules(tinycss2.parse_rule_list(rule.content, True, True), words))
            if inner:
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}\n"
        else:
            yield rule.serialize()


def split(prelude):
    """The selectors of a rule: what stands between its commas."""
    parts = [[]]
    for token in prelude:
        if token == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def names(selector):
    """The classes and ids that a selector asks for; what stands in :not(...) or [...] it does not."""
    classes = (name for dot, name in pairwise(selector) if dot == "." and name.type == "ident")
    return {name.value for name in [*classes, *(token for token in selector if token.type == "hash")]}

"""Wrong versions of a function: its source with one operator, constant, axis, name or line changed."""

import ast
import copy
import inspect
import textwrap

OPERATORS = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add, ast.Mult),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.Pow: (ast.Mult,),
}


def source_of(function):
    """The text of a function, as at the top of a file, and two empty lines."""
    return textwrap.dedent(inspect.getsource(function)) + "\n\n"


def edited(function, old, new):
    """The function with one piece of its text replaced, and the number of the line."""
    source = source_of(function)
    assert source.count(old) == 1, f"{function.__name__} has {source.count(old)} times {old!r}"
    line = source[: source.index(old)].count("\n") + 1
    return made(function, source.replace(old, new)), line


def mutants(function):
    """Every mutant, with the number of its line: in turn, the line that is another or is gone."""
    tree = ast.parse(source_of(function))
    stored = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    names = sorted({*stored, "dout"})
    for mutant, node in changed_trees(tree, lambda node: changes(node, names)):
        yield made(function, mutant), node.lineno, ast.unparse(mutant)
    for place, statement in enumerate(tree.body[0].body):
        if not isinstance(statement, ast.Return):
            mutant = copy.deepcopy(tree)
            del mutant.body[0].body[place]
            yield made(function, mutant), statement.lineno, ast.unparse(mutant)


def changed_trees(tree, changes_of):
    """Copies of a tree, each with one change of one node made, and that node as it was."""
    for place, node in enumerate(ast.walk(tree)):
        for change in changes_of(node):
            mutant = copy.deepcopy(tree)
            change(list(ast.walk(mutant))[place])
            yield ast.fix_missing_locations(mutant), node


def made(function, source):
    """A function from its changed source, with the names of the other one."""
    names = dict(function.__globals__)
    exec(compile(source, "<mutant>", "exec"), names)
    return names[function.__name__]


def changes(node, names):
    """The changes of one node, each a function that makes it."""
    if isinstance(node, ast.BinOp | ast.AugAssign):
        for operator in OPERATORS.get(type(node.op), ()):
            yield lambda n, operator=operator: setattr(n, "op", operator())
    if isinstance(node, ast.BinOp):
        yield lambda n: become(n, n.left)
        yield lambda n: become(n, n.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield lambda n: setattr(n, "op", ast.UAdd())
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for value in sorted({node.value + 1, -node.value, 2 * node.value, 0, 1} - {node.value}):
            yield lambda n, value=value: setattr(n, "value", value)
    elif isinstance(node, ast.keyword) and node.arg == "axis":
        yield lambda n: setattr(n, "value", ast.Constant(None))
    elif isinstance(node, ast.Attribute) and node.attr in ("sum", "mean"):
        yield lambda n: setattr(n, "attr", {"sum": "mean", "mean": "sum"}[n.attr])
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        for name in names:
            if name != node.id:
                yield lambda n, name=name: setattr(n, "id", name)


def become(node, other):
    """Put another node in the place of one."""
    node.__class__ = type(other)
    node.__dict__ = dict(other.__dict__)

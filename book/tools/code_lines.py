#!/usr/bin/env python3
"""How large the package is: its lines of code, a row a module, without docstrings, comments and blank lines.

python book/tools/code_lines.py
"""

import ast
import collections
import io
import tokenize
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "gantut"
EMPTY = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def code_lines(source):
    """Return how many lines of Python source hold code: a docstring is none, nor is a comment."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in EMPTY:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if documented and ast.get_docstring(node) is not None:
            lines.difference_update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


def by_module(package=PACKAGE):
    """Return the lines of code of each module or folder of the package."""
    counted = collections.Counter()
    for file in sorted(package.rglob("*.py")):
        counted[file.relative_to(package).parts[0]] += code_lines(file.read_text(encoding="utf-8"))
    return dict(counted)


if __name__ == "__main__":
    counted = by_module()
    for name, lines in counted.items():
        print(f"{name:16}{lines:6,}")
    print(
        f"{'all':16}{sum(counted.values()):6,}\n{'but for lessons':16}{sum(counted.values()) - counted.get('lessons', 0):6,}"
    )

"""YAML with line numbers, so that a check can name the line. Scalars stay text.

PyYAML would turn the key `on` into `True` and the answer `no` into `False`. Reading nodes instead of values avoids
that, and keeps the mark of each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class MarkedYamlError(Exception):
    """The text is not YAML. `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar: its text, and the line (from 1) it begins on."""

    value: str
    line: int


@dataclass(frozen=True, slots=True)
class Items:
    """A sequence."""

    values: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping. `repeated` names each key that stands there more than once, with its later line."""

    values: dict[str, Node]
    key_lines: dict[str, int]
    line: int
    repeated: tuple[tuple[str, int], ...] = field(default=())

    def text(self, key: str) -> str:
        """Return the scalar under `key`, stripped; "" when it is absent or no scalar."""
        node = self.values.get(key)
        return node.value.strip() if isinstance(node, Text) else ""

    def line_of(self, key: str) -> int:
        """Return the line of `key`, or of the mapping where it is absent."""
        return self.key_lines.get(key, self.line)


Node: TypeAlias = Text | Items | Fields


def parse(text: str, *, first_line: int = 1) -> Node | None:
    """Return the document in `text`, None when it is empty; `first_line` is the file's line on which `text` begins.

    Raises:
        MarkedYamlError: not YAML, or a key that is not a scalar.
    """
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = (mark.line if mark else 0) + first_line
        raise MarkedYamlError(line, f"is no YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise MarkedYamlError(first_line, f"is no YAML: {error}") from error
    return None if root is None else _convert(root, first_line)


def _convert(node: yaml.Node, first_line: int) -> Node:
    line = node.start_mark.line + first_line
    if isinstance(node, yaml.ScalarNode):
        is_null = node.tag == "tag:yaml.org,2002:null"
        return Text("" if is_null else str(node.value), line)
    if isinstance(node, yaml.SequenceNode):
        return Items(tuple(_convert(item, first_line) for item in node.value), line)
    if isinstance(node, yaml.MappingNode):
        return _fields(node, first_line, line)
    raise MarkedYamlError(line, f"holds a {type(node).__name__}, which is neither text, list nor mapping")


def _fields(node: yaml.MappingNode, first_line: int, line: int) -> Fields:
    values: dict[str, Node] = {}
    key_lines: dict[str, int] = {}
    repeated: list[tuple[str, int]] = []
    for key, value in node.value:
        key_line = key.start_mark.line + first_line
        if not isinstance(key, yaml.ScalarNode):
            raise MarkedYamlError(key_line, "has a key that is not a word")
        if key.value in values:
            repeated.append((key.value, key_line))
            continue
        values[key.value] = _convert(value, first_line)
        key_lines[key.value] = key_line
    return Fields(values, key_lines, line, tuple(repeated))

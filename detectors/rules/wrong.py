"""Where in a rule file something is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml


@dataclass
class RuleWrong(Exception):
    """Something in a rule that is not supported or makes no sense.

    Args:
        what: what is wrong, one line.
        key: the key of the rule document that it stands under, e.g. `type_id` or `timespan`; the last part is looked for.
        remedy: what to write instead; "" where `what` says it.
    """

    what: str
    key: str = ""
    remedy: str = ""


def lines_of(text: str) -> list[dict[str, int]]:
    """For each document of a YAML text: key without its modifiers, or value -> line of its first appearance, from 1; "" is the document.

    Raises:
        yaml.YAMLError: it is no YAML.
    """
    documents = []
    for root in yaml.compose_all(text, Loader=yaml.SafeLoader):
        found: dict[str, int] = {}
        if root is not None:
            found[""] = root.start_mark.line + 1
            for key, line in _keys(root):
                found.setdefault(key.split("|")[0], line)
                found.setdefault(key, line)
        documents.append(found)
    return documents


def _keys(node: Any, depth: int = 0) -> Iterator[tuple[str, int]]:
    if depth > 30:
        return
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), key.start_mark.line + 1
            if isinstance(value, yaml.ScalarNode):
                yield str(value.value), value.start_mark.line + 1
            yield from _keys(value, depth + 1)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            if isinstance(value, yaml.ScalarNode):
                yield str(value.value), value.start_mark.line + 1
            yield from _keys(value, depth + 1)

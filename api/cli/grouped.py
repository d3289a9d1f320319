"""Lets commands take options by the group, where typer knows single ones only."""

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """A command as typer reads it: a parameter that is a dataclass stands for its fields."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, type[Any]] = {
        name: hint for name, hint in hints.items() if is_dataclass(hint) and isinstance(hint, type)
    }
    told = list(_told(inspect.signature(command), hints))

    @functools.wraps(command)
    def ungrouped(**given: object) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        command(**given)

    ungrouped.__annotations__ = {one.name: one.annotation for one in told}
    signature = inspect.Signature(told, return_annotation=None)
    ungrouped.__signature__ = signature  # type: ignore[attr-defined]  # functions may have one
    return ungrouped


def _told(signature: inspect.Signature, hints: dict[str, Any]) -> Iterator[inspect.Parameter]:
    """Every parameter by itself, with its whole annotation, in the order it is written."""
    by_name = inspect.Parameter.KEYWORD_ONLY
    for name, parameter in signature.parameters.items():
        hint = hints[name]
        if is_dataclass(hint) and isinstance(hint, type):
            inside = get_type_hints(hint, include_extras=True)
            for field in fields(hint):
                annotation = inside[field.name]
                yield inspect.Parameter(
                    field.name, by_name, default=field.default, annotation=annotation
                )
        else:
            yield parameter.replace(kind=by_name, annotation=hint)

"""Changes records that consist of records, for tests that care for one value in them."""

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

T = TypeVar("T")


def changed(record: T, **values: Any) -> T:
    """Return a record with other values, by their names in it or in one of the records in it."""
    copy: Any = record
    own = _names_of(copy)
    for name in own:
        inner: Any = values.get(name, getattr(copy, name))
        names = (values.keys() - own) & _names_of(inner)
        if names:
            values[name] = replace(inner, **{one: values.pop(one) for one in names})
    copy = replace(copy, **values)
    assert isinstance(copy, type(record))
    return copy


def _names_of(value: Any) -> set[str]:
    return {field.name for field in fields(value)} if is_dataclass(value) else set()

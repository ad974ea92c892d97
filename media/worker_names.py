"""Names of what worker processes do, for a process that must not load FFmpeg and Pillow itself.

They take some 40 MB and a tenth of a second at the start of the bot, which only passes the work on.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True)
class NamedFunction:
    """A module-level function by its name; it is loaded where it is called."""

    module: str
    name: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Load the module and call the function.

        Raises:
            Exception: whatever the function raises.
        """
        return getattr(import_module(self.module), self.name)(*args, **kwargs)


class NamedModule:
    """Stands for a module; its attributes are the names of functions, whether they exist or not."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, function: str) -> NamedFunction:
        return NamedFunction(self._name, function)

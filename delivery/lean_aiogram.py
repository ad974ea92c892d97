"""aiogram with its models built when they are needed: half the memory, a third of the time at start.

aiogram builds all of its 440 pydantic models at import, each with the whole recursive schema of a
message inside (aiogram issues 1513 and 1876). A bot uses a handful. `install()` imports aiogram with
that step left out and lets every model complete itself at first use, with the same names in view.

It leans on two private parameters of pydantic. The setting `[bot] lean_start` switches it off, and
whenever anything looks different from what is expected it steps back by itself.
"""

import logging
import sys
from typing import Any

from pydantic import BaseModel

logger = logging.getLogger(__name__)


def install() -> bool:
    """Import aiogram lean; tell whether that worked. Too late once aiogram has been imported."""
    if "aiogram" in sys.modules:
        return False
    namespace: dict[str, Any] = {}
    # Taken from the class's own dictionary, because reading the attribute would bind it.
    stock = BaseModel.__dict__.get("model_rebuild")
    if not isinstance(stock, classmethod):
        return _step_back("pydantic has changed")

    def postpone(_cls: type[BaseModel], /, **options: Any) -> None:
        namespace.update(options.get("_types_namespace") or {})

    BaseModel.model_rebuild = classmethod(postpone)  # type: ignore[method-assign,assignment]
    try:
        from aiogram.methods.base import Response, TelegramMethod
        from aiogram.types.base import TelegramObject
    finally:
        BaseModel.model_rebuild = stock  # type: ignore[method-assign,assignment]

    if not namespace:
        return _step_back("aiogram has changed")

    def complete(cls: type[BaseModel], /, **options: Any) -> bool | None:
        options.pop("_parent_namespace_depth", None)
        options["_types_namespace"] = namespace
        return stock.__func__(cls, **options)  # type: ignore[no-any-return]

    for base in (TelegramObject, TelegramMethod, Response):
        base.model_rebuild = classmethod(complete)  # type: ignore[method-assign,assignment]
    return _works()


def _step_back(reason: str) -> bool:
    logger.warning("aiogram is not started lean: %s", reason)
    return False


def _works() -> bool:
    """Try the models that every bot needs; otherwise build them all, as aiogram would have."""
    from aiogram import types

    try:
        _try(types.Update, types.Message)
    except Exception:  # whatever went wrong, the stock way still works
        logger.warning("aiogram could not be started lean; building all models", exc_info=True)
        for name in types.__all__:
            entity = getattr(types, name)
            if hasattr(entity, "model_rebuild"):
                entity.model_rebuild()
        return False
    return True


def _try(*models: type[BaseModel]) -> None:
    for model in models:
        model.model_rebuild()

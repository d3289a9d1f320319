"""What every part of a plan is made of: the model all are, money and quantities."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer

Usd = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
"""Money; a plain number in JSON."""

Quantity = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]


class Part(BaseModel):
    """Base of every part of a plan."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

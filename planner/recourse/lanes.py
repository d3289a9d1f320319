"""Vectors of one number per lane for compiled code: each operation is one vector instruction.

Left to itself the compiler makes vector instructions of some loops over lanes and not of others;
these types leave it no choice. They exist inside compiled functions only. Arithmetic and
comparisons are written with operators, a number beside a vector standing for all its lanes.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

from planner.recourse.hours import LANES

_DOUBLES = ir.VectorType(ir.DoubleType(), LANES)
_BOOLEANS = ir.VectorType(ir.IntType(1), LANES)
_INTEGERS = ir.VectorType(ir.IntType(64), LANES)


class Lanes(types.Type):
    """Doubles, one per lane."""


class Mask(types.Type):
    """Booleans, one per lane."""


class Bits(types.Type):
    """Sets of small numbers, one 64-bit integer per lane."""


LANES_TYPE, MASK_TYPE, BITS_TYPE = Lanes("Lanes"), Mask("Mask"), Bits("Bits")
_VECTOR = {LANES_TYPE: _DOUBLES, MASK_TYPE: _BOOLEANS, BITS_TYPE: _INTEGERS}


def _model_of(vector: ir.Type) -> type:
    """The data model of a vector type."""

    class VectorModel(models.PrimitiveModel):
        def __init__(self, manager: Any, frontend_type: Any) -> None:
            super().__init__(manager, frontend_type, vector)

    return VectorModel


for _kind, _type in ((Lanes, LANES_TYPE), (Mask, MASK_TYPE), (Bits, BITS_TYPE)):
    register_model(_kind)(_model_of(_VECTOR[_type]))


def _spread(builder: Any, scalar: Any, vector: ir.Type) -> Any:
    """A scalar in every lane."""
    undefined = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
    pick = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(one, undefined, pick)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """Where the lanes from an element on stand in an array."""
    data = context.make_array(array_type)(context, builder, array).data
    element = context.get_data_type(array_type.dtype)
    return builder.bitcast(
        builder.gep(data, [index]), ir.VectorType(element, LANES).as_pointer()
    ), element


@intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """The lanes that start at a flat index of a contiguous array of floats."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place, element = _pointer(context, builder, signature.args[0], *arguments)
        value = builder.load(place, align=context.get_abi_sizeof(element))
        return value if element == ir.DoubleType() else builder.fpext(value, _DOUBLES)

    return LANES_TYPE(array, types.intp), generate


@intrinsic
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write lanes from a flat index of a contiguous array of doubles on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place, element = _pointer(context, builder, signature.args[0], *arguments[:2])
        builder.store(arguments[2], place, align=context.get_abi_sizeof(element))
        return context.get_dummy_value()

    return types.void(array, types.intp, LANES_TYPE), generate


@intrinsic
def spread(typing: Any, number: Any) -> Any:
    """A number in every lane."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _spread(builder, arguments[0], _DOUBLES)

    return LANES_TYPE(types.float64), generate


@intrinsic
def spread_bits(typing: Any, bits: Any) -> Any:
    """A set in every lane."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _spread(builder, arguments[0], _INTEGERS)

    return BITS_TYPE(types.int64), generate


@intrinsic
def select(typing: Any, mask: Any, then: Any, otherwise: Any) -> Any:
    """One of two values, lane by lane."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.select(*arguments)

    return then(mask, then, then), generate


@intrinsic
def is_empty(typing: Any, bits: Any) -> Any:
    """Where a set has no members."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.icmp_signed("==", arguments[0], ir.Constant(_INTEGERS, None))

    return MASK_TYPE(bits), generate


@intrinsic
def any_lane(typing: Any, mask: Any) -> Any:
    """Whether a mask is true anywhere."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        packed = builder.bitcast(arguments[0], ir.IntType(LANES))
        return builder.icmp_unsigned("!=", packed, ir.Constant(packed.type, 0))

    return types.boolean(mask), generate


@intrinsic
def lane_bits(typing: Any, mask: Any) -> Any:
    """A mask as an integer, lane 0 its lowest bit."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        packed = builder.bitcast(arguments[0], ir.IntType(LANES))
        return builder.zext(packed, ir.IntType(64))

    return types.int64(mask), generate


@intrinsic
def mask_of(typing: Any, bits: Any) -> Any:
    """The mask that `lane_bits` made an integer of."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(builder.trunc(arguments[0], ir.IntType(LANES)), _BOOLEANS)

    return MASK_TYPE(types.int64), generate


def _as_vector(context: Any, builder: Any, kind: Any, value: Any, wanted: Any) -> Any:
    """A vector as it is, a number in every lane."""
    if kind in _VECTOR:
        return value
    scalar = types.float64 if wanted is LANES_TYPE else types.int64
    return _spread(builder, context.cast(builder, value, kind, scalar), _VECTOR[wanted])


def _operate(symbol: Any, operand: Any, result: Any, emit: Callable[..., Any]) -> None:
    """Let an operator or a function take two vectors of a type, or one and a number."""

    @type_callable(symbol)
    def choose(context: Any) -> Any:
        def result_of(left: Any, right: Any) -> Any:
            kinds = {left, right}
            scalar = types.Number if operand is LANES_TYPE else types.Integer
            others = kinds - {operand}
            fits = operand in kinds and all(isinstance(other, scalar) for other in others)
            return result if fits else None

        return result_of

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vectors = [
            _as_vector(context, builder, kind, value, operand)
            for kind, value in zip(signature.args, arguments, strict=True)
        ]
        return emit(builder, *vectors)

    kind = type(operand)
    for left, right in ((kind, kind), (kind, types.Number), (types.Number, kind)):
        lower_builtin(symbol, left, right)(generate)


def _arithmetic(name: str) -> Callable[..., Any]:
    """Floating point that may be contracted into fused operations."""
    return lambda builder, left, right: getattr(builder, name)(
        left, right, flags=("contract", "nsz")
    )


def _compare(sign: str) -> Callable[..., Any]:
    """An ordered comparison of doubles."""
    return lambda builder, left, right: builder.fcmp_ordered(sign, left, right)


def _extreme(sign: str) -> Callable[..., Any]:
    """The lesser or the greater, in the form that is one instruction."""
    return lambda builder, left, right: builder.select(
        builder.fcmp_ordered(sign, left, right), left, right
    )


def _logic(name: str) -> Callable[..., Any]:
    """A bitwise operation."""
    return lambda builder, left, right: getattr(builder, name)(left, right)


def lesser(left: Any, right: Any) -> Any:
    """The lesser of two, lane by lane; in compiled code one instruction."""
    return np.where(left < right, left, right)


def greater(left: Any, right: Any) -> Any:
    """The greater of two, lane by lane; in compiled code one instruction."""
    return np.where(left > right, left, right)


for _symbol, _name in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _operate(_symbol, LANES_TYPE, LANES_TYPE, _arithmetic(_name))
for _symbol, _sign in (
    (operator.gt, ">"),
    (operator.ge, ">="),
    (operator.lt, "<"),
    (operator.le, "<="),
):
    _operate(_symbol, LANES_TYPE, MASK_TYPE, _compare(_sign))
for _symbol, _sign in ((lesser, "<"), (greater, ">")):
    _operate(_symbol, LANES_TYPE, LANES_TYPE, _extreme(_sign))
for _symbol, _name in ((operator.and_, "and_"), (operator.or_, "or_")):
    _operate(_symbol, MASK_TYPE, MASK_TYPE, _logic(_name))
    _operate(_symbol, BITS_TYPE, BITS_TYPE, _logic(_name))

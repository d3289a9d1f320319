"""Vectors of one number per lane for compiled code: each operation is one vector instruction.

Left to itself the compiler makes vector instructions of some loops over lanes and not of others;
these types leave it no choice. They exist inside compiled functions only. Arithmetic and
comparisons are written with operators, a number beside a vector standing for all its lanes.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

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


def _binary(result: Any, operand: Any, emit: Callable[..., Any]) -> Any:
    """An intrinsic of two vectors of one type."""

    @intrinsic
    def operation(typing: Any, left: Any, right: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return emit(builder, *arguments)

        return result(operand, operand), generate

    return operation


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


lesser = _binary(LANES_TYPE, LANES_TYPE, _extreme("<"))
greater = _binary(LANES_TYPE, LANES_TYPE, _extreme(">"))


def _overload_operator(symbol: Any, lanes: Any) -> None:
    """Let an operator take vectors of doubles, and numbers beside them."""

    @overload(symbol, strict=False, inline="always")
    def choose(left: Any, right: Any) -> Any:
        if left is LANES_TYPE and right is LANES_TYPE:
            return lambda left, right: lanes(left, right)
        if left is LANES_TYPE and isinstance(right, types.Number):
            return lambda left, right: lanes(left, spread(right))
        if right is LANES_TYPE and isinstance(left, types.Number):
            return lambda left, right: lanes(spread(left), right)
        return None


for _symbol, _name in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _overload_operator(_symbol, _binary(LANES_TYPE, LANES_TYPE, _arithmetic(_name)))
for _symbol, _sign in (
    (operator.gt, ">"),
    (operator.ge, ">="),
    (operator.lt, "<"),
    (operator.le, "<="),
):
    _overload_operator(_symbol, _binary(MASK_TYPE, LANES_TYPE, _compare(_sign)))


def _overload_logic(symbol: Any, name: str) -> None:
    """Let an operator take masks, or sets."""

    def emit(builder: Any, left: Any, right: Any) -> Any:
        return getattr(builder, name)(left, right)

    masks, bits = _binary(MASK_TYPE, MASK_TYPE, emit), _binary(BITS_TYPE, BITS_TYPE, emit)

    @overload(symbol, strict=False, inline="always")
    def choose(left: Any, right: Any) -> Any:
        if left is MASK_TYPE and right is MASK_TYPE:
            return lambda left, right: masks(left, right)
        if left is BITS_TYPE and right is BITS_TYPE:
            return lambda left, right: bits(left, right)
        if left is BITS_TYPE and isinstance(right, types.Integer):
            return lambda left, right: bits(left, spread_bits(right))
        return None


_overload_logic(operator.and_, "and_")
_overload_logic(operator.or_, "or_")

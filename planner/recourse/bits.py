"""Numbers as bits and memory by its address, for compiled code."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array


@intrinsic
def doubles_at(typing: Any, address: Any, length: Any) -> Any:
    """So many doubles from an address on, so that one compiled call reads any number of arrays."""
    array_type = types.Array(types.float64, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(array_type)(context, builder)
        data = builder.inttoptr(arguments[0], array.data.type)
        size = context.get_constant(types.intp, 8)
        populate_array(array, data, [arguments[1]], [size], size, meminfo=None)
        return array._getvalue()

    return array_type(types.intp, types.intp), generate


@intrinsic
def next_below(typing: Any, number: Any) -> Any:
    """The next number of its type below one that is not +0 nor NaN."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        width = number.bitwidth
        integer = ir.IntType(width)
        bits = builder.bitcast(arguments[0], integer)
        # Below 0 larger bits are lower numbers: 1 is taken off or added by the sign.
        sign = builder.ashr(bits, ir.Constant(integer, width - 1))
        step = builder.or_(sign, ir.Constant(integer, 1))
        return builder.bitcast(builder.sub(bits, step), context.get_value_type(number))

    return number(number), generate

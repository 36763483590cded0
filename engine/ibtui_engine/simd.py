"""Vectors of 64 bytes for kernels that Numba compiles: 16 single-precision numbers, or 8 double-precision ones.

Numba leaves vectorisation to LLVM, which gives up on loops that read and write several rows of one array (it
cannot prove them distinct). These few operations say it outright: a value is an LLVM vector, which is one register
with AVX-512, two with AVX and four with SSE or NEON; the code is the same everywhere. What a vector holds follows
from the array or the number it comes from. Loops should keep no more than five vectors at once: AVX has sixteen
registers, and what does not fit them is written to memory and read again in every turn. Halves of vectors serve loops
that need ten, pairs those that wait for one term after another.

+ − * / are those of each lane, with a vector or with one number, and so are `abs`, `min` and `math.copysign`: a formula
for numbers is one for vectors.

Rows are rows of a two-dimensional array that is contiguous along each row; `load(a, i, s)` reads a[i, s:s+lanes(a)].
There are no bounds checks.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, misc, no-any-unimported"
from __future__ import annotations

import math
import operator
from typing import Any

from llvmlite import ir

import ibtui_engine.compiling.settings  # noqa: F401

# isort: split
from numba import extending, types
from numba.core import cgutils
from numba.core.typing.templates import signature
from numba.extending import lower_builtin, models, register_model, type_callable

VECTOR_BYTES = 64

intrinsic: Any = extending.intrinsic

_I32 = ir.IntType(32)
_LLVM = {types.float32: (ir.FloatType(), "f32"), types.float64: (ir.DoubleType(), "f64")}


class VectorType(types.Type):
    """Numba's name for a vector of one kind of number."""

    def __init__(self, number: Any, size: int) -> None:
        self.number = number
        self.bitwidth = number.bitwidth
        self.lanes = size // (number.bitwidth // 8)
        super().__init__(name=f"{number}x{self.lanes}")


HALVES = {number: VectorType(number, VECTOR_BYTES // 2) for number in _LLVM}
VECTORS = {number: VectorType(number, VECTOR_BYTES) for number in _LLVM}
PAIRS = {number: VectorType(number, 2 * VECTOR_BYTES) for number in _LLVM}


def _llvm(vector):
    return ir.VectorType(_LLVM[vector.number][0], vector.lanes)


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, _llvm(numba_type))


def _pointer(context, builder, array_type, array, row, column):
    """The address of array[row, column]; the last axis is contiguous."""
    fields = context.make_array(array_type)(context, builder, array)
    row_stride = cgutils.unpack_tuple(builder, fields.strides)[0]
    data = builder.bitcast(fields.data, ir.IntType(8).as_pointer())
    data = builder.gep(data, [builder.mul(row, row_stride)])
    number = _LLVM[array_type.dtype][0]
    return builder.gep(builder.bitcast(data, number.as_pointer()), [column])


def _shuffle(builder, first, second, lanes):
    mask = ir.Constant(ir.VectorType(_I32, len(lanes)), lanes)
    return builder.shuffle_vector(first, second, mask)


@intrinsic
def lanes(_context, array):
    """How many of the array's numbers are in one vector."""
    count = VECTORS[array.dtype].lanes

    def generate(context, builder, call, args):
        return context.get_constant(types.int64, count)

    return types.int64(array), generate


@intrinsic
def load(_context, array, row, column):
    """array[row, column : column + lanes]"""
    return _loading(VECTORS[array.dtype], array)


@intrinsic
def load_half(_context, array, row, column):
    """array[row, column : column + lanes / 2]: half a vector."""
    return _loading(HALVES[array.dtype], array)


@intrinsic
def load_pair(_context, array, row, column):
    """array[row, column : column + 2 lanes]: two vectors as one, each step of a formula for one after the other."""
    return _loading(PAIRS[array.dtype], array)


def _loading(vector, array):
    def generate(context, builder, call, args):
        address = _pointer(context, builder, call.args[0], *args)
        value = builder.load(builder.bitcast(address, _llvm(vector).as_pointer()))
        value.align = vector.bitwidth // 8
        return value

    return vector(array, types.int64, types.int64), generate


@intrinsic
def store(_context, array, row, column, value):
    """array[row, column : column + the lanes of value] = value"""

    def generate(context, builder, call, args):
        address = _pointer(context, builder, call.args[0], *args[:3])
        address = builder.bitcast(address, args[3].type.as_pointer())
        builder.store(args[3], address).align = value.bitwidth // 8
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64, value), generate


@intrinsic
def splat(_context, number):
    """A vector with `number` in every lane."""
    return _splatting(VECTORS[number])


@intrinsic
def splat_half(_context, number):
    """Half a vector with `number` in every lane."""
    return _splatting(HALVES[number])


def _splatting(vector):
    def generate(context, builder, call, args):
        return _splat(builder, vector, args[0])

    return vector(vector.number), generate


def _splat(builder, vector, value):
    """A vector with `value` in every lane."""
    nothing = ir.Constant(_llvm(vector), ir.Undefined)
    first = builder.insert_element(nothing, value, ir.Constant(_I32, 0))
    return _shuffle(builder, first, nothing, [0] * vector.lanes)


def _lane_by_lane(function, generate):
    """Let `function(a, b)` be called on vectors, and on a vector and a number of its kind."""

    @type_callable(function)
    def typed(_context):
        def result(a, b):
            vector = a if isinstance(a, VectorType) else b
            if isinstance(vector, VectorType) and {a, b} <= {vector, vector.number}:
                return signature(vector, a, b)
            return None

        return result

    def lower(_context, builder, call, args):
        values = [
            value if isinstance(kind, VectorType) else _splat(builder, call.return_type, value)
            for kind, value in zip(call.args, args, strict=True)
        ]
        return generate(builder, *values)

    for kinds in ((VectorType, VectorType), (VectorType, types.Float), (types.Float, VectorType)):
        lower_builtin(function, *kinds)(lower)


_lane_by_lane(operator.add, lambda builder, a, b: builder.fadd(a, b))
_lane_by_lane(operator.sub, lambda builder, a, b: builder.fsub(a, b))
_lane_by_lane(operator.mul, lambda builder, a, b: builder.fmul(a, b))
_lane_by_lane(operator.truediv, lambda builder, a, b: builder.fdiv(a, b))
_lane_by_lane(min, lambda builder, a, b: builder.select(builder.fcmp_ordered("<", b, a), b, a))
_lane_by_lane(math.copysign, lambda builder, a, b: _call(builder, "copysign", a, b))


@type_callable(abs)
def _type_abs(_context):
    return lambda a: signature(a, a) if isinstance(a, VectorType) else None


@lower_builtin(abs, VectorType)
def _lower_abs(_context, builder, call, args):
    return _call(builder, "fabs", *args)


def _call(builder, name, *values):
    """One of LLVM's own functions, on values of one type."""
    kind = values[0].type
    number = "f32" if getattr(kind, "element", kind) == ir.FloatType() else "f64"
    suffix = f"v{kind.count}{number}" if isinstance(kind, ir.VectorType) else number
    function = ir.FunctionType(kind, [kind] * len(values))
    return builder.call(cgutils.get_or_insert_function(builder.module, function, f"llvm.{name}.{suffix}"), values)


@intrinsic
def where_positive(_context, sign, value):
    """The lanes of `value` where those of `sign` are above 0, elsewhere 0."""

    def generate(context, builder, call, args):
        zero = ir.Constant(args[0].type, None)
        return builder.select(builder.fcmp_ordered(">", args[0], zero), args[1], zero)

    return value(sign, value), generate


@intrinsic
def power_of_two(_context, shifted):
    """2^k, of a number or of a vector's lanes that are k + 3 2^22 (single precision) or k + 3 2^51 (double): there k
    lies in the lowest bits.
    """
    bits = shifted.bitwidth
    mantissa, bias = (23, 127) if bits == 32 else (52, 1023)

    def generate(context, builder, call, args):
        whole = ir.IntType(bits)
        count = getattr(shifted, "lanes", 0)
        kind = ir.VectorType(whole, count) if count else whole

        def constant(value):
            return ir.Constant(kind, [value] * count if count else value)

        k = builder.shl(builder.bitcast(args[0], kind), constant(mantissa))
        return builder.bitcast(builder.add(k, constant(bias << mantissa)), args[0].type)

    return shifted(shifted), generate


@intrinsic
def multiply_add(_context, a, b, c):
    """a * b + c, rounded once where the processor can."""

    def generate(context, builder, call, args):
        return _call(builder, "fmuladd", *args)

    return a(a, a, a), generate


@intrinsic
def add_sums(_context, array, row, column, a, b, c, d):
    """array[row, column : column + 4] += (sum of a, of b, of c, of d), added in one fixed order of lanes."""

    def generate(context, builder, call, args):
        _add(builder, a, _pointer(context, builder, call.args[0], *args[:3]), _sums(builder, a, args[3:]))
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64, a, a, a, a), generate


@intrinsic
def add_square_of_sums(_context, array, row, column, a, b, c, d):
    """array[row, column : column + 2] += (sum of a, of b) and array[row + 1, column : column + 2] += (sum of c, of d),
    added in one fixed order of lanes.
    """

    def generate(context, builder, call, args):
        four = _sums(builder, a, args[3:])
        below = builder.add(args[1], ir.Constant(args[1].type, 1))
        for row, places in ((args[1], [0, 1]), (below, [2, 3])):
            address = _pointer(context, builder, call.args[0], args[0], row, args[2])
            _add(builder, a, address, _shuffle(builder, four, four, places))
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64, a, a, a, a), generate


def _sums(builder, vector, values):
    """The sums of four vectors' lanes, side by side.

    Halve pairwise: lanes of two vectors are added so that one vector holds both; after two rounds one vector holds the
    remaining lanes of all four; then each group is halved until one lane is left.
    """
    a, b, c, d = values
    lower, upper = _halve(builder, a, b, vector.lanes, 1), _halve(builder, c, d, vector.lanes, 1)
    total = _halve(builder, lower, upper, vector.lanes, 2)
    width = vector.lanes // 4
    while width > 1:
        width //= 2
        even = [group * 2 * width + k for group in range(4) for k in range(width)]
        odd = [k + width for k in even]
        total = builder.fadd(_shuffle(builder, total, total, even), _shuffle(builder, total, total, odd))
    return total


def _add(builder, vector, address, summand):
    """Add to the numbers that lie at an address."""
    address = builder.bitcast(address, summand.type.as_pointer())
    before = builder.load(address)
    before.align = vector.number.bitwidth // 8
    builder.store(builder.fadd(before, summand), address).align = vector.number.bitwidth // 8


def _halve(builder, first, second, count, groups):
    """Add the lower and upper half of each of the `groups` in two vectors; the result holds first's, then second's."""
    width = count // groups
    lower = [group * width + k for group in range(groups) for k in range(width // 2)]
    lower += [k + count for k in lower]
    upper = [k + width // 2 for k in lower]
    return builder.fadd(_shuffle(builder, first, second, lower), _shuffle(builder, first, second, upper))

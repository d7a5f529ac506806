/* SPDX-License-Identifier: Apache-2.0
 *
 * What the compiler calls where it has no instruction for it, and would otherwise take from libgcc.
 */
#ifdef FREESTANDING
#include <stdint.h>

int __popcountdi2(uint64_t value)
{
    int count = 0;
    for (; value; value &= value - 1) {
        count++;
    }
    return count;
}

int __popcountsi2(uint32_t value)
{
    return __popcountdi2(value);
}

#ifdef __i386__
static uint64_t divide(uint64_t value, uint64_t by, uint64_t *remainder)
{
    uint64_t quotient = 0, rest = 0;
    for (int bit = 63; bit >= 0; bit--) {
        uint64_t out = rest >> 63;
        rest = rest << 1 | ((value >> bit) & 1);
        if (out || rest >= by) {
            rest -= by;
            quotient |= 1ull << bit;
        }
    }
    *remainder = rest;
    return quotient;
}

uint64_t __udivdi3(uint64_t value, uint64_t by)
{
    uint64_t rest;
    return divide(value, by, &rest);
}

uint64_t __umoddi3(uint64_t value, uint64_t by)
{
    uint64_t rest;
    divide(value, by, &rest);
    return rest;
}

uint64_t __udivmoddi4(uint64_t value, uint64_t by, uint64_t *remainder)
{
    uint64_t rest;
    uint64_t quotient = divide(value, by, &rest);
    if (remainder) {
        *remainder = rest;
    }
    return quotient;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

int64_t __divdi3(int64_t value, int64_t by)
{
    uint64_t quotient = __udivdi3(magnitude(value), magnitude(by));
    return (int64_t)((value < 0) != (by < 0) ? 0 - quotient : quotient);
}

int64_t __moddi3(int64_t value, int64_t by)
{
    uint64_t rest = __umoddi3(magnitude(value), magnitude(by));
    return (int64_t)(value < 0 ? 0 - rest : rest);
}

int64_t __divmoddi4(int64_t value, int64_t by, int64_t *remainder)
{
    *remainder = __moddi3(value, by);
    return __divdi3(value, by);
}

int __ctzdi2(uint64_t value)
{
    return (uint32_t)value ? __builtin_ctz((uint32_t)value) : 32 + __builtin_ctz((uint32_t)(value >> 32));
}

int __clzdi2(uint64_t value)
{
    return value >> 32 ? __builtin_clz((uint32_t)(value >> 32)) : 32 + __builtin_clz((uint32_t)value);
}
#endif
#endif

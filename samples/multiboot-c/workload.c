/* SPDX-License-Identifier: Apache-2.0
 *
 * Freestanding C that makes a compiler use most of the integer instruction set: arithmetic of every width, shifts,
 * divisions, bit tests, jump tables, calls through pointers, recursion, block copies, atomics.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "workload.h"

#ifdef FREESTANDING
/* The compiler calls these by itself. */
void *memcpy(void *to, const void *from, size_t n)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    while (n--) {
        *t++ = *f++;
    }
    return to;
}

void *memset(void *to, int value, size_t n)
{
    unsigned char *t = to;
    while (n--) {
        *t++ = (unsigned char)value;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    if (t < f) {
        return memcpy(to, from, n);
    }
    while (n--) {
        t[n] = f[n];
    }
    return to;
}

int memcmp(const void *left, const void *right, size_t n)
{
    const unsigned char *l = left;
    const unsigned char *r = right;
    for (; n--; l++, r++) {
        if (*l != *r) {
            return *l < *r ? -1 : 1;
        }
    }
    return 0;
}
#else
#include <string.h>
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint64_t mixed(uint64_t hash, uint64_t value)
{
    hash ^= value;
    hash *= 0x9E3779B97F4A7C15u;
    return (hash << 29) | (hash >> 35);
}

static void put_text(const char *text)
{
    while (*text) {
        put_char(*text++);
    }
}

static void put_number(uint64_t value, unsigned base, int digits)
{
    char buffer[24];
    int n = 0;
    do {
        buffer[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value || n < digits);
    while (n) {
        put_char(buffer[--n]);
    }
}

/* %s text, %d int, %u unsigned, %x 64-bit hexadecimal of 16 digits. */
static void print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    for (; *format; format++) {
        if (*format != '%') {
            put_char(*format);
            continue;
        }
        switch (*++format) {
        case 's':
            put_text(va_arg(arguments, const char *));
            break;
        case 'd': {
            int value = va_arg(arguments, int);
            if (value < 0) {
                put_char('-');
            }
            put_number(value < 0 ? 0u - (unsigned)value : (unsigned)value, 10, 1);
            break;
        }
        case 'u':
            put_number(va_arg(arguments, unsigned), 10, 1);
            break;
        case 'x':
            put_number(va_arg(arguments, uint64_t), 16, 16);
            break;
        default:
            put_char('?');
            break;
        }
    }
    va_end(arguments);
}

#define ARITHMETIC(width, sign, type, stype, bits)                                                                     \
    static uint64_t arithmetic_##sign##width(uint64_t hash, uint64_t a, uint64_t b)                                    \
    {                                                                                                                  \
        volatile type x = (type)a, y = (type)b;                                                                        \
        unsigned shift = (unsigned)(b % bits);                                                                         \
        hash = mixed(hash, (uint64_t)(type)(x + y));                                                                   \
        hash = mixed(hash, (uint64_t)(type)(x - y));                                                                   \
        hash = mixed(hash, (uint64_t)(type)(x * y));                                                                   \
        if (y != 0 && !((stype)y == -1)) {                                                                             \
            hash = mixed(hash, (uint64_t)(type)(x / y));                                                               \
            hash = mixed(hash, (uint64_t)(type)(x % y));                                                               \
        }                                                                                                              \
        hash = mixed(hash, (uint64_t)(type)(x / 10));                                                                  \
        hash = mixed(hash, (uint64_t)(type)(x % 7));                                                                   \
        hash = mixed(hash, (uint64_t)(type)(x & y));                                                                   \
        hash = mixed(hash, (uint64_t)(type)(x | y));                                                                   \
        hash = mixed(hash, (uint64_t)(type)(x ^ y));                                                                   \
        hash = mixed(hash, (uint64_t)(type)~x);                                                                        \
        hash = mixed(hash, (uint64_t)(type)(0 - x));                                                                   \
        hash = mixed(hash, (uint64_t)(type)(x >> shift));                                                              \
        hash = mixed(hash, (uint64_t)(type)((uint##width##_t)x << shift));                                             \
        hash = mixed(hash, (uint64_t)(type)(((uint##width##_t)x << shift)                                              \
                                            | ((uint##width##_t)x >> ((bits - shift) % bits))));                       \
        hash = mixed(hash, (x < y) | (x <= y) << 1 | (x == y) << 2 | (x != 0) << 3);                                   \
        hash = mixed(hash, (uint64_t)(x > y ? x : y));                                                                 \
        x += 3;                                                                                                        \
        x++;                                                                                                           \
        x -= y;                                                                                                        \
        return mixed(hash, (uint64_t)x);                                                                               \
    }

ARITHMETIC(8, u, uint8_t, int8_t, 8)
ARITHMETIC(8, s, int8_t, int8_t, 8)
ARITHMETIC(16, u, uint16_t, int16_t, 16)
ARITHMETIC(16, s, int16_t, int16_t, 16)
ARITHMETIC(32, u, uint32_t, int32_t, 32)
ARITHMETIC(64, u, uint64_t, int64_t, 64)

static uint64_t signed_32_and_64(uint64_t hash, uint64_t a, uint64_t b)
{
    volatile int32_t x = (int32_t)a >> 1, y = (int32_t)b >> 9;
    volatile int64_t v = (int64_t)a >> 2, w = (int64_t)b >> 17;
    hash = mixed(hash, (uint64_t)(int64_t)(x + y));
    hash = mixed(hash, (uint64_t)((int64_t)x * y));
    hash = mixed(hash, (uint64_t)(v + w));
    hash = mixed(hash, (uint64_t)(v >> (b & 63)));
    hash = mixed(hash, (uint64_t)(int64_t)(x >> (b & 31)));
    if (y != 0 && w != 0) {
        hash = mixed(hash, (uint64_t)(int64_t)(x / y));
        hash = mixed(hash, (uint64_t)(int64_t)(x % y));
        hash = mixed(hash, (uint64_t)(v / w));
        hash = mixed(hash, (uint64_t)(v % w));
    }
    hash = mixed(hash, (uint64_t)(int64_t)(x < 0 ? -x : x));
    hash = mixed(hash, (uint64_t)(v < w ? v : w));
    return mixed(hash, (uint64_t)(int64_t)(x / 16 + x % 16));
}

static void test_arithmetic(void)
{
    uint64_t hash = 1;
    for (int i = 0; i < 2000; i++) {
        uint64_t a = next_random(), b = next_random();
        if (i % 5 == 0) {
            b = (1ull << (b & 63)) - (b >> 63);
        }
        hash = arithmetic_u8(hash, a, b);
        hash = arithmetic_s8(hash, a, b);
        hash = arithmetic_u16(hash, a, b);
        hash = arithmetic_s16(hash, a, b);
        hash = arithmetic_u32(hash, a, b);
        hash = arithmetic_u64(hash, a, b);
        hash = signed_32_and_64(hash, a, b);
    }
    print("arithmetic %x\n", hash);
}

static void test_bits(void)
{
    uint64_t hash = 2;
    static uint32_t map[64];
    for (int i = 0; i < 3000; i++) {
        uint64_t value = next_random() >> (next_random() & 63);
        unsigned bit = (unsigned)(next_random() & 2047);
        map[bit / 32] ^= 1u << (bit % 32);
        hash = mixed(hash, (map[(bit * 7 % 2048) / 32] >> (bit * 7 % 32)) & 1);
        if (value) {
            hash = mixed(hash, (uint64_t)__builtin_ctzll(value));
            hash = mixed(hash, (uint64_t)__builtin_clzll(value));
        }
        hash = mixed(hash, __builtin_bswap64(value) ^ __builtin_bswap32((uint32_t)value));
        hash = mixed(hash, __builtin_bswap16((uint16_t)value));
        hash = mixed(hash, (uint64_t)__builtin_parity((unsigned)value));
        hash = mixed(hash, (uint64_t)__builtin_popcountll(value) << 8 | (unsigned)__builtin_popcount((unsigned)value));
        hash = mixed(hash, (value & (value - 1)) ^ (value & (0 - value)) ^ (value ^ (value - 1)));
        hash = mixed(hash, ~value & (value >> 9) & ((1ull << bit % 64) - 1));
        uint32_t sum;
        hash = mixed(hash, (uint64_t)__builtin_add_overflow((uint32_t)value, (uint32_t)(value >> 11), &sum));
        int product;
        hash = mixed(hash, (uint64_t)__builtin_mul_overflow((int)value, (int)(value >> 13), &product));
        hash = mixed(hash, sum ^ (unsigned)product);
    }
    print("bits %x\n", hash);
}

#if defined(__SIZEOF_INT128__) && !defined(NO_WIDE)
static void test_wide(void)
{
    uint64_t hash = 3;
    unsigned __int128 sum = 1;
    for (int i = 0; i < 1000; i++) {
        uint64_t a = next_random(), b = next_random() | 1;
        unsigned __int128 product = (unsigned __int128)a * b;
        __int128 difference = (__int128)(int64_t)a * (int64_t)b - (__int128)product;
        sum = sum * 3 + product;
        hash = mixed(hash, (uint64_t)(product >> 64));
        hash = mixed(hash, (uint64_t)(difference >> (a & 63)));
        hash = mixed(hash, (uint64_t)(sum >> 64) ^ (uint64_t)(sum >> (b & 127)));
        hash = mixed(hash, sum < product);
    }
    print("wide %x\n", hash);
}
#else
static void test_wide(void)
{
}
#endif

/* A switch that becomes a jump table: a tiny stack machine. */
static int64_t interpret(const uint8_t *code, size_t length)
{
    int64_t stack[32] = { 0 };
    unsigned top = 0;
    for (size_t at = 0; at < length; at++) {
        int64_t *x = &stack[top & 31], *y = &stack[(top + 31) & 31];
        switch (code[at] % 12) {
        case 0: stack[++top & 31] = code[at]; break;
        case 1: *y += *x; top--; break;
        case 2: *y -= *x; top--; break;
        case 3: *y *= *x; top--; break;
        case 4: *x = -*x; break;
        case 5: *x = ~*x; break;
        case 6: *x = (int64_t)((uint64_t)*x << 1); break;
        case 7: *x >>= 1; break;
        case 8: { int64_t swap = *x; *x = *y; *y = swap; break; }
        case 9: stack[++top & 31] = *x; break;
        case 10: *x = *x > *y; break;
        default: *x ^= (int64_t)at; break;
        }
    }
    return stack[top & 31];
}

static void test_switch(void)
{
    uint64_t hash = 4;
    uint8_t code[300];
    for (int i = 0; i < 100; i++) {
        for (size_t j = 0; j < sizeof code; j++) {
            code[j] = (uint8_t)(next_random() >> 20);
        }
        hash = mixed(hash, (uint64_t)interpret(code, sizeof code));
    }
    print("switch %x\n", hash);
}

typedef int (*comparison)(const void *, const void *);

static int compare_int(const void *left, const void *right)
{
    int32_t l = *(const int32_t *)left, r = *(const int32_t *)right;
    return (l > r) - (l < r);
}

static int compare_low_byte(const void *left, const void *right)
{
    return *(const uint8_t *)left - *(const uint8_t *)right;
}

static void sort(void *base, size_t count, size_t size, comparison compare)
{
    uint8_t *items = base;
    uint8_t held[64];
    for (size_t gap = count / 2; gap > 0; gap /= 2) {
        for (size_t i = gap; i < count; i++) {
            memcpy(held, items + i * size, size);
            size_t j = i;
            while (j >= gap && compare(items + (j - gap) * size, held) > 0) {
                memmove(items + j * size, items + (j - gap) * size, size);
                j -= gap;
            }
            memcpy(items + j * size, held, size);
        }
    }
}

static void test_sort(void)
{
    static int32_t numbers[1500];
    static const comparison comparisons[] = { compare_int, compare_low_byte };
    uint64_t hash = 5;
    for (size_t round = 0; round < COUNT(comparisons); round++) {
        for (size_t i = 0; i < COUNT(numbers); i++) {
            numbers[i] = (int32_t)next_random();
        }
        sort(numbers, COUNT(numbers), sizeof numbers[0], comparisons[round]);
        for (size_t i = 1; i < COUNT(numbers); i++) {
            hash = mixed(hash, (uint64_t)(comparisons[round](&numbers[i - 1], &numbers[i]) <= 0));
            hash = mixed(hash, round == 0 ? (uint32_t)numbers[i] : (uint8_t)numbers[i]);
        }
    }
    print("sort %x\n", hash);
}

static int queens(unsigned columns, unsigned left, unsigned right, unsigned all)
{
    if (columns == all) {
        return 1;
    }
    int found = 0;
    for (unsigned free = all & ~(columns | left | right); free; free &= free - 1) {
        unsigned bit = free & (0u - free);
        found += queens(columns | bit, (left | bit) << 1, (right | bit) >> 1, all);
    }
    return found;
}

static unsigned ackermann(unsigned m, unsigned n)
{
    return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

static uint32_t crc32(const uint8_t *bytes, size_t n)
{
    uint32_t crc = ~0u;
    while (n--) {
        crc ^= *bytes++;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1)));
        }
    }
    return ~crc;
}

struct block {
    uint64_t head;
    uint8_t bytes[200];
    uint16_t tail[9];
};

static struct block turned(struct block given, unsigned by)
{
    struct block result = given;
    for (size_t i = 0; i < sizeof result.bytes; i++) {
        result.bytes[i] = given.bytes[(i + by) % sizeof result.bytes];
    }
    result.head = given.head + given.tail[by % 9];
    result.tail[by % 9] ^= (uint16_t)result.head;
    return result;
}

static void test_blocks(void)
{
    static uint8_t large[6000], copy[6000];
    struct block block = { .head = 7 };
    for (size_t i = 0; i < sizeof large; i++) {
        large[i] = (uint8_t)(next_random() >> 33);
    }
    for (unsigned i = 0; i < 200; i++) {
        block.bytes[i] = large[i * 7];
        block = turned(block, i * 31 + 1);
    }
    memcpy(copy, large, sizeof copy);
    memmove(copy + 13, copy, 5000);
    memmove(copy, copy + 29, 5900);
    memset(copy + 100, 0x5A, 333);
    print("blocks %x %d %x\n", (uint64_t)crc32(copy, sizeof copy) << 32 | crc32(block.bytes, sizeof block.bytes),
          memcmp(large, copy, sizeof large) < 0 ? -1 : 1, block.head);
}

static void test_atomics(void)
{
    static uint32_t counter;
    static uint32_t word = 5;
    static uint8_t lock;
    uint64_t hash = 6;
    for (uint32_t i = 0; i < 500; i++) {
        while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE)) {
        }
        hash = mixed(hash, __atomic_fetch_add(&word, i * 3, __ATOMIC_SEQ_CST));
        hash = mixed(hash, __atomic_fetch_xor(&word, i << 5, __ATOMIC_SEQ_CST));
        hash = mixed(hash, __atomic_or_fetch(&word, 1, __ATOMIC_SEQ_CST));
        uint32_t expected = i & 1 ? word : i;
        hash = mixed(hash, (uint64_t)__atomic_compare_exchange_n(
                               &word, &expected, word + 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
        hash = mixed(hash, expected);
        __atomic_fetch_add(&counter, i, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
    }
    print("atomics %x %u\n", hash, counter);
}

static void test_matrix(void)
{
    static int32_t a[24][24], b[24][24];
    static int64_t c[24][24];
    uint64_t hash = 8;
    for (int i = 0; i < 24; i++) {
        for (int j = 0; j < 24; j++) {
            a[i][j] = (int32_t)next_random() >> 8;
            b[i][j] = (int16_t)next_random();
        }
    }
    for (int i = 0; i < 24; i++) {
        for (int j = 0; j < 24; j++) {
            for (int k = 0; k < 24; k++) {
                c[i][j] += (int64_t)a[i][k] * b[k][j];
            }
            hash = mixed(hash, (uint64_t)c[i][j]);
        }
    }
    print("matrix %x\n", hash);
}

static void test_text(void)
{
    static const char *const words[] = { "vmcall", "vmmcall", "cpuid", "iretq", "invlpg", "" };
    uint64_t hash = 9;
    for (size_t i = 0; i < COUNT(words); i++) {
        size_t length = 0;
        for (const char *at = words[i]; *at; at++) {
            char upper = (char)(*at >= 'a' && *at <= 'z' ? *at - 32 : *at);
            hash = mixed(hash, (uint64_t)(unsigned char)upper);
            length++;
        }
        hash = mixed(hash, length);
    }
    print("text %x %s %d %u\n", hash, words[3], -1234567, 4000000000u);
}

void workload(void)
{
    static const uint8_t check[] = "123456789";
    print("workload\n");
    test_arithmetic();
    test_bits();
    test_wide();
    test_switch();
    test_sort();
    test_blocks();
    test_atomics();
    test_matrix();
    test_text();
    print("queens %d ackermann %u crc32 %x\n", queens(0, 0, 0, 0xFF), ackermann(2, 300),
          (uint64_t)crc32(check, sizeof check - 1));
}

/* The draws that are made outside the networks, in C: see twin_gym/sim/draws.py. */

#include <stdint.h>
#include <string.h>

#define GOLDEN UINT64_C(0x9E3779B97F4A7C15)
#define MIN(a, b) ((b) < (a) ? (b) : (a)) /* the first of two equal ones, as in Python */
#define MAX(a, b) ((b) > (a) ? (b) : (a))

static inline uint64_t mix(uint64_t bits) {
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94D049BB133111EB);
    return bits ^ (bits >> 31);
}

static inline double natural_log(double x) {
    int64_t bits;
    memcpy(&bits, &x, 8);
    int64_t exponent_bits = (bits - INT64_C(0x3FE6A09E00000000)) & ~INT64_C(0x000FFFFFFFFFFFFF);
    double k = (double)(exponent_bits >> 52);
    bits -= exponent_bits;
    memcpy(&x, &bits, 8);
    double f = x - 1.0, s = f / (2.0 + f), z = s * s, w = z * z;
    double even = w * (3.999999999940941908e-01
                       + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
    double odd = z * (6.666666666666735130e-01
                      + w * (2.857142874366239149e-01
                             + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
    double half_square = 0.5 * f * f;
    double remainder = s * (half_square + even + odd) + k * 1.90821492927058770002e-10;
    return k * 6.93147180369123816490e-01 - ((half_square - remainder) - f);
}

static inline uint64_t world_key(uint64_t seed, int64_t episode) {
    return mix(mix(seed + GOLDEN) + GOLDEN * (uint64_t)episode);
}

/* In (0, 1]: a multiple of 2^-53. */
static inline double uniform(uint64_t world, int64_t stream, int64_t index) {
    uint64_t counter = ((uint64_t)stream << 48) + (uint64_t)index + 1;
    uint64_t bits = mix(world + GOLDEN * counter);
    return (double)(int64_t)((bits >> 11) + 1) * 0x1p-53;
}

static inline double unit_exponential(uint64_t world, int64_t stream, int64_t index) {
    return -natural_log(uniform(world, stream, index));
}

/* elementary.h - exponential, logarithm, sine and cosine without branches, for loops that compilers
 * turn into vectors. Only additions, multiplications, divisions and integer arithmetic are used,
 * all exactly rounded and never contracted, so that every IEEE machine gives the same bits. */
#ifndef SF_BASE_ELEMENTARY_H
#define SF_BASE_ELEMENTARY_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define SF_ALWAYS_INLINE static inline __attribute__((always_inline))

SF_ALWAYS_INLINE double sf_from_bits(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

SF_ALWAYS_INLINE uint64_t sf_to_bits(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* log u for a normal number u: u = 2^e m with m in [sqrt(1/2), sqrt(2)), and
 * log m = 2 atanh s = 2 (s + s^3/3 + s^5/5 + ...), s = (m-1)/(m+1), |s| < 0.1716. */
SF_ALWAYS_INLINE double sf_vector_log(double u)
{
    const uint64_t half_root = 0x3fe6a09e667f3bcd; /* the bits of sqrt(1/2) */
    const uint64_t shifted = sf_to_bits(u) - half_root + ((uint64_t)1024 << 52);
    const double e = sf_from_bits((shifted >> 52) | 0x4330000000000000) - (0x1p52 + 1024.0);
    const double m = sf_from_bits((shifted & 0x000fffffffffffff) + half_root);
    const double s = (m - 1.0) / (m + 1.0);
    const double z = s * s;
    double sum = 1.0 / 19.0;

    sum = sum * z + 1.0 / 17.0;
    sum = sum * z + 1.0 / 15.0;
    sum = sum * z + 1.0 / 13.0;
    sum = sum * z + 1.0 / 11.0;
    sum = sum * z + 1.0 / 9.0;
    sum = sum * z + 1.0 / 7.0;
    sum = sum * z + 1.0 / 5.0;
    sum = sum * z + 1.0 / 3.0;
    return e * 0.693147180559945309417 + (2.0 * s + 2.0 * s * (z * sum));
}

/* sin x for |x| <= pi/4, by its Taylor series to x^17. */
SF_ALWAYS_INLINE double sf_short_sine(double x)
{
    const double z = x * x;
    double sum = 1.0 / 355687428096000.0;

    sum = sum * z - 1.0 / 1307674368000.0;
    sum = sum * z + 1.0 / 6227020800.0;
    sum = sum * z - 1.0 / 39916800.0;
    sum = sum * z + 1.0 / 362880.0;
    sum = sum * z - 1.0 / 5040.0;
    sum = sum * z + 1.0 / 120.0;
    sum = sum * z - 1.0 / 6.0;
    return x + x * (z * sum);
}

/* cos x for |x| <= pi/4, by its Taylor series to x^18. */
SF_ALWAYS_INLINE double sf_short_cosine(double x)
{
    const double z = x * x;
    double sum = -1.0 / 6402373705728000.0;

    sum = sum * z + 1.0 / 20922789888000.0;
    sum = sum * z - 1.0 / 87178291200.0;
    sum = sum * z + 1.0 / 479001600.0;
    sum = sum * z - 1.0 / 3628800.0;
    sum = sum * z + 1.0 / 40320.0;
    sum = sum * z - 1.0 / 720.0;
    sum = sum * z + 1.0 / 24.0;
    sum = sum * z - 0.5;
    return 1.0 + z * sum;
}

/* cos and sin of q pi/2 + r for |r| <= pi/4. */
SF_ALWAYS_INLINE void sf_quarter_turns(uint64_t q, double r, double *cosine, double *sine)
{
    const uint64_t c = sf_to_bits(sf_short_cosine(r)), s = sf_to_bits(sf_short_sine(r));
    const uint64_t odd = 0 - (q & 1); /* all ones: a quarter turn exchanges the two */

    *cosine = sf_from_bits(((c & ~odd) | (s & odd)) ^ (((q + 1) & 2) << 62));
    *sine = sf_from_bits(((s & ~odd) | (c & odd)) ^ ((q & 2) << 62));
}

/* cos x and sin x with errors of 1e-15 for |x| < 1e5: x = q pi/2 + r, with pi/2 in three parts of
 * which two leave q's bits free (Cody & Waite 1980). */
SF_ALWAYS_INLINE void sf_vector_circle(double x, double *cosine, double *sine)
{
    const double magic = 0x1.8p52; /* adding it rounds to an integer, in the lowest bits */
    const double rounded = x * 0.636619772367581343076 + magic, q = rounded - magic;
    const double r = ((x - q * 0x1.921fb544p+0) - q * 0x1.0b4611a6p-34) - q * 0x1.3198a2e037073p-69;

    sf_quarter_turns(sf_to_bits(rounded), r, cosine, sine);
}

/* e^x to 1e-15 of itself; below -708 it is 0 and above 709 infinite. x = k log 2 + r. */
SF_ALWAYS_INLINE double sf_vector_exp(double x)
{
    const double magic = 0x1.8p52, most = 709.0, least = -708.0;
    const double inside = x > most ? most : x < least ? least : x;
    const double rounded = inside * 1.44269504088896340736 + magic, k = rounded - magic;
    const double r = (inside - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33;
    const double power = sf_from_bits((sf_to_bits(rounded) + 1023) << 52); /* 2^k */
    double sum = 1.0 / 6227020800.0;

    sum = sum * r + 1.0 / 479001600.0;
    sum = sum * r + 1.0 / 39916800.0;
    sum = sum * r + 1.0 / 3628800.0;
    sum = sum * r + 1.0 / 362880.0;
    sum = sum * r + 1.0 / 40320.0;
    sum = sum * r + 1.0 / 5040.0;
    sum = sum * r + 1.0 / 720.0;
    sum = sum * r + 1.0 / 120.0;
    sum = sum * r + 1.0 / 24.0;
    sum = sum * r + 1.0 / 6.0;
    sum = sum * r + 0.5;
    sum = power + power * (r + r * r * sum);
    return x > most ? INFINITY : x < least ? 0.0 : sum;
}

#endif

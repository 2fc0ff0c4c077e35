/* fft_precision.c - FFTW in two precisions, which differ in the names of its functions only: each
 * is a table of them. */
#include <complex.h>

#include "grid/fft.h"

#define DEFINE_PRECISION(name, real, X)                                                            \
    static void *plan_slab_##name(int rank, const fftw_iodim64 *dims, int sign, void *buffer,      \
                                  unsigned flags)                                                  \
    {                                                                                              \
        return sign == FFTW_FORWARD                                                                \
                   ? X(plan_guru64_dft_r2c)(rank, dims, 0, NULL, buffer, buffer, flags)            \
                   : X(plan_guru64_dft_c2r)(rank, dims, 0, NULL, buffer, buffer, flags);           \
    }                                                                                              \
    static void *plan_columns_##name(const fftw_iodim64 *along, const fftw_iodim64 *across,        \
                                     int sign, void *buffer)                                       \
    {                                                                                              \
        return X(plan_guru64_dft)(1, along, 1, across, buffer, buffer, sign, FFTW_ESTIMATE);       \
    }                                                                                              \
    static void destroy_##name(void *plan) { X(destroy_plan)(plan); }                              \
    static void forward_##name(void *plan, void *buffer)                                           \
    {                                                                                              \
        X(execute_dft_r2c)(plan, buffer, buffer);                                                  \
    }                                                                                              \
    static void inverse_##name(void *plan, void *buffer)                                           \
    {                                                                                              \
        X(execute_dft_c2r)(plan, buffer, buffer);                                                  \
    }                                                                                              \
    static void columns_##name(void *plan, void *buffer) { X(execute_dft)(plan, buffer, buffer); } \
    static void scale_##name(void *buffer, size_t count, double factor)                            \
    {                                                                                              \
        real *values = buffer;                                                                     \
                                                                                                   \
        for (size_t i = 0; i < count; i++) values[i] *= (real)factor;                              \
    }                                                                                              \
    static const sf_fft_precision name##_precision = {                                             \
        sizeof(real),   plan_slab_##name, plan_columns_##name, destroy_##name,                     \
        forward_##name, inverse_##name,   columns_##name,      scale_##name}

#define FFTW_DOUBLE(function) fftw_##function
#define FFTW_SINGLE(function) fftwf_##function
DEFINE_PRECISION(double, double, FFTW_DOUBLE);
DEFINE_PRECISION(single, float, FFTW_SINGLE);

const sf_fft_precision *const sf_fft_precisions[2] = {&double_precision, &single_precision};

void sf_fft_plans_destroy(const sf_fft_precision *precision, sf_fft_plans *plans)
{
    if (plans->forward != NULL) precision->destroy(plans->forward);
    if (plans->inverse != NULL) precision->destroy(plans->inverse);
    *plans = (sf_fft_plans){NULL, NULL};
}

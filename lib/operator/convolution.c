/* convolution.c - periodic convolution as a product in Fourier space: F(Ax) = H F(x), where the
 * transfer function H is the transform of the kernel with its centre moved to the origin. The
 * adjoint has conj(H), the normal operator |H|^2. */
#include "base/internal.h"

#include <scorefield/operator.h>

typedef struct convolution {
    sf_grid grid;
    sf_fft *fft;
    sf_complex *transfer;
} convolution;

static sf_status check_kernel(const sf_grid *grid, const sf_grid *kernel_grid)
{
    char field[64], kernel[64];

    (void)sf_grid_text(grid, field, sizeof field);
    (void)sf_grid_text(kernel_grid, kernel, sizeof kernel);
    if (grid->axes != kernel_grid->axes)
        return sf_fail(SF_ERR_SHAPE, "a kernel of %s has not the number of axes of a field of %s",
                       kernel, field);
    for (int axis = 0; axis < grid->axes; axis++)
        if (kernel_grid->shape[axis] > grid->shape[axis])
            return sf_fail(SF_ERR_SHAPE,
                           "the kernel is %s but the field is %s: crop the kernel or pad the field",
                           kernel, field);
    return SF_OK;
}

/* Where kernel cell `index` lies on the grid when the kernel's centre is at the origin. */
static size_t wrapped_index(const sf_grid *grid, const sf_grid *kernel_grid, size_t index)
{
    size_t wrapped = 0, stride = 1;

    for (int axis = grid->axes - 1; axis >= 0; axis--) {
        const size_t n = grid->shape[axis], k = kernel_grid->shape[axis];
        wrapped += stride * ((index % k + n - k / 2) % n);
        index /= k;
        stride *= n;
    }
    return wrapped;
}

sf_status sf_transfer_function(const sf_grid *grid, const sf_grid *kernel_grid,
                               const double *kernel, sf_complex *transfer)
{
    const size_t kernel_size = sf_grid_size(kernel_grid);
    double *field = NULL;
    sf_fft *fft = NULL;
    sf_status status;

    SF_TRY(check_kernel(grid, kernel_grid));
    SF_TRY(sf_check_finite(kernel, kernel_size, "kernel"));
    SF_GO(sf_fft_create(grid, &fft));
    SF_GO(sf_allocate(&field, sf_grid_size(grid), sizeof *field));
    for (size_t i = 0; i < kernel_size; i++) field[wrapped_index(grid, kernel_grid, i)] = kernel[i];
    SF_GO(sf_fft_forward(fft, field, transfer));
done:
    sf_free(field);
    sf_fft_release(&fft);
    return status;
}

/* The three products, real and imaginary parts written out: the language's complex product
 * calls a function that looks after infinities. */

static void multiply(size_t count, const double *h, double *s)
{
    for (size_t i = 0; i < 2 * count; i += 2) {
        const double re = h[i] * s[i] - h[i + 1] * s[i + 1];
        s[i + 1] = h[i] * s[i + 1] + h[i + 1] * s[i];
        s[i] = re;
    }
}

static void multiply_conjugate(size_t count, const double *h, double *s)
{
    for (size_t i = 0; i < 2 * count; i += 2) {
        const double re = h[i] * s[i] + h[i + 1] * s[i + 1];
        s[i + 1] = h[i] * s[i + 1] - h[i + 1] * s[i];
        s[i] = re;
    }
}

static void multiply_power(size_t count, const double *h, double *s)
{
    for (size_t i = 0; i < 2 * count; i += 2) {
        const double power = h[i] * h[i] + h[i + 1] * h[i + 1];
        s[i] *= power;
        s[i + 1] *= power;
    }
}

typedef void product(size_t count, const double *h, double *s);

static sf_status filter(const convolution *c, product *times, const double *in, double *out)
{
    const size_t count = sf_grid_half_size(&c->grid);
    sf_complex *spectrum;
    sf_status status;

    SF_TRY(sf_allocate(&spectrum, count, sizeof *spectrum));
    SF_GO(sf_fft_forward(c->fft, in, spectrum));
    times(count, (const double *)c->transfer, (double *)spectrum);
    SF_GO(sf_fft_inverse(c->fft, spectrum, out));
done:
    sf_free(spectrum);
    return status;
}

static sf_status convolution_apply(const void *self, const double *x, double *y)
{
    return filter(self, multiply, x, y);
}

static sf_status convolution_adjoint(const void *self, const double *y, double *x)
{
    return filter(self, multiply_conjugate, y, x);
}

static sf_status convolution_normal(const void *self, const double *x, double *z)
{
    return filter(self, multiply_power, x, z);
}

static void convolution_destroy(void *self)
{
    convolution *c = self;

    sf_fft_release(&c->fft);
    sf_free(c->transfer);
    sf_free(c);
}

static const sf_operator_methods convolution_methods = {
    .name = "convolution",
    .apply = convolution_apply,
    .adjoint = convolution_adjoint,
    .normal = convolution_normal,
    .destroy = convolution_destroy,
};

sf_status sf_operator_convolution(const sf_grid *grid, const sf_grid *kernel_grid,
                                  const double *kernel, sf_operator **op)
{
    convolution *self;
    sf_status status;

    *op = NULL;
    SF_TRY(sf_allocate(&self, 1, sizeof *self));
    self->grid = *grid;
    SF_GO(sf_fft_create(grid, &self->fft));
    SF_GO(sf_allocate(&self->transfer, sf_grid_half_size(grid), sizeof *self->transfer));
    SF_GO(sf_transfer_function(grid, kernel_grid, kernel, self->transfer));
    return sf_operator_create(&convolution_methods, self, grid, grid, op);
done:
    convolution_destroy(self);
    return status;
}

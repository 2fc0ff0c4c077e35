/* test_triangle.c - products with triangles against their definition, for sizes and numbers of
 * points around those that the panels and the kernels have. */
#include "mcmc/triangle.h"

#include "check.h"

#include <math.h>
#include <string.h>

enum { MOST = 70, BATCH = 53 };

typedef struct problem {
    size_t n;
    double a[MOST * MOST], x[BATCH * MOST], expected[BATCH * MOST], out[BATCH * MOST];
    sf_triangle *triangle;
} problem;

/* A random triangle with NaN above its diagonal, and random points. */
static void create(size_t n, problem *p)
{
    p->n = n;
    sf_random_normal(sf_random_make(1, n), 0, 0, n * n, p->a);
    sf_random_normal(sf_random_make(1, n), 1, 0, BATCH * n, p->x);
    for (size_t i = 0; i < n; i++) {
        p->a[i * n + i] = 8.0 + fabs(p->a[i * n + i]);
        for (size_t j = i + 1; j < n; j++) p->a[i * n + j] = NAN;
    }
    assert_ok(sf_triangle_create(n, p->a, &p->triangle));
}

static void check(const problem *p)
{
    for (size_t i = 0; i < BATCH * p->n; i++) assert_close(p->out[i], p->expected[i], 1e-11);
}

static void products_are_sums(void **state)
{
    static const size_t sizes[] = {1, 2, 7, 8, 9, 16, 31, 70};
    static problem p;

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const size_t n = sizes[s];

        create(n, &p);
        memset(p.expected, 0, sizeof p.expected);
        for (size_t b = 0; b < BATCH; b++)
            for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j <= i; j++)
                    p.expected[b * n + i] += p.a[i * n + j] * p.x[b * n + j];
        assert_ok(sf_triangle_apply(p.triangle, BATCH, p.x, p.out));
        check(&p);
        memset(p.expected, 0, sizeof p.expected);
        for (size_t b = 0; b < BATCH; b++)
            for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j <= i; j++)
                    p.expected[b * n + j] += p.a[i * n + j] * p.x[b * n + i];
        assert_ok(sf_triangle_transposed(p.triangle, BATCH, p.x, p.out));
        check(&p);
        assert_ok(sf_triangle_apply(p.triangle, BATCH, p.x, p.out));
        assert_ok(sf_triangle_solve(p.triangle, BATCH, p.out, p.out));
        memcpy(p.expected, p.x, sizeof p.expected);
        check(&p);
        sf_triangle_release(&p.triangle);
    }
}

/* The same bits for a point alone, among few and among many, and in place. */
static void points_do_not_see_each_other(void **state)
{
    sf_status (*const product[3])(const sf_triangle *, size_t, const double *, double *) = {
        sf_triangle_apply, sf_triangle_transposed, sf_triangle_solve};
    static problem p;

    (void)state;
    create(MOST, &p);
    for (int k = 0; k < 3; k++) {
        assert_ok(product[k](p.triangle, BATCH, p.x, p.expected));
        for (size_t b = 0; b < BATCH; b++)
            assert_ok(product[k](p.triangle, 1, p.x + b * MOST, p.out + b * MOST));
        assert_memory_equal(p.out, p.expected, sizeof p.out);
        memcpy(p.out, p.x, sizeof p.out);
        assert_ok(product[k](p.triangle, 30, p.out, p.out));
        assert_memory_equal(p.out, p.expected, 30 * MOST * sizeof *p.out);
    }
    sf_triangle_release(&p.triangle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_sums),
        cmocka_unit_test(points_do_not_see_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

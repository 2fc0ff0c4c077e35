/* triangle.c - products with a lower triangle. It is kept twice, in panels of eight rows for A x
 * and of eight columns for A^T x, so that in either a panel's eight results are
 *     out[r] = sum_j panel[j][r] x[j],
 * read in one stream. 24 points lie side by side, and a kernel holds as many sums of results and
 * points as its instruction set has registers for: every number of a panel serves all points, and
 * every number of the points eight results, as in Goto & van de Geijn (2008,
 * doi:10.1145/1356052.1356053). This file alone is compiled with contraction to fused
 * multiply-adds. */
#include "mcmc/triangle.h"

#include "base/internal.h"

#include <string.h>

enum { POINTS = 24, GROUPS = SF_TRIANGLE_POINTS / POINTS, ROWS = 8, SQUARE = ROWS * ROWS, FEW = 8 };

struct sf_triangle {
    size_t n, panels;
    double *rows;    /* panel k: columns 0 ... 8 k + 7 of rows 8 k ... 8 k + 7 */
    double *columns; /* panel k: rows 8 k ... 8 panels - 1 of columns 8 k ... 8 k + 7 */
};

/* ---- panels --------------------------------------------------------------------------------- */

/* Squares of eight before panel k. */
static size_t before_rows(size_t k) { return k * (k + 1) / 2; }

static size_t before_columns(const sf_triangle *t, size_t k)
{
    return before_rows(t->panels) - before_rows(t->panels - k);
}

static const double *rows_of(const sf_triangle *t, size_t k)
{
    return t->rows + before_rows(k) * SQUARE;
}

static const double *columns_of(const sf_triangle *t, size_t k)
{
    return t->columns + before_columns(t, k) * SQUARE;
}

static void fill(sf_triangle *t, const double *a)
{
    for (size_t i = 0; i < t->n; i++) {
        double *row = t->rows + before_rows(i / ROWS) * SQUARE + i % ROWS;

        for (size_t j = 0; j <= i; j++) {
            const size_t k = j / ROWS;
            double *column = t->columns + before_columns(t, k) * SQUARE;

            row[j * ROWS] = column[(i - k * ROWS) * ROWS + j % ROWS] = a[i * t->n + j];
        }
    }
}

sf_status sf_triangle_create(size_t n, const double *a, sf_triangle **triangle)
{
    sf_triangle *t;
    sf_status status;

    *triangle = NULL;
    SF_TRY(sf_allocate(&t, 1, sizeof *t));
    t->n = n;
    t->panels = (n + ROWS - 1) / ROWS;
    SF_GO(sf_allocate(&t->rows, before_rows(t->panels), SQUARE * sizeof *t->rows));
    SF_GO(sf_allocate(&t->columns, before_rows(t->panels), SQUARE * sizeof *t->columns));
    fill(t, a);
    *triangle = t;
    return SF_OK;
done:
    sf_triangle_release(&t);
    return status;
}

void sf_triangle_release(sf_triangle **triangle)
{
    if (triangle == NULL || *triangle == NULL) return;
    sf_free((*triangle)->rows);
    sf_free((*triangle)->columns);
    sf_free(*triangle);
    *triangle = NULL;
}

/* ---- a panel's product ---------------------------------------------------------------------- */

typedef void kernel(size_t length, const double *panel, const double *x, double *out);

/* out (ROWS x POINTS) of x (length x POINTS), for the first `points` of them, by blocks of `tall`
 * results and `wide` vectors of points. */
#define DEFINE_PANEL(name, attribute, vector, tall, wide, points)                             \
    attribute static void name(size_t length, const double *restrict panel,                   \
                               const double *restrict x, double *restrict out)                \
    {                                                                                         \
        enum { STEP = (wide) * sizeof(vector) / sizeof(double) };                             \
        for (size_t top = 0; top < ROWS; top += (tall))                                       \
            for (size_t left = 0; left < (points); left += STEP) {                            \
                vector sum[tall][wide] = {{{0.0}}};                                           \
                for (size_t j = 0; j < length; j++) {                                         \
                    const vector *at = (const vector *)(const void *)(x + j * POINTS + left); \
                    const double *number = panel + j * ROWS + top;                            \
                    for (size_t r = 0; r < (tall); r++)                                       \
                        for (size_t v = 0; v < (wide); v++) sum[r][v] += number[r] * at[v];   \
                }                                                                             \
                for (size_t r = 0; r < (tall); r++) {                                         \
                    vector *to = (vector *)(void *)(out + (top + r) * POINTS + left);         \
                    for (size_t v = 0; v < (wide); v++) to[v] = sum[r][v];                    \
                }                                                                             \
            }                                                                                 \
    }

typedef double two __attribute__((vector_size(16), may_alias));
DEFINE_PANEL(panel_portable, , two, 4, 2, POINTS)
DEFINE_PANEL(few_portable, , two, 4, 2, FEW)

#ifdef __x86_64__
typedef double four __attribute__((vector_size(32), may_alias));
typedef double eight __attribute__((vector_size(64), may_alias));
DEFINE_PANEL(panel_avx2, __attribute__((target("avx2,fma"))), four, 4, 2, POINTS)
DEFINE_PANEL(few_avx2, __attribute__((target("avx2,fma"))), four, 4, 2, FEW)
DEFINE_PANEL(panel_avx512, __attribute__((target("avx512f"))), eight, 8, 3, POINTS)
DEFINE_PANEL(few_avx512, __attribute__((target("avx512f"))), eight, 8, 1, FEW)
#endif

static kernel *kernel_for(size_t count)
{
    const bool few = count <= FEW;

#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f")) return few ? few_avx512 : panel_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return few ? few_avx2 : panel_avx2;
#endif
    return few ? few_portable : panel_portable;
}

/* ---- products ------------------------------------------------------------------------------- */

/* As many points as are left side by side, and back. Eight numbers of a point at a time, so that
 * the lines of `side` that they go to stay in the first cache. */
static void gather(size_t n, size_t left, const double *x, double *side)
{
    const size_t count = left < POINTS ? left : POINTS;

    for (size_t first = 0; first < n; first += ROWS)
        for (size_t p = 0; p < count; p++)
            for (size_t i = first; i < n && i < first + ROWS; i++)
                side[i * POINTS + p] = x[p * n + i];
}

static void scatter(size_t n, size_t left, const double *side, double *x)
{
    const size_t count = left < POINTS ? left : POINTS;

    for (size_t first = 0; first < n; first += ROWS)
        for (size_t p = 0; p < count; p++)
            for (size_t i = first; i < n && i < first + ROWS; i++)
                x[p * n + i] = side[i * POINTS + p];
}

/* Groups of points side by side: every panel serves all of them while it is in a cache. */
typedef struct groups {
    kernel *panel;
    size_t count, size; /* numbers of one */
    double *x, *out;
} groups;

static void apply(const sf_triangle *t, const groups *g)
{
    for (size_t k = 0; k < t->panels; k++)
        for (size_t at = 0; at < g->count * g->size; at += g->size)
            g->panel((k + 1) * ROWS, rows_of(t, k), g->x + at, g->out + at + k * ROWS * POINTS);
}

static void transposed(const sf_triangle *t, const groups *g)
{
    for (size_t k = 0; k < t->panels; k++)
        for (size_t at = k * ROWS * POINTS; at < g->count * g->size; at += g->size)
            g->panel((t->panels - k) * ROWS, columns_of(t, k), g->x + at, g->out + at);
}

/* x = A^-1 x for rows of the square on the diagonal, below n; `known` is what the columns before
 * them take. */
static void solve_square(const double *square, size_t rows, const double *restrict x,
                         double *restrict known)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t p = 0; p < POINTS; p++) {
            double rest = x[r * POINTS + p] - known[r * POINTS + p];

            for (size_t c = 0; c < r; c++) rest -= square[c * ROWS + r] * known[c * POINTS + p];
            known[r * POINTS + p] = rest / square[r * ROWS + r];
        }
}

static void solve(const sf_triangle *t, const groups *g)
{
    for (size_t k = 0; k < t->panels; k++)
        for (size_t at = 0; at < g->count * g->size; at += g->size) {
            const size_t here = at + k * ROWS * POINTS, left = t->n - k * ROWS;

            g->panel(k * ROWS, rows_of(t, k), g->out + at, g->out + here);
            solve_square(rows_of(t, k) + k * SQUARE, left < ROWS ? left : ROWS, g->x + here,
                         g->out + here);
        }
}

static sf_status multiply(void (*of)(const sf_triangle *t, const groups *g), const sf_triangle *t,
                          size_t batch, const double *x, double *out)
{
    const size_t n = t->n, size = t->panels * ROWS * POINTS;
    const size_t most = batch < SF_TRIANGLE_POINTS ? (batch + POINTS - 1) / POINTS : GROUPS;
    groups g = {.size = size};

    SF_TRY(sf_allocate(&g.x, most, 2 * size * sizeof *g.x));
    g.out = g.x + most * size;
    for (size_t b = 0; b < batch; b += g.count * POINTS) {
        const size_t left = batch - b;

        g.panel = kernel_for(left);
        for (g.count = 0; g.count < most && g.count * POINTS < left; g.count++)
            gather(n, left - g.count * POINTS, x + (b + g.count * POINTS) * n,
                   g.x + g.count * size);
        of(t, &g);
        for (size_t i = 0; i < g.count; i++)
            scatter(n, left - i * POINTS, g.out + i * size, out + (b + i * POINTS) * n);
    }
    sf_free(g.x);
    return SF_OK;
}

sf_status sf_triangle_apply(const sf_triangle *triangle, size_t batch, const double *x, double *out)
{
    return multiply(apply, triangle, batch, x, out);
}

sf_status sf_triangle_transposed(const sf_triangle *triangle, size_t batch, const double *x,
                                 double *out)
{
    return multiply(transposed, triangle, batch, x, out);
}

sf_status sf_triangle_solve(const sf_triangle *triangle, size_t batch, const double *x, double *out)
{
    return multiply(solve, triangle, batch, x, out);
}

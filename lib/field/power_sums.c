/* power_sums.c - products of two spectra, summed over bins of modes. A row of the half spectrum is
 * taken in chunks that stay in the nearest cache: first every quantity for every mode (loops
 * without branches), then runs of modes of one bin. */
#include "field/power_sums.h"

#include <math.h>

/* One chunk of a row. */
typedef struct chunk {
    long m[SF_GRID_MAX_AXES];
    size_t place, first, count;         /* in the half spectrum; m of the last axis */
    double base;                        /* u of the row's first mode */
    double inverse, noise, alternating; /* products of the other axes' tables */
    double phase[2];                    /* of the other axes */
    double u[SF_BINS_CHUNK], re[2][SF_BINS_CHUNK], im[2][SF_BINS_CHUNK];
    double values[SF_SUM_PLANE_SLOTS > SF_SUM_SLOTS ? SF_SUM_PLANE_SLOTS : SF_SUM_SLOTS]
                 [SF_BINS_CHUNK];
} chunk;

static void begin_row(const sf_power_task *task, size_t row, chunk *c)
{
    const sf_lattice *lattice = &task->lattice;
    const double pi = 3.14159265358979323846;
    double angle = 0.0;

    sf_lattice_row(lattice, row, c->m);
    c->base = sf_lattice_base(lattice, c->m, -1);
    c->inverse = sf_window_row(task->window.inverse, lattice->axes, c->m);
    c->noise = sf_window_row(task->window.noise, lattice->axes, c->m);
    c->alternating = sf_window_row(task->window.alternating, lattice->axes, c->m);
    if (task->phase == NULL) return;
    for (int a = 0; a < lattice->axes - 1; a++)
        angle += pi * (double)c->m[a] / (double)lattice->shape[a];
    c->phase[0] = cos(angle);
    c->phase[1] = sin(angle);
}

/* ---- values of modes ----------------------------------------------------------------------- */

/* X = (X_1 + X_2 e^(i k.d/2))/2: the points of the second grid lie half a cell further. */
SF_VECTOR_CLONES
static void interlace(const sf_power_task *task, const double *second, const chunk *c, double *re,
                      double *im)
{
    const double *x = second + 2 * c->place, *phase = task->phase + 2 * c->first;

    for (ptrdiff_t i = 0; i < (ptrdiff_t)c->count; i++) {
        const double cosine = phase[2 * i] * c->phase[0] - phase[2 * i + 1] * c->phase[1];
        const double sine = phase[2 * i] * c->phase[1] + phase[2 * i + 1] * c->phase[0];

        re[i] = 0.5 * (re[i] + x[2 * i] * cosine - x[2 * i + 1] * sine);
        im[i] = 0.5 * (im[i] + x[2 * i] * sine + x[2 * i + 1] * cosine);
    }
}

SF_VECTOR_CLONES
static void load(const sf_power_task *task, const sf_power_side *side, const chunk *c, double *re,
                 double *im)
{
    const ptrdiff_t count = (ptrdiff_t)c->count;

    if (side->narrow != NULL) {
        const float *x = side->narrow + 2 * c->place;

        for (ptrdiff_t i = 0; i < count; i++) {
            re[i] = (double)x[2 * i];
            im[i] = (double)x[2 * i + 1];
        }
    } else {
        const double *x = side->wide + 2 * c->place;

        for (ptrdiff_t i = 0; i < count; i++) {
            re[i] = x[2 * i];
            im[i] = x[2 * i + 1];
        }
    }
    if (side->second != NULL) interlace(task, side->second, c, re, im);
}

/* out = factor table times the number of modes that a stored one stands for */
static void weigh(const sf_power_task *task, const chunk *c, double factor, const double *table,
                  double *out)
{
    sf_lattice_weights(&task->lattice, factor, c->first, c->count, out);
    for (int i = 0; table != NULL && i < (int)c->count; i++) out[i] *= table[c->first + (size_t)i];
}

static void weigh_noise(const sf_power_task *task, chunk *c)
{
    const int last = task->lattice.axes - 1, count = (int)c->count;
    double *noise = c->values[SF_SUM_NOISE], alternating[SF_BINS_CHUNK];

    weigh(task, c, c->noise, task->window.noise[last], noise);
    if (task->window.alternating[last] == NULL) return;
    weigh(task, c, c->alternating, task->window.alternating[last], alternating);
    for (int i = 0; i < count; i++) noise[i] = 0.5 * (noise[i] + alternating[i]);
}

/* out = weight Re X Y* */
SF_VECTOR_CLONES
static void products(size_t count, const double *weight, const double *re, const double *im,
                     const double *re2, const double *im2, double *out)
{
    for (int i = 0; i < (int)count; i++) out[i] = weight[i] * (re[i] * re2[i] + im[i] * im2[i]);
}

static void multiply(const sf_power_task *task, chunk *c)
{
    const int other = task->cross ? 1 : 0;
    const double *re = c->re[0], *im = c->im[0], *re2 = c->re[other], *im2 = c->im[other];
    double weight[SF_BINS_CHUNK];

    load(task, &task->first, c, c->re[0], c->im[0]);
    if (task->cross) load(task, &task->second, c, c->re[1], c->im[1]);
    weigh(task, c, task->scale * c->inverse, task->window.inverse[task->lattice.axes - 1], weight);
    products(c->count, weight, re, im, re2, im2, c->values[SF_SUM_POWER]);
    if (task->shot_noise != 0.0) weigh_noise(task, c);
    if (!task->cross) return;
    products(c->count, weight, re, im, re, im, c->values[SF_SUM_FIRST]);
    products(c->count, weight, re2, im2, re2, im2, c->values[SF_SUM_SECOND]);
}

/* The squared component of k along the line of sight is a row's own, or what the row adds. */
static double parallel_square(const sf_power_task *task, const chunk *c)
{
    const double m = (double)c->m[task->line_of_sight];

    return task->lattice.ratio[task->line_of_sight] * m * m;
}

static void multipoles(const sf_power_task *task, chunk *c)
{
    const bool along = task->line_of_sight == task->lattice.axes - 1;
    const double square = parallel_square(task, c), *power = c->values[SF_SUM_POWER];

    for (int i = 0; i < (int)c->count; i++) {
        const double mu2 = (along ? c->u[i] - c->base : square) / c->u[i]; /* k = 0: in no bin */
        const double noise =
            task->shot_noise != 0.0 ? task->shot_noise * c->values[SF_SUM_NOISE][i] : 0.0;
        const double signal = power[i] - noise;

        c->values[SF_SUM_QUADRUPOLE][i] = 2.5 * signal * (3.0 * mu2 - 1.0);
        c->values[SF_SUM_HEXADECAPOLE][i] = 1.125 * signal * ((35.0 * mu2 - 30.0) * mu2 + 3.0);
    }
}

/* ---- sums ---------------------------------------------------------------------------------- */

/* The quantities that are there, as sf_binning_add wants them. */
static void choose(const sf_power_task *task, const chunk *c, const double **values)
{
    values[SF_SUM_POWER] = c->values[SF_SUM_POWER];
    values[SF_SUM_NOISE] = task->shot_noise != 0.0 ? c->values[SF_SUM_NOISE] : NULL;
    values[SF_SUM_FIRST] = task->cross ? c->values[SF_SUM_FIRST] : NULL;
    values[SF_SUM_SECOND] = task->cross ? c->values[SF_SUM_SECOND] : NULL;
}

/* How many of the line's slots are in use: the first ones. */
static int line_quantities(const sf_power_task *task)
{
    if (task->line_of_sight >= 0) return SF_SUM_SLOTS;
    return task->shot_noise != 0.0 || task->cross ? SF_SUM_QUADRUPOLE : 1;
}

static void add_to_line(const sf_power_task *task, chunk *c, double *sums)
{
    const int quantities = line_quantities(task);
    const double *values[SF_SUM_SLOTS];

    choose(task, c, values);
    if (task->line_of_sight >= 0) multipoles(task, c);
    values[SF_SUM_QUADRUPOLE] = c->values[SF_SUM_QUADRUPOLE];
    values[SF_SUM_HEXADECAPOLE] = c->values[SF_SUM_HEXADECAPOLE];
    sf_binning_add(&task->line, c->u, c->count, values, quantities, (size_t)quantities, sums);
}

/* One of k_perp and k_par is the row's, the other grows along it. */
static void add_to_plane(const sf_power_task *task, chunk *c, double *sums)
{
    const bool along = task->line_of_sight == task->lattice.axes - 1;
    const sf_binning *fixed = along ? &task->perpendicular : &task->parallel;
    const sf_binning *growing = along ? &task->parallel : &task->perpendicular;
    const double square = along ? c->base : parallel_square(task, c);
    const size_t bin = sf_binning_find(fixed, square), slots = SF_SUM_PLANE_SLOTS;
    const double *values[SF_SUM_PLANE_SLOTS];
    double *modes = c->values[SF_SUM_MODES];
    double *own = c->values[along ? SF_SUM_PERPENDICULAR : SF_SUM_PARALLEL];
    double *other = c->values[along ? SF_SUM_PARALLEL : SF_SUM_PERPENDICULAR];

    if (bin == 0 || bin > fixed->count) return;
    choose(task, c, values);
    for (int q = SF_SUM_MODES; q < SF_SUM_PLANE_SLOTS; q++) values[q] = c->values[q];
    weigh(task, c, 1.0, NULL, modes);
    if (c->place == 0) /* k = 0 is in no bin */
        for (int q = 0; q < SF_SUM_PLANE_SLOTS; q++) c->values[q][0] = 0.0;
    sf_lattice_squares(&task->lattice,
                       along ? 0.0 : sf_lattice_base(&task->lattice, c->m, task->line_of_sight),
                       c->first, c->count, c->u);
    for (int i = 0; i < (int)c->count; i++) {
        own[i] = modes[i] * task->lattice.unit * sqrt(square);
        other[i] = modes[i] * task->lattice.unit * sqrt(c->u[i]);
    }
    /* a column of the plane is every parallel.count-th bin */
    if (along)
        sf_binning_add(growing, c->u, c->count, values, SF_SUM_PLANE_SLOTS, slots,
                       sums + (bin - 1) * growing->count * slots);
    else
        sf_binning_add(growing, c->u, c->count, values, SF_SUM_PLANE_SLOTS, fixed->count * slots,
                       sums + (bin - 1) * slots);
}

static void add_row(const sf_power_task *task, size_t row, double *line, double *plane)
{
    const size_t stored = task->lattice.stored;
    chunk c;

    begin_row(task, row, &c);
    for (c.first = 0; c.first < stored; c.first += SF_BINS_CHUNK) {
        c.place = row * stored + c.first;
        c.count = stored - c.first < SF_BINS_CHUNK ? stored - c.first : SF_BINS_CHUNK;
        sf_lattice_squares(&task->lattice, c.base, c.first, c.count, c.u);
        multiply(task, &c);
        if (task->line.count > 0) add_to_line(task, &c, line);
        if (task->perpendicular.count > 0) add_to_plane(task, &c, plane);
    }
}

/* The blocks' sums of the slots in use, into all slots. */
static void collect(const double *parts, size_t blocks, size_t bins, size_t used, double *sums)
{
    sf_block_sums(parts, blocks, bins * used, sums);
    for (size_t b = bins; b-- > 0;)
        for (size_t q = SF_SUM_SLOTS; q-- > 0;)
            sums[b * SF_SUM_SLOTS + q] = q < used ? sums[b * used + q] : 0.0;
}

sf_status sf_power_sums(const sf_power_task *task, double *line, double *plane)
{
    const size_t rows = task->lattice.rows, blocks = sf_block_count(rows);
    const size_t used = (size_t)line_quantities(task), line_size = task->line.count * used;
    const size_t plane_size = task->perpendicular.count * task->parallel.count * SF_SUM_PLANE_SLOTS;
    double *lines = NULL, *planes = NULL;
    sf_status status;

    SF_GO(sf_allocate(&lines, blocks, line_size * sizeof *lines));
    SF_GO(sf_allocate(&planes, blocks, plane_size * sizeof *planes));
#pragma omp parallel for schedule(dynamic) num_threads(sf_lattice_threads(&task->lattice))
    for (size_t block = 0; block < blocks; block++) {
        const size_t end = sf_block_begin(rows, blocks, block + 1);

        for (size_t row = sf_block_begin(rows, blocks, block); row < end; row++)
            add_row(task, row, lines + block * line_size, planes + block * plane_size);
    }
    collect(lines, blocks, task->line.count, used, line);
    sf_block_sums(planes, blocks, plane_size, plane);
done:
    sf_free(lines);
    sf_free(planes);
    return status;
}

/* test_plot.c - plots are PNG files of the promised size that show what they were given.
 *
 * The pictures are decoded here, so that a test can ask for the colour of a pixel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "scratch.h"

#include "io/plot_scale.h"

#include <scorefield/io.h>

#include <math.h>
#include <stdint.h>
#include <zlib.h>

#define SIDE 24

/* Giza forgets the fonts of the pages that it has closed. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libfontconfig\n"; }

static double ramp[SIDE * SIDE];
static sf_grid grid;

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++) ramp[i] = i;
    return sf_grid_image(SIDE, SIDE, &grid) == SF_OK ? 0 : -1;
}

static void ok(sf_status status)
{
    if (status != SF_OK) fail_msg("%s", sf_last_error());
}

/* ---- pictures -------------------------------------------------------------------------------- */

/* An 8-bit RGB picture. */
typedef struct picture {
    int width, height;
    unsigned char *rows; /* a filter's number, then 3 bytes a pixel */
} picture;

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The filter's guess from the bytes to the left (a), above (b), and above left (c). */
static int predict(int filter, int a, int b, int c)
{
    const int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);

    switch (filter) {
    case 0: return 0;
    case 1: return a;
    case 2: return b;
    case 3: return (a + b) / 2;
    default: return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
    }
}

static void unfilter(picture *p)
{
    const size_t stride = 1 + 3 * (size_t)p->width;

    for (size_t y = 0; y < (size_t)p->height; y++) {
        unsigned char *row = p->rows + y * stride;
        for (size_t x = 1; x < stride; x++) {
            const int a = x > 3 ? row[x - 3] : 0, b = y > 0 ? row[x - stride] : 0;
            const int c = x > 3 && y > 0 ? row[x - stride - 3] : 0;
            row[x] = (unsigned char)(row[x] + predict(row[0], a, b, c));
        }
    }
}

/* Portable Network Graphics (ISO/IEC 15948), as far as giza uses them. */
static picture open_picture(const char *path)
{
    picture p = {0, 0, NULL};
    size_t size, packed = 0;
    unsigned char *bytes = read_bytes(path, &size), *data = malloc(size);
    uLongf length;

    assert_memory_equal(bytes + 12, "IHDR", 4);
    p.width = (int)big_endian(bytes + 16);
    p.height = (int)big_endian(bytes + 20);
    assert_memory_equal(bytes + 24, "\10\2\0\0\0", 5); /* 8 bits, RGB, not interlaced */
    for (size_t at = 8; at + 12 <= size; at += 12 + big_endian(bytes + at)) {
        if (memcmp(bytes + at + 4, "IDAT", 4) != 0) continue;
        memcpy(data + packed, bytes + at + 8, big_endian(bytes + at));
        packed += big_endian(bytes + at);
    }
    length = (uLongf)p.height * (1 + 3 * (uLongf)p.width);
    p.rows = malloc(length);
    assert_int_equal(uncompress(p.rows, &length, data, packed), Z_OK);
    assert_int_equal(length, (size_t)p.height * (1 + 3 * (size_t)p.width));
    unfilter(&p);
    free(data);
    free(bytes);
    return p;
}

static uint32_t colour_at(const picture *p, int x, int y)
{
    const unsigned char *rgb = p->rows + (size_t)y * (1 + 3 * (size_t)p->width) + 1 + 3 * (size_t)x;

    return (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
}

/* How many pixels of that colour lie in columns [from, to). */
static int count_colour(const picture *p, uint32_t colour, int from, int to)
{
    int n = 0;

    for (int y = 0; y < p->height; y++)
        for (int x = from; x < to; x++) n += colour_at(p, x, y) == colour;
    return n;
}

#define UNDEFINED 0x9ea8ad /* 0.62, 0.66, 0.68 */

/* ---- panels ---------------------------------------------------------------------------------- */

static sf_panel panel_of(const char *title, const double *pixels)
{
    return (sf_panel){.title = title, .grid = &grid, .pixels = pixels};
}

static void test_signature(void **state)
{
    static const unsigned char signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    const sf_panel panels[] = {panel_of("one", ramp), panel_of("two", ramp),
                               panel_of("three", ramp)};
    size_t size;
    unsigned char *bytes;
    int width[4], height[4];

    (void)state;
    for (size_t columns = 1; columns <= 3; columns++) {
        ok(sf_plot_panels(scratch("p.png"), true, NULL, panels, 3, columns));
        bytes = read_bytes(scratch("p.png"), &size);
        assert_memory_equal(bytes, signature, sizeof signature);
        assert_memory_equal(bytes + 12, "IHDR", 4);
        width[columns] = bytes[18] << 8 | bytes[19];
        height[columns] = bytes[22] << 8 | bytes[23];
        free(bytes);
    }
    /* equal cells: 1 x 3, 2 x 2, 3 x 1 */
    assert_int_equal(width[2], 2 * width[1]);
    assert_int_equal(width[3], 3 * width[1]);
    assert_int_equal(height[1], 3 * height[3]);
    assert_int_equal(height[2], 2 * height[3]);
}

static void test_same_bits(void **state)
{
    const sf_panel first = panel_of("data", ramp);
    static double other[SIDE * SIDE];
    const sf_panel second = panel_of("data", other);
    size_t size[3];
    unsigned char *bytes[3];

    (void)state;
    memcpy(other, ramp, sizeof ramp);
    other[100] = 500.0;
    for (int i = 0; i < 3; i++) {
        ok(sf_plot_panels(scratch("d.png"), true, "t", i < 2 ? &first : &second, 1, 1));
        bytes[i] = read_bytes(scratch("d.png"), &size[i]);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    assert_true(size[2] != size[0] || memcmp(bytes[2], bytes[0], size[0]) != 0);
    for (int i = 0; i < 3; i++) free(bytes[i]);
}

/* A small image has a whole number of page pixels a cell, 480 in all: NaN cells can be counted,
 * in each panel, and row 0 is at the bottom. */
static void test_every_panel(void **state)
{
    const int cell = 480 / SIDE;
    static double holed[SIDE * SIDE];
    const sf_panel panels[] = {panel_of("holed", holed), panel_of("whole", ramp),
                               panel_of("holed again", holed)};
    picture p;
    int width, left = 0, row = 0;

    (void)state;
    memcpy(holed, ramp, sizeof ramp);
    holed[0] = NAN;
    holed[1] = INFINITY;
    ok(sf_plot_panels(scratch("e.png"), true, NULL, panels, 3, 3));
    p = open_picture(scratch("e.png"));
    width = p.width / 3;
    for (int i = 0; i < 3; i++) {
        const int n = count_colour(&p, UNDEFINED, i * width, (i + 1) * width);
        const int expected = i == 1 ? 0 : 2 * cell * cell;
        if (abs(n - expected) > 3 * cell + 1) /* less the frame's line over the edge */
            fail_msg("panel %d: %d pixels in the colour of undefined ones, not %d", i, n, expected);
    }
    for (row = p.height - 1; row > 0 && left == 0; row--)
        for (int x = 0; x < width; x++)
            if (colour_at(&p, x, row) == UNDEFINED) {
                left = x;
                break;
            }
    assert_true(row > p.height / 2); /* it is at the bottom left */
    assert_true(left > 0 && left < width / 4);
    /* upwards the ramp grows brighter */
    uint32_t before = 0;
    for (int k = 1; k < SIDE; k++) {
        const uint32_t c = colour_at(&p, left + cell / 2, row - cell / 2 - k * cell);
        const uint32_t sum = (c >> 16) + (c >> 8 & 0xff) + (c & 0xff);
        if (sum <= before) fail_msg("row %d is not brighter than the one below", k);
        before = sum;
    }
    free(p.rows);
}

/* Axes in lengths of the grid, with their unit, are another picture of the same cells. */
static void test_lengths(void **state)
{
    const double spacing[] = {1e5, 0.25};
    sf_panel panel = panel_of("data", ramp);
    size_t size[2];
    unsigned char *bytes[2];
    sf_grid box;

    (void)state;
    ok(sf_grid_make(2, (const size_t[]){SIDE, SIDE}, spacing, &box));
    panel.grid = &box;
    for (int i = 0; i < 2; i++) {
        panel.length = i == 0 ? NULL : "Mpc";
        ok(sf_plot_panels(scratch("l.png"), true, "t", &panel, 1, 1));
        bytes[i] = read_bytes(scratch("l.png"), &size[i]);
    }
    assert_true(size[0] != size[1] || memcmp(bytes[0], bytes[1], size[0]) != 0);
    for (int i = 0; i < 2; i++) free(bytes[i]);
}

/* Opposite values have colours of opposite ends; zero is almost white. */
static void test_diverging(void **state)
{
    static double values[SIDE * SIDE];
    const sf_panel panel = {.grid = &grid, .pixels = values, .diverging = true};
    picture p;
    uint32_t low, middle, high;

    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++) values[i] = (i % SIDE) / 8 - 1; /* -1, 0, 1 */
    ok(sf_plot_panels(scratch("v.png"), true, NULL, &panel, 1, 1));
    p = open_picture(scratch("v.png"));
    low = colour_at(&p, 62 + 80, 300);
    middle = colour_at(&p, 62 + 240, 300);
    high = colour_at(&p, 62 + 400, 300);
    assert_true((low & 0xff) > (low >> 16) + 40);   /* blue */
    assert_true((high >> 16) > (high & 0xff) + 40); /* red */
    assert_true((middle & 0xff) > 230 && (middle >> 16) > 230);
    free(p.rows);
}

/* Constant, undefined, single, thin, huge and tiny values: all can be drawn. */
static void test_odd_images(void **state)
{
    static double values[2000 * 50];
    static const size_t shapes[][2] = {{1, 1}, {50, 2000}, {2000, 50}, {1, 2000}, {3, 2}};
    static const double constants[] = {0.0, 7.0, -3e-300, 1e300, 5e-324, NAN, INFINITY};
    const size_t count = sizeof constants / sizeof constants[0];

    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (size_t k = 0; k < count; k++) {
            sf_grid g;
            sf_panel panel = {.title = "odd", .unit = "Jy", .grid = &g, .pixels = values};
            picture p;
            ok(sf_grid_image(shapes[s][0], shapes[s][1], &g));
            for (size_t i = 0; i < sf_grid_size(&g); i++) values[i] = constants[k];
            panel.stretch = k % 2 == 0 ? SF_STRETCH_ASINH : SF_STRETCH_LINEAR;
            panel.diverging = k == 1;
            ok(sf_plot_panels(scratch("odd.png"), true, NULL, &panel, 1, 1));
            p = open_picture(scratch("odd.png"));
            assert_int_equal(count_colour(&p, UNDEFINED, 0, p.width) > 0, !isfinite(constants[k]));
            free(p.rows);
        }
}

static void expect(sf_status expected, sf_status status, const char *words)
{
    if (status != expected || strstr(sf_last_error(), words) == NULL)
        fail_msg("status %d, '%s' does not say '%s'", (int)status, sf_last_error(), words);
}

static void test_bad_panels(void **state)
{
    const char *path = scratch("bad.png");
    const size_t shape[] = {2, 3, 4};
    double extremes[] = {-1.7e308, 1.7e308};
    sf_panel panel = panel_of("cube", ramp);
    sf_grid cube, two;

    (void)state;
    expect(SF_ERR_ARGUMENT, sf_plot_panels(path, true, NULL, &panel, 0, 1), "0 panels");
    expect(SF_ERR_ARGUMENT, sf_plot_panels(path, true, NULL, &panel, 65, 1), "65 panels");
    expect(SF_ERR_ARGUMENT, sf_plot_panels(path, true, NULL, &panel, 1, 0), "0 columns");
    panel.low = 2.0;
    panel.high = 1.0;
    expect(SF_ERR_ARGUMENT, sf_plot_panels(path, true, NULL, &panel, 1, 1), "range");
    panel.high = NAN;
    expect(SF_ERR_ARGUMENT, sf_plot_panels(path, true, NULL, &panel, 1, 1), "range");
    ok(sf_grid_make(3, shape, NULL, &cube));
    panel = (sf_panel){.title = "cube", .grid = &cube, .pixels = ramp};
    expect(SF_ERR_SHAPE, sf_plot_panels(path, true, NULL, &panel, 1, 1), "3 axes");
    ok(sf_grid_image(1, 2, &two));
    panel = (sf_panel){.title = "extremes", .grid = &two, .pixels = extremes};
    expect(SF_ERR_NUMERIC, sf_plot_panels(path, true, NULL, &panel, 1, 1), "too wide");
    assert_int_not_equal(access(path, F_OK), 0);
}

/* ---- curves ---------------------------------------------------------------------------------- */

/* Pixels in the first curve's colour, mixed with white at its edges. */
static int count_blue(const sf_axes *axes, const sf_curve *curve)
{
    picture p;
    int n = 0;

    ok(sf_plot_curves(scratch("c.png"), true, axes, curve, 1));
    p = open_picture(scratch("c.png"));
    assert_int_equal(p.width, 860);
    assert_int_equal(p.height, 600);
    for (int y = 0; y < p.height; y++)
        for (int x = 0; x < p.width; x++) {
            const uint32_t c = colour_at(&p, x, y);
            n += (c & 0xff) > (c >> 16) + 60;
        }
    free(p.rows);
    return n;
}

static void test_curves(void **state)
{
    const sf_axes axes = {.title = "t", .x_label = "x", .y_label = "y"};
    const sf_axes logs = {.log_x = true, .log_y = true};
    double x[] = {1, 2, 3, 4, 5, 6}, y[] = {1, 3, 2, 5, 4, 6}, error[] = {1, 1, NAN, 0, 2, 1};
    sf_curve curve = {.count = 6, .x = x, .y = y};
    int line, dots, bars;

    (void)state;
    line = count_blue(&axes, &curve);
    assert_true(line > 700); /* as long as the page is wide */
    curve.points = true;
    dots = count_blue(&axes, &curve);
    assert_true(dots > 6 * 30 && dots < 6 * 60); /* discs of radius 4 */
    curve.hollow = true;                         /* rings: they enclose white */
    assert_true(count_blue(&axes, &curve) > dots / 4 && count_blue(&axes, &curve) < dots);
    curve.hollow = false;
    curve.error = error;
    bars = count_blue(&axes, &curve);
    assert_true(bars > dots + 100);
    curve.error = NULL;
    y[2] = NAN;
    assert_true(abs(count_blue(&axes, &curve) - dots * 5 / 6) < 12);
    y[2] = -1.0; /* not there on a logarithmic axis */
    assert_true(abs(count_blue(&logs, &curve) - dots * 5 / 6) < 12);
}

/* Nothing to show is an empty frame; constants, one ulp and huge ranges end in bounded time. */
static void test_odd_curves(void **state)
{
    static const double y[][2] = {{NAN, NAN},        {5.0, 5.0},    {0.0, 0.0},
                                  {1e17, 1e17 + 16}, {-1.0, -2.0},  {1e-300, 1e300},
                                  {5e-324, 5e-324},  {1e300, 1e300}};
    const double x[] = {1.0, 2.0};

    (void)state;
    for (size_t k = 0; k < sizeof y / sizeof y[0]; k++) {
        const sf_curve curve = {.label = "curve", .count = 2, .x = x, .y = y[k]};
        for (int log_y = 0; log_y < 2; log_y++) {
            const sf_axes axes = {.log_y = log_y == 1};
            const sf_status status = sf_plot_curves(scratch("o.png"), true, &axes, &curve, 1);
            /* 600 decades, and a neighbour of zero */
            if (status != (axes.log_y && (k == 5 || k == 6) ? SF_ERR_NUMERIC : SF_OK))
                fail_msg("case %zu: status %d, %s", k, (int)status, sf_last_error());
        }
    }
    const double far[] = {-1.7e308, 1.7e308};
    const sf_curve curve = {.count = 2, .x = x, .y = far};
    const sf_axes axes = {0};
    expect(SF_ERR_NUMERIC, sf_plot_curves(scratch("far.png"), true, &axes, &curve, 1), "too wide");
    expect(SF_ERR_ARGUMENT, sf_plot_curves(scratch("far.png"), true, &axes, &curve, 0), "0 curves");
    assert_int_not_equal(access(scratch("far.png"), F_OK), 0);
}

/* Below a second frame shows its own curves, against the same x axis. */
static void test_stacked(void **state)
{
    const sf_axes axes = {.title = "t", .x_label = "x", .y_label = "y", .log_x = true};
    const sf_axes lower = {.y_label = "residual"};
    const double x[] = {1, 10, 100}, y[] = {1, 3, 2}, left[] = {0.5, -0.5, 0.1};
    const double wide[] = {0.001, 10, 1e5};
    const sf_curve curve = {.count = 3, .x = x, .y = y};
    const sf_curve rest = {.count = 3, .x = wide, .y = left, .points = true};
    int above = 0, below = 0, left_edge = 860;
    picture p;

    (void)state;
    ok(sf_plot_stacked(scratch("s.png"), true, &axes, &curve, 1, &lower, &rest, 1));
    p = open_picture(scratch("s.png"));
    assert_int_equal(p.width, 860);
    assert_int_equal(p.height, 770);
    for (int row = 0; row < p.height; row++)
        for (int column = 0; column < p.width; column++) {
            const uint32_t c = colour_at(&p, column, row);
            if ((c & 0xff) <= (c >> 16) + 60) continue;
            if (row < 770 - 70 - 170) {
                above++;
                left_edge = column < left_edge ? column : left_edge;
            } else {
                below++;
            }
        }
    free(p.rows);
    assert_true(above > 150);     /* the line: 2 of 8 decades, in a page of 738 */
    assert_true(below > 60);      /* three dots */
    assert_true(left_edge > 300); /* 3 of 8 decades from the left */
    expect(SF_ERR_ARGUMENT,
           sf_plot_stacked(scratch("far.png"), true, &axes, &curve, 1, &lower, &rest, 0),
           "0 curves");
}

/* Pixels tinted blue, from column `left` and row `top` of a cell on. */
static int count_tint(const picture *p, int left, int top)
{
    int n = 0;

    for (int row = top; row < top + 400; row++)
        for (int column = left; column < left + 560; column++) {
            const uint32_t c = colour_at(p, column, row);
            const int red = c >> 16 & 0xff, green = c >> 8 & 0xff, blue = c & 0xff;
            n += abs(red - 191) < 3 && abs(green - 220) < 3 && abs(blue - 236) < 3;
        }
    return n;
}

/* Frames stand in rows from the top, each with its own axes; an area is tinted. */
static void test_frames(void **state)
{
    const double x[] = {1, 2, 3}, y[] = {1, 1, 1}, low[] = {0, 0, 0}, high[] = {2, 2, NAN};
    const sf_curve area = {.count = 3, .x = x, .y = y, .low = low, .high = high};
    const sf_curve plain = {.count = 3, .x = x, .y = y};
    const sf_frame frames[] = {
        {.curves = &plain, .count = 1},
        {.axes = {.title = "t", .log_x = true}, .curves = &plain, .count = 1},
        {.curves = &area, .count = 1}};
    picture p;
    int n;

    (void)state;
    ok(sf_plot_frames(scratch("f.png"), true, "page", frames, 3, 2));
    p = open_picture(scratch("f.png"));
    assert_int_equal(p.width, 2 * 560);
    assert_int_equal(p.height, 40 + 2 * 400);
    assert_int_equal(count_tint(&p, 0, 40), 0);
    assert_int_equal(count_tint(&p, 560, 40), 0);
    assert_int_equal(count_tint(&p, 560, 440), 0);
    n = count_tint(&p, 0, 440); /* half of 438 x 278, less margins of 4 % each and grid lines */
    assert_true(n > 47000 && n < 52600);
    free(p.rows);
    expect(SF_ERR_ARGUMENT, sf_plot_frames(scratch("far.png"), true, "p", frames, 3, 4), "columns");
    expect(SF_ERR_ARGUMENT, sf_plot_frames(scratch("far.png"), true, "p", frames, 0, 1),
           "0 frames");
    expect(SF_ERR_ARGUMENT, sf_plot_frames(scratch("far.png"), true, "p", frames, 3, 0), "columns");
}

/* A frame of curves beside an image: in its own half of the page. */
static void test_frame_among_panels(void **state)
{
    const double x[] = {1, 2, 3}, y[] = {1, 1, 1}, low[] = {0, 0, 0}, high[] = {2, 2, 2};
    const sf_curve area = {.count = 3, .x = x, .y = y, .low = low, .high = high};
    sf_frame frame = {.curves = &area, .count = 1};
    const sf_panel panels[] = {{.title = "image", .grid = &grid, .pixels = ramp},
                               {.title = "curves", .grid = &grid, .frame = &frame}};
    picture p;
    int n;

    (void)state;
    ok(sf_plot_panels(scratch("m.png"), true, NULL, panels, 2, 2));
    p = open_picture(scratch("m.png"));
    assert_int_equal(p.width, 2 * (480 + 184));
    n = count_tint(&p, p.width - 560, 60); /* 498 x 390, less grid lines and the curve */
    assert_true(n > 180000 && n < 196000);
    assert_true(count_tint(&p, 0, 60) == 0);
    free(p.rows);
    frame.count = 0;
    expect(SF_ERR_ARGUMENT, sf_plot_panels(scratch("far.png"), true, NULL, panels, 2, 2),
           "0 curves");
}

/* ---- ticks ----------------------------------------------------------------------------------- */

static void expect_labels(sf_scale scale, double spacing, const char *labels)
{
    char text[512] = "";
    sf_ticks ticks;

    sf_scale_ticks(&scale, spacing, &ticks);
    for (size_t i = 0; i < ticks.count; i++) {
        strcat(text, ticks.tick[i].label);
        strcat(text, " ");
    }
    if (strcmp(text, labels) != 0) fail_msg("'%s' and not '%s'", text, labels);
}

static void test_ticks(void **state)
{
    (void)state;
    expect_labels((sf_scale){SF_SCALE_LINEAR, 0.0, 2.0, 0, 0}, 0.2, "0.0 0.5 1.0 1.5 2.0 ");
    expect_labels((sf_scale){SF_SCALE_LINEAR, -5.0, 128.5, 0, 0}, 0.25, "0 50 100 ");
    expect_labels((sf_scale){SF_SCALE_LINEAR, 1e6, 1e6 + 4, 0, 0}, 0.4,
                  "1.000000 1.000002 1.000004 ");
    expect_labels((sf_scale){SF_SCALE_LINEAR, 0.0, 4e-7, 0, 0}, 0.4, "0 2 4 ");
    expect_labels((sf_scale){SF_SCALE_LOG, 5.0, 5e3, 0, 0}, 0.3, "1000 100 10 ");
    expect_labels((sf_scale){SF_SCALE_LOG, 5.0, 2e6, 0, 0}, 0.3, "10\\u6\\d 10\\u4\\d 10\\u2\\d ");
    expect_labels((sf_scale){SF_SCALE_LOG, 1.5e6, 2.5e7, 0, 0}, 0.2,
                  "10\\u7\\d 5\\x10\\u6\\d 2\\x10\\u7\\d 2\\x10\\u6\\d ");
    expect_labels((sf_scale){SF_SCALE_ASINH, -10.0, 1e4, 0.0, 10.0}, 0.2, "0 10000 1000 100 ");
}

/* A range of any size and place has at least three labels, as far apart as they can be. */
static void test_three_ticks(void **state)
{
    sf_ticks ticks;

    (void)state;
    for (int i = 0; i < 500; i++) {
        const double low = 160.0 + 0.013 * i, width = pow(10.0, 0.002 * i);
        const sf_scale scale = {SF_SCALE_LINEAR, low, low + width, 0, 0};

        sf_scale_ticks_three(&scale, 0.4, &ticks);
        assert_true(ticks.count >= 3);
        for (size_t k = 1; k < ticks.count; k++)
            assert_true(ticks.tick[k].position - ticks.tick[k - 1].position > 0.1);
    }
    sf_scale_ticks_three(&(sf_scale){SF_SCALE_LINEAR, 0.0, 2.0, 0, 0}, 0.2, &ticks);
    assert_int_equal(ticks.count, 5);
}

/* ---- places ---------------------------------------------------------------------------------- */

static void test_overwrite(void **state)
{
    const sf_panel panel = panel_of("data", ramp);
    char folder[512];
    size_t size;
    unsigned char *bytes;

    (void)state;
    (void)snprintf(folder, sizeof folder, "%s", scratch("place"));
    assert_int_equal(mkdir(folder, 0700), 0);
    write_bytes(scratch("place/old.png"), "old", 3);
    expect(SF_ERR_IO, sf_plot_panels(scratch("place/old.png"), false, NULL, &panel, 1, 1),
           "exists");
    bytes = read_bytes(scratch("place/old.png"), &size);
    assert_int_equal(size, 3);
    free(bytes);
    ok(sf_plot_panels(scratch("place/old.png"), true, NULL, &panel, 1, 1));
    ok(sf_plot_panels(scratch("place/new.png"), false, NULL, &panel, 1, 1));
    assert_int_equal(count_files(folder), 2); /* nothing lies beside them */
    expect(SF_ERR_IO, sf_plot_panels(scratch("nowhere/p.png"), true, NULL, &panel, 1, 1),
           "nowhere/p.png");
    expect(SF_ERR_IO, sf_plot_panels("/proc/p.png", true, NULL, &panel, 1, 1), "/proc/p.png");
}

/* Where the picture is made before it takes its place; that folder, too, is left as it was. */
static void test_temporary_folder(void **state)
{
    const sf_panel panel = panel_of("data", ramp);
    char folder[512];

    (void)state;
    (void)snprintf(folder, sizeof folder, "%s", scratch("t"));
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(setenv("TMPDIR", folder, 1), 0);
    ok(sf_plot_panels(scratch("a.png"), false, NULL, &panel, 1, 1));
    assert_int_equal(count_files(folder), 0);
    assert_int_equal(setenv("TMPDIR", "/proc", 1), 0); /* where not even root can write */
    expect(SF_ERR_IO, sf_plot_panels(scratch("b.png"), false, NULL, &panel, 1, 1), "/proc");
    assert_int_equal(setenv("TMPDIR", "", 1), 0);
    ok(sf_plot_panels(scratch("c1.png"), false, NULL, &panel, 1, 1));
    assert_int_equal(unsetenv("TMPDIR"), 0);
    ok(sf_plot_panels(scratch("d1.png"), false, NULL, &panel, 1, 1));
    assert_int_not_equal(access(scratch("b.png"), F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signature),        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_every_panel),      cmocka_unit_test(test_diverging),
        cmocka_unit_test(test_odd_images),       cmocka_unit_test(test_bad_panels),
        cmocka_unit_test(test_curves),           cmocka_unit_test(test_stacked),
        cmocka_unit_test(test_frames),           cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_odd_curves),       cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_three_ticks),      cmocka_unit_test(test_overwrite),
        cmocka_unit_test(test_temporary_folder), cmocka_unit_test(test_frame_among_panels),
    };

    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}

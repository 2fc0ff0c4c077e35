/* operator_cases.h - one network of one operator after the other, and what ONNX Runtime makes of
 * it.
 *
 * The numbers come from ONNX Runtime 1.31.1 (CPU, no graph optimisations; opset 13, AveragePool
 * and Pad 19) for the input of case_number(.., SF_CASE_INPUT) and the constants j of
 * case_number(.., j); BatchNormalization's variance is |number| + 1/4. */
#ifndef SF_TESTS_OPERATOR_CASES_H
#define SF_TESTS_OPERATOR_CASES_H

#include "network/graph.h"

#define S0        \
    {             \
        .rank = 0 \
    }
#define S1(a)    \
    {            \
        1, { a } \
    }
#define S2(a, b)    \
    {               \
        2, { a, b } \
    }
#define S3(a, b, c)    \
    {                  \
        3, { a, b, c } \
    }
#define S4(a, b, c, d)    \
    {                     \
        4, { a, b, c, d } \
    }
#define S5(a, b, c, d, e)    \
    {                        \
        5, { a, b, c, d, e } \
    }
#define SF_CASE_INPUT SIZE_MAX

typedef struct sf_case {
    const char *label;
    sf_node node; /* attributes only; strides, dilations and groups of 0 stand for 1 */
    sf_shape image;
    size_t constant_count;
    sf_shape constant[4];
    bool reversed; /* the constant is the first operand */
    sf_shape result;
    double sum, moment; /* of the result y: sum of y[i], sum of (i + 1) y[i] */
} sf_case;

/* Number i of constant j, or of the input: exact in single precision, never 0, below 1.6. */
static inline double case_number(size_t i, size_t j)
{
    const long mod = j == SF_CASE_INPUT ? 97 : 61;
    const long k = j == SF_CASE_INPUT ? 37 * (long)i + 11 : 53 * (long)i + 29 * ((long)j + 1);

    return (double)(2 * (k % mod) - mod) / 64.0;
}

/* clang-format off */
static const sf_case sf_cases[] = {
    {"Conv", {.op = SF_OP_CONV, .kernel = {3, 3}}, S4(2, 4, 5, 6), 1, {S4(3, 4, 3, 3)}, false, S4(2,
     3, 3, 4), 13.1821289, 376.052246},
    {"Conv 1x1, bias", {.op = SF_OP_CONV, .kernel = {1, 1}}, S4(2, 4, 5, 6), 2, {S4(3, 4, 1, 1),
     S1(3)}, false, S4(2, 3, 5, 6), 108.796875, 8916.77588},
    {"Conv uneven pads, strides", {.op = SF_OP_CONV, .kernel = {3, 2}, .stride = {2, 3}, .pads = {1,
     0, 2, 1}}, S4(2, 4, 5, 6), 2, {S4(2, 4, 3, 2), S1(2)}, false, S4(2, 2, 3, 2), 22.2324219,
     343.108398},
    {"Conv dilated", {.op = SF_OP_CONV, .kernel = {2, 3}, .dilation = {3, 2}, .pads = {2, 1, 0, 2}},
     S4(2, 4, 5, 6), 2, {S4(2, 4, 2, 3), S1(2)}, false, S4(2, 2, 4, 5), 74.3759766, 3183.14258},
    {"Conv grouped", {.op = SF_OP_CONV, .kernel = {3, 3}, .groups = 2, .pads = {1, 1, 1, 1}}, S4(2,
     4, 5, 6), 2, {S4(6, 2, 3, 3), S1(6)}, false, S4(2, 6, 5, 6), 97.6157227, 10270.3228},
    {"Conv depthwise", {.op = SF_OP_CONV, .kernel = {3, 3}, .stride = {2, 2}, .groups = 4}, S4(2, 4,
     5, 6), 1, {S4(8, 1, 3, 3)}, false, S4(2, 8, 2, 2), 5.91699219, 45.7646484},
    {"Conv SAME_UPPER", {.op = SF_OP_CONV, .kernel = {4, 3}, .auto_pad = SF_AUTO_PAD_UPPER}, S4(2,
     4, 5, 6), 2, {S4(2, 4, 4, 3), S1(2)}, false, S4(2, 2, 5, 6), 72.6025391, 3848.91992},
    {"Conv SAME_UPPER, strides", {.op = SF_OP_CONV, .kernel = {4, 3}, .stride = {2, 3}, .auto_pad =
     SF_AUTO_PAD_UPPER}, S4(2, 4, 5, 6), 1, {S4(2, 4, 4, 3)}, false, S4(2, 2, 3, 2), 4.79199219,
     141.073242},
    {"Conv SAME_LOWER", {.op = SF_OP_CONV, .kernel = {4, 3}, .auto_pad = SF_AUTO_PAD_LOWER}, S4(2,
     4, 5, 6), 2, {S4(2, 4, 4, 3), S1(2)}, false, S4(2, 2, 5, 6), 80.4638672, 4075.47656},
    {"Conv SAME_LOWER, strides", {.op = SF_OP_CONV, .kernel = {4, 3}, .stride = {2, 3}, .auto_pad =
     SF_AUTO_PAD_LOWER}, S4(2, 4, 5, 6), 1, {S4(2, 4, 4, 3)}, false, S4(2, 2, 3, 2), -2.37207031,
     -103.255859},
    {"Conv VALID", {.op = SF_OP_CONV, .kernel = {4, 3}, .auto_pad = SF_AUTO_PAD_VALID}, S4(2, 4, 5,
     6), 2, {S4(2, 4, 4, 3), S1(2)}, false, S4(2, 2, 2, 4), 35.5253906, 536.890625},
    {"Conv VALID, strides", {.op = SF_OP_CONV, .kernel = {4, 3}, .stride = {2, 3}, .auto_pad =
     SF_AUTO_PAD_VALID}, S4(2, 4, 5, 6), 1, {S4(2, 4, 4, 3)}, false, S4(2, 2, 1, 2), -2.8125,
     -49.7519531},
    {"Conv kernel below stride, SAME_UPPER", {.op = SF_OP_CONV, .kernel = {1, 2}, .stride = {3, 3},
     .auto_pad = SF_AUTO_PAD_UPPER}, S4(2, 4, 5, 6), 1, {S4(2, 4, 1, 2)}, false, S4(2, 2, 2, 2),
     -12.4042969, -68.5449219},
    {"ConvTranspose", {.op = SF_OP_CONV_TRANSPOSE, .kernel = {3, 2}}, S4(2, 4, 3, 2), 2, {S4(4, 3,
     3, 2), S1(3)}, false, S4(2, 3, 5, 3), 59.8017578, 2673.55176},
    {"ConvTranspose strides", {.op = SF_OP_CONV_TRANSPOSE, .kernel = {2, 2}, .stride = {2, 2}},
     S4(2, 4, 3, 2), 1, {S4(4, 2, 2, 2)}, false, S4(2, 2, 6, 4), 0.01953125, -11.7910156},
    {"ConvTranspose uneven pads", {.op = SF_OP_CONV_TRANSPOSE, .kernel = {3, 3}, .stride = {2, 3},
     .pads = {1, 0, 0, 2}}, S4(2, 4, 3, 2), 2, {S4(4, 3, 3, 3), S1(3)}, false, S4(2, 3, 6, 4),
     83.4848633, 5438.85742},
    {"ConvTranspose output_padding", {.op = SF_OP_CONV_TRANSPOSE, .kernel = {3, 3}, .stride = {2,
     3}, .pads = {1, 1, 1, 1}, .output_padding = {1, 2}}, S4(2, 4, 3, 2), 2, {S4(4, 2, 3, 3), S1(2)},
     false, S4(2, 2, 6, 6), 104.459961, 7468.30078},
    {"ConvTranspose grouped, dilated", {.op = SF_OP_CONV_TRANSPOSE, .kernel = {2, 3}, .dilation =
     {2, 1}, .groups = 2}, S4(2, 4, 3, 2), 2, {S4(4, 3, 2, 3), S1(6)}, false, S4(2, 6, 5, 4),
     61.2080078, 4312.35059},
    {"ConvTranspose SAME_UPPER", {.op = SF_OP_CONV_TRANSPOSE, .kernel = {4, 3}, .stride = {2, 2},
     .auto_pad = SF_AUTO_PAD_UPPER}, S4(2, 4, 3, 2), 2, {S4(4, 2, 4, 3), S1(2)}, false, S4(2, 2, 6,
     4), 64.4423828, 2796.35352},
    {"ConvTranspose SAME_LOWER", {.op = SF_OP_CONV_TRANSPOSE, .kernel = {4, 3}, .stride = {2, 2},
     .auto_pad = SF_AUTO_PAD_LOWER}, S4(2, 4, 3, 2), 2, {S4(4, 2, 4, 3), S1(2)}, false, S4(2, 2, 6,
     4), 70.6171875, 3143.80957},
    {"ConvTranspose VALID", {.op = SF_OP_CONV_TRANSPOSE, .kernel = {4, 3}, .stride = {2, 2},
     .auto_pad = SF_AUTO_PAD_VALID}, S4(2, 4, 3, 2), 2, {S4(4, 2, 4, 3), S1(2)}, false, S4(2, 2, 8,
     5), 111.961914, 8282.69629},
    {"ConvTranspose SAME_UPPER, output_padding", {.op = SF_OP_CONV_TRANSPOSE, .kernel = {3, 4},
     .stride = {2, 3}, .auto_pad = SF_AUTO_PAD_UPPER, .output_padding = {1, 0}}, S4(2, 4, 3, 2), 1,
     {S4(4, 2, 3, 4)}, false, S4(2, 2, 6, 6), -13.7470703, -1274.06445},
    {"AveragePool", {.op = SF_OP_AVERAGE_POOL, .kernel = {2, 3}, .stride = {2, 1}}, S4(2, 2, 5, 6),
     0, {{0}}, false, S4(2, 2, 2, 4), -0.166666652, -15.1145832},
    {"AveragePool pads not counted", {.op = SF_OP_AVERAGE_POOL, .kernel = {3, 3}, .stride = {2, 2},
     .pads = {1, 0, 1, 2}}, S4(2, 2, 5, 6), 0, {{0}}, false, S4(2, 2, 3, 3), 0.135416651,
     -11.6953123},
    {"AveragePool pads counted", {.op = SF_OP_AVERAGE_POOL, .kernel = {3, 3}, .stride = {2, 2},
     .pads = {1, 0, 1, 2}, .count_include_pad = true}, S4(2, 2, 5, 6), 0, {{0}}, false, S4(2, 2, 3,
     3), -0.0138888906, -11.8750002},
    {"AveragePool ceil_mode", {.op = SF_OP_AVERAGE_POOL, .kernel = {2, 3}, .stride = {3, 2},
     .ceil_mode = true}, S4(2, 2, 5, 6), 0, {{0}}, false, S4(2, 2, 2, 3), -0.0781250172,
     -4.57812503},
    {"AveragePool ceil_mode, pads counted", {.op = SF_OP_AVERAGE_POOL, .kernel = {3, 3}, .stride =
     {3, 3}, .pads = {1, 1, 1, 1}, .count_include_pad = true, .ceil_mode = true}, S4(2, 2, 5, 6), 0,
     {{0}}, false, S4(2, 2, 2, 3), -0.423611087, -4.04340258},
    {"AveragePool ceil_mode, window in the pads dropped", {.op = SF_OP_AVERAGE_POOL, .kernel = {2,
     2}, .stride = {3, 4}, .pads = {0, 1, 1, 1}, .ceil_mode = true}, S4(2, 2, 5, 6), 0, {{0}}, false,
     S4(2, 2, 2, 2), 0.3671875, 4.203125},
    {"AveragePool dilated", {.op = SF_OP_AVERAGE_POOL, .kernel = {2, 3}, .dilation = {2, 2}, .pads =
     {0, 1, 1, 0}, .count_include_pad = true}, S4(2, 2, 5, 6), 0, {{0}}, false, S4(2, 2, 4, 3),
     -0.588541672, -11.2656259},
    {"AveragePool SAME_UPPER", {.op = SF_OP_AVERAGE_POOL, .kernel = {2, 3}, .stride = {2, 2},
     .auto_pad = SF_AUTO_PAD_UPPER, .count_include_pad = true}, S4(2, 2, 5, 6), 0, {{0}}, false,
     S4(2, 2, 3, 3), -0.447916684, -11.375},
    {"AveragePool SAME_LOWER", {.op = SF_OP_AVERAGE_POOL, .kernel = {2, 3}, .stride = {2, 2},
     .auto_pad = SF_AUTO_PAD_LOWER}, S4(2, 2, 5, 6), 0, {{0}}, false, S4(2, 2, 3, 3), -0.223958402,
     13.0677075},
    {"AveragePool VALID", {.op = SF_OP_AVERAGE_POOL, .kernel = {2, 3}, .stride = {2, 2}, .auto_pad =
     SF_AUTO_PAD_VALID}, S4(2, 2, 5, 6), 0, {{0}}, false, S4(2, 2, 2, 2), -0.239583345, -7.69270844},
    {"Add [2, 3, 4, 5]", {.op = SF_OP_ADD}, S4(2, 3, 4, 5), 1, {S4(2, 3, 4, 5)}, false, S4(2, 3, 4,
     5), -5.25, -318.40625},
    {"Add [3, 1, 1]", {.op = SF_OP_ADD}, S4(2, 3, 4, 5), 1, {S3(3, 1, 1)}, false, S4(2, 3, 4, 5),
     -38.3125, -2684.5},
    {"Add [5]", {.op = SF_OP_ADD}, S4(2, 3, 4, 5), 1, {S1(5)}, false, S4(2, 3, 4, 5), -22.5625,
     -1300.125},
    {"Add []", {.op = SF_OP_ADD}, S4(2, 3, 4, 5), 1, {S0}, false, S4(2, 3, 4, 5), -8.3125, -469.5},
    {"Add [2, 2, 3, 4, 5]", {.op = SF_OP_ADD}, S4(2, 3, 4, 5), 1, {S5(2, 2, 3, 4, 5)}, false, S5(2,
     2, 3, 4, 5), -9.59375, -1132.78125},
    {"Sub [1, 3, 1, 1]", {.op = SF_OP_SUB}, S4(2, 3, 4, 5), 1, {S4(1, 3, 1, 1)}, false, S4(2, 3, 4,
     5), 32.9375, 2426.125},
    {"Sub [4, 1]", {.op = SF_OP_SUB}, S4(2, 3, 4, 5), 1, {S2(4, 1)}, false, S4(2, 3, 4, 5), 47.9375,
     3121.125},
    {"Mul [2, 3, 4, 5]", {.op = SF_OP_MUL}, S4(2, 3, 4, 5), 1, {S4(2, 3, 4, 5)}, false, S4(2, 3, 4,
     5), -0.536132812, 143.022949},
    {"Mul [2, 1, 1, 5]", {.op = SF_OP_MUL}, S4(2, 3, 4, 5), 1, {S4(2, 1, 1, 5)}, false, S4(2, 3, 4,
     5), 0.2578125, 1.08300781},
    {"Mul [1]", {.op = SF_OP_MUL}, S4(2, 3, 4, 5), 1, {S1(1)}, false, S4(2, 3, 4, 5), 0.125976562,
     6.05566406},
    {"Sub reversed", {.op = SF_OP_SUB}, S4(2, 3, 4, 5), 1, {S3(3, 1, 1)}, true, S4(2, 3, 4, 5),
     -32.9375, -2426.125},
    {"Mul reversed", {.op = SF_OP_MUL}, S4(2, 3, 4, 5), 1, {S4(2, 1, 4, 1)}, true, S4(2, 3, 4, 5),
     -5.04003906, -322.240234},
    {"BatchNormalization", {.op = SF_OP_BATCH_NORM, .alpha = 0.125F}, S4(2, 3, 4, 5), 4, {S1(3),
     S1(3), S1(3), S1(3)}, false, S4(2, 3, 4, 5), 51.1868439, 2369.13333},
    {"Concat axis 0", {.op = SF_OP_CONCAT, .axis = 0}, S4(2, 3, 4, 5), 1, {S4(1, 3, 4, 5)}, false,
     S4(3, 3, 4, 5), -3.84375, -306.0625},
    {"Concat axis 1", {.op = SF_OP_CONCAT, .axis = 1}, S4(2, 3, 4, 5), 1, {S4(2, 2, 4, 5)}, false,
     S4(2, 5, 4, 5), -5.34375, -670.46875},
    {"Concat axis 2", {.op = SF_OP_CONCAT, .axis = 2}, S4(2, 3, 4, 5), 1, {S4(2, 3, 2, 5)}, false,
     S4(2, 3, 6, 5), -3.84375, -342.9375},
    {"Concat axis 3", {.op = SF_OP_CONCAT, .axis = 3}, S4(2, 3, 4, 5), 1, {S4(2, 3, 4, 3)}, false,
     S4(2, 3, 4, 8), -4.5625, -446},
    {"Concat three", {.op = SF_OP_CONCAT, .axis = 1}, S4(2, 3, 4, 5), 2, {S4(2, 1, 4, 5), S4(2, 2,
     4, 5)}, false, S4(2, 6, 4, 5), -2, -183.65625},
    {"Concat reversed", {.op = SF_OP_CONCAT, .axis = 1}, S4(2, 3, 4, 5), 1, {S4(2, 1, 4, 5)}, true,
     S4(2, 4, 4, 5), -3.21875, -223.4375},
    {"Elu", {.op = SF_OP_ELU, .alpha = 0.5F}, S4(2, 3, 4, 5), 0, {{0}}, false, S4(2, 3, 4, 5),
     29.0999967, 1772.78941},
    {"LeakyRelu", {.op = SF_OP_LEAKY_RELU, .alpha = 0.25F}, S4(2, 3, 4, 5), 0, {{0}}, false, S4(2,
     3, 4, 5), 32.2929688, 1965.22266},
    {"Relu", {.op = SF_OP_RELU}, S4(2, 3, 4, 5), 0, {{0}}, false, S4(2, 3, 4, 5), 43.953125,
     2663.35938},
    {"Sigmoid", {.op = SF_OP_SIGMOID}, S4(2, 3, 4, 5), 0, {{0}}, false, S4(2, 3, 4, 5), 59.4166229,
     3602.11498},
    {"Identity", {.op = SF_OP_IDENTITY}, S4(2, 3, 4, 5), 0, {{0}}, false, S4(2, 3, 4, 5), -2.6875,
     -129.1875},
    {"Pad constant 1,2,3,4", {.op = SF_OP_PAD, .pad_mode = SF_PAD_CONSTANT, .pads = {1, 2, 3, 4},
     .alpha = 0.75F}, S4(2, 3, 4, 5), 0, {{0}}, false, S4(2, 3, 8, 11), 303.3125, 81279.375},
    {"Pad constant -1,2,1,-2", {.op = SF_OP_PAD, .pad_mode = SF_PAD_CONSTANT, .pads = {-1, 2, 1,
     -2}, .alpha = 0.75F}, S4(2, 3, 4, 5), 0, {{0}}, false, S4(2, 3, 4, 5), 51.3125, 3238.09375},
    {"Pad constant -2,-1,-1,-3", {.op = SF_OP_PAD, .pad_mode = SF_PAD_CONSTANT, .pads = {-2, -1, -1,
     -3}, .alpha = 0.75F}, S4(2, 3, 4, 5), 0, {{0}}, false, S4(2, 3, 1, 1), 0.875, 3.078125},
    {"Pad reflect 3,4,2,1", {.op = SF_OP_PAD, .pad_mode = SF_PAD_REFLECT, .pads = {3, 4, 2, 1},
     .alpha = 0.75F}, S4(2, 3, 4, 5), 0, {{0}}, false, S4(2, 3, 9, 10), -4.6875, 296.71875},
    {"Pad reflect -1,2,1,-2", {.op = SF_OP_PAD, .pad_mode = SF_PAD_REFLECT, .pads = {-1, 2, 1, -2},
     .alpha = 0.75F}, S4(2, 3, 4, 5), 0, {{0}}, false, S4(2, 3, 4, 5), 8.875, 640.6875},
    {"Pad edge 5,2,3,6", {.op = SF_OP_PAD, .pad_mode = SF_PAD_EDGE, .pads = {5, 2, 3, 6}, .alpha =
     0.75F}, S4(2, 3, 4, 5), 0, {{0}}, false, S4(2, 3, 12, 13), 30.03125, 17082.7812},
    {"Pad edge -1,2,2,-2", {.op = SF_OP_PAD, .pad_mode = SF_PAD_EDGE, .pads = {-1, 2, 2, -2}, .alpha
     = 0.75F}, S4(2, 3, 4, 5), 0, {{0}}, false, S4(2, 3, 5, 5), 8.375, 865.265625},
    {"Pad wrap 4,1,2,5", {.op = SF_OP_PAD, .pad_mode = SF_PAD_WRAP, .pads = {4, 1, 2, 5}, .alpha =
     0.75F}, S4(2, 3, 4, 5), 0, {{0}}, false, S4(2, 3, 10, 11), -23.8125, -7634.09375},
    {"Pad wrap -1,2,2,-2", {.op = SF_OP_PAD, .pad_mode = SF_PAD_WRAP, .pads = {-1, 2, 2, -2}, .alpha
     = 0.75F}, S4(2, 3, 4, 5), 0, {{0}}, false, S4(2, 3, 5, 5), 7.40625, 1023.70312},
    {"Pad wrap 6,0,0,12", {.op = SF_OP_PAD, .pad_mode = SF_PAD_WRAP, .pads = {6, 0, 0, 12}, .alpha =
     0.75F}, S4(2, 3, 4, 5), 0, {{0}}, false, S4(2, 3, 10, 17), -6.4375, -8376.28125},
    {"Resize half_pixel linear", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_LINEAR,
     .resize_coordinates = SF_RESIZE_HALF_PIXEL, .scale = {2.0, 1.5}}, S4(1, 2, 4, 5), 0, {{0}},
     false, S4(1, 2, 8, 7), 2.03124771, 570.282397},
    {"Resize half_pixel round_prefer_floor", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_NEAREST,
     .resize_coordinates = SF_RESIZE_HALF_PIXEL, .resize_rounding = SF_RESIZE_ROUND_PREFER_FLOOR,
     .scale = {1.5, 0.4F}}, S4(1, 2, 4, 5), 0, {{0}}, false, S4(1, 2, 6, 2), -1.1875, 69.09375},
    {"Resize half_pixel round_prefer_ceil", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_NEAREST,
     .resize_coordinates = SF_RESIZE_HALF_PIXEL, .resize_rounding = SF_RESIZE_ROUND_PREFER_CEIL,
     .scale = {1.5, 0.4F}}, S4(1, 2, 4, 5), 0, {{0}}, false, S4(1, 2, 6, 2), -0.40625, 71.28125},
    {"Resize half_pixel floor", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_NEAREST,
     .resize_coordinates = SF_RESIZE_HALF_PIXEL, .resize_rounding = SF_RESIZE_FLOOR, .scale = {0.5,
     2.0}}, S4(1, 2, 4, 5), 0, {{0}}, false, S4(1, 2, 2, 10), 2.46875, 101.21875},
    {"Resize half_pixel ceil", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_NEAREST,
     .resize_coordinates = SF_RESIZE_HALF_PIXEL, .resize_rounding = SF_RESIZE_CEIL, .scale = {2.0,
     1.5}}, S4(1, 2, 4, 5), 0, {{0}}, false, S4(1, 2, 8, 7), 3.28125, 310.59375},
    {"Resize half_pixel linear to a size", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_LINEAR,
     .resize_coordinates = SF_RESIZE_HALF_PIXEL, .size = {1, 7}}, S4(1, 2, 4, 5), 0, {{0}}, false,
     S4(1, 2, 1, 7), -1.92633933, -19.0691954},
    {"Resize asymmetric linear", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_LINEAR,
     .resize_coordinates = SF_RESIZE_ASYMMETRIC, .scale = {2.0, 1.5}}, S4(1, 2, 4, 5), 0, {{0}},
     false, S4(1, 2, 8, 7), 3.51041769, 530.614697},
    {"Resize asymmetric round_prefer_floor", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_NEAREST,
     .resize_coordinates = SF_RESIZE_ASYMMETRIC, .resize_rounding = SF_RESIZE_ROUND_PREFER_FLOOR,
     .scale = {1.5, 0.4F}}, S4(1, 2, 4, 5), 0, {{0}}, false, S4(1, 2, 6, 2), 2.15625, 3.28125},
    {"Resize asymmetric round_prefer_ceil", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_NEAREST,
     .resize_coordinates = SF_RESIZE_ASYMMETRIC, .resize_rounding = SF_RESIZE_ROUND_PREFER_CEIL,
     .scale = {1.5, 0.4F}}, S4(1, 2, 4, 5), 0, {{0}}, false, S4(1, 2, 6, 2), 3.90625, 123.03125},
    {"Resize asymmetric floor", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_NEAREST,
     .resize_coordinates = SF_RESIZE_ASYMMETRIC, .resize_rounding = SF_RESIZE_FLOOR, .scale = {0.5,
     2.0}}, S4(1, 2, 4, 5), 0, {{0}}, false, S4(1, 2, 2, 10), -0.25, -4.375},
    {"Resize asymmetric ceil", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_NEAREST,
     .resize_coordinates = SF_RESIZE_ASYMMETRIC, .resize_rounding = SF_RESIZE_CEIL, .scale = {2.0,
     1.5}}, S4(1, 2, 4, 5), 0, {{0}}, false, S4(1, 2, 8, 7), 3.28125, 310.59375},
    {"Resize asymmetric linear to a size", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_LINEAR,
     .resize_coordinates = SF_RESIZE_ASYMMETRIC, .size = {1, 7}}, S4(1, 2, 4, 5), 0, {{0}}, false,
     S4(1, 2, 1, 7), -0.214285508, 2.75669831},
    {"Resize align_corners linear", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_LINEAR,
     .resize_coordinates = SF_RESIZE_ALIGN_CORNERS, .scale = {2.0, 1.5}}, S4(1, 2, 4, 5), 0, {{0}},
     false, S4(1, 2, 8, 7), -0.976189759, 213.708436},
    {"Resize align_corners round_prefer_floor", {.op = SF_OP_RESIZE, .resize_mode =
     SF_RESIZE_NEAREST, .resize_coordinates = SF_RESIZE_ALIGN_CORNERS, .resize_rounding =
     SF_RESIZE_ROUND_PREFER_FLOOR, .scale = {1.5, 0.4F}}, S4(1, 2, 4, 5), 0, {{0}}, false, S4(1, 2,
     6, 2), -2.3125, -18.65625},
    {"Resize align_corners round_prefer_ceil", {.op = SF_OP_RESIZE, .resize_mode =
     SF_RESIZE_NEAREST, .resize_coordinates = SF_RESIZE_ALIGN_CORNERS, .resize_rounding =
     SF_RESIZE_ROUND_PREFER_CEIL, .scale = {1.5, 0.4F}}, S4(1, 2, 4, 5), 0, {{0}}, false, S4(1, 2, 6,
     2), -2.3125, -18.65625},
    {"Resize align_corners floor", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_NEAREST,
     .resize_coordinates = SF_RESIZE_ALIGN_CORNERS, .resize_rounding = SF_RESIZE_FLOOR, .scale =
     {0.5, 2.0}}, S4(1, 2, 4, 5), 0, {{0}}, false, S4(1, 2, 2, 10), 5.9375, 191.1875},
    {"Resize align_corners ceil", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_NEAREST,
     .resize_coordinates = SF_RESIZE_ALIGN_CORNERS, .resize_rounding = SF_RESIZE_CEIL, .scale = {2.0,
     1.5}}, S4(1, 2, 4, 5), 0, {{0}}, false, S4(1, 2, 8, 7), 3.28125, 310.59375},
    {"Resize align_corners linear to a size", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_LINEAR,
     .resize_coordinates = SF_RESIZE_ALIGN_CORNERS, .size = {1, 7}}, S4(1, 2, 4, 5), 0, {{0}}, false,
     S4(1, 2, 1, 7), 0.0104168057, 4.56771094},
    {"Resize pytorch_half_pixel linear", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_LINEAR,
     .resize_coordinates = SF_RESIZE_PYTORCH_HALF_PIXEL, .scale = {2.0, 1.5}}, S4(1, 2, 4, 5), 0,
     {{0}}, false, S4(1, 2, 8, 7), 2.03124771, 570.282397},
    {"Resize pytorch_half_pixel round_prefer_floor", {.op = SF_OP_RESIZE, .resize_mode =
     SF_RESIZE_NEAREST, .resize_coordinates = SF_RESIZE_PYTORCH_HALF_PIXEL, .resize_rounding =
     SF_RESIZE_ROUND_PREFER_FLOOR, .scale = {1.5, 0.4F}}, S4(1, 2, 4, 5), 0, {{0}}, false, S4(1, 2,
     6, 2), -1.1875, 69.09375},
    {"Resize pytorch_half_pixel round_prefer_ceil", {.op = SF_OP_RESIZE, .resize_mode =
     SF_RESIZE_NEAREST, .resize_coordinates = SF_RESIZE_PYTORCH_HALF_PIXEL, .resize_rounding =
     SF_RESIZE_ROUND_PREFER_CEIL, .scale = {1.5, 0.4F}}, S4(1, 2, 4, 5), 0, {{0}}, false, S4(1, 2, 6,
     2), -0.40625, 71.28125},
    {"Resize pytorch_half_pixel floor", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_NEAREST,
     .resize_coordinates = SF_RESIZE_PYTORCH_HALF_PIXEL, .resize_rounding = SF_RESIZE_FLOOR, .scale =
     {0.5, 2.0}}, S4(1, 2, 4, 5), 0, {{0}}, false, S4(1, 2, 2, 10), 2.46875, 101.21875},
    {"Resize pytorch_half_pixel ceil", {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_NEAREST,
     .resize_coordinates = SF_RESIZE_PYTORCH_HALF_PIXEL, .resize_rounding = SF_RESIZE_CEIL, .scale =
     {2.0, 1.5}}, S4(1, 2, 4, 5), 0, {{0}}, false, S4(1, 2, 8, 7), 3.28125, 310.59375},
    {"Resize pytorch_half_pixel linear to a size", {.op = SF_OP_RESIZE, .resize_mode =
     SF_RESIZE_LINEAR, .resize_coordinates = SF_RESIZE_PYTORCH_HALF_PIXEL, .size = {1, 7}}, S4(1, 2,
     4, 5), 0, {{0}}, false, S4(1, 2, 1, 7), -0.133928761, 3.79241064},
    {"DepthToSpace DCR", {.op = SF_OP_DEPTH_TO_SPACE, .block = 2}, S4(2, 12, 2, 3), 0, {{0}}, false,
     S4(2, 3, 4, 6), -1, -1.53125},
    {"DepthToSpace CRD", {.op = SF_OP_DEPTH_TO_SPACE, .block = 2, .column_row_depth = true}, S4(2,
     12, 2, 3), 0, {{0}}, false, S4(2, 3, 4, 6), -1, 89.5},
    {"SpaceToDepth", {.op = SF_OP_SPACE_TO_DEPTH, .block = 3}, S4(2, 3, 3, 6), 0, {{0}}, false,
     S4(2, 27, 1, 2), -2.34375, -283},
};
/* clang-format on */

#endif

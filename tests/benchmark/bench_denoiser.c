/* bench_denoiser - how much of the machine's arithmetic the networks get: GFLOP/s of inference as
 * a share of the fused multiply-add peak that is measured beside it, and training steps.
 *
 * The goal for DnCNN-17 (Zhang et al. 2017, doi:10.1109/TIP.2017.2662206; 64 channels, gray) is
 * the share of peak that bare convolutions of oneDNN 2.6.3 reached on a Zen 5 (270, 137, 1113 and
 * 557 ms at 276 and 553 GFLOP/s), divided by 1.1. The default multiplies less (Winograd), so its
 * share, counted in the multiplications of the direct way, may exceed 100 %. */
#include "base/internal.h"
#include "network/engine.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(sf_status status)
{
    if (status == SF_OK) return;
    (void)fprintf(stderr, "bench_denoiser: %s\n", sf_last_error());
    exit(EXIT_FAILURE);
}

/* ---- the peak -------------------------------------------------------------------------- */

#if defined(__x86_64__)
#include <immintrin.h>

#define CHAINS 12 /* enough to hide the latency of two units */
#define ROUNDS 2000000

/* One thread's GFLOP count is WIDTH * 2 * CHAINS * ROUNDS * 1e-9. */
__attribute__((target("avx512f"))) static float spin_512(void)
{
    __m512 sum[CHAINS], factor = _mm512_set1_ps(0.999999F), more = _mm512_set1_ps(1e-7F);
    float out[16];

    for (int i = 0; i < CHAINS; i++) sum[i] = _mm512_set1_ps((float)i);
    for (int r = 0; r < ROUNDS; r++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++) sum[i] = _mm512_fmadd_ps(sum[i], factor, more);
    for (int i = 1; i < CHAINS; i++) sum[0] = _mm512_add_ps(sum[0], sum[i]);
    _mm512_storeu_ps(out, sum[0]);
    return out[0];
}

__attribute__((target("avx2,fma"))) static float spin_256(void)
{
    __m256 sum[CHAINS], factor = _mm256_set1_ps(0.999999F), more = _mm256_set1_ps(1e-7F);
    float out[8];

    for (int i = 0; i < CHAINS; i++) sum[i] = _mm256_set1_ps((float)i);
    for (int r = 0; r < ROUNDS; r++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++) sum[i] = _mm256_fmadd_ps(sum[i], factor, more);
    for (int i = 1; i < CHAINS; i++) sum[0] = _mm256_add_ps(sum[0], sum[i]);
    _mm256_storeu_ps(out, sum[0]);
    return out[0];
}

static double measure_peak(int threads)
{
    const bool wide = __builtin_cpu_supports("avx512f");
    double best = HUGE_VAL;
    float keep = 0.0F;

    for (int trial = 0; trial < 12; trial++) {
        const double start = now();

#pragma omp parallel num_threads(threads) reduction(+ : keep)
        keep += wide ? spin_512() : spin_256();
        best = fmin(best, now() - start);
    }
    if (keep == 0.0F) (void)printf(" "); /* the sums are used */
    return (wide ? 16.0 : 8.0) * 2 * CHAINS * ROUNDS * threads / best * 1e-9;
}
#else
static double measure_peak(int threads)
{
    (void)threads;
    return NAN; /* no loop is written for this processor */
}
#endif

/* ---- DnCNN ----------------------------------------------------------------------------- */

static size_t add_value(sf_graph *graph, const char *kind, size_t number, const sf_shape *shape,
                        const float *constant)
{
    char name[32];
    size_t index;

    (void)snprintf(name, sizeof name, "%s%zu", kind, number);
    must(sf_graph_add_value(graph, name, shape, constant, &index));
    return index;
}

static size_t add_conv(sf_graph *graph, size_t x, size_t in, size_t out, size_t number)
{
    const sf_shape shape = {.rank = 4, .dim = {out, in, 3, 3}}, any = {0};
    sf_node node = {.op = SF_OP_CONV,
                    .name = "conv",
                    .input_count = 2,
                    .kernel = {3, 3},
                    .stride = {1, 1},
                    .dilation = {1, 1},
                    .groups = 1,
                    .pads = {1, 1, 1, 1}};
    const size_t count = out * in * 9;
    size_t input[2] = {x};
    float *weights;

    must(sf_allocate(&weights, count, sizeof *weights));
    for (size_t i = 0; i < count; i++) /* of He's size, any sign */
        weights[i] = sqrtf(6.0F / (float)(9 * in)) * ((float)(i * 7919 % 1000) / 500.0F - 1.0F);
    input[1] = add_value(graph, "weights", number, &shape, weights);
    sf_free(weights);
    node.input = input;
    node.output = add_value(graph, "conv", number, &any, NULL);
    must(sf_graph_add_node(graph, &node));
    return node.output;
}

static size_t add_relu(sf_graph *graph, size_t x, size_t number)
{
    const sf_shape any = {0};
    sf_node node = {.op = SF_OP_RELU, .name = "relu", .input = &x, .input_count = 1};

    node.output = add_value(graph, "relu", number, &any, NULL);
    must(sf_graph_add_node(graph, &node));
    return node.output;
}

static sf_graph *make_dncnn(size_t depth, size_t channels)
{
    const sf_shape image = {.rank = 4, .dim = {0, 1, 0, 0}};
    sf_graph *graph;
    size_t x;

    must(sf_graph_create(&graph));
    x = add_value(graph, "image", 0, &image, NULL);
    graph->input[0] = x;
    graph->input_count = 1;
    for (size_t i = 0; i + 1 < depth; i++)
        x = add_relu(graph, add_conv(graph, x, i == 0 ? 1 : channels, channels, i), i);
    graph->output = add_conv(graph, x, channels, 1, depth - 1);
    must(sf_graph_finish(graph));
    return graph;
}

/* ---- runs ------------------------------------------------------------------------------ */

static void fill_input(sf_engine *engine, const sf_shape *image)
{
    const size_t count = image->dim[0] * image->dim[1] * image->dim[2] * image->dim[3];
    float *x = sf_engine_input(engine, 0);

    for (size_t i = 0; i < count; i++) x[i] = (float)(i * 2654435761U % 1024) / 1024.0F;
}

static double time_forward(sf_engine *engine)
{
    const double start = now();
    double best = HUGE_VAL;

    for (int i = 0; i < 3 || now() - start < 1.5; i++) {
        const double t = now();

        must(sf_engine_forward(engine));
        best = fmin(best, now() - t);
    }
    return best;
}

static void bench_inference(const char *name, const sf_graph *graph, size_t channels, size_t size,
                            int threads, bool direct, double goal)
{
    const sf_shape image = {.rank = 4, .dim = {1, channels, size, size}};
    const sf_engine_options options = {.direct = direct};
    sf_engine *engine;
    double peak, seconds, rate;

    must(sf_thread_count_set(threads));
    must(sf_engine_create(graph, &image, &options, &engine));
    fill_input(engine, &image);
    peak = measure_peak(threads);
    seconds = time_forward(engine);
    peak = fmax(peak, measure_peak(threads));
    rate = sf_engine_flops(engine) / seconds * 1e-9;
    (void)printf("%-10s %4zu^2  %2d threads  %-8s  %8.2f ms  %7.1f GFLOP/s  %5.1f %% of %.0f", name,
                 size, threads, direct ? "direct" : "default", seconds * 1e3, rate,
                 100.0 * rate / peak, peak);
    if (goal > 0)
        (void)printf("   goal %4.1f %%: %s", goal, 100.0 * rate / peak >= goal ? "met" : "MISSED");
    (void)printf("   %.0f MB\n", (double)sf_engine_bytes(engine) / 1e6);
    sf_engine_release(&engine);
}

static double time_step(sf_engine *engine, const float *gradient, const float *parameters)
{
    const double start = now();
    double best = HUGE_VAL;

    for (int i = 0; i < 3 || now() - start < 1.5; i++) {
        const double t = now();

        must(sf_engine_forward(engine));
        must(sf_engine_backward(engine, gradient));
        must(sf_engine_set_parameters(engine, parameters));
        best = fmin(best, now() - t);
    }
    return best;
}

static void bench_training(const char *name, const sf_graph *graph, size_t channels, int threads,
                           bool bf16)
{
    const size_t batch = 16, size = 64;
    const sf_shape image = {.rank = 4, .dim = {batch, channels, size, size}};
    const sf_engine_options options = {.training = true, .bf16 = bf16};
    sf_engine *engine;
    float *gradient, *parameters;
    double seconds, rate;

    must(sf_thread_count_set(threads));
    must(sf_engine_create(graph, &image, &options, &engine));
    must(sf_allocate(&gradient, batch * size * size, sizeof *gradient));
    must(sf_allocate(&parameters, graph->parameter_count, sizeof *parameters));
    for (size_t i = 0; i < batch * size * size; i++) gradient[i] = (float)(i % 7) - 3.0F;
    sf_graph_get_parameters(graph, parameters);
    fill_input(engine, &image);
    seconds = time_step(engine, gradient, parameters);
    rate = sf_engine_flops(engine) / seconds * 1e-9;
    (void)printf("%-10s %zux%zu^2  %2d threads  %s step %8.2f ms  %7.1f patches/s  %7.1f GFLOP/s  "
                 "%.0f MB\n",
                 name, batch, size, threads, bf16 ? "bf16" : "f32 ", seconds * 1e3,
                 (double)batch / seconds, rate, (double)sf_engine_bytes(engine) / 1e6);
    sf_free(gradient);
    sf_free(parameters);
    sf_engine_release(&engine);
}

static void bench_network(const char *name, const sf_graph *graph, size_t channels,
                          const double goal[2][2])
{
    static const size_t sizes[] = {256, 512};

    for (size_t s = 0; s < 2; s++)
        for (int threads = 1; threads <= 2; threads++)
            for (int direct = 0; direct < 2; direct++)
                bench_inference(name, graph, channels, sizes[s], threads, direct == 1,
                                goal != NULL ? goal[s][threads - 1] / 1.1 : 0.0);
    for (int threads = 1; threads <= 2; threads++) {
        bench_training(name, graph, channels, threads, false);
        if (sf_engine_has_bf16()) bench_training(name, graph, channels, threads, true);
    }
}

int main(void)
{
    static const double goal[2][2] = {{97.4, 95.8}, {94.6, 94.3}}; /* size, threads */
    const sf_unet_options shipped = sf_unet_options_default();
    sf_graph *dncnn = make_dncnn(17, 64);
    sf_model *unet;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)printf("%s, best of runs, against the FMA peak measured beside them\n",
                 sf_engine_library());
    bench_network("DnCNN-17", dncnn, 1, goal);
    must(sf_model_unet(&shipped, &unet));
    bench_network("U-Net", sf_model_graph(unet), 2, NULL);
    sf_model_release(&unet);
    sf_graph_release(&dncnn);
    return EXIT_SUCCESS;
}

/* test_checkpoint.c - a run that is killed at any moment goes on from its checkpoint to the bits of
 * one that was not disturbed; other files are refused. */
#define _GNU_SOURCE /* GLOB_PERIOD */
#include "free_energy/gaussians.h"

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { N = 3, CHAINS = 400, TEMPERATURES = 12 };

typedef struct case_of {
    sf_density *ends[2];
    sf_path *path;
    sf_schedule schedule;
    sf_anneal_options options;
    char file[64];
} case_of;

static void set_up(case_of *c, bool smc)
{
    c->path = gaussian_path(N, 0.05, 1.0, c->ends);
    assert_ok(sf_schedule_create(SF_SCHEDULE_LINEAR, 0.0, TEMPERATURES, 0.2, &c->schedule));
    c->options = sf_anneal_options_default();
    c->options.method = smc ? SF_ANNEAL_SMC : SF_ANNEAL_AIS;
    c->options.chains = CHAINS;
    c->options.batch = CHAINS / 4;
    c->options.kernel =
        (sf_kernel){.kind = SF_KERNEL_UNDERDAMPED, .leapfrogs = 2, .friction = 1.0, .jitter = 0.2};
    c->options.seed = 7;
    c->options.keep_samples = true;
    c->options.checkpoint = c->file;
    c->options.checkpoint_seconds = 0.0;
    (void)snprintf(c->file, sizeof c->file, "anneal-%ld-%d.state", (long)getpid(), smc);
    (void)remove(c->file);
}

static void tear_down(case_of *c)
{
    (void)remove(c->file);
    sf_schedule_release(&c->schedule);
    sf_path_release(&c->path);
    for (size_t i = 0; i < 2; i++) sf_density_release(&c->ends[i]);
}

/* Everything that a run has to say, but how long it took. */
static void assert_same_runs(const sf_anneal_run *a, const sf_anneal_run *b)
{
    sf_anneal_report report[2];

    assert_int_equal(sf_anneal_run_chains(a), sf_anneal_run_chains(b));
    assert_memory_equal(sf_anneal_run_log_weights(a), sf_anneal_run_log_weights(b),
                        sf_anneal_run_chains(a) * sizeof(double));
    assert_memory_equal(sf_anneal_run_samples(a), sf_anneal_run_samples(b),
                        sf_anneal_run_chains(a) * N * sizeof(double));
    assert_int_equal(sf_anneal_run_evaluations(a), sf_anneal_run_evaluations(b));
    for (size_t j = 0; j < sf_anneal_run_temperatures(a); j++) {
        sf_anneal_state state[2];

        memset(state, 0, sizeof state);
        assert_ok(sf_anneal_run_state(a, j, &state[0]));
        assert_ok(sf_anneal_run_state(b, j, &state[1]));
        assert_memory_equal(&state[0], &state[1], sizeof *state);
    }
    memset(report, 0, sizeof report);
    assert_ok(sf_anneal_estimate(a, NULL, &report[0]));
    assert_ok(sf_anneal_estimate(b, NULL, &report[1]));
    assert_true(report[0].estimate.value == report[1].estimate.value);
    assert_true(report[0].estimate.error == report[1].estimate.error);
    assert_true(report[0].thermodynamic.estimate.error == report[1].thermodynamic.estimate.error);
    assert_int_equal(sf_anneal_run_islands(a), sf_anneal_run_islands(b));
    if (sf_anneal_run_islands(a) == 0) return;
    assert_memory_equal(sf_anneal_run_ancestors(a), sf_anneal_run_ancestors(b),
                        sf_anneal_run_chains(a) * sizeof(size_t));
    assert_memory_equal(sf_anneal_run_island(a), sf_anneal_run_island(b),
                        sf_anneal_run_islands(a) * sizeof(sf_anneal_island));
}

static sf_anneal_run *undisturbed(const case_of *c)
{
    sf_anneal_options options = c->options;
    sf_anneal_run *run;

    options.checkpoint = NULL;
    options.monitor = (sf_monitor){NULL, NULL};
    assert_ok(sf_anneal(c->path, &c->schedule, &options, &run));
    assert_false(sf_anneal_run_resumed(run));
    return run;
}

/* ---- stops ---------------------------------------------------------------------------------- */

static bool stop_at(const sf_monitor_event *event, void *user)
{
    return event->iteration < *(size_t *)user;
}

/* Stopped by the monitor at every third temperature of all batches, each time from the last. */
static void stops_leave_the_same_bits(bool smc)
{
    size_t at, resumed = 0;
    sf_anneal_run *run = NULL, *whole;
    case_of c;

    set_up(&c, smc);
    whole = undisturbed(&c);
    c.options.monitor = (sf_monitor){stop_at, &at};
    for (at = 1; run == NULL || sf_anneal_run_interrupted(run); at += 3) {
        sf_anneal_run_release(&run);
        assert_ok(sf_thread_count_set(1 + (int)(at % 2)));
        if (sf_anneal(c.path, &c.schedule, &c.options, &run) == SF_OK)
            resumed += sf_anneal_run_resumed(run);
        assert_true(at < 1000);
    }
    assert_true(resumed > 8);
    assert_string_equal(sf_anneal_run_checkpoint_error(run), "");
    assert_same_runs(whole, run);
    /* What is finished is there at once; a continued run is remembered, too. */
    assert_ok(sf_anneal_more(run, CHAINS / 4));
    assert_ok(sf_anneal_more(whole, CHAINS / 4));
    sf_anneal_run_release(&run);
    c.options.monitor = (sf_monitor){NULL, NULL};
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
    assert_same_runs(whole, run);
    sf_anneal_run_release(&run);
    sf_anneal_run_release(&whole);
    assert_ok(sf_thread_count_set(0));
    tear_down(&c);
}

static void stopped_chains_go_on(void **state)
{
    (void)state;
    stops_leave_the_same_bits(false);
}

static void stopped_islands_go_on(void **state)
{
    (void)state;
    stops_leave_the_same_bits(true);
}

/* ---- kill -9 -------------------------------------------------------------------------------- */

static bool dawdle(const sf_monitor_event *event, void *user)
{
    const struct timespec moment = {0, 300000};

    (void)event;
    (void)user;
    (void)nanosleep(&moment, NULL);
    return true;
}

/* A process that is killed while it gives a file its name leaves one beside it. */
static void sweep(pid_t child)
{
    char pattern[64];
    glob_t found;

    (void)snprintf(pattern, sizeof pattern, ".scorefield-%ld-*", (long)child);
    if (glob(pattern, GLOB_PERIOD, NULL, &found) != 0) return;
    assert_true(found.gl_pathc <= 1);
    for (size_t i = 0; i < found.gl_pathc; i++) (void)remove(found.gl_pathv[i]);
    globfree(&found);
}

/* A child on one thread: what a fork leaves of OpenMP's others is not defined. Its status is 0 when
 * it has finished. */
static int run_and_kill(const case_of *c, long nanoseconds)
{
    const struct timespec moment = {0, nanoseconds};
    const pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        sf_anneal_run *run;

        _exit(sf_anneal(c->path, &c->schedule, &c->options, &run) == SF_OK ? 0 : 1);
    }
    (void)nanosleep(&moment, NULL);
    (void)kill(child, SIGKILL);
    assert_true(waitpid(child, &status, 0) == child);
    sweep(child);
    return status;
}

/* Killed at random moments, of its writes too, until one run of it is let to the end. */
static void kills_leave_the_same_bits(bool smc)
{
    sf_anneal_run *run, *whole;
    size_t killed = 0;
    int status = -1;
    case_of c;

    set_up(&c, smc);
    assert_ok(sf_thread_count_set(1));
    whole = undisturbed(&c);
    c.options.monitor.function = dawdle;
    for (uint64_t i = 0; i < 60 && status != 0; i++) {
        double moment;

        sf_random_uniform(sf_random_make(11, smc), 0, i, 1, &moment);
        status = run_and_kill(&c, (long)(1e5 + 8e6 * moment));
        assert_false(WIFEXITED(status) && WEXITSTATUS(status) != 0);
        killed += WIFSIGNALED(status) != 0;
    }
    assert_true(killed > 3);
    c.options.monitor.function = NULL;
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
    assert_true(sf_anneal_run_resumed(run));
    assert_same_runs(whole, run);
    sf_anneal_run_release(&run);
    sf_anneal_run_release(&whole);
    assert_ok(sf_thread_count_set(0));
    tear_down(&c);
}

static void killed_chains_go_on(void **state)
{
    (void)state;
    kills_leave_the_same_bits(false);
}

static void killed_islands_go_on(void **state)
{
    (void)state;
    kills_leave_the_same_bits(true);
}

/* ---- files ---------------------------------------------------------------------------------- */

static void refuse(const case_of *c, const char *why)
{
    sf_anneal_run *run;

    assert_status(SF_ERR_FORMAT, sf_anneal(c->path, &c->schedule, &c->options, &run));
    assert_null(run);
    assert_non_null(strstr(sf_last_error(), why));
    assert_non_null(strstr(sf_last_error(), c->file));
}

static void flip(const char *file, long at)
{
    FILE *f = fopen(file, "r+b");
    int byte;

    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    byte = fgetc(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_true(fputc(byte ^ 4, f) != EOF);
    assert_int_equal(fclose(f), 0);
}

static long size_of(const char *file)
{
    FILE *f = fopen(file, "rb");
    long size;

    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    size = ftell(f);
    assert_int_equal(fclose(f), 0);
    return size;
}

/* One bit anywhere, an end missing, text, nothing. */
static void damaged_files_are_refused(void **state)
{
    sf_anneal_run *run;
    FILE *f;
    long size;
    case_of c;

    (void)state;
    set_up(&c, true);
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
    sf_anneal_run_release(&run);
    size = size_of(c.file);
    for (long at = 0; at < size; at += 1 + size / 37) {
        flip(c.file, at);
        refuse(&c, at < 8 ? "not a checkpoint" : "damaged");
        flip(c.file, at);
    }
    assert_int_equal(truncate(c.file, size - 1), 0);
    refuse(&c, "not complete");
    assert_int_equal(truncate(c.file, 12), 0);
    refuse(&c, "not complete");
    assert_int_equal(truncate(c.file, 0), 0);
    refuse(&c, "not a checkpoint");
    f = fopen(c.file, "w");
    assert_non_null(f);
    assert_true(fputs("log_z = 3.14159, and more of the same\n", f) >= 0);
    assert_int_equal(fclose(f), 0);
    refuse(&c, "not a checkpoint");
    assert_int_equal(size_of(c.file), 38);
    tear_down(&c);
}

/* Whatever changes the numbers: but not the threads, AIS's batch or more chains. */
static void other_runs_are_refused(void **state)
{
    sf_density *other_ends[2];
    sf_path *other, *path;
    sf_anneal_run *run;
    sf_anneal_options options;
    case_of c;

    (void)state;
    set_up(&c, false);
    options = c.options;
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
    sf_anneal_run_release(&run);
    c.options.seed++;
    refuse(&c, "another");
    c.options = options;
    c.options.moves = 2;
    refuse(&c, "another");
    c.options = options;
    c.options.reverse = true;
    refuse(&c, "another");
    c.options = options;
    c.options.method = SF_ANNEAL_SMC;
    refuse(&c, "another");
    c.options = options;
    c.options.kernel.friction = 0.5;
    refuse(&c, "another");
    c.options = options;
    c.schedule.step[3] *= 1.01;
    refuse(&c, "another");
    c.schedule.step[3] = c.schedule.step[2];
    other = gaussian_path(N, 0.0500001, 1.0, other_ends);
    path = c.path;
    c.path = other;
    refuse(&c, "another");
    c.path = path;
    c.options.batch = 7;
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
    assert_true(sf_anneal_run_resumed(run));
    sf_anneal_run_release(&run);
    sf_path_release(&other);
    for (size_t i = 0; i < 2; i++) sf_density_release(&other_ends[i]);
    tear_down(&c);
}

/* A folder that is not there is known before anything is computed; a disk that fills up later costs
 * the checkpoint and not the run. A limit on the size of files stands for the disk. */
static void full_disks_cost_no_run(void **state)
{
    struct rlimit before, small;
    sf_anneal_run *run, *whole;
    case_of c;

    (void)state;
    set_up(&c, false);
    whole = undisturbed(&c);
    c.options.checkpoint = "no/such/folder/anneal.state";
    assert_status(SF_ERR_IO, sf_anneal(c.path, &c.schedule, &c.options, &run));
    assert_null(run);
    c.options.checkpoint = c.file;
    /* the energies' table alone is larger than a run's beginning, with none kept */
    c.options.chains = 4;
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
    sf_anneal_run_release(&run);
    small.rlim_cur = (rlim_t)size_of(c.file) + 100;
    (void)remove(c.file);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
    assert_string_equal(sf_anneal_run_checkpoint_error(run), "");
    assert_ok(sf_anneal_more(run, CHAINS - 4));
    assert_non_null(strstr(sf_anneal_run_checkpoint_error(run), c.file));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_memory_equal(sf_anneal_run_log_weights(whole), sf_anneal_run_log_weights(run),
                        CHAINS * sizeof(double));
    sf_anneal_run_release(&run);
    /* what was written before is still good */
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
    assert_true(sf_anneal_run_resumed(run) && sf_anneal_run_chains(run) >= 4);
    sf_anneal_run_release(&run);
    sf_anneal_run_release(&whole);
    tear_down(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_chains_go_on),       cmocka_unit_test(killed_islands_go_on),
        cmocka_unit_test(stopped_chains_go_on),      cmocka_unit_test(stopped_islands_go_on),
        cmocka_unit_test(damaged_files_are_refused), cmocka_unit_test(other_runs_are_refused),
        cmocka_unit_test(full_disks_cost_no_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

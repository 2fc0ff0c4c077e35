/* test_usage.c - how a network is used, as text. */
#include <scorefield/network.h>

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void every_name_sets_its_field(void **state)
{
    (void)state;
    sf_model_usage usage = sf_model_usage_default();

    assert_int_equal(sf_model_usage_parse("noise_input=channel,prediction=residual,"
                                          "padding=circular,margin=7,multiple=8,value_scale=255,"
                                          "noise_scale=0.5,fixed_sigma=0.1,homogeneous=true,"
                                          "noise_low=0.01,noise_high=2,conditions=3",
                                          &usage),
                     SF_OK);
    assert_int_equal(usage.noise_input, SF_NOISE_CHANNEL);
    assert_int_equal(usage.prediction, SF_PREDICT_RESIDUAL);
    assert_int_equal(usage.padding, SF_PADDING_CIRCULAR);
    assert_int_equal(usage.margin, 7);
    assert_int_equal(usage.multiple, 8);
    assert_true(usage.value_scale == 255.0 && usage.noise_scale == 0.5);
    assert_true(usage.fixed_sigma == 0.1 && usage.homogeneous);
    assert_true(usage.noise_low == 0.01 && usage.noise_high == 2.0);
    assert_int_equal(usage.conditions, 3);

    /* what is not named stays; the metadata's full names are understood */
    assert_int_equal(sf_model_usage_parse("scorefield.prediction=noise", &usage), SF_OK);
    assert_int_equal(usage.prediction, SF_PREDICT_NOISE);
    assert_int_equal(usage.noise_input, SF_NOISE_CHANNEL);
}

/* A point also where people write a comma. */
static void numbers_are_those_of_no_country(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "fr_FR"};
    sf_model_usage usage = sf_model_usage_default();
    sf_status status;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (setlocale(LC_ALL, names[i]) != NULL) break;
    if (localeconv()->decimal_point[0] != ',') skip();
    status = sf_model_usage_parse("noise_scale=0.5", &usage);
    assert_non_null(setlocale(LC_ALL, "C"));
    assert_int_equal(status, SF_OK);
    assert_true(usage.noise_scale == 0.5);
}

static void errors_leave_it_as_it_was(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "prediction",   "prediction=",    "prediction=best",        "predict=noise",
        "margin=-1",    "margin=1.5",     "value_scale=0",          "value_scale=nan",
        "=noise",       "multiple=0",     "fixed_sigma=1e999",      "noise_scale=1x",
        "noise_low=-1", "noise_high=inf", "margin=3,padding=mirror"};
    const sf_model_usage before = sf_model_usage_default();

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        sf_model_usage usage = before;

        assert_int_equal(sf_model_usage_parse(wrong[i], &usage), SF_ERR_ARGUMENT);
        assert_int_equal(usage.margin, before.margin);
        assert_int_equal(usage.prediction, before.prediction);
        assert_non_null(strstr(sf_last_error(), "'"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_sets_its_field),
        cmocka_unit_test(numbers_are_those_of_no_country),
        cmocka_unit_test(errors_leave_it_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

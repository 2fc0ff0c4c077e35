/* report.c - what a run did, as one JSON object. */
#include "io/output.h"

#include <scorefield/io.h>

#include <jansson.h>
#include <math.h>
#include <string.h>

struct sf_report {
    json_t *root;
};

static sf_status fail_memory(const char *name)
{
    return sf_fail(SF_ERR_MEMORY, "no memory for the report's entry '%s'", name);
}

/* JSON is UTF-8; what is not (a file name in another encoding) loses its foreign bytes. */
static json_t *make_string(const char *text)
{
    json_t *value = json_string(text);
    char *copy;

    if (value != NULL || sf_copy_text(text, &copy) != SF_OK) return value;
    for (char *p = copy; *p != '\0'; p++)
        if ((unsigned char)*p > '~') *p = '?';
    value = json_string(copy);
    sf_free(copy);
    return value;
}

static json_t *make_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

sf_status sf_report_create(const char *program, sf_report **report)
{
    sf_report *r;
    sf_status status;

    *report = NULL;
    SF_TRY(sf_allocate(&r, 1, sizeof *r));
    r->root = json_object();
    status = r->root != NULL ? SF_OK : fail_memory("program");
    if (status == SF_OK) status = sf_report_string(r, "program", program);
    if (status == SF_OK) status = sf_report_string(r, "version", sf_version());
    if (status != SF_OK) sf_report_release(&r);
    *report = r;
    return status;
}

void sf_report_release(sf_report **report)
{
    if (report == NULL || *report == NULL) return;
    json_decref((*report)->root);
    sf_free(*report);
    *report = NULL;
}

/* The object that holds the last part of the path `name`, made on the way; *key: that part. */
static sf_status find_parent(const sf_report *report, const char *name, json_t **parent,
                             const char **key)
{
    *parent = report->root;
    for (const char *part = name;; part = *key + 1) {
        const char *slash = strchr(part, '/');
        const size_t length = slash != NULL ? (size_t)(slash - part) : strlen(part);
        json_t *child;
        if (length == 0)
            return sf_fail(SF_ERR_ARGUMENT, "the report's entry '%s' has an empty name in its path",
                           name);
        if (slash == NULL) {
            *key = part;
            return SF_OK;
        }
        child = json_object_getn(*parent, part, length);
        if (child == NULL) {
            child = json_object();
            if (json_object_setn_new(*parent, part, length, child) != 0) return fail_memory(name);
        } else if (!json_is_object(child)) {
            return sf_fail(SF_ERR_ARGUMENT, "the report's entry '%s': '%.*s' is already a value",
                           name, (int)length, part);
        }
        *parent = child;
        *key = slash;
    }
}

/* Takes the value over, whatever happens. An entry that exists is replaced in its place. */
static sf_status set_value(sf_report *report, const char *name, json_t *value)
{
    json_t *parent;
    const char *key = NULL;
    const sf_status status = value != NULL ? find_parent(report, name, &parent, &key) : SF_OK;

    if (value == NULL) return fail_memory(name);
    if (status != SF_OK) {
        json_decref(value);
        return status;
    }
    return json_object_set_new(parent, key, value) == 0 ? SF_OK : fail_memory(name);
}

sf_status sf_report_double(sf_report *report, const char *name, double value)
{
    return set_value(report, name, make_number(value));
}

sf_status sf_report_integer(sf_report *report, const char *name, long long value)
{
    return set_value(report, name, json_integer(value));
}

sf_status sf_report_bool(sf_report *report, const char *name, bool value)
{
    return set_value(report, name, json_boolean(value));
}

sf_status sf_report_string(sf_report *report, const char *name, const char *value)
{
    return set_value(report, name, make_string(value));
}

sf_status sf_report_doubles(sf_report *report, const char *name, const double *values, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; array != NULL && i < count; i++)
        if (json_array_append_new(array, make_number(values[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    return set_value(report, name, array);
}

static int append_text(const char *text, size_t size, void *output)
{
    return sf_output_write(output, text, size) == SF_OK ? 0 : -1;
}

sf_status sf_report_write(const sf_report *report, const char *path, bool overwrite)
{
    sf_output output;

    SF_TRY(sf_output_create(path, overwrite, &output));
    /* 17 digits: every double comes back as it was. */
    if (json_dump_callback(report->root, append_text, &output,
                           JSON_INDENT(2) | JSON_REAL_PRECISION(17)) == 0 &&
        append_text("\n", 1, &output) == 0)
        return sf_output_commit(&output);
    sf_output_discard(&output);
    return SF_ERR_IO; /* the sentence is sf_output_write's */
}

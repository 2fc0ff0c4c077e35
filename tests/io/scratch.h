/* scratch.h - a folder of its own for each test program, and looks into it. */
#ifndef SF_TEST_SCRATCH_H
#define SF_TEST_SCRATCH_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_folder[64];

/* <folder>/name in one of eight buffers taken in turn. */
__attribute__((unused)) static const char *scratch(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];

    if (scratch_folder[0] == '\0') {
        strcpy(scratch_folder, "/tmp/scorefield-test-XXXXXX");
        if (mkdtemp(scratch_folder) == NULL) abort();
    }
    (void)snprintf(path, sizeof paths[0], "%s/%s", scratch_folder, name);
    return path;
}

/* How many names a folder holds. */
__attribute__((unused)) static int count_files(const char *folder)
{
    DIR *d = opendir(folder);
    int n = 0;

    if (d == NULL) return -1;
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) n++;
    closedir(d);
    return n;
}

/* Removes the folder and the plain files in it and in its subfolders. */
__attribute__((unused)) static void remove_tree(const char *folder)
{
    DIR *d = opendir(folder);
    char path[1024];

    if (d == NULL) return;
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        struct stat info;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (lstat(path, &info) == 0 && S_ISDIR(info.st_mode))
            remove_tree(path);
        else
            (void)unlink(path);
    }
    closedir(d);
    (void)rmdir(folder);
}

__attribute__((unused)) static int scratch_remove(void **state)
{
    (void)state;
    if (scratch_folder[0] != '\0') remove_tree(scratch_folder);
    return 0;
}

/* The file's bytes (free), or NULL. */
__attribute__((unused)) static unsigned char *read_bytes(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    unsigned char *bytes;
    long length;

    *size = 0;
    if (f == NULL) return NULL;
    if (fseek(f, 0, SEEK_END) != 0) abort();
    length = ftell(f);
    rewind(f);
    bytes = malloc((size_t)length + 1);
    if (bytes == NULL || fread(bytes, 1, (size_t)length, f) != (size_t)length) abort();
    fclose(f);
    *size = (size_t)length;
    return bytes;
}

__attribute__((unused)) static void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");

    if (f == NULL || fwrite(bytes, 1, size, f) != size || fclose(f) != 0) abort();
}

#endif

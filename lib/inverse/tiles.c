/* tiles.c - a frame cut into tiles that overlap, for frames larger than memory. */
#include "base/internal.h"

#include <scorefield/inverse.h>

sf_status sf_tiling_make(const sf_grid *frame, size_t core, size_t margin, size_t stride,
                         sf_tiling *tiling)
{
    *tiling = (sf_tiling){.frame = *frame, .margin = margin, .stride = stride > 0 ? stride : 1};
    if (frame->axes != 2)
        return sf_fail(SF_ERR_SHAPE, "tiles are cut from frames of 2 axes, not %d", frame->axes);
    if (core == 0) return sf_fail(SF_ERR_ARGUMENT, "tiles of 0 pixels: give at least 1");
    for (int a = 0; a < 2; a++)
        tiling->across[a] = frame->shape[a] / core + (frame->shape[a] % core > 0 ? 1 : 0);
    tiling->tiles = tiling->across[0] * tiling->across[1];
    return SF_OK;
}

/* The first pixel of core number `index` along an axis; the frame's end for the one after the last.
 * The first `size % across` cores have one pixel more. */
static size_t core_begin(const sf_tiling *t, int axis, size_t index)
{
    const size_t size = t->frame.shape[axis], n = t->across[axis], more = size % n;

    return index * (size / n) + (index < more ? index : more);
}

void sf_tiling_tile(const sf_tiling *t, size_t index, sf_tile *tile)
{
    const size_t place[2] = {index / t->across[1], index % t->across[1]};

    for (int a = 0; a < 2; a++) {
        const size_t begin = core_begin(t, a, place[a]), end = core_begin(t, a, place[a] + 1);
        const size_t first = (begin > t->margin ? begin - t->margin : 0) / t->stride * t->stride;
        const size_t rest = t->frame.shape[a] - end;

        tile->core_first[a] = begin;
        tile->core_shape[a] = end - begin;
        tile->first[a] = first;
        tile->shape[a] = end + (rest < t->margin ? rest : t->margin) - first;
    }
}

size_t sf_tiling_find(const sf_tiling *t, size_t row, size_t column)
{
    const size_t pixel[2] = {row, column};
    size_t place[2];

    for (int a = 0; a < 2; a++) {
        const size_t size = t->frame.shape[a], n = t->across[a], more = size % n;
        const size_t wide = more * (size / n + 1); /* pixels in the cores with one more */

        place[a] =
            pixel[a] < wide ? pixel[a] / (size / n + 1) : more + (pixel[a] - wide) / (size / n);
    }
    return place[0] * t->across[1] + place[1];
}

/* plan.c - tensors' lives, the arena, and running the steps. */
#include "network/plan.h"

#include <omp.h>
#include <string.h>

#define ALIGNMENT ((size_t)64)

static size_t aligned(size_t bytes) { return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

sf_status sf_plan_create(int threads, const sf_plan *leader, sf_plan *plan)
{
    memset(plan, 0, sizeof *plan);
    plan->threads = threads;
    plan->leader = leader;
    return sf_dnn_create(&plan->dnn);
}

void sf_plan_release(sf_plan *plan)
{
    for (int section = 0; section < SF_SECTION_COUNT; section++) {
        sf_steps *steps = &plan->steps[section];

        for (size_t i = 0; i < steps->count; i++) sf_kernel_release(&steps->step[i].kernel);
        sf_free(steps->step);
    }
    sf_dnn_release(&plan->dnn);
    sf_free(plan->tensor);
    sf_free(plan->arena);
    memset(plan, 0, sizeof *plan);
}

/* Room for one more item; *items is a pointer to the array's pointer. */
static sf_status grow(void *items, size_t count, size_t *capacity, size_t size)
{
    void *old, *larger;
    const size_t wanted = *capacity > 0 ? 2 * *capacity : 64;

    if (count < *capacity) return SF_OK;
    memcpy(&old, items, sizeof old);
    SF_TRY(sf_allocate(&larger, wanted, size));
    if (count > 0) memcpy(larger, old, count * size);
    sf_free(old);
    memcpy(items, &larger, sizeof larger);
    *capacity = wanted;
    return SF_OK;
}

/* ---- tensors --------------------------------------------------------------------------- */

sf_status sf_plan_tensor_like(sf_plan *plan, const sf_layout *layout, const size_t dim[4],
                              sf_number number, bool fixed, size_t *tensor)
{
    sf_tensor made = {.layout = layout, .number = number, .fixed = fixed};

    SF_TRY(grow(&plan->tensor, plan->tensor_count, &plan->tensor_capacity, sizeof made));
    memcpy(made.dim, dim, sizeof made.dim);
    made.whose = plan->tensor_count;
    made.bytes = sf_layout_bytes(layout);
    made.first = SIZE_MAX;
    *tensor = plan->tensor_count;
    plan->tensor[plan->tensor_count++] = made;
    return SF_OK;
}

sf_status sf_plan_tensor(sf_plan *plan, const size_t dim[4], sf_number number, sf_order order,
                         bool fixed, size_t *tensor)
{
    const sf_layout *layout;

    SF_TRY(sf_layout_create(plan->dnn, 4, dim, number, order, NULL, &layout));
    SF_TRY(sf_plan_tensor_like(plan, layout, dim, number, fixed, tensor));
    plan->tensor[*tensor].order = order;
    return SF_OK;
}

sf_status sf_plan_view(sf_plan *plan, size_t base, size_t shift, const sf_layout *layout,
                       const size_t dim[4], sf_order order, size_t *tensor)
{
    SF_TRY(sf_plan_tensor_like(plan, layout, dim, plan->tensor[base].number, false, tensor));
    plan->tensor[*tensor].order = order;
    plan->tensor[*tensor].whose = plan->tensor[base].whose;
    plan->tensor[*tensor].shift = plan->tensor[base].shift + shift;
    return SF_OK;
}

void sf_plan_place(sf_plan *plan, size_t tensor, float *outside)
{
    sf_tensor *owner = &plan->tensor[plan->tensor[tensor].whose];

    owner->fixed = true;
    owner->outside = outside;
}

/* ---- steps ----------------------------------------------------------------------------- */

sf_status sf_plan_add(sf_plan *plan, sf_section section, const sf_step *step)
{
    sf_steps *steps = &plan->steps[section];
    sf_kernel *kernel = step->kernel;
    const sf_status status = grow(&steps->step, steps->count, &steps->capacity, sizeof *step);

    if (status != SF_OK) {
        sf_kernel_release(&kernel);
        return status;
    }
    steps->step[steps->count++] = *step;
    return SF_OK;
}

static const sf_layout *use_layout(const sf_plan *plan, const sf_use *use)
{
    return use->layout != NULL ? use->layout : plan->tensor[use->tensor].layout;
}

sf_status sf_plan_reorder(sf_plan *plan, sf_section section, size_t node, sf_use source,
                          sf_use destination, bool add)
{
    sf_step step = {.use_count = 2, .node = node};

    step.use[0] = source;
    step.use[1] = destination;
    step.use[0].role = SF_ROLE_SOURCE;
    step.use[1].role = SF_ROLE_DESTINATION;
    SF_TRY(sf_primitive_reorder(plan->dnn, use_layout(plan, &source),
                                use_layout(plan, &destination), add, &step.primitive));
    if (step.primitive == NULL)
        return sf_fail(SF_ERR_UNSUPPORTED, "%s has no fast reorder between two layouts of node %zu",
                       sf_dnn_version(), node);
    return sf_plan_add(plan, section, &step);
}

/* With one channel, or one pixel, NCHW and NHWC are the same numbers in the same places. */
static bool same_in_memory(const sf_tensor *a, sf_number number, sf_order order)
{
    const bool plain = a->order == SF_ORDER_PLAIN || a->order == SF_ORDER_CHANNELS_LAST;
    const bool wanted = order == SF_ORDER_PLAIN || order == SF_ORDER_CHANNELS_LAST;

    return plain && wanted && a->number == number && (a->dim[1] == 1 || a->dim[2] * a->dim[3] == 1);
}

sf_status sf_plan_copy(sf_plan *plan, sf_section section, size_t node, sf_copies *copies,
                       const sf_layout *layout, sf_number number, sf_order order, size_t *tensor)
{
    const sf_tensor first = plan->tensor[copies->tensor[0]];

    for (size_t i = 0; i < copies->count; i++)
        if (sf_layout_equal(plan->tensor[copies->tensor[i]].layout, layout)) {
            *tensor = copies->tensor[i];
            return SF_OK;
        }
    if (same_in_memory(&first, number, order))
        SF_TRY(sf_plan_view(plan, copies->tensor[0], 0, layout, first.dim, order, tensor));
    else {
        SF_TRY(sf_plan_tensor_like(plan, layout, first.dim, number, section == SF_SECTION_WEIGHTS,
                                   tensor));
        plan->tensor[*tensor].order = order;
        plan->tensor[*tensor].weights = section == SF_SECTION_WEIGHTS;
        SF_TRY(sf_plan_reorder(plan, section, node, (sf_use){.tensor = copies->tensor[0]},
                               (sf_use){.tensor = *tensor}, false));
    }
    if (copies->count < SF_COPIES) copies->tensor[copies->count++] = *tensor;
    return SF_OK;
}

sf_status sf_plan_copy_order(sf_plan *plan, sf_section section, size_t node, sf_copies *copies,
                             sf_number number, sf_order order, size_t *tensor)
{
    const sf_layout *layout;

    SF_TRY(sf_layout_create(plan->dnn, 4, plan->tensor[copies->tensor[0]].dim, number, order, NULL,
                            &layout));
    return sf_plan_copy(plan, section, node, copies, layout, number, order, tensor);
}

/* ---- the arena ------------------------------------------------------------------------- */

static size_t run_steps(const sf_plan *plan)
{
    return plan->steps[SF_SECTION_FORWARD].count + plan->steps[SF_SECTION_BACKWARD].count;
}

/* Forward and backward are one sequence: what the backward pass reads stays alive until then. */
static sf_step *run_step(const sf_plan *plan, size_t time)
{
    const size_t forward = plan->steps[SF_SECTION_FORWARD].count;

    return time < forward ? &plan->steps[SF_SECTION_FORWARD].step[time]
                          : &plan->steps[SF_SECTION_BACKWARD].step[time - forward];
}

static void find_lives(sf_plan *plan)
{
    for (size_t time = 0; time < run_steps(plan); time++) {
        const sf_step *step = run_step(plan, time);

        for (int u = 0; u < step->use_count; u++) {
            sf_tensor *tensor = &plan->tensor[plan->tensor[step->use[u].tensor].whose];

            if (tensor->first == SIZE_MAX) tensor->first = time;
            tensor->last = time;
        }
    }
}

/* A piece of the arena that is in use until its tensor's last step. */
typedef struct sf_piece {
    size_t offset, bytes, last;
} sf_piece;

typedef struct sf_pieces {
    sf_piece *piece; /* sorted by offset */
    size_t count, top;
} sf_pieces;

static void drop_dead(sf_pieces *pieces, size_t time)
{
    size_t kept = 0;

    for (size_t i = 0; i < pieces->count; i++)
        if (pieces->piece[i].last >= time) pieces->piece[kept++] = pieces->piece[i];
    pieces->count = kept;
}

/* The smallest gap that fits, else the end. */
static size_t place(sf_pieces *pieces, size_t bytes, size_t last)
{
    size_t end = 0, best = SIZE_MAX, best_gap = SIZE_MAX, at = pieces->count, best_at = 0;

    for (size_t i = 0; i < pieces->count; i++) {
        const size_t gap = pieces->piece[i].offset - end;

        if (gap >= bytes && gap < best_gap) {
            best = end;
            best_gap = gap;
            best_at = i;
        }
        end = pieces->piece[i].offset + pieces->piece[i].bytes;
    }
    if (best == SIZE_MAX)
        best = end;
    else
        at = best_at;
    memmove(&pieces->piece[at + 1], &pieces->piece[at],
            (pieces->count - at) * sizeof *pieces->piece);
    pieces->piece[at] = (sf_piece){best, bytes, last};
    pieces->count++;
    if (best + bytes > pieces->top) pieces->top = best + bytes;
    return best;
}

/* The result takes over the memory of an operand that dies in this step. */
static bool take_over(sf_plan *plan, sf_pieces *pieces, const sf_step *step, size_t time,
                      sf_tensor *result)
{
    const sf_tensor *operand;

    if (step->overwrites == 0) return false;
    operand = &plan->tensor[plan->tensor[step->use[step->overwrites - 1].tensor].whose];
    if (operand->fixed || operand->last != time || operand->bytes != result->bytes) return false;
    for (size_t i = 0; i < pieces->count; i++)
        if (pieces->piece[i].offset == operand->offset) {
            pieces->piece[i].last = result->last;
            result->offset = operand->offset;
            return true;
        }
    return false;
}

static void place_step(sf_plan *plan, sf_pieces *pieces, size_t time)
{
    const sf_step *step = run_step(plan, time);

    drop_dead(pieces, time);
    for (int u = 0; u < step->use_count; u++) {
        sf_tensor *tensor = &plan->tensor[plan->tensor[step->use[u].tensor].whose];

        if (tensor->fixed || tensor->first != time) continue;
        if (!take_over(plan, pieces, step, time, tensor))
            tensor->offset = place(pieces, aligned(tensor->bytes), tensor->last);
    }
}

static sf_status lay_out(sf_plan *plan)
{
    sf_pieces pieces = {0};
    size_t fixed;

    find_lives(plan);
    SF_TRY(sf_allocate(&pieces.piece, plan->tensor_count + 1, sizeof *pieces.piece));
    for (size_t time = 0; time < run_steps(plan); time++) place_step(plan, &pieces, time);
    fixed = pieces.top;
    sf_free(pieces.piece);
    for (size_t i = 0; i < plan->tensor_count; i++) {
        sf_tensor *tensor = &plan->tensor[i];

        if (tensor->whose != i || !tensor->fixed || tensor->outside != NULL ||
            (tensor->weights && plan->leader != NULL))
            continue;
        tensor->offset = fixed;
        fixed += aligned(tensor->bytes);
    }
    plan->scratch_bytes = 0;
    for (int section = 0; section < SF_SECTION_COUNT; section++)
        for (size_t i = 0; i < plan->steps[section].count; i++) {
            const sf_primitive *primitive = plan->steps[section].step[i].primitive;
            const size_t bytes = primitive != NULL ? sf_primitive_scratch_bytes(primitive) : 0;

            if (bytes > plan->scratch_bytes) plan->scratch_bytes = bytes;
        }
    plan->arena_bytes = fixed + aligned(plan->scratch_bytes);
    return sf_allocate(&plan->arena, plan->arena_bytes, 1);
}

float *sf_plan_data(const sf_plan *plan, size_t tensor)
{
    const sf_tensor *t = &plan->tensor[tensor], *owner = &plan->tensor[t->whose];
    char *start = plan->arena + owner->offset;

    if (owner->weights && plan->leader != NULL) return sf_plan_data(plan->leader, tensor);
    if (owner->outside != NULL) start = (char *)owner->outside;
    return (float *)(void *)(start + t->shift);
}

static sf_status bind_step(sf_plan *plan, sf_step *step)
{
    for (int u = 0; u < step->use_count; u++)
        SF_TRY(sf_primitive_bind(plan->dnn, step->primitive, step->use[u].role,
                                 use_layout(plan, &step->use[u]),
                                 sf_plan_data(plan, step->use[u].tensor)));
    return sf_primitive_bind(plan->dnn, step->primitive, SF_ROLE_SCRATCH, NULL,
                             plan->arena + plan->arena_bytes - aligned(plan->scratch_bytes));
}

sf_status sf_plan_finish(sf_plan *plan)
{
    SF_TRY(lay_out(plan));
    for (int section = 0; section < SF_SECTION_COUNT; section++)
        for (size_t i = 0; i < plan->steps[section].count; i++)
            if (plan->steps[section].step[i].primitive != NULL)
                SF_TRY(bind_step(plan, &plan->steps[section].step[i]));
    return SF_OK;
}

/* ---- running --------------------------------------------------------------------------- */

static sf_status run_step_now(const sf_plan *plan, const sf_step *step)
{
    float *data[SF_STEP_USES];

    if (step->primitive != NULL) return sf_primitive_run(plan->dnn, step->primitive);
    for (int u = 0; u < step->use_count; u++) data[u] = sf_plan_data(plan, step->use[u].tensor);
    step->kernel->run(step->kernel, data, plan->threads);
    return SF_OK;
}

sf_status sf_plan_run(const sf_plan *plan, sf_section section)
{
    const int before = omp_get_max_threads();
    sf_status status = SF_OK;

    /* oneDNN asks OpenMP for its threads; the setting is the calling thread's own, so put back */
    omp_set_num_threads(plan->threads);
    for (size_t i = 0; status == SF_OK && i < plan->steps[section].count; i++)
        status = run_step_now(plan, &plan->steps[section].step[i]);
    omp_set_num_threads(before);
    return status;
}

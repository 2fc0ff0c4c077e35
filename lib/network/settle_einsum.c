/* settle_einsum.c - Einsum of two operands as a product of matrices: the axes that both and the
 * result have are the batch, those that only both have are summed over, and the rest are rows (of
 * the first) and columns (of the second). */
#include "base/internal.h"
#include "network/operator.h"

#include <string.h>

/* The axes of a term by their letters, and how long they are. */
typedef struct sf_term {
    long letter[SF_TENSOR_MAX_RANK];
    size_t length[SF_TENSOR_MAX_RANK];
    int rank;
} sf_term;

static int place_of(const sf_term *term, long letter)
{
    for (int i = 0; i < term->rank; i++)
        if (term->letter[i] == letter) return i;
    return -1;
}

/* The list has the equation's letters, without blanks. */
static sf_status parse(const sf_node *node, sf_term term[3])
{
    size_t which = 0;

    for (size_t i = 0; i < node->list_count; i++) {
        const long c = node->list[i];
        sf_term *t = &term[which];

        if (c == ',' && which == 0) {
            which = 1;
        } else if (c == '-' && which == 1 && i + 1 < node->list_count && node->list[i + 1] == '>') {
            which = 2;
            i++;
        } else if (((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) &&
                   t->rank < SF_TENSOR_MAX_RANK && place_of(t, c) < 0) {
            t->letter[t->rank++] = c;
        } else {
            which = 3;
            break;
        }
    }
    if (which == 2) return SF_OK;
    return sf_resolve_refuse(
        node, SF_ERR_UNSUPPORTED,
        "the equation is not of the form ij,jk->ik: two operands, every letter "
        "once in each, and the result's");
}

static sf_status set_lengths(const sf_resolver *r, const sf_node *node, sf_term term[3])
{
    for (size_t k = 0; k < 2; k++) {
        const sf_shape *shape = sf_resolve_shape(r, node, k);

        if (shape->rank != term[k].rank)
            return sf_resolve_refuse(node, SF_ERR_SHAPE, "operand %zu has rank %d, not %d", k,
                                     shape->rank, term[k].rank);
        memcpy(term[k].length, shape->dim, sizeof term[k].length);
        for (int i = 0; i < term[k].rank; i++) {
            const int a = place_of(&term[1 - k], term[k].letter[i]);

            if (a < 0 && place_of(&term[2], term[k].letter[i]) < 0)
                return sf_resolve_refuse(node, SF_ERR_UNSUPPORTED,
                                         "the axis '%c' of one operand alone is summed over",
                                         (int)term[k].letter[i]);
            if (k == 1 && a >= 0 && term[0].length[a] != term[1].length[i])
                return sf_resolve_refuse(node, SF_ERR_SHAPE, "the axis '%c' has two lengths",
                                         (int)term[k].letter[i]);
        }
    }
    for (int i = 0; i < term[2].rank; i++) {
        const int a = place_of(&term[0], term[2].letter[i]);
        const int b = place_of(&term[1], term[2].letter[i]);

        if (a < 0 && b < 0)
            return sf_resolve_refuse(node, SF_ERR_FORMAT, "the axis '%c' comes from nowhere",
                                     (int)term[2].letter[i]);
        term[2].length[i] = a >= 0 ? term[0].length[a] : term[1].length[b];
    }
    return SF_OK;
}

/* What an axis of an operand is: 0 batch, 1 its own, 2 summed over. */
static int kind_of(const sf_term term[3], size_t operand, long letter)
{
    if (place_of(&term[2], letter) < 0) return 2;
    return place_of(&term[1 - operand], letter) < 0 ? 1 : 0;
}

/* Appends the operand's axes of a kind, in the order of `by`, and multiplies their lengths. */
static size_t append(const sf_term term[3], size_t operand, int kind, const sf_term *by,
                     sf_term *to)
{
    size_t length = 1;

    for (int i = 0; i < by->rank; i++) {
        const int at = place_of(&term[operand], by->letter[i]);

        if (at < 0 || kind_of(term, operand, by->letter[i]) != kind) continue;
        to->letter[to->rank] = by->letter[i];
        to->length[to->rank++] = term[operand].length[at];
        length *= term[operand].length[at];
    }
    return length;
}

static void order_from(const sf_term *from, const sf_term *to, long order[SF_TENSOR_MAX_RANK])
{
    for (int i = 0; i < to->rank; i++) order[i] = place_of(from, to->letter[i]);
}

/* The operand as [batch, rows, columns]. */
static sf_status as_matrices(sf_resolver *r, const sf_node *node, const sf_term term[3],
                             size_t operand, size_t *value)
{
    const int second = operand == 0 ? 1 : 2, third = operand == 0 ? 2 : 1;
    long order[SF_TENSOR_MAX_RANK] = {0};
    sf_term sorted = {.rank = 0};
    sf_shape shape = {.rank = 3};

    shape.dim[0] = append(term, operand, 0, &term[0], &sorted);
    shape.dim[1] = append(term, operand, second, &term[0], &sorted);
    shape.dim[2] = append(term, operand, third, &term[operand], &sorted);
    order_from(&term[operand], &sorted, order);
    SF_TRY(sf_emit_transpose(r, node, node->input[operand], order, value));
    return sf_emit_reshape(r, node, *value, &shape, value);
}

sf_status sf_settle_einsum(sf_resolver *r, sf_node *node, size_t *result)
{
    long order[SF_TENSOR_MAX_RANK] = {0};
    sf_term term[3] = {{.rank = 0}}, made = {.rank = 0};
    sf_shape shape;
    size_t a, b;

    SF_TRY(parse(node, term));
    SF_TRY(set_lengths(r, node, term));
    SF_TRY(as_matrices(r, node, term, 0, &a));
    SF_TRY(as_matrices(r, node, term, 1, &b));
    SF_TRY(sf_emit_pair(r, node, SF_OP_MATMUL, a, b, result));
    (void)append(term, 0, 0, &term[0], &made);
    (void)append(term, 0, 1, &term[0], &made);
    (void)append(term, 1, 1, &term[1], &made);
    shape.rank = made.rank;
    memcpy(shape.dim, made.length, sizeof made.length);
    SF_TRY(sf_emit_reshape(r, node, *result, &shape, result));
    order_from(&made, &term[2], order);
    return sf_emit_transpose(r, node, *result, order, result);
}

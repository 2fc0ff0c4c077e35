/* reference.h - an operator's definition for the plain C reference. Internal.
 *
 * A rule states its formula once: what it emits is evaluated in the forward pass, and the slopes
 * that it names beside carry the gradient in the backward pass. */
#ifndef SF_NETWORK_REFERENCE_H
#define SF_NETWORK_REFERENCE_H

#include "network/graph.h"

/* A node at work; the arrays have an entry for each value of the graph. */
typedef struct sf_work {
    const sf_node *node;
    const sf_shape *shape;
    double *const *value;
    double *const *gradient; /* NULL: the forward pass */
} sf_work;

/* Adds to zeros: the node's output, or the gradients of its inputs. The node is settled. */
typedef void (*sf_rule)(const sf_work *work);

#endif

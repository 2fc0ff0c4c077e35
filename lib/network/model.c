/* model.c - an immutable network with its usage and metadata, shared by reference count. */
#include "base/internal.h"
#include "network/usage.h"

#include <stdatomic.h>
#include <string.h>

static sf_status check_image(const sf_graph *graph)
{
    const sf_value *image = &graph->value[graph->input[0]];

    if (image->shape.rank == 4 || image->shape.rank == 0) return SF_OK;
    return sf_fail(SF_ERR_UNSUPPORTED, "the image input '%s' has rank %d, not 4", image->name,
                   image->shape.rank);
}

sf_status sf_model_from_graph(sf_graph *graph, sf_model **model)
{
    sf_status status;

    SF_GO(sf_allocate(model, 1, sizeof **model));
    (*model)->references = 1;
    (*model)->graph = graph;
    graph = NULL;
    SF_GO(check_image((*model)->graph));
    SF_GO(sf_graph_put_channels_first((*model)->graph));
    SF_GO(sf_graph_simplify((*model)->graph));
    SF_GO(sf_usage_read((*model)->graph, &(*model)->usage));
    return SF_OK;
done:
    sf_graph_release(&graph);
    sf_model_release(model);
    return status;
}

sf_model *sf_model_retain(sf_model *model)
{
    if (model != NULL) atomic_fetch_add(&model->references, 1);
    return model;
}

void sf_model_release(sf_model **model)
{
    sf_model *old = model == NULL ? NULL : *model;

    if (old == NULL) return;
    *model = NULL;
    if (atomic_fetch_sub(&old->references, 1) > 1) return;
    sf_graph_release(&old->graph);
    sf_free(old);
}

const sf_graph *sf_model_graph(const sf_model *model) { return model->graph; }

const sf_model_usage *sf_model_get_usage(const sf_model *model) { return &model->usage; }

size_t sf_model_parameter_count(const sf_model *model) { return model->graph->parameter_count; }

const char *sf_model_metadata(const sf_model *model, const char *key)
{
    for (size_t i = 0; i < model->graph->metadata_count; i++)
        if (strcmp(model->graph->metadata[i].key, key) == 0) return model->graph->metadata[i].value;
    return NULL;
}

/* A copy with another usage, or (usage NULL) with one more metadata entry. */
static sf_status copy_with(const sf_model *model, const sf_model_usage *usage, const char *key,
                           const char *value, sf_model **changed)
{
    sf_graph *graph;
    sf_status status;

    *changed = NULL;
    SF_TRY(sf_graph_copy(model->graph, &graph));
    status =
        usage != NULL ? sf_usage_write(usage, graph) : sf_graph_set_metadata(graph, key, value);
    if (status != SF_OK) {
        sf_graph_release(&graph);
        return status;
    }
    SF_TRY(sf_model_from_graph(graph, changed));
    (*changed)->usage.bf16 = usage != NULL ? usage->bf16 : model->usage.bf16;
    return SF_OK;
}

sf_status sf_model_with_usage(const sf_model *model, const sf_model_usage *usage,
                              sf_model **changed)
{
    return copy_with(model, usage, NULL, NULL, changed);
}

sf_status sf_model_with_metadata(const sf_model *model, const char *key, const char *value,
                                 sf_model **changed)
{
    return copy_with(model, NULL, key, value, changed);
}

const char *sf_model_operators(void)
{
#define SF_OP_TEXT(id, name) ", " name
    static const char text[] = SF_OP_LIST(SF_OP_TEXT);
#undef SF_OP_TEXT
    return text + 2;
}

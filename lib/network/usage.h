/* usage.h - how a network is used, as metadata entries "scorefield.*". Internal. */
#ifndef SF_NETWORK_USAGE_H
#define SF_NETWORK_USAGE_H

#include "network/graph.h"

/* What the graph's metadata say; what they leave open is the default, and `multiple` is found by
 * trial of sizes. SF_ERR_FORMAT names the entry that is wrong. */
sf_status sf_usage_read(const sf_graph *graph, sf_model_usage *usage);
/* Sets all the entries; SF_ERR_ARGUMENT for values out of range. */
sf_status sf_usage_write(const sf_model_usage *usage, sf_graph *graph);
/* Channels that the usage makes: the image, the noise level if it is one, the conditions. */
size_t sf_usage_planes(const sf_model_usage *usage);
/* Channels of the image input: what the file declares, else those. */
size_t sf_usage_channels(const sf_graph *graph, const sf_model_usage *usage);

#endif

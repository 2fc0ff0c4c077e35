/* scorefield.h - the whole library. */
#ifndef SCOREFIELD_H
#define SCOREFIELD_H

#include <scorefield/base.h>
#include <scorefield/diffusion.h>
#include <scorefield/field.h>
#include <scorefield/free_energy.h>
#include <scorefield/grid.h>
#include <scorefield/inverse.h>
#include <scorefield/io.h>
#include <scorefield/mcmc.h>
#include <scorefield/network.h>
#include <scorefield/operator.h>
#include <scorefield/prior.h>
#include <scorefield/scene.h>

#endif

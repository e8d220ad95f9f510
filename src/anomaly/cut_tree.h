/*
 * Robust random cut trees: Guha, Mishra, Roy and Schrijvers, Robust Random Cut
 * Forest Based Anomaly Detection On Streams (ICML 2016).
 *
 * A forest of trees over the same few points, which come and go.  All of it is
 * one chunk of bytes: nodes are numbers, leaves first.
 */
#ifndef KS_ANOMALY_CUT_TREE_H
#define KS_ANOMALY_CUT_TREE_H

#include "postgres.h"

typedef struct KsCutForest
{
	int32		trees;
	int32		size;			/* most points at a time */
	int32		dimensions;
	int32		leaves;			/* different points at this time */
	uint64		random;			/* state of the generator */
	/* then points, leaves and trees */
} KsCutForest;

extern size_t ks_cut_forest_size(int trees, int size, int dimensions);

/* Without points.  'seed' decides all cuts. */
extern void ks_cut_forest_init(KsCutForest *forest, int trees, int size, int dimensions, int64 seed);

/*
 * Add a point, of which there must not be 'size' already, to every tree.
 * Returns its leaf; equal points share one.  Coordinates are finite, and so is
 * the sum of the ranges over all dimensions.
 */
extern int	ks_cut_forest_insert(KsCutForest *forest, const double *point);

/* Remove one of the leaf's points from every tree. */
extern void ks_cut_forest_remove(KsCutForest *forest, int leaf);

/*
 * Collusive displacement of the leaf's points (definition 4 of the paper),
 * averaged over the trees: how many other points would move up if these, with
 * whichever neighbours hide them most, were not there, for each point removed.
 */
extern double ks_cut_forest_displacement(const KsCutForest *forest, int leaf);

#endif

/*
 * Robust random cut trees.
 *
 * A tree's inner node has a box, the smallest around its points, and a cut: a
 * dimension and a place in it; points up to that place are on the left, others
 * on the right.  Dimensions are cut with a probability proportional to the
 * box's length in them, anywhere with the same.  Inserting and removing keep
 * that so (theorems 1 and 2 of the paper): a tree is distributed as if it had
 * been made of the present points alone.
 *
 * Numbers of nodes: leaf i is i, and means the same point in every tree; inner
 * node i is size + i.  What is free is a list through 'parent'.
 */
#include "postgres.h"

#include <math.h>

#include "anomaly/cut_tree.h"

#define NONE (-1)

typedef struct Leaf
{
	int32		points;			/* equal ones; 0 if the leaf is free */
	int32		next_free;
} Leaf;

typedef struct Inner
{
	double		cut;
	int32		dimension;
	int32		parent;			/* NONE: the root; of a free node, the next free one */
	int32		left;
	int32		right;
	int32		points;			/* below */
	int32		unused;
} Inner;

/* Where the parts of one tree are. */
typedef struct Tree
{
	KsCutForest *forest;
	int32	   *root;			/* NONE: no points */
	int32	   *free_inner;
	Inner	   *inner;
	double	   *box;			/* of each inner node: its low corner, its high corner */
	int32	   *leaf_parent;
} Tree;

/* Where the parts of the forest are, from the end of its header on. */
static double *
points(const KsCutForest *forest)
{
	return (double *) (forest + 1);
}

static double *
point_of(const KsCutForest *forest, int leaf)
{
	return points(forest) + leaf * forest->dimensions;
}

static Leaf *
leaves(const KsCutForest *forest)
{
	return (Leaf *) (points(forest) + forest->size * forest->dimensions);
}

/* The first free leaf. */
static int32 *
free_leaf(const KsCutForest *forest)
{
	return (int32 *) (leaves(forest) + forest->size);
}

static size_t
tree_size(int size, int dimensions)
{
	return MAXALIGN(2 * sizeof(int32)) + size * (sizeof(Inner) + 2 * dimensions * sizeof(double)) +
		MAXALIGN(size * sizeof(int32));
}

static Tree
get_tree(const KsCutForest *forest, int i)
{
	char	   *at = (char *) free_leaf(forest) + MAXALIGN(sizeof(int32)) +
		i * tree_size(forest->size, forest->dimensions);
	Tree		tree;

	tree.forest = unconstify(KsCutForest *, forest);
	tree.root = (int32 *) at;
	tree.free_inner = tree.root + 1;
	tree.inner = (Inner *) (at + MAXALIGN(2 * sizeof(int32)));
	tree.box = (double *) (tree.inner + forest->size);
	tree.leaf_parent = (int32 *) (tree.box + forest->size * 2 * forest->dimensions);
	return tree;
}

size_t
ks_cut_forest_size(int trees, int size, int dimensions)
{
	return sizeof(KsCutForest) + size * (dimensions * sizeof(double) + sizeof(Leaf)) +
		MAXALIGN(sizeof(int32)) + trees * tree_size(size, dimensions);
}

void
ks_cut_forest_init(KsCutForest *forest, int trees, int size, int dimensions, int64 seed)
{
	memset(forest, 0, ks_cut_forest_size(trees, size, dimensions));
	forest->trees = trees;
	forest->size = size;
	forest->dimensions = dimensions;
	forest->random = (uint64) seed;
	*free_leaf(forest) = 0;
	for (int i = 0; i < size; i++)
		leaves(forest)[i].next_free = i + 1 < size ? i + 1 : NONE;
	for (int i = 0; i < trees; i++)
	{
		Tree		tree = get_tree(forest, i);

		*tree.root = NONE;
		*tree.free_inner = size;
		for (int j = 0; j < size; j++)
			tree.inner[j].parent = j + 1 < size ? size + j + 1 : NONE;
	}
}

/*
 * splitmix64: Steele, Lea and Flood, Fast Splittable Pseudorandom Number
 * Generators (OOPSLA 2014).  From 0 up to, and without, 1.
 */
static double
draw(KsCutForest *forest)
{
	uint64		z = (forest->random += UINT64CONST(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64CONST(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94D049BB133111EB);
	return ldexp((double) ((z ^ (z >> 31)) >> 11), -53);
}

static inline bool
is_leaf(const Tree *tree, int node)
{
	return node < tree->forest->size;
}

static inline Inner *
inner(const Tree *tree, int node)
{
	return &tree->inner[node - tree->forest->size];
}

static inline int32 *
parent_of(const Tree *tree, int node)
{
	return is_leaf(tree, node) ? &tree->leaf_parent[node] : &inner(tree, node)->parent;
}

static inline int
points_below(const Tree *tree, int node)
{
	return is_leaf(tree, node) ? leaves(tree->forest)[node].points : inner(tree, node)->points;
}

static inline double *
low_corner(const Tree *tree, int node)
{
	if (is_leaf(tree, node))
		return point_of(tree->forest, node);
	return tree->box + (node - tree->forest->size) * 2 * tree->forest->dimensions;
}

static inline double *
high_corner(const Tree *tree, int node)
{
	if (is_leaf(tree, node))
		return point_of(tree->forest, node);
	return low_corner(tree, node) + tree->forest->dimensions;
}

static inline int
sibling_of(const Tree *tree, int node)
{
	const Inner *parent = inner(tree, *parent_of(tree, node));

	return parent->left == node ? parent->right : parent->left;
}

/* Put 'node' where 'old' was below 'parent', or at the root. */
static void
replace_child(const Tree *tree, int parent, int old, int node)
{
	if (parent == NONE)
		*tree->root = node;
	else if (inner(tree, parent)->left == old)
		inner(tree, parent)->left = node;
	else
		inner(tree, parent)->right = node;
	*parent_of(tree, node) = parent;
}

/* The box of both of an inner node's children. */
static void
fit_box(const Tree *tree, int node)
{
	int			dimensions = tree->forest->dimensions;
	const Inner *self = inner(tree, node);
	double	   *low = low_corner(tree, node);
	double	   *high = high_corner(tree, node);
	const double *left_low = low_corner(tree, self->left);
	const double *left_high = high_corner(tree, self->left);
	const double *right_low = low_corner(tree, self->right);
	const double *right_high = high_corner(tree, self->right);

	for (int d = 0; d < dimensions; d++)
	{
		low[d] = Min(left_low[d], right_low[d]);
		high[d] = Max(left_high[d], right_high[d]);
	}
}

/* A random cut of the node's box, stretched to hold the point. */
static void
draw_cut(const Tree *tree, int node, const double *point, int *dimension, double *cut)
{
	const double *low = low_corner(tree, node);
	const double *high = high_corner(tree, node);
	double		total = 0;
	double		place;

	for (int d = 0; d < tree->forest->dimensions; d++)
		total += Max(high[d], point[d]) - Min(low[d], point[d]);
	place = draw(tree->forest) * total;
	*dimension = NONE;
	for (int d = 0; d < tree->forest->dimensions; d++)
	{
		double		start = Min(low[d], point[d]);
		double		length = Max(high[d], point[d]) - start;

		if (length == 0)
			continue;
		*dimension = d;
		/* a cut leaves something on both sides, even if rounding would have it at the end */
		*cut = start + place < start + length ? start + place : start;
		if (place < length)
			return;
		place -= length;
	}
	Assert(*dimension != NONE);
}

/* Does the cut have the point on one side, the node's box on the other? */
static bool
is_apart(const Tree *tree, int node, const double *point, int dimension, double cut)
{
	return (point[dimension] <= cut && cut < low_corner(tree, node)[dimension]) ||
		(high_corner(tree, node)[dimension] <= cut && cut < point[dimension]);
}

/* Put a new inner node between 'node' and its parent, with the leaf on its other side. */
static void
split(const Tree *tree, int node, int leaf, int dimension, double cut)
{
	int			added = *tree->free_inner;
	Inner	   *self = inner(tree, added);
	bool		leaf_is_left = point_of(tree->forest, leaf)[dimension] <= cut;

	*tree->free_inner = self->parent;
	replace_child(tree, *parent_of(tree, node), node, added);
	self->dimension = dimension;
	self->cut = cut;
	self->left = leaf_is_left ? leaf : node;
	self->right = leaf_is_left ? node : leaf;
	self->points = points_below(tree, node) + points_below(tree, leaf);
	*parent_of(tree, node) = added;
	*parent_of(tree, leaf) = added;
	fit_box(tree, added);
}

static inline int
child_towards(const Tree *tree, int node, const double *point)
{
	const Inner *self = inner(tree, node);

	return point[self->dimension] <= self->cut ? self->left : self->right;
}

static void
stretch_box(const Tree *tree, int node, const double *point)
{
	double	   *low = low_corner(tree, node);
	double	   *high = high_corner(tree, node);

	for (int d = 0; d < tree->forest->dimensions; d++)
	{
		low[d] = Min(low[d], point[d]);
		high[d] = Max(high[d], point[d]);
	}
}

/* InsertPoint of the paper (algorithm 2): a cut that sets the point apart, or one level down. */
static void
insert_leaf(const Tree *tree, int leaf)
{
	const double *point = point_of(tree->forest, leaf);
	int			node = *tree->root;
	int			dimension = 0;
	double		cut = 0;

	if (node == NONE)
	{
		replace_child(tree, NONE, NONE, leaf);
		return;
	}
	for (;;)
	{
		draw_cut(tree, node, point, &dimension, &cut);
		if (is_apart(tree, node, point, dimension, cut))
			break;
		Assert(!is_leaf(tree, node));
		inner(tree, node)->points++;
		stretch_box(tree, node, point);
		node = child_towards(tree, node, point);
	}
	split(tree, node, leaf, dimension, cut);
}

/* ForgetPoint of the paper (algorithm 1): the sibling takes the parent's place. */
static void
remove_leaf(const Tree *tree, int leaf)
{
	int			parent = *parent_of(tree, leaf);
	int			above;

	if (parent == NONE)
	{
		*tree->root = NONE;
		return;
	}
	above = *parent_of(tree, parent);
	replace_child(tree, above, parent, sibling_of(tree, leaf));
	inner(tree, parent)->parent = *tree->free_inner;
	*tree->free_inner = parent;
	for (; above != NONE; above = *parent_of(tree, above))
	{
		inner(tree, above)->points--;
		fit_box(tree, above);
	}
}

/* One more point, or one less, equal to others that stay. */
static void
count_above(const Tree *tree, int leaf, int change)
{
	for (int node = *parent_of(tree, leaf); node != NONE; node = *parent_of(tree, node))
		inner(tree, node)->points += change;
}

/* The leaf with this point, or NONE.  Any tree knows. */
static int
find_leaf(const KsCutForest *forest, const double *point)
{
	Tree		tree = get_tree(forest, 0);
	int			node = *tree.root;

	if (node == NONE)
		return NONE;
	while (!is_leaf(&tree, node))
		node = child_towards(&tree, node, point);
	for (int d = 0; d < forest->dimensions; d++)
		if (point_of(forest, node)[d] != point[d])
			return NONE;
	return node;
}

static int
take_leaf(KsCutForest *forest, const double *point)
{
	int			leaf = *free_leaf(forest);

	Assert(leaf != NONE);
	*free_leaf(forest) = leaves(forest)[leaf].next_free;
	memcpy(point_of(forest, leaf), point, forest->dimensions * sizeof(double));
	leaves(forest)[leaf].points = 1;
	forest->leaves++;
	return leaf;
}

int
ks_cut_forest_insert(KsCutForest *forest, const double *point)
{
	int			leaf = find_leaf(forest, point);
	bool		is_new = leaf == NONE;

	if (is_new)
		leaf = take_leaf(forest, point);
	else
		leaves(forest)[leaf].points++;
	for (int i = 0; i < forest->trees; i++)
	{
		Tree		tree = get_tree(forest, i);

		if (is_new)
			insert_leaf(&tree, leaf);
		else
			count_above(&tree, leaf, 1);
	}
	return leaf;
}

void
ks_cut_forest_remove(KsCutForest *forest, int leaf)
{
	bool		is_last = --leaves(forest)[leaf].points == 0;

	for (int i = 0; i < forest->trees; i++)
	{
		Tree		tree = get_tree(forest, i);

		if (is_last)
			remove_leaf(&tree, leaf);
		else
			count_above(&tree, leaf, -1);
	}
	if (is_last)
	{
		leaves(forest)[leaf].next_free = *free_leaf(forest);
		*free_leaf(forest) = leaf;
		forest->leaves--;
	}
}

double
ks_cut_forest_displacement(const KsCutForest *forest, int leaf)
{
	double		sum = 0;

	for (int i = 0; i < forest->trees; i++)
	{
		Tree		tree = get_tree(forest, i);
		double		most = 0;

		for (int node = leaf; *parent_of(&tree, node) != NONE; node = *parent_of(&tree, node))
		{
			double		displaced = points_below(&tree, sibling_of(&tree, node));

			most = Max(most, displaced / points_below(&tree, node));
		}
		sum += most;
	}
	return sum / forest->trees;
}

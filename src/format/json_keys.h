/*
 * Which places of a JSON document the columns want: a tree of keys and array
 * indexes.  It remembers the order of keys in the last message, since the
 * next message mostly has the same.
 */
#ifndef KS_FORMAT_JSON_KEYS_H
#define KS_FORMAT_JSON_KEYS_H

#include "postgres.h"

/* One step of a path. */
typedef struct KsJsonStep
{
	const char *name;			/* NULL: an array index */
	size_t		len;
	int			index;
} KsJsonStep;

typedef struct KsJsonNode
{
	char	   *name;			/* followed by a quote; NULL: an array index */
	size_t		len;
	int			index;
	uint64		head;			/* first 8 bytes of name and quote, where mask is set */
	uint64		mask;
	uint32		hash;
	bool		plain;			/* in a message it stands as it is, without escapes */
	int			slot;			/* number of the value here, -1: not wanted as a whole */

	struct KsJsonNode **children;
	int			nchildren;
	struct KsJsonNode **buckets;
	uint32		nbuckets;		/* a power of two */
	struct KsJsonNode *bucket_next;

	/* the guess, updated by the reader */
	struct KsJsonNode *first;	/* child that came first */
	struct KsJsonNode *next;	/* sibling that came after this one */
} KsJsonNode;

extern KsJsonNode *ks_json_keys_create(void);

/* The child for a step, made if need be; in CurrentMemoryContext. */
extern KsJsonNode *ks_json_keys_add(KsJsonNode *parent, const KsJsonStep *step);

/* Do the bytes at 'at' start with this node's name and the closing quote? */
static inline bool
ks_json_keys_match(const KsJsonNode *node, const char *at, const char *end)
{
	size_t		len = node->len + 1;
	uint64		word;

	if (!node->plain || end - at < Max(len, sizeof(word)))
		return false;
	memcpy(&word, at, sizeof(word));
	if ((word & node->mask) != node->head)
		return false;
	return len <= sizeof(word) ||
		memcmp(at + sizeof(word), node->name + sizeof(word), len - sizeof(word)) == 0;
}

/* The child with this name, or NULL. */
extern KsJsonNode *ks_json_keys_find(KsJsonNode *parent, const char *name, size_t len);

/* The child with this array index, or NULL. */
extern KsJsonNode *ks_json_keys_at(KsJsonNode *parent, int index);

#endif

/*
 * The tree of keys that a JSON decoder looks for.
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "format/json_keys.h"

KsJsonNode *
ks_json_keys_create(void)
{
	KsJsonNode *node = palloc0(sizeof(KsJsonNode));

	node->slot = -1;
	return node;
}

static uint32
hash_name(const char *name, size_t len)
{
	return hash_bytes((const unsigned char *) name, (int) len);
}

/* Would a JSON writer have to escape this name?  Then a guess cannot match it. */
static bool
is_plain(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (name[i] == '"' || name[i] == '\\' || (unsigned char) name[i] < 0x20)
			return false;
	return true;
}

/* Fill the hash table anew, at most half full. */
static void
rebuild_buckets(KsJsonNode *parent)
{
	uint32		size = 8;

	while (size < 2 * parent->nchildren)
		size *= 2;
	if (parent->buckets != NULL)
		pfree(parent->buckets);
	parent->nbuckets = size;
	parent->buckets = palloc0(size * sizeof(KsJsonNode *));
	for (int i = 0; i < parent->nchildren; i++)
	{
		KsJsonNode *child = parent->children[i];
		KsJsonNode **bucket = &parent->buckets[child->hash & (size - 1)];

		child->bucket_next = *bucket;
		*bucket = child;
	}
}

static KsJsonNode *
make_child(KsJsonNode *parent, const KsJsonStep *step)
{
	KsJsonNode *child = ks_json_keys_create();

	child->index = step->index;
	if (step->name != NULL)
	{
		child->name = psprintf("%.*s\"", (int) step->len, step->name);
		child->len = step->len;
		child->hash = hash_name(step->name, step->len);
		child->plain = is_plain(step->name, step->len);
		memset(&child->mask, 0xff, Min(step->len + 1, sizeof(child->mask)));
		memcpy(&child->head, child->name, Min(step->len + 1, sizeof(child->head)));
	}
	if (parent->children == NULL)
		parent->children = palloc(sizeof(KsJsonNode *));
	else
		parent->children = repalloc(parent->children,
									(parent->nchildren + 1) * sizeof(KsJsonNode *));
	parent->children[parent->nchildren++] = child;
	rebuild_buckets(parent);
	return child;
}

KsJsonNode *
ks_json_keys_add(KsJsonNode *parent, const KsJsonStep *step)
{
	KsJsonNode *child;

	if (step->name != NULL)
		child = ks_json_keys_find(parent, step->name, step->len);
	else
		child = ks_json_keys_at(parent, step->index);
	return child != NULL ? child : make_child(parent, step);
}

KsJsonNode *
ks_json_keys_find(KsJsonNode *parent, const char *name, size_t len)
{
	uint32		hash = hash_name(name, len);
	KsJsonNode *child;

	if (parent->nchildren == 0)
		return NULL;
	for (child = parent->buckets[hash & (parent->nbuckets - 1)]; child != NULL;
		 child = child->bucket_next)
		if (child->hash == hash && child->len == len && child->name != NULL &&
			memcmp(child->name, name, len) == 0)
			return child;
	return NULL;
}

KsJsonNode *
ks_json_keys_at(KsJsonNode *parent, int index)
{
	for (int i = 0; i < parent->nchildren; i++)
		if (parent->children[i]->name == NULL && parent->children[i]->index == index)
			return parent->children[i];
	return NULL;
}

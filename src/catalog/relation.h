/* Names and owners of relations. */
#ifndef KS_CATALOG_RELATION_H
#define KS_CATALOG_RELATION_H

#include "postgres.h"
#include "nodes/primnodes.h"

/* A name that a user gave, perhaps schema-qualified, as a RangeVar. */
extern RangeVar *ks_relation_parse(const char *name, const char *what);

/* Its OID; InvalidOid if missing_ok and there is none. */
extern Oid	ks_relation_find(const char *name, const char *what, bool missing_ok);

/* Qualified and quoted, as it can be put into SQL; the bare OID if it is gone. */
extern char *ks_relation_name(Oid relid);

/* Raises an error if there is no such relation. */
extern Oid	ks_relation_owner(Oid relid);

/* Raises an error unless the current role owns it (or is a member of its owner). */
extern void ks_relation_check_owner(Oid relid);

#endif

/* Columns of a relation, called r, as SQL that a detector can use. */
#ifndef KS_ANOMALY_COLUMN_H
#define KS_ANOMALY_COLUMN_H

#include "postgres.h"

/* A column's type; InvalidOid if there is no such column (or a system one). */
extern Oid	ks_column_type(Oid relation, const char *column);

/*
 * SQL for a column of that type as a number (float8; of an array its number of
 * elements, if that will do), or NULL if it is none.  Intervals are seconds.
 */
extern char *ks_column_number(Oid type, const char *column, bool or_array);

/* As a point in time (timestamptz; others than that are at UTC), or NULL if it is none. */
extern char *ks_column_time(Oid type, const char *column);

/*
 * As a part of a series' key: values are equal if and only if they are as
 * jsonb.  Strings are compared as bytes, whatever the column's collation holds
 * equal.  The expression's type can be sorted and hashed.
 */
extern char *ks_column_partition(Oid type, const char *column);

#endif

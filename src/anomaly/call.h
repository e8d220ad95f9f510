/*
 * A call of a detect_* function: over which relation, by which columns.
 *
 * A series is a value of 'series', a jsonb object of the partition_by columns:
 * rows for which it is equal belong together.
 */
#ifndef KS_ANOMALY_CALL_H
#define KS_ANOMALY_CALL_H

#include "postgres.h"
#include "nodes/pg_list.h"

#include "anomaly/detector.h"

typedef struct KsDetectorCall
{
	const KsDetectorMethod *method;
	void	   *params;			/* the method's own */
	Oid			relation;
	char	   *value_column[KS_DETECTOR_VALUES];
	char	   *time_column;
	List	   *partition_by;	/* of char *, column names */
	bool		include_open;

	/*
	 * What a state depends on: the method, its format and its own arguments.
	 * A state that is stored is of use only with the same.
	 */
	char	   *identity;
} KsDetectorCall;

/*
 * The arguments of a call of the SQL function 'function', checked: the
 * relation and its columns exist and have usable types.  Raises errors that
 * name the argument.  Returns NULL if the function is no detector.
 */
extern KsDetectorCall *ks_detector_call(Oid function, int nargs,
										const Datum *args, const bool *isnull);

/*
 * SQL over the relation, alias r, for the rows of a call: columns series
 * jsonb, ts timestamptz, value float8, and value2 float8 if the method takes
 * two values.  In order of series, ts (NULLs last), value, value2, so that
 * equal data gives an equal answer whatever its physical order.  'condition',
 * SQL over r, or NULL for all.  Open windows are left out unless asked for.
 */
extern char *ks_detector_call_query(const KsDetectorCall *call, const char *condition);

/*
 * The same rows for who builds series by himself and wants them fast: in front
 * of ts and value, and instead of series, stand a column place int8 and one
 * for each of partition_by by its name; nothing without partition_by.  Rows
 * belong to one series if the columns are equal, or to_jsonb() of them is.  In
 * order of place >> 32, ts (NULLs last), value, value2; different series with
 * the same place >> 32, which are rare, are mixed.
 */
extern char *ks_detector_call_columns_query(const KsDetectorCall *call, const char *condition);

/* The arguments' own limit: what jsonb_build_object() takes. */
#define KS_DETECTOR_MAX_PARTITION_BY 50

#endif

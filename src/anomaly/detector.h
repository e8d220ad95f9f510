/*
 * What a detector is: what one row of a series means, given the rows before it.
 *
 * Pure arithmetic over one series, row by row, in order of time; nothing looks
 * ahead.  What is kept of the past is a chunk of bytes of fixed size without
 * pointers, so that it can be stored between the batches of a stream and taken
 * up again: rows given in one go or in several give the same detections.
 *
 * Common to all detectors, unless a method says otherwise:
 *   - a row whose value is NULL or NaN is returned without a score, is no
 *     anomaly, and is not learnt from; in a frame of preceding rows it takes
 *     a place, as in SQL's window functions
 *   - a row whose value is infinite has an infinite score of its sign and is an
 *     anomaly once the detector is warm; it is not learnt from
 *   - until the detector is warm, the score is NULL and no row is an anomaly
 *   - with a spread of zero, a value equal to what is expected has score 0, any
 *     other an infinite score, and is an anomaly
 */
#ifndef KS_ANOMALY_DETECTOR_H
#define KS_ANOMALY_DETECTOR_H

#include "postgres.h"
#include "datatype/timestamp.h"

#define KS_DETECTOR_VALUES 2

typedef struct KsDetectorRow
{
	TimestampTz ts;				/* may be infinite */
	bool		no_ts;			/* NULL: such rows come last, without a place in time */
	double		value[KS_DETECTOR_VALUES];
	bool		isnull[KS_DETECTOR_VALUES];
} KsDetectorRow;

/* What a detector says of a row; NaN stands for NULL. */
typedef struct KsDetection
{
	double		expected;
	double		lower;			/* the band outside of which a value is an anomaly */
	double		upper;
	double		score;
	bool		is_anomaly;
} KsDetection;

typedef struct KsDetectorMethod
{
	const char *name;			/* of the SQL function, such as detect_zscore */
	int			format;			/* of the state; raised when its layout or its meaning changes */
	int			nvalues;		/* value columns that it takes */
	int			nparams;		/* arguments of its own, after the common ones */

	/*
	 * The method's own arguments, checked; ereports ERRCODE_INVALID_PARAMETER_VALUE.
	 * A palloc'd struct without pointers, to be given to the others.
	 */
	void	   *(*params) (const Datum *args, const bool *isnull);
	size_t		(*state_size) (const void *params);
	void		(*init) (const void *params, void *state);

	/* One row: learn from it and say what it means.  Fills all of 'detection'. */
	void		(*step) (const void *params, void *state, const KsDetectorRow *row,
						 KsDetection *detection);
} KsDetectorMethod;

/* The method behind a SQL function's name (without schema), or NULL. */
extern const KsDetectorMethod *ks_detector_method(const char *name);

#endif

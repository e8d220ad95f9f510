/*
 * Continuous views as C structs.
 */
#ifndef KS_CATALOG_VIEW_H
#define KS_CATALOG_VIEW_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "catalog/stream.h"

typedef enum KsViewKind
{
	KS_VIEW_WINDOW,				/* aggregates per window: final some day */
	KS_VIEW_RUNNING,			/* aggregates without a window: never final */
	KS_VIEW_ROWS,				/* no aggregates: cleansed rows, appended */
	KS_VIEW_DETECTOR			/* what a detector says of another view's final windows */
} KsViewKind;

typedef struct KsView
{
	int			id;
	Oid			relid;			/* the relation people read */
	Oid			owner;			/* its owner: all of the view's SQL runs as this role */
	Oid			stream;
	Oid			source;			/* the view that a detector reads; else InvalidOid */
	Oid			definition;		/* the query, as a view that is never executed */
	Oid			states;			/* InvalidOid for rows; a detector's: per series */
	Oid			open;			/* InvalidOid for rows and detectors */
	Oid			finals;			/* InvalidOid for running */
	KsViewKind	kind;
	int64		watermark_delay;	/* its own, or its stream's */
	bool		store_late;
	int64		retention;		/* of final windows; -1: keep all */
	List	   *settings;		/* of char *: name, value, name, value */
	TimestampTz closed_to;
	bool		failed;
} KsView;

/* The views of a stream by id, palloc'd in CurrentMemoryContext. */
extern List *ks_view_list(const KsStream *stream);

/* The view that people read as 'relid'; NULL if it is none. */
extern KsView *ks_view_load(Oid relid);

/* Its mark alone, as the active snapshot sees it. */
extern TimestampTz ks_view_closed_to(int id);

extern void ks_view_set_closed_to(int id, TimestampTz closed_to);
/* Windows that begin earlier may lack events. */
extern void ks_view_set_complete_from(int id, TimestampTz complete_from);

extern void ks_view_set_failed(int id, const char *reason);

extern const char *ks_view_kind_name(KsViewKind kind);

#endif

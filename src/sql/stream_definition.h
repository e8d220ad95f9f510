/* What a stream may be declared as: checks shared by create and alter. */
#ifndef KS_SQL_STREAM_DEFINITION_H
#define KS_SQL_STREAM_DEFINITION_H

#include "catalog/stream.h"

/* Everything but names of tables and columns; raises an error that names the parameter. */
extern void ks_definition_check(KsStream *stream);

/*
 * Is the event-time column there, and a timestamptz, and are generated columns
 * stored?  After the table was made.
 */
extern void ks_definition_check_table(const KsStream *stream);

/*
 * May the stream's owner reach its brokers, and do its options fit its columns?
 * After the table was made.
 */
extern void ks_definition_check_source(const KsStream *stream);

/*
 * Is 'columns' a list of column definitions and CHECK constraints, and nothing
 * else, that a staging table can have?
 */
extern void ks_definition_check_columns(const char *columns);

/* 'dead_letter' or 'stop'; 'stop' or 'continue': true for the one not the default. */
extern bool ks_definition_on_error(const char *word);
extern bool ks_definition_on_data_loss(const char *word);

#endif

/* Errors that are the data's fault, not the database's. */
#ifndef KS_BASE_DATA_ERROR_H
#define KS_BASE_DATA_ERROR_H

/*
 * Does this SQLSTATE make a dead letter of the message or row it was raised
 * for?  Everything else ends the batch, which is tried again.
 *
 * Class 22 (data exception) and 23 (integrity constraint violation) say so by
 * definition.  Class 54 (program limit exceeded) is about the size of a value,
 * and no retry lifts the limit.  Class 21 (cardinality violation) is a subquery
 * that gives this row more than one value.  Class P0 (RAISE, STRICT that found
 * nothing, ASSERT) is how functions of users refuse a value.  Such an error would come again with every retry and
 * nothing behind that row would ever be read.
 */
extern bool ks_is_data_error(int sqlstate);

#endif

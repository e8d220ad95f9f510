/*
 * Arrays of text in the catalog as lists of C strings.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "catalog/text_list.h"

List *
ks_text_list(Datum array)
{
	Datum	   *elements;
	int			nelements;
	List	   *result = NIL;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, NULL, &nelements);
	for (int i = 0; i < nelements; i++)
		result = lappend(result, TextDatumGetCString(elements[i]));
	return result;
}

Datum
ks_text_array(List *list)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(list_length(list), 1));
	ListCell   *lc;

	foreach(lc, list)
		elements[foreach_current_index(lc)] = CStringGetTextDatum(lfirst(lc));
	return PointerGetDatum(construct_array(elements, list_length(list), TEXTOID,
										   -1, false, TYPALIGN_INT));
}

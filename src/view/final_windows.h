/* Which windows a view has, and up to where they are final. */
#ifndef KS_VIEW_FINAL_WINDOWS_H
#define KS_VIEW_FINAL_WINDOWS_H

#include "postgres.h"

#include "time/window.h"

typedef struct KsFinalWindows
{
	KsWindow	window;
	TimestampTz closed_to;		/* an end of a window; DT_NOBEGIN: nothing is final yet */
} KsFinalWindows;

/*
 * Of the continuous view that people read as 'relid'.  False: it is none, or
 * has no windows.
 */
extern bool ks_final_windows(Oid relid, KsFinalWindows *windows);

/* End of the first final window that has rows; DT_NOBEGIN if none has. */
extern TimestampTz ks_final_windows_first(Oid relid);

#endif

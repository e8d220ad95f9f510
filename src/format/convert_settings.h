/*
 * The settings that messages are read with, whatever the session's are: ISO
 * dates, month before day, and the stream's time zone.
 */
#ifndef KS_FORMAT_CONVERT_SETTINGS_H
#define KS_FORMAT_CONVERT_SETTINGS_H

#include "postgres.h"
#include "miscadmin.h"
#include "pgtime.h"

typedef struct KsReadSettings
{
	pg_tz	   *timezone;
	int			date_style;
	int			date_order;
	int			interval_style;
} KsReadSettings;

/* Must be followed by a leave, also when an error passes. */
static inline void
ks_read_settings_enter(pg_tz *timezone, KsReadSettings *saved)
{
	saved->timezone = session_timezone;
	saved->date_style = DateStyle;
	saved->date_order = DateOrder;
	saved->interval_style = IntervalStyle;
	session_timezone = timezone;
	DateStyle = USE_ISO_DATES;
	DateOrder = DATEORDER_MDY;
	IntervalStyle = INTSTYLE_POSTGRES;
}

static inline void
ks_read_settings_leave(const KsReadSettings *saved)
{
	session_timezone = saved->timezone;
	DateStyle = saved->date_style;
	DateOrder = saved->date_order;
	IntervalStyle = saved->interval_style;
}

#endif

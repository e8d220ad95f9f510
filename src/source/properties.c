/*
 * What a role needs to reach a broker, checked.
 *
 * Options of servers and user mappings are checked when they are set, by what
 * the one who sets them may do, and again whenever they are used, by what the
 * server's owner may do then: so a server that changes hands, or an owner who
 * lost a right, takes nothing along.
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "source/properties.h"
#include "source/property_list.h"
#include "source/source.h"

#define WRAPPER			"kafka_stream"
#define MAX_VALUE		65536	/* bytes; certificates are the longest */

PG_FUNCTION_INFO_V1(ks_fdw_validator);

static void
refuse_role(const char *name, const char *who)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to set property \"%s\"", name),
			 errdetail("Only %s may set it, and own a server that has it.", who)));
}

static void
check_role(const KsKnownProperty *known, Oid role)
{
	switch (known->access)
	{
		case KS_PROPERTY_ANYONE:
			return;
		case KS_PROPERTY_READS_FILES:
			if (!superuser_arg(role) && !has_privs_of_role(role, ROLE_PG_READ_SERVER_FILES))
				refuse_role(known->name, "superusers and members of pg_read_server_files");
			return;
		case KS_PROPERTY_SUPERUSER:
			if (!superuser_arg(role))
				refuse_role(known->name, "superusers");
			return;
		case KS_PROPERTY_OURS:
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
					 errmsg("property \"%s\" is set by kafka_stream itself", known->name),
					 errdetail("What kafka_stream promises depends on its value.")));
	}
}

static void
check_place(const KsKnownProperty *known, Oid catalog)
{
	if (catalog == ForeignServerRelationId && !(known->where & KS_PROPERTY_IN_SERVER))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("property \"%s\" does not belong to a server, which others can read", known->name),
				 errhint("Use CREATE USER MAPPING FOR role SERVER name OPTIONS (\"%s\" '...').", known->name)));
	if (catalog == UserMappingRelationId && !(known->where & KS_PROPERTY_IN_MAPPING))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("property \"%s\" does not belong to a user mapping", known->name),
				 errhint("Use ALTER SERVER name OPTIONS (ADD \"%s\" '...').", known->name)));
}

/* Numbers are small and have a limit; text is short.  No value is shown. */
static void
check_value(const KsKnownProperty *known, const char *value)
{
	char	   *end;
	long long	number;

	if (known->max == 0)
	{
		if (strlen(value) > MAX_VALUE)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					 errmsg("value of property \"%s\" is longer than %d bytes",
							known->name, MAX_VALUE)));
		return;
	}
	errno = 0;
	number = strtoll(value, &end, 10);
	if (end == value || *end != '\0' || errno != 0 || number < -1 || number > known->max)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("value of property \"%s\" must be a number up to " INT64_FORMAT,
						known->name, known->max)));
}

static void
refuse_brokers(const char *brokers)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is not a list of brokers", brokers),
			 errhint("Write 'host:9092' or 'host1:9092,host2:9092'; [::1]:9092 for an IPv6 address.")));
}

/* One host[:port] or [address][:port]. */
static bool
is_broker(const char *text)
{
	const char *p = text;
	size_t		len;
	char	   *end;
	long		port;

	if (*p == '[')
	{
		len = strspn(p + 1, "0123456789abcdefABCDEF:.");
		if (len == 0 || p[len + 1] != ']')
			return false;
		p += len + 2;
	}
	else
	{
		len = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
		if (len == 0 || len > 253)
			return false;
		p += len;
	}
	if (*p == '\0')
		return true;
	if (*p++ != ':' || *p < '0' || *p > '9')
		return false;
	port = strtol(p, &end, 10);
	return *end == '\0' && port >= 1 && port <= 65535;
}

/* The list without blanks; an error if it is none. */
static char *
normalize_brokers(const char *brokers)
{
	StringInfoData result;
	char	   *copy = pstrdup(brokers);
	char	   *rest = copy;
	char	   *broker;

	initStringInfo(&result);
	while ((broker = strsep(&rest, ",")) != NULL)
	{
		size_t		len;

		broker += strspn(broker, " ");
		len = strlen(broker);
		while (len > 0 && broker[len - 1] == ' ')
			broker[--len] = '\0';
		if (!is_broker(broker))
			refuse_brokers(brokers);
		appendStringInfo(&result, "%s%s", result.len ? "," : "", broker);
	}
	if (result.len > 8192)
		refuse_brokers(brokers);
	return result.data;
}

static const char *
find_option(const List *options, const char *name)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst(lc);

		if (strcmp(option->defname, name) == 0)
			return defGetString(option);
	}
	return NULL;
}

static bool
is_one_of(const char *value, const char *const *words, int n)
{
	for (int i = 0; i < n; i++)
		if (pg_strcasecmp(value, words[i]) == 0)
			return true;
	return false;
}

static void
check_protocol(const char *protocol)
{
	static const char *const protocols[] = {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"};

	if (protocol && !is_one_of(protocol, protocols, lengthof(protocols)))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("there is no security protocol \"%s\"", protocol),
				 errhint("Use plaintext, ssl, sasl_plaintext or sasl_ssl.")));
}

/*
 * Kerberos is librdkafka's default mechanism, and runs a shell command as the
 * server's user even if none of its properties is set.
 */
static void
check_mechanism(const List *options, Oid role)
{
	static const char *const harmless[] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"};
	const char *protocol = find_option(options, "security.protocol");
	const char *values[] = {find_option(options, "sasl.mechanism"),
	find_option(options, "sasl.mechanisms")};
	bool		found = false;

	for (int v = 0; v < lengthof(values); v++)
	{
		bool		ok = values[v] == NULL ||
			is_one_of(values[v], harmless, lengthof(harmless));

		if (!ok && pg_strcasecmp(values[v], "GSSAPI") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					 errmsg("there is no SASL mechanism \"%s\"", values[v]),
					 errhint("Use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or, as a superuser, GSSAPI.")));
		if (!ok && !superuser_arg(role))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied to use SASL mechanism GSSAPI"),
					 errdetail("It runs kinit on the server; only superusers may set it, and own a server that has it.")));
		found |= values[v] != NULL;
	}
	if (!found && protocol && pg_strncasecmp(protocol, "sasl", 4) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
				 errmsg("security.protocol \"%s\" needs \"sasl.mechanisms\"", protocol),
				 errhint("Add for example \"sasl.mechanisms\" 'SCRAM-SHA-512'.")));
}

static void
check_server(const List *options, Oid role)
{
	const char *brokers = find_option(options, "bootstrap.servers");

	if (brokers == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
				 errmsg("a Kafka server needs \"bootstrap.servers\""),
				 errhint("Write OPTIONS (\"bootstrap.servers\" 'host:9092').")));
	normalize_brokers(brokers);
	check_protocol(find_option(options, "security.protocol"));
	check_mechanism(options, role);
}

static void
check_option(const DefElem *option, Oid catalog, Oid role)
{
	const KsKnownProperty *known = ks_property_find(option->defname);

	if (known == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("property \"%s\" is not allowed", option->defname),
				 errhint("kafka_stream takes the properties of librdkafka's CONFIGURATION.md that are known to be safe, under their first name; \"%s\" is none of them.",
						 option->defname)));
	check_role(known, role);
	check_place(known, catalog);
	check_value(known, defGetString(unconstify(DefElem *, option)));
}

/*
 * Raises an error unless 'role' may have these options (DefElem *) on an object
 * of that catalog: foreign servers and user mappings take some, others none.
 */
static void
check_options(const List *options, Oid catalog, Oid role)
{
	ListCell   *lc;

	if (catalog == ForeignDataWrapperRelationId)
	{
		if (options != NIL)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
					 errmsg("the foreign-data wrapper has no options"),
					 errhint("Give them to CREATE SERVER.")));
		return;
	}
	if (catalog != ForeignServerRelationId && catalog != UserMappingRelationId)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a Kafka server has no foreign tables"),
				 errhint("Use SELECT kafka_stream.create_stream(...) to read a topic.")));
	foreach(lc, options)
		check_option(lfirst(lc), catalog, role);
	if (catalog == ForeignServerRelationId)
		check_server(options, role);
}

Datum
ks_fdw_validator(PG_FUNCTION_ARGS)
{
	check_options(untransformRelOptions(PG_GETARG_DATUM(0)), PG_GETARG_OID(1),
						GetUserId());
	PG_RETURN_VOID();
}

static KsProperty *
make_property(const char *name, const char *value)
{
	const KsKnownProperty *known = ks_property_find(name);
	KsProperty *property = palloc(sizeof(KsProperty));

	property->name = pstrdup(name);
	property->value = pstrdup(value);
	property->scope = known->scope;
	property->secret = (known->where & KS_PROPERTY_SECRET) != 0;
	return property;
}

static List *
add_options(List *properties, const List *options)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst(lc);
		const char *value = defGetString(option);

		if (strcmp(option->defname, "bootstrap.servers") == 0)
			value = normalize_brokers(value);
		properties = lappend(properties, make_property(option->defname, value));
	}
	return properties;
}

/* Options of the role's user mapping, or PUBLIC's; NIL without one. */
static List *
mapping_options(Oid server, Oid role)
{
	Oid			owner = role;

	if (!SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(role),
							   ObjectIdGetDatum(server)))
		owner = InvalidOid;
	if (!OidIsValid(owner) &&
		!SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(InvalidOid),
							   ObjectIdGetDatum(server)))
		return NIL;
	return GetUserMapping(owner, server)->options;
}

static void
check_usage(AclResult result, ObjectType type, const char *name)
{
	if (result != ACLCHECK_OK)
		aclcheck_error(result, type, name);
}

static List *
server_properties(const char *name, Oid role)
{
	ForeignServer *server = GetForeignServerByName(name, true);
	List	   *mapping;

	if (server == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("server \"%s\" does not exist", name),
				 errhint("Use CREATE SERVER %s FOREIGN DATA WRAPPER kafka_stream OPTIONS (\"bootstrap.servers\" 'host:9092').",
						 quote_identifier(name))));
	check_usage(ks_server_aclcheck(server->serverid, role), OBJECT_FOREIGN_SERVER, name);
	if (server->fdwid != GetForeignDataWrapperByName(WRAPPER, false)->fdwid)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("server \"%s\" is not a Kafka server", name),
				 errhint("Name a server made with FOREIGN DATA WRAPPER kafka_stream.")));
	mapping = mapping_options(server->serverid, role);
	check_options(server->options, ForeignServerRelationId, server->owner);
	check_options(mapping, UserMappingRelationId, server->owner);
	return add_options(add_options(NIL, server->options), mapping);
}

List *
ks_broker_properties(const char *brokers, const char *server, Oid role)
{
	ForeignDataWrapper *wrapper;

	if ((brokers == NULL) == (server == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 brokers ? errmsg("both \"brokers\" and \"server\" are given") :
				 errmsg("neither \"brokers\" nor \"server\" is given"),
				 errhint("Write either brokers => 'host:9092' or server => 'name', the name of a server made with CREATE SERVER.")));
	if (server)
		return server_properties(server, role);

	wrapper = GetForeignDataWrapperByName(WRAPPER, false);
	if (ks_wrapper_aclcheck(wrapper->fdwid, role) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for foreign-data wrapper %s", WRAPPER),
				 errhint("A superuser can GRANT USAGE ON FOREIGN DATA WRAPPER kafka_stream TO a role; or use server => the name of a server you have USAGE on.")));
	return list_make1(make_property("bootstrap.servers", normalize_brokers(brokers)));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * identities.c - tests of UUIDs, contexts, device numbers, and the nearest word.
 */
#include "../lib/private.h"
#include "shadowadm.h"
#include "test.h"

static void uuids(void)
{
	static const char text[] = "01234567-89ab-cdef-0123-456789abcdef";
	static const char *const bad[] = {
		"", "0", "01234567-89ab-cdef-0123-456789abcde",
		"01234567-89ab-cdef-0123-456789abcdef0",
		"01234567089ab-cdef-0123-456789abcdef", "0123456g-89ab-cdef-0123-456789abcdef",
		"01234567-89ab-cdef-0123456789ab-cdef",
	};
	char buf[SHADOWCOPY_UUID_LEN];
	struct shadow_uuid uuid;
	bool refused = true;
	size_t i;

	CHECK(!shadowcopy_uuid_parse(text, &uuid), "a UUID is read");
	CHECK(uuid.b[0] == 0x01 && uuid.b[15] == 0xef, "its bytes are in the order of printing");
	CHECK_STRING(shadowcopy_uuid_format(&uuid, buf), text, "and printed again");
	CHECK(!shadowcopy_uuid_parse("01234567-89AB-CDEF-0123-456789ABCDEF", &uuid),
	      "capital digits are read");
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		refused &= shadowcopy_uuid_parse(bad[i], &uuid) == -EINVAL;
	CHECK(refused, "what is no UUID is refused");
}

static void contexts(void)
{
	static const uint32_t all[] = {
		SHADOWCOPY_CTX_BACKUP, SHADOWCOPY_CTX_FILE_SHARE_BACKUP,
		SHADOWCOPY_CTX_NAS_ROLLBACK, SHADOWCOPY_CTX_APP_ROLLBACK,
		SHADOWCOPY_CTX_CLIENT_ACCESSIBLE, SHADOWCOPY_CTX_CLIENT_ACCESSIBLE_WRITERS,
	};
	bool same = true;
	uint32_t context;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		same &= !shadowcopy_context_parse(shadowcopy_context_name(all[i]), &context) &&
			context == all[i];
	CHECK(same, "every context has a name of its own (VSS H-01 to H-06)");
	CHECK(shadowcopy_context_parse("all", &context) == -EINVAL,
	      "ALL is no context for making shadows (VSS H-07)");
	CHECK_STRING(shadowcopy_context_name(0x12345), "custom", "other bits are custom");
}

static void devices(void)
{
	struct shadow_dev dev;

	CHECK(!sc_dev_parse("254:17", &dev) && dev.major == 254 && dev.minor == 17,
	      "a device number is read");
	CHECK(sc_dev_parse("254:", &dev) && sc_dev_parse("254:1x", &dev) &&
	      sc_dev_parse("/dev/x", &dev), "what is no device number is refused");
}

static void words(void)
{
	static const char *const known[] = { "create", "delete", "list", "umount", "mount" };

	CHECK_STRING(nearest("crate", known, ARRAY_SIZE(known)) ?: "none", "create",
		     "a letter left out");
	CHECK_STRING(nearest("delte", known, ARRAY_SIZE(known)) ?: "none", "delete",
		     "another letter left out");
	CHECK_STRING(nearest("unmount", known, ARRAY_SIZE(known)) ?: "none", "umount",
		     "a letter too many");
	CHECK_STRING(nearest("del", known, ARRAY_SIZE(known)) ?: "none", "delete", "a beginning");
	CHECK(!nearest("frobnicate", known, ARRAY_SIZE(known)), "something else entirely");
	CHECK(!nearest("x", known, ARRAY_SIZE(known)), "one letter means nothing");
	CHECK(!nearest("", known, ARRAY_SIZE(known)), "no letter means nothing");
	CHECK(!nearest("create", (const char *const []){
		"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz" }, 1),
	      "a very long word does no harm");
}

void test_identities(void)
{
	uuids();
	contexts();
	devices();
	words();
}

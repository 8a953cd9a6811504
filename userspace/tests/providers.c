// SPDX-License-Identifier: GPL-2.0-only
/*
 * providers.c - tests of who makes the shadow of a volume (A-08, B-14).
 */
#include <errno.h>

#include "libshadowcopy-provider.h"
#include "test.h"

#define EXPECT(condition) CHECK((condition), #condition)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static int answer(const struct shadowcopy_provider *provider, struct shadowcopy *sc,
		  const struct shadowcopy_volume *volume, char reason[SHADOWCOPY_REASON_LEN])
{
	(void)sc;
	(void)volume;
	snprintf(reason, SHADOWCOPY_REASON_LEN, "%s says so", provider->name);
	return *(int *)provider->data;
}

static const struct shadowcopy_provider_ops ops = { .supports = answer };

static int answers[4];
static struct shadowcopy_provider providers[] = {
	{ .id = { { 1 } }, .name = "lvm", .type = SHADOWCOPY_PROVIDER_SOFTWARE, .ops = &ops,
	  .data = &answers[0] },
	{ .id = { { 2 } }, .name = "array", .type = SHADOWCOPY_PROVIDER_HARDWARE, .ops = &ops,
	  .data = &answers[1] },
	{ .id = { { 3 } }, .name = "btrfs", .type = SHADOWCOPY_PROVIDER_SOFTWARE, .priority = 5,
	  .ops = &ops, .data = &answers[2] },
	{ .id = { { 4 } }, .name = "mine", .type = SHADOWCOPY_PROVIDER_SYSTEM, .ops = &ops,
	  .data = &answers[3] },
};

static const char *chosen(struct shadowcopy *sc, const char *wanted)
{
	const struct shadowcopy_volume volume = { .dev = { 4095, 1 }, .path = "/dev/nothing" };
	const struct shadowcopy_provider *provider;
	int rc = shadowcopy_provider_choose(sc, &volume, wanted, &provider);

	return rc == -ENOENT ? "none of that name" : rc == -EBUSY ? "not now" :
	       rc == -EOPNOTSUPP ? "no" : rc ? "failed" : provider->name;
}

void test_providers(void)
{
	struct shadowcopy *sc = shadowcopy_new();
	const struct shadowcopy_provider *p = NULL;
	char order[64] = "", id[SHADOWCOPY_UUID_LEN];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(providers); i++)
		EXPECT(!shadowcopy_provider_register(sc, &providers[i]));
	while ((p = shadowcopy_provider_next(sc, p)))
		snprintf(order + strlen(order), sizeof(order) - strlen(order), "%s ", p->name);
	EXPECT(!strcmp(order, "array btrfs lvm mine native "));
	EXPECT(shadowcopy_provider_register(sc, &providers[1]) == -EEXIST);
	EXPECT(shadowcopy_provider_register(sc, &(struct shadowcopy_provider){
		.id = { { 9 } }, .name = "x", .ops = &ops }) == -EINVAL);

	answers[0] = SHADOWCOPY_SUPPORT_YES;
	EXPECT(!strcmp(chosen(sc, NULL), "lvm"));
	answers[2] = SHADOWCOPY_SUPPORT_YES;
	EXPECT(!strcmp(chosen(sc, NULL), "btrfs"));
	answers[1] = SHADOWCOPY_SUPPORT_YES;
	EXPECT(!strcmp(chosen(sc, NULL), "array"));
	EXPECT(!strcmp(chosen(sc, "lvm"), "lvm"));
	EXPECT(!strcmp(chosen(sc, shadowcopy_uuid_format(&providers[2].id, id)), "btrfs"));
	EXPECT(!strcmp(chosen(sc, "mine"), "no"));
	EXPECT(!strcmp(shadowcopy_last_error(sc)->cause, "mine says so"));
	EXPECT(!strcmp(chosen(sc, "zfs"), "none of that name"));
	answers[3] = SHADOWCOPY_SUPPORT_BLOCKED;
	EXPECT(!strcmp(chosen(sc, "mine"), "not now"));
	for (unsigned int i = 0; i < 3; i++)
		answers[i] = SHADOWCOPY_SUPPORT_NO;
	EXPECT(!strcmp(chosen(sc, NULL), "native"));
	answers[2] = -EIO;
	EXPECT(!strcmp(chosen(sc, NULL), "failed"));

	EXPECT(!shadowcopy_provider_unregister(sc, &providers[1].id));
	EXPECT(shadowcopy_provider_unregister(sc, &providers[1].id) == -ENOENT);
	EXPECT(shadowcopy_provider_unregister(sc, &shadowcopy_provider_next(sc, NULL)->id) == 0);
	EXPECT(!strcmp(shadowcopy_provider_next(sc, NULL)->name, "lvm"));
	shadowcopy_free(sc);
}

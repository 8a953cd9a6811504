// SPDX-License-Identifier: GPL-2.0-only
/*
 * stores.c - tests of stores.conf: what is understood, what is refused and how, and
 * that a change leaves everything else as it was.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/private.h"
#include "test.h"

#define CONF "/etc/shadowcopy/stores.conf"

static struct shadowcopy *sc;
static char root[64], conf[128];

static void write_conf(const char *text)
{
	FILE *file = fopen(conf, "we");

	if (!file)
		return;
	fputs(text, file);
	fclose(file);
}

static char *read_conf(void)
{
	static char text[8192];
	FILE *file = fopen(conf, "re");
	size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	text[length] = '\0';
	if (file)
		fclose(file);
	return text;
}

/* --- what is refused ---------------------------------------------------------- */

static void refuses(void)
{
	static const struct {
		const char *text;
		const char *says;
	} cases[] = {
		{ "/srv\n", CONF ":1: it has a volume, but no store" },
		{ "\n# x\n/srv /data/a b c\n", CONF ":3: it has more than three fields" },
		{ "srv /data/a\n", ":1: the volume is neither a path nor" },
		{ "UUID= /data/a\n", ":1: the volume is neither a path nor" },
		{ "* /data/a\n", ":1: what is for all volumes (*) is memory or a directory" },
		{ "* /dev/vdb/\n", ":1: what is for all volumes (*) is memory or a directory" },
		{ "/srv /dev/shm/\n", ":1: no files are made below /dev" },
		{ "/srv UUID=1234\n", ":1: a store has no UUID" },
		{ "/srv disk\n", ":1: the store is neither \"memory\" nor a path" },
		{ "/srv /data/a size=1G\n", ":1: size=1G: there is no such option; there are max" },
		{ "/srv /data/a max\n", ":1: max: an option is written NAME=VALUE" },
		{ "/srv /data/a max=\n", ":1: max: an option is written NAME=VALUE" },
		{ "/srv /data/a max=1.5G\n", ":1: max=1.5G: it has a fraction" },
		{ "/srv /data/a max=101%\n", ":1: max=101%: it is more than 100%" },
		{ "/srv /data/a max=0\n", ":1: max=0: nothing can be stored" },
		{ "/srv memory max=unlimited\n", ":1: max=unlimited: a store in memory" },
		{ "/srv memory initial=1G\n", ":1: initial=1G: only a file" },
		{ "/srv /dev/vdb initial=1G\n", ":1: initial=1G: only a file" },
		{ "/srv /data/a initial=0%\n", ":1: initial=0%: a file must have a size" },
		{ "/srv /data/a initial=unlimited\n", ":1: initial=unlimited: it is a size" },
		{ "/srv /data/a policy=drop\n", ":1: policy=drop: there are evict, throttle" },
		{ "/srv /data/a throttle=x\n", ":1: throttle=x: it is not a number of seconds" },
		{ "/srv /data/a throttle=0\n", ":1: throttle=0: it is not a number of seconds" },
		{ "/srv /data/a throttle=nan\n", ":1: throttle=nan: it is not a number" },
		{ "/srv /data/a max=1M\n", ":1: max=1M: a store has 4M at least" },
		{ "/srv /data/a initial=1M\n", ":1: initial=1M: a store has 4M at least" },
		{ "/srv /data/a max=1G,max=2G\n", ":1: max=2G: the line has it twice" },
		{ "/srv /data/a throttle=5\n", ":1: throttle= goes with policy=throttle" },
		{ "/srv /data/a policy=evict,throttle=5\n", ":1: throttle= goes with" },
		{ "/srv /data/a policy=evict\n/srv memory policy=fail-io\n",
		  ":2: line 1 gives the volume another policy" },
		{ "/srv /data/a\n/srv /data/a max=1G\n", ":2: line 1 says the same" },
		{ "/srv /data/a\n/home /data/a\n",
		  ":2: /data/a is the store of /srv already (line 1)" },
		{ "* memory\n* /data/\n", ":2: line 1 is for all volumes" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct shadowcopy_stores *stores;
		const char *text;
		int rc;

		write_conf(cases[i].text);
		rc = shadowcopy_stores_open(sc, 0, &stores);
		text = shadowcopy_last_error(sc)->text;
		if (rc == -EINVAL && !strstr(text, cases[i].says))
			printf("# %s\n", text);
		CHECK(rc == -EINVAL && !stores &&
		      strstr(text, cases[i].says), cases[i].says);
	}
}

/* --- what is understood --------------------------------------------------------- */

static const char good[] =
	"# a comment\n"
	"\n"
	"UUID=1-2\t/data/srv\\040store  max=10%,initial=128M   # keep\n"
	"  UUID=1-2 PARTUUID=ab-01 max=unlimited\n"
	"/dev/mapper/vg-db memory max=2G,policy=throttle,throttle=1.5\n"
	"* /var/lib/shadowcopy/";

static void understands(void)
{
	const struct shadowcopy_association *entry;
	struct shadowcopy_stores *stores;

	write_conf(good);
	CHECK(!shadowcopy_stores_open(sc, 0, &stores), "a good file is read");
	entry = shadowcopy_stores_entry(stores, 0);
	CHECK(entry && entry->line == 3, "comments and empty lines are passed over");
	CHECK_STRING(entry->store, "/data/srv store", "a space is \\040");
	CHECK(entry->max.percent == 10 && entry->initial.bytes == 128 << 20,
	      "sizes and percentages");
	entry = shadowcopy_stores_entry(stores, 1);
	CHECK(entry->max.bytes == SHADOWCOPY_UNLIMITED, "no limit");
	CHECK(sc_store_type(entry->store) == SHADOW_STORE_DEVICE, "a tag is a device");
	entry = shadowcopy_stores_entry(stores, 2);
	CHECK(entry->policy == SHADOW_POLICY_THROTTLE && entry->throttle_ms == 1500,
	      "a policy, and seconds");
	CHECK(sc_store_type(entry->store) == SHADOW_STORE_MEMORY, "memory");
	entry = shadowcopy_stores_default(stores);
	CHECK(entry && entry == shadowcopy_stores_entry(stores, 3),
	      "the last line counts without a newline");
	CHECK(!shadowcopy_stores_entry(stores, 4), "there are no more");
	CHECK(shadowcopy_stores_commit(stores) == -EBADF, "what is read only is not written");
	shadowcopy_stores_close(stores);

	unlink(conf);
	CHECK(!shadowcopy_stores_open(sc, 0, &stores) && !shadowcopy_stores_entry(stores, 0) &&
	      !shadowcopy_stores_default(stores), "no file: no association");
	shadowcopy_stores_close(stores);
}

/* --- changes ---------------------------------------------------------------------- */

static void changes(void)
{
	struct shadowcopy_association new = {
		.volume = "/dev/disk/by-id/a b", .store = "/data/new#1", .max.bytes = 20ULL << 30,
	};
	const struct shadowcopy_association *entry;
	struct shadowcopy_stores *stores;
	struct stat st;

	write_conf(good);
	chmod(conf, 0640);
	CHECK(!shadowcopy_stores_open(sc, SHADOWCOPY_STORES_EDIT, &stores) &&
	      !shadowcopy_stores_add(stores, &new), "an association is added");
	CHECK(!shadowcopy_stores_remove(stores, 1), "another removed");
	entry = shadowcopy_stores_entry(stores, 0);
	new = *entry;
	new.max = (struct shadowcopy_amount){ .bytes = 1 << 30 };
	CHECK(!shadowcopy_stores_change(stores, 0, &new), "another changed");
	CHECK(shadowcopy_stores_entry(stores, 1)->line == 4, "lines are counted anew");
	CHECK(!shadowcopy_stores_commit(stores), "the file is written");
	shadowcopy_stores_close(stores);
	CHECK_STRING(read_conf(),
		     "# a comment\n"
		     "\n"
		     "UUID=1-2                                  /data/srv\\040store"
		     "                      max=1G,initial=128M # keep\n"
		     "/dev/mapper/vg-db memory max=2G,policy=throttle,throttle=1.5\n"
		     "* /var/lib/shadowcopy/\n"
		     "/dev/disk/by-id/a\\040b                    /data/new#1"
		     "                             max=20G\n",
		     "other lines and comments are as they were");
	CHECK(!stat(conf, &st) && (st.st_mode & 07777) == 0640, "and so is its mode");

	CHECK(!shadowcopy_stores_open(sc, SHADOWCOPY_STORES_EDIT, &stores), "it is read again");
	new = (struct shadowcopy_association){ .volume = "/home", .store = "/data/new#1" };
	CHECK(shadowcopy_stores_add(stores, &new) == -EINVAL,
	      "a store of another volume is not added");
	shadowcopy_stores_close(stores);

	write_conf("/srv memory max=1G,policy=throttle,throttle=0.05\n");
	CHECK(!shadowcopy_stores_open(sc, SHADOWCOPY_STORES_EDIT, &stores), "a third file");
	new = *shadowcopy_stores_entry(stores, 0);
	CHECK(!shadowcopy_stores_change(stores, 0, &new) && !shadowcopy_stores_commit(stores),
	      "all options are written");
	shadowcopy_stores_close(stores);
	CHECK(strstr(read_conf(), " max=1G,policy=throttle,throttle=0.05\n"), "as they were");

	unlink(conf);
	new = (struct shadowcopy_association){ .volume = "/home", .store = "/data/home" };
	CHECK(!shadowcopy_stores_open(sc, SHADOWCOPY_STORES_EDIT, &stores) &&
	      !shadowcopy_stores_add(stores, &new) && !shadowcopy_stores_commit(stores),
	      "a file is made where there is none");
	shadowcopy_stores_close(stores);
	CHECK(!strncmp(read_conf(), "# Which volume has which stores", 31), "and explains itself");
	CHECK(!stat(conf, &st) && (st.st_mode & 07777) == 0644, "everybody may read it");
}

static void whose(void)
{
	struct shadowcopy_stores *stores;

	write_conf("* memory\n");
	chmod(conf, 0664);
	CHECK(shadowcopy_stores_open(sc, 0, &stores) == -EPERM &&
	      strstr(shadowcopy_last_error(sc)->text, "chmod go-w"),
	      "a file that others can change is not believed");
	chmod(conf, 0644);
}

static void amounts(void)
{
	static const char *const same[] = {
		"1", "4096", "64M", "20G", "1E", "10%", "100%", "unlimited",
	};
	struct shadowcopy_amount amount;
	char buf[SHADOWCOPY_AMOUNT_LEN];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(same); i++) {
		CHECK(!shadowcopy_amount_parse(same[i], &amount), same[i]);
		shadowcopy_amount_format(&amount, buf);
		shadowcopy_amount_parse(buf, &amount);
		CHECK(!strcmp(buf, same[i]) || !strcmp(buf, "4K"), "is written as it was read");
	}
	amount = (struct shadowcopy_amount){ .percent = 10 };
	CHECK(shadowcopy_amount_of(&amount, 1000) == 100, "a tenth");
}

void test_stores(void)
{
	char command[128];

	snprintf(root, sizeof(root), "/tmp/stores-test.XXXXXX");
	sc = shadowcopy_new();
	if (!sc || !mkdtemp(root)) {
		CHECK(false, "a directory");
		return;
	}
	snprintf(conf, sizeof(conf), "%s" CONF, root);
	snprintf(command, sizeof(command), "mkdir -p %s/etc/shadowcopy", root);
	CHECK(!system(command), "a recorded machine");
	shadowcopy_set_sysroot(sc, root);
	amounts();
	refuses();
	understands();
	changes();
	whose();
	shadowcopy_free(sc);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	CHECK(!system(command), "nothing is left");
}

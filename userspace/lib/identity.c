// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * identity.c - names of volumes that survive the renaming of devices.
 *
 * A name is compared with what a device is, rather than looked up: a shadow has the
 * UUID of its volume, and so has a clone, so that a look-up might find another.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "private.h"

static bool has_tag(const char *name, const char *tag, const char *value, bool any_case)
{
	size_t length = strlen(tag);

	if (strncmp(name, tag, length) || !*value)
		return false;
	return any_case ? !strcasecmp(name + length, value) : !strcmp(name + length, value);
}

bool sc_name_means(struct shadowcopy *sc, const char *name, struct shadow_dev dev)
{
	struct shadowcopy_volume volume;
	struct sc_tags tags;

	if (sc_is_tag(name))
		return !sc_probe(sc, dev, &tags) &&
		       (has_tag(name, "UUID=", tags.uuid, true) ||
			has_tag(name, "LABEL=", tags.label, false) ||
			has_tag(name, "PARTUUID=", tags.partuuid, true) ||
			has_tag(name, "PARTLABEL=", tags.partlabel, false));
	return !shadowcopy_resolve(sc, name, &volume) && sc_dev_equal(volume.dev, dev);
}

/* --- the best name ---------------------------------------------------------- */

/* Does looking the tag up lead here, or to a shadow of what is here? */
static bool is_unique(struct shadowcopy *sc, const char *name, struct shadow_dev dev)
{
	struct shadowcopy_volume volume;
	unsigned int index;

	if (sc->sysroot || shadowcopy_resolve(sc, name, &volume))
		return true;
	return sc_dev_equal(volume.dev, dev) || sscanf(volume.name, "shadow%u", &index) == 1;
}

/* Links of /dev/disk/by-id, the best kinds first: what is exact, then what people know. */
static size_t rank(const char *name)
{
	static const char *const kinds[] = {
		"dm-uuid-", "md-uuid-", "nvme-", "ata-", "virtio-", "scsi-", "wwn-",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strncmp(name, kinds[i], strlen(kinds[i])))
			break;
	return i;
}

static bool better(const char *name, const char *than)
{
	if (rank(name) != rank(than))
		return rank(name) < rank(than);
	return strcmp(name, than) < 0;
}

static bool find_link(struct shadowcopy *sc, struct shadow_dev dev, char *buf)
{
	char path[SHADOWCOPY_PATH_MAX + 32], best[256] = "";
	DIR *stream = sc->sysroot ? NULL : opendir("/dev/disk/by-id");
	struct dirent *entry;
	struct stat st;

	while (stream && (entry = readdir(stream))) {
		snprintf(path, sizeof(path), "/dev/disk/by-id/%s", entry->d_name);
		if (!stat(path, &st) && S_ISBLK(st.st_mode) &&
		    sc_dev_equal(sc_dev_from_devno(st.st_rdev), dev) &&
		    (!*best || better(entry->d_name, best)))
			snprintf(best, sizeof(best), "%s", entry->d_name);
	}
	if (stream)
		closedir(stream);
	return *best && snprintf(buf, SHADOWCOPY_PATH_MAX, "/dev/disk/by-id/%s", best) <
			SHADOWCOPY_PATH_MAX;
}

SC_EXPORT int shadowcopy_lasting_name(struct shadowcopy *sc, struct shadow_dev dev,
				      int contents, char *buf)
{
	struct shadowcopy_volume volume;
	struct sc_tags tags;
	int rc = shadowcopy_describe(sc, dev, &volume);

	if (rc)
		return SC_FAIL(sc, rc, .action = "name", .object = volume.name);
	rc = sc_probe(sc, dev, &tags);
	/* all devices of a btrfs have the same */
	if (!rc && contents && tags.filesystem && *tags.uuid &&
	    sc_btrfs_devices(sc, volume.name, NULL, NULL) < 2) {
		snprintf(buf, SHADOWCOPY_PATH_MAX, "UUID=%s", tags.uuid);
		if (is_unique(sc, buf, dev))
			return 0;
	}
	snprintf(buf, SHADOWCOPY_PATH_MAX, "%s", volume.path);
	if (!strncmp(volume.path, "/dev/mapper/", 12))
		return 0;
	if (!rc && *tags.partuuid) {
		snprintf(buf, SHADOWCOPY_PATH_MAX, "PARTUUID=%s", tags.partuuid);
		if (is_unique(sc, buf, dev))
			return 0;
	}
	if (find_link(sc, dev, buf))
		return 0;
	snprintf(buf, SHADOWCOPY_PATH_MAX, "%s", volume.path);
	return 1;
}

SC_EXPORT int shadowcopy_fs_uuid(struct shadowcopy *sc, struct shadow_dev dev, char *buf,
				 size_t size)
{
	struct sc_tags tags;
	int rc = sc_probe(sc, dev, &tags);

	buf[0] = '\0';
	if (rc)
		return SC_FAIL(sc, rc, .action = "see what is on the volume");
	if (tags.filesystem)
		snprintf(buf, size, "%s", tags.uuid);
	return 0;
}

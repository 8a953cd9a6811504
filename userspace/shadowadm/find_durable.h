/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * find_durable.h - the durable stores that are on the machine's block devices, and the volumes
 * that they can be of.
 */
#ifndef SHADOWADM_FIND_DURABLE_H
#define SHADOWADM_FIND_DURABLE_H

#include "durable.h"
#include "shadowadm.h"

/* A block device. */
struct device {
	struct shadowcopy_volume volume;
	char node[40];		/* "/dev/vda", its own name in /dev */
	bool held;		/* another device is made of it */
};

/**
 * struct durable_found - a device that has a durable store on it
 * @device: number of the device
 * @in_use: the module has it already; what follows is nothing then:
 * @volume: whose store it is
 * @durable: what it says
 */
struct durable_found {
	size_t device;
	bool in_use;
	struct shadow_dev volume;
	struct durable durable;
};

struct machine {
	struct device *devices;
	size_t device_count;
	struct durable_found *stores;
	size_t store_count;
};

/* Look at all block devices but shadows, CD-ROMs and floppies.  0 or a negative errno. */
int machine_read(struct context *context, struct machine *machine);
void machine_free(struct machine *machine);

/*
 * Can the device be the store's volume?  One that cannot be read is none, and neither is a member
 * of an array, on which the array's own blocks may lie in the same places.
 */
enum durable_fit machine_fits(const struct device *device, const struct durable *durable);

/* Is there a durable store in a file, with its header where files have it? */
bool durable_in_file(const char *path);

/* ... at this place? */
bool durable_at(const struct shadowcopy_store *store);

#endif /* SHADOWADM_FIND_DURABLE_H */

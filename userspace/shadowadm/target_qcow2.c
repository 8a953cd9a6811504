// SPDX-License-Identifier: GPL-2.0-only
/*
 * target_qcow2.c - a shadow is received in a qcow2 image, by QEMU's own programs: qemu-img makes
 * it, laid over that of the base if there is one, and qemu-nbd writes it.
 *
 * qemu-nbd gets its socket by way of libnbd, ends with the connection, and so with us.  libnbd is
 * loaded when it is needed, since what it needs itself has no place in an initramfs, where
 * shadowadm is, too.
 */
#include <dlfcn.h>
#include <endian.h>
#include <fcntl.h>
#include <libnbd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "target.h"

#define LIBRARY		"libnbd.so.0"
#define ZERO_MAX	(1ULL << 30)	/* in one request */
#define BUSY_MS		5000		/* how long one that served before may take to end */
#define BUSY_STEP_MS	250

extern char **environ;

static struct {
	__typeof__(nbd_create) *create;
	__typeof__(nbd_close) *close;
	__typeof__(nbd_get_error) *get_error;
	__typeof__(nbd_get_errno) *get_errno;
	__typeof__(nbd_get_size) *get_size;
	__typeof__(nbd_connect_systemd_socket_activation) *connect;
	__typeof__(nbd_pread) *pread;
	__typeof__(nbd_pwrite) *pwrite;
	__typeof__(nbd_zero) *zero;
	__typeof__(nbd_flush) *flush;
	__typeof__(nbd_shutdown) *shutdown;
} nbd;

static int load_library(struct context *context)
{
	const struct {
		const char *name;
		void *function;
	} symbols[] = {
		{ "nbd_create", &nbd.create }, { "nbd_close", &nbd.close },
		{ "nbd_get_error", &nbd.get_error }, { "nbd_get_errno", &nbd.get_errno },
		{ "nbd_get_size", &nbd.get_size },
		{ "nbd_connect_systemd_socket_activation", &nbd.connect },
		{ "nbd_pread", &nbd.pread }, { "nbd_pwrite", &nbd.pwrite },
		{ "nbd_zero", &nbd.zero }, { "nbd_flush", &nbd.flush },
		{ "nbd_shutdown", &nbd.shutdown },
	};
	void *library = dlopen(LIBRARY, RTLD_NOW), *function;
	size_t i;

	if (!library)
		return fail(context, "qcow2 images need libnbd, which is not here: install it "
			    "(Debian: libnbd0 and qemu-utils)");
	for (i = 0; i < ARRAY_SIZE(symbols); i++) {
		function = dlsym(library, symbols[i].name);
		if (!function)
			return fail(context, "qcow2 images need a libnbd that has %s",
				    symbols[i].name);
		memcpy(symbols[i].function, &function, sizeof(function));
	}
	return STATUS_OK;
}

/* --- calls ------------------------------------------------------------------------------- */

static int result(struct target *target, int rc)
{
	if (rc >= 0)
		return 0;
	snprintf(target->problem, sizeof(target->problem), "%s", nbd.get_error() ?: "");
	rc = nbd.get_errno();
	return rc > 0 ? -rc : -EIO;
}

static int qcow2_write(struct target *target, const void *data, size_t length, uint64_t offset)
{
	return result(target, nbd.pwrite(target->private, data, length, offset, 0));
}

static int qcow2_zero(struct target *target, uint64_t length, uint64_t offset)
{
	uint64_t part;
	int rc = 0;

	/* Without something beneath, what was not written is zeros. */
	if (target->fresh)
		return 0;
	for (; !rc && length; length -= part, offset += part) {
		part = length < ZERO_MAX ? length : ZERO_MAX;
		rc = result(target, nbd.zero(target->private, part, offset, 0));
	}
	return rc;
}

static int qcow2_read(struct target *target, void *buf, size_t length, uint64_t offset)
{
	return result(target, nbd.pread(target->private, buf, length, offset, 0));
}

static int qcow2_flush(struct target *target)
{
	int rc = result(target, nbd.flush(target->private, 0));
	int fd;

	if (rc)
		return rc;
	/* What is read back is to come from the disk. */
	fd = open(target->path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		close(fd);
	}
	return 0;
}

static void qcow2_close(struct target *target)
{
	if (!target->private)
		return;
	/* It waits for qemu-nbd, which has then written what there is to be written. */
	nbd.shutdown(target->private, 0);
	nbd.close(target->private);
}

/* --- the header of an image -------------------------------------------------------------- */

struct header {			/* all of it big-endian */
	uint32_t magic;
	uint32_t version;
	uint64_t base_offset;
	uint32_t base_length;
	uint32_t cluster_bits;
	uint64_t bytes;
};

#define MAGIC	0x514649fb	/* "QFI\xfb" */

static bool read_header(int fd, struct header *header)
{
	return pread(fd, header, sizeof(*header), 0) == sizeof(*header) &&
	       be32toh(header->magic) == MAGIC;
}

int target_qcow2_bytes(const char *path, uint64_t *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct header header;
	bool good = fd >= 0 && read_header(fd, &header);

	if (fd >= 0)
		close(fd);
	*bytes = good ? be64toh(header.bytes) : 0;
	return good ? 0 : -EINVAL;
}

bool target_qcow2_is_over(const char *path, const struct stat *base)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *slash = strrchr(path, '/');
	char name[1024] = "", *full = NULL;
	struct header header;
	struct stat st;
	size_t length;
	bool is = false;

	if (fd < 0)
		return false;
	if (read_header(fd, &header) && header.base_offset) {
		length = be32toh(header.base_length);
		if (length < sizeof(name) &&
		    pread(fd, name, length, be64toh(header.base_offset)) == (ssize_t)length &&
		    asprintf(&full, "%.*s%s", slash && *name != '/' ? (int)(slash - path + 1) : 0,
			     path, name) >= 0)
			is = !stat(full, &st) && st.st_dev == base->st_dev &&
			     st.st_ino == base->st_ino;
		free(full);
	}
	close(fd);
	return is;
}

/* --- QEMU's programs --------------------------------------------------------------------- */

static int run_program(struct context *context, char **argv)
{
	int status, rc;
	pid_t pid;

	rc = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (rc == ENOENT)
		return fail(context, "qcow2 images need %s, which is not here: install it (Debian: "
			    "qemu-utils)", argv[0]);
	if (rc)
		return fail(context, "%s cannot be started: %s", argv[0], strerror(rc));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return fail(context, "%s failed", argv[0]);
	return STATUS_OK;
}

/* A colon before the first slash would be taken for a protocol. */
static char *plain_path(const char *path)
{
	char *text;

	return asprintf(&text, "%s%s", *path == '/' ? "" : "./", path) < 0 ? NULL : text;
}

static size_t directory_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash - path + 1 : 0;
}

/* As the image names it: relative where both are in one directory, which can be moved then. */
static char *base_name(const char *path, const char *base)
{
	size_t length = directory_length(base);

	if (length == directory_length(path) && !strncmp(path, base, length))
		return strchr(base + length, ':') ? plain_path(base + length) :
		       strdup(base + length);
	return realpath(base, NULL);
}

static int create(struct context *context, const struct target_wish *wish,
		  const struct target *target)
{
	char *path = plain_path(target->path), size[24];
	char *base = wish->base ? base_name(target->path, wish->base) : NULL;
	char *argv[12] = {
		"qemu-img", "create", "-q", "-f", "qcow2", path, size,
		base ? "-b" : NULL, base, "-F", "qcow2", NULL,
	};
	mode_t mask;
	int status;

	snprintf(size, sizeof(size), "%llu", (unsigned long long)wish->bytes);
	if (!path || (wish->base && !base)) {
		status = fail(context, "%s cannot be made: %s", target->path, strerror(errno));
	} else {
		/* Who may not read the volume is not to read it here. */
		mask = umask(077);
		status = run_program(context, argv);
		umask(mask);
	}
	free(path);
	free(base);
	return status;
}

/*
 * A Ctrl-C, which it would get, too, is not to end it before we have brought to stable storage
 * what there is.  It has handlers of its own, so the signals are kept from it.
 */
static int start_server(struct nbd_handle *handle, char **argv)
{
	sigset_t kept, before;
	int rc;

	sigemptyset(&kept);
	sigaddset(&kept, SIGINT);
	sigaddset(&kept, SIGHUP);
	sigaddset(&kept, SIGTERM);	/* to all of a service or of a session */
	sigprocmask(SIG_BLOCK, &kept, &before);
	rc = nbd.connect(handle, argv);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* qemu-nbd of one that was killed before may have it a moment longer. */
static int connect_to_server(struct context *context, const struct target_wish *wish,
			     struct target *target)
{
	const struct timespec step = { .tv_nsec = BUSY_STEP_MS * 1000000L };
	char *path = plain_path(target->path);
	char *argv[6] = {
		"qemu-nbd", "--format=qcow2", "--discard=unmap",
		wish->read_only ? "--read-only" : "--cache=writeback", path, NULL,
	};
	int waited;

	for (waited = 0; path; waited += BUSY_STEP_MS) {
		target->private = nbd.create();
		if (!target->private ||
		    !start_server(target->private, argv) || waited >= BUSY_MS)
			break;
		nbd.close(target->private);
		nanosleep(&step, NULL);
	}
	free(path);
	if (!target->private)
		return fail(context, "there is not enough memory");
	if (nbd.get_size(target->private) >= 0)
		return STATUS_OK;
	fail(context, "qemu-nbd (Debian: qemu-utils) cannot open %s: %s", target->path,
	     nbd.get_error() ?: "");
	nbd.close(target->private);
	target->private = NULL;
	return STATUS_FAILED;
}

static int check_size(struct context *context, const struct target_wish *wish,
		      const struct target *target)
{
	long long bytes = nbd.get_size(target->private);

	if ((uint64_t)bytes == wish->bytes)
		return STATUS_OK;
	return fail(context, "%s has %lld bytes, and the shadow %llu", target->path, bytes,
		    (unsigned long long)wish->bytes);
}

static int qcow2_begin(struct context *context, const struct target_wish *wish,
		       struct target *target)
{
	if ((wish->begin && create(context, wish, target)) ||
	    connect_to_server(context, wish, target))
		return STATUS_FAILED;
	return check_size(context, wish, target);
}

static const struct target_calls calls = {
	.begin = qcow2_begin, .write = qcow2_write, .zero = qcow2_zero, .read = qcow2_read,
	.flush = qcow2_flush, .close = qcow2_close,
};

int target_qcow2_open(struct context *context, const struct target_wish *wish,
		      struct target *target)
{
	struct stat st;

	target->calls = &calls;
	target->fresh = wish->begin && !wish->base;
	if (load_library(context))
		return STATUS_FAILED;
	if (wish->read_only)
		return connect_to_server(context, wish, target) ?:
		       check_size(context, wish, target);
	if (wish->begin && !wish->force && !stat(target->path, &st) &&
	    (!S_ISREG(st.st_mode) || st.st_size))
		return fail_for(context, "exists", "%s is there already, and would be lost: name "
				"another file, or say --force to overwrite this one",
				target->path);
	return STATUS_OK;
}

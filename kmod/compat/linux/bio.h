/* SPDX-License-Identifier: GPL-2.0-only */
/* Completes linux/bio.h: making and cloning bios, and where they point. */
#ifndef SHADOW_COMPAT_LINUX_BIO_H
#define SHADOW_COMPAT_LINUX_BIO_H

#include_next <linux/bio.h>

#if !HAVE_BIO_MAX_VECS
#define BIO_MAX_VECS	BIO_MAX_PAGES
#endif

/* A macro since it exists. */
#ifndef REQ_POLLED
#define REQ_POLLED	REQ_HIPRI
#endif

#if !HAVE_BIO_CLEAR_POLLED
static inline void bio_clear_polled(struct bio *bio)
{
	bio->bi_opf &= ~REQ_POLLED;
}
#endif

#if !HAVE_BIO_ALLOC_BDEV
static inline struct bio *shadow_bio_alloc_bioset(struct block_device *bdev, unsigned short nr,
						  unsigned int opf, gfp_t gfp, struct bio_set *bs)
{
	struct bio *bio = bio_alloc_bioset(gfp, nr, bs);

	if (bio) {
		bio_set_dev(bio, bdev);
		bio->bi_opf = opf;
	}
	return bio;
}

#define bio_alloc_bioset(bdev, nr, opf, gfp, bs) \
	shadow_bio_alloc_bioset(bdev, nr, opf, gfp, bs)
#endif

static __always_inline struct gendisk *shadow_bio_disk(const struct bio *bio)
{
#if HAVE_BIO_BDEV
	return bio->bi_bdev->bd_disk;
#else
	return bio->bi_disk;
#endif
}

/* A clone that goes where @src goes; NULL without memory. */
static inline struct bio *shadow_bio_clone(struct bio *src, gfp_t gfp, struct bio_set *bs)
{
#if HAVE_BIO_ALLOC_CLONE
	return bio_alloc_clone(src->bi_bdev, src, gfp, bs);
#else
	return bio_clone_fast(src, gfp, bs);
#endif
}

#endif /* SHADOW_COMPAT_LINUX_BIO_H */

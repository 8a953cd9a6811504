/* SPDX-License-Identifier: GPL-2.0-only */
/* Completes linux/bio.h: making and cloning bios, and where they point. */
#ifndef SHADOW_COMPAT_LINUX_BIO_H
#define SHADOW_COMPAT_LINUX_BIO_H

#include_next <linux/bio.h>

/* From 6.11 on there are writes that must not be cut in two; integrity has a file of its own. */
#ifdef REQ_ATOMIC
#include <linux/bio-integrity.h>
#else
#define REQ_ATOMIC	0
#endif

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
#define blk_opf_t	unsigned int

static inline struct bio *shadow_bio_alloc_bioset(struct block_device *bdev, unsigned short nr,
						  blk_opf_t opf, gfp_t gfp, struct bio_set *bs)
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

/*
 * Bios for those who must not wait.  From 7.0 on the kernel does not look into a
 * bio set's reserve for them, before that it did: so we do it, everywhere alike,
 * and in the same way as the kernel does for those who may wait.
 */

/**
 * shadow_bio_clone() - a clone that goes where its source goes
 * @src: the source
 * @gfp: without __GFP_DIRECT_RECLAIM the reserve is used all the same
 * @bs: a bio set without a cache
 *
 * Context: any, as far as @gfp allows.
 * Return: the clone; NULL without memory, and with the reserve used up.
 */
static inline struct bio *shadow_bio_clone(struct bio *src, gfp_t gfp, struct bio_set *bs)
{
#if HAVE_BIO_ALLOC_CLONE
	struct bio *bio = bio_alloc_clone(src->bi_bdev, src, gfp, bs);
	void *p;

	if (bio || gfp & __GFP_DIRECT_RECLAIM)
		return bio;
	p = mempool_alloc(&bs->bio_pool, gfp);
	if (!p)
		return NULL;
	bio = p + bs->front_pad;
	if (bio_init_clone(src->bi_bdev, bio, src, gfp)) {
		mempool_free(p, &bs->bio_pool);
		return NULL;
	}
	bio->bi_opf &= ~REQ_ALLOC_CACHE;
	bio->bi_pool = bs;
	return bio;
#else
	return bio_clone_fast(src, gfp, bs);
#endif
}

/**
 * shadow_bio_alloc_nowait() - a bio without waiting
 * @bdev: where it goes
 * @nr: pages that it is for
 * @opf: operation and flags
 * @bs: a bio set with BIOSET_NEED_BVECS and without a cache
 *
 * Context: any.
 * Return: a bio for at least @nr pages; NULL without memory, and with the reserve
 * used up.
 */
static inline struct bio *shadow_bio_alloc_nowait(struct block_device *bdev, unsigned short nr,
						  blk_opf_t opf, struct bio_set *bs)
{
	gfp_t gfp = GFP_NOWAIT | __GFP_NOWARN;
	struct bio *bio = bio_alloc_bioset(bdev, nr, opf, gfp, bs);
#if HAVE_BIO_ALLOC_BDEV
	struct bio_vec *bvecs;
	void *p;

	if (bio)
		return bio;
	p = mempool_alloc(&bs->bio_pool, gfp);
	if (!p)
		return NULL;
	bvecs = mempool_alloc(&bs->bvec_pool, gfp);
	if (!bvecs) {
		mempool_free(p, &bs->bio_pool);
		return NULL;
	}
	bio = p + bs->front_pad;
	bio_init(bio, bdev, bvecs, BIO_MAX_VECS, opf);
	bio->bi_pool = bs;
	return bio;
#else
	/* Only bios of the largest size come from the reserve. */
	return bio ?: bio_alloc_bioset(bdev, BIO_MAX_VECS, opf, gfp, bs);
#endif
}

#endif /* SHADOW_COMPAT_LINUX_BIO_H */

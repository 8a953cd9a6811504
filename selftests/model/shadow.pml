// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the old content of a block is preserved: a model of one volume, for spin.
 * check.sh runs it.
 *
 * The algorithm.  Taking a shadow (the instant) ends an epoch of the volume.  A
 * block that is about to be overwritten is preserved at most once per epoch: a
 * record is made under the newest epoch (the target), then the block's settled
 * bit is set ("nothing is left to preserve here in this epoch"), and only then
 * the write goes to the device.  A shadow of epoch e reads a block from the first
 * record at an epoch >= e, and from the origin where there is none; having read
 * the origin it looks again.
 *
 *	process	stands for						in kmod/
 *	bio	one write: hook, gate, queue, clone, completion		hook.c gate.c preserve.c
 *	worker	the volume's event loop: claim, record, settle, release	preserve.c epochs.c
 *	disk	completions of the worker's reads of the origin		preserve.c
 *	image	one read of one block of one shadow			image.c
 *	set	instants: close the gate, drain, flip, open it		set.c gate.c epochs.c
 *	timer	opens the gate by itself (or never does)		set.c
 *	fold	deletion of shadows, in any order, under load		image.c epochs.c
 *	freemap	user space says: block 0 is free in the newest shadow	epochs.c (settling)
 *	monitor	looks at what is left when nothing moves any more
 *
 * An atomic block is one critical section, or one access that is atomic by
 * itself; between two of them anything else may happen.  Records, target and
 * settled bits change under one lock.  The hook tests gate and bits without it.
 * A bio keeps its process from start to end; the lists it is in are counters.
 * Contents are version numbers: each write adds one, so no content comes back.
 *
 * Sizes: NBIO writes, NBLOCK blocks (1, 2), NINSTANT attempts to take a shadow
 * (up to 3), NDELETE deletions, NCPU counters of writes in flight (1, 2).  Parts
 * that can be left out: READER, TIMER, FREE, AHEAD (neighbours are preserved that
 * nobody writes yet).
 *
 * Planted mistakes are macros too.  check.sh says what each one breaks.
 *
 * Not in the model: weak memory ordering (without a barrier between counting a
 * write and testing the gate the hook does what GATE_CHECK_BEFORE_COUNT does),
 * errors, a full or a durable store, bios of several blocks or trackers, sets of
 * several volumes, where a record's data lies and when that is freed, writable
 * images, change tracking.
 */

#ifndef NBIO
#define NBIO		2
#endif
#ifndef NBLOCK
#define NBLOCK		1
#endif
#ifndef NINSTANT
#define NINSTANT	2
#endif
#ifndef NDELETE
#define NDELETE		0
#endif
#ifndef NCPU
#define NCPU		1
#endif
#ifdef FOLDS_AT_ONCE
#define NFOLD		2
#else
#define NFOLD		1
#endif

#define NONE		0		/* no record, no epoch, no claim */
#define READING		1		/* claim: the read of the origin is on its way */
#define READ		2		/* claim: its data is here */

/* The device. */
byte content[2] = 1;

/* The volume.  Epochs count from 1; tables by epoch and block are flat. */
byte target;				/* the newest epoch: where records go */
byte epoch;				/* the last epoch begun; no number comes twice */
bit listed[4];				/* epochs not yet folded into another */
bit settled[2];
byte record[8];
#define RECORD(e, b)	record[2 * (e) + (b)]

/* Writes in flight: counted where they start and where they end, and never down. */
byte started[2];
byte finished[2];
bit gate;				/* closed */
byte gated;				/* length of the gated list */
byte resumed;				/* writes taken off it, on their way to the worker */

/* The worker. */
byte queued[2];				/* writes handed over by the hook */
byte claim[2];
byte data[2];				/* what the read of the origin has brought */
byte waiting[2];			/* writes parked behind the claim */
byte released[2];			/* writes let go, not yet at the device */
#ifdef AHEAD
bit ahead[2];				/* claimed with no write, as a neighbour */
#endif

/* The shadows. */
bit live[4];				/* admits readers */
byte readers[4];
bit free0[4];				/* block 0 was free at the instant */

/* What only the model knows. */
byte oracle[8];				/* what each shadow has to show */
#define ORACLE(e, b)	oracle[2 * (e) + (b)]
byte launched;
byte unwritten = NBIO;
byte deleted;				/* shadows taken away, or being */
bit copied[2];				/* preserved since the last instant */

#define QUEUED(b)	(queued[b] > 0)
#define READ_OUT(b)	(claim[b] == READING)
#define READ_DONE(b)	(claim[b] == READ)
#define IN(e, b)	(RECORD(e, b) != NONE)
#define any(is)		(is(0) || is(1))
#define pick(is, b)	if :: is(0) -> b = 0 :: is(1) -> b = 1 fi
#define pick_live(e)	if :: live[1] -> e = 1 :: live[2] -> e = 2 :: live[3] -> e = 3 fi

#if NBLOCK > 1
#define pick_block(b)	if :: b = 0 :: b = 1 fi
#else
#define pick_block(b)	b = 0
#endif

/* On whichever CPU this runs. */
#if NCPU > 1
#define count(x)	if :: x[0]++ :: x[1]++ fi
#else
#define count(x)	x[0]++
#endif

/* The first record at e or later; an epoch that is being folded has some yet. */
#define LOOKUP(e, b) \
	(IN(e, b) -> RECORD(e, b) : \
	(e < 2 && IN(2, b) -> RECORD(2, b) : \
	(e < 3 && IN(3, b) -> RECORD(3, b) : NONE)))

/* -- a write */

active [NBIO] proctype bio()
{
	byte b;

	atomic {
		launched == _pid -> launched++;	/* all alike: in this order */
		pick_block(b)
	};
#ifndef GATE_CHECK_BEFORE_COUNT
	atomic { count(started) };
#endif
	if
	:: !gate
	:: else ->
		atomic {	/* that was seen without the lock; with it, look again */
			if
#ifndef PARK_UNCHECKED
			:: !gate
#endif
			:: else ->
				gated++;
				goto park
			fi
		}
	fi;
#ifdef GATE_CHECK_BEFORE_COUNT
	atomic { count(started) };
#endif
	if
	:: target == NONE || settled[b] -> goto device
	:: else -> goto queue
	fi;
park:
#ifndef GATE_CHECK_BEFORE_COUNT
	atomic { count(finished) };
#endif
	atomic { resumed > 0 -> resumed-- };
#ifdef RESUME_UNCOUNTED
	atomic { count(started) };
#endif
queue:
	atomic {
		queued[b]++;
		released[b] > 0 -> released[b]--
	};
device:
	atomic {		/* in its own time */
		content[b]++;
		unwritten--;
		count(finished);
		b = 0
	}
}

/* -- the worker */

/*
 * The record goes to the target of now, whichever that was when the block was
 * claimed.  If the block has been settled meanwhile (fold, freemap), writes have
 * passed: what was read is worth nothing, and nobody needs it.
 */
inline insert(b)
{
	atomic {
		if
#if defined(INSERT_UNCHECKED) || defined(SETTLE_BEFORE_RECORD)
		:: target != NONE ->
#else
		:: target != NONE && !settled[b] ->
#endif
			assert(!IN(target, b));	/* once per epoch ... */
			assert(!copied[b]);	/* ... wherever the record is now */
			copied[b] = 1;
			RECORD(target, b) = data[b]
		:: else
		fi;
		data[b] = 0
	}
}

inline release(b)
{
	atomic {
		released[b] = released[b] + waiting[b];
		waiting[b] = 0
	}
}

inline finish(b)
{
#if defined(RELEASE_BEFORE_RECORD)
	release(b);
	insert(b);
	settled[b] = 1;
#elif defined(RELEASE_BEFORE_SETTLE)
	insert(b);
	release(b);
	settled[b] = 1;
#elif defined(SETTLE_BEFORE_RECORD)
	settled[b] = 1;
	insert(b);
#else
	insert(b);
	settled[b] = 1;
#endif
	atomic {
		release(b);
		claim[b] = NONE;
#ifdef AHEAD
		if
		:: ahead[b] ->
			ahead[b] = 0;
#ifndef AHEAD_NOT_COUNTED
			count(finished)
#endif
		:: else
		fi;
#endif
		b = 0
	}
}

#ifdef AHEAD
/*
 * A claim without a write counts as a write in flight all the same: no epoch may
 * end between its read and its record, or it brings old data to the new one.
 */
inline claim_ahead(b)
{
#ifndef AHEAD_NOT_COUNTED
	atomic { count(started) };
#endif
	atomic {
		pick_block(b);
		if
		:: !gate && target != NONE && !settled[b] && claim[b] == NONE ->
			claim[b] = READING;
			ahead[b] = 1
		:: else ->
#ifndef AHEAD_NOT_COUNTED
			count(finished)
#endif
		fi;
		b = 0
	}
}
#endif

active proctype worker()
{
	byte b;
#ifdef AHEAD
	bit tried;
#endif

end:
	do
	:: atomic {		/* the block may have changed since the hook looked */
		any(QUEUED) -> pick(QUEUED, b);
		queued[b]--;
		if
		:: claim[b] != NONE ->
			waiting[b]++;
			b = 0;
			goto end
		:: claim[b] == NONE && (target == NONE || settled[b]) ->
			released[b]++;
			b = 0;
			goto end
		:: else
		fi
	   };
	   atomic {		/* and may change again before this */
		claim[b] = READING;
		waiting[b]++;
		b = 0
	   }
	:: atomic { any(READ_DONE) -> pick(READ_DONE, b) };
	   finish(b)
#ifdef AHEAD
	:: !tried && target != NONE ->
	   tried = 1;
	   claim_ahead(b)
#endif
	od
}

active proctype disk()
{
	byte b;

end:
	do
	:: atomic {
		any(READ_OUT) -> pick(READ_OUT, b);
		data[b] = content[b];
		claim[b] = READ;
		b = 0
	   }
	od
}

/* -- an image */

#ifdef READER
inline deliver(v)
{
	assert((b == 0 && free0[e]) || v == ORACLE(e, b));
	readers[e]--;
	e = 0;
	b = 0;
	v = 0
}

/* One read, at any time: a read changes nothing that another one could see. */
active proctype image()
{
	byte e, b, v;

end:
	atomic {
		pick_live(e);
		pick_block(b);
		readers[e]++;
		v = LOOKUP(e, b);
		if
		:: v != NONE ->
			deliver(v);
			goto done
		:: else
		fi
	};
	v = content[b];
	atomic {
#ifndef NO_RECHECK
		if
		:: LOOKUP(e, b) != NONE -> v = LOOKUP(e, b)
		:: else
		fi;
#endif
		deliver(v)
	};
done:
	skip
}
#endif

/* -- the instant */

/* The gated writes are in flight again before anybody can take the gate for open. */
inline open_gate()
{
#ifndef RESUME_UNCOUNTED
	started[0] = started[0] + gated;
#endif
	gate = 0;
	resumed = resumed + gated;
	gated = 0
}

/*
 * Ends are summed before starts: then equal sums mean that there was a moment,
 * between the two, without a write in flight.
 */
inline sum_up()
{
#ifdef SUM_STARTED_FIRST
	s = started[0];
#if NCPU > 1
	s = s + started[1];
#endif
#endif
	f = finished[0];
#if NCPU > 1
	f = f + finished[1];
#endif
#ifndef SUM_STARTED_FIRST
	s = started[0];
#if NCPU > 1
	s = s + started[1];
#endif
#endif
}

inline drain()
{
	do
	:: sum_up();
	   if
	   :: s == f -> break
	   :: else
	   fi;
	   if
	   :: s != started[0] + started[1] || f != finished[0] + finished[1]
	   :: !gate -> break		/* too late: the timer was here */
	   fi
	od;
	s = 0;
	f = 0
}

inline flip()
{
	atomic {
		if
#ifndef FLIP_AFTER_TIMEOUT
		:: !gate		/* no shadow this time */
#endif
		:: else ->
			epoch++;
			target = epoch;
			listed[epoch] = 1;
			live[epoch] = 1;
#ifdef FREE
			if :: free0[epoch] = 0 :: free0[epoch] = 1 fi;
#endif
			ORACLE(epoch, 0) = content[0];
			settled[0] = 0;
			copied[0] = 0;
			ORACLE(epoch, 1) = content[1];
			settled[1] = 0;
			copied[1] = 0
		fi
	}
}

active proctype set()
{
	byte i, s, f;

	do
	:: i < NINSTANT ->
		gate = 1;
#ifndef FLIP_WITHOUT_DRAIN
		drain();
#endif
		flip();
		atomic {
			open_gate();
			i++
		}
	:: else -> break
	od
}

#ifdef TIMER
active proctype timer()
{
end:
	if
	:: atomic { gate -> open_gate() }
	:: true				/* stays silent, and nothing may depend on it */
	fi
}
#endif

/* -- deletion */

#if NDELETE > 0
/* What the older shadow has recorded, nobody needs any more: e has no reader. */
inline settle_next()
{
	if
	:: IN(older, cursor) -> settled[cursor] = 1
	:: else
	fi;
	cursor++
}

inline move(b)
{
	if
	:: older != NONE && !IN(older, b) ->
#ifdef MOVE_NOT_ATOMIC
		held = RECORD(e, b)
#else
		RECORD(older, b) = RECORD(e, b)
#endif
	:: else				/* nobody's */
	fi;
	RECORD(e, b) = NONE
}

inline unlink()
{
	listed[e] = 0;
#ifndef FOLD_UNDER_READERS
	ORACLE(e, 0) = 0;
	ORACLE(e, 1) = 0;
	free0[e] = 0;
#endif
	e = 0;
	older = 0;
	cursor = 0
}

#ifdef FOLD_LOOKS_ONCE
#define IS_TARGET	was_target
#else
#define IS_TARGET	(target == e)
#endif

/* Between two steps blocks are preserved and epochs begin, so each one looks anew. */
inline step()
{
	if
	:: e == 3 && listed[2] -> older = 2
	:: e > 1 && !(e == 3 && listed[2]) && listed[1] -> older = 1
	:: else
	fi;
	if
#ifdef MOVE_NOT_ATOMIC
	:: held != NONE ->
		RECORD(older, 0) = held;
		held = NONE
	:: held == NONE && IS_TARGET ->
#else
	:: IS_TARGET ->
#endif
		if
		:: older == NONE -> target = NONE	/* preserving ends */
#ifdef SWITCH_TARGET_BEFORE_SETTLE
		:: older != NONE -> target = older
		fi
	:: target == older && cursor < NBLOCK -> settle_next()
#else
		:: older != NONE && cursor < NBLOCK -> settle_next()
		:: older != NONE && cursor == NBLOCK -> target = older
		fi
#endif
	:: else ->
		if
		:: IN(e, 0) -> move(0)
		:: IN(e, 1) -> move(1)
		:: else -> unlink(); break
		fi
	fi;
	older = 0
}

/* One at a time on a volume: the cursor holds for one older epoch and one map of bits. */
active [NFOLD] proctype fold()
{
	byte e, older, cursor;
#ifdef FOLD_LOOKS_ONCE
	bit was_target;
#endif
#ifdef MOVE_NOT_ATOMIC
	byte held;
#endif

end:
	do
	:: atomic {
		deleted < NDELETE ->
		deleted++;
		pick_live(e);
		live[e] = 0
	   };
#ifndef FOLD_UNDER_READERS
	   readers[e] == 0;
#endif
#ifdef FOLD_LOOKS_ONCE
	   was_target = (target == e);
#endif
	   do
	   :: atomic { step() }
	   od
	:: break
	od
}
#endif

/* -- free space */

#ifdef FREE
/* Can shadow e do without the origin's block 0?  Its readers count when it is dying, too. */
#if defined(SETTLE_NEEDED_BY_OLDER)
#define DONE_WITH(e)	true
#elif defined(SETTLE_NEEDED_BY_DYING)
#define DONE_WITH(e)	(!live[e] || free0[e] || LOOKUP(e, 0) != NONE)
#else
#define DONE_WITH(e)	((!live[e] && readers[e] == 0) || free0[e] || LOOKUP(e, 0) != NONE)
#endif

active proctype freemap()
{
end:
	atomic {
		target != NONE && free0[target] && DONE_WITH(1) && DONE_WITH(2) && DONE_WITH(3) ->
		settled[0] = 1
	}
}
#endif

/* -- the end */

active proctype monitor()
{
	timeout ->
	assert(unwritten == 0);
	assert(!gate && gated == 0 && resumed == 0);
	assert(started[0] + started[1] == finished[0] + finished[1]);
	assert(claim[0] == NONE && claim[1] == NONE)
}

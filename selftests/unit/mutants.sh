#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Plant bugs in copies of the sources, one at a time; the tests must notice.
#
# Environment: ROUNDS, CC, KMOD=directory of the sources, MUTANT=only this one.
# A mutant that changes nothing, or does not compile, is a failure: the sources
# have changed, and the mutant has to follow.

set -u
here=$(cd "$(dirname "$0")" && pwd)
KMOD=$(cd "${KMOD:-$here/../../kmod}" && pwd) || exit 1
CC=${CC:-gcc}
export ROUNDS=${ROUNDS:-60}
unset TEST ROUND STOP

if ! command -v "$CC" >/dev/null; then
	echo "1..0 # SKIP no $CC"
	exit 4
fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

names=()
files=()
edits=()

# mutant NAME FILE SED: FILE changed by SED
mutant() {
	names+=("$1")
	files+=("$2")
	edits+=("$3")
}

# within FUNCTION: a sed address, from the line of its definition to its end
within() {
	echo "/^[a-z].*[ *]$1(.*[^;]\$/,/^}/"
}

mutant "newer epochs are not searched" epochs.c \
	's/^\t\tuntil = \*len;.*/&\n\t\tbreak;/'
mutant "a newer epoch answers for blocks of an older one" epochs.c \
	's/shadow_index_find(&ep->index, block, until,/shadow_index_find(\&ep->index, block, max,/'
mutant "an epoch begins with the store's own blocks unsettled" epochs.c \
	"$(within shadow_epoch_expect)s/shadow_blockmap_fill(&st->map, first, n, gfp)/0/"
mutant "an epoch begins with the store's own blocks as on the volume" epochs.c \
	"$(within shadow_epoch_expect)s/shadow_blockmap_fill(&ep->free, first, n, gfp)/0/"
mutant "fold: the newer record wins" index.c \
	"$(within '\*shadow_leaf_merge')s/drop(arg, loc, len);/drop(arg, unused, len);/"
mutant "fold: the wrong epoch is merged into the other" epochs.c \
	's/shadow_leaf_merge(&older->index, &ep->index,/shadow_leaf_merge(\&ep->index, \&older->index,/'
mutant "leaf_find: off by one" index.c \
	's/if (into < word_len(word))/if (into <= word_len(word))/'
mutant "leaf_search: off by one" index.c \
	's/\(word_start(leaf->word\[mid\])\) <= off/\1 < off/'
mutant "leaf_find: an absence is too long" index.c \
	's/(leaf && i < leaf->nr ? word_start(leaf->word\[i\]) : SHADOW_REGION_BLOCKS)/SHADOW_REGION_BLOCKS/'
mutant "find: the answer exceeds what was asked for" index.c \
	"$(within shadow_index_find)s/\\*len = min(\\*len, max);/(void)max;/"
mutant "deletion of the newest: nothing is settled" epochs.c \
	"$(within settle_unneeded)s/if (shadow_blockmap_fill(map, range->first, len, gfp))/if (0)/"
mutant "deletion of the newest: the target changes at once" epochs.c \
	's/more = settle_recorded(es, older, floor, cursor, gfp);/more = 0;/'
mutant "the cursor moves on without memory" epochs.c \
	"$(within settle_recorded)s/^\\t*if (settle_unneeded(/*cursor = range.end;\\n&/"
mutant "the newest is deleted, but stays the target" epochs.c \
	's/^\t*WRITE_ONCE(st->target, older);/unlink_epoch(es, ep);\nreturn 0;/'
mutant "store blocks are not given back" epochs.c \
	"$(within free_region)s/^\t*es->free(es->free_arg, extent.loc, extent.len);/;/"
mutant "store blocks are given back twice" epochs.c \
	"$(within free_region)s/^\t*es->free(es->free_arg, extent.loc, extent.len);/&&/"
mutant "a leaf is not freed" epochs.c \
	"$(within move_region)s/shadow_leaf_free(b);/(void)b;/"
mutant "a leaf is freed that is in use" epochs.c \
	"$(within move_region)s/shadow_leaf_free(b);/shadow_leaf_free(merged);/"
mutant "blocks that are stored apart become one extent" index.c \
	"$(within leaf_add)s/word_loc(before) + word_len(before) == loc/1/"
mutant "the merged leaf is too small" index.c \
	's/leaf_alloc(from->nr + 2 \* (keep ? keep->nr : 0), gfp)/leaf_alloc(from->nr, gfp)/'
mutant "put: what was there is not given back" index.c \
	"$(within leaf_cut)s/^\t\tdrop(arg, .*/\t\t(void)from;/"
mutant "put: more is given back than was there" index.c \
	"$(within leaf_cut)s/+ (from - at), to - from);/, to - at);/"
mutant "put: the extent that begins before is missed" index.c \
	"$(within leaf_cut)s/^\t\tlo--;/\t\t;/"
mutant "put: what is left behind it has the wrong location" index.c \
	"$(within leaf_cut)s/word_loc(last) + word_len(last) - tail/word_loc(last)/"
mutant "put: what is left before it goes" index.c \
	"$(within leaf_cut)s/head = start - word_start(first);/head = 0;/"
mutant "put: no room for an extent that is cut in two" index.h \
	's/#define SHADOW_PUT_WORDS\t2/#define SHADOW_PUT_WORDS\t1/'
mutant "put: the counter of blocks drifts" index.c \
	"$(within shadow_index_put)s/ix->blocks -= leaf_cut(\(.*\));/leaf_cut(\1);/"
mutant "lost, but what was written to the image stays" epochs.c \
	"$(within shadow_epochs_drop)s/while (shadow_epochs_overlay_free(es, ep))/while (0)/"
mutant "a write to an image changes the records" epochs.c \
	"$(within shadow_epochs_overlay_put)s/&ep->overlay/\&ep->index/"
mutant "no slot is reserved" epochs.c \
	"$(within make_room)s/err = shadow_index_reserve(ix, region, gfp);/err = 0;/"
mutant "readers are not excluded from a move" epochs.c \
	"$(within move_region)s/^\twrite_\(un\)\?lock(&es->lock);//"
mutant "the map is reserved for the first page only" blockmap.c \
	's/last = (first + n - 1) \/ SHADOW_MAP_BITS/last = first \/ SHADOW_MAP_BITS/'
mutant "the map's run is too long" blockmap.c \
	's/from + n - done, SHADOW_MAP_BITS/from + n, SHADOW_MAP_BITS/'
mutant "a lost shadow is handed records" epochs.c \
	's/older->number > floor/older->number >= floor/'
mutant "all shadows are lost, preserving goes on" epochs.c \
	's/st->target->number <= number)/st->target->number < number)/'
mutant "the counter of bytes drifts" index.c \
	's/ix->bytes -= leaf_size(old->room);/ix->bytes -= leaf_size(old->nr);/'
mutant "the generation stays" epochs.c \
	"$(within shadow_epochs_record)s/^\tWRITE_ONCE(es->generation.*//"
mutant "a new epoch comes first" epochs.c \
	's/list_add_tail(&ep->node/list_add(\&ep->node/'
mutant "what is free is read like anything else" epochs.c \
	"$(within shadow_epochs_find)s/if (free)/if (0)/"
mutant "an answer of \"free\" is too long" epochs.c \
	"$(within shadow_epochs_find)s/\\*len = until;/*len = max;/"
mutant "a free block is settled that an older shadow needs" epochs.c \
	"$(within is_needed)s/return true;/continue;/"
mutant "only the newest shadow is asked whether it needs a block" epochs.c \
	"$(within is_needed)s/return true;/return ep == list_last_entry(\&es->list, struct shadow_epoch, node);/"
mutant "a record in an older epoch does not end the search" epochs.c \
	"$(within is_needed)s/^\\t\\t\\treturn false;/continue;/"
mutant "a record serves newer shadows, too" epochs.c \
	"$(within is_needed)s/list_for_each_entry_reverse/list_for_each_entry/"
mutant "an epoch without a shadow needs blocks" epochs.c \
	"$(within is_needed)s/if (ep->folding)/if (0)/"
mutant "a lost shadow needs blocks" epochs.c \
	"$(within is_needed)s/ep->number <= floor/ep->number < floor/"
mutant "what a deleted shadow needed alone stays unsettled" epochs.c \
	's/more = settle_free(es, floor, cursor, gfp);/more = 0;/'
mutant "what was settled for the target counts for what is free" epochs.c \
	"$(within settle_free)s/if (\\*cursor & CURSOR_FREE)/if (1)/"
mutant "a long step is not gone on with" epochs.c \
	"$(within settle_free)s/CURSOR_FREE | range.first/CURSOR_FREE | range.end/"
mutant "nobody looks again when a block was told to be free" epochs.c \
	"$(within shadow_epochs_mark_free)s/^\\t*WRITE_ONCE(es->generation.*//"
mutant "free blocks are counted twice" epochs.c \
	"$(within count_clear)s/if (!set)//"
mutant "a value takes the place of a page" blockmap.c \
	's/nr == SHADOW_MAP_BITS \&\& !xa_load(&map->pages, index)/nr == SHADOW_MAP_BITS/'
mutant "a part of a page becomes a value" blockmap.c \
	's/nr == SHADOW_MAP_BITS \&\& !xa_load/nr > SHADOW_MAP_BITS \/ 2 \&\& !xa_load/'
mutant "a value is freed like a page" blockmap.c \
	's/if (!xa_is_value(page))$/if (page)/'
mutant "what is written is noted beside others as if it were alone" blockmap.c \
	"$(within note_bits)s/atomic_long_or(mask, (atomic_long_t \*)word);/*word |= mask;/"
mutant "note: the last block of a run is left out" blockmap.c \
	"$(within note_bits)s/end = from + nr, next;/end = from + nr - (nr > 1), next;/"
mutant "note: a word that has some of the bits has all" blockmap.c \
	"$(within note_bits)s/& mask) != mask/\& mask) == 0/"
mutant "note: where there is no page nothing is missing" blockmap.c \
	"$(within shadow_blockmap_note)s/return false;/return true;/"
mutant "gather: what was there goes" blockmap.c \
	"$(within shadow_blockmap_gather)s/bits\[i\] |= /bits[i] = /"
mutant "gather: a value is no page" blockmap.c \
	"$(within shadow_blockmap_gather)s/memset(bits, 0xff, PAGE_SIZE);/;/"
mutant "move: bits that others set meanwhile are overwritten" blockmap.c \
	"$(within shadow_blockmap_move)s/atomic_long_or(page\[i\], (atomic_long_t \*)&other\[i\]);/other[i] |= page[i];/"
mutant "move: what the other map has is replaced" blockmap.c \
	"$(within shadow_blockmap_move)s/atomic_long_or(page\[i\], (atomic_long_t \*)&other\[i\]);/other[i] = page[i];/"
mutant "move: a page that was emptied is not freed" blockmap.c \
	"$(within shadow_blockmap_move)s/free_page((unsigned long)page);/;/"
mutant "move: the page stays in both maps" blockmap.c \
	"$(within shadow_blockmap_move)s/xa_erase(&from->pages, index);/;/"
mutant "move: the page goes though there was no memory" blockmap.c \
	"$(within shadow_blockmap_move)s/if (err)$/if (0)/"
mutant "move: pages are counted where they were" blockmap.c \
	"$(within shadow_blockmap_move)s/to->nr_pages++;/;/"
mutant "an absence reaches into the next region with records" index.c \
	"$(within shadow_index_has)s/(region << SHADOW_REGION_BITS) - block/((region + 1) << SHADOW_REGION_BITS) - block/"
mutant "a part of a block is not a block" block.h \
	's/r.end = (to - start + SHADOW_BLOCK_SECTORS - 1)/r.end = (to - start)/'

mutant "blocks past the limit are given out" space.c \
	"$(within find)s/, space->limit);/, space->nr_blocks);/"
mutant "a group that had no room is never looked at again" space.c \
	"$(within shadow_space_free)s/space->longest\[group\] = GROUP_BLOCKS;/;/"
mutant "a group that was searched in part counts as searched" space.c \
	"$(within find)s/if (from == group \* GROUP_BLOCKS)/if (1)/"
mutant "a group at the limit stays searched when it is lifted" space.c \
	"$(within shadow_space_limit)s/if (space->limit < limit)/if (0)/"
mutant "what is above the limit counts as below" space.c \
	"$(within shadow_space_free)s/space->nr_above -= n - below;/space->nr_used -= n - below;/"
mutant "walk: overlays are passed over" epochs.c \
	"$(within shadow_epochs_next_in)s/if (walk->overlay)/if (!walk->overlay)/"
mutant "walk: an epoch begins where the last one ended" epochs.c \
	"$(within shadow_epochs_next_in)s/\*walk = (struct shadow_walk){ .number = ep->number };/walk->number = ep->number;/"
mutant "move: what is there need not be what was found" epochs.c \
	"$(within shadow_epochs_is_at)s/loc == extent->loc;/true;/"
mutant "move: no room" epochs.c \
	"$(within shadow_epochs_move_reserve)s/SHADOW_PUT_WORDS/0/"
mutant "next_in: more than the part" index.c \
	"$(within word_in)s/min(word_loc(word) + word_len(word), end)/word_loc(word) + word_len(word)/"
mutant "next_in: what reaches over the beginning is passed over" index.c \
	"$(within shadow_index_next_in)s/for (i -= !!i; /for (; /"

mutant "log: the next segment is anywhere" format.c \
	"$(within shadow_log_read)s/!in_part(at->next_loc, at->next_blocks, part_blocks)/0/"
mutant "log: what is preserved is anywhere" format.c \
	"$(within decode)s/in_part(value, item->extent.len, part_blocks)/1/"
mutant "restore: what is settled is not made out" epochs.c \
	"$(within shadow_epochs_resume)s/ep->number <= floor/0/; $(within is_needed)s/return true;/return false;/"
mutant "changes: a merge drops a page" blockmap.c \
	"$(within shadow_blockmap_move)s/if (page\[i\])/if (0)/"
mutant "changes: a merge loses count of its pages" blockmap.c \
	"$(within shadow_blockmap_move)s/^\t*to->nr_pages++;/;/"
mutant "changes: bits of a second page are not noted" blockmap.c \
	"$(within shadow_blockmap_note)s/n -= nr;/n = 0;/"
mutant "changes: the maps of two marks are not exchanged" changes.c \
	's/swap(older->written, mark->written);.*/;/'
mutant "changes: a merge without memory goes on" changes.c \
	"$(within merge_step)s/^\tif (more)$/\tif (more > 0)/"
mutant "changes: another than the oldest is forgotten" changes.c \
	"$(within give_up_oldest)s/list_first_entry(&ch->marks, struct shadow_mark, node);/list_is_singular(\&ch->marks) ? list_first_entry(\&ch->marks, struct shadow_mark, node) : list_prev_entry(list_last_entry(\&ch->marks, struct shadow_mark, node), node);/"
mutant "changes: there is no bound" changes.c \
	"$(within make_room)s/^\twhile (/\twhile (0 \&\& /"
mutant "changes: nothing is noted in a new page" changes.c \
	"$(within note_in_new_page)s/^\tif (now)$/\tif (0)/"
mutant "changes: what was written to an image is known without memory for it" changes.c \
	"$(within shadow_changes_note_overlay)s/^\twhile (!list_empty(&mark->node))/\twhile (0)/"
mutant "changes: an epoch that was taken over is not freed" changes.c \
	"$(within shadow_mark_destroy)s/^\t*shadow_epoch_free(mark->epoch);/;/"
mutant "changes: a kept one goes with its shadow" changes.h \
	's/return mark->shadow || mark->kept || mark->begin;/return mark->shadow || mark->begin;/'

# build SOURCES OUTPUT
build() {
	make -s -C "$here" CC="$CC" KMOD="$1" O="$2" >"$2.log" 2>&1
}

# The tests that pass, by name; those that only measure do not count.
passed() {
	sed -n '/memory_per_block\|# SKIP/d; s/^ok [0-9]* //p' "$1"
}

copy_sources() {
	mkdir -p "$1" && cp "$KMOD"/{block,blockmap,index,epochs,space,window,format,changes}.h \
		"$KMOD"/{blockmap,index,epochs,space,window,format,changes}.c "$1"
	touch "$1"/{event,volume}.h	# changes_test.c has what changes.c wants of them
}

echo "KTAP version 1"
copy_sources "$tmp/base"
mkdir "$tmp/base.o"
if ! build "$tmp/base" "$tmp/base.o"; then
	sed 's/^/# /' "$tmp/base.o.log"
	echo "Bail out! the sources do not compile as they are"
	exit 1
fi
"$tmp/base.o/unit" >"$tmp/base.out" 2>&1
passed "$tmp/base.out" >"$tmp/expected"
if ! [ -s "$tmp/expected" ]; then
	echo "Bail out! no test passes"
	exit 1
fi
grep '^not ok' "$tmp/base.out" | sed 's/^/# fails without a mutant: /'

# try N: plant it, print how the tests noticed; fails if they did not
try() {
	local dir=$tmp/$1 file=${files[$1]} missed status

	copy_sources "$dir"
	sed -i "${edits[$1]}" "$dir/$file"
	if cmp -s "$dir/$file" "$KMOD/$file"; then
		echo "changes nothing in $file"
		return 1
	fi
	# the tests' objects can be used again unless a header is another one
	mkdir "$dir.o"
	[[ $file == *.h ]] || cp "$tmp"/base.o/{shim,main,unit_test,model_test,memory_test}.o "$dir.o"
	if ! build "$dir" "$dir.o"; then
		echo "does not compile: $(grep -m 1 error "$dir.o.log")"
		return 1
	fi
	STOP=1 TEST=$(tr '\n' ' ' <"$tmp/expected") timeout 60 "$dir.o/unit" >"$dir.out" 2>&1
	status=$?
	rm -rf "$dir" "$dir.o"
	missed=$(passed "$dir.out" | grep -vxFf - -m 1 "$tmp/expected")
	case $status in
	0)
		echo "all tests pass"
		return 1
		;;
	1) echo "noticed by $missed" ;;
	124) echo "noticed: $missed never ends" ;;
	*) echo "noticed: $missed crashes" ;;
	esac
}

total=${#names[@]}
echo "1..$total"
bad=0
for ((i = 0; i < total; i++)); do
	if [ -n "${MUTANT:-}" ] && [ "$MUTANT" != $((i + 1)) ]; then
		echo "ok $((i + 1)) ${names[i]} # SKIP"
		continue
	fi
	if how=$(try "$i"); then
		echo "ok $((i + 1)) ${names[i]}"
	else
		echo "not ok $((i + 1)) ${names[i]}"
		bad=1
	fi
	echo "# $how"
done
exit $bad

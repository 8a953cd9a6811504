# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Completion of shadowadm for bash.

_shadowadm_store_verbs="list add resize migrate remove policy candidates gc attach detach check"
_shadowadm_volume_verbs="list track untrack tracking policy clear-fault candidates find"
_shadowadm_writer_verbs="list status check"

# Block devices and mount points.
_shadowadm_volumes() {
	lsblk -nrpo NAME 2>/dev/null
	findmnt -nro TARGET --real 2>/dev/null
}

_shadowadm_shadows() {
	shadowadm list --noheadings -o DEVICE 2>/dev/null
}

_shadowadm_shadows_and_sets() {
	_shadowadm_shadows
	shadowadm list --noheadings -o UUID 2>/dev/null
	shadowadm list --noheadings -o SET 2>/dev/null | sort -u
}

# Shadows, and bases whose shadow is gone.
_shadowadm_bases() {
	_shadowadm_shadows
	shadowadm base list --all --noheadings -o BASE 2>/dev/null
}

# The columns of a command, and of its verb where it has verbs, in capitals in its help.
_shadowadm_columns() {
	shadowadm "$@" --help 2>/dev/null |
		sed -n '/^Columns/,$s/^  \([A-Z][A-Z-]*\) .*/\1/p'
}

# The words of "store" after its verb; sets words, COMPREPLY of the caller.
_shadowadm_store() {
	if [ "$COMP_CWORD" -eq 2 ]; then
		words=$_shadowadm_store_verbs
		return
	fi
	case ${COMP_WORDS[2]}.$COMP_CWORD in
	check.3)
		words=$(lsblk -nrpo NAME 2>/dev/null)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	gc.*) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
	*.3) words=$(_shadowadm_volumes) ;;
	policy.4) words="evict throttle fail-io" ;;
	resize.5 | check.* | attach.* | detach.*) ;;
	*.4 | migrate.5)
		words="memory memory: $(lsblk -nrpo NAME 2>/dev/null)"
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	esac
}

# The words of "help"; sets words of the caller.
_shadowadm_help() {
	if [ "$COMP_CWORD" -eq 2 ]; then
		words="create hold run list show delete pin unpin seal mount umount expose unexpose
			revert changes base map send receive volume store provider writer script stats monitor doctor version"
		return
	fi
	[ "$COMP_CWORD" -eq 3 ] || return
	case ${COMP_WORDS[2]} in
	store) words=$_shadowadm_store_verbs ;;
	volume) words=$_shadowadm_volume_verbs ;;
	writer) words=$_shadowadm_writer_verbs ;;
	base) words="list keep drop" ;;
	provider) words="list" ;;
	esac
}

_shadowadm() {
	local cur prev command options words=
	local common="--json --help" table="--output --noheadings --bytes"

	COMPREPLY=()
	cur=${COMP_WORDS[COMP_CWORD]}
	prev=${COMP_WORDS[COMP_CWORD - 1]}
	command=${COMP_WORDS[1]}

	if [ "$COMP_CWORD" -eq 1 ]; then
		words="create hold run list show delete pin unpin seal mount umount expose unexpose revert
			changes base map send receive volume store provider writer script stats monitor doctor version help --help
			--version"
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
		return
	fi

	case $command in
	create) options="--store --max --initial --force --context --timeout --writers
			--no-writers --degrade --exclude-writer --document --no-free-space
			--dry-run --quiet --persistent --writable --keep-base $table" ;;
	hold) options="--timeout --quiet" ;;
	run) options="--volumes --bind --report --store --max --initial --force --context --timeout
			--writers --no-writers --degrade --exclude-writer --document
			--no-free-space --writable --quiet" ;;
	list) options="--tree $table" ;;
	show) options="--bytes --export" ;;
	delete) options="--oldest --all --quiet" ;;
	pin | unpin | seal) options="--quiet" ;;
	mount) options="--options --quiet" ;;
	umount | expose | unexpose) options="--quiet" ;;
	revert) options="--at-boot --yes --no-wait --progress --status --cancel --force --no-writers --quiet
			$table" ;;
	changes) options="--since --exact --skip-free --bytes --human --noheadings" ;;
	base) options="--all --quiet $table" ;;
	map) options="--since --width --svg --color" ;;
	send) options="--since --output --compress --threads --chunk --resume --resume-from --label
			--progress --no-progress --quiet" ;;
	receive) options="--input --format --verify --verify-only --resume --base --assume-base
			--force --progress --no-progress --quiet" ;;
	volume) options="--memory --changes-memory --force --provider $table" ;;
	provider) options="$table" ;;
	store) options="--store --lost --final --no-wait --volume --wait --timeout --verbose --all --max --initial --force --throttle --dry-run --quiet $table" ;;
	writer) options="--verbose --program $table" ;;
	script) options="--dry-run" ;;
	stats) options="--watch $table" ;;
	monitor) options="--count --timeout" ;;
	doctor) options="--sysroot" ;;
	esac
	options+=" $common"

	case $prev in
	--context)
		words="backup file-share-backup nas-rollback app-rollback client-accessible"
		;;
	--store)
		words=$(lsblk -nrpo NAME 2>/dev/null)
		[ "$command" = store ] || words+=" memory memory:"
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	--volume | --volumes) words=$(_shadowadm_volumes) ;;
	--since) words=$(_shadowadm_bases) ;;
	--compress) words="none 1 3 9 19" ;;
	--format) words="raw qcow2 device" ;;
	--resume-from | --input | -i | --base)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--output | -o)
		case $command in
		mount) ;;
		send)
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		base | volume | store | writer | provider)
			words=$(_shadowadm_columns "$command" "${COMP_WORDS[2]}")
			;;
		*) words=$(_shadowadm_columns "$command") ;;
		esac
		;;
	--document | --bind | --report | --svg)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--sysroot)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	--threads | --chunk | --label | --provider | --max | --initial | --throttle | --memory | --changes-memory | --width | --timeout | --wait | --watch | --count | --options | --exclude-writer)
		return
		;;
	*)
		if [[ $cur == -* ]]; then
			words=$options
			mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
			return
		fi
		case $command in
		create | hold | run | list | stats) words=$(_shadowadm_volumes) ;;
		show | pin | unpin | seal) words=$(_shadowadm_shadows_and_sets) ;;
		delete)
			if [[ " ${COMP_WORDS[*]} " == *" --oldest "* ||
				" ${COMP_WORDS[*]} " == *" --all "* ]]; then
				words=$(_shadowadm_volumes)
			else
				words=$(_shadowadm_shadows_and_sets)
			fi
			;;
		revert)
			if [[ " ${COMP_WORDS[*]} " == *" --status "* ||
				" ${COMP_WORDS[*]} " == *" --cancel "* ]]; then
				words=$(_shadowadm_volumes)
			else
				words=$(_shadowadm_shadows)
			fi
			;;
		send) words=$(_shadowadm_shadows) ;;
		receive)
			words=$(lsblk -nrpo NAME 2>/dev/null)
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			;;
		mount | umount)
			words=$(_shadowadm_shadows_and_sets)
			mapfile -t COMPREPLY < <(compgen -d -- "$cur")
			;;
		expose)
			if [[ $prev == expose || $prev == -* ]]; then
				words=$(_shadowadm_shadows)
			else
				mapfile -t COMPREPLY < <(compgen -d -- "$cur")
			fi
			;;
		unexpose)
			words=$(_shadowadm_shadows)
			mapfile -t COMPREPLY < <(compgen -d -- "$cur")
			;;
		changes) words=$(_shadowadm_bases) ;;
		map) words=$(_shadowadm_shadows) ;;
		base)
			if [ "$COMP_CWORD" -eq 2 ]; then
				words="list keep drop"
			elif [ "${COMP_WORDS[2]}" = keep ]; then
				words=$(_shadowadm_shadows)
			elif [ "${COMP_WORDS[2]}" = drop ] && [[ " ${COMP_WORDS[*]} " != *" --all "* ]]; then
				words=$(_shadowadm_bases)
			else
				words=$(_shadowadm_volumes)
			fi
			;;
		volume)
			if [ "$COMP_CWORD" -eq 2 ]; then
				words=$_shadowadm_volume_verbs
			elif [ "${COMP_WORDS[2]}" = find ]; then
				mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			elif [ "$COMP_CWORD" -eq 4 ] && [ "${COMP_WORDS[2]}" = policy ]; then
				words="evict throttle throttle= fail-io"
			else
				words=$(_shadowadm_volumes)
			fi
			;;
		writer)
			if [ "$COMP_CWORD" -eq 2 ]; then
				words=$_shadowadm_writer_verbs
			elif [ "${COMP_WORDS[2]}" = check ]; then
				mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			fi
			;;
		provider)
			[ "$COMP_CWORD" -gt 2 ] || words="list"
			;;
		script)
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			;;
		store)
			_shadowadm_store
			;;
		help)
			_shadowadm_help
			;;
		esac
		;;
	esac
	mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _shadowadm shadowadm

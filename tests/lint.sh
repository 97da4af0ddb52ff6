#!/bin/sh
# lint.sh - clang-tidy, cppcheck, mandoc and shellcheck over the tree; `make lint` runs it
#
# A tool that is not installed is skipped with a line that says so; that none is there is a failure. C files given as
# arguments: only those, and only the tools for C.
set -u
cd "$(dirname "$0")/.." || exit 1

ran=0 failed=0
has() {
	if command -v "$1" >/dev/null 2>&1; then
		ran=$((ran + 1))
		echo "lint: $1"
		return 0
	fi
	echo "lint: $1 is not installed: skipped"
	return 1
}
verdict() { [ "$1" -eq 0 ] || { failed=1; echo "lint: $2 found something"; }; }

# _GNU_SOURCE: lint.h comes before what a file defines for itself
flags="-std=c11 -D_POSIX_C_SOURCE=200809L -D_GNU_SOURCE=1 -DULLAGE_VERSION=\"\" -DULLAGE_DATADIR=\"\" -Isrc -Ikernels -Ibuild"
flags="$flags $(${PKG_CONFIG:-pkg-config} --cflags yaml-0.1 libcjson hwloc libcurl 2>/dev/null)"
if [ $# -gt 0 ]; then
	files=$*
else
	files=$(find src tests/fuzz kernels -name '*.c' | sort)
fi

# shellcheck disable=SC2086    # lists of words without blanks
{
	if has clang-tidy; then
		# shellcheck disable=SC2016    # the inner shell expands them
		printf '%s\n' $files | xargs -n 4 -P "$(getconf _NPROCESSORS_ONLN)" sh -c '
			flags=$1 bad=0; shift
			for f; do
				case $f in
				*/base/error.c | */base/yaml_read.c) clang-tidy --quiet "$f" -- $flags 2>/dev/null || bad=1 ;;
				*) clang-tidy --quiet "$f" -- $flags -include tests/lint.h -Wno-unused-value 2>/dev/null || bad=1 ;;
				esac
			done
			exit $bad' sh "$flags"
		verdict $? clang-tidy
	fi
	if has cppcheck; then
		cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
			--suppress=missingIncludeSystem --suppress=unusedStructMember -D__x86_64__ -D__linux__ -Isrc -Ikernels \
			-j "$(getconf _NPROCESSORS_ONLN)" $files
		verdict $? cppcheck
	fi
}
if [ $# -eq 0 ]; then
	if has mandoc; then
		mandoc -Tlint -Wwarning man/*.[15]
		verdict $? mandoc
	fi
	if has shellcheck; then
		# shellcheck disable=SC2046    # names of our own, without blanks
		shellcheck $(grep -lE '^#!/(usr/)?bin/(env )?(ba)?sh' $(find tests .ci -type f))
		verdict $? shellcheck
	fi
fi
if [ $ran -eq 0 ]; then
	echo 'lint: none of the tools is here: nothing was looked at' >&2
	exit 1
fi
exit $failed

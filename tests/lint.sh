#!/bin/sh
# lint.sh - clang-tidy, cppcheck, mandoc, shellcheck; what is not installed is named and left out
set -u
# shellcheck disable=SC2086,SC2089,SC2090
bad=0
have() { command -v "$1" >/dev/null 2>&1 || { echo "lint: $1 is not installed: left out"; return 1; }; }
flags="-std=c11 -D_POSIX_C_SOURCE=200809L -Isrc -DULLAGE_VERSION=\"\" -DULLAGE_DATADIR=\"\" $(pkg-config --cflags yaml-0.1 libcjson hwloc)"

if have clang-tidy; then
	clang-tidy --quiet --warnings-as-errors='*' \
		--checks='-*,bugprone-*,clang-analyzer-*,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,-bugprone-narrowing-conversions,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling,-clang-analyzer-optin.performance.Padding,-bugprone-branch-clone,-bugprone-assignment-in-if-condition,-bugprone-implicit-widening-of-multiplication-result,-bugprone-sizeof-expression' \
		src/*/*.c -- $flags 2>/dev/null || bad=1
fi
if have cppcheck; then
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr --suppress=missingIncludeSystem \
		--suppress=normalCheckLevelMaxBranches -Isrc src || bad=1
fi
if have mandoc; then
	for page in man/*.[15]; do
		mandoc -Tlint -Wwarning "$page" | grep -v 'referenced manual not found' && bad=1
	done
fi
if have shellcheck; then
	shellcheck -e SC2046 tests/*.sh .ci/run || bad=1
fi
exit $bad

#!/bin/sh
# deps.sh - installs what the build and `make check` need and this machine lacks; `make deps` runs it
#
# Says what it does, asks nothing, and touches no network when nothing is missing. Never installs a CUDA toolkit.
# DEPS_DRY_RUN=1 only says what would be run.
set -u

has() { command -v "$1" >/dev/null 2>&1; }
lib() { has "$PKG_CONFIG" && "$PKG_CONFIG" --exists "$1"; }
# not what the shell finds, but what a compiler finds: some systems have a cc that only asks to be installed
compiler() {
	probe=$(mktemp -d) || return 1
	printf '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n' >"$probe/t.c"
	"$CC" -o "$probe/t" "$probe/t.c" >/dev/null 2>&1
	found=$?
	rm -rf "$probe"
	return $found
}
CC=${CC:-cc}
has "${CC%% *}" || CC=cc
PKG_CONFIG=${PKG_CONFIG:-pkg-config}

manager=
for m in apt-get dnf pacman brew; do
	if [ -z "$manager" ] && has $m; then manager=$m; fi
done

# missing NAME APT DNF PACMAN BREW: notes that NAME is missing, and the package that brings it ("-": none)
names='' packages=''
missing() {
	names="${names:+$names, }$1"
	case $manager in
	apt-get) p=$2 ;;
	dnf) p=$3 ;;
	pacman) p=$4 ;;
	brew) p=$5 ;;
	*) p=- ;;
	esac
	if [ "$p" != - ]; then packages="$packages $p"; fi
}
look() {
	names='' packages=''
	compiler || missing 'a C compiler' 'gcc libc6-dev' 'gcc glibc-devel' gcc -
	has make || missing make make make make make
	has "$PKG_CONFIG" || missing pkg-config pkg-config pkgconf-pkg-config pkgconf pkgconf
	lib yaml-0.1 || missing libyaml libyaml-dev libyaml-devel libyaml libyaml
	lib libcjson || missing cJSON libcjson-dev cjson-devel cjson cjson
	lib hwloc || missing hwloc libhwloc-dev hwloc-devel hwloc hwloc
	lib libcurl || missing libcurl libcurl4-openssl-dev libcurl-devel curl curl
	has prove || missing prove perl perl-Test-Harness perl perl
	! has perl || perl -MJSON::PP -e 1 2>/dev/null || missing 'JSON::PP of perl' perl perl-JSON-PP perl perl
	required=$names
	has mandoc || missing mandoc mandoc mandoc mandoc mandoc
}

look
if [ -z "$names" ]; then
	echo 'deps: nothing is missing'
	exit 0
fi
echo "deps: missing: $names"
optional='only tests of the man pages need mandoc; they are skipped without it'
if [ -z "$manager" ]; then
	if [ -z "$required" ]; then
		echo "deps: $optional"
		exit 0
	fi
	echo 'deps: no apt-get, dnf, pacman or brew here: please install the above by hand' >&2
	exit 1
fi

as_root=
if [ "$manager" != brew ] && [ "$(id -u)" != 0 ]; then
	if ! has sudo; then
		if [ -z "$required" ]; then
			echo "deps: not root, and no sudo: $optional"
			exit 0
		fi
		echo "deps: not root, and no sudo: please have these installed:$packages" >&2
		exit 1
	fi
	as_root='sudo'
	[ -t 0 ] || as_root='sudo -n'
fi
run() {
	echo "deps: $*"
	[ -n "${DEPS_DRY_RUN:-}" ] || "$@"
}
# shellcheck disable=SC2086    # lists of words
install() {
	case $manager in
	apt-get)
		run $as_root apt-get update -q || echo 'deps: apt-get update failed; trying with the lists there are'
		run $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages
		;;
	dnf) run $as_root dnf install -y $packages ;;
	pacman)
		run $as_root pacman -S --needed --noconfirm $packages ||
			run $as_root pacman -Sy --needed --noconfirm $packages    # the lists may be absent or old
		;;
	brew) run env NONINTERACTIVE=1 HOMEBREW_NO_AUTO_UPDATE=1 brew install $packages ;;
	esac
}
if [ -n "$packages" ]; then
	install
	status=$?
	if [ -n "${DEPS_DRY_RUN:-}" ]; then exit 0; fi
	if [ $status -ne 0 ]; then echo "deps: $manager failed with status $status" >&2; fi
fi

hash -r
look
if [ -n "$required" ]; then
	echo "deps: still missing: $required" >&2
	if [ "$manager" = brew ]; then echo 'deps: the compiler comes with: xcode-select --install' >&2; fi
	exit 1
fi
if [ -n "$names" ]; then
	echo "deps: still missing: $names: $optional"
else
	echo 'deps: everything is there'
fi

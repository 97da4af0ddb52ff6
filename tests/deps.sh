#!/bin/sh
# deps.sh - installs what the build and the tests need and what is missing; no prompt, no CUDA toolkit
set -eu
# shellcheck disable=SC2086

have() { command -v "$1" >/dev/null 2>&1; }
# what is missing, by the neutral name used below
missing() {
	have cc || have gcc || have clang || echo cc
	have make || echo make
	have pkg-config || have pkgconf || echo pkg-config
	for lib in yaml-0.1 libcjson hwloc libcurl; do
		pkg-config --exists "$lib" 2>/dev/null || echo "$lib"
	done
	have prove || echo prove
	have mandoc || echo mandoc
}
need=$(missing)
if [ -z "$need" ]; then
	echo "deps: nothing is missing"
	exit 0
fi
echo "deps: missing:" $need

# neutral name -> package of this system
name() {
	case "$1:$2" in
	apt:cc) echo gcc libc6-dev ;; apt:make) echo make ;; apt:pkg-config) echo pkg-config ;; apt:yaml-0.1) echo libyaml-dev ;;
	apt:libcjson) echo libcjson-dev ;; apt:hwloc) echo libhwloc-dev ;; apt:libcurl) echo libcurl4-openssl-dev ;; apt:prove) echo perl ;; apt:mandoc) echo mandoc ;;
	dnf:cc) echo gcc ;; dnf:make) echo make ;; dnf:pkg-config) echo pkgconf-pkg-config ;; dnf:yaml-0.1) echo libyaml-devel ;;
	dnf:libcjson) echo cjson-devel ;; dnf:hwloc) echo hwloc-devel ;; dnf:libcurl) echo libcurl-devel ;; dnf:prove) echo perl-Test-Harness ;; dnf:mandoc) echo mandoc ;;
	pacman:cc) echo gcc ;; pacman:make) echo make ;; pacman:pkg-config) echo pkgconf ;; pacman:yaml-0.1) echo libyaml ;;
	pacman:libcjson) echo cjson ;; pacman:hwloc) echo hwloc ;; pacman:libcurl) echo curl ;; pacman:prove) echo perl ;; pacman:mandoc) echo mandoc ;;
	brew:cc) ;; brew:make) ;; brew:pkg-config) echo pkgconf ;; brew:yaml-0.1) echo libyaml ;;
	brew:libcjson) echo cjson ;; brew:hwloc) echo hwloc ;; brew:libcurl) echo curl ;; brew:prove) ;; brew:mandoc) echo mandoc ;;
	esac
}
for manager in apt-get dnf pacman brew; do
	have "$manager" && break
	manager=
done
[ -n "$manager" ] || { echo "deps: no apt-get, dnf, pacman or brew here: install these by hand:" $need >&2; exit 1; }
packages=
for n in $need; do
	packages="$packages $(name "${manager%-get}" "$n")"
done
[ -n "${packages# }" ] || { echo "deps: nothing that $manager could install" >&2; exit 1; }
sudo=
if [ "$(id -u)" != 0 ] && [ "$manager" != brew ]; then
	have sudo || { echo "deps: run as root, or install sudo:$packages" >&2; exit 1; }
	sudo="sudo"
fi
echo "deps: $sudo $manager installs$packages"
# shellcheck disable=SC2086
case $manager in
apt-get)
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get update -q
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages
	;;
dnf) $sudo dnf install -y $packages ;;
pacman) $sudo pacman -Sy --noconfirm --needed $packages ;;
brew) brew install $packages ;;
esac
left=$(missing)
[ -z "$left" ] || { echo "deps: still missing:" $left >&2; exit 1; }
echo "deps: done"

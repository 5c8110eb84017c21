#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# fetch-capstone.sh DIRECTORY - Debian's capstone source package, unpacked to DIRECTORY/src
#
# apt fetches and checks it (the archive's signature, then the checksums), with lists and a cache
# of its own, so that nothing under /etc changes and no deb-src line is needed there. The mirror is
# the one that the machine's own apt configuration names for this release.
set -eu

directory=${1:?usage: fetch-capstone.sh DIRECTORY}
[ -e "$directory/src/cs.c" ] && exit 0

for tool in apt-get dpkg-source; do
	command -v "$tool" >/dev/null || {
		echo "fetch-capstone: $tool is missing: apt-get install apt dpkg-dev" >&2
		exit 1
	}
done

mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
# shellcheck source=/dev/null
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get --print-uris update |
	sed -n "s|^'\(.*\)/dists/$release/InRelease' .*|\1|p" | head -n 1)
[ -n "$mirror" ] || {
	echo "fetch-capstone: apt knows no mirror for $release" >&2
	exit 1
}

# Everything happens beside the goal and is renamed at the end: two builds may run at once.
work=$(mktemp -d "$directory/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
echo "deb-src $mirror $release main" >"$work/sources.list"

apt() {
	apt-get -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" \
		-o APT::Sandbox::User=root -o Acquire::Retries=3 "$@"
}
apt update
(cd "$work" && apt --only-source --download-only source capstone)
dpkg-source --no-check -x "$work"/capstone_*.dsc "$work/src"
mv -T "$work/src" "$directory/src" 2>/dev/null || [ -e "$directory/src/cs.c" ]

# shellcheck shell=bash disable=SC2034,SC2154 # part of the fetch scripts, which bring die and $tmp
# SPDX-License-Identifier: GPL-2.0-only
# Debian packages into build/, installing none: apt with the machine's sources and lists, and with
# lists of our own under build/ where those are missing or too old.

apt=(-q -o APT::Sandbox::User=root)

use_own_lists() {
	local state=$top/build/apt

	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	apt+=(-o "Dir::State::Lists=$state/lists" -o "Dir::Cache=$state/cache")
	apt-get "${apt[@]}" update >"$tmp/update.log" 2>&1 ||
		{ tail -5 "$tmp/update.log" >&2; die "apt-get update failed"; }
}

# download_packages NAME: what resolve (the caller's) puts into $packages, as files in $tmp.
download_packages() {
	download_now && return
	# No lists, or lists so old that their packages left the archive.
	use_own_lists
	resolve || die "no package $1 in this machine's apt sources: they must name Debian 12"
	download_now || { tail -5 "$tmp/download.log" >&2; die "cannot download ${packages[*]}"; }
}

download_now() {
	resolve && (cd "$tmp" && apt-get "${apt[@]}" download "${packages[@]}" >download.log 2>&1)
}

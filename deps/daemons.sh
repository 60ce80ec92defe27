# shellcheck shell=sh
# Sourced by ./check after install.sh: the IKE daemons that the interop tests talk to. None is
# started on this machine, now or at its next start; the tests run them in namespaces of their own.

SERVICES="strongswan-starter openiked"

need_daemons() { # LIST_FILE
    fresh=
    for service in $SERVICES; do
        dpkg-query -W -f '${Status}' "$service" 2>/dev/null | grep -q 'ok installed' ||
            fresh="$fresh $service"
    done
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root="sudo"
    hold=
    if [ -n "$fresh" ] && [ -z "${NO_INSTALL:-}" ] && [ ! -e /usr/sbin/policy-rc.d ]; then
        hold=/usr/sbin/policy-rc.d # how Debian is told not to start what it installs
        printf '#!/bin/sh\nexit 101\n' | $as_root tee "$hold" >/dev/null && $as_root chmod 755 "$hold"
        trap '$as_root rm -f "$hold"' EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM
    fi
    done_well=0
    need_packages "$1" interop || done_well=1
    if [ -n "$hold" ]; then
        $as_root rm -f "$hold"
        trap - EXIT INT TERM
    fi
    for service in $fresh; do # the service of a package that was there before is its owner's
        [ ! -e "/etc/init.d/$service" ] && [ ! -e "/lib/systemd/system/$service.service" ] ||
            $as_root update-rc.d "$service" disable >>build/apt.log 2>&1 || true
    done
    # shellcheck disable=SC2013 # one package, one word
    for package in $(awk '$2 == "unpack" { print $1 }' "$1"); do
        unpack_package "$package" || done_well=1
    done
    return "$done_well"
}

unpack_package() { # NAME: its files under build/NAME, without installing it
    [ ! -d "build/$1" ] || return 0
    if [ "${NO_INSTALL:-}" ]; then
        say "build/$1 is missing; try: ./check --interop"
        return 1
    fi
    say "unpacking the Debian package $1 into build/$1"
    work=$(mktemp -d "build/$1.XXXXXX")
    if (cd "$work" && apt-get -qq download "$1") >>build/apt.log 2>&1 &&
        dpkg -x "$work/$1"_*.deb "$work/tree" && mv "$work/tree" "build/$1"; then
        rm -r "$work"
        return 0
    fi
    rm -r "$work"
    say "$1 could not be fetched; the whole log is in build/apt.log"
    say "try: ${as_root:+$as_root }apt-get update"
    return 1
}

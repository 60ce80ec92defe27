# shellcheck shell=sh
# Sourced by ./run and ./check: make sure the packages of deps/apt.txt are there.
# usage: need_packages LIST_FILE KIND...   (kinds: build report test)

say() { printf '%s\n' "$*" >&2; }

missing_packages() { # prints the packages of the given kinds that are not installed
    list=$1
    shift
    for kind in "$@"; do
        while read -r package for_whom only_on _; do
            case $package in '' | '#'*) continue ;; esac
            [ "$for_whom" = "$kind" ] || continue
            [ -z "$only_on" ] || [ "$only_on" = "$(dpkg --print-architecture)" ] || continue
            dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
                printf '%s\n' "$package"
        done <"$list"
    done
}

need_packages() {
    missing=$(missing_packages "$@" | tr '\n' ' ')
    [ -n "${missing% }" ] || return 0
    if [ "${NO_INSTALL:-}" ]; then
        say "missing packages: $missing"
        say "try: sudo apt-get install $missing"
        return 1
    fi
    say "installing Debian packages: $missing"
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || {
            say "not root and no sudo; try as root: apt-get install $missing"
            return 1
        }
        as_root="sudo"
    fi
    # An update may fail because of a repository that is none of ours; the installation decides.
    $as_root apt-get -qq update >build/apt.log 2>&1 || true
    # shellcheck disable=SC2086 # the list is split on purpose
    if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
        --no-install-recommends $missing >>build/apt.log 2>&1; then
        tail -n 20 build/apt.log >&2
        say "installation failed; the whole log is in build/apt.log"
        say "try: ${as_root:+$as_root }apt-get update; then by hand:" \
            "${as_root:+$as_root }apt-get install $missing"
        return 1
    fi
}

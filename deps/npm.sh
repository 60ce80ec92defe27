# shellcheck shell=sh
# Sourced by ./check after install.sh: what the browser tests need from npm, under build/browser.
# tests/browser/package-lock.json names every version and digest; nothing of it goes into a build.

need_npm() { # LIST_FILE
    # npm may be there without Debian's package of that name, and then that one cannot be installed.
    command -v npm >/dev/null || need_packages "$1" node || return 1
    here=build/browser
    [ ! -e "$here/installed" ] || ! cmp -s tests/browser/package-lock.json "$here/package-lock.json" ||
        return 0
    rm -rf "$here"
    mkdir -p "$here"
    if [ "${NO_INSTALL:-}" ]; then
        say "build/browser is missing: browser tests are skipped; try: ./check without --no-install"
        echo "their npm packages are not installed; try: ./check without --no-install" >"$here/missing"
        return 0
    fi
    say "installing the npm packages of the browser tests into $here"
    cp tests/browser/package.json tests/browser/package-lock.json tests/browser/.npmrc "$here"
    if npm ci --prefix "$here" >"$here/npm.log" 2>&1; then
        : >"$here/installed"
        return 0
    fi
    if grep -qE 'ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ENETUNREACH|ERR_SOCKET_TIMEOUT' "$here/npm.log"; then
        say "npm reaches no registry: browser tests are skipped"
        echo "npm reaches no registry; try: ./check with a network" >"$here/missing"
        rm -f "$here/package-lock.json"
        return 0
    fi
    tail -n 20 "$here/npm.log" >&2
    say "npm failed; the whole log is in $here/npm.log"
    say "try: npm ci in $here by hand"
    return 1
}

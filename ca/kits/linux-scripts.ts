/**
 * The shell scripts of the Linux kit. `@DATA@` is replaced by the names of the roots, which are made of letters, digits and
 * hyphens only. The texts are plain POSIX shell: dash, busybox and bash run them.
 */

const HEAD = (what: string): string => `#!/bin/sh
# ${what}
# shellcheck disable=SC2034 # the scripts share the names below
set -eu
cd "$(dirname "$0")"
@DATA@
`;

/** Where a distribution keeps roots that an administrator adds, and what makes them effective. */
const STORE = String.raw`
# Debian, Ubuntu, Alpine | RHEL, Fedora | SUSE | Arch
ANCHORS='' EXT=pem
if [ -d /etc/pki/ca-trust/source/anchors ]; then ANCHORS=/etc/pki/ca-trust/source/anchors
elif [ -d /etc/pki/trust/anchors ]; then ANCHORS=/etc/pki/trust/anchors
elif [ -d /etc/ca-certificates/trust-source/anchors ]; then ANCHORS=/etc/ca-certificates/trust-source/anchors
elif command -v update-ca-certificates >/dev/null 2>&1 || [ -x /usr/sbin/update-ca-certificates ]; then
  ANCHORS=/usr/local/share/ca-certificates EXT=crt
fi
refresh() {
  PATH=$PATH:/usr/sbin:/sbin
  if command -v update-ca-trust >/dev/null 2>&1; then update-ca-trust
  elif command -v update-ca-certificates >/dev/null 2>&1; then update-ca-certificates >/dev/null
  else trust extract-compat; fi
}
POLICY_DIRS='/etc/chromium/policies/managed /etc/opt/chrome/policies/managed /etc/opt/edge/policies/managed'
FIREFOX=/etc/firefox/policies/policies.json
`;

export const LINUX_INSTALL = `${HEAD('Makes this machine trust the Sightglass root and use the proxy. Run it as root.')}${STORE}${String.raw`
REPLACE=no
case "${'${1:-}'}" in
  '') ;;
  --replace) REPLACE=yes ;;
  *) echo "usage: sh install.sh [--replace]" >&2; exit 2 ;;
esac
[ "$(id -u)" = 0 ] || { echo 'Run it as root.' >&2; exit 1; }

# Look before anything is changed.
for root in $ROOTS; do
  [ -f "../roots/$root.pem" ] || { echo "../roots/$root.pem is missing: copy the whole kit." >&2; exit 1; }
done
[ -n "$ANCHORS" ] || { echo 'No known trust store on this system (package ca-certificates?).' >&2; exit 1; }
if [ -f "$FIREFOX" ] && ! cmp -s "$FIREFOX" firefox-policies.json &&
   ! cmp -s "$FIREFOX" "$SHARE/firefox-policies.json" && [ "$REPLACE" = no ]; then
  echo "$FIREFOX holds other policies. Nothing was changed." >&2
  echo 'Put the two together by hand, or run: sh install.sh --replace (the old file is kept for remove.sh)' >&2
  exit 1
fi

umask 022
mkdir -p "$ANCHORS" "$SHARE"
for root in $ROOTS; do
  cp "../roots/$root.pem" "$ANCHORS/$root.$EXT"
  cp "../roots/$root.pem" "$SHARE/$root.pem"
done
for root in $RETIRED; do rm -f "$ANCHORS/$root.$EXT" "$SHARE/$root.pem"; done
refresh

for dir in $POLICY_DIRS; do
  mkdir -p "$dir"
  cp chromium-policies.json "$dir/sightglass.json"
done
mkdir -p "$(dirname "$FIREFOX")"
if [ -f "$FIREFOX" ] && ! cmp -s "$FIREFOX" "$SHARE/firefox-policies.json" && ! cmp -s "$FIREFOX" firefox-policies.json; then
  mv "$FIREFOX" "$FIREFOX.before-sightglass"
fi
cp firefox-policies.json "$SHARE/firefox-policies.json"
cp firefox-policies.json "$FIREFOX"

if [ -f proxy-profile.sh ]; then
  mkdir -p /etc/profile.d
  cp proxy-profile.sh /etc/profile.d/sightglass-proxy.sh
  if [ -d /etc/apt/apt.conf.d ]; then cp proxy-apt.conf /etc/apt/apt.conf.d/95sightglass-proxy; fi
fi
echo 'Done. Each user who browses runs: sh user.sh install'
`}`;

export const LINUX_VERIFY = `${HEAD('Says whether this machine trusts the Sightglass root and has its policies. Changes nothing.')}${STORE}${String.raw`
problems=0
tell() { if [ "$1" = ok ]; then echo "ok       $2"; else echo "MISSING  $2"; problems=$((problems + 1)); fi; }
bundle=''
for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem /etc/ssl/ca-bundle.pem; do
  if [ -z "$bundle" ] && [ -f "$file" ]; then bundle=$file; fi
done
# A root is in the bundle when the lines of its PEM are.
in_bundle() { awk 'NR==FNR { if (!/^-/) want = want $0; next } /^-----BEGIN/ { have = ""; next } /^-----END/ { if (have == want) { found = 1; exit } next } { have = have $0 } END { exit !found }' "$1" "$bundle"; }
for root in $ROOTS; do
  if [ -n "$bundle" ] && in_bundle "../roots/$root.pem"; then tell ok "system trusts $root"; else tell no "system trusts $root"; fi
done
for root in $RETIRED; do
  if [ -f "$ANCHORS/$root.$EXT" ]; then tell no "$root is out of use and must be removed"; else tell ok "$root is gone"; fi
done
for dir in $POLICY_DIRS; do
  if cmp -s chromium-policies.json "$dir/sightglass.json"; then tell ok "$dir"; else tell no "$dir"; fi
done
if cmp -s firefox-policies.json "$FIREFOX"; then tell ok "$FIREFOX"; else tell no "$FIREFOX"; fi
if [ -f proxy-profile.sh ]; then
  if cmp -s proxy-profile.sh /etc/profile.d/sightglass-proxy.sh; then tell ok 'proxy variables'; else tell no 'proxy variables'; fi
fi
if [ -n "${'${1:-}'}" ]; then
  if [ -f proxy-profile.sh ]; then . ./proxy-profile.sh; fi
  if curl -sS -o /dev/null "$1"; then tell ok "curl reaches $1"; else tell no "curl reaches $1"; fi
fi
[ "$problems" = 0 ]
`}`;

export const LINUX_REMOVE = `${HEAD('Takes back what install.sh did. Run it as root.')}${STORE}${String.raw`
[ "$(id -u)" = 0 ] || { echo 'Run it as root.' >&2; exit 1; }
[ -n "$ANCHORS" ] || { echo 'No known trust store on this system.' >&2; exit 1; }
for root in $ROOTS $RETIRED; do rm -f "$ANCHORS/$root.$EXT"; done
refresh
for dir in $POLICY_DIRS; do rm -f "$dir/sightglass.json"; done
if [ -f "$FIREFOX" ] && { cmp -s "$FIREFOX" "$SHARE/firefox-policies.json" || cmp -s "$FIREFOX" firefox-policies.json; }; then
  rm -f "$FIREFOX"
  if [ -f "$FIREFOX.before-sightglass" ]; then mv "$FIREFOX.before-sightglass" "$FIREFOX"; fi
elif [ -f "$FIREFOX" ]; then
  echo "$FIREFOX was changed since and is left as it is." >&2
fi
rm -f /etc/profile.d/sightglass-proxy.sh /etc/apt/apt.conf.d/95sightglass-proxy
for root in $ROOTS $RETIRED; do rm -f "$SHARE/$root.pem"; done
rm -f "$SHARE/firefox-policies.json"
rmdir "$SHARE" 2>/dev/null || true
echo 'Done. Each user who browses runs: sh user.sh remove'
`}`;

export const LINUX_USER = `${HEAD('Certificate databases of this user (NSS): sh user.sh install | verify | remove')}${String.raw`
command -v certutil >/dev/null 2>&1 || { echo 'certutil is missing: install libnss3-tools (Debian) or nss-tools (RHEL).' >&2; exit 1; }

# Chromium looks into the second folder, older ones into the first.
chromium_dbs() { printf '%s\n' "$HOME/.pki/nssdb" "${'${XDG_DATA_HOME:-$HOME/.local/share}'}/pki/nssdb"; }
firefox_dbs() {
  for db in "$HOME"/.mozilla/firefox/*/cert9.db "${'${XDG_CONFIG_HOME:-$HOME/.config}'}"/mozilla/firefox/*/cert9.db \
            "$HOME"/snap/firefox/common/.mozilla/firefox/*/cert9.db; do
    if [ -f "$db" ]; then dirname "$db"; fi
  done
}
# Nicknames in a database whose certificate has this SHA-256. Firefox gives names of its own.
nicknames() {
  certutil -L -d "sql:$1" 2>/dev/null | sed -n 's/  *[A-Za-z]*,[A-Za-z]*,[A-Za-z]* *$//p' | while IFS= read -r nick; do
    [ "$(certutil -L -d "sql:$1" -n "$nick" -r 2>/dev/null | sha256sum | cut -d' ' -f1)" = "$2" ] && printf '%s\n' "$nick"
  done
  return 0
}
forget() {
  nicknames "$1" "$2" | while IFS= read -r nick; do
    certutil -D -d "sql:$1" -n "$nick"
    echo "forgotten in $1: $nick"
  done
}
forget_all() {
  { chromium_dbs; firefox_dbs; } | while IFS= read -r db; do
    if [ -f "$db/cert9.db" ]; then for sum in "$@"; do forget "$db" "$sum"; done; fi
  done
}
has_all() { for sum in $SHA256S; do [ -n "$(nicknames "$1" "$sum")" ] || return 1; done; }

case "${'${1:-}'}" in
  install)
    chromium_dbs | while IFS= read -r db; do
      mkdir -p "$db"
      [ -f "$db/cert9.db" ] || certutil -N -d "sql:$db" --empty-password
    done
    # shellcheck disable=SC2086 # a list of words on purpose
    forget_all $RETIRED_SHA256S
    { chromium_dbs; firefox_dbs; } | while IFS= read -r db; do
      for root in $ROOTS; do
        certutil -A -d "sql:$db" -n "$root" -t C,, -i "../roots/$root.pem"
        echo "trusted in $db: $root"
      done
    done
    ;;
  verify)
    missing=$({ chromium_dbs; firefox_dbs; } | while IFS= read -r db; do
      if has_all "$db"; then echo "ok       $db" >&2; else echo "MISSING  $db" >&2; echo missing; fi
    done)
    [ -z "$missing" ]
    ;;
  remove)
    # shellcheck disable=SC2086 # a list of words on purpose
    forget_all $SHA256S $RETIRED_SHA256S
    ;;
  *) echo 'usage: sh user.sh install | verify | remove' >&2; exit 2 ;;
esac
`}`;

/**
 * Shell scripts for runtimes: a common head, then `install`, `verify` and `remove` of each. POSIX shell, safe to run again.
 *
 * What variables can carry goes into `~/.config/sightglass/env.d/NAME.sh`; one marked line in ~/.profile reads that folder,
 * and goes with the last file in it. Configuration of others (git, npm) is set only where it is empty or ours, and taken back
 * only where it is still ours.
 */

/** The whole text of a script. */
export function runtimeScript(name: string, data: string, body: string): string {
  return `#!/bin/sh
# Sightglass root and proxy for ${name}: sh ${name}.sh install | verify | remove
# shellcheck disable=SC2034 # the scripts share the names below
set -eu
cd "$(dirname "$0")"
${data}${COMMON}${body}
case "${'${1:-}'}" in
  install) install ;;
  verify) verify ;;
  remove) remove ;;
  *) echo 'usage: sh ${name}.sh install | verify | remove' >&2; exit 2 ;;
esac
`;
}

const COMMON = String.raw`
DIR=${'${XDG_CONFIG_HOME:-$HOME/.config}'}/sightglass
BUNDLE=$DIR/bundle.pem
LINE="[ ! -f '$DIR/env.sh' ] || . '$DIR/env.sh' # sightglass"

# All roots in one file: those of the system, then ours. Made anew, since the system's change.
make_bundle() {
  mkdir -p "$DIR"
  system=''
  for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do
    if [ -z "$system" ] && [ -f "$file" ]; then system=$file; fi
  done
  [ -n "$system" ] || { echo 'No bundle of public roots on this system (package ca-certificates?).' >&2; exit 1; }
  cat "$system" > "$BUNDLE.new"
  for root in $ROOTS; do cat "../roots/$root.pem" >> "$BUNDLE.new"; done
  mv "$BUNDLE.new" "$BUNDLE"
}
make_roots() {
  mkdir -p "$DIR"
  for root in $ROOTS; do cat "../roots/$root.pem"; done > "$DIR/roots.pem"
}
# Lines of env.d/NAME.sh come on standard input.
set_env() {
  mkdir -p "$DIR/env.d"
  cat > "$DIR/env.d/$1.sh"
  printf '%s\n' "for file in '$DIR'/env.d/*.sh; do . \"\$file\"; done" > "$DIR/env.sh"
  touch "$HOME/.profile"
  grep -qxF "$LINE" "$HOME/.profile" || printf '%s\n' "$LINE" >> "$HOME/.profile"
  echo "Written to $DIR/env.d/$1.sh; log in again, or: . '$DIR/env.sh'"
}
unset_env() {
  rm -f "$DIR/env.d/$1.sh"
  if rmdir "$DIR/env.d" 2>/dev/null; then
    rm -f "$DIR/env.sh"
    if [ -f "$HOME/.profile" ] && grep -qxF "$LINE" "$HOME/.profile"; then
      grep -vxF "$LINE" "$HOME/.profile" > "$HOME/.profile.sightglass" || true
      cat "$HOME/.profile.sightglass" > "$HOME/.profile"
      rm -f "$HOME/.profile.sightglass"
    fi
  fi
}
has_env() { if [ -f "$DIR/env.d/$1.sh" ]; then echo "ok       $DIR/env.d/$1.sh"; else echo "MISSING  $DIR/env.d/$1.sh"; return 1; fi; }
# Set NAME to VALUE unless somebody else set it: ask, current value, wanted value.
refuse_foreign() {
  if [ -n "$2" ] && [ "$2" != "$3" ]; then
    echo "$1 is set to $2 by somebody else. Nothing was changed." >&2
    exit 1
  fi
}
same() { if [ "$2" = "$3" ]; then echo "ok       $1 = $3"; else echo "DIFFERS  $1 = $2, not $3"; return 1; fi; }
`;

const NODE = String.raw`
install() {
  make_roots
  {
    echo "export NODE_EXTRA_CA_CERTS='$DIR/roots.pem'"
    if [ -n "$PROXY" ]; then
      echo "export NODE_USE_ENV_PROXY=1 http_proxy='$PROXY' https_proxy='$PROXY' no_proxy='$NO_PROXY_LIST'"
    fi
  } | set_env node
}
verify() {
  has_env node
  . "$DIR/env.d/node.sh"
  node -e 'new (require("crypto").X509Certificate)(require("fs").readFileSync(process.env.NODE_EXTRA_CA_CERTS))'
  echo "ok       node reads $NODE_EXTRA_CA_CERTS"
}
remove() { unset_env node; rm -f "$DIR/roots.pem"; rmdir "$DIR" 2>/dev/null || true; }
`;

const PYTHON = String.raw`
install() {
  make_bundle
  {
    echo "export REQUESTS_CA_BUNDLE='$BUNDLE' SSL_CERT_FILE='$BUNDLE' PIP_CERT='$BUNDLE'"
    if [ -n "$PROXY" ]; then echo "export http_proxy='$PROXY' https_proxy='$PROXY' no_proxy='$NO_PROXY_LIST'"; fi
  } | set_env python
}
verify() {
  has_env python
  . "$DIR/env.d/python.sh"
  python3 -c 'import os, ssl; ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])'
  echo "ok       python reads $SSL_CERT_FILE"
}
remove() { unset_env python; }
`;

const CURL = String.raw`
install() {
  make_bundle
  {
    echo "export CURL_CA_BUNDLE='$BUNDLE'"
    if [ -n "$PROXY" ]; then echo "export http_proxy='$PROXY' https_proxy='$PROXY' no_proxy='$NO_PROXY_LIST'"; fi
  } | set_env curl
}
verify() { has_env curl; }
remove() { unset_env curl; }
`;

const GIT = String.raw`
value() { git config --global --get "$1" || true; }
install() {
  refuse_foreign 'http.sslCAInfo of git' "$(value http.sslCAInfo)" "$BUNDLE"
  if [ -n "$PROXY" ]; then refuse_foreign 'http.proxy of git' "$(value http.proxy)" "$PROXY"; fi
  make_bundle
  git config --global http.sslCAInfo "$BUNDLE"
  if [ -n "$PROXY" ]; then git config --global http.proxy "$PROXY"; fi
}
verify() {
  same http.sslCAInfo "$(value http.sslCAInfo)" "$BUNDLE"
  if [ -n "$PROXY" ]; then same http.proxy "$(value http.proxy)" "$PROXY"; fi
}
remove() {
  if [ "$(value http.sslCAInfo)" = "$BUNDLE" ]; then git config --global --unset http.sslCAInfo; fi
  if [ -n "$PROXY" ] && [ "$(value http.proxy)" = "$PROXY" ]; then git config --global --unset http.proxy; fi
}
`;

const NPM = String.raw`
# The user's own file and not what holds in the end: an entry of the system is overruled and comes back by itself.
value() {
  file=$(npm config get userconfig)
  if [ -f "$file" ]; then sed -n "s/^$1 *= *//p" "$file" | tr -d '"' | sed 's,/$,,' | tail -n 1; fi
}
install() {
  refuse_foreign 'cafile of npm' "$(value cafile)" "$BUNDLE"
  make_bundle
  npm config set --location=user cafile "$BUNDLE"
  if [ -n "$PROXY" ]; then npm config set --location=user proxy "$PROXY" https-proxy "$PROXY"; fi
}
verify() {
  same cafile "$(value cafile)" "$BUNDLE"
  if [ -n "$PROXY" ]; then same https-proxy "$(value https-proxy)" "$PROXY"; fi
}
remove() {
  if [ "$(value cafile)" = "$BUNDLE" ]; then npm config delete --location=user cafile; fi
  if [ -n "$PROXY" ] && [ "$(value https-proxy)" = "$PROXY" ]; then
    npm config delete --location=user proxy https-proxy
  fi
}
`;

const JAVA = String.raw`
keytool() { if [ -n "${'${JAVA_HOME:-}'}" ]; then "$JAVA_HOME/bin/keytool" "$@"; else command keytool "$@"; fi; }
there() { keytool -list -cacerts -storepass changeit -alias "$1" >/dev/null 2>&1; }
drop() { if there "$1"; then keytool -delete -cacerts -storepass changeit -alias "$1" 2>/dev/null; fi; }
install() {
  for root in $ROOTS; do
    there "$root" || keytool -importcert -noprompt -trustcacerts -cacerts -storepass changeit -alias "$root" -file "../roots/$root.pem" 2>/dev/null
  done
  for root in $RETIRED; do drop "$root"; done
}
verify() {
  for root in $ROOTS; do
    if there "$root"; then echo "ok       $root"; else echo "MISSING  $root"; return 1; fi
  done
}
remove() { for root in $ROOTS $RETIRED; do drop "$root"; done; }
`;

const DOCKER = String.raw`
DROPIN=/etc/systemd/system/docker.service.d/sightglass-proxy.conf
install() {
  if [ -z "$PROXY" ]; then echo 'This kit names no address of a proxy; the daemon trusts what the system trusts.'; return; fi
  mkdir -p "$(dirname "$DROPIN")"
  printf '[Service]\nEnvironment="HTTP_PROXY=%s" "HTTPS_PROXY=%s" "NO_PROXY=%s"\n' "$PROXY" "$PROXY" "$NO_PROXY_LIST" > "$DROPIN"
  echo 'Now: systemctl daemon-reload && systemctl restart docker. The root comes with linux/install.sh.'
}
verify() {
  if [ -z "$PROXY" ]; then return; fi
  if grep -qF "HTTPS_PROXY=$PROXY\"" "$DROPIN"; then echo "ok       $DROPIN"; else echo "MISSING  $DROPIN"; return 1; fi
}
remove() { rm -f "$DROPIN"; }
`;

export const RUNTIME_SCRIPTS: Readonly<Record<string, string>> = {
  node: NODE,
  npm: NPM,
  python: PYTHON,
  java: JAVA,
  git: GIT,
  curl: CURL,
  docker: DOCKER,
};

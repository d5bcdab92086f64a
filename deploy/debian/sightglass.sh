#!/bin/sh
# The command of the package: its own Node, and the settings of the service unless others are named.
if [ -z "${SIGHTGLASS_CONFIG+set}" ] && [ -r /etc/sightglass/sightglass.yaml ]; then
  export SIGHTGLASS_CONFIG=/etc/sightglass/sightglass.yaml
fi
exec /usr/lib/sightglass/bin/node /usr/lib/sightglass/dist/src/cli/main.js "$@"

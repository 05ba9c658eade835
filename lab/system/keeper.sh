#!/bin/sh
# A service that reads its credentials when it starts, and tells by their digests which they are.
set -eu
cd "$CREDENTIALS_DIRECTORY"
sha256sum -- * >"$RUNTIME_DIRECTORY/digests"
exec sleep infinity

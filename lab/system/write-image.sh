#!/bin/sh
# Writes a docker-archive of the app.
set -eu
exec cat @archive@

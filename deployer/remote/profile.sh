# shellcheck shell=sh disable=SC2154
# Prepended to the scripts that set the system's profile.

# set_profile TOPLEVEL: a generation of the profile is this system, and is the profile, as `nix-env --set` would have it and under its lock.
# Nix itself is not started: that would take longer than all else of a confirmation. The system has to be rooted.
set_profile() {
  while :; do
    set_profile_locked "$1" 7>>"$profile.lock" && return 0
    [ "$?" = 75 ] || return 1
  done
}
set_profile_locked() {
  flock -w 30 7 || { echo "$profile.lock stays taken" >&2; return 1; }
  # Nix removes its lock when it is done with it: one that is gone locks nothing.
  # shellcheck disable=SC3013 # In POSIX since 2024; dash and bash have it.
  [ "$profile.lock" -ef /proc/self/fd/7 ] || return 75
  newest=0
  for link in "$profile"-*-link; do
    number=${link#"$profile-"} number=${number%-link}
    case $number in '' | *[!0-9]*) continue ;; esac
    [ "$number" -le "$newest" ] || newest=$number
  done
  if [ "$newest" = 0 ] || [ "$(readlink "$profile-$newest-link")" != "$1" ]; then
    newest=$((newest + 1))
    ln -s "$1" "$profile-$newest-link" || return 1
  fi
  # Renamed over the old one: there is no moment without.
  ln -sfn "${profile##*/}-$newest-link" "$profile.new" && mv -T "$profile.new" "$profile"
}

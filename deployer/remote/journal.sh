# shellcheck shell=sh disable=SC2154
# The last words of a unit. Changes nothing.
# Document: text (the unit).
printf '{"journal":%s}\n' "$(journal_of "$doc_text")"

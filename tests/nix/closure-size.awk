# Says how large a system's closure is, and fails with what makes it so where that is over its limit.
# usage: awk -v name=HOST -v root=PATH -v limit=BYTES -f closure-size.awk REGISTRATION
# REGISTRATION is what closureInfo writes, for each path: its name, hash, size, deriver, how many references, and those, a line each.
function mb(bytes) { return sprintf("%.1f MB", bytes / 1000000) }

function take(line) {
  if (field == 0) { path = line; paths[++count] = path }
  else if (field == 2) { size[path] = line; total += line }
  else if (field == 4) { left = line }
  else if (field > 4) { references[path] = references[path] " " line; left-- }
  field = (field >= 4 && left == 0) ? 0 : field + 1
}

# Who refers to each path, by the shortest way from the root.
function walk(   queue, first, last, i, n, found) {
  queue[last = 1] = root
  seen[root] = 1
  for (first = 1; first <= last; first++) {
    n = split(references[queue[first]], found, " ")
    for (i = 1; i <= n; i++)
      if (!(found[i] in seen)) { seen[found[i]] = 1; parent[found[i]] = queue[first]; queue[++last] = found[i] }
  }
}

function why(path) {
  for (; path in parent; path = parent[path]) print "      <- " parent[path]
}

{ take($0) }

END {
  if (count == 0) { print name ": the closure has no paths" > "/dev/stderr"; exit 2 }
  printf "%s: %s in %d paths, limit %s\n", name, mb(total), count, mb(limit)
  if (total <= limit) exit 0
  walk()
  print "The closure is " mb(total - limit) " over its limit. The largest paths, and who needs them (nix why-depends):"
  for (shown = 1; shown <= 10 && shown <= count; shown++) {
    largest = ""
    for (i = 1; i <= count; i++)
      if (!(paths[i] in told) && (largest == "" || size[paths[i]] > size[largest])) largest = paths[i]
    told[largest] = 1
    printf "%12s  %s\n", mb(size[largest]), largest
    why(largest)
  }
  print "Take out what is not needed, or raise the limit in tests/nix/closure-sizes.json and say why."
  exit 1
}

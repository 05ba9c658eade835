# shellcheck shell=sh disable=SC2154
# What a boot of the host does for the ports of its containers. It lies there as /var/lib/berth/docker/restore, behind docker-proxy.sh.
for service_folder in "$state"/*/; do
  [ -s "$service_folder/ports" ] || continue
  service_name=${service_folder%/}
  apply_ports "${service_name##*/}" || echo "the ports of ${service_name##*/} could not be had" >&2
done

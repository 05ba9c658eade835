"""Servers: their life, power, types, protection, names, backups, rescue system, ISOs and console."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

from common import DEBIAN, FALKENSTEIN, SMALL, equal, finished, lifecycle, names, order, refused
from hcloud.actions.domain import ActionFailedException
from hcloud.images.domain import Image
from hcloud.server_types.domain import ServerType
from hcloud.ssh_keys.domain import SSHKey


def run(client, folder):
    key = client.ssh_keys.create(name="ada", public_key=Path(folder, "key.pub").read_text().strip())
    made = finished(
        client.servers.create(
            name="web",
            server_type=SMALL,
            image=DEBIAN,
            location=FALKENSTEIN,
            ssh_keys=[SSHKey(name="ada")],
            labels={"env": "prod"},
            user_data="#cloud-config\n",
        )
    )
    equal((made.server.status, made.root_password), ("initializing", None))
    server = client.servers.get_by_name("web")
    equal((server.status, server.location.name, server.image.name), ("running", "fsn1", "debian-13"))
    equal((server.server_type.cores, server.primary_disk_size, server.locked), (2, 40, False))
    equal(server.public_net.ipv6.ip.endswith("::/64"), True)
    refused("uniqueness_error", order, client, "web")
    refused("invalid_input", order, client, "no good name")
    refused("invalid_input", order, client, "unknown", server_type=ServerType(name="cx999"))
    lifecycle(client.servers, server, rename="www")
    equal(names(client.servers.get_all(status=["running", "off"])), ["web"])
    equal(client.servers.get_all(status=["off"]), [])

    power(client, server)
    protection_and_names(client, server)
    images(client, server)
    others(client, server, key)
    finished(client.servers.delete(server))
    equal(client.servers.get_all(), [])
    equal(client.primary_ips.get_all(), [])


def status(client, server):
    return client.servers.get_by_id(server.id).status


def power(client, server):
    for act in (client.servers.reboot, client.servers.reset):
        finished(act(server))
        equal(status(client, server), "running")
    refused("server_not_stopped", client.servers.change_type, server, ServerType(name="cx33"), upgrade_disk=False)
    finished(client.servers.shutdown(server))
    finished(client.servers.power_off(server))
    equal(status(client, server), "off")
    finished(client.servers.change_type(server, ServerType(name="cx33"), upgrade_disk=True))
    grown = client.servers.get_by_id(server.id)
    equal((grown.server_type.name, grown.primary_disk_size), ("cx33", 80))
    refused("invalid_server_type", client.servers.change_type, server, SMALL, upgrade_disk=False)
    finished(client.servers.power_on(server))
    equal(status(client, server), "running")


def protection_and_names(client, server):
    finished(client.servers.change_protection(server, delete=True, rebuild=True))
    equal(client.servers.get_by_id(server.id).protection, {"delete": True, "rebuild": True})
    refused("protected", client.servers.delete, server)
    refused("protected", client.servers.rebuild, server, DEBIAN)
    finished(client.servers.change_protection(server, delete=False, rebuild=False))

    address = server.public_net.ipv4.ip
    default = server.public_net.ipv4.dns_ptr
    finished(client.servers.change_dns_ptr(server, address, "web.example.org"))
    equal(client.servers.get_by_id(server.id).public_net.ipv4.dns_ptr, "web.example.org")
    finished(client.servers.change_dns_ptr(server, address, None))
    equal(client.servers.get_by_id(server.id).public_net.ipv4.dns_ptr, default)
    sixth = server.public_net.ipv6.ip.replace("::/64", "::1")
    finished(client.servers.change_dns_ptr(server, sixth, "six.example.org"))
    pointers = client.servers.get_by_id(server.id).public_net.ipv6.dns_ptr
    equal(pointers, [{"ip": sixth, "dns_ptr": "six.example.org"}])


def images(client, server):
    finished(client.servers.enable_backup(server))
    equal(client.servers.get_by_id(server.id).backup_window is None, False)
    backup = finished(client.servers.create_image(server, type="backup", description="nightly")).image
    equal(client.images.get_by_id(backup.id).bound_to.id, server.id)
    finished(client.servers.disable_backup(server))
    refused("not_found", client.images.get_by_id, backup.id)
    snapshot = finished(client.servers.create_image(server, description="before", labels={"for": "test"})).image
    finished(client.servers.rebuild(server, snapshot, user_data="#cloud-config\n"))
    equal(client.servers.get_by_id(server.id).image.id, snapshot.id)
    # The lab's servers have keys alone.
    equal(finished(client.servers.rebuild(server, Image(name="debian-12"))).root_password, None)
    client.images.delete(snapshot)


def others(client, server, key):
    rescue = finished(client.servers.enable_rescue(server, type="linux64", ssh_keys=[key.id]))
    equal((len(rescue.root_password), client.servers.get_by_id(server.id).rescue_enabled), (20, True))
    finished(client.servers.disable_rescue(server))
    equal(client.servers.get_by_id(server.id).rescue_enabled, False)

    iso = client.isos.get_by_name("hcloud-v1-11-2-amd64.iso")
    finished(client.servers.attach_iso(server, iso))
    equal(client.servers.get_by_id(server.id).iso.id, iso.id)
    finished(client.servers.detach_iso(server))
    equal(client.servers.get_by_id(server.id).iso, None)

    console = client.servers.request_console(server)
    equal((console.wss_url[:6], bool(console.password)), ("wss://", True))
    # The lab's servers have keys alone: the action fails, and the client says why.
    reset = client.servers.reset_password(server)
    try:
        reset.action.wait_until_finished()
    except ActionFailedException as failure:
        equal("the lab sets no passwords" in str(failure), True)
    else:
        raise AssertionError("a password was set")

    now = datetime.now(timezone.utc)
    series = client.servers.get_metrics(server, ["cpu", "disk", "network"], now - timedelta(hours=1), now, step=60)
    equal("cpu" in series.metrics.time_series, True)

    group = finished(client.placement_groups.create(name="spread", type="spread")).placement_group
    refused("server_not_stopped", client.servers.add_to_placement_group, server, group)
    finished(client.servers.power_off(server))
    finished(client.servers.add_to_placement_group(server, group))
    equal(client.servers.get_by_id(server.id).placement_group.id, group.id)
    refused("resource_in_use", client.placement_groups.delete, group)
    finished(client.servers.remove_from_placement_group(server))
    lifecycle(client.placement_groups, group)
    equal(names(client.placement_groups.get_list(type="spread", sort=["name:desc"])[0]), ["spread"])
    client.placement_groups.delete(group)

    lifecycle(client.ssh_keys, key)
    equal(client.ssh_keys.get_by_fingerprint(key.fingerprint).id, key.id)
    refused("uniqueness_error", client.ssh_keys.create, name="twin", public_key=key.public_key)
    refused("invalid_input", client.ssh_keys.create, name="bad", public_key="ssh-ed25519 what")
    client.ssh_keys.delete(key)

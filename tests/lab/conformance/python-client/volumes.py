"""Volumes and images: sizes, servers, protection, snapshots as disks of new servers."""

from common import FALKENSTEIN, equal, finished, lifecycle, names, order, refused, told_actions
from hcloud.locations.domain import Location


def run(client, _folder):
    server = order(client, "web")
    volumes(client, server)
    images(client, server)


def volumes(client, server):
    group = client.volumes
    made = finished(group.create(size=10, name="data", location=FALKENSTEIN, format="ext4", labels={"a": "b"}))
    volume = group.get_by_id(made.volume.id)
    equal((volume.status, volume.size, volume.format, volume.server), ("available", 10, "ext4", None))
    equal(volume.linux_device, f"/dev/disk/by-id/scsi-0HC_Volume_{volume.id}")
    lifecycle(group, volume)
    equal(names(group.get_all(status=["available"])), ["data"])
    equal(group.get_all(status=["creating"]), [])
    finished(group.attach(volume, server, automount=False))
    equal([one.id for one in client.servers.get_by_id(server.id).volumes], [volume.id])
    refused("volume_already_attached", group.attach, volume, server)
    refused("service_error", group.delete, volume)
    finished(group.detach(volume))
    finished(group.resize(volume, 20))
    equal(group.get_by_id(volume.id).size, 20)
    refused("invalid_input", group.resize, volume, 10)
    finished(group.change_protection(volume, delete=True))
    refused("protected", group.delete, volume)
    finished(group.change_protection(volume, delete=False))
    far = finished(group.create(size=10, name="far", location=Location(name="hel1"))).volume
    assert refused("invalid_input", group.attach, far, server).message
    with_server = finished(group.create(size=10, name="with", server=server, automount=False)).volume
    equal(group.get_by_id(with_server.id).server.id, server.id)
    second = order(client, "two", volumes=[volume])
    equal(group.get_by_id(volume.id).server.id, second.id)
    finished(client.servers.delete(second))
    equal(group.get_by_id(volume.id).server, None)
    finished(group.detach(with_server))
    for one in (volume, far, with_server):
        equal(group.delete(one), True)


def images(client, server):
    group = client.images
    taken = finished(client.servers.create_image(server, description="before", labels={"env": "prod"})).image
    image = group.get_by_id(taken.id)
    equal((image.status, image.type, image.created_from.id), ("available", "snapshot", server.id))
    equal(isinstance(image.image_size, float) and image.disk_size == 40, True)
    changed = group.update(image, description="after", labels={"env": "test"})
    equal((changed.description, changed.labels), ("after", {"env": "test"}))
    equal([one.id for one in group.get_all(type=["snapshot"], label_selector="env=test")], [image.id])
    told_actions(group, image)
    finished(group.change_protection(image, delete=True))
    refused("protected", group.delete, image)
    finished(group.change_protection(image, delete=False))
    copy = order(client, "copy", image=image)
    equal(copy.image.id, image.id)
    finished(client.servers.enable_backup(server))
    backup = finished(client.servers.create_image(server, type="backup")).image
    equal([one.id for one in group.get_all(bound_to=[server.id])], [backup.id])
    equal(group.update(backup, type="snapshot").type, "snapshot")
    # Some releases send the page's size as the status; no image has such a one.
    equal(group.get_list(status=["available"], per_page=50)[0], [])
    equal(len(group.get_list(status=["available"])[0]) > 5, True)
    group.delete(image)
    group.delete(backup)

    both = group.get_all(name="debian-13", sort=["id"])
    equal(sorted(one.architecture for one in both), ["arm", "x86"])
    equal(group.get_by_name_and_architecture("debian-13", "arm").architecture, "arm")
    equal(group.get_by_name("debian-13").name, "debian-13")
    equal(group.get_by_name_and_architecture("debian-13", "mips", include_deprecated=True), None)
    system = group.get_all(type=["system"], architecture=["x86"], include_deprecated=True, sort=["name:desc"])
    equal(names(system), sorted(names(system), reverse=True))

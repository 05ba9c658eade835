"""Drives the lab's cloud through python3-hcloud: what a user's script would do. Prints one JSON object."""

import json
import sys

from hcloud import APIException, Client
from hcloud.firewalls.domain import FirewallResource, FirewallRule
from hcloud.images.domain import Image
from hcloud.locations.domain import Location
from hcloud.server_types.domain import ServerType

endpoint, token, public_key = sys.argv[1:]
client = Client(token=token, api_endpoint=endpoint, poll_interval=0.05)

key = client.ssh_keys.create(name="ada", public_key=public_key)
rule = FirewallRule(direction="in", protocol="tcp", port="22", source_ips=["0.0.0.0/0"])
firewall = client.firewalls.create(name="fw", rules=[rule]).firewall
made = client.servers.create(
    name="web",
    server_type=ServerType(name="cx23"),
    image=Image(name="debian-13"),
    location=Location(name="fsn1"),
    ssh_keys=[key],
    firewalls=[firewall],
    labels={"env": "prod"},
)
made.action.wait_until_finished()
for action in made.next_actions:
    action.wait_until_finished()

server = client.servers.get_by_name("web")
seen = {
    "status": server.status,
    "ipv4": server.public_net.ipv4.ip,
    "firewalls": [bound.firewall.id == firewall.id for bound in server.public_net.firewalls],
    "by_label": [found.name for found in client.servers.get_all(label_selector="env=prod")],
    "types": len(client.server_types.get_all()),
    "rules": [[rule.direction, rule.port] for rule in client.firewalls.get_by_id(firewall.id).rules],
}
try:
    client.servers.create(name="web", server_type=ServerType(name="cx23"), image=Image(name="debian-13"))
except APIException as error:
    seen["twice"] = error.code
for action in client.firewalls.set_rules(firewall, []):
    action.wait_until_finished()
taken = client.servers.create_image(server, description="before", labels={"env": "prod"})
taken.action.wait_until_finished()
image = client.images.get_by_id(taken.image.id)
seen["image"] = [image.status, image.type, image.created_from.id == server.id]
image.update(description="after")
# Newer clients answer an object around the action.
rebuilt = server.rebuild(image)
getattr(rebuilt, "action", rebuilt).wait_until_finished()
image.change_protection(delete=True).wait_until_finished()
try:
    image.delete()
except APIException as error:
    seen["protected"] = error.code
image.change_protection(delete=False).wait_until_finished()
image.delete()
rescue = server.enable_rescue(type="linux64", ssh_keys=[key.id])
rescue.action.wait_until_finished()
seen["rescue"] = [len(rescue.root_password), client.servers.get_by_id(server.id).rescue_enabled]
iso = client.isos.get_by_name("hcloud-v1-11-2-amd64.iso")
server.attach_iso(iso).wait_until_finished()
seen["iso"] = client.servers.get_by_id(server.id).iso.id
server.power_off().wait_until_finished()
seen["after"] = client.servers.get_by_id(server.id).status
server.delete().wait_until_finished()
client.firewalls.delete(firewall)
client.ssh_keys.delete(key)
seen["left"] = len(client.servers.get_all()) + len(client.firewalls.get_all()) + len(client.ssh_keys.get_all())
print(json.dumps(seen))

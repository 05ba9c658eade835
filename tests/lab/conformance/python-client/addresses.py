"""Primary and floating IPs: to servers and away from them, their names, protection."""

from common import FALKENSTEIN, equal, finished, lifecycle, names, order, refused, told_actions
from hcloud.locations.domain import Location
from hcloud.servers.domain import ServerCreatePublicNetwork


def run(client, _folder):
    primary(client)
    floating(client)
    equal((client.primary_ips.get_all(), client.floating_ips.get_all()), ([], []))


def primary(client):
    group = client.primary_ips
    made = finished(group.create(type="ipv4", name="one", location=FALKENSTEIN, labels={"a": "b"})).primary_ip
    equal((made.assignee_id, made.assignee_type, made.auto_delete), (None, "unassigned", False))
    six = group.create(type="ipv6", name="six", location=FALKENSTEIN, auto_delete=True).primary_ip
    equal(six.ip.endswith("::/64"), True)
    lifecycle(group, made)
    equal(names(group.get_list(ip=made.ip)[0]), ["one"])
    equal(group.update(made, auto_delete=True).auto_delete, True)
    group.update(made, auto_delete=False)

    finished(group.change_dns_ptr(made, made.ip, "one.example.org"))
    equal(group.get_by_id(made.id).dns_ptr, [{"ip": made.ip, "dns_ptr": "one.example.org"}])
    finished(group.change_protection(made, delete=True))
    refused("protected", group.delete, made)
    finished(group.change_protection(made, delete=False))
    told_actions(group, made)

    public = ServerCreatePublicNetwork(ipv4=made, ipv6=six, enable_ipv4=True, enable_ipv6=True)
    server = order(client, "web", public_net=public)
    equal((server.public_net.ipv4.ip, server.public_net.primary_ipv4.id), (made.ip, made.id))
    refused("must_be_unassigned", group.delete, made)
    refused("server_not_stopped", group.unassign, made)
    finished(client.servers.power_off(server))
    finished(group.unassign(made))
    equal(client.servers.get_by_id(server.id).public_net.ipv4, None)
    finished(group.assign(made, assignee_id=server.id, assignee_type="server"))
    refused("primary_ip_already_assigned", group.assign, made, assignee_id=server.id)
    elsewhere = group.create(type="ipv4", name="far", location=Location(name="hel1")).primary_ip
    finished(group.unassign(made))
    refused("primary_ip_datacenter_mismatch", group.assign, elsewhere, assignee_id=server.id)
    group.delete(elsewhere)
    bound = finished(group.create(type="ipv4", name="two", assignee_id=server.id, assignee_type="server")).primary_ip
    equal(group.get_by_id(bound.id).assignee_id, server.id)
    equal(len(group.get_list(page=1, per_page=2)[0]), 2)
    finished(client.servers.delete(server))
    refused("not_found", group.get_by_id, six.id)
    group.delete(bound)
    group.delete(made)


def floating(client):
    group = client.floating_ips
    made = group.create(type="ipv4", name="roams", description="of web", home_location=FALKENSTEIN).floating_ip
    equal((made.description, made.home_location.name, made.server, made.blocked), ("of web", "fsn1", None, False))
    lifecycle(group, made)
    equal(group.update(made, description="of all").description, "of all")
    server = order(client, "web")
    finished(group.assign(made, server))
    equal(group.get_by_id(made.id).server.id, server.id)
    equal([one.id for one in client.servers.get_by_id(server.id).public_net.floating_ips], [made.id])
    finished(group.change_dns_ptr(made, made.ip, "roams.example.org"))
    equal(group.get_by_id(made.id).dns_ptr, [{"ip": made.ip, "dns_ptr": "roams.example.org"}])
    finished(group.change_protection(made, delete=True))
    refused("protected", group.delete, made)
    finished(group.change_protection(made, delete=False))
    refused("must_be_unassigned", group.delete, made)
    finished(group.unassign(made))
    told_actions(group, made)
    group.delete(made)
    six = finished(group.create(type="ipv6", server=server)).floating_ip
    equal((six.ip.endswith("::/64"), group.get_by_id(six.id).server.id), (True, server.id))
    finished(client.servers.delete(server))
    equal(group.get_by_id(six.id).server, None)
    group.delete(six)
